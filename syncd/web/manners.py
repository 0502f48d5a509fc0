"""Manners towards the publishers: who asked for a pause gets one from all who would ask there, and robots.txt is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import httpx

from syncd.core.schedule import RETRY_AFTER_CAP
from syncd.errors import ReadFailed
from syncd.web import urls
from syncd.web.api import Answer, Client, Limits, Validators
from syncd.web.domain import bucket
from syncd.web.failure import Failure
from syncd.web.robots import ALL_ALLOWED, UNREACHABLE, Rules, fetch_rules
from syncd.web.status import retry_after

Profile = Literal["report", "obey", "ignore"]
DAY, SOON = 86400.0, 300.0
"""Seconds that a host's robots.txt is believed for, and that one which could not be read is left alone."""
_KEPT = 10_000
_NOTHING = Validators()
_HINTS = {
    "parked": "this host or another of its domain asked for a pause; it goes on by itself when that is over",
    "disallowed": "the host's robots.txt forbids this address to syncd: ask the publisher to allow it, or, where a duty to "
    'repost goes before, say robots = "report" for this source',
    "unreachable": "the host's robots.txt can't be read, which forbids everything (RFC 9309): it is asked again, ever later; "
    'robots = "report" reads the list all the same',
}


class Slows(Protocol):
    def slow(self, host: str, gap: float) -> None: ...


@dataclass(slots=True)
class _Known:
    """What is known of one host's robots.txt. until: by the monotonic clock."""

    rules: Rules | None = None
    until: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Manners:
    """What all sources of a process share. monotonic: seconds. pace: told of every Crawl-delay."""

    def __init__(self, monotonic: Callable[[], float], pace: Slows) -> None:
        self._monotonic = monotonic
        self._pace = pace
        self._parked: dict[str, float] = {}
        self._robots: dict[str, _Known] = {}

    def park(self, name: str, seconds: float) -> None:
        """Nobody asks there for so long; a later word may make a pause longer, never shorter."""
        now = self._monotonic()
        self._parked = {key: until for key, until in self._parked.items() if until > now}
        self._parked[name] = max(self._parked.get(name, 0.0), now + min(seconds, RETRY_AFTER_CAP))

    def parked(self, url: httpx.URL, *, private: bool) -> float:
        """Seconds for which nobody may ask there; 0 for at once."""
        if not self._parked:  # nearly always, and then no URL need be looked at
            return 0.0
        return max(0.0, self._parked.get(bucket(url, private=private), 0.0) - self._monotonic())

    async def rules(self, client: Client, url: httpx.URL) -> Rules:
        """A host's robots.txt, read at most once a day whoever asks. Raises ReadFailed where the host can't be reached."""
        known = self._known(url)
        async with known.lock:
            if known.rules is None or self._monotonic() >= known.until:
                self._learnt(known, await fetch_rules(client, _file(url)), urls.host(url))
        return known.rules or ALL_ALLOWED

    def _known(self, url: httpx.URL) -> _Known:
        place = _file(url)
        if place not in self._robots and len(self._robots) >= _KEPT:
            del self._robots[next(iter(self._robots))]
        return self._robots.setdefault(place, _Known())

    def _learnt(self, known: _Known, rules: Rules, host: str) -> None:
        """A file that was there once holds until there is another (section 2.4)."""
        had = known.rules is not None and not known.rules.unreachable
        known.until = self._monotonic() + (SOON if rules.unreachable else DAY)
        if rules.unreachable and had:
            return
        known.rules = rules
        self._pace.slow(host, rules.delay)


def _file(url: httpx.URL) -> str:
    return str(url.copy_with(raw_path=b"/robots.txt", fragment=None))


class PoliteClient:
    """A source's way out that minds its manners: its list, documents' pages and attachments alike.

    private: the source may live on a private address, where robots.txt means nothing.
    """

    __slots__ = ("_client", "_manners", "_private", "_profile")

    def __init__(self, client: Client, manners: Manners, profile: Profile, *, private: bool) -> None:
        self._client = client
        self._manners = manners
        self._private = private
        self._profile: Profile = "ignore" if private else profile

    async def get(
        self, url: str, *, validators: Validators = _NOTHING, headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.get; also raises ReadFailed: parked (its `after` says for how long), robots_disallowed,
        robots_unreachable. Then nothing was asked."""
        if (target := _target(url)) is None:  # what is wrong with it the client itself tells best
            return await self._client.get(url, validators=validators, headers=headers, limits=limits)
        self._refuse_parked(target)
        if self._profile == "obey":
            await self._refuse_forbidden(target)
        answer = await self._client.get(url, validators=validators, headers=headers, limits=limits)
        self._heed(answer)
        return answer

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """As web.api.Client.call."""
        return await self._client.call(method, url, headers=headers, body=body, limits=limits)

    async def standing(self, url: str) -> str:
        """What robots.txt says of an address: "allowed", "disallowed", "unreachable", or "" where nobody wants to know."""
        target = _target(url)
        if self._profile == "ignore" or target is None or self._manners.parked(target, private=self._private):
            return ""
        try:
            return (await self._manners.rules(self._client, target)).standing(url)
        except ReadFailed:
            return UNREACHABLE.standing(url)

    def _refuse_parked(self, target: httpx.URL) -> None:
        if left := self._manners.parked(target, private=self._private):
            raise ReadFailed("parked", hint=_HINTS["parked"], where=urls.redacted(str(target)), after=left)

    async def _refuse_forbidden(self, target: httpx.URL) -> None:
        standing = (await self._manners.rules(self._client, target)).standing(str(target))
        if standing != "allowed":
            raise ReadFailed(f"robots_{standing}", hint=_HINTS[standing], where=urls.redacted(str(target)))

    def _heed(self, answer: Answer) -> None:
        """429, and 503 with a time: whoever is meant by that host is left alone for so long."""
        after = retry_after(answer, most=RETRY_AFTER_CAP) if answer.status in (429, 503) else None
        target = _target(answer.url) if after else None
        if after and target is not None:
            self._manners.park(bucket(target, private=self._private), after)


def _target(url: str) -> httpx.URL | None:
    try:
        return urls.without_login(urls.parse(url))[0]
    except Failure:
        return None
