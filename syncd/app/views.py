"""Rows as people and programs see them: the same fields for the command line, the API and the pages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.app.clock import iso
from syncd.core import deadline
from syncd.core import repost as machine
from syncd.engine.measure import Judged
from syncd.model import Event, Instant, Repost, Verdict
from syncd.report.figures import day_of
from syncd.store.api import Related, Story

Row = dict[str, Any]
AWAITED = "awaited"
"""The status of what people have still to post, at a site where syncd only observes."""
PEOPLE = "people"
"""The lag of those people, which is that of the CMS where syncd posts."""


@dataclass(frozen=True, slots=True)
class Shown(Judged):
    """A judged repost in the words that are shown. status: core.repost.Status or AWAITED."""

    status: str


def shown(judged: Judged, events: Sequence[Event], *, posts: bool) -> Shown:
    """The words for a repost, from its events. posts: syncd posts at its site, it isn't only observed."""
    lags = judged.lags if posts else {PEOPLE if name == "cms" else name: s for name, s in judged.lags.items()}
    blame = PEOPLE if judged.blame == "cms" and not posts else judged.blame
    return Shown(
        judged.repost, judged.document, judged.timeline, judged.rule, judged.verdict, judged.why, judged.latency,
        lags, blame, word(judged.repost, events, posts=posts),
    )


def word(repost: Repost, events: Iterable[Event], *, posts: bool) -> str:
    """The status as it is shown; "withdrawn" only where the wanted revision itself went out as a withdrawal."""
    gone = any(e.kind == "withdrawn" and (e.repost, e.revision) == (repost.id, repost.wanted) for e in events)
    status = machine.status(repost, withdrawn=gone)
    return AWAITED if status is machine.Status.SENDING and not posts else status.value


def instant(value: Instant | None) -> Row | None:
    """A moment as precisely as it is known: of a day its date alone, in its own time zone."""
    if value is None:
        return None
    told = {"value": day_of(value) or iso(value.at), "precision": value.precision.value}
    return told | {"raw": value.raw, "zone": value.zone, "origin": value.origin, "source": value.source}


def repost_row(judged: Shown) -> Row:
    """The fields of `syncd reposts --json`; latency_s is the least that it can have been."""
    repost, document, line = judged.repost, judged.document, judged.timeline
    return {
        "id": repost.id, "document": document.id, "title": document.title, "source": repost.source, "site": repost.site,
        "column": repost.column, "url": repost.ref.url if repost.ref else "",
        "status": judged.status,
        "marks": {"wanted": repost.wanted, "approved": repost.approved, "sent": repost.sent, "seen": repost.seen},
        "key": repost.key, "ref": repost.ref.id if repost.ref else "", "published": instant(document.published),
        "detected": iso(document.detected), "sent_at": _at(line.sent), "seen_at": _at(line.seen),
        "latency_s": judged.latency[0] if judged.latency and line.seen else None,
        "latency_max_s": judged.latency[1] if judged.latency and line.seen else None,
        "deadline": iso(due(judged)), "verdict": judged.verdict.value, "reason": repost.reason,
        "hint": named(repost.hint, repost.id),
        "excused": repost.excused, "blame": judged.blame if judged.verdict is Verdict.BREACHED else "",
        "lags": judged.lags, "needs_person": machine.needs_person(repost),
    }


def named(hint: str, id: int | str) -> str:
    """A hint with the number or name that its commands need."""
    return re.sub(r"\b(ID|NAME)\b", str(id), hint)


def _at(value: Instant | None) -> str | None:
    return iso(value.at) if value else None


def due(judged: Shown) -> datetime | None:
    """The latest moment at which the limit may end; None without a rule or a date."""
    published = judged.document.published
    if judged.rule is None or published is None:
        return None
    return deadline.due_at(published, judged.rule)[1]


def explain(judged: Shown, story: Story, step: machine.Step, sites: Sequence[str]) -> Row:
    """One repost's whole story: each look, each decision with its reason, and what comes next. sites: of its document."""
    document = story.document
    return {
        "repost": repost_row(judged),
        "document": {
            "id": document.id, "title": document.title, "url": document.url, "aliases": list(document.aliases),
            "names": list(document.names), "merged": document.merged,
            "validity": story.revisions[-1].content.validity if story.revisions else "",
            "relations": [relation(told) for told in story.related],
            "published": instant(document.published), "detected": iso(document.detected),
            "missed": iso(document.missed), "sources": list(document.sources), "withdrawn": document.withdrawn,
            "sites": list(sites),
        },
        "revisions": [
            {"n": r.n, "hash": r.hash, "detected": iso(r.detected), "withdrawn": r.withdrawn, "reason": r.reason,
             "losses": list(r.content.losses)}
            for r in story.revisions
        ],
        "events": [event(e) for e in story.events],
        "lags": judged.lags, "blame": judged.blame, "next": next_step(step, story.repost),
        "deadline": {
            "limit_s": judged.rule.limit if judged.rule else None, "basis": judged.rule.basis if judged.rule else "",
            "due": iso(due(judged)),
        },
        "verdict": judged.verdict.value, "verdict_reason": judged.why,
    }


def relation(told: Related) -> Row:
    """One bearing of documents on each other: way "tells" (this one says it of the other) or "told" (the other of it)."""
    return {
        "bond": told.bond.value, "way": told.way, "title": told.title, "number": told.number, "url": told.url,
        "document": told.document,
    }


def event(told: Event) -> Row:
    return {
        "at": iso(told.at.at), "precision": told.at.precision.value, "error_s": told.at.error, "kind": told.kind,
        "revision": told.revision, "actor": told.actor, "reason": told.reason, "detail": dict(told.detail),
    }


def next_step(step: machine.Step, repost: Repost) -> Row:
    """What the engine would do now, and when it takes the row up."""
    at = getattr(step, "until", None) or repost.due
    return {"step": type(step).__name__.lower(), "reason": step.reason, "at": iso(at)}


def verdict_counts(judged: Sequence[Shown]) -> dict[str, int]:
    return {verdict.value: sum(1 for j in judged if j.verdict is verdict) for verdict in Verdict}



def glance(
    *, visible: int, under_way: int, attention: int, lists: int, failing: int, good: float | None,
    problems: Sequence[str],
) -> str:
    """The daemon's state in one line. good: seconds since any list was last read well, None for never."""
    needs = f"{attention} {'needs' if attention == 1 else 'need'} a person"
    counted = f"{visible} {'repost' if visible == 1 else 'reposts'} visible, {under_way} under way"
    read = "no list was read well yet" if good is None else f"last good read {ago(good)} ago"
    told = [counted + (f", {needs}" if attention else "")]
    told += [read if lists else "no list is configured"]
    told += [f"{failing} of {lists} lists can't be read"] if failing else []
    told += [_PROBLEMS.get(reason, reason.replace("_", " ")) for reason in problems]
    return "; ".join(told)


_PROBLEMS = {
    "config_rejected": "new config rejected", "clock_off": "the clock is wrong", "network_down": "our network is down",
}


def ago(seconds: float) -> str:
    """A span in its largest unit: 40 s, 12 min, 5 h, 3 d."""
    for size, unit, most in ((1, "s", 120), (60, "min", 7200), (3600, "h", 172800)):
        if seconds < most:
            return f"{max(0, int(seconds // size))} {unit}"
    return f"{int(seconds // 86400)} d"
