"""One gate per site: pacing, Retry-After, a breaker with one probe, and the settling times of ambiguous writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES = 3
"""Transport failures in a row that open the breaker."""
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
STOPPED_PAUSE = 300.0
"""A site whose log-in is refused is tried once in this many seconds, by its check alone."""


@dataclass(slots=True)
class Gate:
    """Whether a site may be called now; all times monotonic seconds. state: ok, paused (asked or down) or stopped (log-in)."""

    monotonic: Callable[[], float]
    concurrency: int = 1
    rate: float | None = None
    state: str = "ok"
    reason: str = ""
    hint: str = ""
    _until: float = 0.0
    _failures: int = 0
    _busy: int = 0
    _last: float = field(default=float("-inf"))

    @property
    def wait(self) -> float:
        """Seconds until a call may be made; 0 is now."""
        spacing = self._last + 1.005 / self.rate - self.monotonic() if self.rate else 0.0
        return max(self._until - self.monotonic(), spacing, 0.0)

    @property
    def free(self) -> int:
        """How many calls may start now; one probe only while the site is not known to be well."""
        if self.wait > 0:
            return 0
        limit = 1 if self.rate or self.state != "ok" else self.concurrency
        return max(0, limit - self._busy)

    def enter(self) -> None:
        self._busy += 1
        self._last = self.monotonic()

    def leave(self) -> None:
        self._busy -= 1

    def well(self) -> None:
        """The site answered as it should."""
        self.state, self.reason, self.hint, self._failures, self._until = "ok", "", "", 0, 0.0

    def limited(self, after: float, reason: str, hint: str) -> None:
        """The site asked to be left alone: everything waits, nobody tries."""
        self._pause("paused", after, reason, hint)

    def failed(self, reason: str, hint: str) -> None:
        """A transport failure; several in a row open the breaker, ever longer."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._pause("paused", min(FIRST_PAUSE * 2 ** (self._failures - FAILURES), LONGEST_PAUSE), reason, hint)

    def refused(self, reason: str, hint: str) -> None:
        """Credentials or rights are refused: the site stops, its queue is kept."""
        self._pause("stopped", STOPPED_PAUSE, reason, hint)

    def take_over(self, other: Gate) -> None:
        """After a reload: what is known of the site stays known."""
        self.state, self.reason, self.hint = other.state, other.reason, other.hint
        self._until, self._failures, self._last = other._until, other._failures, other._last

    def _pause(self, state: str, seconds: float, reason: str, hint: str) -> None:
        self.state, self.reason, self.hint = state, reason, hint
        self._until = max(self._until, self.monotonic() + seconds)


class Quiet:
    """The settling time of each repost whose last write was ambiguous, from this process's first sight of it."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._since: dict[int, float] = {}

    def sight(self, repost: int) -> None:
        """An open intent is seen: the time starts, unless it runs already."""
        self._since.setdefault(repost, self._monotonic())

    def ambiguous(self, repost: int) -> None:
        """An ambiguous answer just came: a request may take effect from now on; the time starts anew."""
        self._since[repost] = self._monotonic()

    def settled(self, repost: int) -> None:
        self._since.pop(repost, None)

    def left(self, repost: int, settle: float) -> float:
        """Seconds left of the settling time; 0 when none runs or it is over."""
        since = self._since.get(repost)
        return 0.0 if since is None else max(0.0, since + settle - self._monotonic())
