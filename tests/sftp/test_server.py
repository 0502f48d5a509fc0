"""The drop on a real OpenSSH server, by an account that is shut in and may write two folders only."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from syncd.adapters.drop.sftp import SftpAdapter
from syncd.errors import AuthFailed, Conflict, NotApplied
from syncd.model import RemoteRef, RemoteState, Wrote
from tests.adapters.drop.importer import Importer
from tests.adapters.drop.kit import POST, Watch, drop, played, site, tools
from tests.sftp import server
from tests.sftp.server import Server

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("sftp")]
PUBLIC = RemoteState.PUBLIC


@pytest.fixture
def sshd() -> Iterator[Server]:
    if server.missing():
        pytest.skip(f"SFTP: {server.missing()}")
    with server.running() as running:
        yield running


def adapter(sshd: Server, watch: Watch | None = None, **options: object) -> SftpAdapter:
    return SftpAdapter(site(**sshd.options(**options)), tools(watch))


def needs_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can shut an account in")


@pytest.mark.parametrize("options", [{}, {"layout": "zip", "flag": ".ok", "format": "xml", "charset": "gb18030"}], ids=str)
@played
async def test_document_correction_and_withdrawal(sshd: Server, options: dict[str, str]) -> None:
    drops, importer = adapter(sshd, **options), Importer(sshd.root, flag=options.get("flag", ""))
    report = await drops.check()
    assert report.ok, report
    ref = await drop(drops)
    assert ref.state is RemoteState.PENDING
    importer.look()
    importer.run()
    ref = (await drops.standing(ref)).ref
    assert (ref.state, ref.url) == (PUBLIC, "https://www.county.example/p/1.html")
    done = await drops.update(ref, replace(POST, title="更正", revision=2), PUBLIC, ref.version)
    importer.run()
    assert (done.outcome, importer.pages[POST.key].title) == (Wrote.UPDATED, "更正")
    gone = await drops.withdraw(done.ref, "unpublish", done.ref.version)
    importer.run()
    assert importer.pages[POST.key].state == "withdrawn"
    assert not (await drops.standing(gone.ref)).waits
    assert [action for _, _, action in importer.taken] == ["create", "update", "withdraw"]
    await drops.aclose()


@played
async def test_four_creates_at_once_by_four_connections_drop_one_package(sshd: Server) -> None:
    writers = [adapter(sshd) for _ in range(4)]
    done = await asyncio.gather(*(drop(each) for each in writers), return_exceptions=True)
    good = [each for each in done if isinstance(each, RemoteRef)]
    assert len(good) == 1, done
    assert all(isinstance(each, Conflict) for each in done if each is not good[0]), done
    assert len(list((sshd.root / "packages").iterdir())) == 1
    for each in writers:
        await each.aclose()


@played
async def test_a_killed_server_leaves_nothing_half_done_and_the_next_one_goes_on(sshd: Server) -> None:
    drops = adapter(sshd, timeout=3.0)
    ref = await drop(drops)
    sshd.process.kill()
    sshd.process.wait()
    await drops.aclose()
    for _ in range(2):
        with pytest.raises(NotApplied) as failed:
            await drops.find(POST.key)
        assert failed.value.reason in ("unreachable", "connection_lost")
    assert ref.version == "1"


@played
async def test_another_host_key_and_a_wrong_key_are_refused_in_plain_words(sshd: Server, tmp_path: Path) -> None:
    unpinned = await adapter(sshd, host_key="").check()
    assert [sshd.host_key in item.hint for item in unpinned.items] == [True]
    with pytest.raises(AuthFailed) as other:
        await adapter(sshd, host_key="SHA256:" + "0" * 43).find("x")
    assert other.value.reason == "host_key_changed"
    with pytest.raises(AuthFailed) as refused:
        await adapter(sshd, user="stranger").find("x")
    assert refused.value.reason == "login_refused"


@played
async def test_a_folder_that_may_not_be_written_stops_the_site(sshd: Server) -> None:
    needs_root()
    with pytest.raises(AuthFailed) as refused:
        await drop(adapter(sshd, packages="ack"))
    assert refused.value.reason == "no_right"
    with pytest.raises(AuthFailed):
        await drop(adapter(sshd, records="new"))
    assert list((sshd.root / "ack").iterdir()) == []


@played
async def test_the_account_sees_nothing_but_the_drop(sshd: Server) -> None:
    needs_root()
    drops = adapter(sshd)
    assert await drops._folder.names("..") == {"packages", "records", "ack"}
    assert await drops._folder.read("../etc/passwd") is None
    await drops.aclose()
