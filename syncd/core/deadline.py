"""Deadlines: when a repost is due, how much time is left, and the verdict on its timeline.

Sources of the rules: 国办发〔2017〕47号 as a county implements it says "应在12小时内转载"; 24 hours are told of the
national inspection of the second quarter of 2016 and 8 hours of Fujian in 2017; 国办发〔2014〕57号 as Shandong
implements it says "及时转载、链接". All are plain hours, none says working time, so a limit is wall clock. The figure
and its basis come from the route's config: limits are local law, and nothing here knows one.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from syncd.core.timeline import Timeline, began, latency
from syncd.model import DeadlineRule, Instant, Precision, Verdict

CLOCK_TRUSTED = 60.0
"""A clock known to be right within a minute is not held against a verdict."""
_ROUNDED = timedelta(seconds=1)
LEVELS = (50, 75, 90, 100)
"""Per cent of the limit at which a person is told."""


def due_at(published: Instant, rule: DeadlineRule) -> tuple[datetime, datetime]:
    """The earliest and the latest moment at which the limit may end."""
    limit = timedelta(seconds=rule.limit)
    return published.earliest + limit, published.latest + limit


def verdict(
    t: Timeline, rule: DeadlineRule | None, now: datetime, *, excused: str, vantage: str, clock_error: float
) -> tuple[Verdict, str]:
    """The verdict and its reason.

    Met only if the whole interval of the latency is inside the limit, breached only if all of it is outside (also when
    it isn't seen yet), else indeterminate; open while it isn't seen and the limit isn't surely past. A look from inside
    the site's network never proves met. clock_error: seconds, infinity or NaN when it isn't known; over a minute it
    makes a verdict that it could turn indeterminate.
    excused: passed through ("backfill", "adopted"); without a rule it is excused for "no_rule", and when its source
    withdrew it before it was seen and before it was surely late, for "withdrawn".
    """
    if excused or rule is None:
        return Verdict.EXCUSED, excused or "no_rule"
    found, reason = _by_interval(t, rule.limit, now, 0.0)
    if found in (Verdict.MET, Verdict.BREACHED) and not clock_error <= CLOCK_TRUSTED:
        slack = math.inf if math.isnan(clock_error) else clock_error
        if _by_interval(t, rule.limit, now, slack)[0] is not found:
            return Verdict.INDETERMINATE, "clock"
    if found is Verdict.MET and vantage != "outside":
        return Verdict.INDETERMINATE, "inside_look"
    return found, reason


def _by_interval(t: Timeline, limit: float, now: datetime, slack: float) -> tuple[Verdict, str]:
    low, high = latency(t, now)
    if low - slack > limit:
        return Verdict.BREACHED, "late" if t.seen else "late_and_not_seen"
    if t.seen is None:
        return (Verdict.EXCUSED, "withdrawn") if t.withdrawn else (Verdict.OPEN, "not_seen")
    if high + slack <= limit:
        return Verdict.MET, "in_time"
    return Verdict.INDETERMINATE, _why_unsure(t)


def _why_unsure(t: Timeline) -> str:
    """What would have to be known better: published_unknown, published_day_only or looks_apart."""
    if began(t)[0] is None or t.published is None:
        return "published_unknown"
    return "published_day_only" if t.published.precision is Precision.DAY else "looks_apart"


def time_left(t: Timeline, rule: DeadlineRule, now: datetime) -> float:
    """Seconds until the limit is likely to end, below 0 when it is past. For alerts, not for verdicts.

    A day without a time would be past at once by its earliest moment; the read that missed the document says better.
    """
    return rule.limit - (now - _likely_start(t, now)).total_seconds()


def _likely_start(t: Timeline, now: datetime) -> datetime:
    first, last = began(t)
    exact = t.published is not None and t.published.precision is not Precision.DAY
    since = [m for m in (first, None if exact or t.missed is None else t.missed.at) if m]
    return min(max(since, default=last or now), last or now)


def escalation(t: Timeline, rule: DeadlineRule, now: datetime) -> int:
    """The highest of 50, 75, 90 and 100 per cent of the limit that is used up; 0 below, and once seen or withdrawn."""
    if t.seen or t.withdrawn:
        return 0
    used = rule.limit - time_left(t, rule, now)
    return max((level for level in LEVELS if 100 * used >= level * rule.limit), default=0)


def turns(t: Timeline, rule: DeadlineRule, now: datetime) -> datetime | None:
    """The next moment at which time alone changes the verdict or the escalation; None when none will.

    It may come early, by a second since instants are rounded, or for nothing; nothing changes before it. It is not
    after `now` where a change is at hand.
    """
    if t.seen:
        return None
    start, last = _likely_start(t, now), began(t)[1]
    passed = [(last or now) + timedelta(seconds=rule.limit)]
    passed += [start + timedelta(seconds=rule.limit * level / 100) for level in LEVELS]
    return min((at - _ROUNDED for at in passed if at + _ROUNDED > now), default=None)
