"""Building: an entry and its page become one clean Content, with the list of files that belong to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import cast
from urllib.parse import unquote, urldefrag, urlsplit

from syncd.content.api import Fetched
from syncd.content.clean import Cleaned, clean, plain, unlink_pictures
from syncd.content.text import text_of
from syncd.model import AttachmentLink, Content, Entry, Instant, Precision, Relation
from syncd.sources.api import Page, Run

DOCUMENTS = frozenset(
    {"pdf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "ofd", "wps", "et", "dps", "zip", "rar", "7z", "txt", "csv"},
)
"""Endings of links that are attachments of a document."""
_FINER = {Precision.DAY: 0, Precision.MINUTE: 1, Precision.SECOND: 2}
_AT_ONCE = 200_000
"""Characters up to which HTML is cleaned in this process (some milliseconds); more goes to the child."""


class ContentBuilder:
    """Merges an entry with its page (content.api.Builder). run: the child for large pages; None cleans all here."""

    def __init__(self, run: Run | None = None) -> None:
        self._run = run

    async def build(self, entry: Entry, page: Page | None) -> tuple[Content, tuple[AttachmentLink, ...]]:
        """The content without its media, and the links to fetch; `complete` joins them when they were fetched.

        Raises ReadFailed body_too_large, body_too_deep, or a reason parse_* of the child.
        """
        shown = page or Page(url=entry.url)
        base = shown.url or entry.url
        cleaned, text = await self._clean(shown.html or entry.content_html, base)
        content = Content(
            title=plain(shown.title or entry.title),
            html=cleaned.html,
            text=text,
            url=entry.url or base,
            issuer=plain(shown.issuer or entry.issuer),
            document_number=plain(shown.document_number or entry.document_number),
            index_number=plain(shown.index_number or entry.index_number),
            origin_name=plain(shown.origin_name),
            written=plain(shown.written or entry.written),
            summary=plain(text_of(entry.summary)),
            categories=tuple(filter(None, map(plain, shown.categories or entry.categories))),
            published=earliest_known(entry.published, shown.published),
            updated=shown.updated or entry.updated,
            validity=plain(shown.validity),
            relations=tuple(dict.fromkeys(map(_plainly, entry.relations + shown.relations))),
        )
        return content, _files(cleaned, entry.attachments + shown.attachments)

    async def _clean(self, html: str, base: str) -> tuple[Cleaned, str]:
        if self._run is None or len(html) <= _AT_ONCE:
            return clean_and_read(html, base)
        return cast(tuple[Cleaned, str], await self._run(clean_and_read, html, base))


def clean_and_read(html: str, base_url: str) -> tuple[Cleaned, str]:
    """Clean HTML and its visible text: one job for the child."""
    cleaned = clean(html, base_url)
    return cleaned, text_of(cleaned.html)


def complete(content: Content, fetched: Fetched) -> Content:
    """The content with its fetched media and losses; pictures that could not be had become links."""
    had = {media.url for media in fetched.media}
    losses = (*content.losses, *fetched.losses)
    if "<img" not in content.html:  # as the sanitiser writes it: there is nothing to be unlinked
        return replace(content, media=fetched.media, losses=losses)
    html = unlink_pictures(content.html, had.__contains__)
    return replace(content, html=html, text=text_of(html), media=fetched.media, losses=losses)


def earliest_known(listed: Instant | None, told: Instant | None) -> Instant | None:
    """The instant of publication: the finer one if it lies within the coarser one, else the earlier one.

    listed: what the list says; told: what the page says.
    """
    if listed is None or told is None:
        return listed or told
    coarse, fine = sorted((listed, told), key=lambda instant: _FINER[instant.precision])
    if fine.precision is not coarse.precision and coarse.earliest <= fine.at < coarse.latest:
        return fine
    return min((told, listed), key=lambda instant: instant.at)


def _plainly(told: Relation) -> Relation:
    return replace(told, number=plain(told.number), url=told.url.strip(), title=plain(told.title))


def _files(cleaned: Cleaned, declared: tuple[AttachmentLink, ...]) -> tuple[AttachmentLink, ...]:
    """Documents linked in the body, declared ones, then pictures; each address once."""
    linked = (link for link in cleaned.links if ending(link.url) in DOCUMENTS or ending(link.title) in DOCUMENTS)
    offered = (link for link in declared if link.url.startswith(("http://", "https://")))
    found: dict[str, AttachmentLink] = {}
    for link in (*linked, *offered, *cleaned.images):
        found.setdefault(urldefrag(link.url).url, link)
    return tuple(found.values())


def ending(url: str) -> str:
    """The ending of a URL's file name, or of a file's name, in lower case without its dot, or ""."""
    try:
        return PurePosixPath(unquote(urlsplit(url).path)).suffix.lower().lstrip(".").strip()
    except ValueError:  # a title may look like a broken address
        return ""
