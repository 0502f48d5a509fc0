"""The way between an adapter and its CMS, of which a test decides at which call what goes wrong, and where the process dies."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from syncd.errors import NotApplied, ReadFailed, Unknown
from syncd.testing.faults import Crash
from syncd.web.api import Answer, Client, Limits, Validators
from syncd.web.urls import redacted

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT", "SEARCH"})
"""Methods that change nothing."""
PAUSE = 7.0
"""Seconds that a 429 asks for in the one form of Retry-After, ..."""
PAUSE_DATE = 90.0
"""... and in the form of a date."""
DOUBTFUL = ("lost_before", "lost_after", "cut_answer", "cut_text", "page200", "wall200", "error500_after", "bad_gateway")
"""After them nobody knows whether the CMS has acted: the request lost; the answer lost; cut on the way; good but for half
of its text; a page with 200 in its place; a firewall's page with 200 before it; 500 after the commit; 502 of a gateway."""
REFUSALS = (
    "refused", "limited", "limited_date", "limited_unsaid", "unavailable", "unauthorized", "forbidden", "login_redirect",
    "too_large", "no_such_page",
)
"""The CMS has done nothing: no connection; 429 that names seconds, a date, nothing; 503 with Retry-After; 401; 403;
a redirect to a log-in page; 413; a web server's own 404."""
DEATHS = ("die_before", "die_after")
"""The process ends right before, right after the call."""
WITHOUT_HTTP = ("refused", "lost_before", "lost_after", *DEATHS)
"""What can happen to a call that is no HTTP."""

_AFTER = frozenset({"lost_after", "cut_answer", "cut_text", "page200", "error500_after", "die_after", "slow"})
_SLOW = 0.25
_PAGE = (
    "<!DOCTYPE html><html><head><title>系统提示</title></head><body><h1>{}</h1><p>请求编号 17</p></body></html>"
)
_HTML, _JSON = {"content-type": "text/html; charset=utf-8"}, {"content-type": "application/json; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Step:
    """One call of an adapter to its CMS. n: 1 for the first since `Wire.restart`. name: such as "POST https://..."."""

    n: int
    name: str
    writes: bool


def nothing(step: Step) -> str:
    """The plan by which all is well."""
    return ""


@dataclass(slots=True)
class Wire:
    """Counts the calls and makes the planned thing happen to each.

    plan: the name of the fault for a step, "" for none. hit: the steps that a fault met. before: is awaited before each
    step. broken: the exception of a call without HTTP that fails, by whether it was sent. A process that died makes no call
    any more.
    """

    plan: Callable[[Step], str] = nothing
    before: Callable[[Step], Awaitable[None]] | None = None
    broken: Callable[[bool], BaseException] = lambda sent: ConnectionResetError("the connection broke")
    steps: list[Step] = field(default_factory=list)
    hit: list[Step] = field(default_factory=list)
    late: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)
    _is_dead: bool = False

    def restart(self, plan: Callable[[Step], str] = nothing, before: Callable[[Step], Awaitable[None]] | None = None) -> None:
        """Begin to count anew, with another plan; the process is alive again."""
        self.plan, self.before, self._is_dead = plan, before, False
        self.steps, self.hit = [], []

    def take(self, name: str, *, writes: bool) -> tuple[Step, str]:
        """Count a step; the fault that meets it. Raises Crash where the process is, or now gets, dead."""
        if self._is_dead:
            raise Crash(name)
        step = Step(len(self.steps) + 1, name, writes)
        self.steps.append(step)
        fault = self.plan(step)
        if fault:
            self.hit.append(step)
        if fault == "die_before":
            self.die(name)
        return step, fault

    def die(self, name: str) -> None:
        """The process ends here."""
        self._is_dead = True
        raise Crash(name)

    async def arrive(self) -> int:
        """Let the requests take effect that are late; returns how many."""
        come, self.late = self.late, []
        for act in come:
            await act()
        return len(come)

    @contextmanager
    def call(self, name: str, *, writes: bool = True) -> Iterator[None]:
        """Around one call of an adapter that doesn't speak HTTP, such as a command of git or the writing of a file."""
        step, fault = self.take(name, writes=writes)
        if self.before is not None:
            _in_a_thread(self.before, step)
        if fault in ("refused", "lost_before"):
            raise self.broken(fault == "lost_before")
        yield
        if fault == "die_after":
            self.die(name)
        if fault == "lost_after":
            raise self.broken(True)


def _in_a_thread(act: Callable[[Step], Awaitable[None]], step: Step) -> None:
    """Somebody else acts while the adapter's own code stands still; what fails there fails here."""
    failed: list[BaseException] = []

    async def acted() -> None:
        await act(step)

    def work() -> None:
        try:
            asyncio.run(acted())
        except BaseException as error:  # noqa: BLE001 - handed over to the caller, whatever it is
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


class LossyClient:
    """web.api.Client over another one, with a Wire. writes: whether a call changes something, by method, URL and body."""

    def __init__(
        self, client: Client, wire: Wire, now: Callable[[], datetime], writes: Callable[[str, str, bytes], bool]
    ) -> None:
        self._client, self._wire, self._now, self._writes = client, wire, now, writes

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.get."""

        async def send() -> Answer:
            return await self._client.get(url, validators=validators, headers=headers, limits=limits)

        try:
            return await self._exchange("GET", url, b"", send)
        except NotApplied as lost:
            raise ReadFailed(lost.reason, lost.message, hint=lost.hint, where=lost.where) from None

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.call."""

        async def send() -> Answer:
            return await self._client.call(method, url, headers=headers, body=body, limits=limits)

        return await self._exchange(method, url, body, send)

    async def _exchange(self, method: str, url: str, body: bytes, send: Callable[[], Awaitable[Answer]]) -> Answer:
        step, fault = self._wire.take(f"{method} {redacted(url)}", writes=self._writes(method, url, body))
        if self._wire.before is not None:
            await self._wire.before(step)
        if fault and fault not in _AFTER:
            return self._unsent(method, url, fault, send)
        answer = await send()
        return answer if not fault else await self._spoilt(method, url, fault, answer)

    def _unsent(self, method: str, url: str, fault: str, send: Callable[[], Awaitable[Answer]]) -> Answer:
        """The request never reaches the CMS, or much later."""
        if fault == "refused":
            raise NotApplied("connect", "no connection", where=redacted(url), hint="is the server up?")
        if fault == "late":
            self._wire.late.append(send)
        if fault in ("late", "lost_before"):
            raise _lost(method, url, "timeout")
        return refusal(fault, url, self._now())

    async def _spoilt(self, method: str, url: str, fault: str, answer: Answer) -> Answer:
        """The CMS has acted; what becomes of its answer."""
        match fault:
            case "slow":
                await asyncio.sleep(_SLOW)
                return answer
            case "die_after":
                self._wire.die(f"{method} {url}")
            case "lost_after" | "cut_answer":
                raise _lost(method, url, "closed" if fault == "lost_after" else "truncated")
            case "cut_text":
                half = answer.body[: len(answer.body) // 2]
                return Answer(answer.status, url, answer.headers, half, answer.started, answer.ended, date=answer.date)
        return refusal(fault, url, self._now())


def _lost(method: str, url: str, reason: str) -> NotApplied | Unknown:
    kind = NotApplied if method in SAFE else Unknown
    return kind(reason, "no complete answer came", where=redacted(url), hint="it is tried again by itself")


def refusal(fault: str, url: str, now: datetime) -> Answer:
    """What is answered in the CMS's place."""
    until = format_datetime(now + timedelta(seconds=PAUSE_DATE), usegmt=True)
    status, headers, body = {
        "page200": (200, _HTML, _PAGE.format("系统维护中")),
        "wall200": (200, _HTML, _PAGE.format("您的请求已被拦截")),
        "error500_after": (500, _HTML, _PAGE.format("Fatal error")),
        "bad_gateway": (502, _HTML, _PAGE.format("502 Bad Gateway")),
        "limited": (429, _JSON | {"retry-after": f"{PAUSE:.0f}"}, '{"error": "too many requests"}'),
        "limited_date": (429, _JSON | {"retry-after": until}, '{"error": "too many requests"}'),
        "limited_unsaid": (429, _JSON, '{"error": "too many requests"}'),
        "unavailable": (503, _HTML | {"retry-after": f"{PAUSE:.0f}"}, _PAGE.format("正在维护")),
        "unauthorized": (401, _JSON, '{"error": "who are you"}'),
        "forbidden": (403, _JSON, '{"error": "not for you"}'),
        "login_redirect": (302, _HTML | {"location": "/login?next=api"}, _PAGE.format("请登录")),
        "too_large": (413, _HTML, _PAGE.format("413 Request Entity Too Large")),
        "no_such_page": (404, _HTML, _PAGE.format("404 Not Found")),
    }[fault]
    told = headers | {"date": format_datetime(now, usegmt=True)}
    names = tuple((name.encode(), value.encode()) for name, value in told.items())
    return Answer(status, url, names, body.encode(), now, now, date=now.replace(microsecond=0))
