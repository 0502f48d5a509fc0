"""What the commands need of the rest of syncd: a desk to ask and act at, and the ways to run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from syncd.config import Config

Facts = dict[str, Any]
"""What JSON can say. Times are ISO 8601 in UTC, durations seconds."""


class Desk(Protocol):
    """The same for a running daemon (through its control socket) and for an idle state (which is locked meanwhile).

    syncd.status.api names the fields of the answers. Every method may raise SyncdError; an id that does not exist has
    the reason "not_found".
    """

    async def status(self) -> Facts: ...
    async def reposts(self, attention: bool = False, site: str = "") -> list[Facts]: ...

    async def explain(self, id: int) -> Facts:
        """repost, document, revisions, events, lags, next, deadline, verdict."""
        ...

    async def approve(self, id: int | None, source: str | None, actor: str) -> Facts:
        """{"id", "status", "reason"} of a repost, or {"source", "released"}."""
        ...

    async def reject(self, id: int | None, reason: str, actor: str, source: str | None = None) -> Facts:
        """{"id", "status", "reason"} of a repost, or {"source", "dropped"}."""
        ...

    async def retry(self, id: int, overwrite: bool, actor: str) -> Facts: ...
    async def adopt(self, id: int, url: str, actor: str) -> Facts: ...

    async def withdraw(self, id: int, actor: str, reason: str, undo: bool) -> Facts:
        """The whole document: {"id", "document", "withdrawn", "sites"}. undo: lift such an order."""
        ...

    async def package(self, id: int) -> Facts:
        """{"data": the ZIP in base64, "bytes"}"""
        ...

    async def preview(self, id: int) -> Facts: ...
    async def report(self, month: str) -> Facts: ...

    async def check(self) -> Facts:
        """{"ok", "items": [{name, ok, detail, hint}], "outgoing": [{host, port, why}], "warnings"}"""
        ...

    async def relay(self) -> Facts:
        """{"feed", "status": sealed texts, "objects": hashes, "blobs": where these lie, "serial", "documents", "key"}"""
        ...

    async def backup(self, out: str) -> Facts:
        """{"path"} where it was written, or {"data": the copy in base64, "bytes"} for the command to write."""
        ...


class Doors(Protocol):
    """The ways in. The ints are exit codes."""

    def open_desk(self, config: Path) -> AbstractAsyncContextManager[Desk]: ...

    def running(self, config: Path) -> bool:
        """Whether a daemon answers on this configuration's state."""
        ...

    def left(self, config: Path) -> Facts | None:
        """What `status` would tell of an idle state, with "as_of", where that is known without opening it."""
        ...

    def run_daemon(self, config: Path) -> int: ...
    def run_once(self, config: Path) -> int: ...
    def run_relay(self, config: Path) -> int: ...
    def demo(self, args: Sequence[str]) -> int: ...

    def upgrade(self, config: Path) -> Facts:
        """Bring the database to this version's form: {"database", "upgraded"}. Raises AlreadyRunning."""
        ...

    def now(self) -> datetime:
        """The clock, UTC."""
        ...

    def monotonic(self) -> float: ...


async def _migrate(url: str) -> str:
    """Opening brings the schema up to date; where the database is."""
    from syncd.store.sql import open_store

    store = await open_store(url)
    await store.aclose()
    return store.where


class RealDoors:
    """The ways into the real thing, imported when they are used."""

    def open_desk(self, config: Path) -> AbstractAsyncContextManager[Desk]:
        from syncd import app

        return cast("AbstractAsyncContextManager[Desk]", app.open_desk(config, before_opening=self._quiet))

    def running(self, config: Path) -> bool:
        from syncd.app.doors import running

        return running(config)

    def left(self, config: Path) -> Facts | None:
        from syncd.app.doors import left

        return left(config)

    def run_daemon(self, config: Path) -> int:
        import asyncio

        from syncd import app

        return asyncio.run(app.run_daemon(config, self._aloud(config)))

    def run_once(self, config: Path) -> int:
        import asyncio

        from syncd import app

        return asyncio.run(app.run_once(config, self._aloud(config)))

    def run_relay(self, config: Path) -> int:
        import asyncio

        from syncd import app

        return asyncio.run(app.run_relay(config, self._aloud(config)))

    def demo(self, args: Sequence[str]) -> int:
        from syncd import demo

        return demo.main(list(args))

    def upgrade(self, config: Path) -> Facts:
        import asyncio

        from syncd.app.left import remove
        from syncd.config import load
        from syncd.store.lock import StateLock

        self._quiet()
        state = load(config).syncd
        with StateLock(state.state_dir):
            remove(state.state_dir)
            return {"database": asyncio.run(_migrate(state.database_url)), "upgraded": True}

    def now(self) -> datetime:
        from syncd.app.clock import now

        return now()

    def monotonic(self) -> float:
        from syncd.app.clock import monotonic

        return monotonic()

    def _aloud(self, config: Path) -> Config:
        """Lines for a person at a terminal, JSON for everything else. Returns what the file says."""
        from syncd import log
        from syncd.config import load

        loaded = load(config)
        log.setup(self.now, level=loaded.syncd.log_level, console=sys.stdout.isatty())
        for warning in loaded.warnings:
            log.get_logger("syncd").warning("config_warning", text=warning)
        return loaded

    def _quiet(self) -> None:
        """Stdout belongs to what the command prints; only what is wrong is told, on stderr."""
        from syncd import log

        log.setup(self.now, level="warning", stream=sys.stderr, console=True, journal=False)
