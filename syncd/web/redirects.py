"""Redirects by hand: where a hop leads, what may be carried there, and when a permanent one is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx

from syncd.errors import NotApplied
from syncd.web import urls
from syncd.web.api import Answer
from syncd.web.failure import Failure

PERMANENT = frozenset({301, 308})
FOLLOWED = frozenset({301, 302, 303, 307, 308})
SIGHTINGS = 5
DAYS = 3
_HARMLESS = frozenset({"accept", "accept-language"})


def next_hop(url: httpx.URL, location: bytes) -> httpx.URL:
    """Where `location` leads from `url`; a log-in in it is dropped.

    Raises Failure bad_url (no http URL) or redirect_downgrade (https to http).
    """
    try:
        target = url.join(_text(location))
    except (httpx.InvalidURL, ValueError):
        raise Failure("bad_url", "the redirect leads to something that is no URL", sent=True) from None
    target = urls.without_login(urls.parse(str(target)))[0]
    if url.scheme == "https" and target.scheme == "http":
        raise Failure("redirect_downgrade", f"https redirects to http on {urls.host(target)}", sent=True)
    return target


def _text(location: bytes) -> str:
    """As UTF-8 if it is that (Chinese servers send it unescaped), else byte by byte."""
    try:
        return location.decode("utf-8")
    except UnicodeDecodeError:
        return location.decode("latin-1")


def carried(headers: Mapping[str, str], old: httpx.URL, new: httpx.URL) -> dict[str, str]:
    """The caller's headers that may go along: all within the origin, else only those that can't hold a secret."""
    if urls.origin(old) == urls.origin(new):
        return dict(headers)
    return {name: value for name, value in headers.items() if name.lower() in _HARMLESS}


class Trail:
    """The way of one get(): where it stands, what it carries, and whether every hop so far was permanent."""

    def __init__(self, url: httpx.URL, headers: Mapping[str, str], *, most: int, has_login: bool) -> None:
        self.target = url
        self.headers: Mapping[str, str] = headers
        self._first = url
        self._seen: set[str] = set()
        self._most = most
        self._permanent = not has_login

    def step(self, status: int, location: bytes) -> None:
        """Go one hop on. Raises Failure bad_url, redirect_downgrade or redirect_loop (a circle, or too many)."""
        self._seen.add(str(self.target))
        following = next_hop(self.target, location)
        if str(following) in self._seen or len(self._seen) > self._most:
            raise Failure("redirect_loop", f"redirected {len(self._seen)} times and no end", sent=True)
        self._permanent = self._permanent and status in PERMANENT
        self.headers = carried(self.headers, self.target, following)
        self.target = following

    def moved_to(self, status: int) -> str:
        """The address that all hops agree on for good, if what is there answers well. Never one that needs a log-in
        from the URL: the address that is remembered would have lost it."""
        moved = self._seen and self._permanent and self.target != self._first and status < 400
        return str(self.target) if moved else ""

    def describe(self) -> str:
        """For messages: where the trail has led, or "" while it is at its start."""
        return f" (redirected to {urls.host(self.target)})" if self.target != self._first else ""


def redirected(answer: Answer) -> str:
    """Where an answer to a call leads that its caller follows by hand. Raises NotApplied bad_url or redirect_downgrade."""
    location = next((value for name, value in answer.headers if name == b"location"), b"")
    try:
        return str(next_hop(urls.parse(answer.url), location))
    except Failure as failure:
        where = urls.redacted(answer.url)
        raise NotApplied(failure.reason, failure.message, hint=failure.hint, where=where) from None


@dataclass(frozen=True, slots=True)
class Move:
    """A permanent redirect that is being watched: where it leads, how often it was seen, and when first."""

    url: str
    sightings: int
    first: datetime


def remember_move(move: Move | None, moved_to: str, now: datetime) -> tuple[Move | None, str]:
    """Fold one good answer's `moved_to` into what was seen before; returns (what to keep, the address to take or "").

    A new address is taken only after at least 5 sightings in a row over at least 3 days: a captive portal or a
    maintenance page that answers 301 for an evening must not move a source for ever. Whoever takes the address drops
    the validators that it kept for the old one, and starts with no Move.
    """
    if not moved_to:
        return None, ""
    if move is None or move.url != moved_to:
        return Move(moved_to, 1, now), ""
    move = replace(move, sightings=move.sightings + 1)
    settled = move.sightings >= SIGHTINGS and now - move.first >= timedelta(days=DAYS)
    return (None, moved_to) if settled else (move, "")
