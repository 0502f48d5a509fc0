"""What `syncd check` asks of a Directus: reach, log-in, rights, fields, files, version, clock. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.directus.options import Options
from syncd.adapters.json_api import JsonApi, Told
from syncd.errors import AdapterError

_POLICY = "allow it in the policy of syncd's account: docs/adapters/directus.md lists what is needed"


class Checker(Steps):
    """One run of the check; each step that fails says what to do, and the later ones that need it are left out."""

    def __init__(self, api: JsonApi, options: Options) -> None:
        super().__init__()
        self._api = api
        self._options = options

    async def run(self, capabilities: Capabilities) -> CheckReport:
        me = await self._ask("login", "/users/me", {"fields": "id"})
        if me is not None:
            self._say("login", True, f"as user {str(_data(me).get('id'))[:8]}")
            self._clock(me.answer)
            self._https(self._options.api_url, "the token")
            capabilities = await self._rights(capabilities)
            await self._fields()
        version = await self._version() if me else ""
        return self._report(capabilities, version)

    async def _ask(self, name: str, path: str, query: Mapping[str, str | int]) -> Told | None:
        """None when it failed, which is then told."""
        try:
            return await self._api.get(path, query)
        except AdapterError as error:
            self._failed(name, error)
            return None

    async def _rights(self, capabilities: Capabilities) -> Capabilities:
        told = await self._ask("rights", "/permissions/me", {})
        if told is None:
            return capabilities
        ours, files = (_allowed(told, name) for name in (self._options.collection, "directus_files"))
        for action, wanted in {"create": self._options.sent, "read": self._options.asked, "update": self._options.sent}.items():
            lacking = _lacking(ours.get(action), wanted)
            self._say(action, not lacking, f"may {action} {self._options.collection}" if not lacking
                      else f"may not {action} {', '.join(lacking)}", _POLICY)
        deletes = not _lacking(ours.get("delete"), ())
        if self._options.withdraw == "delete":
            self._say("delete", deletes, f"may {'' if deletes else 'not '}delete {self._options.collection}", _POLICY)
        return replace(capabilities, delete=deletes, media=self._media(capabilities, files))

    def _media(self, capabilities: Capabilities, files: Mapping[str, Any]) -> Any:
        """Without the right to put files there, they stay at their source."""
        lacking = [action for action in ("create", "read") if _lacking(files.get(action), ())]
        if capabilities.media == "none" or lacking:
            told = f": the account may not {' and '.join(lacking)} files" if capabilities.media != "none" else ""
            self._say("files", True, f"stay at their source{told}")
            return "none"
        self._say("files", True, "are copied")
        return capabilities.media

    async def _fields(self) -> None:
        """A field that isn't there is refused by name when it is read; when it is written it would be passed over."""
        told = await self._ask("fields", f"/items/{self._options.collection}",
                               {"fields": ",".join(self._options.asked), "limit": 1})
        if told is not None:
            self._say("fields", True, f"{', '.join(self._options.asked)} are there")

    async def _version(self) -> str:
        """Only some accounts are told it."""
        try:
            return str(_data(await self._api.get("/server/info")).get("version") or "")
        except AdapterError:
            return ""


def _data(told: Told) -> Mapping[str, Any]:
    data = told.value.get("data")
    return data if isinstance(data, dict) else {}


def _allowed(told: Told, collection: str) -> Mapping[str, Any]:
    rights = _data(told).get(collection)
    return rights if isinstance(rights, dict) else {}


def _lacking(right: Any, fields: tuple[str, ...]) -> list[str]:
    """The fields that a right does not cover; the whole item where there is no right."""
    if not isinstance(right, dict) or right.get("access") == "none":
        return ["items"]
    covered = right.get("fields") or []
    return [] if "*" in covered else [name for name in fields if name not in covered]
