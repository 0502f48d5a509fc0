"""What Mastodon's refusals mean: https://docs.joinmastodon.org/entities/Error/, /api/rate-limits/ and /user/posting/."""

from __future__ import annotations

from datetime import UTC, datetime

from syncd.adapters.json_api import JsonApi, Refused, plain
from syncd.adapters.mastodon.options import Options
from syncd.errors import AuthFailed, NotApplied, NotFound, RateLimited, Rejected
from syncd.web.api import Answer, Client
from syncd.web.status import LONGEST, SHORTEST, retry_after


def api_of(client: Client, options: Options) -> JsonApi:
    """The API as the account of the token."""
    token = options.token.get_secret_value().strip()
    return JsonApi(client, options.api_url, name="Mastodon", headers=lambda: {"authorization": f"Bearer {token}"}, sort=sort)


def sort(refused: Refused) -> None:
    """Raises what a refusal means; returns where its status says it all."""
    said, where = plain(refused.value.get("error") or ""), refused.where
    message = f"Mastodon answered {refused.status} {said}".strip()
    match refused.status:
        case 401:
            raise AuthFailed("unauthorized", message, where=where,
                             hint="make a new access token in Preferences, Development, and write it into token")
        case 403:
            raise AuthFailed("forbidden", message, where=where,
                             hint="the token needs read:accounts, read:statuses and write:statuses; the account must be open")
        case 404 if said:
            raise NotFound("not_found", message, where=where, hint="it is not there any more: was it deleted at the site?")
        case 404:
            raise NotApplied("no_route", message, where=where, hint="check api_url: no API of Mastodon is there")
        case 422 if said:
            raise Rejected("status", "unprocessable", message, where=where,
                           hint="look at what the server says of it; if it is too long, set max_characters lower")
        case 429 if (after := until_reset(refused.answer)) is not None:
            raise RateLimited(message=message, after=after, where=where,
                              hint="the server asks for a pause; it goes on by itself")


def until_reset(answer: Answer) -> float | None:
    """Seconds until X-RateLimit-Reset, which Mastodon gives in place of Retry-After, by the server's own clock."""
    text = answer.header("x-ratelimit-reset").strip()
    if retry_after(answer) is not None or not text:
        return None
    try:
        moment = datetime.fromtimestamp(int(text), UTC) if text.isdecimal() else datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    seconds = (moment.astimezone(UTC) - (answer.date or answer.ended)).total_seconds()
    return min(max(seconds, SHORTEST), LONGEST)
