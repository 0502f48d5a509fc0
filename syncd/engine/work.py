"""The loop over due reposts: plan, act, fold, store; the stages send, see and audit are its three kinds of acts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

from syncd.core import repost as machine
from syncd.core.changes import changes
from syncd.core.repost import (
    Advance,
    Located,
    Outcome,
    Park,
    Policy,
    Resolve,
    Rest,
    Retry,
    Seen,
    Send,
    Sent,
    Unknown,
    Verify,
)
from syncd.engine.audit import after_look
from syncd.engine.deps import Deps, SiteUnit
from syncd.engine.measure import judge
from syncd.engine.pool import Pool
from syncd.engine.see import Expected, Looker
from syncd.engine.send import Draft, Sender, attempt, drafted
from syncd.errors import Stale
from syncd.model import Event, Instant, IntentKind, Repost, Revision
from syncd.store.api import Work

STILL_BAD = 3600.0
"""A page that does not appear is told again this often, so that a limit that ends meanwhile is known to be missed."""


SPARE = 16
"""Rows more than calls that may start: looks at public pages go on while the CMS is busy."""


@dataclass(frozen=True, slots=True)
class JustSent:
    """A repost right after it was sent, with what its public page must show."""

    repost: Repost
    revision: Revision
    draft: Draft


def calls_cms(repost: Repost) -> bool:
    """True when the next step may call the CMS; looks at a public page go on while the CMS wants to be left alone."""
    waits = machine.is_draft(repost) or machine.is_handed_over(repost)
    return repost.intent is not None or repost.sent != repost.approved or waits


class Worker:
    """Takes due reposts one step nearer to what is wanted, each from its row alone."""

    def __init__(self, deps: Deps, pool: Pool) -> None:
        self.deps = deps
        self.pool = pool
        self._sender = Sender(deps)
        self._looker = Looker(deps)
        self._in_flight: Counter[str] = Counter()
        self._told_bad: dict[int, float] = {}
        self._bad: dict[int, Instant] = {}
        """The last bad look at each page that is not seen yet: it brackets the first good one."""

    async def tick(self) -> int:
        """Start work on due rows of sites that may be called; returns how many."""
        free = {name: site.gate.free for name, site in self.deps.sites.items()}
        shut = [name for name, calls in free.items() if not calls or self._has_its_share(name)]
        # Rows in flight are found again; of a site that takes one call at a time a long queue need not be fetched each time.
        most = min(self.pool.free, sum(free.values()) + SPARE) + len(self.pool)
        found = await self.deps.store.due_reposts(self.deps.now, most, skip_sites=shut)
        count = left = 0
        for work in found:
            site, calls = self.deps.sites.get(work.repost.site), calls_cms(work.repost)
            if work.repost.id in self.pool:
                continue
            if not self.pool.free or (site and calls and not free[site.name]) or self._has_its_share(work.repost.site):
                left += 1
                continue
            if site and calls:
                free[site.name] -= 1
            self._start(work, site, calls=calls)
            count += 1
        self.pool.hungry = bool(left or shut or len(found) == most)
        return count

    def _has_its_share(self, site: str) -> bool:
        """No site takes more of the pool than it leaves free: however many of its calls hang, others find a place."""
        return len(self.deps.sites) > 1 and self._in_flight[site] > self.pool.free

    def _start(self, work: Work, site: SiteUnit | None, *, calls: bool) -> None:
        """A call counts from here on: until it is made much may happen, such as a commit on a slow disk."""
        id, name = work.repost.id, work.repost.site
        if site and calls:
            site.gate.book(id)
        self._in_flight[name] += 1
        self.pool.start(id, self.step(work, site), after=partial(self._ended, id, name, site))

    def _ended(self, id: int, name: str, site: SiteUnit | None) -> None:
        self._in_flight[name] -= 1
        if site:
            site.gate.unbook(id)

    def soonest(self) -> float | None:
        """Seconds until a site that is left alone may be called again; None if there is none."""
        waits = [wait for site in self.deps.sites.values() if (wait := site.gate.wait) > 0]
        return min(waits, default=None)

    async def step(self, work: Work, site: SiteUnit | None) -> None:
        """Decide and do one step of one row."""
        repost = work.repost
        if repost.intent:
            self.deps.quiet.sight(repost.id)
        if site is None:
            await self._rest(repost, Rest(None, "site_not_configured"))
            return
        try:
            sent = await self._act(work, site, self._plan(work, site))
            if sent is not None:  # the first look at the page follows at once, from the row as it was stored
                seen = replace(work, repost=sent.repost)
                await self._act(seen, site, self._plan(seen, site), sent)
        except Stale:
            self.deps.wake("work")

    def _plan(self, work: Work, site: SiteUnit) -> machine.Step:
        policy = self.policy(work.repost, site)
        return machine.plan(work.repost, (work.wanted, work.approved), policy, self.deps.now)

    def policy(self, repost: Repost, site: SiteUnit) -> Policy:
        """What the repost's surroundings allow at this moment."""
        capabilities = site.adapter.capabilities
        return Policy(
            writes=capabilities.posts and self.deps.route(repost.route) is not None,
            lookup=capabilities.lookup != "none",
            quiet=self.deps.quiet.left(repost.id, site.settle),
        )

    async def _act(
        self, work: Work, site: SiteUnit, step: machine.Step, before: JustSent | None = None
    ) -> JustSent | None:
        """Do one step. before: what the step before it sent. Returns what this one sent, if its page is to be looked at now."""
        repost = work.repost
        policy = self.policy(repost, site)
        match step:
            case Send():
                return await self._send(repost, step, site, policy)
            case Resolve():
                outcome = await attempt(
                    self.deps, repost, site, lambda: self._sender.resolve(repost, step, site), kind="ask"
                )
                await self._fold(repost, outcome, policy, site, withdrawn=step.intent.kind is IntentKind.WITHDRAW)
                if step.intent.kind is IntentKind.CREATE and isinstance(outcome, Sent | Located):
                    await self._sweep(replace(repost, ref=outcome.ref), site)
            case Verify():
                await self._verify(repost, step, site, policy, before)
            case Advance():
                await self._save(repost, machine.advance(repost, step, policy, self.deps.now), withdrawn=True)
            case Park():
                await self._save(repost, machine.park(repost, step, self.deps.now))
            case Rest():
                await self._rest(repost, step)
        return None

    async def _rest(self, repost: Repost, step: Rest) -> None:
        """Write a later `due` so that the row is not taken up at each tick; nothing else changes."""
        # Within the horizon of the row: a `due` beyond it would count as now, and the row would be taken up at each tick.
        idle = self.deps.now + machine.horizon(repost) / 2
        until = min(step.until or idle, idle)
        await self.deps.store.save(replace(repost, due=max(until, self.deps.now + timedelta(seconds=1))))

    async def _send(self, repost: Repost, step: Send, site: SiteUnit, policy: Policy) -> JustSent | None:
        revision = await self.deps.store.revision(repost.document, step.n)
        draft = drafted(self.deps, repost, revision, site)
        looked = await attempt(
            self.deps, repost, site, lambda: self._sender.before(repost, step, site, draft), kind="ask"
        )
        if looked is not None:
            await self._fold(repost, looked, policy, site)
            return None
        announced = await self._save(repost, machine.announce(repost, step, print=draft.print, now=self.deps.now))
        intent = announced.intent
        assert intent is not None  # announce opens it
        self.deps.quiet.ambiguous(repost.id)
        outcome = await attempt(
            self.deps, announced, site, lambda: self._sender.write(announced, intent, site, draft), kind="write"
        )
        site.gate.unbook(repost.id)
        after = await self._fold(announced, outcome, policy, site, withdrawn=revision.withdrawn)
        follows = isinstance(outcome, Sent) and after.sent == step.n == after.approved and not calls_cms(after)
        return JustSent(after, revision, draft) if follows else None

    async def _verify(
        self, repost: Repost, step: Verify, site: SiteUnit, policy: Policy, before: JustSent | None
    ) -> None:
        if before is not None:
            expected = Expected(before.revision, before.draft, repost.adopted)
        else:
            revision = await self.deps.store.revision(repost.document, step.n)
            expected = Expected(revision, drafted(self.deps, repost, revision, site), repost.adopted)
        outcome = await attempt(
            self.deps, repost, site, lambda: self._looker.look(repost, step, site, expected), kind="look"
        )
        assert outcome is not None  # a look always says something
        await self._fold(repost, after_look(outcome, step), policy, site)
        if isinstance(outcome, Seen) and not step.audit:
            await self._measure(repost, site)
        if isinstance(outcome, Seen) and step.audit and repost.looks < len(policy.looks):
            await self._sweep(replace(repost, ref=outcome.ref or repost.ref), site)

    async def _sweep(self, repost: Repost, site: SiteUnit) -> None:
        """A request may arrive later than anybody thought: where that makes a second post, the first audits look for it.

        Nothing of the row depends on it; when it can't be done, the next one does it.
        """
        wanted = site.adapter.capabilities.sweeps and not repost.adopted
        if not wanted or site.gate.wait > 0 or self.deps.route(repost.route) is None:
            return
        failed = await attempt(self.deps, repost, site, lambda: self._sender.sweep(repost, site), kind="ask")
        if failed is not None:
            self.deps.log.warning("sweep_failed", repost=repost.id, site=site.name, reason=failed.reason)

    async def _measure(self, repost: Repost, site: SiteUnit) -> None:
        """Count what a repost that is visible now took, stage by stage, and its verdict."""
        told = await self.deps.store.events([repost.id])
        document = await self.deps.store.document(repost.document)
        route = self.deps.route(repost.route)
        judged = judge(
            repost,
            document,
            told.get(repost.id, ()),
            route.deadline if route else None,
            site,
            self.deps.now,
            self.deps.clock.error,
        )
        for stage, seconds in judged.lags.items():
            self.deps.meter.stage_seconds(stage, seconds)
        self.deps.meter.verdict(site.name, judged.verdict.value)
        self.deps.log.info(
            "seen",
            repost=repost.id,
            site=site.name,
            title=document.title,
            revision=repost.sent,
            verdict=judged.verdict.value,
        )

    async def _fold(
        self, repost: Repost, outcome: Outcome | None, policy: Policy, site: SiteUnit, *, withdrawn: bool = False
    ) -> Repost:
        assert outcome is not None
        self._remember(repost, outcome)
        now = self.deps.now
        after = machine.fold(repost, outcome, policy, now)
        told = self._at(outcome, site)
        bracket = self._bracket(repost, outcome, told)
        stored = await self._save(repost, after, at=told, withdrawn=withdrawn, bracket=bracket)
        self.deps.meter.outcome(site.name, type(outcome).__name__.lower(), outcome.reason)
        if isinstance(outcome, Retry | Unknown):
            self.deps.log.warning("retry", repost=repost.id, site=site.name, reason=outcome.reason, hint=outcome.hint)
        if self.pool.hungry:
            self.deps.wake("work")
        return stored

    def _remember(self, repost: Repost, outcome: Outcome) -> None:
        """Keep the settling time running only while a request of ours may still take effect."""
        match outcome:
            case Unknown():
                self.deps.quiet.ambiguous(repost.id)
            case Retry() if outcome.intact:
                pass
            case machine.Edited() if outcome.ambiguous:
                pass
            case machine.Pending() | Seen():
                pass
            case _:
                self.deps.quiet.settled(repost.id)

    def _bracket(self, repost: Repost, outcome: Outcome, at: Instant) -> tuple[Event, ...]:
        """The last bad look, told with the first good one; looks between the first bad and the last are only counted."""
        if isinstance(outcome, Retry) and repost.seen < repost.sent == repost.approved:
            self._bad[repost.id] = at
            return self._still_bad(repost, outcome, at)
        if not isinstance(outcome, Seen):
            return ()
        self._told_bad.pop(repost.id, None)
        bad = self._bad.pop(repost.id, None)
        return (Event("look_bad", bad, repost.document, repost.id, repost.sent, reason=repost.reason),) if bad else ()

    def _still_bad(self, repost: Repost, outcome: Retry, at: Instant) -> tuple[Event, ...]:
        passed = self.deps.clock.monotonic()
        if passed - self._told_bad.setdefault(repost.id, passed) < STILL_BAD:
            return ()
        self._told_bad[repost.id] = passed
        return (Event("look_bad", at, repost.document, repost.id, repost.sent, reason=outcome.reason),)

    def _at(self, outcome: Outcome, site: SiteUnit) -> Instant:
        origin = f"look {site.vantage}" if isinstance(outcome, Seen) else "clock"
        return self.deps.clock.instant(origin=origin)

    async def _save(
        self,
        before: Repost,
        after: Repost,
        *,
        at: Instant | None = None,
        withdrawn: bool = False,
        bracket: tuple[Event, ...] = (),
    ) -> Repost:
        moved = changes(before, after, at or self.deps.clock.instant(), withdrawn=withdrawn)
        return await self.deps.store.save(after, (*bracket, *moved))
