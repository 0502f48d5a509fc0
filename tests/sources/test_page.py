"""A document's page of any site: its header in whatever layout, its files wherever they hang, its text as it is."""

from __future__ import annotations

import pytest

from syncd.sources.api import Page
from syncd.sources.header import header_of
from syncd.sources.html import Html
from tests.sources.kit import feed, read_page

TABLE = """<table class="xxgk"><tr><td>索 引 号：</td><td>000014349/2026-1</td><td>信息分类：</td><td>财政\\其他</td></tr>
<tr><td>发布机构：</td><td>某省财政厅</td><td>生成日期：</td><td>2026年9月25日</td></tr>
<tr><td>名&nbsp;&nbsp;称：</td><td>关于做好补贴工作的通知</td></tr>
<tr><td>文&nbsp;&nbsp;号：</td><td>财发〔2026〕9号</td><td>公开日期：</td><td>2026-09-28</td></tr></table>"""
LIST = """<ul class="head"><li><span>索引号：</span><span>000014349/2026-1</span></li><li><b>信息分类：</b>财政\\其他</li>
<li>发布机构：某省财政厅</li><li><span>生成日期</span><span>二〇二六年九月二十五日</span></li>
<li><span>名称：</span><span>关于做好补贴工作的通知</span></li><li><em>文号：</em> <i>财发〔2026〕9号</i></li>
<li>公开日期：2026-09-28</li></ul>"""
DEFINITIONS = """<dl><dt>索引号</dt><dd>000014349/2026-1</dd><dt>信息分类</dt><dd>财政\\其他</dd>
<dt>发布机构</dt><dd>某省财政厅</dd><dt>生成日期</dt><dd>2026.09.25</dd><dt>名称</dt><dd>关于做好补贴工作的通知</dd><dt>文号</dt><dd>财发〔2026〕9号</dd>
<dt>公开日期</dt><dd>2026-09-28</dd></dl>"""
BODY = '<div id="zoom"><p>各市：</p><p>第一条。</p></div>'


def page(*parts: str, body: str = BODY) -> str:
    above, below = (*parts, "", "")[:2]
    return f"<html><head><title>窗口_网站</title></head><body>{above}{body}{below}</body></html>"


def read(*parts: str, body: str = BODY) -> Page:
    return read_page(feed(), page(*parts, body=body))


@pytest.mark.parametrize("header", [TABLE, LIST, DEFINITIONS], ids=["table", "list", "definitions"])
def test_the_header_is_read_in_every_layout(header: str) -> None:
    found = read(header)
    assert (found.title, found.issuer, found.document_number, found.index_number, found.written, found.categories) == (
        "关于做好补贴工作的通知",
        "某省财政厅",
        "财发〔2026〕9号",
        "000014349/2026-1",
        "2026-09-25",
        ("财政\\其他",),
    )
    assert found.published
    assert (found.published.raw, found.published.origin) == ("2026-09-28", "page")
    assert found.problems == ()


@pytest.mark.parametrize("empty", ["", "-", "无"])
def test_an_empty_field_stays_empty_and_takes_nothing_from_its_neighbour(empty: str) -> None:
    table = TABLE.replace("财发〔2026〕9号", empty)
    lines = LIST.replace("财发〔2026〕9号", empty)
    assert [read(header).document_number for header in (table, lines)] == ["", ""]


def test_a_table_of_the_text_is_no_header() -> None:
    body = f'<div id="zoom">{TABLE}</div>'
    assert header_of(Html(page(body=body).encode(), content_type="", url="https://a.example/")) != {}
    assert read(body=body).document_number == ""
    few = "<table><tr><td>名称：</td><td>甲</td><td>来源：</td><td>乙</td></tr></table>"
    assert read(few).title == "窗口_网站"


def test_a_written_day_that_is_none_is_told() -> None:
    assert [problem.reason for problem in read(TABLE.replace("2026年9月25日", "近日")).problems] == ["bad_date"]


def files(*parts: str, body: str = BODY) -> list[tuple[str, str]]:
    return [(file.url.rpartition("/")[2], file.title) for file in read(*parts, body=body).attachments]


def test_files_in_the_body_and_beside_it_are_found_and_those_of_the_site_are_not() -> None:
    beside = (
        '<div class="fujian-list"><a href="f1.pdf">附件1：方案.pdf</a></div><p><a href="f2.ofd">附件2</a></p>'
        '<div class="foot"><a href="help.pdf">使用手册</a></div>'
    )
    body = '<div id="zoom"><p>正文</p><a href="a.docx">附件：表</a><a href="b.htm">相关</a></div>'
    assert files("", beside, body=body) == [("a.docx", "附件：表"), ("f1.pdf", "附件1：方案.pdf"), ("f2.ofd", "附件2")]


def test_a_download_without_an_ending_counts_by_its_name() -> None:
    body = '<div id="zoom"><a href="/down.do?id=7">1.申报表.doc</a><a href="/down.do?id=8">更多</a></div>'
    assert files(body=body) == [("down.do?id=7", "1.申报表.doc")]


@pytest.mark.parametrize(
    "frame",
    [
        '<iframe src="/w/P1.pdf"></iframe>',
        '<embed src="/w/P1.pdf">',
        '<object data="/w/P1.pdf"></object>',
        '<iframe src="/js/web/viewer.html?file=%2Fw%2FP1.pdf"></iframe>',
    ],
)
def test_a_document_that_is_shown_in_a_frame_is_its_file(frame: str) -> None:
    assert files(body=f'<div id="zoom">{frame}</div>') == [("P1.pdf", "P1.pdf")]


def test_an_attachment_that_stands_in_the_text_stays_in_it() -> None:
    body = '<div id="zoom"><p>第一条。</p><p>附件</p><h3>实施细则</h3><table><tr><td>一</td><td>二</td></tr></table></div>'
    found = read(body=body)
    assert all(text in found.html for text in ("第一条。", "附件", "实施细则", "<td>二</td>"))
    assert found.attachments == ()
