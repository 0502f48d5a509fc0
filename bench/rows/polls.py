"""What an unchanged list costs: CPU beside a bare loop, bytes on the wire, parses and commits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from bench import config, world
from bench.figures import Row, at_least, at_most, paired
from bench.process import LabProcess, Worker
from bench.rows import Bench

FEEDS = 1000


@contextmanager
def _both(bench: Bench) -> Iterator[tuple[LabProcess, Worker, Worker, list[int]]]:
    """(lab, reference, subject, feeds): both know all lists as they are."""
    count = 200 if bench.quick else FEEDS
    numbers = list(range(count))
    with LabProcess() as lab:
        path = config.write(bench.folder, lab.base, count)
        world.state(bench.folder, sources=count, entries=10 * count)
        with (
            Worker("bench.reference", lab.base, str(bench.folder)) as reference,
            Worker("bench.subject", str(path)) as subject,
        ):
            reference.order("meet", feeds=numbers)
            subject.order("poll", feeds=numbers)
            yield lab, reference, subject, numbers


def _cost(worker: Worker, do: str, numbers: list[int]) -> float:
    """Milliseconds of CPU a poll, over two polls of each list."""
    spent = sum(worker.timed(do, feeds=numbers)[0] for _ in range(2))
    return spent / len(numbers) / 2 * 1000


def not_modified(bench: Bench) -> list[Row]:
    """304s: half as fast as a bare loop; a request a poll, few bytes, no parse, no commit but the minute's journal."""
    with _both(bench) as (lab, reference, subject, numbers):
        pairs = paired(
            bench.rounds, lambda: _cost(reference, "poll", numbers), lambda: _cost(subject, "poll", numbers)
        )
        lab.tell("counted", reset=True)
        told = subject.order("poll", feeds=numbers)
        counted = lab.tell("counted")
    asked = sum(count for kind, count in counted["asked"].items() if kind.startswith("feed"))
    wire = counted["wire"]["feed 304"] / max(1, counted["asked"]["feed 304"])
    return [
        pairs.row("304 polls per core-second", at_least(0.5)),
        Row("requests a poll", asked / len(numbers), at_most(1.0)),
        Row("bytes an unchanged poll", wire, at_most(400), "bytes"),
        Row("parses of unchanged lists (304)", told.get("parses", 0), at_most(0)),
        Row("commits of a round of unchanged polls", told.get("commits", 0), at_most(1), detail="the minute's journal"),
    ]


def unchanged(bench: Bench) -> list[Row]:
    """200s with the same body, from servers that give no validators."""
    with _both(bench) as (lab, reference, subject, numbers):
        lab.tell("set", validators=False)
        pairs = paired(
            bench.rounds, lambda: _cost(reference, "compare", numbers), lambda: _cost(subject, "poll", numbers)
        )
        told = subject.order("poll", feeds=numbers)
    return [
        pairs.row("unchanged 200s per core-second", at_least(0.5)),
        Row("parses of unchanged lists (200)", told.get("parses", 0), at_most(0)),
    ]
