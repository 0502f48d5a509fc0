"""The files of a node in Drupal: sent to its file fields, known again by their names, removed with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from syncd.adapters.drupal.jsonapi import data_of, named
from syncd.adapters.drupal.node import Node
from syncd.adapters.drupal.options import Options
from syncd.adapters.json_api import JsonApi
from syncd.adapters.markup import path_name
from syncd.errors import AdapterError, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Media, Post

_LONGEST_STEM = 60


@dataclass(frozen=True, slots=True)
class File:
    """A file that a node refers to, or that was sent for one."""

    id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Placed:
    """addresses: local by source address. fields: what each file field shall hold. losses: what Drupal refused.

    left: files of ours that the fields don't hold any more.
    """

    addresses: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    losses: tuple[str, ...] = ()
    left: tuple[File, ...] = ()


class Shelf:
    """Puts files into a node's fields. A file that no node refers to is removed by Drupal's own cron after some hours, so
    that a lost answer leaves nothing behind."""

    def __init__(self, api: JsonApi, options: Options) -> None:
        self._api = api
        self._options = options
        self.fields = tuple(dict.fromkeys(name for name in (options.files_field, options.images_field) if name))

    async def place(self, post: Post, bytes_of: Mapping[str, bytes], node: Node | None, held: Iterable[File]) -> Placed:
        """Send what is not there yet. held: the files that the node's fields hold. Editors' own files stay.

        Raises NotApplied when an answer was lost, Rejected("media") for a file that Drupal refuses, unless refused_files is
        link.
        """
        known = {file.name: file for file in held}
        ours = {each.id for each in known.values() if _is_ours(each.name)}
        fields: dict[str, list[Mapping[str, Any]]] = {
            name: [each for each in (node.related(name) if node else ()) if each.get("id") not in ours] for name in self.fields
        }
        addresses: dict[str, str] = {}
        losses: list[str] = []
        used: set[str] = set()
        for media in post.media:
            name = self._field_of(media)
            try:
                file = _held(known, media) or await self._send(name, media, bytes_of[media.sha256])
            except Rejected as refused:
                if self._options.refused_files == "reject" and name:
                    raise
                losses.append(f"{media.name} stays a link to the source: {refused.message}")
                continue
            addresses[media.url] = file.url
            used.add(file.id)
            meta = _meta(media, image=name == self._options.images_field)
            fields[name].append({"type": "file--file", "id": file.id, "meta": meta})
        left = tuple(file for file in known.values() if file.id in ours - used)
        return Placed(addresses, fields, tuple(losses), left)

    async def tidy(self, files: Iterable[File]) -> tuple[str, ...]:
        """Remove files of ours that no node refers to any more; what could not be removed comes back in words."""
        left = []
        for file in files:
            try:
                await self._api.delete(f"/file/file/{file.id}")
            except NotFound:
                continue
            except AdapterError as error:
                left.append(f"{file.name} may still be there: {error.message}")
        return tuple(left)

    def _field_of(self, media: Media) -> str:
        if media.type.startswith("image/") and self._options.images_field:
            return self._options.images_field
        return self._options.files_field

    async def _send(self, name: str, media: Media, data: bytes) -> File:
        if not name:
            raise Rejected("media", "no_field", "no field for it is named in files_field or images_field")
        try:
            told = await self._api.upload(f"/node/{self._options.bundle}/{name}", data, named(_name(media)))
            return _file(data_of(told))
        except Rejected as refused:
            raise Rejected("media", "file_refused", refused.message, where=refused.where,
                           hint="allow its type and size in the field's settings (or set refused_files to link)") from refused
        except (Unknown, KeyError, TypeError) as cause:
            raise NotApplied("upload_in_doubt", f"the answer to the upload of {media.name} was lost",
                             hint="nothing refers to the file: Drupal removes it by itself; it is sent again") from cause


def included(value: Mapping[str, Any]) -> list[File]:
    """The files that came along with a node."""
    resources = value.get("included")
    found = resources if isinstance(resources, list) else []
    return [_file(each) for each in found if isinstance(each, dict) and each.get("type") == "file--file"]


def _file(data: Any) -> File:
    told = data["attributes"]
    return File(str(data["id"]), str(told["filename"]), str(told["uri"]["url"]))


def _name(media: Media) -> str:
    """By what is in it, so that it is known again: Drupal adds _0 where a name is taken, and keeps the rest."""
    stem, _, ending = media.name.rpartition(".")
    return f"{path_name(stem[:_LONGEST_STEM], 'file')}-s{media.sha256[:16]}.{ending.lower()}"


def _held(known: Mapping[str, File], media: Media) -> File | None:
    mark = f"-s{media.sha256[:16]}"
    return next((file for name, file in known.items() if mark in name), None)


def _is_ours(name: str) -> bool:
    mark = name.rpartition("-s")[2][:16]
    return len(mark) == 16 and all(letter in "0123456789abcdef" for letter in mark)


def _meta(media: Media, *, image: bool) -> Mapping[str, str]:
    words = (media.title or media.name)[:255]
    return {"alt": words} if image else {"description": words}
