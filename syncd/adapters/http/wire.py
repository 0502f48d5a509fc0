"""Exchanges with the CMS as one browser has them: its cookies are kept here, and reads go where they are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from syncd.adapters.cookies import Jar
from syncd.adapters.http.bodies import Outgoing
from syncd.errors import NotApplied
from syncd.web.api import Answer, Client, Limits
from syncd.web.redirects import FOLLOWED, redirected

_HOPS = 5
_MOST = 48 * 1024 * 1024


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
