"""The place for opening a SQLite database: its connection, its settings, its schema, and what its errors mean."""

from __future__ import annotations

import json
import sqlite3
import zlib
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from syncd.errors import StoreError
from syncd.store.tables import SCHEMA, metadata

BUSY_SECONDS = 5.0
"""How long a statement waits for another process (a backup, an operator's sqlite3) before it is `locked`."""
QUICK_CHECK_BYTES = 64 * 1024 * 1024
"""A larger file is left to the scrub: the check at start would delay the first poll."""

FAILURES = (DBAPIError, sqlite3.Error, UnicodeDecodeError, json.JSONDecodeError, zlib.error)
"""What a database may raise at any time; text that can't be decoded was damaged on the disk."""

_HINTS = {
    "disk_full": "make room on the disk of state_dir; syncd goes on by itself",
    "read_only": "make state_dir and the database in it writable for syncd's user, or mount the disk read-write",
    "damaged": "the disk may be failing: stop syncd, copy the state away, put back the last `syncd db backup`",
    "constraint": "two steps made the same row; this is a bug, please report it with the log",
    "locked": "another process holds the database: close other programs that have it open",
    "unavailable": "see the message; syncd tries again by itself",
}


def path_of(url: str) -> Path | None:
    """The file of a sqlite URL, or None for a database in memory. Raises StoreError for any other database."""
    try:
        parsed = make_url(url)
    except SQLAlchemyError as error:
        raise StoreError("unsupported_database", str(error), hint='use "sqlite:///path/to/syncd.sqlite3"') from error
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(
            "unsupported_database",
            f"{parsed.get_backend_name()} is not supported",
            where=parsed.render_as_string(),
            hint='leave [syncd].database out, or use "sqlite:///path/to/syncd.sqlite3"',
        )
    return Path(parsed.database) if parsed.database and parsed.database != ":memory:" else None


def connect(path: Path | None) -> Connection:
    """A connection that leaves transactions to us, from any thread (one at a time). Raises StoreError."""
    try:
        raw = sqlite3.connect(
            path or ":memory:",
            isolation_level=None,
            check_same_thread=False,
            timeout=BUSY_SECONDS,
            cached_statements=512,
        )
    except sqlite3.Error as error:
        raise meaning(error, path) from error
    try:
        _configure(raw, path)
        return create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool).connect()
    except FAILURES as error:
        raw.close()
        raise meaning(error, path) from error


def _configure(raw: sqlite3.Connection, path: Path | None) -> None:
    """A rollback journal, kept between commits: SQLite before 3.51.3 has a race with several WAL connections."""
    pragmas = ["foreign_keys=ON", "synchronous=EXTRA", "temp_store=MEMORY", "trusted_schema=OFF"]
    if path is not None:
        # What a large transaction left behind is cut off again: the journal must not hold the disk's last megabytes.
        pragmas += ["journal_mode=PERSIST", "journal_size_limit=1048576"]
    for pragma in pragmas:
        raw.execute(f"PRAGMA {pragma}").fetchall()


def disconnect(conn: Connection) -> None:
    """Roll back what is open and close; nothing is raised, since there is nothing more to be done about it."""
    try:
        conn.close()
        conn.engine.dispose()
    except (SQLAlchemyError, sqlite3.Error):
        conn.invalidate()


def check(conn: Connection, path: Path | None) -> list[str]:
    """What SQLite itself finds wrong, [] if nothing; a file too large to be checked quickly is not."""
    if path is None or path.stat().st_size > QUICK_CHECK_BYTES:
        return []
    return quick_check(conn)


def quick_check(conn: Connection) -> list[str]:
    found = [str(row[0]) for row in conn.exec_driver_sql("PRAGMA quick_check(20)")]
    return [] if found == ["ok"] else found


def version(conn: Connection) -> str:
    """The migration that the schema stands at, "" for an empty database."""
    there = conn.exec_driver_sql("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
    row = conn.exec_driver_sql("SELECT version_num FROM alembic_version").first() if there else None
    return str(row[0]) if row else ""


def prepare(conn: Connection, *, temporary: bool) -> None:
    """Bring the schema to SCHEMA, in one transaction. temporary: a database in memory gets it without Alembic."""
    if version(conn) == SCHEMA:
        conn.rollback()
        return
    conn.rollback()
    conn.exec_driver_sql("BEGIN IMMEDIATE")
    if temporary and not version(conn):
        for statement in _ddl():
            conn.exec_driver_sql(statement)
    else:
        _migrate(conn)
    conn.commit()


def _migrate(conn: Connection) -> None:
    # Alembic costs 100 ms to import, and a database that is up to date does not need it.
    from syncd.store.migrations import NewerSchema, upgrade

    try:
        upgrade(conn)
    except NewerSchema as error:
        raise StoreError(
            "newer_schema",
            f"the state was written by a newer syncd (schema {error.version}, this one knows {SCHEMA})",
            hint="install that version again, or put back a backup that this one wrote",
        ) from error


@cache
def _ddl() -> tuple[str, ...]:
    """The whole schema as text, with its stamp; made once, since the simulation opens thousands of databases."""
    dialect = create_engine("sqlite://").dialect
    tables = [str(CreateTable(table).compile(dialect=dialect)) for table in metadata.sorted_tables]
    indexes = [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in metadata.sorted_tables
        for index in sorted(table.indexes, key=lambda i: str(i.name))
    ]
    version = "version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)"
    # SCHEMA is a constant of ours, and DDL takes no parameters.
    stamp = (f"CREATE TABLE alembic_version ({version})", f"INSERT INTO alembic_version VALUES ('{SCHEMA}')")  # noqa: S608
    return (*tables, *indexes, *stamp)


def meaning(error: BaseException, path: Path | None) -> StoreError:
    """A driver's error as what it means for the operator."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", "") or ""
    unreadable = not isinstance(cause, sqlite3.Error) or str(cause).startswith("Could not decode to UTF-8")
    reason = "damaged" if unreadable else _reason(name)
    told = f"{cause} ({name})" if name else str(cause)
    return StoreError(reason, told, where=str(path) if path else "database in memory", hint=_HINTS[reason])


def _reason(name: str) -> str:
    """The reason for SQLite's error name; a limit on file size or a failing device tells itself as IOERR."""
    prefixes = {
        "SQLITE_FULL": "disk_full",
        "SQLITE_IOERR": "disk_full",
        "SQLITE_READONLY": "read_only",
        "SQLITE_CANTOPEN": "read_only",
        "SQLITE_PERM": "read_only",
        "SQLITE_CORRUPT": "damaged",
        "SQLITE_NOTADB": "damaged",
        "SQLITE_BUSY": "locked",
        "SQLITE_LOCKED": "locked",
        "SQLITE_CONSTRAINT": "constraint",
    }
    return next((reason for prefix, reason in prefixes.items() if name.startswith(prefix)), "unavailable")
