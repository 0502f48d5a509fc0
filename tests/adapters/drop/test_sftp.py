"""SFTP by its failures: each is told as what it leaves open, in words that say what to do; no secret is among them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from pydantic import SecretStr

from syncd.adapters.drop.options import SftpOptions
from syncd.adapters.drop.sftp import SftpFolder
from syncd.errors import AdapterError, AuthFailed, NotApplied, Unknown
from syncd.model import RemoteState
from tests.adapters.drop.kit import POST, drop, packages, played, sftp_server


def at(name: str, error: Exception, path: str = "") -> Callable[[str, str], Exception | None]:
    """Every such call (on a path with this in it) is refused."""
    return lambda call, told: error if call == name and path in told else None


async def error_of(work: object) -> AdapterError:
    with pytest.raises(AdapterError) as failed:
        await work  # type: ignore[misc]
    return failed.value


@played
async def test_without_a_pinned_key_nothing_is_sent_and_check_tells_the_fingerprint(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter(host_key="")
        report = await adapter.check()
        assert not report.ok
        assert box.host_key in report.items[0].detail
        assert f'host_key = "{box.host_key}"' in report.items[0].hint
        error = await error_of(drop(adapter))
        assert (type(error), error.reason) == (AuthFailed, "host_key_unknown")
        assert box.calls == []


@played
async def test_another_key_than_the_pinned_one_stops_the_site(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        error = await error_of(drop(box.adapter(host_key="SHA256:" + "A" * 43)))
        assert (type(error), error.reason) == (AuthFailed, "host_key_changed")
        assert box.calls == []


@played
async def test_one_of_several_pinned_keys_is_enough(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter(host_key=["SHA256:" + "A" * 43, box.host_key])
        assert (await adapter.check()).ok
        await adapter.aclose()


@played
async def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        error = await error_of(box.adapter(password="falsch-falsch").find(POST.key))
        assert (type(error), error.reason) == (AuthFailed, "login_refused")
        assert "falsch" not in f"{error!r} {error} {error.hint} {error.__cause__!r}"


@played
async def test_a_key_that_is_none_is_told_without_it(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        error = await error_of(box.adapter(password=None, key="not a key").find(POST.key))
        assert (type(error), error.reason) == (AuthFailed, "key_unreadable")
        assert "not a key" not in f"{error!r} {error.__cause__!r}"


def folder(key: str) -> SftpFolder:
    return SftpFolder(SftpOptions(server="sftp://x.example", user="u", key=SecretStr(key), url="/{key}"))


def test_a_private_key_is_read_however_its_lines_end() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    text = key.export_private_key().decode()
    for given in (text, text.strip(), text.replace("\n", "\r\n")):
        keys = folder(given)._keys()
        assert keys is not None
        assert keys[0].get_fingerprint() == key.get_fingerprint()


def test_a_private_key_with_a_passphrase_is_refused_with_what_to_do() -> None:
    locked = asyncssh.generate_private_key("ssh-rsa", key_size=2048).export_private_key("pkcs8-pem", passphrase="ein Satz")
    with pytest.raises(AuthFailed) as failed:
        folder(locked.decode())._keys()
    assert "ssh-keygen -p" in failed.value.hint


@played
async def test_a_server_that_is_not_there_is_not_applied(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter(server="sftp://127.0.0.1:1/")
        error = await error_of(drop(adapter))
    assert (type(error), error.reason) == (NotApplied, "unreachable")
    assert error.hint


@pytest.mark.parametrize(
    ("refusal", "kind", "reason"),
    [
        (asyncssh.SFTPPermissionDenied("no"), AuthFailed, "no_right"),
        (asyncssh.SFTPFailure("Failure"), NotApplied, "sftp_failure"),
        (asyncssh.SFTPNoSuchFile("gone"), NotApplied, "folder_missing"),
        (asyncssh.SFTPOpUnsupported("never heard"), NotApplied, "sftp_failure"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@played
async def test_a_refused_write_has_come_to_nothing(
    refusal: Exception, kind: type[AdapterError], reason: str, tmp_path: Path
) -> None:
    async with sftp_server(tmp_path) as box:
        box.fails = at("open", refusal, "document.json")
        adapter = box.adapter()
        error = await error_of(drop(adapter))
        assert (type(error), error.reason) == (kind, reason)
        assert error.hint
        assert packages(tmp_path) == []
        box.fails = lambda call, path: None
        assert (await drop(adapter)).version == "1"
        await adapter.aclose()


@played
async def test_a_bare_failure_on_a_full_disk_is_told_as_that(tmp_path: Path) -> None:
    """OpenSSH says "Failure"; the room that statvfs tells is what tells it apart."""
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter()
        await adapter.check()
        box.fails = at("open", asyncssh.SFTPFailure("Failure"), "document.json")
        box.free = 1000
        error = await error_of(drop(adapter, media=(), html="<p>正文</p>"))
        assert (type(error), error.reason) == (NotApplied, "disk_full")
        await adapter.aclose()


@played
async def test_attachments_that_do_not_fit_are_not_begun(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        box.free = 3
        adapter = box.adapter()
        error = await error_of(drop(adapter))
        assert (type(error), error.reason) == (NotApplied, "disk_full")
        assert "open" not in box.calls
        await adapter.aclose()


@pytest.mark.parametrize("posix", [True, False])
@played
async def test_an_answer_lost_at_the_rename_that_counts_is_doubt_and_looked_up(posix: bool, tmp_path: Path) -> None:
    async with sftp_server(tmp_path, posix=posix) as box:
        adapter, renames = box.adapter(), [0]
        name = "posix_rename" if posix else "rename"

        def strike(call: str, number: int) -> str:
            renames[0] += call == name
            return "after" if call == name and renames[0] == (1 if posix else 2) else ""

        box.strikes = strike
        error = await error_of(drop(adapter))
        assert (type(error), error.reason) == (Unknown, "connection_lost")
        found = await adapter.find(POST.key)
        assert found is not None
        assert (found.version, found.state) == ("1", RemoteState.PENDING)
        await adapter.aclose()


@played
async def test_a_server_that_hangs_is_left_after_the_timeout(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter(timeout=0.5)
        assert await adapter.find(POST.key) is None
        box.delay = 3.0
        begun = asyncio.get_running_loop().time()
        error = await error_of(adapter.find(POST.key))
        assert (type(error), error.reason) == (NotApplied, "connection_lost")
        assert asyncio.get_running_loop().time() - begun < 2.5
        box.delay = 0.0
        await adapter.aclose()


@played
async def test_a_connection_that_was_cut_is_made_anew(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter()
        await drop(adapter)
        box.cut()
        await asyncio.sleep(0.05)
        try:
            found = await adapter.find(POST.key)
        except NotApplied:  # noticed by the call, not before it
            found = await adapter.find(POST.key)
        assert found is not None
        await adapter.aclose()


@played
async def test_several_calls_at_once_share_one_connection(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter()
        await asyncio.gather(*(drop(adapter, key=f"key-{n}") for n in range(6)))
        assert len(box.connections) == 1
        assert len(packages(tmp_path)) == 6
        await adapter.aclose()
        await adapter.aclose()


@played
async def test_a_root_that_is_not_there_is_told_by_check(tmp_path: Path) -> None:
    async with sftp_server(tmp_path) as box:
        adapter = box.adapter(server=f"sftp://127.0.0.1:{box.port}/nowhere")
        report = await adapter.check()
        assert not report.ok
        assert "nowhere" in report.items[0].detail
        await adapter.aclose()
