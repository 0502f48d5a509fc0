"""The table at the end: adapter, CMS and version, cases passed of run, skips with reasons, class, what a create costs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.cms.subject import Cost, Subject

MORE_CPU = 0.15
"""The goal: syncd adds less than that to the bare calls."""
_HEAD = ("adapter", "CMS", "passed", "class", "create", "bare", "ratio", "CPU")
_LONGEST = 110


@dataclass
class Row:
    """What is known of a CMS. skips: how many cases were skipped for each reason."""

    subject: Subject
    passed: int = 0
    failed: int = 0
    skips: Counter[str] = field(default_factory=Counter)
    cost: Cost | None = None
    version: str = ""

    @property
    def name(self) -> str:
        return f"{self.subject.cms} {self.version}".strip()

    def count(self, outcome: str, reason: str = "") -> None:
        if outcome == "skipped":
            self.skips[reason] += 1
        else:
            self.passed += outcome == "passed"
            self.failed += outcome == "failed"

    def cells(self) -> tuple[str, ...]:
        told = (self.subject.adapter, self.name, f"{self.passed} of {self.passed + self.failed}")
        if self.cost is None:
            return (*told, "?", "", "", "", "")
        cost = self.cost
        return (*told, cost.guarantee, f"{cost.median * 1000:.0f} ms", f"{cost.bare * 1000:.0f} ms", f"{cost.ratio:.2f}",
                f"{cost.more_cpu:+.0%}{' !' if cost.more_cpu >= MORE_CPU else ''}")


Reported = tuple[str, str, list[tuple[str, str]]]
"""A test's outcome ("passed", "failed", "skipped"), the reason of a skip, and its properties."""


def rows(reports: Iterable[Reported]) -> list[Row]:
    """A row for each CMS, in the order in which they appear."""
    found: dict[str, Row] = {}
    for outcome, reason, properties in reports:
        told = dict(properties)
        if (mark := told.get("cms")) is None:
            continue
        row = found.setdefault(mark, Row(Subject(**json.loads(mark))))
        row.count(outcome, reason)
        row.version = told.get("version", row.version)
        if "cost" in told:
            row.cost = Cost(**json.loads(told["cost"]))
    return list(found.values())


def lines(told: list[Row]) -> list[str]:
    """The table as text; below it the skips, each reason once a CMS."""
    cells = [_HEAD, *(row.cells() for row in told)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(_HEAD))]
    made = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    for row in told:
        made += [f"{row.name}: {count} skipped: {reason[:_LONGEST]}" for reason, count in row.skips.most_common()]
    return made
