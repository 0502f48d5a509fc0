"""The token, the options, and what Ghost's refusals mean; each answer as a real Ghost 6.65.0 gave it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.adapters.ghost import Options
from syncd.adapters.ghost.api import LIFE, token
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import RemoteRef, RemoteState
from tests.adapters.ghost.kit import ID, KEY, NOW, POST, URL, Ghost, newer, posts, public, refusal, run

JWT = {"code": "INVALID_JWT", "type": "UnauthorizedError"}
GONE = refusal("Resource not found error, cannot edit post.", "Post not found.", type="NotFoundError")
LONG = "Value in [posts.title] exceeds maximum length of 255 characters. posts.title"


def test_a_token_is_signed_with_the_bytes_of_the_secret_and_lives_five_minutes() -> None:
    head, told, sign = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in token(KEY, NOW).split("."))
    assert json.loads(head) == {"alg": "HS256", "typ": "JWT", "kid": KEY.partition(":")[0]}
    assert json.loads(told) == {"iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + LIFE, "aud": "/admin/"}
    signed = token(KEY, NOW).rpartition(".")[0].encode()
    assert hmac.digest(bytes.fromhex(KEY.partition(":")[2]), signed, hashlib.sha256) == sign
    assert token(KEY, datetime(2026, 11, 26, 21, 1, tzinfo=UTC)) != token(KEY, NOW)
    assert "=" not in token(KEY, NOW)


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}/ghost", f"{URL}/ghost/", f"{URL}/ghost/api/admin/"])
def test_the_address_may_be_written_as_anybody_knows_it(url: str) -> None:
    assert Options.model_validate({"api_url": url, "key": KEY}).root == f"{URL}/ghost/api/admin"


def test_a_ghost_below_a_folder_is_asked_there() -> None:
    assert Options.model_validate({"api_url": f"{URL}/blog/", "key": KEY}).root == f"{URL}/blog/ghost/api/admin"


@pytest.mark.parametrize("key", ["d3be55d2f52d64f38c5809fffe", "", "six:secrets", f"{KEY}:x", KEY.replace("9f", "zz")])
def test_what_is_no_admin_key_is_told_without_telling_it(key: str) -> None:
    with pytest.raises(ValidationError) as told:
        Options.model_validate({"api_url": URL, "key": key})
    assert "Admin API key" in str(told.value)
    assert not key or key not in str(told.value)


@pytest.mark.parametrize("url", ["www.county.example", f"{URL}/?p=1", "https://u:p@www.county.example"])
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"api_url": url, "key": KEY})


@pytest.mark.parametrize(
    ("status", "body", "sort", "reason", "hint"),
    [
        (401, refusal("Unknown Admin API Key", code="UNKNOWN_ADMIN_API_KEY"), AuthFailed, "unauthorized", "write it into key"),
        (401, refusal("Invalid token: invalid signature", **JWT), AuthFailed, "unauthorized", "write it into key"),
        (401, refusal("Invalid token: jwt expired", **JWT), AuthFailed, "unauthorized", "NTP"),
        (400, refusal("Invalid token", **JWT), AuthFailed, "unauthorized", "write it into key"),
        (403, refusal("Authorization failed", "Unable to determine the authenticated user"), AuthFailed, "no_right", "role"),
        (403, refusal("Permission error, cannot edit post.", "You do not have permission to edit posts"), Rejected,
         "not_ours_to_edit", "its own posts only"),
        (403, refusal("Permission error, cannot save post.", "You do not have permission to add posts"), AuthFailed, "no_right",
         "role"),
        (404, GONE, NotFound, "not_found", "deleted at the site"),
        (404, refusal("Resource not found", type="NotFoundError"), NotApplied, "no_route", "api_url"),
        (404, "<h1>404</h1>", NotApplied, "no_route", "api_url"),
        (409, refusal("Saving failed! Someone else is editing this post.", code="UPDATE_COLLISION"), Conflict,
         "conflict_version", "history"),
        (422, refusal("Validation error, cannot save post.", LONG), Rejected, "unprocessable", "syncd retry"),
        (400, refusal("An unexpected error occurred", code="UNEXPECTED_ERROR"), Rejected, "unprocessable", "syncd retry"),
        (413, "<h1>413</h1>", Rejected, "too_large", "syncd retry"),
        (503, refusal("Site is starting", type="MaintenanceError"), NotApplied, "maintenance", "by itself"),
        (503, "<h1>503</h1>", Unknown, "server_error", "looked up"),
        (500, refusal("An unexpected error occurred", type="InternalServerError"), Unknown, "server_error", "looked up"),
        (301, "", Unknown, "redirected", "looked up"),
        (200, "<h1>Welcome</h1>", Unknown, "wrong_content_type", "firewall"),
        (200, {"members": []}, Unknown, "not_json", "firewall"),
    ],
)
def test_a_refusal_of_a_write_is_told_as_what_it_is(
    status: int, body: Any, sort: type[AdapterError], reason: str, hint: str
) -> None:
    ghost = Ghost((200, posts(public())), (status, body))
    with pytest.raises(sort) as told:
        run(lambda: ghost.adapter().update(RemoteRef(ID), newer(), RemoteState.PUBLIC, None))
    assert (type(told.value), told.value.reason) == (sort, reason)
    assert hint in told.value.hint
    assert KEY.partition(":")[2] not in f"{told.value!r} {told.value}"


def test_the_field_that_is_refused_is_named() -> None:
    ghost = Ghost((200, posts(public())), (422, refusal("Validation error", LONG)))
    with pytest.raises(Rejected) as told:
        run(lambda: ghost.adapter().update(RemoteRef(ID), newer(), RemoteState.PUBLIC, None))
    assert told.value.field == "title"
    assert "255 characters" in told.value.message


def test_an_id_that_is_none_is_not_asked_for() -> None:
    """Ghost answers 422 to it, which would say that our text is refused."""
    ghost = Ghost()
    with pytest.raises(NotFound):
        run(lambda: ghost.adapter().update(RemoteRef("../users/1"), POST, RemoteState.PUBLIC, None))
    assert ghost.asked == []


@pytest.mark.parametrize("answer", [(404, "<h1>404</h1>"), (200, "<h1>Log in</h1>"), (200, {"posts": None}), (503, "")])
def test_a_look_that_fails_is_not_nothing_there(answer: tuple[int, Any]) -> None:
    with pytest.raises(NotApplied):
        run(lambda: Ghost(answer).adapter().find("syncd-k1"))


def test_each_request_bears_a_token_and_none_is_kept_by_a_cache() -> None:
    ghost = Ghost((200, posts()))
    assert run(lambda: ghost.adapter().find("syncd-k1")) is None
    assert ghost.asked[0].headers["authorization"] == f"Ghost {token(KEY, NOW)}"
    assert "no-store" in ghost.asked[0].headers["cache-control"]
