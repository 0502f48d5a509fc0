"""The desk over a running engine: every question and every order, answered in plain values."""

from __future__ import annotations

import base64
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.errors import SyncdError
from syncd.model import Repost
from syncd.store.api import Look
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
async def test_a_withdrawal_by_order_is_lifted_and_the_source_is_followed_again() -> None:
    async with Rig(source() + site() + site("town") + route() + route("town")) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        id = (await rig.one(1, "town")).id
        await rig.desk.withdraw(id, actor="王科长", reason="印发有误")
        await rig.rest()
        told = await rig.desk.withdraw(id, actor="李科长", reason="已核实", undo=True)
        assert (told["withdrawn"], sorted(told["sites"])) == (False, ["county", "town"])
        await rig.rest()
        assert [p.state for name in ("county", "town") for p in rig.posts(name)] == ["public", "public"]
        assert await rig.status_of(1, "county") == "visible"
        assert "李科长" in (await rig.desk.explain(id))["revisions"][-1]["reason"]
        rig.correct(1, 2)
        await rig.after(3600, step=300)
        assert all("第2版" in p.html for name in ("county", "town") for p in rig.posts(name))
        assert rig.creates() == 1


@played
async def test_what_no_person_withdrew_no_person_brings_back() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        id = (await rig.one(1)).id
        for withdrawn in (False, True):
            if withdrawn:
                rig.lists["central"].withdraw(1, rig.clock.true)
                await rig.after(3 * 3600, step=300)
                assert [p.state for p in rig.posts()] == ["withdrawn"]
            with pytest.raises(SyncdError) as told:
                await rig.desk.withdraw(id, undo=True)
            assert (told.value.reason, f"syncd explain {id}" in told.value.hint) == ("not_ordered", True)


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
async def test_preview_shows_what_would_be_sent_and_package_carries_it(tmp_path: Path) -> None:
    async with Rig(source() + site() + route(more='approve = "review"')) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        id = (await rig.one(1)).id
        rig.config.syncd.state_dir.mkdir(exist_ok=True)
        shown = json.loads(json.dumps(await rig.desk.preview(id)))
        assert (shown["title"], shown["column"], "现将第1号通知" in shown["html"]) == (title_of(1), "要闻", True)
        told = await rig.desk.package(id)
        (tmp_path / "1.zip").write_bytes(base64.b64decode(told["data"]))
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
async def test_a_read_of_the_month_before_covers_the_first_minutes_of_the_next() -> None:
    async with Rig() as rig:
        await rig.begin()
        midnight = datetime(2026, 3, 31, 16, tzinfo=UTC)
        rig.clock.advance((midnight - rig.clock.now()).total_seconds() - 100)
        await rig.stage("poll")
        await rig.engine.poller.flush()
        rig.publish(1)
        rig.clock.advance(400)
        await rig.stage("poll")
        watch = next(each for each in (await rig.desk.report("2026-04"))["sources"] if each["source"] == "central")
        assert (watch["blind"], watch["share"]) == (0.0, 1.0)


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


OBSERVED = """
[[sites]]
name = "town"
adapter = "observe"
public_url = "http://town.example"
options = { list_url = "http://lists.town.example/gwy/" }
"""
HALF = source() + site() + route(more='approve = "review"')


async def waiting(rig: Rig) -> int:
    await rig.begin()
    rig.publish(1)
    await rig.rest()
    return (await rig.one(1)).id


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://central.example/p/1", "http://county.example:8081/p/1", "//county.example/p",
     "http://county.example.evil.example/p/1", "http://[", "javascript:alert(1)"],
)
@pytest.mark.guarantee(4)
@played
async def test_only_a_page_of_the_site_itself_is_adopted(url: str) -> None:
    async with Rig(HALF) as rig:
        id = await waiting(rig)
        with pytest.raises(SyncdError) as told:
            await rig.desk.adopt(id, url)
        assert (told.value.reason, "county.example" in told.value.hint) == ("foreign_url", True)
        await rig.desk.adopt(id, "https://www.county.example/p/7")
        assert (await rig.one(1)).ref.url == "https://www.county.example/p/7"  # type: ignore[union-attr]


@played
async def test_what_people_have_to_post_is_awaited_and_no_queue_and_may_stand_where_the_lists_are() -> None:
    async with Rig(source() + OBSERVED + route("town")) as rig:
        id = await waiting(rig)
        (row,) = await rig.desk.reposts()
        assert (row["status"], "cms" in row["lags"], row["lags"]["people"] >= 0) == ("awaited", False, True)
        shown = await rig.site_row("town")
        assert (shown["queue"], shown["awaited"], shown["posts"]) == (0, 1, False)
        with pytest.raises(SyncdError) as told:
            await rig.desk.withdraw(id)
        assert (told.value.reason, "by hand" in told.value.hint) == ("no_writable_site", True)
        assert (await rig.desk.adopt(id, "http://lists.town.example/gwy/7.html"))["status"] == "sent"


@pytest.mark.guarantee(2)
@played
async def test_nothing_is_adopted_while_a_request_of_ours_may_still_take_effect() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.servers["county"].say(text_reply(500), on=writes)
        rig.publish(1)
        await rig.after(30, step=10)
        repost = await rig.one(1)
        assert repost.intent is not None
        with pytest.raises(SyncdError) as told:
            await rig.desk.adopt(repost.id, "http://county.example/p/1")
        assert (told.value.reason, " s," in told.value.hint) == ("settling", True)


@played
async def test_what_is_at_the_site_is_not_rejected_but_withdrawn() -> None:
    async with Rig() as rig:
        id = await one_visible(rig)
        with pytest.raises(SyncdError) as told:
            await rig.desk.reject(id)
        assert (told.value.reason, f"syncd withdraw {id}" in told.value.hint) == ("already_sent", True)
        assert await rig.status_of(1) == "visible"


class Racing:
    """A store in which the engine changes the row just before a person's order is saved, `times` times."""

    def __init__(self, store: Any, times: int, **change: Any) -> None:
        self._store, self._times, self._change = store, times, change

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._store, verb)

    async def save(self, repost: Repost, events: Any = ()) -> Repost:
        if self._times:
            self._times -= 1
            await self._store.save(replace(await self._store.repost(repost.id), **self._change))
        saved: Repost = await self._store.save(repost, events)
        return saved


@played
async def test_an_order_that_the_engine_overtook_is_said_again_from_the_row_as_it_is() -> None:
    async with Rig(HALF) as rig:
        id = await waiting(rig)
        rig.ground.store = Racing(rig.disk, 3, tries=2)  # type: ignore[assignment]
        assert (await rig.desk.approve(id))["status"] == "sending"
        assert (await rig.one(1)).tries == 2


@played
async def test_an_order_that_is_overtaken_again_and_again_asks_to_be_said_again() -> None:
    async with Rig(HALF) as rig:
        id = await waiting(rig)
        rig.ground.store = Racing(rig.disk, 4, tries=2)  # type: ignore[assignment]
        with pytest.raises(SyncdError) as told:
            await rig.desk.reject(id)
        assert (told.value.reason, "say it again" in told.value.hint) == ("stale", True)


@pytest.mark.guarantee(3)
@played
async def test_an_order_never_says_anything_of_a_revision_that_came_meanwhile() -> None:
    async with Rig(HALF) as rig:
        id = await waiting(rig)
        rig.ground.store = Racing(rig.disk, 1, wanted=2)  # type: ignore[assignment]
        assert (await rig.desk.approve(id))["status"] == "waiting"
        rig.ground.store = Racing(rig.disk, 1, wanted=3)  # type: ignore[assignment]
        with pytest.raises(SyncdError) as told:
            await rig.desk.reject(id)
        assert told.value.reason == "stale"


@pytest.mark.guarantee(4)
@played
async def test_withdrawn_is_shown_only_of_what_was_withdrawn_at_the_site() -> None:
    async with Rig() as rig:
        id = await one_visible(rig)
        await rig.desk.withdraw(id)
        shown = [await rig.row(1)]
        while shown[-1]["marks"]["seen"] < 2:
            await rig.stage("route", "approve", "work")
            rig.clock.advance(1)
            shown.append(await rig.row(1))
        assert {row["status"] for row in shown if row["marks"]["wanted"] == 1} <= {"visible"}
        assert shown[-1]["status"] == "withdrawn"


@played
async def test_the_hint_of_a_document_names_its_reposts() -> None:
    async with Rig(source() + site() + site("town") + route() + route("town")) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        repost = await rig.one(1, "town")
        await rig.disk.record_look(repost.document, Look(rig.clock.now(), note="mass_gone"))
        (hint,) = [row["hint"] for row in (await rig.attention()).values() if row["kind"] == "document"]
        ids = [r.id for r, _ in await rig.all() if r.document == repost.document]
        assert f"syncd withdraw {ids[0]}`" in hint
        assert f"its reposts: {ids[0]}, {ids[1]}" in hint


@played
async def test_a_month_that_does_not_exist_is_a_mistake_of_who_asks() -> None:
    async with Rig() as rig:
        with pytest.raises(SyncdError) as told:
            await rig.desk.report("2026-13")
        assert (told.value.reason, "YYYY-MM" in told.value.hint) == ("usage", True)


@played
async def test_a_daemon_writes_backups_below_its_state_and_hands_others_over(tmp_path: Path) -> None:
    async with Rig() as rig:
        await one_visible(rig)
        state = rig.config.syncd.state_dir
        state.mkdir(exist_ok=True)
        rig.desk.served = True
        with pytest.raises(SyncdError) as told:
            await rig.desk.backup(str(state / "syncd.sqlite3"))
        assert told.value.reason == "backup_failed"
        with pytest.raises(SyncdError) as told:
            await rig.desk.backup(str(state / "no" / "copy"))
        assert (told.value.reason, "directory" in told.value.hint) == ("backup_failed", True)
        assert "state directory" not in told.value.hint
        assert (await rig.desk.backup(str(state / "copy")))["path"] == str(state.resolve() / "copy")
        handed = await rig.desk.backup(str(tmp_path / "copy"))
        assert base64.b64decode(handed["data"]).startswith(b"SQLite format 3")
        assert not (tmp_path / "copy").exists()


@played
async def test_what_does_not_fit_through_the_socket_says_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.app.desk.MOST_PACKAGE", 10)
    monkeypatch.setattr("syncd.app.desk.MOST_BACKUP", 10)
    async with Rig(HALF) as rig:
        id = await waiting(rig)
        rig.desk.served = True
        rig.config.syncd.state_dir.mkdir(exist_ok=True)
        for asked, hint in ((rig.desk.package(id), "stop the daemon"), (rig.desk.backup("/x"), "below")):
            with pytest.raises(SyncdError) as told:
                await asked
            assert (told.value.reason, hint in told.value.hint) == ("too_large", True)


@played
async def test_a_state_directory_that_takes_nothing_is_told_and_is_no_bug() -> None:
    async with Rig(HALF) as rig:
        id = await waiting(rig)
        assert not rig.config.syncd.state_dir.exists()
        with pytest.raises(SyncdError) as told:
            await rig.desk.package(id)
        assert (told.value.reason, "state_dir" in told.value.hint) == ("state_unwritable", True)


@played
async def test_check_promises_no_class_where_nothing_is_posted() -> None:
    async with Rig(source() + site() + OBSERVED + route("town")) as rig:
        await rig.begin()
        told = {item["name"]: item["detail"] for item in (await rig.desk.check())["items"]}
        assert (told["site town"], told["site county"]) == ("only observed, nothing is posted", "class A")
