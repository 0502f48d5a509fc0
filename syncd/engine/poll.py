"""Stage poll: fetch a list conditionally, believe it or not, and record what it shows; an unchanged list costs no parse."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from heapq import heapify, heappop, heappush
from json.encoder import encode_basestring as _quoted
from typing import Protocol

from syncd.core import schedule, shape
from syncd.core.detect import Detection, Find, Known, Past, Row, backfilled, detect, hint, is_renamed
from syncd.core.identity import alias_hash, entry_key
from syncd.core.schedule import Skips
from syncd.core.shape import Shape
from syncd.engine.deps import Deps, SourceUnit
from syncd.engine.manners import NETWORK, PARKED, Outages, after_failure, after_good, after_outage, learnt
from syncd.engine.paging import whole
from syncd.engine.pool import Pool
from syncd.errors import ReadFailed, StoreError
from syncd.model import Entry
from syncd.sources.api import Listing
from syncd.store.api import Pending, Poll, Sighting, SourceRow
from syncd.web.api import Answer, Validators
from syncd.web.redirects import SIGHTINGS, Move, remember_move
from syncd.web.status import refusal

JOURNAL_EVERY = 60.0
"""Seconds between two commits of the journal of unchanged and failed reads."""
MOST_HELD = 100_000
"""Held entries of all sources together that a person decides on at once."""
REFUSING = frozenset({"http_429", "http_503"})
"""A publisher that asked to be left alone is left alone, whatever its hub says."""
REFUSED = timedelta(seconds=1)
"""How long a source waits whose read could not be recorded."""
FULL_READ = timedelta(days=1)
"""Servers that lie with 304 exist: once a day a list is read without validators."""
HORIZON = timedelta(days=2, hours=1)
"""No back-off of a source is longer (Retry-After is capped at 48 h); a later `due` was written by a wrong clock."""
WELL_HORIZON = 2.0
"""After a good read no wait is longer than so many of its intervals, or of the longest that a list may ask for."""
BUG = "a fault of the source's plug-in: report it to its author with the log; everything else goes on"
ROBOTS = "robots.txt forbids its address; it is read all the same: ask the publisher to allow it, or say robots = \"obey\""
UNLIKE = frozenset(
    {"not_understood", "not_a_feed", "page_instead", "empty_body", "bad_encoding", "hostile_xml", "truncated"}
)
"""Failures that say that an address shows something else than the list that it was."""
UNPROVEN = frozenset({"relay_bad_signature", "relay_tampered", "relay_replayed"})
"""What a relay gave is not what was sealed, or is older: somebody changed it, or brought the wrong disc."""
ALARMS = UNLIKE | UNPROVEN | {
    "list_redesigned",
    "list_changed",
    "list_cut",
    "list_renamed",
    "list_emptied",
    "known_rows_vanished",
    "http_401",
    "http_403",
    "http_410",
}
"""What a person is told of a list at once, not only after some tries: it was changed or is blocked, and waits for no luck."""
_NEXT = timedelta(microseconds=1)
GAP = "its list moved on while it could not be read; look what was published then, and say `syncd approve --source NAME`"
_STATUS_HINTS = {
    401: "the list asks for a log-in",
    403: "the server refuses us (a firewall?); ask its operator to admit the User-Agent",
    404: "the list is not there any more; find its new address",
    410: "the list was closed; find its new address",
}


class Ears(Protocol):
    """Who wants to know of good reads (engine.push). began: seconds of the monotonic clock."""

    def begins(self, source: str, began: float) -> bool:
        """A read begins; whether the list is to be taken apart even if it did not change."""
        ...

    def changed(
        self, source: str, answer: Answer, listing: Listing, finds: int, since: datetime | None
    ) -> None: ...

    def unchanged(self, source: str) -> None: ...


class Poller:
    """The sources' memory and the reads in flight. Rows are kept here; the store has them at most a minute older."""

    def __init__(self, deps: Deps, pool: Pool) -> None:
        self.deps = deps
        self.pool = pool
        self.rows: dict[str, SourceRow] = {}
        self._queue: list[tuple[datetime, str]] = []
        """A heap of when which source is due; an entry that its row does not bear out any more is passed over."""
        self._lined_up = float("-inf")
        self._unwritten: dict[str, SourceRow] = {}
        self._flushed = deps.clock.monotonic()
        self._started: dict[str, datetime | None] = {}
        """Sources of which every site that they feed has its start line, with the last of its lines."""
        self._jumped = deps.clock.jumped
        self._again: dict[str, datetime] = {}
        """Sources that became due while they were being read: that read may have come too early."""
        self.ears: Ears | None = None
        self._outages = Outages()

    async def load(self) -> None:
        """Read the sources' memory from the store (at start and after a reload)."""
        await self.flush()
        self.rows = {row.name: row for row in await self.deps.store.sources() if row.name in self.deps.sources}
        self._started = {}
        self._line_up()

    async def tick(self) -> int:
        """Start the reads that are due; returns how many."""
        now = self.deps.now
        self._move_along()
        if self.deps.clock.monotonic() - self._lined_up >= JOURNAL_EVERY:
            self._line_up()
        due = self._due(now)
        for row in due:
            reading = self._poll(self.deps.sources[row.name], row)
            self.pool.start(row.name, reading, after=partial(self._queue_again, row.name))
        if self._unwritten and self.deps.clock.monotonic() - self._flushed >= JOURNAL_EVERY:
            await self.flush()
        return len(due)

    def soonest(self) -> float | None:
        """Seconds until the next list is due; None when none is, or when there is no room for it."""
        if not self._queue or not self.pool.free:
            return None
        return max(0.0, (self._queue[0][0] - self.deps.now).total_seconds())

    def _due(self, now: datetime) -> list[SourceRow]:
        """The rows that are due, the longest due first, as many as there is room for; they leave the queue."""
        found: dict[str, SourceRow] = {}
        while self._queue and self._queue[0][0] <= now and len(found) < self.pool.free:
            _, name = heappop(self._queue)
            row = self.rows.get(name)
            if row is not None and self._is_due(row, now) and name not in self.pool:
                found[name] = row
        self.pool.hungry = bool(self._queue) and self._queue[0][0] <= now
        return list(found.values())

    def _is_due(self, row: SourceRow, now: datetime) -> bool:
        unit = self.deps.sources[row.name]
        longest = WELL_HORIZON * max(unit.habits.every, unit.habits.slowest or 0.0, unit.habits.courtesy)
        horizon = HORIZON if row.tries or row.reason == PARKED else timedelta(seconds=longest)
        return row.due <= now or schedule.due_is_absurd(row.due, now, horizon)

    def _line_up(self) -> None:
        """Make the queue anew from the rows, once a minute too: the rows alone say what is due, whatever became of the
        queue or of the clock by which it was made. What was written by a wrong clock is due now."""
        now, self._lined_up = self.deps.now, self.deps.clock.monotonic()
        self._queue = [(now if self._is_due(row, now) else row.due, name) for name, row in self.rows.items()]
        heapify(self._queue)

    def _move_along(self) -> None:
        """A wall clock that was turned must not hurry or freeze the lists: what is due moves with it."""
        by = timedelta(seconds=self.deps.clock.jumped - self._jumped)
        if by:
            self._jumped = self.deps.clock.jumped
            self.rows = {name: replace(row, due=row.due + by) for name, row in self.rows.items()}
            self._line_up()

    async def flush(self) -> None:
        """Write the journal of the unchanged and failed reads since the last time, in one commit."""
        rows, self._unwritten = list(self._unwritten.values()), {}
        self._flushed = self.deps.clock.monotonic()
        if rows:
            try:
                await self.deps.store.journal(rows, self.deps.now)
            except StoreError:
                self._unwritten = {row.name: row for row in rows} | self._unwritten
                raise

    async def release(self, source: str, *, drop: bool) -> int:
        """A person's word on a source: on what is held, or, when nothing is, on its next read. Returns how many were held.

        A read in flight ends first and the journal is written: later both would put back the memory of before the decision.
        What that read holds nobody has seen yet: it waits for a decision of its own.
        """
        held = await self.deps.store.pendings(held=True, limit=MOST_HELD)
        shown = frozenset(pending.id for pending in held if pending.source == source)
        await self.pool.wait(source)
        await self.flush()
        await self.deps.store.put(gap_of(source), "")
        count = await self.deps.store.release(source, drop=drop, now=self.deps.now, shown=shown)
        await self.load()
        self.hurry(source)
        return count

    def hurry(self, source: str, *, after: float = 0.0) -> None:
        """A person decided on this source, or its hub pushed: read it in `after` seconds at the latest. If it is being read
        it is read once more then."""
        row, due = self.rows.get(source), self.deps.now + timedelta(seconds=after)
        if row is None:
            return
        if source in self.pool:
            self._again[source] = min(due, self._again.get(source, due))
            return
        self._put_off(replace(row, due=min(due, row.due)))

    def _put_off(self, row: SourceRow) -> None:
        """The row is due at another time than it was."""
        self.rows[row.name] = row
        heappush(self._queue, (row.due, row.name))

    async def _poll(self, unit: SourceUnit, row: SourceRow) -> None:
        try:
            await self._read(unit, row)
            await self._ask_robots(unit)
        except ReadFailed as error:
            self._failed(unit, row, _explained(row, error))
        except StoreError:
            raise
        except Exception as error:  # a bug of a plug-in is the failure of this source alone, and is told
            self.deps.log.error("plugin_bug", source=unit.name, error=type(error).__name__, exc_info=True)
            self._failed(unit, row, ReadFailed("plugin_bug", str(error), hint=BUG, where=unit.url))

    async def _ask_robots(self, unit: SourceUnit) -> None:
        """What the host's robots.txt says of the list is kept for people; it never holds up what was read."""
        standing = await unit.robots() if unit.robots else ""
        row = self.rows.get(unit.name)
        if not standing or row is None or row.robots == standing:
            return
        self._keep(replace(row, robots=standing))
        if standing == "disallowed":
            self.deps.log.warning("robots_disallowed", source=unit.name, hint=ROBOTS)

    def _queue_again(self, name: str) -> None:
        """After a read; one that the store refused left its row as it was, and is not tried again at once."""
        again = self._again.pop(name, None)
        if row := self.rows.get(name):
            now = self.deps.now
            if again is not None and row.reason not in REFUSING:
                self.rows[name] = row = replace(row, due=min(again, row.due))
                heappush(self._queue, (row.due, name))
                return
            heappush(self._queue, (now + REFUSED if self._is_due(row, now) else row.due, name))

    async def _read(self, unit: SourceUnit, row: SourceRow) -> None:
        now, began = self.deps.now, self.deps.clock.monotonic()
        fresh = await self._sites_without_start(unit)
        seeks = self.ears is not None and self.ears.begins(unit.name, began)
        full = (
            bool(fresh)
            or seeks
            or row.accept
            or row.unconditional is None
            or not timedelta(0) <= now - row.unconditional < FULL_READ
        )
        answer = await unit.client.get(_address(unit, row), validators=Validators() if full else row.validators)
        self.deps.clock.heard(answer)
        self._hear(unit, "")
        _judge(answer, self.deps.now)
        body = hashlib.sha256(answer.body).hexdigest()
        same = answer.status == 304 or (body == row.body and not fresh and not row.accept and not seeks)
        if same:
            self._unchanged(unit, row, answer, full)
            if self.ears:
                self.ears.unchanged(unit.name)
            return
        listing, behind = await whole(unit, answer, enough=partial(self._suffices, unit, row, fresh), now=now)
        after = self._after(unit, row, answer, ttl=listing.ttl, skips=listing.skips, full=full)
        after = replace(after, body=body, shown=len(listing.entries), bytes=after.bytes + behind)
        finds = await self._record(unit, after, row, listing, answer, fresh)
        if self.ears:
            self.ears.changed(unit.name, answer, listing, finds, row.good)

    async def _suffices(self, unit: SourceUnit, row: SourceRow, fresh: Sequence[str], shown: Sequence[Entry]) -> bool:
        """Whether a page's rows prove that nothing was missed behind them: the last one is known and as it was. A known one
        further up may be pinned there, or was corrected since. A first read needs older rows only where a route carries
        them over."""
        if any(r.backfill for r in self.deps.routes if r.site in fresh and unit.name in r.sources):
            return False
        if row.first_good is None:
            return True
        rows = _rows(unit.name, shown[-1:])
        known = (await self.deps.store.known(unit.name, [row.key for row in rows], [])).prints
        return any(known.get(row.key) == row.print for row in rows)

    async def _sites_without_start(self, unit: SourceUnit) -> tuple[str, ...]:
        if unit.name in self._started:
            return ()
        starts = await self.deps.store.starts(unit.name)
        if all(site in starts for site in unit.sites):
            self._started[unit.name] = max(starts.values(), default=None)
        return tuple(site for site in unit.sites if site not in starts)

    def _after(
        self, unit: SourceUnit, row: SourceRow, answer: Answer, *, ttl: float | None, skips: Skips, full: bool
    ) -> SourceRow:
        """The source's memory after a good read."""
        now = self.deps.now
        cover = schedule.watched(row.good, now, row.planned or unit.habits.every)
        moved = _sighted_move(row, answer, now)
        validators = answer.validators if answer.status == 200 else row.validators
        after = replace(row, good=now, first_good=row.first_good or now, tries=0, reason="", hint="")
        after = replace(after, watched=row.watched + cover, bytes=row.bytes + answer.wire, reads=row.reads + 1)
        after = replace(after, validators=validators, moved=moved, unconditional=now if full else row.unconditional)
        return after_good(unit, after, answer, ttl=ttl, skips=skips, now=now, dice=self.deps.dice.random())

    def _unchanged(self, unit: SourceUnit, row: SourceRow, answer: Answer, full: bool) -> None:
        self._keep(self._after(unit, row, answer, ttl=row.ttl, skips=row.skips, full=full))
        self.deps.meter.poll(unit.name, "unchanged")

    def _keep(self, row: SourceRow) -> None:
        self.rows[row.name] = self._unwritten[row.name] = row

    def _failed(self, unit: SourceUnit, row: SourceRow, error: ReadFailed) -> None:
        now, dice = self.deps.now, self.deps.dice.random()
        row = self.rows.get(unit.name, row)  # what the read has recorded before it failed stays
        self._hear(unit, error.reason)
        if self._outages.blamed(row, error.reason, now):
            after = after_outage(unit, row, tries=row.tries, now=now, dice=dice)
        else:
            after = after_failure(unit, row, error, now=now, dice=dice)
        self._keep(after)
        self._probe()
        self.deps.meter.poll(unit.name, error.reason)
        self.deps.meter.failure("poll", after.reason)
        self.deps.log.warning("poll_failed", source=unit.name, reason=after.reason, hint=after.hint, tries=after.tries)

    def _hear(self, unit: SourceUnit, reason: str) -> None:
        """What came of a read may turn what is known of our own network."""
        now, dice = self.deps.now, self.deps.dice
        turn = self._outages.heard(unit, reason, now)
        if turn == "down":
            self.deps.log.error("network_down", hint="look at this machine's network, proxy and DNS")
            for row in self._outages.struck(self.deps.sources, self.rows.values(), now=now, dice=dice):
                self._keep(row)
                self._put_off(row)
        elif turn:
            self.deps.log.info("network_back", wholly=turn == "up")
            for row in self._outages.returned(self.rows.values(), now=now, dice=dice):
                self._put_off(row)

    def _probe(self) -> None:
        """While the network is down one list a minute is tried, so that its return is noticed whatever their intervals."""
        row = self._outages.probed(self.rows.values(), now=self.deps.now, dice=self.deps.dice)
        if row is not None:
            self._put_off(row)

    @property
    def network_down(self) -> bool:
        """True while reads fail by the fault of our own network."""
        return any(row.reason == NETWORK for row in self.rows.values())

    async def _record(
        self,
        unit: SourceUnit,
        after: SourceRow,
        before: SourceRow,
        listing: Listing,
        answer: Answer,
        fresh: Sequence[str],
    ) -> int:
        """Decide on a changed list and commit all that it showed with the validators that came with it; returns how many
        entries are new or changed."""
        rows = _rows(unit.name, listing.entries)
        known = await self.deps.store.known(unit.name, [r.key for r in rows], [a for r in rows for a in r.aliases])
        past = _past(before)
        if past.accept and is_renamed(rows, known, past):
            rows, known = await self._recognised(unit.name, rows, known)
        ahead = sum(p.reason == "date_ahead" and p.where.endswith(".published") for p in listing.problems)
        carried = shape.shape_of_entries(listing.entries, listing.shape, ahead=ahead)
        found = detect(rows, known, past, unit.habits.limits, shape=carried, first_page=listing.first_page)
        if found.error:
            raise ReadFailed(found.error, hint=_told(found.hint, before, listing, found), where=unit.url)
        storm = await self._storm(unit, before)
        over = _taken_back(unit.name, storm, rows)
        storms = found.hold == "identity_storm" or len(over) < len(storm)
        at = await self._after_start_lines(unit)
        lifted = self._lifted(unit, rows, found, {k for k, d in _documents(rows, known.aliases).items() if d}, fresh)
        evidence = self.deps.blobs.put(answer.body)
        rhythm = learnt(unit, before, rows, found, self.deps.now)
        poll = Poll(
            replace(
                _remembering(after, before, listing, found, carried, storms=storms),
                accept=False,
                hint=hint(found.hold),
                reason="",
                rhythm=rhythm,
            ),
            sightings=_sightings(found, known),
            pending=tuple(
                replace(p, due=self.deps.now)
                for p in (
                    *_pendings(found, known, unit.name, at, before.good),
                    *_backfills(lifted, unit.name, at),
                )
            ),
            start=tuple(fresh),
            evidence=evidence,
            at=at,
            over=over,
        )
        if found.gap and before.good:
            await self.deps.store.put(gap_of(unit.name), f"{before.good.isoformat()} {at.isoformat()}")
        await self.deps.store.record_poll(poll)
        self._unwritten.pop(unit.name, None)
        self.rows[unit.name] = poll.row
        self._tell(unit, found, listing)
        return sum(find.change in ("new", "changed") for find in (*found.finds, *found.held))

    async def _recognised(self, source: str, rows: tuple[Row, ...], known: Known) -> tuple[tuple[Row, ...], Known]:
        """The rows of a list that was renamed on purpose: each has also the name by which the list called the document that
        alone bears its title."""
        count = Counter(row.entry.title for row in rows)
        found = await self.deps.store.titled(source, [title for title, n in count.items() if n == 1])
        names = {title: (await self.deps.store.document(id)).aliases[-1] for title, id in found.items()}
        again = tuple(_also(row, names[row.entry.title]) if row.entry.title in names else row for row in rows)
        return again, replace(known, aliases={**known.aliases, **{alias_hash(names[t]): id for t, id in found.items()}})

    async def _storm(self, unit: SourceUnit, before: SourceRow) -> tuple[Pending, ...]:
        """Entries that are held since a storm of identities; asked only where there was one."""
        if before.alarm != "identity_storm":
            return ()
        held = await self.deps.store.pendings(held=True, limit=MOST_HELD)
        return tuple(p for p in held if p.source == unit.name and p.held == "identity_storm")

    async def _after_start_lines(self, unit: SourceUnit) -> datetime:
        """Now, but after every start line of the source: a clock that was set back must not make new documents old."""
        last = self._started.get(unit.name)
        if unit.name not in self._started:
            last = max((await self.deps.store.starts(unit.name)).values(), default=None)
        return self.deps.now if last is None else max(self.deps.now, last + _NEXT)

    def _lifted(
        self, unit: SourceUnit, rows: Sequence[Row], found: Detection, read: set[int], fresh: Sequence[str]
    ) -> tuple[Row, ...]:
        """Old rows that a route of a site which starts now carries over with its `backfill`."""
        routes = [r for r in self.deps.routes if r.site in fresh and unit.name in r.sources]
        busy = read | {f.row.key for f in (*found.finds, *found.held)}
        chosen = {row.key: row for r in routes for row in backfilled(rows, r.backfill, self.deps.now)}
        return tuple(row for key, row in chosen.items() if key not in busy and not row.entry.withdrawn)

    def _tell(self, unit: SourceUnit, found: Detection, listing: Listing) -> None:
        self.deps.meter.poll(unit.name, "changed")
        for change in ("new", "changed", "withdrawn", "relinked"):
            count = sum(1 for find in found.finds if find.change == change)
            if count:
                self.deps.meter.entries(unit.name, change, count)
        for problem in listing.problems[:20]:
            self.deps.meter.failure("parse", problem.reason)
        if found.alarm:
            self.deps.meter.failure("poll", found.alarm)
            hint = self.rows[unit.name].alarm_hint
            self.deps.log.warning("list_alarm", source=unit.name, reason=found.alarm, hint=hint)
        if found.hold:
            self.deps.meter.failure("poll", found.hold)
            self.deps.log.warning("entries_held", source=unit.name, reason=found.hold, count=len(found.held))
        if found.gap:
            self.deps.meter.failure("poll", "gap")
            self.deps.log.warning("gap", source=unit.name, hint=GAP)
        if found.finds or found.first:
            self.deps.log.info(
                "polled", source=unit.name, rows=len(listing.entries), finds=len(found.finds), first=found.first
            )
            self.deps.wake("read")


def _past(row: SourceRow) -> Past:
    return Past(
        row.first_good, row.good, row.shown, row.accept, row.first_page, row.shape, row.alarm, row.canaries
    )


def _told(said: str, before: SourceRow, listing: Listing, found: Detection) -> str:
    """A hint with the known rows and keys that it is about."""
    gone = shape.vanished(before.canaries, [entry.title for entry in listing.entries])
    return shape.told(said, gone=gone, changed=found.change)


def _taken_back(source: str, storm: Sequence[Pending], rows: Sequence[Row]) -> tuple[int, ...]:
    """The entries of a storm of identities, by id, where the list shows none of them any more: it has its old names again."""
    shown = {row.key for row in rows}
    back = not any(entry_key(source, waiting.entry.key) in shown for waiting in storm)
    return tuple(waiting.id for waiting in storm) if back else ()


def _remembering(
    after: SourceRow, before: SourceRow, listing: Listing, found: Detection, carried: Shape, *, storms: bool
) -> SourceRow:
    """With the list's shape, as long as it is as it was; else with the alarm, and with the shape that it should have.

    storms: entries are held for a storm of identities, which the list may still take back.
    """
    if found.alarm:
        return replace(after, alarm=found.alarm, alarm_hint=_told(hint(found.alarm), before, listing, found))
    return replace(
        after,
        alarm="identity_storm" if storms else "",
        alarm_hint="",
        first_page=listing.first_page or len(listing.entries),
        shape=carried,
        canaries=shape.canaries([entry.title for entry in listing.entries]),
    )


def _explained(row: SourceRow, error: ReadFailed) -> ReadFailed:
    """A list that is no longer understood is told with what it was before."""
    if error.reason not in UNLIKE or not row.canaries:
        return error
    keys = ", ".join(name for name, _ in row.shape if not name.startswith("@"))
    was = f"before, it showed {row.shown} rows{f' with {keys}' if keys else ''}, such as “{row.canaries[0]}”"
    told = "; ".join(filter(None, (error.message, was, error.hint)))
    return ReadFailed(error.reason, error.message, hint=told, where=error.where, after=error.after, status=error.status)


def gap_of(source: str) -> str:
    """The name under which the store keeps a gap of a source until a person has seen it: "from to" in ISO 8601."""
    return f"gap:{source}"


def _load_move(text: str) -> Move | None:
    if not text:
        return None
    told = json.loads(text)
    return Move(told["url"], told["sightings"], datetime.fromisoformat(told["first"]))


def _dump_move(move: Move | None, address: str) -> str:
    if move is None and not address:
        return ""
    seen = move or Move(address, SIGHTINGS, datetime.fromtimestamp(0, UTC))
    return json.dumps(
        {"url": seen.url, "sightings": seen.sightings, "first": seen.first.isoformat(), "address": address}
    )


def _address(unit: SourceUnit, row: SourceRow) -> str:
    """Where the list is asked for: its configured address, or where permanent redirects have led for days."""
    told = json.loads(row.moved) if row.moved else {}
    return str(told.get("address") or unit.url)


def _sighted_move(row: SourceRow, answer: Answer, now: datetime) -> str:
    """JSON of the sightings of a permanent redirect, with the address once it is believed."""
    if row.moved and not answer.moved_to and answer.url == json.loads(row.moved).get("address"):
        return row.moved
    move, address = remember_move(_load_move(row.moved), answer.moved_to, now)
    return _dump_move(move, address)


def _judge(answer: Answer, now: datetime) -> None:
    """Only 200 and 304 are good reads."""
    if answer.status in (200, 304):
        return
    told = _STATUS_HINTS.get(answer.status, "the list's server has trouble; it is asked again, ever later")
    raise refusal(answer, told, now)


def _rows(source: str, entries: Iterable[Entry]) -> tuple[Row, ...]:
    rows: dict[int, Row] = {}
    for entry in entries:
        key = entry_key(source, entry.key)
        rows.setdefault(key, Row(entry, key, fingerprint(entry), tuple([alias_hash(a) for a in entry.aliases])))
    return tuple(rows.values())


def _also(row: Row, name: str) -> Row:
    """The row with one more name of its document."""
    entry = replace(row.entry, aliases=(*row.entry.aliases, name))
    return replace(row, entry=entry, aliases=(*row.aliases, alias_hash(name)))


def fingerprint(entry: Entry) -> int:
    """A 64-bit print of what the list shows of an entry; a change of it is a reason to read the document again."""
    shown = (
        entry.title,
        entry.url,
        entry.published.raw if entry.published else "",
        entry.updated.raw if entry.updated else "",
        entry.summary,
        entry.content_html,
        entry.issuer,
        entry.document_number,
        entry.index_number,
        entry.written,
    )
    words = ", ".join(map(_quoted, shown))
    files = ", ".join([_quoted(a.url) for a in entry.attachments])
    page = f", {_quoted(entry.page)}" if entry.page else ""
    bonds = "".join([f", {_quoted('|'.join((r.bond, r.number, r.url, r.title)))}" for r in entry.relations])
    gone = "true" if entry.withdrawn else "false"
    return alias_hash(f"[{words}, {gone}, [{files}]{bonds}{page}]")  # JSON, at a third of its cost


def _documents(rows: Sequence[Row], aliases: dict[int, int] | object) -> dict[int, int]:
    """Document by row key, for rows whose document is known (0: old, never read)."""
    known = aliases if isinstance(aliases, dict) else {}
    return {row.key: next((known[a] for a in row.aliases if a in known), 0) for row in rows}


def _sightings(found: Detection, known: Known) -> tuple[Sighting, ...]:
    """The rows to remember: old ones with their names, so that no other list makes them new; new, changed and held ones."""
    old = [Sighting(row.key, row.print, row.aliases) for row in found.old]
    return (*old, *(Sighting(f.row.key, f.row.print, _old_names(f, known)) for f in (*found.finds, *found.held)))


def _old_names(find: Find, known: Known) -> tuple[int, ...]:
    """The names of a row that is behind the start line, when it changed some: it must not be new when it changes the others.
    Of any other row its reading keeps them."""
    return find.row.aliases if not find.document and not _is_unread(find, known) else ()


def _pendings(found: Detection, known: Known, source: str, at: datetime, missed: datetime | None) -> list[Pending]:
    """What is to be read. A change of a row behind the start line is none; one of a row that still waits to be read is."""
    wanted = [*((f, "") for f in found.finds), *((f, found.hold) for f in found.held)]
    return [
        _pending(find, source, at, missed, held)
        for find, held in wanted
        if find.change == "new" or find.document or _is_unread(find, known)
    ]


def _is_unread(find: Find, known: Known) -> bool:
    """True when the row was seen before but no document has any of its names yet: its first reading is still to come."""
    return not any(alias in known.aliases for alias in find.row.aliases)


def _pending(find: Find, source: str, at: datetime, missed: datetime | None, held: str) -> Pending:
    return Pending(
        0,
        source,
        find.row.entry,
        find.change,
        sighted=at,
        due=at,
        missed=missed,
        document=find.document,
        held=held,
        reason=held,
        hint=hint(held),
    )


def _backfills(rows: Sequence[Row], source: str, at: datetime) -> list[Pending]:
    return [Pending(0, source, row.entry, "new", sighted=at, due=at, backfill=True) for row in rows]
