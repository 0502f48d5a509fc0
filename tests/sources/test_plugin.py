"""What `ListSource` does for every plug-in, beyond what the contract of sources asks of all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from syncd.errors import ConfigError, ReadFailed
from syncd.model import AttachmentLink
from syncd.plugins import refuse_unfit
from syncd.sources.api import Listing, SourceConfig
from syncd.sources.plugin import Body, ListOptions, ListSource, RawEntry, RawList
from tests.sources.kit import answer, read_page, tools

URL = "https://list.example/zc/list"


def row(n: int, **changes: Any) -> RawEntry:
    return replace(RawEntry(f"row {n}", "", f"通知{n}", f"{n}.htm", "2026年4月15日"), **changes)


class Given(ListSource):
    """Gives what it is told to give, whatever the body is."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "given"
    gives: ClassVar[RawList]

    @staticmethod
    def rows(body: Body, options: Any) -> RawList:
        return Given.gives


def given(*rows: RawEntry, options: ListOptions | None = None, **more: Any) -> Listing:
    Given.gives = RawList(rows, **more)
    return asyncio.run(Given(SourceConfig("county", URL, options), tools()).parse(answer(b"x", url=URL)))


def test_links_of_rows_files_and_the_next_page_are_made_absolute() -> None:
    found = given(row(1, attachments=(AttachmentLink("f/1.pdf"), AttachmentLink("javascript:x"))), next="?page=2", ttl=60.0)
    assert found.entries[0].url == found.entries[0].key == "https://list.example/zc/1.htm"
    assert [file.url for file in found.entries[0].attachments] == ["https://list.example/zc/f/1.pdf"]
    assert (found.next, found.ttl, found.problems) == ("https://list.example/zc/list?page=2", 60.0, ())


def test_a_row_without_a_link_is_known_by_its_key_and_has_no_page() -> None:
    found = given(row(1, url="", key="a1", content_html="<p>全文</p>"), row(2, content_html="<p>全文</p>"), row(3))
    source = Given(SourceConfig("county", URL), tools())
    assert [entry.key for entry in found.entries] == ["a1", "https://list.example/zc/2.htm", "https://list.example/zc/3.htm"]
    assert [source.page_of(entry) for entry in found.entries] == ["", "", "https://list.example/zc/3.htm"]


def test_of_a_withdrawn_row_no_page_is_read() -> None:
    entry = given(row(1, withdrawn=True)).entries[0]
    assert Given(SourceConfig("county", URL), tools()).page_of(entry) == ""


def test_titles_and_summaries_lose_their_markup() -> None:
    entry = given(row(1, title="关于<em>春耕</em>的&nbsp;通知\n", summary="<p>一、</p><p>二、</p>")).entries[0]
    assert (entry.title, entry.summary) == ("关于春耕的 通知", "一、 二、")


def test_rows_that_are_no_entries_are_told_and_a_list_of_nothing_else_is_no_list() -> None:
    bad = (row(1, title=" "), row(2, url="mailto:x"), row(3, url="", key=""), row(4), row(4))
    found = given(*bad)
    assert [problem.reason for problem in found.problems] == [
        "entry_without_title", "bad_link", "entry_without_id", "duplicate_entry",
    ]
    assert [entry.title for entry in found.entries] == ["通知4"]
    with pytest.raises(ReadFailed) as caught:
        given(*bad[:3])
    assert (caught.value.reason, caught.value.where) == ("not_understood", URL)


def test_more_rows_than_options_allow_are_an_error() -> None:
    assert len(given(row(1), row(2), options=ListOptions(max_entries=2)).entries) == 2
    with pytest.raises(ReadFailed, match="more than 1"):
        given(row(1), row(2), options=ListOptions(max_entries=1))


def test_unless_it_says_how_a_page_is_taken_apart_by_its_shape() -> None:
    text = "<p>这是一个足够长的段落，说明有关部门如何分工负责、按时完成各项工作任务。</p>" * 9
    page = read_page(
        Given(SourceConfig("county", URL), tools()), f"<title>窗口</title><h1>关于<b>甲</b>的通知</h1><div>{text}</div>"
    )
    assert page.title == "关于甲的通知"
    assert "分工负责" in page.html


def test_the_text_of_a_body_has_no_mark_before_it() -> None:
    assert Body(b"\xef\xbb\xbf\xef\xbb\xbfa", "", URL).decoded().text == "a"


def test_a_source_that_says_not_how_to_read_a_list_is_refused_when_it_is_loaded() -> None:
    class Unfinished(ListSource):
        kind = "unfinished"

    with pytest.raises(ConfigError) as caught:
        refuse_unfit("syncd.sources", "unfinished", Unfinished, version=1, members=("parse",))
    assert "Unfinished lacks rows" in str(caught.value)
