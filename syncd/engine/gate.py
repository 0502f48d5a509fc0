"""One gate per site: pacing, Retry-After, a breaker with one probe, and the settling times of ambiguous writes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from syncd.core import pace
from syncd.core.pace import PATIENCE

FAILURES = 3
"""Transport failures in a row that open the breaker."""
FIRST_PAUSE, LONGEST_PAUSE = 30.0, 600.0
SLACK = 1.001
"""How much more than the spacing is kept, since clocks have grains."""
FORGET, FORGET_CALLS = 600.0, 50
"""Seconds, and spacings, after the last 429 until the spacing that it taught is forgotten: the site may have become faster."""
STOPPED_PAUSE = 300.0
"""A site whose log-in is refused is tried once in this many seconds, by its check alone."""


@dataclass(slots=True)
class Run:
    """The calls that went well since the last pause or lull; all times monotonic seconds."""

    taken: int = 0
    first: float = 0.0
    last: float = 0.0
    refusals: int = 0
    """How often in a row the site has said 429 since the last of them."""

    def well(self, now: float, *, still_asked: bool) -> None:
        """still_asked: the call began before the site asked for its pause, so that it belongs to what was before."""
        new = self.refusals and not still_asked
        if new or not self.taken or pace.lull(now - self.last, self.last - self.first, self.taken):
            self.taken, self.first = 0, now
        self.taken, self.last = self.taken + 1, now
        self.refusals = self.refusals if still_asked else 0

    def refused(self, now: float, asked_until: float) -> bool:
        """True when the site says 429 again before it took any call; calls that were under way together count as one."""
        again = self.refusals > 0
        if not again or now >= asked_until:
            self.refusals += 1
        return again


@dataclass(slots=True)
class Lesson:
    """The spacing that refusals taught, 0 for none, and the tries at a shorter one."""

    spacing: float = 0.0
    learnt: float = field(default=float("-inf"))
    """Monotonic seconds: when the site last said 429."""
    _before: float = 0.0
    """The spacing that was kept when the run began."""
    _sure: float = 0.0
    """While a shorter spacing is tried: the one to go back to; else 0."""
    _too_short: float = 0.0
    _steady: int = 0
    _patience: int = PATIENCE

    def at(self, now: float) -> float:
        """The spacing in force."""
        return self.spacing if now - self.learnt < max(FORGET, FORGET_CALLS * self.spacing) else 0.0

    def well(self) -> None:
        """A call went well; after many of them a shorter spacing is tried, and after many more it is kept."""
        self._steady += 1
        if not self.spacing or self._steady < self._patience:
            return
        if self._sure:
            self._patience, self._too_short = PATIENCE, self._too_short / 2  # what was too short may be so no more
        self._steady, self._sure = 0, self.spacing
        self.spacing = pace.shorter(self.spacing, self._too_short)

    def refused(self, run: Run, now: float, after: float, *, again: bool) -> None:
        """again: the run has taught already, but the pause was too short, or another call of it was refused too."""
        kept = self._before if again else self.at(now)
        if self._sure and not again and kept:
            self._too_short, self.spacing, self._patience = self.spacing, self._sure, self._patience * 2
        elif not again or run.refusals > 1:
            self.spacing, self._too_short = pace.taught(kept, now - run.first, run.taken, after)
        self._before, self._sure, self._steady, self.learnt = kept, 0.0, 0, now


@dataclass(slots=True)
class Gate:
    """Whether a site may be called now; all times monotonic seconds. state: ok, paused (asked or down) or stopped (log-in).

    Calls at once begin with one and grow with what went well. A site that says 429 tells how many calls it takes: what
    it took since the last pause, over the time until it takes one again (core/pace.py). Calls are spaced by that from
    then on, one at a time, so that a queue does not drain by refusals; a shorter spacing is tried rarely, and given up at
    the first refusal. Retry-After itself always wins.
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
    _booked: dict[int, float] = field(default_factory=dict)
    """The steps that will call, and when each was begun."""
    _grown: int = 0
    """Calls that went well since the last trouble, without a spacing."""
    _last: float = field(default=float("-inf"))
    """When the last call began, or, when it went well, when it was answered but for its lead."""
    _began: float = 0.0
    _took: deque[float] = field(default_factory=lambda: deque(maxlen=pace.ROUNDS))
    _prepared: deque[float] = field(default_factory=lambda: deque(maxlen=pace.ROUNDS))
    """How long the last calls took, and how long it took from a step's begin until its call."""
    _lesson: Lesson = field(default_factory=Lesson)
    _run: Run = field(default_factory=Run)

    @property
    def wait(self) -> float:
        """Seconds until a step that calls may begin; 0 is now."""
        now = self.monotonic()
        spacing = self.spacing
        spaced = self._last + spacing * SLACK - pace.early(self._prepared, spacing)
        return max(self._until - now, self._asked_until - now, spaced - now, 0.0)

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next: as declared or learnt, whichever is more; 0 for none."""
        learnt = self._lesson.at(self.monotonic())
        return max(learnt, 1 / self.rate if self.rate else 0.0)

    @property
    def free(self) -> int:
        """How many calls may start now; one probe only while the site is not known to be well."""
        if self.wait > 0:
            return 0
        limit = 1 if self.spacing or self.state != "ok" else pace.width(self._grown, self.concurrency)
        return max(0, limit - max(self._busy, len(self._booked)))

    def book(self, step: int) -> None:
        """A step is begun that will call: what comes before its call, however slow, must not let another one in."""
        self._booked[step] = self.monotonic()

    def unbook(self, step: int) -> None:
        """The step has made its calls, or has ended; may be called again."""
        self._booked.pop(step, None)

    def enter(self) -> None:
        self._busy += 1
        self._last = self._began = now = self.monotonic()
        if self._booked:
            self._prepared.append(now - min(self._booked.values()))

    def leave(self) -> None:
        self._busy -= 1

    def well(self) -> None:
        """The site answered as it should."""
        now = self.monotonic()
        if not self._lesson.at(now):
            self._grown += 1
        self._lesson.well()
        self._run.well(now, still_asked=now < self._asked_until)
        self._took.append(now - self._began)
        self._last = now - pace.lead(self._took)
        self._failures, self._until = 0, 0.0
        if now >= self._asked_until:  # an earlier call that ends well does not end the pause that a later one was told
            self.state, self.reason, self.hint = "ok", "", ""

    def limited(self, after: float, reason: str, hint: str, *, said: bool = True) -> float:
        """The site asked to be left alone: everything waits, nobody tries. Returns for how many seconds.

        after: as the site says, which always wins; where it did not say (said=False), the longest pause that makes sense.
        """
        now = self.monotonic()
        again = self._run.refused(now, self._asked_until)
        pause = after if said else min(after, pace.unsaid(self._run.refusals))
        if self._run.taken:
            self._lesson.refused(self._run, now, pause if said else pace.guessed(pause, self._run.taken), again=again)
        self._grown = 0
        self.state, self.reason, self.hint = "paused", reason, hint
        self._asked_until = max(self._asked_until, now + pause)
        return pause

    def failed(self, reason: str, hint: str, *, at_once: bool = False) -> None:
        """A transport failure; several in a row open the breaker, ever longer. at_once: so does the first."""
        self._failures = max(self._failures + 1, FAILURES if at_once else 0)
        self._grown = 0
        if self._failures >= FAILURES:
            self._pause("paused", min(FIRST_PAUSE * 2 ** (self._failures - FAILURES), LONGEST_PAUSE), reason, hint)

    def refused(self, reason: str, hint: str) -> None:
        """Credentials or rights are refused: the site stops, its queue is kept."""
        self._pause("stopped", STOPPED_PAUSE, reason, hint)

    def take_over(self, other: Gate) -> None:
        """After a reload: what is known of the site stays known."""
        self.state, self.reason, self.hint = other.state, other.reason, other.hint
        self._until, self._failures, self._last = other._until, other._failures, other._last
        self._asked_until, self._lesson, self._run = other._asked_until, other._lesson, other._run
        self._began, self._took, self._prepared = other._began, other._took, other._prepared

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
