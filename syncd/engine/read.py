"""Stage read: the document's own page and its attachments become a revision; later looks find corrections and removals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.content.api import Fetched
from syncd.content.build import complete, earliest_known
from syncd.content.clean import plain
from syncd.core import mapping, schedule
from syncd.core.detect import flapping
from syncd.core.identity import aliases, canonical_url
from syncd.engine.deps import Deps, SourceUnit
from syncd.engine.manners import PARKED
from syncd.engine.paging import whole
from syncd.engine.poll import BUG, fingerprint
from syncd.engine.pool import Pool
from syncd.engine.route import Router
from syncd.errors import ReadFailed, Stale, StoreError
from syncd.model import AttachmentLink, Content, Document, Entry, Instant, Media, Revision
from syncd.sources.api import Page
from syncd.store.api import MARKED, DueLook, Look, Pending, Reading, Recorded
from syncd.web.api import Answer, Validators
from syncd.web.status import refusal

GONE_AFTER = timedelta(hours=1)
"""A document that answers 404 or 410 is believed withdrawn when it still does so this much later, or one step of
the source's `relook` later where that is less."""
FILE_TRIES = 3
"""A document waits for attachments that can't be had just now so many times; then it goes on and says what is missing."""
DOUBTS = {
    "older_text": "it shows a text that it had replaced before; if it is really back, it is believed after a while",
    "unproven_text": "its text changed and its date didn't: it is believed when a second look shows the same",
}
"""Why a text is not believed yet, with what is told of it."""
SURE_AFTER = 300.0
"""Seconds between the two looks that prove a change without a newer date, or the source's `every` where that is less: a
single answer may come from a mirror that lags behind what was read before."""
OLDER_TRIES, OLDER_TRIES_UNDATED = 12, 5
"""Tries after which a superseded text is believed: a mirror may lag for hours; fewer where no dates tell which is newer."""
OLDER_LOOK = timedelta(minutes=15)
OLDER_LOOKED = 20
"""How many revisions back a superseded text is looked for."""
ORDER_TRIES = 5
"""How often a person's order is reckoned anew where a reading of the document was quicker."""
OTHERS = 3
"""How many other pages of a source are asked before one that is gone counts as withdrawn."""
BY_NOTICE = "notice"
"""The reason of a revision that the source's own notice withdrew."""
MOVES = 3
"""How often a document may have moved, one page naming the next, before its page counts as a circle."""
BY_ORDER = "ordered"
"""What the reason of a revision begins with that a person's order made."""
FLAP = "its text changes at every look; say options.body_selector, or leave out what counts and tells the time"
GONE_FEW, GONE_SHARE = 3, 0.2
"""More than max(few, share) of a source's documents gone within a day is a fault of the source until a person says no."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a text is not believed at once, one of DOUBTS. tries: after so many it is believed all the same."""

    reason: str
    tries: int


@dataclass(frozen=True, slots=True)
class Fresh:
    """What reading a document gave: None content means that the server says it is unchanged. withdrawn: the source's own
    notice that it no longer stands."""

    content: Content | None
    validators: Validators = Validators()
    withdrawn: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """An entry at its present address with what is there and what to ask with next time. raw: hash of the page's bytes."""

    entry: Entry
    page: Page | None = None
    validators: Validators = Validators()
    raw: str = ""


class Reader:
    """Reads pending entries and looks again at known documents."""

    def __init__(self, deps: Deps, pool: Pool) -> None:
        self.deps = deps
        self.pool = pool
        self._router = Router(deps)
        self._gone: dict[int, float] = {}
        """When this process first saw a document's page missing, by the monotonic clock; forgotten when it is there."""
        self._unproven: dict[int, tuple[str, float]] = {}
        """The text that no date proves to be newer, by hash, and when this process first saw it, by the same clock."""
        self._doubted: dict[int, int] = {}
        """How often in a row a document showed a doubtful text. Failures don't count: after an outage the first answer
        may well be an old copy."""

    async def tick(self) -> int:
        """Start the readings and looks that are due; returns how many."""
        now, most = self.deps.now, self.pool.free + len(self.pool)
        waiting = await self.deps.store.due_pending(now, most)
        started = 0
        for pending in waiting:
            named = ("document", pending.document) if pending.document else ("pending", pending.id)
            started += self._start(named, pending)
        # After what is new has begun: a damaged row among the old ones must not keep it waiting.
        looks = await self.deps.store.due_looks(now, most)
        for look in looks:
            started += self._start(("document", look.document.id), look)
        self.pool.hungry = max(len(waiting), len(looks)) >= most
        return started

    def _start(self, key: tuple[str, int], item: Pending | DueLook) -> int:
        if key in self.pool or not self.pool.free:
            return 0
        self.pool.start(key, self._read(item) if isinstance(item, Pending) else self._look(item))
        return 1

    async def _read(self, pending: Pending) -> None:
        unit = self.deps.sources.get(pending.source)
        if unit is None:
            later = self.deps.now + timedelta(days=1)
            await self.deps.store.defer(replace(pending, due=later, reason="source_not_configured"))
            return
        try:
            recorded = (
                await self._withdraw(pending) if pending.change == "withdrawn" else await self._record(unit, pending)
            )
        except ReadFailed as error:
            await self._defer(pending, error)
            return
        except Stale:  # another reading of the document was quicker: this one is judged anew
            self.deps.wake("read")
            return
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of a plug-in must not take the entry up again at each tick
            await self._defer(pending, self._bug(error, pending.entry.url))
            return
        self.deps.log.info(
            "read", document=recorded.document.id, title=recorded.document.title, revision=recorded.document.latest
        )
        self.deps.meter.stage_seconds("reading", (self.deps.now - pending.sighted).total_seconds())

    async def _recorded(self, reading: Reading) -> Recorded:
        """Store what was read, with the reposts that follow from it."""
        found = await self.deps.store.record_reading(reading, self._router.routing)
        if found.revised:
            self._sure_of(found.document.id)
        if found.routed is not None:
            self._router.tell(found.routed)
            self.deps.wake("work")
        if found.routed is None or found.marked:
            self.deps.wake("route")
        for id in found.marked:
            self.deps.log.info("marked", document=id, by=found.document.id, title=found.document.title)
        return found

    def _bug(self, error: Exception, where: str) -> ReadFailed:
        self.deps.log.error("plugin_bug", url=where, error=type(error).__name__, exc_info=True)
        return ReadFailed("plugin_bug", str(error), hint=BUG, where=where)

    async def withdraw(self, document: int, *, reason: str) -> None:
        """A person's order: the document is withdrawn, as if its source had said so."""
        await self._order(document, withdrawn=True, reason=f"{BY_ORDER} by {reason}")

    async def restore(self, document: int, *, reason: str) -> bool:
        """A person lifts such an order: the text that was withdrawn stands again, and its source is followed again.

        False when the document is not withdrawn by a person's order: what its source took back only its source gives.
        """
        found = await self._current(document)
        if not await self._withdrawn_by_order(found):
            return False
        await self._order(document, withdrawn=False, reason=f"restored by {reason}")
        return True

    async def _order(self, document: int, *, withdrawn: bool, reason: str) -> None:
        for _ in range(ORDER_TRIES):
            with suppress(Stale):
                await self._ordered(document, withdrawn=withdrawn, reason=reason)
                return
        await self._ordered(document, withdrawn=withdrawn, reason=reason)

    async def _ordered(self, document: int, *, withdrawn: bool, reason: str) -> None:
        found = await self._current(document)
        last = await self.deps.store.revision(found.id, found.latest)
        revision = replace(last, withdrawn=withdrawn, detected=self.deps.now, reason=reason)
        source = found.sources[0] if found.sources else ""
        reading = Reading(
            aliases=found.aliases,
            source=source,
            at=self.deps.now,
            document=found.id,
            title=found.title,
            url=found.url,
            published=found.published,
            revision=revision,
            error=self.deps.clock.error or 0.0,
            judged=(found.id, found.latest),
        )
        await self._recorded(reading)

    async def _current(self, id: int) -> Document:
        """A document, or the one that it turned out to be since its id was remembered."""
        found = await self.deps.store.document(id)
        while found.merged:
            found = await self.deps.store.document(found.merged)
        return found

    async def _defer(self, pending: Pending, error: ReadFailed) -> None:
        asked = error.reason != PARKED  # a pause that others are the reason for uses up no try
        wait = max(self.deps.backoff(pending.tries), min(error.after or 0.0, schedule.RETRY_AFTER_CAP))
        due = self.deps.now + timedelta(seconds=wait)
        self.deps.meter.failure("read", error.reason)
        self.deps.log.warning("read_failed", url=pending.entry.url, reason=error.reason, hint=error.hint)
        await self.deps.store.defer(
            replace(pending, due=due, tries=pending.tries + asked, reason=error.reason, hint=error.hint)
        )

    async def _withdraw(self, pending: Pending) -> Recorded:
        """A tombstone: the document's last content, marked withdrawn; of one that was never read only its name is kept."""
        known = await self._known(pending, pending.entry.aliases)
        if not known:
            return await self._recorded(
                Reading(
                    aliases=pending.entry.aliases,
                    source=pending.source,
                    at=self.deps.now,
                    pending=pending.id,
                    title=pending.entry.title,
                    url=pending.entry.url,
                    sighted=pending.sighted,
                    entry=pending.entry,
                    judged=(0, 0),
                )
            )
        document = await self.deps.store.document(known)
        last = await self.deps.store.revision(document.id, document.latest)
        return await self._recorded(
            self._reading(
                replace(pending, document=known),
                last.content,
                replace(last, withdrawn=True, detected=self.deps.now, reason="tombstone"),
                Validators(),
                judged=(document.id, document.latest),
            )
        )

    async def _known(self, pending: Pending, names: Sequence[str]) -> int:
        """The document of an entry, or 0. That a row of another list shares a name with one is no proof that it is the same:
        its page may tell another number."""
        if pending.document and pending.change != "relinked":
            return (await self._current(pending.document)).id
        return await self._named(names)

    async def _named(self, aliases: Sequence[str]) -> int:
        """The document that has one of these names and was read before, or 0."""
        found = await self.deps.store.find_documents(aliases)
        return next((document.id for document in found if document.latest), 0)

    async def _record(self, unit: SourceUnit, pending: Pending) -> Recorded:
        had = await self._files_of(pending)
        fresh = await self._fetch(unit, pending.entry, Validators(), tries=pending.tries, known=had)
        assert fresh.content is not None  # no validators were sent, so there is no "unchanged"
        # By all its names: the number under which another list showed it may stand on its page only.
        known = await self._known(pending, _aliases(pending.source, pending.entry, fresh.content))
        latest = (await self.deps.store.document(known)).latest if known else 0
        revision = self._revision(known, fresh, "corrected" if known else "new")
        read = replace(pending, document=known)
        reading = self._reading(read, fresh.content, revision, fresh.validators, judged=(known, latest))
        doubt = await self._doubt(unit, known, revision, pending.entry) if known else None
        if known and (await self._is_copy(unit, known, revision) or await self._has_passed(unit, pending, doubt)):
            reading = replace(reading, revision=None, look=None)
        elif doubt and not self._is_believed(unit, known, revision.hash, doubt):
            raise ReadFailed(doubt.reason, hint=DOUBTS[doubt.reason], where=pending.entry.url, after=unit.habits.every)
        elif known and await self._flaps(known, revision):
            raise ReadFailed("flap", hint=FLAP, where=pending.entry.url, after=3600.0)
        return await self._recorded(reading)

    async def _files_of(self, pending: Pending) -> tuple[Media, ...]:
        """The files of the document that an entry changes."""
        found = await self._current(pending.document) if pending.document else None
        return (await self.deps.store.revision(found.id, found.latest)).content.media if found and found.latest else ()

    async def _is_copy(self, unit: SourceUnit, document: int, revision: Revision) -> bool:
        """True when the text says nothing new of the document: it comes from another source than the document's own (the
        first that shows it), whose markup or pace differs, or is older by its own date, as from a mirror that lags."""
        found = await self.deps.store.document(document)
        if not found.latest:
            return False
        if await self._withdrawn_by_order(found):
            return True
        if next((s for s in found.sources if s in self.deps.sources), unit.name) != unit.name:
            return True
        if revision.content.relayed:
            return False
        now, then = revision.content.updated, (await self.deps.store.revision(document, found.latest)).content.updated
        return now is not None and then is not None and now.at < then.at

    async def _withdrawn_by_order(self, found: Document) -> bool:
        """A person withdrew the document: nothing that its source shows brings it back."""
        latest = await self.deps.store.revision(found.id, found.latest)
        return latest.withdrawn and latest.reason.startswith(BY_ORDER)

    async def _flaps(self, document: int, revision: Revision) -> bool:
        """Whether the document already had as many revisions within a day as it may have."""
        found, most = await self.deps.store.document(document), self.deps.revisions_per_day
        if found.latest < most:
            return False
        last = [await self.deps.store.revision(document, n) for n in range(found.latest, found.latest - most, -1)]
        unlike = (revision.hash, revision.withdrawn) != (last[0].hash, last[0].withdrawn)
        own = [r.detected for r in last if r.reason != MARKED]
        return unlike and flapping(own, self.deps.now, per_day=most)

    async def _has_passed(self, unit: SourceUnit, pending: Pending, doubt: Doubt | None) -> bool:
        """True for a doubtful text of a list that the list shows no more at a later try."""
        if doubt is None or not pending.tries or unit.source.page_of(pending.entry):
            return False
        if await self._is_shown(unit, pending.entry):
            return False
        self.deps.log.info("doubtful_text_passed", url=pending.entry.url, reason=doubt.reason, tries=pending.tries)
        return True

    async def _is_shown(self, unit: SourceUnit, entry: Entry) -> bool:
        """Whether the list shows an entry as it was read from it. One answer may have come from a cache that lagged behind:
        a page is fetched anew at each try, and the text of a list is asked for in the list."""
        shown = await self._rows_of(unit, lambda each: each.key == entry.key)
        return _undated(entry) in {_undated(each) for each in shown}

    async def _rows_of(self, unit: SourceUnit, wanted: Callable[[Entry], bool]) -> list[Entry]:
        """The rows that are wanted, as the list shows them now, on the first of its pages that has one. Raises ReadFailed."""
        answer = await unit.client.get(unit.url)
        _judge(answer, self.deps.now)

        async def found(shown: Sequence[Entry]) -> bool:
            return any(map(wanted, shown))

        listing, _ = await whole(unit, answer, enough=found, now=self.deps.now)
        return [each for each in listing.entries if wanted(each)]

    async def _doubt(self, unit: SourceUnit, document: int, revision: Revision, entry: Entry) -> Doubt | None:
        """Why a text is not believed at once: it was superseded, or its document was withdrawn, and nothing says that it
        is newer; or it is new to us and no date says so. None for a text that needs no proof, and for a notice that
        it no longer stands.

        A mirror or a cache that lags behind shows such a text. Where a page is read, the list's date says nothing of the
        text: the page may lag behind the list.
        """
        found = await self.deps.store.document(document)
        latest = await self.deps.store.revision(document, found.latest) if found.latest else None
        proven = bool(revision.content.relayed)  # a relay's serial grows: nothing older than what was read can be shown
        same = latest is not None and revision.hash == latest.hash and not latest.withdrawn
        if latest is None or revision.withdrawn or proven or same:
            self._sure_of(document)
            return None
        now, then = revision.content.updated, latest.content.updated
        dated = now is not None and then is not None and (now.origin == "page" or not unit.source.page_of(entry))
        tries = OLDER_TRIES if dated else OLDER_TRIES_UNDATED
        if latest.withdrawn:
            return Doubt("older_text", tries)
        if dated and now is not None and then is not None and now.at != then.at:
            return Doubt("older_text", tries) if now.at < then.at else None
        older = await self._superseded(found, revision.hash)
        return Doubt("older_text" if older else "unproven_text", tries)

    def _sure_of(self, document: int) -> None:
        self._unproven.pop(document, None)
        self._doubted.pop(document, None)

    def _is_believed(self, unit: SourceUnit, document: int, hash: str, doubt: Doubt) -> bool:
        """An older text after so many tries; a new one when this process saw it before, long enough ago."""
        tries = self._doubted.get(document, 0)
        self._doubted[document] = tries + 1
        if doubt.reason == "older_text" or tries >= doubt.tries:
            return tries >= doubt.tries
        now = self.deps.clock.monotonic()
        before, first = self._unproven.get(document, ("", now))
        if before != hash:
            self._unproven[document] = (hash, now)
            return False
        return now - first >= _sure_after(unit)

    async def _superseded(self, found: Document, hash: str) -> bool:
        """Whether one of the document's last revisions but the newest had this text."""
        for n in range(found.latest - 1, max(0, found.latest - 1 - OLDER_LOOKED), -1):
            if (await self.deps.store.revision(found.id, n)).hash == hash:
                return True
        return False

    def _revision(self, document: int, fresh: Fresh, reason: str) -> Revision:
        """What was read, as a revision: withdrawn where the source says so."""
        assert fresh.content is not None  # an unchanged page is no revision
        hash, told = mapping.revision_hash(fresh.content), bool(fresh.withdrawn)
        return Revision(document, 0, hash, fresh.content, self.deps.now, told, BY_NOTICE if told else reason)

    def _reading(
        self,
        pending: Pending,
        content: Content,
        revision: Revision,
        validators: Validators,
        *,
        judged: tuple[int, int],
    ) -> Reading:
        due = schedule.next_look(0, self.deps.now, self.deps.dice.random(), self._steps(pending.source))
        return Reading(
            aliases=_aliases(pending.source, pending.entry, content),
            source=pending.source,
            at=self.deps.now,
            pending=pending.id,
            document=pending.document,
            title=content.title,
            url=content.url,
            sighted=pending.sighted,
            missed=content.relayed[0].missed if content.relayed else pending.missed,
            published=_told_by(pending.source, earliest_known(pending.entry.published, content.published)),
            backfill=pending.backfill,
            revision=revision,
            look=Look(due, validators),
            error=self.deps.clock.error or 0.0,
            entry=pending.entry,
            judged=judged,
            names=(plain(pending.entry.title), content.title),
        )

    def _steps(self, source: str) -> tuple[float, ...]:
        unit = self.deps.sources.get(source)
        return unit.habits.relook if unit else (604800.0,)

    async def _fetch(
        self, unit: SourceUnit, entry: Entry, validators: Validators, *, tries: int, known: Sequence[Media] = ()
    ) -> Fresh:
        """The document's content now; raises ReadFailed. known: the files that it had when it was read last."""
        seen = await self._page(unit, entry, validators)
        if seen is None:
            return Fresh(None, validators)
        content, links = await self.deps.builder.build(seen.entry, seen.page)
        fetched = _with_known(await self.deps.files.fetch(links, unit.client, self.deps.file_limits), links, known)
        if fetched.retry is not None and tries < FILE_TRIES:
            told = "; ".join(fetched.losses)
            raise ReadFailed(
                "attachment", told, hint="the attachment is tried again", where=entry.url, after=fetched.retry
            )
        content = replace(complete(content, fetched), raw=seen.raw)
        validators = Validators() if fetched.retry is not None else seen.validators  # "unchanged" would miss what is missing
        return Fresh(content, validators, seen.page.withdrawn if seen.page else "")

    async def _page(self, unit: SourceUnit, entry: Entry, validators: Validators) -> Seen | None:
        """What is at the entry's present address; None when that is unchanged.

        No page where the list says all. What was asked at a new address is no validator of the old one.
        """
        now = entry
        for _ in range(MOVES + 1):
            address = unit.source.page_of(now)
            if not address:
                return Seen(now)
            answer = await unit.client.get(address, validators=validators if now is entry else Validators())
            self.deps.clock.heard(answer)
            if answer.status == 304:
                return None
            _judge(answer, self.deps.now)
            page = await unit.source.read_page(now, answer)
            if not page.moved:
                raw = self.deps.blobs.put(answer.body)
                return Seen(now, page, answer.validators if now is entry else Validators(), raw)
            now = replace(now, url=_at_the_same_source(page.moved, now.url))
        hint = "its pages name each other as the new one: ask the source which is right"
        raise ReadFailed("moved_in_circles", f"it moved more than {MOVES} times", hint=hint, where=now.url)

    async def _look(self, due: DueLook) -> None:
        """Look again at a known document: unchanged, corrected, removed, or not to be had just now."""
        unit = next((u for s in due.document.sources if (u := self.deps.sources.get(s))), None)
        if unit is None:
            await self._rest(due, due.look)
            return
        try:
            await self._look_at(unit, due)
        except ReadFailed as error:
            await self._looked_in_vain(due, error)
        except Stale:
            self.deps.wake("read")
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - as for an entry
            await self._looked_in_vain(due, self._bug(error, due.document.url))

    async def _look_at(self, unit: SourceUnit, due: DueLook) -> None:
        if not unit.source.page_of(due.entry):
            await self._look_for_removal(unit, due)
            return
        validators = due.look.validators if not due.document.withdrawn else Validators()
        had = due.revision.content.media
        fresh = await self._fetch(unit, due.entry, validators, tries=FILE_TRIES, known=had)
        if fresh.content is None:
            await self._look_at_files(unit, due, due.look.validators)
            return
        await self._compare(unit, due, fresh)

    async def _look_at_files(self, unit: SourceUnit, due: DueLook, validators: Validators) -> None:
        """The page is as it was; a file behind the same address may be another one all the same."""
        known = due.revision.content
        files = [m for m in known.media if not (due.revision.withdrawn or mapping.is_picture(m))]
        links = [AttachmentLink(m.url, m.type, None, m.title) for m in files]
        fetched = await self.deps.files.fetch(links, unit.client, self.deps.file_limits) if links else Fetched(())
        now = {media.url: media for media in fetched.media}
        media = tuple(now.get(each.url, each) for each in known.media)
        if {m.sha256 for m in media} == {m.sha256 for m in known.media}:
            await self._rest(due, replace(due.look, validators=validators))
            return
        await self._compare(unit, due, Fresh(replace(known, media=media), due.look.validators))

    async def _look_for_removal(self, unit: SourceUnit, due: DueLook) -> None:
        """The feed carries the whole text: its page is asked only whether it still exists, and its files whether they are
        the same."""
        answer = await unit.client.get(due.entry.url, validators=due.look.validators)
        if answer.status != 304:
            _judge(answer, self.deps.now)
        await self._look_at_files(unit, due, due.look.validators if answer.status == 304 else answer.validators)

    async def _compare(self, unit: SourceUnit, due: DueLook, fresh: Fresh) -> None:
        look = replace(due.look, validators=fresh.validators)
        revision = self._revision(due.document.id, fresh, "corrected")
        ordered = due.revision.withdrawn and due.revision.reason.startswith(BY_ORDER)
        same = revision.withdrawn if due.revision.withdrawn else revision.hash == due.revision.hash and not revision.withdrawn
        if ordered or same:
            await self._rest(due, look)
            return
        if revision.withdrawn and await self._mass_gone(due):
            self.deps.meter.failure("read", "mass_gone")
            await self._rest(due, due.look, note="mass_gone")
            return
        if revision.withdrawn:
            self.deps.log.info("withdrawn_by_notice", document=due.document.id, notice=fresh.withdrawn)
        doubt = await self._doubt(unit, due.document.id, revision, due.entry)
        if doubt and not self._is_believed(unit, due.document.id, revision.hash, doubt):
            self.deps.meter.failure("read", doubt.reason)
            wait = OLDER_LOOK if doubt.reason == "older_text" else timedelta(seconds=_sure_after(unit))
            again = replace(due.look, due=self.deps.now + wait, tries=due.look.tries + 1)
            await self.deps.store.record_look(due.document.id, again)
            return
        if flapping(due.revised, self.deps.now, per_day=self.deps.revisions_per_day):
            self.deps.meter.failure("read", "flap")
            await self._rest(
                due, due.look, note="flap"
            )  # with the old validators: the text that they stand for is not lost
            return
        await self._revise(unit.name, due, revision, look)

    async def _revise(self, source: str, due: DueLook, revision: Revision, look: Look) -> None:
        now = self.deps.now
        self._gone.pop(due.document.id, None)
        reading = Reading(
            aliases=_aliases(source, due.entry, revision.content),
            source=source,
            at=now,
            document=due.document.id,
            title=revision.content.title,
            url=due.document.url,
            published=_told_by(source, revision.content.published),
            revision=revision,
            look=replace(look, due=self._next(due, 0), looks=0, gone=None, tries=0, note=""),
            error=self.deps.clock.error or 0.0,
            judged=(due.document.id, due.document.latest),
        )
        await self._recorded(reading)
        self.deps.log.info("revised", document=due.document.id, title=due.document.title, reason=revision.reason)

    def _next(self, due: DueLook, looks: int) -> datetime:
        source = due.document.sources[0] if due.document.sources else ""
        return schedule.next_look(looks, self.deps.now, self.deps.dice.random(), self._steps(source))

    async def _rest(self, due: DueLook, look: Look, *, note: str = "") -> None:
        """Nothing changed; the next look is later than this one was. A good look clears what an earlier one noted."""
        self._gone.pop(due.document.id, None)
        rested = replace(look, due=self._next(due, look.looks + 1), looks=look.looks + 1, gone=None, tries=0, note=note)
        await self.deps.store.record_look(due.document.id, rested)

    async def _looked_in_vain(self, due: DueLook, error: ReadFailed) -> None:
        if error.status in (404, 410) and not due.document.withdrawn:
            await self._missing(due, error)
            return
        asked = min(error.after or 0.0, schedule.RETRY_AFTER_CAP)
        wait = max(self.deps.backoff(due.look.tries, first=300.0, cap=86400.0), asked)
        look = replace(due.look, due=self.deps.now + timedelta(seconds=wait), tries=due.look.tries + 1)
        self.deps.meter.failure("read", error.reason)
        await self.deps.store.record_look(due.document.id, look)

    async def _missing(self, due: DueLook, error: ReadFailed) -> None:
        """404 or 410: believed when seen again later, and not when many vanish at once."""
        now = self.deps.now
        apart = min(GONE_AFTER, timedelta(seconds=self._steps(due.document.sources[0])[0]))
        ours = self._gone.setdefault(due.document.id, self.deps.clock.monotonic())
        soon = (
            self.deps.clock.monotonic() - ours < apart.total_seconds()
        )  # a jump of the wall clock sets no looks apart
        if soon or _is_stale(due.look.gone, now) or not _believable(due.look.gone, now, apart):
            first = now if _is_stale(due.look.gone, now) else due.look.gone
            look = replace(due.look, gone=first, due=now + apart, tries=due.look.tries + 1)
            await self.deps.store.record_look(due.document.id, look)
            return
        if shown := await self._shown_elsewhere(due):
            await self._follow(due, shown)
            return
        if await self._mass_gone(due) or not await self._others_stand(due):
            self.deps.meter.failure("read", "mass_gone")
            look = replace(due.look, due=now + GONE_AFTER * 6, note="mass_gone")
            await self.deps.store.record_look(due.document.id, look)
            return
        revision = replace(due.revision, withdrawn=True, detected=now, reason="gone_at_source")
        await self._revise(due.document.sources[0], due, revision, due.look)

    async def _shown_elsewhere(self, due: DueLook) -> Entry | None:
        """The row of its list that shows the document at another address, and none at the one where it is missing: a list
        that was believed while it named wrong addresses leaves such ones behind."""
        unit, names = self.deps.sources.get(due.document.sources[0]), set(due.document.aliases)
        places: dict[str, Entry] = {}
        with suppress(ReadFailed):
            rows = await self._rows_of(unit, lambda row: not names.isdisjoint(row.aliases)) if unit else []
            places = {canonical_url(row.url): row for row in rows if row.url and not row.withdrawn}
        return None if canonical_url(due.entry.url) in places else next(iter(places.values()), None)

    async def _follow(self, due: DueLook, shown: Entry) -> None:
        """The document is looked at where its list shows it."""
        look = replace(due.look, due=self.deps.now, validators=Validators(), gone=None, tries=0, note="")
        reading = Reading(
            aliases=tuple(dict.fromkeys((*due.document.aliases, *shown.aliases))),
            source=due.document.sources[0],
            at=self.deps.now,
            document=due.document.id,
            title=due.document.title,
            url=due.document.url,
            published=due.document.published,
            look=look,
            error=self.deps.clock.error or 0.0,
            entry=shown,
            judged=(due.document.id, due.document.latest),
        )
        self._gone.pop(due.document.id, None)
        await self._recorded(reading)
        self.deps.log.info("followed", document=due.document.id, title=due.document.title, url=shown.url)

    async def _others_stand(self, due: DueLook) -> bool:
        """Whether other pages of the source are still there: where none of a few is, the source moved or is broken."""
        source = due.document.sources[0] if due.document.sources else ""
        unit = self.deps.sources.get(source)
        others = await self.deps.store.siblings(source, due.document.id, OTHERS) if unit else []
        for entry in others:
            with suppress(ReadFailed):
                if unit and _is_there(await unit.client.get(entry.url)):
                    return True
        gone, _ = await self.deps.store.gone_recently(source, self.deps.now - timedelta(days=30))
        return not others and gone <= 1

    async def _mass_gone(self, due: DueLook) -> bool:
        source = due.document.sources[0] if due.document.sources else ""
        gone, live = await self.deps.store.gone_recently(source, self.deps.now - timedelta(days=1))
        return gone > max(GONE_FEW, GONE_SHARE * live)


def _with_known(fetched: Fetched, links: Sequence[AttachmentLink], known: Sequence[Media]) -> Fetched:
    """With the files that are known and can't be had just now: that their server is down is no word of the document's."""
    if fetched.retry is None:
        return fetched
    files = {media.url: media for media in (*known, *fetched.media)}
    return replace(fetched, media=tuple(files[url] for url in dict.fromkeys(link.url for link in links) if url in files))


def _undated(entry: Entry) -> int:
    """A print of what an entry says. A date that was absurd by a clock that was wrong then is one by a clock that is right."""
    return fingerprint(replace(entry, published=None, updated=None))


def _sure_after(unit: SourceUnit) -> float:
    return min(SURE_AFTER, unit.habits.every)


def _is_there(answer: Answer) -> bool:
    return answer.status in (200, 304)


def _is_stale(first: datetime | None, now: datetime) -> bool:
    """True when there is no earlier sighting, or one whose distance only a clock that jumped can explain."""
    return first is None or not timedelta(0) <= now - first < timedelta(days=30)


def _believable(first: datetime | None, now: datetime, apart: timedelta) -> bool:
    return first is not None and now - first >= apart


def _judge(answer: Answer, now: datetime) -> None:
    if answer.status == 200:
        return
    raise refusal(answer, "the page is tried again, ever later; open it in a browser if this stays", now)


def _at_the_same_source(url: str, before: str) -> str:
    """A document's new address. Raises ReadFailed("moved_away") for one at another host: that is not this source's to tell."""
    if canonical_url(url).partition("/")[0] != canonical_url(before).partition("/")[0]:
        hint = "look at the new address; if the document goes on there, watch that source too"
        raise ReadFailed("moved_away", f"its page says that it is at {url} now", hint=hint, where=before)
    return url


def _aliases(source: str, entry: Entry, content: Content) -> tuple[str, ...]:
    """All names of the document, those of its own page first, its former address among them. The title that its list
    displays counts like its own where issuer and 成文日期 are known: elsewhere the one may be shown as the other."""
    own, displayed = (
        aliases(
            source,
            entry.key,
            url=entry.url,
            title=title,
            issuer=content.issuer,
            number=content.document_number,
            index=content.index_number,
            written=content.written,
        )
        for title in (content.title, entry.title)
    )
    moved = aliases(source, "", url=content.url) if content.url != entry.url else ()
    return tuple(dict.fromkeys((*own, *displayed, *moved, *entry.aliases)))


def _told_by(source: str, published: Instant | None) -> Instant | None:
    return published and replace(published, source=source)
