"""The policy library's answers: four parts, epochs, markup in titles, and no count that can be believed."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncd.model import Precision
from syncd.sources.govcn import GovcnOptions
from tests.sources.kit import LISTS, govcn, read, refused
from tests.sources.test_govcn import sample

URL = "https://sousuo.gov.example/search-gov/data?t=zhengcelibrary&q=&sort=pubtime&sortType=1&p=1&n=2&type=gwyzcwjk"
BODY = (LISTS / "govcn-library.json").read_text("utf-8")


def changed(**changes: Any) -> str:
    """The answer with other fields; searchVO: fields within it."""
    value = json.loads(BODY)
    value["searchVO"].update(changes.pop("searchVO", {}))
    return json.dumps(value | changes, ensure_ascii=False)


def test_all_four_parts_are_read_though_the_total_count_is_zero() -> None:
    found = read(BODY, source=govcn(), url=URL)
    assert found.problems == ()
    assert [e.categories[0] for e in found.entries] == [
        "国务院文件", "国务院文件", "国务院部门文件", "其他文件", "国务院公报"
    ]
    first = found.entries[0]
    assert first.title == "云山国关于乡村 医疗的意见（虚构）"
    assert (first.issuer, first.document_number, first.index_number) == (
        "云山国务院", "云国发〔2026〕11号", "000014349/2026-00011"
    )
    assert first.categories[1] == "卫生、体育\\卫生"
    assert [a.partition(":")[0] for a in first.aliases] == ["number", "index", "title", "url", "guid"]
    assert found.entries[4].title == "粮食部令（第3号） 渡口管理办法（虚构）"


def test_the_number_is_taken_from_whichever_field_has_it() -> None:
    numbers = [e.document_number for e in read(BODY, source=govcn(), url=URL).entries]
    assert numbers == ["云国发〔2026〕11号", "云国函〔2026〕12号", "云粮发〔2026〕21号", "", ""]


def test_the_written_day_is_chinas_and_zero_is_none() -> None:
    written = [e.written for e in read(BODY, source=govcn(), url=URL).entries]
    assert written == ["2026-04-10", "", "2026-04-14", "", "2026-04-10"]


def test_a_whole_hour_says_only_the_day_and_a_minute_the_minute() -> None:
    entries = read(BODY, source=govcn(), url=URL).entries
    shown = [(e.published.precision, e.published.at.isoformat()) for e in entries if e.published]
    assert shown == [
        (Precision.DAY, "2026-04-14T16:00:00+00:00"),
        (Precision.DAY, "2026-04-14T16:00:00+00:00"),
        (Precision.MINUTE, "2026-04-15T14:12:00+00:00"),
        (Precision.SECOND, "2026-04-15T14:12:07+00:00"),
        (Precision.DAY, "2026-04-09T16:00:00+00:00"),
    ]
    assert entries[2].published
    assert entries[2].published.raw == "1776262320000"


def test_only_the_parts_that_are_asked_for_are_taken() -> None:
    few = govcn(options=GovcnOptions(categories=("gongwen", "gongbao")))
    assert [e.url.rpartition("_")[2] for e in read(BODY, source=few, url=URL).entries] == ["11.htm", "12.htm", "41.html"]


def test_a_part_that_shows_nothing_is_told() -> None:
    parts = json.loads(BODY)["searchVO"]["catMap"]
    parts["bumenfile"]["listVO"] = None
    del parts["gongbao"]
    found = read(changed(searchVO={"catMap": parts}), source=govcn(), url=URL)
    assert [(p.reason, p.where) for p in found.problems] == [
        ("no_category", "searchVO.catMap.bumenfile"), ("no_category", "searchVO.catMap.gongbao")
    ]
    assert len(found.entries) == 3


def test_one_part_alone_comes_in_list_vo() -> None:
    rows = json.loads(BODY)["searchVO"]["catMap"]["bumenfile"]["listVO"]
    body = changed(searchVO={"catMap": None, "listVO": rows, "totalCount": 1})
    (entry,) = read(body, source=govcn(), url=URL.replace("zhengcelibrary", "zhengcelibrary_bm")).entries
    assert entry.categories[0] == "国务院部门文件"


def test_the_next_page_is_asked_while_a_part_shows_a_full_page_and_has_more() -> None:
    after = read(BODY, source=govcn(), url=URL).next
    assert parse_qs(urlsplit(after).query, keep_blank_values=True)["p"] == ["2"]
    assert parse_qs(urlsplit(after).query, keep_blank_values=True)["q"] == [""]
    assert after.startswith("https://sousuo.gov.example/search-gov/data?")
    assert read(BODY, source=govcn(), url=URL.replace("p=1", "p=3")).next == ""
    assert read(BODY, source=govcn(), url=URL.replace("n=2", "n=20")).next == ""
    assert "p=2" in read(BODY, source=govcn(), url="https://sousuo.gov.example/search-gov/data?t=zhengcelibrary").next


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (changed(code=1001, msg="抱歉，没有找到相关结果"), "code 1001 (抱歉，没有找到相关结果)"),
        (changed(code=200, searchVO={"catMap": None}), "in searchVO"),
        (changed(searchVO={"catMap": {}}), "in searchVO"),
        ('{"code": 200, "searchVO": null}', "code 200"),
        (changed(searchVO={"catMap": {"gongwen": {"listVO": []}}}), "none of its rows"),
        ('[{"TITLE": "甲", "URL": "/1.htm"}]', "a list of 1"),
    ],
)
def test_any_other_answer_is_not_understood_and_never_nothing_new(body: str, seen: str) -> None:
    failure = refused(body, source=govcn(options=GovcnOptions(list="library")), url=URL)
    assert failure.reason == "not_understood"
    assert seen in failure.message


def test_a_list_that_is_named_is_not_taken_for_another_one() -> None:
    assert refused(BODY, source=govcn(options=GovcnOptions(list="zuixin")), url=URL).reason == "not_understood"
    assert refused(BODY, source=govcn(options=GovcnOptions(max_entries=4)), url=URL).reason == "too_many_entries"


def test_the_real_answer_has_twelve_rows_in_four_parts_and_no_problem() -> None:
    found = read(sample("policy-search-response.excerpt.json"), source=govcn(), url=URL)
    assert (len(found.entries), found.problems) == (12, ())
    assert len({e.categories[0] for e in found.entries}) == 4
    assert {e.published.precision for e in found.entries if e.published} == {Precision.DAY, Precision.MINUTE}
    assert found.entries[0].document_number == "国办发〔2026〕28号"
    assert found.entries[11].title == "国家广播电视总局令（第16号） 微短剧发展管理办法"
