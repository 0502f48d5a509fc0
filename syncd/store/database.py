"""The place for what all databases share: the port that each one fills, the schema, and what may go wrong."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from syncd.errors import StoreError
from syncd.store.reserve import Reserve
from syncd.store.tables import SCHEMA

FAILURES = (DBAPIError, sqlite3.Error, UnicodeDecodeError, json.JSONDecodeError, zlib.error)
"""What a database may raise at any time; text that can't be decoded was damaged on the disk."""


class Database(Protocol):
    """One kind of database. where: its address as a person may read it, without a log-in.

    begin_read, begin_write: how a transaction begins that sees one state, and one that may change it. volatile: it
    lives in its connection and dies with it. reserve: room that is held for a full disk.
    """

    where: str
    begin_read: str
    begin_write: str
    volatile: bool
    reserve: Reserve

    def connect(self) -> Connection:
        """A connection that leaves transactions to us, from any thread (one at a time). Raises StoreError, AlreadyRunning."""
        ...

    def prepare(self, conn: Connection, *, checked: bool) -> None:
        """Bring the schema to SCHEMA, in one transaction. checked: look first whether the database is sound."""
        ...

    def quick_check(self, conn: Connection) -> list[str]:
        """What the database itself finds wrong, [] if nothing."""
        ...

    def meaning(self, error: BaseException) -> StoreError:
        """A driver's error as what it means for the operator."""
        ...

    def backup(self, conn: Connection, path: Path) -> None:
        """A whole copy at `path`, which is replaced in one step. Raises StoreError."""
        ...


def disconnect(conn: Connection) -> None:
    """Roll back what is open and close; nothing is raised, since there is nothing more to be done about it."""
    try:
        conn.close()
        conn.engine.dispose()
    except (SQLAlchemyError, *FAILURES):
        conn.invalidate()


def version(conn: Connection) -> str:
    """The migration that the schema stands at, "" for an empty database."""
    there = conn.dialect.has_table(conn, "alembic_version")
    row = conn.exec_driver_sql("SELECT version_num FROM alembic_version").first() if there else None
    return str(row[0]) if row else ""


def prepare(conn: Connection, begin: str, *, first: Callable[[Connection], None] | None = None) -> None:
    """Bring the schema to SCHEMA, in one transaction. first: fills an empty database at once, without Alembic."""
    there = version(conn)
    conn.rollback()
    if there == SCHEMA:
        return
    conn.exec_driver_sql(begin)
    if there or first is None:
        _migrate(conn)
    else:
        first(conn)
    conn.commit()


def _migrate(conn: Connection) -> None:
    # Alembic costs 100 ms to import, and a database that is up to date does not need it.
    from syncd.store.migrations import NewerSchema, upgrade

    try:
        upgrade(conn, version(conn))
    except NewerSchema as error:
        raise StoreError(
            "newer_schema",
            f"the state was written by a newer syncd (schema {error.version}, this one knows {SCHEMA})",
            hint="install that version again, or put back a backup that this one wrote",
        ) from error
