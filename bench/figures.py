"""The place for what a row of the table is: a measured figure, its goal, and whether it was reached."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

NOISY = 1.5
"""Pair ratios further apart than this say more about the machine than about syncd: the row is run once more."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure must be: at least or at most a limit."""

    bound: Literal["at least", "at most"]
    limit: float

    def met(self, value: float) -> bool:
        return value >= self.limit if self.bound == "at least" else value <= self.limit

    def __str__(self) -> str:
        return f"{'>=' if self.bound == 'at least' else '<='} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. value and goal in `unit`; goal None is told, not judged. detail: what else was seen."""

    name: str
    value: float
    goal: Goal | None
    unit: str = ""
    detail: str = ""
    spread: tuple[float, float] | None = None
    noisy: bool = False

    @property
    def met(self) -> bool:
        return self.goal is None or self.goal.met(self.value)

    @property
    def measured(self) -> bool:
        """False for what this machine can't measure. A figure with a goal that came out as no number misses it."""
        return self.goal is not None or not math.isnan(self.value)


def unmeasured(name: str, why: str) -> Row:
    """The line of a figure that can't be had on this machine: told with its reason, not judged."""
    return Row(name, math.nan, None, detail=f"not measured: {why}")


def at_least(limit: float) -> Goal:
    return Goal("at least", limit)


def at_most(limit: float) -> Goal:
    return Goal("at most", limit)


@dataclass
class Pairs:
    """Rounds of reference and syncd, one after the other with the order swapped each time; costs in ms of CPU."""

    reference: list[float] = field(default_factory=list)
    subject: list[float] = field(default_factory=list)
    dearer: bool = False

    @property
    def ratios(self) -> list[float]:
        """How much of the reference's speed syncd has, pair by pair."""
        return [r / s for r, s in zip(self.reference, self.subject, strict=True)]

    @property
    def spread(self) -> tuple[float, float]:
        return min(self.ratios), max(self.ratios)

    @property
    def noisy(self) -> bool:
        low, high = self.spread
        return high / low > NOISY

    @property
    def turned(self) -> Pairs:
        """For a figure that says how much dearer syncd is, not how much slower."""
        return Pairs(self.subject, self.reference, dearer=True)

    def row(self, name: str, goal: Goal, *, detail: str = "", unit: str = "") -> Row:
        """The median of the pairs' ratios, with what both cost."""
        ours, theirs = (self.reference, self.subject) if self.dearer else (self.subject, self.reference)
        told = f"{statistics.median(ours):.3g} : {statistics.median(theirs):.3g} ms"
        return Row(
            name, statistics.median(self.ratios), goal, unit, "; ".join(filter(None, (told, detail))), self.spread,
            self.noisy,
        )


def paired(
    rounds: int, reference: Callable[[], float], subject: Callable[[], float], *,
    before: Callable[[], object] = lambda: None,
) -> Pairs:
    """Measure both by turns, the first pair to warm up. A noisy measurement is made once more, and the second counts.

    before: called before each pair.
    """
    pairs = _paired(rounds, reference, subject, before)
    return _paired(rounds, reference, subject, before) if pairs.noisy else pairs


def _paired(
    rounds: int, reference: Callable[[], float], subject: Callable[[], float], before: Callable[[], object]
) -> Pairs:
    pairs = Pairs()
    for n in range(rounds + 1):
        before()
        if n % 2:
            s, r = subject(), reference()
        else:
            r, s = reference(), subject()
        if n:
            pairs.reference.append(r)
            pairs.subject.append(s)
    return pairs


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(rows: Sequence[Row]) -> str:
    """The table in Markdown, fit for a terminal and for docs/performance.md."""
    lines = [("measure", "syncd", "goal", "", "lowest - highest", "what else")]
    for row in rows:
        spread = f"{row.spread[0]:.2f} - {row.spread[1]:.2f}" if row.spread else ""
        verdict = "told" if row.goal is None else "ok" if row.met else "MISSED"
        value = f"{row.value:.4g} {row.unit}".strip() if row.measured else "-"
        noisy = " noisy" if row.noisy else ""
        lines.append((row.name, value, str(row.goal or ""), verdict, spread + noisy, row.detail))
    widths = [max(len(line[n]) for line in lines) for n in range(6)]
    text = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(text)


def say(text: str) -> None:
    """What is going on, for a person who waits; the table goes to standard output."""
    print(text, file=sys.stderr, flush=True)
