"""A dozen worlds in every test run; `python -m tests.simulation` runs thousands, and all planted bugs."""

import pytest

from tests.simulation.planted import BUGS, hunt
from tests.simulation.run import Ground, run_many, run_seed

SEEDS = range(12)
QUICK = ("never_looks_up", "forgets_its_key")
"""Planted bugs that the first few seeds find; `python -m tests.simulation` hunts all of them."""


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.guarantee(4)
def test_nothing_is_lost_duplicated_stale_overwritten_or_unhealed_in_any_of_these_worlds():
    results = list(run_many(SEEDS, jobs=1))
    assert [line for result in results for line in (*result.counts.told, result.error) if line] == []
    assert sum(result.crashes for result in results) >= len(SEEDS)
    assert sum(result.creates for result in results) >= len(SEEDS)


def test_the_same_seed_gives_the_same_trace_and_another_one_another():
    first, again, other = run_seed(7), run_seed(7), run_seed(8)
    assert first.trace == again.trace
    assert first.effects == again.effects
    assert first.trace != other.trace


@pytest.mark.parametrize("name", BUGS)
def test_each_planted_bug_patches_what_production_really_has(name):
    with BUGS[name]():
        pass


@pytest.mark.parametrize("name", QUICK)
def test_a_planted_bug_is_found_by_the_counts_alone(name):
    assert name in BUGS
    assert hunt((name, 60, 0))[1] is not None


@pytest.mark.servers
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
def test_two_hundred_more_worlds_go_well():
    results = list(run_many(range(1000, 1200), jobs=2))
    assert [line for result in results for line in (*result.counts.told, result.error) if line] == []


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
def test_worlds_in_which_nobody_knows_whether_a_commit_was_one_go_well():
    """A server that is cut off while it commits: the process lives on, and what it believes may be wrong."""
    results = list(run_many(range(3000, 3006), jobs=1, ground=Ground(lost=0.05)))
    assert [line for result in results for line in (*result.counts.told, result.error) if line] == []
    assert sum(result.faults["commit_lost"] for result in results) >= len(results)


@pytest.mark.servers
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
def test_over_postgresql_the_same_happens_in_every_world_as_over_sqlite(postgresql):
    seeds = range(10)
    there = list(run_many(seeds, jobs=1, ground=Ground(postgresql.url())))
    assert [line for result in there for line in (*result.counts.told, result.error) if line] == []
    assert [result.trace for result in there] == [result.trace for result in run_many(seeds, jobs=1)]
    assert sum(result.crashes for result in there) >= len(seeds)


@pytest.mark.servers
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
def test_two_dozen_worlds_over_postgresql_go_well_though_answers_to_commits_are_lost(postgresql):
    results = list(run_many(range(2000, 2024), jobs=1, ground=Ground(postgresql.url(), lost=0.05)))
    assert [line for result in results for line in (*result.counts.told, result.error) if line] == []
    assert sum(result.crashes for result in results) >= len(results)
    assert sum(result.faults["commit_lost"] for result in results) >= len(results)
