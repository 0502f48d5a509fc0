"""The composition root: builds everything from the config, starts and stops it, reloads it, and answers for it.

What is heavy is imported when it is called for: most commands ask a running daemon and need none of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from syncd.app.doors import open_desk

if TYPE_CHECKING:
    from syncd.config import Config

__all__ = ["open_desk", "run_daemon", "run_once", "run_relay", "upgrade"]


async def run_daemon(path: Path, config: Config | None = None) -> int:
    """Run until SIGTERM; the exit code. config: what the file says, if it was read already."""
    from syncd.app.daemon import run_daemon as run

    return await run(path, config)


async def run_once(path: Path, config: Config | None = None) -> int:
    """Every source once and everything that follows from it; 1 when something needs a person."""
    from syncd.app.daemon import run_once as run

    return await run(path, config)


async def run_relay(path: Path, config: Config | None = None) -> int:
    """Serve what the state holds as a relay, and read nothing, until SIGTERM; the exit code."""
    from syncd.app.daemon import run_relay as run

    return await run(path, config)


async def upgrade(path: Path) -> dict[str, str]:
    """Bring the database's schema up to date. Raises AlreadyRunning while a daemon runs."""
    from syncd.app.daemon import upgrade as run

    return await run(path)
