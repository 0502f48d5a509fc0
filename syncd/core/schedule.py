"""When to do something next: polls, retries and looks, from what is known; dice (0..1) and now are arguments."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

HOUR, DAY = 3600.0, 86400.0

FAILED_FIRST = 300.0
FAILED_CAP = DAY
"""5, 10, 20 minutes … at most a day, for ever: a source is never given up (facts: feeds, design for syncd)."""
TTL_CAP = HOUR
"""What a list may slow us down to by itself: latency is what we are for (miniflux lets it be 24 h, reader 31 days)."""
RETRY_AFTER_CAP = 2 * DAY
"""A server that says Retry-After is obeyed, but one that says "next year" is not."""
LOOKS = (HOUR, DAY, 7 * DAY)


def next_poll(
    *, every: float, ttl: float | None, retry_after: float | None, tries: int, dice: float, now: datetime
) -> tuple[datetime, str]:
    """When to read a list again and by whose word: "retry_after", "backoff", "ttl" or "every".

    every: seconds, from config. ttl: seconds that the list asks to be left alone, or None. retry_after: seconds that
    the server asked for with a refusal, or None. tries: failed reads in a row, 0 after a good one.
    """
    wait, reason = _poll_wait(every, ttl, retry_after, tries)
    if reason in ("ttl", "every"):
        return now + timedelta(seconds=wait * _around(dice)), reason
    # A refusal is never asked again sooner than it said, nor a failing source more often than a healthy one.
    floor = wait if reason == "retry_after" else every
    return now + timedelta(seconds=max(floor, wait * _around(dice))), reason


def _poll_wait(every: float, ttl: float | None, retry_after: float | None, tries: int) -> tuple[float, str]:
    if retry_after is not None:
        return max(every, min(retry_after, RETRY_AFTER_CAP)), "retry_after"
    if tries > 0:
        return max(every, _doubled(FAILED_FIRST, tries, FAILED_CAP)), "backoff"
    asked = min(ttl or 0.0, TTL_CAP)
    return (asked, "ttl") if asked > every else (every, "every")


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
