"""The place for SQLite: opening a file or one in memory, its settings, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import CreateIndex, CreateTable

from syncd.errors import StoreError
from syncd.store.database import FAILURES, prepare
from syncd.store.reserve import Reserve
from syncd.store.tables import SCHEMA, metadata

BUSY_SECONDS = 5.0
"""How long a statement waits for another process (a backup, an operator's sqlite3) before it is `locked`."""
QUICK_CHECK_BYTES = 64 * 1024 * 1024
"""A larger file is left to the scrub: the check at start would delay the first poll."""

_HINTS = {
    "disk_full": "make room on the disk of state_dir; syncd goes on by itself",
    "read_only": "make state_dir and the database in it writable for syncd's user, or mount the disk read-write",
    "damaged": "the disk may be failing: stop syncd, copy the state away, put back the last `syncd db backup`",
    "constraint": "two steps made the same row; this is a bug, please report it with the log",
    "locked": "another process holds the database: close other programs that have it open",
    "unavailable": "see the message; syncd tries again by itself",
}


class Sqlite:
    """A database in a file, or in memory (path None)."""

    begin_read = "BEGIN"
    begin_write = "BEGIN IMMEDIATE"

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.where = str(path) if path else "database in memory"
        self.volatile = path is None
        self.reserve = Reserve(None)

    def connect(self) -> Connection:
        """Raises StoreError."""
        try:
            raw = sqlite3.connect(
                self.path or ":memory:",
                isolation_level=None,
                check_same_thread=False,
                timeout=BUSY_SECONDS,
                cached_statements=512,
            )
        except sqlite3.Error as error:
            raise self.meaning(error) from error
        try:
            self._configure(raw)
            return create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool).connect()
        except FAILURES as error:
            raw.close()
            raise self.meaning(error) from error

    def _configure(self, raw: sqlite3.Connection) -> None:
        """A rollback journal, kept between commits: SQLite before 3.51.3 has a race with several WAL connections."""
        pragmas = ["foreign_keys=ON", "synchronous=EXTRA", "temp_store=MEMORY", "trusted_schema=OFF"]
        if self.path is not None:
            # What a large transaction left behind is cut off again: the journal must not hold the disk's last megabytes.
            pragmas += ["journal_mode=PERSIST", "journal_size_limit=1048576"]
        for pragma in pragmas:
            raw.execute(f"PRAGMA {pragma}").fetchall()

    def prepare(self, conn: Connection, *, checked: bool) -> None:
        """A small file is checked; beside a sound one there is a reserve."""
        found = self._check(conn) if checked else []
        if found:
            raise StoreError("damaged", "; ".join(found), where=self.where, hint=_HINTS["damaged"])
        prepare(conn, self.begin_write, first=_filled if self.path is None else None)
        self.reserve = Reserve(self.path and self.path.with_name("syncd.reserve"))

    def _check(self, conn: Connection) -> list[str]:
        if self.path is None or self.path.stat().st_size > QUICK_CHECK_BYTES:
            return []
        return self.quick_check(conn)

    def quick_check(self, conn: Connection) -> list[str]:
        found = [str(row[0]) for row in conn.exec_driver_sql("PRAGMA quick_check(20)")]
        return [] if found == ["ok"] else found

    def meaning(self, error: BaseException) -> StoreError:
        cause = error.orig if isinstance(error, DBAPIError) else error
        name = getattr(cause, "sqlite_errorname", "") or ""
        unreadable = not isinstance(cause, sqlite3.Error) or str(cause).startswith("Could not decode to UTF-8")
        reason = "damaged" if unreadable else _reason(name)
        told = f"{cause} ({name})" if name else str(cause)
        return StoreError(reason, told, where=self.where, hint=_HINTS[reason])

    def backup(self, conn: Connection, path: Path) -> None:
        """The copy is compact and opens as it is."""
        making = path.with_name(f"{path.name}.part")
        try:
            making.unlink(missing_ok=True)
            conn.exec_driver_sql("VACUUM INTO ?", (str(making),))
            with making.open("rb") as file:
                os.fsync(file.fileno())
            making.replace(path)
        except OSError as error:
            raise StoreError(
                "backup_failed",
                f"{error.strerror}: the copy can't be written",
                where=str(path),
                hint="choose a directory that exists, is writable and has room",
            ) from error


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


def _filled(conn: Connection) -> None:
    for statement in ddl():
        conn.exec_driver_sql(statement)


@cache
def ddl() -> tuple[str, ...]:
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
