"""A client straight to a fake server: no socket, the fake's answer to each request at the time that the test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import urlsplit

from syncd.web.api import Answer, Limits, Validators

Handler = Callable[[str, str, Mapping[str, str], bytes, datetime], tuple[int, dict[str, str], bytes]]
"""(method, path with its query, headers in lower case, body, now) -> (status, headers, body)."""


class Direct:
    """web.api.Client over a fake's `handle`."""

    def __init__(self, handler: Handler, now: Callable[[], datetime]) -> None:
        self._handler, self._now = handler, now

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        return await self.call("GET", url, headers=headers)

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        parts = urlsplit(url)
        sent = {name.lower(): value for name, value in (headers or {}).items()}
        status, told, text = self._handler(method, parts.path + f"?{parts.query}".rstrip("?"), sent, body, self._now())
        names = tuple((name.lower().encode(), value.encode()) for name, value in told.items())
        return Answer(status, url, names, text, self._now(), self._now(), date=self._now())
