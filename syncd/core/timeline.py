"""The timeline of a repost: from events to instants, to the official latency and to whose lag it was."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from syncd.model import Document, Event, Instant

STAGES = ("source", "detection", "reading", "approval", "cms", "publishing")
"""Whose time it was, in the order of the line of life."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The instants of one revision on one site; None where there is none (yet).

    published: the earliest public instant at the source. missed: the last good read that did not show it. sighted: the
    first that did. revised: when it had been read and was wanted on the site. approved: of the revision that was sent.
    announced: the call to the CMS from which on it
    may be visible. sent: the CMS said yes. seen_after: the
    last look that did not find it, before the first that did. seen: that first good look. withdrawn: it was withdrawn,
    at the source, before anybody saw it here.
    """

    published: Instant | None = None
    missed: Instant | None = None
    sighted: Instant | None = None
    revised: Instant | None = None
    approved: Instant | None = None
    announced: Instant | None = None
    sent: Instant | None = None
    seen_after: Instant | None = None
    seen: Instant | None = None
    withdrawn: Instant | None = None


def timeline(document: Document, events: Sequence[Event], *, revision: int | None = None) -> Timeline:
    """The instants of `revision` (None: the first that was wanted on the site), from the events of the document and of
    one repost in the order in which they were stored. A newer revision counts for an older one that it overtook.

    A correction (revision given, above the first) is sighted when it was found; when it was published is not known.
    """
    first = min((e.revision for e in events if e.kind == "wanted" and e.revision), default=1)
    n = first if revision is None else revision
    mine, withdrawn = _until_withdrawn([e for e in events if (e.revision or 0) >= n], n)
    start = _start(document, events) if n <= first else Timeline(sighted=_at(_first(mine, "revised")))
    seen_after, seen = _looks(mine)
    return replace(
        start,
        revised=_at(_first(mine, "wanted") or _first(mine, "revised")),
        approved=_approved(mine),
        announced=_at(_announced(mine)),
        sent=_at(_first(mine, *_SENT)),
        seen_after=seen_after,
        seen=seen,
        withdrawn=None if seen else withdrawn,
    )


_SENT = ("sent", "withdrawn")


def _until_withdrawn(mine: Sequence[Event], n: int) -> tuple[list[Event], Instant | None]:
    """What happened before a later withdrawal: that its notice was seen says nothing of revision n."""
    cut = next((k for k, e in enumerate(mine) if e.kind == "withdrawn" and (e.revision or 0) > n), None)
    return (list(mine), None) if cut is None else (list(mine[:cut]), mine[cut].at)


def _first(events: Iterable[Event], *kinds: str) -> Event | None:
    return next((e for e in events if e.kind in kinds), None)


def _at(event: Event | None) -> Instant | None:
    return event.at if event else None


def _start(document: Document, events: Sequence[Event]) -> Timeline:
    missed = Instant(document.missed) if document.missed else None
    return Timeline(published=document.published, missed=missed, sighted=_sighted(document, events))


def _sighted(document: Document, events: Sequence[Event]) -> Instant:
    """The first sighting, or that of a document which turned out to be this one, where it was sighted before."""
    sighted = [e for e in events if e.kind == "sighted"]
    if not sighted:
        return Instant(document.detected)
    counted = [sighted[0], *(e for e in sighted[1:] if "was" in e.detail)]
    return min((e.at for e in counted), key=lambda instant: instant.at)


def _announced(mine: Sequence[Event]) -> Event | None:
    """The last create before it was sent: another one is announced only when the one before certainly did nothing."""
    sent = next((k for k, e in enumerate(mine) if e.kind in _SENT), len(mine))
    intents = [e for e in mine[:sent] if e.kind == "intent"]
    creates = [e for e in intents if e.reason == "create"]
    return creates[-1] if creates else next(iter(intents), None)


def _approved(mine: Sequence[Event]) -> Instant | None:
    """Of the revision that was sent, or while none is of the newest wanted: an approval that was overtaken is none."""
    sent = _first(mine, *_SENT)
    carried = [sent] if sent else [e for e in mine if e.kind == "wanted"]
    n = max((e.revision or 0 for e in carried), default=0)
    return _at(next((e for e in mine if e.kind == "approved" and (e.revision or 0) >= n), None))


def _looks(mine: Sequence[Event]) -> tuple[Instant | None, Instant | None]:
    """The last bad look before the first good one, and that one. In stored order: a clock may have jumped between."""
    bad: Instant | None = None
    for event in mine:
        if event.kind in ("look_good", "seen"):
            return bad, event.at
        if event.kind == "look_bad":
            bad = event.at
    return bad, None


def began(t: Timeline) -> tuple[datetime | None, datetime | None]:
    """Between which moments it became public at the source; None where it isn't bounded on that side.

    What a list shows is public, so it ends no later than the sighting, whatever date the list gives (a day without a
    time, a date in the future). Without any date it lies between the read that missed it and the sighting.
    """
    high = min((i.latest for i in (t.published, t.sighted) if i), default=None)
    origin = t.published or t.missed
    if origin is None or high is None:
        return None, high
    return min(origin.earliest, high), high


def _ended(t: Timeline, now: datetime) -> tuple[datetime, datetime]:
    """Between which moments it became visible; if it isn't seen yet, from when on it may be, and now (or, for what was
    withdrawn before, then)."""
    bounds = [i.earliest for i in (t.seen_after, t.announced) if i]
    if t.seen:
        low = max(bounds, default=(t.sighted or t.seen).earliest)
        return min(low, t.seen.latest), t.seen.latest
    stop = min(now, t.withdrawn.at) if t.withdrawn else now
    return min(max(bounds, default=stop), stop), stop


def latency(t: Timeline, now: datetime) -> tuple[float, float]:
    """Seconds from publication to first proven visibility as (at least, at most); if not seen yet, so far.

    An interval because instants have a precision and a clock error, and because visibility lies between two looks.
    At most is infinite when it isn't known when the document was published.
    """
    first, last = began(t)
    low_end, high_end = _ended(t, now)
    low = (low_end - last).total_seconds() if last else 0.0
    high = (high_end - first).total_seconds() if first else math.inf
    return max(low, 0.0), max(high, 0.0)


def lags(t: Timeline, now: datetime | None = None) -> dict[str, float]:
    """Seconds by stage (STAGES), never negative; they add up to the latency at most of what has been seen.

    source: published until the last read that missed it; detection: from then until sighted; reading: until wanted;
    approval: until approved; cms: until sent; publishing: until seen. now: gives the stage that an unseen one is in the
    time until now. The stage of an unknown instant has 0, its time goes to the next; so without a publication date
    (and without a read that missed it) the first stages have 0.
    """
    points = _points(t, now)
    start = next((p for p in points if p), None)
    end = (t.seen.latest if t.seen else None) or now or max((p for p in points if p), default=None)
    if start is None or end is None:
        return dict.fromkeys(STAGES, 0.0)
    line = [start]
    for point in points[1:]:
        line.append(min(max(point or line[-1], line[-1]), max(end, start)))
    spans = [(after - before).total_seconds() for before, after in pairwise(line)]
    return dict(zip(STAGES, spans, strict=True))


def _points(t: Timeline, now: datetime | None) -> list[datetime | None]:
    """The seven ends of the six stages, None where not known."""
    ends = [t.sighted, t.revised, t.approved, t.sent]
    moments: list[datetime | None] = [i.at if i else None for i in ends]
    moments.append(t.seen.latest if t.seen else None)
    if now and not t.seen:
        reached = max((k for k, m in enumerate(moments) if m), default=-1)
        moments[reached + 1] = now
    missed = min((i.at for i in (t.missed, t.sighted) if i), default=None) if t.missed else None
    return [began(t)[0], missed, *moments]


def blame(lags: dict[str, float], limit: float) -> str:
    """The stage with the largest share of a latency over the limit, the earliest of equals; "" when it is within."""
    if sum(lags.values()) <= limit:
        return ""
    return max(lags, key=lambda stage: lags[stage])
