"""The place for the verbs that keep the state small, counted and sound: routing's queue, counts, pruning, the scrub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, TextClause, and_, bindparam, delete, exists, func, select, text, update

from syncd.errors import StoreError
from syncd.model import Content, Document, Event, Repost, Revision
from syncd.store import documents as docs
from syncd.store import lists, marks, relations, settings
from syncd.store.api import Counts, Filter, Reading, Recorded, Routable, Routing, Story
from syncd.store.codec import micros
from syncd.store.rows import SEALED, document_of, revision_columns, revision_of
from syncd.store.statements import Query
from syncd.store.tables import blobs, documents, journal, metadata, pendings, reposts, revisions

PRUNED = 200
"""Most revisions that one transaction prunes: other verbs come in between."""

_UNROUTED = Query(
    select(documents)
    .where(text("merged = 0"), documents.c.routed < bindparam("generation"), documents.c.latest > 0)
    .order_by(documents.c.routed, documents.c.id.desc())
    .limit(bindparam("most"))
)

_ROUTED = Query(select(documents.c.routed).where(documents.c.id == bindparam("id")))


def _count(table: Table, *conditions: str) -> Query:
    return Query(select(func.count()).select_from(table).where(*map(text, conditions)))


_DOCUMENTS = _count(documents, "merged = 0")
_REVISIONS, _REPOSTS = _count(revisions), _count(reposts)
_OPEN, _ATTENTION = _count(reposts, "open = 1"), _count(reposts, "attention = 1")
_PENDING, _HELD = _count(pendings, "held = 0"), _count(pendings, "held = 1")


def _those(condition: str) -> TextClause:
    return text(f"sum(CASE WHEN {condition} THEN 1 ELSE 0 END)")


_PER_SITE = Query(
    select(reposts.c.site, _those("sent < approved"), _those("sent > 0 AND seen = sent")).group_by(reposts.c.site)
)
_OLD_READS = Query(delete(journal).where(journal.c.until < bindparam("before")))
_unsettled = exists(
    select(text("1")).select_from(reposts).where(reposts.c.document == revisions.c.document, text("reposts.open = 1"))
)
_PRUNABLE = Query(
    select(revisions).where(text("state = 1"), revisions.c.detected < bindparam("before"), ~_unsettled).limit(PRUNED)
)
_PRUNE = Query(
    update(revisions)
    .values(state=2, content=bindparam("b_content"), seal=bindparam("b_seal"))
    .where(revisions.c.id == bindparam("b_id"))
)
_DISOWN = Query(delete(blobs).where(blobs.c.owner == bindparam("owner")))
_REFERENCED = Query(select(blobs.c.sha256))


def unrouted(conn: Connection, generation: int, limit: int) -> list[Routable]:
    found = [document_of(row) for row in _UNROUTED.all(conn, generation=generation, most=limit)]
    return [_routable(conn, document, docs.revision(conn, document.id, document.latest)) for document in found]


def _routable(conn: Connection, document: Document, newest: Revision) -> Routable:
    shown = docs.sightings(conn, document.id)
    started = tuple((s, site, at) for s, _ in shown for site, at in lists.start_lines(conn, s).items())
    return Routable(document, newest, marks.reposts_of_document(conn, document.id), shown, started)


def record_and_route(conn: Connection, read: Reading, routing: Routing | None) -> Recorded:
    """A reading and what its routes make of it; a document that was routed under this config already is left alone."""
    found = docs.record_reading(conn, read)
    document = found.document
    if routing is None or not _is_unrouted(conn, found, routing.generation):
        return found
    routed = routing.decide(_routable(conn, document, _newest(conn, found)))
    marks.save_routed(conn, routed.reposts, routed.events)
    docs.store_document(conn, document, routed=routing.generation)
    return replace(found, routed=routed.reposts)


def _is_unrouted(conn: Connection, found: Recorded, generation: int) -> bool:
    document = found.document
    return found.revised or (document.latest > 0 and _ROUTED.number(conn, id=document.id) < generation)


def _newest(conn: Connection, found: Recorded) -> Revision:
    """The document's newest revision: what was just stored, or the one from before."""
    document = found.document
    return found.revision or docs.revision(conn, document.id, document.latest)


def record_routing(
    conn: Connection, document: int, n: int, generation: int, changed: Sequence[Repost], told: Sequence[Event]
) -> None:
    marks.save_routed(conn, changed, told)
    docs.mark_routed(conn, document, n, generation)


def pairs(conn: Connection, which: Filter) -> list[tuple[Repost, Document]]:
    found = marks.filtered(conn, which)
    by_id = {id: docs.document(conn, id) for id in dict.fromkeys(r.document for r in found)}
    return [(repost, by_id[repost.document]) for repost in found]


def events_by_repost(conn: Connection, ids: Sequence[int]) -> dict[int, tuple[Event, ...]]:
    return {id: marks.events_of(conn, id, marks.repost(conn, id).document) for id in ids}


def story(conn: Connection, id: int) -> Story:
    repost = marks.repost(conn, id)
    told = marks.events_of(conn, id, repost.document)
    document = docs.document(conn, repost.document)
    return Story(repost, document, docs.all_revisions(conn, document.id), told, relations.related(conn, document))


def counts(conn: Connection) -> Counts:
    queries = (_DOCUMENTS, _REVISIONS, _REPOSTS, _OPEN, _PENDING, _HELD, _ATTENTION)
    return Counts(*[query.number(conn) for query in queries])


def prune_journal(conn: Connection, before: datetime) -> int:
    return _OLD_READS(conn, before=micros(before))


def prune_contents(conn: Connection, before: datetime) -> int:
    """Drop the bodies of some superseded revisions of documents at rest; returns how many, at most PRUNED."""
    rows = _PRUNABLE.all(conn, before=micros(before))
    for row in rows:
        old = revision_of(row)
        columns = revision_columns(replace(old, content=_bodiless(old.content)))
        _PRUNE(conn, b_id=row.id, b_content=columns["content"], b_seal=columns["seal"])
        _DISOWN(conn, owner=docs.revision_owner(old.document, old.n))
    return len(rows)


def _bodiless(content: Content) -> Content:
    """What the story of a document still tells: its names and times."""
    return replace(content, html="", text="", summary="", media=(), losses=())


def per_site(conn: Connection) -> dict[str, tuple[int, int]]:
    rows: list[tuple[Any, ...]] = _PER_SITE.all(conn)
    return {site: (queue, visible) for site, queue, visible in rows}


def referenced(conn: Connection) -> frozenset[str]:
    return frozenset(row[0] for row in _REFERENCED.each(conn))


def _next_rows(name: str) -> Query:
    table = metadata.tables[name]
    return Query(
        select(table).where(and_(table.c.id > bindparam("after"))).order_by(table.c.id).limit(bindparam("most"))
    )


_SCRUB = {name: _next_rows(name) for name in SEALED}
_TABLES = tuple(SEALED)


def scrub(conn: Connection, limit: int) -> tuple[list[str], bool]:
    """(what is damaged among the next `limit` rows, whether the end of the state was reached)."""
    at, _, after = settings.get(conn, "store.scrub").partition(" ")
    name, last = at if at in SEALED else _TABLES[0], int(after or 0)
    found: list[str] = []
    while limit > 0:
        rows = _SCRUB[name].all(conn, after=last, most=limit)
        found += [told for row in rows if (told := _damage(name, row))]
        limit -= len(rows)
        last = rows[-1].id if rows else last
        if limit > 0:
            name, last = _TABLES[(_TABLES.index(name) + 1) % len(_TABLES)], 0
            if name == _TABLES[0]:
                settings.put(conn, "store.scrub", "")
                return found, True
    settings.put(conn, "store.scrub", f"{name} {last}")
    return found, False


def _damage(name: str, row: Any) -> str:
    """What is wrong with a row, in words, or ""."""
    try:
        SEALED[name](row)
    except StoreError as error:
        return str(error)
    except (ValueError, TypeError) as error:  # the row is as it was written, and yet it can't be read
        return f"{name} {row.id}: {error}"
    return ""
