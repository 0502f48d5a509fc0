"""The line that `systemctl status` shows."""

from __future__ import annotations

import pytest

from syncd.app.views import ago, glance
from tests.engine.rig import Rig, played, text_reply

WELL = {"visible": 12, "under_way": 0, "attention": 0, "lists": 2, "failing": 0, "good": 40.4, "problems": ()}


@pytest.mark.parametrize(
    ("differs", "line"),
    [
        ({}, "12 reposts visible, 0 under way; last good read 40 s ago"),
        (
            {"under_way": 1, "attention": 1, "problems": ["config_rejected"]},
            "12 reposts visible, 1 under way, 1 needs a person; last good read 40 s ago; new config rejected",
        ),
        ({"visible": 1, "attention": 3}, "1 repost visible, 0 under way, 3 need a person; last good read 40 s ago"),
        ({"good": None}, "12 reposts visible, 0 under way; no list was read well yet"),
        ({"lists": 0, "good": None}, "12 reposts visible, 0 under way; no list is configured"),
        (
            {"failing": 1, "good": 7300.0, "problems": ["disk_full", "engine_stuck"]},
            "12 reposts visible, 0 under way; last good read 2 h ago; 1 of 2 lists can't be read; disk full; engine stuck",
        ),
    ],
)
def test_it_says_what_is_visible_under_way_and_in_need_of_a_person(differs: dict[str, object], line: str) -> None:
    assert glance(**{**WELL, **differs}) == line  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (119.9, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172800, "2 d"), (9e5, "10 d")],
)
def test_a_span_is_told_in_the_unit_that_fits(seconds: float, said: str) -> None:
    assert ago(seconds) == said


@pytest.mark.guarantee(5)
@played
async def test_it_is_true_of_a_running_engine() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.after(900)
        assert (await rig.desk.glance()).startswith("1 repost visible, 0 under way; last good read ")
        rig.servers["central"].say(text_reply(500))
        await rig.after(3 * 3600, step=60)
        line = await rig.desk.glance()
        assert "1 needs a person; last good read 3 h ago; 1 of 1 lists can't be read" in line
