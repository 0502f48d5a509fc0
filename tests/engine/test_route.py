"""Stages route and approve: documents times routes, and by whose authority a revision goes out."""

from __future__ import annotations

import pytest

from syncd.core import repost as machine
from syncd.errors import Stale
from tests.engine.rig import Rig, played, route, site, source, text_of, title_of

REVIEW = 'approve = "review"'
REVIEWED = source() + site() + route(more=REVIEW)


@played
async def test_of_several_routes_to_a_site_the_first_in_the_file_wins() -> None:
    two = route(more='match = { keywords = ["第1号"] }').replace("要闻", "专项") + route()
    async with Rig(source() + site() + two) as rig:
        await rig.begin()
        rig.publish(1)
        rig.publish(2)
        await rig.rest()
        columns = {row["title"]: row["column"] for row in await rig.desk.reposts()}
        assert columns == {title_of(1): "专项", title_of(2): "要闻"}
        assert rig.creates() == 2


@pytest.mark.guarantee(1)
@played
async def test_a_new_route_covers_what_came_after_the_start_line_and_nothing_older() -> None:
    narrow = route(more='match = { keywords = ["第1号"] }')
    async with Rig(source() + site() + narrow) as rig:
        await rig.begin()
        rig.publish(1)
        rig.publish(2)
        await rig.rest()
        assert [p.title for p in rig.posts()] == [title_of(1)]
        await rig.reload(source() + site() + narrow + route())
        await rig.rest()
        assert [p.title for p in rig.posts()] == [title_of(1), title_of(2)]


@pytest.mark.guarantee(1)
@played
async def test_a_document_that_another_list_shows_later_goes_to_that_lists_site_too() -> None:
    two = source() + source("town-list") + site() + site("town") + route() + route("town", sources=("town-list",))
    async with Rig(two) as rig:
        await rig.begin()
        shown = rig.publish(1, name="central")
        await rig.rest()
        assert (len(rig.posts()), len(rig.posts("town"))) == (1, 0)
        rig.clock.advance(400)
        rig.lists["town-list"].publish(1, title_of(1), text_of(1), rig.clock.true, url=shown.url)
        await rig.rest()
        assert (len(rig.posts()), len(rig.posts("town"))) == (1, 1)


@played
async def test_a_route_that_vanished_stops_writing_and_never_withdraws() -> None:
    other = source() + site() + site("town") + route("town")
    async with Rig(source() + site() + site("town") + route() + route("town")) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        await rig.reload(other)
        rig.correct(1)
        await rig.after(800, step=400)
        assert [p.html for p in rig.posts()] == [text_of(1)]
        assert [p.html for p in rig.posts("town")] == [text_of(1, 2)]
        await rig.reload(source() + site() + site("town") + route() + route("town"))
        await rig.rest()
        assert [p.html for p in rig.posts()] == [text_of(1, 2)]
        assert rig.creates() == 1


@played
async def test_a_site_that_vanished_from_the_config_is_left_alone_until_it_returns() -> None:
    whole = source() + site() + site("town") + route() + route("town")
    async with Rig(whole) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        await rig.reload(source() + site("town") + route("town"))
        asked = len(rig.servers["county"].asked)
        await rig.after(3 * 86400, step=3600)
        assert len(rig.servers["county"].asked) == asked
        await rig.reload(whole)
        await rig.rest()
        assert [p.state for p in rig.posts()] == ["public"]


@played
async def test_an_auto_route_approves_in_its_authoritys_name() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        told = await rig.desk.explain((await rig.one(1)).id)
        approvals = [e for e in told["events"] if e["kind"] == "approved"]
        assert [e["actor"] for e in approvals] == ["county head's order no. 3"]
        assert [e["kind"] for e in told["events"]].count("wanted") == 1


@pytest.mark.guarantee(5)
@played
async def test_a_review_route_waits_for_a_person_and_shows_it() -> None:
    async with Rig(REVIEWED) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.after(3600)
        assert rig.posts() == []
        assert await rig.status_of(1) == "waiting"
        assert (await rig.attention())["waiting_for_approval"]["kind"] == "approval"
        await rig.desk.approve(id=(await rig.one(1)).id, actor="王科长")
        await rig.rest()
        assert await rig.status_of(1) == "visible"
        told = await rig.desk.explain((await rig.one(1)).id)
        assert [e["actor"] for e in told["events"] if e["kind"] == "approved"] == ["王科长"]


@played
async def test_a_rejection_holds_that_revision_only() -> None:
    async with Rig(REVIEWED) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        await rig.desk.reject(id=(await rig.one(1)).id, reason="not for us", actor="王科长")
        await rig.after(3600)
        assert await rig.status_of(1) == "held"
        assert rig.posts() == []
        told = await rig.desk.explain((await rig.one(1)).id)
        assert {"why": "not for us"} in [e["detail"] for e in told["events"] if e["kind"] == "held"]
        await rig.after(13 * 3600, step=1800)
        assert await rig.attention() == {}
        rig.correct(1)
        await rig.after(800, step=400)
        assert await rig.status_of(1) == "waiting"
        await rig.desk.approve(id=(await rig.one(1)).id)
        await rig.rest()
        assert [p.html for p in rig.posts()] == [text_of(1, 2)]


@pytest.mark.guarantee(3)
@played
async def test_an_approval_that_was_superseded_is_not_sent() -> None:
    async with Rig(REVIEWED) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        seen_by_person = await rig.one(1)
        rig.correct(1)
        rig.clock.advance(400)
        await rig.rest()
        with pytest.raises(Stale):
            await rig.disk.save(machine.approve(seen_by_person, 1, rig.clock.now()))
        await rig.disk.save(machine.approve(await rig.one(1), 1, rig.clock.now()))
        await rig.after(3600)
        assert rig.posts() == []
        assert await rig.status_of(1) == "waiting"


@played
async def test_a_withdrawal_needs_no_approval_unless_the_route_says_so() -> None:
    asks = source(path="atom.xml") + site() + site("town") + route(more=REVIEW)
    async with Rig(asks + route("town", more=REVIEW + "\nreview_withdrawals = true")) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        for name in ("county", "town"):
            await rig.desk.approve(id=(await rig.one(1, name)).id)
        await rig.rest()
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(800, step=400)
        assert [p.state for p in rig.posts()] == ["withdrawn"]
        assert [p.state for p in rig.posts("town")] == ["public"]


@played
async def test_what_was_never_sent_is_withdrawn_without_a_call() -> None:
    async with Rig(source(path="atom.xml") + site() + route(more=REVIEW)) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(800, step=400)
        assert await rig.status_of(1) == "withdrawn"
        assert rig.servers["county"].asked == []


@played
async def test_a_route_changed_from_review_to_auto_approves_what_waited() -> None:
    async with Rig(REVIEWED) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        await rig.reload(source() + site() + route())
        await rig.rest()
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(2)
@played
async def test_a_document_shown_by_two_lists_is_posted_once_on_each_site() -> None:
    both = ("central", "other")
    async with Rig(source() + source("other") + site() + route(sources=both)) as rig:
        await rig.begin()
        rig.publish(1, name="central")
        rig.lists["other"].publish(1, title_of(1), text_of(1), rig.clock.true, url="http://central.example/doc/1")
        await rig.after(800, step=400)
        assert rig.creates() == 1
