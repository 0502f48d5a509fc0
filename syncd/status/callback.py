"""The door for WebSub hubs: an ASGI application at an address of its own that takes verifications and pushes, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

MOST = 3 * 1024 * 1024
"""Bytes of a push; none of them is kept."""
PATIENCE = 30.0
"""Seconds that a push may take to come in."""
CHALLENGE = 4096
FIELDS = 32
TOO_LARGE, CUT = "too_large", "cut"


class Taker(Protocol):
    """What takes a push as it comes in (engine.push.Delivery)."""

    def update(self, chunk: bytes) -> None: ...
    def end(self, problem: str = "") -> None: ...


class Receiver(Protocol):
    """Who knows the callbacks (engine.push.Pusher)."""

    async def verify(self, path: str, said: Mapping[str, str]) -> tuple[int, str]: ...
    def delivery(self, path: str, signatures: tuple[str, ...]) -> Taker | int: ...


class Callback:
    """receiver(): the one that is in force; another one after a reload.

    The last part of the path names the callback, so that a reverse proxy may or may not take off what is before it.
    """

    def __init__(self, receiver: Callable[[], Receiver]) -> None:
        self._receiver = receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"].rpartition("/")[2]
        if scope["method"] == "GET":
            await _answer(send, *await self._verify(path, scope["query_string"]))
        elif scope["method"] == "POST":
            await _answer(send, await self._push(path, scope, receive))
        else:
            await _answer(send, 405)

    async def _verify(self, path: str, query: bytes) -> tuple[int, str]:
        try:
            told = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict")
        except ValueError:
            return 400, ""
        said = dict(reversed(told))  # of a name that is told twice the first one counts
        if len(said.get("hub.challenge", "")) > CHALLENGE:
            return 400, ""
        return await self._receiver().verify(path, said)

    async def _push(self, path: str, scope: Scope, receive: Receive) -> int:
        """A push that is told to be too large is not read; a right and a wrong signature are answered alike."""
        headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        taker = self._receiver().delivery(path, tuple(v for n, v in headers if n == b"x-hub-signature"))
        if isinstance(taker, int):
            return taker
        length = next((v for n, v in headers if n == b"content-length"), "0")
        known = length.isascii() and length.isdigit()
        problem = TOO_LARGE if not known or int(length[:12]) > MOST else await _taken(taker, receive)
        taker.end(problem)
        return {TOO_LARGE: 413, CUT: 400}.get(problem, 202)


async def _taken(taker: Taker, receive: Receive) -> str:
    """Take a body in; "" or why it did not come whole."""
    size, more = 0, True
    try:
        async with asyncio.timeout(PATIENCE):
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    return CUT
                size += len(message.get("body", b""))
                if size > MOST:
                    return TOO_LARGE
                taker.update(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return CUT
    return ""


async def _answer(send: Send, status: int, text: str = "") -> None:
    """Always plain text: a challenge is whatever its sender wrote."""
    body = text.encode("utf-8", "replace")
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
