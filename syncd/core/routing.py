"""Routing: which documents go to which site, by which rule, and what that makes of the rows of marks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.core.identity import normalise_number
from syncd.core.repost import want
from syncd.model import Content, Document, Event, Instant, Repost, Revision, Route

_NAME_END = r"[\s、,;/·|]"
"""What stands between the names of a joint document's issuers, once folded (，and ； are , and ; then)."""


@dataclass(frozen=True, slots=True)
class Routing:
    """A route wants a document on its site, because `source` showed it.

    excused: why it gets no verdict ("backfill") or "". reason: "new", "backfill" or "withdrawn" (the newest revision is
    a withdrawal: it is carried to where the document stands and posted nowhere else).
    """

    route: Route
    source: str
    excused: str
    reason: str


def matches(route: Route, content: Content) -> tuple[bool, str]:
    """Whether a route takes this content, and if not why: issuer_not_matched, keyword_missing or excluded."""
    match, field = route.match, _searchable(content)
    if match.issuer and not any(_names(content.issuer, name) for name in match.issuer):
        return False, "issuer_not_matched"
    if match.keywords and not _any_in(match.keywords, field):
        return False, "keyword_missing"
    if _any_in(match.exclude, field):
        return False, "excluded"
    return True, ""


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _names(issuers: str, name: str) -> bool:
    """True when `name` is a whole name among the issuers: 国务院 is none in 国务院办公厅."""
    whole = rf"(?:^|{_NAME_END}){re.escape(_fold(name))}(?:{_NAME_END}|$)"
    return re.search(whole, _fold(issuers)) is not None


def _searchable(content: Content) -> str:
    number = content.document_number
    parts = (content.title, content.text, number, normalise_number(number), *content.categories)
    return "\n".join(_fold(part) for part in parts)


def _any_in(words: Iterable[str], field: str) -> bool:
    return any(_fold(word) in field for word in words)


def wanted_on(
    document: Document,
    revision: Revision,
    sightings: Sequence[tuple[str, datetime]],
    started: Mapping[tuple[str, str], datetime],
    routes: Sequence[Route],
    *,
    have: Collection[str] = (),
) -> tuple[Routing, ...]:
    """The routes that want the document's newest revision, at most one for each site: the first in the file wins.

    sightings: (source, first sighting there). started: (source, site) -> start line, set at that pair's first good
    read; a pair without one wants nothing yet. have: sites where the document already has a repost; the start line
    keeps old documents from being posted, never corrections and withdrawals from a post that stands.
    """
    chosen: dict[str, Routing] = {}
    matching = [route for route in routes if matches(route, revision.content)[0]]
    standing = [route for route in routes if route.site in have]  # a post that stands is kept right, matching or not
    for route in (*matching, *standing):
        routing = _routing(route, document, sightings, started, stands=route.site in have)
        if routing and route.site not in chosen:
            chosen[route.site] = replace(routing, reason="withdrawn") if revision.withdrawn else routing
    return tuple(chosen.values())


def _routing(
    route: Route,
    document: Document,
    sightings: Sequence[tuple[str, datetime]],
    started: Mapping[tuple[str, str], datetime],
    *,
    stands: bool,
) -> Routing | None:
    """By the first of the route's sources that makes it new; else, when it is old, by one whose past is carried."""
    lines = [(s, started[s, route.site]) for s, _ in sightings if s in route.sources and (s, route.site) in started]
    if not lines:
        return None
    first = min(at for _, at in sightings)
    for source, line in lines:
        if first > line:
            return Routing(route, source, "", "new")
    for source, line in lines:
        if stands or _carried_over(route, document, line):
            return Routing(route, source, "backfill", "backfill")
    return None


def _carried_over(route: Route, document: Document, line: datetime) -> bool:
    """Whether the route's `backfill` covers a document that is old. A span is counted back from the start line."""
    backfill = route.backfill
    if backfill is None:
        return False
    if backfill.everything:
        return True
    if backfill.span is None:
        return document.backfill
    return document.published is not None and document.published.latest >= line - timedelta(seconds=backfill.span)


def merge_reposts(
    document_id: int,
    revision_n: int,
    routings: Sequence[Routing],
    existing: Sequence[Repost],
    mint: Callable[[str], str],
    now: datetime,
) -> tuple[tuple[Repost, ...], tuple[Event, ...]]:
    """Rows to insert (id 0) or to save, and their "wanted" events; rows that stay as they are aren't among them.

    A site that no route wants any more keeps its row: a route that vanished stops writing and never withdraws. What
    its source changes is still wanted there, so that a person is told what is not carried. A row whose route went is
    taken over by the one that wants it now, with the column and form that it was posted with.
    The time limit that applies is told with the event: a limit that is changed later does not judge the past.
    """
    rows: list[Repost] = []
    events: list[Event] = []
    for routing in routings:
        site = routing.route.site
        before = [row for row in existing if row.site == site]
        after = [_taken_over(want(row, revision_n, now), routing, now) for row in before]
        if not before and routing.reason != "withdrawn":
            after = [_new_row(document_id, revision_n, routing, mint(site), now)]
        rows += [row for row in after if row not in before]
        raised = [row for row in after if row.wanted not in {old.wanted for old in before if old.id == row.id}]
        events += [_wanted(document_id, row, routing, now) for row in raised]
    routed = {routing.route.site for routing in routings}
    stray = [want(row, revision_n, now) for row in existing if row.site not in routed and row.wanted < revision_n]
    rows += stray
    events += [_stands(document_id, row, now) for row in stray]
    return tuple(rows), tuple(events)


def _taken_over(row: Repost, routing: Routing, now: datetime) -> Repost:
    return row if row.route == routing.route.name else replace(row, route=routing.route.name, due=now)


def _new_row(document: int, n: int, routing: Routing, key: str, now: datetime) -> Repost:
    route = routing.route
    row = Repost(0, document, routing.source, route.site, route.name, route.column, key, due=now, created=now)
    return replace(row, form=route.form, post_as=route.post_as, wanted=n, excused=routing.excused)


def _wanted(document: int, row: Repost, routing: Routing, now: datetime) -> Event:
    rule = routing.route.deadline
    limit = {"limit": str(rule.limit), "basis": rule.basis} if rule else {}
    detail = {"site": row.site, "route": routing.route.name, **limit}
    return Event("wanted", Instant(now), document, row.id or None, row.wanted, reason=routing.reason, detail=detail)


def _stands(document: int, row: Repost, now: datetime) -> Event:
    return Event("wanted", Instant(now), document, row.id, row.wanted, reason="stands", detail={"site": row.site})
