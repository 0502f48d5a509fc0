"""Who keeps the loop from turning: a thread that sees it, tells whose adapter it is, and in the end breaks the call off."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from queue import SimpleQueue
from types import FrameType
from typing import Any, Literal

from syncd.adapters.wall.trail import standing

BEAT = 0.25
"""Seconds between two looks, and between two signs of life of the loop."""
TELL, BREAK = 1.0, 10.0
"""Seconds without a turn of the loop after which it is told, and a call in the middle of whose code it stands is broken off."""


class Blocked(BaseException):
    """Raised in the middle of an adapter's code that keeps the loop from turning; no Exception, so that it gets through."""


@dataclass(frozen=True, slots=True)
class Block:
    """The loop did not turn. site: whose adapter's code ran, "" if none's. where: the innermost lines.

    phase: "seen" while it stands, "broken" when the code is broken off, "over" when the loop turns again.
    """

    site: str
    seconds: float
    where: str
    phase: Literal["seen", "broken", "over"] = "seen"


class Watch:
    """Watches one loop, in the main thread; told(block): called for each phase of a block, in their order.

    "seen" and "broken" are told from a thread of their own: the loop's may stand, and hold what whoever is told waits for,
    such as the log's lock; the thread that breaks off then must not wait for it too. "over" is told in the loop.

    Signals are how code can be broken off that never awaits, in Python as in a sleeping system call; SIGURG is what Go's
    runtime uses for the same, since nobody else does and it is ignored by default. Code in C that does not return is out of
    reach: for that there is `isolate`.
    """

    def __init__(
        self, monotonic: Callable[[], float], *, tell: float = TELL, most: float = BREAK
    ) -> None:
        self._monotonic, self._tell, self._most = monotonic, tell, most
        self._site = ""
        self._since = self._turned = monotonic()
        self._block: Block | None = None
        self._stop = threading.Event()
        self._blocks: SimpleQueue[Block | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._beat: asyncio.TimerHandle | None = None
        self.lag = 0.0
        """Seconds for which the loop was kept from turning, of its last beat."""

    def start(self, told: Callable[[Block], None]) -> None:
        """Begin, in the thread of the running loop."""
        self._told = told
        self._loop, self._target = asyncio.get_running_loop(), threading.get_ident()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGURG, self._break)
        self._turned = self._monotonic()
        self._beat = self._loop.call_later(BEAT, self._turn)
        for work, name in ((self._look, "syncd-watch"), (self._tell_all, "syncd-watch-tells")):
            self._threads.append(threading.Thread(target=work, name=name, daemon=True))
            self._threads[-1].start()

    def stop(self) -> None:
        self._stop.set()
        if self._beat is not None:
            self._beat.cancel()
        self._blocks.put(None)
        for thread in self._threads:
            thread.join()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGURG, signal.SIG_DFL)

    def step(self, site: str, part: Callable[[], Any]) -> Any:
        """Run a part of a call that should not take long: until it awaits next."""
        self._since, self._site = self._monotonic(), site
        try:
            return part()
        finally:
            self._site = ""

    def _turn(self) -> None:
        now = self._monotonic()
        self.lag, self._turned = max(0.0, now - self._turned - BEAT), now
        if self._block is not None:
            self._blocks.put(replace(self._block, seconds=self.lag, phase="over"))
            self._block = None
        self._beat = self._loop.call_later(BEAT, self._turn)

    def _look(self) -> None:
        while not self._stop.wait(BEAT):
            site, stood = self._site, self._monotonic() - self._turned
            if stood >= self._tell and self._block is None:
                self._block = Block(site, stood, standing(sys._current_frames().get(self._target)))
                self._blocks.put(self._block)
            if stood >= self._most and site and self._target == threading.main_thread().ident:
                signal.pthread_kill(self._target, signal.SIGURG)

    def _tell_all(self) -> None:
        for block in iter(self._blocks.get, None):
            if block.phase != "over":
                self._told(block)
                continue
            with suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._told, block)

    def _break(self, number: int, frame: FrameType | None) -> None:
        """In the main thread, wherever it stands; only the code of a call that is too long is broken off.

        Nothing is told here: it may stand in the middle of the log, with its lock. SimpleQueue.put is made to be re-entered.
        """
        stood = self._monotonic() - self._since
        if not self._site or stood < self._most:
            return
        site, self._since = self._site, self._monotonic()
        self._blocks.put(Block(site, stood, standing(frame), "broken"))
        raise Blocked(standing(frame))


class Stepped:
    """A coroutine of an adapter, driven step by step under a watch."""

    def __init__(self, inner: Coroutine[Any, Any, Any], site: str, watch: Watch) -> None:
        self._inner, self._site, self._watch = inner, site, watch

    def __await__(self) -> Generator[Any, Any, Any]:
        send: Callable[[], Any] = partial(self._inner.send, None)
        while True:
            try:
                waits_for = self._watch.step(self._site, send)
            except StopIteration as end:
                return end.value
            send = yield from self._passed(waits_for)

    def _passed(self, waits_for: Any) -> Generator[Any, Any, Callable[[], Any]]:
        try:
            value = yield waits_for
        except BaseException as error:  # noqa: BLE001 - handed on into the coroutine, whatever it is
            return partial(self._inner.throw, error)
        return partial(self._inner.send, value)
