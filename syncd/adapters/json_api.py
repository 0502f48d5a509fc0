"""Calls of a CMS's JSON API, and what its answers mean: sorted here once for all; a CMS adds the words in which it refuses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from syncd.errors import AdapterError, NotApplied, Unknown
from syncd.web.api import Answer, Client, Limits
from syncd.web.status import raise_for_read, raise_for_write
from syncd.web.urls import redacted

CALL = Limits(deadline=60.0, wire=48 * 1024 * 1024, body=48 * 1024 * 1024)
UPLOAD = Limits(deadline=180.0, wire=16 * 1024 * 1024, body=16 * 1024 * 1024)
Query = Mapping[str, str | int]

_NO_STORE = {"cache-control": "no-cache, no-store", "pragma": "no-cache"}
_TAG = re.compile(r"<[^<>]*>")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Told:
    """What a good answer said. value: its JSON object, {} for an answer without one. answer: for its headers. items: its JSON
    array, where one was asked for."""

    value: Mapping[str, Any]
    answer: Answer
    items: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """An answer of 400 and above. value: its JSON object, {} without. writes: to a write. creating: of something new."""

    answer: Answer
    value: Mapping[str, Any]
    writes: bool
    creating: bool

    @property
    def status(self) -> int:
        return self.answer.status

    @property
    def where(self) -> str:
        return redacted(self.answer.url)


Sort = Callable[[Refused], None]
"""Raises the AdapterError that a CMS means by its words; returns where the status says it all."""


class JsonApi:
    """The API of one CMS, as one account. Every failure is an AdapterError; none of them holds a secret.

    root: its address without a slash at the end. name: of the CMS, for messages. headers: of each request, the log-in
    among them; asked for each time, since a token may be renewed. media_type: of what is sent; answers may be any JSON.
    """

    def __init__(
        self, client: Client, root: str, *, name: str, headers: Callable[[], Mapping[str, str]], sort: Sort,
        media_type: str = "application/json",
    ) -> None:
        self._client, self._headers, self._sort = client, headers, sort
        self.root, self.name, self._media_type = root, name, media_type

    def url(self, path: str, query: Query | None = None) -> str:
        """The address of a resource, such as /posts/1."""
        asked = urlencode(query or {}, safe=",", quote_via=quote)
        return f"{self.root}{path}{'?' if asked else ''}{asked}"

    async def get(self, path: str, query: Query | None = None, *, several: bool = False) -> Told:
        """Read. several: an array is what is answered. Raises NotFound for what is not there, NotApplied for whatever says
        nothing."""
        answer = await self._client.call("GET", self.url(path, query), headers=self._sent({}), limits=CALL)
        return self.told(answer, writes=False, several=several)

    async def send(
        self, method: str, path: str, document: Any = None, query: Query | None = None, *, creating: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Told:
        """Write. document: becomes JSON; None: no body. headers: of this request alone. Raises Unknown for whatever leaves open
        if it was done, Conflict("exists") for a 409 to what is to create."""
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        sent = self._sent({**({} if document is None else {"content-type": self._media_type}), **(headers or {})})
        answer = await self._client.call(method, self.url(path, query), headers=sent, body=body, limits=CALL)
        return self.told(answer, writes=True, creating=creating)

    async def delete(self, path: str, query: Query | None = None) -> None:
        """Raises NotFound where nothing is there (any more)."""
        await self.send("DELETE", path, query=query)

    async def upload(
        self, path: str, data: bytes, headers: Mapping[str, str], query: Query | None = None, *, method: str = "POST",
        several: bool = False,
    ) -> Told:
        """Write a file or a form. headers: its content type at least. several: an array is what is answered."""
        answer = await self._client.call(method, self.url(path, query), headers=self._sent(headers), body=data, limits=UPLOAD)
        return self.told(answer, writes=True, several=several)

    def told(self, answer: Answer, *, writes: bool, creating: bool = False, several: bool = False) -> Told:
        """The JSON of a good answer; every other one as the error that says what to do."""
        value = _json(answer)
        if answer.status >= 400:
            self._sort(Refused(answer, value if isinstance(value, dict) else {}, writes, creating))
        if writes:
            raise_for_write(answer, creating=creating)
        else:
            raise_for_read(answer)
        if answer.status in (204, 205):
            return Told({}, answer)
        if isinstance(value, dict) and not several:
            return Told(value, answer)
        if isinstance(value, list) and several:
            return Told({}, answer, tuple(value))
        raise self.garbled(answer, writes=writes)

    def garbled(self, answer: Answer, *, writes: bool) -> AdapterError:
        """For an answer that says "done" and not what."""
        sort = Unknown if writes else NotApplied
        return sort("not_json", f"{self.name} answered something else than what its API tells", where=redacted(answer.url),
                    hint="open the address: an error message of a plug-in or a firewall may stand in the answer")

    def _sent(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {"accept": self._media_type, **_NO_STORE, **self._headers(), **headers}


def plain(text: object) -> str:
    """What a CMS says of itself, in one line without markup, short enough for a message."""
    return " ".join(_TAG.sub(" ", str(text)).split())[:_LONGEST]


def _json(answer: Answer) -> object:
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
