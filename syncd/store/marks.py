"""The place for the verbs about reposts: their rows and marks, what is due, their events, and routing's results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, literal_column, select, text, union_all, update
from sqlalchemy.sql.expression import ColumnElement

from syncd.core.repost import REST_HORIZON, RETRY_HORIZON
from syncd.errors import Stale
from syncd.model import Event, Repost
from syncd.store.api import Filter, Work
from syncd.store.codec import micros
from syncd.store.rows import event_columns, event_of, missing, repost_columns, repost_of, work_of
from syncd.store.statements import InQuery, Query, inserting, numbering, reading
from syncd.store.tables import events, reposts, revisions

_REPOST = reading(reposts)
_OF_DOCUMENT = Query(select(reposts).where(reposts.c.document == bindparam("document")).order_by(reposts.c.id))
_NEW_REPOST = numbering(reposts)
_SET_REPOST = Query(
    update(reposts)
    .values({c.name: bindparam(f"b_{c.name}") for c in reposts.c if c.name != "id"})
    .where(reposts.c.id == bindparam("b_id"), reposts.c.version == bindparam("b_before"))
)
_DROP_REPOST = Query(delete(reposts).where(reposts.c.id == bindparam("id")))
_UNAPPROVED = Query(select(reposts).where(text("waiting = 1")).order_by(reposts.c.id.desc()).limit(bindparam("most")))

_EVENT = inserting(events, without="id")
_EVENTS_OF_REPOST = Query(select(events).where(events.c.repost == bindparam("repost"), text("repost IS NOT NULL")))
_EVENTS_OF_DOCUMENT = Query(select(events).where(events.c.document == bindparam("document"), text("repost IS NULL")))


def _due(busy: int, when: ColumnElement[bool], skipped: list[Any]) -> Select[Any]:
    """One range of the index on due; it holds all that the search needs, so that no row is touched.

    skipped: sites of which only rows are found whose next act does not call the CMS.
    """
    found = select(reposts.c.id, reposts.c.tries, reposts.c.document).where(text(f"busy = {busy}"), when)
    return found.where(reposts.c.site.not_in(skipped) | text("calls = 0")) if skipped else found


def _due_reposts(skipped: list[Any]) -> Select[Any]:
    """Due rows in order, with the heads that `plan` sees. Follows core.repost.overdue: four ranges of (busy, due)."""
    due = union_all(
        _due(1, reposts.c.due <= bindparam("now"), skipped),
        _due(1, reposts.c.due > bindparam("absurd_busy"), skipped),
        _due(0, reposts.c.due <= bindparam("now"), skipped),
        _due(0, reposts.c.due > bindparam("absurd_rest"), skipped),
    ).subquery()
    first = select(due).order_by(due.c.tries, due.c.document.desc(), due.c.id).limit(bindparam("most")).subquery()
    wanted, approved = revisions.alias("w"), revisions.alias("a")
    heads = (wanted.c.withdrawn.label("wanted_withdrawn"), approved.c.withdrawn.label("approved_withdrawn"))
    joined = (
        first.join(reposts, reposts.c.id == first.c.id)
        .outerjoin(wanted, (wanted.c.document == reposts.c.document) & (wanted.c.n == reposts.c.wanted))
        .outerjoin(approved, (approved.c.document == reposts.c.document) & (approved.c.n == reposts.c.approved))
    )
    return select(reposts, *heads).select_from(joined).order_by(first.c.tries, first.c.document.desc(), first.c.id)


_DUE = Query(_due_reposts([]))
_DUE_ELSEWHERE = InQuery(_due_reposts)


def due_reposts(conn: Connection, now: datetime, limit: int, skip_sites: Sequence[str]) -> list[Work]:
    bounds = {
        "now": micros(now),
        "absurd_busy": micros(now + RETRY_HORIZON),
        "absurd_rest": micros(now + REST_HORIZON),
        "most": limit,
    }
    rows = _DUE_ELSEWHERE.all(conn, skip_sites, **bounds) if skip_sites else _DUE.all(conn, **bounds)
    return [work_of(row) for row in rows]


def repost(conn: Connection, id: int) -> Repost:
    row = _REPOST.first(conn, id=id)
    if row is None:
        raise missing("repost", id)
    return repost_of(row)


def reposts_of_document(conn: Connection, document: int) -> tuple[Repost, ...]:
    return tuple(repost_of(row) for row in _OF_DOCUMENT.all(conn, document=document))


def unapproved(conn: Connection, limit: int) -> list[Repost]:
    return [repost_of(row) for row in _UNAPPROVED.all(conn, most=limit)]


def delete_repost(conn: Connection, id: int) -> None:
    _DROP_REPOST(conn, id=id)


def update_repost(conn: Connection, before: Repost, after: Repost) -> Repost:
    """Write `after` over the row as it was read; Stale when somebody else did so since."""
    stored = replace(after, version=before.version + 1)
    columns = {f"b_{name}": value for name, value in repost_columns(stored).items()}
    if _SET_REPOST(conn, b_before=before.version, **columns) != 1:
        raise Stale(
            "stale",
            f"repost {before.id} was changed meanwhile",
            hint="nothing to do: it is read again at the next tick",
        )
    return stored


def _insert_repost(conn: Connection, new: Repost) -> Repost:
    columns = repost_columns(new)
    del columns["id"]
    return replace(new, id=_NEW_REPOST.made(conn, **columns))


def save(conn: Connection, changed: Repost, told: Sequence[Event]) -> Repost:
    stored = update_repost(conn, changed, changed)
    add_events(conn, [_bound(event, stored) for event in told])
    return stored


def _bound(event: Event, to: Repost) -> Event:
    return event if event.repost is not None else replace(event, repost=to.id, document=to.document)


def save_routed(conn: Connection, changed: Sequence[Repost], told: Sequence[Event]) -> None:
    """Insert the new ones, save the others; events are bound to their repost by `detail["site"]`."""
    stored = [update_repost(conn, r, r) if r.id else _insert_repost(conn, r) for r in changed]
    by_site = {repost.site: repost for repost in stored}
    add_events(
        conn,
        [
            _bound(event, by_site[event.detail["site"]]) if event.detail.get("site") in by_site else event
            for event in told
        ],
    )


def add_events(conn: Connection, told: Sequence[Event]) -> None:
    """Append events in their order."""
    _EVENT.many(conn, [event_columns(event) for event in told])


def events_of(conn: Connection, id: int, document: int) -> tuple[Event, ...]:
    """Events of a repost and of its document, in order of id."""
    rows = [*_EVENTS_OF_REPOST.all(conn, repost=id), *_EVENTS_OF_DOCUMENT.all(conn, document=document)]
    return tuple(event_of(row) for row in sorted(rows, key=lambda row: row.id))


def filtered(conn: Connection, which: Filter) -> list[Repost]:
    """The reposts that a filter lets through, the newest first."""
    found = select(reposts).order_by(reposts.c.id.desc()).limit(which.limit).offset(which.offset)
    for condition in _conditions(which):
        found = found.where(condition)
    return [repost_of(row) for row in conn.execute(found)]


def _conditions(which: Filter) -> list[ColumnElement[bool]]:
    c = reposts.c
    wanted: list[tuple[object, ColumnElement[bool]]] = [
        (which.site, c.site == which.site),
        (which.source, c.source == which.source),
        (which.ids, c.id.in_(which.ids)),
        (which.documents, c.document.in_(which.documents)),
        (which.attention, literal_column("attention") == literal_column("1")),
        (which.open, literal_column("open") == literal_column("1")),
    ]
    if which.since:
        wanted.append((True, c.created >= micros(which.since)))
    if which.until:
        wanted.append((True, c.created < micros(which.until)))
    return [condition for asked, condition in wanted if asked]
