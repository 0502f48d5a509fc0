"""Columns: categories of WordPress, by slug, number or name, and made if that is allowed."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from syncd.adapters.wordpress.options import Options
from syncd.adapters.wordpress.rest import Query, Rest, garbled
from syncd.errors import NotFound, Rejected

_FIELDS = "id,name,slug"


class Columns:
    """Finds the category of a column, once; `forget` when WordPress says that it is not there any more."""

    def __init__(self, rest: Rest, options: Options) -> None:
        self._rest = rest
        self._options = options
        self._known: dict[str, int] = {}

    async def number(self, column: str) -> int | None:
        """The category of a column, None for no column. Raises Rejected("column") if there is none and none is made."""
        if not column:
            return None
        if column not in self._known:
            found = await self.look_up(column)
            self._known[column] = found if found is not None else await self._make(column)
        return self._known[column]

    def forget(self, column: str) -> None:
        self._known.pop(column, None)

    async def look_up(self, column: str) -> int | None:
        """The category of a column, or None; makes none."""
        named = self._options.columns.get(column, column)
        if isinstance(named, int):
            return await self._by_number(named)
        escaped = html.escape(named, quote=False)
        return await self._one({"slug": named}, "slug", named) or await self._one({"search": escaped}, "name", named)

    async def _by_number(self, number: int) -> int | None:
        try:
            return _id(await self._ask(f"/wp/v2/categories/{number}", {}))
        except NotFound:
            return None

    async def _one(self, query: Mapping[str, str], field: str, value: str) -> int | None:
        """An exact match only: what WordPress finds for a word is whatever holds it."""
        found = await self._ask("/wp/v2/categories", {**query, "per_page": 100, "orderby": "id"})
        if not isinstance(found, list):
            raise NotFound("not_found")
        hits = [_id(each) for each in found if _said(each, field) in (value, value.lower())]
        return min(hits) if hits else None

    async def _ask(self, path: str, query: Query) -> Any:
        """As anybody reads it: an Author is refused categories for editing."""
        return (await self._rest.get(path, {**query, "_fields": _FIELDS})).value

    async def _make(self, column: str) -> int:
        named = self._options.columns.get(column, column)
        if not self._options.create_columns or isinstance(named, int):
            raise Rejected("column", "no_such_column", f"WordPress has no category {named!r}",
                           hint=f"make the category, or name it in columns: {column!r} = its slug or number")
        body = {"name": column} | ({"slug": named} if column in self._options.columns else {})
        told = await self._rest.post("/wp/v2/categories", body, {"_fields": _FIELDS})
        if not isinstance(told.value, dict):
            raise garbled(told.answer, writes=False)  # an extra category harms nobody: it is found at the next try
        return _id(told.value)


def _said(told: Any, field: str) -> str:
    return html.unescape(str(told.get(field))) if isinstance(told, dict) else ""


def _id(told: Any) -> int:
    return int(told["id"])
