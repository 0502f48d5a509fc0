"""How a command reaches the desk: through the running daemon's control socket, or by opening the state itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from syncd.app.daemon import VERBS, opened
from syncd.app.desk import Desk
from syncd.config import load
from syncd.control import NotRunning, ask

SOCKET = "control.sock"


class RemoteDesk:
    """The desk of a running daemon: the same methods, asked through its control socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    def __getattr__(self, verb: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        if verb not in VERBS:
            raise AttributeError(verb)

        async def call(*args: Any, **named: Any) -> Any:
            return await asyncio.to_thread(ask, self._socket, verb, _named(verb, args, named))

        return call


def _named(verb: str, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """Positional arguments by the names that the desk's method gives them."""
    method = getattr(Desk, verb)
    names = method.__code__.co_varnames[1 : method.__code__.co_argcount]
    return {**dict(zip(names, args, strict=False)), **named}


@asynccontextmanager
async def open_desk(path: Path) -> AsyncIterator[Desk | RemoteDesk]:
    """The desk for a config file. Raises ConfigError; AlreadyRunning when the state is locked and nobody answers."""
    config = load(path)
    socket = config.syncd.state_dir / SOCKET
    if await asyncio.to_thread(_answers, socket):
        yield RemoteDesk(socket)
        return
    async with opened(config) as (ground, engine):
        yield Desk(config, ground, engine, ground.clock.now())


def _answers(socket: Path) -> bool:
    try:
        ask(socket, "alive", timeout=5.0)
    except NotRunning:
        return False
    return True
