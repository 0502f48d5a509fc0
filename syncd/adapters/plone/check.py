"""What `syncd check` asks of a Plone: reach, log-in, clock, and in each folder the content type, its fields and the rights.

Changes nothing.
"""

from __future__ import annotations

from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.json_api import Told
from syncd.adapters.plone.api import PloneApi
from syncd.adapters.plone.options import Options
from syncd.errors import AdapterError

_RIGHTS = "on the folder's Sharing page give the account Can add and Can review"


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, api: PloneApi, options: Options) -> None:
        super().__init__()
        self._api = api
        self._options = options

    async def run(self, capabilities: Capabilities) -> CheckReport:
        told = await self._reach()
        if told and await self._login():
            for column, folder in self._options.columns.items():
                await self._column(f"column {column}", folder)
            await self._files()
        return self._report(capabilities)

    async def _reach(self) -> Told | None:
        try:
            told = await self._api.get("/@breadcrumbs")
        except AdapterError as error:
            self._failed("reach", error)
            return None
        if "root" not in told.value:
            self._say("reach", False, f"{self._api.root} is no Plone site", "write the address of the Plone site into api_url")
            return None
        self._say("reach", True, "plone.restapi answers")
        self._clock(told.answer)
        self._https(self._options.api_url, "the password")
        return told

    async def _login(self) -> bool:
        """Anybody else is answered 401 here; on what is public wrong credentials are no error for Plone."""
        try:
            await self._api.get("/@types", several=True)
        except AdapterError as error:
            return self._failed("login", error)
        return self._say("login", True, f"as {self._options.user}")

    async def _column(self, name: str, folder: str) -> None:
        try:
            if await self._is_there(name, folder) and self._may_add(name, await self._types(folder), self._options.type):
                await self._type(name, folder)
        except AdapterError as error:
            self._failed(name, error)

    async def _is_there(self, name: str, folder: str) -> bool:
        """Plone gives a folder from further up for one that is not there (acquisition)."""
        crumbs = (await self._api.get(f"{folder}/@breadcrumbs")).value.get("items")
        last = crumbs[-1] if isinstance(crumbs, list) and crumbs and isinstance(crumbs[-1], dict) else {}
        there = self._api.below(last.get("@id")) == folder
        return there or self._say(name, False, f"there is no folder {folder}", "write its path, as in its address")

    async def _types(self, folder: str) -> dict[str, bool]:
        """The content types that Plone knows of in a folder, and whether the account may add them there."""
        told = await self._api.get(f"{folder}/@types", several=True)
        return {str(row.get("id")): row.get("addable") is True for row in told.items if isinstance(row, dict)}

    def _may_add(self, name: str, types: dict[str, bool], kind: str) -> bool:
        if kind not in types:
            return self._say(name, False, f"no content type {kind} can be added there",
                             "write the type's short name into type, and allow it in the folder (Add new, Restrictions)")
        return types[kind] or self._say(name, False, f"the account may not add {kind} there", _RIGHTS)

    async def _type(self, name: str, folder: str) -> None:
        """The type's schema, which names its fields."""
        told = await self._api.get(f"{folder}/@types/{self._options.type.replace(' ', '%20')}")
        properties: Any = told.value.get("properties")
        known = properties if isinstance(properties, dict) else {}
        missing = [field for field in (self._options.text_field, *self._options.fields.values()) if field not in known]
        self._say(name, not missing, f"{folder} takes {self._options.type}" if not missing
                  else f"{self._options.type} has no field {', '.join(missing)}", "make the field, or name another")

    async def _files(self) -> None:
        folder = self._options.files_folder
        if not folder:
            self._say("files", True, "stay at their source: name files_folder")
            return
        try:
            if await self._is_there("files", folder):
                types = await self._types(folder)
                if self._may_add("files", types, "File") and self._may_add("files", types, "Image"):
                    self._say("files", True, f"are copied to {folder}")
        except AdapterError as error:
            self._failed("files", error)
