"""Columns: tags of Ghost, by slug or name, and made if that is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncd.adapters.ghost.options import Options
from syncd.adapters.json_api import JsonApi, Query, Told
from syncd.errors import NotApplied, Rejected


class Columns:
    """Finds the tag of a column, once; `forget` when Ghost says that it is not there any more."""

    def __init__(self, api: JsonApi, options: Options) -> None:
        self._api = api
        self._options = options
        self._known: dict[str, str] = {}

    async def id(self, column: str) -> str:
        """The tag's id, "" for no column. Raises Rejected("column") if there is none and none is made."""
        if not column:
            return ""
        if column not in self._known:
            self._known[column] = await self.look_up(column) or await self._make(column)
        return self._known[column]

    def forget(self, column: str) -> NotApplied:
        """What to raise when Ghost doesn't know the tag any more."""
        self._known.pop(column, None)
        return NotApplied("column_gone", f"the tag of {column!r} is not there any more",
                          hint="make the tag again, or name another in columns")

    async def look_up(self, column: str) -> str:
        """The id of a column's tag, "" if there is none; makes none. Of several with one name, since Ghost allows that, the
        oldest."""
        named = self._options.columns.get(column, column)
        quoted = named.replace("\\", "\\\\").replace("'", "\\'")
        query: Query = {"filter": f"slug:'{quoted}',name:'{quoted}'", "fields": "id,name,slug", "limit": 100}
        found = self._tags(await self._api.get("/tags/", query))
        by_slug = [tag for tag in found if tag.get("slug") == named]
        hits = by_slug or [tag for tag in found if tag.get("name") == named]
        return min((str(tag["id"]) for tag in hits), default="")

    async def _make(self, column: str) -> str:
        if not self._options.create_columns:
            raise Rejected("column", "no_such_column", f"Ghost has no tag {self._options.columns.get(column, column)!r}",
                           hint=f"make the tag, or name it in columns: {column!r} = its slug or name")
        slug = {"slug": self._options.columns[column]} if column in self._options.columns else {}
        told = await self._api.send("POST", "/tags/", {"tags": [{"name": column, **slug}]})
        made = self._tags(told)
        if not made:
            raise self._api.garbled(told.answer, writes=False)  # an extra tag harms nobody: it is found at the next try
        return str(made[0]["id"])

    def _tags(self, told: Told) -> Sequence[Any]:
        tags = told.value.get("tags")
        if not isinstance(tags, list) or not all(isinstance(tag, dict) and "id" in tag for tag in tags):
            raise self._api.garbled(told.answer, writes=False)
        return tags
