"""Lists of several pages: older pages are read only as far as they are needed, and a part of a list is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from syncd.engine.deps import Habits, SourceUnit
from syncd.engine.paging import whole
from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources.api import Listing, Source
from syncd.web.api import Answer, Client

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
FIRST = "https://list.example/index.json"


@dataclass
class Archive:
    """A list in pages; both the server and the plug-in. status: of the pages behind the first one."""

    pages: dict[str, Listing]
    status: int = 200
    asked: list[str] = field(default_factory=list)

    async def get(self, url: str, **_: Any) -> Answer:
        self.asked.append(url)
        headers = ((b"retry-after", b"120"),) if self.status == 503 else ()
        body = url.encode()
        return Answer(status=self.status, url=url, headers=headers, body=body, started=NOW, ended=NOW, wire=100)

    async def parse(self, answer: Answer) -> Listing:
        return self.pages[answer.url]


def entry(n: int) -> Entry:
    return Entry(f"e{n}", f"国务院文件{n}", f"https://list.example/{n}")


def archive(sizes: Sequence[int], *, loops: bool = False) -> Archive:
    names = [FIRST, *(f"https://list.example/index_{n}.json" for n in range(1, len(sizes)))]
    follow = [*names[1:], names[-1] if loops else ""]
    start = [sum(sizes[:n]) for n in range(len(sizes))]
    pages = {
        name: Listing(tuple(entry(at + n) for n in range(size)), next=after)
        for name, size, at, after in zip(names, sizes, start, follow, strict=True)
    }
    return Archive(pages)


async def never(_: Sequence[Entry]) -> bool:
    return False


def until(key: str) -> Callable[[Sequence[Entry]], Awaitable[bool]]:
    async def found(shown: Sequence[Entry]) -> bool:
        return any(each.key == key for each in shown)

    return found


def read(pages: Archive, enough: Callable[[Sequence[Entry]], Awaitable[bool]] = never, *, most: int = 10) -> Listing:
    return _read(pages, enough, most)[0]


def _read(pages: Archive, enough: Callable[[Sequence[Entry]], Awaitable[bool]], most: int) -> tuple[Listing, int]:
    unit = SourceUnit("central", "json", FIRST, cast(Source, pages), cast(Client, pages), Habits(pages=most))
    first = Answer(status=200, url=FIRST, headers=(), body=b"", started=NOW, ended=NOW)
    return asyncio.run(whole(unit, first, enough=enough, now=NOW))


def test_what_the_pages_behind_the_first_one_cost_is_told() -> None:
    assert _read(archive([2, 2, 2]), never, 10)[1] == 200
    assert _read(archive([2, 2, 2]), never, 1)[1] == 0


def test_pages_are_read_up_to_the_one_that_is_enough() -> None:
    pages = archive([2, 2, 2])
    assert [e.key for e in read(pages, until("e3")).entries] == ["e0", "e1", "e2", "e3"]
    assert pages.asked == ["https://list.example/index_1.json"]


def test_a_first_page_that_is_enough_costs_no_other_request() -> None:
    pages = archive([2, 2])
    assert len(read(pages, until("e1")).entries) == 2
    assert pages.asked == []


def test_no_more_pages_are_read_than_the_source_may_have() -> None:
    pages = archive([1] * 8)
    assert len(read(pages, most=3).entries) == 3
    assert len(pages.asked) == 2


def test_a_list_whose_last_page_leads_to_itself_ends() -> None:
    pages = archive([1, 1], loops=True)
    assert len(read(pages).entries) == 2
    assert len(pages.asked) == 1


def test_a_row_that_moved_to_the_next_page_meanwhile_counts_once() -> None:
    pages = archive([2, 2])
    second = pages.pages["https://list.example/index_1.json"]
    pages.pages["https://list.example/index_1.json"] = Listing((entry(1), *second.entries))
    assert [e.key for e in read(pages).entries] == ["e0", "e1", "e2", "e3"]


def test_a_page_that_cannot_be_read_fails_the_whole_read() -> None:
    pages = archive([2, 2])
    pages.status = 503
    with pytest.raises(ReadFailed) as failed:
        read(pages)
    assert (failed.value.reason, failed.value.after) == ("http_503", 120.0)
    assert failed.value.where == "https://list.example/index_1.json"
    assert "https://list.example/index_1.json" in failed.value.hint
    assert "options.paging" in failed.value.hint
