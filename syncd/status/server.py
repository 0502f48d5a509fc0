"""The HTTP server of the status endpoint: uvicorn on a socket of ours, without its signal handlers and its logging."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn

from syncd.errors import SyncdError

MAX_CONNECTIONS = 100
"""At once; a status page that is asked for by more is being attacked or misused."""


class _Quiet(uvicorn.Server):
    """The daemon's own handlers keep SIGTERM and SIGHUP."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


class Server:
    """A running server. port: the one it really has (0 was asked for). stop(): ends it, open answers get a moment."""

    def __init__(self, inner: uvicorn.Server, task: asyncio.Task[None], sock: socket.socket) -> None:
        self._inner = inner
        self._task = task
        self._sock = sock
        self.port: int = sock.getsockname()[1]

    async def stop(self) -> None:
        self._inner.should_exit = True
        with suppress(asyncio.CancelledError):
            await self._task
        self._sock.close()


async def serve(app: Any, host: str, port: int, *, option: str = "[syncd].listen") -> Server:
    """Start serving `app` (ASGI) in the running loop and return once it answers. option: what names the address.

    Raises SyncdError("listen_failed") when the address can't be had.
    """
    sock = _bound(host, port, option)
    inner = _Quiet(uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", ws="none", http="h11", proxy_headers=False,
        server_header=False, limit_concurrency=MAX_CONNECTIONS, timeout_keep_alive=5, timeout_graceful_shutdown=3,
    ))
    task = asyncio.create_task(inner.serve(sockets=[sock]), name="status-server")
    while not (inner.started or task.done()):  # noqa: ASYNC110 - uvicorn tells it by this flag only
        await asyncio.sleep(0)
    if task.done():
        sock.close()
        await task
    return Server(inner, task, sock)


def _bound(host: str, port: int, option: str) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return _listening(found[0], found[4])
    except OSError as exc:
        raise SyncdError(
            "listen_failed", f"can't listen: {exc.strerror or exc}", where=f"{host}:{port}",
            hint=f"end the program that has this address, or choose another {option}",
        ) from exc


def _listening(family: int, address: Any) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock
