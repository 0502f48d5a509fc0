"""Deadlines: a verdict only as far as the instants prove it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.deadline import due_at, escalation, time_left, turns, verdict
from syncd.core.timeline import Timeline
from syncd.model import DeadlineRule, Instant, Precision, Verdict
from tests.core.given import NOW, after

HOUR = 3600.0
RULE = DeadlineRule(12 * HOUR, "国办发〔2017〕47号")
MUCH_LATER = after(days=9)


def hours(h: float, **more: object) -> Instant:
    return Instant(after(h * HOUR), **more)  # type: ignore[arg-type]


def life(bad: float | None = None, seen: float | None = None, **more: object) -> Timeline:
    """Published at 0, sighted after 6 minutes, announced after half an hour; times in hours."""
    given: dict[str, object] = dict(published=hours(0), sighted=hours(0.1), announced=hours(0.5))
    found = dict(seen_after=None if bad is None else hours(bad), seen=None if seen is None else hours(seen))
    return Timeline(**{**given, **found, **more})  # type: ignore[arg-type]


def judged(
    t: Timeline, now: float = 200.0, *, excused: str = "", vantage: str = "outside", clock: float = 0.0
) -> tuple[str, str]:
    found, reason = verdict(t, RULE, after(now * HOUR), excused=excused, vantage=vantage, clock_error=clock)
    return str(found), reason


def test_due_is_an_interval_as_wide_as_the_precision() -> None:
    assert due_at(hours(0), RULE) == (after(12 * HOUR), after(12 * HOUR))
    assert due_at(hours(0, precision=Precision.DAY), RULE) == (after(12 * HOUR), after(36 * HOUR))


def test_met_only_if_the_whole_interval_is_inside() -> None:
    assert judged(life(1, 2)) == ("met", "in_time")
    assert judged(life(1, 12)) == ("met", "in_time")
    assert judged(life(11, 12.1)) == ("indeterminate", "looks_apart")


def test_breached_only_if_the_whole_interval_is_outside() -> None:
    assert judged(life(12.1, 13)) == ("breached", "late")
    assert judged(life(12.0, 13)) == ("indeterminate", "looks_apart")


@pytest.mark.guarantee(4)
def test_a_day_without_a_time_gives_a_verdict_only_where_it_cannot_matter() -> None:
    day = hours(-9, precision=Precision.DAY)
    assert judged(life(1, 2, published=day)) == ("met", "in_time")
    assert judged(life(4, 5, published=day)) == ("indeterminate", "published_day_only")
    assert judged(life(13, 14, published=day)) == ("breached", "late")


def test_what_has_no_date_is_never_met() -> None:
    assert judged(life(1, 2, published=None)) == ("indeterminate", "published_unknown")
    assert judged(life(13, 14, published=None)) == ("breached", "late")


def test_what_has_no_date_but_a_read_that_missed_it_is_met_if_that_is_inside() -> None:
    undated = dict(published=None, missed=hours(0))
    assert judged(life(1, 2, **undated)) == ("met", "in_time")
    assert judged(life(11, 12.05, **undated)) == ("indeterminate", "published_unknown")


def test_not_seen_is_open_until_it_is_surely_late() -> None:
    waiting = life(announced=None)
    assert judged(waiting, 12.0) == ("open", "not_seen")
    assert judged(waiting, 12.1) == ("breached", "late_and_not_seen")


def test_sent_in_time_but_not_looked_at_since_is_not_surely_late() -> None:
    assert judged(life(), 40) == ("open", "not_seen")
    assert judged(life(bad=12.5), 40) == ("breached", "late_and_not_seen")


def test_an_inside_look_never_yields_met_alone() -> None:
    assert judged(life(1, 2), vantage="inside") == ("indeterminate", "inside_look")
    assert judged(life(13, 14), vantage="inside") == ("breached", "late")


def test_a_clock_that_could_turn_the_verdict_makes_it_indeterminate() -> None:
    assert judged(life(11, 11.5), clock=60.0) == ("met", "in_time")
    assert judged(life(11, 11.5), clock=HOUR) == ("indeterminate", "clock")
    assert judged(life(12.5, 13), clock=HOUR) == ("indeterminate", "clock")
    assert judged(life(1, 2), clock=HOUR) == ("met", "in_time")
    assert judged(life(20, 21), clock=HOUR) == ("breached", "late")


@pytest.mark.parametrize("unknown", [math.inf, math.nan])
def test_a_clock_of_which_nothing_is_known_proves_nothing(unknown: float) -> None:
    assert judged(life(1, 2), clock=unknown) == ("indeterminate", "clock")
    assert judged(life(announced=None), 400, clock=unknown) == ("indeterminate", "clock")
    assert judged(life(), 1, clock=unknown) == ("open", "not_seen")


def test_an_instant_with_a_known_error_is_judged_by_its_bounds() -> None:
    assert judged(life(11, published=hours(0), seen=None, seen_after=hours(11)), 11.5)[0] == "open"
    late = Timeline(hours(0), sighted=hours(0.1), seen_after=hours(11), seen=hours(11.99, error=120.0))
    assert judged(late)[0] == "indeterminate"


def test_reasons_to_excuse_pass_through() -> None:
    assert judged(life(20, 21), excused="backfill") == ("excused", "backfill")


def test_without_a_rule_there_is_no_verdict() -> None:
    found = verdict(life(1, 2), None, NOW, excused="", vantage="outside", clock_error=0.0)
    assert found == (Verdict.EXCUSED, "no_rule")


def test_what_its_source_withdrew_in_time_is_excused_and_what_was_late_before_is_not() -> None:
    assert judged(life(announced=None, withdrawn=hours(3))) == ("excused", "withdrawn")
    assert judged(life(announced=None, withdrawn=hours(13))) == ("breached", "late_and_not_seen")


def test_time_left_counts_from_the_exact_time() -> None:
    assert time_left(life(), RULE, after(10 * HOUR)) == 2 * HOUR
    assert time_left(life(), RULE, after(13 * HOUR)) == -HOUR


def test_time_left_of_a_day_without_a_time_counts_from_the_read_that_missed_it() -> None:
    day = hours(-20, precision=Precision.DAY)
    assert time_left(life(published=day, missed=hours(0)), RULE, after(HOUR)) == 11 * HOUR
    assert time_left(life(published=day), RULE, after(HOUR)) == -9 * HOUR


def test_time_left_of_what_is_not_dated_counts_from_what_is_known() -> None:
    assert time_left(life(published=None), RULE, after(0.1 * HOUR)) == 12 * HOUR
    assert time_left(Timeline(), RULE, NOW) == 12 * HOUR


@pytest.mark.parametrize(("used", "level"), [(5.9, 0), (6, 50), (9, 75), (10.8, 90), (12, 100), (50, 100)])
def test_escalation_grows_with_the_time_used(used: float, level: int) -> None:
    assert escalation(life(), RULE, after(used * HOUR)) == level


def test_what_is_seen_or_withdrawn_escalates_no_more() -> None:
    assert escalation(life(1, 2), RULE, MUCH_LATER) == 0
    assert escalation(life(withdrawn=hours(1)), RULE, MUCH_LATER) == 0


def told(t: Timeline, now: float) -> tuple[object, ...]:
    unknown = verdict(t, RULE, after(now), excused="", vantage="outside", clock_error=math.inf)
    return unknown, verdict(t, RULE, after(now), excused="", vantage="outside", clock_error=0.0), escalation(
        t, RULE, after(now)
    )


MOMENT = st.builds(
    lambda s, day: Instant(after(s), precision=Precision.DAY if day else Precision.SECOND),
    st.integers(-30, 30).map(lambda h: h * HOUR), st.booleans(),
)
RARELY = st.tuples(MOMENT, st.integers(0, 5)).map(lambda drawn: None if drawn[1] else drawn[0])
LIVES = st.builds(
    Timeline, published=st.none() | MOMENT, missed=st.none() | MOMENT, sighted=st.none() | MOMENT,
    announced=st.none() | MOMENT, seen_after=st.none() | MOMENT, seen=RARELY, withdrawn=RARELY,
)


@given(LIVES, st.integers(-40, 60).map(lambda h: h * HOUR + 7), st.floats(0, 1), st.integers(0, 80).map(lambda h: h * HOUR))
def test_before_it_turns_time_alone_changes_no_verdict_and_no_escalation(
    t: Timeline, now: float, share: float, far: float
) -> None:
    turn = turns(t, RULE, after(now))
    before = (turn - after(0)).total_seconds() - 1e-3 if turn else now + far
    if before > now:
        for later in (before, now + share * (before - now)):
            assert told(t, later) == told(t, now)


def test_it_turns_at_each_level_and_a_second_early() -> None:
    t = life()
    found = [turns(t, RULE, after(h * HOUR)) for h in (1, 7, 10, 11, 13)]
    assert found == [*(after(h * HOUR - 1) for h in (6, 9, 10.8, 12)), None]
    assert turns(t, RULE, after(6 * HOUR - 0.5)) == after(6 * HOUR - 1)  # at hand: not after now
    assert turns(life(1, 2), RULE, after(3 * HOUR)) is None
    day = life(published=hours(0, precision=Precision.DAY), sighted=hours(10))
    assert turns(day, RULE, after(13 * HOUR)) == after(22 * HOUR - 1)  # surely late long after it was likely to be
