"""What the stages are given: everything that they touch, made by the composition root and swapped whole on reload."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from syncd.adapters.api import Adapter
from syncd.adapters.wall.faults import Fault
from syncd.content.api import BlobStore, Builder, Fetched, FileLimits
from syncd.core import schedule
from syncd.core.detect import Limits
from syncd.engine.clock import Clock
from syncd.engine.gate import Gate, Quiet
from syncd.model import AttachmentLink, Route
from syncd.sources.api import Source
from syncd.store.api import Store
from syncd.web.api import Client


class FileFetcher(Protocol):
    async def fetch(self, links: Sequence[AttachmentLink], client: Client, limits: FileLimits) -> Fetched: ...


class Log(Protocol):
    """What the stages need of a structlog logger."""

    def info(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...


class Meter(Protocol):
    """What the stages count; syncd.metrics.Metrics is it."""

    def poll(self, source: str, outcome: str) -> None: ...
    def push(self, source: str, outcome: str) -> None: ...
    def failure(self, stage: str, reason: str) -> None: ...
    def entries(self, source: str, change: str, count: int) -> None: ...
    def outcome(self, site: str, outcome: str, reason: str) -> None: ...
    def stage_seconds(self, stage: str, seconds: float) -> None: ...
    def site_state(self, site: str, state: str) -> None: ...
    def verdict(self, site: str, verdict: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Habits:
    """How a source is read; thousands that are alike share one. every: seconds. pages: of one list, at most.

    slowest: seconds to which its own rhythm may slow reads down, None for not at all. courtesy: seconds to which its wishes
    may. zone: of its rhythm. push: "auto" (at the hub that the list names), "off", or a hub's address.
    """

    every: float = 300.0
    limits: Limits = Limits()
    relook: tuple[float, ...] = (3600.0, 86400.0, 604800.0)
    pages: int = 10
    slowest: float | None = None
    courtesy: float = schedule.TTL_CAP
    zone: str = "Asia/Shanghai"
    push: str = "auto"


@dataclass(frozen=True, slots=True)
class SourceUnit:
    """A configured source with its plug-in and its way out. sites: those that a route feeds from it.

    robots: asks what its host's robots.txt says of it. hub: the way out to the hub, None: that to the list.
    """

    name: str
    kind: str
    url: str
    source: Source
    client: Client
    habits: Habits = Habits()
    sites: tuple[str, ...] = ()
    robots: Callable[[], Awaitable[str]] | None = None
    hub: Client | None = None


@dataclass(frozen=True, slots=True)
class SiteUnit:
    """A configured site with its adapter and the anonymous way to its public pages. settle: seconds (design section 4).

    trouble: how its adapter failed by itself, None if it does not.
    """

    name: str
    adapter: Adapter
    look: Client
    gate: Gate
    public_url: str
    settle: float = 600.0
    vantage: str = "outside"
    site_name: str = ""
    site_id: str = ""
    trouble: Callable[[], Fault | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Callback:
    """Where hubs reach us. url: public, without a slash at its end. token: makes unguessable text. client: the way out to
    hubs of lists that are not configured any more."""

    url: str
    token: Callable[[], str]
    client: Client


@dataclass(slots=True)
class Deps:
    """One configuration at work. generation: grows with each change of the routes."""

    store: Store
    clock: Clock
    dice: random.Random
    sources: Mapping[str, SourceUnit]
    sites: Mapping[str, SiteUnit]
    routes: Sequence[Route]
    builder: Builder
    files: FileFetcher
    blobs: BlobStore
    log: Log
    meter: Meter
    generation: int = 0
    file_limits: FileLimits = FileLimits()
    revisions_per_day: int = 5
    push: Callback | None = None
    wake: Callable[[str], None] = field(default=lambda stage: None)
    quiet: Quiet = field(init=False)

    def __post_init__(self) -> None:
        self.quiet = Quiet(self.clock.monotonic)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def route(self, name: str) -> Route | None:
        return next((r for r in self.routes if r.name == name), None)

    def backoff(self, tries: int, *, first: float = 30.0, cap: float = 3600.0) -> float:
        """Seconds to wait after so many failures in a row."""
        return schedule.backoff(tries, self.dice.random(), first=first, cap=cap)
