"""The source keeps the contract that every source of syncd keeps; what is special about the gazette is tested beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from syncd_gazette import GazetteSource

from syncd import plugins
from syncd.testing.source_contract import ListSample, PageSample, SourceContract

HERE = Path(__file__).resolve().parent
TITLES = (
    "关于清理河道垃圾的公告（虚构）", "关于乡村道路养护工作的通知（虚构）", "关于优化营商环境的若干措施（虚构）",
    "关于农田水利建设的意见（虚构）", "关于公共图书馆开放时间的公告（虚构）", "关于镕鑫广场命名的通知（虚构）",
)  # fmt: skip


class TestGazette(SourceContract):
    source = GazetteSource
    good_list = ListSample(
        (HERE / "list.txt").read_bytes(), TITLES, link="https://gazette.example/2026/1.htm", date="2026年4月15日",
        url="https://gazette.example/list.txt", content_type="text/plain", encoding="gb18030", first="2026-04-15T00:00+08:00",
    )  # fmt: skip
    document_page = PageSample((HERE / "page.html").read_bytes(), TITLES[0], "认真组织实施，确保各项措施落到实处。")

    def test_syncd_finds_it_by_its_name(self) -> None:
        assert plugins.load("syncd.sources", "gazette") is GazetteSource

    def test_only_the_section_that_was_asked_for_is_taken(self) -> None:
        assert [entry.title for entry in self.read(self.good_list, section="通知").entries] == [TITLES[1], TITLES[5]]

    def test_a_row_that_went_missing_is_found_by_the_count(self) -> None:
        first, _, rest = self.good_list.text.partition("\n")
        assert first.endswith("1.htm")
        assert self.failed(self.good_list.saying(rest)).reason == "truncated"

    def test_a_line_of_another_form_is_told_and_the_other_rows_stand(self) -> None:
        spoilt = self.tried(self.good_list.saying(self.good_list.text.replace("|公告|", "，公告，", 1)))
        self.stands(spoilt)

    def test_the_page_tells_its_time_and_its_file(self) -> None:
        page = self.read_page(self.page_sample())
        assert page.published is not None
        assert page.published.at.isoformat() == "2026-04-15T09:15:40+00:00"
        assert [file.url for file in page.attachments] == ["https://list.example/zc/1/fu1.pdf"]

    def test_a_header_that_lies_changes_nothing(self) -> None:
        lying = replace(self.good_list, content_type="text/plain; charset=utf-8")
        assert self.read(lying) == self.read(self.good_list)
