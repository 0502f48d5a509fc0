"""Columns: the pages below which reposts are made, by number or by title."""

from __future__ import annotations

from syncd.adapters.json_api import JsonApi
from syncd.adapters.wagtail.options import Options
from syncd.errors import Rejected


class Columns:
    """Finds the page of a column, once; `forget` when Wagtail says that it is not there any more."""

    def __init__(self, api: JsonApi, options: Options) -> None:
        self._api, self._options = api, options
        self._known: dict[str, int] = {}

    async def page(self, column: str) -> int:
        """Its number; of no column it is the parent. Raises Rejected("column")."""
        named = self._options.columns.get(column) if column else self._options.parent
        if named is not None:
            return named
        if column not in self._known:
            self._known[column] = await self._titled(column)
        return self._known[column]

    def forget(self, column: str) -> None:
        self._known.pop(column, None)

    async def _titled(self, title: str) -> int:
        told = await self._api.get("/pages/", {"child_of": self._options.parent, "title": title})
        found = [each["id"] for each in told.value.get("items", ()) if each.get("title") == title]
        if not found:
            raise no_such_column(title, f"page {self._options.parent} has no page {title!r} below it")
        return int(min(found))


def no_such_column(column: str, message: str) -> Rejected:
    return Rejected("column", "no_such_column", message,
                    hint=f"make that page in Wagtail, or name one in columns: {column!r} = its number")
