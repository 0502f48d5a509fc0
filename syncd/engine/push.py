"""Push: subscriptions at the hubs that lists name, and what becomes of a push. Polling goes on beneath, as if it were not."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from urllib.parse import urlencode

from syncd.core import push
from syncd.core.push import Offer, Pace, Step, Subscription
from syncd.core.schedule import DAY, HOUR
from syncd.engine.deps import Deps, SourceUnit
from syncd.engine.poll import REFUSING, Poller
from syncd.engine.pool import Pool
from syncd.errors import AdapterError, StoreError
from syncd.sources.api import Listing
from syncd.web.api import Answer, Client, Limits
from syncd.web.links import links
from syncd.web.redirects import redirected
from syncd.web.status import retry_after

KEPT, HUBLESS = "push:", "hubless:"
"""Names in the store: of subscriptions by path, and of sources that were found to name no hub."""
HOPS = 3
ROUNDED = 0.001
"""Seconds by which a read may begin before the moment that was set for it: a wall clock counts whole microseconds."""
ASK = Limits(deadline=20.0, wire=64 * 1024, body=64 * 1024)
WRITTEN_EVERY = 60.0
"""Seconds at most that the store lags behind in when a hub was heard last."""
_MOMENTS = ("asked", "confirmed", "until", "retry", "heard", "doubt")
HINTS = {
    "no_answer": "the hub accepted the request but never verified it: can it reach [push].public_url from the internet?",
    "hub_denied": "the hub refuses this list; it is asked again once a day, polling goes on",
    "silent": "the hub is subscribed, but tells nothing of what appears; it is asked anew, polling goes on",
    "http_410": "the hub was closed; another one is looked for in the list, polling goes on",
    "weak_signature": "the hub signs with sha1 only, which is refused; set push = \"off\" for this source",
    "unsigned": "the hub does not sign its pushes though it was asked to, so they are dropped; polling goes on",
    "too_large": "the hub pushes more than 3 MB at once, which is not read; polling goes on",
    "cut": "a push did not come whole; its hub sends it again, and polling goes on",
    "wrong_signature": "somebody else knows the callback, or the hub has another secret; it renews it by itself",
}
_FAILING = "the hub can't be had; it is asked again, ever later, and polling goes on"


class Pusher:
    """The subscriptions of one configuration. Hears of reads from the poller, and of hubs from the callback."""

    def __init__(self, deps: Deps, poller: Poller, pool: Pool) -> None:
        self.deps, self.poller, self.pool = deps, poller, pool
        self.loaded = False
        """Until then nobody can be told that his callback is unknown."""
        self._listening = deps.now
        self._subs: dict[str, Subscription] = {}
        self._current: dict[str, str] = {}
        """Path of the wanted subscription by source."""
        self._hubless: set[str] = set()
        self._offers: dict[str, Offer] = {}
        self._paces: dict[str, Pace] = {}
        self._planned: set[str] = set()
        """Sources whose read by a push has not begun."""
        self._unproven: set[str] = set()
        """Sources that were read by a push and showed nothing: they are read once more."""
        self._unwritten: set[str] = set()
        self._written = deps.clock.monotonic()
        self._told: dict[str, str] = {}
        """Why the last push of a source was dropped, "" when it was not."""
        poller.ears = self

    # --- life ------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Read what is kept; what the configuration does not want any more is left."""
        if self.deps.push is not None:
            kept = await self.deps.store.values(KEPT)
            self._subs = {sub.path: sub for text in kept.values() if (sub := _load(text))}
            self._current = {sub.source: sub.path for sub in self._subs.values() if sub.wanted}
            self._hubless = {name.removeprefix(HUBLESS) for name in await self.deps.store.values(HUBLESS)}
            for sub in [self._subs[path] for path in self._current.values()]:
                await self._fit(sub)
        self.loaded = True

    async def _fit(self, sub: Subscription) -> None:
        """A kept subscription under this configuration."""
        unit = self._unit(sub.source)
        if unit is None:
            await self._leave(sub)
        elif self.deps.push and sub.base != self.deps.push.url:
            await self._drop(sub)  # nobody reaches the former callback, so the hub can't be told
            await self._adopt(sub.source, sub.offer)
        elif unit.habits.push != "auto" and sub.offer.hubs != (unit.habits.push,):
            self._offers[sub.source] = replace(sub.offer, hubs=(unit.habits.push,))

    def _unit(self, source: str) -> SourceUnit | None:
        """The source, where pushes are wanted for it."""
        unit = self.deps.sources.get(source)
        return unit if unit is not None and self.deps.push is not None and unit.habits.push != "off" else None

    async def tick(self) -> int:
        """Take up what lists offer, and do what is due at the hubs; returns how much was done or started."""
        if self.deps.push is None:
            return 0
        count = len(self._offers)
        while self._offers:
            source, offer = next(iter(self._offers.items()))
            await self._take(source, offer)
            if self._offers.get(source) is offer:
                del self._offers[source]
        if self.deps.clock.monotonic() - self._written >= WRITTEN_EVERY:
            await self._flush()
        for sub in list(self._subs.values()):
            count += await self._step(sub)
        return count

    async def _flush(self) -> None:
        self._written = self.deps.clock.monotonic()
        while self._unwritten:
            path = next(iter(self._unwritten))
            if path in self._subs:
                await self._keep(self._subs[path])
            self._unwritten.discard(path)

    async def _keep(self, sub: Subscription) -> None:
        """Durable before anybody is told of it."""
        await self.deps.store.put(KEPT + sub.path, _dump(sub))
        self._subs[sub.path] = sub
        if sub.wanted:
            self._current[sub.source] = sub.path

    async def _drop(self, sub: Subscription) -> None:
        await self.deps.store.put(KEPT + sub.path, "")
        del self._subs[sub.path]
        if self._current.get(sub.source) == sub.path:
            del self._current[sub.source]

    async def _leave(self, sub: Subscription) -> None:
        after = push.left(sub, self.deps.now)
        if after is None:
            await self._drop(sub)
            return
        await self._keep(after)
        if self._current.get(sub.source) == sub.path:
            del self._current[sub.source]

    # --- lists -----------------------------------------------------------------------------------------------------

    def begins(self, source: str, began: float) -> bool:
        """A read begins, at `began` of the monotonic clock. Whether the list must be taken apart though it did not change:
        nobody has looked yet what hub it names."""
        if source in self._planned and began >= self._paces[source].read - ROUNDED:
            self._planned.discard(source)
        return self._seeks(source)

    def _seeks(self, source: str) -> bool:
        if self._unit(source) is None or source in self._hubless:
            return False
        return source not in self._current and source not in self._offers

    def changed(self, source: str, answer: Answer, listing: Listing, finds: int, since: datetime | None) -> None:
        """A list was read well and taken apart. finds: its new and changed entries. since: the good read before."""
        unit = self._unit(source)
        if unit is None:
            return
        offer = offer_of(unit, answer, listing)
        sub = self._of(source)
        if sub.offer != offer if sub else offer.hubs or source not in self._hubless:
            self._offers[source] = offer
            self.deps.wake("push")
        self._reckon(source, futile=not finds)
        if finds:
            self._found(source, since)

    def unchanged(self, source: str) -> None:
        """A list was read well and is as it was: after a push once more, since the hub may be ahead of caches."""
        if self._reckon(source, futile=True):
            self._plan_read(source, self.deps.clock.monotonic() + push.RECHECK)

    def _reckon(self, source: str, *, futile: bool) -> bool:
        """What a read was worth; True when it was the first one after a push."""
        pace = self._paces.get(source)
        if pace is None:
            return False
        if source in self._planned:  # the read that is due to a push is still to come
            self._read_at(source, pace.read)
            return False
        pushed = source in self._unproven
        self._unproven.discard(source)
        if pushed or not futile:
            self._paces[source] = replace(pace, futile=pace.futile + 1 if futile else 0)
        return pushed

    def _found(self, source: str, since: datetime | None) -> None:
        """Entries were found: a hub that works has told of them, or soon will."""
        sub = self._of(source)
        if sub is not None and since is not None:
            after = push.missed(sub, since, self._listening, self.deps.now)
            if after is not sub:
                self._subs[sub.path] = after
                self._unwritten.add(sub.path)

    def _of(self, source: str) -> Subscription | None:
        return self._subs.get(self._current.get(source, ""))

    async def _take(self, source: str, offer: Offer) -> None:
        """A list's offer, as far as it is another one."""
        sub = self._of(source)
        if self._unit(source) is None:
            return
        if sub is None:
            await self._adopt(source, offer)
            return
        after = push.offered(sub, offer)
        if after is None:
            await self._leave(sub)
            await self._adopt(source, offer)
        elif after != sub:
            await self._keep(after)

    async def _adopt(self, source: str, offer: Offer) -> None:
        """A new subscription; that a list names no hub is kept too, so that it is not sought again."""
        assert self.deps.push is not None
        hubless = not offer.hubs
        if hubless != (source in self._hubless):
            await self.deps.store.put(HUBLESS + source, "1" if hubless else "")
            (self._hubless.add if hubless else self._hubless.discard)(source)
        if not hubless:
            token = self.deps.push.token
            await self._keep(Subscription(source, token(), token(), self.deps.push.url, offer))

    # --- hubs ------------------------------------------------------------------------------------------------------

    async def _step(self, sub: Subscription) -> int:
        """Do what is due for one subscription; 1 if anything was."""
        if sub.path in self.pool or sub.path not in self._subs:
            return 0
        step = push.plan(sub, self.deps.now)
        match step.act:
            case "wait":
                return 0
            case "subscribe" | "unsubscribe":
                if not self.pool.free:
                    return 0
                self.pool.start(sub.path, self._ask(sub.path, step))
            case "give_up":
                await self._failed(sub, step.reason)
            case "silence":
                self._tell(sub, step.reason)
                wait = self.deps.backoff(sub.silences, first=HOUR, cap=DAY)
                await self._keep(push.silenced(sub, self.deps.now, wait))
            case "forget":
                await self._drop(sub)
        return 1

    async def _ask(self, path: str, step: Step) -> None:
        """Ask a hub to subscribe or unsubscribe; that it was asked is known before it can verify it."""
        sub = push.asking(self._subs[path], self.deps.now)
        await self._keep(sub)
        self.deps.log.info("push_asked", source=sub.source, act=step.act, reason=step.reason)
        reason, after = "", None
        try:
            answer = await self._post(sub, step)
            if not 200 <= answer.status < 300:
                reason, after = f"http_{answer.status}", retry_after(answer, self.deps.now)
        except AdapterError as error:
            reason = error.reason
        now = self._subs.get(path)
        if reason and now is not None and now.asked == sub.asked:  # else the hub has answered at the callback
            await self._failed(now, reason, after)

    async def _post(self, sub: Subscription, step: Step) -> Answer:
        """One request, redirected by hand since it carries a secret (section 5.1: 307 and 308). Raises AdapterError."""
        url, client = sub.hub, self._client(sub)
        told = {"hub.mode": step.act, "hub.topic": sub.offer.topic, "hub.callback": sub.callback}
        if step.act == "subscribe":
            told |= {"hub.secret": sub.secret, "hub.lease_seconds": f"{push.LEASE:.0f}"}
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        for _ in range(HOPS + 1):
            answer = await client.call("POST", url, headers=headers, body=urlencode(told).encode(), limits=ASK)
            if answer.status not in (307, 308):
                break
            url = redirected(answer)
        return answer

    def _client(self, sub: Subscription) -> Client:
        """The source's own way out; for one that is gone, one to public addresses."""
        assert self.deps.push is not None
        unit = self.deps.sources.get(sub.source)
        return (unit.hub or unit.client) if unit else self.deps.push.client

    async def _failed(self, sub: Subscription, reason: str, after: float | None = None) -> None:
        self._tell(sub, reason)
        wait = max(after or 0.0, self.deps.backoff(sub.tries + 1, first=60.0, cap=DAY))
        await self._keep(push.refused(sub, reason, self.deps.now, DAY if reason == "http_410" else wait))

    def _tell(self, sub: Subscription, reason: str) -> None:
        self.deps.meter.failure("push", reason)
        self.deps.log.warning("push_failed", source=sub.source, reason=reason, hint=hint(reason))

    # --- the callback ----------------------------------------------------------------------------------------------

    async def verify(self, path: str, said: Mapping[str, str]) -> tuple[int, str]:
        """A hub's GET at a callback: (status, text) of the answer. 503 while nothing can be known or kept."""
        if not self.loaded:
            return 503, ""
        sub = self._subs.get(path)
        if sub is None:
            return 404, ""
        answer = push.verified(sub, said, self.deps.now)
        if answer.after is not None:
            try:
                await self._keep(answer.after)
            except StoreError:
                return 503, ""
            self._verified(sub, answer.after, said.get("hub.reason", ""))
        return answer.status, answer.text

    def _verified(self, before: Subscription, after: Subscription, why: str) -> None:
        if after.state == "denied":
            self._tell(after, after.reason)
            self.deps.log.warning("push_denied", source=after.source, text=why[:200])
        elif before.state != after.state:
            self.deps.log.info("push_verified", source=after.source, state=after.state)

    def delivery(self, path: str, signatures: tuple[str, ...]) -> Delivery | int:
        """A hub's POST at a callback: what takes its body, or the HTTP status that refuses it."""
        sub = self._subs.get(path)
        if not self.loaded:
            return 503
        if sub is None or not sub.wanted or sub.state == "none":
            return 404 if sub is None or sub.state == "none" else 410
        return Delivery(self, sub, *push.signature(signatures))

    def dropped(self, source: str, reason: str) -> None:
        """A push that is not acted on."""
        if self._told.get(source) != reason:
            self.deps.log.warning("push_dropped", source=source, reason=reason, hint=hint(reason))
        self._told[source] = reason
        self.deps.meter.push(source, reason)

    def pushed(self, path: str) -> None:
        """A push with a right signature: its list is read now, or as soon as the pace allows."""
        sub = self._subs.get(path)
        if sub is None or not sub.wanted:
            return
        first = not sub.works
        self._subs[path] = push.heard(sub, self.deps.now)
        self._unwritten.add(path)
        if first:
            self._written = float("-inf")
            self.deps.wake("push")
        self._told[sub.source] = ""
        self.deps.meter.push(sub.source, "read")
        self._hurry(sub.source)

    def _hurry(self, source: str) -> None:
        row = self.poller.rows.get(source)
        if row is None or row.reason in REFUSING:
            return
        self._unproven.add(source)
        if source not in self._planned:
            self._plan_read(source, self.deps.clock.monotonic())

    def _plan_read(self, source: str, soonest: float) -> None:
        """One read at `soonest` of the monotonic clock, or when the pace allows."""
        pace = self._paces.get(source, Pace())
        at = push.next_read(pace, soonest, self.deps.sources[source].habits.every)
        self._paces[source] = replace(pace, read=at)
        self._planned.add(source)
        self._read_at(source, at)

    def _read_at(self, source: str, at: float) -> None:
        self.poller.hurry(source, after=max(0.0, at - self.deps.clock.monotonic()))
        self.deps.wake("poll")

    # --- words -----------------------------------------------------------------------------------------------------

    def standing(self, source: str) -> tuple[str, str, datetime | None]:
        """(how pushes of a source stand, why if not well, when its hub was heard last); "off" where none are wanted."""
        if self._unit(source) is None:
            return "off", "", None
        sub = self._of(source)
        told = self._told.get(source, "")
        reason = (sub.reason or told) if sub else ""
        return push.standing(sub, self.deps.now), reason, sub.heard if sub else None


    def turn(self, now: datetime) -> datetime | None:
        """When the next lease ends, which changes how a source stands; None if none does."""
        ends = [sub.until for sub in self._subs.values() if sub.wanted and sub.until and sub.until > now]
        return min(ends, default=None)


class Delivery:
    """A push as its body comes in: nothing of it is kept, only its signature is reckoned (section 7)."""

    def __init__(self, pusher: Pusher, sub: Subscription, algorithm: str, digest: str, reason: str) -> None:
        self._pusher, self._sub, self._digest, self._reason = pusher, sub, digest, reason
        self._mac = hmac.new(sub.secret.encode(), digestmod=algorithm) if algorithm else None

    def update(self, chunk: bytes) -> None:
        if self._mac:
            self._mac.update(chunk)

    def end(self, problem: str = "") -> None:
        """All of it came. A wrong signature is told to nobody but ourselves: the hub gets the same answer. problem: why
        it did not come whole, "" if it did."""
        right = self._mac is not None and hmac.compare_digest(self._mac.hexdigest().encode(), self._digest.encode())
        if problem or self._reason or not right:
            self._pusher.dropped(self._sub.source, problem or self._reason or "wrong_signature")
        else:
            self._pusher.pushed(self._sub.path)


def hint(reason: str) -> str:
    """What a person can do about it."""
    return HINTS.get(reason, _FAILING)


def offer_of(unit: SourceUnit, answer: Answer, listing: Listing) -> Offer:
    """What a list says of its hubs: in headers first, then in itself (section 4); a configured hub goes before both."""
    hubs = links(answer, "hub") or listing.hubs
    selves = links(answer, "self")
    topic = selves[0] if selves else listing.topic or unit.url
    return Offer(hubs if unit.habits.push == "auto" else (unit.habits.push,), topic)


def _dump(sub: Subscription) -> str:
    told = asdict(sub)
    return json.dumps({**told, **{name: told[name] and told[name].isoformat() for name in _MOMENTS}})


def _load(text: str) -> Subscription | None:
    """None for what another version wrote: the list offers its hub again."""
    try:
        told = json.loads(text)
        moments = {name: datetime.fromisoformat(told[name]) if told[name] else None for name in _MOMENTS}
        offer = Offer(tuple(told["offer"]["hubs"]), told["offer"]["topic"])
        return Subscription(**{**told, **moments, "offer": offer})
    except (ValueError, TypeError, KeyError):
        return None
