"""All that a source plug-in imports, in one place that stays: the contract, bytes, rows, pages, and `ListSource`.

Names are added here, and none is taken away while `VERSION` is 1. What else there is in `syncd.sources` may change.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

from pydantic import BaseModel, ConfigDict, Field

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Bond, Entry, Instant, Problem, Relation
from syncd.sources.api import VERSION, Listing, Page, Source, SourceConfig, Tools
from syncd.sources.dates import parse_written, read_instant
from syncd.sources.decode import Decoded, decode
from syncd.sources.html import Html, join, plain, squeeze
from syncd.sources.jsonfeed import read_json
from syncd.sources.page import RawPage, finished, read_html_page
from syncd.sources.raw import Naming, RawEntry, RawList, bounded, entries, identified, naming
from syncd.web.api import Answer

__all__ = [
    "VERSION", "Answer", "AttachmentLink", "Body", "Bond", "Entry", "Html", "Instant", "ListOptions", "ListSource", "Listing",
    "Page", "Problem", "RawEntry", "RawList", "RawPage", "ReadFailed", "Relation", "Source", "SourceConfig", "Tools", "join",
    "parse_written", "plain", "read_instant", "read_json", "squeeze",
]  # fmt: skip

_EMPTY = "open the address in a browser; it is asked again"
_SHAPE = "the publisher may have changed its list, or the address shows something else; nothing was taken from it"


class ListOptions(BaseModel):
    """What every `ListSource` takes; a plug-in's own options are a subclass."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_entries: int = Field(default=10_000, ge=1, le=100_000)
    """A longer list is an error, so that nothing is left out in silence."""


@dataclass(frozen=True, slots=True)
class Body:
    """What the server sent, in the child. content_type: the header's value. url: where it finally came from."""

    data: bytes
    content_type: str
    url: str

    def decoded(self) -> Decoded:
        """Its text, by BOM, UTF-8, declaration, or as Chinese. Raises ReadFailed("bad_encoding"). Carry on its `problems`."""
        found = decode(self.data, self.content_type)
        return replace(found, text=found.text.lstrip("\ufeff"))

    def html(self) -> Html:
        """It as a page, to be asked by CSS selectors. Raises ReadFailed."""
        return Html(self.data, content_type=self.content_type, url=self.url)

    def page(self, selector: str = "") -> RawPage:
        """It as a document's page: title, times and files where sites have them, the text by a CSS selector or by its shape.

        Raises ReadFailed("no_body") when it shows no document.
        """
        return read_html_page(self.html(), selector)

    def unlike(self, seen: str) -> ReadFailed:
        """The error of a body that is no such list. seen: what it is instead, in words: "it has no line 共…件"."""
        return ReadFailed("not_understood", seen, where=self.url, hint=_SHAPE)


class ListSource(ABC):
    """The usual source: rows of a list, each with a page of its own. A subclass states `api_version`, `kind`, `Options` and
    reads a list in `rows`; bytes are taken apart in the child, so `rows` and `document` have nothing but their arguments.

    Done here: an empty body, too many rows, links made absolute and refused unless http(s), titles made plain, keys made
    unique, dates read in the source's zone, bad rows told as Problems.
    """

    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]] = ListOptions

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self.config, self.tools = config, tools
        self.options = config.options if config.options is not None else self.Options()

    @staticmethod
    @abstractmethod
    def rows(body: Body, options: Any) -> RawList:
        """The rows as they stand: titles may hold markup, links may be relative, dates are texts. options: of `Options`.

        Raises ReadFailed when it is no such list (`body.unlike`), above all when it is cut; one bad row is a Problem.
        """

    @staticmethod
    def document(body: Body, options: Any) -> RawPage:
        """A document's page as it stands; unless overridden its main text is found. Raises ReadFailed without one."""
        return body.page()

    async def parse(self, answer: Answer) -> Listing:
        """As Source.parse."""
        by = naming(self.config, self.tools, "list")
        return cast(Listing, await self.tools.run(listed, type(self).rows, _body(answer), self.options, by))

    def page_of(self, entry: Entry) -> str:
        """Its own page, unless the list gave the whole text or says that it is withdrawn."""
        return "" if entry.withdrawn or entry.content_html else entry.url

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page."""
        raw = await self.tools.run(shown, type(self).document, _body(answer), self.options)
        return finished(cast(RawPage, raw), answer.url, self.tools)


def _body(answer: Answer) -> Body:
    return Body(answer.body, answer.header("content-type"), answer.url)


def listed(rows: Callable[[Body, Any], RawList], body: Body, options: Any, by: Naming) -> Listing:
    """What the child runs for a list. rows: of the plug-in. Raises ReadFailed as Source.parse says."""
    _refuse_empty(body)
    raw = rows(body, options)
    if len(raw.entries) > options.max_entries:
        told = f"it has {len(raw.entries)} rows, more than {options.max_entries}"
        raise ReadFailed("too_many_entries", told, where=body.url, hint="raise options.max_entries if that is right")
    problems = list(raw.problems)
    good = identified([row for each in raw.entries if (row := _tidy(each, body.url, problems))], problems)
    if not good:
        raise body.unlike(f"none of its {len(raw.entries)} rows has a title and an address or key")
    made = entries(good, by, problems)
    return Listing(made, bounded(problems), plain(raw.title), raw.ttl, join(body.url, raw.next) if raw.next else "")


def shown(document: Callable[[Body, Any], RawPage], body: Body, options: Any) -> RawPage:
    """What the child runs for a page. Raises ReadFailed as Source.read_page says."""
    _refuse_empty(body)
    raw = document(body, options)
    return replace(raw, title=plain(raw.title))


def _refuse_empty(body: Body) -> None:
    if not body.data.strip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0"):
        raise ReadFailed("empty_body", "the body is empty", where=body.url, hint=_EMPTY)


def _tidy(row: RawEntry, url: str, problems: list[Problem]) -> RawEntry | None:
    """The row with a plain title and absolute links; None, and a Problem, for one without a title or with a link to nowhere."""
    title, link = plain(row.title), join(url, row.url) if row.url.strip() else ""
    if not title:
        problems.append(Problem("entry_without_title", "it has no title; it is left out", row.where))
        return None
    if row.url.strip() and not link:
        told = f"{row.url[:80]!r} is no web address; the row is left out"
        problems.append(Problem("bad_link", told, row.where))
        return None
    files = tuple(replace(file, url=found) for file in row.attachments if (found := join(url, file.url)))
    return replace(row, title=title, url=link, summary=plain(row.summary), attachments=files)
