"""The routes for machines: health, metrics, and the API under /api/v1."""

from __future__ import annotations

import asyncio
import hmac
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from syncd.errors import SyncdError
from syncd.status.api import (
    Adoption,
    Answer,
    Approval,
    Desk,
    Done,
    Explanation,
    Failure,
    Health,
    Rejection,
    ReportFigures,
    RepostRow,
    Retry,
    SourceState,
    Status,
    Withdrawal,
)

PATIENCE = 10.0
"""Seconds within which a living daemon answers."""
Id = Annotated[int, Path(ge=1, le=2**63 - 1)]
Month = Annotated[str, Query(pattern=r"^[1-9][0-9]{3}-(0[1-9]|1[0-2])$", description="YYYY-MM")]
_FAILURES: dict[int | str, dict[str, Any]] = {code: {"model": Failure} for code in (404, 409, 422, 503)}
_DENIALS: dict[int | str, dict[str, Any]] = {code: {"model": Failure} for code in (401, 403)}


def health_routes(desk: Desk, metrics: Callable[[], bytes]) -> APIRouter:
    """/healthz: is it alive; /readyz: can it do its work; /metrics: Prometheus text."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=Health, responses={503: {"model": Health}})
    async def healthz() -> Response:
        """200 while the process answers and its loop makes progress, also with a store that is down."""
        return _health(*await _asked(desk, "healthy", alive=True))

    @router.get("/readyz", response_model=Health, responses={503: {"model": Health}})
    async def readyz() -> Response:
        """200 when the config is good and the store can be written, else 503 and why."""
        return _health(*await _asked(desk, "ready", alive=False))

    @router.get("/metrics", response_class=Response)
    async def page() -> Response:
        return Response(metrics(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


async def _asked(desk: Desk, word: str, *, alive: bool) -> tuple[bool, list[dict[str, str]]]:
    """alive: an expected failure still proves a living process, but never a ready one."""
    try:
        async with asyncio.timeout(PATIENCE):
            status = Status.model_validate(await desk.status())
    except SyncdError as exc:
        return alive, [{"reason": exc.reason, "hint": exc.hint, "where": exc.where}]
    except TimeoutError:
        return False, [{"reason": "slow", "hint": "the daemon does not answer; look at its log", "where": ""}]
    return bool(getattr(status, word)), [problem.model_dump() for problem in status.problems]


def _health(ok: bool, problems: list[dict[str, str]]) -> Response:
    return JSONResponse({"ok": ok, "problems": problems}, 200 if ok else 503)


def read_routes(desk: Desk, report_csv: Callable[[Mapping[str, Any]], bytes] | None) -> APIRouter:
    """What can be asked; the answers are the Desk's own, unchanged."""
    router = APIRouter(prefix="/api/v1", tags=["status"], responses=_FAILURES)

    @router.get("/status", response_model=Status)
    async def status() -> Response:
        return await _answer(desk.status())

    @router.get("/reposts", response_model=list[RepostRow])
    async def reposts(attention: bool = False, site: str = "") -> Response:
        return await _answer(desk.reposts(attention, site))

    @router.get("/reposts/{id}", response_model=Explanation)
    async def explain(id: Id) -> Response:
        return await _answer(desk.explain(id))

    @router.get("/sources", response_model=list[SourceState])
    async def sources() -> Response:
        return _json((await within(desk.status()))["sources"])

    @router.get("/report", response_model=ReportFigures)
    async def report(month: Month) -> Response:
        return await _answer(desk.report(month))

    if report_csv is not None:
        _add_csv(router, desk, report_csv)
    return router


def _add_csv(router: APIRouter, desk: Desk, report_csv: Callable[[Mapping[str, Any]], bytes]) -> None:
    @router.get("/report.csv", response_class=Response)
    async def table(month: Month) -> Response:
        """The same report for a spreadsheet: UTF-8 with BOM."""
        body = report_csv(await within(desk.report(month)))
        headers = {"Content-Disposition": f'attachment; filename="syncd-{month}.csv"'}
        return Response(body, media_type="text/csv; charset=utf-8", headers=headers)


def action_routes(desk: Desk, token: str | None) -> APIRouter:
    """What can be done, by who shows the token."""
    needs = [Depends(_keeper(token))]
    router = APIRouter(prefix="/api/v1", tags=["actions"], dependencies=needs, responses={**_FAILURES, **_DENIALS})

    @router.post("/reposts/{id}/approve", response_model=Done)
    async def approve(id: Id, body: Approval) -> Response:
        """Approve the newest revision of this repost."""
        return await _answer(desk.approve(id, None, body.actor))

    @router.post("/reposts/{id}/reject", response_model=Done)
    async def reject(id: Id, body: Rejection) -> Response:
        return await _answer(desk.reject(id, body.reason, body.actor))

    @router.post("/reposts/{id}/retry", response_model=Done)
    async def retry(id: Id, body: Retry) -> Response:
        return await _answer(desk.retry(id, body.overwrite, body.actor))

    @router.post("/reposts/{id}/adopt", response_model=Done)
    async def adopt(id: Id, body: Adoption) -> Response:
        """The post at this address is the repost, made by a person."""
        return await _answer(desk.adopt(id, body.url, body.actor))

    @router.post("/reposts/{id}/withdraw", response_model=Done)
    async def withdraw(id: Id, body: Withdrawal) -> Response:
        """The whole document, from all its sites; with `undo` the order is lifted."""
        return await _answer(desk.withdraw(id, body.actor, body.reason, body.undo))

    _add_source_actions(router, desk)
    return router


def _add_source_actions(router: APIRouter, desk: Desk) -> None:
    @router.post("/sources/{name}/approve", response_model=Done)
    async def release(name: str, body: Approval) -> Response:
        """Release what is held at this source."""
        return await _answer(desk.approve(None, name, body.actor))

    @router.post("/sources/{name}/reject", response_model=Done)
    async def drop(name: str, body: Rejection) -> Response:
        """What is held at this source is never reposted."""
        return await _answer(desk.reject(None, body.reason, body.actor, name))


async def within(asked: Coroutine[Any, Any, Any]) -> Any:
    """The Desk's answer within PATIENCE, else TimeoutError."""
    async with asyncio.timeout(PATIENCE):
        return await asked


async def _answer(asked: Coroutine[Any, Any, Answer | list[Answer]]) -> Response:
    return _json(await within(asked))


def _json(value: Any) -> Response:
    return JSONResponse(finite(value))


def finite(value: Any) -> Any:
    """The same with null for what JSON has no number for (an infinite latency: nobody knows)."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(one) for key, one in value.items()}
    return [finite(one) for one in value] if isinstance(value, list | tuple) else value


def _keeper(token: str | None) -> Callable[[Request], None]:
    def keeper(request: Request) -> None:
        if not token:
            raise _denied(403, "actions_disabled", "no token is configured; use the command line on the machine itself")
        shown = _shown(request)
        if not shown:
            raise _denied(401, "token_missing", "send Authorization: Bearer TOKEN")
        if not hmac.compare_digest(shown.encode(), token.encode()):
            raise _denied(403, "token_wrong", "send the token that [syncd] is configured with")

    return keeper


def _shown(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else request.headers.get("x-syncd-token", "")


def _denied(status: int, reason: str, hint: str) -> HTTPException:
    detail: Any = {"reason": reason, "hint": hint}
    return HTTPException(status, detail, {"WWW-Authenticate": "Bearer"} if status == 401 else None)
