"""Whether a large state makes polls and items dearer."""

from __future__ import annotations

from contextlib import ExitStack

from bench import config, world
from bench.figures import Pairs, Row, at_most, paired
from bench.process import LabProcess, Worker
from bench.rows import Bench

FEEDS = 100
SMALL, LARGE = 10_000, 1_000_000


def growth(bench: Bench) -> list[Row]:
    """The same lists beside few entries and beside a hundred times as many."""
    large = 100_000 if bench.quick else LARGE
    numbers = list(range(FEEDS))
    with ExitStack() as stack:
        lab = stack.enter_context(LabProcess())
        subjects = []
        for entries in (SMALL, large):
            folder = bench.folder / str(entries)
            path = config.write(folder, lab.base, FEEDS)
            world.state(folder, sources=FEEDS, entries=entries, known=False)
            subjects.append(stack.enter_context(Worker("bench.subject", str(path))))
            subjects[-1].order("poll", feeds=numbers)
        small, big = subjects

        def poll(worker: Worker) -> float:
            return sum(worker.timed("poll", feeds=numbers)[0] for _ in range(10)) / len(numbers) / 10 * 1000

        def item(worker: Worker) -> float:
            return worker.timed("item", feeds=numbers)[0] / len(numbers) * 1000

        polls = paired(bench.rounds, lambda: poll(small), lambda: poll(big))
        items = paired(
            bench.rounds, lambda: item(small), lambda: item(big), before=lambda: lab.tell("publish", numbers=numbers)
        )
    return [_row("a poll", polls, large), _row("a new item", items, large)]


def _row(what: str, pairs: Pairs, large: int) -> Row:
    return pairs.turned.row(f"CPU of {what}, {large:,} entries : {SMALL:,}", at_most(1.3))
