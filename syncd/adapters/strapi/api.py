"""What Strapi's refusals mean, by their names and by the words of its validation (docs.strapi.io/cms/error-handling)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from syncd.adapters.json_api import JsonApi, Refused, plain
from syncd.adapters.strapi.options import Options
from syncd.errors import AuthFailed, Conflict, NotApplied, NotFound, Rejected
from syncd.web.api import Client

_UNIQUE, _INVALID_KEY = "must be unique", "Invalid key"


def api_of(client: Client, options: Options) -> JsonApi:
    """The API as the token."""
    token = options.token.get_secret_value().strip()
    return JsonApi(client, options.root, name="Strapi", headers=lambda: {"authorization": f"Bearer {token}"},
                   sort=lambda refused: sort(refused, options))


def sort(refused: Refused, options: Options) -> None:
    """Raises what a refusal of Strapi means; returns where its status says it all."""
    told = refused.value.get("error")
    error: Mapping[str, Any] = told if isinstance(told, dict) else {}
    message = f"Strapi answered {refused.status} {plain(error.get('message') or '')}".strip()
    match refused.status:
        case 401:
            raise AuthFailed("not_logged_in", message, where=refused.where, hint="make a new API token in Strapi's settings")
        case 403:
            raise AuthFailed("no_right", message, where=refused.where,
                             hint="allow it in the API token's permissions: docs/adapters/strapi.md lists what is needed")
        case 404 | 405:
            _raise_missing(refused, error, message)
        case 400:
            _raise_invalid(refused, error, message, options)
        case 413:
            raise Rejected("", "too_large", message, where=refused.where,
                           hint="raise jsonLimit (or sizeLimit of uploads) in Strapi's config, and max_body here")


def _raise_missing(refused: Refused, error: Mapping[str, Any], message: str) -> NoReturn:
    """Strapi says the same of an entry and of a content type that aren't there; what is read here is always a list."""
    if refused.writes and error.get("name") == "NotFoundError":
        raise NotFound("not_found", message, where=refused.where, hint="it is not there any more: was it deleted at the site?")
    raise NotApplied("no_route", message, where=refused.where, hint="check api_url and collection in this site's options")


def _raise_invalid(refused: Refused, error: Mapping[str, Any], message: str, options: Options) -> NoReturn:
    field = _field(error)
    if _UNIQUE in message and field == options.key_field:
        raise Conflict("exists", message, where=refused.where, hint="it is found by its key")
    if _INVALID_KEY in message:  # for a field that isn't there and for one that the token may not see
        raise AuthFailed("no_field", message, where=refused.where,
                         hint="compare the fields in this site's options with the content type in Strapi")
    raise Rejected(field, "refused", message, where=refused.where,
                   hint="look at what Strapi says of it and at this site's options; then syncd retry")


def _field(error: Mapping[str, Any]) -> str:
    details = error.get("details")
    errors = details.get("errors") if isinstance(details, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    path = first.get("path") if isinstance(first, dict) else None
    return str(path[0]) if isinstance(path, list) and path else ""
