"""Stage read: the document's own page and its attachments, corrections found by looking again, what vanished."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.core.mapping import fidelity_hash
from syncd.errors import ReadFailed
from tests.engine.rig import DETAIL, Rig, json_reply, played, route, site, source, text_reply, title_of

PAGES = source(options=DETAIL) + site() + route()
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d4944415478da63fcffff3f030005fe02fea7b6a1f9"
    "0000000049454e44ae426082"
)
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


def files(rig: Rig, *, fails: int = 0, status: int = 503) -> list[str]:
    """A server of attachments; its first `fails` answers are failures."""
    asked: list[str] = []

    def serve(method, path, headers, body, now):  # type: ignore[no-untyped-def]
        asked.append(path)
        if len(asked) <= fails:
            return text_reply(status)
        return 200, {"content-type": "application/pdf"}, PDF

    rig.wires.servers["files.example"] = serve
    return asked


WITH_FILE = (
    "<p>各乡镇人民政府，县政府各部门：现将有关事项通知如下，请认真贯彻执行。</p>"
    '<p><a href="http://files.example/a.pdf">附件：实施方案.pdf</a></p>'
)


@pytest.mark.guarantee(1)
@played
async def test_the_documents_own_page_is_read_and_becomes_the_post() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        assert rig.servers["central"].count("GET /doc/1") == 1
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(1)
@played
async def test_an_attachment_that_fails_for_a_moment_is_waited_for() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        files(rig, fails=2)
        rig.publish(1, text=WITH_FILE)
        await rig.rest()
        assert await rig.none()
        assert [p.reason for p in await rig.disk.pendings()] == ["attachment"]
        assert rig.counted("syncd_failures_total", stage="read", reason="attachment") >= 1
        await rig.after(2400)
        revision = await rig.disk.revision((await rig.one(1)).document, 1)
        assert len(revision.content.media) == 1
        assert revision.content.losses == ()


@pytest.mark.parametrize("listed", [source(options=DETAIL), source()], ids=["page", "feed"])
@pytest.mark.guarantee(1)
@played
async def test_a_file_that_is_replaced_behind_its_address_is_a_correction(listed: str) -> None:
    async with Rig(listed + 'relook = ["10m"]' + site() + route()) as rig:
        await rig.begin()
        served = [PDF]
        rig.wires.servers["files.example"] = lambda *asked: (200, {"content-type": "application/pdf"}, served[0])
        rig.publish(1, text=WITH_FILE)
        await rig.rest()
        document = (await rig.one(1)).document
        before = await rig.disk.revision(document, 1)
        await rig.after(2000)
        assert (await rig.disk.document(document)).latest == 1, "the same file again is no correction"
        served[0] = PDF + b"% the corrected table"
        await rig.after(4000)
        after = await rig.disk.revision(document, 2)
        assert after.reason == "corrected"
        assert after.content.html == before.content.html
        assert [media.sha256 for media in after.content.media] != [media.sha256 for media in before.content.media]
        assert fidelity_hash(after.content) != fidelity_hash(before.content)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(5)
@played
async def test_an_attachment_that_cannot_be_had_is_missing_in_words_and_holds_up_for_less_than_an_hour() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        files(rig, fails=10**6)
        rig.publish(1, text=WITH_FILE)
        await rig.after(3000)
        revision = await rig.disk.revision((await rig.one(1)).document, 1)
        assert revision.content.media == ()
        assert any("a.pdf" in loss for loss in revision.content.losses)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("asked", ["172800", "99999999999999999", "9" * 400])
@played
async def test_a_server_of_attachments_that_asks_for_a_long_pause_does_not_hold_up_the_document(asked: str) -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.wires.servers["files.example"] = lambda *_: text_reply(429, **{"retry-after": asked})
        rig.publish(1, text=WITH_FILE)
        await rig.after(3600)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(1, 5)
@pytest.mark.parametrize("reply", [503, 429], ids=str)
@played
async def test_a_post_does_not_lose_its_attachments_while_their_server_is_down(reply: int) -> None:
    async with Rig(source(options=DETAIL) + 'relook = ["10m"]' + site() + route()) as rig:
        await rig.begin()
        files(rig)
        rig.publish(1, text=WITH_FILE)
        await rig.rest()
        document = (await rig.one(1)).document
        no_validators(rig)
        files(rig, fails=10**6, status=reply)
        await rig.after(5 * 3600, step=300)
        assert (await rig.disk.document(document)).latest == 1
        files(rig, fails=10**6, status=404)
        await rig.after(3 * 86400, step=1200)
        last = await rig.disk.revision(document, 2)
        assert (last.content.media, len(last.content.losses)) == ((), 1), "what is gone for good is a correction"


@pytest.mark.guarantee(1)
@played
async def test_an_attachment_that_could_not_be_had_in_time_is_added_when_it_can_be() -> None:
    async with Rig(source(options=DETAIL) + 'relook = ["30m"]' + site() + route()) as rig:
        await rig.begin()
        files(rig, fails=10**6)
        rig.publish(1, text=WITH_FILE)
        await rig.after(3000)
        document = (await rig.one(1)).document
        assert (await rig.disk.revision(document, 1)).content.media == ()
        files(rig)
        await rig.after(3 * 3600)
        assert len((await rig.disk.revision(document, 2)).content.media) == 1


@played
async def test_a_pause_of_the_domain_uses_up_no_try_of_a_document() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["central"].say(ReadFailed("parked", after=600.0), on=lambda method, path: path == "/doc/1")
        await rig.after(7200, step=300)
        [waiting] = await rig.disk.pendings()
        assert (waiting.reason, waiting.tries) == ("parked", 0)
        rig.servers["central"].well()
        await rig.after(900)
        assert await rig.status_of(1) == "visible"


def no_validators(rig: Rig) -> None:
    """The server answers each question with the whole page, as many do."""
    handler = rig.servers["central"].handler

    def said(method, path, headers, *rest):  # type: ignore[no-untyped-def]
        status, told, body = handler(method, path, {}, *rest)
        return status, {n: v for n, v in told.items() if n.lower() not in ("etag", "last-modified")}, body

    rig.servers["central"].handler = said


@pytest.mark.guarantee(1)
@played
async def test_a_404_on_a_new_entry_is_tried_for_ever_and_says_so() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["central"].say(text_reply(404), on=lambda method, path: path == "/doc/1")
        await rig.after(2 * 86400, step=1800)
        told = (await rig.attention())["http_404"]
        assert (told["kind"], bool(told["hint"])) == ("entry", True)
        assert rig.counted("syncd_failures_total", stage="read", reason="http_404") > 10
        rig.servers["central"].well()
        await rig.after(7200, step=600)
        assert await rig.status_of(1) == "visible"
        assert "http_404" not in await rig.attention()


@played
async def test_a_correction_that_the_list_does_not_show_is_found_by_looking_again() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        shown = rig.lists["central"]._json()
        rig.servers["central"].say(
            (200, {"content-type": "application/feed+json"}, shown), on=lambda method, path: path == "/feed.json"
        )
        rig.correct(1, 2)
        await rig.after(2 * 3600, step=300)
        assert "第2版" in rig.posts()[0].html
        assert (await rig.one(1)).seen == 2


@pytest.mark.parametrize("status", [404, 410])
@played
async def test_a_page_that_is_gone_twice_withdraws_and_once_does_not(status: int) -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        rig.publish(2)
        await rig.rest()
        rig.servers["central"].say(text_reply(status), on=lambda method, path: path == "/doc/1", times=1)
        await rig.after(3 * 3600, step=300)
        assert await rig.status_of(1) == "visible"
        rig.servers["central"].say(text_reply(status), on=lambda method, path: path == "/doc/1")
        await rig.after(3 * 86400, step=1800)
        assert [await rig.status_of(1), await rig.status_of(2)] == ["withdrawn", "visible"]
        assert {p.title: p.state for p in rig.posts()} == {title_of(1): "withdrawn", title_of(2): "public"}


@pytest.mark.guarantee(1)
@played
async def test_when_many_pages_are_gone_at_once_nothing_is_withdrawn_and_a_person_is_asked() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        for id in range(1, 11):
            rig.publish(id)
        await rig.rest()
        rig.servers["central"].say(text_reply(404), on=lambda method, path: path.startswith("/doc/"))
        await rig.after(12 * 3600, step=900)
        told = (await rig.attention())["mass_gone"]
        assert (told["kind"], bool(told["hint"])) == ("document", True)
        assert sum(p.state == "withdrawn" for p in rig.posts()) <= 4
        assert rig.counted("syncd_failures_total", stage="read", reason="mass_gone") >= 1


@pytest.mark.guarantee(5)
@played
async def test_a_page_that_changes_at_every_look_is_limited_and_shown() -> None:
    async with Rig(source(options=DETAIL) + 'relook = ["10m"]' + site() + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        for version in range(2, 14):
            rig.correct(1, version)
            rig.servers["central"].say(text_reply(503), on=lambda method, path: path == "/feed.json")
            await rig.after(720, step=60)
        assert (await rig.one(1)).wanted <= 6
        assert (await rig.attention())["flap"]["hint"]
        assert rig.counted("syncd_failures_total", stage="read", reason="flap") >= 1


@played
async def test_a_withdrawn_document_that_comes_back_is_posted_again() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        kept = rig.lists["central"].policies[1]
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(86400, step=1800)
        assert await rig.status_of(1) == "withdrawn"
        rig.lists["central"].policies[1] = replace(kept, modified=rig.clock.true)
        await rig.after(9 * 86400, step=7200)
        assert await rig.status_of(1) == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(5)
@played
async def test_a_bug_in_reading_one_document_delays_that_one_and_is_told() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        read_page = rig.engine.deps.sources["central"].source.read_page

        async def broken(entry, answer):  # type: ignore[no-untyped-def]
            if entry.title == title_of(1):
                raise RecursionError("a plug-in's bug")
            return await read_page(entry, answer)

        rig.plug("central", read_page=broken)
        rig.publish(1)
        rig.publish(2)
        await rig.after(600, step=2)
        assert await rig.status_of(2) == "visible"
        assert rig.servers["central"].count("GET /doc/1") <= 8
        assert (await rig.attention())["plugin_bug"]["hint"]
        rig.plug("central", read_page=read_page)
        await rig.after(3600)
        assert await rig.status_of(1) == "visible"


@played
async def test_a_botched_look_back_in_time_is_not_an_old_sighting() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.servers["central"].say(text_reply(404), on=lambda method, path: path == "/doc/1", times=1)
        await rig.after(4000, step=100)
        rig.clock.jump(timedelta(days=90))
        rig.servers["central"].say(text_reply(404), on=lambda method, path: path == "/doc/1", times=1)
        await rig.after(7200, step=300)
        assert await rig.status_of(1) == "visible"


@pytest.mark.guarantee(5)
@played
async def test_a_source_taken_out_of_the_config_leaves_its_posts_and_its_waiting_entries_alone() -> None:
    async with Rig(source(options=DETAIL) + source("other") + site() + route(sources=("central", "other"))) as rig:
        await rig.begin()
        rig.publish(1, name="central")
        await rig.rest()
        rig.publish(2, name="central")
        rig.servers["central"].say(json_reply(500), on=lambda method, path: path == "/doc/2")
        rig.clock.advance(400)
        await rig.rest()
        await rig.reload(source("other") + site() + route(sources=("other",)))
        await rig.after(2 * 86400, step=3600)
        assert [p.state for p in rig.posts()] == ["public"]
        assert [p.reason for p in await rig.disk.pendings()] == ["source_not_configured"]
