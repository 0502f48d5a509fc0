"""Exchanges with the CMS as one browser has them: its cookies are kept here, and reads go where they are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from syncd.adapters.http.bodies import Outgoing
from syncd.errors import NotApplied
from syncd.web.api import Answer, Client, Limits
from syncd.web.redirects import FOLLOWED, redirected
from syncd.web.status import http_date

_HOPS = 5
_MOST = 48 * 1024 * 1024
_MOST_COOKIES = 60
_SKIPPED = timedelta(0)


@dataclass(slots=True)
class Jar:
    """The cookies of one session; they go to the CMS's own host and port only, which is all that is asked."""

    now: Callable[[], datetime]
    _kept: dict[str, tuple[str, datetime | None]] = field(default_factory=dict)

    def take(self, answer: Answer) -> None:
        """Keep what an answer sets, drop what it takes back (RFC 6265, 5.3; paths and domains are all the CMS's own)."""
        for name, value in answer.headers:
            if name == b"set-cookie":
                self._set(value.decode("latin-1"))

    def _set(self, text: str) -> None:
        pair, *attributes = text.split(";")
        name, _, value = (part.strip() for part in pair.partition("="))
        said = (each.partition("=") for each in attributes)
        until = _ends({key.strip().lower(): text.strip() for key, _, text in said}, self.now())
        if not name or (until is not None and until <= self.now()):
            self._kept.pop(name, None)
        elif name in self._kept or len(self._kept) < _MOST_COOKIES:
            self._kept[name] = (value, until)

    def header(self) -> str:
        """What is sent, "" for none."""
        now = self.now()
        return "; ".join(f"{name}={value}" for name, (value, until) in self._kept.items() if until is None or until > now)

    def clear(self) -> None:
        self._kept.clear()


def _ends(attributes: Mapping[str, str], now: datetime) -> datetime | None:
    """When a cookie ends; None with the session. Max-Age counts before Expires."""
    age = attributes.get("max-age", "")
    if age.lstrip("-").isdigit():
        return now + (timedelta(seconds=min(int(age), 10**9)) if int(age) > 0 else _SKIPPED)
    return http_date(attributes["expires"]) if attributes.get("expires") else None


class Wire:
    """One CMS, by its origin. timeout: seconds of one exchange."""

    def __init__(self, client: Client, base: str, now: Callable[[], datetime], timeout: float) -> None:
        self._client = client
        self._origin = urlsplit(base)[:2]
        self._limits = Limits(deadline=timeout, wire=_MOST, body=_MOST)
        self.jar = Jar(now)

    async def send(
        self, request: Outgoing, *, follows: bool = False, until: Callable[[Answer], bool] = lambda answer: False,
    ) -> Answer:
        """One exchange. follows: a GET is followed where it is sent within the CMS, `until` an answer is one to stop at.
        Raises NotApplied or Unknown."""
        answer = await self._once(request.method, request.url, request.headers, request.body)
        for _ in range(_HOPS if follows and request.method == "GET" else 0):
            if answer.status not in FOLLOWED or not answer.header("location") or until(answer):
                break
            target = redirected(answer)
            if urlsplit(target)[:2] != self._origin:
                break
            answer = await self._once("GET", target, request.headers, b"")
        return answer

    async def _once(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        own = urlsplit(url)[:2] == self._origin
        cookie = self.jar.header() if own else ""
        sent = {**headers, **({"cookie": cookie} if cookie else {})}
        answer = await self._client.call(method, url, headers=sent, body=body, limits=self._limits)
        if own:
            self.jar.take(answer)
        return answer


NEVER_SENT = frozenset({
    "dns", "connect", "tls_unsupported", "tls_untrusted", "proxy", "proxy_auth", "blocked_address", "bad_url",
})
"""Reasons of a failure before the first byte of a request."""


def before_it_was_sent(error: NotApplied) -> bool:
    """True when the CMS can't have seen the request: a GET that writes (as old CMSs delete) may be done all the same."""
    return error.reason in NEVER_SENT
