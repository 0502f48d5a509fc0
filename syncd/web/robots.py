"""robots.txt by RFC 9309: what a host's file says of an address, and how a missing or broken file is taken."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from protego import Protego

from syncd.errors import ReadFailed
from syncd.web.api import Answer, Client, Limits

NAME = "syncd"
PARSED = 512 * 1024
"""Bytes of a file that count (section 2.5 asks for at least 500 KiB)."""
LONGEST_DELAY = 60.0
"""Seconds of a Crawl-delay that are obeyed; it is no part of the RFC, and some files ask for a day."""
_LIMITS = Limits(deadline=20.0, wire=4 * 1024 * 1024, body=4 * 1024 * 1024)


@dataclass(frozen=True, slots=True)
class Rules:
    """A host's word. unreachable: it gave none, and nobody may assume that all is allowed. delay: seconds, 0 for none."""

    parsed: Protego | None = None
    unreachable: bool = False
    delay: float = 0.0

    def standing(self, url: str) -> str:
        """ "allowed", "disallowed" or "unreachable"."""
        if self.unreachable:
            return "unreachable"
        return "allowed" if self.parsed is None or self.parsed.can_fetch(url, NAME) else "disallowed"


ALL_ALLOWED = Rules()
UNREACHABLE = Rules(unreachable=True)


async def fetch_rules(client: Client, url: str) -> Rules:
    """Read a host's file. url: of the file.

    4xx means that there are no rules; 5xx that nothing may be read (sections 2.3.1.3 and 2.3.1.4). Raises ReadFailed where
    the host can't be reached at all: then its lists can't either.
    """
    try:
        answer = await client.get(url, limits=_LIMITS)
    except ReadFailed as error:
        if error.reason in ("too_large", "bad_encoding", "truncated", "redirect_loop", "redirect_downgrade"):
            return UNREACHABLE
        raise
    if 200 <= answer.status < 300:
        return await asyncio.to_thread(_parsed, answer)  # half a megabyte of rules takes a while
    return UNREACHABLE if answer.status >= 500 else ALL_ALLOWED


def _parsed(answer: Answer) -> Rules:
    """A web page in its place holds no rules, and so allows everything."""
    text = answer.body[:PARSED].decode("utf-8-sig", "replace")
    parsed = Protego.parse(text)
    return Rules(parsed, delay=min(max(parsed.crawl_delay(NAME) or 0.0, 0.0), LONGEST_DELAY))
