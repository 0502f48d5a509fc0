"""Push: what becomes of a subscription at a WebSub hub, and how soon a push makes a list be read. W3C WebSub, 2018.

A push is a hint and never believed: it only makes its list due. Nothing here is needed for a list to be read on time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

ANSWER = timedelta(minutes=15)
"""How long a hub may take to verify a request; after that it counts as unanswered."""
LEASE = 10 * 86400.0
"""Seconds that we ask for, and believe where a hub does not tell its lease."""
LEASE_LEAST, LEASE_MOST = 60.0, 30 * 86400.0
"""Seconds: a shorter lease would make us renew all the time, of a longer one we would not notice that the hub forgot it."""
REPEATED = timedelta(minutes=10)
"""A hub that did not get our answer verifies again: so long after its first verification."""
GRACE = timedelta(minutes=10)
"""So long after we found an entry by ourselves its push may still come; hubs wait for caches, or for their own queue."""
LAGS = timedelta(minutes=1)
"""A push may come so long before the read that finds what it told of: caches turn late."""
DENIED = 86400.0
"""Seconds until a hub that denied is asked again."""
AWAY = timedelta(days=1)
"""How long a callback that we left answers "gone" where its lease is not known."""
LEAVES = 3
"""Requests to a hub to end a subscription, at most: it ends by itself with its lease."""
GAP, RECHECK = 2.0, 5.0
"""Seconds at least between two reads of a list by pushes; and until a read that showed nothing is repeated, once."""
SIGNED = ("sha256", "sha384", "sha512")
"""Section 7 names sha1 too, which is broken."""
_MOST_DIGITS = 12

State = Literal["none", "asked", "verified", "denied", "lost", "left", "gone"]
"""none: never asked. lost: it was one, or it can't be had. left: we want it no more. gone: left, and the hub knows."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a good read of a list said of itself: its hubs, in its order, and the address that they know it by."""

    hubs: tuple[str, ...] = ()
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One callback and what we know of it. path: its unguessable part; base: the address before it.

    asked: when a request went out that the hub has not verified. confirmed, until: of the lease. retry: no request before.
    tries: failures in a row. heard: last signed push. works: an entry was pushed since it was last found silent.
    doubt: when an entry was found that no push had told of. silences: in a row.
    """

    source: str
    path: str
    secret: str
    base: str
    offer: Offer
    state: State = "none"
    asked: datetime | None = None
    confirmed: datetime | None = None
    until: datetime | None = None
    retry: datetime | None = None
    tries: int = 0
    turn: int = 0
    reason: str = ""
    heard: datetime | None = None
    works: bool = False
    doubt: datetime | None = None
    silences: int = 0

    @property
    def hub(self) -> str:
        """The hub whose turn it is: the next one after a denial or a failure; "" where none is offered."""
        hubs = self.offer.hubs
        return hubs[self.turn % len(hubs)] if hubs else ""

    @property
    def callback(self) -> str:
        return f"{self.base}/{self.path}"

    @property
    def wanted(self) -> bool:
        return self.state not in ("left", "gone")


Act = Literal["wait", "subscribe", "unsubscribe", "give_up", "silence", "forget"]


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now and why."""

    act: Act
    reason: str


def plan(sub: Subscription, now: datetime) -> Step:
    """The next step of a subscription, from what is known of it alone."""
    if not sub.wanted:
        return _plan_leaving(sub, now)
    if not sub.hub:
        return Step("wait", "no_hub")
    if sub.asked:
        return Step("wait", "asked") if now < sub.asked + ANSWER else Step("give_up", "no_answer")
    if sub.doubt and now >= sub.doubt + GRACE:
        return Step("silence", "silent")
    if sub.retry and now < sub.retry:
        return Step("wait", "backoff")
    return _plan_lease(sub, now)


def _plan_lease(sub: Subscription, now: datetime) -> Step:
    if sub.state != "verified" or sub.until is None or sub.confirmed is None:
        return Step("subscribe", sub.reason or "first")
    if now >= sub.until:
        return Step("subscribe", "expired")
    half = sub.confirmed + (sub.until - sub.confirmed) / 2
    return Step("subscribe", "renewal") if now >= half else Step("wait", "leased")


def _plan_leaving(sub: Subscription, now: datetime) -> Step:
    if sub.until is None or now >= sub.until:
        return Step("forget", "over")
    if sub.state == "gone" or sub.tries >= LEAVES:
        return Step("wait", "gone")
    if sub.asked:
        return Step("wait", "asked") if now < sub.asked + ANSWER else Step("give_up", "no_answer")
    return Step("wait", "backoff") if sub.retry and now < sub.retry else Step("unsubscribe", "left")


def asking(sub: Subscription, now: datetime) -> Subscription:
    """A request goes out now; a hub may verify it before it has answered it."""
    return replace(sub, asked=now, state="asked" if sub.state in ("none", "denied", "lost") else sub.state)


def refused(sub: Subscription, reason: str, now: datetime, wait: float) -> Subscription:
    """A request failed, or was never verified; the next one goes to the next hub. wait: seconds until then."""
    state: State = "lost" if sub.state == "asked" else sub.state
    again = now + timedelta(seconds=wait)
    return replace(sub, state=state, asked=None, reason=reason, tries=sub.tries + 1, turn=sub.turn + 1, retry=again)


def denied(sub: Subscription, now: datetime) -> Subscription:
    """The hub ended it, or would not have it (section 5.2)."""
    after = refused(sub, "hub_denied", now, DENIED)
    return replace(after, state="denied", works=False, doubt=None, until=None)


def silenced(sub: Subscription, now: datetime, wait: float) -> Subscription:
    """The hub did not tell of what is there: it is asked anew, the first time at once."""
    again = now + timedelta(seconds=wait if sub.silences else 0)
    return replace(
        sub, state="lost", reason="silent", works=False, doubt=None, silences=sub.silences + 1, retry=again
    )


def heard(sub: Subscription, now: datetime) -> Subscription:
    """A push with a right signature came."""
    return replace(sub, heard=now, works=True, doubt=None, silences=0, reason="")


def missed(sub: Subscription, since: datetime, listening: datetime, now: datetime) -> Subscription:
    """A read found entries that were not there at `since`, the last good read: was there a push?

    listening: since when we could have heard it. Nothing is held against a hub that was not subscribed all the time.
    """
    told = sub.heard is not None and sub.heard >= since - LAGS
    mute = sub.state != "verified" or sub.confirmed is None or max(sub.confirmed, listening) > since
    return sub if told or mute or sub.doubt else replace(sub, doubt=now)


def offered(sub: Subscription, offer: Offer) -> Subscription | None:
    """The subscription under what the list says now; None where that needs another one (section 5: another topic or hub).

    A list that names no hub any more keeps what it has until the lease ends.
    """
    if not offer.hubs:
        return replace(sub, offer=replace(sub.offer, hubs=()))
    if offer.topic != sub.offer.topic or (sub.hub and sub.hub not in offer.hubs):
        return None
    at = offer.hubs.index(sub.hub) if sub.hub else 0
    return replace(sub, offer=offer, turn=at)


def left(sub: Subscription, now: datetime) -> Subscription | None:
    """It is wanted no more: the hub is told, and its callback says so until the lease ends. None if no hub knows it."""
    if sub.confirmed is None and sub.asked is None:
        return None
    until = sub.until or now + AWAY
    return replace(sub, state="left", asked=None, retry=None, tries=0, until=until, works=False, doubt=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verification is answered: an HTTP status and text, and the subscription after it (None: as it was)."""

    status: int
    text: str
    after: Subscription | None = None


def verified(sub: Subscription, said: Mapping[str, str], now: datetime) -> Answer:
    """The answer to a hub's GET at the callback (section 5.3): only what we asked for is confirmed, else 404."""
    mode, challenge = said.get("hub.mode", ""), said.get("hub.challenge", "")
    if said.get("hub.topic", "") != sub.offer.topic:
        return Answer(404, "not a topic that was asked for")
    if mode == "denied" and sub.wanted:
        return Answer(200, "", denied(sub, now))
    if not challenge:
        return Answer(404, "no challenge")
    if mode == "unsubscribe" and not sub.wanted:
        return Answer(200, challenge, replace(sub, state="gone", asked=None))
    if mode == "subscribe" and sub.wanted and _is_pending(sub, now):
        return Answer(200, challenge, _confirmed(sub, said.get("hub.lease_seconds", ""), now))
    return Answer(404, "nothing of this kind was asked for")


def _is_pending(sub: Subscription, now: datetime) -> bool:
    return bool(sub.asked or (sub.state == "verified" and sub.confirmed and now < sub.confirmed + REPEATED))


def _confirmed(sub: Subscription, lease: str, now: datetime) -> Subscription:
    until = now + timedelta(seconds=lease_of(lease))
    reason = sub.reason if sub.reason == "silent" else ""
    return replace(sub, state="verified", asked=None, confirmed=now, until=until, tries=0, retry=None, reason=reason)


def lease_of(text: str) -> float:
    """The seconds of a hub.lease_seconds, within our bounds; LEASE where it is no number."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return LEASE
    return min(max(float(digits[:_MOST_DIGITS]), LEASE_LEAST), LEASE_MOST)


def signature(headers: tuple[str, ...]) -> tuple[str, str, str]:
    """(algorithm, hex digest, "") of X-Hub-Signature, or ("", "", why not): "unsigned" or "weak_signature"."""
    for value in headers:
        algorithm, _, digest = value.strip().partition("=")
        if algorithm.lower() in SIGNED and digest:
            return algorithm.lower(), digest.strip().lower(), ""
    return "", "", "weak_signature" if headers else "unsigned"


def standing(sub: Subscription | None, now: datetime) -> str:
    """In one word for people: none, asked, unproven (no push yet), working, silent, denied, failing or lost."""
    if sub is None or not sub.wanted:
        return "none"
    if sub.state == "verified" and sub.until and now < sub.until:
        return "working" if sub.works else "silent" if sub.reason == "silent" else "unproven"
    if not sub.hub or sub.state == "none":
        return "asked" if sub.hub else "none"
    if sub.state in ("asked", "denied"):
        return sub.state
    return "silent" if sub.reason == "silent" else "failing" if sub.tries else "lost"


@dataclass(frozen=True, slots=True)
class Pace:
    """Of one list, on the monotonic clock: its last read by push, and how many showed nothing new in a row."""

    read: float = float("-inf")
    futile: int = 0


def next_read(pace: Pace, now: float, every: float) -> float:
    """When a push at `now` makes the list be read, in seconds of the monotonic clock.

    At once, but never twice within GAP, and less often the more of them were for nothing: whoever floods us can make us
    ask the publisher no more often than polling does.
    """
    return max(now, pace.read + min(max(every, GAP), GAP * 2.0 ** min(pace.futile, 30)))
