"""The gate of a site: what a 429 teaches, how many calls go at once, and that Retry-After always wins."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from syncd.core.pace import LONGEST_SPACING, PATIENCE
from syncd.engine.gate import FORGET, Gate


@dataclass
class Clock:
    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


class Cms:
    """Takes one post in `every` seconds, and answers 429 with a Retry-After in whole seconds to more."""

    def __init__(self, clock: Clock, every: float) -> None:
        self._clock, self._every = clock, every
        self._taken = float("-inf")
        self.posts = self.refusals = 0

    def post(self, gate: Gate) -> bool:
        gate.enter()
        self._clock.at += 0.01
        taken = self._clock.at - self._taken >= self._every
        if taken:
            self._taken, self.posts = self._clock.at, self.posts + 1
            gate.well()
        else:
            self.refusals += 1
            gate.limited(1.0, "rate_limited", "")
        gate.leave()
        return taken


def test_a_queue_drains_at_the_pace_that_one_refusal_taught() -> None:
    clock = Clock()
    gate, cms = Gate(clock, 64), Cms(clock, 1.0)
    began = clock.at
    while cms.posts < 60:
        clock.at += gate.wait
        cms.post(gate)
    assert cms.refusals <= 3
    assert 59 / (clock.at - began) >= 0.95


def test_calls_at_once_begin_with_one_and_grow_with_success() -> None:
    clock = Clock()
    gate = Gate(clock, 4)
    seen = []
    for _ in range(9):
        seen.append(gate.free)
        gate.enter()
        gate.well()
        gate.leave()
    assert seen == [1, 1, 1, 1, 1, 1, 2, 2, 4]


def test_after_a_failure_calls_begin_with_one_again() -> None:
    gate = Gate(Clock(), 4)
    for _ in range(12):
        gate.well()
    assert gate.free == 4
    gate.failed("timeout", "")
    assert gate.free == 1


def test_an_earlier_call_that_ends_well_does_not_end_the_pause_that_was_asked_for() -> None:
    clock = Clock()
    gate = Gate(clock, 4)
    gate.limited(30.0, "rate_limited", "")
    gate.well()
    assert gate.state == "paused"
    assert gate.wait == pytest.approx(30.0)
    clock.at += 31
    gate.well()
    assert gate.state == "ok"


def test_a_window_of_many_calls_teaches_its_mean_and_not_its_whole_length() -> None:
    clock = Clock()
    gate = Gate(clock, 1)
    for _ in range(60):
        gate.enter()
        gate.well()
        gate.leave()
        clock.at += 0.1
    gate.limited(54.0, "rate_limited", "")
    assert gate.spacing == pytest.approx(1.0)


def test_what_was_taught_is_bounded_and_forgotten() -> None:
    clock = Clock()
    gate = Gate(clock, 8)
    gate.well()
    gate.limited(3600.0, "rate_limited", "")
    assert gate.wait == pytest.approx(3600.0)
    assert gate.spacing == LONGEST_SPACING
    clock.at += 3600 + FORGET
    assert gate.spacing == 0.0


def test_a_declared_rate_holds_from_the_start() -> None:
    clock = Clock()
    gate = Gate(clock, 8, rate=2.0)
    gate.enter()
    gate.leave()
    assert 0.5 <= gate.wait <= 0.51
    assert gate.free == 0


def test_a_reload_keeps_what_was_taught() -> None:
    clock = Clock()
    old, new = Gate(clock, 8), Gate(clock, 8)
    old.well()
    old.limited(2.0, "rate_limited", "")
    new.take_over(old)
    assert new.spacing == 2.0
    assert 2.0 <= new.wait <= 2.01


def test_a_site_that_says_429_again_and_again_is_never_left_alone_for_longer_than_the_longest_spacing() -> None:
    now = [0.0]
    gate = Gate(lambda: now[0])
    for _ in range(60):
        for _ in range(3):
            now[0] += gate.wait
            gate.enter()
            gate.well()
            gate.leave()
        gate.limited(60.0, "rate_limited", "")
    assert gate.spacing <= LONGEST_SPACING


def test_a_step_that_has_not_called_yet_lets_no_other_one_in() -> None:
    gate = Gate(Clock(), 4)
    gate.book(7)
    assert gate.free == 0
    gate.enter()
    assert gate.free == 0
    gate.leave()
    gate.unbook(7)
    gate.unbook(7)
    assert gate.free == 1


def test_a_site_that_does_not_say_for_how_long_is_left_alone_twice_as_long_each_time_up_to_what_makes_sense() -> None:
    clock = Clock()
    gate = Gate(clock, 4)
    gate.well()
    pauses = []
    for _ in range(8):
        clock.at += gate.wait
        pauses.append(gate.limited(60.0, "rate_limited", "", said=False))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_calls_that_were_refused_together_are_one_refusal() -> None:
    gate = Gate(Clock(), 4)
    gate.well()
    assert [gate.limited(60.0, "rate_limited", "", said=False) for _ in range(3)] == [1.0, 1.0, 1.0]


def test_a_shorter_spacing_that_is_refused_is_given_up_and_tried_again_only_after_twice_as_many_calls() -> None:
    clock = Clock()
    gate = Gate(clock, 1)
    gate.well()
    gate.limited(4.0, "rate_limited", "")
    counts = []
    for _ in range(2):
        count = 0
        while gate.spacing == 4.0:
            clock.at += gate.wait
            gate.well()
            count += 1
        counts.append(count)
        assert gate.spacing < 4.0
        gate.limited(1.0, "rate_limited", "")
        assert gate.spacing == 4.0
    assert counts == [PATIENCE, 2 * PATIENCE]
