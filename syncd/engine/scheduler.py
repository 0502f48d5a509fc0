"""The daemon's beat: APScheduler rings the ticks and the daily housekeeping; a wake-up runs a stage at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from syncd.engine.engine import PUSH, STAGES, Engine
from syncd.errors import StoreError

BEAT = {"poll": 1.0, "read": 1.0, "route": 1.0, "approve": 5.0, "work": 1.0, "observe": 60.0, PUSH: 15.0}
"""Seconds between ticks; wake-ups make the next stage follow at once. When a source or site is due is its own."""

SHORTEST = 0.005
"""Seconds at least between the end of a round and an alarm: work that can't be started must not make a busy loop."""


class Scheduler:
    """Runs the engine's stages until stopped. One round of a stage at a time; a wake-up during it means one more."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._scheduler = AsyncIOScheduler(
            timezone="UTC", job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarms: dict[str, asyncio.TimerHandle] = {}
        self._stopping = False
        engine.deps.wake = self.wake

    def start(self, *, push: bool = False) -> None:
        """push: hubs can reach us, so subscriptions are seen to as well."""
        stages = (*STAGES, PUSH) if push else STAGES
        for stage in stages:
            self._scheduler.add_job(
                self._run, "interval", [stage], seconds=BEAT[stage], id=stage, replace_existing=True
            )
        self._scheduler.start()
        for stage in stages:
            self.wake(stage)

    def every(self, name: str, span: timedelta, work: Callable[[], Awaitable[None]]) -> None:
        """Housekeeping: run `work` every `span`, first after one span."""
        self._scheduler.add_job(work, "interval", seconds=span.total_seconds(), id=name, replace_existing=True)

    def wake(self, stage: str) -> None:
        """Run a stage now; while it runs, once more after it. Only a hint: the beat finds the work anyway."""
        if stage in self._running:
            self._again.add(stage)
            return
        task = asyncio.get_running_loop().create_task(self._run(stage))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, stage: str) -> None:
        if stage in self._running or self._stopping:
            return
        self._running.add(stage)
        try:
            again = True
            while again and not self._stopping:
                self._again.discard(stage)
                await self._round(stage)
                again = stage in self._again
        finally:
            self._running.discard(stage)
            self._set_alarm(stage)

    def _set_alarm(self, stage: str) -> None:
        """Between two beats a stage runs again as soon as it is known to have something to do."""
        if stage in self._alarms:
            self._alarms.pop(stage).cancel()
        wait = self.engine.soonest(stage)
        if wait is not None and wait < BEAT[stage] and not self._stopping:
            self._alarms[stage] = asyncio.get_running_loop().call_later(max(wait, SHORTEST), self.wake, stage)

    async def _round(self, stage: str) -> None:
        try:
            await self.engine.tick(stage)
        except StoreError:
            self._again.discard(stage)  # the engine has told of it, and tries again by itself
        except Exception as error:  # a bug in one stage must be told and must not stop the others
            self._again.discard(stage)
            self.engine.deps.log.error("stage_failed", stage=stage, error=type(error).__name__, exc_info=True)
            self.engine.deps.meter.failure(stage, "bug")

    async def stop(self, seconds: float) -> None:
        """No new work; what is in flight gets `seconds` to end."""
        self._stopping = True
        for alarm in self._alarms.values():
            alarm.cancel()
        self._scheduler.shutdown(wait=False)
        await self.engine.drain(seconds)
        for task in list(self._tasks):
            task.cancel()
        await self.engine.poller.flush()
