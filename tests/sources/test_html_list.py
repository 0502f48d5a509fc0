"""Any list on a web page is read as config maps it; a page that no longer shows it is an error that says what it shows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from syncd.config import options_of
from syncd.core.shape import change
from syncd.errors import ReadFailed
from syncd.model import Entry, Precision
from syncd.sources.api import Listing, Page, SourceConfig
from syncd.sources.html_list import HtmlOptions, HtmlSource
from tests.sources.kit import answer, tools

URL = "https://www.city.example/zc/index.html"
FIELDS = {"title": "a", "url": "a@href", "published": "span"}
PAGE = "<!doctype html><html><head><title>政策文件</title></head><body>{body}</body></html>"


def made(**more: Any) -> HtmlSource:
    options, problems = options_of(HtmlOptions, {"list": "ul.list > li", "fields": FIELDS, **more}, where="options")
    assert problems == []
    return HtmlSource(SourceConfig("city", URL, options), tools())


def read(body: str, *, url: str = URL, codec: str = "utf-8", content_type: str = "", **more: Any) -> Listing:
    data = PAGE.format(body=body).encode(codec)
    return asyncio.run(made(**more).parse(answer(data, url=url, content_type=content_type)))


def refused(body: str, **more: Any) -> ReadFailed:
    with pytest.raises(ReadFailed) as caught:
        read(body, **more)
    return caught.value


def document(shown: str, **detail: Any) -> Page:
    data = PAGE.format(body=shown).encode()
    url = "https://www.city.example/zc/t1.html"
    return asyncio.run(made(detail=detail).read_page(Entry(url, "甲", url), answer(data, url=url)))


ROW = '<li><a href="./t{n}.html" title="关于第{n}号文件的通知（全称）">第{n}号…</a><span>[2026-04-{n:02d}]</span></li>'


def rows(count: int = 3, row: str = ROW) -> str:
    return '<ul class="list">' + "".join(row.format(n=n) for n in range(1, count + 1)) + "</ul>"


def test_rows_become_entries_by_selectors_attributes_and_dates_among_words() -> None:
    found = read(rows(), fields={**FIELDS, "title": "a@title"})
    assert found.problems == ()
    assert [(e.title, e.url) for e in found.entries][:1] == [
        ("关于第1号文件的通知（全称）", "https://www.city.example/zc/t1.html")
    ]
    first = found.entries[0].published
    assert first
    assert (first.raw, first.precision, first.at.isoformat()) == (
        "2026-04-01",
        Precision.DAY,
        "2026-03-31T16:00:00+00:00",
    )


@pytest.mark.parametrize(
    ("shown", "raw", "precision"),
    [
        ("发布时间：2026-09-28 21:50", "2026-09-28 21:50", Precision.MINUTE),
        ("（2026年9月28日）", "2026年9月28日", Precision.DAY),
        ("2026/9/28 21:50:01 来源：本站", "2026/9/28 21:50:01", Precision.SECOND),
        ("2026.09.28", "2026.09.28", Precision.DAY),
    ],
)
def test_a_date_is_found_among_the_words_around_it(shown: str, raw: str, precision: Precision) -> None:
    found = read(rows(1, f'<li><a href="t{{n}}.html">第{{n}}号通知</a><span>{shown}</span></li>')).entries[0].published
    assert found
    assert (found.raw, found.precision) == (raw, precision)


def test_what_stands_bare_in_a_row_is_its_own_text_and_a_date_in_the_title_is_not_it() -> None:
    found = read(
        rows(1, '<li><a href="t{n}.html">关于2025年1月2日会议的通知</a> 2026-04-0{n}</li>'),
        fields={**FIELDS, "published": "."},
    )
    assert found.entries[0].published
    assert found.entries[0].published.raw == "2026-04-01"


def test_a_piece_of_a_text_is_taken_by_a_regular_expression() -> None:
    row = '<li><a href="t{n}.html">通知</a><span>2026-04-01</span><p>市政府办公室　云政办发〔2026〕{n}号　有效</p></li>'
    number = {"at": "p", "take": r"\S+〔\d{4}〕\d+号"}
    entry = read(
        rows(2, row), fields={**FIELDS, "document_number": number, "issuer": {"at": "p", "take": r"^(\S+)\s"}}
    ).entries[1]
    assert (entry.document_number, entry.issuer) == ("云政办发〔2026〕2号", "市政府办公室")


@pytest.mark.parametrize("codec", ["gb2312", "gb18030", "utf-16"])
def test_pages_in_any_likely_encoding_give_the_same_titles(codec: str) -> None:
    row = '<li><a href="t{n}.html">关于第{n}号文件的通知</a><span>2026-04-{n:02d}</span></li>'
    assert [e.title for e in read(rows(30, row), codec=codec).entries] == [
        f"关于第{n}号文件的通知" for n in range(1, 31)
    ]


def test_heads_and_lines_between_the_rows_are_no_rows() -> None:
    table = "<table><tr><th>标题</th><th>日期</th></tr>" + "".join(
        f'<tr><td><a href="t{n}.html">第{n}号通知</a></td><td>2026-04-0{n}</td></tr><tr><td colspan="2"></td></tr>'
        for n in (1, 2, 3)
    )
    found = read(table, list="tr", fields={**FIELDS, "published": "td:nth-child(2)"})
    assert (len(found.entries), found.problems) == (3, ())


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<p>系统维护中</p>", "finds no row on a page titled '政策文件'"),
        (
            '<ul class="news">' + "<li><a href='/1'>一个很长很长的标题</a></li>" * 4 + "</ul><script>x()</script>",
            "it was redesigned",
        ),
        ('<div id="app"></div><script>fetch("/api/list.json?c=1")</script>', "(its scripts name /api/list.json?c=1)"),
        ("<script>document.write(createPageHTML(9, 0, 'index', 'html'))</script>", "its rows are not in the HTML"),
    ],
)
def test_a_page_without_its_rows_is_never_an_empty_list(body: str, told: str) -> None:
    failure = refused(body)
    assert failure.reason == "not_understood"
    assert "options.list 'ul.list > li' finds no row" in failure.hint
    assert told in failure.hint


@pytest.mark.guarantee(4)
def test_rows_that_lost_their_title_or_their_dates_are_not_understood() -> None:
    failure = refused(rows(row='<li><b>第{n}号</b><a href="t{n}.html"></a><span>2026-04-01</span></li>'))
    assert (failure.reason, "options.fields.title 'a' finds nothing" in failure.hint) == ("not_understood", True)
    undated = refused(rows(row='<li><a href="t{n}.html">第{n}号通知</a><i>2026-04-01</i></li>'))
    assert (undated.reason, "options.fields.published 'span'" in undated.hint) == ("not_understood", True)


def test_a_relative_link_of_a_file_is_told_as_what_it_is() -> None:
    hint = refused(rows(), url="").hint
    assert "'./t1.html', which is no web address here: it is relative, and a file does not say to what" in hint
    assert "--url" not in refused(rows().replace("./t", "javascript:t")).hint


def test_the_pages_of_content_systems_are_walked_to_their_last_and_no_further() -> None:
    script = "<script>createPageHTML(3, 0, 'index', 'html')</script>"
    paging = {"url": "index_{page}.html", "first": 0, "count": {"at": "script", "take": r"createPageHTML\((\d+)"}}
    base = "https://www.city.example/zc/"
    following = [
        read(rows() + script, url=base + name, paging=paging).next
        for name in ("index.html", "", "index_1.html", "index_2.html")
    ]
    assert following == [f"{base}index_1.html", f"{base}index_1.html", f"{base}index_2.html", ""]


def test_a_next_link_is_followed_by_its_selector_or_its_words() -> None:
    for selector in ("a.next", 'a:lexbor-contains("下一页")@href'):
        assert read(rows() + '<a class="next" href="?p=2">下一页</a>', paging={"next": selector}).next == f"{URL}?p=2"
        assert read(rows(), paging={"next": selector}).next == ""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"list": "ul["}, "list: 'ul[' is no CSS selector"),
        ({"list": " "}, "list must be a selector"),
        ({"fields": {**FIELDS, "published": "span["}}, "fields.published: 'span[' is no CSS selector"),
        ({"paging": {"url": "index_{page}.html"}}, "paging.count"),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_is_read(more: dict[str, Any], told: str) -> None:
    problems = options_of(HtmlOptions, {"list": "li", "fields": FIELDS, **more}, where="options")[1]
    assert told in " ".join(problems)


HEADER = (
    "<table><tr><td>标<span>&nbsp;</span>题：</td><td>关于方案的通知</td><td>发文机关：</td><td>云山市人民政府</td></tr>"
    "<tr><td>发文字号：</td><td></td><td>来源：</td><td>市政府网站</td></tr>"
    "<tr><td>成文日期：</td><td>2026年04月10日</td><td>发布日期：</td><td>2026年04月15日</td></tr></table>"
)
TEXT = '<div class="TRS_Editor"><p>各县区人民政府：现将方案印发给你们，请认真贯彻执行。</p><a href="f/a.pdf">附件</a></div>'


def test_the_header_of_a_document_is_read_where_config_says_nothing() -> None:
    page = document(HEADER + TEXT)
    assert (page.title, page.issuer, page.document_number, page.origin_name) == (
        "关于方案的通知",
        "云山市人民政府",
        "",
        "市政府网站",
    )
    assert page.written == "2026-04-10"
    assert page.published
    assert page.published.precision is Precision.DAY
    assert [file.url for file in page.attachments] == ["https://www.city.example/zc/f/a.pdf"]


@pytest.mark.parametrize(
    "header",
    [
        "<ul><li><span>文　号：</span><span>云政发〔2026〕9号</span></li>"
        "<li><span>索引号：</span><span>X1/2026-9</span></li></ul>",
        "<dl><dt>文号</dt><dd>云政发〔2026〕9号</dd><dt>索引号</dt><dd>X1/2026-9</dd></dl>",
        "<p>文号：云政发〔2026〕9号</p><p><b>索引号：</b>X1/2026-9</p>",
        "<table><tr><th>文号</th><td>云政发〔2026〕9号</td></tr><tr><th>索引号</th><td>X1/2026-9</td></tr></table>",
    ],
)
def test_headers_in_tables_lists_and_lines_are_one(header: str) -> None:
    page = document(header + TEXT)
    assert (page.document_number, page.index_number) == ("云政发〔2026〕9号", "X1/2026-9")


def test_a_table_of_the_text_is_no_header() -> None:
    page = document(
        "<table><tr><td>序号</td><td>名称</td><td>来源</td></tr><tr><td>1</td><td>某药</td><td>某厂</td></tr></table>"
        + TEXT
    )
    assert (page.title, page.origin_name) == ("政策文件", "")


def test_selectors_of_config_come_before_what_such_pages_have_in_common() -> None:
    body = (
        HEADER
        + TEXT
        + '<h3 class="t">真正的标题</h3><div class="b"><p>真正的正文</p></div><i class="w">本文件已废止</i>'
    )
    page = document(
        body, title="h3.t", body="div.b", withdrawn="i.w", published={"at": "table", "take": r"成文日期：\s*(\S+日)"}
    )
    assert (page.title, page.withdrawn, page.issuer) == ("真正的标题", "本文件已废止", "云山市人民政府")
    assert "真正的正文" in page.html
    assert "各县区" not in page.html
    assert page.published
    assert page.published.at.isoformat() == "2026-04-09T16:00:00+00:00"


def test_the_cells_of_a_header_may_be_named() -> None:
    body = "<div class=h><b>文号</b><i>云政发〔2026〕9号</i></div>" + TEXT
    assert document(body).document_number == ""
    assert document(body, labels=".h > *").document_number == "云政发〔2026〕9号"


def test_a_page_that_moved_names_its_new_address_and_one_that_is_gone_counts_as_410() -> None:
    detail = {"redirect": "a.moved@href", "gone": {"at": "p.msg", "take": "已删除|不存在"}}
    assert (
        document('<a class="moved" href="/new/1.html">新地址</a>', **detail).moved
        == "https://www.city.example/new/1.html"
    )
    with pytest.raises(ReadFailed) as caught:
        document('<p class="msg">您访问的文件已删除</p>', **detail)
    assert (caught.value.reason, caught.value.status) == ("document_gone", 410)
    assert document(TEXT + '<p class="msg">欢迎</p>', **detail).moved == ""


def test_a_mapped_field_that_rows_no_longer_hold_is_told_with_its_selector() -> None:
    told = {**FIELDS, "issuer": "i.org", "key": "@data-id", "relations": {"repeals": "b"}}
    row = ROW.replace("</li>", "<i class=\"org\">县水利局</i><b>《旧办法》</b></li>").replace("<li>", '<li data-id="n{n}">')
    before, now = read(rows(5, row), fields=told), read(rows(5), fields=told)
    gone = "gone: issuer (i.org), key (@data-id), relations.repeals (b)"
    assert str(change(before.shape, now.shape)) == gone
    assert change(before.shape, before.shape).lost == ()


def test_the_hub_that_a_page_names_in_its_head_is_taken_and_one_among_its_rows_is_not() -> None:
    head = '<link rel="hub" href="/hub"><link rel="alternate SELF" href="https://www.city.example/zc/">'
    page = PAGE.replace("<title>", f"{head}<title>").format(body=f'<link rel="hub" href="https://evil.example/">{rows()}')
    found = asyncio.run(made().parse(answer(page.encode(), url=URL)))
    assert (found.hubs, found.topic) == (("https://www.city.example/hub",), "https://www.city.example/zc/")
    assert (read(rows()).hubs, read(rows()).topic) == ((), "")


def test_a_head_full_of_links_costs_next_to_nothing() -> None:
    page = PAGE.replace("<title>", '<link rel="hub" href="/h">' * 20_000 + "<title>").format(body=rows())
    assert asyncio.run(made().parse(answer(page.encode(), url=URL))).hubs == ("https://www.city.example/h",)
    many = "".join(f'<link rel="hub" href="/{n}">' for n in range(500))
    found = asyncio.run(made().parse(answer(PAGE.replace("<title>", f"{many}<title>").format(body=rows()).encode(), url=URL)))
    assert len(found.hubs) == 100
