"""What is measured: syncd's engine with its scheduler, over the real store, network and child, taking orders from outside.

It is built as the daemon builds it; only the doors (status page, control socket, signals) are left out.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from bench.feeds import name_of
from syncd import log
from syncd.app.clock import now
from syncd.app.daemon import opened
from syncd.config import load
from syncd.engine.engine import Engine
from syncd.engine.scheduler import Scheduler
from syncd.metrics import Metrics

PATIENCE = 300.0
"""Seconds after which an order has failed."""


class Tally(Metrics):
    """The real metrics, which also ring a bell."""

    def __init__(self) -> None:
        super().__init__("bench")
        self.told: Counter[str] = Counter()
        self.bell = asyncio.Event()

    def poll(self, source: str, outcome: str) -> None:
        super().poll(source, outcome)
        self._ring("poll")
        self._ring(f"poll {outcome}")

    def verdict(self, site: str, verdict: str) -> None:
        super().verdict(site, verdict)
        self._ring("seen")

    def _ring(self, what: str) -> None:
        self.told[what] += 1
        self.bell.set()

    async def until(self, what: str, count: int) -> None:
        """Until it was told so often. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE):
            while self.told[what] < count:
                self.bell.clear()
                await self.bell.wait()


class Subject:
    """The engine at work, and the orders that it takes."""

    def __init__(self, engine: Engine, tally: Tally, parses: list[str], child: Any) -> None:
        self.engine, self.tally, self.parses, self.child = engine, tally, parses, child

    async def ready(self) -> bool:
        return True

    async def poll(self, feeds: list[int]) -> dict[str, Any]:
        """Read these lists now; everything else that follows from it is not waited for."""
        before = self._state()
        await self._read(feeds)
        return self._since(before)

    async def _read(self, feeds: list[int]) -> None:
        for feed in feeds:  # one that is being read would be read once more
            await self.engine.poller.pool.wait(name_of(feed))
        goal = self.tally.told["poll"] + len(feeds)
        for feed in feeds:
            self.engine.poller.hurry(name_of(feed))
        self.engine.deps.wake("poll")
        await self.tally.until("poll", goal)

    async def item(self, feeds: list[int], items: int = 0) -> dict[str, Any]:
        """Read these lists, which show so many new items (one each), until all are visible."""
        before = self._state()
        goal = self.tally.told["seen"] + (items or len(feeds))
        await self._read(feeds)
        await self.tally.until("seen", goal)
        return self._since(before)

    def _state(self) -> Counter[str]:
        commits: int = self.engine.deps.store.commits  # type: ignore[attr-defined]
        return self.tally.told + Counter(commits=commits, parses=len(self.parses), children=self.child.starts)

    def _since(self, before: Counter[str]) -> dict[str, int]:
        return dict(self._state() - before)


def count_parses(engine: Engine) -> list[str]:
    """The addresses of all lists that are parsed from now on."""
    seen: list[str] = []
    for unit in engine.deps.sources.values():
        kind = type(unit.source)
        parse = kind.parse
        if getattr(parse, "counted", False):
            continue

        async def counted(self: Any, answer: Any, parse: Any = parse) -> Any:
            seen.append(answer.url)
            return await parse(self, answer)

        counted.counted = True  # type: ignore[attr-defined]
        kind.parse = counted  # type: ignore[assignment]
    return seen


async def main(path: str) -> None:
    config = load(Path(path))
    loop = asyncio.get_running_loop()
    async with opened(config) as (ground, engine):
        tally = Tally()
        engine.deps.meter = tally
        scheduler = Scheduler(engine)
        scheduler.start()
        subject = Subject(engine, tally, count_parses(engine), ground.child)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            told = json.loads(line)
            answer = await getattr(subject, told.pop("do"))(**told)
            print(json.dumps(answer), flush=True)
        await scheduler.stop(5.0)


if __name__ == "__main__":
    log.setup(now, stream=open(os.devnull, "w", encoding="utf-8"), journal=False)  # noqa: SIM115 - for the whole life
    asyncio.run(main(*sys.argv[1:]))
