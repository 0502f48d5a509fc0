"""An adapter that does what none may harms its own site only: in the daemon's process, and in one of its own."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from syncd.adapters import api, registry
from syncd.adapters.wall import Apart, Wall, apart
from syncd.adapters.wall.answers import ANSWERS
from syncd.app.build import close
from syncd.errors import ConfigError
from tests.adapters.wall.rogue import RogueAdapter
from tests.engine.rig import Rig, played, route, site, source

WITHIN = 1.0
BUGS = [
    "KeyError", "SystemExit", "KeyboardInterrupt", "CancelledError", "GeneratorExit", "MemoryError", "StopAsyncIteration",
    "recurse", "no reason", "no seconds", "none", "number", "unpicklable", "no ref", "number as id", "StoreError", "ReadFailed",
    "ConfigError", "SyncdError",
]


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    load = registry.load
    monkeypatch.setattr(registry, "load", lambda kind: RogueAdapter if kind == "rogue" else load(kind))


def two(does: str, *, after: bool = False, verb: str = "create", more: str = "", within: float = WITHIN) -> str:
    """A site with a rogue adapter, and another that must not notice."""
    options = f'does = "{does}", after = {"true" if after else "false"}, verb = "{verb}"'
    rogue = site(options=options).replace('adapter = "fake"', f'adapter = "rogue"\ncall_within = "{within:g}s"\n{more}')
    return source() + rogue + site("town") + route() + route("town")


async def begun(rig: Rig) -> None:
    await rig.begin()
    rig.publish(1)


async def closed(rig: Rig) -> None:
    await close(rig.engine.deps)


def fault_lines(rig: Rig) -> list[str]:
    return [event for level, event, fields in rig.log.lines if event.startswith("adapter_") and level == "error"]


def test_every_call_of_the_contract_has_its_place_in_the_wall() -> None:
    protocols = (api.Adapter, api.Reads, api.Lists, api.Sweeps, api.Awaits)
    verbs = {name for each in protocols for name, value in vars(each).items() if callable(value) and not name.startswith("_")}
    assert verbs == set(ANSWERS)
    assert [verb for verb in verbs if not (hasattr(Wall, verb) and hasattr(Apart, verb))] == []


@pytest.mark.parametrize("does", BUGS)
@played
async def test_whatever_an_adapter_raises_or_returns_is_its_own_sites_trouble(does: str) -> None:
    async with Rig(two(does)) as rig:
        await begun(rig)
        await rig.rest()
        assert await rig.status_of(1, "town") == "visible"
        told = rig.log.events("adapter_bug")
        assert (told[0]["site"], told[0]["adapter"], told[0]["call"]) == ("county", "rogue", "create")
        assert "secret-in-the-message" not in told[0]["text"]
        row = await rig.site_row()
        assert (row["reason"], "rogue" in row["hint"]) == ("adapter_bug", True)
        assert (await rig.attention())["adapter_bug"]["title"] == "county"
        assert rig.counted("syncd_adapter_faults_total", site="county", reason="adapter_bug") >= 1
        assert (await rig.one(1, "county")).intent is not None  # unknown: it is looked for before anything is repeated


@pytest.mark.parametrize("does", ["SystemExit", "none", "hang", "StoreError"])
@played
async def test_what_it_had_posted_before_is_found_and_not_posted_again(does: str) -> None:
    async with Rig(two(does, after=True)) as rig:
        await begun(rig)
        await rig.rest()
        await rig.after(120, step=15)
        assert await rig.status_of(1, "county") == "visible"
        assert rig.creates() == 1


@pytest.mark.parametrize("does", ["hang", "cling"])
@played
async def test_a_call_that_hangs_is_given_up_and_its_site_left_alone(does: str) -> None:
    async with Rig(two(does)) as rig:
        await begun(rig)
        started = asyncio.get_running_loop().time()
        await rig.stage("poll", "read", "route", "approve")
        await rig.engine.tick("work")
        while await rig.status_of(1, "town") != "visible":
            await asyncio.sleep(0.01)
            await rig.engine.tick("work")
        assert asyncio.get_running_loop().time() - started < WITHIN  # the other site did not wait for it
        await rig.rest()
        row = await rig.site_row()
        assert (row["state"], row["reason"]) == ("paused", "adapter_hung")
        assert f"{does} (rogue.py:" in row["hint"]  # where it waits
        assert (await rig.one(1, "county")).intent is not None


@played
async def test_however_many_calls_of_a_site_hang_the_others_find_a_place() -> None:
    config = two("hang", within=120.0).replace('does = "hang"', 'max_concurrency = 64, does = "hang"')
    config = config.replace("few = 3", "few = 3, most_new = 500")
    async with Rig(config) as rig:
        await rig.begin()
        for id in range(1, 91):
            rig.publish(id)
        while len(await rig.all()) < 180:
            await rig.stage("poll", "read", "route", "approve")
        started = asyncio.get_running_loop().time()
        rig.engine.deps.sites["county"].gate._grown = 10**6  # it did well until now
        while len(rig.posts("town")) < 90:
            assert asyncio.get_running_loop().time() - started < 60
            await rig.engine.tick("work")
            await asyncio.sleep(0.01)
            rig.clock.advance(0.1)
        assert rig.engine.worker._in_flight["county"] >= 30
        await rig.engine.drain(0.1)


@played
async def test_a_look_up_that_hangs_leaves_the_row_as_it_was() -> None:
    async with Rig(two("hang", verb="find").replace('does = "hang"', 'unique = "none", does = "hang"')) as rig:
        await begun(rig)
        await rig.rest()
        repost = await rig.one(1, "county")
        assert (repost.intent, repost.reason) == (None, "adapter_hung")
        assert await rig.status_of(1, "town") == "visible"


@played
async def test_errors_of_an_adapters_own_are_what_they_derive_from() -> None:
    async with Rig(two("own error", more="isolate = true")) as rig:
        await begun(rig)
        await rig.rest()
        assert (await rig.one(1, "county")).reason == "conflict_locked"
        assert not fault_lines(rig)
        await closed(rig)


def test_an_adapter_that_can_not_be_made_is_a_mistake_of_the_config(tmp_path: Path) -> None:
    for more in ("", "isolate = true"):
        with pytest.raises(ConfigError) as told:
            asyncio.run(_start(two("nothing", verb="make", more=more)))
        (problem,) = told.value.problems
        assert "county" in problem
        assert "adapter 'rogue' can't be made: RuntimeError at __init__ (rogue.py:" in problem
        assert "secret" not in problem


def test_one_that_goes_on_chattering_has_not_started_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "START", 3.0)
    started = time.monotonic()
    with pytest.raises(ConfigError, match="did not start within 3 s"):
        asyncio.run(_start(two("chatter", verb="make", more="isolate = true")))
    assert time.monotonic() - started < 9


async def _start(config: str) -> None:
    async with Rig(config):
        raise AssertionError("it started")


# --- in a process of its own ---------------------------------------------------------------------------------------

DEADLY = {
    "sleep": "adapter_hung", "spin": "adapter_hung", "cling": "adapter_hung", "exit": "adapter_died",
    "segfault": "adapter_died", "hoard": "adapter_memory", "scribble": "adapter_died", "recurse": "adapter_bug",
    "SystemExit": "adapter_bug", "MemoryError": "adapter_memory", "unpicklable": "adapter_bug", "none": "adapter_bug",
    "StoreError": "adapter_bug", "nest": "adapter_died",
}
WORDS = {"exit": "exit status 7", "segfault": "SIGSEGV", "unpicklable": "returned Unfit", "recurse": "RecursionError"}


@pytest.mark.parametrize("does", DEADLY)
@played
async def test_in_a_process_of_its_own_even_what_blocks_leaks_or_dies_keeps_nobody_waiting(does: str) -> None:
    async with Rig(two(does, more="isolate = true\nmemory = 128")) as rig:
        await begun(rig)
        await rig.stage("poll", "read", "route", "approve")
        longest, last = 0.0, time.perf_counter()
        await rig.engine.tick("work")
        while await rig.status_of(1, "town") != "visible" or rig.engine.worker.pool._tasks:
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
            await rig.engine.tick("work")
        assert longest < WITHIN  # the loop never stood still
        reason = DEADLY[does]
        row = await rig.site_row()
        assert (row["reason"], WORDS.get(does, "") in row["hint"]) == (reason, True), row["hint"]
        assert (await rig.one(1, "county")).intent is not None
        assert await rig.status_of(1, "town") == "visible"
        await closed(rig)


@pytest.mark.parametrize("does", ["exit", "segfault", "hoard", "spin"])
@played
async def test_its_process_is_started_again_and_what_it_had_posted_is_found(does: str) -> None:
    async with Rig(two(does, after=True, more="isolate = true\nmemory = 128", within=10.0)) as rig:
        await begun(rig)
        await rig.rest()
        await rig.after(120, step=15)
        assert await rig.status_of(1, "county") == "visible"
        assert rig.creates() == 1
        assert rig.engine.deps.sites["county"].adapter.adapter.starts == 2  # type: ignore[attr-defined]
        await closed(rig)


@pytest.mark.parametrize("does", ["nothing", "print"])
@played
async def test_in_a_process_of_its_own_a_good_adapter_does_all_that_it_does_here(does: str) -> None:
    async with Rig(two(does, more="isolate = true")) as rig:
        await begun(rig)
        await rig.rest()
        assert await rig.status_of(1, "county") == "visible"
        rig.correct(1)
        await rig.after(600, step=300)
        assert "第2版" in rig.posts()[0].html
        assert not fault_lines(rig)
        adapter = rig.engine.deps.sites["county"].adapter
        assert (await adapter.check()).ok
        assert adapter.capabilities == RogueAdapter(_site_of(rig), None).capabilities  # type: ignore[arg-type]
        found = [doc.title async for doc in adapter.list("")]  # type: ignore[attr-defined]
        assert len(found) == len(rig.posts())
        await closed(rig)


@played
async def test_lines_for_the_log_of_calls_that_there_are_not_are_not_told_nor_counted() -> None:
    async with Rig(two("flood", more="isolate = true")) as rig:
        await begun(rig)
        await rig.rest()
        assert await rig.status_of(1, "county") == "visible"
        assert len(rig.log.events("flood")) == 2
        assert set(rig.engine.deps.sites["county"].adapter.adapter._process._lines) <= {0}  # type: ignore[attr-defined]
        await closed(rig)


def _site_of(rig: Rig):  # type: ignore[no-untyped-def]
    from syncd.adapters.api import SiteConfig
    from tests.adapters.wall.rogue import Options

    return SiteConfig("county", "http://county.example", options=Options(api_url="http://county.example", does="nothing"))
