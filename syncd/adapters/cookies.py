"""The cookies of a session with a CMS, for adapters that log in as a browser does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from syncd.web.api import Answer
from syncd.web.status import http_date

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
