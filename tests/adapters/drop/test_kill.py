"""Cut off at every single call: one package in the end, never half of one to be seen, and no doubt about what was done."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from syncd.adapters.drop.adapter import DropAdapter
from syncd.errors import AdapterError, Conflict, NotApplied, Unknown
from syncd.model import RemoteRef, RemoteState
from tests.adapters.drop.importer import Importer
from tests.adapters.drop.kit import POST, Box, directory, drop, played, sftp_server

PUBLIC = RemoteState.PUBLIC
CORRECTED = replace(POST, title="更正后的标题", revision=2)
Act = Callable[[DropAdapter, RemoteRef | None], Awaitable[Any]]


class Crash(BaseException):
    """The process ends here."""


async def create(adapter: DropAdapter, ref: RemoteRef | None) -> Any:
    return await drop(adapter)


async def update(adapter: DropAdapter, ref: RemoteRef | None) -> Any:
    assert ref is not None
    return await adapter.update(ref, CORRECTED, PUBLIC, None)


async def withdraw(adapter: DropAdapter, ref: RemoteRef | None) -> Any:
    assert ref is not None
    return await adapter.withdraw(ref, "unpublish")


ACTS = pytest.mark.parametrize(("act", "action"), [(create, "create"), (update, "update"), (withdraw, "withdraw")])
LAYOUT = pytest.mark.parametrize("options", [{}, {"layout": "zip", "flag": ".ok"}], ids=["folder", "zip+flag"])


SWEEPS = [  # a quarter of a minute each: most of them run with the servers
    pytest.param(act, action, side, options, id=f"{side}-{action}-{name}",
                 marks=[] if (action, side, name) in (("create", "after", "folder"), ("withdraw", "before", "zip"))
                 else pytest.mark.servers)
    for side in ("before", "after")
    for act, action in ((create, "create"), (update, "update"), (withdraw, "withdraw"))
    for name, options in (("folder", {}), ("zip", {"layout": "zip", "flag": ".ok"}))
]


async def settled(adapter: DropAdapter, act: Act, ref: RemoteRef | None, version: str) -> None:
    """What the engine does after a call that failed: look, and call again unless it is there."""
    found = await adapter.find(POST.key)
    if (found.version if found else "0") == version:
        await act(adapter, ref)
    after = await adapter.find(POST.key)
    assert after is not None
    assert int(after.version) > int(version)


async def begun(adapter: DropAdapter, act: Act, importer: Importer) -> tuple[RemoteRef | None, str]:
    """The document is published already, unless it is to be created."""
    if act is create:
        return None, "0"
    ref = await drop(adapter)
    importer.run()
    return (await adapter.standing(ref)).ref, ref.version


def proved(importer: Importer, action: str) -> None:
    """Exactly one package of the action was seen by the importer."""
    importer.run()
    assert [told for _, _, told in importer.taken].count(action) == 1, importer.taken
    page = importer.pages[POST.key]
    assert page.state == ("withdrawn" if action == "withdraw" else "public")
    assert page.title == (CORRECTED.title if action == "update" else POST.title)


@pytest.mark.parametrize(("act", "action", "side", "options"), SWEEPS)
@played
async def test_a_connection_that_ends_at_any_call(act: Act, action: str, side: str, options: dict[str, Any]) -> None:
    calls, doubts = await swept(act, action, side, options, first=None)
    for number in range(1, calls + 1):
        _, doubt = await swept(act, action, side, options, first=number)
        doubts += doubt
    assert doubts >= 1, "the answer of the one rename that counts was lost, and nobody was in doubt"


async def swept(act: Act, action: str, side: str, options: dict[str, Any], *, first: int | None) -> tuple[int, int]:
    """Cut at that call; how many calls the act took, and whether it left a doubt."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        importer, doubt = Importer(root, flag=options.get("flag", "")), 0
        async with sftp_server(root) as box:
            adapter = box.adapter(**options)
            ref, version = await begun(adapter, act, importer)
            box.calls.clear()
            box.strikes = lambda call, number: side if number == first else looked(box, importer)
            error = await failure(act(adapter, ref))
            assert error is None or first is not None
            assert error is None or isinstance(error, NotApplied | Unknown), error
            if isinstance(error, NotApplied):
                assert not list(importer.packages.glob("*")), f"{error} though it is there"
            doubt = isinstance(error, Unknown)
            calls = len(box.calls)
            box.strikes = lambda call, number: looked(box, importer)
            again = box.adapter(**options)
            await settled(again, act, ref, version)
            proved(importer, action)
            await adapter.aclose()
            await again.aclose()
        return calls, doubt


async def failure(call: Awaitable[Any]) -> AdapterError | None:
    try:
        await call
    except AdapterError as error:
        return error
    return None


def looked(box: Box, importer: Importer) -> str:
    importer.look()
    return ""


@LAYOUT
@ACTS
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_process_that_dies_at_any_call(
    act: Act, action: str, side: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 0
    while died(act, action, side, options, number + 1, monkeypatch):
        number += 1
    assert number >= 10, "the sweep has not reached the calls"


@played
async def lives(root: Path, act: Act, action: str, options: dict[str, Any], arm: Callable[[bool], None]) -> None:
    importer = Importer(root, flag=options.get("flag", ""))
    adapter = directory(root, **options)
    ref, version = await begun(adapter, act, importer)
    arm(True)
    try:
        await act(adapter, ref)
    except Crash:
        importer.look()
    arm(False)
    again = directory(root, **options)
    await settled(again, act, ref, version)
    proved(importer, action)


def died(
    act: Act, action: str, side: str, options: dict[str, Any], number: int, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Whether the act has so many calls that it died at this one."""
    seen, armed, struck = [0], [False], [False]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def made(*args: Any, **named: Any) -> Any:
            if not armed[0]:
                return call(*args, **named)
            seen[0] += 1
            struck[0] = struck[0] or seen[0] == number
            if seen[0] == number and side == "before":
                raise Crash
            result = call(*args, **named)
            if seen[0] == number:
                raise Crash
            return result

        return made

    with monkeypatch.context() as patched, TemporaryDirectory() as folder:
        for name in ("link", "rename", "fsync", "mkdir", "unlink", "listdir"):
            patched.setattr(os, name, dying(getattr(os, name)))
        lives(Path(folder), act, action, options, lambda on: armed.__setitem__(0, on))
        return struck[0]


@played
async def test_a_writer_that_was_overtaken_between_claim_and_move_drops_nothing(tmp_path: Path) -> None:
    slow, quick = directory(tmp_path), directory(tmp_path)
    hand_over = slow._records.hand_over

    async def late(name: str, record: Any) -> bool:
        await drop(quick)
        return await hand_over(name, record)

    slow._records.hand_over = late  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        await drop(slow)
    assert [path.name for path in (tmp_path / "packages").iterdir()] == [f"{POST.key}-000002"]
