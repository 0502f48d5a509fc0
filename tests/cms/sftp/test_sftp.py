"""The contract over a real OpenSSH server, and what a package costs beside the bare calls that put its files there."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar

import asyncssh
import pytest

from syncd.adapters.api import Tools
from syncd.adapters.drop.sftp import SftpAdapter
from syncd.model import RemoteState
from syncd.testing.adapter_contract import Shelf
from tests.adapters.drop.importer import Importer
from tests.adapters.drop.kit import POST, site, tools
from tests.adapters.drop.test_contract import OnDrop
from tests.cms.subject import Subject, measured
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
    """Beside the bare calls for the same files: make a folder, put two files, rename it."""
    if server.missing():
        pytest.skip(f"SFTP: {server.missing()}")
    record_property("cms", SUBJECT.mark)
    with server.running() as running, tempfile.TemporaryDirectory() as folder:
        cost = asyncio.run(_cost(running, Path(folder)))
    record_property("cost", json.dumps(asdict(cost)))
    assert cost.median < 60 * cost.bare


async def _cost(running: server.Server, folder: Path) -> Any:
    key = folder / "key"
    key.write_text(running.key)
    key.chmod(0o600)
    adapter = SftpAdapter(site(**running.options()), replace(tools(), blobs=Shelf()))
    async with asyncssh.connect("127.0.0.1", running.port, username=running.user, client_keys=[str(key)],
                                known_hosts=None, config=None) as connection:
        sftp = await connection.start_sftp_client()

        async def create(n: int) -> None:
            await adapter.create(replace(POST, key=f"key-{n}", media=()), RemoteState.PUBLIC)

        async def bare(n: int) -> None:
            await _put(sftp, running.folder.rstrip("/"), f"bare-{n}")

        cost = await measured(adapter.capabilities.guarantee, create, bare, servers=lambda: [running.process.pid])
    await adapter.aclose()
    return cost


async def _put(sftp: asyncssh.SFTPClient, root: str, name: str) -> None:
    await sftp.mkdir(f"{root}/records/{name}")
    for file, data in (("document.json", POST.html.encode()), ("manifest.json", b"{}" * 200)):
        async with sftp.open(f"{root}/records/{name}/{file}", "wb") as handle:
            await handle.write(data)
            await handle.fsync()
    await sftp.posix_rename(f"{root}/records/{name}", f"{root}/packages/{name}")
