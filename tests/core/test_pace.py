"""What a queue costs at the limiters that there are: 429s and time over whole queues, by a clock that is stepped."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

import pytest

from syncd.core import pace
from syncd.engine.gate import Gate

ANSWER, BETWEEN = 0.005, 0.02
"""Seconds that an answer takes, and from the gate's opening to a call's arrival."""


class Limiter(Protocol):
    def refuses(self, now: float) -> float:
        """0.0 when the call is taken, else seconds until one may be."""
        ...


@dataclass
class Spacing:
    every: float
    _last: float = -1e9

    def refuses(self, now: float) -> float:
        if now < self._last + self.every:
            return self._last + self.every - now
        self._last = now
        return 0.0


@dataclass
class Bucket:
    rate: float
    size: float
    _held: float | None = None
    _at: float = 0.0

    def refuses(self, now: float) -> float:
        held = self.size if self._held is None else min(self.size, self._held + (now - self._at) * self.rate)
        self._at, self._held = now, held - 1 if held >= 1 else held
        return 0.0 if held >= 1 else (1 - held) / self.rate


@dataclass
class Window:
    """Fixed windows by the clock."""

    size: int
    seconds: float
    _number: int = -1
    _taken: int = 0

    def refuses(self, now: float) -> float:
        number = int(now // self.seconds)
        self._taken = self._taken if number == self._number else 0
        self._number = number
        if self._taken >= self.size:
            return (number + 1) * self.seconds - now
        self._taken += 1
        return 0.0


@dataclass
class Sliding:
    """So many in any stretch of so many seconds."""

    size: int
    seconds: float
    _taken: deque[float] = field(default_factory=deque)

    def refuses(self, now: float) -> float:
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.size:
            return self._taken[0] + self.seconds - now
        self._taken.append(now)
        return 0.0


WHOLE = "whole seconds"
EXACT, UNSAID = "exact", "unsaid"


class Queue:
    """Items that go through a gate to a site with a limiter; up to `most` at once."""

    def __init__(
        self, limiter: Limiter, says: str = WHOLE, *, most: int = 8, start: float = 1000.0,
        lag: Callable[[], float] = lambda: BETWEEN, there: Callable[[], float] = lambda: 0.0,
        back: Callable[[], float] = lambda: ANSWER,
    ) -> None:
        """lag: until a call begins. there, back: from its begin until the site counts it, and from then until its answer."""
        self._there, self._back = there, back
        self.now = start
        self.gate = Gate(lambda: self.now, most)
        self._limiter, self._says, self._lag = limiter, says, lag
        self.taken: list[float] = []
        self.requests = 0
        self._under_way: list[tuple[float, int, str]] = []
        self._settled = 0

    def drain(self, items: int, *, most_seconds: float = 1e5) -> None:
        """Until so many are taken, and answered."""
        goal, end = len(self.taken) + items, self.now + most_seconds
        while len(self.taken) < goal or self._under_way:
            assert self.now < end, "the queue does not drain"
            for _ in range(min(self.gate.free, goal - self._settled - len(self._under_way))):
                self.requests += 1
                self.gate.book(self.requests)
                self._later(self._lag(), self.requests, "arrive")
            self._next()

    def _later(self, seconds: float, number: int, what: str) -> None:
        heapq.heappush(self._under_way, (self.now + seconds, number, what))

    def _next(self) -> None:
        if not self._under_way:
            self.now += max(self.gate.wait, 0.001)
            return
        self.now, number, what = heapq.heappop(self._under_way)
        if what == "arrive":
            self.gate.enter()
            self._later(self._there(), number, "counted")
        elif what == "counted":
            left = self._limiter.refuses(self.now)
            self._told(number, left)
        else:
            self._answered(number, what)

    def _told(self, number: int, left: float) -> None:
        if not left:
            self.taken.append(self.now)
        self._later(self._back(), number, f"{left}")

    def _answered(self, number: int, what: str) -> None:
        left = float(what)
        if left:
            after = {WHOLE: max(1.0, math.ceil(left)), EXACT: left, UNSAID: 60.0}[self._says]
            self.gate.limited(after, "rate_limited", "", said=self._says != UNSAID)
        else:
            self._settled += 1
            self.gate.well()
        self.gate.leave()
        self.gate.unbook(number)

    def costs(self) -> float:
        return self.requests / len(self.taken)

    def efficiency(self, every: float) -> float:
        return (len(self.taken) - 1) * every / (self.taken[-1] - self.taken[0])


LIMITERS: dict[str, tuple[Callable[[], Limiter], float]] = {
    "spacing of 1 s": (lambda: Spacing(1.0), 1.0),
    "spacing of 3 s": (lambda: Spacing(3.0), 3.0),
    "bucket of 1": (lambda: Bucket(1.0, 1), 1.0),
    "bucket of 5": (lambda: Bucket(1.0, 5), 1.0),
    "bucket of 10": (lambda: Bucket(1.0, 10), 1.0),
    "window of 10 s": (lambda: Window(10, 10.0), 1.0),
    "window of 60 s": (lambda: Window(30, 60.0), 2.0),
    "sliding 10 s": (lambda: Sliding(10, 10.0), 1.0),
}
"""With the mean spacing that each allows."""
SPLIT: dict[str, tuple[Callable[[], Limiter], float]] = {
    "bucket of 5 a second": (lambda: Bucket(5.0, 5), 0.2),
    "spacing of 1.2 s": (lambda: Spacing(1.2), 1.2),
}
"""Whole seconds of Retry-After can't tell these: their queues go more slowly than they might, without more refusals."""


@pytest.mark.parametrize("start", [1000.0, 1024.0])
@pytest.mark.parametrize(("items", "most"), [(40, 1), (40, 2), (400, 1), (400, 2), (400, 4)])
@pytest.mark.parametrize("name", LIMITERS)
def test_a_queue_drains_as_fast_as_the_limit_allows_with_few_refusals(name: str, items: int, most: int, start: float) -> None:
    make, every = LIMITERS[name]
    queue = Queue(make(), most=most, start=start)
    queue.drain(items)
    assert queue.costs() <= 1.1
    assert queue.efficiency(every) >= 0.95


@pytest.mark.parametrize(("items", "most"), [(40, 1), (40, 2), (400, 1), (400, 4)])
@pytest.mark.parametrize("name", ["spacing of 1 s", "bucket of 1", "bucket of 5", "bucket of 10"])
def test_so_it_does_at_a_site_that_does_not_say_for_how_long(name: str, items: int, most: int) -> None:
    make, every = LIMITERS[name]
    queue = Queue(make(), UNSAID, most=most)
    queue.drain(items)
    assert queue.costs() <= 1.1
    assert queue.efficiency(every) >= 0.95


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("items", [40, 400])
@pytest.mark.parametrize("name", ["spacing of 1 s", "bucket of 1", "bucket of 5"])
def test_a_site_that_answers_slowly_is_not_waited_for_twice(name: str, items: int, share: float) -> None:
    """Wherever in its 0.2 s, give or take a quarter, a call is counted: 1.2 s a call would be an efficiency of 0.83."""
    make, every = LIMITERS[name]
    dice = Random(items)
    there, back = (lambda part=part: 0.2 * part * dice.uniform(0.75, 1.25) for part in (share, 1 - share))
    queue = Queue(make(), most=4, there=there, back=back)
    queue.drain(items)
    assert queue.costs() <= 1.1
    assert queue.efficiency(every) >= 0.9


@pytest.mark.parametrize("name", ["spacing of 1 s", "spacing of 3 s", "bucket of 1", "bucket of 5"])
@pytest.mark.parametrize("items", [40, 400])
def test_a_busy_machine_prepares_its_calls_in_time(name: str, items: int) -> None:
    """0.08 s, give or take a quarter, from the begin of a step until its call: an efficiency of 0.92 if nothing were done."""
    make, every = LIMITERS[name]
    dice = Random(items)
    queue = Queue(make(), most=4, lag=lambda: 0.08 * dice.uniform(0.75, 1.25))
    queue.drain(items)
    assert queue.costs() <= 1.1
    assert queue.efficiency(every) >= 0.94


@pytest.mark.parametrize("says", [WHOLE, UNSAID])
@pytest.mark.parametrize("most", [1, 4])
@pytest.mark.parametrize("name", [*LIMITERS, *SPLIT])
def test_no_limiter_costs_more_than_one_refusal_in_ten_calls_of_a_long_queue(name: str, most: int, says: str) -> None:
    make, _ = (LIMITERS | SPLIT)[name]
    queue = Queue(make(), says, most=most)
    queue.drain(400)
    assert queue.costs() <= 1.1


def test_a_dozen_items_cost_one_refusal_at_one_post_a_second() -> None:
    queue = Queue(Spacing(1.0), most=64)
    queue.drain(12)
    assert queue.requests == 13


def test_calls_before_a_lull_do_not_hide_the_spacing() -> None:
    """What the site took at once some time ago says nothing of how it takes a queue."""
    limiter = Spacing(0.0)
    queue = Queue(limiter, most=64)
    queue.drain(4)
    queue.now += 2.0
    limiter.every = 1.0
    queue.drain(12)
    assert queue.requests == 4 + 12 + 1


def test_a_slow_disk_between_the_opening_and_the_call_costs_no_refusal() -> None:
    queue = Queue(Spacing(1.0), most=1, lag=lambda: 2.5)
    queue.drain(40)
    assert queue.requests == 40


def test_a_site_that_becomes_faster_is_found_out() -> None:
    limiter = Spacing(4.0)
    queue = Queue(limiter)
    queue.drain(10)
    limiter.every = 1.0
    queue.drain(290)
    assert queue.gate.spacing <= 1.5


def test_a_call_that_waits_its_turn_is_never_kept_longer_than_the_spacing() -> None:
    """What is new and urgent is first in the store's order, so that it takes the gate's next opening."""
    queue = Queue(Spacing(1.0))
    for _ in range(100):
        queue.drain(1)
        assert queue.gate.wait <= 1.01


def test_a_refusal_after_many_calls_at_a_spacing_that_was_all_but_enough_changes_it_little() -> None:
    spacing, too_short = pace.taught(1.0, 19.5, 20, 1.0)
    assert 1.0 < spacing <= 1.02
    assert too_short == 1.0


def test_half_the_spacing_is_tried_where_nothing_is_known_to_be_too_short() -> None:
    assert pace.shorter(4.0, 0.0) == 2.0
