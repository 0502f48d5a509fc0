"""What MediaWiki's codes mean, as MediaWiki 1.39 told them: all of them came with status 200."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.adapters.json_api import Told
from syncd.adapters.mediawiki.refusals import NotLoggedIn, checked, meant
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.web.api import Answer

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def _told(code: str, info: str = "x", headers: tuple[tuple[bytes, bytes], ...] = ()) -> Told:
    value: dict[str, Any] = {"error": {"code": code, "info": info, "docref": "See http://127.0.0.1/api.php"}}
    answer = Answer(200, "http://127.0.0.1/api.php?action=edit", headers, json.dumps(value).encode(), NOW, NOW)
    return Told(value, answer)


@pytest.mark.parametrize(("code", "error", "reason"), [
    ("articleexists", Conflict, "conflict_exists"), ("edit-already-exists", Conflict, "conflict_exists"),
    ("editconflict", Conflict, "conflict_version"), ("missingtitle", NotFound, "not_found"),
    ("nosuchpageid", NotFound, "not_found"), ("badtoken", NotLoggedIn, "not_logged_in"),
    ("assertnameduserfailed", NotLoggedIn, "not_logged_in"), ("permissiondenied", AuthFailed, "no_right"),
    ("blocked", AuthFailed, "no_right"), ("protectedpage", Rejected, "protected"), ("invalidtitle", Rejected, "refused"),
    ("contenttoobig", Rejected, "too_large"), ("missingparam", Rejected, "too_large"),
    ("maxlag", NotApplied, "unavailable"), ("readonly", NotApplied, "unavailable"),
    ("ratelimited", RateLimited, "rate_limited"), ("internal_api_error_DBQueryError", Unknown, "server_error"),
    ("spamblacklist", Rejected, "refused"),
])
def test_a_code_is_the_error_that_says_what_to_do(code: str, error: type[AdapterError], reason: str) -> None:
    with pytest.raises(AdapterError) as raised:
        checked(_told(code), writes=True)
    assert type(raised.value) is error
    assert raised.value.reason == reason
    assert raised.value.hint


@pytest.mark.parametrize(("error", "kind"), [
    ({"info": "You have been blocked from editing this page.", "blockinfo": {"blockpartial": True}}, Rejected),
    ({"info": "You have been blocked from editing this page."}, Rejected),
    ({"info": "您已被封禁。", "blockinfo": {"blockpartial": True}}, Rejected),
    ({"info": "You have been blocked from editing.", "blockinfo": {"blockpartial": False}}, AuthFailed),
])
def test_a_block_for_some_pages_refuses_these_and_a_block_for_all_stops_the_site(
    error: dict[str, Any], kind: type[AdapterError],
) -> None:
    failure = meant({"code": "blocked", **error}, _told("blocked"), writes=True)
    assert type(failure) is kind
    assert failure.hint


def test_a_broken_wiki_says_nothing_of_a_look() -> None:
    with pytest.raises(NotApplied):
        checked(_told("internal_api_error_DBQueryError"), writes=False)


def test_the_lag_of_replicas_is_waited_for_as_it_says() -> None:
    with pytest.raises(NotApplied) as raised:
        checked(_told("maxlag", headers=((b"retry-after", b"5"),)), writes=True)
    assert raised.value.after == 5.0
