"""Servers of tests as ASGI applications with faults, and the client that reaches any ASGI application without a socket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from syncd.errors import NotApplied, ReadFailed, Unknown
from syncd.testing.faults import CALL_FAULTS, Faults
from syncd.testing.wire import SAFE
from syncd.web.api import Answer, Limits, Validators
from syncd.web.status import http_date
from syncd.web.urls import redacted

Reply = tuple[int, dict[str, str], bytes]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

_ERROR_PAGE = "<html><head><title>系统提示</title></head><body><p>系统维护中</p></body></html>".encode()
_HTML = {"content-type": "text/html; charset=utf-8"}
_INSTEAD: Mapping[str, Reply] = {
    "bad_gateway": (502, _HTML, b"<html>502 Bad Gateway</html>"),
    "limited": (429, {"content-type": "application/json", "retry-after": "1"}, b'{"error": "slow_down"}'),
    "page200": (200, _HTML, _ERROR_PAGE),
    "error500_after": (500, _HTML, b"<html>Fatal error</html>"),
}


def clock() -> datetime:
    """The machine's."""
    return datetime.now(UTC)  # noqa: TID251 - a server of its own, outside the daemon


def no_faults() -> Faults:
    """All goes well."""
    return Faults(random.Random(0))  # noqa: S311 - no secret


class Application:
    """An ASGI application over `handle`, a request in, an answer out. faults: what goes wrong with a request.

    latest: seconds within which a late request takes effect. now: the server's clock.
    """

    def __init__(self, faults: Faults | None = None, *, latest: float = 1.0, now: Callable[[], datetime] = clock) -> None:
        self.faults = faults or no_faults()
        self.latest = latest
        self.now = now

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        """Answer one request. path: with its query. headers: names in lower case."""
        raise NotImplementedError

    def is_spared(self, path: str) -> bool:
        """Whether nothing ever goes wrong with this path."""
        return False

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["path"] if not scope["query_string"] else ""
        path = path or f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _body(receive)

        def act() -> Reply:
            return self.handle(method, path, headers, body, self.now())

        await self._answer(self._fault(method, path), act, send)

    def _fault(self, method: str, path: str) -> str:
        if self.is_spared(path):
            return ""
        fault = self.faults.draw(CALL_FAULTS)
        if fault == "late" and method in SAFE:
            fault = "lost_before"
        if fault:
            self.faults.strike(fault)
        return fault

    async def _answer(self, fault: str, act: Callable[[], Reply], send: Send) -> None:
        if fault == "late":
            asyncio.get_running_loop().call_later(self.faults.dice.uniform(0.05, self.latest), act)
        if fault in ("late", "refused", "lost_before"):
            await _hang_up(send)
        elif fault in ("bad_gateway", "limited"):
            await _reply(send, _INSTEAD[fault])
        else:
            await self._after(fault, act(), send)

    async def _after(self, fault: str, reply: Reply, send: Send) -> None:
        """The request took effect; what becomes of its answer."""
        if fault == "lost_after":
            await _hang_up(send)
        elif fault == "cut_answer":
            await _reply(send, reply, cut=True)
        else:
            await _reply(send, _INSTEAD.get(fault, reply))


async def _body(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _hang_up(send: Send) -> None:
    """ASGI knows no hanging up: the head of an answer goes out and nothing after it, which ends the connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def _reply(send: Send, reply: Reply, *, cut: bool = False) -> None:
    status, headers, body = reply
    told = headers | ({} if status == 304 else {"content-length": str(len(body))})
    names = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
    await send({"type": "http.response.start", "status": status, "headers": names})
    shown = body[: len(body) // 2] if cut else body
    await send({"type": "http.response.body", "body": shown, "more_body": cut})


class AppClient:
    """web.api.Client whose servers are ASGI applications: one for all addresses."""

    def __init__(self, app: App, now: Callable[[], datetime] = clock) -> None:
        self._app, self._now = app, now

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.get, without following redirects."""
        asked = {"if-none-match": validators.etag.decode(), "if-modified-since": validators.last_modified.decode()}
        try:
            return await self.call("GET", url, headers={**{k: v for k, v in asked.items() if v}, **(headers or {})})
        except NotApplied as lost:
            raise ReadFailed(lost.reason, lost.message, hint=lost.hint, where=lost.where) from None

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.call."""
        started, sent = self._now(), _Sent(body)
        await self._app(_scope(method, url, headers or {}), sent.receive, sent.send)
        if not sent.is_whole:
            kind = NotApplied if method in SAFE else Unknown
            raise kind("closed", "no complete answer came", where=redacted(url), hint="it is tried again by itself")
        return sent.answer(url, started, self._now())


def _scope(method: str, url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    told = {"host": parts.netloc} | {name.lower(): value for name, value in headers.items()}
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": parts.scheme,
        "path": parts.path or "/", "raw_path": parts.path.encode(), "query_string": parts.query.encode(), "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.items()],
        "server": (parts.hostname, parts.port or 80), "client": ("127.0.0.1", 1),
    }


class _Sent:
    """One request on its way into an application, and what comes out."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._status = 0
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._pieces: list[bytes] = []
        self.is_whole = False

    async def receive(self) -> Message:
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], tuple(message["headers"])
        else:
            self._pieces.append(message.get("body", b""))
            self.is_whole = not message.get("more_body")

    def answer(self, url: str, started: datetime, ended: datetime) -> Answer:
        head, body = dict(self._headers), b"".join(self._pieces)
        date = http_date(head.get(b"date", b"").decode("latin-1"))
        found = Validators(head.get(b"etag", b""), head.get(b"last-modified", b""))
        return Answer(self._status, url, self._headers, body, started, ended, wire=len(body), date=date, validators=found)
