"""Work in flight: keyed tasks with a bound, so that one slow source or site never holds up the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from pathlib import PurePath
from typing import Any

SHOWN = 4
"""How many coroutines of a chain are told: the last may be asyncio's own, the one before it says more."""

def waits_at(task: asyncio.Task[Any] | None) -> str:
    """Where a task that waits does so: the innermost lines of its coroutines, "" if that can't be told."""
    inner: Any = task.get_coro() if task else None
    found: list[str] = []
    while (frame := getattr(inner, "cr_frame", None)) is not None:
        found.append(f"{frame.f_code.co_name} ({PurePath(frame.f_code.co_filename).name}:{frame.f_lineno})")
        inner = getattr(inner, "cr_await", None)
    return " > ".join(found[-SHOWN:])


class Pool:
    """Runs one coroutine per key at a time. ended(error): called after each, with what it raised or None.

    monotonic: seconds, by which the age of what is in flight is told.
    """

    def __init__(
        self, limit: int, ended: Callable[[BaseException | None], None], monotonic: Callable[[], float]
    ) -> None:
        self.limit = limit
        self._ended = ended
        self._monotonic = monotonic
        self._since: dict[Hashable, float] = {}
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    @property
    def free(self) -> int:
        return max(0, self.limit - len(self._tasks))

    def __contains__(self, key: Hashable) -> bool:
        return key in self._tasks

    def start(self, key: Hashable, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[key] = task
        self._since[key] = self._monotonic()
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, key: Hashable, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(key, None)
        self._since.pop(key, None)
        self._ended(None if task.cancelled() else task.exception())

    def oldest(self) -> tuple[Hashable, float, str]:
        """What has been in flight for longest: its key, for how many seconds, and where it waits; 0 seconds: nothing is."""
        if not self._since:
            return "", 0.0, ""
        key = min(self._since, key=self._since.__getitem__)
        return key, self._monotonic() - self._since[key], waits_at(self._tasks[key])

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
