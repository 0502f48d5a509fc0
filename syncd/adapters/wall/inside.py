"""The child's side: an adapter in a process of its own, whose tools are the daemon's at the other end of a socket."""

from __future__ import annotations

import asyncio
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from contextvars import ContextVar
from datetime import datetime, timedelta
from itertools import count
from time import monotonic
from typing import Any, BinaryIO, cast

from syncd.adapters.api import Adapter, SiteConfig, Tools
from syncd.adapters.wall import faults
from syncd.adapters.wall.answers import fitting
from syncd.adapters.wall.faults import Broken
from syncd.adapters.wall.frames import HEAD, Outcome, packed, told, trusted, untold
from syncd.adapters.wall.trail import standing, waiting
from syncd.child import die_with_the_parent, limit_memory
from syncd.errors import NotApplied, SyncdError
from syncd.web.api import Answer, Limits, Validators

_CALL: ContextVar[int] = ContextVar("syncd_isolated_call", default=0)
_UNASKED = Validators()


def serve(descriptor: int) -> None:
    """Make the adapter that the first frame names, say what it declares, and answer its calls until the socket closes."""
    die_with_the_parent()
    for ignored in (signal.SIGINT, signal.SIGTERM):  # a stop is the daemon's business
        signal.signal(ignored, signal.SIG_IGN)
    link = _Link(socket.socket(fileno=descriptor))
    kind, site, memory, now, *places = pickle.loads(link.receive()[2])  # noqa: S301 - it comes from the parent
    link.tell_time(now)
    adapter = _made(kind, site, link, Tools(cast(Any, _Client(link)), link.now, _Blobs(link), _Log(link), *places))
    if adapter is None:
        return
    link.send("done", 0, (("returned", None), adapter.capabilities))
    limit_memory(memory)
    asyncio.run(_Host(adapter, link).run())


def _made(kind: type[Adapter], site: SiteConfig, link: _Link, tools: Tools) -> Adapter | None:
    try:
        return kind(site, tools)
    except BaseException as error:  # noqa: BLE001 - told to the daemon, which tells the operator
        link.send("done", 0, (_failed(error), None))
        return None


class _Link:
    """Frames on a socket; those of the daemon are read in a thread of their own, so that a loop that stands hears of it."""

    def __init__(self, end: socket.socket) -> None:
        self._in: BinaryIO = end.makefile("rb")
        self._out: BinaryIO = end.makefile("wb")
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._open: dict[int, Future[Outcome]] = {}
        self._ahead = timedelta(0)

    def receive(self) -> tuple[str, int, bytes]:
        """The next frame of the daemon; without a daemon this process has no reason to be."""
        head = self._in.read(HEAD.size)
        if len(head) < HEAD.size:
            os._exit(0)
        return trusted(self._in.read(HEAD.unpack(head)[0]))

    def send(self, what: str, number: int, contents: Any) -> None:
        frame = packed(what, number, contents)
        with self._lock:
            self._out.write(frame)
            self._out.flush()

    def ask(self, what: str, *args: Any) -> Future[Outcome]:
        """A question to the daemon, of the call in which it is asked."""
        if not _CALL.get():
            raise NotApplied("call_over", "this request belongs to no call", hint="an adapter asks only within its calls")
        number, answer = next(self._numbers), Future[Outcome]()
        self._open[number] = answer
        self.send("ask", number, (_CALL.get(), what, args))
        return answer

    def answer(self, number: int, outcome: Outcome) -> None:
        self._open.pop(number).set_result(outcome)

    def tell_time(self, now: datetime) -> None:
        """The daemon's clock rules; between two calls it is this machine's."""
        self._told, self._at = now, monotonic()

    def now(self) -> datetime:
        return self._told + timedelta(seconds=monotonic() - self._at)


def _value(outcome: Outcome) -> Any:
    if outcome[0] == "raised":
        raise untold(outcome[1]["kind"], outcome[1]["fields"])
    if outcome[0] == "bug":
        raise TypeError(outcome[1])
    return outcome[1]


class _Client:
    """The daemon's client: guard, proxy, certificates, pacing and counters stay there, and no connection is made here."""

    def __init__(self, link: _Link) -> None:
        self._link = link

    async def get(
        self, url: str, *, validators: Validators = _UNASKED, headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        return cast(Answer, await self._asked("get", url, validators, dict(headers or {}), limits))

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        return cast(Answer, await self._asked("call", method, url, dict(headers or {}), bytes(body), limits))

    async def _asked(self, what: str, *args: Any) -> Any:
        return _value(await asyncio.wrap_future(self._link.ask(what, *args)))


class _Blobs:
    def __init__(self, link: _Link) -> None:
        self._link = link

    def read(self, sha256: str) -> bytes:
        """Waits for the daemon, as for a disk."""
        return cast(bytes, _value(self._link.ask("blob", sha256).result()))


class _Log:
    """The daemon's log; values that are not plain are told as their text."""

    def __init__(self, link: _Link, bound: Mapping[str, Any] | None = None) -> None:
        self._link, self._bound = link, dict(bound or {})

    def bind(self, **fields: Any) -> _Log:
        return _Log(self._link, self._bound | fields)

    def __getattr__(self, level: str) -> Any:
        if level.startswith("_"):
            raise AttributeError(level)
        return lambda event, **fields: self._tell(level, str(event), self._bound | fields)

    def _tell(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        plain = {name: _plain(value) for name, value in fields.items()}
        self._link.send("log", _CALL.get(), (level, event, plain))


def _plain(value: Any) -> Any:
    return value if value is None or type(value) in (str, int, float, bool) else repr(value)[:1000]


class _Host:
    """Runs calls as the daemon sends them, each in a task; one that is cancelled says where it was."""

    def __init__(self, adapter: Adapter, link: _Link) -> None:
        self._adapter, self._link = adapter, link
        self._calls: dict[int, asyncio.Task[None]] = {}
        self._work: dict[int, Any] = {}
        self._main = threading.get_ident()

    async def run(self) -> None:
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._listen, daemon=True).start()
        await asyncio.Event().wait()

    def _listen(self) -> None:
        while True:
            what, number, contents = self._link.receive()
            if what == "reply":
                self._link.answer(number, pickle.loads(contents))  # noqa: S301 - it comes from the parent
            elif what == "call":
                self._loop.call_soon_threadsafe(self._start, number, contents)
            elif what == "cancel":
                self._tell_where(number)
                self._loop.call_soon_threadsafe(self._cancel, number)

    def _start(self, number: int, contents: bytes) -> None:
        self._calls[number] = self._loop.create_task(self._answered(number, contents))

    def _cancel(self, number: int) -> None:
        if number in self._calls:
            self._calls[number].cancel()

    def _tell_where(self, number: int) -> None:
        """Seen from the thread that listens: the other may stand in the adapter's code for ever."""
        where = waiting(self._work.get(number)) or standing(sys._current_frames().get(self._main))
        self._link.send("log", number, ("warning", "adapter_given_up", {"where": where}))

    async def _answered(self, number: int, contents: bytes) -> None:
        _CALL.set(number)
        try:
            verb, args, now = pickle.loads(contents)  # noqa: S301 - it comes from the parent
            self._link.tell_time(now)
            work = self._work[number] = _called(self._adapter, verb, args)
            outcome: Outcome = ("returned", await work)
        except BaseException as error:  # noqa: BLE001 - the daemon sorts it
            outcome = _failed(error)
        self._calls.pop(number, None)
        self._work.pop(number, None)
        self._done(number, outcome)

    def _done(self, number: int, outcome: Outcome) -> None:
        try:
            self._link.send("done", number, (outcome, self._adapter.capabilities))
        except Exception as error:  # noqa: BLE001 - what can't be pickled is no value of the contract
            self._link.send("done", number, (("bug", (f"its answer can't be sent: {type(error).__name__}", "")), None))


async def _called(adapter: Adapter, verb: str, args: tuple[Any, ...]) -> Any:
    found = getattr(adapter, verb)(*args)
    if verb == "list":
        return fitting(verb, tuple([doc async for doc in found]))
    return fitting(verb, await found)


def _failed(error: BaseException) -> Outcome:
    if isinstance(error, SyncdError):
        return "raised", told(error)
    if isinstance(error, MemoryError):
        return "memory", ("it takes more memory than it may", "")
    broken = error if isinstance(error, Broken) else faults.bug(error)
    return "bug", (broken.text, broken.trace)
