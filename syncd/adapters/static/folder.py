"""The folder of a static site on disk: whole-file writes, one writer at a time, and the record beside each page."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from syncd.errors import NotApplied

PRIVATE = ".syncd"


@dataclass(frozen=True, slots=True)
class Record:
    """What we know of a page; written before the page itself, so that a crash between the two is seen and mended.

    path: of the public page below the root, for good. state: public, draft or withdrawn. hash: SHA-256 of the page's
    bytes as we write them, "" when there is to be no page. landed: the page was written after this record was.
    before: hash and state of the last landed record, until this one has landed. first: when the page was first
    visible, ISO. post: what lists and feeds show.
    """

    key: str
    path: str
    column: str
    state: str
    revision: int
    hash: str
    first: str
    landed: bool = False
    before: dict[str, str] = field(default_factory=dict)
    post: dict[str, Any] = field(default_factory=dict)


class Folder:
    """Files below `root`. What isn't for the public lies in `.syncd` there, which only its owner may enter."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._private = root / PRIVATE

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """One writer at a time, whatever the number of processes; a crash lets go of the lock.

        Raises NotApplied busy, disk_full, read_only or unavailable.
        """
        with _applied_nothing(self.root):
            self._private.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self._private / "lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise NotApplied("busy", "another process writes to this folder", after=1.0, where=str(self.root),
                                 hint="only one syncd should write to a folder") from None
            with _applied_nothing(self.root):
                yield

    def record_path(self, name: str) -> Path:
        return self._private / "posts" / f"{name}.json"

    def record(self, name: str) -> Record | None:
        """The record of a post. Raises NotApplied record_damaged."""
        path = self.record_path(name)
        try:
            told = json.loads(path.read_bytes())
            return Record(**{each.name: told[each.name] for each in fields(Record)})
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as cause:
            raise NotApplied("record_damaged", "the record of a page can't be read", where=str(path),
                             hint="restore this file from a backup; the page beside it is untouched") from cause

    def records(self) -> Iterator[Record]:
        for path in sorted((self._private / "posts").glob("*.json")):
            if (record := self.record(path.stem)) is not None:
                yield record

    def keep(self, name: str, record: Record) -> None:
        self.write(self.record_path(name), json.dumps(asdict(record), ensure_ascii=False, indent=1).encode())

    def forget(self, name: str) -> None:
        self.record_path(name).unlink(missing_ok=True)

    def public(self, record: Record) -> Path:
        return self.root / record.path

    def draft(self, record: Record) -> Path:
        return self._private / "drafts" / Path(record.path).name

    def bytes_of(self, path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: Path, data: bytes, *, durable: bool = True, check: Callable[[], None] = lambda: None) -> None:
        """The whole file or the old one; `durable`: on the disk when this returns (lists can be made again).

        check: is called right before the new file takes the old one's place, and may raise.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        with temporary.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        check()
        temporary.replace(path)
        if durable:
            _sync(path.parent)

    def remove(self, page: Path) -> None:
        """A page with the folder of its files."""
        page.unlink(missing_ok=True)
        shutil.rmtree(page.with_suffix(""), ignore_errors=True)

    def months(self, column: str) -> list[str]:
        """The months of a column, newest first."""
        return sorted((path.stem for path in (self._private / "index" / column).glob("*.json")), reverse=True)

    def columns(self) -> list[str]:
        return sorted(path.name for path in (self._private / "index").glob("*") if path.is_dir())

    def month(self, column: str, month: str) -> dict[str, Any]:
        """The posts of a month by their name; {} when it has none or its file is damaged (it is made again)."""
        try:
            told = json.loads((self._private / "index" / column / f"{month}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def keep_month(self, column: str, month: str, rows: dict[str, Any]) -> None:
        path = self._private / "index" / column / f"{month}.json"
        self.write(path, json.dumps(rows, ensure_ascii=False).encode())

    def mark(self, name: str) -> None:
        """Remembers that the lists do not show this post's record yet."""
        self.write(self._private / "unlisted" / name, b"")

    def unmark(self, name: str) -> None:
        (self._private / "unlisted" / name).unlink(missing_ok=True)

    def marked(self) -> list[str]:
        return sorted(path.name for path in (self._private / "unlisted").glob("[!.]*"))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _applied_nothing(root: Path) -> Iterator[None]:
    """A write that the disk refused is certain not to count: a record that has not landed is no post."""
    try:
        yield
    except OSError as cause:
        where = str(cause.filename or root)
        if cause.errno in (errno.ENOSPC, errno.EDQUOT):
            raise NotApplied("disk_full", "no room in the site's folder", where=where, hint="make room") from cause
        if cause.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            hint = "let syncd's user write to this folder"
            raise NotApplied("read_only", str(cause), where=where, hint=hint) from cause
        raise NotApplied("unavailable", str(cause), where=where, hint="check the disk and the path") from cause
