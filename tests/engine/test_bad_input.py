"""Bad input, case by case: a reason, a hint, a metric; the others go on, nothing is lost, nothing doubled."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta

import pytest

from syncd.errors import NotApplied, ReadFailed, StoreError, Unknown
from tests.engine.rig import (
    ERROR_PAGE,
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
    writes,
)

EVERY = 400
BOTH = ("central", "other")
COUNTY = source() + source("other") + site() + site("town") + route(sources=BOTH) + route("town", sources=BOTH)
XML = {"content-type": "application/rss+xml"}
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    b'<rss version="2.0"><channel><title>&b;</title></channel></rss>'
)
DEEP = b'<rss version="2.0"><channel>' + b"<a>" * 5000 + b"</a>" * 5000 + b"</channel></rss>"
NO_END = b'<rss version="2.0"><channel><title>x</title><item><title>' + "关于".encode() * 100
MOJIBAKE = b'<?xml version="1.0" encoding="utf-8"?><rss><title>' + bytes(range(0x80, 0x100)) * 40 + b"</title></rss>"
LISTS = {
    "entity bomb": ((200, XML, BOMB), "hostile_xml"),
    "deep nesting": ((200, XML, DEEP), "hostile_xml"),
    "endless body": (ReadFailed("too_large", "over 10 MB", hint="raise the limit if that is right"), "too_large"),
    "slow drip": (ReadFailed("timeout", "not complete within 30 s", hint="the server is slow"), "timeout"),
    "cut off": ((200, XML, NO_END), None),
    "wrong encoding": ((200, XML, MOJIBAKE), None),
    "page instead of a list": (ERROR_PAGE, None),
    "empty body": ((200, XML, b""), "empty_body"),
    "json of another shape": ((200, {"content-type": "application/json"}, b'{"hello": [1, 2]}'), None),
    "401": (text_reply(401), "http_401"),
    "404": (text_reply(404), "http_404"),
    "500": (text_reply(500), "http_500"),
}


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(5)
@pytest.mark.parametrize("case", sorted(LISTS))
@played
async def test_a_hostile_or_broken_list(case: str) -> None:
    answer, reason = LISTS[case]
    async with Rig(COUNTY) as rig:
        await rig.begin()
        rig.publish(1, name="central")
        await rig.rest()
        rig.servers["central"].say(answer, on=lambda method, path: path == "/feed.json")
        rig.publish(2, name="central")
        rig.publish(3, name="other")
        await rig.after(6 * 3600, step=600)
        row = await rig.source_row()
        assert row["reason"] == (reason or row["reason"])
        assert row["reason"]
        assert row["hint"]
        assert rig.counted("syncd_polls_total", source="central", outcome=row["reason"]) >= 3
        assert rig.counted("syncd_failures_total", stage="poll", reason=row["reason"]) >= 3
        assert (await rig.attention())[row["reason"]]["kind"] == "source"
        assert await rig.status_of(3, "county") == "visible"
        assert [p.state for p in rig.posts()] == ["public", "public"]
        rig.servers["central"].well()
        await rig.after(86400, step=1800)
        assert await rig.status_of(2, "county") == "visible"
        assert rig.creates("county") == rig.creates("town") == 3
        assert (await rig.source_row())["reason"] == ""


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    "date", ["0000-00-00T00:00:00Z", "0000-01-01", "9999-12-31T23:59:59Z", "yesterday", "2026-02-30T10:00:00Z"]
)
@played
async def test_an_absurd_date_loses_no_document_and_makes_no_met(date: str) -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        feed = json.loads(rig.lists["central"]._json())
        for item in feed["items"]:
            if item["url"].endswith("/1"):
                item["date_published"] = item["date_modified"] = date
        body = json.dumps(feed).encode()
        rig.servers["central"].say((200, {"content-type": "application/feed+json"}, body), on=lambda m, p: "feed" in p)
        await rig.rest()
        row = await rig.row(1)
        assert row["status"] == "visible"
        published = rig.lists["central"].policies[1].published
        late = (rig.clock.true - published).total_seconds() > 12 * 3600
        assert not (late and row["verdict"] == "met")


GMT = "%a, %d %b %Y %H:%M:%S GMT"
CMS = {
    "200 with an error page": (ERROR_PAGE, "wrong_content_type", "paused"),
    "401": (json_reply(401), "unauthorized", "stopped"),
    "403": (json_reply(403), "forbidden", "stopped"),
    "404": (json_reply(404), "not_found", "ok"),
    "409": (json_reply(409), "conflict_exists", "ok"),
    "413": (json_reply(413), "too_large", "ok"),
    "422": (json_reply(422), "unprocessable", "ok"),
    "429": (json_reply(429, **{"retry-after": "1800"}), "rate_limited", "paused"),
    "429 with a date": (json_reply(429, **{"retry-after": "DATE"}), "rate_limited", "paused"),
    "500": (json_reply(500), "server_error", "paused"),
    "502": (text_reply(502), "server_error", "paused"),
    "redirect to a log-in page": (text_reply(302, location="http://county.example/login"), "login_redirect", "stopped"),
    "no answer": (Unknown("timeout", "no answer", hint="it is looked up"), "timeout", "paused"),
    "no connection": (NotApplied("connect", "refused", hint="is it running?"), "connect", "paused"),
}


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(4)
@pytest.mark.guarantee(5)
@pytest.mark.parametrize("scope", ["every call", "writes only"])
@pytest.mark.parametrize("case", sorted(CMS))
@played
async def test_a_cms_that_answers_badly(case: str, scope: str) -> None:
    answer, reason, state = CMS[case]
    async with Rig(COUNTY) as rig:
        await rig.begin()
        if case == "429 with a date":
            answer = json_reply(429, **{"retry-after": (rig.clock.true + timedelta(minutes=30)).strftime(GMT)})
        if isinstance(answer, Unknown) and scope == "every call":
            answer = NotApplied("timeout", "no answer", hint="it is looked up")
        rig.servers["county"].say(answer, on=api if scope == "every call" else writes)
        rig.publish(1, name="central")
        await rig.rest()
        if case.startswith("429"):
            told_state = (await rig.site_row())["state"]
        await rig.after(5 * 3600, step=300)
        row = next(r for r in await rig.desk.reposts() if r["site"] == "county")
        assert row["marks"]["sent"] == row["marks"]["seen"] == 0
        assert row["verdict"] == "open"
        if case == "409" and scope == "every call":
            reason = "conflict_version"  # the look that should settle it is refused as well
        assert rig.counted("syncd_reposts_total", site="county", reason=reason) >= 1
        shown = {told["reason"]: told for told in (await rig.desk.status())["attention"]}
        site_row = await rig.site_row()
        if state == "ok":
            assert reason in shown
            assert shown[reason]["hint"]
        elif scope == "every call" or state == "stopped":
            told_state = told_state if case.startswith("429") else site_row["state"]
            assert told_state == state
        assert shown or (site_row["reason"] and site_row["hint"])
        assert next(r for r in await rig.desk.reposts() if r["site"] == "town")["status"] == "visible"
        rig.servers["county"].well()
        await rig.after(3 * 3600, step=120)
        if row["status"] == "held":
            await rig.desk.retry(row["id"])
            await rig.rest()
        assert await rig.status_of(1, "county") == "visible"
        assert rig.creates("county") == rig.creates("town") == 1


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("status", [409, 412, 423, 404])
@played
async def test_a_cms_that_refuses_an_update_by_mistake(status: int) -> None:
    async with Rig(COUNTY) as rig:
        await rig.begin()
        rig.publish(1, name="central")
        await rig.rest()
        rig.servers["county"].say(json_reply(status), on=lambda method, path: method == "PUT")
        rig.correct(1, name="central")
        await rig.after(2 * 3600, step=300)
        assert [p.html for p in rig.posts("county")] == [text_of(1)]
        assert [p.html for p in rig.posts("town")] == [text_of(1, 2)]
        row = next(r for r in await rig.desk.reposts() if r["site"] == "county")
        assert row["status"] == "sending"
        assert row["reason"]
        rig.servers["county"].well()
        await rig.after(3 * 3600, step=300)
        assert [p.html for p in rig.posts("county")] == [text_of(1, 2)]


@pytest.mark.guarantee(4)
@played
async def test_a_withdrawal_that_is_answered_by_404_while_the_post_stands_is_not_believed() -> None:
    async with Rig(source(path="atom.xml") + site() + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.servers["county"].say(json_reply(404), on=writes)
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(3600, step=300)
        assert [p.state for p in rig.posts()] == ["public"]
        assert await rig.status_of(1) != "withdrawn"
        assert (await rig.row(1))["reason"] in ("still_visible", "public_again")


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(5)
@pytest.mark.parametrize("fault", ["disk_full", "read_only"])
@played
async def test_a_full_or_read_only_disk(fault: str) -> None:
    async with Rig(COUNTY) as rig:
        await rig.begin()
        rig.publish(1, name="central")
        await rig.stage("poll", "read", "route")
        rig.disk.fault = fault
        asked = len(rig.servers["county"].asked)
        for _ in range(120):
            rig.clock.advance(5)
            for stage in ("poll", "read", "route", "approve", "work"):
                with suppress(StoreError):
                    await rig.stage(stage)
        assert len(rig.servers["county"].asked) == asked
        status = await rig.desk.status()
        (problem,) = [p for p in status["problems"] if p["where"] == "store"]
        assert (problem["reason"], bool(problem["hint"]), status["ready"]) == (fault, True, False)
        assert rig.counted("syncd_failures_total", stage="store", reason=fault) >= 2
        assert rig.disk.verbs.count("put") <= 41  # the disk is tried four times a minute, and no list is read meanwhile
        assert rig.servers["central"].count("GET") <= 3
        rig.publish(2, name="other")
        rig.disk.fault = ""
        await rig.after(900, step=15)
        assert (await rig.desk.status())["ready"]
        assert [await rig.status_of(id, "county") for id in (1, 2)] == ["visible", "visible"]
        assert rig.creates("county") == rig.creates("town") == 2


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("fault", ["disk_full", "read_only"])
@played
async def test_a_disk_that_fills_between_the_call_and_its_outcome(fault: str) -> None:
    async with Rig(COUNTY) as rig:
        await rig.begin()
        rig.publish(1, name="central")
        await rig.stage("poll", "read", "route")
        handler = rig.servers["county"].handler

        def filling(method, path, headers, body, now):  # type: ignore[no-untyped-def]
            reply = handler(method, path, headers, body, now)
            if writes(method, path):
                rig.disk.fault = fault
            return reply

        rig.servers["county"].handler = filling
        with pytest.raises(StoreError):
            await rig.stage("work")
        rig.servers["county"].handler = handler
        await rig.restart_after(lambda: setattr(rig.disk, "fault", ""))
        await rig.after(900, step=30)
        assert await rig.status_of(1, "county") == "visible"
        assert rig.creates("county") == 1


@pytest.mark.guarantee(5)
@played
async def test_a_full_disk_for_evidence_stops_no_other_source_for_good() -> None:
    async with Rig(COUNTY) as rig:
        await rig.begin()
        put = rig.blobs.put

        def full(data: bytes) -> str:
            raise StoreError("disk_full", "no space left", hint="make room")

        rig.blobs.put = full  # type: ignore[method-assign]
        rig.publish(1, name="central")
        rig.clock.advance(EVERY)
        with pytest.raises(StoreError):
            await rig.stage("poll")
        assert {p["reason"] for p in (await rig.desk.status())["problems"]} == {"disk_full"}
        rig.blobs.put = put  # type: ignore[method-assign]
        await rig.after(900, step=30)
        assert await rig.status_of(1, "county") == "visible"


@pytest.mark.guarantee(4)
@played
async def test_public_pages_that_lie_make_no_met_on_any_site() -> None:
    async with Rig(COUNTY) as rig:
        await rig.begin()
        rig.servers["county"].say(ERROR_PAGE, on=pages)
        rig.servers["town"].say(text_reply(200, b""), on=pages)
        rig.publish(1, name="central")
        await rig.after(13 * 3600, step=600)
        assert {row["verdict"] for row in await rig.desk.reposts()} == {"breached"}


@pytest.mark.guarantee(1)
@played
async def test_a_damaged_row_among_the_looks_does_not_keep_new_documents_waiting() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()

        async def damaged(*_: object) -> None:
            raise StoreError("damaged", "looks 1: its seal is broken", hint="put back the last backup")

        rig.disk.real.due_looks = damaged  # type: ignore[method-assign, assignment]
        rig.publish(2)
        rig.clock.advance(400)
        await rig.stage("poll")
        with pytest.raises(StoreError):
            await rig.stage("read")
        await rig.engine.drain()
        await rig.stage("route", "approve", "work")
        assert len(rig.posts()) == 2
