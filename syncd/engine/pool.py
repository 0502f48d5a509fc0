"""Work in flight: keyed tasks with a bound, so that one slow source or site never holds up the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any


class Pool:
    """Runs one coroutine per key at a time. ended(error): called after each, with what it raised or None."""

    def __init__(self, limit: int, ended: Callable[[BaseException | None], None]) -> None:
        self.limit = limit
        self._ended = ended
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    @property
    def free(self) -> int:
        return max(0, self.limit - len(self._tasks))

    def __contains__(self, key: Hashable) -> bool:
        return key in self._tasks

    def start(self, key: Hashable, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(key, None)
        self._ended(None if task.cancelled() else task.exception())

    async def wait(self, key: Hashable) -> None:
        """Until what is in flight for a key has ended, however it ends."""
        if task := self._tasks.get(key):
            await asyncio.wait([task])

    async def drain(self, seconds: float | None = None) -> None:
        """Wait until nothing is in flight; raises the first error (a crash in the simulation). What is left after
        `seconds` is cancelled: an open intent is resolved at the next start."""
        while self._tasks:
            tasks = list(self._tasks.values())
            _, left = await asyncio.wait(tasks, timeout=seconds)
            for task in left:
                task.cancel()
            seconds = None if left else seconds
            for task in tasks:  # in the order in which they were started: a set's own order is chance
                if task.done() and not task.cancelled() and (error := task.exception()):
                    raise error
            await asyncio.sleep(0)
