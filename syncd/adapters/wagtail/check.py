"""What `syncd check` looks at on a Wagtail; nothing is changed: what is written to it lacks a title, and is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.json_api import JsonApi, Told
from syncd.adapters.multipart import File, multipart
from syncd.adapters.wagtail.api import FILE, KEY, holds_conditions
from syncd.adapters.wagtail.columns import Columns
from syncd.adapters.wagtail.options import Options
from syncd.adapters.wagtail.page import FILES, PAGE
from syncd.errors import AdapterError, NotFound, Rejected

_NOBODYS = "syncd-check-of-a-key-that-nobody-has"
_MIXIN = f"put {FILE} beside manage.py, SyncdMixin into the model, *SyncdMixin.api_fields into api_fields; then migrate"


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, api: JsonApi, options: Options, columns: Columns) -> None:
        super().__init__()
        self._api, self._options, self._columns = api, options, columns

    async def run(self, capabilities: Capabilities) -> CheckReport:
        told = await self._reach()
        if told and await self._type() and await self._finds():
            capabilities = await self._conditions(capabilities)
            for state, action in (("drafts", {}), ("publishing", {"action": "publish"})):
                await self._writes(state, action)
            await self._check_columns()
            await self._files()
        return self._report(capabilities)

    async def _reach(self) -> Told | None:
        """whoami is the one look that Wagtail gives to nobody without a log-in."""
        try:
            told = await self._api.get("/whoami/")
        except AdapterError as error:
            self._failed("login", error)
            return None
        user = told.value.get("user")
        if not isinstance(user, dict) or "id" not in user:
            self._say("login", False, f"{self._api.root} is no API of Wagtail",
                      "write the address of wagtail.api.v3 into api_url")
            return None
        self._say("login", True, f"as {user.get('username')}")
        self._say("least rights", not user.get("is_superuser"), "a superuser" if user.get("is_superuser") else "no superuser",
                  "make an account whose group may work below parent only: a token that leaks can then do no more")
        self._clock(told.answer)
        self._https(self._options.api_url, "the token")
        return told

    async def _type(self) -> bool:
        """The schemas say which fields a page has, and which of them can be written."""
        name = self._options.page_type
        try:
            told = (await self._api.get(f"/schema/{name}/")).value
        except NotFound:
            return self._say("page type", False, f"there is no model {name}", "write its app and name, such as news.NewsPage")
        except AdapterError as error:
            return self._failed("page type", error)
        writable, readable = _fields(told.get("create")), _fields(told.get("read"))
        named = [self._options.body_field, *self._options.fields.values()]
        lacking = [each for each in dict.fromkeys(named) if each not in writable]
        mixin = KEY in writable and FILES in writable and PAGE in readable
        self._say("mixin", mixin, f"{name} has {'the' if mixin else 'no'} SyncdMixin", _MIXIN)
        self._say("fields", not lacking, f"{', '.join(lacking or named)} can{'not' if lacking else ''} be written",
                  "list them in api_fields of the model as APIField(name, writable=True)")
        return mixin and not lacking

    async def _finds(self) -> bool:
        """A look-up by a field that Wagtail does not know gives all pages."""
        try:
            told = await self._api.get("/pages/", {"type": self._options.page_type, KEY: _NOBODYS, "limit": 1})
        except AdapterError as error:
            return self._failed("look-up", error)
        alone = told.value.get("items") == []
        return self._say("look-up", alone, f"by {KEY}" if alone else f"{KEY} filters nothing", _MIXIN)

    async def _conditions(self, capabilities: Capabilities) -> Capabilities:
        """The middleware answers for every page's address, also for one that the account may not see."""
        try:
            answer = (await self._api.get(f"/pages/{self._options.parent}/")).answer
        except AdapterError as error:
            self._failed("parent", error)
            return capabilities
        there = holds_conditions(answer)
        self._say("conditions", True, "class A: the server holds conditions" if there else
                  f"class C: add syncd_wagtail.IfMatch of {FILE} to MIDDLEWARE for class A")
        return replace(capabilities, conditional_update="server" if there else "check_then_act")

    async def _writes(self, name: str, action: Mapping[str, str]) -> None:
        """Wagtail looks at the rights before it looks at the page."""
        meta = {"type": self._options.page_type, "parent_id": self._options.parent, **action}
        if self._options.columns:
            meta["parent_id"] = min(self._options.columns.values())
        await self._is_refused(name, self._api.send("POST", "/pages/", {"meta": meta, "title": ""}))

    async def _is_refused(self, name: str, work: Awaitable[Told]) -> None:
        try:
            await work
        except Rejected:
            self._say(name, True, "allowed")
        except AdapterError as error:
            self._failed(name, error)
        else:
            self._say(name, False, "what has no title was not refused", "report this: is it a Wagtail?")

    async def _check_columns(self) -> None:
        for column, number in self._options.columns.items():
            try:
                told = await self._api.get(f"/pages/{number}/")
                self._say(f"column {column}", True, f"page {number}, {told.value.get('title')}")
            except AdapterError as error:
                self._say(f"column {column}", False, f"page {number}: {error.message}",
                          "write the page's number into columns, and let the account's group edit and publish below it")

    async def _files(self) -> None:
        if not self._options.copy_files:
            self._say("files", True, "stay at their source: copy_files is off")
            return
        body, content_type = multipart([("title", "")], [File("file", "syncd.txt", "text/plain", b"syncd")])
        for name, path in (("images", "/images/"), ("documents", "/documents/")):
            await self._is_refused(name, self._api.upload(path, body, {"content-type": content_type}))


def _fields(schema: Any) -> frozenset[str]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return frozenset(properties) if isinstance(properties, dict) else frozenset()
