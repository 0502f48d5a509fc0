"""The shaping behind the pages: durations, bars and the folding of a timeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.status import views
from syncd.status.api import Explanation, RepostRow

NOW = datetime(2026, 8, 3, 1, 30, tzinfo=UTC)


def told(events: list[tuple[int, str]], **given: object) -> Explanation:
    row = {"id": 1, "status": "sent"}
    at = [{"at": (NOW + timedelta(minutes=m)).isoformat(), "kind": kind} for m, kind in events]
    return Explanation.model_validate({"repost": row, "events": at, "verdict": "open", **given})


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        (0, [(0, "s")]),
        (0.4, [(0, "s")]),
        (59.6, [(1, "m")]),
        (3600, [(1, "h")]),
        (3661, [(1, "h"), (1, "m")]),
        (86400 * 3 + 60, [(3, "d")]),
        (-90, [(1, "m"), (30, "s")]),
    ],
)
def test_a_duration_is_told_by_its_two_largest_units(seconds: float, found: list[tuple[int, str]]) -> None:
    assert views.parts(seconds) == found


@given(st.dictionaries(st.sampled_from(views.LAGS), st.none() | st.floats(0, 1e9), max_size=6))
def test_the_bars_fill_the_whole_and_each_can_be_seen(lags: dict[str, float | None]) -> None:
    bars = views.bars(lags)
    assert {bar.name for bar in bars} == {name for name, value in lags.items() if value and value >= 0.5}
    if bars:
        assert sum(bar.width for bar in bars) == pytest.approx(1000, abs=0.1)
        assert min(bar.width for bar in bars) > 5


def test_a_run_of_the_same_event_is_one_line_with_its_count() -> None:
    steps = views.steps(
        told([(-9, "sent"), (-8, "look_bad"), (-7, "look_bad"), (-6, "look_bad"), (-5, "seen")]), NOW, UTC
    )
    assert [(step.kind, step.times) for step in steps] == [
        ("event.sent", 1),
        ("event.look_bad", 3),
        ("event.seen", 1),
        ("line.now", 1),
    ]
    assert steps[2].gap == 60


def test_a_limit_ahead_stands_after_now_and_one_behind_before() -> None:
    ahead = views.steps(told([(-1, "sent")], deadline={"due": (NOW + timedelta(hours=1)).isoformat()}), NOW, UTC)
    behind = views.steps(told([(-1, "sent")], deadline={"due": (NOW - timedelta(hours=1)).isoformat()}), NOW, UTC)
    assert [s.kind for s in ahead] == ["event.sent", "line.now", "line.due"]
    assert ahead[-1].tone == "due"
    assert (behind[0].kind, behind[0].tone) == ("line.due", "bad")


def test_a_next_step_without_a_time_comes_last() -> None:
    steps = views.steps(told([], next={"step": "rest", "reason": "waiting", "at": None}), NOW, UTC)
    assert [(s.kind, s.at) for s in steps] == [("line.now", NOW), ("line.next", None)]


def test_time_left_grows_urgent() -> None:
    def tone(**span: float) -> str:
        row = RepostRow.model_validate({"id": 1, "verdict": "open", "deadline": (NOW + timedelta(**span)).isoformat()})
        return views.limit_of(row, NOW).tone

    assert [tone(hours=5), tone(hours=2), tone(seconds=-1)] == ["busy", "warn", "bad"]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://", "http://[", "", "ftp://a/"]
)
def test_only_web_addresses_become_links(url: str) -> None:
    assert views.safe_url(url) == ""


def test_the_months_around_cross_the_year() -> None:
    assert views.months("2026-01") == ("2025-12", "2026-02")
    assert views.months("2026-12") == ("2026-11", "2027-01")
