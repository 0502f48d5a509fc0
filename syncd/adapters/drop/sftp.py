"""The adapter `sftp` and its folder on a server (asyncssh): one connection, a pinned host key, every failure sorted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import asyncssh
from pydantic import BaseModel

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.drop.adapter import DropAdapter
from syncd.adapters.drop.folder import Missing
from syncd.adapters.drop.options import SftpOptions
from syncd.errors import AdapterError, AuthFailed, NotApplied, Unknown

T = TypeVar("T")
_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
_TAKEN = (asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists)
"""OpenSSH says no more than "Failure" of a name that is taken, a full disk and another file system alike."""
_CIPHERS = "^aes256-gcm@openssh.com,aes128-gcm@openssh.com"
"""First choice: in Python they take half the CPU of chacha20-poly1305, which asyncssh prefers."""
_LITTLE = 1024 * 1024
_CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Session:
    connection: asyncssh.SSHClientConnection
    sftp: asyncssh.SFTPClient


class _Pinned(asyncssh.SSHClient):
    """Takes a server whose key has one of these fingerprints, and no other. shown: what the server has."""

    def __init__(self, pins: frozenset[str]) -> None:
        self._pins = pins
        self.shown = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        self.shown = key.get_fingerprint()
        return self.shown in self._pins


class SftpFolder:
    """The root folder of a drop on an SFTP server. A connection that failed is never used again."""

    def __init__(self, options: SftpOptions) -> None:
        self._options = options
        self._host, self._port, self._root = options.place
        self.where = f"sftp://{self._host}:{self._port}{self._root}"
        self._session: _Session | None = None
        self._opening = asyncio.Lock()

    async def names(self, path: str) -> frozenset[str]:
        async def listed(sftp: asyncssh.SFTPClient) -> frozenset[str]:
            try:
                return frozenset(str(name) for name in await sftp.listdir(self._at(path))) - {".", ".."}
            except _MISSING:
                return frozenset()

        return await self._done(path, listed)

    async def read(self, path: str) -> bytes | None:
        async def read(sftp: asyncssh.SFTPClient) -> bytes | None:
            try:
                async with sftp.open(self._at(path), "rb") as file:
                    data = await file.read()
                    return data if isinstance(data, bytes) else data.encode()
            except _MISSING:
                return None

        return await self._done(path, read)

    async def make(self, path: str) -> None:
        await self._done(path, lambda sftp: _made(sftp, self._at(path)))

    async def write(self, path: str, data: bytes) -> None:
        await self._done(path, lambda sftp: self._put(sftp, self._at(path), data))

    async def claim(self, path: str, data: bytes, *, part: str) -> bool:
        """By the plain rename of SFTP, which must refuse a name that is taken (draft-ietf-secsh-filexfer-02, 6.5)."""
        target = self._at(path)
        temporary = f"{target.rpartition('/')[0]}/{part}"

        async def claimed(sftp: asyncssh.SFTPClient) -> bool:
            await self._put(sftp, temporary, data)
            try:
                await sftp.rename(temporary, target)
            except _TAKEN:
                taken = await sftp.exists(target)
                await sftp.remove(temporary)
                if not taken:
                    raise
                return False
            return True

        return await self._done(path, claimed)

    async def move(self, old: str, new: str) -> None:
        """posix-rename where the server has it: one step also for a folder. Else the plain one."""
        source, target = self._at(old), self._at(new)

        async def ready(sftp: asyncssh.SFTPClient) -> None:
            if not await sftp.exists(source):
                raise Missing(old)
            if await sftp.exists(target):
                raise NotApplied("name_taken", "a file with the package's name is there already", where=target,
                                 hint="it is not syncd's: look at it and move it away")

        async def moved(sftp: asyncssh.SFTPClient) -> None:
            try:
                await sftp.posix_rename(source, target)
            except asyncssh.SFTPOpUnsupported:
                await sftp.rename(source, target)
            except _MISSING:
                if not await sftp.exists(source):
                    raise Missing(old) from None
                raise

        await self._done(old, ready)
        await self._done(old, moved, doubt=True)

    async def remove(self, path: str) -> None:
        async def removed(sftp: asyncssh.SFTPClient) -> None:
            with contextlib.suppress(*_MISSING):
                if await sftp.isdir(self._at(path)):
                    await sftp.rmtree(self._at(path))
                else:
                    await sftp.remove(self._at(path))

        await self._done(path, removed)

    async def free(self) -> int | None:
        async def free(sftp: asyncssh.SFTPClient) -> int | None:
            return await _free(sftp, self._root)

        return await self._done("", free)

    async def traits(self) -> tuple[str, ...]:
        async def told(sftp: asyncssh.SFTPClient) -> tuple[str, ...]:
            if not await sftp.isdir(self._root):
                raise NotApplied("folder_missing", "the folder is not there", where=self.where,
                                 hint="let the server's administrator make it, or mend server")
            return (f"{self.where} as {self._options.user}", f"SFTP version {sftp.version}")

        return await self._done("", told)

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.sftp.exit()
            session.connection.close()
            with contextlib.suppress(asyncssh.Error, OSError, TimeoutError):
                async with asyncio.timeout(self._options.timeout):
                    await session.connection.wait_closed()

    def _at(self, path: str) -> str:
        inner = path.strip("/")
        return f"{self._root.rstrip('/')}/{inner}" if inner not in ("", ".") else self._root

    async def _put(self, sftp: asyncssh.SFTPClient, path: str, data: bytes) -> None:
        async with sftp.open(path, "wb") as file:
            for start in range(0, len(data), _CHUNK):
                await file.write(data[start : start + _CHUNK])
            with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()

    async def _done(
        self, path: str, work: Callable[[asyncssh.SFTPClient], Awaitable[T]], *, doubt: bool = False
    ) -> T:
        """Do something on the connection. doubt: an answer that is lost leaves open whether it was done."""
        session = await self._connected()
        try:
            return await self._in_time(session, work(session.sftp))
        except asyncssh.SFTPError as cause:
            if not isinstance(cause, _LOST):
                raise await self._refused(session, cause, path) from cause
            self._drop(session)
            raise self._lost(cause, path, doubt=doubt) from cause
        except (asyncssh.Error, OSError, EOFError) as cause:
            self._drop(session)
            raise self._lost(cause, path, doubt=doubt) from cause

    async def _in_time(self, session: _Session, work: Awaitable[T]) -> T:
        """The library's own tidying up waits for the server, too: a connection that is late is cut off first."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task}, timeout=self._options.timeout)
        finally:
            if not task.done():
                self._drop(session)
                task.add_done_callback(_unheard)
                task.cancel()
        if task.done():
            return task.result()
        await asyncio.wait({task}, timeout=1.0)
        raise TimeoutError(f"no answer within {self._options.timeout:g} s")

    async def _connected(self) -> _Session:
        async with self._opening:
            if self._session is None or self._session.connection.is_closed():
                async with self._sorted() as client:
                    self._session = await self._open(client)
            return self._session

    async def _open(self, client: _Pinned) -> _Session:
        options, secret = self._options, self._options.password
        async with asyncio.timeout(options.timeout):
            connection = await asyncssh.connect(
                self._host, self._port, username=options.user, client_factory=lambda: client, known_hosts=([], [], []),
                password=secret.get_secret_value() if secret else None, client_keys=self._keys(), agent_path=None,
                config=None, encryption_algs=_CIPHERS, connect_timeout=options.timeout, login_timeout=options.timeout,
                keepalive_interval=options.timeout, gss_host=None, x509_trusted_certs=None,
            )
            try:
                return _Session(connection, await connection.start_sftp_client())
            except BaseException:
                connection.abort()
                raise

    def _keys(self) -> list[asyncssh.SSHKey] | None:
        options = self._options
        if options.key is None:
            return None
        try:
            return [asyncssh.import_private_key(f"{options.key.get_secret_value().strip()}\n")]
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise AuthFailed("key_unreadable", "the private key can't be read", where=self.where,
                             hint="give an OpenSSH or PEM private key without a passphrase (ssh-keygen -p)") from None

    @contextlib.asynccontextmanager
    async def _sorted(self) -> AsyncIterator[_Pinned]:
        """The failures of connecting: nothing was done by any of them."""
        client = _Pinned(self._options.pins)
        try:
            yield client
        except asyncssh.HostKeyNotVerifiable as cause:
            raise self._stranger(client.shown) from cause
        except asyncssh.PermissionDenied as cause:
            raise AuthFailed("login_refused", "the SFTP server refuses the log-in", where=self.where,
                             hint="check user, password or key, and that the account may use SFTP") from cause
        except (asyncssh.Error, OSError, TimeoutError) as cause:
            raise NotApplied("unreachable", f"no connection: {_words(cause)}", where=self.where,
                             hint="is the server up, and may syncd's machine reach this port?") from cause

    def _stranger(self, shown: str) -> AuthFailed:
        if not self._options.pins:
            return AuthFailed("host_key_unknown", f"the server shows the host key {shown}", where=self.where,
                              hint=f'ask its administrator if that is right, then set host_key = "{shown}"')
        return AuthFailed("host_key_changed", f"the server shows another host key: {shown}", where=self.where,
                          hint="a new machine or an attack: ask its administrator; then set host_key to the new one")

    def _drop(self, session: _Session) -> None:
        if self._session is session:
            self._session = None
        session.connection.abort()

    def _lost(self, cause: BaseException, path: str, *, doubt: bool) -> AdapterError:
        what, where = f"the connection was lost: {_words(cause)}", f"{self.where}: {path}"
        if doubt:
            return Unknown("connection_lost", what, where=where, hint="what became of it is looked up")
        return NotApplied("connection_lost", what, where=where, hint="it is tried again")

    async def _refused(self, session: _Session, cause: asyncssh.SFTPError, path: str) -> AdapterError:
        where = f"{self.where}: {path}"
        if isinstance(cause, (asyncssh.SFTPPermissionDenied, asyncssh.SFTPWriteProtect)):
            return AuthFailed("no_right", f"the server refuses: {_words(cause)}", where=where,
                              hint="let the account write to packages and records, and read the answers")
        if await self._is_full(session):
            return NotApplied("disk_full", f"no room on the server: {_words(cause)}", where=where, hint="make room there")
        if isinstance(cause, _MISSING):
            return NotApplied("folder_missing", f"a folder is not there: {_words(cause)}", where=where,
                              hint="let the server's administrator make it, or mend server")
        return NotApplied("sftp_failure", f"the server refuses: {_words(cause)}", where=where,
                          hint="it does not say why: a quota, a read-only disk, or packages and records on two disks?")

    async def _is_full(self, session: _Session) -> bool:
        try:
            async with asyncio.timeout(self._options.timeout):
                free = await _free(session.sftp, self._root)
        except (asyncssh.Error, OSError, TimeoutError):
            return False
        return free is not None and free < _LITTLE


async def _made(sftp: asyncssh.SFTPClient, path: str) -> None:
    """A folder with those above it. A right that is missing is told as that; asyncssh's makedirs calls it a missing file."""
    try:
        await sftp.mkdir(path)
    except _MISSING:
        above = path.rpartition("/")[0]
        if not above:
            raise
        await _made(sftp, above)
        await _made(sftp, path)  # another writer may be making it just now
    except asyncssh.SFTPError:
        if not await sftp.isdir(path):
            raise


async def _free(sftp: asyncssh.SFTPClient, root: str) -> int | None:
    """Bytes that the account may still fill, where the server tells (statvfs@openssh.com)."""
    try:
        told = await sftp.statvfs(root)
    except asyncssh.SFTPOpUnsupported:
        return None
    return int(told.bavail * told.frsize)


def _unheard(task: asyncio.Future[Any]) -> None:
    """How a call that nobody waits for any more ends is of no interest."""
    if not task.cancelled():
        task.exception()


def _words(cause: BaseException) -> str:
    """An error in one short line."""
    return " ".join(str(cause).split())[:200] or type(cause).__name__


class SftpAdapter(DropAdapter):
    """A folder on an SFTP server."""

    kind: ClassVar[str] = "sftp"
    Options: ClassVar[type[BaseModel]] = SftpOptions

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = SftpOptions.model_validate(site.options)
        super().__init__(site, tools, options, SftpFolder(options))
