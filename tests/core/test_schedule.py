"""When things are done next: polite to the sources, never giving up, never fooled by a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.schedule import (
    Skips,
    backoff,
    due_is_absurd,
    network_down,
    next_look,
    next_poll,
    suspended,
    watched,
)
from tests.core.given import NOW, after

MIDDLE = 0.5


def poll(**known: float | None) -> tuple[float, str]:
    due, reason = next_poll(**{**dict(every=300.0, ttl=None, retry_after=None, tries=0, dice=MIDDLE), **known}, now=NOW)  # type: ignore[arg-type]
    return round((due - NOW).total_seconds(), 3), reason


def test_a_good_read_is_followed_by_another_after_every() -> None:
    assert poll() == (300.0, "every")


def test_polls_are_spread_by_a_tenth_either_way() -> None:
    assert [poll(dice=d)[0] for d in (0.0, 1.0)] == [270.0, 330.0]


def test_a_list_may_ask_for_at_most_an_hour_of_rest() -> None:
    assert poll(ttl=900.0) == (900.0, "ttl")
    assert poll(ttl=86400.0) == (3600.0, "ttl")
    assert poll(ttl=60.0) == (300.0, "every")
    assert poll(ttl=86400.0, every=7200.0) == (7200.0, "every")


def test_failures_wait_5_10_20_minutes_and_never_more_than_a_day() -> None:
    assert [poll(tries=n)[0] for n in (1, 2, 3)] == [300.0, 600.0, 1200.0]
    assert poll(tries=10_000) == (86400.0, "backoff")


def test_a_failing_source_is_not_read_more_often_than_a_healthy_one() -> None:
    assert poll(tries=1, every=7200.0, dice=0.0) == (7200.0, "backoff")


def test_retry_after_wins_up_to_two_days() -> None:
    assert poll(tries=9, retry_after=900.0) == (900.0, "retry_after")
    assert poll(tries=1, retry_after=86400.0 * 365) == (2 * 86400.0, "retry_after")
    assert poll(tries=1, retry_after=1.0) == (300.0, "retry_after")


def test_a_server_is_never_asked_before_its_retry_after() -> None:
    assert poll(tries=1, retry_after=900.0, dice=0.0)[0] >= 900.0


@given(
    every=st.floats(60, 86400), ttl=st.none() | st.floats(-10, 1e9), after_=st.none() | st.floats(-10, 1e12),
    tries=st.integers(0, 10**6), dice=st.floats(0, 1),
)
def test_a_source_is_never_hammered_and_never_given_up(
    every: float, ttl: float | None, after_: float | None, tries: int, dice: float
) -> None:
    due, _ = next_poll(every=every, ttl=ttl, retry_after=after_, tries=tries, dice=dice, now=NOW)
    assert 0.89 * every <= (due - NOW).total_seconds() <= max(every, 2 * 86400.0) * 1.11


def test_backoff_doubles_to_an_hour_and_stays_there() -> None:
    assert [backoff(n, 1.0) for n in (0, 1, 2, 3)] == [30.0, 30.0, 60.0, 120.0]
    assert backoff(99, 1.0) == 3600.0
    assert backoff(1, 0.0) == 24.0
    assert backoff(4, 1.0, first=2.0, cap=10.0) == 10.0


def test_looks_come_after_an_hour_a_day_a_week_and_then_weekly() -> None:
    waits = [(next_look(n, NOW, MIDDLE) - NOW) / timedelta(hours=1) for n in (0, 1, 2, 3, 99)]
    assert [round(w, 6) for w in waits] == [1.0, 24.0, 168.0, 168.0, 168.0]


def test_a_due_beyond_the_horizon_is_absurd() -> None:
    hour = timedelta(hours=1)
    assert due_is_absurd(after(days=365), NOW, hour)
    assert not due_is_absurd(after(3600), NOW, hour)
    assert not due_is_absurd(after(-9), NOW, hour)


def test_our_own_network_is_blamed_when_most_of_several_hosts_fail() -> None:
    assert network_down(2, 3)
    assert not network_down(2, 4)
    assert not network_down(2, 2)


def test_a_good_read_covers_the_time_since_the_last_up_to_two_intervals() -> None:
    def cover(since: datetime | None) -> float:
        return watched(since, NOW, 300.0)

    assert cover(after(-310)) == 310.0
    assert cover(after(-9000)) == 600.0
    assert cover(None) == 0.0
    assert cover(after(5)) == 0.0


def test_a_quiet_hour_makes_a_read_rarer_and_never_more_frequent() -> None:
    assert poll(pace=1800.0) == (1800.0, "quiet")
    assert poll(pace=60.0) == (300.0, "every")
    assert poll(pace=1800.0, ttl=2400.0) == (2400.0, "ttl")
    assert poll(pace=1800.0, tries=1) == (300.0, "backoff")


def test_the_operator_says_how_far_a_lists_wishes_go() -> None:
    assert poll(ttl=86400.0, most=7200.0) == (7200.0, "ttl")
    assert poll(ttl=86400.0, most=0.0) == (300.0, "every")


def skipping(at: datetime, *, hours: tuple[int, ...] = (), days: tuple[int, ...] = (), most: float = 1e9) -> tuple[float, str]:
    due, reason = next_poll(
        every=300.0, ttl=None, retry_after=None, tries=0, dice=MIDDLE, now=at, skips=Skips(hours, days), most=most
    )
    return (due - at).total_seconds(), reason


def test_skip_hours_are_of_gmt_and_put_a_read_off_to_their_end() -> None:
    at = datetime(2026, 9, 7, 3, 58, tzinfo=timezone(timedelta(hours=8)))  # Sunday 19:58 GMT
    assert skipping(at, hours=(20, 21)) == (120.0 + 2 * 3600, "skip")
    assert skipping(at, hours=(19, 3)) == (300.0, "every")
    assert skipping(at, hours=(20, 21), most=3600.0) == (3600.0, "skip")


def test_skip_days_are_skipped_to_the_next_morning() -> None:
    at = datetime(2026, 9, 5, 23, 58, tzinfo=UTC)
    assert skipping(at, days=(6,)) == (120.0 + 86400.0, "skip")
    assert skipping(at, days=(6,), hours=(0,)) == (120.0 + 86400.0 + 3600.0, "skip")


def test_a_list_that_asks_never_to_be_read_is_read() -> None:
    assert skipping(NOW, hours=tuple(range(24)), days=tuple(range(7))) == (300.0, "every")


def test_410_means_closed_after_three_sightings_over_a_day() -> None:
    assert suspended(after(-86400), 3, NOW)
    assert not suspended(after(-86399), 9, NOW)
    assert not suspended(after(-86400), 2, NOW)
    assert not suspended(None, 9, NOW)
