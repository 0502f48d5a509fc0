"""A right source for a small text list, and one wrong source for each promise of the contract."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources import plugin
from syncd.sources.api import Listing, Page
from syncd.sources.plugin import Body, ListOptions, ListSource, Problem, RawEntry, RawList, RawPage
from syncd.sources.raw import Naming
from syncd.web.api import Answer

END = "完"


class Right(ListSource):
    """Rows `day|title|link`, and last a line 完."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "right"

    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        decoded = body.decoded()
        *lines, last = decoded.text.strip().splitlines() or [""]
        if last != END:
            raise body.unlike("its last line is not 完")
        return taken(lines, list(decoded.problems))

    @staticmethod
    def document(body: Body, options: Any) -> RawPage:
        return body.page("#text")


def taken(lines: list[str], problems: list[Problem]) -> RawList:
    return RawList(tuple(row for n, line in enumerate(lines) if (row := _row(line, n, problems))), tuple(problems))


def _row(line: str, n: int, problems: list[Problem]) -> RawEntry | None:
    if line.count("|") != 2:
        problems.append(Problem("bad_entry", "it is not day|title|link; it is left out", f"line {n}"))
        return None
    day, title, link = line.split("|")
    return RawEntry(f"line {n}", link, title, link, day)


def changed(listing: Listing, **changes: Any) -> Listing:
    """The listing with another first entry."""
    return replace(listing, entries=(replace(listing.entries[0], **changes), *listing.entries[1:]))


# --- what it is ----------------------------------------------------------------------------------------------------------


class OfAnotherContract(Right):
    api_version = 2


class Loose(ListOptions):
    model_config = ConfigDict(extra="allow", frozen=True)


class PassesOverOptions(Right):
    Options: ClassVar[type[BaseModel]] = Loose


# --- the list ------------------------------------------------------------------------------------------------------------


class Backwards(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        return replace(raw, entries=raw.entries[::-1])


class AddsAnHour(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        return replace(raw, entries=tuple(replace(row, published=f"{row.published} 08:00") for row in raw.entries))


class KnowsOneZone(Right):
    async def parse(self, answer: Answer) -> Listing:
        self.tools = replace(self.tools, zone="+08:00", zone_origin="source")
        return await super().parse(answer)


_count = itertools.count()


class Counts(Right):
    """The key is made of something else than the list."""

    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        return replace(raw, entries=tuple(replace(row, key=f"{row.key}#{next(_count)}") for row in raw.entries))


class ObeysTheMachinesZone(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        return replace(Right.rows(body, options), title=time.strftime("%Z", time.localtime(0)))


class TellsTheTime(Right):
    async def parse(self, answer: Answer) -> Listing:
        return replace(await super().parse(answer), title=f"{self.tools.now():%Y}")


class WorksInTheLoop(Right):
    async def parse(self, answer: Answer) -> Listing:
        by = Naming(self.config.name, "list", self.tools.zone, self.tools.zone_origin)
        return plugin.listed(type(self).rows, Body(answer.body, "", answer.url), self.options, by)


class WorksInTheLoopBesides(Right):
    """The child is used, and what it gives is thrown away."""

    async def parse(self, answer: Answer) -> Listing:
        await super().parse(answer)
        return replace(await super().parse(answer), title=answer.body.decode("utf-8", "replace")[:3])


class ReadsTheClock(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        return replace(Right.rows(body, options), ttl=60.0 if time.time() > 0 else None)


class ReadsTheEnvironment(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        return replace(Right.rows(body, options), title=os.environ.get("NO_SUCH_WORD", ""))


class ReadsAFile(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        with open(os.devnull) as file:
            return replace(Right.rows(body, options), title=file.read())


class ReachesOut(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        import socket

        socket.getaddrinfo("127.0.0.1", 9)
        return Right.rows(body, options)


class AsksItsClient(Right):
    async def parse(self, answer: Answer) -> Listing:
        await self.tools.client.get("https://list.example/more")
        return await super().parse(answer)


class LeadsToAPath(Right):
    def page_of(self, entry: Entry) -> str:
        return "/1.htm"


# --- bytes ---------------------------------------------------------------------------------------------------------------


class TrustsTheHeader(Right):
    """Titles, the only words that are not plain digits, come out as the header says."""

    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        if "gb2312" not in body.content_type:
            return raw
        told = (replace(row, title=row.title.encode().decode("gb18030", "ignore")) for row in raw.entries)
        return replace(raw, entries=tuple(told))


class KeepsTheMark(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        mark = "" if not body.data.startswith(b"\xef\xbb\xbf") else "标"
        return replace(raw, entries=(replace(raw.entries[0], title=mark + raw.entries[0].title), *raw.entries[1:]))


class PassesOverBadBytes(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        return replace(Right.rows(body, options), problems=())


class TakesNothingForAList(Right):
    async def parse(self, answer: Answer) -> Listing:
        return await super().parse(answer) if answer.body.strip(b"\xef\xbb\xbf \r\n\t\0") else Listing(())


class TakesAnythingForAList(Right):
    async def parse(self, answer: Answer) -> Listing:
        try:
            return await super().parse(answer)
        except ReadFailed:
            return Listing(())


class SaysNotWhatToDo(Right):
    async def parse(self, answer: Answer) -> Listing:
        try:
            return await super().parse(answer)
        except ReadFailed as failure:
            raise ReadFailed(failure.reason, failure.message) from None


class Stumbles(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        return taken(body.data.decode("ascii").splitlines(), []) if b"|" not in body.data else Right.rows(body, options)


class TakesAPart(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        lines = [line for line in body.decoded().text.splitlines() if line.count("|") == 2]
        return taken(lines, [])


class TakesWholeLines(Right):
    """What a format without an end can do at best."""

    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        decoded = body.decoded()
        whole = decoded.text.rpartition("\n")[0].splitlines()
        return taken(whole, list(decoded.problems))


# --- one bad row ---------------------------------------------------------------------------------------------------------


class DropsInSilence(Right):
    """Whatever is odd with a row, nobody is told."""

    async def parse(self, answer: Answer) -> Listing:
        return replace(await super().parse(answer), problems=())


class FailsForOneRow(Right):
    async def parse(self, answer: Answer) -> Listing:
        found = await super().parse(answer)
        if found.problems:
            raise ReadFailed("bad_entry", "a row is bad", hint="mend it")
        return found


class PassesScriptsOn(Right):
    async def parse(self, answer: Answer) -> Listing:
        found = await super().parse(answer)
        return changed(found, url="javascript:alert(1)") if found.problems else found


class InventsADay(Right):
    async def parse(self, answer: Answer) -> Listing:
        found = await super().parse(answer)
        first, second = found.entries[:2]
        return changed(found, published=second.published) if first.published is None else found


class HasTwoOfAKey(Right):
    async def parse(self, answer: Answer) -> Listing:
        found = await super().parse(answer)
        return changed(found, key=found.entries[1].key) if found.entries[0].title == found.entries[1].title else found


class KeepsMarkup(Right):
    """Titles as they stand."""

    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        return replace(raw, title=raw.entries[0].title)

    async def parse(self, answer: Answer) -> Listing:
        found = await super().parse(answer)
        return changed(found, title=answer.body.decode("utf-8", "replace").partition("|")[2].partition("|")[0])


# --- bodies made to harm -------------------------------------------------------------------------------------------------


def _deep(text: str) -> int:
    return 1 + _deep(text[1:]) if text[:1] == "[" else 0


class Recurses(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        _deep(body.decoded().text)
        return Right.rows(body, options)

    @staticmethod
    def document(body: Body, options: Any) -> RawPage:
        _deep(body.decoded().text.replace("<div>", "["))
        return Right.document(body, options)


class CutsTitles(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        return replace(raw, entries=tuple(replace(row, title=row.title[:80]) for row in raw.entries))


class CutsTheList(Right):
    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        raw = Right.rows(body, options)
        return replace(raw, entries=raw.entries[: options.max_entries])


# --- the page ------------------------------------------------------------------------------------------------------------


class TitlesByTheWindow(Right):
    @staticmethod
    def document(body: Body, options: Any) -> RawPage:
        return replace(Right.document(body, options), title=body.html().text("title"))


class ReadsPagesInTheLoop(Right):
    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        await super().read_page(entry, answer)
        await asyncio.sleep(0)
        return plugin.Page(answer.url, entry.title, answer.body.decode())


class TakesAnythingForAPage(Right):
    @staticmethod
    def document(body: Body, options: Any) -> RawPage:
        return RawPage(body.html().text("title"), body.decoded().text, "", "")
