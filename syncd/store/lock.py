"""The place for the lock on a state directory: one daemon at a time, free at once when its process dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from syncd.errors import AlreadyRunning, StoreError


class StateLock:
    """An exclusive flock on `state_dir/syncd.lock`, with our pid in it. The file stays; the lock dies with the process.

    Raises AlreadyRunning (exit code 75) naming the other's pid, and StoreError("read_only") if the file can't be made.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "syncd.lock"
        self._file = self._opened()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            pid = self._holder()
            os.close(self._file)
            raise AlreadyRunning(
                "already_running",
                f"another syncd (process {pid}) is using this state directory",
                where=str(state_dir),
                hint=f"stop process {pid} first, or give this one its own state_dir",
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def _opened(self) -> int:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                "read_only",
                f"{error.strerror}: the lock file can't be made",
                where=str(self._path),
                hint="make state_dir writable for syncd's user",
            ) from error

    def _holder(self) -> str:
        return os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"

    def release(self) -> None:
        """Give the lock up; a second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> StateLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
