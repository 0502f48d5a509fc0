"""Whether the records are those that syncd wrote before: a marker among them, whose id the state directory knows too.

A share that is not mounted looks like an empty folder, and in an empty folder nothing was ever handed over.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

from syncd.adapters.drop.folder import Folder
from syncd.errors import NotApplied

FILE = ".syncd-drop"
"""Of the marker, in `records`; no key's folder begins with a dot."""


class Marker:
    """Of one drop. kept: the file in which its id is remembered; None: nothing can be remembered, nothing is compared."""

    def __init__(self, folder: Folder, records: str, kept: Path | None, dice: Callable[[], str]) -> None:
        self._folder, self._records, self._kept, self._dice = folder, records, kept, dice
        self._path = f"{records}/{FILE}"

    async def require(self) -> None:
        """Raises NotApplied records_missing where other records lie there than were written before, or none."""
        known = await self._known()
        if known and await self._lying() != known:
            raise NotApplied(
                "records_missing", "the records of what was handed over are not there",
                where=f"{self._folder.where}: {self._path}",
                hint=f"mount the share, mend the path or restore the records; for a new, empty drop remove {self._kept}",
            )

    async def begin(self) -> None:
        """Before a write: see that it goes where those before it went; the first one makes the marker."""
        if self._kept is None:
            return
        if await self._known():
            await self.require()
            return
        id = await self._lying() or await self._made()
        await asyncio.to_thread(_keep, self._kept, id)

    async def _made(self) -> str:
        """Of several writers at once one makes it, and all take that."""
        id = self._dice()
        await self._folder.make(self._records)
        await self._folder.claim(self._path, id.encode(), part=f"{FILE}-{id}.part")
        return await self._lying() or id

    async def _lying(self) -> str:
        return (await self._folder.read(self._path) or b"").decode("utf-8", "replace").strip()

    async def _known(self) -> str:
        return "" if self._kept is None else await asyncio.to_thread(_read, self._kept)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as cause:
        raise _unusable(path, cause) from cause


def _keep(path: Path, id: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{id}.part")
        with temporary.open("w", encoding="utf-8") as file:
            file.write(f"{id}\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as cause:
        raise _unusable(path, cause) from cause


def _unusable(path: Path, cause: Exception) -> NotApplied:
    return NotApplied("unavailable", str(cause), where=str(path), hint="let syncd's user read and write its state directory")
