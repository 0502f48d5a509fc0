"""What several adapters check alike: the address and the user in their options, the server's clock, passwords in clear."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

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
