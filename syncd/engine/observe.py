"""Observed sites: reposts that people made are found on the site's public list, by 文号 and title, and clocked."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.content.text import text_of
from syncd.core import repost as machine
from syncd.core.adopt import Candidate, match
from syncd.core.changes import changes
from syncd.engine.deps import Deps, SiteUnit
from syncd.engine.pool import Pool
from syncd.engine.send import print_of
from syncd.errors import Stale, SyncdError
from syncd.model import Content, Event, RemoteDoc, Repost
from syncd.store.api import Filter, Store

OPEN = 200
"""How many open reposts of a site are looked for at once, the newest first."""
EVERY = 300.0
"""Seconds from the start of one look at a site to the next."""


class Observer:
    """Looks at the lists of observed sites for what has not been found there yet, each site in a task of its own."""

    def __init__(self, deps: Deps, pool: Pool) -> None:
        self.deps = deps
        self.pool = pool
        self._next: dict[str, float] = {}

    async def tick(self) -> int:
        """Start a look at every site whose turn it is; returns how many were started."""
        due = [site for site in self.deps.sites.values() if self._is_due(site)][: self.pool.free]
        for site in due:
            self._next[site.name] = self.deps.clock.monotonic() + EVERY
            self.pool.start(site.name, self._look(site))
        return len(due)

    def _is_due(self, site: SiteUnit) -> bool:
        if site.adapter.capabilities.posts or site.name in self.pool or not site.gate.free:
            return False
        return self.deps.clock.monotonic() >= self._next.get(site.name, float("-inf"))

    async def _look(self, site: SiteUnit) -> None:
        """Adopt what people posted on one site."""
        found = await self.deps.store.reposts(Filter(site=site.name, open=True, limit=OPEN))
        open_reposts = [repost for repost, _ in found if not repost.sent]
        if not open_reposts:
            return
        try:
            candidates = await shown(site)
        except SyncdError as error:
            self._failed(site, error.reason, error.hint)
            return
        except Exception as error:  # a bug in an adapter is the failure of this site alone, and is told
            self.deps.log.error("adapter_bug", site=site.name, error=type(error).__name__, exc_info=True)
            self._failed(site, "adapter_bug", "report this to the adapter's author with the log")
            return
        site.gate.well()
        for repost in open_reposts:
            await self._adopt(site, repost, candidates)

    def _failed(self, site: SiteUnit, reason: str, hint: str) -> None:
        site.gate.failed(reason, hint)
        self.deps.meter.failure("observe", reason)
        self.deps.meter.site_state(site.name, site.gate.state)

    async def _adopt(self, site: SiteUnit, repost: Repost, candidates: Sequence[Candidate]) -> None:
        content = (await self.deps.store.revision(repost.document, repost.wanted)).content
        found = _match(content, candidates)
        if found is None:
            return
        stored = print_of(found.title, found.html)
        shown_now = await newest_shown(self.deps.store, repost)
        after = machine.adopt(repost, found.ref, stored=stored, now=self.deps.now, n=shown_now)
        told = Event(
            "adopted", self.deps.clock.instant(), repost.document, repost.id, repost.wanted, reason="found_on_list"
        )
        try:
            await self.deps.store.save(after, (told, *changes(repost, after, self.deps.clock.instant())))
        except Stale:
            return
        self.deps.wake("work")


async def newest_shown(store: Store, repost: Repost) -> int:
    """The newest wanted revision that is no withdrawal: what a page that is public can be a repost of."""
    for n in range(repost.wanted, 0, -1):
        if not (await store.revision(repost.document, n)).withdrawn:
            return n
    return repost.wanted


async def shown(site: SiteUnit) -> list[Candidate]:
    """The pages on the site's public list. Raises AdapterError."""
    pages = site.adapter.list("")  # type: ignore[attr-defined]  # an observing adapter lists
    return [Candidate(doc, text_of(doc.html)) async for doc in pages]


async def find_on(deps: Deps, site: SiteUnit, repost: Repost) -> RemoteDoc | None:
    """The page of the site's list that reposts it, or None."""
    content = (await deps.store.revision(repost.document, repost.wanted)).content
    return _match(content, await shown(site))


def _match(content: Content, candidates: Sequence[Candidate]) -> RemoteDoc | None:
    found = match(content.title, content.document_number, candidates)
    return found.doc if found else None
