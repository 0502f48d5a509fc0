"""Calls of Drupal's JSON:API, and what its answers mean: sorted here once, by the words in which Drupal refuses."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from syncd.adapters.drupal.options import Options
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.web.api import Answer, Client, Limits
from syncd.web.status import raise_for_read, raise_for_write, retry_after
from syncd.web.urls import redacted

CALL = Limits(deadline=60.0, wire=48 * 1024 * 1024, body=48 * 1024 * 1024)
UPLOAD = Limits(deadline=180.0, wire=16 * 1024 * 1024, body=16 * 1024 * 1024)
MEDIA_TYPE = "application/vnd.api+json"
"""Drupal answers 415 to a body of any other type. JSON:API 1.0, https://jsonapi.org/format/#content-negotiation"""
READ_ONLY = "Drupal's JSON:API accepts reads only"

_NO_STORE = {"cache-control": "no-cache, no-store", "pragma": "no-cache"}
_TAG = re.compile(r"<[^<>]*>")
_MAINTENANCE = re.compile(rb" is currently under maintenance\.")
_WRITES_HINT = (
    "an administrator allows it at /admin/config/services/jsonapi: Accept all JSON:API create, read, update, and delete"
    " operations"
)
_LOGIN = "check user and password: the module HTTP Basic Authentication (or Key auth) must be installed"
_RIGHT = "give the account's role the permission that Drupal names; docs/adapters/drupal.md lists those that are needed"
_OTHERS = "the account may change its own nodes only: give the node back to it, allow it any, or syncd adopt it"
_ROUTE = "check api_url and bundle in this site's options, and that the module JSON:API is installed"


@dataclass(frozen=True, slots=True)
class Told:
    """What a good answer said. value: its JSON, {} for an answer without a body. answer: for its headers."""

    value: Mapping[str, Any]
    answer: Answer

    @property
    def data(self) -> Any:
        return self.value.get("data")


class Api:
    """One Drupal, as one account. Every failure is an AdapterError; none of them holds a secret."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._root = options.root
        self._headers = {**_login(options), "accept": MEDIA_TYPE, **_NO_STORE}

    def url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        """The address of a resource, such as /node/article."""
        asked = urlencode(query or {}, safe=",", quote_via=quote)
        return f"{self._root}{path}{'?' if asked else ''}{asked}"

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Told:
        """Read. Raises NotFound for what is not there, NotApplied for whatever says nothing."""
        answer = await self._client.call("GET", self.url(path, query), headers=self._headers, limits=CALL)
        return told(answer, writes=False)

    async def send(self, method: str, path: str, document: Mapping[str, Any], *, creating: bool = False) -> Told:
        """Write. Raises Unknown for whatever leaves open if it was done, Conflict("exists") for an id that is taken."""
        body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
        headers = {**self._headers, "content-type": MEDIA_TYPE}
        answer = await self._client.call(method, self.url(path), headers=headers, body=body, limits=CALL)
        return told(answer, writes=True, creating=creating)

    async def delete(self, path: str) -> None:
        answer = await self._client.call("DELETE", self.url(path), headers=self._headers, limits=CALL)
        told(answer, writes=True)

    async def upload(self, path: str, data: bytes, name: str) -> Told:
        """Send a file to a field. name: plain ASCII, since Drupal takes no other way of writing it into the header."""
        told_as = {"content-type": "application/octet-stream", "content-disposition": f'file; filename="{name}"'}
        headers = {**self._headers, **told_as}
        answer = await self._client.call("POST", self.url(path), headers=headers, body=data, limits=UPLOAD)
        return told(answer, writes=True)


def _login(options: Options) -> dict[str, str]:
    password = options.password.get_secret_value()
    if options.key_header:
        return {options.key_header.lower(): password.strip()}
    return {"authorization": "Basic " + base64.b64encode(f"{options.user}:{password}".encode()).decode()}


def told(answer: Answer, *, writes: bool, creating: bool = False) -> Told:
    """The document of a good answer; every other one as the error that says what to do."""
    said = _json(answer)
    if answer.status >= 400:
        _raise_said(answer, said, writes=writes, creating=creating)
    if writes:
        raise_for_write(answer, creating=creating)
    else:
        raise_for_read(answer)
    if answer.status in (204, 205):
        return Told({}, answer)
    if said is None:
        raise garbled(answer, writes=writes)
    return Told(said, answer)


def garbled(answer: Answer, *, writes: bool) -> AdapterError:
    """For an answer that says "done" and not what."""
    sort = Unknown if writes else NotApplied
    return sort("not_json", "Drupal answered something else than a JSON:API document", where=redacted(answer.url),
                hint="open the address: a module's error message or a firewall may stand in the answer")


def _json(answer: Answer) -> Mapping[str, Any] | None:
    try:
        said = json.loads(answer.body)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _raise_said(answer: Answer, said: Mapping[str, Any] | None, *, writes: bool, creating: bool) -> None:
    errors = said.get("errors") if said is not None else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    detail, where = _plain(first.get("detail") or first.get("title") or ""), redacted(answer.url)
    message = f"Drupal answered {answer.status} {detail}".strip()
    match answer.status:
        case 405:
            raise AuthFailed("read_only", READ_ONLY if "read operations" in detail else message, where=where, hint=_WRITES_HINT)
        case 401:
            raise AuthFailed("not_logged_in", message, where=where, hint=_LOGIN)
        case 403:
            _raise_forbidden(detail, message, where, writes=writes)
        case 404 if first and "No route found" not in detail:
            raise NotFound("not_found", message, where=where, hint="it is not there any more: was it deleted at the site?")
        case 404:
            raise NotApplied("no_route", message, where=where, hint=_ROUTE)
        case 409 if creating:
            raise Conflict("exists", message, where=where, hint="it is found by its id")
        case 422 | 400:
            raise Rejected(_field(first), "unprocessable" if answer.status == 422 else "bad_request", message, where=where,
                           hint="look at what Drupal says of it and at this site's options; then syncd retry")
        case 503 if _is_maintenance(answer):
            raise NotApplied("maintenance", message, where=where, after=retry_after(answer) or 0.0,
                             hint="Drupal is in maintenance mode; it is tried again by itself")


def _is_maintenance(answer: Answer) -> bool:
    """Drupal's own maintenance page for an API, given before anything is done (MaintenanceModeSubscriber), which says who it
    is in a header or in the words that Drupal has by default: a proxy's 503 may be plain text too, and follow a commit."""
    from_drupal = answer.header("x-generator").startswith("Drupal ") or _MAINTENANCE.search(answer.body) is not None
    return answer.content_type == "text/plain" and from_drupal


def _raise_forbidden(detail: str, message: str, where: str, *, writes: bool) -> None:
    if writes and "selected resource" in detail:
        raise Rejected("author", "not_ours_to_edit", message, where=where, hint=_OTHERS)
    raise AuthFailed("no_right" if detail else "forbidden", message, where=where, hint=_RIGHT if detail else _LOGIN)


def _field(error: Mapping[str, Any]) -> str:
    """The field that a JSON pointer leads to: /data/attributes/body/format is body."""
    source = error.get("source")
    pointer = str(source.get("pointer", "")) if isinstance(source, dict) else ""
    words = [word for word in pointer.split("/") if word not in ("", "data", "attributes", "relationships")]
    return words[0] if words else ""


def _plain(text: object) -> str:
    return " ".join(_TAG.sub(" ", str(text)).split())[:300]
