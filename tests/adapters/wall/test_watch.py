"""What keeps the loop from turning is named while it does, and broken off where it is an adapter's code."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from syncd import log
from syncd.adapters.api import Capabilities
from syncd.adapters.wall import Block, Fault, Turnstile, Wall, Watch
from syncd.adapters.wall.watch import Blocked, Stepped
from syncd.errors import NotApplied, Unknown

TELL, BREAK = 0.3, 0.8


def watched(work: Callable[[Watch], Any]) -> tuple[Any, list[Block]]:
    """Run under a watch of our own, until the loop has had time to turn again."""
    told: list[Block] = []

    async def main() -> Any:
        watch = Watch(time.monotonic, tell=TELL, most=BREAK)
        watch.start(told.append)
        try:
            result = await work(watch)
            await asyncio.sleep(0.4)
            return result
        finally:
            watch.stop()

    return asyncio.run(main()), told


async def sleeping() -> None:
    time.sleep(30)


async def spinning() -> None:
    while True:
        pass


@pytest.mark.parametrize("code", [sleeping, spinning])
def test_an_adapters_code_that_never_awaits_is_named_and_broken_off(code: Callable[[], Any]) -> None:
    async def work(watch: Watch) -> float:
        started = time.monotonic()
        with pytest.raises(Blocked):
            await Stepped(code(), "county", watch)
        return time.monotonic() - started

    took, told = watched(work)
    assert took < 10
    assert [(block.site, block.phase) for block in told] == [("county", "seen"), ("county", "broken"), ("county", "over")]
    assert all(f"{code.__name__} (test_watch.py:" in block.where for block in told)
    assert told[-1].seconds >= BREAK - 0.3


def test_code_that_is_nobodys_is_told_with_its_place_and_goes_on() -> None:
    async def work(watch: Watch) -> str:
        time.sleep(BREAK + 0.6)
        return "went on"

    result, told = watched(work)
    assert result == "went on"
    assert [(block.site, block.phase) for block in told] == [("", "seen"), ("", "over")]
    assert "work (test_watch.py:" in told[0].where


def test_a_call_that_waits_long_keeps_nobody_and_gets_what_it_waits_for() -> None:
    async def patient() -> list[Any]:
        await asyncio.sleep(TELL + BREAK)
        found = [await asyncio.get_running_loop().run_in_executor(None, lambda: 5)]
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        except TimeoutError:
            found.append("late")
        return found

    async def work(watch: Watch) -> Any:
        return await Stepped(patient(), "county", watch)

    result, told = watched(work)
    assert result == [5, "late"]
    assert told == []


class SlowStream(io.StringIO):
    """A log's stream that takes nothing more, as a full pipe does, as soon as an adapter writes to it."""

    def write(self, text: str) -> int:
        if "of an adapter" in text:
            time.sleep(30)
        return super().write(text)


def test_code_that_stands_in_the_middle_of_the_log_is_broken_off_and_told() -> None:
    """Whoever is told writes to the log, whose lock is held just then."""
    stream = SlowStream()
    told: list[str] = []

    async def writing() -> None:
        log.get_logger("adapter").info("line", text="of an adapter")

    def tell(block: Block) -> None:
        log.get_logger("watch").error("loop_blocked", phase=block.phase)
        told.append(block.phase)

    async def main() -> None:
        watch = Watch(time.monotonic, tell=TELL, most=BREAK)
        watch.start(tell)
        with pytest.raises(Blocked):
            await Stepped(writing(), "county", watch)
        await asyncio.sleep(0.5)
        watch.stop()

    log.setup(lambda: datetime.now(UTC), stream=stream, journal=False)
    try:
        started = time.monotonic()
        asyncio.run(main())
        assert time.monotonic() - started < 10
    finally:
        structlog.reset_defaults()
    assert told == ["seen", "broken", "over"]
    assert [json.loads(line)["phase"] for line in stream.getvalue().splitlines()] == told


class SpinningHeaders(dict[str, str]):
    """What an adapter gives to our client, in whose code it then spins."""

    def items(self) -> Any:
        time.sleep(30)
        return super().items()


class Client:
    async def call(self, method: str, url: str, *, headers: Any, **more: Any) -> None:
        list(headers.items())


class Blocking:
    kind, capabilities = "blocking", Capabilities()

    def __init__(self, client: Any) -> None:
        self._client = client

    async def create(self, post: Any, state: Any) -> Any:
        return await self._client.call("POST", "http://cms.example/", headers=SpinningHeaders())

    async def find(self, key: str) -> Any:
        return await self.create(None, None)


@pytest.mark.parametrize(("verb", "args", "lost"), [("create", (None, None), Unknown), ("find", ("key",), NotApplied)])
def test_a_call_that_is_broken_off_within_our_client_is_the_adapters_fault_all_the_same(
    verb: str, args: tuple[Any, ...], lost: type[Exception]
) -> None:
    faults: list[Fault] = []

    async def work(watch: Watch) -> None:
        adapter: Any = Blocking(Turnstile(Client()))  # type: ignore[arg-type]
        wall = Wall(adapter, "county", now=lambda: datetime.now(UTC), told=faults.append, watch=watch)
        with pytest.raises(lost):
            await getattr(wall, verb)(*args)
        assert wall.fault == faults[0]

    watched(work)
    assert [(fault.reason, fault.verb) for fault in faults] == [("adapter_blocks", verb)]
    assert "items (test_watch.py:" in faults[0].text
