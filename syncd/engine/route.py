"""Stage route: documents times routes are reposts; a new revision, a new route and a new site are the same case."""

from __future__ import annotations

from collections.abc import Sequence

from syncd.core import routing
from syncd.core.identity import mint_key
from syncd.core.repost import held
from syncd.engine.approve import approved, approves_itself
from syncd.engine.deps import Deps
from syncd.errors import Stale
from syncd.model import Event, Repost
from syncd.store.api import Routable, Routed, Routing


class Router:
    """Brings the reposts of each document whose revision or whose config changed to what the routes want."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps

    @property
    def routing(self) -> Routing:
        """For the store: a reading is routed in the commit that records it."""
        return Routing(self.deps.generation, self.decide)

    async def tick(self) -> int:
        """Route what has not been routed, as after a change of the routes; returns how many documents."""
        found = await self.deps.store.unrouted(self.deps.generation, 100)
        for routable in found:
            await self._route(routable)
        if found:
            self.deps.wake("work")
        return len(found)

    async def _route(self, found: Routable) -> None:
        routed = self.decide(found)
        try:
            await self.deps.store.record_routing(
                found.document.id, found.revision.n, self.deps.generation, routed.reposts, routed.events
            )
        except Stale:
            self.deps.wake("route")
            return
        self.tell(routed.reposts)

    def tell(self, reposts: Sequence[Repost]) -> None:
        """Count what is wanted now."""
        for repost in reposts:
            self.deps.meter.outcome(repost.site, "wanted", "")

    def decide(self, found: Routable) -> Routed:
        """What the routes make of a document, with the approvals that need no person."""
        document, revision = found.document, found.revision
        started = {(source, site): at for source, site, at in found.started}
        have = {repost.site for repost in found.reposts}
        wanted = routing.wanted_on(document, revision, found.sightings, started, self.deps.routes, have=have)
        reposts, events = routing.merge_reposts(
            document.id, revision.n, wanted, found.reposts,
            mint=lambda site: mint_key(site, document.aliases), now=self.deps.now,
        )
        if revision.withdrawn:
            reposts = tuple(r for r in reposts if r.id)
        ready, told = self._approve(reposts, withdrawn=revision.withdrawn)
        return Routed(tuple(ready), (*events, *told))

    def _approve(self, reposts: Sequence[Repost], *, withdrawn: bool) -> tuple[list[Repost], list[Event]]:
        """Approval that needs no person is given in the same commit."""
        ready: list[Repost] = []
        told: list[Event] = []
        for repost in reposts:
            route = self.deps.route(repost.route)
            if route and not held(repost) and approves_itself(route, withdrawn=withdrawn):
                repost, events = approved(repost, route, self.deps)
                told.extend(_at_site(event, repost) for event in events)
            ready.append(repost)
        return ready, told


def _at_site(event: Event, repost: Repost) -> Event:
    """An event of a repost that has no id yet is bound to it by its site."""
    event.detail["site"] = repost.site
    return event
