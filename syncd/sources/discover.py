"""What an address may be mapped as: feeds that a page links to, the list in a JSON answer, the rows that repeat on a page.

Pure heuristics over bytes; each proposal is tried by reading before it is shown (syncd source new)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from syncd.errors import ReadFailed
from syncd.sources.decode import decode
from syncd.sources.discover_html import find_rows, linked_feeds
from syncd.sources.discover_json import find_list
from syncd.sources.html import Html
from syncd.sources.json_rows import load
from syncd.sources.local import SHAPES


@dataclass(frozen=True, slots=True)
class Proposal:
    """A way to read an address. options: as in config. notes: what a person should look at."""

    kind: str
    url: str
    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at an address. proposals: the likeliest first. missing: what could not be found, in words."""

    proposals: tuple[Proposal, ...]
    missing: tuple[str, ...] = ()
    title: str = ""


def look(data: bytes, content_type: str, url: str) -> Look:
    """What a body may be read as; the function that the child runs. Raises ReadFailed when it can't be read at all."""
    if not data.strip():
        raise ReadFailed("empty_body", "the body is empty", where=url, hint="open the address in a browser")
    text = decode(data, content_type).text.lstrip("\ufeff \t\r\n")
    if text[:1] != "<":
        return _json(text, url)
    if not _is_html(text):
        return Look((Proposal("feed", url),))
    return _html(data, content_type, url)


def _is_html(text: str) -> bool:
    start = text[:2000].lower()
    return "<html" in start or "<!doctype html" in start or "<body" in start or "<div" in start or "<ul" in start


def _json(text: str, url: str) -> Look:
    value = load(text)
    known = next((shape for shape in SHAPES if shape.fits(text, value) and not shape.is_page), None)
    if known:
        return Look((Proposal(known.kind, url),))
    feed = (Proposal("feed", url),) if isinstance(value, dict) and "items" in value and "version" in value else ()
    options, notes, missing = find_list(value, url)
    found = (Proposal("json", url, options, tuple(notes)),) if options else ()
    return Look((*feed, *found), tuple(missing))


def _html(data: bytes, content_type: str, url: str) -> Look:
    page = Html(data, content_type=content_type, url=url)
    feeds = tuple(Proposal("feed", feed, {}, (f"linked on the page as {title!r}",)) for feed, title in linked_feeds(page))
    options, notes, missing = find_rows(page)
    found = (Proposal("html", url, options, tuple(notes)),) if options else ()
    return Look((*feeds, *found), tuple(missing), page.text("title"))


