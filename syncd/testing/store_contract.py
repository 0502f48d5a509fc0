"""The contract of a store as tests: subclass StoreContract with a fixture `make_store` and every promise is checked."""

# ruff: noqa: PT018 - these are tests, kept where plug-ins can import them

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from syncd.core.identity import alias_hash, entry_key
from syncd.core.repost import overdue
from syncd.errors import Stale, StoreError
from syncd.model import (
    Bond,
    Content,
    Entry,
    Event,
    Finding,
    Form,
    Hold,
    Hop,
    Instant,
    Intent,
    IntentKind,
    Media,
    PostAs,
    Precision,
    Relation,
    RemoteRef,
    RemoteState,
    Repost,
    Revision,
)
from syncd.store.api import Filter, Look, Pending, Poll, Reading, ReadSpan, Recorded, Sighting, SourceRow, Store
from syncd.web.api import Validators

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
"""A Monday morning in Beijing."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Make = Callable[[], Awaitable[Store]]
Scene = Callable[[Store], Awaitable[None]]


def content(
    title: str = "国务院办公厅关于印发方案的通知", text: str = "各省、自治区、直辖市人民政府：", **more: object
) -> Content:
    """A document's content."""
    made = Content(title, f"<p>{text}</p>", text, "https://www.example.cn/1.htm", issuer="国务院办公厅")
    return replace(made, **more)  # type: ignore[arg-type]


def revision(text: str = "正文", *, at: datetime = NOW, **more: object) -> Revision:
    """A revision whose hash follows its text, as record_reading takes it: the store gives its document and n."""
    made = Revision(0, 0, f"1:{text}", content(text=text), at, reason="new")
    return replace(made, **more)  # type: ignore[arg-type]


def reading(*aliases: str, text: str = "正文", source: str = "甲", at: datetime = NOW, **more: object) -> Reading:
    """A first reading of a document."""
    made = Reading(
        aliases,
        source,
        at,
        title="国务院办公厅关于印发方案的通知",
        url="https://www.example.cn/1.htm",
        sighted=at - HOUR,
        missed=at - 2 * HOUR,
        revision=revision(text, at=at),
        look=Look(at + HOUR, Validators(b'"e"')),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def pending(key: str = "guid-1", *, source: str = "甲", **more: object) -> Pending:
    """An entry that waits to be read."""
    entry = Entry(key, "关于印发方案的通知", f"https://www.example.cn/{key}", aliases=(f"guid:{source}:{key}",))
    return replace(Pending(0, source, entry, "new", NOW, NOW, NOW - HOUR), **more)  # type: ignore[arg-type]


def repost(document: int, site: str = "县", **more: Any) -> Repost:
    """A repost as routing makes it."""
    made = Repost(0, document, "甲", site, "甲 -> 县", "国务院文件", f"syncd-{document}-{site}", NOW, NOW, wanted=1)
    return replace(made, **more)


def event(kind: str, at: datetime = NOW, **more: object) -> Event:
    return replace(Event(kind, Instant(at)), **more)  # type: ignore[arg-type]


async def routed(
    store: Store, document: int, *reposts: Repost, n: int = 1, events: Sequence[Event] = ()
) -> list[Repost]:
    """Record a routing and return the document's reposts as stored, in order of id."""
    await store.record_routing(document, n, 1, reposts, events)
    found = await store.reposts(Filter())
    return sorted((r for r, d in found if d.id == document), key=lambda r: r.id)


async def posted(store: Store, stored: Repost) -> Repost:
    """The repost as if it had been sent and seen."""
    ref = RemoteRef(str(stored.id), f"https://county.example/{stored.id}", "v1")
    return await store.save(replace(stored, approved=1, sent=1, seen=1, ref=ref, due=NOW + DAY))


def _old(text: str = "旧", *, aliases: tuple[str, ...] = (), **more: object) -> Reading:
    """A reading of a document that others may bear on."""
    named = aliases or ("number:国办发〔2020〕9号", "url:example.cn/old.htm")
    title = "国务院办公厅关于旧事的通知"
    told = Revision(0, 0, f"1:{text}", content(title, text), NOW, reason="new")
    return reading(*named, **({"title": title, "revision": told} | more))  # type: ignore[arg-type]


def _told(*relations: Relation, names: tuple[str, ...] = ("number:新一",), number: str = "国发〔2026〕1号") -> Reading:
    """A reading of a document that bears on others."""
    title = "国务院关于新事的通知"
    said = content(title, document_number=number, written="2026-02-27", relations=relations)
    told = Revision(0, 0, f"1:{names}{relations}", said, NOW, reason="new")
    return reading(*names, title=title, revision=told)


class StoreContract:
    """What any store promises. A subclass gives `make_store`: a coroutine function that opens an empty database.

    own_tool: what copies this database, when it is not the store's own `backup`.
    """

    own_tool = ""

    @pytest.fixture
    def make_store(self) -> Make:
        raise NotImplementedError("a subclass says which database")

    @pytest.fixture
    def play(self, make_store: Make) -> Callable[[Scene], None]:
        """Runs a scene with an open store and closes it."""

        async def scene_with_store(scene: Scene) -> None:
            store = await make_store()
            try:
                await scene(store)
            finally:
                await store.aclose()

        return lambda scene: asyncio.run(scene_with_store(scene))

    # ---- sources and their lists

    def test_sources_are_made_once_and_the_generation_grows_only_with_the_config(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            assert await store.configure(["甲", "乙"], "one", NOW) == 1
            assert await store.configure(["甲", "乙"], "one", NOW + DAY) == 1
            assert await store.configure(["乙", "丙"], "two", NOW + DAY) == 2
            assert {row.name: row.due for row in await store.sources()} == {"乙": NOW, "丙": NOW + DAY}
            assert [row.name for row in await store.sources() if row.due <= NOW] == ["乙"]

        play(scene)

    def test_a_sources_memory_comes_back_whole(self, play: Callable[[Scene], None]) -> None:
        row = SourceRow(
            "甲",
            NOW + HOUR,
            Validators(b'W/"\xff"', b"Mon, 02 Mar 2026 01:00:00 GMT"),
            "abc",
            NOW,
            NOW - DAY,
            25,
            0,
            "",
            "",
            "{}",
            300.5,
            NOW,
            True,
            86400.25,
            12345,
            7,
            alarm="list_cut",
            alarm_hint="it shows half as many",
            first_page=24,
            shape=(("@url", 100), ("TITLE", 99)),
            canaries=("关于甲的通知", "关于乙的通知"),
        )

        async def scene(store: Store) -> None:
            await store.configure(["甲"], "one", NOW)
            await store.record_poll(Poll(row, at=NOW))
            assert await store.sources() == [row]

        play(scene)

    def test_a_due_that_only_a_wrong_clock_can_have_written_counts_as_now(self, play: Callable[[Scene], None]) -> None:
        later = NOW + 365 * DAY

        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", later), pending=(pending(due=later),), at=NOW))
            found = await store.record_reading(reading("number:1", look=Look(later)))
            [stored] = await routed(store, found.document.id, repost(found.document.id, due=later))
            assert len(await store.due_pending(NOW, 9)) == 1
            assert len(await store.due_looks(NOW, 9)) == 1
            assert [work.repost.id for work in await store.due_reposts(NOW, 9)] == [stored.id]

        play(scene)

    @pytest.mark.guarantee(1)
    def test_entries_and_validators_of_a_poll_come_back_together(self, play: Callable[[Scene], None]) -> None:
        seen = Sighting(11, 5, (21, 22))
        row = SourceRow("甲", NOW, Validators(b'"v2"'), good=NOW)

        async def scene(store: Store) -> None:
            await store.record_poll(Poll(row, (seen,), (pending(),), ("县", "市"), "e" * 64, NOW))
            known = await store.known("甲", [11, 12], [21, 23])
            assert dict(known.prints) == {11: 5} and dict(known.aliases) == {21: 0}
            assert (await store.sources())[0].validators.etag == b'"v2"'
            assert [p.entry.key for p in await store.due_pending(NOW, 9)] == ["guid-1"]
            assert await store.starts("甲") == {"县": NOW, "市": NOW}
            assert await store.referenced() == frozenset()

        play(scene)

    def test_a_key_belongs_to_one_source_and_a_start_line_is_never_moved(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), (Sighting(1, 5, ()),), start=("县",), at=NOW))
            await store.record_poll(Poll(SourceRow("乙", NOW), (Sighting(1, 6, ()),), start=("县",), at=NOW))
            await store.record_poll(Poll(SourceRow("甲", NOW), (Sighting(1, 7, ()),), start=("县",), at=NOW + DAY))
            assert dict((await store.known("甲", [1], [])).prints) == {1: 7}
            assert dict((await store.known("乙", [1], [])).prints) == {1: 6}
            assert await store.starts("甲") == {"县": NOW}
            assert dict((await store.known("未", [1], [])).prints) == {}

        play(scene)

    def test_ten_thousand_keys_are_found_again(self, play: Callable[[Scene], None]) -> None:
        seen = tuple(Sighting(k * 7919 - 2**62, k, (k - 2**63,)) for k in range(10_000))

        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), seen, at=NOW))
            known = await store.known("甲", [s.key for s in seen], [s.aliases[0] for s in seen])
            assert known.prints == {s.key: s.print for s in seen}
            assert len(known.aliases) == len(seen)

        play(scene)

    def test_an_unchanged_stretch_is_one_line_of_the_journal(self, play: Callable[[Scene], None]) -> None:
        good = SourceRow("甲", NOW)

        async def scene(store: Store) -> None:
            at = NOW
            for minute in range(0, 60, 5):
                at = NOW + timedelta(minutes=minute)
                await store.journal([replace(good, good=at, reads=minute)], at)
            assert await store.reads("甲", NOW) == [ReadSpan(NOW, at, 12, "")]
            await store.journal([replace(good, good=at, reason="timeout", reads=99)], at + timedelta(minutes=5))
            failed = at + timedelta(minutes=5)
            assert (await store.reads("甲", NOW))[-1] == ReadSpan(failed, failed, 1, "timeout")

        play(scene)

    def test_a_span_of_the_journal_never_bridges_time_in_which_nobody_looked(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            await store.journal([SourceRow("甲", NOW, good=NOW)], NOW)
            await store.journal([SourceRow("甲", NOW, good=NOW + DAY)], NOW + DAY)
            await store.journal([SourceRow("甲", NOW, good=NOW + DAY + HOUR / 10)], NOW + DAY + HOUR / 10)
            assert await store.prune(journal_before=NOW + HOUR, content_before=NOW) == (1, 0)
            assert await store.reads("甲", NOW) == [ReadSpan(NOW + DAY, NOW + DAY + HOUR / 10, 2, "")]

        play(scene)

    def test_a_read_that_is_journaled_late_does_not_turn_a_source_back(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW, Validators(b'"new"'), reads=8), at=NOW))
            await store.journal([SourceRow("甲", NOW, Validators(b'"old"'), good=NOW - HOUR, reads=7)], NOW)
            assert (await store.sources())[0].validators.etag == b'"new"'

        play(scene)

    # ---- entries that wait to be read

    def test_an_entry_that_waits_comes_back_whole_and_can_be_put_off(self, play: Callable[[Scene], None]) -> None:
        entry = Entry(
            "guid",
            "标题\u3000甲",
            "https://e.cn/1",
            Instant(NOW, Precision.DAY, "2026-03-02", "Asia/Shanghai", "config", "list", 1.5),
            categories=("农业", "财政"),
            aliases=("number:国发〔2026〕1号",),
            summary="\x00<p>",
            withdrawn=True,
        )

        async def scene(store: Store) -> None:
            asked = pending(entry=entry, document=3, backfill=True, held="")
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(asked,), at=NOW))
            [stored] = await store.due_pending(NOW, 9)
            assert stored == replace(asked, id=stored.id)
            await store.defer(replace(stored, due=NOW + HOUR, tries=2, reason="timeout", hint="wait"))
            assert await store.due_pending(NOW, 9) == []
            [put_off] = await store.due_pending(NOW + HOUR, 9)
            assert (put_off.tries, put_off.reason, put_off.hint) == (2, "timeout", "wait")

        play(scene)

    def test_an_entry_that_changes_while_it_waits_is_read_once(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(),), at=NOW))
            newer = pending(change="changed", sighted=NOW + HOUR, due=NOW + HOUR)
            newer = replace(newer, entry=replace(newer.entry, title="更正"))
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(newer,), at=NOW + HOUR))
            [stored] = await store.pendings()
            assert (stored.entry.title, stored.change, stored.sighted) == ("更正", "new", NOW)

        play(scene)

    @pytest.mark.guarantee(1)
    def test_an_entry_that_is_renewed_while_it_is_read_is_read_again(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(),), at=NOW))
            [waiting] = await store.pendings()
            newer = replace(pending().entry, title="更正")
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(entry=newer),), at=NOW))
            await store.record_reading(reading("number:1", pending=waiting.id, entry=waiting.entry))
            [left] = await store.pendings()
            assert left.entry == newer
            await store.record_reading(reading("number:1", pending=waiting.id, entry=newer, at=NOW + HOUR))
            assert await store.pendings() == []

        play(scene)

    def test_text_that_no_database_takes_is_stored_without_it(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            broken = replace(pending().entry, key="k\ud800", title="坏\udfff字")
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(entry=broken),), at=NOW))
            assert (await store.pendings())[0].entry.title == "坏?字"

        play(scene)

    def test_text_with_nul_bytes_is_found_again_with_or_without_them_and_harms_nothing(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            entry = Entry("k\0", "标\0题", "https://www.example.cn/\0", aliases=("guid:甲:k\0",))
            waiting = pending(entry=entry, source="源\0", reason="\0", hint="\0")
            await store.record_poll(Poll(SourceRow("源\0", NOW), (), (waiting,), ("县\0",), "\0", NOW))
            assert [p.entry.title for p in await store.pendings()] == ["标\0题"]
            assert len(await store.starts("源\0")) == 1
            assert await store.due_pending(NOW, 9) == await store.pendings()
            text = revision("一\0二", reason="new\0", content=content("标\0题", "一\0二"))
            found = await store.record_reading(reading("number:\0", source="源\0", revision=text))
            assert (await store.revision(found.document.id, 1)).content == text.content
            [stored] = await routed(store, found.document.id, repost(found.document.id, "县\0", reason="\0"))
            await store.save(stored, [event("parked", reason="\0", detail={"\0": "\0"})])
            assert [r.site for r, _ in await store.reposts(Filter(site="县\0"))] in (["县"], ["县\0"])
            assert (await store.story(stored.id)).events[-1].detail == {"\0": "\0"}
            await store.put("n\0", "a\0b")
            assert await store.get("n\0") == "ab"
            assert await store.scrub(100) == []

        play(scene)

    def test_held_entries_wait_for_a_person(self, play: Callable[[Scene], None]) -> None:
        held = tuple(pending(f"g{n}", held="flood", due=NOW - DAY) for n in range(3))

        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=held, at=NOW))
            assert await store.due_pending(NOW, 9) == []
            assert len(await store.pendings(held=True)) == 3 and await store.pendings(held=False) == []
            assert (await store.counts()).held == 3
            assert await store.release("甲", drop=False, now=NOW) == 3
            assert len(await store.due_pending(NOW, 9)) == 3
            assert not (await store.sources())[0].accept

        play(scene)

    def test_a_held_entry_stays_held_when_its_list_shows_it_changed(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(held="flood"),), at=NOW))
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(change="changed"),), at=NOW))
            assert await store.due_pending(NOW, 9) == []
            await store.release("甲", drop=False, now=NOW)
            assert [p.change for p in await store.due_pending(NOW, 9)] == ["new"]

        play(scene)

    def test_dropped_entries_are_known_and_never_read(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(held="flood"),), at=NOW))
            assert await store.release("甲", drop=True, now=NOW) == 1
            assert await store.pendings() == []
            alias = alias_hash("guid:甲:guid-1")
            assert dict((await store.known("甲", [], [alias])).aliases) == {alias: 0}

        play(scene)

    def test_a_held_entry_that_its_list_took_back_is_as_if_it_had_never_been_shown(
        self, play: Callable[[Scene], None]
    ) -> None:
        held, due = pending(held="identity_storm"), pending("guid-2")
        keys = [entry_key("甲", p.entry.key) for p in (held, due)]

        async def scene(store: Store) -> None:
            seen = tuple(Sighting(key, 1, ()) for key in keys)
            await store.record_poll(Poll(SourceRow("甲", NOW), seen, (held, due), at=NOW))
            ids = tuple(p.id for p in await store.pendings())
            await store.record_poll(Poll(SourceRow("甲", NOW), at=NOW, over=(*ids, 999)))
            assert [p.entry.key for p in await store.pendings()] == ["guid-2"]
            found = await store.known("甲", keys, [alias_hash("guid:甲:guid-1")])
            assert (list(found.prints), dict(found.aliases)) == ([keys[1]], {})

        play(scene)

    def test_with_nothing_held_a_release_makes_the_next_read_accepted(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.configure(["甲"], "one", NOW + DAY)
            assert await store.release("甲", drop=False, now=NOW) == 0
            [row] = await store.sources()
            assert row.accept and row.due == NOW

        play(scene)

    # ---- documents and their revisions

    def test_a_first_reading_makes_a_document_with_its_first_revision(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(),), at=NOW))
            [waiting] = await store.pendings()
            found = await store.record_reading(
                reading(
                    "number:国办发〔2026〕1号",
                    "guid:甲:g",
                    pending=waiting.id,
                    published=Instant(NOW, error=2.0),
                    error=0.5,
                )
            )
            document = found.document
            assert found.revised and document.latest == 1 and document.sources == ("甲",)
            assert (document.detected, document.missed) == (NOW - HOUR, NOW - 2 * HOUR)
            assert document.published == Instant(NOW, error=2.0)
            assert document == await store.document(document.id)
            stored = await store.revision(document.id, 1)
            assert stored == replace(revision(), document=document.id, n=1)
            assert await store.pendings() == []
            [look] = await store.due_looks(NOW + HOUR, 9)
            assert look.entry == waiting.entry and look.look.validators.etag == b'"e"' and look.revised == (NOW,)

        play(scene)

    def test_the_same_content_is_no_revision_and_a_return_to_old_content_is_one(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            told = [
                (await store.record_reading(reading("number:1", text=text, at=NOW + n * HOUR)))
                for n, text in enumerate("AABAB")
            ]
            assert [found.revised for found in told] == [True, False, True, True, True]
            assert [found.document.latest for found in told] == [1, 1, 2, 3, 4]
            [document] = await store.find_documents(["number:1"])
            assert [(await store.revision(document.id, n)).hash for n in (1, 2, 3, 4)] == ["1:A", "1:B", "1:A", "1:B"]

        play(scene)

    def test_a_withdrawal_is_a_revision_with_the_last_content_and_so_is_the_return(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            first = await store.record_reading(reading("number:1"))
            gone = revision(withdrawn=True, reason="tombstone")
            withdrawn = await store.record_reading(reading("number:1", revision=gone, at=NOW + HOUR))
            again = await store.record_reading(reading("number:1", revision=gone, at=NOW + 2 * HOUR))
            back = await store.record_reading(reading("number:1", at=NOW + 3 * HOUR))
            assert withdrawn.document.withdrawn and withdrawn.document.latest == 2 and not again.revised
            assert not back.document.withdrawn and back.document.latest == 3
            assert (await store.revision(first.document.id, 2)).withdrawn

        play(scene)

    def test_the_earliest_publication_is_kept_and_told_as_finely_as_anybody_did(
        self, play: Callable[[Scene], None]
    ) -> None:
        day = Instant(datetime(2026, 3, 1, 16, tzinfo=UTC), Precision.DAY, "2026-03-02")
        minute = Instant(datetime(2026, 3, 2, 1, 30, tzinfo=UTC), Precision.MINUTE)
        late = Instant(NOW + DAY)

        async def scene(store: Store) -> None:
            for n, (told, kept) in enumerate(
                [(late, late), (day, day), (minute, minute), (day, minute), (late, minute), (None, minute)]
            ):
                found = await store.record_reading(reading("number:1", published=told, at=NOW + n * HOUR))
                assert found.document.published == kept, n

        play(scene)

    def test_a_document_in_a_second_source_is_the_same_document(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            first = await store.record_reading(reading("number:1", "url:a"))
            second = await store.record_reading(reading("number:1", "url:b", source="乙", at=NOW + HOUR))
            assert second.document.id == first.document.id
            assert second.document.sources == ("甲", "乙") and second.document.aliases == ("number:1", "url:b", "url:a")
            [found] = await store.unrouted(1, 9)
            assert found.sightings == (("甲", NOW - HOUR), ("乙", NOW))
            assert (await store.find_documents(["url:b", "url:a"]))[0].id == first.document.id
            told = (await store.story((await routed(store, found.document.id, repost(found.document.id)))[0].id)).events
            assert [(e.kind, e.detail.get("source")) for e in told if e.kind == "sighted"] == [
                ("sighted", "甲"),
                ("sighted", "乙"),
            ]

        play(scene)

    def test_an_alias_of_an_old_row_gets_its_document_when_it_is_read(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            alias = alias_hash("url:a")
            await store.record_poll(Poll(SourceRow("甲", NOW), (Sighting(1, 1, (alias,)),), at=NOW))
            found = await store.record_reading(reading("url:a", backfill=True))
            assert dict((await store.known("甲", [], [alias])).aliases) == {alias: found.document.id}
            assert found.document.backfill

        play(scene)

    def test_two_documents_that_share_an_address_but_not_a_number_stay_two(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            one = await store.record_reading(reading("number:1", "url:a"))
            two = await store.record_reading(reading("number:2", "url:b"))
            read = await store.record_reading(reading("number:2", "url:a", at=NOW + HOUR))
            assert read.document.id == two.document.id != one.document.id
            alias = alias_hash("url:a")
            assert dict((await store.known("甲", [], [alias])).aliases) == {alias: one.document.id}

        play(scene)

    @pytest.mark.guarantee(3)
    def test_what_was_judged_by_an_older_state_of_the_document_is_refused_and_stays_to_be_read(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            first = await store.record_reading(reading("number:1", judged=(0, 0)))
            id = first.document.id
            for judged in ((0, 0), (id, 0), (id, 2)):
                with pytest.raises(Stale):
                    await store.record_reading(reading("number:1", text="other", judged=judged))
            assert (await store.document(id)).latest == 1
            later = await store.record_reading(reading("number:1", text="other", judged=(id, 1)))
            assert later.document.latest == 2

        play(scene)

    @pytest.mark.guarantee(3)
    def test_what_another_source_says_of_a_document_that_turns_out_to_be_known_is_no_correction_of_it(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            copy = reading("url:b", "url:a", source="乙", text="copy", document=two.document.id)
            found = await store.record_reading(replace(copy, judged=(two.document.id, 1)))
            assert (found.document.id, found.document.latest, found.revised) == (one.document.id, 1, False)

        play(scene)

    # ---- merging

    async def _two(self, store: Store) -> tuple[Recorded, Recorded]:
        """Two documents of which a later reading says that they are one."""
        one = await store.record_reading(reading("url:a"))
        two = await store.record_reading(reading("url:b", source="乙", at=NOW + HOUR))
        return one, two

    @pytest.mark.guarantee(2)
    def test_of_two_documents_that_are_one_the_older_stays_and_takes_the_names(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            found = await store.record_reading(
                reading("number:1", "url:b", "url:a", source="乙", document=two.document.id)
            )
            assert found.document.id == one.document.id and found.merged == ()
            assert found.document.sources == ("甲", "乙") and set(found.document.aliases) == {
                "number:1",
                "url:a",
                "url:b",
            }
            assert [d.id for d in await store.find_documents(["url:b"])] == [one.document.id]
            assert [r.document.id for r in await store.unrouted(9, 9)] == [one.document.id]
            assert (await store.counts()).documents == 1
            later = await store.record_reading(reading("url:c", document=two.document.id, at=NOW + DAY))
            assert later.document.id == one.document.id

        play(scene)

    @pytest.mark.guarantee(1)
    def test_a_look_that_ends_after_its_document_was_merged_leaves_nothing_behind(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            await store.record_reading(reading("url:b", "url:a", source="乙", document=two.document.id))
            await store.record_look(two.document.id, Look(NOW))
            assert [due.document.id for due in await store.due_looks(NOW + DAY, 9)] == [one.document.id]

        play(scene)

    @pytest.mark.guarantee(2)
    def test_an_unsent_repost_of_the_later_document_goes_when_the_site_has_one_and_moves_when_not(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            [kept] = await routed(store, one.document.id, repost(one.document.id))
            doomed, moving = await routed(
                store, two.document.id, repost(two.document.id), repost(two.document.id, "市")
            )
            found = await store.record_reading(reading("url:b", "url:a", at=NOW + DAY))
            assert found.merged == ()
            rows = {r.id: r for r, _ in await store.reposts(Filter())}
            assert sorted(rows) == [kept.id, moving.id]
            moved = rows[moving.id]
            assert (moved.document, moved.wanted, moved.key) == (one.document.id, 0, moving.key)
            with pytest.raises(Stale):
                await store.save(doomed)

        play(scene)

    @pytest.mark.guarantee(2)
    def test_a_sent_repost_of_the_later_document_is_parked_when_the_site_has_two(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            [first] = await routed(store, one.document.id, repost(one.document.id))
            await posted(store, first)
            [sent] = await routed(store, two.document.id, repost(two.document.id))
            await posted(store, sent)
            found = await store.record_reading(reading("url:b", "url:a", at=NOW + DAY))
            assert found.merged == (sent.id,)
            assert (await store.repost(first.id)).hold is None
            story = await store.story(sent.id)
            assert story.repost.hold and (story.repost.hold.reason, story.repost.hold.revision) == (
                "same_document",
                None,
            )
            assert story.repost.sent == 1 and story.document.id == two.document.id
            assert story.events[-1].kind == "parked"
            assert (await store.counts()).attention == 1

        play(scene)

    @pytest.mark.guarantee(2)
    def test_a_sent_repost_of_the_later_document_moves_when_it_is_the_only_one_on_its_site(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            [sent] = await routed(store, two.document.id, repost(two.document.id))
            shown = await posted(store, sent)
            found = await store.record_reading(reading("url:b", "url:a", at=NOW + DAY))
            assert found.merged == ()
            [routable] = await store.unrouted(9, 9)
            [moved] = routable.reposts
            assert (moved.id, moved.document, moved.ref, moved.key) == (sent.id, one.document.id, shown.ref, sent.key)
            assert (moved.wanted, moved.approved, moved.sent, moved.seen, moved.hold) == (0, 0, 0, 0, None)

        play(scene)

    @pytest.mark.guarantee(2)
    def test_of_two_reposts_on_a_site_of_which_only_the_later_document_s_was_sent_that_one_stays(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            [unsent] = await routed(store, one.document.id, repost(one.document.id, hold=Hold("rejected", 1, "王")))
            [sent] = await routed(store, two.document.id, repost(two.document.id))
            shown = await posted(store, sent)
            found = await store.record_reading(reading("url:b", "url:a", at=NOW + DAY))
            assert found.merged == ()
            [(row, document)] = await store.reposts(Filter())
            assert (row.id, row.ref, row.wanted, document.id) == (sent.id, shown.ref, 0, one.document.id)
            assert row.hold == Hold("rejected", 1, "王"), "what a person said of the document holds for the row that stays"
            with pytest.raises(Stale):
                await store.save(unsent)

        play(scene)

    @pytest.mark.guarantee(2)
    def test_a_document_that_was_merged_is_found_through_all_that_it_was_merged_into(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            first, second, third = [await store.record_reading(reading(f"url:{n}")) for n in range(3)]
            await store.record_reading(reading("url:2", "url:1", at=NOW + HOUR))
            await store.record_reading(reading("url:1", "url:0", at=NOW + 2 * HOUR))
            assert (await store.document(third.document.id)).merged == second.document.id
            later = reading("url:new", document=third.document.id, at=NOW + DAY)
            assert (await store.record_reading(later)).document.id == first.document.id
            with pytest.raises(Stale):
                await store.record_reading(replace(later, judged=(third.document.id, 1)))

        play(scene)

    @pytest.mark.guarantee(2)
    def test_a_title_leads_to_the_document_of_a_source_that_alone_bears_it(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one = await store.record_reading(_old("一", title="通知一", aliases=("url:a",)))
            await store.record_reading(_old("二", title="通知二", aliases=("url:b",)))
            await store.record_reading(_old("三", title="通知二", aliases=("url:c",)))
            assert await store.titled("甲", ["通知一", "通知二", "通知三"]) == {"通知一": one.document.id}
            assert await store.titled("乙", ["通知一"]) == {}

        play(scene)

    @pytest.mark.guarantee(1)
    def test_two_documents_of_one_title_issuer_and_day_with_numbers_of_their_own_stay_two(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            one = await store.record_reading(reading("number:1", "title:t", "url:a"))
            two = await store.record_reading(reading("number:2", "title:t", "url:b"))
            assert one.document.id != two.document.id
            assert [d.id for d in await store.find_documents(["number:2", "title:t"])] == [two.document.id]
            assert [d.id for d in await store.find_documents(["number:3", "title:t"])] == []

        play(scene)

    def test_other_titles_are_kept_once_each_and_never_the_document_s_own(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            shown = ("两部门：印发方案", "国务院办公厅关于印发方案的通知 ", "两部门:印发方案")
            found = await store.record_reading(reading("number:1", names=shown))
            assert found.document.names == ("两部门:印发方案",)
            titled = reading("number:1", text="更正", title="关于印发新方案的通知", at=NOW + HOUR)
            later = await store.record_reading(titled)
            assert later.document.names == ("两部门:印发方案", "国务院办公厅关于印发方案的通知")

        play(scene)

    # ---- what documents say of each other

    @pytest.mark.guarantee(1)
    @pytest.mark.parametrize(
        "relation",
        [
            Relation(Bond.REPEALS, number="国办发[2020]9号"),
            Relation(Bond.REPEALS, url="http://m.example.cn/old.htm", title="别的标题"),
            Relation(Bond.REPEALS, title="国务院办公厅关于旧事的通知"),
        ],
    )
    def test_a_document_is_marked_by_what_another_says_of_it_whichever_was_read_first(
        self, play: Callable[[Scene], None], relation: Relation
    ) -> None:
        async def scene(store: Store) -> None:
            first = await store.record_reading(_told(relation, names=("number:新一",)))
            assert first.marked == ()
            old = await store.record_reading(_old())
            [notice] = (await store.revision(old.document.id, 1)).content.notices
            assert (notice.bond, notice.number, notice.title) == (Bond.REPEALS, "国发〔2026〕1号", "国务院关于新事的通知")
            again = await store.record_reading(_told(relation, names=("number:新二",), number="国发〔2026〕2号"))
            assert again.marked == (old.document.id,)
            marked = await store.revision(old.document.id, 2)
            assert (marked.reason, marked.hash) == ("marked", "1:旧") and len(marked.content.notices) == 2
            assert old.document.id in {r.document.id for r in await store.unrouted(9, 9)}

        play(scene)

    def test_marks_stay_over_later_revisions_and_no_look_takes_them_for_a_change(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            old = await store.record_reading(_old())
            await store.record_reading(_told(Relation(Bond.AMENDS, number="国办发〔2020〕9号")))
            same = await store.record_reading(replace(_old(), document=old.document.id, at=NOW + HOUR))
            assert (same.revised, same.document.latest) == (False, 2)
            other = await store.record_reading(_old("改", document=old.document.id, at=NOW + 2 * HOUR))
            assert other.document.latest == 3 and other.revision is not None
            assert [n.bond for n in other.revision.content.notices] == [Bond.AMENDS]

        play(scene)

    def test_a_mark_goes_with_the_document_that_told_it_or_when_it_says_so_no_more(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            old = await store.record_reading(_old())
            relation = Relation(Bond.REPEALS, number="国办发〔2020〕9号")
            teller = await store.record_reading(_told(relation))
            assert teller.revision is not None
            gone = replace(teller.revision, withdrawn=True)
            taken = reading("number:新一", document=teller.document.id, at=NOW + DAY)
            assert (await store.record_reading(replace(taken, revision=gone))).marked == (old.document.id,)
            assert (await store.revision(old.document.id, 3)).content.notices == ()
            assert (await store.record_reading(replace(_told(relation), at=NOW + 2 * DAY))).marked == (old.document.id,)
            silent = replace(gone, withdrawn=False, hash="1:silent", content=content("国务院关于新事的通知"))
            assert (await store.record_reading(replace(taken, revision=silent))).marked == (old.document.id,)
            assert (await store.revision(old.document.id, 5)).content.notices == ()

        play(scene)

    def test_a_title_that_two_documents_bear_marks_neither_and_an_interpretation_marks_nothing(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            await store.record_reading(_old())
            await store.record_reading(_old("又", aliases=("number:国办发〔2021〕9号", "url:example.cn/2.htm")))
            by_title = Relation(Bond.REPEALS, title="国务院办公厅关于旧事的通知")
            assert (await store.record_reading(_told(by_title))).marked == ()
            explains = Relation(Bond.INTERPRETS, number="国办发〔2020〕9号")
            assert (await store.record_reading(_told(explains, names=("number:解",)))).marked == ()

        play(scene)

    def test_a_document_that_bears_on_itself_is_not_marked(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            own = Relation(Bond.REPEALS, number="新一")
            found = await store.record_reading(_told(own, names=("number:新一",)))
            assert found.revision is not None and found.revision.content.notices == ()

        play(scene)

    def test_relations_are_told_both_ways_with_the_documents_that_are_known(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            old = await store.record_reading(_old())
            unknown = Relation(Bond.REPEALS, number="国办发〔1999〕1号")
            teller = await store.record_reading(_told(Relation(Bond.INTERPRETS, number="国办发〔2020〕9号"), unknown))
            [of_old] = await routed(store, old.document.id, repost(old.document.id))
            [of_teller] = await routed(store, teller.document.id, repost(teller.document.id))
            [told] = (await store.story(of_old.id)).related
            assert (told.bond, told.way, told.document) == (Bond.INTERPRETS, "told", teller.document.id)
            tells = (await store.story(of_teller.id)).related
            assert [(r.bond, r.way, r.document) for r in tells] == [
                (Bond.INTERPRETS, "tells", old.document.id),
                (Bond.REPEALS, "tells", 0),
            ]

        play(scene)

    def test_what_a_merged_document_said_is_said_by_the_one_that_stays(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            old = await store.record_reading(_old())
            relation = Relation(Bond.REPEALS, number="国办发〔2020〕9号")
            one = await store.record_reading(_told(relation, names=("url:a",)))
            two = await store.record_reading(_told(relation, names=("url:b",), number="国发〔2026〕2号"))
            assert len((await store.revision(old.document.id, 3)).content.notices) == 2
            both = reading("url:a", "url:b", document=two.document.id, judged=(two.document.id, 1), at=NOW + DAY)
            merged = await store.record_reading(both)
            assert (merged.document.id, merged.marked) == (one.document.id, (old.document.id,))
            [notice] = (await store.revision(old.document.id, 4)).content.notices
            assert notice.number == "国发〔2026〕1号"

        play(scene)

    # ---- merging, where a post may lie in the CMS

    @pytest.mark.guarantee(2)
    def test_a_repost_with_an_open_intent_is_parked_when_its_document_is_merged(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            _, two = await self._two(store)
            [stored] = await routed(store, two.document.id, repost(two.document.id, approved=1))
            await store.save(replace(stored, intent=Intent(1, IntentKind.CREATE, "p", NOW)))
            found = await store.record_reading(reading("url:b", "url:a", at=NOW + DAY))
            assert found.merged == (stored.id,)
            assert (await store.repost(stored.id)).hold is not None

        play(scene)

    # ---- looks

    def test_looks_are_due_in_order_and_keep_what_is_recorded(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            one, two = await self._two(store)
            assert [d.document.id for d in await store.due_looks(NOW + 2 * HOUR, 9)] == [
                one.document.id,
                two.document.id,
            ]
            look = Look(NOW + DAY, Validators(b"", b"x"), 3, NOW, 2, "flap")
            await store.record_look(one.document.id, look)
            assert [d.document.id for d in await store.due_looks(NOW + 2 * HOUR, 9)] == [two.document.id]
            [noted] = await store.notes()
            assert noted[0].id == one.document.id and noted[1] == look
            await store.record_reading(reading("url:a", at=NOW + DAY))
            assert await store.notes() == []

        play(scene)

    def test_what_is_gone_is_counted_by_source(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            ids = [(await store.record_reading(reading(f"url:{n}"))).document.id for n in range(5)]
            await store.record_look(ids[0], Look(NOW, gone=NOW))
            await store.record_look(ids[1], Look(NOW, gone=NOW - 2 * DAY))
            await store.record_reading(reading("url:2", revision=revision(withdrawn=True), at=NOW))
            assert await store.gone_recently("甲", NOW - DAY) == (2, 2)
            await store.record_look(ids[0], Look(NOW))
            assert await store.gone_recently("甲", NOW - DAY) == (1, 3)
            assert await store.gone_recently("乙", NOW - DAY) == (0, 0)

        play(scene)

    # ---- routing and reposts

    def test_a_new_revision_and_a_new_config_are_routed_once(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            await store.record_poll(Poll(SourceRow("甲", NOW), start=("县",), at=NOW))
            one = await store.record_reading(reading("number:1"))
            [found] = await store.unrouted(1, 9)
            assert found.document == one.document and found.revision.n == 1 and found.started == (("甲", "县", NOW),)
            await store.record_routing(one.document.id, 1, 1, [], [])
            assert await store.unrouted(1, 9) == [] and len(await store.unrouted(2, 9)) == 1
            await store.record_reading(reading("number:1", text="改", at=NOW + HOUR))
            assert [r.revision.n for r in await store.unrouted(1, 9)] == [2]

        play(scene)

    def test_a_routing_of_an_older_revision_does_not_count_for_a_newer_one(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            one = await store.record_reading(reading("number:1"))
            await store.record_reading(reading("number:1", text="改", at=NOW + HOUR))
            await store.record_routing(one.document.id, 1, 1, [], [])
            assert len(await store.unrouted(1, 9)) == 1

        play(scene)

    def test_new_revisions_are_routed_before_what_a_new_config_routes_again(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            ids = [(await store.record_reading(reading(f"number:{n}"))).document.id for n in range(3)]
            for id in ids[1:]:
                await store.record_routing(id, 1, 1, [], [])
            assert [r.document.id for r in await store.unrouted(2, 9)] == [ids[0], ids[2], ids[1]]

        play(scene)

    def test_a_repost_comes_back_whole(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            asked = repost(
                document,
                form=Form.LINK,
                post_as=PostAs.DRAFT,
                wanted=4,
                approved=3,
                sent=2,
                seen=1,
                finding=Finding.EDITED,
                hold=Hold("rejected", 4, "张三", "提示"),
                intent=Intent(3, IntentKind.UPDATE, "指纹", NOW),
                adopted=True,
                ref=RemoteRef("7", "https://县.example/7", "v", RemoteState.DRAFT, "李四"),
                print="p",
                stored="s",
                looks=2,
                tries=5,
                excused="backfill",
                reason="r",
                hint="h",
                due=NOW + timedelta(microseconds=1),
            )
            [stored] = await routed(store, document, asked)
            assert stored == replace(asked, id=stored.id) and stored == await store.repost(stored.id)

        play(scene)

    @pytest.mark.guarantee(2)
    def test_a_document_has_one_repost_a_site(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            await routed(store, document, repost(document))
            with pytest.raises(StoreError):
                await store.record_routing(document, 1, 2, [repost(document)], [])
            assert len(await store.reposts(Filter())) == 1 and await store.unrouted(1, 9) == []

        play(scene)

    def test_a_save_over_a_changed_row_is_refused_and_leaves_no_event(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            [stored] = await routed(store, document, repost(document))
            saved = await store.save(replace(stored, approved=1), [event("approved")])
            assert saved.version == stored.version + 1 and saved == await store.repost(stored.id)
            with pytest.raises(Stale):
                await store.save(replace(stored, approved=1), [event("rejected")])
            with pytest.raises(Stale):
                await store.record_routing(document, 1, 2, [stored, repost(document, "市")], [event("wanted")])
            assert len(await store.reposts(Filter())) == 1
            assert [e.kind for e in (await store.story(stored.id)).events] == ["sighted", "revised", "approved"]

        play(scene)

    def test_events_of_routing_belong_to_the_repost_of_their_site(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            told = [event("wanted", revision=1, detail={"site": site}) for site in ("市", "县")]
            county, city = await routed(store, document, repost(document), repost(document, "市"), events=told)
            events = await store.events([county.id, city.id])
            assert [e.detail["site"] for e in events[county.id] if e.repost] == ["县"]
            assert [e.detail["site"] for e in events[city.id] if e.repost] == ["市"]
            assert [e.kind for e in events[city.id]] == ["sighted", "revised", "wanted"]

        play(scene)

    def test_an_event_keeps_its_instant_with_its_error(self, play: Callable[[Scene], None]) -> None:
        at = Instant(NOW, Precision.MINUTE, "09:00", "+08:00", "explicit", "look outside", 3.25)

        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1", error=1.5))).document.id
            [stored] = await routed(store, document, repost(document))
            told = Event("seen", at, document, stored.id, 1, "张三", "visible", {"evidence": "f" * 64})
            await store.save(stored, [told])
            events = (await store.story(stored.id)).events
            assert events[-1] == told and events[0].at.error == 1.5

        play(scene)

    def test_due_reposts_are_those_that_are_overdue(self, play: Callable[[Scene], None]) -> None:
        dues = [NOW - DAY, NOW, NOW + HOUR, NOW + 3 * HOUR, NOW + 7 * DAY, NOW + 9 * DAY]
        whole = Hold("operator")

        async def scene(store: Store) -> None:
            rows = []
            for n, due in enumerate(dues):
                document = (await store.record_reading(reading(f"number:{n}"))).document.id
                sites = {
                    "动": repost(document, "动", approved=1, due=due),
                    "静": repost(document, "静", wanted=0, due=due),
                }
                rows += await routed(store, document, *sites.values(), repost(document, "停", hold=whole, due=due))
            due_ids = {work.repost.id for work in await store.due_reposts(NOW, 99)}
            assert due_ids == {row.id for row in rows if overdue(row, NOW)}
            assert len(due_ids) == 11

        play(scene)

    def test_fresh_reposts_come_before_the_backlog_and_a_closed_site_is_left_out(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            for n in range(3):
                document = (await store.record_reading(reading(f"number:{n}"))).document.id
                await routed(
                    store,
                    document,
                    repost(document, approved=1, tries=n // 2),
                    repost(document, "市", approved=1, tries=n // 2),
                )
            order = [(w.repost.document, w.repost.site) for w in await store.due_reposts(NOW, 99)]
            assert [document for document, _ in order] == [2, 2, 1, 1, 3, 3]
            assert len(await store.due_reposts(NOW, 2)) == 2
            assert {w.repost.site for w in await store.due_reposts(NOW, 99, skip_sites=["县"])} == {"市"}
            assert await store.due_reposts(NOW, 99, skip_sites=["县", "市", "省"]) == []

        play(scene)

    def test_of_a_closed_site_only_what_does_not_call_the_cms_is_taken_up(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            intent = Intent(1, IntentKind.UPDATE, "p", NOW)
            rows: list[dict[str, Any]] = [{"approved": 1}, {"approved": 1, "sent": 1}, {"intent": intent}]
            found = {}
            for n, more in enumerate(rows):
                document = (await store.record_reading(reading(f"number:{n}"))).document.id
                found[n] = (await routed(store, document, repost(document, **more)))[0].id
            assert [w.repost.id for w in await store.due_reposts(NOW, 9, skip_sites=["县"])] == [found[1]]
            assert len(await store.due_reposts(NOW, 9, skip_sites=["市"])) == 3

        play(scene)

    def test_work_carries_the_heads_that_plan_sees(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            await store.record_reading(reading("number:1", revision=revision(withdrawn=True), at=NOW + HOUR))
            await routed(
                store,
                document,
                repost(document, wanted=2, approved=1),
                repost(document, "市", wanted=1, approved=0),
                n=2,
            )
            county, city = sorted(await store.due_reposts(NOW, 9), key=lambda w: w.repost.id)
            assert (county.wanted.n, county.wanted.withdrawn, county.approved.n, county.approved.withdrawn) == (
                2,
                True,
                1,
                False,
            )
            assert (city.wanted.n, city.wanted.withdrawn, city.approved.n, city.approved.withdrawn) == (
                1,
                False,
                0,
                False,
            )

        play(scene)

    def test_unapproved_are_those_that_wait_and_are_not_held(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            rows: dict[str, dict[str, Any]] = {
                "等": {},
                "批": {"approved": 1},
                "停": {"hold": Hold("operator")},
                "拒": {"hold": Hold("no", 1)},
                "新": {"wanted": 2, "hold": Hold("no", 1)},
            }
            await routed(store, document, *[repost(document, site, **more) for site, more in rows.items()])
            assert [r.site for r in await store.unapproved(9)] == ["新", "等"]
            assert [r.site for r in await store.unapproved(1)] == ["新"]

        play(scene)

    def test_filters_let_through_what_they_say(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            ids = []
            for n in range(4):
                document = (await store.record_reading(reading(f"number:{n}"))).document.id
                more = {
                    "created": NOW + n * DAY,
                    "source": "乙" if n == 3 else "甲",
                    "hold": Hold("x") if n == 1 else None,
                }
                ids.append((await routed(store, document, repost(document, "市" if n == 2 else "县", **more)))[0].id)

            async def through(**asked: object) -> list[int]:
                return [ids.index(r.id) for r, _ in await store.reposts(Filter(**asked))]  # type: ignore[arg-type]

            assert await through() == [3, 2, 1, 0]
            assert await through(site="市") == [2] and await through(source="乙") == [3]
            assert await through(since=NOW + DAY, until=NOW + 2 * DAY) == [1]
            assert await through(attention=True) == [1] and await through(ids=(ids[0], ids[3])) == [3, 0]
            assert await through(limit=2, offset=1) == [2, 1]

        play(scene)

    def test_counts_count(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            await store.record_reading(reading("number:1", text="改", at=NOW + HOUR))
            await store.record_poll(
                Poll(SourceRow("甲", NOW), pending=(pending("a"), pending("b", held="flood")), at=NOW)
            )
            *_, done = await routed(
                store, document, repost(document), repost(document, "停", hold=Hold("x")), repost(document, "完")
            )
            await posted(store, done)
            counts = await store.counts()
            assert (counts.documents, counts.revisions, counts.reposts) == (1, 2, 3)
            assert (counts.open, counts.attention, counts.pending, counts.held) == (2, 1, 1, 1)

        play(scene)

    def test_what_is_not_there_says_so(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            for ask in (store.repost(9), store.document(9), store.revision(9, 1), store.story(9)):
                with pytest.raises(StoreError) as told:
                    await ask
                assert told.value.reason == "not_found" and told.value.hint

        play(scene)

    # ---- upkeep

    def test_small_values_are_kept(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            assert await store.get("stopped") == ""
            await store.put("stopped", "昨天")
            await store.put("stopped", "今天")
            assert await store.get("stopped") == "今天"
            await store.put("gap:乙", "一")
            await store.put("gap:甲", "二")
            await store.put("gap:丙", "")
            assert await store.values("gap:") == {"gap:乙": "一", "gap:甲": "二"}

        play(scene)

    def test_pruning_drops_superseded_bodies_of_documents_at_rest_only(self, play: Callable[[Scene], None]) -> None:
        def pictured(text: str, sha256: str) -> Revision:
            return revision(
                text, content=content(text=text, media=(Media("https://e.cn/p", "p.png", "image/png", 1, sha256 * 64),))
            )

        async def scene(store: Store) -> None:
            ids = []
            for alias in ("number:1", "number:2"):
                await store.record_reading(reading(alias, revision=pictured("旧" + alias, alias[-1])))
                newer = await store.record_reading(reading(alias, revision=pictured("新" + alias, "9"), at=NOW + HOUR))
                ids.append(newer.document.id)
            await routed(store, ids[1], repost(ids[1]), n=2)
            assert await store.prune(journal_before=NOW, content_before=NOW) == (0, 0)
            assert await store.prune(journal_before=NOW, content_before=NOW + DAY) == (0, 1)
            assert await store.prune(journal_before=NOW, content_before=NOW + DAY) == (0, 0)
            old, new = await store.revision(ids[0], 1), await store.revision(ids[0], 2)
            assert (
                (old.content.html, old.content.media) == ("", ()) and old.content.title and old.hash == "1:旧number:1"
            )
            assert new.content.html and (await store.revision(ids[1], 1)).content.html
            assert await store.referenced() == {"2" * 64, "9" * 64}

        play(scene)

    def test_changes_are_the_documents_that_changed_last_each_once_and_anew_with_whatever_is_known_of_it(
        self, play: Callable[[Scene], None]
    ) -> None:
        async def scene(store: Store) -> None:
            ids = [
                (await store.record_reading(reading(f"number:{n}", source=source))).document.id
                for n, source in ((1, "甲"), (2, "乙"), (3, "甲"))
            ]
            first = await store.changes(10)
            assert [c.document for c in first] == ids[::-1]
            assert [c.n for c in first] == sorted({c.n for c in first}, reverse=True)
            assert [c.document for c in await store.changes(2)] == ids[:0:-1]
            assert [c.document for c in await store.changes(10, ["乙"])] == [ids[1]]
            assert [c.document for c in await store.changes(2, ["乙", "甲", *map(str, range(600))])] == ids[:0:-1]
            assert await store.changes(10, ["丙"]) == []
            await store.record_reading(reading("number:1", text="新"))
            after = await store.changes(10)
            assert [c.document for c in after] == [ids[0], ids[2], ids[1]]
            assert after[0].n > first[0].n
            await store.record_reading(reading("number:2", source="丁", revision=None))
            assert [c.n for c in await store.changes(10)] == [c.n for c in after]
            assert (await store.changes(10))[2].print != after[2].print
            assert (await store.changes(10))[:2] == after[:2]

        play(scene)

    def test_a_document_that_turned_out_to_be_another_one_changes_no_more(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            ids = [(await store.record_reading(reading(f"url:{n}"))).document.id for n in (1, 2)]
            await store.record_reading(reading("number:1", "url:1", "url:2", revision=None))
            assert [c.document for c in await store.changes(10)] == ids[:1]

        play(scene)

    def test_a_dossier_is_all_that_is_known_of_a_document(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            waiting = pending("guid-1")
            await store.record_poll(Poll(SourceRow("甲", NOW), pending=(waiting,), at=NOW))
            (stored,) = await store.due_pending(NOW, 10)
            hop = Hop("某省", "ed25519:ab", "中央", "https://list.example", NOW - DAY, NOW - 2 * DAY, "a" * 64)
            told = revision(content=content(relayed=(hop,), raw="b" * 64))
            read = reading("number:1", pending=stored.id, entry=stored.entry, revision=told)
            id = (await store.record_reading(read)).document.id
            await store.record_reading(reading("number:1", text="新", source="乙", sighted=NOW))
            found = await store.dossier(id)
            assert found.document == await store.document(id)
            assert [(r.n, r.hash) for r in found.revisions] == [(1, "1:正文"), (2, "1:新")]
            assert found.revisions[0].content.relayed == (hop,) and found.revisions[0].content.raw == "b" * 64
            assert found.entry == waiting.entry
            assert found.sightings == (("甲", NOW - HOUR), ("乙", NOW))
            with pytest.raises(StoreError) as missing:
                await store.dossier(id + 1)
            assert missing.value.reason == "not_found"

        play(scene)

    def test_a_scrub_of_a_sound_state_goes_round_and_finds_nothing(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            document = (await store.record_reading(reading("number:1"))).document.id
            await routed(store, document, repost(document))
            for _ in range(10):
                assert await store.scrub(2) == []

        play(scene)

    def test_a_backup_opens_as_a_store_with_everything_in_it_or_names_the_tool_that_makes_one(
        self, play: Callable[[Scene], None], tmp_path: Path
    ) -> None:
        async def scene(store: Store) -> None:
            await store.put("who", "县")
            if self.own_tool:
                with pytest.raises(StoreError) as told:
                    await store.backup(tmp_path / "copy")
                assert self.own_tool in told.value.hint
                return
            await store.backup(tmp_path / "copy.sqlite3")
            await store.put("who", "市")
            await store.backup(tmp_path / "copy.sqlite3")
            await self.check_backup(tmp_path / "copy.sqlite3")
            with pytest.raises(StoreError) as told:
                await store.backup(tmp_path / "no" / "copy")
            assert told.value.hint

        play(scene)

    async def check_backup(self, path: Path) -> None:
        """A subclass opens the copy and sees that "who" is "市"."""
        raise NotImplementedError

    def test_a_closed_store_refuses(self, make_store: Make) -> None:
        async def scene() -> None:
            store = await make_store()
            await store.aclose()
            await store.aclose()
            with pytest.raises(StoreError) as told:
                await store.put("a", "b")
            assert told.value.reason == "closed"

        asyncio.run(scene())

    def test_a_verb_sees_what_was_acknowledged_before(self, play: Callable[[Scene], None]) -> None:
        async def scene(store: Store) -> None:
            for n in range(20):
                await asyncio.gather(*[store.put(f"k{i}", str(n)) for i in range(5)])
                assert await asyncio.gather(*[store.get(f"k{i}") for i in range(5)]) == [str(n)] * 5

        play(scene)
