"""What the checks of several adapters ask alike: the server's clock, and whether a password goes over the network in clear."""

from __future__ import annotations

from urllib.parse import urlsplit

from syncd.web.api import Answer

SKEW = 120.0
"""Seconds by which a CMS's clock may be off."""


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
