"""One seed: a world made of it, a time of faults, a time of healing, and the counts."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from syncd.core import repost as machine
from syncd.core.repost import Status
from syncd.errors import StoreError
from syncd.model import Approve, Route
from syncd.store.api import Filter
from syncd.testing.clock import ManualClock
from syncd.testing.fakecms import FakeCMS, Switches
from syncd.testing.fakelist import FakeList
from syncd.testing.faults import Crash, Faults, everything
from syncd.testing.faultylist import FAULTS, FaultyList
from syncd.testing.network import Wires
from tests.simulation.actors import Editor, Publisher, Truths, id_in
from tests.simulation.checker import Counts, Shown, Site, final_faults, history_faults, shown_of
from tests.simulation.life import Life

STAGES = ("poll", "read", "route", "approve", "work")
CLASSES = {
    "A": Switches(unique="server", conditional_update="server"),
    "B": Switches(unique="none", conditional_update="server", html="filtered"),
    "C": Switches(unique="none", conditional_update="check_then_act"),
}
LISTS = {"central": "feed.json", "province": "atom.xml", "library": "atom.xml"}
JUMPS = (60.0, 3600.0, 86400.0, 20 * 86400.0, 365 * 86400.0)
CRASH = 0.01
"""Probability of death at each effect, four times that while a CMS has acted and nobody knows: a few a seed."""
STEPS = 280
HEALING = (*[60.0] * 6, *[300.0] * 6, *[900.0] * 8, *[3600.0] * 12, *[6 * 3600.0] * 12, *[86400.0] * 38)
"""Seconds between the rounds of the healing: minutes first, in all more than any `due` is waited for (35 days)."""


@dataclass(slots=True)
class Result:
    """What one seed gave. trace: the same seed must give the same."""

    seed: int
    counts: Counts
    trace: str = ""
    faults: Counter[str] = field(default_factory=Counter)
    crashes: int = 0
    creates: int = 0
    effects: int = 0
    error: str = ""


class World:
    """Everything of one seed. open_store: makes the store, and makes it again after a death."""

    def __init__(
        self, seed: int, store: Any, *, trace: Callable[[str], None] | None = None, lost: float = 0.0
    ) -> None:
        self.seed = seed
        self.dice = Random(f"{seed}-world")
        self.clock = ManualClock()
        self.faults = Faults(Random(f"{seed}-faults"))
        self.wires = Wires(self.clock, self.faults)
        self.truths = Truths()
        self.counts = Counts()
        self.crashes = self.effects = 0
        self._hash = hashlib.sha256()
        self._told = trace
        self._store = store
        self._crash = 0.0
        self._full_until = 0.0
        self._lost, self._losing = lost, Random(f"{seed}-lost")
        self.life: Life | None = None
        self.lists = {name: FakeList(f"http://{name}.example") for name in LISTS}
        self.sites = self._sites()
        self.routes = tuple(
            Route(
                f"to-{name}", tuple(LISTS), name, "要闻",
                approve=Approve.REVIEW if self.dice.random() < 0.2 else Approve.AUTO,
            )
            for name in self.sites
        )
        self.faulty = {name: FaultyList(shown.handle) for name, shown in self.lists.items()}
        self.wires.servers.update({f"{name}.example": faulty.handle for name, faulty in self.faulty.items()})
        self.wires.servers.update({f"{name}.example": site.cms.handle for name, site in self.sites.items()})
        self.publisher = Publisher(self.dice, self.clock, self.lists, self.truths)
        self.editors = [Editor(self.dice, self.clock, site.cms, self.truths) for site in self.sites.values()]

    def _sites(self) -> dict[str, Site]:
        chosen = [self.dice.choice("AB")]
        if self.dice.random() < 0.5:
            chosen.append(self.dice.choice("ABC"))
        return {
            f"site-{n}{letter.lower()}": Site(f"site-{n}{letter.lower()}", FakeCMS(CLASSES[letter]), letter != "C")
            for n, letter in enumerate(chosen)
        }

    # --- what is told -------------------------------------------------------------------------------------------

    def trace(self, line: str) -> None:
        told = f"{self.clock.monotonic():.3f} {line}"
        self._hash.update(told.encode())
        if self._told is not None:
            self._told(told)

    def _strike(self, effect: str) -> bool:
        self.effects += 1
        if effect.startswith("committed save "):
            _, _, site, post = effect.split(" ")
            self.sites[site].acked.add(int(post))
        near = 4.0 if effect == "committed" or effect.startswith("called") else 1.0
        died = self._crash > 0 and self.dice.random() < self._crash * near
        if died:
            self.crashes += 1
        return died

    def _losing_answer(self) -> bool:
        lost = self._lost > 0 and self._crash > 0 and self._losing.random() < self._lost
        if lost:
            self.faults.strike("commit_lost")
        return lost

    # --- lives --------------------------------------------------------------------------------------------------

    async def _ready(self) -> Life:
        """The living process; started anew if it died."""
        while self.life is None or self.life.dead:
            if self.life is not None:
                await self.life.bury()
                self.trace("died")
            await self._store.reopened()
            self.life = Life(
                store=self._store.store, wires=self.wires,
                sources=[(name, f"http://{name}.example/{path}") for name, path in LISTS.items()],
                sites={name: site.cms.switches for name, site in self.sites.items()}, routes=self.routes,
                dice=Random(f"{self.seed}-{self.crashes}-engine"), strike=self._strike, trace=self.trace,
                full=lambda: self._full_until > self.clock.monotonic(), lost=self._losing_answer,
            )
            await self._guarded(self.life.start("config-1"))
            if self.life.engine is None:
                self.life.dead = True
                self.clock.advance(5.0)
        return self.life

    async def _guarded(self, work: Any) -> Any:
        """What a stage may end with, besides its end."""
        try:
            return await work
        except (Crash, StoreError):  # which of several comes first is chance, so it is not in the trace
            return None

    async def tick(self, stage: str, *, wait: bool = True) -> int:
        life = await self._ready()
        self.trace(f"tick {stage}")
        done = await self._guarded(life.engine.tick(stage, wait=wait))
        for _ in range(0 if wait else self.dice.randint(1, 8)):
            await asyncio.sleep(0)
        self.wires.arrive()
        return done or 0

    # --- the time of faults ---------------------------------------------------------------------------------------

    async def run(self) -> Result:
        await self._begin()
        self.faults.rates = everything(self.dice.choice((0.6, 0.8)), self.dice.choice((0.2, 0.4)))
        self._crash = CRASH
        for _ in range(STEPS):
            await self._step()
        await self._heal()
        for site in self.sites.values():
            history_faults(site, self.truths, self.counts)
        final = await self._final()
        for name, count in final.counts.items():
            self.counts.counts[name] += count
        self.counts.told += final.told
        return self._result()

    async def _begin(self) -> None:
        """Each list has a past, and a first good read: the start line."""
        for _ in range(self.dice.randint(1, 4)):
            self.publisher.publish(old=True, back_days=self.dice.randint(1, 30))
        self.lists_shown()
        for stage in STAGES:
            await self.tick(stage)
        self.clock.advance(60.0)

    def lists_shown(self) -> None:
        """All lists have at least one entry, so that no read is empty."""
        for name, shown in self.lists.items():
            while not shown.policies:
                self.publisher.publish(old=True, back_days=3)
            self.trace(f"{name} {len(shown.policies)}")

    async def _step(self) -> None:
        draw = self.dice.random()
        if draw < 0.60:
            stage = self.dice.choice((*STAGES, "work", "work", "work"))
            await self.tick(stage, wait=self.dice.random() < 0.6)
        elif draw < 0.76:
            self._pass()
        elif draw < 0.88:
            self.trace(f"source {self.publisher.act()} {self.publisher.last}")
        elif draw < 0.93:
            self.trace(f"editor {self.dice.choice(self.editors).act()}")
        elif draw < 0.95:
            await self._operate()
        else:
            self._misfortune()

    def _pass(self) -> None:
        """Time: mostly a little, at times hours."""
        longest = self.dice.choice((10.0, 60.0, 60.0, 400.0, 400.0, 1200.0, 4 * 3600.0))
        self.clock.advance(self.dice.uniform(1.0, longest))
        self.wires.arrive()

    def _misfortune(self) -> None:
        what = self.dice.choice(("jump", "jump", "down", "locked", "list_down", "pages_404", "disk_full", *["list"] * 5))
        until = self.clock.monotonic() + self.dice.uniform(60.0, 3 * 3600.0)
        site, shown = self.dice.choice(list(self.sites)), self.dice.choice(list(self.lists))
        if what == "jump":
            self.clock.jump(timedelta(seconds=self.dice.choice(JUMPS) * self.dice.choice((-1, 1))))
        elif what == "disk_full":
            self._full_until = min(until, self.clock.monotonic() + 900.0)
        elif what == "pages_404":
            self._outage(shown)
        elif what == "list":
            what = self._distort(shown)
        else:
            hosts = self.wires.locked if what == "locked" else self.wires.down
            hosts[f"{shown if what == 'list_down' else site}.example"] = until
        self.faults.strike(what)
        self.trace(what)

    def _distort(self, name: str) -> str:
        """A list is not as it was for a while: redesigned, blocked, emptied, cut, renamed, or in broken bytes."""
        faulty = self.faulty[name]
        faulty.fault = self.dice.choice(sorted(FAULTS))
        faulty.until = self.clock.true + timedelta(seconds=self.dice.uniform(300.0, 6 * 3600.0))
        return f"list_{faulty.fault}"

    def _outage(self, name: str) -> None:
        """A botched deployment at the source: its pages are 404 for less than an hour."""
        self.lists[name].outage_until = self.clock.true + timedelta(seconds=self.dice.uniform(60.0, 3000.0))

    # --- the operator ---------------------------------------------------------------------------------------------

    async def _operate(self, *, healing: bool = False) -> None:
        """A person looks at what syncd shows, and decides on some of it."""
        await self._ready()
        await self._guarded(self._decide(healing=healing))

    async def _decide(self, *, healing: bool) -> None:
        life = await self._ready()
        now = self.clock.now()
        for repost, document in await self._store.store.reposts(Filter()):
            status = machine.status(repost)
            if status is Status.WAITING and (healing or self.dice.random() < 0.5):
                self.trace(f"operator approves {repost.id}")
                await life.store.save(machine.approve(repost, repost.wanted, now))
            elif not healing and repost.finding and self.dice.random() < 0.3:
                await self._retry(life, repost, document.title)
        held = {p.source: p for p in await self._store.store.pendings(held=True)}
        for source in sorted(held):
            if not healing and self.dice.random() < 0.5:
                await self._release(life, source)

    async def _retry(self, life: Life, repost: Any, title: str) -> None:
        now = self.clock.now()
        row = machine.retry(repost, now, overwrite=True)
        self.trace(f"operator retries {repost.id}")
        if row is not None:
            self.sites[repost.site].released.add(id_in(title))
            await life.store.save(row)

    async def _release(self, life: Life, source: str) -> None:
        drop = self.dice.random() < 0.3
        self.trace(f"operator releases {source} drop {drop}")
        if drop:
            for pending in await self._store.store.pendings(held=True):
                if pending.source == source:
                    self._excuse(pending.entry.title)
        await life.engine.poller.release(source, drop=drop)

    def _excuse(self, title: str) -> None:
        if id := id_in(title):
            self.truths.documents[id].excused = True

    # --- the time of healing --------------------------------------------------------------------------------------

    async def _heal(self) -> None:
        """No more faults; what is still under way lands; then rounds until all is as it should be, or for weeks."""
        self.faults.rates = {}
        self._crash = self._full_until = 0.0
        self.wires.down.clear()
        self.wires.locked.clear()
        for faulty in self.faulty.values():
            faulty.fault = ""
        if self.dice.random() < 0.6:
            self.clock.correct()
        self.trace("healing")
        quiet = 0
        for n, pause in enumerate(HEALING):
            await self._round()
            self.clock.advance(pause)
            self.wires.arrive()
            if n % 3 == 2:
                quiet = quiet + 1 if (await self._final()).clean else 0
            if quiet == 2:
                break

    async def _round(self) -> None:
        for _ in range(4):
            done = 0
            for stage in STAGES:
                done += await self.tick(stage)
            if not done:
                break
        if any(route.approve is Approve.REVIEW for route in self.routes):
            await self._operate(healing=True)

    async def _final(self) -> Counts:
        counts = Counts()
        shown = await self._shown()
        for site in self.sites.values():
            final_faults(site, self.truths, shown, counts)
        return counts

    async def _shown(self) -> Shown:
        store = self._store.store
        asked = {p.entry.title for p in await store.pendings(held=True)}
        asked |= {document.title for document, _ in await store.notes()}
        return shown_of(await store.reposts(Filter()), asked)

    def _result(self) -> Result:
        creates = sum(1 for s in self.sites.values() for w in s.cms.history if w.kind == "create" and w.by == "syncd")
        struck = Counter(self.faults.struck) + Counter(self.truths.done)
        return Result(
            self.seed, self.counts, self._hash.hexdigest()[:16], struck, self.crashes, creates, self.effects,
        )
