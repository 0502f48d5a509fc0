"""A network in memory: web.api's Exchange over in-process handlers, with faults, late requests and crashes."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from syncd.errors import NotApplied, ReadFailed, Unknown
from syncd.testing.clock import ManualClock
from syncd.testing.faults import CALL_FAULTS, GET_FAULTS, Faults
from syncd.web.api import Answer, Client, Guard, Limits, Network, Validators

Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, Mapping[str, str], bytes, datetime], Reply]

_DEADLINE = 30.0
_MIRROR = 3
_ERROR_PAGE = "<html><head><title>系统提示</title></head><body><h1>系统维护中</h1></body></html>".encode()
_NONE, _DIRECT, _PUBLIC = Validators(), Network(), Guard()
_SAFE = ("GET", "HEAD")


class Effects(Protocol):
    """Is told of every effect on the world just before and after it; may raise faults.Crash there."""

    def __call__(self, name: str) -> None: ...


@dataclass(slots=True)
class Wires:
    """What outlives a crash of the process: servers by host, and requests that are still under way.

    latest: seconds after which no request takes effect any more. down: host -> monotonic end of its outage.
    locked: host -> monotonic end of a time in which it answers 401. watch: is told of each complete good answer.
    gaps: host -> seconds that it wants between two requests.
    """

    clock: ManualClock
    faults: Faults
    servers: dict[str, Handler] = field(default_factory=dict)
    latest: float = 300.0
    down: dict[str, float] = field(default_factory=dict)
    locked: dict[str, float] = field(default_factory=dict)
    gaps: dict[str, float] = field(default_factory=dict)
    watch: Callable[[str, str, Answer], None] = field(default=lambda method, url, answer: None)
    _late: list[tuple[float, Callable[[], object]]] = field(default_factory=list)
    _mirror: dict[str, deque[Reply]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_MIRROR)))

    def serve(self, url: str, method: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The request takes effect now."""
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.servers[parts.netloc](method, path, headers, body, self.clock.true)

    def later(self, act: Callable[[], object]) -> None:
        """Do it at some moment before `latest` seconds are over."""
        self._late.append((self.clock.monotonic() + self.faults.dice.uniform(1.0, self.latest), act))

    def arrive(self) -> int:
        """Let the late requests take effect whose time has come; returns how many."""
        come = sorted((item for item in self._late if item[0] <= self.clock.monotonic()), key=lambda item: item[0])
        self._late = [item for item in self._late if item[0] > self.clock.monotonic()]
        for _, act in come:
            act()
        return len(come)

    def is_down(self, host: str) -> bool:
        return self.down.get(host, 0.0) > self.clock.monotonic()

    def is_locked(self, host: str) -> bool:
        return self.locked.get(host, 0.0) > self.clock.monotonic()

    def mirrored(self, url: str, reply: Reply) -> Reply:
        """An older answer if there was one, else this one."""
        kept = self._mirror[url]
        if reply[0] == 200 and (not kept or kept[-1][2] != reply[2]):
            kept.append(reply)
        return kept[0] if kept else reply


class FakeExchange:
    """web.api.Exchange for one life of the process. effect: see Effects; it belongs to this life."""

    def __init__(self, wires: Wires, effect: Effects = lambda name: None) -> None:
        self._wires = wires
        self._effect = effect

    def client(self, owner: str, network: Network = _DIRECT, guard: Guard = _PUBLIC) -> Client:
        """All clients are alike: settings and guard are the real network's business."""
        return FakeClient(self._wires, self._effect)

    def slow(self, host: str, gap: float) -> None:
        """The gap is noted: time here passes only when it is told to."""
        self._wires.gaps[host] = gap

    async def aclose(self) -> None:
        """Nothing is kept open."""


class FakeClient:
    """web.api.Client over the wires."""

    def __init__(self, wires: Wires, effect: Effects) -> None:
        self._wires = wires
        self._effect = effect

    async def get(
        self, url: str, *, validators: Validators = _NONE, headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.get."""
        await asyncio.sleep(0)
        self._wires.arrive()
        self._effect(f"get {url}")
        started = self._wires.clock.now()
        fault = self._wires.faults.draw(GET_FAULTS)
        sent = {"accept-encoding": "gzip", **_lower(headers), **_conditions(validators)}
        reply = self._wires.mirrored(url, self._serve_get(url, sent)) if fault == "get_stale" else None
        reply = reply or self._broken_get(fault, url) or self._remember(url, self._serve_get(url, sent))
        if fault:
            self._wires.faults.strike(fault)
        answer = self._answer(url, reply, started)
        if not fault:
            self._wires.watch("GET", url, answer)
        self._effect(f"got {answer.status} {fault}")
        return answer

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.call."""
        await asyncio.sleep(0)
        self._wires.arrive()
        self._effect(f"call {method} {url}")
        started = self._wires.clock.now()
        fault = self._wires.faults.draw(CALL_FAULTS)
        reply = self._call(method, url, _lower(headers), body, fault)
        self._effect(f"called {reply[0]} {fault}")
        answer = self._answer(url, reply, started)
        if not fault:
            self._wires.watch(method, url, answer)
        return answer

    def _serve_get(self, url: str, headers: Mapping[str, str]) -> Reply:
        host = urlsplit(url).netloc
        if host not in self._wires.servers or self._wires.is_down(host):
            self._wires.faults.strike("down")
            raise ReadFailed("connect", f"{host} can't be reached", where=url)
        return self._wires.serve(url, "GET", headers, b"")

    def _remember(self, url: str, reply: Reply) -> Reply:
        self._wires.mirrored(url, reply)
        return reply

    def _broken_get(self, fault: str, url: str) -> Reply | None:
        match fault:
            case "get_refused":
                self._wires.faults.strike(fault)
                raise ReadFailed("connect", "no connection", where=url)
            case "get_cut":
                self._wires.faults.strike(fault)
                raise ReadFailed("truncated", "the body was cut", where=url)
            case "get_page200":
                return 200, {"content-type": "text/html; charset=utf-8"}, _ERROR_PAGE
            case "get_error":
                return 503, {"content-type": "text/html", "retry-after": "60"}, b"busy"
        return None

    def _call(self, method: str, url: str, headers: Mapping[str, str], body: bytes, fault: str) -> Reply:
        host = urlsplit(url).netloc
        if fault == "refused" or self._wires.is_down(host):
            self._wires.faults.strike(fault or "down")
            raise NotApplied("connect", f"{host} can't be reached", where=url)
        if self._wires.is_locked(host):
            self._wires.faults.strike("locked")
            return 401, {"content-type": "application/json"}, b'{"error": "not_logged_in"}'
        if fault:
            self._wires.faults.strike(fault)
        return self._answered(method, url, headers, body, fault)

    def _answered(self, method: str, url: str, headers: Mapping[str, str], body: bytes, fault: str) -> Reply:
        match fault:
            case "lost_before":
                raise self._lost(method, "timeout", url)
            case "bad_gateway":
                return 502, {"content-type": "text/html"}, b"<html><title>502 Bad Gateway</title></html>"
            case "limited":
                return 429, {"content-type": "application/json", "retry-after": "120"}, b'{"error": "slow_down"}'
            case "late" if method not in _SAFE:
                self._wires.later(lambda: self._wires.serve(url, method, headers, body))
                raise self._lost(method, "timeout", url)
        reply = self._wires.serve(url, method, headers, body)
        self._effect("committed")
        match fault:
            case "lost_after" | "late":
                raise self._lost(method, "closed", url)
            case "cut_answer":
                raise self._lost(method, "truncated", url)
            case "page200":
                return 200, {"content-type": "text/html; charset=utf-8"}, _ERROR_PAGE
            case "error500_after":
                return 500, {"content-type": "text/html"}, b"<html><title>Fatal error</title></html>"
        return reply

    def _lost(self, method: str, reason: str, url: str) -> NotApplied | Unknown:
        """The client waited in vain."""
        self._wires.clock.advance(_DEADLINE if reason == "timeout" else 1.0)
        return (NotApplied if method in _SAFE else Unknown)(reason, where=url)

    def _answer(self, url: str, reply: Reply, started: datetime) -> Answer:
        self._wires.clock.advance(0.2)
        status, headers, body = reply
        names = tuple((name.encode(), value.encode()) for name, value in headers.items())
        found = Validators(headers.get("etag", "").encode(), headers.get("last-modified", "").encode())
        return Answer(
            status, url, names, body, started, self._wires.clock.now(), wire=len(body) + 200,
            date=self._wires.clock.true, validators=found,
        )


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _conditions(validators: Validators) -> dict[str, str]:
    told = {"if-none-match": validators.etag.decode(), "if-modified-since": validators.last_modified.decode()}
    return {name: value for name, value in told.items() if value}
