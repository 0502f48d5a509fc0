"""One gate per site: pacing, Retry-After, a breaker with one probe, and the settling times of ambiguous writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

FAILURES = 3
"""Transport failures in a row that open the breaker."""
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
SLACK = 1.001
"""How much more than the spacing is kept, since clocks have grains."""
LONGEST_SPACING = 60.0
"""Seconds: a site that was closed for an hour has not said that it takes one post an hour."""
FORGET = 600.0
"""Seconds after the last 429 until the spacing that it taught is forgotten: the site may have become faster."""
STOPPED_PAUSE = 300.0
"""A site whose log-in is refused is tried once in this many seconds, by its check alone."""


@dataclass(slots=True)
class Gate:
    """Whether a site may be called now; all times monotonic seconds. state: ok, paused (asked or down) or stopped (log-in).

    Calls at once begin with one and grow by one with each success. A site that says 429 tells how many calls it takes:
    what it took since the last pause, over the time until it takes one again. Calls are spaced by that from then on, so
    that a queue does not drain by refusals; Retry-After itself always wins.
    """

    monotonic: Callable[[], float]
    concurrency: int = 1
    rate: float | None = None
    state: str = "ok"
    reason: str = ""
    hint: str = ""
    _until: float = 0.0
    _asked_until: float = 0.0
    _failures: int = 0
    _busy: int = 0
    _grown: int = 1
    _last: float = field(default=float("-inf"))
    """When the last call began, or was answered well: the site counted it somewhere between."""
    _spacing: float = 0.0
    _learnt: float = field(default=float("-inf"))
    _taken: int = 0
    """Calls that went well since the last 429, and when the first of them did."""
    _first: float = 0.0

    @property
    def wait(self) -> float:
        """Seconds until a call may be made; 0 is now."""
        now = self.monotonic()
        return max(self._until - now, self._asked_until - now, self._last + self.spacing * SLACK - now, 0.0)

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next: as declared or learnt, whichever is more; 0 for none."""
        learnt = self._spacing if self.monotonic() - self._learnt < FORGET else 0.0
        return max(learnt, 1 / self.rate if self.rate else 0.0)

    @property
    def free(self) -> int:
        """How many calls may start now; one probe only while the site is not known to be well."""
        if self.wait > 0:
            return 0
        limit = 1 if self.spacing or self.state != "ok" else min(self.concurrency, self._grown)
        return max(0, limit - self._busy)

    def enter(self) -> None:
        self._busy += 1
        self._last = self.monotonic()

    def leave(self) -> None:
        self._busy -= 1

    def well(self) -> None:
        """The site answered as it should."""
        now = self.monotonic()
        self._first = self._first if self._taken else now
        self._last, self._taken, self._grown = now, self._taken + 1, self._grown + 1
        self._failures, self._until = 0, 0.0
        if now >= self._asked_until:  # an earlier call that ends well does not end the pause that a later one was told
            self.state, self.reason, self.hint = "ok", "", ""

    def limited(self, after: float, reason: str, hint: str) -> None:
        """The site asked to be left alone: everything waits, nobody tries."""
        self._learn(after)
        self.state, self.reason, self.hint = "paused", reason, hint
        self._asked_until = max(self._asked_until, self.monotonic() + after)

    def _learn(self, after: float) -> None:
        """What a 429 says of the spacing; one that comes right after another says nothing new."""
        now, taken = self.monotonic(), self._taken
        self._taken, self._grown = 0, 1
        if not taken:
            return
        spent = now - self._first if taken > 1 else 0.0
        told = (spent + after) / taken
        kept = self.spacing
        # Where it was kept, and was all but enough, Retry-After in whole seconds would teach too much.
        self._spacing = min(kept * 1.02 if kept and taken > 2 else told, LONGEST_SPACING)
        self._learnt = now

    def failed(self, reason: str, hint: str) -> None:
        """A transport failure; several in a row open the breaker, ever longer."""
        self._failures += 1
        self._grown = 1
        if self._failures >= FAILURES:
            self._pause("paused", min(FIRST_PAUSE * 2 ** (self._failures - FAILURES), LONGEST_PAUSE), reason, hint)

    def refused(self, reason: str, hint: str) -> None:
        """Credentials or rights are refused: the site stops, its queue is kept."""
        self._pause("stopped", STOPPED_PAUSE, reason, hint)

    def take_over(self, other: Gate) -> None:
        """After a reload: what is known of the site stays known."""
        self.state, self.reason, self.hint = other.state, other.reason, other.hint
        self._until, self._failures, self._last = other._until, other._failures, other._last
        self._asked_until, self._spacing, self._learnt = other._asked_until, other._spacing, other._learnt

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
