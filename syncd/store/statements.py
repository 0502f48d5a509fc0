"""The place for running prebuilt statements: each is compiled once for its dialect and then given to the driver as text.

SQLAlchemy's way to execute costs about 60 µs a statement beside what the database does, and its rows as much again; an
item takes some seventy statements. Errors of the driver are raised as SQLAlchemy raises them.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, cast

from sqlalchemy import Connection, Executable, Table, bindparam, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

CHUNK = 512
"""Most values in one IN list; SQLite before 3.32 takes 999 parameters."""

Found: TypeAlias = Any
"""A row: a named tuple of its columns."""


def execute(conn: Connection, statement: str, values: Sequence[Any] = (), *, many: bool = False) -> Any:
    """Give a statement to the driver; returns its cursor. many: `values` are rows, and it is executed for each.

    Raises DBAPIError; a connection that was lost is invalidated.
    """
    raw: Any = conn.connection.dbapi_connection
    cursor = raw.cursor()
    try:
        (cursor.executemany if many else cursor.execute)(statement, values)
    except Exception as error:
        raise _as_sqlalchemy_says(conn, raw, cursor, error) from error
    return cursor


def _as_sqlalchemy_says(conn: Connection, raw: Any, cursor: Any, error: Exception) -> BaseException:
    """The driver's error as the class of SQLAlchemy's that stands for it; what is no error of the driver as it is."""
    lost = conn.dialect.is_disconnect(cast(Any, error), raw, cursor)
    if lost:
        conn.invalidate(error)
    kind = cast(Any, conn.dialect.dbapi).Error
    return DBAPIError.instance(
        None, None, error, kind, hide_parameters=True, connection_invalidated=lost, dialect=conn.dialect
    )


class Query:
    """One statement. Values are named as its bindparams; those that it carries itself may be left out.

    forms: how it is said otherwise, by the name of the dialect.
    """

    def __init__(self, statement: Executable, **forms: Executable) -> None:
        self._statement = statement
        self._forms = forms
        self._compiled: dict[str, tuple[str, list[str], dict[str, Any]]] = {}
        self._row: Callable[[Sequence[Any]], Found] | None = None

    def _text(self, conn: Connection) -> tuple[str, list[str], dict[str, Any]]:
        name = conn.dialect.name
        found = self._compiled.get(name)
        if found is None:
            compiled = self._forms.get(name, self._statement).compile(dialect=conn.dialect)  # type: ignore[attr-defined]
            found = str(compiled), list(cast(SQLCompiler, compiled).positiontup or ()), dict(compiled.params)
            self._compiled[name] = found
        return found

    def _done(self, conn: Connection, values: dict[str, Any]) -> Any:
        text, order, own = self._text(conn)
        given = own | values
        return execute(conn, text, [given[name] for name in order])

    def __call__(self, conn: Connection, **values: Any) -> int:
        """How many rows it changed."""
        return int(self._done(conn, values).rowcount)

    def each(self, conn: Connection, **values: Any) -> Iterator[Found]:
        """The rows one by one, where there may be many."""
        cursor = self._done(conn, values)
        return map(self._maker(cursor), cursor)

    def all(self, conn: Connection, **values: Any) -> list[Found]:
        cursor = self._done(conn, values)
        return list(map(self._maker(cursor), cursor.fetchall()))

    def first(self, conn: Connection, **values: Any) -> Found | None:
        cursor = self._done(conn, values)
        row = cursor.fetchone()
        return None if row is None else self._maker(cursor)(row)

    def number(self, conn: Connection, **values: Any) -> int:
        """The one number that it selects; 0 for none."""
        row = self._done(conn, values).fetchone()
        return int(row[0] or 0) if row else 0

    def made(self, conn: Connection, **values: Any) -> int:
        """Execute an INSERT of `numbering` and return the number that the database gave its row."""
        cursor = self._done(conn, values)
        return int(cursor.fetchone()[0] if cursor.description else cursor.lastrowid)

    def many(self, conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Execute it for each row, in one call; every bindparam must be in every row."""
        if rows:
            text, order, _ = self._text(conn)
            execute(conn, text, [tuple([row[n] for n in order]) for row in rows], many=True)

    def _maker(self, cursor: Any) -> Callable[[Sequence[Any]], Found]:
        if self._row is None:
            kind = namedtuple("Row", [column[0] for column in cursor.description], rename=True)  # type: ignore[misc]
            self._row = kind._make
        return self._row


class InQuery:
    """A statement with one IN list. make: gives the statement for a list of bindparams."""

    def __init__(self, make: Callable[[list[Any]], Executable]) -> None:
        self._make = make
        self._queries: dict[int, Query] = {}

    def _query(self, size: int) -> Query:
        if size not in self._queries:
            self._queries[size] = Query(self._make([bindparam(f"in_{i}") for i in range(size)]))
        return self._queries[size]

    def each(self, conn: Connection, items: Sequence[Any], **values: Any) -> Iterator[Found]:
        """The rows for all items, CHUNK of them a statement; lists are filled up so that few sizes are compiled."""
        for start in range(0, len(items), CHUNK):
            yield from self.all(conn, items[start : start + CHUNK], **values)

    def all(self, conn: Connection, items: Sequence[Any], **values: Any) -> list[Found]:
        """The rows for up to CHUNK items, at least one."""
        size = 1 << (len(items) - 1).bit_length()
        filled = [*items, *[items[-1]] * (size - len(items))]
        return self._query(size).all(conn, **values, **{f"in_{i}": item for i, item in enumerate(filled)})


def inserting(table: Table, *, without: str = "") -> Query:
    """INSERT of all columns, but for one that the database numbers."""
    return Query(insert(table).inline().values({c.name: bindparam(c.name) for c in table.c if c.name != without}))


def numbering(table: Table, **fixed: object) -> Query:
    """INSERT of all columns but `id`, which `made` returns. SQLite before 3.35 tells it by other means than RETURNING."""
    plain = insert(table).inline()
    new = plain.values(fixed or {c.name: bindparam(c.name) for c in table.c if c.name != "id"})
    return Query(new, postgresql=new.returning(table.c.id))


def noting(
    table: Table, *columns: str, key: Sequence[str], renew: Sequence[str] = (), where: str = "", **fixed: object
) -> Query:
    """INSERT of a row, or where its key is there already: renew these columns (if `where` is so), or leave it as it is."""
    values = {**{name: bindparam(name) for name in columns}, **fixed}
    forms = {}
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql)):
        new = dialect.insert(table)
        seen = {column: new.excluded[column] for column in renew}
        told = new.inline().values(values)
        forms[name] = (
            told.on_conflict_do_update(index_elements=key, set_=seen, where=text(where) if where else None)
            if renew
            else told.on_conflict_do_nothing(index_elements=key)
        )
    return Query(forms["sqlite"], postgresql=forms["postgresql"])


def reading(table: Table, column: str = "id") -> Query:
    """SELECT of the whole row by one column, named alike."""
    return Query(select(table).where(table.c[column] == bindparam(column)))
