"""Columns: terms of a vocabulary, by name or UUID, and made if that is allowed."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from syncd.adapters.drupal.jsonapi import data_of
from syncd.adapters.drupal.node import id_of
from syncd.adapters.drupal.options import Options
from syncd.adapters.json_api import JsonApi
from syncd.errors import Conflict, NotFound, Rejected

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Columns:
    """Finds the term of a column, once; `forget` when Drupal says that it is not there any more."""

    def __init__(self, api: JsonApi, options: Options) -> None:
        self._api = api
        self._options = options
        self._path = f"/taxonomy_term/{options.vocabulary}"
        self._known: dict[str, str] = {}

    async def id(self, column: str) -> str:
        """The term's UUID, "" for no column. Raises Rejected("column") if there is none and none is made."""
        if not column or not self._options.column_field:
            return ""
        if column not in self._known:
            self._known[column] = await self.look_up(column) or await self._make(column)
        return self._known[column]

    def forget(self, column: str) -> None:
        self._known.pop(column, None)

    async def look_up(self, column: str) -> str:
        """The UUID of a column's term, "" if there is none; makes none."""
        named = self._options.columns.get(column, column)
        if _UUID.fullmatch(named):
            return named if await self._is_there(named) else ""
        kind = f"taxonomy_term--{self._options.vocabulary}"
        told = await self._api.get(self._path, {"filter[name]": named, f"fields[{kind}]": "name,drupal_internal__tid"})
        # Drupal compares as its database does, without case or accents.
        found = [each for each in data_of(told) or () if each["attributes"]["name"] == named]
        return str(min(found, key=_number)["id"]) if found else ""

    async def _is_there(self, id: str) -> bool:
        try:
            await self._api.get(f"{self._path}/{id}")
        except NotFound:
            return False
        return True

    async def _make(self, column: str) -> str:
        named = self._options.columns.get(column, column)
        if not self._options.create_columns or _UUID.fullmatch(named):
            raise Rejected("column", "no_such_column", f"the vocabulary {self._options.vocabulary} has no term {named!r}",
                           hint=f"make the term, or name it in columns: {column!r} = its name or UUID")
        id = id_of(f"term:{self._options.vocabulary}:{named}")
        data = {"type": f"taxonomy_term--{self._options.vocabulary}", "id": id, "attributes": {"name": named}}
        with contextlib.suppress(Conflict):
            await self._api.send("POST", self._path, {"data": data}, creating=True)
        return id


def _number(term: Any) -> int:
    return int(term["attributes"]["drupal_internal__tid"])
