"""The desk over a running engine: every question and every order, answered in plain values."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from syncd.errors import SyncdError
from tests.engine.rig import Rig, api, json_reply, pages, played, route, site, source, text_of, text_reply, title_of

FIELDS = {
    "id", "document", "title", "source", "site", "column", "url", "status", "marks", "key", "ref", "published",
    "detected", "sent_at", "seen_at", "latency_s", "deadline", "verdict", "reason", "hint",
}


async def one_visible(rig: Rig) -> int:
    await rig.begin()
    rig.publish(1)
    await rig.rest()
    return (await rig.one(1)).id


@played
async def test_reposts_have_the_promised_fields_and_are_plain_json() -> None:
    async with Rig() as rig:
        await one_visible(rig)
        (row,) = json.loads(json.dumps(await rig.desk.reposts()))
        assert row.keys() >= FIELDS
        assert row["marks"] == {"wanted": 1, "approved": 1, "sent": 1, "seen": 1}
        assert (row["verdict"], row["status"], row["url"]) == ("met", "visible", "http://county.example/p/1")
        assert row["sent_at"] <= row["seen_at"] <= row["deadline"]
        assert await rig.desk.reposts(site="town") == []
        assert await rig.desk.reposts(attention=True) == []


@played
async def test_explain_tells_the_whole_story_and_what_comes_next() -> None:
    async with Rig() as rig:
        told = json.loads(json.dumps(await rig.desk.explain(await one_visible(rig))))
        kinds = [event["kind"] for event in told["events"]]
        order = [kinds.index(kind) for kind in ("sighted", "wanted", "approved", "intent", "sent", "seen")]
        assert order == sorted(order)
        assert told["next"]["step"] == "rest"
        assert told["next"]["at"] > told["repost"]["seen_at"]
        assert told["deadline"]["limit_s"] == 12 * 3600
        assert sum(told["lags"].values()) == pytest.approx(told["repost"]["latency_max_s"], abs=1)


@pytest.mark.parametrize("verb", ["explain", "approve", "reject", "retry", "adopt", "withdraw", "preview"])
@played
async def test_an_id_that_does_not_exist_is_not_found(verb: str) -> None:
    async with Rig() as rig:
        with pytest.raises(SyncdError) as told:
            await getattr(rig.desk, verb)(id=4711)
        assert told.value.reason == "not_found"


@played
async def test_orders_for_a_source_that_is_not_there_or_has_nothing_held_say_so() -> None:
    async with Rig() as rig:
        for order in (rig.desk.approve, rig.desk.reject):
            with pytest.raises(SyncdError) as told:
                await order(source="centrall")
            assert (told.value.reason, "central" in told.value.hint) == ("not_found", True)
        with pytest.raises(SyncdError) as told:
            await rig.desk.reject(source="central")
        assert told.value.reason == "nothing_held"
        with pytest.raises(SyncdError) as told:
            await rig.desk.approve()
        assert told.value.reason == "usage"


@played
async def test_withdraw_takes_it_from_every_site_and_names_who_ordered_it() -> None:
    async with Rig(source() + site() + site("town") + route() + route("town")) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        id = (await rig.one(1, "town")).id
        await rig.desk.withdraw(id, actor="王科长", reason="印发有误")
        await rig.rest()
        assert [p.state for name in ("county", "town") for p in rig.posts(name)] == ["withdrawn", "withdrawn"]
        told = await rig.desk.explain(id)
        assert "王科长" in told["revisions"][-1]["reason"]
        assert "印发有误" in told["revisions"][-1]["reason"]


@played
async def test_retry_of_an_edited_post_asks_to_say_overwrite() -> None:
    async with Rig() as rig:
        id = await one_visible(rig)
        own = "<p>本县的补充说明：咨询电话见政务服务中心公告栏，请知悉。</p>"
        rig.cms["county"].edit(1, "editor", own, rig.clock.true)
        await rig.after(2 * 3600, step=300)
        with pytest.raises(SyncdError) as told:
            await rig.desk.retry(id)
        assert (told.value.reason, "--overwrite" in told.value.hint) == ("edited", True)
        await rig.desk.retry(id, overwrite=True)
        await rig.rest()
        assert [p.html for p in rig.posts()] == [text_of(1)]


@played
async def test_adopt_without_anything_there_says_what_to_do() -> None:
    async with Rig(source() + site() + route(more='approve = "review"')) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        with pytest.raises(SyncdError) as told:
            await rig.desk.adopt((await rig.one(1)).id)
        assert (told.value.reason, "--url" in told.value.hint) == ("not_found", True)


@played
async def test_preview_shows_what_would_be_sent_and_package_writes_it(tmp_path: Path) -> None:
    async with Rig(source() + site() + route(more='approve = "review"')) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        id = (await rig.one(1)).id
        shown = json.loads(json.dumps(await rig.desk.preview(id)))
        assert (shown["title"], shown["column"], "现将第1号通知" in shown["html"]) == (title_of(1), "要闻", True)
        told = await rig.desk.package(id, str(tmp_path / "1.zip"))
        assert told["bytes"] == (tmp_path / "1.zip").stat().st_size
        assert zipfile.ZipFile(tmp_path / "1.zip").namelist()
        assert rig.posts() == []


@played
async def test_the_report_of_a_month_counts_what_happened() -> None:
    async with Rig() as rig:
        await one_visible(rig)
        told = json.loads(json.dumps(await rig.desk.report("2026-03")))
        assert title_of(1) in json.dumps(told, ensure_ascii=False)


@played
async def test_check_tries_every_source_every_site_and_the_clock_and_writes_nothing() -> None:
    async with Rig() as rig:
        await rig.begin()
        told = await rig.desk.check()
        assert told["ok"], told
        assert {"clock"} < {item["name"] for item in told["items"]}
        assert told["outgoing"]
        assert rig.posts() == []


@pytest.mark.guarantee(5)
@played
async def test_check_says_what_to_do_about_each_thing_that_is_wrong() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.servers["central"].say(text_reply(403))
        rig.servers["county"].say(json_reply(401), on=api)
        told = await rig.desk.check()
        bad = [item for item in told["items"] if not item["ok"]]
        assert not told["ok"]
        assert len(bad) >= 2
        assert all(item["hint"] for item in bad), bad


@played
async def test_status_is_plain_json_and_counts_what_there_is() -> None:
    async with Rig() as rig:
        await one_visible(rig)
        told = json.loads(json.dumps(await rig.desk.status()))
        assert told["ready"]
        assert told["healthy"]
        assert told["counts"]["reposts"] == 1
        assert told["attention"] == []


@pytest.mark.guarantee(5)
@played
async def test_an_engine_that_stands_still_is_not_healthy() -> None:
    async with Rig() as rig:
        rig.clock.advance(120)
        told = await rig.desk.status()
        assert not told["healthy"]
        assert {p["reason"] for p in told["problems"]} == {"engine_stuck"}


@pytest.mark.guarantee(5)
@played
async def test_what_fails_for_long_is_shown_though_it_is_still_tried() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(text_reply(404), on=pages)
        await rig.after(1200, step=30)
        assert (await rig.attention())["page_404"]["kind"] == "repost"
        rig.servers["county"].well()
        await rig.after(900, step=30)
        assert await rig.attention() == {}
