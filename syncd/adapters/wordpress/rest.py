"""Calls of WordPress's REST API, and what its answers mean: sorted here once, by the code that WordPress names."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from syncd.adapters.wordpress.options import Options
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.web.api import Answer, Client, Limits
from syncd.web.status import raise_for_read, raise_for_write
from syncd.web.urls import redacted

CALL = Limits(deadline=60.0, wire=48 * 1024 * 1024, body=48 * 1024 * 1024)
"""WordPress needs 1.8 s for a text of 8 MB on a quiet machine; its answer is up to twice the text."""
UPLOAD = Limits(deadline=180.0, wire=16 * 1024 * 1024, body=16 * 1024 * 1024)

Query = Mapping[str, str | int]

_NO_STORE = {"cache-control": "no-cache, no-store", "pragma": "no-cache"}
_ONE = re.compile(r"/\d+(?:/revisions)?(?:[?&]|$)")
"""The address of one post: what is refused there may be allowed elsewhere."""
_TAG = re.compile(r"<[^<>]*>")
_MISSING = re.compile(r"rest_(?:post|term|user|attachment|type)_(?:invalid(?:_id)?|invalid_parent)|rest_already_trashed")
_ROUTE = "check api_url in this site's options: open it with /wp-json in a browser; a plug-in may have shut the REST API"
_LOGIN = (
    "check user and application password (the account's own password does not work here); the site needs https, and the"
    " web server must hand the Authorization header on to PHP"
)
_RIGHT = "give the account the role Author or Editor; syncd check names the right that is missing"
_OTHERS = "the post belongs to another author now: give the account the role Editor, or syncd adopt it"
_FILE = "allow its type in WordPress (or set refused_files to link), and look whether its upload folder can be written"
_TYPE_RIGHTS = frozenset({"rest_cannot_create", "rest_cannot_publish", "rest_cannot_edit_others", "rest_cannot_assign_term",
                          "rest_cannot_assign_sticky", "rest_forbidden_status"})
_POST_RIGHTS = frozenset({"rest_cannot_edit", "rest_cannot_delete", "rest_forbidden_context", "rest_cannot_read"})
_GUARDED = {
    "syncd_exists": ("exists", "it is found by its id"),
    "syncd_changed": ("version", "compare it with its revisions in WordPress"),
    "syncd_busy": ("locked", "somebody is saving it; it is tried again by itself"),
}
"""What the companion refuses with, before anything is done: the kind of conflict and what to do."""
_FILES = frozenset({"rest_upload_sideload_error", "rest_upload_unknown_error", "rest_upload_file_too_big",
                    "rest_upload_limited_space", "rest_upload_user_quota_exceeded"})


@dataclass(frozen=True, slots=True)
class Told:
    """What a good answer said. value: its JSON. answer: for its headers."""

    value: Any
    answer: Answer

    @property
    def pages(self) -> int:
        """How many pages a list has; a page beyond them is refused."""
        total = self.answer.header("x-wp-totalpages")
        return int(total) if total.isascii() and total.isdecimal() else 1


class Rest:
    """One WordPress, as one account. Every failure is an AdapterError; none of them holds the password."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options
        password = "".join(options.password.get_secret_value().split())
        login = base64.b64encode(f"{options.user}:{password}".encode()).decode()
        self._headers = {"authorization": f"Basic {login}", "accept": "application/json", **_NO_STORE}

    def url(self, path: str, query: Query | None = None) -> str:
        """The address of a route, such as /wp/v2/posts."""
        told = dict(query or {})
        if self._options.plain:
            return f"{self._options.root}/?{urlencode({'rest_route': path, **told}, safe='/,', quote_via=quote)}"
        asked = urlencode(told, safe=",", quote_via=quote)
        return f"{self._options.root}/wp-json{path}{'?' if asked else ''}{asked}"

    async def get(self, path: str, query: Query | None = None, *, anonymous: bool = False) -> Told:
        """Read. Raises NotFound for a missing post, NotApplied for whatever says nothing."""
        headers = {"accept": "application/json", **_NO_STORE} if anonymous else self._headers
        answer = await self._client.call("GET", self.url(path, query), headers=headers, limits=CALL)
        return told(answer, writes=False)

    async def post(
        self, path: str, body: Mapping[str, Any], query: Query | None = None, *, match: str = ""
    ) -> Told:
        """Write. match: the version that the companion is to find, or "". Raises Unknown for whatever leaves open if it
        was done."""
        data = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        headers = {**self._headers, **_if(match), "content-type": "application/json; charset=utf-8"}
        return await self._write("POST", self.url(path, query), headers, data, CALL)

    async def delete(self, path: str, query: Query, *, match: str = "") -> Told:
        return await self._write("DELETE", self.url(path, query), {**self._headers, **_if(match)}, b"", CALL)

    async def upload(self, path: str, query: Query, data: bytes, *, name: str, type: str) -> Told:
        """Send a file as a raw body: in a form, the parts' headers would be ours to escape. name: plain ASCII."""
        headers = {**self._headers, "content-type": type, "content-disposition": f'attachment; filename="{name}"'}
        return await self._write("POST", self.url(path, query), headers, data, UPLOAD)

    async def _write(self, method: str, url: str, headers: Mapping[str, str], data: bytes, limits: Limits) -> Told:
        answer = await self._client.call(method, url, headers=headers, body=data, limits=limits)
        if answer.status in (403, 406) and _json(answer) is None:
            await self._blocked(answer)
        return told(answer, writes=True)

    async def _blocked(self, answer: Answer) -> None:
        """A page that is not WordPress's refuses a write. Does it refuse this text, or us altogether?"""
        try:
            await self.get("/wp/v2/users/me", {"context": "edit", "_fields": "id"})
        except AdapterError:
            raise AuthFailed("blocked", f"the server answered {answer.status} with a page", where=redacted(answer.url),
                             hint="a firewall or security plug-in refuses syncd: let its address and the REST API through",
                             ) from None
        raise Rejected("content", "firewall", f"the server answered {answer.status} with a page", where=redacted(answer.url),
                       hint="a firewall or security plug-in refuses this text: make an exception for the account, then retry")


def _if(match: str) -> dict[str, str]:
    return {"if-match": f'"{match}"'} if match else {}


def told(answer: Answer, *, writes: bool) -> Told:
    """The JSON of a good answer; every other one as the error that says what to do."""
    said = _json(answer)
    if answer.status >= 400:
        _raise_coded(answer, said if isinstance(said, dict) else {}, writes)
    if writes:
        gives_way = frozenset({503}) if answer.header("retry-after") else frozenset()
        raise_for_write(answer, untouched=gives_way)
    else:
        raise_for_read(answer)
    if said is None:
        raise garbled(answer, writes=writes)
    return Told(said, answer)


def garbled(answer: Answer, *, writes: bool) -> AdapterError:
    """For an answer that says "done" and not what: PHP notices before the JSON, a firewall's page, another API."""
    sort = Unknown if writes else NotApplied
    return sort("not_json", "WordPress answered something else than its JSON", where=redacted(answer.url),
                hint="open the address: a plug-in's error message or a firewall may stand in the answer")


def _json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


def _raise_coded(answer: Answer, said: Mapping[str, Any], writes: bool) -> None:
    """WordPress says what is wrong by a code; what it doesn't name is judged by its status."""
    status, code = answer.status, str(said.get("code") or "")
    where, message = redacted(answer.url), _message(answer, said)
    if code in _GUARDED:
        kind, hint = _GUARDED[code]
        raise Conflict(kind, message, where=where, hint=hint)
    if code == "syncd_store":
        raise NotApplied(code, message, where=where, hint="the companion makes its table anew; it is tried again by itself")
    if status == 401:
        raise AuthFailed("not_logged_in", message, where=where, hint=_LOGIN)
    if code == "rest_trash_not_supported":
        raise Rejected("status", "no_trash", message, where=where, hint="this WordPress keeps no trash")
    if code in _FILES:
        raise Rejected("media", "file_refused", message, where=where, hint=_FILE)
    if status == 403:
        _raise_forbidden(answer, code, message, where)
    if status in (404, 410):
        if _MISSING.fullmatch(code):
            raise NotFound("not_found", message, where=where, hint="it is not there any more: was it deleted at the site?")
        raise NotApplied("no_route", message, where=where, hint=_ROUTE)
    if status == 400:
        _raise_bad(said, code, message, where, writes)


def _raise_forbidden(answer: Answer, code: str, message: str, where: str) -> None:
    if code in _POST_RIGHTS and _ONE.search(answer.url):
        raise Rejected("author", "not_ours_to_edit", message, where=where, hint=_OTHERS)
    if code in _TYPE_RIGHTS | _POST_RIGHTS:
        raise AuthFailed("no_right", message, where=where, hint=_RIGHT)
    raise AuthFailed("forbidden", message, where=where, hint=_LOGIN)


def _raise_bad(said: Mapping[str, Any], code: str, message: str, where: str, writes: bool) -> None:
    data = said.get("data")
    params = data.get("params") if isinstance(data, dict) else None
    fields = ",".join(map(str, params)) if isinstance(params, dict) else ""
    if not writes and "status" in fields:
        # "Status is forbidden": it takes us for an anonymous reader, so that nothing is learned of what is there.
        details = data.get("details") if isinstance(data, dict) else None
        known = '"status": 403' in json.dumps(details)
        raise AuthFailed("no_right" if known else "not_logged_in", message, where=where, hint=_RIGHT if known else _LOGIN)
    detail = "; ".join(map(_plain, params.values())) if isinstance(params, dict) else ""
    raise Rejected(fields, code if code.startswith("rest_") else "bad_request", f"{message} {detail}".strip(),
                   where=where, hint="look at what WordPress says of it and at this site's options; then syncd retry")


def _message(answer: Answer, said: Mapping[str, Any]) -> str:
    return f"WordPress answered {answer.status} {_plain(said.get('message') or said.get('code') or '')}".strip()


def _plain(text: object) -> str:
    return " ".join(_TAG.sub(" ", str(text)).split())[:200]
