"""gov.cn out of the box: its list files, its policy library, and every kind of its pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import ClassVar, Literal, cast
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from syncd.model import Entry, Instant, Precision, Problem
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.sources.dates import parse_written, read_instant
from syncd.sources.govcn_list import Asked, read_list
from syncd.sources.govcn_page import RawDocument, read_document
from syncd.sources.raw import RawList, bounded, entries, naming
from syncd.web.api import Answer

_CHINA = ZoneInfo("Asia/Shanghai")


class GovcnOptions(BaseModel):
    """What `options` of gov.cn's lists takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    list: Literal["", "zuixin", "jiedu", "yaowen", "gongbao", "library"] = ""
    """Which list the address is of; empty finds it by its shape. Another shape than the named one's is an error."""
    categories: tuple[Literal["gongwen", "bumenfile", "otherfile", "gongbao"], ...] = ()
    """Parts of the library that are taken; empty takes all that its answer shows."""
    body_selector: str = ""
    """CSS selector of the body on the document's page, tried before the known ones; for the day of a redesign."""
    max_entries: int = Field(default=10_000, ge=1, le=100_000)


class GovcnSource:
    """A list of gov.cn. `Kind(config, tools)`; see sources.api.Source."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "govcn"
    Options: ClassVar[type[BaseModel]] = GovcnOptions

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self._config, self._tools = config, tools
        self._options = config.options if isinstance(config.options, GovcnOptions) else GovcnOptions()

    async def parse(self, answer: Answer) -> Listing:
        """As Source.parse: list files tell dates only and titles as displayed; the library more of each document."""
        asked = Asked(self._options.list, self._options.categories, self._options.max_entries)
        run = self._tools.run
        raw = cast(RawList, await run(read_list, answer.body, answer.header("content-type"), answer.url, asked))
        problems = list(raw.problems)
        found = told(entries(list(raw.entries), naming(self._config, self._tools, "list"), problems))
        return Listing(found, bounded(problems), next=raw.next, shape=raw.shape)

    def page_of(self, entry: Entry) -> str:
        """Always its own page: no list has the text."""
        return entry.url

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page; the title is the document's own, from the header table."""
        raw = cast(
            RawDocument,
            await self._tools.run(
                read_document,
                answer.body,
                answer.header("content-type"),
                answer.url,
                self._options.body_selector,
            ),
        )
        return self._page(raw, answer.url)

    def _page(self, raw: RawDocument, url: str) -> Page:
        header, problems = dict(raw.header), list(raw.problems)
        told = {field: texts[0] for field, texts in raw.header}
        published, updated = (
            read_instant(
                text,
                zone=self._tools.zone,
                zone_origin=self._tools.zone_origin,
                origin="page",
                where=f"{url} {name}",
                problems=problems,
            )
            for text, name in ((raw.published or told.get("published", ""), "published"), (raw.updated, "updated"))
        )
        written = parse_written(raw.written)
        if raw.written and not written:
            problems.append(Problem("bad_date", f"成文日期 {raw.written[:40]!r} is no date", url))
        return Page(
            url=url,
            title=raw.title,
            html=raw.html,
            issuer=told.get("issuer", ""),
            document_number=raw.number,
            index_number=told.get("index_number", ""),
            origin_name=raw.origin_name,
            written=written,
            categories=header.get("categories", ()),
            published=published,
            updated=updated,
            attachments=raw.attachments,
            problems=tuple(problems),
            validity=raw.validity,
            relations=raw.relations,
        )


def told(rows: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries with no more precision than the library really tells.

    Its `pubtime` is an epoch in milliseconds, but never finer than the minute; for State Council documents and the
    gazette it is a whole hour in every row seen (17:00, 19:00), be that a form's default or the hour of release. So a
    whole hour says the day, anything else the minute; the second is on the document's page, which is always read.
    """
    return tuple([replace(e, published=_coarse(e.published)) if _is_epoch(e.published) else e for e in rows])


def _is_epoch(at: Instant | None) -> bool:
    return at is not None and at.raw.isascii() and at.raw.isdigit() and len(at.raw) > 8


def _coarse(instant: Instant | None) -> Instant | None:
    if instant is None:
        return None
    local = instant.at.astimezone(_CHINA)
    here = replace(instant, zone=_CHINA.key)
    if local.second or local.microsecond:
        return here
    if local.minute:
        return replace(here, precision=Precision.MINUTE)
    day = local - timedelta(hours=local.hour)
    return replace(here, at=day.astimezone(UTC), precision=Precision.DAY)
