"""Runs seeds, in this process or in several: each seed has a database of its own and depends on nothing else."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from multiprocessing import get_context
from typing import Any

from syncd.store.sql import open_store
from tests.simulation.checker import Counts
from tests.simulation.world import Result, World


class Database:
    """One database in memory that survives the deaths of the process; what is open then is rolled back."""

    def __init__(self) -> None:
        self.store: Any = None

    async def reopened(self) -> None:
        self.store = await open_store("sqlite://", inline=True) if self.store is None else self.store.crash()


def run_seed(seed: int, *, trace: Callable[[str], None] | None = None, patch: Any = nullcontext) -> Result:
    """One seed from its beginning to its counts. patch: makes the context manager of a planted bug."""
    with patch():
        try:
            return asyncio.run(_run(seed, trace))
        except Exception as error:  # noqa: BLE001 - a bug is told with its seed, and is no count
            text = f"seed {seed}: {type(error).__name__}: {error}\n{traceback.format_exc()}"
            return Result(seed, Counts(), error=text)


async def _run(seed: int, trace: Callable[[str], None] | None) -> Result:
    database = Database()
    world = World(seed, database, trace=trace)
    try:
        return await world.run()
    finally:
        if world.life is not None:
            await world.life.bury()
        await database.store.aclose()


def run_many(seeds: Iterable[int], *, jobs: int) -> Iterator[Result]:
    """The results in the order of the seeds."""
    if jobs == 1:
        yield from map(run_seed, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(run_seed, seeds, chunksize=4)
