"""The CMS's API: where it is, how to log in, and what its answers mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from syncd.errors import AuthFailed, NotApplied, Unknown
from syncd.web.api import Answer, Client
from syncd.web.status import raise_for_read, raise_for_write

from syncd_newcms.options import Options


class Api:
    """Requests to the CMS. Each gives the JSON object of a good answer, or raises the AdapterError that says what to do."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options

    async def get(self, path: str) -> dict[str, Any]:
        return await self._ask("GET", path)

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A 409 means that it exists: Conflict("exists")."""
        return await self._ask("POST", path, body, creating=True)

    async def change(self, method: str, path: str, body: Mapping[str, Any], if_version: str | None) -> dict[str, Any]:
        """if_version: the CMS refuses another one with 412, which becomes Conflict("version")."""
        condition = {} if if_version is None else {"if-match": f'"{if_version}"'}
        return await self._ask(method, path, body, condition)

    async def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None,
        *, creating: bool = False,
    ) -> dict[str, Any]:
        login = {"authorization": f"Bearer {self._options.token.get_secret_value()}", "content-type": "application/json"}
        data = b"" if body is None else json.dumps(body).encode()
        url = f"{self._options.api_url.rstrip('/')}/api{path}"
        answer = await self._client.call(method, url, headers=login | dict(headers or {}), body=data)
        told = self._judged(method, answer, url, creating=creating)
        if told.get("as") != self._options.account:  # some CMSs answer an expired token as they answer the public
            raise AuthFailed("not_logged_in", "the CMS took us for somebody else", hint="check token and account")
        return told

    def _judged(self, method: str, answer: Answer, url: str, *, creating: bool) -> dict[str, Any]:
        """A 404 that is not the CMS's own says nothing of its posts; a page with status 200 is no success."""
        told = _object(answer.body)
        if answer.status == 404 and told.get("error") != "no_post":
            raise NotApplied("no_route", "this is not the API of Newcms", where=url, hint="check api_url")
        if method == "GET":
            raise_for_read(answer)
        else:
            raise_for_write(answer, creating=creating)
        if "as" not in told:
            doubt = NotApplied if method == "GET" else Unknown
            raise doubt("not_json", "it answered something else than its JSON", where=url, hint="open the address")
        return told


def _object(body: bytes) -> dict[str, Any]:
    """The object of an answer, empty if it is none."""
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
