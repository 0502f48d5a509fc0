"""When a list changes: learnt from its own entries, so that it is read less often in the hours in which it never does."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

HALF_HOUR = timedelta(minutes=30)
KEPT = 64
"""Half-hours that are remembered: months of a list that changes once a day, and small enough for thousands of lists."""
ENOUGH, LONG_ENOUGH = 12, timedelta(days=14)
"""So many changes over so long a time before a quiet hour or a Sunday is believed to be one."""
BLUR = 2 * HALF_HOUR
"""A sighting says when an entry appeared only if the read before it was not longer ago."""
FULL = 0.5
"""An hour with half as many changes as the one with the most is no quiet one: so much is chance in a few dozen changes."""
_WIDTH = 4
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST = len(_DIGITS) ** _WIDTH - 1
_HOUR = 3600.0


def appeared(published: datetime | None, before: datetime | None, now: datetime, zone: tzinfo) -> datetime | None:
    """When an entry appeared in a list that was read at `before` (None: never) and shows it at `now`; None if that is not
    known. published: what the list says, None where it says no time of day.

    Midnight is what content systems write for a date without a time, so it tells no hour.
    """
    told = published if published and published.astimezone(zone).time().replace(tzinfo=None).isoformat() > "00:00:59" else None
    if told and told <= now and (before is None or told > before):
        return told
    return now if before is not None and now - before <= BLUR else None


def remembered(rhythm: str, moments: Iterable[datetime]) -> str:
    """The memory with these moments in it: the last half-hours with a change, four digits to the base of 36 each."""
    known = set(_halves(rhythm)) | {(moment - _EPOCH) // HALF_HOUR for moment in moments}
    return "".join(map(_written, sorted(half for half in known if 0 <= half <= _MOST)[-KEPT:]))


def _written(half: int) -> str:
    digits = []
    for _ in range(_WIDTH):
        half, digit = divmod(half, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _halves(rhythm: str) -> Iterator[int]:
    return (int(rhythm[at : at + _WIDTH], len(_DIGITS)) for at in range(0, len(rhythm), _WIDTH))


@lru_cache(maxsize=4096)
def weights(rhythm: str, zone: tzinfo) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """How often the list changes by hour of the day and by day of the week (Monday first) in its zone, each 1 at its
    most; None while too little is known. An hour lends half of its changes to both neighbours."""
    moments = [(_EPOCH + half * HALF_HOUR).astimezone(zone) for half in _halves(rhythm)]
    if len(moments) < ENOUGH or moments[-1] - moments[0] < LONG_ENOUGH:
        return None
    hours, days = Counter(m.hour for m in moments), Counter(m.weekday() for m in moments)
    spread = [hours[h] + (hours[(h - 1) % 24] + hours[(h + 1) % 24]) / 2 for h in range(24)]
    return _of_most(spread), _of_most([float(days[d]) for d in range(7)])


def _of_most(counts: Sequence[float]) -> tuple[float, ...]:
    most = max(counts)
    return tuple(count / most for count in counts)


def interval(rhythm: str, at: datetime, zone: tzinfo, every: float, slowest: float) -> float:
    """Seconds between two reads that suit this moment: `every` when the list changes often, `slowest` when it never does.

    In between as the inverse of the square root of how often it changes: of all ways to spread the same number of reads
    over a day this one sees changes soonest on average, their delay being rate times interval (Lagrange; compare Cho and
    Garcia-Molina, "Effective page refresh policies for Web crawlers", TODS 2003).
    """
    known = weights(rhythm, zone)
    if known is None or slowest <= every:
        return every
    local = at.astimezone(zone)
    share = min(1.0, known[0][local.hour] * known[1][local.weekday()] / FULL)
    return min(slowest, every / math.sqrt(share)) if share else slowest


def wait(rhythm: str, now: datetime, zone: tzinfo, every: float, slowest: float) -> float:
    """Seconds until the next read. A wait that begins in quiet hours and reaches into busy ones is cut short: each hour
    uses up its share of it."""
    left, at, waited = 1.0, now, 0.0
    while True:
        pace = interval(rhythm, at, zone, every, slowest)
        rest = _HOUR - (at.timestamp() % _HOUR)
        if left * pace <= rest:
            return waited + left * pace
        left -= rest / pace
        waited, at = waited + rest, at + timedelta(seconds=rest)


def busy(rhythm: str, zone: tzinfo) -> str:
    """The hours in which the list usually changes, such as "09-12 17-23"; "" while too little is known."""
    known = weights(rhythm, zone)
    if known is None:
        return ""
    often = [share >= 0.25 for share in known[0]]
    if all(often):
        return "00-24"
    starts = [h for h in range(24) if often[h] and not often[h - 1]]
    return " ".join(f"{h:02d}-{_end(often, h):02d}" for h in starts)


def _end(often: Sequence[bool], hour: int) -> int:
    """The hour at which a stretch ends; 24 is midnight, and one that goes on over it ends the next morning."""
    end = hour
    while often[end % 24]:
        end += 1
    return end if end <= 24 else end - 24
