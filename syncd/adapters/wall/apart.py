"""The daemon's side: an adapter that runs in a process of its own, which may hang, leak or die without harm to others."""

from __future__ import annotations

import asyncio
import json
import pickle
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, ClassVar, cast

from pydantic import BaseModel

from syncd.adapters.api import Adapter, Capabilities, CheckReport, How, SiteConfig, Standing, Tools
from syncd.adapters.wall.faults import Broken
from syncd.adapters.wall.frames import HEAD, MOST, Outcome, framed, packed, told, untold
from syncd.child import believed, environment
from syncd.errors import ConfigError, NotApplied, SyncdError
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult

MEMORY = 512 * 1024 * 1024
START = 30.0
"""Seconds that a process gets to import its adapter and make it."""
GRACE = 2.0
"""Seconds that a call gets to end after it was cancelled, before its process is killed."""
MOST_ASKED, MOST_LINES = 32, 200
"""Questions of one process that are open at once, and lines of one call for the log."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds until a process that died is started again: at once after the first death, then ever later while none does well."""
_LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
_PLAIN = (str, int, float, bool, type(None))
_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]);"
    "from syncd.adapters.wall.inside import serve; serve(int(sys.argv[2]))"
)


class _Process:
    """One life of the child, with the calls that are in flight there."""

    def __init__(self, kind: type[Adapter], site: SiteConfig, tools: Tools, memory: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno())], pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(),
            )
        self._tools, self._socket = tools, ours
        self._calls: dict[int, asyncio.Future[Outcome]] = {}
        self._lines: dict[int, int] = {}
        self._asked: set[asyncio.Task[None]] = set()
        self._numbers = count(1)
        self._reading: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self.capabilities = Capabilities()
        self.dead = False
        ours.sendall(_first(kind, site, memory, tools))

    # --- the start ------------------------------------------------------------------------------------------------

    def greet(self) -> None:
        """Wait, without a loop, until the adapter is made. Raises Broken, SyncdError."""
        late = threading.Timer(START, self._give_up)  # of all of it: one that says something else for ever has not started
        late.daemon = True
        late.start()
        try:
            while not self._is_hello(_received(self._socket)):
                pass
        except Exception as error:
            found = TimeoutError() if late.finished.is_set() else error
            self.kill()
            raise _as_broken(found, self._how_it_died()) from error
        finally:
            late.cancel()

    def _give_up(self) -> None:
        """The socket too: what the child has started itself may hold its other end open."""
        self.kill()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    async def greet_soon(self) -> None:
        """As greet, in the loop."""
        try:
            async with asyncio.timeout(START):
                await self._open()
                while not self._is_hello(await _body(self._reader)):
                    pass
        except Exception as error:
            self.kill()
            raise _as_broken(error, await self._status()) from error
        except asyncio.CancelledError:
            self.kill()
            raise

    def _is_hello(self, body: bytes) -> bool:
        """Whether the adapter is made; before that it may have something to say for the log."""
        what, number, contents = framed(body)
        if what == "log":
            self._log(number, contents)
            return False
        outcome, capabilities = believed(contents)
        _judged(outcome)
        self._declare(capabilities)
        return True

    def _declare(self, capabilities: Any) -> None:
        if isinstance(capabilities, Capabilities):
            self.capabilities = capabilities

    async def _open(self) -> None:
        if self._writer is None:
            self._socket.setblocking(False)
            self._reader, self._writer = await asyncio.open_connection(sock=self._socket, limit=1024 * 1024)

    # --- calls ----------------------------------------------------------------------------------------------------

    async def call(self, verb: str, args: tuple[Any, ...]) -> Outcome:
        """Raises Broken when the process dies, and CancelledError; a call that does not end then takes its process along."""
        if self._reading is None:
            await self._open()
            self._reading = asyncio.get_running_loop().create_task(self._read())
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        try:
            await self._send("call", number, (verb, args, self._tools.now()))
            return cast(Outcome, await answer)
        except asyncio.CancelledError:
            await self._cancel(number, answer)
            raise
        finally:
            self._calls.pop(number, None)
            self._lines.pop(number, None)

    async def _cancel(self, number: int, answer: asyncio.Future[Outcome]) -> None:
        if answer.cancelled():
            answer = self._calls[number] = asyncio.get_running_loop().create_future()
        self._write("cancel", number, None)  # not drained: a child that reads nothing is killed below
        await asyncio.wait({answer}, timeout=GRACE)
        if not answer.done():
            self.kill()

    def _write(self, what: str, number: int, contents: Any) -> asyncio.StreamWriter:
        assert self._writer is not None  # there is no call before it is open
        self._writer.write(packed(what, number, contents))
        return self._writer

    async def _send(self, what: str, number: int, contents: Any) -> None:
        await self._write(what, number, contents).drain()

    async def _read(self) -> None:
        """Until the process is gone, or says what can't be understood."""
        try:
            while True:
                what, number, contents = framed(await _body(self._reader))
                self._hear(what, number, contents)
        except Exception:  # noqa: BLE001 - it is gone, or what it says makes no sense, in whatever way
            self.kill()
        self._end(Broken("adapter_died", f"its process died: {await self._status()}"))

    def _hear(self, what: str, number: int, contents: bytes) -> None:
        if what == "done":
            self._hear_done(number, contents)
        elif what == "ask" and len(self._asked) < MOST_ASKED:
            task = asyncio.get_running_loop().create_task(self._answer(number, contents))
            self._asked.add(task)
            task.add_done_callback(self._asked.discard)
        elif what == "log":
            self._log(number, contents)
        else:
            raise ValueError(what)

    def _hear_done(self, number: int, contents: bytes) -> None:
        try:
            outcome, capabilities = believed(contents)
        except Exception as error:  # noqa: BLE001 - whatever hostile pickles raise
            outcome, capabilities = ("bug", (f"it answered what the contract does not know: {error}", "")), None
        self._declare(capabilities)
        answer = self._calls.get(number)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    def _log(self, number: int, contents: bytes) -> None:
        """A call may not flood the log, nor a child by numbers of no call (0: it said it outside of any)."""
        if number != 0 and number not in self._calls:
            return
        level, event, fields = believed(contents)
        self._lines[number] = told_already = self._lines.get(number, 0) + 1
        if self._tools.log is None or level not in _LEVELS or told_already > MOST_LINES:
            return
        if not (isinstance(event, str) and all(isinstance(value, _PLAIN) for value in fields.values())):
            raise ValueError(event)  # lists within lists that are the same take for ever to write
        getattr(self._tools.log, level)(event, **fields)

    # --- what the child asks for ----------------------------------------------------------------------------------

    async def _answer(self, number: int, contents: bytes) -> None:
        try:
            outcome: Outcome = ("returned", await self._asked_for(contents))
        except SyncdError as error:
            outcome = ("raised", told(error))
        except Exception as error:  # noqa: BLE001 - arguments that no client takes
            outcome = ("bug", f"{type(error).__name__}: {error}"[:500])
        with suppress(OSError):
            await self._send("reply", number, outcome)

    async def _asked_for(self, contents: bytes) -> Any:
        call, what, args = believed(contents)
        if call not in self._calls:
            raise NotApplied("call_over", "the call that this request belongs to has ended")
        if what == "blob":
            return self._tools.blobs.read(*args)
        if what == "get":
            url, validators, headers, limits = args
            return await self._tools.client.get(url, validators=validators, headers=headers, limits=limits)
        method, url, headers, body, limits = args
        return await self._tools.client.call(method, url, headers=headers, body=body, limits=limits)

    # --- the end --------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        self.dead = True
        with suppress(ProcessLookupError):
            self._process.kill()

    def _end(self, broken: Broken) -> None:
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(broken)
                answer.exception()  # looked at, should nobody wait for it any more
        for task in self._asked:
            task.cancel()
        if self._writer is not None:
            self._writer.close()

    def _how_it_died(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            return _status(self._process.wait(1.0))
        return "killed"

    async def _status(self) -> str:
        for _ in range(100):
            if (status := self._process.poll()) is not None:
                return _status(status)
            await asyncio.sleep(0.01)
        return "killed"

    async def aclose(self) -> None:
        """Kill it; what is in flight there is lost, as at any kill."""
        self.kill()
        if self._reading is not None:
            await asyncio.wait({self._reading}, timeout=GRACE)
        else:
            self._socket.close()
            await self._status()


def _first(kind: type[Adapter], site: SiteConfig, memory: int, tools: Tools) -> bytes:
    body = pickle.dumps(("make", 0, pickle.dumps((kind, site, memory, tools.now(), tools.folder, tools.network))))
    return HEAD.pack(len(body)) + body


def _received(end: socket.socket) -> bytes:
    """The next frame's, without a loop and not a byte more. Raises EOFError, OSError, ValueError."""
    size = HEAD.unpack(_exactly(end, HEAD.size))[0]
    return _exactly(end, _sane(size))


def _exactly(end: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        if not (more := end.recv(size - len(found))):
            raise EOFError
        found += more
    return bytes(found)


def _sane(size: int) -> int:
    if size > MOST:
        raise ValueError(f"a frame of {size} bytes")
    return size


async def _body(reader: asyncio.StreamReader) -> bytes:
    """The next frame's. Raises EOFError, ValueError."""
    size = HEAD.unpack(await reader.readexactly(HEAD.size))[0]
    return await reader.readexactly(_sane(size))


def _status(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"


def _as_broken(error: BaseException, died: str) -> Exception:
    if isinstance(error, SyncdError | Broken):
        return error
    late = isinstance(error, TimeoutError)
    return Broken("adapter_died", f"its process did not start within {START:g} s" if late else f"its process died: {died}")


def _judged(outcome: Outcome) -> Any:
    """The value. Raises SyncdError, Broken."""
    match outcome:
        case ("returned", value):
            return value
        case ("raised", {"kind": str(kind), "fields": dict(fields)}):
            raise untold(kind, fields)
        case ("bug", (str(text), str(trace))):
            raise Broken("adapter_bug", text, trace)
        case ("memory", (str(text), _)):
            raise Broken("adapter_memory", text)
    raise Broken("adapter_bug", "it answered what the contract does not know")


class Apart:
    """An adapter of a kind, in a process of its own. Raises what the adapter raises, and Broken for what it breaks.

    Requests, blobs and the log are the daemon's (`tools`): so its guard, proxy, certificates and counters hold, and the
    process needs no network. memory: bytes of address space beyond what it starts with.
    """

    api_version: ClassVar[int] = 1
    Options: ClassVar[type[BaseModel]] = BaseModel

    def __init__(
        self, kind: type[Adapter], site: SiteConfig, tools: Tools, *, monotonic: Callable[[], float], memory: int = MEMORY
    ) -> None:
        self.kind = kind.kind
        self._start = partial(_Process, kind, site, tools, memory)
        self._monotonic = monotonic
        self._declared = Capabilities()
        self._process: _Process | None = self._first_process(kind)
        self._starting: asyncio.Task[_Process] | None = None
        self._deaths = 0
        self._not_before = 0.0
        self._closed = False
        self.starts = 1

    def _first_process(self, kind: type[Adapter]) -> _Process:
        try:
            return self._start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ConfigError([f"adapter {kind.kind!r} can't be isolated: {error}"]) from error

    def greet(self) -> None:
        """Wait until the adapter is made, so that what is wrong with it is told before anything runs. Raises ConfigError."""
        if self._process is None:
            return
        try:
            self._process.greet()
        except Broken as broken:
            raise ConfigError([f"adapter {self.kind!r} can't be made: {broken.text}"]) from broken

    def kill(self) -> None:
        """End its process at once; for a configuration that is not taken up."""
        if self._process is not None:
            self._process.kill()

    @property
    def capabilities(self) -> Capabilities:
        if self._process is not None:
            self._declared = self._process.capabilities
        return self._declared

    async def check(self) -> CheckReport:
        return cast(CheckReport, await self._call("check"))

    async def find(self, key: str) -> RemoteRef | None:
        return cast("RemoteRef | None", await self._call("find", key))

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        return cast(WriteResult, await self._call("create", post, state))

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        return cast(WriteResult, await self._call("update", ref, post, state, if_version))

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        return cast(WriteResult, await self._call("withdraw", ref, how, if_version))

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        return cast(RemoteDoc, await self._call("read", ref))

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        return cast("tuple[RemoteRef, ...]", await self._call("sweep", key, keep))

    async def standing(self, ref: RemoteRef) -> Standing:
        return cast(Standing, await self._call("standing", ref))

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        for doc in cast("tuple[RemoteDoc, ...]", await self._call("list", prefix)):
            yield doc

    async def aclose(self) -> None:
        """Let the adapter close what it opened, and end its process."""
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait({self._starting})
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(Exception):
            async with asyncio.timeout(GRACE):
                await process.call("aclose", ())
        await process.aclose()

    async def _call(self, verb: str, *args: Any) -> Any:
        process = await self._running()
        try:
            value = _judged(await process.call(verb, args))
        except Broken as broken:
            if broken.reason == "adapter_memory":  # a heap that was full once is not to be trusted
                process.kill()
            raise
        finally:
            self._bury(process)
        self._deaths = 0
        return value

    async def _running(self) -> _Process:
        """The process; one start for all that wait, which goes on when one of them gives up."""
        if self._process is not None:
            self._bury(self._process)
        if self._process is not None:
            return self._process
        if self._starting is None:
            self._starting = asyncio.get_running_loop().create_task(self._started())
            self._starting.add_done_callback(self._at_work)
        return await asyncio.shield(self._starting)

    def _at_work(self, starting: asyncio.Task[_Process]) -> None:
        self._starting = None
        if not starting.cancelled() and starting.exception() is None:
            self._process = starting.result()

    async def _started(self) -> _Process:
        left = self._not_before - self._monotonic()
        if self._closed or left > 0:
            text = f"the process of adapter {self.kind!r} died {self._deaths} times, and is not started again yet"
            raise NotApplied("adapter_down", text, hint="the log says why it died", after=max(0.0, left))
        process = self._start()
        self.starts += 1
        try:
            await process.greet_soon()
        except BaseException:
            self._count_death()
            raise
        return process

    def _bury(self, process: _Process) -> None:
        """Forget a process that is dead, once."""
        if process.dead and self._process is process:
            self._process = None
            self._count_death()

    def _count_death(self) -> None:
        self._deaths += 1
        wait = 0.0 if self._deaths == 1 else min(FIRST_WAIT * 2 ** (self._deaths - 1), LONGEST_WAIT)
        self._not_before = self._monotonic() + wait
