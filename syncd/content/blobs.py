"""Blobs on disk: attachments by the SHA-256 of their bytes, written whole or not at all, verified when read."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from syncd.errors import StoreError

_NAME = re.compile(r"[0-9a-f]{64}")
_FULL = (errno.ENOSPC, errno.EDQUOT)


class DiskBlobs:
    """The BlobStore of a state directory: `blobs/ab/abcdef…`. root: that "blobs" directory; made when first written."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def put(self, data: bytes) -> str:
        """Keeps the bytes and returns their hash. Raises StoreError disk_full, read_only or unavailable."""
        sha256 = hashlib.sha256(data).hexdigest()
        path = self._path(sha256)
        if not _holds(path, sha256, len(data)):
            with _disk(path):
                _write(path, data)
        return sha256

    def read(self, sha256: str) -> bytes:
        """The bytes. Raises StoreError blob_missing, or blob_damaged when they are not what was written."""
        path = self._path(sha256)
        try:
            data = Path(path).read_bytes()
        except FileNotFoundError:
            raise StoreError("blob_missing", "an attachment is gone", where=path, hint=_FETCH_AGAIN) from None
        except OSError as cause:
            raise StoreError("unavailable", str(cause), where=path, hint="check the disk") from cause
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StoreError("blob_damaged", "an attachment was changed on disk", where=path, hint=_FETCH_AGAIN)
        return data

    def has(self, sha256: str) -> bool:
        return os.path.isfile(self._path(sha256))

    def prune(self, keep: Callable[[str], bool], older_than: datetime) -> int:
        """Removes what `keep` doesn't want and was written before `older_than`; returns how many."""
        removed = 0
        for path in list(self._files()):
            if datetime.fromtimestamp(path.stat().st_mtime, UTC) < older_than and not keep(path.name):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _path(self, sha256: str) -> str:
        if not _NAME.fullmatch(sha256):
            raise StoreError("blob_missing", f"{sha256[:80]!r} is no hash", hint="report this as a bug")
        return f"{self._root}/{sha256[:2]}/{sha256}"

    def _files(self) -> Iterator[Path]:
        """Left-overs of a crash too: they are named by a hash with a suffix and nobody keeps them."""
        return (path for path in Path(self._root).glob("??/*") if path.is_file())


_FETCH_AGAIN = "syncd fetches it again when it reads the document; check the disk"


@contextlib.contextmanager
def _disk(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as cause:
        if cause.errno in _FULL:
            raise StoreError("disk_full", "no room for an attachment", where=where, hint="make room") from cause
        if cause.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise StoreError("read_only", str(cause), where=where, hint="let syncd's user write there") from cause
        raise StoreError("unavailable", str(cause), where=where, hint="check the disk") from cause


def _holds(path: str, sha256: str, size: int) -> bool:
    """A damaged file is written again; a whole one is made young, so that prune leaves it."""
    if not os.path.isfile(path) or os.path.getsize(path) != size:
        return False
    with contextlib.suppress(OSError):
        os.utime(path)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() == sha256


def _write(path: str, data: bytes) -> None:
    temporary = f"{path}.{os.getpid()}.part"
    try:
        with _open(temporary) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_directory(os.path.dirname(path))


def _open(path: str) -> BinaryIO:
    """For writing; the directory is there already for all but the first of its 256."""
    try:
        return open(path, "wb")
    except FileNotFoundError:
        _make(os.path.dirname(path))
        return open(path, "wb")


def _make(folder: str) -> None:
    """For good: a power cut must not take a new directory away with what was written whole into it."""
    os.makedirs(folder, exist_ok=True)
    root = os.path.dirname(folder)
    _sync_directory(root)
    _sync_directory(os.path.dirname(root))


def _sync_directory(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
