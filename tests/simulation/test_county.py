"""Thirty days of a county, with outages and retention."""

from __future__ import annotations

import pytest

from tests.simulation.county import RAW, play

DAY = 86400.0


@pytest.mark.servers
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(4)
def test_thirty_days_lose_nothing_double_nothing_and_judge_rightly_on_a_disk_that_stays_bounded() -> None:
    county = play(30)
    assert (county.published, county.lost, county.doubled, county.gaps, county.wrong) == (600, [], [], 0, [])
    assert county.blind == 0
    assert county.verdicts["breached"] > 50
    assert county.verdicts["met"] > 400
    assert county.oldest <= RAW + DAY
    assert county.database / county.published <= 20_000


def test_a_county_of_a_day_goes_well() -> None:
    assert play(1).verdicts == {"met": 20}
