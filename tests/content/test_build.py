"""An entry and its page become one content; the finer of two agreeing times wins."""

import asyncio
from datetime import UTC, datetime, timedelta

from syncd.content.api import Fetched
from syncd.content.build import ContentBuilder, complete, earliest_known
from syncd.model import AttachmentLink, Content, Entry, Instant, Media, Precision
from syncd.sources.api import Page

DAY = datetime(2026, 11, 2, 16, tzinfo=UTC)
URL = "https://www.gov.cn/zhengce/1.htm"


def build(entry: Entry, page: Page | None, **options: object) -> tuple[Content, tuple[AttachmentLink, ...]]:
    return asyncio.run(ContentBuilder(**options).build(entry, page))  # type: ignore[arg-type]


def test_the_page_wins_and_the_entry_fills_in() -> None:
    entry = Entry(
        "k",
        "列表标题",
        URL,
        issuer="国务院办公厅",
        document_number="国办发〔2026〕1号",
        summary="<p>摘要</p>",
        written="2026-11-01",
    )
    page = Page(URL, title=" 页面\n标题 ", html="<p>正文</p>", index_number="000014349/2026-1", origin_name="新华社")
    content, links = build(entry, page)
    assert (content.title, content.issuer, content.index_number) == ("页面 标题", "国务院办公厅", "000014349/2026-1")
    assert (content.summary, content.text, content.origin_name, content.written) == (
        "摘要",
        "正文",
        "新华社",
        "2026-11-01",
    )
    assert links == ()


def test_without_a_page_the_feed_s_own_content_is_used() -> None:
    content, _ = build(Entry("k", "标题", URL, content_html="<p onclick=x>正文</p>"), None)
    assert (content.title, content.html) == ("标题", "<p>正文</p>")


def test_documents_in_the_body_declared_ones_and_pictures_are_fetched_each_once() -> None:
    html = '<a href="P1.PDF#page=2">附件1</a><a href="other.htm">其他</a><img src="a.png"><a href="表.xlsx?x=1">表</a>'
    declared = (
        AttachmentLink("https://www.gov.cn/zhengce/P1.PDF"),
        AttachmentLink("https://x.cn/download?id=3"),
        AttachmentLink("javascript:x"),
    )
    _, links = build(Entry("k", "标题", URL, attachments=declared), Page(URL, html=html))
    assert [link.url.rpartition("/")[2] for link in links] == ["P1.PDF#page=2", "表.xlsx?x=1", "download?id=3", "a.png"]


def test_a_page_s_time_inside_the_list_s_day_wins_else_the_earlier() -> None:
    day = Instant(DAY, Precision.DAY, origin="list")
    inside = Instant(DAY + timedelta(hours=20), Precision.MINUTE, origin="page")
    later = Instant(DAY + timedelta(days=3), origin="page")
    before = Instant(DAY - timedelta(hours=1), origin="page")
    assert earliest_known(day, inside) is inside
    assert earliest_known(day, later) is day
    assert earliest_known(day, before) is before
    assert earliest_known(None, inside) is inside
    assert earliest_known(day, None) is day
    assert earliest_known(later, before) is before


def test_a_large_page_is_cleaned_in_the_child() -> None:
    ran = []

    async def run(function: object, *args: object) -> object:
        ran.append(function)
        return function(*args)  # type: ignore[operator]

    content, _ = build(Entry("k", "标题", URL), Page(URL, html="<p>字</p>" * 50_000), run=run)
    assert len(ran) == 1
    assert content.text.count("字") == 50_000


def test_completing_keeps_what_was_had_and_tells_what_was_not() -> None:
    content, _ = build(
        Entry("k", "标题", URL, content_html='<p>文<img src="/a.png" alt="甲"><img src="/b.png"></p>'), None
    )
    media = (Media("https://www.gov.cn/b.png", "tupian-2-aa.png", "image/png", 1, "a" * 64),)
    done = complete(content, Fetched(media, ("a.png: the server answered 404",)))
    assert done.media == media
    assert done.losses == ("a.png: the server answered 404",)
    assert done.html.count("<img") == 1
    assert done.text == "文[甲]"


def test_an_attachment_that_stands_in_the_body_stays_in_it_as_text() -> None:
    html = "<p>第一条。</p><p>附件：</p><h3>实施细则</h3><table><tr><td>一</td><td>二</td></tr></table>"
    content, links = build(Entry("k", "标题", URL), Page(URL, html=html))
    assert content.text == "第一条。\n附件：\n实施细则\n一\n二"
    assert "<td>二</td>" in content.html
    assert links == ()


def test_a_download_that_is_called_a_file_is_fetched_and_one_that_is_not_is_a_link() -> None:
    html = '<a href="/down.do?id=7">附件：申报表.doc</a><a href="/down.do?id=8">更多</a><a href="http://[x">坏.doc</a>'
    _, links = build(Entry("k", "标题", URL), Page(URL, html=html))
    assert [link.url.rpartition("/")[2] for link in links] == ["down.do?id=7"]
