"""Adapters that do what no adapter may, each in its own way; the daemon and the child process both import them."""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from pydantic import BaseModel

from syncd.adapters.api import SiteConfig, Tools
from syncd.errors import ConfigError, Conflict, NotApplied, RateLimited, ReadFailed, StoreError, SyncdError
from syncd.model import Post, RemoteRef, RemoteState, WriteResult, Wrote
from syncd.testing.fakecms import FakeAdapter, FakeOptions


class Options(FakeOptions):
    """does: a name of DEEDS. after: it does it only after the CMS has taken the post. verb: in which call."""

    does: str = "nothing"
    after: bool = False
    verb: str = "create"


class Unfit:
    """Nothing that the contract knows, and nothing that can be pickled."""

    def __init__(self) -> None:
        self.inner = lambda: None


class OwnConflict(Conflict):
    """An adapter may have errors of its own."""


async def hang() -> None:
    await asyncio.Event().wait()


async def cling() -> None:
    """Hangs, and does not end when it is cancelled; in the end it does, so that a test can."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            await asyncio.sleep(0.5)
        except asyncio.CancelledError:
            continue


async def sleep() -> None:
    time.sleep(60)


async def spin() -> None:
    while True:
        pass


async def exit_at_once() -> None:
    os._exit(7)


async def segfault() -> None:
    ctypes.string_at(0)


async def hoard() -> None:
    list(range(10**9))


async def recurse() -> None:
    def deeper(n: int) -> int:
        return deeper(n + 1) + 1

    deeper(0)


async def print_much() -> None:
    print("<html>" * 1000)
    sys.stdout.flush()
    os.write(1, b"\x00\xff garbage \n" * 1000)


async def scribble() -> None:
    """Writes into every descriptor that it finds, the socket to the daemon among them."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\x00" * 8 + b"garbage" * 100)
        except OSError:
            continue


def raises(make: Callable[[], BaseException]) -> Callable[[], Awaitable[Any]]:
    async def deed() -> None:
        raise make()

    return deed


def returns(make: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
    async def deed() -> Any:
        return make()

    return deed


def chatter(tools: Tools) -> None:
    """Always has something to say, and never ends; in the end it does, so that a test can."""
    end = time.monotonic() + 12
    while time.monotonic() < end:
        tools.log.info("still_at_it")
        time.sleep(0.05)


async def nothing() -> None:
    """As it should be."""


DEEDS: dict[str, Callable[[], Awaitable[Any]]] = {
    "hang": hang, "cling": cling, "sleep": sleep, "spin": spin, "exit": exit_at_once, "segfault": segfault, "hoard": hoard,
    "recurse": recurse, "print": print_much, "scribble": scribble, "nothing": nothing,
    "KeyError": raises(lambda: KeyError("secret-in-the-message")),
    "SystemExit": raises(lambda: SystemExit(3)),
    "KeyboardInterrupt": raises(KeyboardInterrupt),
    "CancelledError": raises(asyncio.CancelledError),
    "GeneratorExit": raises(GeneratorExit),
    "MemoryError": raises(MemoryError),
    "StopAsyncIteration": raises(StopAsyncIteration),
    "no reason": raises(lambda: NotApplied("Post 17 is not there!")),
    "no seconds": raises(lambda: RateLimited("busy", after="soon")),  # type: ignore[arg-type]
    "StoreError": raises(lambda: StoreError("blob_missing", "secret-in-the-message")),
    "ReadFailed": raises(lambda: ReadFailed("not_found", "secret-in-the-message", status=404)),
    "ConfigError": raises(lambda: ConfigError(["secret-in-the-message"])),
    "SyncdError": raises(lambda: SyncdError("strange", "secret-in-the-message")),
    "own error": raises(lambda: OwnConflict("locked", "somebody edits it")),
    "none": returns(lambda: None),
    "number": returns(lambda: 5),
    "unpicklable": returns(Unfit),
    "no ref": returns(lambda: WriteResult(None, Wrote.CREATED)),  # type: ignore[arg-type]
    "number as id": returns(lambda: WriteResult(RemoteRef(17), Wrote.CREATED)),  # type: ignore[arg-type]
}


class RogueAdapter(FakeAdapter):
    """The fake CMS's adapter, but for its deed."""

    kind: ClassVar[str] = "rogue"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        super().__init__(site, tools)
        self._does = site.options
        if self._does.verb == "make":
            if self._does.does == "chatter":
                chatter(tools)
            raise RuntimeError("secret-in-the-message")

    def _nest(self) -> None:
        """A line for the log that is short to send and takes for ever to write."""
        much: Any = ["x"]
        for _ in range(60):
            much = [much, much]
        self._tools.log._link.send("log", 0, ("warning", "nested", {"much": much}))

    def _flood(self) -> None:
        """Lines for the log, of calls that there are not, and two of none."""
        link = self._tools.log._link
        for number in (*range(1000, 1500), 0, 0, *range(-500, 0)):
            link.send("log", number, ("warning", "flood", {}))

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        if self._does.does in ("flood", "nest"):
            self._flood() if self._does.does == "flood" else self._nest()
            return await super().create(post, state)
        if self._does.verb != "create" or self._does.does == "nothing":
            return await super().create(post, state)
        made = await super().create(post, state) if self._does.after else None
        done: Any = await DEEDS[self._does.does]()
        if self._does.does == "print":
            return made or await super().create(post, state)
        return done  # type: ignore[no-any-return]

    async def find(self, key: str) -> RemoteRef | None:
        if self._does.verb == "find":
            return await DEEDS[self._does.does]()  # type: ignore[no-any-return]
        return await super().find(key)

    async def aclose(self) -> None:
        if self._does.verb == "aclose":
            await DEEDS[self._does.does]()
