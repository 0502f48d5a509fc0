"""A clock that a test turns by hand: the wall can jump while monotonic time goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday morning in Beijing."""


class ManualClock:
    """`now` and `monotonic` as the engine is given them. true: what the time really is, however wrong the wall."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed = 0.0
        self._wrong = timedelta(0)

    @property
    def true(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def now(self) -> datetime:
        """What the wall clock of the machine says."""
        return self.true + self._wrong

    def monotonic(self) -> float:
        """Seconds since the start, whatever the wall clock does."""
        return self._passed

    def advance(self, seconds: float) -> None:
        """Time passes. seconds: not negative."""
        if seconds < 0:
            raise ValueError("time does not go back; use jump")
        self._passed += seconds

    def jump(self, by: timedelta) -> None:
        """Only the wall clock is turned, as by a person or by NTP."""
        self._wrong += by

    def correct(self) -> None:
        """The wall clock is right again."""
        self._wrong = timedelta(0)
