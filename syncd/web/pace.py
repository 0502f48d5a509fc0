"""Politeness: one request at a time to a public host, with a gap between two."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_KEPT = 1024


@dataclass(slots=True)
class _Lane:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    users: int = 0


class Pace:
    """Lanes by host. gap: seconds from the end of one request to the start of the next, by the monotonic clock."""

    def __init__(
        self, gap: float, *, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._gap = gap
        self._monotonic = monotonic
        self._sleep = sleep
        self._lanes: dict[str, _Lane] = {}
        self._slower: dict[str, float] = {}

    def slow(self, host: str, gap: float) -> None:
        """A host asks for this gap; a shorter one than ours changes nothing."""
        if gap > self._gap:
            self._slower[host] = gap
        else:
            self._slower.pop(host, None)

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for this host's turn, hold it, and leave a gap after it."""
        lane = self._lanes.setdefault(host, _Lane())
        lane.users += 1
        try:
            async with lane.lock:
                wait = lane.free_at - self._monotonic()
                if wait > 0:
                    await self._sleep(wait)
                try:
                    yield
                finally:
                    lane.free_at = self._monotonic() + self._slower.get(host, self._gap)
        finally:
            lane.users -= 1
            self._forget_idle()

    def _forget_idle(self) -> None:
        """Keep the table small: hosts come from links in pages, which anybody may write."""
        if len(self._lanes) <= _KEPT:
            return
        now = self._monotonic()
        self._lanes = {host: lane for host, lane in self._lanes.items() if lane.users or lane.free_at > now}
