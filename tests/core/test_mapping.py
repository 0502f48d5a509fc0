"""Mapping: the full and the link form, and a revision hash that a regeneration does not move."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.core import mapping, visible
from syncd.model import Bond, Content, Form, Instant, Media, Notice, Post, Relation, Route

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
URL = "https://www.gov.cn/zhengce/content/1.htm?a=1&b=2"
FILE = Media("https://www.gov.cn/a.pdf?x=1&y=2", "fujian-1-aa.pdf", "application/pdf", 3, "f" * 64, "附件1")
CONTENT = Content(
    title="关于<甲>的通知",
    html='<p>正文。</p><p><a href="https://www.gov.cn/a.pdf?x=1&amp;y=2">附件</a></p>',
    text="正文。",
    url=URL,
    issuer="国务院",
    document_number="国发〔2026〕1号",
    origin_name="中国政府网",
    written="2026-11-01",
    media=(FILE,),
    summary="摘要",
    categories=("综合",),
    published=Instant(NOW, origin="page"),
)
ROUTE = Route("r", ("s",), "county", "国务院文件")


def post(content: Content = CONTENT, form: Form = Form.FULL) -> Post:
    return mapping.to_post(
        content,
        3,
        route=replace(ROUTE, form=form),
        key="syncd-1",
        site_name="某县",
        site_id="1",
        now=NOW,
    )


def test_the_full_form_carries_everything() -> None:
    made = post()
    assert (made.html, made.media, made.column, made.revision) == (CONTENT.html, (FILE,), "国务院文件", 3)
    assert (made.key, made.sent, made.lang, made.site_name, made.site_id) == ("syncd-1", NOW, "zh", "某县", "1")


def test_the_link_form_has_issuer_number_and_link_as_its_body_escaped() -> None:
    made = post(form=Form.LINK)
    assert made.html == (
        "<p>发布机构：国务院</p><p>发文字号：国发〔2026〕1号</p>"
        '<p>原文链接：<a href="https://www.gov.cn/zhengce/content/1.htm?a=1&amp;b=2">关于&lt;甲&gt;的通知</a></p>'
    )
    assert made.media == ()


def test_a_link_that_is_no_web_address_is_only_text() -> None:
    made = post(replace(CONTENT, url="javascript:alert(1)", issuer="", document_number=""), Form.LINK)
    assert "javascript" not in made.html
    assert made.html.startswith("<p>发布机构：中国政府网</p>")


def test_english_documents_get_english_labels() -> None:
    made = post(replace(CONTENT, title="Guidance", text="Plain text", document_number=""), Form.LINK)
    assert (made.lang, "Issued by: " in made.html) == ("en", True)


@pytest.mark.parametrize(
    "change",
    [
        {"updated": Instant(NOW)},
        {"summary": "x"},
        {"categories": ()},
        {"losses": ("x",)},
        {"html": '<p> 正文。</p>\n <p>\n<a href="https://www.gov.cn/a.pdf?x=1&amp;y=2">附件</a> </p>\n'},
        {"title": "关于＜甲＞的通知 "},
    ],
)
def test_a_regeneration_is_no_change(change: dict[str, object]) -> None:
    assert mapping.revision_hash(replace(CONTENT, **change)) == mapping.revision_hash(CONTENT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"title": "关于乙的通知"},
        {"html": "<p>改。</p>"},
        {"written": "2026-11-02"},
        {"media": ()},
        {"issuer": "财政部"},
        {"media": (replace(FILE, sha256="e" * 64),)},
        {"published": Instant(NOW + timedelta(days=1), origin="page")},
    ],
)
def test_a_change_of_the_document_is_one(change: dict[str, object]) -> None:
    assert mapping.revision_hash(replace(CONTENT, **change)) != mapping.revision_hash(CONTENT)  # type: ignore[arg-type]


def test_a_list_s_own_date_does_not_make_a_revision() -> None:
    listed = [replace(CONTENT, published=Instant(NOW + timedelta(days=n), origin="list")) for n in range(2)]
    assert len({mapping.revision_hash(each) for each in [*listed, replace(CONTENT, published=None)]}) == 1


def test_a_file_that_moved_but_is_the_same_is_no_change() -> None:
    moved = replace(FILE, url="https://www.gov.cn/b.pdf")
    html = CONTENT.html.replace("https://www.gov.cn/a.pdf?x=1&amp;y=2", moved.url)
    assert mapping.revision_hash(replace(CONTENT, html=html, media=(moved,))) == mapping.revision_hash(CONTENT)


def test_a_picture_counts_by_its_name_since_its_bytes_change_with_the_encoder() -> None:
    picture = Media("https://x.cn/a.png", "tupian-1-ab.png", "image/png", 3, "a" * 64)
    one, other, third = (
        mapping.revision_hash(replace(CONTENT, media=(media,)))
        for media in (picture, replace(picture, sha256="b" * 64), replace(picture, name="tupian-1-cd.png"))
    )
    assert one == other != third


def test_empty_fields_are_left_out_of_the_hash() -> None:
    """The hash of a bare document is pinned: should it change, every archive would be posted again."""
    bare = Content(title="甲", html="<p>乙</p>", text="乙", url="")
    assert mapping.revision_hash(bare) == "1:2cad138e7e3044386790297447b0a3376ff3b010e7c5c23aa7e17023663bfa94"


def test_the_print_of_a_post_is_that_of_its_title_and_text() -> None:
    assert mapping.print_of(post(), "正 文。") == visible.fingerprint(CONTENT.title, "正文。")


BY = Notice(Bond.REPEALS, "国务院关于废止《甲》的决定", "国发〔2026〕9号", "https://www.gov.cn/9.htm?a&b", "2026-09-05")
LINK = '<a href="https://www.gov.cn/9.htm?a&amp;b">《国务院关于废止〈甲〉的决定》</a>'


def test_what_a_reader_must_know_first_stands_above_both_forms() -> None:
    told = replace(CONTENT, notices=(BY, replace(BY, bond=Bond.AMENDS, number="", date="", url="")), validity="失效")
    above = (
        f"<p>本文件已被{LINK}（国发〔2026〕9号，2026年9月5日）废止。</p>"
        "<p>本文件已被《国务院关于废止〈甲〉的决定》修改。</p><p>文件效力：失效。</p>"
    )
    assert post(told).html == above + CONTENT.html
    assert post(told, Form.LINK).html == above + post(form=Form.LINK).html


@pytest.mark.parametrize("bond", [bond for bond in Bond if bond is not Bond.INTERPRETS])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_bond_that_changes_a_document_has_its_words(bond: Bond, lang: str) -> None:
    assert "9号" in mapping.notices(replace(CONTENT, notices=(replace(BY, bond=bond),)), lang)


def test_english_notices_are_english() -> None:
    by = Notice(Bond.REPLACES, "New <guidance>", "12", "", "2026-09-05")
    told = replace(CONTENT, title="Guidance", text="", notices=(by,))
    assert post(told).html.startswith("<p>This document was replaced by “New &lt;guidance&gt;” (12, 2026-09-05).</p>")


def test_an_interpretation_links_to_what_it_explains_by_whatever_is_told_of_it() -> None:
    said = tuple(Relation(Bond.INTERPRETS, *each) for each in (("", "http://a.cn/1", ""), ("国发〔2026〕1号", "", "")))
    told = replace(CONTENT, relations=(*said, Relation(Bond.REPEALS, title="乙")))
    assert mapping.notices(told, "zh") == (
        '<p>解读的文件：<a href="http://a.cn/1">http://a.cn/1</a></p><p>解读的文件：国发〔2026〕1号</p>'
    )


def test_an_address_that_is_no_web_address_is_no_link_and_a_date_that_is_none_is_told_as_it_is() -> None:
    odd = replace(BY, url="javascript:alert(1)", date="去年")
    assert mapping.notices(replace(CONTENT, notices=(odd,)), "zh") == (
        "<p>本文件已被《国务院关于废止〈甲〉的决定》（国发〔2026〕9号，去年）废止。</p>"
    )


def test_validity_and_relations_are_content_and_what_others_say_is_not() -> None:
    plain = mapping.revision_hash(CONTENT)
    assert mapping.revision_hash(replace(CONTENT, notices=(BY,))) == plain
    assert mapping.revision_hash(replace(CONTENT, validity="失效")) != plain
    assert mapping.revision_hash(replace(CONTENT, relations=(Relation(Bond.REPEALS, "1"),))) != plain
