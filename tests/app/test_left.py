"""What an orderly end leaves for `status` is what opening the state would say, or it does not hold."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.app import doors, idle, left, open_desk
from syncd.app.clock import iso, now
from syncd.app.daemon import Daemon, opened
from syncd.app.idle import reckoned
from syncd.cli.doors import RealDoors
from syncd.config import load
from syncd.engine.engine import Engine
from syncd.store.lock import StateLock
from tests.engine.rig import Rig, played, route, site, source, text_reply

CONFIG = '[syncd]\nstate_dir = "state"\nlisten = ""\n' + source() + site() + route()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Of an idle state that was opened once."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG, "utf-8")
    asyncio.run(ask(path))
    return path


async def ask(config: Path) -> dict[str, Any]:
    async with open_desk(config) as desk:
        return await desk.status()


def state_of(config: Path) -> Path:
    return config.parent / "state"


def timeless(facts: dict[str, Any]) -> dict[str, Any]:
    """Without the moment of asking, which is that of each answer."""
    moments = {"now", "started", "as_of"}
    return {k: v for k, v in facts.items() if k not in moments} | {"config": facts["config"] | {"loaded": ""}}


# ------------------------------------------------------------------ the same as opening it


def test_what_is_left_is_what_opening_the_state_says(config: Path) -> None:
    told = doors.left(config)
    assert told is not None
    assert timeless(told) == timeless(asyncio.run(ask(config)))
    assert told["as_of"] < told["now"] == told["started"] == told["config"]["loaded"]
    assert (state_of(config) / left.FILE).stat().st_mode & 0o777 == 0o600


@played
async def test_as_time_goes_by_it_is_the_same_or_does_not_hold() -> None:
    """Over a visible, a waiting and a held document, a failing source, a stopped site and a limit that runs out."""
    names = ("central", "second", "third", "never")
    town = route("town").replace("authority = \"county head's order no. 3\"", 'approve = "review"')
    text = "".join(source(name) for name in names) + site() + site("town") + route() + town
    async with Rig(text) as rig:
        rig.servers["never"].say(text_reply(500))
        await rig.begin(name="central")
        rig.servers["second"].say(text_reply(500))
        rig.publish(1)
        await rig.after(3600)
        rig.servers["county"].say(text_reply(401))
        rig.publish(2)
        for id in range(30, 60):
            rig.publish(id, name="third", hours=1)
        await rig.after(1800)
        await rig.engine.poller.flush()
        state = Path(rig._folder.name)
        (state / left.DATABASE).write_bytes(b"")
        left.leave(state, await reckoned(rig.config, rig.ground, "proof"))
        held, turned = await sweep(rig, state)
        assert held > 3
        assert turned > 3
        needs = {(row["kind"], row["reason"]) for row in (await rig.desk.status())["attention"]}
        assert needs >= {("repost", "limit_passed"), ("approval", "waiting_for_approval"), ("source", "http_500")}


async def sweep(rig: Rig, state: Path) -> tuple[int, int]:
    """Compare with an opening at many moments, leaving it anew where it did not hold: how often it did and didn't."""
    held = turned = 0
    for _ in range(70):
        rig.clock.advance(617)
        await rig.start()
        facts, told = await rig.desk.status(), left.found(state, "proof", rig.clock.now())
        if told is None:
            turned += 1
            left.leave(state, await reckoned(rig.config, rig.ground, "proof"))
        else:
            held += 1
            told.pop("as_of")
            assert told == json.loads(json.dumps(facts))
    return held, turned


@played
async def test_the_memory_of_a_process_is_no_part_of_it() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.desk.rejected = "line 3"
        next(iter(rig.engine.deps.sites.values())).gate.refused("login", "renew it")
        assert (await rig.desk.status())["problems"]
        told = (await reckoned(rig.config, rig.ground, "proof")).facts
        assert (told["problems"], told["config"]["rejected"], told["sites"][0]["state"]) == ([], "", "ok")


# ------------------------------------------------------------------ when it does not hold


def test_it_takes_no_lock_and_writes_nothing(config: Path) -> None:
    (state_of(config) / "syncd.lock").unlink()
    before = sorted(state_of(config).iterdir())
    assert doors.left(config)
    assert sorted(state_of(config).iterdir()) == before
    with StateLock(state_of(config)):
        assert doors.left(config)


def _write(config: Path) -> None:
    with sqlite3.connect(state_of(config) / left.DATABASE) as raw:
        raw.execute("UPDATE settings SET value = value + 1 WHERE name = 'store.generation'")
    raw.close()


def _restore(config: Path) -> None:
    database = state_of(config) / left.DATABASE
    shutil.copy2(database, config.parent / "backup")
    shutil.copy2(config.parent / "backup", database)


def _move(config: Path) -> None:
    """The same bytes, size and time, as another file."""
    database = state_of(config) / left.DATABASE
    shutil.copy2(database, config.parent / "backup")
    os.replace(config.parent / "backup", database)


def _upgrade(config: Path) -> None:
    RealDoors().upgrade(config)


def _edit(config: Path) -> None:
    config.write_text(CONFIG + "# a word\n", "utf-8")


def _break(config: Path) -> None:
    config.write_text(CONFIG + "[", "utf-8")


@pytest.mark.parametrize("change", [_write, _restore, _move, _upgrade, _edit, _break])
def test_it_does_not_hold_after_any_change_of_the_state_or_the_config(
    config: Path, change: Callable[[Path], None]
) -> None:
    assert doors.left(config)
    change(config)
    assert doors.left(config) is None


def test_it_does_not_hold_for_another_version_or_another_set_of_packages(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(left, "__version__", "0.2.0")
        assert doors.left(config) is None
    folder = config.parent / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    assert doors.left(config) is None
    asyncio.run(ask(config))
    assert doors.left(config)
    (folder / "syncd_drupal-1.dist-info").mkdir()
    assert doors.left(config) is None


def test_a_copied_folder_is_another_state(config: Path) -> None:
    shutil.copytree(config.parent, config.parent / "copy")
    assert doors.left(config.parent / "copy" / "config.toml") is None


def test_a_clock_that_was_turned_back_and_a_moment_that_has_come_end_it(config: Path) -> None:
    state, moment = state_of(config), now()
    kept = left.Left(**json.loads((state / left.FILE).read_bytes()))
    assert left.found(state, kept.proof, datetime.fromisoformat(kept.at) - timedelta(seconds=1)) is None
    left.leave(state, replace(kept, until=iso(moment) or ""))
    assert left.found(state, kept.proof, moment - timedelta(microseconds=1)) is not None
    assert left.found(state, kept.proof, moment) is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"facts": 1, "at": 2}', None]
)
def test_a_damaged_file_is_as_if_there_was_none(config: Path, data: bytes | None) -> None:
    file = state_of(config) / left.FILE
    whole = json.loads(file.read_bytes())
    for spoilt in ([data] if data is not None else [json.dumps(whole | {name: 7}).encode() for name in whole]):
        file.write_bytes(spoilt)
        assert doors.left(config) is None
    asyncio.run(ask(config))
    assert doors.left(config)


# ------------------------------------------------------------------ when it is left


def test_nothing_is_left_while_the_state_is_open_nor_after_a_crash(config: Path) -> None:
    async def crash() -> None:
        async with opened(load(config)):
            assert not (state_of(config) / left.FILE).exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(crash())
    assert doors.left(config) is None


def test_what_is_written_after_the_reckoning_leaves_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Engine.start

    async def start_late(engine: Engine) -> None:
        await real(engine)
        await engine.deps.store.put("late", "1")

    monkeypatch.setattr(Engine, "start", start_late)  # the second engine's is that of the reckoning
    asyncio.run(ask(config))
    assert doors.left(config) is None


def test_a_reloaded_daemon_leaves_nothing_and_the_next_opening_does(config: Path) -> None:
    async def reload() -> None:
        async with opened(load(config)) as (ground, engine):
            _edit(config)
            daemon = Daemon(config, load(config), ground, engine)
            await daemon.reload()
            assert daemon.desk.rejected == ""

    asyncio.run(reload())
    assert not (state_of(config) / left.FILE).exists()
    asyncio.run(ask(config))
    assert doors.left(config)


def test_a_database_that_lies_elsewhere_has_nothing_left(config: Path) -> None:
    config.write_text(CONFIG.replace("listen", f'database = "sqlite:///{config.parent}/x.sqlite3"\nlisten'), "utf-8")
    asyncio.run(ask(config))
    assert not (state_of(config) / left.FILE).exists()


def test_a_disk_that_takes_nothing_more_does_not_make_the_command_fail(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **named: object) -> None:
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patched:
        patched.setattr(left.json, "dump", full)
        assert asyncio.run(ask(config))["version"]
    assert not list(state_of(config).glob(f"{left.FILE}*"))
    with monkeypatch.context() as patched:
        patched.setattr(left.os, "fdopen", full)
        assert asyncio.run(ask(config))["version"]
    assert not list(state_of(config).glob(f"{left.FILE}*"))


def test_a_disk_that_became_read_only_does_not_make_the_command_fail(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state_of(config) / f"{left.FILE}.part").mkdir()
    assert asyncio.run(ask(config))["version"]
    assert doors.left(config) is None


def test_a_fault_in_the_reckoning_does_not_make_the_command_fail(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def faulty(*args: object) -> None:
        raise ValueError("a plug-in's bug")

    monkeypatch.setattr(idle, "reckoned", faulty)
    assert asyncio.run(ask(config))["version"]
    assert doors.left(config) is None


def test_the_reckoning_has_its_time_and_no_more(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def endless(*args: object) -> None:
        await asyncio.sleep(3600)

    monkeypatch.setattr(idle, "LONGEST", 0.01)
    monkeypatch.setattr(idle, "reckoned", endless)
    assert asyncio.run(ask(config))["version"]
    assert doors.left(config) is None


def test_status_of_an_idle_state_loads_nothing_heavy(config: Path) -> None:
    heavy = {"asyncio", "sqlalchemy", "httpx", "aiohttp", "structlog", "prometheus_client", "lxml"}
    code = (
        f"import sys; from syncd.cli import main; code = main(['status', '--config', {str(config)!r}]); "
        f"bad = {{m.split('.')[0] for m in sys.modules}} & {heavy} | {{'syncd.config'}} & set(sys.modules); "
        "sys.exit(f'imported {bad}' if bad else code)"
    )
    env = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False, env=env)
    assert done.returncode == 0, done.stderr
    assert "nothing has changed since" in done.stdout
