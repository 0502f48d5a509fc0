"""Lists that config maps, whatever they are made of: rows become entries, what was lost is told, the next page is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import ClassVar, cast
from urllib.parse import urljoin

from pydantic import BaseModel

from syncd.core.shape import shape_of
from syncd.errors import ReadFailed
from syncd.model import Entry, Problem
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.sources.detail import Pages
from syncd.sources.html import join
from syncd.sources.mapping import Fields, ListOptions, Paging, entry_of
from syncd.sources.picks import Pick, Row
from syncd.sources.raw import Naming, RawEntry, bounded, entries, identified, naming
from syncd.web.api import Answer

LOST = 0.5
"""A list of which a greater share of rows can't be read was redesigned: it is not understood, rather than half read."""
_HINT = "the list was redesigned, or another page came in its place; syncd source new proposes a mapping"


ReadListing = Callable[..., Listing]
"""What the child runs for a list, given its bytes, content type and address, the options, and how its rows are named."""


class MappedSource:
    """A list that config maps. `Kind(config, tools)`; see sources.api.Source. A subclass states `kind`, `Options` and
    `reading`, a function of its module that the child runs."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str]
    Options: ClassVar[type[BaseModel]]
    reading: ClassVar[ReadListing]

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self._config, self._tools = config, tools
        self._options = cast(ListOptions, config.options)
        self._pages = Pages(tools, self._options.full_text, self._options.detail)

    async def parse(self, answer: Answer) -> Listing:
        """As Source.parse; all of the work on bytes is done in the child."""
        by = naming(self._config, self._tools, "list", self._options.dates)
        body, sort = answer.body, answer.header("content-type")
        return cast(Listing, await self._tools.run(type(self).reading, body, sort, answer.url, self._options, by))

    def page_of(self, entry: Entry) -> str:
        """As options.full_text and options.detail say."""
        return self._pages.address(entry)

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page."""
        return await self._pages.read(entry, answer)


def listing(
    rows: Sequence[Row], options: ListOptions, *, by: Naming, at: str, problems: list[Problem],
    next: str, title: str = "", place: Callable[[int], str], keys: Sequence[Collection[str]] = (),
) -> Listing:
    """The list of rows as mapped. at: its address. place: what a row is called, by its number. keys: what each row itself
    carries; of rows that have no keys of their own, what the mapping finds in them counts.

    Raises ReadFailed: too_many_entries, not_understood where most rows lack what an entry needs, or all of them their date.
    """
    if len(rows) > options.max_entries:
        hint = "raise options.max_entries if that is right"
        raise ReadFailed("too_many_entries", f"it has {len(rows)} rows, more than {options.max_entries}", hint=hint, where=at)
    told: list[Problem] = []
    found = [one for n, row in enumerate(rows) if (one := entry_of(row, options.fields, place(n), told))]
    _refuse_what_lost_its_fields(rows, found, options, told, at)
    problems += told
    known = identified(found, problems)
    reads = options.full_text != "never"
    shape = shape_of(keys if any(keys) else [carried(row, options.fields) for row in found])
    return Listing(entries(known, by, problems, reads=reads), bounded(problems), title, None, next, shape=shape)


def carried(row: RawEntry, fields: Fields) -> list[str]:
    """The mapped fields that a row holds, each with the pick that found it, as in "issuer (td.org)"."""
    bonds = {f"relations.{relation.bond}" for relation in row.relations}
    has = {name for name in Fields.model_fields if getattr(row, name)} | bonds
    has -= {"key"} if row.key == row.url else set()  # then its address stands in for it
    return [f"{name} ({pick.at})" for name, pick in fields.picks() if name in has]


def _refuse_what_lost_its_fields(
    rows: Sequence[Row], found: Sequence[RawEntry], options: ListOptions, told: Sequence[Problem], at: str
) -> None:
    if len(rows) - len(found) > LOST * len(rows):
        lost = "none" if not found else f"only {len(found)}"
        raise _lost(f"{lost} of its {len(rows)} rows can be read", "bad_entry", told, at)
    if found and options.fields.published and not any(row.published for row in found):
        raise _lost(f"none of its {len(found)} rows has a date", "no_date", told, at)


def _lost(what: str, reason: str, told: Sequence[Problem], at: str) -> ReadFailed:
    first = next(problem for problem in told if problem.reason == reason)
    return ReadFailed("not_understood", what, hint=f"{first.where}: {first.hint}; {_HINT}", where=at)


def next_page(whole: Row, paging: Paging | None, asked: str, rows: int) -> str:
    """The address of the page of older rows, "" on the last one. asked: the address of this page. rows: how many it shows."""
    if paging is None:
        return ""
    if paging.next:
        return whole.address(paging.next)
    number = _number(paging, asked)
    count = _count(whole, paging.count)
    last = paging.first + (count - 1) * paging.step if count else None
    following = number + paging.step
    if not rows or (last is not None and following > last):
        return ""
    return join(asked, paging.url.replace("{page}", str(following)))


def is_behind_the_first(paging: Paging | None, asked: str) -> bool:
    """Whether an address is of a page behind the list's first one: only such a page may be empty."""
    return paging is not None and bool(paging.url) and _number(paging, asked) > paging.first


def _number(paging: Paging, asked: str) -> int:
    """Which page an address is; one that is not of the form is the first."""
    before, _, after = urljoin(asked, paging.url.replace("{page}", _MARK)).partition(_MARK)
    found = re.fullmatch(f"{re.escape(before)}(\\d{{1,9}}){re.escape(after)}", asked)
    return int(found[1]) if found else paging.first


_MARK = "0page0"


def _count(whole: Row, count: int | Pick) -> int:
    if isinstance(count, int):
        return count
    text = whole.text(count)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
