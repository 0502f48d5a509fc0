"""What Drupal's JSON:API means by its refusals, by the words in which Drupal tells them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

from syncd.adapters.drupal.options import Options
from syncd.adapters.json_api import JsonApi, Refused, Told, plain
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected
from syncd.web.api import Answer, Client
from syncd.web.status import retry_after

MEDIA_TYPE = "application/vnd.api+json"
"""Drupal answers 415 to a body of any other type. JSON:API 1.0, https://jsonapi.org/format/#content-negotiation"""
READ_ONLY = "Drupal's JSON:API accepts reads only"

_MAINTENANCE = re.compile(rb" is currently under maintenance\.")
_WRITES_HINT = (
    "an administrator allows it at /admin/config/services/jsonapi: Accept all JSON:API create, read, update, and delete"
    " operations"
)
_LOGIN = "check user and password: the module HTTP Basic Authentication (or Key auth) must be installed"
_RIGHT = "give the account's role the permission that Drupal names; docs/adapters/drupal.md lists those that are needed"
_OTHERS = "the account may change its own nodes only: give the node back to it, allow it any, or syncd adopt it"
_ROUTE = "check api_url and bundle in this site's options, and that the module JSON:API is installed"


def api_of(client: Client, options: Options) -> JsonApi:
    """The JSON:API of a site, as the account of its options."""
    login = _login(options)
    return JsonApi(client, options.root, name="Drupal", headers=lambda: login, sort=sort, media_type=MEDIA_TYPE)


def named(name: str) -> dict[str, str]:
    """The headers of a file. name: plain ASCII, since Drupal takes no other way of writing it into the header."""
    return {"content-type": "application/octet-stream", "content-disposition": f'file; filename="{name}"'}


def data_of(told: Told) -> Any:
    """The primary data of a document, None without. https://jsonapi.org/format/#document-top-level"""
    return told.value.get("data")


def _login(options: Options) -> dict[str, str]:
    password = options.password.get_secret_value()
    if options.key_header:
        return {options.key_header.lower(): password.strip()}
    return {"authorization": "Basic " + base64.b64encode(f"{options.user}:{password}".encode()).decode()}


def sort(refused: Refused) -> None:
    """Raises what Drupal says no to; what it says in no words of its own is left to the status."""
    errors = refused.value.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    detail, where = plain(first.get("detail") or first.get("title") or ""), refused.where
    message = f"Drupal answered {refused.status} {detail}".strip()
    match refused.status:
        case 405:
            raise AuthFailed("read_only", READ_ONLY if "read operations" in detail else message, where=where, hint=_WRITES_HINT)
        case 401:
            raise AuthFailed("not_logged_in", message, where=where, hint=_LOGIN)
        case 403:
            raise _forbidden(detail, message, where, writes=refused.writes)
        case 404 if first and "No route found" not in detail:
            raise NotFound("not_found", message, where=where, hint="it is not there any more: was it deleted at the site?")
        case 404:
            raise NotApplied("no_route", message, where=where, hint=_ROUTE)
        case 409 if refused.creating:
            raise Conflict("exists", message, where=where, hint="it is found by its id")
        case 422 | 400:
            raise Rejected(_field(first), "unprocessable" if refused.status == 422 else "bad_request", message, where=where,
                            hint="look at what Drupal says of it and at this site's options; then syncd retry")
        case 503 if _is_maintenance(refused.answer):
            raise NotApplied("maintenance", message, where=where, after=retry_after(refused.answer) or 0.0,
                              hint="Drupal is in maintenance mode; it is tried again by itself")


def _is_maintenance(answer: Answer) -> bool:
    """Drupal's own maintenance page for an API, given before anything is done (MaintenanceModeSubscriber), which says who it
    is in a header or in the words that Drupal has by default: a proxy's 503 may be plain text too, and follow a commit."""
    from_drupal = answer.header("x-generator").startswith("Drupal ") or _MAINTENANCE.search(answer.body) is not None
    return answer.content_type == "text/plain" and from_drupal


def _forbidden(detail: str, message: str, where: str, *, writes: bool) -> AdapterError:
    if writes and "selected resource" in detail:
        return Rejected("author", "not_ours_to_edit", message, where=where, hint=_OTHERS)
    return AuthFailed("no_right" if detail else "forbidden", message, where=where, hint=_RIGHT if detail else _LOGIN)


def _field(error: Mapping[str, Any]) -> str:
    """The field that a JSON pointer leads to: /data/attributes/body/format is body."""
    source = error.get("source")
    pointer = str(source.get("pointer", "")) if isinstance(source, dict) else ""
    words = [word for word in pointer.split("/") if word not in ("", "data", "attributes", "relationships")]
    return words[0] if words else ""
