"""The door of `syncd read`: bytes from anywhere, their shape recognised, nothing configured; a list, or one document's page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from syncd.core.identity import aliases
from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources import registry
from syncd.sources.api import Listing, Page, Source, SourceConfig, Tools
from syncd.sources.decode import decode
from syncd.sources.govcn_list import is_filled_library, is_list
from syncd.sources.govcn_page import is_page
from syncd.web.api import Answer

_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>|<!--.*?-->|\s)*(?:<!DOCTYPE\s+html|<html)", re.IGNORECASE | re.DOTALL)
_OF_A_DOCUMENT = re.compile(
    r"""(?:name|property|itemprop)\s*=\s*["']?(?:ArticleTitle|article:published_time|articleBody)\b"""
    r"""|\b(?:id|class)\s*=\s*["']?[^"'>]*\b(?:UCAP-CONTENT|trs_editor_view|TRS_Editor|pages_content)\b""",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape that bytes are known by. kind: the kind of source that reads them. is_page: they are one document's page.

    fits: whether a text has it; it is given the text and, where that is JSON, its value, else None.
    """

    kind: str
    fits: Callable[[str, Any], bool]
    is_page: bool = False


SHAPES = (
    Shape("govcn", lambda text, value: is_list(value) or is_filled_library(value)),
    Shape("govcn", lambda text, value: is_page(text), is_page=True),
    Shape("feed", lambda text, value: bool(_PAGE.match(text) and _OF_A_DOCUMENT.search(text)), is_page=True),
)
"""Tried in this order."""
FEED = Shape("feed", lambda text, value: True)
"""What looks like nothing: the feed's errors say most."""


def shape_of(data: bytes, content_type: str = "") -> Shape:
    """The shape of a body, FEED when it looks like nothing."""
    try:
        text = decode(data, content_type).text.lstrip("\ufeff \t\r\n")
    except ReadFailed:
        return FEED
    value = _value(text) if text[:1] in ("[", "{") else None
    return next((shape for shape in SHAPES if shape.fits(text, value)), FEED)


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def recognise(data: bytes, content_type: str = "") -> str:
    """The kind of source that a body looks like."""
    return shape_of(data, content_type).kind


async def read_bytes(kind: str | None, data: bytes, *, url: str, content_type: str, name: str, tools: Tools) -> Listing:
    """The listing of a body. kind: a registered kind, or None to recognise it.

    url: where it came from, for relative links; name: the source's name for aliases and messages. Raises what
    Source.parse raises, and ConfigError for an unknown kind.
    """
    shape = Shape(kind, FEED.fits) if kind else shape_of(data, content_type)
    source = registry.load(shape.kind)(SourceConfig(name, url), tools)
    answer = answer_of(data, url=url, content_type=content_type, tools=tools)
    return await (page_as_listing(source, answer, url or name, name) if shape.is_page else source.parse(answer))


async def page_as_listing(source: Source, answer: Answer, key: str, name: str) -> Listing:
    """A document's page as a list of one entry. key: its address, or what it is called where it has none. name: the
    source's, for its aliases."""
    url = key if key.startswith(("http://", "https://")) else ""
    page = await source.read_page(Entry(key, "", url), answer)
    return Listing((entry_of_page(page, key, name),), page.problems, page.title)


def entry_of_page(page: Page, key: str, source: str) -> Entry:
    """All that a page tells, as an entry."""
    url = page.moved or page.url
    return Entry(
        key=key,
        title=page.title,
        url=url,
        published=page.published,
        updated=page.updated,
        summary=page.withdrawn,
        content_html=page.html,
        categories=page.categories,
        issuer=page.issuer,
        document_number=page.document_number,
        index_number=page.index_number,
        written=page.written,
        attachments=page.attachments,
        withdrawn=bool(page.withdrawn),
        relations=page.relations,
        aliases=aliases(
            source,
            key,
            url=url,
            title=page.title,
            issuer=page.issuer,
            number=page.document_number,
            index=page.index_number,
            written=page.written,
        ),
    )


def answer_of(data: bytes, *, url: str, content_type: str, tools: Tools) -> Answer:
    """The bytes as if a server had sent them now."""
    headers = ((b"content-type", content_type.encode("latin-1", "replace")),) if content_type else ()
    now = tools.now()
    return Answer(status=200, url=url, headers=headers, body=data, started=now, ended=now)
