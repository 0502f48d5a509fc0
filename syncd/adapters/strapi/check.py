"""What `syncd check` asks of a Strapi: reach, log-in, fields, rights, files, clock.

Changes nothing: whether the token may write is asked with requests that say nothing, which Strapi refuses as such once it has
let them in, and by removing what has never been there.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.json_api import JsonApi, Query
from syncd.adapters.strapi.options import Options
from syncd.errors import AdapterError, NotFound, Rejected
from syncd.web.api import Answer

_NOTHING = "syncd-check"
"""An id that Strapi never gives: its own have 24 letters."""


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, api: JsonApi, options: Options) -> None:
        super().__init__()
        self._api = api
        self._options = options
        self._path = f"/{options.collection}"

    async def run(self, capabilities: Capabilities) -> CheckReport:
        answer = await self._reach()
        if answer is None:
            return self._report(capabilities)
        self._clock(answer)
        self._https(self._options.api_url, "the token")
        await self._writes("create", self._api.send("POST", self._path, {}))
        await self._writes("update", self._api.send("PUT", f"{self._path}/{_NOTHING}", {}))
        deletes = await self._may(self._api.delete(f"{self._path}/{_NOTHING}"))
        if self._options.withdraw == "delete":
            self._say("delete", deletes, f"may {'' if deletes else 'not '}delete {self._options.collection}",
                      "allow delete in the API token's permissions")
        capabilities = replace(capabilities, delete=deletes, media=await self._media(capabilities))
        return self._report(capabilities)

    async def _reach(self) -> Answer | None:
        """Log-in, content type and the name of every field in one: Strapi refuses a name that it doesn't know."""
        query: Query = {**self._options.asked_with_files, "status": "draft", "pagination[pageSize]": 1}
        try:
            told = await self._api.get(self._path, query)
        except AdapterError as error:
            self._failed("content type", error)
            return None
        self._say("content type", True, f"{self._options.collection} has {', '.join(self._options.written)}")
        return told.answer

    async def _writes(self, name: str, call: Awaitable[Any]) -> None:
        try:
            await call
            self._say(name, False, "a request that says nothing was not refused", "report this: is it a Strapi 5?")
        except Rejected:
            self._say(name, True, f"may {name} {self._options.collection}")
        except AdapterError as error:
            self._say(name, False, f"may not {name}: {error.message}", error.hint)

    async def _may(self, call: Awaitable[Any]) -> bool:
        """Of what isn't there: allowed, unless Strapi says otherwise."""
        try:
            await call
        except (NotFound, Rejected):
            return True
        except AdapterError:
            return False
        return True

    async def _media(self, capabilities: Capabilities) -> Any:
        """Without the right to put files there and to find them again, they stay at their source."""
        if capabilities.media == "none":
            self._say("files", True, "stay at their source: no media field is named in files_field")
            return "none"
        looks = await self._may(self._api.get("/upload/files", {"filters[name][$eq]": _NOTHING}, several=True))
        sends = await self._may(self._api.send("POST", "/upload", {}))
        self._say("files", looks and sends, "are copied" if looks and sends else "the token may not find and upload files",
                  "allow find, upload and destroy of Upload in the API token's permissions, or leave files_field out")
        return capabilities.media
