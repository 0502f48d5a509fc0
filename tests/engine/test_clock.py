"""The clock: what is known of its error goes into every instant, and no verdict is better than the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncd.engine.clock import Clock
from syncd.testing.clock import ManualClock
from syncd.web.api import Answer
from tests.engine.rig import Rig, played, title_of


def heard(at: datetime, off: float) -> Answer:
    return Answer(200, "http://x", (), b"", at, at, date=at + timedelta(seconds=off))


def clock_of(manual: ManualClock) -> Clock:
    return Clock(manual.now, manual.monotonic)


def test_the_error_is_unknown_until_a_source_told_its_time() -> None:
    clock = clock_of(ManualClock())
    assert clock.error is None
    assert clock.instant().origin == "clock?"


def test_the_error_is_the_median_of_what_the_sources_say() -> None:
    manual = ManualClock()
    clock = clock_of(manual)
    for off in (1.0, -1.5, 7200.0):
        clock.heard(heard(manual.now(), off))
    assert clock.error == 0.0
    for _ in range(5):
        clock.heard(heard(manual.now(), 3600.0))
    assert clock.error == 3600.0
    assert clock.instant().error == 3600.0


def test_an_answer_without_a_date_says_nothing() -> None:
    clock = clock_of(ManualClock())
    clock.heard(Answer(200, "http://x", (), b"", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)))
    assert clock.error is None


def test_a_jump_makes_the_clock_unknown_again_and_a_slow_drift_does_not() -> None:
    manual = ManualClock()
    clock = clock_of(manual)
    clock.heard(heard(manual.now(), 0.0))
    manual.advance(3600)
    manual.jump(timedelta(seconds=4))
    clock.now()
    assert (clock.error, clock.jumps) == (0.0, 0)
    manual.jump(timedelta(hours=1))
    clock.now()
    assert (clock.error, clock.jumps) == (None, 1)


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("off", [timedelta(hours=1), timedelta(hours=-1)])
@pytest.mark.parametrize("hours", [11.5, 12.5])
@played
async def test_a_close_verdict_on_a_clock_an_hour_off_is_indeterminate_and_shown(off: timedelta, hours: float) -> None:
    async with Rig() as rig:
        rig.clock.jump(off)
        await rig.begin()
        rig.publish(1, hours=hours)
        await rig.rest()
        row = await rig.row(1)
        assert (row["status"], row["verdict"]) == ("visible", "indeterminate")
        problems = {p["reason"]: p for p in (await rig.desk.status())["problems"]}
        assert "NTP" in problems["clock_off"]["hint"]


@pytest.mark.guarantee(4)
@played
async def test_a_clock_an_hour_slow_makes_no_met_of_what_was_late() -> None:
    async with Rig() as rig:
        rig.clock.jump(timedelta(hours=-1))
        await rig.begin()
        for id, hours in ((1, 12.2), (2, 12.9), (3, 15.5), (4, 5.0)):
            rig.publish(id, hours=hours)
        await rig.rest()
        verdicts = {row["title"][5]: row["verdict"] for row in await rig.desk.reposts()}
        assert verdicts["1"] != "met"
        assert verdicts["2"] != "met"
        assert verdicts["3"] == "breached"
        assert verdicts["4"] == "met"


@pytest.mark.guarantee(4)
@played
async def test_right_after_a_jump_nothing_is_called_met() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.stage("poll", "read", "route")
        rig.clock.jump(timedelta(hours=-3))
        await rig.stage("work")
        await rig.after(5, step=1)
        assert (await rig.row(1))["verdict"] in ("open", "indeterminate")


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("by", [365, -365])
@played
async def test_a_clock_that_jumps_freezes_nothing(by: int) -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.clock.jump(timedelta(days=by))
        await rig.after(900, step=60)
        rig.publish(2)
        await rig.after(1800, step=60)
        rig.clock.correct()
        rig.publish(3)
        await rig.after(3600, step=60)
        assert rig.creates() == 3
        assert [await rig.status_of(id) for id in (1, 2, 3)] == ["visible"] * 3


@pytest.mark.guarantee(1)
@played
async def test_a_clock_that_was_a_day_fast_until_a_restart_freezes_no_list() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.clock.jump(timedelta(hours=20))
        await rig.after(1200, step=300)
        await rig.restart_after(lambda: rig.clock.jump(-timedelta(hours=20)))
        rig.publish(1)
        await rig.after(900, step=300)
        assert [post.title for post in rig.posts()] == [title_of(1)]
