"""The files of a document in a wiki: one page a file, under a name that tells document and bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from syncd.adapters.mediawiki.names import file_name
from syncd.adapters.mediawiki.session import Wiki
from syncd.adapters.multipart import File
from syncd.errors import AdapterError, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Media, Post

_SAME = "fileexists-no-change"


@dataclass(frozen=True, slots=True)
class Placed:
    """names: in the wiki by the address at the source. losses: what the wiki refused, in words."""

    names: Mapping[str, str] = field(default_factory=dict)
    losses: tuple[str, ...] = ()


class Shelf:
    def __init__(self, wiki: Wiki, refused: Literal["reject", "link"]) -> None:
        self._wiki = wiki
        self._refused = refused

    async def place(self, post: Post, bytes_of: Mapping[str, bytes]) -> Placed:
        """Send what is not there yet. Raises NotApplied when an answer was lost, Rejected("media") for a file that the wiki
        refuses, unless refused_files is link."""
        if not post.media:
            return Placed()
        endings = (await self._wiki.opened()).endings
        names = {media.url: file_name(media, post.key) for media in post.media if _ending(media) in endings}
        there = await self._there(names.values()) if names else frozenset()
        losses = []
        for media in post.media:
            try:
                if media.url not in names:
                    raise _unwanted(media, uploads=bool(endings))
                if names[media.url] not in there:
                    await self._send(names[media.url], media, bytes_of[media.sha256], post.key)
            except Rejected as refused:
                if self._refused == "reject" and endings:
                    raise
                names.pop(media.url, None)
                losses.append(f"{media.name} stays a link to the source: {refused.message}")
        return Placed(names, tuple(losses))

    async def remove(self, names: Iterable[str], *, allowed: bool) -> tuple[str, ...]:
        """Files that nothing of ours shows any more; what is left comes back in words."""
        left = []
        for name in names:
            try:
                if not allowed:
                    raise Rejected("", "no_right", "the account may not delete")
                await self._wiki.post("delete", {"title": f"File:{name}", "reason": "syncd", "watchlist": "nochange"})
            except NotFound:
                continue
            except AdapterError as error:
                left.append(f"File:{name} may still be there: {error.message}")
        return tuple(left)

    async def _there(self, names: Iterable[str]) -> frozenset[str]:
        told = await self._wiki.get(
            action="query", prop="imageinfo", iiprop="sha1", titles="|".join(f"File:{name}" for name in names))
        query = told.get("query")
        pages = query.get("pages") if isinstance(query, dict) else ()
        held = (str(each.get("title")) for each in pages or () if each.get("imageinfo"))
        return frozenset(name.partition(":")[2].replace("_", " ") for name in held)

    async def _send(self, name: str, media: Media, data: bytes, key: str) -> None:
        fields = {"filename": name, "ignorewarnings": "1", "comment": f"({key})", "watchlist": "nochange"}
        try:
            done = await self._wiki.post("upload", fields, File("file", name, media.type, data))
        except Rejected as refused:
            if _SAME in refused.message:
                return
            raise Rejected("media", "file_refused", refused.message, where=refused.where,
                           hint="allow its type and size in $wgFileExtensions and upload_max_filesize"
                                " (or set refused_files to link)") from refused
        except Unknown as cause:
            raise NotApplied("upload_in_doubt", f"the answer to the upload of {media.name} was lost",
                             hint="nothing shows the file yet; it is sent again") from cause
        if done.get("result") != "Success":
            raise NotApplied("upload_in_doubt", f"the wiki did not take {media.name} at once: {done.get('result')}",
                             hint="nothing shows the file yet; it is sent again")


def _ending(media: Media) -> str:
    return media.name.rpartition(".")[2].lower()


def _unwanted(media: Media, *, uploads: bool) -> Rejected:
    off = "the wiki takes no files of ours ($wgEnableUploads, the right upload)"
    said = f"the wiki takes no .{_ending(media)}" if uploads else off
    return Rejected("media", "file_refused", said,
                    hint="add its ending to $wgFileExtensions (or set refused_files to link)")
