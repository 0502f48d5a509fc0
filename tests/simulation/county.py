"""Thirty days of a county on the real engine, the real store on disk and the real blobs: `python -m tests.simulation.county`.

20 sources, 20 documents a day, a 72 hour outage of the network and one of the CMS; retention of days, so that it shows.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.adapters.api import SiteConfig
from syncd.adapters.api import Tools as AdapterTools
from syncd.child import Inline
from syncd.content.blobs import DiskBlobs
from syncd.content.build import ContentBuilder
from syncd.content.files import Files
from syncd.engine.clock import Clock
from syncd.engine.deps import Deps, SiteUnit, SourceUnit
from syncd.engine.engine import STAGES, Engine
from syncd.engine.gate import Gate
from syncd.engine.measure import judge
from syncd.model import DeadlineRule, Route, Verdict
from syncd.report.figures import cover_of, watch_of
from syncd.sources.api import SourceConfig
from syncd.sources.api import Tools as SourceTools
from syncd.sources.feed import FeedSource
from syncd.store.api import Filter
from syncd.store.sql import open_store
from syncd.testing.clock import ManualClock
from syncd.testing.fakecms import FakeAdapter, FakeCMS, FakeOptions, Switches
from syncd.testing.fakelist import FakeList
from syncd.testing.faults import Faults
from syncd.testing.network import FakeExchange, Wires

DAY = 86400.0
BEAT = 60.0
"""Seconds of virtual time between two rounds."""
LIMIT = 12 * 3600.0
NETWORK_OUT, CMS_OUT = (10 * DAY, 13 * DAY), (20 * DAY, 23 * DAY)
RAW, JOURNAL, CONTENT = 7 * DAY, 10 * DAY, 10 * DAY
SITE = "county"


class DatedBlobs(DiskBlobs):
    """Blobs whose files carry the virtual time, so that retention can be watched."""

    def __init__(self, root: Path, clock: ManualClock) -> None:
        super().__init__(root)
        self._root, self._clock = root, clock

    def put(self, data: bytes) -> str:
        name = super().put(data)
        path = next(self._root.rglob(name))
        moment = self._clock.now().timestamp()
        os.utime(path, (moment, moment))
        return name

    def oldest(self) -> float:
        """Seconds of virtual age of the oldest file."""
        times = [path.stat().st_mtime for path in self._root.rglob("*") if path.is_file()]
        return self._clock.now().timestamp() - min(times, default=self._clock.now().timestamp())


class Quiet:
    """A log and a meter that count failures by reason."""

    def __init__(self) -> None:
        self.failures: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **fields: None

    def failure(self, stage: str, reason: str) -> None:
        self.failures[f"{stage} {reason}"] += 1


@dataclass(slots=True)
class County:
    """What thirty days gave."""

    published: int = 0
    posts: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    gaps: int = 0
    polls: int = 0
    blind: float = 0.0
    oldest: float = 0.0
    sizes: list[int] = field(default_factory=list)
    """Bytes on disk after each day's housekeeping."""
    database: int = 0
    """Bytes of the database at the end."""

    @property
    def good(self) -> bool:
        """Nothing lost, doubled, missed or judged wrongly; raw bytes gone when `retention` says; little for each document."""
        clean = not (self.lost or self.doubled or self.gaps or self.wrong or self.blind)
        return clean and self.oldest <= RAW + DAY and self.database / max(1, self.published) <= 20_000

    @property
    def doubled(self) -> list[str]:
        return [title for title, count in self.posts.items() if count > 1]


class Play:
    """The county's world: lists, a CMS, and one engine that is restarted each week."""

    def __init__(self, root: Path, days: int, seed: int) -> None:
        self.root, self.days = root, days
        self.dice = random.Random(seed)
        self.clock = ManualClock()
        self.wires = Wires(self.clock, Faults(random.Random(seed)))
        self.lists = [FakeList(f"http://list-{n}.example", window=60) for n in range(20)]
        self.cms = FakeCMS(Switches(unique="server", conditional_update="server"))
        self.wires.servers |= {f"list-{n}.example": shown.handle for n, shown in enumerate(self.lists)}
        self.wires.servers["county.example"] = self._serve
        self.blobs = DatedBlobs(root / "blobs", self.clock)
        self.meter = Quiet()
        self.truth: dict[str, tuple[datetime, datetime | None]] = {}
        self.found = County()
        self._woken: set[str] = set()
        self._beats = 0
        self._plan = sorted((self.dice.uniform(0, DAY) + day * DAY, n) for day in range(days) for n in range(20))

    def _serve(self, method: str, path: str, headers: Any, body: bytes, now: datetime) -> Any:
        return self.cms.handle(method, path, headers, body, now)

    async def run(self) -> County:
        for n, shown in enumerate(self.lists):
            for old in range(30):
                shown.publish(
                    10_000 + n * 100 + old,
                    f"旧文件第{n * 100 + old}号",
                    "旧。",
                    self.clock.true - timedelta(days=30 - old),
                )
        store = await open_store(f"sqlite:///{self.root / 'county.sqlite3'}", inline=True)
        engine = await self._start(store)
        while self.clock.monotonic() < (self.days + 1) * DAY:
            self._outages()
            self._publish()
            await self._round(engine)
            before = self.clock.monotonic()
            self.clock.advance(BEAT)
            if int(before // DAY) != int(self.clock.monotonic() // DAY):
                await self._midnight(store)
                engine = await self._weekly(engine, store, int(self.clock.monotonic() // DAY))
        await engine.poller.flush()
        await self._judge(store, engine)
        await store.aclose()
        self.found.database = (self.root / "county.sqlite3").stat().st_size
        return self.found

    def _outages(self) -> None:
        """What is down from now on, and until when."""
        now = self.clock.monotonic()
        if NETWORK_OUT[0] <= now < NETWORK_OUT[1]:
            self.wires.down.update({host: NETWORK_OUT[1] for host in self.wires.servers})
        if CMS_OUT[0] <= now < CMS_OUT[1]:
            self.wires.down["county.example"] = CMS_OUT[1]

    def _publish(self) -> None:
        while self._plan and self._plan[0][0] <= self.clock.monotonic():
            _, n = self._plan.pop(0)
            number = self.found.published = self.found.published + 1
            title = f"关于做好第{number}号演练工作的通知"
            self.lists[n].publish(
                number, title, f"各县：现将第{number}号演练工作通知如下，请认真执行。" * 20, self.clock.true
            )
            self.truth[title] = (self.clock.true, None)

    async def _round(self, engine: Engine) -> None:
        """The beat of the daemon: a stage that nobody woke is visited now and then only."""
        self._beats += 1
        for stage in STAGES:
            if stage == "poll" or stage in self._woken or self._beats % 5 == 0:
                self._woken.discard(stage)
                count = await engine.tick(stage, wait=True)
                self.found.polls += count if stage == "poll" else 0
        for post in self.cms.live():
            at, seen = self.truth.get(post.title, (None, None))
            if at is not None and seen is None:
                self.truth[post.title] = (at, self.clock.true)

    async def _midnight(self, store: Any) -> None:
        now = self.clock.now()
        await store.prune(
            journal_before=now - timedelta(seconds=JOURNAL), content_before=now - timedelta(seconds=CONTENT)
        )
        named = await store.referenced()
        self.blobs.prune(lambda sha: sha in named, now - timedelta(seconds=RAW))
        files = [path.stat().st_size for path in self.root.rglob("*") if path.is_file() and path.suffix != ".reserve"]
        self.found.sizes.append(sum(files))
        self.found.oldest = max(self.found.oldest, self.blobs.oldest())

    async def _weekly(self, engine: Engine, store: Any, day: int) -> Engine:
        if day % 7:
            return engine
        await engine.drain()
        await engine.poller.flush()
        return await self._start(store)

    async def _start(self, store: Any) -> Engine:
        web = FakeExchange(self.wires)
        clock = Clock(self.clock.now, self.clock.monotonic)
        names = [f"list-{n}" for n in range(20)]
        route = Route("all", tuple(names), SITE, "要闻", authority="县长令第3号", deadline=DeadlineRule(LIMIT, "演示"))
        adapter = FakeAdapter(
            SiteConfig(
                SITE, "http://county.example", "某县人民政府", options=FakeOptions(api_url="http://county.example")
            ),
            AdapterTools(web.client(SITE), clock.now, self.blobs, self.meter),
        )
        site = SiteUnit(SITE, adapter, web.client("look"), Gate(clock.monotonic, 4), "http://county.example")
        deps = Deps(
            store=store,
            clock=clock,
            dice=self.dice,
            sources={name: self._source(name, web, clock) for name in names},
            sites={SITE: site},
            routes=(route,),
            builder=ContentBuilder(),
            files=Files(self.blobs),
            blobs=self.blobs,
            log=self.meter,
            meter=self.meter,
        )
        deps.wake = self._woken.add
        deps.generation = await store.configure(names, "county", deps.now)
        engine = Engine(deps)
        await engine.start()
        return engine

    def _source(self, name: str, web: FakeExchange, clock: Clock) -> SourceUnit:
        url = f"http://{name}.example/feed.json"
        source = FeedSource(
            SourceConfig(name, url, FeedSource.Options()), SourceTools(web.client(name), Inline().run, clock.now)
        )
        return SourceUnit(name, "feed", url, source, web.client(name), sites=(SITE,))

    async def _judge(self, store: Any, engine: Engine) -> None:
        """Hold what syncd says against what really happened."""
        rows = await store.reposts(Filter(limit=100_000))
        events = await store.events([repost.id for repost, _ in rows])
        for repost, document in rows:
            told = judge(
                repost,
                document,
                events.get(repost.id, ()),
                engine.deps.routes[0].deadline,
                engine.deps.sites[SITE],
                self.clock.now(),
                0.0,
            )
            self.found.verdicts[told.verdict.value] += 1
            self._hold(document.title, told.verdict)
        self.found.posts = Counter(post.title for post in self.cms.live())
        self.found.lost = [title for title in self.truth if title not in self.found.posts]
        self.found.gaps = sum(n for reason, n in self.meter.failures.items() if reason.endswith(" gap"))
        since = self.clock.now() - timedelta(days=5)
        for name in engine.deps.sources:
            reads = await store.reads(name, since - cover_of(300.0))
            watch = watch_of(name, reads, since=since, until=self.clock.now(), every=300.0)
            self.found.blind = max(self.found.blind, watch.blind)

    def _hold(self, title: str, verdict: Verdict) -> None:
        at, seen = self.truth[title]
        late = seen is None or (seen - at).total_seconds() > LIMIT + BEAT * 2
        near = seen is not None and abs((seen - at).total_seconds() - LIMIT) <= BEAT * 20
        right = {Verdict.BREACHED} if late else {Verdict.MET}
        if verdict not in (right | ({Verdict.INDETERMINATE, Verdict.MET, Verdict.BREACHED} if near else set())):
            self.found.wrong.append(f"{title}: {verdict.value}, published {at}, there {seen}")


def play(days: int = 30, seed: int = 1) -> County:
    """Run it in a folder of its own; in memory where there is such a place: it is the month that counts, not the disk."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        return asyncio.run(Play(Path(folder), days, seed).run())


def main(args: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(args)
    county = play(chosen.days, chosen.seed)
    print(f"days {chosen.days} polls {county.polls} published {county.published} verdicts {dict(county.verdicts)}")
    print(f"disk after each day, MB: {[round(size / 1e6, 1) for size in county.sizes]}")
    print(f"database {county.database / 1000 / max(1, county.published):.1f} kB a document")
    print(
        f"oldest raw bytes {county.oldest / DAY:.1f} days, longest blind span of the last five days {county.blind:.0f} s"
    )
    print(
        f"lost {len(county.lost)} duplicated {len(county.doubled)} gaps {county.gaps} wrong verdicts {len(county.wrong)}"
    )
    for line in county.wrong[:10]:
        print(f"WRONG {line}")
    return 0 if county.good else 1


if __name__ == "__main__":
    raise SystemExit(main())
