"""When a list is read next, from what the read brought; and whose fault it is when many can't be read at once."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from syncd.core import rhythm, schedule
from syncd.core.detect import Detection, Row
from syncd.core.outlook import UNREACHED, Outlook
from syncd.core.schedule import Skips
from syncd.engine.deps import SourceUnit
from syncd.errors import ReadFailed
from syncd.model import Precision
from syncd.store.api import SourceRow
from syncd.web.api import Answer
from syncd.web.freshness import freshness

PARKED, NETWORK, GONE = "parked", "network_down", "source_gone"
UNASKED = frozenset({PARKED, "robots_disallowed", "robots_unreachable"})
"""Reasons for which nothing was asked: they say nothing of the host."""
PROBE = timedelta(seconds=60)
"""How often one list is tried while the network is down."""
EXCUSED = timedelta(days=1)
"""How long a list's failures may be the network's while other hosts answer."""
RETURN = timedelta(seconds=30)
"""Over how long the lists are spread that are read as soon as it is back."""
_NETWORK_HINT = "most hosts can't be reached, so it is not this list's fault: look at this machine's network, proxy and DNS"
_GONE_HINT = "the list has said for over a day that it is gone for good (410): find its new address; it is asked daily still"


def after_good(
    unit: SourceUnit, row: SourceRow, answer: Answer, *, ttl: float | None, skips: Skips, now: datetime, dice: float
) -> SourceRow:
    """The memory with the next read in it, after a good one that the list gave `ttl` and `skips` with."""
    told = freshness(answer)
    fresh = row.fresh if told is None and answer.status == 304 else told or None
    habits = unit.habits
    every, slowest = habits.every, habits.slowest
    pace = rhythm.wait(row.rhythm, now, ZoneInfo(habits.zone), every, slowest) if slowest else every
    due, why = schedule.next_poll(
        every=every, ttl=max(ttl or 0.0, fresh or 0.0), retry_after=None, tries=0, dice=dice, now=now,
        skips=skips, most=habits.courtesy, pace=pace,
    )
    planned = pace if pace > every else None
    return replace(
        row, due=due, why="" if why == "every" else why, planned=planned, fresh=fresh, ttl=ttl, skips=skips, gone=None
    )


def after_failure(unit: SourceUnit, row: SourceRow, error: ReadFailed, *, now: datetime, dice: float) -> SourceRow:
    """The memory after a failure of the list itself, or one for which nothing was asked."""
    asked = error.reason != PARKED  # nobody's fault
    tries = row.tries + asked
    due, why = schedule.next_poll(
        every=unit.habits.every, ttl=None, retry_after=error.after, tries=tries, dice=dice, now=now
    )
    gone = (row.gone or now) if error.status == 410 else row.gone if error.reason in UNREACHED | UNASKED else None
    told = (GONE, _GONE_HINT) if schedule.suspended(gone, tries, now) else (error.reason, error.hint)
    moved = "" if error.status in (404, 410) else row.moved
    return replace(
        row, due=due, why=why, tries=tries, reason=told[0], hint=told[1], reads=row.reads + asked, moved=moved,
        gone=gone, planned=None,
    )


def after_outage(unit: SourceUnit, row: SourceRow, *, tries: int, now: datetime, dice: float) -> SourceRow:
    """The memory after a failure that is our own network's: it does not count."""
    due, _ = schedule.next_poll(every=unit.habits.every, ttl=None, retry_after=None, tries=0, dice=dice, now=now)
    return replace(row, due=due, why=NETWORK, tries=tries, reason=NETWORK, hint=_NETWORK_HINT, planned=None)


def learnt(unit: SourceUnit, row: SourceRow, rows: Iterable[Row], found: Detection, now: datetime) -> str:
    """The list's rhythm with what this read showed; row: the memory of before it. A first read learns from all that is
    shown."""
    zone = ZoneInfo(unit.habits.zone)
    shown = rows if found.first else (find.row for find in found.finds if find.change == "new")
    moments = [rhythm.appeared(_hour(each), row.good, now, zone) for each in shown]
    return rhythm.remembered(row.rhythm, [moment for moment in moments if moment])


def _hour(row: Row) -> datetime | None:
    published = row.entry.published
    return published.at if published and published.precision is not Precision.DAY else None


class Outages:
    """Tells our own network's outage from that of a host, over all the lists of a process."""

    def __init__(self) -> None:
        self._outlook = Outlook()
        self._probed = datetime.min.replace(tzinfo=UTC)

    def heard(self, unit: SourceUnit, reason: str, now: datetime) -> str:
        """Take what came of a read ("" for a good one): "down", "up", "back" or "", as Outlook.told."""
        if reason in UNASKED or reason == "plugin_bug":
            return ""
        return self._outlook.told(_host(unit), reason not in UNREACHED, now)

    def blamed(self, row: SourceRow, reason: str, now: datetime) -> bool:
        """True when a failure of a list with this reason is the network's.

        Where other hosts answer, a list that was never read well, or not for a day, is no longer excused by it: of a few
        lists of which most are closed or misspelt each must be told by its own name.
        """
        excused = not self._outlook.answers or (row.good is not None and now - row.good < EXCUSED)
        return self._outlook.down and reason in UNREACHED and excused

    def struck(
        self, units: Mapping[str, SourceUnit], rows: Iterable[SourceRow], *, now: datetime, dice: random.Random
    ) -> list[SourceRow]:
        """The memories of the lists that failed before it was clear whose fault it was: that failure is taken back."""
        return [
            after_outage(units[row.name], row, tries=max(0, row.tries - 1), now=now, dice=dice.random())
            for row in rows
            if self.blamed(row, row.reason, now) and row.name in units and self._outlook.fails(_host(units[row.name]))
        ]

    def probed(self, rows: Iterable[SourceRow], *, now: datetime, dice: random.Random) -> SourceRow | None:
        """The one list that is tried next though it is not its turn; None while the last one's minute is not over, and
        while the network is well."""
        if not self._outlook.down or timedelta(0) <= now - self._probed < PROBE:
            return None
        waiting = [row for row in rows if row.reason == NETWORK]
        if not waiting:
            return None
        self._probed, chosen = now, dice.choice(waiting)
        return replace(chosen, due=min(chosen.due, now + PROBE))

    def returned(self, rows: Iterable[SourceRow], *, now: datetime, dice: random.Random) -> list[SourceRow]:
        """The lists that are read again at once, now that the network is back."""
        return [replace(row, due=min(row.due, now + RETURN * dice.random())) for row in rows if row.reason == NETWORK]


def _host(unit: SourceUnit) -> str:
    return urlsplit(unit.url).hostname or ""
