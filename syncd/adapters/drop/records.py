"""Our own record of what was dropped, beside the importer's folder: a claim, a stage and one rename make each package once.

Below `records` lies a marker (marker.py), and every key has a folder. Of the package with number 3 it holds

    000003.json            the claim: made once, whole or not at all; what the package says
    000003-TIME-DICE.stage the package (a folder or a ZIP) until the one rename that moves it to the importer
    000003-TIME-DICE.flag  its flag file until it follows
    000003.void            the package, if it was taken back before that rename; it is never moved then
    000003.answer.json     the importer's last word, kept since importers tidy up

So it was handed over if and only if its claim is there and neither its stage nor its void is.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.adapters.drop.acknowledgement import Answer
from syncd.adapters.drop.folder import Folder, Missing
from syncd.adapters.drop.marker import FILE, Marker
from syncd.errors import AdapterError, NotApplied, Unknown

_CLAIM = re.compile(r"(\d{6,})\.json")
_STAGE = re.compile(r"\d{6,}-(\d{8}T\d{6})-[0-9a-f]+\.(?:stage|flag|part)")
_STALE = timedelta(days=1)
"""After which a stage that no claim names is a crash's: a write that takes so long has failed."""


@dataclass(frozen=True, slots=True)
class Record:
    """A package of ours. made: ISO. stage: the name that it had until it was moved, without the ending. digest: of what it
    says. taken, published: that an earlier package of the key was not refused, was published. id, url: as the importer told of
    earlier ones.
    """

    key: str
    sequence: int
    action: str
    state: str
    made: str
    stage: str
    revision: int = 0
    digest: str = ""
    title: str = ""
    html: str = ""
    column: str = ""
    number: str = ""
    how: str = ""
    taken: bool = False
    published: bool = False
    id: str = ""
    url: str = ""

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.made)


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a key. last: the highest number that was ever claimed. head: the last package handed over, None if
    none was. open: claimed and never moved, by a crash or by somebody who is at it just now. answer: the last known to head.
    """

    name: str
    last: int = 0
    head: Record | None = None
    open: Sequence[Record] = ()
    answer: Answer | None = None
    page: str = ""


class Records:
    """The records of one drop."""

    def __init__(self, folder: Folder, records: str, packages: str, marker: Marker, *, suffix: str, flag: str) -> None:
        self._folder, self._records, self._packages, self._marker = folder, records, packages, marker
        self._suffix, self._flag = suffix, flag

    def path(self, name: str, file: str = "") -> str:
        return "/".join(part for part in (self._records, name, file) if part)

    async def history(self, name: str) -> History:
        """What was claimed and handed over for a key. A flag that a crash kept back follows its package now.

        Raises NotApplied records_missing where these are not the records that were written before.
        """
        lying = await self._folder.names(self.path(name))
        await self._marker.require()  # after the listing: it is what must not come from another folder
        numbers = sorted((int(found[1]) for each in lying if (found := _CLAIM.fullmatch(each))), reverse=True)
        waiting: list[Record] = []
        for number in numbers:
            if f"{number:06d}.void" in lying:
                continue
            record = await self._record(name, number)
            if f"{record.stage}.stage" in lying:
                waiting.append(record)
                continue
            if f"{record.stage}.flag" in lying:
                await self._flagged(name, record)
            answer, page = await self._kept(name, number, lying)
            return History(name, numbers[0], record, waiting, answer, page)
        return History(name, numbers[0] if numbers else 0, None, waiting)

    async def names(self) -> Sequence[str]:
        """The folders of all keys. Raises NotApplied records_missing."""
        lying = await self._folder.names(self._records)
        await self._marker.require()
        return sorted(each for each in lying if not each.startswith(FILE))

    async def all(self) -> AsyncIterator[History]:
        for name in await self.names():
            yield await self.history(name)

    async def stage(self, name: str, stage: str) -> str:
        """Room for the files of a package; the path of it."""
        path = self.path(name, f"{stage}.stage")
        await self._folder.make(path if not self._suffix else self.path(name))
        if self._flag:
            await self._folder.write(self.path(name, f"{stage}.flag"), b"")
        return path

    async def claim(self, name: str, record: Record) -> bool:
        """Take the record's number for it; False when somebody else has."""
        data = json.dumps(asdict(record), ensure_ascii=False, indent=1).encode("utf-8", "replace")
        return await self._folder.claim(
            self.path(name, f"{record.sequence:06d}.json"), data, part=f"{record.stage}.part"
        )

    async def hand_over(self, name: str, record: Record) -> bool:
        """The one step that counts; False when the package was taken back before. Raises Unknown."""
        await self._folder.make(self._packages or ".")
        try:
            await self._folder.move(self.path(name, f"{record.stage}.stage"), self._target(name, record, self._suffix))
        except Missing:
            return False
        try:
            await self._flagged(name, record)
        except AdapterError as cause:
            raise Unknown(cause.reason, f"the package is there, its flag file is not: {cause.message}", where=cause.where,
                          hint=cause.hint) from cause
        return True

    async def take_back(self, name: str, record: Record) -> bool:
        """See that a package which was never moved never will be; False when it was moved at this moment."""
        try:
            await self._folder.move(self.path(name, f"{record.stage}.stage"), self.path(name, f"{record.sequence:06d}.void"))
        except Missing:
            return False
        await self._folder.remove(self.path(name, f"{record.stage}.flag"))
        return True

    async def discard(self, name: str, stage: str) -> None:
        """A stage that was never claimed."""
        await self._folder.remove(self.path(name, f"{stage}.flag"))
        await self._folder.remove(self.path(name, f"{stage}.stage"))

    async def tidy(self, name: str, now: datetime) -> None:
        """Remove what crashes left: stages, old enough, that no claim names."""
        lying = await self._folder.names(self.path(name))
        numbers = [int(found[1]) for each in lying if (found := _CLAIM.fullmatch(each))]
        named = {(await self._record(name, number)).stage for number in numbers} if _stale(lying, now) else set()
        for each in _stale(lying, now):
            if each.rpartition(".")[0] not in named:
                await self._folder.remove(self.path(name, each))

    async def keep(self, name: str, sequence: int, answer: Answer) -> None:
        """Remember what an importer said."""
        await self._replace(name, f"{sequence:06d}.answer.json", asdict(answer))

    async def keep_page(self, name: str, url: str) -> None:
        """Remember where a key's page was found."""
        await self._replace(name, "page.json", {"url": url})

    async def _replace(self, name: str, file: str, told: dict[str, Any]) -> None:
        """Of no consequence when it is lost: it is learned again."""
        path = self.path(name, file)
        data = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
        if await self._folder.read(path) != data:
            await self._folder.remove(path)
            await self._folder.claim(path, data, part=f"{file}.part")

    async def _flagged(self, name: str, record: Record) -> None:
        if not self._flag:
            return
        try:
            await self._folder.move(self.path(name, f"{record.stage}.flag"), self._target(name, record, self._flag))
        except Missing:
            return

    def _target(self, name: str, record: Record, suffix: str) -> str:
        return "/".join(part for part in (self._packages, f"{name}-{record.sequence:06d}{suffix}") if part)

    async def _record(self, name: str, number: int) -> Record:
        path = self.path(name, f"{number:06d}.json")
        try:
            told = json.loads(await self._folder.read(path) or b"")
            return Record(**{each.name: told[each.name] for each in fields(Record) if each.name in told})
        except (ValueError, KeyError, TypeError) as cause:
            raise NotApplied("record_damaged", "the record of a package can't be read", where=path,
                             hint="restore this file from a backup, or ask syncd's makers with a copy of it") from cause

    async def _kept(self, name: str, number: int, lying: frozenset[str]) -> tuple[Answer | None, str]:
        answer = await self._told(name, f"{number:06d}.answer.json", lying)
        page = await self._told(name, "page.json", lying)
        known = Answer(**answer) if answer.keys() == {each.name for each in fields(Answer)} else None
        return known, str(page.get("url", ""))

    async def _told(self, name: str, file: str, lying: frozenset[str]) -> dict[str, Any]:
        """What was remembered; {} where that is lost."""
        try:
            told = json.loads(await self._folder.read(self.path(name, file)) or b"") if file in lying else {}
        except ValueError:
            return {}
        return told if isinstance(told, dict) else {}


def _stale(lying: frozenset[str], now: datetime) -> list[str]:
    found = ((each, _STAGE.fullmatch(each)) for each in sorted(lying))
    return [each for each, told in found if told and now - _time(told[1]) > _STALE]


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.max.replace(tzinfo=UTC)
