"""A folder of the drop: the few things that can be done there, and the local one. Paths are relative, with slashes."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from syncd.errors import AdapterError, AuthFailed, NotApplied, Unknown

T = TypeVar("T")


class Missing(Exception):
    """There is nothing at the path; nothing was done."""


class Folder(Protocol):
    """What is written is on the disk when the call returns, as far as the other side offers that.

    Every call raises NotApplied (nothing came of it) or AuthFailed (a right is missing); `move` alone raises Unknown too.
    """

    where: str

    async def names(self, path: str) -> frozenset[str]:
        """What lies in a folder; empty when there is none."""
        ...

    async def read(self, path: str) -> bytes | None:
        """A file's bytes, None when there is none."""
        ...

    async def make(self, path: str) -> None:
        """A folder with those above it."""
        ...

    async def write(self, path: str, data: bytes) -> None:
        """A file at a path that nobody else uses."""
        ...

    async def claim(self, path: str, data: bytes, *, part: str) -> bool:
        """Make a file, whole or not at all; False when there is one already. part: a name beside it that is free."""
        ...

    async def move(self, old: str, new: str) -> None:
        """Give a file or folder another path, in one step. Raises Missing, Unknown when the answer was lost."""
        ...

    async def remove(self, path: str) -> None:
        """A file or a whole folder; nothing there is as good."""
        ...

    async def free(self) -> int | None:
        """Bytes that are free, None if that can't be told."""
        ...

    async def traits(self) -> tuple[str, ...]:
        """What check() tells of the connection."""
        ...

    async def aclose(self) -> None: ...


class LocalFolder:
    """A folder of this machine, or of a share that is mounted here; the work is done in threads."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.where = str(root)

    async def names(self, path: str) -> frozenset[str]:
        return await self._done(lambda: _names(self.root / path))

    async def read(self, path: str) -> bytes | None:
        return await self._done(lambda: _read(self.root / path))

    async def make(self, path: str) -> None:
        await self._done(lambda: (self.root / path).mkdir(parents=True, exist_ok=True))

    async def write(self, path: str, data: bytes) -> None:
        await self._done(lambda: _write(self.root / path, data))

    async def claim(self, path: str, data: bytes, *, part: str) -> bool:
        return await self._done(lambda: _claim(self.root / path, data, part))

    async def move(self, old: str, new: str) -> None:
        await self._done(lambda: _move(self.root / old, self.root / new))

    async def remove(self, path: str) -> None:
        await self._done(lambda: _remove(self.root / path))

    async def free(self) -> int | None:
        there = next(path for path in (self.root.absolute(), *self.root.absolute().parents) if path.exists())
        return await self._done(lambda: shutil.disk_usage(there).free)

    async def traits(self) -> tuple[str, ...]:
        """Raises AuthFailed where the folder, or what it would be made in, can't be written."""
        there = next(path for path in (self.root.absolute(), *self.root.absolute().parents) if path.exists())
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            raise AuthFailed("no_right", f"{there} can't be written", where=self.where,
                             hint=f"let syncd's user write to {there}")
        return (self.where if self.root.exists() else f"{self.root} will be made in {there}",)

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _done(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as cause:
            raise _told(cause, self.where) from cause


def _names(path: Path) -> frozenset[str]:
    try:
        return frozenset(os.listdir(path))
    except FileNotFoundError:
        return frozenset()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _claim(path: Path, data: bytes, part: str) -> bool:
    """By a hard link, which fails where the name is taken; where there are none (some shares) by an exclusive open."""
    temporary = path.with_name(part)
    _write(temporary, data)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError as cause:
        if cause.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        return _open_new(path, data)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)
    return True


def _open_new(path: Path, data: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        return False
    return True


def _move(old: Path, new: Path) -> None:
    if not os.path.lexists(old):
        raise Missing(str(old))
    if os.path.lexists(new):
        raise NotApplied("name_taken", "a file with the package's name is there already", where=str(new),
                         hint="it is not syncd's: look at it and move it away")
    if old.is_dir():
        _sync(old)  # its entries, before it can be seen
    try:
        old.rename(new)
    except FileNotFoundError:
        if os.path.lexists(old):
            raise
        raise Missing(str(old)) from None
    try:
        for folder in {old.parent, new.parent}:
            _sync(folder)
    except OSError as cause:
        raise Unknown("not_synced", f"moved, but not certain to outlast a power cut: {cause}", where=str(new),
                      hint="check the disk") from cause


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _told(cause: OSError, root: str) -> AdapterError:
    """What the disk refused, by what to do about it."""
    where = str(cause.filename or root)
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return NotApplied("disk_full", "no room in the drop's folder", where=where, hint="make room there")
    if cause.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return AuthFailed("no_right", str(cause), where=where, hint="let syncd's user write to this folder")
    if cause.errno == errno.EXDEV:
        return NotApplied("other_disk", "packages and records lie on different disks", where=where,
                          hint="put both folders on one: only there a package appears whole, in one step")
    return NotApplied("unavailable", str(cause), where=where, hint="check the disk and the path")
