"""Every kind of gov.cn's pages, in pages written by us after what was seen."""

from __future__ import annotations

import pytest

from syncd.model import Bond, Precision, Relation
from syncd.sources.api import Page
from tests.sources.kit import HERE, govcn, read_page

BASE = "https://www.gov.example"


def page(name: str, *, path: str = "/zhengce/zhengceku/202604/content_21.htm", **changes: str) -> Page:
    """A page of tests/sources/pages. changes: old text to new, as pairs old=…, new=…"""
    data = (HERE / "pages" / name).read_bytes()
    if changes:
        data = data.replace(changes["old"].encode(), changes["new"].encode())
    return read_page(govcn(), data, url=BASE + path)


def test_a_departments_page_with_an_empty_number_takes_none_from_its_text() -> None:
    found = page("library.html")
    assert (found.title, found.issuer) == ("粮食部 财政部 商务部关于粮食的通知", "粮食部 财政部 商务部")
    assert (found.document_number, found.written, found.origin_name) == ("", "2026-04-14", "粮食部网站")
    assert found.published
    assert found.published.at.isoformat() == "2026-04-15T14:12:07+00:00"
    assert found.problems == ()
    assert "粮食储备清单（内文附件）" in found.html


def test_a_page_made_anew_without_a_later_change_is_the_same_page() -> None:
    anew = page("library.html", old="页面生成时间 2026-04-16 00:32:36", new="页面生成时间 2026-04-16 01:54:36")
    assert anew == page("library.html")


@pytest.mark.parametrize("spelt", ["2026-04-15-23:10:00", "2026-04-15 23:10:00"])
def test_both_spellings_of_its_times_are_read(spelt: str) -> None:
    found = page("library.html", old="2026-04-15-23:10:00", new=spelt)
    assert found.updated
    assert (found.updated.precision, found.updated.at.isoformat()) == (Precision.SECOND, "2026-04-15T15:10:00+00:00")


def test_what_a_page_says_of_its_force_is_carried() -> None:
    assert page("library.html").validity == "部分失效"
    for plain in ("有效", "现行有效", "未失效", ""):
        assert page("library.html", old="部分失效", new=plain).validity == ""
    assert page("old.html").validity == "失效"
    stamped = '<img src="s.png" alt="已废止"><div class="pages_content"'
    assert page("yaowen.html", old='<div class="pages_content"', new=stamped).validity == "已废止"
    icon = '<img src="s.png" alt="修改字号"><div class="pages_content"'
    assert page("yaowen.html", old='<div class="pages_content"', new=icon).validity == ""


def test_a_document_says_which_one_it_ends() -> None:
    assert page("library.html").relations == (Relation(Bond.REPEALS, "云粮发〔2001〕3号", title="粮食储备旧办法"),)


def test_an_old_template_in_gb2312_is_read() -> None:
    found = page("old.html", path="/zwgk/2009-03/02/content_1.htm")
    assert (found.title, found.document_number, found.issuer) == ("关于渡口的通知（失效）", "云国发〔2009〕3号", "")
    assert [p.reason for p in found.problems] == ["bad_date"]


def test_a_gazette_page_tells_its_number_and_day_in_its_text() -> None:
    found = page("gazette.html", path="/gongbao/2026/issue_9/202604/content_41.html")
    assert (found.title, found.document_number, found.written) == (
        "云山国办公厅关于回款的通知", "云国办发〔2026〕24号", "2026-04-03"
    )
    elsewhere = page("gazette.html", path="/yaowen/202604/content_41.htm")
    assert (elsewhere.document_number, elsewhere.written) == ("", "")


def test_an_interpretation_is_linked_to_its_document_and_ends_none() -> None:
    found = page("jiedu.html", path="/zhengce/202604/content_51.htm")
    link = f"{BASE}/zhengce/content/202604/content_11.htm"
    assert found.relations == (Relation(Bond.INTERPRETS, "", link, "云山国关于乡村医疗的意见"),)
    assert found.origin_name == "卫生部网站"


def test_an_interpretation_finds_its_document_in_the_text_too() -> None:
    found = page("jiedu.html", old='xg-list related', new="foot")
    (bond,) = found.relations
    assert (bond.bond, bond.number, bond.title) == (Bond.INTERPRETS, "云国发〔2026〕11号", "云山国关于乡村医疗的意见")


def test_an_interpretation_without_links_names_its_document() -> None:
    bare = page("jiedu.html", old="/zhengce/content/", new="/other/")
    assert bare.relations == (Relation(Bond.INTERPRETS, title="关于乡村医疗的意见"),)


def test_a_news_page_has_the_time_and_the_source_of_its_line_and_no_relations() -> None:
    found = page("yaowen.html", path="/yaowen/liebiao/202604/content_61.htm")
    assert found.title.startswith("会议研究乡村医疗")
    assert found.published
    assert (found.published.precision, found.published.at.isoformat()) == (Precision.MINUTE, "2026-04-15T10:30:00+00:00")
    assert (found.updated, found.origin_name, found.relations) == (None, "新华社", ())


def test_an_english_page_has_its_time_and_source() -> None:
    found = page("english.html", path="/news/202604/15/content_x.html")
    assert found.title == "Opinions on rural clinics issued"
    assert found.published
    assert found.published.at.isoformat() == "2026-04-15T09:15:00+00:00"
    assert found.updated == found.published
    assert found.origin_name == "Xinhua"
    assert "BEIJING" in found.html
    named = page("english.html", old="<span class=\"source\">Xinhua</span>", new="<span>Source: Xinhua</span>")
    assert named.origin_name == "Xinhua"
