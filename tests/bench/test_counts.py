"""What the bench promises in counts, which no noise moves: requests, bytes, parses, commits; and that its table can fail."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import config
from bench.figures import Pairs, Row, at_least, at_most, table, unmeasured
from bench.process import LabProcess, Worker
from bench.rows import Bench, measures, wordpress
from tests.engine.rig import Rig, played
from tests.wordpress.install import Unavailable

FEEDS = 10
MET = 20
"""Items that a site has taken when it is called with as many at once as it allows (core.pace); before, few share a commit."""


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[LabProcess, Worker]]:
    """The lab, and an engine that has read its lists."""
    with LabProcess() as lab, Worker("bench.subject", str(config.write(tmp_path, lab.base, FEEDS))) as subject:
        subject.order("poll", feeds=list(range(FEEDS)))
        yield lab, subject


@played
async def test_an_item_alone_takes_five_commits_from_its_poll_to_its_page_seen() -> None:
    async with Rig() as rig:
        await rig.begin()
        await rig.engine.poller.flush()
        rig.publish(1)
        before = rig.disk.real.commits
        await rig.rest()
        assert await rig.status_of(1) == "visible"
        assert rig.disk.real.commits - before == 5
        assert rig.disk.verbs[-5:] == ["record_poll", "record_reading", "save", "save", "save"]


@pytest.mark.servers
def test_an_unchanged_poll_is_one_small_request_without_parse_or_commit(both: tuple[LabProcess, Worker]) -> None:
    lab, subject = both
    lab.tell("counted", reset=True)
    told = subject.order("poll", feeds=list(range(FEEDS)))
    counted = lab.tell("counted")
    assert counted["asked"]["feed 304"] == FEEDS
    assert sum(n for kind, n in counted["asked"].items() if kind.startswith("feed")) == FEEDS
    assert counted["wire"]["feed 304"] / FEEDS <= 400
    assert "parses" not in told
    assert told.get("commits", 0) <= 1


@pytest.mark.servers
def test_fifty_items_in_flight_take_at_most_a_commit_each_and_a_parse_a_list(both: tuple[LabProcess, Worker]) -> None:
    lab, subject = both
    lab.tell("publish", numbers=[0] * MET)
    subject.order("item", feeds=[0], items=MET)
    lab.tell("publish", numbers=[feed for feed in range(1, 6) for _ in range(10)])
    told = subject.order("item", feeds=list(range(1, 6)), items=50)
    assert told["commits"] <= 50
    assert told["parses"] == 5
    titles = [post["title"] for post in lab.tell("posts")]
    assert len(titles) == len(set(titles)) == MET + 50


@pytest.mark.servers
@pytest.mark.guarantee(2)
@pytest.mark.parametrize("fault", ["503", "429", "lost"])
def test_a_faulty_sink_gets_each_item_once(both: tuple[LabProcess, Worker], fault: str) -> None:
    lab, subject = both
    lab.tell("set", faults=[fault])
    lab.tell("publish", numbers=[0])
    subject.order("item", feeds=[0])
    assert len(lab.tell("posts")) == 1


def test_a_goal_that_is_missed_is_told() -> None:
    rows = [Row("a", 0.4, at_least(0.5)), Row("b", 400, at_most(400), "bytes"), Row("c", 9, None)]
    assert [row.met for row in rows] == [False, True, True]
    assert "MISSED" in table(rows)


def test_what_can_not_be_measured_is_told_with_its_reason_and_misses_no_goal() -> None:
    row = unmeasured("a", "no WordPress: there is no apt-get")
    assert (row.met, row.measured) == (True, False)
    told = table([row])
    assert "not measured: no WordPress: there is no apt-get" in told
    assert "| -     |" in told
    assert "nan" not in told


def test_a_figure_that_came_out_as_no_number_misses_its_goal() -> None:
    row = Row("a", math.nan, at_most(1.0))
    assert (row.met, row.measured) == (False, True)


def test_without_wordpress_its_row_is_not_measured_and_the_bench_succeeds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str],
) -> None:
    def nothing() -> None:
        raise Unavailable("php is not installed and there is no apt-get")

    monkeypatch.setattr(wordpress, "running", nothing)
    (row,) = wordpress.wordpress(Bench(tmp_path))
    assert row.detail == "not measured: no WordPress: php is not installed and there is no apt-get"
    monkeypatch.setattr("sys.argv", ["bench", "--only", "wordpress"])
    assert command.main() == 0
    assert f"0 figures, 0 goals missed\n1 not measured: {row.name}" in capsys.readouterr().out


def test_the_documentation_names_the_rows() -> None:
    text = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    found = re.search(r"measures one row \(`([^`]*)`\)", text)
    assert found is not None
    assert found[1].split() == list(measures())


def test_a_ratio_is_the_median_of_the_pairs() -> None:
    pairs = Pairs([10.0, 10.0, 30.0], [20.0, 10.0, 20.0])
    assert pairs.row("x", at_least(0.5)).value == 1.0
    assert pairs.turned.row("x", at_most(1.0)).value == 1.0
    assert pairs.spread == (0.5, 1.5)
    assert pairs.noisy
