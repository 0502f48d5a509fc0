"""How a command reaches the desk: through the running daemon's control socket, or by opening the state itself.

asyncio and the control socket's module are imported where they are used: they cost a third of what the libraries of a
small command do, and an idle state's status needs neither.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.app.verbs import VERBS

if TYPE_CHECKING:
    from syncd.app.desk import Desk

SOCKET = "control.sock"


class RemoteDesk:
    """The desk of a running daemon: the same methods, asked through its control socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def __getattr__(self, verb: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if verb not in VERBS:
            raise AttributeError(verb)

        async def call(*args: Any, **named: Any) -> Any:
            import asyncio

            from syncd.control import ask

            return await asyncio.to_thread(ask, self._socket, verb, _named(verb, args, named))

        return call


def _named(verb: str, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Positional arguments by the names that the desk's method gives them."""
    return {**dict(zip(VERBS[verb], args, strict=False)), **named}


@asynccontextmanager
async def open_desk(
    path: Path, *, before_opening: Callable[[], None] = lambda: None
) -> AsyncIterator[Desk | RemoteDesk]:
    """The desk for a config file. before_opening: called where no daemon answers and the state itself is opened.

    Raises ConfigError; AlreadyRunning when the state is locked and nobody answers.
    """
    import asyncio

    socket = _socket(path)
    if socket is not None and await asyncio.to_thread(_answers, socket):
        yield RemoteDesk(socket)
        return
    before_opening()
    from syncd.app.daemon import opened
    from syncd.app.desk import Desk
    from syncd.config import load

    config = load(path)
    async with opened(config) as (ground, engine):
        yield Desk(config, ground, engine, ground.clock.now())


def _socket(path: Path) -> Path | None:
    """Where the daemon of a config file listens; None where the file does not say it.

    The file is not checked here: who asks the running daemon may do so while the file is being edited, and need not
    load what reads it strictly.
    """
    state, _ = _looked_at(path)
    return state / SOCKET if state else None


def _looked_at(path: Path) -> tuple[Path | None, str]:
    """The state directory that a file names, None where it does not, and the file's text."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        told = tomllib.loads(text).get("syncd", {}).get("state_dir", "var")
        return Path(path.absolute().parent, told), text
    except (OSError, ValueError, AttributeError, TypeError):
        return None, ""


def left(path: Path) -> dict[str, Any] | None:
    """What status says of an idle state, with "as_of", where an orderly end left it and it still holds.

    None where only opening the state can tell. The file is not checked anew: that it is the one that was says enough.
    """
    import hashlib

    from syncd.app.clock import now
    from syncd.app.left import found, proof

    state, text = _looked_at(path)
    digest = hashlib.sha256(text.encode()).hexdigest()  # as Config has it
    return found(state, proof(digest, path.absolute().parent), now()) if state else None


def running(path: Path) -> bool:
    """Whether a daemon answers on the state of a config file. Blocks for up to 5 s."""
    socket = _socket(path)
    return socket is not None and _answers(socket)


def _answers(socket: Path) -> bool:
    if _is_missing(socket):
        return False
    from syncd.control import NotRunning, ask

    try:
        ask(socket, "alive", timeout=5.0)
    except NotRunning:
        return False
    return True


def _is_missing(socket: Path) -> bool:
    """False too where it can't be looked at: asking says why."""
    try:
        os.lstat(socket)
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False
