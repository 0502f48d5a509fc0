"""Stage approve: what a route allows by itself is approved in its authority's name; the rest waits for a person."""

from __future__ import annotations

from dataclasses import replace

from syncd.core import repost as machine
from syncd.core.changes import changes
from syncd.engine.deps import Deps
from syncd.errors import Stale
from syncd.model import Approve, Event, Repost, Route


def approves_itself(route: Route | None, *, withdrawn: bool) -> bool:
    """True when no person is asked: an `auto` route, or a withdrawal unless the route says that it wants a person."""
    if route is None:
        return False
    return not route.review_withdrawals if withdrawn else route.approve is Approve.AUTO


def approved(repost: Repost, route: Route, deps: Deps) -> tuple[Repost, tuple[Event, ...]]:
    """The row with its wanted revision approved in the route's name, and the event that says by whose authority."""
    after = machine.approve(repost, repost.wanted, deps.now)
    events = changes(repost, after, deps.clock.instant(), actor=route.authority or f"route {route.name}")
    return after, events


class Approver:
    """Approves what the routes allow, also after a route was changed from review to auto."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps

    async def tick(self) -> int:
        """Approve what may be; returns how many."""
        count = 0
        for repost in await self.deps.store.unapproved(500):
            count += await self._approve(repost)
        if count:
            self.deps.wake("work")
        return count

    async def _approve(self, repost: Repost) -> int:
        route = self.deps.route(repost.route)
        if route is None or machine.held(repost):
            return 0
        revision = await self.deps.store.revision(repost.document, repost.wanted)
        if not approves_itself(route, withdrawn=revision.withdrawn):
            return 0
        after, events = approved(repost, route, self.deps)
        try:
            await self.deps.store.save(replace(after, version=repost.version), events)
        except Stale:
            return 0
        return 1
