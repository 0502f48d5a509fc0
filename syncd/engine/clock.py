"""How far the clock can be trusted: jumps against the monotonic clock, and the Date headers of the sources."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from statistics import median

from syncd.model import Instant
from syncd.web.api import Answer

JUMP = 5.0
"""Seconds by which wall and monotonic clock may drift apart between two looks before it counts as a jump."""
_GRAIN = 2.0
"""A Date header has whole seconds and a way to go: what is below is no error."""


class Clock:
    """The wall clock with what is known of its error. Durations are never taken from it."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._now = now
        self.monotonic = monotonic
        self._offset = now().timestamp() - monotonic()
        self._skews: deque[float] = deque(maxlen=15)
        self.jumps = 0
        self.jumped = 0.0
        """Seconds that the wall clock has jumped by in all: what was planned by it moves along."""

    def now(self) -> datetime:
        """The time, after looking whether the clock jumped."""
        moment = self._now()
        offset = moment.timestamp() - self.monotonic()
        if abs(offset - self._offset) > JUMP:
            self._skews.clear()
            self.jumps += 1
            self.jumped += offset - self._offset
        self._offset = offset
        return moment

    def heard(self, answer: Answer) -> None:
        """Learn from a source's Date header how wrong our clock is."""
        if answer.date is not None:
            self._skews.append((answer.date - answer.ended).total_seconds())

    @property
    def error(self) -> float | None:
        """Seconds that the clock is wrong by, either way; None while nothing tells."""
        if not self._skews:
            return None
        wrong = abs(median(self._skews))
        return 0.0 if wrong <= _GRAIN else wrong

    def instant(self, at: datetime | None = None, origin: str = "clock") -> Instant:
        """The present (or `at`) as an instant that carries the clock's error; origin "clock?" where it is not known."""
        error = self.error
        return Instant(at or self.now(), origin=f"{origin}?" if error is None else origin, error=error or 0.0)
