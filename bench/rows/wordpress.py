"""What an item costs with a real WordPress behind it: CPU of PHP, MariaDB and the client, beside the bare calls alone.

The bare calls are those that class C promises (docs/adapters/wordpress.md): the look-up, the draft, its publication by
number, the look at the page. Whatever syncd asks or sends beyond them counts against it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from bench import config
from bench.figures import Row, at_most, paired, unmeasured
from bench.process import LabProcess, Worker, cpu
from bench.rows import Bench
from tests.wordpress.install import Unavailable
from tests.wordpress.server import CATEGORIES, WordPress, running

FEEDS = 2
"""As many calls as syncd makes to a WordPress at once: the reference posts a feed's items one after the other."""
ITEMS = 5
"""New items of each feed in a round: short rounds, four times as many as elsewhere, since PHP is never quiet."""
CALLS = 4
_NAME = "CPU of an item in WordPress : the bare calls"


@dataclass(frozen=True, slots=True)
class Both:
    """The servers, and the two that post to them. asked: requests of each of syncd's rounds."""

    lab: LabProcess
    site: WordPress
    reference: Worker
    subject: Worker
    asked: list[int] = field(default_factory=list)

    def publish(self) -> None:
        self.lab.tell("publish", numbers=[feed for feed in range(FEEDS) for _ in range(ITEMS)])

    def bare(self, order: str = "wordpress") -> float:
        """Milliseconds of CPU of an item that the reference posts, the servers' with it."""
        return self._cost(self.reference, lambda: self.reference.order(order, feeds=list(range(FEEDS))))

    def syncd(self) -> float:
        """Milliseconds of CPU of an item that syncd posts, the servers' with it."""
        before = self.site.requests()
        spent = self._cost(
            self.subject, lambda: self.subject.order("item", feeds=list(range(FEEDS)), items=FEEDS * ITEMS)
        )
        self.asked.append(self.site.requests() - before)
        return spent

    def _cost(self, worker: Worker, act: Callable[[], object]) -> float:
        before = self._spent(worker)
        act()
        return (self._spent(worker) - before) / FEEDS / ITEMS * 1000

    def _spent(self, worker: Worker) -> float:
        return cpu(self.site.pid) + cpu(worker.pid)


@contextmanager
def both(bench: Bench, site: WordPress) -> Iterator[Both]:
    """The two beside a WordPress, with all lists read."""
    account, feeds = site.users["syncd"], list(range(FEEDS))
    category = site.api("GET", f"/categories?slug={CATEGORIES['要闻']}")[0]["id"]
    told = config.wordpress(bench.folder, site.url, account.name, account.password)
    with ExitStack() as stack:
        lab = stack.enter_context(LabProcess())
        path = config.write(bench.folder, lab.base, FEEDS, site=told)
        reference = stack.enter_context(Worker(
            "bench.reference", lab.base, str(bench.folder), site.url, account.authorization, str(category)
        ))
        subject = stack.enter_context(Worker("bench.subject", str(path)))
        reference.order("prime", feeds=feeds)
        subject.order("poll", feeds=feeds)
        yield Both(lab, site, reference, subject)


def wordpress(bench: Bench) -> list[Row]:
    """Beside the same calls, bare. What syncd costs beside a loop that makes no draft is told only: a request that comes
    late would show its readers a second post."""
    try:
        with running() as site, both(bench, site) as sides:
            return _rows(sides, 4 * bench.rounds)
    except Unavailable as reason:
        return [unmeasured(_NAME, f"no WordPress: {reason}")]


def _rows(sides: Both, rounds: int) -> list[Row]:
    pairs = paired(rounds, sides.bare, sides.syncd, before=sides.publish)
    at_once = []
    for _ in range(2):
        sides.publish()
        at_once.append(sides.bare("wordpress_at_once"))
    beside = statistics.median(pairs.subject) / statistics.fmean(at_once)
    return [
        pairs.turned.row(_NAME, at_most(1.15), detail=f"WordPress {sides.site.version}, from the poll to the page seen"),
        Row("requests an item in WordPress", sides.asked[-1] / FEEDS / ITEMS, at_most(CALLS)),
        Row("CPU of an item in WordPress : calls without a draft", beside, None),
    ]
