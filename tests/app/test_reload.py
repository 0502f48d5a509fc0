"""A new configuration is taken up whole, one at a time, or the old one goes on as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from syncd.app import daemon as process
from syncd.app.daemon import Daemon, opened
from syncd.config import load
from syncd.errors import ConfigError, StoreError, SyncdError
from tests.engine.rig import Rig, played, route, site, source


class Closed:
    """Which adapters were closed, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def watch(self, deps: Any, name: str, *, fails: bool = False) -> None:
        for unit in deps.sites.values():
            unit.adapter.aclose = self._closing(name, fails)  # type: ignore[method-assign]

    def _closing(self, name: str, fails: bool) -> Any:
        async def close() -> None:
            self.names.append(name)
            if fails:
                raise ValueError("a bug")

        return close


def daemon(rig: Rig) -> Daemon:
    return Daemon(Path(rig._folder.name) / "config.toml", rig.config, rig.ground, rig.engine)


def rewrite(made: Daemon, old: str, new: str) -> None:
    made.path.write_text(made.path.read_text("utf-8").replace(old, new), "utf-8")


@pytest.mark.guarantee(5)
@played
async def test_a_swap_that_fails_goes_back_to_the_old_configuration_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "RESTORE", 0.01)
    async with Rig() as rig:
        await rig.begin()
        made, closed, old = daemon(rig), Closed(), rig.engine.deps
        closed.watch(old, "old")
        rewrite(made, "要闻", "公告")
        real, failures = rig.engine.start, [2]

        async def start() -> None:
            if failures[0]:
                failures[0] -= 1
                raise StoreError("disk_full", "no room", hint="make room")
            await real()

        rig.engine.start = start  # type: ignore[method-assign]
        await made.reload()
        assert rig.engine.deps is old
        assert rig.engine.poller.rows
        assert "no room" in made.desk.rejected
        assert made.config is rig.config
        assert closed.names == []
        rig.publish(1)
        await rig.after(900)
        assert (await rig.one(1)).column == "要闻"


@pytest.mark.guarantee(5)
@played
async def test_a_bug_in_a_plug_in_at_a_reload_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Rig() as rig:
        await rig.begin()
        made, old = daemon(rig), rig.engine.deps
        monkeypatch.setattr(process, "build", lambda config, ground: 1 / 0)
        await made.reload()
        assert rig.engine.deps is old
        assert "log" in made.desk.rejected
        assert "ZeroDivisionError" not in made.desk.rejected
        assert rig.log.events("reload_bug")


@played
async def test_two_reloads_at_once_are_done_one_after_the_other() -> None:
    async with Rig() as rig:
        await rig.begin()
        made, closed, running = daemon(rig), Closed(), []
        closed.watch(rig.engine.deps, "first", fails=True)
        real = rig.engine.swap

        async def swap(deps: Any) -> None:
            assert not running
            running.append(deps)
            await asyncio.sleep(0.01)
            await real(deps)
            running.clear()
            closed.watch(deps, "later")

        rig.engine.swap = swap  # type: ignore[method-assign]
        rewrite(made, "要闻", "公告")
        await asyncio.gather(made.reload(), made.reload())
        assert closed.names == ["first", "later"]  # though closing the first one failed
        assert made.desk.rejected == ""
        assert made.config.routes[0].column == "公告"


@played
async def test_what_is_fixed_at_the_start_changes_only_with_a_restart() -> None:
    for line in ('hosts = ["status.county.example"]', 'database = "postgresql+psycopg://db.county.example/syncd"'):
        async with Rig() as rig:
            made = daemon(rig)
            rewrite(made, 'listen = ""', f'listen = ""\n{line}')
            await made.reload()
            assert "restart" in made.desk.rejected


def test_at_the_end_the_adapters_of_the_configuration_in_force_are_closed(tmp_path: Path) -> None:
    closed = Closed()
    (tmp_path / "config.toml").write_text('[syncd]\nlisten = ""\n' + source() + site() + route(), "utf-8")

    async def run() -> None:
        async with opened(load(tmp_path / "config.toml")) as (ground, engine):
            closed.watch(engine.deps, "first")
            made = Daemon(tmp_path / "config.toml", load(tmp_path / "config.toml"), ground, engine)
            await made.reload()
            assert made.desk.rejected == ""
            closed.watch(engine.deps, "last")

    asyncio.run(run())
    assert closed.names == ["first", "last"]


def test_a_state_directory_that_cannot_be_made_says_where_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[syncd]\nlisten = ""\nstate_dir = "/proc/state"\n', "utf-8")

    async def run() -> None:
        async with opened(load(tmp_path / "config.toml")):
            pass

    with pytest.raises(SyncdError) as told:
        asyncio.run(run())
    assert not isinstance(told.value, ConfigError)
    assert told.value.where.startswith("/proc/state")
    assert told.value.hint
