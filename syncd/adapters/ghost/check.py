"""What `syncd check` asks of a Ghost: reach, key, role, columns, version, clock, and whether the public may read it."""

from __future__ import annotations

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.ghost.account import Account, account
from syncd.adapters.ghost.columns import Columns
from syncd.adapters.ghost.options import Options
from syncd.adapters.json_api import JsonApi, Told
from syncd.errors import AdapterError

OLDEST = 6
"""Ghost 5 was not tried; it keeps some texts in a form of its own (mobiledoc)."""
_MAY_NOT = frozenset({"Contributor"})


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out.

    account: who we are, None where that is not known.
    """

    def __init__(self, api: JsonApi, options: Options, columns: Columns) -> None:
        super().__init__()
        self.account: Account | None = None
        self._api = api
        self._options = options
        self._columns = columns

    async def run(self, capabilities: Capabilities) -> CheckReport:
        told = await self._reach()
        if told and await self._login():
            await self._role()
            await self._is_open()
            await self._check_columns()
        version = _version(told)
        return self._report(capabilities, version)

    async def _reach(self) -> Told | None:
        """Anybody may ask for that: without a key Ghost tells its title and version."""
        try:
            told = await self._api.get("/site/")
        except AdapterError as error:
            self._failed("reach", error)
            return None
        version = _version(told)
        if not version:
            self._say("reach", False, f"{self._api.url('/site/')} is no Ghost", "write Ghost's own address into api_url")
            return None
        self._say("reach", True, "the Admin API answers")
        major = version.partition(".")[0]
        self._say("version", major.isdecimal() and int(major) >= OLDEST, f"Ghost {version}", f"use Ghost {OLDEST} or later")
        self._clock(told.answer)
        self._https(self._options.api_url, "the key")
        return told

    async def _login(self) -> bool:
        try:
            await self._api.get("/posts/", {"limit": 1, "fields": "id"})
        except AdapterError as error:
            return self._failed("login", error)
        return self._say("login", True, "the key is taken")

    async def _role(self) -> None:
        """An integration may do all with posts; what an account may, is said by its role."""
        try:
            self.account = await account(self._api)
        except AdapterError as error:
            self._failed("role", error)
            return
        names = self.account.roles
        self._say("role", not names or not names <= _MAY_NOT, ", ".join(sorted(names)) or "an integration",
                  "a Contributor may not publish: make the account an Author")

    async def _is_open(self) -> None:
        """A site behind a password shows nobody what is posted there."""
        try:
            told = await self._api.get("/settings/")
        except AdapterError:  # an account's role may not read them
            return
        settings = told.value.get("settings")
        private = any(isinstance(each, dict) and each.get("key") == "is_private" and each.get("value") is True
                      for each in (settings if isinstance(settings, list) else ()))
        self._say("public", not private, "behind a password" if private else "anybody may read the site",
                  "Settings, General, Make site private: switch it off")

    async def _check_columns(self) -> None:
        for column, named in self._options.columns.items():
            try:
                id = await self._columns.look_up(column)
            except AdapterError as error:
                self._failed(f"column {column}", error)
                continue
            detail = f"tag {id[:8]}" if id else f"Ghost has no tag {named!r}"
            self._say(f"column {column}", bool(id) or self._options.create_columns, detail,
                      "make it, or write another into columns")


def _version(told: Told | None) -> str:
    site = told.value.get("site") if told else None
    return str(site.get("version") or "") if isinstance(site, dict) else ""
