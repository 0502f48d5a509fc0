"""Work in flight: keyed tasks with a bound, so that one slow source or site never holds up the others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from syncd.adapters.wall.trail import waiting

ROOM = 4
"""One part in so many of the pool must be free before more work is looked for: a look for a single place costs more."""


def waits_at(task: asyncio.Task[Any] | None) -> str:
    """Where a task that waits does so: the innermost lines of its coroutines, "" if that can't be told."""
    return waiting(task.get_coro() if task else None)


class Pool:
    """Runs one coroutine per key at a time. ended(error): called after each, with what it raised or None.

    monotonic: seconds, by which the age of what is in flight is told. hungry: a tick found more work than it could start.
    more(): called when there is room for that work again, so that it does not wait for the next beat.
    """

    def __init__(
        self,
        limit: int,
        ended: Callable[[BaseException | None], None],
        monotonic: Callable[[], float],
        more: Callable[[], None] = lambda: None,
    ) -> None:
        self.limit = limit
        self.hungry = False
        self._ended = ended
        self._monotonic = monotonic
        self._since: dict[Hashable, float] = {}
        self._more = more
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    @property
    def free(self) -> int:
        return max(0, self.limit - len(self._tasks))

    def __len__(self) -> int:
        return len(self._tasks)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._tasks

    def start(
        self, key: Hashable, work: Coroutine[Any, Any, Any], *, after: Callable[[], None] = lambda: None
    ) -> None:
        """Start the work. after(): called when it has ended, however, and its key may be started again."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[key] = task
        self._since[key] = self._monotonic()
        task.add_done_callback(lambda done: self._done(key, done, after))

    def _done(self, key: Hashable, task: asyncio.Task[Any], after: Callable[[], None]) -> None:
        self._tasks.pop(key, None)
        self._since.pop(key, None)
        after()
        self._ended(None if task.cancelled() else task.exception())
        if self.hungry and self.free >= self.limit // ROOM:
            self.hungry = False
            self._more()

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
