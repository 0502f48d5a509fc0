"""The endpoint: its queries and actions, and what its refusals mean (https://www.w3.org/TR/micropub/#error-response)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urljoin

from syncd.adapters.json_api import CALL, UPLOAD, JsonApi, Query, Refused, plain
from syncd.adapters.multipart import File, multipart
from syncd.errors import AuthFailed, NotApplied, NotFound, Rejected, Unknown
from syncd.web.api import Answer, Client
from syncd.web.status import raise_for_read, raise_for_write
from syncd.web.urls import redacted

_RIGHT = "give the token the scopes create, update, delete and media: docs/adapters/micropub.md says how"
_ENTRY = "this account may not do that: make the token with the account whose entries these are"
_RENEW = "make a new token and write it into this site's options"
_ROUTE = "check api_url in this site's options: the address that the site's page names with rel=\"micropub\""
_MEDIA = "check media_url in this site's options, or what the endpoint's q=config says of its media endpoint"
PATIENCE = "the site takes it up by itself; it is looked up before anything is repeated"
_URL = ":/?#[]@!$&'()*+,;=%~"
_NO_STORE = {"cache-control": "no-cache, no-store", "pragma": "no-cache"}


class Endpoint(JsonApi):
    """A Micropub endpoint. Its answers to writes have no body that means anything: status and Location tell it all."""

    def __init__(self, client: Client, url: str, token: str) -> None:
        self._headers_of = {"authorization": f"Bearer {token.strip()}"}
        super().__init__(client, url, name="the Micropub endpoint", headers=lambda: self._headers_of, sort=sort)

    def url(self, path: str, query: Query | None = None) -> str:
        """The endpoint's own address may have a query, as WordPress's has."""
        asked = urlencode(query or {}, quote_via=quote)
        return f"{self.root}{('&' if '?' in self.root else '?') if asked else ''}{asked}"

    async def config(self) -> tuple[Mapping[str, Any], Answer]:
        """What the endpoint says of itself."""
        try:
            told = await self.get("", {"q": "config"})
        except NotFound as missing:
            raise NotApplied("no_route", missing.message, where=missing.where, hint=_ROUTE) from missing
        return told.value, told.answer

    async def source(self, address: str) -> tuple[Mapping[str, Any], Answer]:
        """An entry's properties. Raises NotFound where the endpoint and the entry's own page both say that it isn't there: the
        Recommendation has no answer for that, and many say 400 as they do to a query that they don't know."""
        try:
            told = await self.get("", {"q": "source", "url": address})
        except NotFound as missing:
            await self._look_at_page(address)
            raise missing
        properties = told.value.get("properties")
        if not isinstance(properties, dict) or not _is_of(properties, address):
            raise self.garbled(told.answer, writes=False)
        return properties, told.answer

    async def create(self, properties: Mapping[str, Any]) -> tuple[str, bool]:
        """(where the entry stands, whether it is there already: 202 says that it is not)."""
        answer = await self._write({"type": ["h-entry"], "properties": properties}, creating=True)
        return self._location(answer, (201, 202)), answer.status != 202

    async def act(self, action: str, address: str, **what: Any) -> str:
        """update, delete or undelete an entry; where it stands then, which may be elsewhere."""
        answer = await self._write({"action": action, "url": address, **what})
        if answer.status == 202:
            raise Unknown("accepted_only", f"the {action} was accepted and is not done yet", where=redacted(address),
                          hint=PATIENCE)
        if answer.status == 201:
            return self._location(answer, (201,))
        if answer.status != 204 and answer.body.strip() and not _is_json(answer):
            raise self.garbled(answer, writes=True)
        return address

    async def upload_to(self, url: str, file: File) -> str:
        """The address of a file. Raises Rejected for one that is refused."""
        body, type_ = multipart([], [file])
        headers = {**self._headers_of, "content-type": type_}
        answer = await self._client.call("POST", url, headers=headers, body=body, limits=UPLOAD)
        try:
            self._judge(answer, creating=False)
        except NotFound as missing:
            raise NotApplied("no_route", missing.message, where=missing.where, hint=_MEDIA) from missing
        return self._location(answer, (201, 202))

    async def _write(self, document: Mapping[str, Any], *, creating: bool = False) -> Answer:
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        headers = {**self._headers_of, "accept": "application/json", "content-type": "application/json"}
        answer = await self._client.call("POST", self.root, headers=headers, body=body, limits=CALL)
        self._judge(answer, creating=creating)
        return answer

    def _judge(self, answer: Answer, *, creating: bool) -> None:
        if answer.status >= 400:
            sort(Refused(answer, _object(answer), True, creating))
        raise_for_write(answer, expected_type="", creating=creating)

    def _location(self, answer: Answer, wanted: tuple[int, ...]) -> str:
        """What it made. Anything else, such as a firewall's page, says nothing."""
        told = answer.header("location").strip()
        if answer.status not in wanted or not told:
            raise self.garbled(answer, writes=True)
        return urljoin(answer.url, quote(told.encode("latin-1"), safe=_URL))

    async def _look_at_page(self, address: str) -> None:
        """Raises whatever keeps it from saying that nothing is there."""
        answer = await self._client.call("GET", address, headers=_NO_STORE, limits=CALL)
        if answer.status in (404, 410):
            return
        raise_for_read(answer, expected_type="")
        raise NotApplied("look_up_in_doubt", "the endpoint says that there is no such entry, and its page is there",
                         where=redacted(address), hint="the endpoint must answer q=source, and a missing page with 404 or 410")


def sort(refused: Refused) -> None:
    """Raises what an endpoint says no to; returns where the status says it all."""
    error = str(refused.value.get("error") or "")
    said = plain(refused.value.get("error_description") or error or _plain_words(refused.answer))
    message = f"the Micropub endpoint answered {refused.status} {said}".strip()
    match refused.status:
        case 401 | 403 if error == "insufficient_scope" or refused.status == 403:
            raise AuthFailed("no_right", message, where=refused.where, hint=_ENTRY if error == "forbidden" else _RIGHT)
        case 401:
            raise AuthFailed("not_logged_in", message, where=refused.where, hint=_RENEW)
        case 404 | 410 if not (refused.value or _is_plain(refused.answer)):
            raise NotApplied("no_route", message, where=refused.where, hint=_ROUTE)
        case 400 | 404 | 410 if not refused.writes:
            _raise_missing(refused, message)
        case 400 | 422:
            raise Rejected("", "unprocessable", message, where=refused.where,
                           hint="look at what the site says of it and at key_property and the limits; then syncd retry")


def _raise_missing(refused: Refused, message: str) -> NoReturn:
    if refused.value or _is_plain(refused.answer):
        raise NotFound("not_found", message, where=refused.where, hint="it is not there: was it deleted at the site?")
    raise NotApplied("bad_request", message, where=refused.where, hint=_ROUTE)


def _is_of(properties: Mapping[str, Any], address: str) -> bool:
    """Not another entry's: an endpoint that passes over a parameter answers with any."""
    told = properties.get("url")
    return not told or any(is_same_place(str(each), address) for each in (told if isinstance(told, list) else [told]))


def is_same_place(one: str, other: str) -> bool:
    """But for scheme, case of the host, and a slash at the end."""
    return _place(one) == _place(other)


def _place(url: str) -> str:
    host, _, path = url.partition("://")[2].partition("/")
    return f"{host.lower()}/{path.rstrip('/')}"


def _object(answer: Answer) -> Mapping[str, Any]:
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _is_json(answer: Answer) -> bool:
    return answer.content_type == "application/json" and bool(_object(answer))


def _plain_words(answer: Answer) -> str:
    return answer.body.decode("utf-8", "replace") if _is_plain(answer) else ""


def _is_plain(answer: Answer) -> bool:
    """The endpoint's own word without JSON, such as "invalid_request", and no page of a web server."""
    return not answer.body.lstrip().startswith(b"<")
