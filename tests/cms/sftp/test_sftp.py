"""The contract over a real OpenSSH server, and what a package costs beside the bare calls that put its files there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import pytest

from syncd.adapters.api import Tools
from syncd.adapters.drop.adapter import DropAdapter
from syncd.adapters.drop.options import SftpOptions
from syncd.adapters.drop.sftp import SftpAdapter, SftpFolder
from syncd.model import RemoteState
from syncd.testing.adapter_contract import Shelf
from tests.adapters.drop.importer import Importer
from tests.adapters.drop.kit import POST, site, tools
from tests.adapters.drop.test_contract import OnDrop
from tests.cms.contract import ROUNDS
from tests.cms.subject import Subject, measured
from tests.cms.table import MORE_CPU
from tests.sftp import server

pytestmark = [pytest.mark.cms, pytest.mark.servers, pytest.mark.xdist_group("sftp")]
SUBJECT = Subject("sftp", server.version() or "OpenSSH", "SFTP")


@pytest.mark.skipif(bool(server.missing()), reason=f"SFTP: {server.missing()}")
class TestOpenSSH(OnDrop):
    """One server for all cases: each has keys of its own."""

    subject = SUBJECT
    options: ClassVar = {"url": "/p/{key}.html"}
    stack: ClassVar[ExitStack]
    running: ClassVar[server.Server]

    @classmethod
    def setup_class(cls) -> None:
        cls.stack = ExitStack()
        cls.running = cls.stack.enter_context(server.running())

    @classmethod
    def teardown_class(cls) -> None:
        cls.stack.close()

    def setup_method(self) -> None:
        self.root = self.running.root
        self.importer = Importer(self.root, by_key=True)

    def teardown_method(self) -> None:
        for folder in ("packages", "done"):
            for each in (self.root / folder).glob("*"):
                shutil.rmtree(each)

    def make_adapter(self, tools: Tools, **more: Any) -> SftpAdapter:
        return SftpAdapter(self.site(**self.running.options(**more)), tools)

    def make_stranger(self, tools: Tools) -> SftpAdapter:
        return self.make_adapter(tools, user="stranger")


def test_what_a_package_costs(record_property: Callable[[str, object], None]) -> None:
    """Beside the bare calls for its files (make a folder, put two files, rename it), and its CPU beside all the calls that
    the adapter makes, made bare."""
    if server.missing():
        pytest.skip(f"SFTP: {server.missing()}")
    record_property("cms", SUBJECT.mark)
    with server.running() as running, tempfile.TemporaryDirectory() as folder:
        cost = asyncio.run(_cost(running, Path(folder)))
    record_property("cost", json.dumps(asdict(cost)))
    assert cost.more_cpu < MORE_CPU, f"{cost.cpu * 1000:.1f} ms CPU a package, {cost.calls_cpu * 1000:.1f} ms bare"


class Taped:
    """A folder that keeps the calls of the last package, to be made again bare."""

    def __init__(self, folder: SftpFolder) -> None:
        self._folder = folder
        self.calls: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._folder, name)
        if name not in REPEATED:
            return real

        async def called(*args: Any, **named: Any) -> Any:
            self.calls.append((name, args))
            return await real(*args, **named)

        return called


async def _cost(running: server.Server, folder: Path) -> Any:
    key = folder / "key"
    key.write_text(running.key)
    key.chmod(0o600)
    options = SftpOptions.model_validate(running.options(url="/p/{key}.html"))
    taped = Taped(SftpFolder(options))
    adapter = DropAdapter(site(**running.options(url="/p/{key}.html")), replace(tools(), blobs=Shelf()), options, taped)
    async with asyncssh.connect("127.0.0.1", running.port, username=running.user, client_keys=[str(key)],
                                known_hosts=None, config=None) as connection:
        sftp = await connection.start_sftp_client()
        root = running.folder.rstrip("/")
        _ready(running.root)

        async def create(n: int) -> None:
            taped.calls.clear()
            await adapter.create(replace(POST, key=f"key-{n}", media=()), RemoteState.PUBLIC)

        async def bare(n: int) -> None:
            await _put(sftp, root, f"bare-{n}")

        async def calls(n: int) -> None:
            for name, args in taped.calls:
                await REPEATED[name](sftp, f"{root}/calls", *args)

        cost = await measured(
            adapter.capabilities.guarantee, create, bare, calls, rounds=ROUNDS, servers=lambda: [running.process.pid])
    await adapter.aclose()
    return cost


def _ready(root: Path) -> None:
    """A second drop beside the first, as the account finds that one."""
    folders = [each for each in root.iterdir() if each.is_dir()]
    for each in folders:
        target = root / "calls" / each.name
        target.mkdir(parents=True)
        shutil.copystat(each, target)
        os.chown(target, each.stat().st_uid, each.stat().st_gid)


async def _put(sftp: asyncssh.SFTPClient, root: str, name: str) -> None:
    await sftp.mkdir(f"{root}/records/{name}")
    for file, data in (("document.json", POST.html.encode()), ("manifest.json", b"{}" * 200)):
        await _write(sftp, root, f"records/{name}/{file}", data)
    await sftp.posix_rename(f"{root}/records/{name}", f"{root}/packages/{name}")


async def _names(sftp: asyncssh.SFTPClient, root: str, path: str) -> None:
    with contextlib.suppress(asyncssh.SFTPNoSuchFile):
        await sftp.listdir(f"{root}/{path}")


async def _read(sftp: asyncssh.SFTPClient, root: str, path: str) -> None:
    with contextlib.suppress(asyncssh.SFTPNoSuchFile):
        async with sftp.open(f"{root}/{path}", "rb") as handle:
            await handle.read()


async def _make(sftp: asyncssh.SFTPClient, root: str, path: str) -> None:
    try:
        await sftp.mkdir(f"{root}/{path}")
    except asyncssh.SFTPNoSuchFile:
        await _make(sftp, root, path.rpartition("/")[0])
        await _make(sftp, root, path)
    except asyncssh.SFTPError:
        assert await sftp.isdir(f"{root}/{path}")


async def _write(sftp: asyncssh.SFTPClient, root: str, path: str, data: bytes) -> None:
    async with sftp.open(f"{root}/{path}", "wb") as handle:
        await handle.write(data)
        await handle.fsync()


async def _claim(sftp: asyncssh.SFTPClient, root: str, path: str, data: bytes) -> None:
    await _write(sftp, root, f"{path}.part", data)
    await sftp.rename(f"{root}/{path}.part", f"{root}/{path}")


async def _move(sftp: asyncssh.SFTPClient, root: str, old: str, new: str) -> None:
    assert await sftp.exists(f"{root}/{old}")
    assert not await sftp.exists(f"{root}/{new}")
    await sftp.posix_rename(f"{root}/{old}", f"{root}/{new}")


async def _remove(sftp: asyncssh.SFTPClient, root: str, path: str) -> None:
    with contextlib.suppress(asyncssh.SFTPNoSuchFile):
        if await sftp.isdir(f"{root}/{path}"):
            await sftp.rmtree(f"{root}/{path}")
        else:
            await sftp.remove(f"{root}/{path}")


REPEATED: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
    "names": _names, "read": _read, "make": _make, "write": _write, "claim": _claim, "move": _move, "remove": _remove,
}
"""Each call of a folder, as a script makes it with the same library."""
