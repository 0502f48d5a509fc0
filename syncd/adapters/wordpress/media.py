"""The files of a post in WordPress's media library: each once, found again by its post and slug, removed with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncd.adapters.markup import path_name
from syncd.adapters.wordpress.options import Options
from syncd.adapters.wordpress.rest import Query, Rest, garbled
from syncd.adapters.wordpress.slug import media_slug
from syncd.errors import AdapterError, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Media, Post

_FIELDS = "id,slug,source_url,author"
_PAGE = 100
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_MIME = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,100}")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the files of a post lie. addresses: local by source address. losses: what WordPress refused."""

    addresses: Mapping[str, str]
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _File:
    id: int
    slug: str
    url: str
    author: int


class Shelf:
    """Puts files beside their post. A file belongs to one post only, so that it can go with it."""

    def __init__(self, rest: Rest, options: Options) -> None:
        self._rest = rest
        self._options = options

    async def place(self, id: int, slug: str, post: Post, bytes_of: Mapping[str, bytes]) -> Placed:
        """Upload what is not there yet. Raises NotApplied when an answer was lost: the post is as it was.

        Raises Rejected("media", "file_refused") for a type that WordPress refuses, unless refused_files is link.
        """
        if not post.media:
            return Placed({})
        there = await self._files(id, slug)
        addresses: dict[str, str] = {}
        losses: list[str] = []
        for media in post.media:
            wanted = media_slug(slug, media.sha256)
            known = next((file for file in there if _is_named(file.slug, wanted)), None)
            try:
                addresses[media.url] = known.url if known else await self._upload(id, wanted, media, bytes_of[media.sha256])
            except Rejected as refused:
                if self._options.refused_files == "reject":
                    raise
                losses.append(f"WordPress refuses {media.name}: it stays a link to the source ({refused.message})")
        return Placed(addresses, tuple(losses))

    async def tidy(self, id: int, slug: str, used: frozenset[str], *, me: int, featured: int = 0) -> tuple[str, ...]:
        """Remove files of ours that the post doesn't offer any more, never its featured picture. What could not be
        removed comes back in words: the post stands, and a failure here must not make it look otherwise."""
        left = []
        seen: set[str] = set()
        try:
            for file in await self._files(id, slug):
                twin = file.url in seen
                seen.add(file.url)
                if file.author == me and file.id != featured and (file.url not in used or twin):
                    await self._rest.delete(f"/wp/v2/media/{file.id}", {"force": "true", "_fields": "deleted"})
        except NotFound:
            pass
        except AdapterError as error:
            left.append(f"a file of an older revision may still be there: {error.message}")
        return tuple(left)

    async def _files(self, id: int, slug: str) -> list[_File]:
        """The files of a post that bear our names, oldest first."""
        found: list[_File] = []
        page, pages = 0, 1
        while page < pages:
            page += 1
            query: Query = {"parent": id, "per_page": _PAGE, "page": page, "orderby": "id", "order": "asc",
                            "context": "edit", "_fields": _FIELDS}
            told = await self._rest.get("/wp/v2/media", query)
            if not isinstance(told.value, list):
                raise garbled(told.answer, writes=False)
            found += [_file(each) for each in told.value]
            pages = told.pages
        return [file for file in found if file.slug.startswith(f"{slug}-f")]

    async def _upload(self, id: int, slug: str, media: Media, data: bytes) -> str:
        query: Query = {"slug": slug, "post": id, "title": media.title or media.name, "alt_text": media.title,
                        "_fields": _FIELDS}
        name = media.name if _NAME.fullmatch(media.name) else f"{path_name(media.name, 'file')}{_ending(media.name)}"
        type_ = media.type if _MIME.fullmatch(media.type) else "application/octet-stream"
        try:
            told = await self._rest.upload("/wp/v2/media", query, data, name=name, type=type_)
            return _file(told.value).url
        except (Unknown, KeyError, TypeError, ValueError) as cause:
            raise NotApplied("upload_in_doubt", f"the answer to the upload of {media.name} was lost",
                             hint="the text is not changed; the file is looked for before it is sent again") from cause


def _is_named(slug: str, wanted: str) -> bool:
    return slug == wanted or bool(re.fullmatch(rf"{re.escape(wanted)}-[0-9]{{1,3}}", slug))


def _ending(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return f".{ending}" if ending.isascii() and ending.isalnum() and len(ending) <= 8 else ""


def _file(told: Any) -> _File:
    return _File(int(told["id"]), str(told["slug"]), str(told["source_url"]), int(told.get("author") or 0))
