"""Promises that only hold when several stages agree: what a reviewer broke, kept from breaking again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncd.engine.poll import gap_of
from tests.engine.rig import DETAIL, Rig, played, route, site, source, text_of, text_reply, title_of

EMPTY = b'{"version": "https://jsonfeed.org/version/1.1", "title": "", "items": []}'
PAGES = source(options=DETAIL) + site() + route()
KEYWORD = source() + site() + route(more='match = { keywords = ["专项工作"] }')


@pytest.mark.guarantee(4)
@played
async def test_a_withdrawal_reaches_a_post_whose_document_matches_its_route_no_more() -> None:
    async with Rig(KEYWORD) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        assert await rig.status_of(1) == "visible"
        rig.publish(1, title="关于做好第1号工作的通知")
        await rig.after(900)
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(7200)
        assert [p.state for p in rig.posts()] == ["withdrawn"]


@pytest.mark.guarantee(3)
@played
async def test_what_a_person_withdrew_is_not_brought_back_by_the_source() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        repost = await rig.one(1)
        await rig.desk.withdraw(repost.id, actor="操作员", reason="误发")
        await rig.after(3 * 86400, step=1800)
        rig.correct(1, 2)
        await rig.after(3 * 86400, step=1800)
        assert [p.state for p in rig.posts()] == ["withdrawn"]
        assert await rig.status_of(1) == "withdrawn"


@pytest.mark.guarantee(4)
@played
async def test_a_limit_that_is_changed_later_does_not_judge_the_past() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1, hours=14)
        await rig.rest()
        assert (await rig.row(1))["verdict"] == "breached"
        await rig.reload(rig.config_text.replace('deadline = "12h"', 'deadline = "24h"'))
        assert (await rig.row(1))["verdict"] == "breached"
        rig.publish(2, hours=14)
        await rig.after(600)
        assert (await rig.row(2))["verdict"] == "met"


@pytest.mark.guarantee(1)
@played
async def test_a_redesign_of_an_old_source_withdraws_nothing() -> None:
    """Weekly looks meet a page an hour or so: a share of all documents would notice far too late."""
    async with Rig(PAGES) as rig:
        await rig.begin()
        for id in range(1, 41):
            rig.publish(id, days=0)
            await rig.after(1800, step=600)
        await rig.after(9 * 86400, step=7200)
        rig.servers["central"].say(text_reply(404), on=lambda method, path: path.startswith("/doc/"))
        await rig.after(8 * 86400, step=3600)
        assert [p.title for p in rig.posts() if p.state != "public"] == []
        assert "mass_gone" in await rig.attention()
        rig.servers["central"].well()
        await rig.after(9 * 86400, step=7200)
        assert "mass_gone" not in await rig.attention()


@pytest.mark.guarantee(3)
@played
async def test_a_persons_rejection_stands_when_the_route_becomes_automatic() -> None:
    async with Rig(source() + site() + route(more='approve = "review"')) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        await rig.desk.reject((await rig.one(1)).id, reason="不转", actor="审核")
        await rig.reload(source() + site() + route(more='name = "another"'))
        await rig.after(600)
        assert rig.posts() == []


async def _superseded_by_two(rig: Rig) -> bytes:
    """Document 1 stands corrected within the second of its publication; what the list showed before is returned."""
    await rig.begin()
    rig.publish(1)
    before = rig.lists["central"]._json()
    await rig.rest()
    rig.lists["central"].correct(1, text_of(1, 2), rig.clock.true)
    await rig.after(900)
    assert "第2版" in rig.posts()[0].html
    return before


@pytest.mark.guarantee(3)
@played
async def test_an_older_text_that_a_cache_showed_once_is_never_believed_when_the_list_shows_it_no_more() -> None:
    async with Rig() as rig:
        before = await _superseded_by_two(rig)
        stale = (200, {"content-type": "application/feed+json"}, before)
        rig.servers["central"].say(stale, on=lambda method, path: path == "/feed.json", times=1)
        rig.clock.advance(400)
        await rig.stage("poll")
        assert [p.change for p in await rig.disk.pendings()] == ["changed"]
        rig.lists["central"].window = 1
        rig.publish(2)
        await rig.after(3 * 86400, step=1800)
        assert await rig.disk.pendings() == []
        written = [write.post.html for write in rig.cms["county"].history if title_of(1) == write.post.title]
        assert [("第1版" in html, "第2版" in html) for html in written] == [(True, False), (False, True)]


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("config", [source() + site() + route(), PAGES])
@played
async def test_a_text_that_a_mirror_showed_once_and_no_date_proves_newer_is_not_believed(config: str) -> None:
    """syncd never saw the older text before, so that nothing but a second look tells it from a correction."""
    async with Rig(config) as rig:
        await rig.begin()
        older = rig.publish(1)
        stale = {"/feed.json": rig.lists["central"]._json(), "/doc/1": rig.lists["central"]._page({}, 1, out=False)[2]}
        rig.lists["central"].correct(1, text_of(1, 2), older.modified)
        await rig.rest()
        assert "第2版" in rig.posts()[0].html
        for path, type in (("/feed.json", "application/feed+json"), ("/doc/1", "text/html; charset=utf-8")):
            rig.clock.advance(4000)
            rig.servers["central"].say((200, {"content-type": type}, stale[path]), on=lambda m, p: p == path, times=1)  # noqa: B023
            await rig.rest()
            rig.servers["central"].well()
            await rig.after(2 * 86400, step=1800)
        assert ["第2版" in write.post.html for write in rig.cms["county"].history] == [True]
        assert await rig.disk.pendings() == []
        assert await rig.attention() == {}


@pytest.mark.guarantee(3)
@played
async def test_a_text_of_a_list_that_cannot_be_asked_again_is_not_believed_for_being_tried_twice() -> None:
    async with Rig() as rig:
        await rig.begin()
        older = rig.publish(1)
        stale = rig.lists["central"]._json()
        rig.lists["central"].correct(1, text_of(1, 2), older.modified)
        await rig.rest()
        rig.clock.advance(400)
        rig.servers["central"].say((200, {"content-type": "application/feed+json"}, stale), times=1)
        await rig.stage("poll")
        rig.servers["central"].say(text_reply(503))
        await rig.after(6 * 3600, step=600)
        rig.servers["central"].well()
        await rig.after(86400, step=1800)
        assert ["第2版" in write.post.html for write in rig.cms["county"].history] == [True]


@pytest.mark.guarantee(3)
@played
async def test_an_older_text_is_not_believed_because_its_page_could_not_be_had_for_long_before() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        older = rig.lists["central"].handle("GET", "/doc/1", {}, b"", rig.clock.now())
        rig.correct(1)
        await rig.after(4000, step=400)
        assert "第2版" in rig.posts()[0].html
        rig.servers["central"].say(text_reply(500), on=lambda method, path: path == "/doc/1")
        await rig.after(8 * 86400, step=1800)
        rig.servers["central"].say(older, on=lambda method, path: path == "/doc/1", times=2)
        await rig.after(10 * 86400, step=1800)
        assert rig.servers["central"].times == 0
        assert ["第1版" in write.post.html for write in rig.cms["county"].history] == [True, False]


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("config", [source() + site() + route(), PAGES])
@played
async def test_a_correction_without_a_newer_date_is_believed_at_the_second_look(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        older = rig.publish(1)
        await rig.rest()
        rig.lists["central"].correct(1, text_of(1, 2), older.modified)
        await rig.after(4500, step=60)
        assert "第2版" in rig.posts()[0].html


@pytest.mark.guarantee(1)
@played
async def test_an_older_text_that_the_list_goes_on_showing_is_believed_in_the_end() -> None:
    async with Rig() as rig:
        before = await _superseded_by_two(rig)
        stale = (200, {"content-type": "application/feed+json"}, before)
        rig.servers["central"].say(stale, on=lambda method, path: path == "/feed.json")
        await rig.after(3600)
        assert "第2版" in rig.posts()[0].html
        await rig.after(3 * 86400, step=1800)
        assert "第1版" in rig.posts()[0].html


@pytest.mark.guarantee(5)
@played
async def test_a_feed_whose_text_changes_at_every_read_is_limited_and_shown_and_ends_with_its_last_text() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        for version in range(2, 20):
            rig.correct(1, version)
            await rig.after(600, step=300)
        assert (await rig.one(1)).wanted <= 6
        assert "flap" in await rig.attention()
        await rig.after(2 * 86400, step=1800)
        assert "第19版" in rig.posts()[0].html


@pytest.mark.guarantee(1)
@played
async def test_a_page_that_flapped_ends_with_its_last_text() -> None:
    async with Rig(source(options=DETAIL) + 'relook = ["10m"]' + site() + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        for version in range(2, 14):
            rig.correct(1, version)
            rig.servers["central"].say(text_reply(503), on=lambda method, path: path == "/feed.json")
            await rig.after(720, step=60)
        await rig.after(2 * 86400, step=600)
        assert "第13版" in rig.posts()[0].html
        assert "flap" not in await rig.attention()


@pytest.mark.guarantee(5)
@played
async def test_documents_that_a_list_dropped_during_an_outage_are_told_until_a_person_has_seen_it() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.lists["central"].window = 3
        for id in range(1, 4):
            rig.publish(id)
        await rig.after(600)
        rig.servers["central"].say(text_reply(503))
        for id in range(4, 12):
            rig.publish(id)
            await rig.after(1800, step=600)
        rig.servers["central"].well()
        await rig.after(86400, step=600)
        assert len(rig.posts()) == 6
        assert (await rig.attention())["gap"]["hint"]
        await rig.desk.approve(source="central", actor="值班")
        assert not await rig.disk.get(gap_of("central"))


@pytest.mark.guarantee(1)
@played
async def test_a_list_that_was_empty_at_first_makes_nothing_ancient_new() -> None:
    async with Rig() as rig:
        rig.servers["central"].say((200, {"content-type": "application/feed+json"}, EMPTY))
        await rig.rest()
        rig.servers["central"].well()
        for id in range(1, 4):
            rig.publish(id, days=400)
        rig.publish(4)
        await rig.after(timedelta(hours=1).total_seconds(), step=300)
        assert [p.title for p in rig.posts()] == [title_of(4)]


@pytest.mark.guarantee(5)
@played
async def test_a_document_whose_time_runs_out_is_told_before_and_after() -> None:
    async with Rig(source() + site() + route(more='approve = "review"')) as rig:
        await rig.begin()
        rig.publish(1, hours=10)
        await rig.rest()
        assert (await rig.attention())["limit_near"]["hint"]
        await rig.after(3 * 3600, step=900)
        assert {"limit_passed"} == {reason for reason in await rig.attention() if reason.startswith("limit")}


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("change", ["corrected", "withdrawn"])
@played
async def test_what_a_source_changes_of_a_post_whose_route_is_gone_is_told_and_carried_once_the_route_is_back(
    change: str,
) -> None:
    ways = source() + source("other") + site() + site("city") + route("city", sources=("other",))
    async with Rig(ways + route()) as rig:
        await rig.begin()
        rig.publish(1, name="central")
        await rig.rest()
        await rig.reload(ways)
        assert "no_route" not in await rig.attention()
        if change == "corrected":
            rig.correct(1, 2, name="central")
        else:
            rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(3 * 3600, step=300)
        told = (await rig.attention())["no_route"]
        assert (told["title"], f"syncd adopt {told['id']}" in told["hint"]) == (title_of(1), True)
        assert ["第1版" in p.html for p in rig.posts() if p.state == "public"] == [True]
        await rig.reload(ways + route())
        await rig.after(3 * 3600, step=300)
        assert "no_route" not in await rig.attention()
        public = ["第2版" in p.html for p in rig.posts() if p.state == "public"]
        assert public == ([True] if change == "corrected" else [])
