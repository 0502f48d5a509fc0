"""What a new item costs from the poll that shows it until its public page was seen: CPU beside a bare loop, commits."""

from __future__ import annotations

import statistics

from bench import config
from bench.figures import Row, at_least, at_most, paired
from bench.process import LabProcess, Worker
from bench.rows import Bench

FEEDS = 100
FLIGHT = 50
"""Items in flight at once, for the commits."""


def new_items(bench: Bench) -> list[Row]:
    """One new item in each feed. The reference posts and is done; syncd also looks at the page as anybody would."""
    count = 40 if bench.quick else FEEDS
    numbers = list(range(count))
    with LabProcess() as lab:
        path = config.write(bench.folder, lab.base, count)
        with (
            Worker("bench.reference", lab.base, str(bench.folder)) as reference,
            Worker("bench.subject", str(path)) as subject,
        ):
            reference.order("prime", feeds=numbers)
            subject.order("poll", feeds=numbers)

            def cost(worker: Worker) -> float:
                return worker.timed("item", feeds=numbers)[0] / count * 1000

            pairs = paired(
                2 * bench.rounds, lambda: cost(reference), lambda: cost(subject),
                before=lambda: lab.tell("publish", numbers=numbers),
            )
    return [pairs.row("new items per core-second", at_least(0.8), detail="from the poll to the page seen")]


def commits(bench: Bench) -> list[Row]:
    """Durable commits from detection to visible, by SQLite's own count."""
    with LabProcess() as lab:
        path = config.write(bench.folder, lab.base, 6)
        with Worker("bench.subject", str(path)) as subject:
            subject.order("poll", feeds=list(range(6)))
            alone = []
            for _ in range(20):  # and then the site is known to take many at once
                lab.tell("publish", numbers=[0])
                alone.append(subject.order("item", feeds=[0])["commits"])
            numbers = [feed for feed in range(1, 6) for _ in range(FLIGHT // 5)]
            lab.tell("publish", numbers=numbers)
            many = subject.order("item", feeds=list(range(1, 6)), items=FLIGHT)["commits"]
    return [
        Row("commits an item, alone", statistics.median(alone), at_most(5), detail="from the poll to the page seen"),
        Row(f"commits an item, {FLIGHT} in flight", many / FLIGHT, at_most(1)),
    ]
