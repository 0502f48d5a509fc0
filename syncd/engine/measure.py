"""Stage measure: from the events of a repost to its timeline, its lags and its verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from syncd.core import deadline, timeline
from syncd.core.timeline import Timeline
from syncd.engine.deps import SiteUnit
from syncd.model import DeadlineRule, Document, Event, Repost, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """A repost with its timeline and what follows from it."""

    repost: Repost
    document: Document
    timeline: Timeline
    rule: DeadlineRule | None
    verdict: Verdict
    why: str
    latency: tuple[float, float] | None
    lags: dict[str, float]
    blame: str


def judge(
    repost: Repost, document: Document, events: Sequence[Event], rule: DeadlineRule | None, site: SiteUnit | None,
    now: datetime, clock: float | None,
) -> Judged:
    """Reckon a repost's timeline and verdict from its events; the first revision is what the limit is about.

    rule: of the route as it is now; the one that was told when the repost was wanted goes before it.
    clock: how wrong our clock is now, seconds, None if unknown; it counts while the page has not been seen.
    """
    rule = rule_then(events) or rule
    line = timeline.timeline(document, events)
    lags = timeline.lags(line, now)
    verdict, why = deadline.verdict(
        line, rule, now, excused=repost.excused, vantage=site.vantage if site else "outside",
        clock_error=_clock_error(events, clock),
    )
    spent = timeline.latency(line, now) if line.published else None
    blame = timeline.blame(lags, rule.limit) if rule else ""
    return Judged(repost, document, line, rule, verdict, why, spent, lags, blame)


def rule_then(events: Sequence[Event]) -> DeadlineRule | None:
    """The time limit that was in force when the repost was first wanted; None where none was told."""
    first = next((e for e in events if e.kind == "wanted"), None)
    if first is None or "limit" not in first.detail:
        return None
    return DeadlineRule(float(first.detail["limit"]), first.detail.get("basis", ""))


def _clock_error(events: Sequence[Event], clock: float | None) -> float:
    """The worst clock error of the instants that a verdict rests on, seconds; infinite when a clock was unknown."""
    told = [e.at for e in events if e.kind == "seen"]
    if not told:
        return math.inf if clock is None else clock
    if any(instant.origin.endswith("?") for instant in told):
        return math.inf
    return max(instant.error for instant in told)
