"""The relay's own server: the sealed feed and what it leads to, each by its hash; nothing else can be asked of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from fastapi import FastAPI, HTTPException, Request
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import JSONResponse, Response

from syncd.errors import SyncdError
from syncd.relay import wire
from syncd.status.app import told
from syncd.status.guard import HEADERS

_ATOM = "application/atom+xml; charset=utf-8"
_FOR_GOOD = "public, max-age=31536000, immutable"


class Issued(Protocol):
    @property
    def serial(self) -> int: ...
    @property
    def body(self) -> bytes: ...


class Relay(Protocol):
    """What it serves; syncd.app.relay.Publisher is it."""

    async def issue(self) -> Issued: ...
    async def read(self, sha256: str) -> bytes | None: ...


def create_relay(relay: Callable[[], Relay]) -> FastAPI:
    """The relay's application. relay: the one that is in force when it is asked."""
    app = FastAPI(title="syncd relay", docs_url=None, redoc_url=None, openapi_url=None)

    @app.api_route(f"/relay/{wire.FEED_FILE}", methods=["GET", "HEAD"])
    async def feed(request: Request) -> Response:
        issue = await relay().issue()
        return _answer(request, issue.body, f'"{issue.serial}"', _ATOM, "no-cache")

    @app.api_route(f"/relay/{wire.OBJECTS}/{{start}}/{{sha256}}", methods=["GET", "HEAD"])
    async def named(request: Request, start: str, sha256: str) -> Response:
        known = wire.is_hash(sha256) and sha256.startswith(start) and len(start) == 2
        body = await relay().read(sha256) if known else None
        if body is None:
            raise HTTPException(404, {"reason": "not_found", "hint": "read the feed again: it names what there is"})
        return _answer(request, body, f'"{sha256}"', "application/octet-stream", _FOR_GOOD)

    _tell_failures(app)
    return app


def _answer(request: Request, body: bytes, etag: str, kind: str, keep: str) -> Response:
    headers: Mapping[str, str] = {**HEADERS, "ETag": etag, "Cache-Control": keep}
    asked = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if etag in asked:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=kind, headers=headers)


def _tell_failures(app: FastAPI) -> None:
    async def answer(_: Request, error: Exception) -> Response:
        status, words = told(error)
        return JSONResponse(words, status, headers=HEADERS)

    for kind in (SyncdError, AnyHTTPException, Exception):
        app.add_exception_handler(kind, answer)
