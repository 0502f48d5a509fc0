"""gov.cn's lists and document pages are read exactly, and anything else there is an error that says what was seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.errors import ReadFailed
from syncd.model import Precision
from syncd.sources.govcn import GovcnOptions
from tests.sources.kit import HERE, LISTS, govcn, read, read_page, refused

LIST_URL = "https://www.gov.example/zhengce/202604/list.json"
SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "govcn"


def sample(name: str) -> bytes:
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"the sample {name} is not beside this repository")
    return path.read_bytes()


def test_rows_become_entries_of_day_precision_with_https_addresses() -> None:
    found = read((LISTS / "govcn.json").read_bytes(), source=govcn(), url=LIST_URL)
    first, second, third = found.entries
    assert found.problems == ()
    assert (
        first.title == "云山省关于促进 乡村医疗的意见（虚构）"
        or first.title == "云山省关于促进乡村医疗的意见（虚构）"
    )
    assert second.url == "https://www.gov.example/zhengce/202604/content_2.htm"
    assert third.url == "https://www.gov.example/zhengce/202604/content_3.htm" == third.key
    assert {entry.published.precision for entry in found.entries if entry.published} == {Precision.DAY}
    assert first.published
    assert first.published.at.isoformat() == "2026-04-14T16:00:00+00:00"
    assert first.aliases == ("url:gov.example/zhengce/202604/content_1.htm", f"guid:state:{first.url}")
    assert govcn().page_of(first) == first.url


def test_the_real_list_gives_25_entries_and_no_problem() -> None:
    found = read(sample("zuixin_feed_head25.json"), source=govcn(), url=LIST_URL)
    assert (len(found.entries), found.problems) == (25, ())
    assert all(entry.published and entry.published.precision is Precision.DAY for entry in found.entries)


def test_a_bom_changes_nothing() -> None:
    body = (LISTS / "govcn.json").read_bytes()
    assert read(b"\xef\xbb\xbf" + body, source=govcn(), url=LIST_URL) == read(body, source=govcn(), url=LIST_URL)


def test_rows_without_address_or_date_are_problems() -> None:
    body = (
        '[{"TITLE":"甲","URL":"/1.htm","DOCRELPUBTIME":"2026-04-15"},{"TITLE":"乙","URL":"","DOCRELPUBTIME":"2026-04-15"},'
        '{"TITLE":"丙","URL":"/3.htm"},{"TITLE":"丁","URL":"/4.htm","DOCRELPUBTIME":"2024-02-30"},null,'
        '{"TITLE":"戊","URL":"javascript:x","DOCRELPUBTIME":"2026-04-15"}]'
    )
    found = read(body, source=govcn(), url=LIST_URL)
    assert [entry.title for entry in found.entries] == ["甲", "丙", "丁"]
    assert [entry.published is None for entry in found.entries] == [False, True, True]
    assert [(problem.reason, problem.where) for problem in found.problems] == [
        ("bad_entry", "[1].URL"),
        ("no_date", "[2].DOCRELPUBTIME"),
        ("bad_entry", "[4]"),
        ("bad_entry", "[5].URL"),
        ("bad_date", "[3].published"),
    ]


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("body", "seen"),
    [
        ('{"code":200,"searchVO":{"totalCount":0}}', "code, searchVO"),
        ("[]", "an empty list"),
        ('[{"title":"a","link":"b"}]', "title, link"),
        ("<html><title>403</title></html>", "no JSON"),
        ('[{"TITLE":"甲","URL":}]', "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("42", "int"),
        ('[{"TITLE":"","URL":""}]', "none of its rows"),
    ],
)
def test_another_shape_is_not_understood_and_never_nothing_new(body: str, seen: str) -> None:
    failure = refused(body, source=govcn(), url=LIST_URL)
    assert failure.reason == "not_understood"
    assert seen in failure.message


def test_an_endless_list_is_refused() -> None:
    few = govcn(options=GovcnOptions(max_entries=2))
    assert refused((LISTS / "govcn.json").read_bytes(), source=few, url=LIST_URL).reason == "too_many_entries"


def test_the_old_header_table_is_read() -> None:
    page = read_page(govcn(), (HERE / "pages" / "bd1.html").read_bytes())
    assert page.title == "云山省人民政府关于促进乡村医疗的意见"
    assert (page.document_number, page.index_number) == ("云政发〔2026〕9号", "000014349/2026-00099")
    assert (page.issuer, page.written) == ("云山省人民政府", "2026-04-10")
    assert page.categories == ("卫生、体育\\卫生",)
    assert page.published
    assert page.published.at.isoformat() == "2026-04-15T10:30:05+00:00"
    assert [link.url.rpartition("/")[2] for link in page.attachments] == ["fu1.docx", "fu2.pdf"]
    assert "https://www.gov.example/a/files/fu1.docx" in page.html


def test_the_real_page_of_a_joint_document_has_its_second_and_no_number() -> None:
    page = read_page(govcn(), sample("detail_7082302.excerpt.html"))
    assert page.published
    assert page.published.raw == "2026-09-28-21:50:00"
    assert page.published.at.isoformat() == "2026-09-28T13:50:00+00:00"
    assert page.published.precision is Precision.SECOND
    assert (page.document_number, page.origin_name, page.written) == ("", "中国人民银行网站", "2026-09-25")
    assert page.title == "中国人民银行等八部门联合印发《关于金融支持服务业扩能提质的指导意见》"
    assert "一、总体要求" in page.html
    assert page.problems == ()


def test_the_publication_day_of_the_header_is_used_where_no_time_is_told() -> None:
    body = (HERE / "pages" / "bd1.html").read_text("utf-8").replace('name="firstpublishedtime"', 'name="x"')
    page = read_page(govcn(), body)
    assert page.published
    assert page.published.precision is Precision.DAY


@pytest.mark.parametrize(
    "barrier",
    [
        "<html><title>安全验证</title><body><p>请完成验证</p><script>x()</script></body></html>",
        "<html></html>",
        '<html><title>空</title><div id="UCAP-CONTENT"> </div></html>',
    ],
)
def test_a_barrier_page_shows_no_document(barrier: str) -> None:
    with pytest.raises(ReadFailed) as caught:
        read_page(govcn(), barrier)
    assert caught.value.reason == "no_body"
    assert caught.value.hint


def test_a_selector_of_the_operator_comes_first() -> None:
    body = '<div id="new">新正文</div><div id="UCAP-CONTENT">旧正文</div>'
    assert "新正文" in read_page(govcn(options=GovcnOptions(body_selector="#new")), body).html
