"""Stages see and audit: visible means that an anonymous GET showed it with the same text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncd.engine.see import Expected, judge
from syncd.engine.send import Draft
from syncd.errors import ReadFailed
from syncd.model import Content, Post, RemoteState, Revision
from syncd.web.api import Answer
from tests.engine.rig import (
    ERROR_PAGE,
    LOGIN_PAGE,
    Rig,
    json_reply,
    pages,
    played,
    route,
    site,
    source,
    text_of,
    text_reply,
    title_of,
)


def page(title: str, body: str, *, charset: str = "utf-8") -> tuple[int, dict[str, str], bytes]:
    head = f'<html><head><meta charset="{charset}"><title>{title}</title></head>'
    text = f"{head}<body><h1>{title}</h1>{body}</body></html>"
    return 200, {"content-type": "text/html"}, text.encode("gb18030" if charset == "gb2312" else charset)


LIES = {
    "error_page": ERROR_PAGE,
    "login_page": LOGIN_PAGE,
    "empty_page": text_reply(200, b"<html></html>"),
    "page_404": text_reply(404, b"not found"),
    "page_502": text_reply(502, b"bad gateway"),
    "title_missing": page("另一篇文件", text_of(1)),
    "text_differs": page(title_of(1), "<p>各乡镇人民政府，县政府各部门：</p>" + "<p>现将别的通知印发给你们。</p>" * 12),
}


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("lie", sorted(LIES))
@played
async def test_a_page_that_does_not_show_the_post_is_not_visible_and_says_why(lie: str) -> None:
    async with Rig(source() + site() + site("town") + route() + route("town")) as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(LIES[lie], on=pages)
        await rig.after(1800, step=30)
        repost = await rig.one(1, "county")
        assert (repost.sent, repost.seen, repost.reason) == (1, 0, lie)
        row = next(row for row in await rig.desk.reposts() if row["site"] == "county")
        assert (row["status"], row["verdict"], bool(row["hint"])) == ("sent", "open", True)
        assert (await rig.attention())[lie]["kind"] == "repost"
        assert rig.counted("syncd_reposts_total", site="county", reason=lie) > 3
        assert await rig.status_of(1, "town") == "visible"
        rig.servers["county"].well()
        await rig.after(900, step=30)
        assert await rig.status_of(1, "county") == "visible"
        assert rig.creates() == 1


@pytest.mark.guarantee(4)
@played
async def test_a_page_that_cannot_be_reached_is_not_visible() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(ReadFailed("tls_untrusted", hint="the certificate is not trusted"), on=pages)
        await rig.after(600, step=30)
        row = await rig.row(1)
        assert (row["status"], row["reason"]) == ("sent", "tls_untrusted")
        assert row["hint"] == "the certificate is not trusted"


@played
async def test_a_page_that_appears_later_is_bracketed_by_the_last_bad_look() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(text_reply(404), on=pages)
        await rig.after(3600, step=10)
        appeared = rig.clock.now()
        rig.servers["county"].well()
        await rig.after(900, step=10)
        row = await rig.row(1)
        published = rig.lists["central"].policies[1].published
        waited = (appeared - published).total_seconds()
        assert row["latency_s"] <= waited <= row["latency_max_s"]
        assert row["latency_max_s"] - row["latency_s"] <= 660
        assert row["verdict"] == "met"


@pytest.mark.guarantee(4)
@played
async def test_a_page_that_was_surely_not_there_when_the_limit_ended_is_breached() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(text_reply(404), on=pages)
        await rig.after(13 * 3600, step=120)
        assert (await rig.row(1))["verdict"] == "breached"
        rig.servers["county"].well()
        await rig.after(1800, step=60)
        row = await rig.row(1)
        assert (row["status"], row["verdict"], row["blame"]) == ("visible", "breached", "publishing")


@played
async def test_a_page_in_gb18030_shows_its_post() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(page(title_of(1), text_of(1), charset="gb2312"), on=pages)
        await rig.rest()
        assert await rig.status_of(1) == "visible"


@played
async def test_a_page_seen_before_is_looked_at_again_and_one_bad_look_is_no_finding() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        looks = rig.servers["county"].count("GET /p/1")
        rig.servers["county"].say(text_reply(503), on=pages, times=1)
        await rig.after(2 * 3600, step=300)
        assert rig.servers["county"].count("GET /p/1") >= looks + 2
        row = await rig.row(1)
        assert (row["status"], row["reason"]) == ("visible", "")


@pytest.mark.guarantee(3)
@played
async def test_an_audit_finds_a_local_edit_and_keeps_it() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        own = "<p>本县的补充说明：咨询电话见政务服务中心公告栏，请各单位知悉并遵照执行。</p>"
        rig.cms["county"].edit(1, "editor", own, rig.clock.true)
        await rig.after(2 * 3600, step=300)
        assert await rig.status_of(1) == "edited"
        assert [p.html for p in rig.posts()] == [own]
        await rig.desk.adopt((await rig.one(1)).id)
        await rig.after(600)
        assert await rig.status_of(1) == "visible"
        assert [p.html for p in rig.posts()] == [own]


@pytest.mark.guarantee(5)
@played
async def test_a_broken_page_of_a_post_that_the_cms_still_has_stays_on_show_with_its_reason() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.servers["county"].say(ERROR_PAGE, on=pages)
        await rig.after(6 * 3600, step=300)
        row = await rig.row(1)
        assert (row["reason"], bool(row["hint"])) == ("error_page", True)
        assert rig.creates() == 1


@pytest.mark.guarantee(4)
@played
async def test_a_withdrawal_is_done_only_when_the_public_page_no_longer_shows_the_text() -> None:
    async with Rig(source(path="atom.xml") + site() + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        cached = page(title_of(1), text_of(1))
        rig.servers["county"].say(cached, on=pages)
        rig.lists["central"].withdraw(1, rig.clock.true)
        await rig.after(1200, step=60)
        repost = await rig.one(1)
        assert (repost.sent, repost.seen, repost.reason) == (2, 1, "still_visible")
        rig.servers["county"].well()
        await rig.after(1200, step=60)
        assert await rig.status_of(1) == "withdrawn"


@played
async def test_an_editors_change_before_the_first_look_is_found_by_asking_the_cms() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        rig.servers["county"].say(text_reply(503), on=pages)
        await rig.rest()
        rig.cms["county"].delete_by_editor(1, "editor", rig.clock.true)
        rig.servers["county"].well()
        await rig.after(1800, step=30)
        row = await rig.row(1)
        assert (row["status"], row["reason"]) == ("gone", "removed_at_site_before_seen")
        assert rig.creates() == 1


@played
async def test_a_look_from_the_inside_never_proves_met() -> None:
    inside = site() + 'look = { vantage = "inside" }\n'
    async with Rig(source() + inside + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        row = await rig.row(1)
        assert (row["status"], row["verdict"]) == ("visible", "indeterminate")


@played
async def test_the_look_is_anonymous_and_asks_for_no_cached_copy() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        (headers,) = [
            h for line, h in zip(rig.servers["county"].asked, rig.servers["county"].headers, strict=True)
            if "/p/" in line
        ]
        assert "authorization" not in headers
        assert headers["cache-control"] == "no-cache"


@pytest.mark.guarantee(5)
@played
async def test_while_the_cms_asks_for_a_pause_a_bad_look_does_not_call_it() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        rig.publish(2)
        rig.clock.advance(400)
        rig.servers["county"].say(json_reply(429, **{"retry-after": "7200"}), on=lambda m, p: m == "POST")
        await rig.rest()
        calls = sum("/api" in line for line in rig.servers["county"].asked)
        rig.servers["county"].say(text_reply(404), on=pages)
        await rig.after(6000, step=300)
        assert sum("/api" in line for line in rig.servers["county"].asked) == calls


PAGE = "<html><title>{title} - 某县</title><body><h1>{title}</h1><p>文号：国办发〔2026〕5号</p><p>{text}</p></body></html>"


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("number", "ok"), [("国办发〔2026〕5号", True), ("国办发〔2026〕6号", False), ("", False)]
)
def test_a_page_that_people_wrote_under_another_title_is_known_by_the_documents_number(number: str, ok: bool) -> None:
    content = Content("国办关于发展社区养老床位的意见", "<p>现印发。</p>", "现印发。", "", document_number=number)
    post = Post("k", content.title, content.html, "要闻", 1, document_number=number)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    expected = Expected(Revision(1, 1, "h", content, now), Draft(post, "", "p", RemoteState.PUBLIC), adopted=True)
    page = PAGE.format(title="国办发文支持养老", text="一文读懂养老床位新规定，详见正文。" * 3).encode()
    answer = Answer(200, "http://county.example/p/1", ((b"content-type", b"text/html; charset=utf-8"),), page, now, now)
    assert judge(expected, answer).ok is ok
