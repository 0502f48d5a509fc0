"""What the child hands back: slim texts of a list as they stand, and how they become entries in the parent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import attrgetter

from syncd.core.identity import aliases
from syncd.core.schedule import NO_SKIPS, Skips
from syncd.core.shape import Shape
from syncd.model import AttachmentLink, Entry, Problem, Relation
from syncd.sources.api import SourceConfig, Tools
from syncd.sources.dateform import LADDER, DateForm, instant, written
from syncd.sources.dates import is_ahead
from syncd.sources.html import squeeze
from syncd.sources.memo import Memo

_LONGEST = 2_000
_MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One row as the list's own words; links are absolute, title and summary plain text, dates (written too) raw."""

    where: str
    key: str
    title: str
    url: str
    published: str = ""
    updated: str = ""
    summary: str = ""
    description_html: str = ""
    content_html: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    attachments: tuple[AttachmentLink, ...] = ()
    withdrawn: bool = False
    issuer: str = ""
    document_number: str = ""
    index_number: str = ""
    written: str = ""
    relations: tuple[Relation, ...] = ()


_told = attrgetter(*[one.name for one in fields(RawEntry) if one.name != "where"])
"""All that the list says in a row, in the order of the fields."""


def placed(row: RawEntry, where: str) -> RawEntry:
    """The row at another place of the list. A third of the cost of `replace`, for all rows of each list that changed."""
    return RawEntry(where, *_told(row))


@dataclass(frozen=True, slots=True)
class RawList:
    """A list as the child read it. ttl: seconds or None. next: the address of the page behind it, or "". skips: when it
    asks not to be read. hubs, topic: as of a Listing. shape: its own keys, with the share of the rows that carry each."""

    entries: tuple[RawEntry, ...]
    problems: tuple[Problem, ...] = ()
    title: str = ""
    ttl: float | None = None
    next: str = ""
    skips: Skips = NO_SKIPS
    hubs: tuple[str, ...] = ()
    topic: str = ""
    shape: Shape = ()


def identified(rows: Iterable[RawEntry], problems: list[Problem]) -> list[RawEntry]:
    """Rows with keys that are unique in the list: guids that all rows share give way to links, repeats are told.

    A row with neither guid nor link has no identity: it is left out, with a Problem.
    """
    known = [_keyed(row, squeeze(row.key)) for row in rows]
    keys = Counter(row.key for row in known if row.key and not row.withdrawn)
    shared = {key for key, count in keys.items() if count > 1}
    found: dict[str, RawEntry] = {}
    for row in known:
        key = row.url or row.key if row.key in shared else row.key or row.url
        if not key:
            problems.append(
                Problem("entry_without_id", f"{row.title[:60]!r} has no guid, id or link; it is left out", row.where)
            )
        elif max(len(key), len(row.title), len(row.url)) > _LONGEST:
            hint = f"its title, id or address is longer than {_LONGEST} characters; it is left out"
            problems.append(Problem("bad_entry", hint, row.where))
        elif key in found:
            problems.append(
                Problem("duplicate_entry", f"{row.title[:60]!r} is shown twice; the first one counts", row.where)
            )
        else:
            found[key] = _keyed(row, key)
    return list(found.values())


def _keyed(row: RawEntry, key: str) -> RawEntry:
    return row if row.key == key else replace(row, key=key)


def bounded(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The first hundred problems and how many more there are: ten thousand bad rows are one thing to tell."""
    every = list(problems)
    more = len(every) - _MOST_PROBLEMS
    if more <= 0:
        return tuple(every)
    return (*every[:_MOST_PROBLEMS], Problem("more_problems", f"and {more} more; see them with syncd read", "list"))


@dataclass(frozen=True, slots=True)
class Naming:
    """What a list's rows are named and dated by. origin: "feed" or "list". zone: for dates without one, and who says so.
    dates: their form where config tells it. now: the clock, None to let any future pass; it is no part of what rows are
    known by.
    """

    source: str
    origin: str
    zone: str
    zone_origin: str
    dates: DateForm = LADDER
    now: datetime | None = field(default=None, compare=False)


def naming(config: SourceConfig, tools: Tools, origin: str, dates: DateForm = LADDER) -> Naming:
    return Naming(config.name, origin, tools.zone, tools.zone_origin, dates, tools.now())


_known: Memo[Entry] = Memo()


def entries(rows: Sequence[RawEntry], by: Naming, problems: list[Problem], *, reads: bool = True) -> tuple[Entry, ...]:
    """Entries with instants and aliases; a date that can't be used is a Problem. reads: documents' own pages are read."""
    links = Counter([row.url for row in rows if not row.withdrawn])
    return tuple([_entry(row, by, problems, own_url=links[row.url] <= 1, reads=reads) for row in rows])


def _entry(row: RawEntry, by: Naming, problems: list[Problem], *, own_url: bool, reads: bool) -> Entry:
    name = (_told(row), by, own_url, reads)
    known = _known.find(name)
    if known is not None and not _is_early(known, by.now):
        return known
    before = len(problems)
    entry = _made(row, by, problems, own_url=own_url, reads=reads)
    if len(problems) == before:  # what is wrong with a row must be told each time
        _known.keep(name, entry, len(row.content_html) + len(row.description_html) + len(row.summary))
    return entry


def _is_early(known: Entry, now: datetime | None) -> bool:
    """Whether a clock that was set back puts the row's times ahead of it."""
    return any(told is not None and is_ahead(told, now) for told in (known.published, known.updated))


def _content(row: RawEntry, *, reads: bool) -> str:
    """A description is the content where no page will be read; else it is only a summary."""
    return row.content_html or ("" if row.url and reads else row.description_html)


def _made(row: RawEntry, by: Naming, problems: list[Problem], *, own_url: bool, reads: bool) -> Entry:
    published, updated = (
        instant(
            raw,
            by.dates,
            zone=by.zone,
            zone_origin=by.zone_origin,
            origin=by.origin,
            where=f"{row.where}.{name}",
            problems=problems,
            now=by.now,
        )
        for raw, name in ((row.published, "published"), (row.updated, "updated"))
    )
    signed = written(row.written, by.dates, by.zone)
    if row.written and not signed:
        problems.append(Problem("bad_date", f"{row.written[:80]!r} is no date; none was taken", f"{row.where}.written"))
    return Entry(
        key=row.key,
        title=row.title,
        url=row.url,
        published=published,
        updated=updated,
        summary=row.summary,
        content_html=_content(row, reads=reads),
        author=row.author,
        categories=row.categories,
        attachments=row.attachments,
        issuer=row.issuer,
        document_number=row.document_number,
        index_number=row.index_number,
        written=signed,
        withdrawn=row.withdrawn,
        relations=row.relations,
        aliases=_aliases(row, by.source, signed, own_url=own_url),
    )


def _aliases(row: RawEntry, source: str, signed: str, *, own_url: bool) -> tuple[str, ...]:
    """By all that the list tells of the document; an address that rows share is none's name."""
    return aliases(
        source,
        row.key,
        url=row.url if own_url else "",
        title=row.title,
        issuer=row.issuer,
        number=row.document_number,
        index=row.index_number,
        written=signed,
    )
