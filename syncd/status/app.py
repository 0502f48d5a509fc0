"""The FastAPI application: the guard, the API, the pages, and how failures are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import syncd
from syncd.errors import NotFound, StoreError, SyncdError
from syncd.status.api import Desk
from syncd.status.guard import HEADERS, Guard
from syncd.status.pages import Pages
from syncd.status.routes import action_routes, health_routes, read_routes
from syncd.status.server import serve

__all__ = ["create_app", "serve", "told"]

Export = Callable[[Mapping[str, Any]], bytes]



def create_app(
    desk: Desk, *, metrics: Callable[[], bytes], token: str | None, allowed_hosts: Sequence[str],
    now: Callable[[], datetime], zone: str = "Asia/Shanghai", report_csv: Export | None = None,
) -> FastAPI:
    """The status application.

    token: what an action must show; None or "" refuses all actions. allowed_hosts: names by which it may be asked for,
    with or without a port. zone: in which the pages show times. report_csv: makes the CSV of Desk.report's answer.
    """
    app = FastAPI(
        title="syncd", version=getattr(syncd, "__version__", ""), docs_url=None, redoc_url=None,
        openapi_url="/api/v1/openapi.json", description="Status of the reposts of central policy. Times are ISO 8601.",
    )
    pages = Pages(desk, now=now, zone=zone, csv=report_csv is not None)
    app.include_router(health_routes(desk, metrics))
    app.include_router(read_routes(desk, report_csv))
    app.include_router(action_routes(desk, token))
    app.include_router(pages.routes())
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    _handle_failures(app, pages)
    app.add_middleware(Guard, allowed_hosts=allowed_hosts)
    return app


def _handle_failures(app: FastAPI, pages: Pages) -> None:
    async def answer(request: Request, exc: Exception) -> Response:
        status, words = told(exc)
        headers = {**HEADERS, **(getattr(exc, "headers", None) or {})}  # the answer to a bug does not pass the guard
        if _is_page(request):
            return pages.failure(request, status, words, headers)
        return JSONResponse(words, status, headers=headers)

    for kind in (SyncdError, TimeoutError, HTTPException, RequestValidationError, Exception):
        app.add_exception_handler(kind, answer)


def _is_page(request: Request) -> bool:
    """A browser's question; of the addresses of pages also anybody's who doesn't ask for JSON."""
    path = request.url.path
    machine = path.startswith(("/api/", "/metrics", "/healthz", "/readyz", "/static/"))
    accept = request.headers.get("accept", "")
    page = path.startswith(("/report", "/reposts/", "/sources")) and "json" not in accept
    return not machine and (page or "text/html" in accept)


def told(exc: Exception) -> tuple[int, dict[str, str]]:
    """HTTP status and words of a failure; of a bug nothing but that it is one."""
    if isinstance(exc, SyncdError):
        return _status(exc), _words(exc.reason, exc.hint, where=exc.where, message=exc.message)
    if isinstance(exc, RequestValidationError):
        return 422, _invalid(exc)
    if isinstance(exc, HTTPException):
        return exc.status_code, _refused(exc)
    if isinstance(exc, TimeoutError):
        return 503, _words("slow", "the daemon did not answer in time; look at its log")
    return 500, _words("bug", "this is a mistake in syncd; its log has the details, please report it")


def _status(exc: SyncdError) -> int:
    if isinstance(exc, NotFound) or exc.reason in ("missing", "not_found") or exc.reason.startswith("unknown_"):
        return 404
    return 503 if isinstance(exc, StoreError) and exc.reason != "stale" else 409


def _refused(exc: HTTPException) -> dict[str, str]:
    if isinstance(exc.detail, dict):
        return _words(**exc.detail)
    reasons = {404: "not_found", 405: "method_not_allowed"}
    hint = "see /api/v1/openapi.json for what can be asked"
    return _words(reasons.get(exc.status_code, "refused"), hint, message=exc.detail)


def _invalid(exc: RequestValidationError) -> dict[str, str]:
    first = exc.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    return _words("invalid", "see /api/v1/openapi.json for what can be sent", where=place, message=str(first["msg"]))


def _words(reason: str, hint: str = "", *, where: str = "", message: str = "") -> dict[str, str]:
    return {"reason": reason, "hint": hint, "where": where, "message": message or reason}
