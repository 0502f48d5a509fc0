"""Documents' own pages, HTML or JSON, as config says and the same for every kind of list: found, read, gone or moved."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import cast
from urllib.parse import unquote, urlsplit

from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources.api import Page, Tools
from syncd.sources.decode import decode
from syncd.sources.html import Html, file_name, join, plain
from syncd.sources.html_rows import HtmlRow
from syncd.sources.json_rows import JsonRow, load, reached
from syncd.sources.mapping import Detail, page_of
from syncd.sources.page import RawPage, files_in, finished, read_html_page
from syncd.sources.picks import Pick, Row, filled, once
from syncd.web.api import Answer


@dataclass(frozen=True, slots=True)
class Pages:
    """Where the pages of a source's documents are, and how they are read. detail: None finds what such pages have in
    common. body_selector: of the text, where there is no detail."""

    tools: Tools
    full_text: str
    detail: Detail | None = None
    body_selector: str = ""

    def address(self, entry: Entry) -> str:
        """What must be read to have the document's text, "" when the list says all: as Source.page_of."""
        if self.full_text == "never" or entry.withdrawn:
            return ""
        if self.full_text == "auto" and entry.content_html and self.detail is None:
            return ""
        if self.detail is None or not self.detail.url:
            return entry.url
        return join(entry.url, filled(self.detail.url, lambda name: _places(entry)[name]))

    async def read(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page. The page's address is the entry's where an API was asked in its place."""
        detail = self.detail or Detail.model_construct(body=Pick(self.body_selector))
        url = entry.url if detail.url and entry.url else answer.url
        raw = await self.tools.run(read_detail, answer.body, answer.header("content-type"), answer.url, url, detail)
        return finished(cast(RawPage, raw), url, self.tools, detail.dates)


def _places(entry: Entry) -> dict[str, str]:
    """ENTRY_PLACES of an entry. name: the last part of the path without its ending."""
    parts, last = urlsplit(entry.url), file_name(entry.url)
    return {
        "url": entry.url,
        "path": unquote(parts.path),
        "host": parts.netloc,
        "query": unquote(parts.query),
        "name": last.rpartition(".")[0] or last,
        "key": entry.key,
        "document_number": entry.document_number,
        "index_number": entry.index_number,
    }


def read_detail(data: bytes, content_type: str, asked: str, url: str, detail: Detail) -> RawPage:
    """A document's page; the function that the child runs. asked: the address of these bytes. url: that of the document.

    Raises ReadFailed: no_body, not_understood …; "document_gone" with status 410 where the page says that the document is.
    """
    if detail.kind == "html":
        page = Html(data, content_type=content_type, url=asked)
        return _ended(HtmlRow(page), detail, asked) or _html_page(page, detail)
    if not data.strip():
        raise ReadFailed("empty_body", "the answer is empty", where=asked, hint="open it in a browser; it is tried again")
    decoded = decode(data, content_type)
    row = JsonRow(load(decoded.text), url)
    found = _ended(row, detail, asked) or _json_page(row, detail, asked)
    return replace(found, problems=(*decoded.problems, *found.problems))


def _ended(row: Row, detail: Detail, asked: str) -> RawPage | None:
    """Where the document went, if the page says so. Raises ReadFailed("document_gone") where it says that there is none."""
    if moved := row.address(detail.redirect):
        return RawPage("", "", "", "", moved=moved)
    if told := row.told(detail.gone):
        hint = "its source says that it is gone: it is withdrawn when a later look shows the same"
        raise ReadFailed("document_gone", f"the page says that the document is gone: {told[:120]!r}", where=asked, hint=hint,
                         status=410)
    return None


def _html_page(page: Html, detail: Detail) -> RawPage:
    """What the picks find, and for the rest what such pages have in common."""
    common = read_html_page(page, detail.body.at, detail.labels)
    told = page_of(HtmlRow(page), detail)
    own = {each.name: value for each in fields(RawPage) if each.name != "html" and (value := getattr(told, each.name))}
    return replace(common, **own)


def _json_page(row: JsonRow, detail: Detail, asked: str) -> RawPage:
    found = page_of(row, detail)
    if not plain(found.html):
        seen = f"options.detail.body {detail.body.at!r} finds no text: {reached(row.value, detail.body.at)}"
        hint = f"{seen}; the answer may be an error or have changed"
        raise ReadFailed("no_body", "the answer shows no document", where=asked, hint=hint)
    return replace(found, attachments=once([*found.attachments, *files_in(found.html, row.base)]))
