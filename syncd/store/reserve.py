"""The place for the reserve: a file that holds room, so that on a full disk the state can still be brought to rest."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

SIZE = 16 * 1024 * 1024


class Reserve:
    """A file of SIZE bytes beside the database; given up at the first full disk, made again when there is room."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._held = False
        self.restore()

    @property
    def held(self) -> bool:
        return self._held

    def restore(self) -> None:
        """Make the file if it is missing and the disk has four times as much room; a refusal is no failure."""
        if self._held or self._path is None:
            return
        try:
            if self._path.exists() and self._path.stat().st_size >= SIZE:
                self._held = True
            elif shutil.disk_usage(self._path.parent).free > 4 * SIZE:
                self._fill(self._path)
        except OSError:
            return

    def _fill(self, path: Path) -> None:
        try:
            with path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, SIZE)
            self._held = True
        except OSError:
            path.unlink(missing_ok=True)
            raise

    def release(self) -> None:
        """Give the room back."""
        if self._path is not None:
            self._held = False
            try:
                self._path.unlink(missing_ok=True)
            except OSError:
                return
