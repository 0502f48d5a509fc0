"""A list's rhythm: learnt from its entries, it makes reads rarer only in hours in which nothing ever came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.rhythm import FULL, KEPT, appeared, busy, interval, remembered, wait, weights

SHANGHAI = ZoneInfo("Asia/Shanghai")
EVERY, SLOWEST = 300.0, 3600.0
MONDAY = datetime(2026, 9, 7, tzinfo=SHANGHAI)


def evenings(weeks: int = 6) -> str:
    """Of a list like gov.cn's, where most policies appear on weekdays between 17:00 and 22:21."""
    days = [MONDAY + timedelta(weeks=w, days=d) for w in range(weeks) for d in range(5)]
    return remembered("", [day + timedelta(hours=17 + n % 6, minutes=21 * (n % 2)) for n, day in enumerate(days)])


def at(hour: int, minute: int = 0, day: int = 2) -> datetime:
    return MONDAY + timedelta(weeks=8, days=day, hours=hour, minutes=minute)


def pace(when: datetime, rhythm: str = "") -> float:
    return interval(rhythm or evenings(), when, SHANGHAI, EVERY, SLOWEST)


def test_in_the_hours_of_most_changes_it_is_read_as_often_as_promised() -> None:
    assert min(pace(at(hour)) for hour in range(24)) == EVERY
    assert all(pace(at(hour)) < 1.6 * EVERY for hour in range(17, 22))


def test_an_hour_that_changes_half_as_often_as_the_busiest_is_no_quiet_one() -> None:
    days = [MONDAY + timedelta(days=d) for d in range(60)]
    rhythm = remembered("", [*(d + timedelta(hours=9) for d in days[::2]), *(d + timedelta(hours=21) for d in days[::4])])
    assert {pace(at(hour, day=day), rhythm) for hour in (9, 21) for day in range(7)} == {EVERY}


def test_in_hours_and_on_days_without_any_change_ever_it_is_read_as_rarely_as_allowed() -> None:
    assert pace(at(3)) == pace(at(12)) == SLOWEST
    assert pace(at(19, day=6)) == SLOWEST


def test_the_hour_beside_a_busy_one_is_not_taken_for_quiet() -> None:
    assert EVERY < pace(at(16)) < SLOWEST
    assert EVERY < pace(at(23)) < SLOWEST


def test_a_rarer_hour_is_slower_by_the_square_root_of_how_much_rarer_it_is() -> None:
    often = [MONDAY + timedelta(days=d, hours=9) for d in range(0, 70, 2)]
    seldom = [MONDAY + timedelta(days=d, hours=21) for d in range(1, 70, 8)]
    rhythm = remembered("", [*often, *seldom])
    share = len(seldom) / len(often)
    day = MONDAY + timedelta(weeks=12)
    known = weights(rhythm, SHANGHAI)
    assert known is not None
    found = interval(rhythm, day + timedelta(hours=21), SHANGHAI, EVERY, SLOWEST)
    assert found == pytest.approx(EVERY / (share * known[1][0] / FULL) ** 0.5)


def test_hours_are_those_of_the_lists_own_zone() -> None:
    utc = [m.astimezone(UTC) for m in (MONDAY + timedelta(days=d, hours=9) for d in range(30))]
    assert remembered("", utc) == remembered("", [m.astimezone(SHANGHAI) for m in utc])
    assert busy(remembered("", utc), SHANGHAI) == "08-11"
    assert busy(remembered("", utc), UTC) == "00-03"


def test_nothing_is_believed_of_few_changes_or_of_a_single_week() -> None:
    few = remembered("", [MONDAY + timedelta(days=3 * d, hours=9) for d in range(11)])
    week = remembered("", [MONDAY + timedelta(hours=5 * n) for n in range(30)])
    assert {pace(at(hour), rhythm) for hour in range(24) for rhythm in (few, week)} == {EVERY}
    assert busy(few, SHANGHAI) == ""


def test_the_operators_interval_is_never_undercut_nor_his_slowest_one_exceeded() -> None:
    assert interval(evenings(), at(3), SHANGHAI, 7200.0, 3600.0) == 7200.0


def test_a_wait_that_reaches_into_busy_hours_is_cut_short() -> None:
    assert wait(evenings(), at(3), SHANGHAI, EVERY, SLOWEST) == SLOWEST
    reached = at(15, 50) + timedelta(seconds=wait(evenings(), at(15, 50), SHANGHAI, EVERY, 4 * SLOWEST))
    assert at(16) < reached < at(16, 10)


@given(hour=st.integers(0, 23), minute=st.integers(0, 59), day=st.integers(0, 6), slowest=st.floats(300, 86400))
def test_a_wait_lies_between_the_promise_and_what_is_allowed(hour: int, minute: int, day: int, slowest: float) -> None:
    found = wait(evenings(), at(hour, minute, day), SHANGHAI, EVERY, slowest)
    assert EVERY - 1e-6 <= found <= slowest + 1e-6


def test_many_entries_of_one_half_hour_are_one_change() -> None:
    assert remembered("", [at(9, minute) for minute in range(30)]) == remembered("", [at(9)])


def test_the_memory_is_small_and_keeps_the_newest() -> None:
    rhythm = ""
    for day in range(200):
        rhythm = remembered(rhythm, [MONDAY + timedelta(days=day, hours=9)])
    assert len(rhythm) == 4 * KEPT
    assert rhythm == remembered("", [MONDAY + timedelta(days=day, hours=9) for day in range(200 - KEPT, 200)])


def test_moments_that_no_calendar_of_ours_holds_are_left_out() -> None:
    assert remembered("", [datetime(1969, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)]) == ""


def test_an_entry_appeared_when_the_list_says_if_that_can_be() -> None:
    now, before = at(18), at(17)
    assert appeared(at(17, 30), before, now, SHANGHAI) == at(17, 30)
    assert appeared(at(9), None, now, SHANGHAI) == at(9)


def test_an_entry_dated_outside_of_the_time_between_two_reads_appeared_when_it_was_sighted() -> None:
    now, before = at(18), at(17, 55)
    assert appeared(at(9), before, now, SHANGHAI) == now
    assert appeared(at(23), before, now, SHANGHAI) == now
    assert appeared(None, before, now, SHANGHAI) == now


def test_midnight_is_what_systems_write_for_a_day_and_tells_no_hour() -> None:
    midnight = at(0)
    assert appeared(midnight, None, at(18), SHANGHAI) is None
    assert appeared(midnight, at(0) - timedelta(minutes=5), at(0, 5), SHANGHAI) == at(0, 5)


def test_a_sighting_after_an_outage_tells_no_hour() -> None:
    assert appeared(None, at(9), at(18), SHANGHAI) is None
    assert appeared(None, None, at(18), SHANGHAI) is None


def test_busy_hours_are_told_in_words() -> None:
    assert busy(evenings(), SHANGHAI) == "16-24"
    night = remembered("", [MONDAY + timedelta(days=d, hours=23, minutes=30) for d in range(30)])
    assert busy(night, SHANGHAI) == "22-01"
    always = remembered("", [MONDAY + timedelta(hours=7 * n) for n in range(64)])
    assert busy(always, SHANGHAI) == "00-24"
