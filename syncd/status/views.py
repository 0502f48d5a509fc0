"""Pure shaping for the pages: durations, time left, the steps of a timeline, the bars of its lags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from urllib.parse import urlsplit

from syncd.status.api import EventState, Explanation, RepostRow, When

LAGS = ("source", "detection", "reading", "approval", "cms", "people", "publishing")
TONES: Mapping[str, str] = {
    "visible": "good", "withdrawn": "calm", "sent": "busy", "sending": "busy",
    "awaited": "busy", "waiting": "warn", "in_doubt": "warn",
    "parked": "bad", "edited": "bad", "gone": "bad", "held": "bad",
    "met": "good", "breached": "bad", "open": "busy", "indeterminate": "warn", "excused": "calm",
    "in_limit": "good", "late": "bad", "missing": "bad", "ok": "good", "paused": "warn", "stopped": "bad",
    "unchecked": "calm",
}
_EVENT_TONES: Mapping[str, str] = {
    "seen": "good", "look_good": "good", "sent": "good", "approved": "good", "adopted": "good", "resolved": "good",
    "rejected": "bad", "held": "bad", "in_doubt": "warn", "look_bad": "warn", "gone": "bad", "edited": "bad",
    "parked": "bad", "withdrawn": "calm",
}
FORMATS: Mapping[str, str] = {"day": "%Y-%m-%d", "minute": "%Y-%m-%d %H:%M", "second": "%Y-%m-%d %H:%M:%S"}
CLOSE = 3 * 3600.0
"""Seconds left below which an open repost is shown as urgent."""
WORTH_TELLING = 60.0
"""Seconds between two instants from which the page says how far apart they are."""
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


@dataclass(frozen=True, slots=True)
class Limit:
    """What a row says of its time limit. key: a word of the catalogue with `seconds`, `most` to be put in."""

    key: str
    tone: str
    seconds: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One instant of the timeline page. gap: seconds since the one before; times, until: of a run that was folded;
    step: what the engine will do."""

    kind: str
    at: datetime | None
    tone: str = ""
    date: str = ""
    revision: int | None = None
    actor: str = ""
    reason: str = ""
    detail: tuple[tuple[str, str], ...] = ()
    gap: float | None = None
    step: str = ""
    times: int = 1
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One stage of the lag bar: x and width in thousandths of the whole."""

    name: str
    seconds: float
    x: float
    width: float


def parts(seconds: float) -> list[tuple[int, str]]:
    """A duration as its two largest units, such as [(2, "h"), (5, "m")]; the units are keys of the catalogue."""
    rest = round(abs(seconds))
    found: list[tuple[int, str]] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or (found and len(found) < 2):
            found.append((count, unit))
    return [part for n, part in enumerate(found[:2]) if n == 0 or part[0]] or [(0, "s")]


def moment(text: str, zone: tzinfo) -> datetime | None:
    """An ISO 8601 moment, in `zone` if it names none itself; None if it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def told_at(when: When | None, zone: tzinfo) -> str:
    """A moment as precisely as its source told it, in local time; "" when it told none."""
    at = moment(when.value, zone) if when and when.value else None
    if when is None or at is None:
        return ""
    return at.astimezone(zone).strftime(FORMATS.get(when.precision, FORMATS["second"]))


def limit_of(row: RepostRow, now: datetime) -> Limit:
    """Time left while it is open, else the verdict with the latency."""
    due = row.deadline.due if row.deadline else None
    if row.verdict == "open" and due:
        left = (due - now).total_seconds()
        return Limit("row.left" if left >= 0 else "row.over", _urgency(left), abs(left))
    return _latency(row.latency_s, row.latency_max_s, TONES.get(row.verdict, "calm"))


def _urgency(left: float) -> str:
    if left < 0:
        return "bad"
    return "warn" if left < CLOSE else "busy"


def _latency(least: float | None, most: float | None, tone: str) -> Limit:
    if least is None:
        return Limit("", tone)
    if most is None:
        return Limit("row.took_least", tone, least)
    return Limit("row.took" if most - least < 60 else "row.took_between", tone, least, most)


def latest(rows: Iterable[RepostRow], count: int) -> list[RepostRow]:
    """The newest first, by detection."""
    return sorted(rows, key=lambda r: (r.detected.timestamp() if r.detected else 0.0, r.id), reverse=True)[:count]


def steps(told: Explanation, now: datetime, zone: tzinfo) -> list[Step]:
    """The timeline from publication to now and what comes next, in order, runs of the same folded."""
    past = [*_publication(told.document.published, zone), *_folded(told.events, zone)]
    due = told.deadline.due if told.deadline else None
    future = [Step("line.now", now, "now")]
    if due and (due <= now or told.verdict == "open"):
        (past if due <= now else future).append(Step("line.due", due, "bad" if due <= now and _late(told) else "due"))
    if told.next and told.next.step:
        at = told.next.at if told.next.at and told.next.at > now else None
        future.append(Step("line.next", at, "next", reason=told.next.reason, step=told.next.step))
    return _spaced([*_ordered(past), *_ordered(future)])


def _late(told: Explanation) -> bool:
    return told.verdict == "breached" or (told.verdict == "open" and told.repost.seen_at is None)


def _publication(published: When | None, zone: tzinfo) -> list[Step]:
    at = moment(published.value, zone) if published and published.value else None
    if published is None or at is None:
        return []
    date = told_at(published, zone) if published.precision == "day" else ""
    by = (("source", published.source),) if published.source else ()
    return [Step("line.published", at, "calm", date=date, detail=by)]


def _folded(events: Sequence[EventState], zone: tzinfo) -> list[Step]:
    """Three or more of the same in a row become one line."""
    runs: list[list[EventState]] = []
    for event in events:
        same = runs and _likeness(runs[-1][0]) == _likeness(event)
        runs[-1].append(event) if same else runs.append([event])
    return [step for run in runs for step in _shown(run, zone)]


def _shown(run: Sequence[EventState], zone: tzinfo) -> list[Step]:
    told = [_step(event, zone) for event in run]
    return told if len(run) < 3 else [replace(told[0], times=len(run), until=run[-1].at)]


def _likeness(event: EventState) -> tuple[object, ...]:
    return event.kind, event.reason, event.revision, event.actor


def _step(event: EventState, zone: tzinfo) -> Step:
    return Step(
        f"event.{event.kind}", event.at, _EVENT_TONES.get(event.kind, ""), revision=event.revision,
        date=event.at.astimezone(zone).date().isoformat() if event.precision == "day" else "",
        actor="" if event.actor == "syncd" else event.actor, reason=event.reason,
        detail=tuple((str(key), str(value)) for key, value in event.detail.items()),
    )


def _ordered(found: Sequence[Step]) -> list[Step]:
    """By time; what happened at once keeps the order in which it was stored, what has no time comes last."""
    return sorted(found, key=lambda step: step.at.timestamp() if step.at else float("inf"))


def _spaced(found: Sequence[Step]) -> list[Step]:
    out: list[Step] = []
    for step in found:
        before = (out[-1].until or out[-1].at) if out and not out[-1].date else None
        gap = (step.at - before).total_seconds() if before and step.at else None
        out.append(replace(step, gap=gap if gap and gap >= WORTH_TELLING else None))
    return out


def bars(lags: Mapping[str, float | None]) -> list[Bar]:
    """The stages that took time, side by side; each at least a sliver, so that it can be seen at all."""
    known = [(name, value) for name in LAGS if (value := lags.get(name)) and value >= 0.5]
    widths = [max(value, sum(v for _, v in known) * 0.006) for _, value in known]
    scale, x, out = 1000 / sum(widths) if widths else 0.0, 0.0, []
    for (name, value), width in zip(known, widths, strict=True):
        out.append(Bar(name, value, round(x, 2), round(width * scale, 2)))
        x += width * scale
    return out


def stack(counts: Mapping[str, int]) -> list[Bar]:
    """Counts as a stacked bar, in the given order."""
    total = sum(counts.values())
    out, x = [], 0.0
    for name, count in counts.items():
        if count:
            out.append(Bar(name, count, round(x, 2), round(1000 * count / total, 2)))
            x += 1000 * count / total
    return out


def todo(row: RepostRow) -> list[tuple[str, str]]:
    """(word, command) of what a person can do in this status; empty when nothing is asked of anybody."""
    id = row.id
    retry, adopt = ("retry", f"syncd retry {id}"), ("adopt", f"syncd adopt {id}")
    choices = {
        "waiting": [("approve", f"syncd approve {id}"), ("reject", f"syncd reject {id}")],
        "held": [retry, ("reject", f"syncd reject {id}")],
        "parked": [retry, adopt],
        "edited": [("overwrite", f"syncd retry {id} --overwrite"), adopt],
        "gone": [("create", f"syncd retry {id}")],
    }
    return choices.get(row.status, [])


def safe_url(url: str) -> str:
    """The URL if a browser may be led there by a link, else ""."""
    try:
        found = urlsplit(url)
    except ValueError:
        return ""
    return url if found.scheme in ("http", "https") and found.hostname else ""


def months(month: str) -> tuple[str, str]:
    """The month before and the month after "YYYY-MM"."""
    count = int(month[:4]) * 12 + int(month[5:7]) - 1
    before, after = divmod(count - 1, 12), divmod(count + 1, 12)
    return f"{before[0]:04d}-{before[1] + 1:02d}", f"{after[0]:04d}-{after[1] + 1:02d}"


def percent(share: float | None) -> str:
    """One decimal, never rounded up to a hundred that was not reached."""
    return "–" if share is None else f"{min(round(share * 1000), 1000 if share >= 1 else 999) / 10:.1f} %"
