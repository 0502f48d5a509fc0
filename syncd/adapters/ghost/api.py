"""Ghost's Admin API: the token of each request, and what Ghost means by its refusals, by the words in which it tells them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from syncd.adapters.json_api import JsonApi, Refused, plain
from syncd.errors import AuthFailed, Conflict, NotApplied, NotFound, Rejected
from syncd.web.api import Client
from syncd.web.status import retry_after

LIFE = 300
"""Seconds; Ghost takes no token that was made longer ago. https://ghost.org/docs/admin-api/#token-authentication"""

_FIELD = re.compile(r"\[(?:posts|posts_meta|tags)\.([a-z_]+)\]")
_NO_TOKEN = frozenset({"INVALID_JWT", "MISSING_ADMIN_API_KID"})
_KEY = "make the integration's Admin API key (or the account's staff access token) again and write it into key"
_CLOCK = "our clock is minutes behind Ghost's: set both by NTP"
_RIGHT = "the account's role may not do that: an Author changes its own posts only; docs/adapters/ghost.md says who may what"
_NOT_OURS = ("permission to edit posts", "permission to delete posts")
"""Said of one post: its authors are others. The others of the site go on."""
_OTHERS = "an Author changes its own posts only: make it an author of this one again, or the account an Editor"
_ROUTE = "check api_url in this site's options: Ghost's own address, where /ghost/ shows its log-in"
_REFUSED = "look at what Ghost says of it and at this site's options; then syncd retry"


def api_of(client: Client, root: str, key: str, now: Callable[[], datetime]) -> JsonApi:
    """The Admin API at an address, with a fresh token for each request."""

    def headers() -> Mapping[str, str]:
        return {"authorization": f"Ghost {token(key, now())}"}

    return JsonApi(client, root, name="Ghost", headers=headers, sort=sort)


def token(key: str, now: datetime) -> str:
    """A JSON Web Token (RFC 7519, HS256) of a key "id:secret"."""
    id, _, secret = key.strip().partition(":")
    made = int(now.timestamp())
    parts = ({"alg": "HS256", "typ": "JWT", "kid": id}, {"iat": made, "exp": made + LIFE, "aud": "/admin/"})
    told = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
    return f"{told}.{_encoded(hmac.digest(bytes.fromhex(secret), told.encode(), hashlib.sha256))}"


def sort(refused: Refused) -> None:
    """Raises what Ghost says no to; what it says in no words of its own is left to the status."""
    error, where = _first(refused.value), refused.where
    said = plain(f"{error.get('message') or ''} {error.get('context') or ''}")
    message = f"Ghost answered {refused.status} {said}".strip()
    match refused.status:
        case 401 | 400 if refused.status == 401 or error.get("code") in _NO_TOKEN:
            raise AuthFailed("unauthorized", message, where=where, hint=_CLOCK if "expired" in said else _KEY)
        case 403 if refused.writes and said.endswith(_NOT_OURS):
            raise Rejected("authors", "not_ours_to_edit", message, where=where, hint=_OTHERS)
        case 403:
            raise AuthFailed("no_right" if error else "forbidden", message, where=where, hint=_RIGHT if error else _KEY)
        case 404 if said.startswith("Resource not found error"):
            raise NotFound("not_found", message, where=where, hint="it is not there any more: was it deleted at the site?")
        case 404:
            raise NotApplied("no_route", message, where=where, hint=_ROUTE)
        case 409 if error.get("code") == "UPDATE_COLLISION":
            raise Conflict("version", message, where=where, hint="compare it with its history in Ghost's editor")
        case 400 | 415 | 422 if error:
            raise Rejected(_field(error), "unprocessable", message, where=where, hint=_REFUSED)
        case 503 if error.get("type") == "MaintenanceError":
            raise NotApplied("maintenance", message, where=where, after=retry_after(refused.answer) or 0.0,
                             hint="Ghost starts or is in maintenance; it is tried again by itself")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _first(value: Mapping[str, Any]) -> Mapping[str, Any]:
    errors = value.get("errors")
    return errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}


def _field(error: Mapping[str, Any]) -> str:
    """The field that Ghost names, in its words if nowhere else: "Value in [posts.title] exceeds maximum length"."""
    named = _FIELD.search(str(error.get("context") or ""))
    return named[1] if named else str(error.get("property") or "")
