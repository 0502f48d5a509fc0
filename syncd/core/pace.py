"""How quickly a site that names no limit may be called: what its answers and its 429s say. All times are seconds."""

from __future__ import annotations

from collections.abc import Collection
from math import sqrt

LONGEST_SPACING = 60.0
"""A site that was closed for an hour has not said that it takes one post an hour."""
ALONE, BOLD = 6, 6
"""Calls that must have gone well, one at a time, before two are under way at once; when these two went well, so many more for
each that does. All that are under way when the site's limit is met are refused."""
PATIENCE = 50
"""Calls that go well at one spacing until a shorter one is tried: that may cost a refusal, so it is rare."""
GRAIN = 1.0
"""Retry-After is told in whole seconds: the site may be open again so much earlier."""
FIRST_PAUSE = 1.0
"""How long a site is left alone at first that says 429 and not for how long; each time that it says so again, twice as long."""
ROUNDS = 5
"""The last calls whose durations are remembered."""
_SURE, _HASTE = 0.75, 0.1
_NUDGE, _PUSH = 1.02, 1.1
_CALM = 1.0


def width(well: int, most: int) -> int:
    """How many calls may be under way at once after `well` that went well since the last trouble; at most `most`."""
    if well < ALONE:
        return 1
    return min(most, max(2, BOLD * (well - ALONE - 1)))


def unsaid(refusals: int) -> float:
    """How long to leave a site alone that said 429 so many times in a row without Retry-After."""
    return float(min(FIRST_PAUSE * 2 ** min(refusals - 1, 10), LONGEST_SPACING))


def guessed(pause: float, taken: int) -> float:
    """When the site takes calls again, within a pause that it did not name; after a single call, that pause is its spacing."""
    return pause if taken == 1 else pause / 2


def lead(durations: Collection[float]) -> float:
    """How much of a call's duration the next one need not wait for, by what the last ones took.

    The spacing counts from one arrival at the site to the next, and both lie somewhere within their calls. From one's
    answer to the next one's begin it is shorter by the way back of the one and the way there of the other: about the
    duration of one call, whichever part of it is the way there; a part of the shortest is sure.
    """
    return _SURE * min(durations, default=0.0)


def early(preparations: Collection[float], spacing: float) -> float:
    """How long before the site may be called a step is begun, by how long it took the last ones until they called.

    A part of the shortest, and of the spacing: should one be quicker than all, it comes too early by less than that.
    """
    return min(lead(preparations), _HASTE * spacing)


def lull(gap: float, spent: float, taken: int) -> bool:
    """Whether a gap ends a run of `taken` calls that took `spent`: what a limit had saved up by then is not the run's."""
    return taken > 2 and gap > max(_CALM, 4 * spent / (taken - 1))


def taught(kept: float, spent: float, taken: int, after: float) -> tuple[float, float]:
    """The spacing that a refusal teaches, and one that is known to be too short.

    kept: the spacing of the calls until now, 0 for none. spent: from the first call of the run until the refusal.
    taken: calls of the run that went well. after: until the site takes calls again, as it says or as is guessed.
    The mean, not the pause, is the spacing: a window of a minute takes many calls and then none for half a minute.
    """
    grain = 0.0 if after % GRAIN else GRAIN
    most, least = (spent + after) / taken, (spent + max(after - grain, 0.0)) / taken
    if taken == 1 and spent < grain:
        most = after  # the whole seconds were rounded up, so that they hold what was spent of them
    if not kept:
        return min(most, LONGEST_SPACING), min(least, most)
    if taken > 2 and kept >= least:  # all but enough: the pause in whole seconds would teach too much
        most = min(most, kept * _NUDGE)
    least = max(kept, min(least, most))
    return min(max(most, kept * (_NUDGE if taken > 2 else _PUSH)), LONGEST_SPACING), least


def shorter(spacing: float, too_short: float) -> float:
    """The spacing to try after `spacing` has been kept for long: half of it, or halfway to what is known to be too short."""
    return min(max(spacing / 2, sqrt(spacing * too_short)), spacing * 0.97)
