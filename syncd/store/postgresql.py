"""The place for PostgreSQL: the connection, the lock that lets one syncd write, and what its errors mean."""

from __future__ import annotations

from pathlib import Path

from psycopg import Connection as RawConnection
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from syncd.errors import AlreadyRunning, StoreError
from syncd.store.codec import digest, storable
from syncd.store.database import FAILURES, disconnect, prepare
from syncd.store.reserve import Reserve

LOCK_SECONDS = 5
"""How long a statement waits for another session (a person's ALTER TABLE) before it is `locked`."""
START_SECONDS = 30
"""How long a start waits for the lock: longer than the session of a dead machine, perhaps this one before it was
started anew, can last (see _SESSION), since a refused start is not tried again."""

_CONNECT = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "application_name": "syncd",
}
# A dead peer is noticed within 25 seconds, from both ends: TCP by default takes two hours, and the lock stays so long.
_SESSION = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_encoding": "UTF8",
}

_BUSY = ("locked", "another session holds what syncd needs: end it, or wait; syncd tries again by itself")
_AWAY = ("unavailable", "see whether PostgreSQL runs and can be reached; syncd goes on by itself")
_RIGHTS = ("unavailable", "give syncd's role the rights that docs/database.md names, then syncd goes on by itself")
_REFUSED = ("constraint", "the database refused a row; this is a bug, please report it with the log")
_MEANING = {
    "53100": ("disk_full", "make room on the disk of the PostgreSQL server; syncd goes on by itself"),
    "53300": ("unavailable", "PostgreSQL has no connection left: close idle ones, or raise max_connections"),
    "53": ("unavailable", "PostgreSQL is out of memory or another resource: see its log; syncd goes on by itself"),
    "25006": ("read_only", "the server is a standby, or the role or database is set read-only: name the primary"),
    "40": _BUSY,
    "55P03": _BUSY,
    "57014": _BUSY,
    "22": _REFUSED,
    "23": _REFUSED,
    "XX001": ("damaged", "the server's disk may be failing: stop syncd and put back the last backup of the database"),
    "XX002": ("damaged", "an index of the database is damaged: stop syncd and run REINDEX DATABASE"),
    "3F000": _RIGHTS,
    "42501": _RIGHTS,
}
"""(reason, hint) by SQLSTATE or its beginning; the longest one counts."""
_LOGIN = "PostgreSQL refuses the log-in: correct user and password of [syncd].database, or the server's pg_hba.conf"
_UNCONNECTED = {
    "authentication failed": _LOGIN,
    "no password supplied": _LOGIN,
    "no pg_hba.conf entry": _LOGIN,
    "too many clients": _MEANING["53300"][1],
    "connection slots": _MEANING["53300"][1],
    "too many connections": _MEANING["53300"][1],
    "does not exist": "make role and database first, as docs/database.md says",
}
"""Hints by what a refused connection says: the driver gives it no SQLSTATE. Another language gets the general hint."""


class _Text(StrDumperUnknown):
    """Text as PostgreSQL takes it, also where somebody asks for a name that can't be one."""

    def dump(self, obj: str) -> bytes | bytearray | memoryview | None:
        return super().dump(storable(obj))


class Postgresql:
    """A database of a PostgreSQL server, or the schema of it that comes first in `search_path`."""

    begin_read = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    begin_write = "BEGIN"
    volatile = False

    def __init__(self, url: URL) -> None:
        self.where = _shown(url)
        self.reserve = Reserve(None)
        self._begun = False
        self._password = str(url.password or url.query.get("password") or "")
        self._engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            paramstyle="format",
            poolclass=NullPool,
            use_native_hstore=False,
            hide_parameters=True,
            connect_args={"autocommit": True, **{k: v for k, v in _CONNECT.items() if k not in url.query}},
        )

    def connect(self) -> Connection:
        """The one connection; with it comes the lock, and with its end the lock goes. Raises StoreError, AlreadyRunning."""
        try:
            conn = self._engine.connect()
        except FAILURES as error:
            raise self.meaning(error) from error
        try:
            self._configure(conn)
            self._lock(conn)
        except FAILURES as error:
            disconnect(conn)
            raise self.meaning(error) from error
        except BaseException:
            disconnect(conn)
            raise
        return conn

    def _configure(self, conn: Connection) -> None:
        raw = conn.connection.dbapi_connection
        assert isinstance(raw, RawConnection)
        raw.adapters.register_dumper(str, _Text)
        for name, value in _SESSION.items():
            _set(conn, name, value)
        # What was acknowledged must not be lost by a crash of the server, whatever the database's own default is.
        if conn.exec_driver_sql("SHOW synchronous_commit").scalar() == "off":
            _set(conn, "synchronous_commit", "on")
        encoding = conn.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            hint = "make the database with ENCODING 'UTF8', as docs/database.md says"
            raise StoreError("unsupported_database", f"its encoding is {encoding}", where=self.where, hint=hint)

    def _lock(self, conn: Connection) -> None:
        """Session-level: a frozen node keeps it, a dead one loses it; a lease by time would let two write."""
        key = digest(f"syncd {conn.exec_driver_sql('SELECT current_schema()').scalar()}")
        _set(conn, "lock_timeout", f"{LOCK_SECONDS if self._begun else START_SECONDS}s")
        try:
            conn.exec_driver_sql("SELECT pg_advisory_lock(%s::bigint)", (key,))
        except DBAPIError as error:
            if _state(error) != "55P03":
                raise
            raise self._taken(conn, key) from error
        _set(conn, "lock_timeout", f"{LOCK_SECONDS}s")
        self._begun = True

    def _taken(self, conn: Connection, key: int) -> AlreadyRunning:
        conn.rollback()
        row = conn.exec_driver_sql(
            "SELECT pid, coalesce(host(client_addr), 'this machine') FROM pg_stat_activity JOIN pg_locks USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = %s"
            " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            (key,),
        ).first()
        pid, address = row or ("unknown", "an unknown address")
        return AlreadyRunning(
            "already_running",
            f"another syncd at {address} works on this database",
            where=self.where,
            hint=f"stop that one first; if its machine is dead: SELECT pg_terminate_backend({pid})",
        )

    def prepare(self, conn: Connection, *, checked: bool) -> None:
        """PostgreSQL has no quick check of its own; the scrub checks the rows."""
        prepare(conn, self.begin_write)

    def quick_check(self, conn: Connection) -> list[str]:
        return []

    def meaning(self, error: BaseException) -> StoreError:
        if not isinstance(error, DBAPIError):
            hint = "the server's disk may be failing: stop syncd and put back the last backup of the database"
            return StoreError("damaged", str(error), where=self.where, hint=hint)
        state, told = _state(error), str(error.orig).strip()
        if self._password:
            told = told.replace(self._password, "***")
        reason, hint = next((_MEANING[state[:n]] for n in (5, 2) if state[:n] in _MEANING), _AWAY)
        if not state:
            hint = next((better for words, better in _UNCONNECTED.items() if words in told), hint)
        return StoreError(reason, f"{told} ({state})" if state else told, where=self.where, hint=hint)

    def backup(self, conn: Connection, path: Path) -> None:
        """Left to PostgreSQL's own tools, which know roles, versions and parallel work."""
        raise StoreError(
            "backup_elsewhere",
            "a PostgreSQL database is copied by PostgreSQL's own tools",
            where=self.where,
            hint="run: pg_dump --format=custom --file=FILE DATABASE (beside the daemon, if you like); see docs/database.md",
        )


def _set(conn: Connection, name: str, value: str) -> None:
    """A setting of this session."""
    conn.exec_driver_sql("SELECT set_config(%s, %s, false)", (name, value))


def _state(error: DBAPIError) -> str:
    """The SQLSTATE, "" where the server told none, as when it can't be reached."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def _shown(url: URL) -> str:
    named = url.query.get("host", ())
    host = url.host or ", ".join([named] if isinstance(named, str) else named) or "the local socket"
    port = f":{url.port}" if url.port else ""
    return f"PostgreSQL database {url.database or 'of the user'} at {host}{port}"
