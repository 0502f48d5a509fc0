"""The place for the store itself: the contract's verbs as an async face over synchronous functions of a connection."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from syncd.core.detect import Known
from syncd.errors import StoreError
from syncd.model import Document, Entry, Event, Repost, Revision
from syncd.store import documents, lists, marks, relations, settings, upkeep
from syncd.store.api import (
    Change,
    Counts,
    Dossier,
    DueLook,
    Filter,
    Look,
    Pending,
    Poll,
    Reading,
    ReadSpan,
    Recorded,
    Routable,
    Routing,
    SourceRow,
    Story,
    Work,
)
from syncd.store.database import Database
from syncd.store.sqlite import Sqlite
from syncd.store.writer import GroupWriter, Inline, Runner, Session, T, Verb


async def open_store(url: str, *, inline: bool = False) -> SqlStore:
    """Open a database, bring its schema up to date and check it.

    url: "sqlite:///path/syncd.sqlite3" (its directory must exist), "sqlite://" for one in memory, or
    "postgresql+psycopg://user:password@host/database". inline: every verb runs at once in the calling thread, in a
    transaction of its own; otherwise in one writer thread that groups commits.
    Raises StoreError: unsupported_database, newer_schema, damaged, read_only, disk_full, locked, unavailable; and
    AlreadyRunning when another syncd works on this PostgreSQL database.
    """
    session = Session(database_of(url), checked=not inline)
    return SqlStore(Inline(session) if inline else GroupWriter(session))


def database_of(url: str) -> Database:
    """The database that an address leads to. Raises StoreError, which never repeats what may be a password."""
    hint = 'use "sqlite:///path/to/syncd.sqlite3" or "postgresql+psycopg://user:password@host/database"'
    try:
        parsed = make_url(url)
        kind = parsed.get_backend_name()
    except (SQLAlchemyError, ValueError):
        raise StoreError("unsupported_database", "the database's address can't be understood", hint=hint) from None
    if kind == "sqlite":
        return Sqlite(Path(parsed.database) if parsed.database and parsed.database != ":memory:" else None)
    if parsed.drivername in ("postgresql", "postgresql+psycopg"):
        return _postgresql(parsed)
    raise StoreError("unsupported_database", f"{parsed.drivername} is not supported", hint=hint)


def _postgresql(url: URL) -> Database:
    try:
        from syncd.store.postgresql import Postgresql
    except ImportError as error:
        hint = "run: pip install 'syncd[postgresql]'"
        raise StoreError("unsupported_database", f"PostgreSQL needs psycopg: {error}", hint=hint) from error
    return Postgresql(url)


class SqlStore:
    """The Store of store.api over any Database."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @property
    def where(self) -> str:
        """The database's address as a person may read it, without a log-in."""
        return self._runner.session.database.where

    @property
    def commits(self) -> int:
        """How many transactions were committed since it was opened."""
        return self._runner.commits

    async def _read(self, verb: Verb[T]) -> T:
        return await self._runner.run(verb, write=False)

    async def _write(self, verb: Verb[T]) -> T:
        return await self._runner.run(verb, write=True)

    def crash(self) -> SqlStore:
        """As if the process died here and was started again; only for a store that was opened inline.

        What is open is rolled back, this object is of no more use, and a new one over the same database is returned.
        """
        if not isinstance(self._runner, Inline):
            raise TypeError("only a store that was opened inline can crash")
        self._runner.forget()
        return SqlStore(Inline(self._runner.session))

    async def configure(self, sources: Sequence[str], config_hash: str, now: datetime) -> int:
        return await self._write(lambda conn: lists.configure(conn, sources, config_hash, now))

    async def sources(self) -> list[SourceRow]:
        return await self._read(lists.all_sources)

    async def known(self, source: str, keys: Sequence[int], aliases: Sequence[int]) -> Known:
        return await self._read(lambda conn: lists.known(conn, source, keys, aliases))

    async def starts(self, source: str) -> dict[str, datetime]:
        return await self._read(lambda conn: lists.start_lines(conn, source))

    async def record_poll(self, poll: Poll) -> None:
        await self._write(lambda conn: lists.record_poll(conn, poll))

    async def journal(self, rows: Sequence[SourceRow], at: datetime) -> None:
        if rows:
            await self._write(lambda conn: lists.record_journal(conn, rows, at))

    async def due_pending(self, now: datetime, limit: int) -> list[Pending]:
        return await self._read(lambda conn: lists.due_pending(conn, now, limit))

    async def pendings(self, *, held: bool | None = None, limit: int = 1000) -> list[Pending]:
        return await self._read(lambda conn: lists.all_pendings(conn, held, limit))

    async def defer(self, pending: Pending) -> None:
        await self._write(lambda conn: lists.defer(conn, pending))

    async def release(
        self, source: str, *, drop: bool, now: datetime, shown: Collection[int] | None = None
    ) -> int:
        return await self._write(lambda conn: lists.release(conn, source, drop, now, shown))

    async def record_reading(self, reading: Reading, routing: Routing | None = None) -> Recorded:
        return await self._write(lambda conn: upkeep.record_and_route(conn, reading, routing))

    async def due_looks(self, now: datetime, limit: int) -> list[DueLook]:
        return await self._read(lambda conn: documents.due_looks(conn, now, limit))

    async def record_look(self, document: int, look: Look) -> None:
        await self._write(lambda conn: documents.record_look(conn, document, look))

    async def gone_recently(self, source: str, since: datetime) -> tuple[int, int]:
        return await self._read(lambda conn: documents.gone_recently(conn, source, since))

    async def titled(self, source: str, titles: Sequence[str]) -> Mapping[str, int]:
        return await self._read(lambda conn: relations.titled(conn, source, titles))

    async def siblings(self, source: str, document: int, limit: int) -> list[Entry]:
        return await self._read(lambda conn: documents.siblings(conn, source, document, limit))

    async def unrouted(self, generation: int, limit: int) -> list[Routable]:
        return await self._read(lambda conn: upkeep.unrouted(conn, generation, limit))

    async def record_routing(
        self, document: int, n: int, generation: int, reposts: Sequence[Repost], events: Sequence[Event]
    ) -> None:
        await self._write(lambda conn: upkeep.record_routing(conn, document, n, generation, reposts, events))

    async def unapproved(self, limit: int) -> list[Repost]:
        return await self._read(lambda conn: marks.unapproved(conn, limit))

    async def due_reposts(self, now: datetime, limit: int, *, skip_sites: Sequence[str] = ()) -> list[Work]:
        return await self._read(lambda conn: marks.due_reposts(conn, now, limit, skip_sites))

    async def save(self, repost: Repost, events: Sequence[Event] = ()) -> Repost:
        return await self._write(lambda conn: marks.save(conn, repost, events))

    async def repost(self, id: int) -> Repost:
        return await self._read(lambda conn: marks.repost(conn, id))

    async def document(self, id: int) -> Document:
        return await self._read(lambda conn: documents.document(conn, id))

    async def revision(self, document: int, n: int) -> Revision:
        return await self._read(lambda conn: documents.revision(conn, document, n))

    async def reposts(self, which: Filter) -> list[tuple[Repost, Document]]:
        return await self._read(lambda conn: upkeep.pairs(conn, which))

    async def events(self, reposts: Sequence[int]) -> dict[int, tuple[Event, ...]]:
        return await self._read(lambda conn: upkeep.events_by_repost(conn, reposts))

    async def story(self, id: int) -> Story:
        return await self._read(lambda conn: upkeep.story(conn, id))

    async def counts(self) -> Counts:
        return await self._read(upkeep.counts)

    async def find_documents(self, aliases: Sequence[str]) -> list[Document]:
        return await self._read(lambda conn: documents.find_documents(conn, aliases))

    async def changes(self, limit: int, sources: Sequence[str] = ()) -> list[Change]:
        return await self._read(lambda conn: documents.changes(conn, limit, sources))

    async def dossier(self, document: int) -> Dossier:
        return await self._read(lambda conn: documents.dossier(conn, document))

    async def notes(self) -> list[tuple[Document, Look]]:
        return await self._read(documents.notes)

    async def get(self, name: str) -> str:
        return await self._read(lambda conn: settings.get(conn, name))

    async def values(self, prefix: str) -> dict[str, str]:
        return await self._read(lambda conn: settings.beginning(conn, prefix))

    async def put(self, name: str, value: str) -> None:
        await self._write(lambda conn: settings.put(conn, name, value))

    async def prune(self, *, journal_before: datetime, content_before: datetime) -> tuple[int, int]:
        """Several short transactions, so that other verbs come in between."""
        reads = await self._write(lambda conn: upkeep.prune_journal(conn, journal_before))
        bodies = pruned = await self._write(lambda conn: upkeep.prune_contents(conn, content_before))
        while pruned == upkeep.PRUNED:
            pruned = await self._write(lambda conn: upkeep.prune_contents(conn, content_before))
            bodies += pruned
        return reads, bodies

    async def per_site(self) -> dict[str, tuple[int, int]]:
        return await self._read(upkeep.per_site)

    async def referenced(self) -> frozenset[str]:
        return await self._read(upkeep.referenced)

    async def scrub(self, limit: int) -> list[str]:
        """At the end of a round the database's own check is run too."""
        found, ended = await self._write(lambda conn: upkeep.scrub(conn, limit))
        return found + await self._read(self._runner.session.database.quick_check) if ended else found

    async def reads(self, source: str, since: datetime) -> list[ReadSpan]:
        return await self._read(lambda conn: lists.reads(conn, source, since))

    async def backup(self, path: Path) -> None:
        """A whole copy at `path`, which is replaced in one step."""
        database = self._runner.session.database
        await self._runner.run(lambda conn: database.backup(conn, path), write=False, outside=True)

    async def aclose(self) -> None:
        await self._runner.aclose()
