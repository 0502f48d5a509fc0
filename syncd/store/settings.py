"""The place for small named values: of the daemon (`get`, `put` of the contract) and of the store itself."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select, text

from syncd.store.codec import storable
from syncd.store.statements import Query, noting
from syncd.store.tables import settings

_GET = Query(select(settings.c.value).where(settings.c.name == bindparam("name")))
_PUT = noting(settings, "name", "value", key=["name"], renew=["value"])

_SET = Query(select(settings).where(settings.c.value != text("''")))


def get(conn: Connection, name: str) -> str:
    """The value, "" if there is none."""
    row = _GET.first(conn, name=storable(name))
    return row.value if row else ""


def put(conn: Connection, name: str, value: str) -> None:
    _PUT(conn, name=storable(name), value=storable(value))


def beginning(conn: Connection, prefix: str) -> dict[str, str]:
    """All values that are not empty and whose name begins so. There are few names at all."""
    return {row.name: row.value for row in _SET.all(conn) if row.name.startswith(prefix)}
