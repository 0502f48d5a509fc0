"""What a CMS's status means: the error class says what to do next."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from syncd.errors import (
    AuthFailed,
    Conflict,
    NotApplied,
    NotFound,
    RateLimited,
    ReadFailed,
    Rejected,
    SyncdError,
    Unknown,
)
from syncd.web.api import Answer
from syncd.web.status import raise_for_list, raise_for_read, raise_for_write, retry_after
from tests.web.kit import NOW

JSON = "application/json"


def answer(status, *, content_type=JSON, date=None, **headers):
    raw = [(b"content-type", content_type.encode())] if content_type else []
    raw += [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
    return Answer(status, "https://cms.example/api?token=s3cret", tuple(raw), b"{}", NOW, NOW, date=date)


def raised(judge, *args, **kw):
    """The error that a judge raises, or None."""
    try:
        judge(*args, **kw)
    except SyncdError as error:
        found = error
    else:
        return None
    assert found.hint
    assert found.where
    assert "s3cret" not in str(found)
    return found


@pytest.mark.parametrize("judge", [raise_for_write, raise_for_read])
@pytest.mark.parametrize("good", [
    answer(200), answer(201, content_type="application/json; charset=utf-8"),
    answer(200, content_type="application/hal+json"),
    answer(204, content_type=""),
])
def test_a_success_of_the_right_type_passes(judge, good):
    assert raised(judge, good) is None


@pytest.mark.guarantee(4)
def test_a_success_of_the_wrong_type_is_no_success():
    page = answer(200, content_type="text/html")
    assert type(raised(raise_for_write, page)) is Unknown
    assert type(raised(raise_for_read, page)) is NotApplied
    assert raised(raise_for_write, page, expected_type="text/html") is None
    assert raised(raise_for_write, page, expected_type="") is None
    assert type(raised(raise_for_write, answer(200, content_type=""))) is Unknown


@pytest.mark.parametrize("judge", [raise_for_write, raise_for_read])
@pytest.mark.parametrize(("status", "kind", "reason"), [
    (401, AuthFailed, "unauthorized"), (403, AuthFailed, "forbidden"), (404, NotFound, "not_found"),
    (410, NotFound, "not_found"), (412, Conflict, "conflict_version"), (409, Conflict, "conflict_version"),
    (423, Conflict, "conflict_locked"), (400, Rejected, "bad_request"), (413, Rejected, "too_large"),
    (415, Rejected, "wrong_type"), (422, Rejected, "unprocessable"), (405, Rejected, "refused"),
    (429, RateLimited, "rate_limited"),
])
def test_a_refusal_means_the_same_for_reads_and_writes(judge, status, kind, reason):
    error = raised(judge, answer(status))
    assert type(error) is kind
    assert error.reason == reason


def test_409_of_a_create_means_that_it_exists():
    assert raised(raise_for_write, answer(409), creating=True).kind == "exists"


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("status", [300, 302, 304, 307, 408, 500, 501, 502, 503, 504, 520, 599])
def test_what_may_have_been_committed_is_unknown_for_a_write_and_tried_again_for_a_read(status):
    assert type(raised(raise_for_write, answer(status, retry_after="9"))) is Unknown
    assert type(raised(raise_for_read, answer(status, retry_after="9"))) is NotApplied


def test_an_adapter_may_vouch_for_a_status_of_its_cms():
    error = raised(raise_for_write, answer(503, retry_after="90"), untouched=frozenset({503}))
    assert type(error) is NotApplied
    assert error.after == 90
    assert type(raised(raise_for_write, answer(502), untouched=frozenset({503}))) is Unknown


@pytest.mark.parametrize("location", [
    "/wp-login.php?x", "https://sso.county.example/cas/login", "/user/signin", "/Account/LogOn",
])
def test_a_redirect_to_a_log_in_page_is_a_failed_log_in(location):
    for judge in (raise_for_write, raise_for_read):
        assert raised(judge, answer(302, location=location)).reason == "login_redirect"


def test_429_says_how_long():
    assert raised(raise_for_write, answer(429, retry_after="120")).after == 120
    assert raised(raise_for_write, answer(429)).after == 60


def later(seconds):
    return format_datetime(NOW + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(("value", "expected"), [
    ("120", 120), ("0", 1), ("999999", 86400), ("9" * 5000, 86400), ("-5", None), ("soon", None),
    ("", None), ("1.5", None), ("１２", None),
    (later(300), 300), (later(-300), 1), (later(10**7), 86400), ("Fri, 99 Foo 2026", None),
])
def test_retry_after_in_both_forms_is_clamped(value, expected):
    assert retry_after(answer(503, retry_after=value) if value.isascii() else answer(503), NOW) == expected


def test_a_date_in_retry_after_is_relative_to_the_servers_own_clock():
    hour_off = answer(503, retry_after=later(3600 + 60), date=NOW + timedelta(hours=1))
    assert retry_after(hour_off, NOW) == 60
    assert retry_after(answer(503, retry_after=later(60))) == 60, "without a Date header, since the answer ended"


@pytest.mark.parametrize(("status", "reason"), [
    (410, "gone"), (404, "not_found"), (403, "forbidden"), (429, "rate_limited"),
    (500, "http_5xx"), (418, "http_4xx"), (302, "http_3xx"),
])
def test_a_list_that_is_not_there_is_a_failed_read(status, reason):
    error = raised(raise_for_list, answer(status, retry_after="77"))
    assert type(error) is ReadFailed
    assert (error.reason, error.status, error.after) == (reason, status, 77)


def test_a_list_that_is_there_or_unchanged_passes():
    assert raised(raise_for_list, answer(200)) is None
    assert raised(raise_for_list, answer(304)) is None
    assert raised(raise_for_list, answer(503, retry_after="5")).reason == "rate_limited"
    assert raised(raise_for_list, answer(503)).reason == "http_5xx"
