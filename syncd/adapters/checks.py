"""What several adapters check alike: the address and the user in their options, and the steps of check()."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from syncd.adapters.api import Capabilities, CheckItem, CheckReport
from syncd.errors import SyncdError
from syncd.web.api import Answer

SKEW = 120.0
"""Seconds by which a CMS's clock may be off."""


def site_address(value: str) -> SplitResult:
    """An address of the web without a log-in, taken apart. Raises ValueError."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write the site's address, such as https://www.county.example")
    if parts.username is not None or parts.password is not None:
        raise ValueError("write no log-in into the address: use user and password")
    return parts


def basic_user(value: str) -> str:
    """A user name that Basic authentication can carry (RFC 7617). Raises ValueError."""
    if ":" in value:
        raise ValueError("a user name with a colon does not go through Basic authentication")
    return value


def skew(answer: Answer) -> float | None:
    """The server's clock minus ours in seconds, to about a second; None if it doesn't tell."""
    if answer.date is None:
        return None
    middle = answer.started + (answer.ended - answer.started) / 2
    return round((answer.date - middle).total_seconds(), 1)


def in_clear(url: str) -> bool:
    """Whether what is sent there can be read on the way."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return parts.scheme == "http" and not (host in ("localhost", "::1") or host.startswith("127."))


class Steps:
    """One run of a check: what was tried, in order. A CMS's own checker adds its steps; each that fails says what to do."""

    def __init__(self) -> None:
        self._items: list[CheckItem] = []
        self._skew: float | None = None

    def _say(self, name: str, ok: bool, detail: str, hint: str = "") -> bool:
        self._items.append(CheckItem(name, ok, detail, "" if ok else hint))
        return ok

    def _failed(self, name: str, error: SyncdError) -> bool:
        return self._say(name, False, error.message, error.hint)

    def _clock(self, answer: Answer) -> None:
        self._skew = skew(answer)
        if self._skew is not None:
            self._say("clock", abs(self._skew) < SKEW, f"the server's clock is {self._skew:+.0f} s from ours",
                      "set the clocks of both machines by NTP")

    def _https(self, url: str, secret: str) -> None:
        """secret: what goes there, such as "the token"."""
        if in_clear(url):
            self._say("https", False, f"{secret} goes over the network in clear", "write https into api_url")

    def _report(self, capabilities: Capabilities, version: str = "") -> CheckReport:
        return CheckReport(all(item.ok for item in self._items), capabilities, tuple(self._items), version, self._skew)
