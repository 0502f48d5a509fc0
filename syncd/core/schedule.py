"""When to do something next: polls, retries and looks, from what is known; dice (0..1) and now are arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR, DAY = 3600.0, 86400.0

FAILED_FIRST = 300.0
FAILED_CAP = DAY
"""5, 10, 20 minutes … at most a day, for ever: a source is never given up (facts: feeds, design for syncd)."""
TTL_CAP = HOUR
"""What a list may slow us down to by itself, unless the operator says otherwise: latency is what we are for (miniflux lets
it be 24 h, reader 31 days)."""
RETRY_AFTER_CAP = 2 * DAY
"""A server that says Retry-After is obeyed, but one that says "next year" is not."""
LOOKS = (HOUR, DAY, 7 * DAY)


@dataclass(frozen=True, slots=True)
class Skips:
    """When a list asks not to be read: hours (0 to 23) and days (0 is Monday) in GMT (RSS 2.0, skipHours and skipDays)."""

    hours: tuple[int, ...] = ()
    days: tuple[int, ...] = ()

    def left(self, at: datetime) -> float:
        """Seconds from `at` until it may be read; 0 outside of these times, and where nothing else is left of a week."""
        start = at.astimezone(UTC)
        hour = start.replace(minute=0, second=0, microsecond=0)
        for n in range(8 * 24):
            first = hour + timedelta(hours=n)
            if first.hour not in self.hours and first.weekday() not in self.days:
                return max(0.0, (first - start).total_seconds())
        return 0.0


NO_SKIPS = Skips()


def next_poll(
    *, every: float, ttl: float | None, retry_after: float | None, tries: int, dice: float, now: datetime,
    skips: Skips = NO_SKIPS, most: float = TTL_CAP, pace: float | None = None,
) -> tuple[datetime, str]:
    """When to read a list again and by whose word: "retry_after", "backoff", "ttl", "skip", "quiet" or "every".

    every: seconds, from config. ttl: seconds that the list asks to be left alone, or None. retry_after: seconds that
    the server asked for with a refusal, or None. tries: failed reads in a row, 0 after a good one. most: seconds to which
    the list's own wishes, ttl and skips, may slow us down. pace: seconds that its rhythm suggests; None is `every`.
    """
    if retry_after is not None or tries > 0:
        wait, reason = _after_failure(every, retry_after, tries)
        # A refusal is never asked again sooner than it said, nor a failing source more often than a healthy one.
        floor = wait if reason == "retry_after" else every
        return now + timedelta(seconds=max(floor, wait * _around(dice))), reason
    wait, reason = _after_good(every, pace, ttl, skips, most, now)
    return now + timedelta(seconds=wait * _around(dice)), reason


def _after_failure(every: float, retry_after: float | None, tries: int) -> tuple[float, str]:
    if retry_after is not None:
        return max(every, min(retry_after, RETRY_AFTER_CAP)), "retry_after"
    return max(every, _doubled(FAILED_FIRST, tries, FAILED_CAP)), "backoff"


def _after_good(
    every: float, pace: float | None, ttl: float | None, skips: Skips, most: float, now: datetime
) -> tuple[float, str]:
    wait, reason = (every, "every") if pace is None or pace <= every else (pace, "quiet")
    asked = min(ttl or 0.0, most)
    if asked > wait:
        wait, reason = asked, "ttl"
    skipped = min(wait + skips.left(now + timedelta(seconds=wait)), most)
    return (skipped, "skip") if skipped > wait else (wait, reason)


def suspended(gone: datetime | None, tries: int, now: datetime) -> bool:
    """True when a list has said 410 (gone for good) at three reads and over a day: a person must look, it is read once a
    day still. gone: when it said so first."""
    return gone is not None and tries >= 3 and (now - gone).total_seconds() >= DAY


def _around(dice: float) -> float:
    """U(0.9, 1.1), so that thousands of installations don't read a central list at the same second."""
    return 0.9 + 0.2 * dice


def _doubled(first: float, tries: int, cap: float) -> float:
    return min(cap, math.ldexp(first, min(max(tries, 1) - 1, 60)))


def backoff(tries: int, dice: float, *, first: float = 30.0, cap: float = HOUR) -> float:
    """Seconds until the next try of a repost or an entry after `tries` failures in a row; at most `cap`."""
    return _doubled(first, tries, cap) * (0.8 + 0.2 * dice)


def next_look(looks: int, now: datetime, dice: float, steps: Sequence[float] = LOOKS) -> datetime:
    """When to look again at something that `looks` good looks found unchanged; the last step repeats."""
    return now + timedelta(seconds=steps[min(looks, len(steps) - 1)] * _around(dice))


def due_is_absurd(due: datetime, now: datetime, horizon: timedelta) -> bool:
    """True when a `due` lies further away than any wait can be: a wrong clock wrote it, and it counts as now."""
    return due > now + horizon


def network_down(failing_hosts: int, hosts: int) -> bool:
    """True when more than half of at least three hosts fail: our own network is to blame, and nobody's tries grow."""
    return hosts >= 3 and 2 * failing_hosts > hosts


def watched(previous_good: datetime | None, now: datetime, every: float) -> float:
    """Seconds of cover that a good read adds: the time since the last one, of which two intervals count at most."""
    if previous_good is None:
        return 0.0
    return min(max((now - previous_good).total_seconds(), 0.0), 2 * every)
