"""What an HTTP status of a CMS means for us: sorted once for all adapters, in the errors that the engine acts on."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

from syncd.core.schedule import RETRY_AFTER_CAP
from syncd.errors import (
    AdapterError,
    AuthFailed,
    Conflict,
    NotApplied,
    NotFound,
    RateLimited,
    ReadFailed,
    Rejected,
    Unknown,
)
from syncd.web.api import Answer
from syncd.web.urls import redacted

SHORTEST, LONGEST = 1.0, 86400.0
_UNSAID = 60.0
"""How long at most to leave a server alone that says 429 and not for how long."""
_LOGIN = re.compile(r"(?i)(?:log[_-]?(?:in|on)|sign[_-]?(?:in|on)|\bsso\b|\bcas\b|\bauth|account|session)")
_REJECTED = {
    400: "bad_request", 413: "too_large", 414: "too_large", 415: "wrong_type", 422: "unprocessable", 431: "too_large",
}


@lru_cache(maxsize=64)  # all answers of a second carry the same one
def http_date(text: str) -> datetime | None:
    """An HTTP date in UTC, or None if it makes no sense."""
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def retry_after(answer: Answer, now: datetime | None = None, *, most: float = LONGEST) -> float | None:
    """Seconds that the server asks to be left alone (Retry-After in both forms), from 1 s to `most`; None if it doesn't.

    A date is taken relative to the answer's own Date header, so that neither clock needs to be right; without one,
    relative to `now` (default: when the answer was complete).
    """
    text = answer.header("retry-after").strip()
    if text.isascii() and text.isdigit():
        return _clamped(float(text[:9]), most)
    until = http_date(text) if text else None
    if until is None:
        return None
    return _clamped((until - (answer.date or now or answer.ended)).total_seconds(), most)


def raise_for_write(
    answer: Answer, *, expected_type: str = "application/json", creating: bool = False,
    untouched: frozenset[int] = frozenset(),
) -> None:
    """Return if the answer to a POST, PUT, PATCH or DELETE means that it was done, else raise an AdapterError.

    expected_type: the media type of a success ("application/json" takes every "+json" too); "" takes any. 204 and 205
    need none. creating: a 409 then means that the thing exists, else that its version is another.
    untouched: 5xx statuses that this very CMS gives only before it acts (such as 503 while in maintenance). All other
    5xx, and 3xx, are Unknown: a gateway gives them when the CMS behind may well have committed.
    """
    status = answer.status
    if 200 <= status < 300:
        _check_type(answer, expected_type, Unknown)
        return
    _raise_common(answer, creating=creating)
    if status in untouched:
        raise NotApplied("unavailable", _said(answer), after=retry_after(answer) or 0.0, where=_where(answer),
                         hint="the CMS is in maintenance or overloaded; it is tried again by itself")
    if status in (408, 425) or not 400 <= status < 500:
        raise Unknown(_broad(status), _said(answer), where=_where(answer),
                      hint="it may have been done all the same; it is looked up before it is repeated")
    raise Rejected("", _REJECTED.get(status, "refused"), _said(answer), where=_where(answer),
                   hint="look at what the CMS answers and at this site's options; then syncd retry")


def raise_for_read(answer: Answer, *, expected_type: str = "application/json") -> None:
    """Return if the answer to a GET or HEAD of a CMS is good, else raise: as for a write, but nothing is Unknown."""
    status = answer.status
    if 200 <= status < 300:
        _check_type(answer, expected_type, NotApplied)
        return
    _raise_common(answer, creating=False)
    if status in (408, 425) or not 400 <= status < 500:
        raise NotApplied(_broad(status), _said(answer), after=retry_after(answer) or 0.0, where=_where(answer),
                         hint="the CMS is in trouble; it is tried again by itself")
    raise Rejected("", _REJECTED.get(status, "refused"), _said(answer), where=_where(answer),
                   hint="check the CMS's address in this site's options")


def refusal(answer: Answer, hint: str, now: datetime) -> ReadFailed:
    """The failure of a list or page that answered otherwise than it should, by its status. A 429 or 503 tells when to come
    again, at most RETRY_AFTER_CAP seconds from now."""
    after = retry_after(answer, now, most=RETRY_AFTER_CAP) if answer.status in (429, 503) else None
    return ReadFailed(f"http_{answer.status}", hint=hint, where=answer.url, after=after, status=answer.status)


def raise_for_list(answer: Answer) -> None:
    """Return if a source or page answered 2xx or 304, else raise ReadFailed with status and Retry-After.

    Reasons: gone (410), not_found, forbidden (401, 403), rate_limited (429, or 503 with Retry-After), http_3xx,
    http_4xx, http_5xx.
    """
    status = answer.status
    if 200 <= status < 300 or status == 304:
        return
    reason, hint = _list_reason(answer)
    raise ReadFailed(reason, _said(answer), hint=hint, where=_where(answer), after=retry_after(answer), status=status)


def _list_reason(answer: Answer) -> tuple[str, str]:
    status = answer.status
    if status == 410:
        return "gone", "the server says that it is gone for good: look for its new address"
    if status == 404:
        return "not_found", "check the address: open it in a browser"
    if status in (401, 403):
        return "forbidden", "the server refuses us: it may want a log-in, or has blocked this address or User-Agent"
    if status == 429 or (status == 503 and retry_after(answer) is not None):
        return "rate_limited", "the server asks to be left alone; ask less often (every) if it happens again"
    return f"http_{status // 100}xx", "it is tried again by itself; if it stays, open the address in a browser"


def _raise_common(answer: Answer, *, creating: bool) -> None:
    """The statuses that mean the same for reads and writes: the CMS says that it did nothing."""
    status, where, said = answer.status, _where(answer), _said(answer)
    if status in (401, 403):
        reason = "unauthorized" if status == 401 else "forbidden"
        raise AuthFailed(reason, said, where=where, hint="check this site's user, password, rights; then syncd check")
    if 300 <= status < 400 and _LOGIN.search(answer.header("location")):
        raise AuthFailed("login_redirect", f"{said}, to a log-in page", where=where,
                         hint="the CMS wants a log-in: check user and password, and that its API is open to them")
    if status in (404, 410):
        raise NotFound("not_found", said, where=where, hint="it is not there (any more); was it deleted at the site?")
    if status == 429:
        after = retry_after(answer)
        raise RateLimited(message=said, after=after or _UNSAID, said=after is not None, where=where,
                          hint="the CMS asks for a pause; it goes on by itself")
    if (kind := _conflict(status, creating)) is not None:
        raise Conflict(kind, said, where=where, hint="look at it in the CMS; syncd explain tells what was tried")


def _conflict(status: int, creating: bool) -> str | None:
    if status == 423:
        return "locked"
    if status == 412:
        return "version"
    return ("exists" if creating else "version") if status == 409 else None


def _check_type(answer: Answer, expected: str, sort: type[Unknown] | type[NotApplied]) -> None:
    """A page of HTML with status 200 is what a firewall, a log-in form or a PHP error looks like."""
    if not expected or answer.status in (204, 205) or _fits(answer.content_type, expected):
        return
    error: AdapterError = sort(
        "wrong_content_type", f"{_said(answer)}, but as {answer.content_type[:60] or 'nothing named'}, not {expected}",
        where=_where(answer), hint="open the address: a log-in page, a firewall or an error page may stand in the way",
    )
    raise error


def _fits(got: str, expected: str) -> bool:
    return got == expected or (expected == "application/json" and got.endswith("+json"))


def _broad(status: int) -> str:
    return "server_error" if status >= 500 else "redirected" if status >= 300 else "odd_status"


def _said(answer: Answer) -> str:
    return f"the server answered {answer.status}"


def _where(answer: Answer) -> str:
    return redacted(answer.url)


def _clamped(seconds: float, most: float) -> float:
    return min(max(seconds, SHORTEST), most)
