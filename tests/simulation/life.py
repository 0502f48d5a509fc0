"""One life of the process: the real engine over the surviving database, until the dice kill it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from syncd.adapters.api import SiteConfig
from syncd.adapters.api import Tools as AdapterTools
from syncd.child import Inline
from syncd.content.build import ContentBuilder
from syncd.content.files import Files
from syncd.core.detect import Limits
from syncd.core.identity import normalise_number
from syncd.engine.clock import Clock
from syncd.engine.deps import Deps, Habits, SiteUnit, SourceUnit
from syncd.engine.engine import Engine
from syncd.engine.gate import Gate
from syncd.errors import StoreError
from syncd.model import Entry, Repost, Route
from syncd.sources.api import Listing, Page, SourceConfig
from syncd.sources.api import Tools as SourceTools
from syncd.sources.feed import FeedSource
from syncd.testing.fakecms import FakeAdapter, FakeOptions, Switches
from syncd.testing.faults import Crash
from syncd.testing.network import FakeExchange, Wires
from syncd.web.api import Answer
from tests.simulation.actors import number_in

SETTLE = 600.0
"""Longer than a request can still take effect (Wires.latest and its own 30 s)."""
_PAGES = {"full_text": "always", "body_selector": ".pages_content"}
OPTIONS = {"central": {}, "province": _PAGES, "library": _PAGES}
"""One list carries the whole text; of the others each document's page is read."""
_READS = frozenset(
    {"sources", "known", "starts", "due_pending", "pendings", "due_looks", "gone_recently", "unrouted",
     "unapproved", "due_reposts", "repost", "document", "revision", "reposts", "events", "story", "counts",
     "find_documents", "notes", "get", "referenced", "reads"},
)


class NumberedSource(FeedSource):
    """A list that tells 发文字号 with its texts: on its rows where they carry the text, else on the page only."""

    async def parse(self, answer: Answer) -> Listing:
        listing = await super().parse(answer)
        return replace(listing, entries=tuple(map(self._numbered, listing.entries)))

    def _numbered(self, entry: Entry) -> Entry:
        number = "" if self.page_of(entry) else number_in(entry.content_html)
        named = (f"number:{normalise_number(number)}",) if number else ()
        return replace(entry, document_number=number, aliases=(*named, *entry.aliases))

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        page = await super().read_page(entry, answer)
        return replace(page, document_number=number_in(page.html))


class Mortal:
    """The store as one life sees it: the process may die before and after each commit, the disk may be full, and the
    answer to a commit may be lost, as when a server is cut off in that moment."""

    def __init__(
        self, store: Any, effect: Callable[[str], None], full: Callable[[], bool], lost: Callable[[], bool]
    ) -> None:
        self._store, self._effect, self._full, self._lost = store, effect, full, lost

    def __getattr__(self, verb: str) -> Any:
        act = getattr(self._store, verb)
        if verb in _READS:
            return act

        async def write(*args: Any, **options: Any) -> Any:
            self._effect(f"commit {verb}")
            if self._full():
                raise StoreError("disk_full", "no space left", hint="make room")
            result = await act(*args, **options)
            if self._lost():
                raise StoreError("unavailable", "the connection was lost", hint="wait")
            self._effect(f"committed {verb}{_known_post(args[0]) if args else ''}")
            return result

        return write


def _known_post(row: object) -> str:
    """Which post at which site a committed row names."""
    return f" {row.site} {row.ref.id}" if isinstance(row, Repost) and row.ref else ""


class Silent:
    """A log and a meter that keep only what failed, for the trace."""

    def __init__(self, trace: Callable[[str], None]) -> None:
        self._trace = trace

    def bind(self, **fields: Any) -> Silent:
        return self

    def __getattr__(self, name: str) -> Callable[..., None]:
        return self._ignored

    def _ignored(self, *args: Any, **fields: Any) -> None:
        return None

    def warning(self, event: str, **fields: Any) -> None:
        self._trace(f"{event} {fields.get('reason', '')}")

    error = warning


class NoBlobs:
    """Evidence is not what is proven here."""

    def put(self, data: bytes) -> str:
        return ""

    def read(self, sha256: str) -> bytes:
        raise StoreError("blob_missing")

    def has(self, sha256: str) -> bool:
        return True


class Life:
    """The engine from a start to its death. effect: told of each effect, decides on death."""

    def __init__(
        self, *, store: Any, wires: Wires, sources: Sequence[tuple[str, str]], sites: dict[str, Switches],
        routes: Sequence[Route], dice: random.Random, strike: Callable[[str], bool], trace: Callable[[str], None],
        full: Callable[[], bool], lost: Callable[[], bool],
    ) -> None:
        self.dead = False
        self._strike, self._trace = strike, trace
        self.store = Mortal(store, self.effect, full, lost)
        self._web = FakeExchange(wires, self.effect)
        self._clock = Clock(wires.clock.now, wires.clock.monotonic)
        self._log = Silent(trace)
        fed = {name: tuple(dict.fromkeys(r.site for r in routes if name in r.sources)) for name, _ in sources}
        self.deps = Deps(
            store=self.store, clock=self._clock, dice=dice,  # type: ignore[arg-type]
            sources={name: self._source(name, url, fed[name]) for name, url in sources},
            sites={name: self._site(name, switches) for name, switches in sites.items()},
            routes=routes, builder=ContentBuilder(), files=Files(NoBlobs()), blobs=NoBlobs(), log=self._log,
            meter=self._log,  # type: ignore[arg-type]
        )
        self.engine: Engine = None  # type: ignore[assignment]

    def effect(self, name: str) -> None:
        """An effect on the world is about to happen or has happened."""
        if self.dead:
            raise Crash(name)
        self._trace(name)
        if self._strike(name):
            self.dead = True
            raise Crash(name)

    async def start(self, config: str) -> None:
        deps = self.deps
        deps.generation = await deps.store.configure(sorted(deps.sources), config, deps.now)
        self.engine = Engine(deps)
        await self.engine.start()

    async def bury(self) -> None:
        """Nothing of a dead process goes on."""
        self.dead = True
        rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)

    def _source(self, name: str, url: str, sites: tuple[str, ...]) -> SourceUnit:
        client = self._web.client(name)
        tools = SourceTools(client, Inline().run, self._clock.now)
        source = NumberedSource(SourceConfig(name, url, FeedSource.Options(**OPTIONS[name])), tools)
        return SourceUnit(name, "feed", url, source, client, Habits(limits=Limits(few=3)), sites)

    def _site(self, name: str, switches: Switches) -> SiteUnit:
        base = f"http://{name}.example"
        options = FakeOptions(
            api_url=base, unique=switches.unique, conditional_update=switches.conditional_update, html=switches.html,
            notice=switches.notice, unpublish=switches.unpublish,
        )
        tools = AdapterTools(self._web.client(name), self._clock.now, NoBlobs(), self._log)
        adapter = FakeAdapter(SiteConfig(name, base, "某县人民政府", options=options), tools)
        gate = Gate(self._clock.monotonic, adapter.capabilities.max_concurrency)
        return SiteUnit(name, adapter, self._web.client(f"{name}:look"), gate, base, settle=SETTLE)
