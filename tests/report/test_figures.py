"""The figures of a month: each row in one outcome, nothing dropped, nothing believed that is not known."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Instant, Precision, Verdict
from syncd.report import Counts, Outcome, Report, ReportRow, Span, month_report, outcome, watch_of
from syncd.report.figures import bounds, day_of, percentile
from syncd.store.api import ReadSpan
from tests.report.rows import BESIDE, JULY, NOW, WATCH, local, row


def july(rows: tuple[ReportRow, ...] = JULY + BESIDE, now: datetime = NOW) -> Report:
    return month_report(rows, month="2026-07", zone="Asia/Shanghai", watch=WATCH, now=now)


def test_each_row_of_the_month_stands_in_exactly_one_column() -> None:
    assert july().counts == Counts(
        total=9, obliged=7, reposted=4, in_limit=2, late=1, missing=2, indeterminate=1, open=1, excused=1, withdrawn=1
    )


def test_a_month_is_cut_in_local_time_to_the_second() -> None:
    ids = {item.repost for item in july().items}
    assert 6 in ids
    assert not ids & {90, 91}
    assert month_report(JULY + BESIDE, month="2026-08", zone="UTC", watch=(), now=NOW).items == ()


def test_an_open_one_past_its_limit_is_missing_even_before_its_verdict_is_written() -> None:
    late = row(1, "2026-07-08 12:00:00", verdict=Verdict.OPEN)
    assert late.due is not None
    assert outcome(late, now=late.due) is Outcome.MISSING
    assert outcome(late, now=late.due - timedelta(seconds=1)) is Outcome.OPEN


def test_a_withdrawal_after_the_limit_does_not_excuse() -> None:
    early = row(1, "2026-07-08 12:00:00", verdict=Verdict.BREACHED, withdrawn=local("2026-07-08 20:00:00"))
    tardy = row(1, "2026-07-08 12:00:00", verdict=Verdict.BREACHED, withdrawn=local("2026-07-09 20:00:00"))
    assert [outcome(r, now=NOW) for r in (early, tardy)] == [Outcome.WITHDRAWN, Outcome.MISSING]


def test_what_is_not_reposted_counts_in_the_latencies_with_its_age() -> None:
    report = july()
    age = (NOW - local("2026-07-04 10:00:00")).total_seconds()
    assert report.longest == Span(age, None)
    assert report.median == Span(90000, 90000)


def test_a_percentile_of_intervals_is_an_interval() -> None:
    assert percentile([Span(1, 5), Span(2, 3), Span(9, None)], 0.5) == Span(2, 5)
    assert percentile([], 0.5) is None


def test_timeliness_says_how_much_the_indeterminate_could_change() -> None:
    report = july()
    assert (report.timeliness.count, report.timeliness_most.count, report.timeliness.of) == (2, 3, 6)


def test_a_latency_whose_beginning_nobody_knows_has_no_upper_end() -> None:
    unknown = replace(row(1, "2026-07-08 12:00:00", took=60), latency=(0.0, math.inf))
    assert july((unknown,)).items[0].latency == Span(0.0, None)


def test_what_its_source_withdrew_in_time_is_not_obliged_whoever_found_out() -> None:
    excused = row(1, "2026-07-08 12:00:00", verdict=Verdict.EXCUSED, verdict_reason="withdrawn")
    assert outcome(excused, now=NOW) is Outcome.WITHDRAWN


def test_coverage_leaves_out_only_what_is_still_in_time() -> None:
    assert (july().coverage.count, july().coverage.of) == (4, 6)


def test_a_post_that_was_edited_at_the_site_is_not_the_same_as_the_source() -> None:
    assert (july().fidelity.count, july().fidelity.of) == (3, 4)


def test_night_counts_only_documents_whose_hour_is_known() -> None:
    assert (july().night.count, july().night.of) == (2, 8)
    dated = row(1, "2026-07-05 00:00:00", took=1, precision=Precision.DAY)
    assert july((dated,)).night.share is None


def test_blame_is_counted_for_the_late_and_missing_only() -> None:
    report = july()
    assert {lag.name: lag.blamed for lag in report.lags if lag.blamed} == {"approval": 1, "cms": 1}
    assert report.unblamed == 1
    assert next(lag for lag in report.lags if lag.name == "detection").total == 400


def test_a_month_that_is_not_over_says_so_and_ends_now() -> None:
    now = local("2026-07-10 08:00:00")
    assert (july(now=now).complete, july(now=now).until) == (False, now)
    assert july().complete
    assert july().until == local("2026-08-01 00:00:00")


@pytest.mark.parametrize("month", ["2026-13", "2026-7", "202607", "", "2026-07-1", "０２６６-07", "0000-01"])
def test_a_month_that_is_none_is_refused(month: str) -> None:
    with pytest.raises(ValueError, match="month"):
        bounds(month, "UTC")


def test_watch_finds_the_longest_blind_span_and_the_share() -> None:
    since = datetime(2026, 7, 1, tzinfo=UTC)

    def at(minutes: int) -> datetime:
        return since + timedelta(minutes=minutes)

    reads = [
        ReadSpan(at(0), at(10), 3, ""), ReadSpan(at(15), at(15), 1, "timeout"), ReadSpan(at(30), at(30), 1, "timeout"),
        ReadSpan(at(40), at(50), 3, ""),
    ]
    watch = watch_of("s", reads, since=since, until=at(60), every=300)
    assert (watch.reads, watch.failed, watch.blind, watch.blind_from) == (8, 2, 20 * 60, at(20))
    assert watch.share == pytest.approx(40 / 60)


def test_a_good_read_before_the_month_still_covers_its_first_minutes() -> None:
    since = datetime(2026, 7, 1, tzinfo=UTC)
    reads = [ReadSpan(since - timedelta(minutes=5), since - timedelta(minutes=5), 1, "")]
    watch = watch_of("s", reads, since=since, until=since + timedelta(hours=1), every=300)
    assert (watch.reads, watch.watched) == (0, 300)


def test_a_source_that_was_never_read_was_not_watched() -> None:
    since = datetime(2026, 7, 1, tzinfo=UTC)
    watch = watch_of("s", [], since=since, until=since + timedelta(hours=1), every=300)
    assert (watch.share, watch.blind, watch.blind_from) == (0.0, 3600, since)


@given(
    st.lists(st.tuples(st.sampled_from(list(Verdict)), st.none() | st.floats(0, 1e6), st.booleans()), max_size=12),
)
def test_no_row_is_lost_between_the_columns(rows: list[tuple[Verdict, float | None, bool]]) -> None:
    made = tuple(
        row(n, "2026-07-10 12:00:00", took=took, verdict=verdict, withdrawn=NOW if gone else None)
        for n, (verdict, took, gone) in enumerate(rows)
    )
    c = july(made).counts
    assert c.total == len(made) == c.obliged + c.excused + c.withdrawn
    assert c.obliged == c.in_limit + c.late + c.missing + c.indeterminate + c.open
    beside = (Outcome.EXCUSED, Outcome.WITHDRAWN)
    assert c.reposted == sum(1 for item in july(made).items if item.seen and item.outcome not in beside)


def test_an_open_one_of_which_only_the_day_is_known_says_nothing_of_the_median() -> None:
    today = row(20, "2026-07-31 00:00:00", verdict=Verdict.OPEN, precision=Precision.DAY, hours=72)
    seen = row(21, "2026-07-30 09:00:00", took=600)
    told = july((today, seen), now=local("2026-07-31 12:00:00"))
    assert told.counts.open == 1
    assert (told.median, told.longest) == (Span(600, 600), Span(600, 600))
    assert july((today,), now=local("2026-07-31 12:00:00")).median is None


@pytest.mark.parametrize(
    ("zone", "day"),
    [("+08:00", "2026-07-05"), ("Asia/Shanghai", "2026-07-05"), ("UTC", "2026-07-04"), ("Z", "2026-07-04"), ("", "")],
)
def test_a_day_is_told_in_the_zone_of_its_source(zone: str, day: str) -> None:
    at = Instant(local("2026-07-05 00:00:00"), Precision.DAY, zone=zone)
    assert day_of(at) == day
    assert day_of(replace(at, precision=Precision.MINUTE)) == ""
