"""The engine: its stages over one set of deps; a tick is a coroutine that a test awaits one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from syncd.engine.approve import Approver
from syncd.engine.deps import Deps
from syncd.engine.observe import Observer
from syncd.engine.poll import Poller
from syncd.engine.pool import Pool, waits_at
from syncd.engine.push import Pusher
from syncd.engine.read import Reader
from syncd.engine.route import Router
from syncd.engine.work import Worker
from syncd.errors import StoreError

STAGES = ("poll", "read", "route", "approve", "work", "observe")
"""In the order of an item's life; "work" is send, see and audit, which act on the same row; "observe" finds what people
posted at observed sites."""
PUSH = "push"
"""Subscriptions at hubs: no stage of an item's life, and only where the callback is served."""
POLLS, READS, WORKS, LOOKS, HUBS = 64, 16, 64, 16, 4
"""How much of each may be in flight."""
REFUSALS = frozenset({"disk_full", "read_only", "unavailable", "locked"})
"""What the store says when it takes nothing from anybody; other errors concern one row."""
PROBE = 15.0
"""Seconds until a store that took nothing is tried again."""
STALL, ROUND = 30.0, 120.0
"""Seconds without a round of any stage, and seconds of one round, after which the engine counts as stuck."""


class Engine:
    """Stages and the work in flight. `wake` is a hint that a stage may have something to do."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps
        self.progress = deps.clock.monotonic()
        self._pools = {
            stage: Pool(limit, self._ended, deps.clock.monotonic, partial(self._more, stage))
            for stage, limit in (("poll", POLLS), ("read", READS), ("work", WORKS), ("observe", LOOKS), ("push", HUBS))
        }
        self._rounds: dict[str, tuple[float, asyncio.Task[Any] | None]] = {}
        """Since when a round is under way, and whose task it is; "reload" is the change to another configuration."""
        self.failures: list[BaseException] = []
        self.trouble = ""
        """The reason why nothing is done: the store takes nothing ("" when all is well)."""
        self._probe = 0.0
        self._swapping = False
        self._build()

    def _build(self) -> None:
        deps = self.deps
        self.poller = Poller(deps, self._pools["poll"])
        self.pusher = Pusher(deps, self.poller, self._pools["push"])
        self.reader = Reader(deps, self._pools["read"])
        self.worker = Worker(deps, self._pools["work"])
        self._ticks: dict[str, Callable[[], Awaitable[int]]] = {
            "poll": self.poller.tick,
            "read": self.reader.tick,
            "route": Router(deps).tick,
            "approve": Approver(deps).tick,
            "work": self.worker.tick,
            "observe": Observer(deps, self._pools["observe"]).tick,
            PUSH: self.pusher.tick,
        }

    async def start(self) -> None:
        """Load what the sources remember; call once before the first tick."""
        await self.poller.load()
        await self.pusher.load()

    async def swap(self, deps: Deps) -> None:
        """Go on with another configuration: what is in flight ends with the old one, settling times go on."""
        self._swapping = True
        try:
            with self._round("reload"):
                await self.drain(30.0)
                await self.poller.flush()
                await self._take_up(deps)
        finally:
            self._swapping = False

    async def _take_up(self, deps: Deps) -> None:
        deps.quiet = self.deps.quiet
        deps.wake = self.deps.wake
        for name, site in deps.sites.items():
            if name in self.deps.sites:
                site.gate.take_over(self.deps.sites[name].gate)
        self.deps = deps
        self._build()
        await self.start()

    async def tick(self, stage: str, *, wait: bool = False) -> int:
        """One round of a stage; returns how much it started or did. wait: until all in flight has ended."""
        self.progress = self.deps.clock.monotonic()
        if self._swapping or not await self._writable():
            return 0
        try:
            with self._round(stage):
                count = await self._ticks[stage]()
            if wait and stage in self._pools:
                await self._pools[stage].drain()
        except StoreError as error:
            self._refused(error)
            raise
        self.progress = self.deps.clock.monotonic()
        return count

    @contextmanager
    def _round(self, name: str) -> Iterator[None]:
        self._rounds[name] = (self.deps.clock.monotonic(), asyncio.current_task())
        try:
            yield
        finally:
            self._rounds.pop(name, None)

    def stuck(self, longest: float) -> str:
        """What does not move any more and where it waits, in words; "" when all is well.

        A blocked loop asks nobody; all else is seen here: no round of any stage, one round that does not end, and one
        list or document in flight for more than `longest` seconds, such as in a plug-in that waits for ever.
        """
        moment = self.deps.clock.monotonic()
        for name, (since, task) in self._rounds.items():
            if moment - since >= ROUND:
                return f"a round of {name} has not ended for {moment - since:.0f} s: {waits_at(task)}"
        for name, pool in self._pools.items():
            key, seconds, where = pool.oldest()
            if seconds >= longest:
                return f"{name} of {key} has not ended for {seconds:.0f} s: {where}"
        idle = moment - self.progress
        return f"no stage has done a round for {idle:.0f} s" if idle >= STALL else ""

    async def _writable(self) -> bool:
        """Without a store nothing is fetched and nobody is called; a small write finds out when it is well again."""
        if self.trouble and self.deps.clock.monotonic() >= self._probe:
            try:
                await self.deps.store.put("probe", self.deps.now.isoformat())
            except StoreError as error:
                self._refused(error)
            else:
                self.trouble = ""
        return not self.trouble

    def _refused(self, error: StoreError) -> None:
        if self.failures[-1:] == [error]:
            return
        self._remember(error)
        if error.reason in REFUSALS:
            self.trouble = error.reason
            self._probe = self.deps.clock.monotonic() + PROBE
        self.deps.log.error("store", reason=error.reason, hint=error.hint, where=error.where)
        self.deps.meter.failure("store", error.reason)

    def _remember(self, error: BaseException) -> None:
        self.failures.append(error)
        del self.failures[:-20]

    async def drain(self, seconds: float | None = None) -> None:
        """Wait for what is in flight; what is left after `seconds` is cancelled and resolved at the next start."""
        await asyncio.gather(*(pool.drain(seconds) for pool in self._pools.values()))

    def soonest(self, stage: str) -> float | None:
        """Seconds until a stage has something to do as far as is known, None if the beat is soon enough."""
        if self.trouble or self._swapping:
            return None
        if stage == "poll":
            return self.poller.soonest()
        return self.worker.soonest() if stage == "work" else None

    def _more(self, stage: str) -> None:
        self.deps.wake(stage)

    def _ended(self, error: BaseException | None) -> None:
        if isinstance(error, StoreError):
            self._refused(error)
        elif error is not None:
            self._remember(error)
            self.deps.log.error("task_failed", error=type(error).__name__, text=str(error), exc_info=error)
            self.deps.meter.failure("engine", type(error).__name__)
