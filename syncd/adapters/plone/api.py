"""plone.restapi's calls, and what Plone means by its refusals: a 401 for want of a right, a 500 that was rolled back.

Of an error's body only `message` is ever told, and of a 5xx not even that: to accounts with many rights Plone adds a
traceback, https://6.docs.plone.org/plone.restapi/docs/source/usage/errors.html
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from syncd.adapters.json_api import JsonApi, Refused, Told, plain
from syncd.adapters.plone.options import Options
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected
from syncd.web.api import Answer, Client
from syncd.web.urls import redacted

_FIELD = re.compile(r"'field': '([A-Za-z0-9_.]{1,60})'")
_ROLLED_BACK = frozenset({"ConflictError", "ReadConflictError", "ZopeConflictError"})
"""Zope tried a transaction several times and each lost against another: nothing of it was committed."""
_LOGIN = (
    "check user and password; on the Sharing page of each column's folder (and of files_folder) the account needs Can add and"
    " Can review"
)
_ROUTE = "check api_url: it is the Plone site's own address (with /++api++ behind Volto), where plone.restapi is installed"
_FOLDER = "check columns in this site's options: is the folder still there, and may the account see it?"


class Moved(NotFound):
    """Plone tells where the item is now; nothing was done. path: below the API's root."""

    def __init__(self, path: str, where: str) -> None:
        super().__init__("moved", "the item was moved", where=where, hint="an editor moved it: it is looked for there")
        self.path = path


class PloneApi(JsonApi):
    """The API of a site, as the account of its options."""

    def __init__(self, client: Client, options: Options) -> None:
        login = _login(options)
        self._base = options.base
        super().__init__(client, options.api_url, name="Plone", headers=lambda: login, sort=self._sorted)

    def told(self, answer: Answer, *, writes: bool, creating: bool = False, several: bool = False) -> Told:
        """As of any JSON API, but that an item that was moved is told by a redirect (plone.app.redirector), and a content
        type as JSON of a type of Plone's own."""
        if answer.status in (301, 302, 307, 308) and answer.content_type == "application/json":
            place = self.below(answer.header("location"))
            if place:
                raise Moved(place, redacted(answer.url))
        return super().told(_named_json(answer), writes=writes, creating=creating, several=several)

    def below(self, address: object) -> str:
        """The path below the site of an address that Plone tells, "" if it lies elsewhere."""
        path = urlsplit(str(address)).path.replace("/++api++/", "/", 1)
        return path.removeprefix(self._base) if path.startswith(f"{self._base}/") else ""

    def _sorted(self, refused: Refused) -> None:
        """Raises what Plone says no to; what it says in no words of its own is left to the status."""
        kind, said = _said(refused.value)
        where = refused.where
        message = f"Plone answered {refused.status} {said if refused.status < 500 else ''}".strip()
        match refused.status:
            case 401:
                raise AuthFailed("no_right", message, where=where, hint=_LOGIN)
            case 403 if kind:
                raise _forbidden(said, message, where)
            case 404:
                raise self._missing(refused, kind, message)
            case 400:
                raise _bad(refused, said, message)
            case 423:
                raise Conflict("locked", message, where=where, hint="an editor has it open; it is tried again by itself")
            case 500 if kind in _ROLLED_BACK:
                raise NotApplied("database_conflict", f"{message} {kind}", where=where,
                                 hint="Plone rolled it back, since another write came in between; it is tried again by itself")

    def _missing(self, refused: Refused, kind: str, message: str) -> AdapterError:
        """Plone tells the nearest place that is there: an item can be missing only in a folder that is not."""
        if not kind:
            return NotApplied("no_route", message, where=refused.where, hint=_ROUTE)
        if refused.creating:
            return Rejected("column", "no_such_folder", message, where=refused.where, hint=_FOLDER)
        item = self.below(refused.answer.url).partition("/@")[0]
        if self.below(refused.value.get("context")) != item.rpartition("/")[0]:
            return NotApplied("no_folder", message, where=refused.where, hint=f"{_FOLDER} {_ROUTE}")
        return NotFound("not_found", message, where=refused.where, hint="it is not there any more: was it deleted at the site?")


def _login(options: Options) -> dict[str, str]:
    """prefer: the answer to a PATCH then tells what is stored."""
    password = options.password.get_secret_value()
    told = base64.b64encode(f"{options.user}:{password}".encode()).decode()
    return {"authorization": f"Basic {told}", "prefer": "return=representation"}


def _said(value: Mapping[str, Any]) -> tuple[str, str]:
    """Type and message of an error, which stand at the top or below "error"."""
    error = value.get("error")
    told = error if isinstance(error, dict) else value
    kind, message = told.get("type"), told.get("message")
    return (kind, plain(message or "")) if isinstance(kind, str) else ("", "")


def _forbidden(said: str, message: str, where: str) -> AdapterError:
    if "locked" in said:
        return Conflict("locked", message, where=where, hint="an editor has it open; it is tried again by itself")
    if "'@type'" in said:
        return Rejected("@type", "no_such_type", message, where=where, hint="write the content type's short name into type")
    if said.startswith("Disallowed subobject type"):
        return Rejected("column", "type_not_allowed", message, where=where,
                        hint="allow the content type in this folder (Add new, Restrictions), or name another folder in columns")
    return AuthFailed("no_right", message, where=where, hint=_LOGIN)


def _bad(refused: Refused, said: str, message: str) -> AdapterError:
    if "already in use" in said:
        return Conflict("exists", message, where=refused.where, hint="it is found by its id")
    if _said(refused.value)[0] == "WorkflowException":
        return Rejected("state", "no_transition", message, where=refused.where,
                        hint="the workflow has no such step for this account: see publish in this site's options, and whether"
                             " the account has Can review in the folder")
    field = _FIELD.search(said)
    return Rejected(field[1] if field else "", "bad_request", message, where=refused.where,
                    hint="look at what Plone says of it and at this site's options; then syncd retry")


def _named_json(answer: Answer) -> Answer:
    """application/json+schema is neither registered nor of the form of RFC 6839."""
    if answer.content_type != "application/json+schema":
        return answer
    others = tuple(each for each in answer.headers if each[0] != b"content-type")
    return replace(answer, headers=((b"content-type", b"application/json"), *others))
