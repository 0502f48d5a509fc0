"""Any list in JSON is read as config maps it; what no longer fits is an error that says where, and what is there."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from syncd.config import options_of
from syncd.core.shape import change
from syncd.errors import ReadFailed
from syncd.model import Bond, Precision, Relation
from syncd.sources.api import Listing, SourceConfig
from syncd.sources.json_list import JsonOptions, JsonSource
from tests.sources.kit import answer, tools

URL = "https://www.city.example/api/list?page=1"
FIELDS = {"title": "title", "url": "url", "published": "date"}


def options(**more: Any) -> JsonOptions:
    found, problems = options_of(JsonOptions, {"fields": FIELDS, **more}, where="options")
    assert problems == []
    assert isinstance(found, JsonOptions)
    return found


def refused_options(**more: Any) -> list[str]:
    return options_of(JsonOptions, {"fields": FIELDS, **more}, where="options")[1]


def read(value: Any, *, url: str = URL, **more: Any) -> Listing:
    body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    source = JsonSource(SourceConfig("city", URL, options(**more)), tools())
    return asyncio.run(source.parse(answer(body, url=url)))


def refused(value: Any, **more: Any) -> ReadFailed:
    with pytest.raises(ReadFailed) as caught:
        read(value, **more)
    return caught.value


def rows(count: int = 3, **more: Any) -> list[dict[str, Any]]:
    return [
        {"title": f"关于第{n}号文件的通知", "url": f"/zc/{n}.html", "date": f"2026-04-{n:02d}", **more}
        for n in range(1, count + 1)
    ]


def test_rows_become_entries_with_absolute_addresses_and_dates_no_finer_than_told() -> None:
    found = read(rows())
    assert found.problems == ()
    assert [entry.url for entry in found.entries] == [f"https://www.city.example/zc/{n}.html" for n in (1, 2, 3)]
    assert {entry.published.precision for entry in found.entries if entry.published} == {Precision.DAY}
    assert found.entries[0].key == found.entries[0].url


def test_a_list_in_the_depth_of_an_answer_is_found_by_its_path_and_groups_are_joined() -> None:
    grouped = {"searchVO": {"totalCount": 0, "catMap": {"a": {"listVO": rows(2)}, "b": {"listVO": rows(3)[2:]}}}}
    assert len(read(grouped, list="searchVO.catMap.*.listVO[]").entries) == 3


def test_an_object_of_objects_counts_as_the_list_of_its_values() -> None:
    assert len(read({"data": {str(n): row for n, row in enumerate(rows())}}, list="data").entries) == 3


def test_all_that_a_list_tells_of_a_document_is_taken_and_names_it() -> None:
    row = {
        "title": "市政府<em>办公室</em>关于<br/>印发方案的通知",
        "path": "zc/方案.html",
        "id": 77,
        "date": "2026-04-15 17:15:40",
        "org": ["市政府办公室", "市财政局"],
        "no": "市政办〔2026〕9号",
        "idx": "11330100/2026-00012",
        "signed": 1775750400000,
        "tags": ["财政", "财政"],
        "files": [{"href": "a.pdf", "name": "附件1", "size": 12}],
        "fixes": "市政办〔2026〕8号",
    }
    fields = {
        "title": "title",
        "url": "https://www.city.example/{path}",
        "key": "id",
        "published": "date",
        "issuer": "org",
        "document_number": "no",
        "index_number": "idx",
        "written": "signed",
        "categories": "tags",
        "attachments": "files[].{url: href, title: name, length: size}",
        "relations": {"corrects": "fixes"},
    }
    entry = read([row], fields=fields).entries[0]
    assert entry.title == "市政府办公室关于 印发方案的通知"
    assert (entry.key, entry.url) == ("77", "https://www.city.example/zc/%E6%96%B9%E6%A1%88.html")
    assert (entry.issuer, entry.document_number) == ("市政府办公室 市财政局", "市政办〔2026〕9号")
    assert entry.index_number == "11330100/2026-00012"
    assert (entry.written, entry.categories) == ("2026-04-10", ("财政",))
    assert [(f.url, f.type, f.title, f.length) for f in entry.attachments] == [
        ("https://www.city.example/api/a.pdf", "application/pdf", "附件1", 12)
    ]
    assert entry.relations == (Relation(Bond.CORRECTS, number="市政办〔2026〕8号"),)
    assert [alias.partition(":")[0] for alias in entry.aliases] == ["number", "index", "title", "url", "guid"]


def test_a_date_whose_order_only_a_person_knows_is_read_by_its_form_and_keeps_its_raw_text() -> None:
    found = read([{**rows(1)[0], "date": "03/04/2026"}], date_format="%d/%m/%Y").entries[0].published
    assert found
    assert (found.at.isoformat(), found.precision, found.raw, found.zone) == (
        "2026-04-02T16:00:00+00:00",
        Precision.DAY,
        "03/04/2026",
        "Asia/Shanghai",
    )


def test_a_date_that_has_not_the_form_is_a_problem_and_never_guessed_at() -> None:
    found = read([*rows(1), {**rows(2)[1], "date": "03/04/2026"}], date_format="%d/%m/%Y")
    assert [entry.published is None for entry in found.entries] == [True, False]
    assert [(p.reason, p.where) for p in found.problems] == [("bad_date", "[0].published")]
    assert "options.date_format" in found.problems[0].hint


@pytest.mark.parametrize("midnight", ["2026-04-15 00:00:00", 1776182400000, "2026-04-15T00:00:00+08:00"])
def test_a_midnight_that_a_machine_filled_in_is_a_day(midnight: Any) -> None:
    found = read([{**rows(1)[0], "date": midnight}], date_precision="day").entries[0].published
    assert found
    assert (found.at.isoformat(), found.precision) == ("2026-04-14T16:00:00+00:00", Precision.DAY)


@pytest.mark.parametrize("codec", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_list_in_any_likely_encoding_gives_the_same_titles(codec: str) -> None:
    body = json.dumps(rows(30), ensure_ascii=False).encode(codec)
    assert [entry.title for entry in read(body).entries] == [row["title"] for row in rows(30)]


@pytest.mark.parametrize("wrapped", ["callback({});", "var list = {};", "jQuery.x_1({})"])
def test_json_in_a_call_or_an_assignment_of_javascript_is_read(wrapped: str) -> None:
    assert len(read(wrapped.replace("{}", json.dumps(rows())).encode()).entries) == 3


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"code": 500, "msg": "error", "data": None}, "the answer is an object with the keys code, msg, data"),
        ({"data": {"rows": [], "total": 0}}, "at 'data' there is an object with the keys rows, total"),
        ({"data": {"list": []}}, "finds an empty list"),
        ({"data": {"list": "none"}}, "options.list 'data.list'"),
    ],
)
def test_a_path_that_finds_nothing_is_an_error_that_names_the_option_and_the_keys_that_are_there(
    value: Any, told: str
) -> None:
    failure = refused(value, list="data.list")
    assert failure.reason == "not_understood"
    assert told in failure.hint
    assert "options.list 'data.list'" in failure.hint


@pytest.mark.guarantee(4)
def test_rows_that_lost_a_field_are_an_error_that_names_the_option_the_row_and_its_keys() -> None:
    renamed = [{"name": row["title"], "url": row["url"], "date": row["date"]} for row in rows()]
    failure = refused(renamed)
    assert failure.reason == "not_understood"
    assert (
        "[0].title: options.fields.title 'title' finds nothing, there is an object with the keys name, url"
        in failure.hint
    )


@pytest.mark.guarantee(4)
def test_rows_that_all_lost_their_date_are_an_error_and_one_of_them_is_a_problem() -> None:
    undated = [{**row, "date": None} for row in rows()]
    assert "options.fields.published 'date'" in refused(undated).hint
    found = read([*rows(), {**undated[0], "url": "/zc/9.html"}])
    assert [(p.reason, p.where) for p in found.problems] == [("no_date", "[3].published")]


def test_one_bad_row_among_good_ones_is_left_out_and_told() -> None:
    found = read(
        [*rows(), {"title": "", "url": "/x"}, None, {"title": "戊", "url": "javascript:x", "date": "2026-04-01"}]
    )
    assert len(found.entries) == 3
    assert [p.where for p in found.problems] == ["[3].title", "[4].title", "[5].url"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"list": "data["}, "list: 'data[' is no JMESPath expression"),
        ({"fields": {**FIELDS, "published": "a..b"}}, "fields.published: 'a..b' is no JMESPath expression"),
        ({"fields": {"url": "url"}}, "fields.title is missing"),
        ({"fields": {**FIELDS, "titel": "x"}}, "titel"),
        (
            {"fields": {**FIELDS, "author": {"at": "x", "take": "("}}},
            "fields.author: take '(' is no regular expression",
        ),
        ({"date_format": "%d/%m"}, "does not name year, month and day"),
        ({"paging": {"url": "/p"}}, "{page}"),
        ({"paging": {"next": "n", "url": "/{page}"}}, "either next"),
        ({"detail": {"kind": "json"}}, "body must say"),
        ({"detail": {"kind": "json", "body": "b["}}, "body: 'b[' is no JMESPath expression"),
        ({"detail": {"url": "/x/{nonsense}"}}, "{nonsense} is not known"),
        ({"detail": {"body": "a["}}, "body: 'a[' is no CSS selector"),
    ],
)
def test_options_that_cannot_work_are_refused_before_anything_is_read(more: dict[str, Any], told: str) -> None:
    problems = refused_options(**more)
    assert problems
    assert told in " ".join(problems)


def test_the_next_page_is_a_link_in_the_answer_or_made_of_its_number() -> None:
    linked = {"rows": rows(), "next": "/api/list?page=2"}
    assert read(linked, list="rows", paging={"next": "next"}).next == "https://www.city.example/api/list?page=2"
    assert read({**linked, "next": None}, list="rows", paging={"next": "next"}).next == ""
    counted = {"rows": rows(), "pages": 3}
    paging = {"url": "/api/list?page={page}", "count": "pages"}
    base = "https://www.city.example/api/list?page="
    following = [read(counted, list="rows", paging=paging, url=f"{base}{n}").next for n in (1, 2, 3)]
    assert following == [f"{base}2", f"{base}3", ""]


def test_offsets_are_pages_with_a_step_and_an_unknown_end_is_an_empty_page() -> None:
    paging = {"url": "?start={page}", "first": 0, "step": 20}
    base = "https://www.city.example/api/list"
    assert read(rows(), url=base, paging=paging).next == f"{base}?start=20"
    assert read(rows(), url=f"{base}?start=20", paging=paging).next == f"{base}?start=40"
    last = read([], url=f"{base}?start=40", paging=paging)
    assert (last.entries, last.next) == ((), "")
    assert refused([], paging=paging).reason == "not_understood"


def test_an_endless_list_is_refused() -> None:
    assert refused(rows(4), max_entries=3).reason == "too_many_entries"


@pytest.mark.parametrize("body", [b"", b"  ", b"<html>403</html>", b'[{"title":', b"[" * 100_000])
def test_what_is_no_json_is_a_failed_read(body: bytes) -> None:
    assert refused(body).reason in ("empty_body", "not_understood", "truncated")


def test_a_row_that_says_that_it_is_withdrawn_is_a_tombstone() -> None:
    found = read(
        [{**rows(1)[0], "gone": True}, {**rows(2)[1], "gone": False}, {**rows(3)[2], "gone": "0"}],
        fields={**FIELDS, "withdrawn": "gone"},
    )
    assert [entry.withdrawn for entry in found.entries] == [True, False, False]


def test_a_function_given_what_it_cannot_take_finds_nothing() -> None:
    found = read([{**rows(1)[0], "a": None}], fields={**FIELDS, "author": "join(', ', a)"})
    assert found.entries[0].author == ""


def test_whether_a_page_is_read_and_where_follows_from_the_options() -> None:
    def page_of(row: dict[str, Any], **more: Any) -> str:
        source = JsonSource(SourceConfig("city", URL, options(**more)), tools())
        entry = asyncio.run(source.parse(answer(json.dumps([row]).encode(), url=URL))).entries[0]
        return source.page_of(entry)

    row, content = rows(1)[0], {**FIELDS, "content_html": "text", "document_number": "no"}
    assert page_of(row) == "https://www.city.example/zc/1.html"
    assert page_of({**row, "text": "<p>正文</p>"}, fields=content) == ""
    assert (
        page_of({**row, "text": "<p>正文</p>"}, fields=content, full_text="always")
        == "https://www.city.example/zc/1.html"
    )
    assert page_of(row, full_text="never") == ""
    detail = {"kind": "json", "body": "b", "url": "https://api.city.example/content{path}?n={document_number}"}
    assert (
        page_of({**row, "no": "A 1"}, fields=content, detail=detail)
        == "https://api.city.example/content/zc/1.html?n=A%201"
    )


def test_the_keys_of_its_rows_are_its_shape_so_that_a_redesign_names_what_is_gone() -> None:
    before = read(rows(issuer={"name": "县水利局", "code": ""}, views=0))
    assert before.shape == (("date", 100), ("issuer.name", 100), ("title", 100), ("url", 100))
    now = read(rows(org={"title": "县水利局"}))
    assert str(change(before.shape, now.shape)) == "gone: issuer.name; new: org.title"


def test_rows_without_keys_of_their_own_have_the_shape_of_what_the_mapping_finds_in_them() -> None:
    found = read([[f"关于第{n}号文件的通知", f"/zc/{n}.html"] for n in range(5)], fields={"title": "[0]", "url": "[1]"})
    assert found.shape == (("title ([0])", 100), ("url ([1])", 100))
