"""Stage send: intent before, outcome after, look before repeating; one gate per site."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.errors import NotApplied, SyncdError, Unknown
from syncd.model import Post, RemoteState, WriteResult
from syncd.store.api import Filter
from syncd.testing.fakecms import FakeAdapter, Switches
from syncd.testing.faults import Crash
from tests.engine.rig import (
    Rig,
    api,
    json_reply,
    pages,
    played,
    route,
    site,
    source,
    text_of,
    text_reply,
    title_of,
    writes,
)

LOST = Unknown("timeout", "no answer came")
REFUSED = NotApplied("connect", "no connection")
CLASS_B = source() + site(options='unique = "none"') + route()
CLASS_C = source() + site(options='unique = "none", conditional_update = "check_then_act"') + route()
PARKED = source() + site(options='unique = "none", conditional_update = "none", lookup = "none"') + route()
CLASSES = pytest.mark.parametrize("config", ["", CLASS_B, CLASS_C], ids=["A", "B", "C"])


def at_once(asked: Coroutine[Any, Any, Any]) -> Any:
    """The answer of the inline store, which never waits, where nothing can be awaited."""
    try:
        asked.send(None)
    except StopIteration as answered:
        return answered.value
    raise AssertionError("the inline store waited")


@pytest.mark.guarantee(2)
@played
async def test_the_intent_is_committed_before_the_cms_is_called() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        found: list[object] = []
        handler = rig.servers["county"].handler

        def looking(method, path, headers, body, now):  # type: ignore[no-untyped-def]
            if writes(method, path):
                found.extend(repost.intent for repost, _ in at_once(rig.disk.real.reposts(Filter())))
            return handler(method, path, headers, body, now)

        rig.servers["county"].handler = looking
        await rig.rest()
        assert found
        assert all(found)


@pytest.mark.guarantee(2)
@played
async def test_without_a_durable_intent_nothing_is_called() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.stage("poll", "read", "route")
        rig.disk.fault = "disk_full"
        with pytest.raises(Exception, match="disk"):
            await rig.stage("work")
        await rig.after(300, step=5)
        assert rig.servers["county"].asked == []
        rig.disk.fault = ""
        await rig.after(60, step=5)
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(2)
@CLASSES
@played
async def test_a_create_whose_answer_was_lost_is_found_and_settled_at_once(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LOST, on=writes, after=True, times=1)
        await rig.rest()
        await rig.after(30, step=5)
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(2)
@CLASSES
@played
async def test_a_create_that_was_lost_on_the_way_is_repeated_after_the_settling_time_only(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LOST, on=writes, times=1)
        await rig.rest()
        await rig.after(500, step=20)
        assert rig.servers["county"].count("POST") == 1
        assert (await rig.one(1)).intent
        assert await rig.status_of(1) == "in_doubt"
        await rig.after(200, step=20)
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(2)
@CLASSES
@played
async def test_a_request_that_takes_effect_minutes_later_makes_no_second_post(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        server = rig.servers["county"]
        handler, late = server.handler, []

        def delayed(method, path, headers, body, now):  # type: ignore[no-untyped-def]
            if writes(method, path) and not late:
                late.append((method, path, headers, body))
                raise LOST
            return handler(method, path, headers, body, now)

        server.handler = delayed
        await rig.rest()
        await rig.after(290, step=20)
        handler(*late[0], rig.clock.true)
        await rig.after(600, step=20)
        assert await rig.status_of(1) == "visible"
        assert len(rig.posts()) == 1


@pytest.mark.guarantee(2)
@CLASSES
@played
async def test_killed_after_the_call_the_next_life_looks_before_it_writes(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.stage("poll", "read", "route")
        rig.servers["county"].say(LOST, on=writes, after=True, times=1)
        await rig.stage("work")
        await rig.restart()
        await rig.after(30, step=5)
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(2)
@CLASSES
@played
async def test_killed_while_the_request_is_under_way_the_next_life_waits_for_it(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        server = rig.servers["county"]
        handler, late = server.handler, []

        def dying(method, path, headers, body, now):  # type: ignore[no-untyped-def]
            if writes(method, path) and not late:
                late.append((method, path, headers, body))
                raise Crash("kill -9")
            return handler(method, path, headers, body, now)

        server.handler = dying
        await rig.stage("poll", "read", "route")
        with pytest.raises(Crash):
            await rig.stage("work")
        await rig.restart()
        await rig.after(290, step=20)
        handler(*late[0], rig.clock.true)
        await rig.after(900, step=20)
        assert await rig.status_of(1) == "visible"
        assert len(rig.posts()) == 1
        assert rig.servers["county"].count("POST") == 1


@pytest.mark.guarantee(2)
@played
async def test_after_a_restart_the_settling_time_starts_anew() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LOST, on=writes, times=1)
        await rig.rest()
        await rig.after(500, step=50)
        await rig.restart()
        await rig.after(500, step=50)
        assert rig.servers["county"].count("POST") == 1
        await rig.after(200, step=50)
        assert rig.creates() == 1


@pytest.mark.guarantee(3)
@CLASSES
@played
async def test_an_update_in_doubt_is_settled_by_its_text_not_by_being_found(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.correct(1)
        rig.clock.advance(400)
        rig.servers["county"].say(LOST, on=writes, times=1)
        await rig.rest()
        assert (await rig.one(1)).sent == 1
        await rig.after(900, step=30)
        assert [p.html for p in rig.posts()] == [text_of(1, 2)]
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(3)
@CLASSES
@played
async def test_an_update_that_landed_though_its_answer_was_lost_is_not_repeated(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.correct(1)
        rig.clock.advance(400)
        rig.servers["county"].say(LOST, on=writes, after=True, times=1)
        await rig.rest()
        await rig.after(60, step=10)
        assert await rig.status_of(1) == "visible"
        assert rig.servers["county"].count("PUT") == 1


@pytest.mark.guarantee(3)
@CLASSES
@played
async def test_an_editors_text_found_while_recovering_is_kept_and_shown(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.correct(1)
        rig.clock.advance(400)
        rig.servers["county"].say(LOST, on=writes, times=1)
        await rig.rest()
        own = "<p>本县的补充说明：咨询电话见政务服务中心公告栏，请各单位知悉并遵照执行。</p>"
        rig.cms["county"].edit(1, "editor", own, rig.clock.true)
        await rig.after(1200, step=30)
        assert [p.html for p in rig.posts()] == [own]
        assert await rig.status_of(1) == "edited"
        assert "syncd retry" in (await rig.row(1))["hint"]
        await rig.desk.retry((await rig.one(1)).id, overwrite=True)
        await rig.after(1200, step=30)
        assert [p.html for p in rig.posts()] == [text_of(1, 2)]
        assert rig.creates() == 1


@pytest.mark.guarantee(3)
@CLASSES
@played
async def test_a_correction_never_goes_over_an_editors_text(config: str) -> None:
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        own = "<p>本县的补充说明：咨询电话见政务服务中心公告栏，请各单位知悉并遵照执行。</p>"
        rig.cms["county"].edit(1, "editor", own, rig.clock.true)
        rig.correct(1)
        await rig.after(800, step=400)
        assert [p.html for p in rig.posts()] == [own]
        assert (await rig.attention())["edited"]["kind"] == "repost"


@played
async def test_gone_at_the_site_is_created_again_only_when_a_person_says_so() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.cms["county"].delete_by_editor(1, "editor", rig.clock.true)
        await rig.after(2 * 3600, step=300)
        assert await rig.status_of(1) == "gone"
        assert rig.creates() == 1
        rig.correct(1)
        await rig.after(2 * 3600, step=300)
        assert rig.creates() == 1
        await rig.desk.retry((await rig.one(1)).id)
        await rig.rest()
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 2
        assert [p.html for p in rig.posts()] == [text_of(1, 2)]


@pytest.mark.guarantee(4)
@played
async def test_a_draft_waits_for_the_sites_editor_and_is_clocked_when_published() -> None:
    async with Rig(source() + site() + route(more='post_as = "draft"')) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.after(3 * 3600, step=300)
        assert [p.state for p in rig.posts()] == ["draft"]
        row = await rig.row(1)
        assert (row["status"], row["reason"], row["verdict"]) == ("sent", "waiting_for_editor", "open")
        assert (await rig.attention())["waiting_for_editor"]["hint"]
        rig.cms["county"].publish_draft(1, "editor", rig.clock.true)
        await rig.after(600, step=60)
        row = await rig.row(1)
        assert (row["status"], row["verdict"]) == ("visible", "met")
        assert 3 * 3600 - 600 <= row["latency_s"] <= 3 * 3600 + 700
        rig.correct(1)
        await rig.after(800, step=400)
        assert [(p.state, p.html) for p in rig.posts()] == [("public", text_of(1, 2))]


@pytest.mark.guarantee(3)
@played
async def test_what_an_editor_writes_between_our_write_and_our_look_at_it_is_not_taken_for_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    update, texts = FakeAdapter.update, [text_of(1, 9)]
    async with Rig(source() + site() + route()) as rig:

        async def edited(self: FakeAdapter, *args: Any) -> WriteResult:
            result = await update(self, *args)
            if texts:
                rig.cms["county"].edit(1, "editor", texts.pop(), rig.clock.true)
            return replace(result, stored=None)

        monkeypatch.setattr(FakeAdapter, "update", edited)
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.correct(1)
        await rig.after(800, step=400)
        rig.correct(1)
        await rig.after(2 * 3600, step=300)
        assert [p.html for p in rig.posts()] == [text_of(1, 9)]
        assert await rig.status_of(1) == "edited"


@pytest.mark.guarantee(4)
@played
async def test_a_post_that_the_cms_holds_back_waits_for_the_sites_editor_and_is_seen_when_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    create = FakeAdapter.create

    async def held(self: FakeAdapter, post: Post, state: RemoteState) -> WriteResult:
        return await create(self, post, RemoteState.DRAFT)

    monkeypatch.setattr(FakeAdapter, "create", held)
    async with Rig(source() + site() + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.after(3600, step=300)
        assert (await rig.row(1))["reason"] == "waiting_for_editor"
        rig.cms["county"].publish_draft(1, "editor", rig.clock.true)
        await rig.after(1200, step=60)
        assert (await rig.row(1))["status"] == "visible"


@played
async def test_a_correction_of_an_unpublished_draft_leaves_it_a_draft() -> None:
    async with Rig(source() + site() + route(more='post_as = "draft"')) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.correct(1)
        await rig.after(800, step=400)
        assert [(p.state, p.html) for p in rig.posts()] == [("draft", text_of(1, 2))]


@played
async def test_the_link_form_posts_title_issuer_and_link() -> None:
    async with Rig(source() + site() + route(more='form = "link"')) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        (post,) = rig.posts()
        assert "http://central.example/doc/1" in post.html
        assert "现将第1号通知" not in post.html
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(3)
@played
async def test_without_conditional_updates_the_post_is_looked_at_before_each_update() -> None:
    async with Rig(CLASS_C) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.correct(1)
        rig.clock.advance(400)
        del rig.servers["county"].asked[:]
        await rig.rest()
        calls = [line for line in rig.servers["county"].asked if " /api" in line]
        assert calls[0].startswith("GET /api/posts?key=")
        assert [c for c in calls if c.startswith("PUT")] == ["PUT /api/posts/1"]


@pytest.mark.guarantee(2)
@played
async def test_where_the_cms_cannot_be_searched_a_write_in_doubt_is_parked_and_says_what_to_do() -> None:
    async with Rig(PARKED, switches=Switches(unique="none", conditional_update="none", lookup="none")) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LOST, on=writes, after=True, times=1)
        await rig.after(2 * 3600, step=300)
        assert await rig.status_of(1) == "parked"
        told = (await rig.attention())["in_doubt"]
        assert "syncd adopt" in told["hint"]
        assert rig.creates() == 1
        await rig.desk.adopt((await rig.one(1)).id, url="http://county.example/p/1")
        await rig.rest()
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(2)
@played
async def test_a_persons_retry_of_a_parked_write_obeys_the_settling_time_too() -> None:
    async with Rig(PARKED, switches=Switches(unique="none", conditional_update="none", lookup="none")) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LOST, on=writes, times=1)
        await rig.rest()
        await rig.after(30, step=5)
        id = (await rig.one(1)).id
        with pytest.raises(SyncdError) as refused:
            await rig.desk.retry(id)
        assert (refused.value.reason, bool(refused.value.hint)) == ("settling", True)
        await rig.after(300, step=30)
        assert rig.servers["county"].count("POST") == 1
        await rig.after(600, step=30)
        await rig.desk.retry(id)
        await rig.after(60, step=30)
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


# --- the gate ---------------------------------------------------------------------------------------------------------


def two_sites() -> str:
    return source() + site() + site("town") + route() + route("town")


@pytest.mark.parametrize("form", ["3600", "date"])
@played
async def test_retry_after_pauses_the_whole_site_while_public_looks_and_other_sites_go_on(form: str) -> None:
    async with Rig(two_sites()) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(text_reply(404), on=pages)
        await rig.rest()
        assert await rig.status_of(1, "county") == "sent"
        until = rig.clock.true + timedelta(hours=1)
        after = form if form.isdecimal() else until.strftime("%a, %d %b %Y %H:%M:%S GMT")
        rig.servers["county"].say(json_reply(429, **{"retry-after": after}), on=api)
        rig.publish(2)
        rig.publish(3)
        rig.clock.advance(400)
        await rig.rest()
        calls = rig.servers["county"].count("POST")
        assert calls <= 2
        await rig.after(2400, step=60)
        assert rig.servers["county"].count("POST") == calls
        assert await rig.status_of(1, "county") == "visible"
        assert await rig.status_of(2, "town") == "visible"
        row = await rig.site_row()
        assert (row["state"], row["reason"], row["queue"]) == ("paused", "rate_limited", 2)
        rig.servers["county"].well()
        await rig.after(3000, step=60)
        assert [await rig.status_of(id, "county") for id in (2, 3)] == ["visible", "visible"]
        assert rig.creates() == 3


@pytest.mark.guarantee(1)
@played
async def test_a_site_that_is_down_is_tried_by_one_probe_and_the_backlog_follows_when_it_is_back() -> None:
    async with Rig(two_sites()) as rig:
        await rig.begin()
        rig.servers["county"].say(REFUSED, on=api)
        for id in range(1, 13):
            rig.publish(id)
        await rig.after(86400, step=120)
        assert rig.servers["county"].count("POST") <= 160  # one probe in ten minutes, not one a document
        assert (await rig.site_row())["state"] == "paused"
        assert len(rig.posts("town")) == 12
        rig.servers["county"].well()
        await rig.after(3600, step=60)
        assert rig.creates() == 12
        assert len({p.key for p in rig.posts()}) == 12
        assert (await rig.site_row())["state"] == "ok"


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("status", [401, 403])
@played
async def test_refused_credentials_stop_the_site_and_keep_its_queue(status: int) -> None:
    async with Rig(two_sites()) as rig:
        await rig.begin()
        rig.servers["county"].say(json_reply(status), on=api)
        for id in range(1, 4):
            rig.publish(id)
        await rig.after(3600, step=30)
        assert rig.servers["county"].count("POST") <= 14  # a try in five minutes, so that no account is locked
        row = await rig.site_row()
        assert (row["state"], row["queue"], bool(row["hint"])) == ("stopped", 3, True)
        assert any(told["kind"] == "site" for told in (await rig.attention()).values())
        assert len(rig.posts("town")) == 3
        rig.servers["county"].well()
        await rig.after(900, step=30)
        assert rig.creates() == 3


@played
async def test_a_bug_in_an_adapter_is_an_unknown_outcome_and_is_told() -> None:
    async with Rig(two_sites()) as rig:
        await rig.begin()
        adapter = rig.engine.deps.sites["county"].adapter
        create = adapter.create

        async def broken(post, state):  # type: ignore[no-untyped-def]
            await create(post, state)
            raise KeyError("a bug after the call")

        adapter.create = broken  # type: ignore[method-assign]
        rig.publish(1)
        await rig.rest()
        await rig.after(60, step=10)
        assert rig.log.events("adapter_bug")
        assert await rig.status_of(1, "county") == "visible"
        assert rig.creates() == 1


@played
async def test_what_the_cms_rewrites_is_told_and_is_no_local_edit() -> None:
    async with Rig(source() + site(options='html = "filtered"') + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        assert rig.log.events("loss")
        await rig.after(3 * 86400, step=7200)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(2)
@played
async def test_a_post_with_our_key_that_nobody_announced_is_taken_not_doubled() -> None:
    async with Rig(CLASS_B) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.stage("poll", "read", "route")
        repost = await rig.one(1)
        server = rig.servers["county"]
        server.handler(
            "POST", "/api/posts", {"authorization": "Bearer secret"},
            f'{{"key": "{repost.key}", "title": "{title_of(1)}", "html": "{text_of(1)}", "state": "public"}}'.encode(),
            rig.clock.true,
        )
        await rig.rest()
        assert await rig.status_of(1) == "visible"
        assert len(rig.posts()) == 1


@pytest.mark.guarantee(2)
@played
async def test_a_withdrawal_while_a_create_is_in_doubt_waits_and_then_withdraws_what_landed() -> None:
    async with Rig(source(path="atom.xml") + site() + route()) as rig:
        await rig.begin()
        rig.publish(1)
        server = rig.servers["county"]
        handler, late = server.handler, []

        def delayed(method, path, headers, body, now):  # type: ignore[no-untyped-def]
            if writes(method, path) and not late:
                late.append((method, path, headers, body))
                raise LOST
            return handler(method, path, headers, body, now)

        server.handler = delayed
        await rig.rest()
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(450, step=50)
        handler(*late[0], rig.clock.true)
        await rig.after(1200, step=50)
        assert [p.state for p in rig.posts()] == ["withdrawn"]
        assert await rig.status_of(1) == "withdrawn"


@played
async def test_a_clock_that_jumps_back_a_year_neither_freezes_nor_hurries_a_write_in_doubt() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LOST, on=writes, times=1)
        await rig.rest()
        rig.clock.jump(timedelta(days=365))
        await rig.after(60, step=10)
        assert rig.servers["county"].count("POST") == 1
        rig.clock.jump(timedelta(days=-730))
        await rig.after(1200, step=30)
        assert rig.creates() == 1
        assert (await rig.one(1)).sent == 1


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("state", ["draft", "withdrawn"])
@played
async def test_a_post_that_was_taken_from_public_view_at_the_site_is_not_published_again_by_a_correction(state: str) -> None:
    async with Rig(CLASS_C) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.after(60)
        cms = rig.cms["county"]
        (post,) = rig.posts()
        cms.posts[post.id] = replace(post, state=state, version=post.version + 1, modified_by="editor")
        rig.correct(1)
        await rig.after(1800)
        assert cms.posts[post.id].state == state
        assert await rig.status_of(1) == "gone"
        assert (await rig.one(1)).reason == "unpublished_at_site"


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("swept", [True, False])
@played
async def test_a_second_post_of_a_request_that_came_after_its_settling_time_is_removed_where_the_cms_renames(
    swept: bool,
) -> None:
    """Where the CMS takes a second post with the very key (no sweep is declared), the older one goes on being the post."""
    options = 'unique = "app", conditional_update = "check_then_act"'
    config = source() + site(options=options if swept else options.replace("app", "none")) + route()
    async with Rig(config) as rig:
        await rig.begin()
        rig.publish(1)
        server = rig.servers["county"]
        handler, late = server.handler, []

        def swallowing(method, path, headers, body, now):  # type: ignore[no-untyped-def]
            if writes(method, path) and not late:
                late.append((method, path, headers, body))
                raise LOST
            return handler(method, path, headers, body, now)

        server.handler = swallowing
        await rig.after(1500, step=20)
        handler(*late[0], rig.clock.true)
        assert len(rig.posts()) == 2
        await rig.after(2 * 3600, step=300)
        assert len(rig.posts()) == (1 if swept else 2)
        assert rig.posts()[0].key == (await rig.one(1)).key
        assert await rig.status_of(1) == "visible"


@played
async def test_a_post_that_was_made_as_a_draft_first_is_published_after_the_settling_time() -> None:
    async with Rig(CLASS_C) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LOST, on=writes, after=True, times=1)
        await rig.stage("poll", "read", "route", "work")
        (post,) = rig.posts()
        rig.cms["county"].posts[post.id] = replace(post, state="draft")
        await rig.after(400, step=20)
        assert (await rig.one(1)).reason == "found_as_draft"
        assert rig.posts()[0].state == "draft"
        await rig.after(600, step=20)
        assert [p.state for p in rig.posts()] == ["public"]
        assert await rig.status_of(1) == "visible"


@played
async def test_a_site_that_takes_one_call_gets_one_however_long_a_step_is_on_its_way_to_it() -> None:
    """Ticks come while a step still reads or commits: its call is not yet made, and yet no other may begin."""
    async with Rig() as rig:
        await rig.begin()
        for id in (1, 2, 3):
            rig.publish(id)
        await rig.stage("poll", "read", "route", "approve")
        way, real = asyncio.Event(), rig.disk.real.revision

        async def slow(document: int, n: int) -> Any:
            await way.wait()
            return await real(document, n)

        rig.disk.revision = slow
        started = [await rig.engine.tick("work") for _ in range(3)]
        way.set()
        await rig.stage("work")
        await rig.rest()
        assert started == [1, 0, 0]
        assert [await rig.status_of(id) for id in (1, 2, 3)] == ["visible"] * 3
