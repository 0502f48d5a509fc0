"""What Directus's refusals mean, by the codes that it gives (https://directus.io/docs/guides/connect/errors)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from syncd.adapters.directus.options import Options
from syncd.adapters.json_api import JsonApi, Refused, plain
from syncd.errors import AuthFailed, Conflict, NotApplied, Rejected, Unknown
from syncd.web.api import Client
from syncd.web.status import retry_after

_TOO_LARGE = "entity too large"
_TAKEN = "RECORD_NOT_UNIQUE"
_OWN = "INTERNAL_SERVER_ERROR"
_BAD_VALUE = re.compile(
    r"invalid input syntax|invalid input value|out of range|date/time field value|[Ii]ncorrect \w+ value|Data truncated|"
    r"datatype mismatch", re.ASCII)
"""Of PostgreSQL, MySQL and SQLite for a value that is none of its field's type."""
_HINTS = {
    "RECORD_NOT_UNIQUE": "another item has this value already: look at it in Directus",
    "VALUE_TOO_LONG": "make the field longer in Directus, or lower max_title",
    "INVALID_FOREIGN_KEY": "write the related item's own key into columns",
    "RESOURCE_RESTRICTED": "the licence of this Directus does not cover it",
}


def api_of(client: Client, options: Options) -> JsonApi:
    """The API as the account of the token."""
    token = options.token.get_secret_value().strip()
    return JsonApi(client, options.api_url, name="Directus", headers=lambda: {"authorization": f"Bearer {token}"},
                   sort=lambda refused: sort(refused, options))


def sort(refused: Refused, options: Options) -> None:
    """Raises what a refusal of Directus means; returns where its status says it all."""
    error = _first(refused.value)
    told = error.get("extensions")
    more: Mapping[str, Any] = told if isinstance(told, dict) else {}
    code, field = str(more.get("code") or ""), str(more.get("field") or "")
    message = f"Directus answered {refused.status} {code} {plain(_gist(str(error.get('message') or '')))}".strip()
    match code, refused.status:
        case "RECORD_NOT_UNIQUE", _ if field in (options.key_field, "id"):
            raise Conflict("exists", message, where=refused.where, hint="it is found by its key")
        case "RECORD_NOT_UNIQUE", _ if options.guard_field and field == options.guard_field:
            raise Conflict("version", message, where=refused.where, hint="compare it with its revisions in Directus")
        case "SERVICE_UNAVAILABLE", _ if "nder pressure" in message:
            raise NotApplied("unavailable", message, where=refused.where, after=retry_after(refused.answer) or 0.0,
                             hint="Directus is overloaded and did not begin; it is tried again by itself")
        case "INTERNAL_SERVER_ERROR", _ if refused.writes:
            raise Unknown("server_error", message, where=refused.where,
                          hint="it is looked up; if it comes again, a value may not fit its field's type: compare `fields` in"
                               " the options with the collection, and read Directus's log")
        case _, 401 | 403 | 404 | 405:
            _raise_closed(refused, code, message)
        case _, 400 | 413 | 415 | 422:
            _raise_rejected(refused, code, field, message)


def own_failure(error: Unknown) -> bool:
    """Whether it is Directus itself that failed, its transaction being over then: what is not there by now never comes."""
    return error.reason == "server_error" and _OWN in error.message


def names_no_field(refused: Rejected) -> bool:
    """Whether a value is taken and Directus doesn't say which: over MySQL so for the primary key."""
    return refused.field == "" and _TAKEN in refused.message


def settled(error: Unknown) -> NotApplied | Rejected:
    """What a failure of Directus itself is, once a look found nothing of it: for good where its database names a value that a
    field can't hold. Anything else may pass, such as a restart; accounts that aren't administrators are told no more."""
    if _BAD_VALUE.search(error.message):
        return Rejected("", "server_error", error.message, where=error.where, hint=error.hint)
    return NotApplied("server_error", error.message, where=error.where, hint=error.hint)


def _raise_closed(refused: Refused, code: str, message: str) -> NoReturn:
    """Directus has no 404 for items: 403 stands for whatever is not there or not allowed, be it collection or field."""
    if refused.status in (404, 405):
        raise NotApplied("no_route", message, where=refused.where, hint="check api_url: no API of Directus is there")
    if refused.status == 401:
        raise AuthFailed("not_logged_in", message, where=refused.where, hint="make a new token for the account in Directus")
    hint = "check the names of collection and fields, and what the account's policy allows: docs/adapters/directus.md"
    raise AuthFailed("no_right", message, where=refused.where, hint=_HINTS.get(code, hint))


def _raise_rejected(refused: Refused, code: str, field: str, message: str) -> NoReturn:
    if refused.status == 413 or _TOO_LARGE in message:
        raise Rejected(field, "too_large", message, where=refused.where,
                       hint="raise MAX_PAYLOAD_SIZE (FILES_MAX_UPLOAD_SIZE for files) in Directus, and max_body here")
    raise Rejected(field, "refused", message, where=refused.where,
                   hint=_HINTS.get(code, "look at what Directus says of it and at this site's options; then syncd retry"))


def _gist(message: str) -> str:
    """Without the statement that a database failed at, which comes before what it says of a value."""
    bad = _BAD_VALUE.search(message)
    return message[bad.start():] if bad else message


def _first(value: Mapping[str, Any]) -> Mapping[str, Any]:
    errors = value.get("errors")
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
