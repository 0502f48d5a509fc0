"""What the tests of the drop share: a post, a site, an adapter over a local folder or an SFTP server of this process."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncssh

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.drop.adapter import DirectoryAdapter, DropAdapter
from syncd.adapters.drop.sftp import SftpAdapter
from syncd.errors import StoreError
from syncd.model import Instant, Media, Post, RemoteRef, RemoteState

NOW = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
FILES = {sha256(data).hexdigest(): data for data in (b"%PDF-1.7", b"\x89PNG")}
"""By their true hashes, which the importer checks."""
PDF, PNG = FILES
HTML = (
    "<p>各省、自治区、直辖市人民政府：</p><p>现将《方案》印发给你们。\U0001f600</p>"
    '<p><a href="https://www.gov.cn/f.pdf?a=1&amp;b=2">附件</a><img src="https://www.gov.cn/p.png" alt="图"></p>'
)
MEDIA = (
    Media("https://www.gov.cn/f.pdf?a=1&b=2", "fujian-1-aaaaaaaa.pdf", "application/pdf", 8, PDF, "附件1：<方案>"),
    Media("https://www.gov.cn/p.png", "tupian-2-bbbbbbbb.png", "image/png", 4, PNG),
)
POST = Post(
    key="syncd-0123456789abcdef0123", title="关于“甲”<乙>&丙的通知", html=HTML, column="国务院文件", revision=1,
    issuer="国务院", document_number="国发〔2026〕1号", written="2026-11-28", origin_name="中国政府网",
    source_url="https://www.gov.cn/1.htm",
    published=Instant(NOW), sent=NOW, categories=("综合", "财政"), media=MEDIA, site_name="某县人民政府", site_id="1234567890",
)
NAME = POST.key


class FakeBlobs:
    def read(self, sha256: str) -> bytes:
        if sha256 not in FILES:
            raise StoreError("blob_missing", hint="wait")
        return FILES[sha256]


@dataclass
class Watch:
    """A clock that is set by hand."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def after(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Told:
    events: list[str] = field(default_factory=list)

    def info(self, event: str, **named: Any) -> None:
        self.events.append(event)

    warning = error = info


def played(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test written as a coroutine, run to its end."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))  # type: ignore[arg-type]

    return run


def tools(watch: Watch | None = None, client: Any = None) -> Tools:
    return Tools(client=client, now=(watch or Watch()).now, blobs=FakeBlobs(), log=Told())


def site(**options: Any) -> SiteConfig:
    given = {"ack": {}} if not options.keys() & {"ack", "url", "list_url"} else {}
    return SiteConfig("county", "https://www.county.example", "某县人民政府", "1234567890", options=given | options)


def directory(root: Path, watch: Watch | None = None, client: Any = None, **options: Any) -> DirectoryAdapter:
    return DirectoryAdapter(site(directory=root, **options), tools(watch, client))


@dataclass
class Box:
    """A running SFTP server over `root`. strikes: "before" or "after" where the connection ends at a call (its name and
    number), "" where it doesn't. fails: what a call (its name and path) is refused with. free: bytes that it tells are left,
    None for the truth. delay: seconds that a listing takes.
    """

    root: Path
    port: int
    host_key: str
    password: str = "geheim"
    calls: list[str] = field(default_factory=list)
    strikes: Callable[[str, int], str] = lambda call, number: ""
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    fails: Callable[[str, str], Exception | None] = lambda call, path: None
    free: int | None = None
    delay: float = 0.0

    def options(self, **more: Any) -> dict[str, Any]:
        return {"server": f"sftp://127.0.0.1:{self.port}/", "user": "drop", "password": self.password,
                "host_key": self.host_key, "timeout": 5.0} | more

    def adapter(self, watch: Watch | None = None, client: Any = None, **options: Any) -> SftpAdapter:
        return SftpAdapter(site(**self.options(**options)), tools(watch, client))

    def cut(self) -> None:
        for connection in self.connections:
            connection.abort()
        self.connections.clear()


_COUNTED = ("open", "close", "write", "rename", "posix_rename", "remove", "mkdir", "stat", "lstat", "read", "fsync")


@asynccontextmanager
async def sftp_server(root: Path, *, posix: bool = True) -> AsyncIterator[Box]:
    """A server of this process on a free port of loopback. posix: False for one that offers no posix-rename."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    box = Box(root, 0, key.get_fingerprint())
    listener = await asyncssh.listen(
        "127.0.0.1", 0, server_host_keys=[key], server_factory=_login(box), sftp_factory=_files(box, posix=posix),
        allow_scp=False,
    )
    box.port = listener.get_port()
    try:
        yield box
    finally:
        listener.close()
        box.cut()
        await listener.wait_closed()


def _login(box: Box) -> type[asyncssh.SSHServer]:
    class Login(asyncssh.SSHServer):
        def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
            box.connections.append(conn)

        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("drop", box.password)

    return Login


def _files(box: Box, *, posix: bool) -> type[asyncssh.SFTPServer]:
    class Files(asyncssh.SFTPServer):
        def __init__(self, chan: Any) -> None:
            super().__init__(chan, chroot=str(box.root).encode())

        async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
            box.calls.append("scandir")
            await asyncio.sleep(box.delay)
            async for each in super().scandir(path):
                yield each

        def statvfs(self, path: bytes) -> Any:
            told = super().statvfs(path)
            return told if box.free is None else asyncssh.SFTPVFSAttrs(bsize=1, frsize=1, bavail=box.free, bfree=box.free)

        def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
            if not posix:
                raise asyncssh.SFTPOpUnsupported("not here")
            return super().posix_rename(oldpath, newpath)

    for name in _COUNTED:
        setattr(Files, name, _struck(box, name, getattr(Files, name)))
    return Files


def _struck(box: Box, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def made(self: Any, *args: Any) -> Any:
        box.calls.append(name)
        refusal = box.fails(name, str(args[0]))
        if refusal is not None:
            raise refusal
        strike = box.strikes(name, len(box.calls))
        if strike == "before":
            box.cut()
            raise asyncssh.SFTPFailure("cut")
        result = call(self, *args)
        if strike == "after":
            box.cut()
        return result

    return made


def packages(root: Path) -> list[str]:
    """What the importer could take now."""
    return sorted(path.name for path in (root / "packages").glob("*"))


async def drop(adapter: DropAdapter, state: RemoteState = RemoteState.PUBLIC, **named: Any) -> RemoteRef:
    return (await adapter.create(replace(POST, **named), state)).ref


@asynccontextmanager
async def opened(kind: str, root: Path) -> AsyncIterator[Callable[..., DropAdapter]]:
    """Makes adapters over one drop: `directory`, `sftp`, or `plain` (an SFTP server without posix-rename)."""
    made: list[DropAdapter] = []

    def keep(adapter: DropAdapter) -> DropAdapter:
        made.append(adapter)
        return adapter

    if kind == "directory":
        yield lambda **options: keep(directory(root, **options))
        return
    async with sftp_server(root, posix=kind != "plain") as box:
        yield lambda **options: keep(box.adapter(**options))
        for adapter in made:
            await adapter.aclose()
