"""A share that is not mounted, and records that are not ours, are never taken for a drop in which nothing was handed over."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.adapters.drop.adapter import DirectoryAdapter
from syncd.adapters.drop.sftp import SftpAdapter
from syncd.errors import NotApplied
from syncd.model import RemoteRef, RemoteState
from tests.adapters.drop.kit import NAME, POST, drop, packages, played, sftp_server, site, tools
from tests.adapters.drop.test_engine import Ground, handed_over

PUBLIC = RemoteState.PUBLIC


def over(root: Path, kept: Path) -> DirectoryAdapter:
    return DirectoryAdapter(site(directory=root), replace(tools(), folder=kept))


async def missing(call: Awaitable[object]) -> NotApplied:
    with pytest.raises(NotApplied) as failed:
        await call
    assert failed.value.reason == "records_missing"
    return failed.value


async def told_of(adapter: DirectoryAdapter | SftpAdapter, ref: RemoteRef) -> None:
    for call in (adapter.find(POST.key), adapter.create(POST, PUBLIC), adapter.update(ref, POST, PUBLIC, None),
                 adapter.withdraw(ref, "unpublish"), adapter.standing(ref), adapter.read(ref)):
        assert "mount the share" in (await missing(call)).hint
    report = await adapter.check()
    assert not report.ok
    assert any("mount the share" in item.hint for item in report.items)


@pytest.mark.parametrize("left", ["nothing", "empty"])
@played
async def test_a_root_that_is_away_is_told_and_nothing_is_written_below_the_mount_point(left: str, tmp_path: Path) -> None:
    root, away = tmp_path / "drop", tmp_path / "away"
    adapter = over(root, tmp_path / "state")
    ref = await drop(adapter)
    root.rename(away)
    if left == "empty":
        root.mkdir()
    for each in (adapter, over(root, tmp_path / "state")):
        await told_of(each, ref)
    assert left == "nothing" or list(root.iterdir()) == []
    shutil.rmtree(root, ignore_errors=True)
    away.rename(root)
    assert (await adapter.check()).ok
    assert await adapter.find(POST.key) == ref
    assert len(packages(root)) == 1


@played
async def test_the_same_on_a_server(tmp_path: Path) -> None:
    async with sftp_server(tmp_path / "drop") as box:
        box.root.mkdir()
        adapter = SftpAdapter(site(**box.options()), replace(tools(), folder=tmp_path / "state"))
        ref = await drop(adapter)
        (box.root / "records").rename(tmp_path / "away")
        await told_of(adapter, ref)
        await adapter.aclose()


@played
async def test_records_of_another_drop_are_told(tmp_path: Path) -> None:
    ref = await drop(over(tmp_path / "one", tmp_path / "state"))
    await drop(over(tmp_path / "two", tmp_path / "other"), key="k-2")
    await told_of(over(tmp_path / "two", tmp_path / "state"), ref)


@played
async def test_a_new_state_takes_the_records_that_it_finds_and_check_writes_nothing(tmp_path: Path) -> None:
    root = tmp_path / "drop"
    first = over(root, tmp_path / "state")
    assert (await first.check()).ok
    assert list(tmp_path.iterdir()) == []
    ref = await drop(first)
    again = over(root, tmp_path / "new")
    assert await again.find(POST.key) == ref
    assert [doc.key async for doc in again.list("")] == [POST.key]
    await drop(again, key="k-2")
    root.rename(tmp_path / "away")
    await missing(again.find("k-2"))


@played
async def test_four_that_begin_at_once_agree_on_one_marker(tmp_path: Path) -> None:
    writers = [over(tmp_path / "drop", tmp_path / f"state-{n}") for n in range(4)]
    await asyncio.gather(*(drop(each, key=f"k-{n}") for n, each in enumerate(writers)))
    assert len({(tmp_path / f"state-{n}" / "county.drop").read_text() for n in range(4)}) == 1
    for each in writers:
        assert len([doc async for doc in each.list("")]) == 4


@played
async def test_the_record_of_one_package_alone_is_lost_and_its_recall_is_not_taken_for_done(tmp_path: Path) -> None:
    adapter = over(tmp_path / "drop", tmp_path / "state")
    ref = await drop(adapter)
    shutil.rmtree(tmp_path / "drop" / "records" / NAME)
    assert NAME in (await missing(adapter.withdraw(ref, "unpublish"))).hint


@pytest.mark.guarantee(4)
@played
async def test_a_recall_while_the_share_is_away_goes_out_when_it_is_back() -> None:
    async with Ground() as rig:
        await handed_over(rig)
        rig.importer.run()
        await rig.after(300)
        assert await rig.status_of(1) == "visible"
        away = rig.root.with_name("away")
        rig.root.rename(away)
        rig.recall(1)
        await rig.after(7200, step=300)
        assert (await rig.row(1))["status"] != "withdrawn"
        assert not rig.root.exists()
        away.rename(rig.root)
        await rig.after(7200, step=300)
        rig.importer.run()
        await rig.after(900, step=60)
        assert await rig.status_of(1) == "withdrawn"
        assert [action for _, _, action in rig.importer.taken] == ["create", "withdraw"]
        assert next(iter(rig.importer.pages.values())).state == "withdrawn"
