"""The door in front of everything that is served: who may ask (Host, Origin, size), and the headers of every answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 16 * 1024
"""Bytes of a request's body; the largest action is a URL and a name."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
_SAFE = ("GET", "HEAD", "OPTIONS")


class Guard:
    """ASGI middleware: refuses foreign hosts (421), cross-site writes (403) and large bodies (413, 411).

    A name that a stranger's DNS points at loopback is a foreign host: that is what the allow-list is for.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(hostname(host) for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        send = _dressed(send)
        refused = self._refusal(Headers(scope=scope), scope["method"])
        if refused:
            await _refuse(send, *refused)
        elif scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _bodiless(send))
        else:
            await self._app(scope, receive, send)

    def _refusal(self, headers: Headers, method: str) -> tuple[int, str, str] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hostname(hosts[0]) not in self._hosts:
            return 421, "foreign_host", "open the status page by the name or address that [syncd].listen or hosts gives"
        if method in _SAFE:
            return None
        if not _same_site(headers, hosts[0]):
            return 403, "cross_site", "send this from the status page itself or from a program, not from another site"
        return _oversize(headers)


def hostname(host: str) -> str:
    """The name of a Host header without its port, lower case; "" when it isn't one."""
    try:
        return urlsplit(f"//{host}").hostname or "" if not set(host) & set("/?#@ \\") else ""
    except ValueError:
        return ""


def _same_site(headers: Headers, host: str) -> bool:
    fetch = headers.get("sec-fetch-site", "none")
    origin = headers.get("origin")
    return fetch in ("same-origin", "none") and (origin is None or urlsplit(origin).netloc == host)


def _oversize(headers: Headers) -> tuple[int, str, str] | None:
    length = headers.get("content-length")
    if length is None and "transfer-encoding" in headers:
        return 411, "length_required", "send the body with a Content-Length"
    if length is not None and not (length.isascii() and length.isdigit() and int(length[:12]) <= MAX_BODY):
        return 413, "too_large", f"send at most {MAX_BODY} bytes"
    return None


def _dressed(send: Send) -> Send:
    async def dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return dressed


def _bodiless(send: Send) -> Send:
    async def bodiless(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return bodiless


async def _refuse(send: Send, status: int, reason: str, hint: str) -> None:
    body = json.dumps({"reason": reason, "hint": hint, "where": "", "message": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
