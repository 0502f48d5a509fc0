"""The files of a node in Drupal: sent to its file fields, known again by their names, removed with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from syncd.adapters.article import Article, Attached, File, is_ours, name_of
from syncd.adapters.drupal.jsonapi import data_of, named
from syncd.adapters.drupal.node import Node
from syncd.adapters.drupal.options import Options
from syncd.adapters.json_api import JsonApi
from syncd.model import Media

Held = dict[str, list[Mapping[str, Any]]]


class Shelf:
    """Puts files into a node's fields. A file that no node refers to is removed by Drupal's own cron after some hours, so
    that a lost answer leaves nothing behind."""

    def __init__(self, api: JsonApi, options: Options) -> None:
        self._api = api
        self._options = options
        self.fields = tuple(dict.fromkeys(name for name in (options.files_field, options.images_field) if name))

    async def send(self, media: Media, data: bytes) -> File:
        """Raises Rejected for a file that Drupal refuses."""
        path = f"/node/{self._options.bundle}/{self.field_of(media)}"
        told = await self._api.upload(path, data, named(name_of(media)))
        try:
            return _file(data_of(told))
        except (KeyError, TypeError) as cause:
            raise self._api.garbled(told.answer, writes=True) from cause

    def ours(self, node: Node, files: Iterable[File]) -> tuple[File, ...]:
        """The files of ours that a node refers to."""
        held = {each.get("id") for name in self.fields for each in node.related(name)}
        return tuple(file for file in files if file.id in held and is_ours(file.name))

    def fields_of(self, files: Iterable[Attached], before: Article | None = None) -> Held:
        """What each file field shall hold: the files, and what editors put there."""
        made = {name: _editors(name, before) for name in self.fields}
        for each in files:
            name = self.field_of(each.media)
            meta = _meta(each.media, image=name == self._options.images_field)
            made[name].append({"type": "file--file", "id": each.file.id, "meta": meta})
        return made

    def field_of(self, media: Media) -> str:
        """Where a file goes, "" nowhere."""
        if media.type.startswith("image/") and self._options.images_field:
            return self._options.images_field
        return self._options.files_field


def included(value: Mapping[str, Any]) -> list[File]:
    """The files that came along with a node."""
    resources = value.get("included")
    found = resources if isinstance(resources, list) else []
    return [_file(each) for each in found if isinstance(each, dict) and each.get("type") == "file--file"]


def _editors(name: str, before: Article | None) -> list[Mapping[str, Any]]:
    if before is None:
        return []
    ours = {file.id for file in before.files}
    return [each for each in before.native.related(name) if each.get("id") not in ours]


def _file(data: Any) -> File:
    told = data["attributes"]
    return File(str(data["id"]), str(told["uri"]["url"]), str(told["filename"]))


def _meta(media: Media, *, image: bool) -> Mapping[str, str]:
    words = (media.title or media.name)[:255]
    return {"alt": words} if image else {"description": words}
