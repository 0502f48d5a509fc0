"""The place for the verbs about lists: sources and their memory, entries, what waits to be read, the journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, or_, select, text, update

from syncd.core.detect import Known
from syncd.core.identity import alias_hash, entry_key
from syncd.store import settings
from syncd.store.api import Pending, Poll, ReadSpan, SourceRow
from syncd.store.codec import digest, micros, moment
from syncd.store.rows import missing, pending_columns, pending_of, source_columns, source_of
from syncd.store.statements import Found, InQuery, Query, inserting, noting
from syncd.store.tables import aliases, entries, journal, pendings, sources, starts

SPAN_GAP = timedelta(minutes=10)
"""Reads further apart than this are never one span: what lies between may not have been watched."""
PENDING_HORIZON = timedelta(days=4)
"""Longer than any wait of an entry (Retry-After: up to two days); a later `due` was written by a wrong clock."""

_UPSERT_SOURCE = noting(sources, "name", "due", "data", key=["name"], renew=["due", "data"], active=1)
_NEW_SOURCE = noting(sources, "name", "due", "data", key=["name"], active=1)
_DEACTIVATE = Query(update(sources).values(active=0))
_ACTIVATE = Query(update(sources).values(active=1).where(sources.c.name == bindparam("b_name")))
_SOURCE = Query(select(sources).where(sources.c.name == bindparam("name")))
_SOURCES = Query(select(sources).where(text("active = 1")).order_by(sources.c.id))

_KNOWN_KEYS = InQuery(
    lambda keys: select(entries.c.key, entries.c.print).where(
        entries.c.source == bindparam("source"), entries.c.key.in_(keys)
    )
)
_KNOWN_ALIASES = InQuery(lambda hashes: select(aliases).where(aliases.c.hash.in_(hashes)))
_SEE_ENTRY = noting(entries, "source", "key", "print", key=["source", "key"], renew=["print"])
_UNSEE_ENTRY = Query(
    delete(entries).where(entries.c.source == bindparam("source"), entries.c.key == bindparam("key"))
)
_SEE_ALIAS = noting(aliases, "hash", key=["hash"], document=0)

_STARTS = Query(select(starts).where(starts.c.source == bindparam("source")))
_START = noting(starts, "source", "site", "at", key=["source", "site"])

_LAST_READ = Query(
    select(journal).where(journal.c.source == bindparam("source")).order_by(journal.c.id.desc()).limit(1)
)
_READ = inserting(journal, without="id")
_READ_AGAIN = Query(
    update(journal)
    .values(until=bindparam("b_until"), reads=journal.c.reads + 1)
    .where(journal.c.id == bindparam("b_id"))
)
_READS = Query(
    select(journal)
    .where(journal.c.source == bindparam("source"), journal.c.until >= bindparam("since"))
    .order_by(journal.c.id)
)

_PENDING_OF_KEY = Query(
    select(pendings).where(pendings.c.source == bindparam("source"), pendings.c.key == bindparam("key"))
)
_PENDING = Query(select(pendings).where(pendings.c.id == bindparam("id")))
_NEW_PENDING = inserting(pendings, without="id")
_SET_PENDING = Query(
    update(pendings)
    .values({c.name: bindparam(f"b_{c.name}") for c in pendings.c if c.name not in ("id", "source", "key")})
    .where(pendings.c.id == bindparam("b_id"))
)
_DROP_PENDING = Query(delete(pendings).where(pendings.c.id == bindparam("id")))
_DUE_PENDING = Query(
    select(pendings)
    .where(text("held = 0"), or_(pendings.c.due <= bindparam("now"), pendings.c.due > bindparam("absurd")))
    .order_by(pendings.c.backfill, pendings.c.tries, pendings.c.id)
    .limit(bindparam("most"))
)
_PENDINGS = Query(select(pendings).order_by(pendings.c.id).limit(bindparam("most")))
_PENDINGS_HELD = Query(
    select(pendings).where(pendings.c.held == bindparam("held")).order_by(pendings.c.id).limit(bindparam("most"))
)
_HELD_OF = Query(
    select(pendings).where(and_(pendings.c.source == bindparam("source"), pendings.c.held == 1)).order_by(pendings.c.id)
)


def configure(conn: Connection, names: Sequence[str], config_hash: str, now: datetime) -> int:
    _DEACTIVATE(conn)
    for name in names:
        _NEW_SOURCE(conn, **source_columns(SourceRow(name, now)))
        _ACTIVATE(conn, b_name=name)
    generation = int(settings.get(conn, "store.generation") or 0)
    if settings.get(conn, "store.config") == config_hash and generation:
        return generation
    settings.put(conn, "store.config", config_hash)
    settings.put(conn, "store.generation", str(generation + 1))
    return generation + 1


def all_sources(conn: Connection) -> list[SourceRow]:
    return [source_of(row) for row in _SOURCES.each(conn)]  # row by row: there may be ten thousand


def known(conn: Connection, source: str, keys: Sequence[int], hashes: Sequence[int]) -> Known:
    row = _SOURCE.first(conn, name=source)
    prints = {r.key: r.print for r in _KNOWN_KEYS.each(conn, keys, source=row.id)} if row else {}
    return Known(prints, {r.hash: r.document for r in _KNOWN_ALIASES.each(conn, hashes)})


def start_lines(conn: Connection, source: str) -> dict[str, datetime]:
    return {site: moment(at) for site, at in sorted((row.site, row.at) for row in _STARTS.all(conn, source=source))}


def record_poll(conn: Connection, poll: Poll) -> None:
    row = poll.row
    at = poll.at or row.good or row.due
    _UPSERT_SOURCE(conn, **source_columns(row))
    for id in poll.over:
        _unsee(conn, row.name, id)
    _sight(conn, row.name, poll)
    for pending in poll.pending:
        _await_reading(conn, pending)
    _START.many(conn, [{"source": row.name, "site": site, "at": micros(at)} for site in poll.start])
    _journal(conn, row, at, poll.evidence)


def _sight(conn: Connection, source: str, poll: Poll) -> None:
    id = _SOURCE.number(conn, name=source)
    _SEE_ENTRY.many(conn, [{"source": id, "key": s.key, "print": s.print} for s in poll.sightings])
    _SEE_ALIAS.many(conn, [{"hash": alias, "document": 0} for s in poll.sightings for alias in s.aliases])


def _unsee(conn: Connection, source: str, id: int) -> None:
    """A held entry is forgotten: if the list shows it again, it is found again."""
    waiting = pending(conn, id)
    if waiting is None or not waiting.held:
        return
    _UNSEE_ENTRY(conn, source=_SOURCE.number(conn, name=source), key=entry_key(source, waiting.entry.key))
    drop_pending(conn, id)


def _await_reading(conn: Connection, pending: Pending) -> None:
    """Store a pending; a row that still waits from an earlier read is brought up to date and not read twice."""
    row = _PENDING_OF_KEY.first(conn, source=pending.source, key=digest(pending.entry.key))
    if row is None:
        _NEW_PENDING(conn, **pending_columns(pending))
        return
    _set_pending(conn, row.id, _renewed(pending_of(row), pending))


def _renewed(old: Pending, new: Pending) -> Pending:
    """What waits since the earlier sighting, with the newest entry; a hold stays until a person has decided."""
    change = old.change if new.change == "changed" else new.change
    return replace(
        new,
        change=change,
        sighted=old.sighted,
        missed=old.missed,
        document=new.document or old.document,
        backfill=old.backfill,
        held=old.held or new.held,
    )


def _set_pending(conn: Connection, id: int, pending: Pending) -> bool:
    columns = {f"b_{name}": value for name, value in pending_columns(pending).items()}
    return _SET_PENDING(conn, b_id=id, **columns) == 1


def record_journal(conn: Connection, rows: Sequence[SourceRow], at: datetime) -> None:
    for row in rows:
        _journal(conn, row, row.good if row.good and not row.reason else at)
        stored = _SOURCE.first(conn, name=row.name)
        # A read that was journaled late says nothing about a source that was read again since.
        if stored is None or source_of(stored).reads <= row.reads:
            _UPSERT_SOURCE(conn, **source_columns(row))


def _journal(conn: Connection, row: SourceRow, at: datetime, evidence: str = "") -> None:
    """One line for a read, or a longer span where it only repeats the one before."""
    last = _LAST_READ.first(conn, source=row.name)
    if last and not evidence and last.reason == row.reason and _adjoins(last, at):
        _READ_AGAIN(conn, b_id=last.id, b_until=max(last.until, micros(at)))
        return
    when = micros(at)
    _READ(conn, source=row.name, since=when, until=when, reads=1, reason=row.reason, evidence=evidence)


def _adjoins(last: Found, at: datetime) -> bool:
    return timedelta(0) <= at - moment(last.until) <= SPAN_GAP


def reads(conn: Connection, source: str, since: datetime) -> list[ReadSpan]:
    """A span that began before `since` is told whole."""
    rows = _READS.all(conn, source=source, since=micros(since))
    return [ReadSpan(moment(row.since), moment(row.until), row.reads, row.reason) for row in rows]


def due_pending(conn: Connection, now: datetime, limit: int) -> list[Pending]:
    rows = _DUE_PENDING.all(conn, now=micros(now), absurd=micros(now + PENDING_HORIZON), most=limit)
    return [pending_of(row) for row in rows]


def all_pendings(conn: Connection, held: bool | None, limit: int) -> list[Pending]:
    rows = _PENDINGS.all(conn, most=limit) if held is None else _PENDINGS_HELD.all(conn, held=int(held), most=limit)
    return [pending_of(row) for row in rows]


def pending(conn: Connection, id: int) -> Pending | None:
    row = _PENDING.first(conn, id=id)
    return None if row is None else pending_of(row)


def drop_pending(conn: Connection, id: int) -> None:
    _DROP_PENDING(conn, id=id)


def defer(conn: Connection, waiting: Pending) -> None:
    """What became of trying to read it; the entry itself may have been renewed by a poll meanwhile."""
    stored = pending(conn, waiting.id)
    if stored is None:
        raise missing("pending", waiting.id)
    tried = {"due": waiting.due, "tries": waiting.tries, "reason": waiting.reason, "hint": waiting.hint}
    _set_pending(conn, waiting.id, replace(stored, **tried))  # type: ignore[arg-type]


def release(conn: Connection, source: str, drop: bool, now: datetime, shown: Collection[int] | None) -> int:
    every = [pending_of(row) for row in _HELD_OF.all(conn, source=source)]
    held = [waiting for waiting in every if shown is None or waiting.id in shown]
    for waiting in held:
        if drop:
            _forget(conn, waiting)
        else:
            _set_pending(conn, waiting.id, replace(waiting, held="", due=now))
    if not held:
        _accept(conn, source, now)
    return len(held)


def _forget(conn: Connection, waiting: Pending) -> None:
    """Known from now on, and never read."""
    _SEE_ALIAS.many(conn, [{"hash": alias_hash(alias), "document": 0} for alias in waiting.entry.aliases])
    _DROP_PENDING(conn, id=waiting.id)


def _accept(conn: Connection, source: str, now: datetime) -> None:
    row = _SOURCE.first(conn, name=source)
    if row is None:
        raise missing("source", source)
    _UPSERT_SOURCE(conn, **source_columns(replace(source_of(row), accept=True, due=now)))
