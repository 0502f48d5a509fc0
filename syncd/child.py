"""One killable process for hostile bytes: it runs a function, and is killed when that takes too long or too much."""

from __future__ import annotations

import asyncio
import contextlib
import copyreg
import importlib
import json
import os
import pickle
import pickletools
import resource
import select
import signal
import struct
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from io import BytesIO
from operator import attrgetter, methodcaller
from typing import Any, BinaryIO, Literal, cast

from syncd.errors import ReadFailed, SyncdError

_FRAME = struct.Struct(">Q")
_MEBI = 1024 * 1024
_MAX_RESULT = 128 * _MEBI
_MEMORY = 1024 * _MEBI
_HEADROOM = 512 * _MEBI
_PR_SET_PDEATHSIG = 1
_BOOT = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from syncd.child import serve; serve(float(sys.argv[2]))"
)
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "TZDIR", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH")

Function = Callable[..., Any]
Reply = tuple[Literal["returned", "raised", "bug", "memory", "unreadable"], Any]


class Child:
    """Runs module-level functions in one child process, one after the other.

    The process is started at the first job, limited in memory, killed at once when a job runs out of time, and ends by
    itself after `idle` seconds without a job; the next job starts a new one. It dies with this process.
    """

    def __init__(self, *, idle: float = 60.0) -> None:
        self._idle = idle
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self.starts = 0
        """How many processes were started so far; a figure for the metrics."""

    async def run(self, function: Function, *args: Any, timeout: float = 30.0) -> Any:
        """The function's result; its arguments and result are pickled. `timeout`: seconds of wall clock for this job.

        Raises what the function raised if that is a SyncdError, else ReadFailed with parse_failed; parse_timeout,
        parse_memory or parse_crashed when the process had to be, or was, killed. Other jobs go on in a new one.
        """
        job = pickle.dumps((function, args, timeout))
        async with self._lock:
            return _judge(await self._attempt(job, timeout), timeout)

    async def aclose(self) -> None:
        """Kill the process, if there is one."""
        await self._kill()

    async def _attempt(self, job: bytes, timeout: float) -> Reply | int | None:
        """The child's reply; its exit status if it died; None if it was killed for being late."""
        reply = await self._exchange(job, timeout)
        if reply == 0:  # it ended itself as idle just when the job was sent: the job was never begun
            reply = await self._exchange(job, timeout)
        return reply

    async def _exchange(self, job: bytes, timeout: float) -> Reply | int | None:
        process = await self._started()
        try:
            async with asyncio.timeout(timeout):
                reply = await _ask(process, job)
        except TimeoutError:
            await self._kill()
            return None
        except (EOFError, OSError):
            return await self._status_of_the_dead()
        except BaseException:  # cancelled in the middle: the pipe holds an answer that nobody waits for
            await self._kill()
            raise
        if reply[0] in ("memory", "unreadable"):  # a heap that was full once, or a child that can't be believed
            await self._kill()
        return reply

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await _spawn(self._idle)
            self.starts += 1
        return self._process

    async def _status_of_the_dead(self) -> int:
        process = self._process
        if process is None:
            return 1
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(process.wait(), 1.0)
        await self._kill()
        return 1

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        if process.stdin is not None:
            process.stdin.close()


class Inline:
    """The same face without a process, for tests and the simulation: no time-out, no limits."""

    async def run(self, function: Function, *args: Any, timeout: float = 30.0) -> Any:
        """As Child.run; the function is called at once."""
        return _judge(_call(function, args), timeout)

    async def aclose(self) -> None:
        """Nothing to close."""


def _judge(reply: Reply | int | None, timeout: float) -> Any:
    match reply:
        case ("returned", value):
            return value
        case ("raised", error):
            raise error
        case ("memory", _):
            raise ReadFailed("parse_memory", "it takes too much memory to take apart", hint=_HOSTILE)
        case ("unreadable", _):
            raise ReadFailed("parse_crashed", "the parsing process sent nothing that can be read", hint=_REPORT)
        case ("bug", text):
            raise ReadFailed("parse_failed", f"the parser failed: {text}", hint=_REPORT)
        case None:
            raise ReadFailed("parse_timeout", f"it took more than {timeout:g} s to take apart", hint=_HOSTILE)
        case status if status == -signal.SIGXCPU:
            raise ReadFailed("parse_timeout", "it took too much processor time to take apart", hint=_HOSTILE)
        case status:
            raise ReadFailed("parse_crashed", f"the parsing process died (status {status})", hint=_HOSTILE)


_HOSTILE = "the body is broken or made to harm; look at it with syncd read FILE, and ask the source if it goes on"
_REPORT = "this is a fault of the parser: save the body and report it; the other sources go on"


# --- the parent's end of the pipe ---------------------------------------------------------------------------------


async def _spawn(idle: float) -> asyncio.subprocess.Process:
    """A fresh interpreter: no inherited state, descriptors, secrets of the environment or threads."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BOOT, json.dumps(sys.path), str(idle),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        env=environment(), limit=_MEBI,
    )


def environment() -> dict[str, str]:
    """What a child needs of ours: no secret is in it."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return kept | {"PYTHONIOENCODING": "utf-8"}


async def _ask(process: asyncio.subprocess.Process, job: bytes) -> Reply:
    """Raises EOFError or OSError when the process is gone."""
    if process.stdin is None or process.stdout is None:
        raise EOFError
    process.stdin.write(_FRAME.pack(len(job)) + job)
    await process.stdin.drain()
    size = _FRAME.unpack(await process.stdout.readexactly(_FRAME.size))[0]
    if size > _MAX_RESULT:
        return "memory", None
    body = await process.stdout.readexactly(size)
    try:
        return cast(Reply, believed(body))
    except Exception:  # noqa: BLE001 - whatever hostile pickles raise: the child is not to be believed
        return "unreadable", None


def believed(body: bytes) -> Any:
    """What a child has pickled: plain values, our dataclasses, enums and errors. Raises whatever hostile pickles raise.

    Only what `pickled` writes is looked at: no opcode that sets attributes (BUILD), makes objects without their class being
    called (NEWOBJ), or takes memory by a number (LONG_BINPUT).
    """
    _check_opcodes(body)
    return _Results(BytesIO(body)).load()


def _opcodes() -> tuple[int, ...]:
    """By opcode: its bytes with its argument; below 0 the bytes of the length that is counted first; 0 may not be."""
    one, four, unsigned = pickletools.TAKEN_FROM_ARGUMENT1, pickletools.TAKEN_FROM_ARGUMENT4, pickletools.TAKEN_FROM_ARGUMENT4U
    counted = {one: -1, four: -4, unsigned: -4}
    sizes = [0] * 256
    for opcode in pickletools.opcodes:
        if opcode.name in _WRITTEN:
            size = opcode.arg.n if opcode.arg else 0
            sizes[ord(opcode.code)] = 1 + size if size >= 0 else counted[size]
    return tuple(sizes)


_WRITTEN = frozenset({
    "PROTO", "FRAME", "STOP", "MARK", "MEMOIZE", "BINGET", "LONG_BINGET", "NONE", "NEWTRUE", "NEWFALSE", "BININT",
    "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "SHORT_BINUNICODE", "BINUNICODE", "SHORT_BINBYTES",
    "BINBYTES", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_DICT",
    "SETITEM", "SETITEMS", "EMPTY_SET", "ADDITEMS", "FROZENSET", "STACK_GLOBAL", "REDUCE",
})
_OPCODES = _opcodes()
_MOST_OPCODES = 4_000_000
"""A list of 100,000 documents takes three millions."""


def _check_opcodes(body: bytes) -> None:
    """Raises UnpicklingError at the first opcode that `pickled` does not write, where a length leads past the end, and where
    there are too many: a byte makes an object of 200."""
    at, end, found = 0, len(body), bytearray()
    for _ in range(_MOST_OPCODES):
        if at >= end:
            break
        found.append(body[at])
        size = _OPCODES[body[at]]
        if size > 0:
            at += size
        elif size:
            at += 1 - size + int.from_bytes(body[at + 1:at + 1 - size], "little")
        else:
            raise pickle.UnpicklingError(f"unexpected opcode {body[at]:#x}")
    if at != end or body[-1:] != pickle.STOP:
        raise pickle.UnpicklingError("no whole result")
    if sum(map(found.count, _TUPLES)) > _MOST_TUPLES:
        _check_depth(body)


_TUPLES = (pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)
_MOST_TUPLES, _DEEPEST = 50_000, 100
"""Tuples in a result whose depth need not be looked at, and how deep they may be within each other where there are more: the
hash of a tuple takes the processor's stack, without a limit; 8 MiB hold 100,000."""


def _check_depth(body: bytes) -> None:
    """Raises UnpicklingError for tuples too deep within tuples, IndexError for what is no pickle. The opcodes were checked."""
    stack: list[int] = []
    memo: list[int] = []
    marks: list[int] = []
    for opcode, argument, _ in pickletools.genops(body):
        _step(opcode.name, argument, stack, memo, marks)
        if stack and stack[-1] > _DEEPEST:
            raise pickle.UnpicklingError("tuples too deep within tuples")


def _step(name: str, argument: Any, stack: list[int], memo: list[int], marks: list[int]) -> None:
    """stack: how deep in tuples each object is; only tuples hand the hash on to what they hold without a limit."""
    if name in _TAKES:
        first = marks.pop() if _TAKES[name] is None else len(stack) - _TAKES[name]
        held = stack[first:]
        del stack[first:]
        if name.startswith("TUPLE"):
            stack.append(1 + max(held, default=0))
        elif name not in ("APPENDS", "SETITEMS", "ADDITEMS", "APPEND", "SETITEM"):
            stack.append(0)
    elif name == "MARK":
        marks.append(len(stack))
    elif name == "MEMOIZE":
        memo.append(stack[-1])
    elif name not in ("PROTO", "FRAME", "STOP"):
        stack.append(memo[argument] if name in ("BINGET", "LONG_BINGET") else 0)


_TAKES: dict[str, Any] = {
    "TUPLE": None, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "FROZENSET": None, "APPENDS": None, "SETITEMS": None,
    "ADDITEMS": None, "APPEND": 1, "SETITEM": 2, "REDUCE": 2, "STACK_GLOBAL": 2,
}
"""How many objects each opcode takes off the stack; None: all above the mark."""


class _Results(pickle.Unpickler):
    """Reads only plain values, our dataclasses, enums and errors: the child saw hostile bytes and isn't believed."""

    def find_class(self, module: str, name: str) -> Any:
        return _believed(module, name)


@cache
def _believed(module: str, name: str) -> Any:
    """What a result may name; only what may be is remembered. Raises UnpicklingError for anything else."""
    if (module, name) == ("builtins", "getattr"):
        return _member
    if (module, name) == (__name__, _error.__name__):
        return _error
    if module == "datetime" and name in ("datetime", "timedelta", "timezone", "date"):
        return getattr(importlib.import_module(module), name)
    found = getattr(importlib.import_module(module), name, None) if module.startswith("syncd.") else None
    if isinstance(found, type) and found.__module__ == module and _is_value(found):
        return found
    raise pickle.UnpicklingError(f"unexpected result {module}.{name}")


_ACTS = frozenset({"__call__", "__setitem__", "append", "extend", "add"})
"""What opcodes call of an object that is no function, list, dictionary or set."""


def _is_value(kind: type) -> bool:
    """Whether an object of a class only holds what it is told, and does nothing when it is made or filled."""
    if any(_ACTS & vars(base).keys() for base in kind.__mro__):
        return False
    return issubclass(kind, Enum | SyncdError) or (is_dataclass(kind) and _params(kind).frozen)


def _params(kind: Any) -> Any:
    return kind.__dataclass_params__


def _error(kind: Any, args: Any, told: Any) -> SyncdError:
    """An error as it was, without a call of its class. Raises UnpicklingError for anything else."""
    if not (isinstance(kind, type) and issubclass(kind, SyncdError) and type(args) is tuple and type(told) is dict):
        raise pickle.UnpicklingError("unexpected error")
    error: SyncdError = kind.__new__(kind)
    error.args = args
    vars(error).update({str(name): value for name, value in told.items()})
    return error


def _member(kind: Any, name: Any) -> Enum:
    """What getattr may be asked for: some releases of Python 3.11 pickle an enum's member as an attribute of its class."""
    if isinstance(kind, type) and issubclass(kind, Enum) and name in kind.__members__:
        return kind.__members__[name]
    raise pickle.UnpicklingError(f"unexpected attribute {name!r}")


# --- the child's end -----------------------------------------------------------------------------------------------


def serve(idle: float) -> None:
    """The child's loop: jobs come on descriptor 0, replies go to what was descriptor 1; ends on EOF or when idle."""
    die_with_the_parent()
    _limit_memory()
    for ignored in (signal.SIGINT, signal.SIGTERM):  # a stop is the parent's business: it drains, then closes the pipe
        signal.signal(ignored, signal.SIG_IGN)
    jobs, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints must not get between the frames
    while select.select([jobs], [], [], idle)[0] and (job := _receive(jobs)) is not None:
        _send(replies, _work(job))


def die_with_the_parent() -> None:
    """This process is killed as soon as the one that started it is gone."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # if it died before this line, the pipe is at its end


def _limit_memory() -> None:
    limit_memory(_HEADROOM, least=_MEMORY)


def limit_memory(more: int, *, least: int = 0) -> None:
    """Bytes of address space beyond what this process holds now; at least `least` in all. No core is dumped."""
    with open("/proc/self/statm", "rb") as file:
        base = int(file.read().split()[0]) * resource.getpagesize()
    limit = max(least, base + more)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu(seconds: float) -> None:
    """A bound that holds even when the parent is frozen and can't kill: the time of one job and a little."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 2, resource.RLIM_INFINITY))


def _receive(jobs: BinaryIO) -> bytes | None:
    head = jobs.read(_FRAME.size)
    return jobs.read(_FRAME.unpack(head)[0]) if len(head) == _FRAME.size else None


def _send(replies: BinaryIO, reply: Reply) -> None:
    try:
        body = pickled(reply)
    except Exception as error:  # noqa: BLE001 - a result that can't be pickled is a bug of the function, not of the process
        body = pickle.dumps(("bug", f"{type(error).__name__}: {error}"[:500]))
    replies.write(_FRAME.pack(len(body)) + body)
    replies.flush()


def pickled(value: Any) -> bytes:
    """A value as `believed` reads it quickly."""
    written = BytesIO()
    pickler = pickle.Pickler(written)
    pickler.dispatch_table = _REDUCERS
    pickler.dump(value)
    return written.getvalue()


class _Reducers(dict[type, Callable[[Any], Any]]):
    """How each class is pickled. A dataclass is written as a call of it: what frozen ones with slots do by themselves costs
    ten times as much to read, and sets attributes, which no result may; nor do errors therefore."""

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        """Raises KeyError for a class of classes: those are pickled by name."""
        if issubclass(kind, type):
            raise KeyError(kind)
        found = self[kind] = _reducer(kind)
        return found


def _reducer(kind: type) -> Callable[[Any], Any]:
    if issubclass(kind, SyncdError):
        return lambda error: (_error, (kind, error.args, vars(error)))
    return _call_of(kind) if is_dataclass(kind) else _usual(kind)


def _usual(kind: type) -> Callable[[Any], Any]:
    return copyreg.dispatch_table.get(kind) or methodcaller("__reduce_ex__", pickle.DEFAULT_PROTOCOL)


def _call_of(kind: Any) -> Callable[[Any], Any]:
    names = [field.name for field in fields(kind)]
    if len(names) < 2:  # attrgetter gives no tuple then
        return lambda value: (kind, tuple([getattr(value, name) for name in names]))
    values = attrgetter(*names)
    return lambda value: (kind, values(value))


_REDUCERS = _Reducers()


def _work(job: bytes) -> Reply:
    try:
        function, args, timeout = pickle.loads(job)  # noqa: S301 - it comes from the parent
    except Exception as error:  # noqa: BLE001 - the function's module can't be imported here
        return "bug", f"{type(error).__name__}: {error}"[:500]
    _limit_cpu(timeout)
    return _call(function, args)


def _call(function: Function, args: tuple[Any, ...]) -> Reply:
    try:
        return "returned", function(*args)
    except SyncdError as error:
        return "raised", error
    except MemoryError:
        return "memory", None
    except Exception as error:  # noqa: BLE001 - feedparser alone has a dozen known inputs that raise
        return "bug", f"{type(error).__name__}: {error}"[:500]
