"""What does not move any more is seen, told with the place where it waits, and keeps the watchdog from being fed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.app.daemon import Daemon
from syncd.engine.engine import ROUND, STALL
from syncd.systemd import Notifier
from tests.engine.rig import Rig, played

HOUR = 3600.0


async def never(*_: Any, **__: Any) -> Any:
    """What a plug-in does that waits for something that does not come."""
    await asyncio.Event().wait()


async def beats(rig: Rig, seconds: float, *stages: str) -> None:
    """Time passes with the given stages at work, one round of each a second (here: a step)."""
    for _ in range(10):
        rig.clock.advance(seconds / 10)
        for stage in stages:
            await rig.engine.tick(stage)
        for _ in range(20):  # what is in flight goes on
            await asyncio.sleep(0)


async def left(work: Awaitable[Any]) -> asyncio.Task[Any]:
    """Begin something that will not end."""
    task = asyncio.ensure_future(work)
    for _ in range(5):
        await asyncio.sleep(0)
    return task


@pytest.mark.guarantee(5)
@played
async def test_an_engine_at_work_is_not_stuck_however_long_it_lives() -> None:
    async with Rig() as rig:
        await rig.begin()
        await beats(rig, 10 * HOUR, "poll", "work")
        assert rig.engine.stuck(HOUR) == ""


@pytest.mark.guarantee(5)
@played
async def test_one_stage_that_hangs_is_seen_though_all_others_go_on() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.disk.real.unrouted = never  # type: ignore[method-assign]
        task = await left(rig.engine.tick("route"))
        await beats(rig, ROUND - 1, "poll", "read", "work")
        assert rig.engine.stuck(HOUR) == ""
        await beats(rig, 2, "poll", "read", "work")
        assert rig.engine.stuck(HOUR).startswith("a round of route has not ended for 121 s: ")
        assert "never (test_stuck.py:" in rig.engine.stuck(HOUR)
        task.cancel()
        await asyncio.wait([task])
        assert rig.engine.stuck(HOUR) == ""


@pytest.mark.guarantee(5)
@played
async def test_a_plug_in_that_hangs_in_flight_is_seen_and_named() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.plug("central", parse=never)
        rig.publish(1)
        rig.engine.poller.hurry("central")
        await rig.engine.tick("poll")
        await asyncio.sleep(0)
        await beats(rig, HOUR - 1, "poll", "work")
        assert rig.engine.stuck(HOUR) == ""
        await beats(rig, 2, "poll", "work")
        assert rig.engine.stuck(HOUR).startswith("poll of central has not ended for 3601 s: ")
        assert "never (test_stuck.py:" in rig.engine.stuck(HOUR)
        told = await rig.desk.status()
        assert told["healthy"]  # stuck_after is 2 h
        await beats(rig, HOUR, "poll", "work")
        told = await rig.desk.status()
        assert not told["healthy"]
        assert [p["reason"] for p in told["problems"]] == ["engine_stuck"]


@pytest.mark.guarantee(5)
@played
async def test_without_any_round_it_is_stuck_soon() -> None:
    async with Rig() as rig:
        await rig.engine.tick("work")
        rig.clock.advance(STALL - 1)
        assert rig.engine.stuck(HOUR) == ""
        rig.clock.advance(1)
        assert rig.engine.stuck(HOUR) == "no stage has done a round for 30 s"


@pytest.mark.guarantee(5)
@played
async def test_a_reload_that_does_not_come_to_an_end_is_seen() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.engine.drain = never  # type: ignore[method-assign]
        task = await left(rig.engine.swap(rig.engine.deps))
        await beats(rig, ROUND + 1, "poll", "work")
        assert rig.engine.stuck(HOUR).startswith("a round of reload has not ended for 121 s")
        task.cancel()
        del rig.engine.drain
        await asyncio.wait([task])


class Heard:
    """systemd's end of the notify socket."""

    def __init__(self, folder: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.socket.setblocking(False)
        self.environ = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "120000000"}

    def all(self) -> list[str]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


def under_systemd(test: Callable[[Rig, Daemon, Heard], Awaitable[None]]) -> Callable[[Path], None]:
    @played
    async def run(tmp_path: Path) -> None:
        async with Rig() as rig:
            await rig.engine.tick("work")
            heard = Heard(tmp_path)
            made = Daemon(Path("config.toml"), rig.config, rig.ground, rig.engine, Notifier(heard.environ))
            await test(rig, made, heard)
            heard.socket.close()

    run.__name__ = test.__name__
    return run


@pytest.mark.guarantee(5)
def test_the_watchdog_is_fed_while_the_engine_moves_and_only_then(tmp_path: Path) -> None:
    @under_systemd
    async def story(rig: Rig, made: Daemon, heard: Heard) -> None:
        await made.feed()
        assert heard.all() == ["WATCHDOG=1"]
        rig.clock.advance(STALL)
        for _ in range(3):
            await made.feed()
        stuck = "no stage has done a round for 30 s"
        assert heard.all() == [f"STATUS=stuck: {stuck}"] * 3
        assert [line["text"] for line in rig.log.events("engine_stuck")] == [stuck]  # told once
        assert b'syncd_failures_total{reason="stuck",stage="engine"} 1.0' in rig.metrics.render()
        await rig.engine.tick("work")
        await made.feed()
        assert heard.all() == ["WATCHDOG=1"]

    story(tmp_path)


@pytest.mark.guarantee(5)
def test_a_reload_is_over_for_systemd_also_while_the_state_cannot_be_read(tmp_path: Path) -> None:
    @under_systemd
    async def story(rig: Rig, made: Daemon, heard: Heard) -> None:
        await rig.disk.real.aclose()
        await made.reload()
        told = heard.all()
        assert told[0].startswith("RELOADING=1\nMONOTONIC_USEC=")
        assert told[-1] == "READY=1\nSTATUS=the state can't be read: closed"

    story(tmp_path)
