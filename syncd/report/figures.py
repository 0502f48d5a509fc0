"""Pure shaping of a month's rows to figures: who was obliged to what, how it went, and how well we watched.

Every document published in the month counts once per site (a repost), in exactly one outcome:

| outcome       | when                                                                                      |
|---------------|-------------------------------------------------------------------------------------------|
| excused       | the verdict says so (backfill, adopted, no rule)                                          |
| withdrawn     | never seen, and its source withdrew it before the limit ended                             |
| in_limit      | verdict met                                                                               |
| late          | verdict breached, but it was seen in the end                                              |
| missing       | never seen, and the limit is over                                                         |
| indeterminate | what is known of the times does not decide it                                             |
| open          | no verdict yet, and the limit is not over                                                 |

All but excused and withdrawn are obliged. Open ones count in the latencies with their age so far ("at least"), unless
nothing is known of it yet: published today, nobody knows at what hour.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from syncd.model import Document, Instant, Precision, Repost, Verdict
from syncd.store.api import ReadSpan

LAGS = ("source", "detection", "reading", "approval", "cms", "people", "publishing")
"""The parts of a latency, in the order of time; people: those who post by hand where syncd only observes."""
NIGHT = (18, 8)
"""Published from 18:00 to 08:00 local time, when nobody is at the desk."""
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


class Outcome(StrEnum):
    """How one obligation went; the table in this module's docstring says when."""

    IN_LIMIT = "in_limit"
    LATE = "late"
    MISSING = "missing"
    INDETERMINATE = "indeterminate"
    OPEN = "open"
    EXCUSED = "excused"
    WITHDRAWN = "withdrawn"


OBLIGED = frozenset(Outcome) - {Outcome.EXCUSED, Outcome.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One repost with what core.timeline and core.deadline found out about it.

    status: the word of core.repost.status. published: earliest public instant, None if the source tells none.
    seen: first good anonymous look. latency: (least, most) seconds of official latency as core.timeline.latency tells
    it (most may be infinite), None while it is not seen.
    due: when the limit ends, None without a rule. withdrawn: when we learned that the source withdrew it.
    lags: seconds by the words of LAGS, None where unknown. blame: one of LAGS or "".
    """

    document: Document
    repost: Repost
    status: str
    published: Instant | None
    seen: datetime | None
    latency: tuple[float, float] | None
    verdict: Verdict
    verdict_reason: str = ""
    due: datetime | None = None
    withdrawn: datetime | None = None
    lags: Mapping[str, float | None] = field(default_factory=dict)
    blame: str = ""
    title: str = ""
    """As it was reposted; the document's own when empty."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How well one source was watched in the month.

    blind: longest span without a read that was good and fresh, in seconds, from `blind_from`.
    watched of span: seconds covered by reads younger than two intervals, of those that it should have been watched.
    """

    source: str
    reads: int
    failed: int
    watched: float
    span: float
    blind: float = 0.0
    blind_from: datetime | None = None

    @property
    def share(self) -> float | None:
        return self.watched / self.span if self.span > 0 else None


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds that are known to lie between `least` and `most`; most None: not ended, or begun nobody knows when."""

    least: float
    most: float | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each outcome. total = obliged + excused + withdrawn. reposted: obliged ones that were seen."""

    total: int = 0
    obliged: int = 0
    reposted: int = 0
    in_limit: int = 0
    late: int = 0
    missing: int = 0
    indeterminate: int = 0
    open: int = 0
    excused: int = 0
    withdrawn: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`; share None when there is nothing to count."""

    count: float
    of: float

    @property
    def share(self) -> float | None:
        return self.count / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Lag:
    """One part of the latency over the month: seconds in all, the longest, and over how many reposts it is known."""

    name: str
    total: float
    longest: float
    known: int
    blamed: int
    """Late and missing reposts that are put down to it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the report; times are aware UTC, `published` with its precision."""

    repost: int
    document: int
    title: str
    source: str
    site: str
    column: str
    url: str
    published: datetime | None
    precision: str
    day: str
    """Date of publication in the source's own time zone where nothing but the day is known, else ""."""
    detected: datetime
    seen: datetime | None
    due: datetime | None
    latency: Span | None
    outcome: Outcome
    verdict: str
    verdict_reason: str
    blame: str
    status: str
    faithful: bool
    withdrawn: bool
    published_by: str = ""
    """The source by whose word the clock starts."""


@dataclass(frozen=True, slots=True)
class Report:
    """A month's figures. since/until: aware UTC, until is not after `generated`; complete: the month is over.

    timeliness counts what has a decided outcome; coverage what had to be there by now; fidelity what is public now.
    timeliness_most: the same if every indeterminate one was in time.
    """

    month: str
    zone: str
    since: datetime
    until: datetime
    generated: datetime
    complete: bool
    counts: Counts
    timeliness: Share
    timeliness_most: Share
    coverage: Share
    fidelity: Share
    watch: Share
    median: Span | None
    p90: Span | None
    longest: Span | None
    night: Share
    lags: tuple[Lag, ...]
    unblamed: int
    sites: tuple[tuple[str, Counts], ...]
    sources: tuple[Watch, ...]
    items: tuple[Item, ...]


def month_report(rows: Sequence[ReportRow], *, month: str, zone: str, watch: Sequence[Watch], now: datetime) -> Report:
    """The report of `month` ("YYYY-MM") in the time of `zone`, as things stand at `now`.

    Rows of other months are left out: a row belongs to the month in which its document was published, or detected
    when no source tells the publication. Raises ValueError for a month or zone that does not exist.
    """
    since, end = bounds(month, zone)
    mine = [row for row in rows if since <= _belongs(row) < end]
    told = [(row, outcome(row, now=now)) for row in mine]
    counts = _counts(told)
    spans = [span for row, how in told if how in OBLIGED and (span := latency(row, now=now)) and (row.seen or span.least)]
    return Report(
        month=month,
        zone=zone,
        since=since,
        until=max(since, min(end, now)),
        generated=now,
        complete=now >= end,
        counts=counts,
        **_shares(told, counts),
        watch=Share(sum(w.watched for w in watch), sum(w.span for w in watch)),
        median=percentile(spans, 0.5),
        p90=percentile(spans, 0.9),
        longest=percentile(spans, 1.0),
        night=_night(mine, ZoneInfo(zone)),
        lags=_lags(told),
        unblamed=_blame(told)[""],
        sites=_by_site(told),
        sources=tuple(sorted(watch, key=lambda w: w.source)),
        items=tuple(_item(row, how, now) for row, how in sorted(told, key=lambda t: (_belongs(t[0]), t[0].repost.id))),
    )


def bounds(month: str, zone: str) -> tuple[datetime, datetime]:
    """First moment of the month and of the next one, as UTC. Raises ValueError when it is no month."""
    found = _MONTH.fullmatch(month)
    if not found:
        raise ValueError(f"{month!r} is not a month; write YYYY-MM")
    year, number = int(found[1]), int(found[2])
    if not 1 < year < 9999:
        raise ValueError(f"{month!r} is out of range; write a month of our time")
    first = datetime(year, number, 1, tzinfo=ZoneInfo(zone))
    following = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=ZoneInfo(zone))
    return first.astimezone(UTC), following.astimezone(UTC)


def day_of(instant: Instant) -> str:
    """The date in its own time zone of what is known to no hour (in another zone it might be another day), else ""."""
    if instant.precision is not Precision.DAY or not instant.zone:
        return ""
    return instant.at.astimezone(_zone(instant.zone)).date().isoformat()


def _zone(name: str) -> tzinfo:
    """Of a name ("Asia/Shanghai") or an offset ("+08:00"); UTC for anything else."""
    try:
        return ZoneInfo(name) if name[:1].isalpha() else datetime.fromisoformat(f"2000-01-01T00:00:00{name}").tzinfo or UTC
    except (ValueError, KeyError, OSError):
        return UTC


def outcome(row: ReportRow, *, now: datetime) -> Outcome:
    """In which one column of the month's account this row stands."""
    if row.verdict is Verdict.EXCUSED:
        return Outcome.WITHDRAWN if row.verdict_reason == "withdrawn" else Outcome.EXCUSED
    if row.seen is None:
        return _unseen(row, now)
    return {
        Verdict.MET: Outcome.IN_LIMIT,
        Verdict.BREACHED: Outcome.LATE,
        Verdict.INDETERMINATE: Outcome.INDETERMINATE,
    }.get(row.verdict, Outcome.OPEN)


def _unseen(row: ReportRow, now: datetime) -> Outcome:
    if row.withdrawn is not None and (row.due is None or row.withdrawn <= row.due):
        return Outcome.WITHDRAWN
    if row.verdict is Verdict.BREACHED or (row.due is not None and row.due <= now):
        return Outcome.MISSING
    return Outcome.INDETERMINATE if row.verdict is Verdict.INDETERMINATE else Outcome.OPEN


def latency(row: ReportRow, *, now: datetime) -> Span | None:
    """Official latency; of what is not seen its age so far; None when it is not known since when."""
    if row.seen is not None and row.latency is not None:
        least, most = row.latency
        return Span(least, None if math.isinf(most) else most)
    begun = row.published.latest if row.published else row.document.detected
    return Span(max(0.0, ((row.seen or now) - begun).total_seconds()), None)


def percentile(spans: Sequence[Span], share: float) -> Span | None:
    """Nearest rank over the least and over the most values; a most that is not known yet ranks as the longest."""
    if not spans:
        return None
    rank = max(0, math.ceil(share * len(spans)) - 1)
    most = sorted(math.inf if span.most is None else span.most for span in spans)[rank]
    return Span(sorted(span.least for span in spans)[rank], None if math.isinf(most) else most)


def cover_of(every: float) -> timedelta:
    """How long a good read is fresh: two intervals of `every` seconds."""
    return timedelta(seconds=2 * every)


def watch_of(source: str, reads: Iterable[ReadSpan], *, since: datetime, until: datetime, every: float) -> Watch:
    """A source's watch from its journal of reads.

    A good read covers two intervals of `every` seconds, a span of good reads all of itself and so much more. Good reads
    from before `since` count for the time that they still cover. Reads of a span that lies only partly inside count by
    its share.
    """
    spans = [span for span in sorted(reads, key=lambda s: s.first) if span.first < until]
    cover = cover_of(every)
    blind = _blind([(s.first, min(s.last, until) + cover) for s in spans if not s.reason], since, until)
    whole = max(0.0, (until - since).total_seconds())
    longest = max(blind, key=lambda gap: gap[1] - gap[0], default=None)
    return Watch(
        source,
        sum(_inside(s, since, until) for s in spans),
        sum(_inside(s, since, until) for s in spans if s.reason),
        watched=whole - sum((end - begin).total_seconds() for begin, end in blind),
        span=whole,
        blind=(longest[1] - longest[0]).total_seconds() if longest else 0.0,
        blind_from=longest[0] if longest else None,
    )


def _inside(span: ReadSpan, since: datetime, until: datetime) -> int:
    """How many of a span's reads lie in [since, until)."""
    first, last = max(span.first, since), min(span.last, until)
    if last < first or first >= until:
        return 0
    length = (span.last - span.first).total_seconds()
    return span.reads if not length else math.ceil(span.reads * ((last - first).total_seconds() / length))


def _blind(
    covered: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    gaps, seen_to = [], since
    for first, last in covered:
        if first > seen_to:
            gaps.append((seen_to, first))
        seen_to = max(seen_to, last)
    if seen_to < until:
        gaps.append((seen_to, until))
    return gaps


_Told = Sequence[tuple[ReportRow, Outcome]]


def _belongs(row: ReportRow) -> datetime:
    return row.published.at if row.published else row.document.detected


def _counts(told: _Told) -> Counts:
    how = Counter(how for _, how in told)
    obliged = sum(how[word] for word in OBLIGED)
    reposted = sum(1 for row, word in told if word in OBLIGED and row.seen)
    return Counts(total=len(told), obliged=obliged, reposted=reposted, **{word.value: how[word] for word in Outcome})


def _shares(told: _Told, counts: Counts) -> dict[str, Share]:
    decided = counts.in_limit + counts.late + counts.missing + counts.indeterminate
    waiting = sum(1 for row, how in told if how is Outcome.OPEN and not row.seen)
    shown = [row for row, how in told if how in OBLIGED and row.seen]
    return {
        "timeliness": Share(counts.in_limit, decided),
        "timeliness_most": Share(counts.in_limit + counts.indeterminate, decided),
        "coverage": Share(counts.reposted, counts.obliged - waiting),
        "fidelity": Share(sum(1 for row in shown if faithful(row)), len(shown)),
    }


def faithful(row: ReportRow) -> bool:
    """The newest revision is what anybody sees at the site: nothing was edited, removed or left uncorrected."""
    return row.repost.finding is None and row.repost.seen == row.repost.wanted > 0


def _night(rows: Sequence[ReportRow], zone: ZoneInfo) -> Share:
    hours = [
        row.published.at.astimezone(zone).hour
        for row in rows
        if row.published and row.published.precision is not Precision.DAY
    ]
    return Share(sum(1 for hour in hours if hour >= NIGHT[0] or hour < NIGHT[1]), len(hours))


def _blame(told: _Told) -> Counter[str]:
    return Counter(row.blame for row, how in told if how in (Outcome.LATE, Outcome.MISSING))


def _lags(told: _Told) -> tuple[Lag, ...]:
    blamed = _blame(told)
    names = (*LAGS, *sorted(name for name in blamed if name and name not in LAGS))
    return tuple(_lag(name, [row for row, how in told if how in OBLIGED], blamed[name]) for name in names)


def _lag(name: str, rows: Sequence[ReportRow], blamed: int) -> Lag:
    known = [lag for row in rows if (lag := row.lags.get(name)) is not None]
    return Lag(name, sum(known), max(known, default=0.0), len(known), blamed)


def _by_site(told: _Told) -> tuple[tuple[str, Counts], ...]:
    sites = sorted({row.repost.site for row, _ in told})
    return tuple((site, _counts([one for one in told if one[0].repost.site == site])) for site in sites)


def _item(row: ReportRow, how: Outcome, now: datetime) -> Item:
    return Item(
        repost=row.repost.id,
        document=row.document.id,
        title=row.title or row.document.title,
        source=row.repost.source,
        site=row.repost.site,
        column=row.repost.column,
        url=row.repost.ref.url if row.repost.ref else "",
        published=row.published.at if row.published else None,
        precision=row.published.precision.value if row.published else "",
        day=day_of(row.published) if row.published else "",
        detected=row.document.detected,
        seen=row.seen,
        due=row.due,
        latency=latency(row, now=now) if how in OBLIGED else None,
        outcome=how,
        verdict=row.verdict.value,
        verdict_reason=row.verdict_reason,
        blame=row.blame if how in (Outcome.LATE, Outcome.MISSING) else "",
        status=row.status,
        faithful=faithful(row),
        withdrawn=row.document.withdrawn,
        published_by=row.published.source if row.published else "",
    )
