"""What an orderly end leaves of a state, reckoned as a process would that opened it next (`syncd.app.left`)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import TracebackType

from syncd.app import left
from syncd.app.build import Ground, build, close
from syncd.app.clock import iso
from syncd.app.desk import Desk
from syncd.config import Config
from syncd.engine.clock import Clock
from syncd.engine.engine import Engine
from syncd.errors import StoreError

LONGEST = 5.0
"""Seconds that the reckoning may take of an end."""


class Idle:
    """Around the time in which a state is open: nothing is left meanwhile, and at its end what `reckon` found.

    Enter it under the lock, before the store is opened; the store's end must have been the last write.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._proof = left.proof(config.digest, config.base)
        self._found: left.Left | None = None
        self._ground: Ground | None = None
        self._commits = 0

    async def reckon(self, ground: Ground) -> None:
        """Find what there is to be left; nothing, where the state lies elsewhere, is too large or can't be read."""
        if self._config.syncd.database is not None or not self._proof:
            return
        self._ground, self._commits = ground, ground.store.commits
        try:
            async with asyncio.timeout(LONGEST):
                self._found = await reckoned(self._config, ground, self._proof)
        except (StoreError, OSError):
            return  # it has been told already, where it mattered
        except Exception as error:  # a plug-in's bug, and no reason for an end to fail
            ground.log.warning("status_not_left", error=type(error).__name__, exc_info=True)

    def __enter__(self) -> Idle:
        left.remove(self._config.syncd.state_dir)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state, ground = self._config.syncd.state_dir, self._ground
        if self._found and ground and ground.store.commits == self._commits:
            left.leave(state, self._found)


async def reckoned(config: Config, ground: Ground, proof: str) -> left.Left:
    """The facts of an engine made anew, which knows nothing but what is stored, at a moment that stands still."""
    moment, tick = ground.clock.now(), ground.clock.monotonic()
    anew = replace(ground, clock=Clock(lambda: moment, lambda: tick))
    deps = build(config, anew)
    try:
        engine = Engine(deps)
        await engine.start()
        desk = Desk(config, anew, engine, moment)
        facts, until = await desk.status(), await desk.turn(moment)
    finally:
        await close(deps)
    return left.Left(facts, iso(moment) or "", iso(until) or "", left.watch_of(engine.poller.rows), proof)
