"""Any list on a web page, mapped in config by CSS selectors."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar, Self

from pydantic import BaseModel, model_validator

from syncd.errors import ReadFailed
from syncd.expressions import css_fault
from syncd.sources.api import Listing
from syncd.sources.declared import MappedSource, listing, next_page
from syncd.sources.html import Html, squeeze
from syncd.sources.html_rows import HtmlRow
from syncd.sources.mapping import ListOptions, refuse_faults
from syncd.sources.picks import Pick
from syncd.sources.raw import Naming

_LOADED = re.compile(r"""["']([^"'\s<>]{1,200}(?:\.json|/api/|/search/|\.do\b|ajax)[^"'\s<>]{0,200})["']""")
_WRITTEN = re.compile(
    r"document\.write|innerHTML|\$\.(?:ajax|get|post)|fetch\(|XMLHttpRequest|axios|createApp|new Vue|__NEXT_DATA__"
)
_FEW_WORDS = 400
"""Characters of a page that shows next to nothing before its scripts have run."""
_TITLE, _FEW_TITLES = 8, 3
"""A page with so many links of so many characters shows a list, if another one."""
_NAMED = 3


class HtmlOptions(ListOptions):
    """What `options` of a list on a web page takes."""

    list: str
    """Selector of its rows, each of which is one entry."""

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if not self.list.strip():
            raise ValueError("list must be a selector")
        if self.paging and self.paging.url and not self.paging.count:
            raise ValueError("paging.count must say how many pages there are, or where that stands: none of HTML is empty")
        refuse_faults([("list", Pick(self.list))], css_fault)
        self.refuse(css_fault)
        return self


def read_listing(data: bytes, content_type: str, url: str, options: HtmlOptions, by: Naming) -> Listing:
    """A list's entries; the function that the child runs.

    Raises ReadFailed: empty_body, too_large, bad_encoding, too_many_entries, not_understood.
    """
    page = Html(data, content_type=content_type, url=url)
    found = [HtmlRow(page, node) for node in page.select(options.list)]
    if not found:
        raise _no_rows(page, options.list)
    rows = [row for row in found if not _is_between(row, options)] or found
    following = next_page(HtmlRow(page), options.paging, url, len(rows))
    title = page.text("title")
    told = listing(
        rows, options, by=by, at=url, problems=list(page.decoded.problems), next=following, title=title,
        place=lambda n: f"{options.list}[{n}]",
    )
    return replace(told, hubs=page.linked("hub"), topic=next(iter(page.linked("self")), ""))


def _is_between(row: HtmlRow, options: HtmlOptions) -> bool:
    """A line between the rows, the head of a table: it holds no link at all."""
    node = row.node
    return node is not None and not node.attributes.get("href") and node.css_first("a[href]") is None and not row.text(
        options.fields.key)


def _no_rows(page: Html, selector: str) -> ReadFailed:
    """The failure of a page without rows, with what it shows instead."""
    shown = page.text("title")[:120]
    seen = f"a page titled {shown!r}" if shown else "a page without a title"
    told = f"options.list {selector!r} finds no row on {seen}"
    return ReadFailed("not_understood", "the page shows no list", where=page.base, hint=f"{told}; {_why(page)}")


def _why(page: Html) -> str:
    scripts = " ".join(node.text() for node in page.tree.css("script"))
    body = page.tree.body
    text = squeeze(body.text(skip_empty=True)) if body is not None else ""
    words = len(text) - len(squeeze(scripts))
    titles = [node for node in page.tree.css("a[href]") if len(squeeze(node.text())) >= _TITLE]
    if scripts and len(titles) < _FEW_TITLES and (words < _FEW_WORDS or _WRITTEN.search(scripts)):
        named = list(dict.fromkeys(_LOADED.findall(scripts)))[:_NAMED]
        told = f" (its scripts name {', '.join(named)})" if named else ""
        return ("its rows are not in the HTML: scripts seem to make them. Find the JSON that the page loads"
                f"{told} and use kind = \"json\" with that address")
    return "it was redesigned, or is a barrier: open it in a browser; syncd source new proposes a mapping"


class HtmlSource(MappedSource):
    """A list on a web page."""

    kind: ClassVar[str] = "html"
    Options: ClassVar[type[BaseModel]] = HtmlOptions
    reading = staticmethod(read_listing)
