"""Jobs for the child's tests: what a parser might do at its worst."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Entry, Instant, Precision, Problem


def double(number: int) -> int:
    return 2 * number


def pid() -> int:
    return os.getpid()


def spin() -> None:
    while True:
        pass


def swallow() -> int:
    return len(bytearray(4 * 1024**3))


def crash() -> None:
    ctypes.string_at(0)


def leave() -> None:
    os._exit(0)


def fail() -> None:
    raise ReadFailed("no_body", "nothing here", hint="look", where="https://a.example/", after=3.0, status=503)


def stumble() -> None:
    raise ValueError("an unexpected thing")


def chatter() -> str:
    print("this must not get between the frames")
    os.write(1, b"\0" * 64)
    return "said"


def stubborn() -> bool:
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGINT)
    return True


class _Got:
    """Pickles as an attribute of something, as some releases of Python 3.11 pickle the members of an enum."""

    def __init__(self, of: type, name: str) -> None:
        self.of, self.name = of, name

    def __reduce__(self) -> tuple[object, tuple[type, str]]:
        return getattr, (self.of, self.name)


def member() -> object:
    return _Got(Precision, "DAY")


def method() -> object:
    return _Got(Precision, "mro")


def foreign() -> object:
    return _Got(datetime, "now")


def strange() -> object:
    return Path("/etc/passwd")


def unpicklable() -> object:
    return lambda: None


def environment() -> list[str]:
    return sorted(os.environ)


def nap(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def values() -> list[object]:
    """One of each kind that a result may hold."""
    at = datetime(2026, 4, 15, 8, fold=1, tzinfo=timezone(timedelta(hours=8)))
    entry = Entry("k", "t", "u", Instant(at, Precision.DAY), categories=("a",), attachments=(AttachmentLink("f", length=3),))
    plain = [None, True, 2**70, 1.5, "字", b"x", ("a",), ["b"], {"c": 1}, {1}, frozenset(("d",))]
    return [entry, entry, Problem("r", "h"), Entry, Precision, Precision.SECOND, date(2026, 4, 15), UTC, *plain]


def path_within() -> object:
    return Problem("r", "h", Path("/etc/passwd"))  # type: ignore[arg-type]
