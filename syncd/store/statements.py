"""The place for running prebuilt statements: each is compiled once for its dialect and then executed by its text.

SQLAlchemy's own cache costs about 25 µs a call to find a statement again; the simulation makes millions of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Executable, Row, Table, bindparam, insert, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.compiler import SQLCompiler

CHUNK = 512
"""Most values in one IN list; SQLite before 3.32 takes 999 parameters."""


class Query:
    """One statement. Values are named as its bindparams; those that it carries itself may be left out.

    forms: how it is said otherwise, by the name of the dialect.
    """

    def __init__(self, statement: Executable, **forms: Executable) -> None:
        self._statement = statement
        self._forms = forms
        self._compiled: dict[str, tuple[str, list[str], dict[str, Any]]] = {}

    def _text(self, conn: Connection) -> tuple[str, list[str], dict[str, Any]]:
        found = self._compiled.get(conn.dialect.name)
        if found is None:
            said = self._forms.get(conn.dialect.name, self._statement)
            compiled = said.compile(dialect=conn.dialect)  # type: ignore[attr-defined]
            found = str(compiled), list(cast(SQLCompiler, compiled).positiontup or ()), dict(compiled.params)
            self._compiled[conn.dialect.name] = found
        return found

    def __call__(self, conn: Connection, **values: Any) -> CursorResult[Any]:
        text, order, own = self._text(conn)
        return conn.exec_driver_sql(text, tuple([values[n] if n in values else own[n] for n in order]))

    def all(self, conn: Connection, **values: Any) -> Sequence[Row[Any]]:
        return self(conn, **values).all()

    def first(self, conn: Connection, **values: Any) -> Row[Any] | None:
        return self(conn, **values).first()

    def number(self, conn: Connection, **values: Any) -> int:
        """The one number that it selects; 0 for none."""
        return int(self(conn, **values).scalar() or 0)

    def made(self, conn: Connection, **values: Any) -> int:
        """Execute an INSERT of `numbering` and return the number that the database gave its row."""
        done = self(conn, **values)
        return int(done.scalar_one() if done.returns_rows else done.lastrowid)

    def many(self, conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Execute it for each row, in one call; every bindparam must be in every row."""
        if rows:
            text, order, _ = self._text(conn)
            conn.exec_driver_sql(text, [tuple([row[n] for n in order]) for row in rows])


class InQuery:
    """A statement with one IN list. make: gives the statement for a list of bindparams."""

    def __init__(self, make: Callable[[list[Any]], Executable]) -> None:
        self._make = make
        self._queries: dict[int, Query] = {}

    def _query(self, size: int) -> Query:
        if size not in self._queries:
            self._queries[size] = Query(self._make([bindparam(f"in_{i}") for i in range(size)]))
        return self._queries[size]

    def each(self, conn: Connection, items: Sequence[Any], **values: Any) -> Iterator[Row[Any]]:
        """The rows for all items, CHUNK of them a statement; lists are filled up so that few sizes are compiled."""
        for start in range(0, len(items), CHUNK):
            yield from self.run(conn, items[start : start + CHUNK], **values)

    def run(self, conn: Connection, items: Sequence[Any], **values: Any) -> CursorResult[Any]:
        """The statement for up to CHUNK items, at least one."""
        size = 1 << (len(items) - 1).bit_length()
        filled = [*items, *[items[-1]] * (size - len(items))]
        return self._query(size)(conn, **values, **{f"in_{i}": item for i, item in enumerate(filled)})


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
