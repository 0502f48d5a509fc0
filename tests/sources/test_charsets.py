"""Thirty Chinese titles in every character set, with right, wrong and absent declaration: right, or a loud failure."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from syncd.errors import ReadFailed
from syncd.model import Problem
from syncd.sources.decode import decode
from syncd.sources.html import Html
from tests.sources.kit import item, read, rss

SIMPLIFIED = [
    f"{who}关于{what}的{kind}（第{n}号）"
    for n, (who, what, kind) in enumerate(
        (who, what, kind)
        for who in ("国务院办公厅", "省人民政府", "财政部 税务总局", "市场监管总局", "交通运输部")
        for what in ("进一步优化营商环境", "加强安全生产工作", "支持小微企业融资")
        for kind in ("通知", "实施意见")
    )
]
TRADITIONAL = [
    f"{who}關於{what}的{kind}（第{n}號）"
    for n, (who, what, kind) in enumerate(
        (who, what, kind)
        for who in ("香港特別行政區政府", "行政長官辦公室", "衛生署", "財政司", "運輸署")
        for what in ("預防季節性流感", "優化營商環境", "加強職業安全")
        for kind in ("公告", "新聞公報")
    )
]
CODECS = ["gb2312", "gbk", "gb18030", "big5", "utf-8", "utf-16", "utf-16-le", "utf-16-be"]
DECLARED = ["", *CODECS, "iso-8859-1", "windows-1252", "nonsense", "utf-7", "euc-kr", "shift_jis", "iso-2022-cn"]


def feed(titles: list[str], declared: str) -> str:
    text = rss(*(item(n, title=title) for n, title in enumerate(titles)))
    return text.replace(' encoding="utf-8"', f' encoding="{declared}"' if declared else "")


def json_list(titles: list[str], declared: str) -> str:
    rows = [{"id": str(n), "title": title, "url": f"{n}.htm"} for n, title in enumerate(titles)]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": rows}, ensure_ascii=False)


def page(titles: list[str], declared: str) -> str:
    rows = "".join(f'<li><a href="{n}.htm">{title}</a></li>' for n, title in enumerate(titles))
    meta = f'<meta charset="{declared}">' if declared else ""
    return f"<!DOCTYPE html><html><head>{meta}<title>t</title></head><body><ul>{rows}</ul></body></html>"


def of_list(data: bytes, header: str) -> tuple[list[str], tuple[Problem, ...]]:
    found = read(data, content_type=header)
    return [entry.title for entry in found.entries], found.problems


def of_page(data: bytes, header: str) -> tuple[list[str], tuple[Problem, ...]]:
    found = Html(data, content_type=header, url="https://www.gov.example/")
    return [node.text() for node in found.select("li a")], found.decoded.problems


Make, Take = Callable[[list[str], str], str], Callable[[bytes, str], tuple[list[str], tuple[Problem, ...]]]
SHAPES: list[tuple[Make, Take]] = [(feed, of_list), (json_list, of_list), (page, of_page)]
shapes = pytest.mark.parametrize(("make", "take"), SHAPES, ids=["xml", "json", "html"])


def titles_of(codec: str) -> list[str]:
    return TRADITIONAL if codec == "big5" else SIMPLIFIED


@shapes
@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("codec", CODECS)
def test_thirty_titles_are_right_whatever_the_body_and_the_header_declare(
    codec: str, declared: str, make: Make, take: Take
) -> None:
    titles = titles_of(codec)
    for inside in ("", declared):
        for header in ("", f"text/plain; charset={declared}" if declared else "text/html"):
            found, problems = take(make(titles, inside).encode(codec), header)
            assert found == titles
            assert {problem.reason for problem in problems} <= {"wrong_charset"}


@shapes
@pytest.mark.parametrize("codec", CODECS)
def test_a_right_declaration_is_no_problem(codec: str, make: Make, take: Take) -> None:
    titles = titles_of(codec)
    assert take(make(titles, codec).encode(codec), f"text/xml; charset={codec}") == (titles, ())
    assert take(make(titles, "").encode(codec), "") == (titles, ())


@pytest.mark.parametrize(("codec", "declared"), [("big5", "gb2312"), ("gbk", "big5"), ("gbk", "iso-8859-1")])
def test_a_declaration_that_the_characters_prove_wrong_is_told(codec: str, declared: str) -> None:
    data = feed(titles_of(codec), declared).encode(codec)
    (problem,) = read(data).problems
    assert problem.reason == "wrong_charset"
    assert decode(data).encoding in problem.hint


def test_traditional_titles_in_gb18030_are_not_taken_for_big5() -> None:
    assert of_list(feed(TRADITIONAL, "").encode("gb18030"), "")[0] == TRADITIONAL


@shapes
@pytest.mark.parametrize("declared", ["right", "wrong", ""])
@pytest.mark.parametrize("codec", ["gb2312", "gbk", "gb18030", "big5", "utf-8"])
def test_one_bad_byte_spoils_one_title_whatever_is_declared(codec: str, declared: str, make: Make, take: Take) -> None:
    titles = titles_of(codec)
    said = {"right": codec, "wrong": "gb2312" if codec in ("utf-8", "big5") else "utf-8"}.get(declared, "")
    whole = make(titles, said).encode(codec)
    mark = titles[5][-4:].encode(codec)
    found, problems = take(whole.replace(mark, b"\xff" + mark), "")
    assert [title for n, title in enumerate(found) if n != 5] == [title for n, title in enumerate(titles) if n != 5]
    assert "bad_encoding" in {problem.reason for problem in problems}


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_half_a_character_of_utf_16_spoils_one_title(codec: str) -> None:
    surrogate = "\udc00".encode(codec, "surrogatepass")
    whole = feed(SIMPLIFIED, "").encode(codec)
    mark = SIMPLIFIED[5][-4:].encode(codec)
    found, problems = of_list(whole.replace(mark, surrogate + mark), "")
    assert [n for n, title in enumerate(found) if title != SIMPLIFIED[n]] == [5]
    assert [problem.reason for problem in problems] == ["bad_encoding"]


@shapes
@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_byte_lost_in_utf_16_is_a_failed_read_and_no_list_of_nonsense(codec: str, make: Make, take: Take) -> None:
    whole = make(SIMPLIFIED, "").encode(codec)
    with pytest.raises(ReadFailed):
        take(whole[: len(whole) // 2 + 1] + whole[len(whole) // 2 + 2 :], "")


@pytest.mark.parametrize("codec", ["gbk", "big5"])
def test_half_a_character_at_the_end_of_cdata_does_not_swallow_the_next_entries(codec: str) -> None:
    titles = titles_of(codec)
    whole = feed([f"<![CDATA[{title}]]>" for title in titles], codec).encode(codec)
    lead = titles[5][0].encode(codec)[:1]
    mark = titles[5].encode(codec) + b"]]>"
    found, problems = of_list(whole.replace(mark, mark[:-3] + lead + b"]]>"), "")
    assert [n for n, title in enumerate(found) if title != titles[n]] == [5]
    assert len(found) == 30
    assert [problem.reason for problem in problems] == ["bad_encoding"]


@pytest.mark.parametrize("text", ["龘靐齉", "爨籱饢驫"])
def test_what_the_bytes_do_not_tell_is_a_loud_failure(text: str) -> None:
    with pytest.raises(ReadFailed) as caught:
        decode(text.encode("gb18030"))
    assert caught.value.reason == "bad_encoding"
    assert caught.value.hint


def test_rare_characters_are_read_as_declared_and_doubted() -> None:
    found = decode("龘靐齉爨籱饢驫".encode("gb18030"), "text/plain; charset=gbk")
    assert found.text == "龘靐齉爨籱饢驫"
    assert [problem.reason for problem in found.problems] == ["doubtful_charset"]


def test_a_page_in_two_character_sets_at_once_is_told() -> None:
    half = feed(SIMPLIFIED[:15], "gbk").encode("gbk") + "".join(SIMPLIFIED).encode()
    with pytest.raises(ReadFailed) as caught:
        decode(half)
    assert caught.value.reason == "bad_encoding"


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("안녕하세요 대한민국 정부는 오늘 새로운 정책을 발표했습니다", "euc-kr"),
        ("日本政府は本日、新しい政策を発表しました。", "euc-jp"),
        ("日本政府は本日、新しい政策を発表しました。", "shift_jis"),
        ("Правительство Российской Федерации утвердило новую программу", "koi8-r"),
        ("Überprüfung der Straßenverkehrsordnung für Bürger", "iso-8859-1"),
        ("Überprüfung der Straßenverkehrsordnung für Bürger", "utf-8"),
    ],
)
def test_other_languages_are_read_as_they_declare(text: str, codec: str) -> None:
    assert decode(text.encode(codec), f"text/html; charset={codec}").text == text


def test_european_letters_in_utf_8_do_not_become_chinese_by_a_wrong_declaration() -> None:
    text = "Überprüfung · für Bürger · café à la carte"
    assert decode(text.encode(), "text/html; charset=gb2312").text == text


def test_chinese_that_happens_to_be_utf_8_is_read_as_declared() -> None:
    data = b"\xc2\xb7\xc2\xb7\xc2\xb7\xc2\xb7"
    assert decode(data, "text/html; charset=gb2312").text == data.decode("gbk")
    assert decode(data).text == "····"


def test_hz_is_read_and_iso_2022_is_refused() -> None:
    text = feed(SIMPLIFIED, "hz-gb-2312").replace("hz-gb-2312", "hz")
    assert of_list(text.encode("hz"), "text/xml; charset=hz-gb-2312")[0] == SIMPLIFIED
    assert of_list(feed(SIMPLIFIED, "").encode("hz"), "")[0] == SIMPLIFIED
    with pytest.raises(ReadFailed) as caught:
        decode("日本の政策".encode("iso2022_jp"), "text/xml; charset=iso-2022-jp")
    assert caught.value.reason == "bad_encoding"
    assert decode(b"if (a) { x = ~{b} }").text == "if (a) { x = ~{b} }"


def test_json_with_a_byte_order_mark_is_read() -> None:
    for codec in ("utf-8-sig", "utf-16"):
        assert of_list(json_list(SIMPLIFIED, "").encode(codec), "application/json") == (SIMPLIFIED, ())
