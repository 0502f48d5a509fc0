"""Stage poll: what a list shows is believed or not, and costs nothing while it does not change."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.core.identity import alias_hash
from syncd.engine.poll import fingerprint
from syncd.errors import StoreError
from syncd.model import AttachmentLink, Entry, Instant
from syncd.testing.fakelist import FakeList
from tests.engine.rig import Rig, json_reply, played, route, site, source, text_of, text_reply, title_of

EVERY = 400
"""Seconds after which a list that is read every five minutes is due, whatever the dice say."""


def parses(rig: Rig) -> list[str]:
    """Counts the parses of the list `central` from now on."""
    seen: list[str] = []
    parse = rig.engine.deps.sources["central"].source.parse

    async def counted(answer):  # type: ignore[no-untyped-def]
        seen.append(answer.url)
        return await parse(answer)

    rig.plug("central", parse=counted)
    return seen


@played
async def test_a_304_costs_no_parse_and_no_commit_but_the_journal_of_the_minute() -> None:
    async with Rig() as rig:
        await rig.begin()
        await rig.rest()
        seen, commits = parses(rig), rig.disk.real.commits
        for _ in range(5):
            rig.clock.advance(EVERY)
            await rig.stage("poll")
        assert rig.servers["central"].headers[-1]["if-none-match"]
        assert seen == []
        rig.clock.advance(61)
        await rig.stage("poll")
        assert rig.disk.real.commits - commits <= 6
        assert set(rig.disk.verbs[-(rig.disk.real.commits - commits):]) == {"journal"}


@played
async def test_an_unchanged_body_without_validators_costs_no_parse() -> None:
    async with Rig() as rig:
        server = rig.servers["central"]
        handler = server.handler
        server.handler = lambda *a: (lambda r: (r[0], {"content-type": r[1]["content-type"]}, r[2]))(handler(*a))
        await rig.begin()
        seen = parses(rig)
        await rig.after(4 * EVERY, step=EVERY)
        assert server.count("GET") == 5
        assert seen == []


@pytest.mark.guarantee(1)
@played
async def test_entries_and_the_validators_that_came_with_them_are_committed_together() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.disk.fault, rig.disk.only = "damaged", frozenset({"record_poll"})
        with pytest.raises(Exception, match="disk"):
            await rig.stage("poll")
        rig.disk.fault = ""
        await rig.engine.poller.flush()
        await rig.restart()
        rig.clock.advance(EVERY)
        await rig.rest()
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(1)
@played
async def test_a_crash_after_the_poll_was_committed_loses_none_of_its_entries() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.stage("poll")
        await rig.restart()
        await rig.rest()
        assert await rig.status_of(1) == "visible"


@played
async def test_the_first_read_posts_nothing() -> None:
    async with Rig() as rig:
        for id in range(1, 6):
            rig.publish(id, days=id)
        await rig.rest()
        await rig.after(3 * EVERY, step=EVERY)
        assert await rig.none()
        assert rig.posts() == []


@played
async def test_a_site_added_later_has_a_start_line_of_its_own() -> None:
    both = source() + site() + site("town") + route() + route("town")
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        await rig.reload(both)
        rig.clock.advance(EVERY)
        await rig.rest()
        assert rig.posts("town") == []
        rig.publish(2)
        rig.clock.advance(EVERY)
        await rig.rest()
        assert [p.title for p in rig.posts("town")] == [title_of(2)]
        assert [p.title for p in rig.posts()] == [title_of(1), title_of(2)]


@pytest.mark.parametrize(
    ("backfill", "wanted"), [("true", {1, 2, 3, 4}), ('"10d"', {1, 2}), ("3", {1, 2, 3}), ("false", set())],
)
@played
async def test_backfill_carries_over_what_it_says_and_excuses_it(backfill: str, wanted: set[int]) -> None:
    async with Rig(source() + site() + route(more=f"backfill = {backfill}")) as rig:
        for id, days in ((1, 2), (2, 8), (3, 20), (4, 90)):
            rig.publish(id, days=days)
        await rig.rest()
        assert {p.title for p in rig.posts()} == {title_of(id) for id in wanted}
        assert {row["verdict"] for row in await rig.desk.reposts()} <= {"excused"}
        rig.clock.advance(EVERY)
        rig.publish(5)
        await rig.rest()
        assert (await rig.row(5))["verdict"] == "met"


@played
async def test_once_a_day_a_list_is_read_without_validators() -> None:
    async with Rig() as rig:
        await rig.begin()
        await rig.after(86400 + EVERY, step=EVERY)
        unconditional = [h for h in rig.servers["central"].headers if "if-none-match" not in h]
        assert len(unconditional) == 2


@played
async def test_a_permanent_redirect_is_taken_after_days_and_forgotten_when_the_new_place_is_gone() -> None:
    old, new = "http://central.example/feed.json", "http://moved.example/feed.json"
    async with Rig() as rig:
        rig.wires.servers["moved.example"] = rig.servers["central"].handle
        await rig.begin()
        rig.moved[old] = new
        await rig.after(2 * 86400, step=1800)
        row = rig.engine.poller.rows["central"]
        assert '"address": ""' in row.moved
        await rig.after(2 * 86400, step=1800)
        rig.moved.clear()
        asked = rig.servers["central"].count("GET /feed.json")
        rig.wires.servers["moved.example"] = lambda *a: text_reply(404)
        await rig.after(1800, step=600)
        assert rig.servers["central"].count("GET /feed.json") > asked
        assert rig.engine.poller.rows["central"].moved == ""
        rig.publish(1)
        await rig.after(3600, step=600)
        assert await rig.status_of(1) == "visible"


@played
async def test_a_permanent_redirect_is_remembered_across_a_restart() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.wires.servers["moved.example"] = rig.servers["central"].handle
        rig.moved["http://central.example/feed.json"] = "http://moved.example/feed.json"
        await rig.after(4 * 86400, step=3600)
        await rig.stage("poll")
        await rig.restart()
        rig.moved.clear()
        rig.servers["central"].handler = rig.lists["central"].handle
        rig.wires.servers["central.example"] = lambda *a: text_reply(500)
        rig.publish(1)
        await rig.after(1200, step=300)
        assert await rig.status_of(1) == "visible"


@pytest.mark.parametrize("form", ["7200", "date"])
@played
async def test_retry_after_of_a_list_is_obeyed_in_both_forms(form: str) -> None:
    async with Rig() as rig:
        await rig.begin()
        until = rig.clock.true + timedelta(hours=2)
        after = form if form.isdecimal() else until.strftime("%a, %d %b %Y %H:%M:%S GMT")
        rig.servers["central"].say(text_reply(503, **{"retry-after": after}), times=1)
        await rig.stage("poll")
        asked = rig.servers["central"].count("GET")
        await rig.after(7000, step=500)
        assert rig.servers["central"].count("GET") == asked
        await rig.after(1500, step=500)
        assert rig.servers["central"].count("GET") > asked


@pytest.mark.guarantee(5)
@played
async def test_an_emptied_list_is_an_error_until_a_person_accepts_it() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        empty = (200, {"content-type": "application/feed+json"}, FakeList("http://central.example")._json())
        rig.servers["central"].say(empty, on=lambda method, path: path == "/feed.json")
        await rig.after(4 * 3600, step=600)
        row = await rig.source_row()
        assert (row["reason"], bool(row["hint"])) == ("list_emptied", True)
        assert (await rig.attention())["list_emptied"]["kind"] == "source"
        assert rig.counted("syncd_polls_total", source="central", outcome="list_emptied") >= 3
        assert [p.state for p in rig.posts()] == ["public"]
        await rig.desk.approve(source="central")
        await rig.rest()
        assert (await rig.source_row())["reason"] == ""
        rig.servers["central"].well()
        rig.publish(2)
        await rig.after(2 * EVERY, step=EVERY)
        assert await rig.status_of(2) == "visible"
        assert rig.creates() == 2


@pytest.mark.guarantee(5)
@played
async def test_a_list_whose_known_rows_all_vanished_is_an_error_and_accepted_at_once_when_a_person_says_so() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.lists["central"].policies.clear()
        for id in range(50, 53):
            rig.publish(id, days=30)
        rig.clock.advance(EVERY)
        await rig.rest()
        assert (await rig.source_row())["reason"] == "known_rows_vanished"
        rig.engine.poller.hurry("central")
        await rig.stage("poll")  # the failure of a moment ago is not yet in the journal
        await rig.desk.approve(source="central")
        await rig.rest()
        row = await rig.source_row()
        assert (row["reason"], row["shown"]) == ("", 3)


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("drop", [False, True])
@played
async def test_a_flood_is_held_until_a_person_releases_or_drops_it(drop: bool) -> None:
    async with Rig() as rig:
        await rig.begin()
        for id in range(1, 8):
            rig.publish(id, days=400)
        await rig.rest()
        assert await rig.none()
        assert (await rig.source_row())["held"] == 7
        assert (await rig.attention())["flood"]["hint"]
        assert rig.counted("syncd_failures_total", stage="poll", reason="flood") == 1
        if drop:
            await rig.desk.reject(source="central")
        else:
            await rig.desk.approve(source="central")
        await rig.after(2 * EVERY, step=EVERY)
        assert len(rig.posts()) == (0 if drop else 7)
        assert (await rig.source_row())["held"] == 0


@pytest.mark.guarantee(1)
@played
async def test_a_decision_drops_only_what_was_held_when_it_was_made() -> None:
    async with Rig() as rig:
        await rig.begin()
        for id in range(1, 8):
            rig.publish(id, days=400)
        await rig.rest()
        for id in range(8, 14):
            rig.publish(id, days=400)
        rig.clock.advance(EVERY)
        await rig.engine.tick("poll", wait=False)
        await rig.desk.reject(source="central")
        assert sorted(p.entry.title for p in await rig.disk.pendings(held=True)) == sorted(map(title_of, range(8, 14)))


@pytest.mark.guarantee(2)
@played
async def test_a_guid_storm_reposts_nothing() -> None:
    async with Rig() as rig:
        await rig.begin()
        for id in range(1, 4):
            rig.publish(id)
        await rig.rest()
        rig.lists["central"].rename_guids("new")
        await rig.after(3 * EVERY, step=EVERY)
        assert rig.creates() == 3
        assert (await rig.source_row())["reason"] == ""
        rig.correct(2)
        await rig.after(EVERY)
        assert rig.creates() == 3


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("first", ["guid", "address"])
@played
async def test_an_old_document_that_changes_its_guid_and_its_address_one_after_the_other_stays_old(first: str) -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        shown = rig.lists["central"]
        for changed in (first, "address" if first == "guid" else "guid"):
            if changed == "guid":
                shown.rename_guids("new")
            else:
                moved = {p.id: replace(p, url=f"{shown.base}/neu/{p.id}") for p in shown.policies.values()}
                shown.policies = {**moved, 1: shown.policies[1]}
            await rig.after(2 * EVERY, step=EVERY)
        assert (rig.creates(), len(await rig.all())) == (1, 1)
        assert await rig.disk.pendings() == []


@pytest.mark.guarantee(1)
@played
async def test_many_withdrawals_at_once_are_held_and_a_single_one_is_not() -> None:
    async with Rig(source(path="atom.xml") + site() + route()) as rig:
        await rig.begin()
        for id in range(1, 8):
            rig.publish(id)
            await rig.after(EVERY, step=EVERY)
        rig.lists["central"].withdraw(7, rig.clock.true)
        await rig.after(EVERY)
        assert await rig.status_of(7) == "withdrawn"
        for id in range(1, 7):
            rig.lists["central"].withdraw(id, rig.clock.true)
        await rig.after(EVERY)
        assert (await rig.attention())["mass_withdrawal"]["hint"]
        assert [await rig.status_of(id) for id in range(1, 7)] == ["visible"] * 6
        await rig.desk.approve(source="central")
        await rig.rest()
        assert [await rig.status_of(id) for id in range(1, 7)] == ["withdrawn"] * 6


@played
async def test_a_failing_list_is_asked_ever_more_rarely_and_never_given_up() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.servers["central"].say(json_reply(500))
        await rig.after(3 * 86400, step=600)
        asked = rig.servers["central"].count("GET")
        assert 8 <= asked <= 20
        assert (await rig.attention())["http_500"]["hint"]
        rig.servers["central"].well()
        rig.publish(1)
        await rig.after(86400 * 1.2, step=3600)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(5)
@played
async def test_a_bug_in_a_source_plug_in_is_a_failure_of_that_source_with_a_back_off() -> None:
    async with Rig(source() + source("other") + site() + route(sources=("central", "other"))) as rig:
        await rig.begin()

        async def broken(answer):  # type: ignore[no-untyped-def]
            raise RecursionError("a plug-in's bug")

        rig.plug("central", parse=broken)
        rig.publish(1, name="central")
        rig.publish(2, name="other")
        asked = rig.servers["central"].count("GET")
        await rig.after(EVERY, step=2)
        assert await rig.status_of(2) == "visible"
        assert rig.servers["central"].count("GET") - asked <= 3
        assert (await rig.source_row())["reason"] == "plugin_bug"
        assert (await rig.source_row())["hint"]
        assert rig.counted("syncd_failures_total", reason="plugin_bug") >= 1


@pytest.mark.guarantee(1)
@played
async def test_a_due_that_a_wrong_clock_wrote_does_not_freeze_a_list_whose_read_the_store_refused() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.clock.jump(timedelta(days=365))
        await rig.after(400)
        rig.clock.jump(timedelta(days=-365))
        await rig.restart()
        rig.publish(1)
        rig.disk.fault = "disk_full"
        with pytest.raises(StoreError):
            await rig.stage("poll")
        rig.disk.fault = ""
        await rig.after(3600)
        assert await rig.status_of(1) == "visible"


@played
async def test_a_due_that_a_wrong_clock_wrote_does_not_freeze_a_list() -> None:
    async with Rig() as rig:
        rig.clock.jump(timedelta(days=365))
        await rig.begin()
        await rig.stage("poll")
        rig.clock.correct()
        rig.publish(1)
        rig.clock.advance(EVERY)
        await rig.rest()
        await rig.after(EVERY)
        assert await rig.status_of(1) == "visible"


@played
async def test_a_text_that_came_late_in_the_list_is_corrected_and_the_journal_says_when_it_was_read() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.lists["central"].correct(1, text_of(1, 2), rig.clock.true)
        await rig.after(2 * EVERY)
        assert [p.html for p in rig.posts()] == [text_of(1, 2)]
        await rig.after(120)
        reads = await rig.disk.reads("central", rig.clock.now() - timedelta(days=1))
        assert all(span.reason == "" for span in reads)
        assert sum(span.reads for span in reads) >= 2




ENTRY = Entry(
    "k", "关于“通知”\\ \"引\" \t\n\x01\x7f\u2028😀", "https://a.example/?a=1&b=/",
    Instant(datetime(2026, 4, 15, tzinfo=UTC), raw="Wed, 15 Apr 2026"),
    Instant(datetime(2026, 4, 15, tzinfo=UTC), raw="2026-04-15"),
    summary="摘要", content_html='<p class="x">正文</p>', author="a", categories=("c",), issuer="国办",
    document_number="国办发〔2026〕28号", index_number="000014349/2026-00074", written="2026-04-15", aliases=("x",),
    attachments=(AttachmentLink("https://a.example/1.pdf"), AttachmentLink('b"')), withdrawn=True,
)  # fmt: skip


def test_prints_that_databases_hold_are_the_same_for_ever() -> None:
    lone = Entry("k", "\ud800lone", "u", attachments=(AttachmentLink("x"),))
    known = [-728830356462978912, -1200567666525002209, 957473559027868830]
    assert [fingerprint(entry) for entry in (Entry("k", "t", "u"), ENTRY, lone)] == known


@given(st.text(), st.text(), st.lists(st.text(), max_size=3), st.booleans())
def test_a_print_is_the_hash_of_what_is_shown_as_json(title: str, html: str, files: list[str], withdrawn: bool) -> None:
    links = tuple(AttachmentLink(file) for file in files)
    entry = replace(ENTRY, title=title, content_html=html, attachments=links, withdrawn=withdrawn, published=None)
    shown = [title, ENTRY.url, "", "2026-04-15", "摘要", html, "国办", ENTRY.document_number, ENTRY.index_number, "2026-04-15"]
    assert fingerprint(entry) == alias_hash(json.dumps([*shown, withdrawn, files], ensure_ascii=False))
