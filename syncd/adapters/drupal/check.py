"""What `syncd check` asks of a Drupal: reach, log-in, the right to write, content type, fields, columns, version, clock.

Changes nothing: whether writes are allowed is asked with a document that says nothing, which Drupal refuses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.drupal.options import Options
from syncd.adapters.drupal.terms import Columns
from syncd.adapters.json_api import JsonApi, Told
from syncd.errors import AdapterError, Rejected

_GENERATOR = re.compile(r"Drupal ([0-9][0-9A-Za-z.-]{0,20})")
_UNKNOWN_FIELD = "does not exist"


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, api: JsonApi, options: Options, columns: Columns) -> None:
        super().__init__()
        self._api = api
        self._options = options
        self._columns = columns

    async def run(self, capabilities: Capabilities) -> CheckReport:
        told = await self._reach()
        if told and self._login(told) and self._type(told):
            writes = await self._writes()
            if writes:
                capabilities = await self._fields(capabilities)
                await self._check_columns()
        generator = _GENERATOR.search(told.answer.header("x-generator")) if told else None
        return self._report(capabilities, generator[1] if generator else "")

    async def _reach(self) -> Told | None:
        try:
            told = await self._api.get("")
        except AdapterError as error:
            self._failed("reach", error)
            return None
        if "jsonapi" not in told.value or not isinstance(told.value.get("links"), dict):
            self._say("reach", False, f"{self._api.url('')} is no JSON:API of Drupal", "write the site's address into api_url")
            return None
        self._say("reach", True, "JSON:API answers")
        self._clock(told.answer)
        self._https(self._options.api_url, "the password")
        return told

    def _login(self, told: Told) -> bool:
        """Drupal's entry point names whoever is logged in; wrong credentials are no error on what anybody may read."""
        me = account_of(told.value)
        return self._say("login", bool(me), f"as user {me[:8]}" if me else "Drupal takes us for an anonymous visitor",
                         "check user and password, and that the module HTTP Basic Authentication (or Key auth) is on")

    def _type(self, told: Told) -> bool:
        name = f"node--{self._options.bundle}"
        return self._say("content type", name in told.value["links"], name, "write the content type's machine name into bundle")

    async def _writes(self) -> bool:
        try:
            await self._api.send("POST", f"/node/{self._options.bundle}", {"data": {}})
        except Rejected:
            return self._say("writes", True, f"may create {self._options.bundle}")
        except AdapterError as error:
            self._failed("writes", error)
            return False
        return self._say("writes", False, "an empty document was not refused", "report this: is it a Drupal?")

    async def _fields(self, capabilities: Capabilities) -> Capabilities:
        """Each field that is named is asked for: a filter by a field that isn't there is refused by name."""
        named = [self._options.body_field, *(field.split(".")[0] for field in self._options.fields.values()),
                 self._options.column_field, self._options.files_field, self._options.images_field]
        for name in dict.fromkeys(filter(None, named)):
            try:
                await self._api.get(f"/node/{self._options.bundle}", {f"filter[{name}]": "x", "page[limit]": "1"})
                self._say(f"field {name}", True, "is there")
            except Rejected as error:  # "is incomplete" is said of a field that is there and has several parts
                there = _UNKNOWN_FIELD not in error.message
                self._say(f"field {name}", there, "is there" if there else error.message, "make the field, or name another")
            except AdapterError as error:
                self._failed(f"field {name}", error)
        has_files = bool(self._options.files_field or self._options.images_field)
        self._say("files", True, "are copied" if has_files else "stay at their source: name files_field and images_field")
        return replace(capabilities, media="endpoint" if has_files else "none")

    async def _check_columns(self) -> None:
        if not self._options.column_field:
            return
        for column, named in self._options.columns.items():
            try:
                id = await self._columns.look_up(column)
            except AdapterError as error:
                self._failed(f"column {column}", error)
                continue
            detail = f"term {id[:8]}" if id else f"{self._options.vocabulary} has no term {named!r}"
            self._say(f"column {column}", bool(id) or self._options.create_columns, detail,
                      "make it, or write another into columns")


def account_of(entry: Mapping[str, Any]) -> str:
    """The UUID of the account that asked for the entry point, "" for an anonymous one."""
    meta = entry.get("meta")
    links = meta.get("links") if isinstance(meta, dict) else None
    me = links.get("me") if isinstance(links, dict) else None
    told = me.get("meta") if isinstance(me, dict) else None
    return str(told.get("id") or "") if isinstance(told, dict) else ""
