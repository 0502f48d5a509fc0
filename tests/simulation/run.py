"""Runs seeds, in this process or in several: each seed has a database of its own and depends on nothing else."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

from syncd.store.sql import open_store
from tests.simulation.checker import Counts
from tests.simulation.world import Result, World


@dataclass(frozen=True)
class Ground:
    """What the worlds stand on. database: a PostgreSQL address, in which each process makes a schema of its own; or "".

    lost: probability that a commit's answer is lost on its way, so that nobody knows whether it was one.
    """

    database: str = ""
    lost: float = 0.0


class Database:
    """One database that survives the deaths of the process; what is open then is rolled back."""

    def __init__(self, address: str) -> None:
        self._address = address
        self.store: Any = None

    async def reopened(self) -> None:
        if self.store is not None:
            self.store = self.store.crash()
        elif self._address:
            from tests.store.postgres import emptied

            self.store = await open_store(emptied(self._address, f"simulation_{os.getpid()}"), inline=True)
        else:
            self.store = await open_store("sqlite://", inline=True)


def run_seed(
    seed: int, *, trace: Callable[[str], None] | None = None, patch: Any = nullcontext, ground: Ground = Ground()
) -> Result:
    """One seed from its beginning to its counts. patch: makes the context manager of a planted bug."""
    with patch():
        try:
            return asyncio.run(_run(seed, trace, ground))
        except Exception as error:  # noqa: BLE001 - a bug is told with its seed, and is no count
            text = f"seed {seed}: {type(error).__name__}: {error}\n{traceback.format_exc()}"
            return Result(seed, Counts(), error=text)


async def _run(seed: int, trace: Callable[[str], None] | None, ground: Ground) -> Result:
    database = Database(ground.database)
    world = World(seed, database, trace=trace, lost=ground.lost)
    try:
        return await world.run()
    finally:
        if world.life is not None:
            await world.life.bury()
        if database.store is not None:
            await database.store.aclose()


def run_many(seeds: Iterable[int], *, jobs: int, ground: Ground = Ground()) -> Iterator[Result]:
    """The results in the order of the seeds."""
    run = partial(run_seed, ground=ground)
    if jobs == 1:
        yield from map(run, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(run, seeds, chunksize=4)
