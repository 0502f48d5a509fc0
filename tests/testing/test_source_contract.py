"""Each case of the contract of sources fails for the source that breaks its promise, and passes for one that keeps all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncd.errors import ConfigError
from syncd.sources.api import Source
from syncd.testing.source_contract import ListSample, PageSample, SourceContract, watched
from tests.sources.test_contract import PAGE, TITLES
from tests.testing import wrong_sources as wrong

TEXT = "".join(f"2026年4月{15 - n}日|{title}|/zc/{n}.htm\n" for n, title in enumerate(TITLES)) + wrong.END
GOOD = ListSample(
    TEXT.encode(), TITLES, link="/zc/0.htm", date="2026年4月15日", content_type="text/plain", first="2026-04-15T00:00+08:00"
)
PAGE_OF_TEXT = PageSample(PAGE.body.replace(b'id="UCAP-CONTENT"', b'id="text"'), PAGE.title, PAGE.text)


class TestRight(SourceContract):
    source = wrong.Right
    good_list = GOOD
    document_page = PAGE_OF_TEXT


FOUND: list[tuple[type[Source], str, tuple[Any, ...]]] = [
    (wrong.OfAnotherContract, "syncd_would_load_it", ()),
    (wrong.PassesOverOptions, "options_are_refused_if_unknown_and_taken_if_known", ()),
    (wrong.Backwards, "a_good_list_gives_its_entries_in_order_and_no_problem", ()),
    (wrong.AddsAnHour, "the_first_rows_time_is_the_right_moment", ()),
    (wrong.KnowsOneZone, "a_date_without_a_zone_is_read_in_the_sources_zone", ()),
    (wrong.Counts, "the_same_bytes_give_the_same_values_here_and_in_the_child", ()),
    (wrong.ObeysTheMachinesZone, "the_same_bytes_give_the_same_values_here_and_in_the_child", ()),
    (wrong.TellsTheTime, "the_same_bytes_give_the_same_values_at_any_time", ()),
    (wrong.WorksInTheLoop, "bytes_are_taken_apart_in_the_child_only", ()),
    (wrong.WorksInTheLoopBesides, "bytes_are_taken_apart_in_the_child_only", ()),
    (wrong.ReadsTheClock, "it_uses_neither_clock_nor_network_nor_environment", ()),
    (wrong.ReadsTheEnvironment, "it_uses_neither_clock_nor_network_nor_environment", ()),
    (wrong.ReadsAFile, "it_uses_neither_clock_nor_network_nor_environment", ()),
    (wrong.ReachesOut, "it_uses_neither_clock_nor_network_nor_environment", ()),
    (wrong.AsksItsClient, "it_uses_neither_clock_nor_network_nor_environment", ()),
    (wrong.LeadsToAPath, "the_address_to_read_is_of_the_web_or_none", ()),
    (wrong.TrustsTheHeader, "titles_are_right_in_every_encoding_or_it_is_told", ("utf-8", "gb2312", True)),
    (wrong.KeepsTheMark, "a_byte_order_mark_changes_nothing", ()),
    (wrong.PassesOverBadBytes, "one_bad_byte_is_told_and_spoils_one_title", ("utf-8",)),
    (wrong.TakesNothingForAList, "an_empty_body_is_a_failed_read", ("zeros",)),
    (wrong.SaysNotWhatToDo, "an_empty_body_is_a_failed_read", ("nothing",)),
    (wrong.TakesAnythingForAList, "another_thing_in_its_place_is_a_failed_read", ("an error page", True)),
    (wrong.Stumbles, "another_thing_in_its_place_is_a_failed_read", ("a log-in page", True)),
    (wrong.TakesAPart, "a_list_that_is_cut_is_never_a_shorter_list", (5,)),
    (wrong.DropsInSilence, "a_link_that_leads_nowhere_is_told_and_the_other_rows_stand", ("file:///etc/passwd",)),
    (wrong.FailsForOneRow, "a_link_that_leads_nowhere_is_told_and_the_other_rows_stand", ("javascript:alert(1)",)),
    (wrong.PassesScriptsOn, "a_link_that_leads_nowhere_is_told_and_the_other_rows_stand", ("javascript:alert(1)",)),
    (wrong.DropsInSilence, "an_absurd_date_is_told_and_never_a_time", ("2024-02-30",)),
    (wrong.InventsADay, "an_absurd_date_is_told_and_never_a_time", ("2024-02-30",)),
    (wrong.DropsInSilence, "a_row_without_a_title_is_told_or_named_by_its_text", ()),
    (wrong.HasTwoOfAKey, "the_same_row_twice_is_one_entry_and_told", ()),
    (wrong.KeepsMarkup, "a_title_is_plain_text_on_one_line", ("<em>{}</em>",)),
    (wrong.KeepsMarkup, "a_title_is_plain_text_on_one_line", ("\x01{}",)),
    (wrong.Recurses, "bodies_made_to_harm_are_refused_in_time_by_itself", ()),
    (wrong.CutsTitles, "an_endless_title_never_comes_out", ()),
    (wrong.CutsTheList, "more_entries_than_allowed_is_an_error_and_nothing_is_cut_off", ()),
    (wrong.TitlesByTheWindow, "a_page_gives_title_and_text", ()),
    (wrong.ReadsPagesInTheLoop, "a_page_is_the_same_in_the_child_and_made_there", ()),
    (wrong.TakesAnythingForAPage, "a_page_without_the_document_is_a_failed_read", ("an error page",)),
    (wrong.Recurses, "a_page_made_to_harm_is_refused_in_time", ()),
]


def _contract(kind: type[Source], sample: ListSample = GOOD) -> SourceContract:
    made = type("Contract", (SourceContract,), {"source": kind, "good_list": sample, "document_page": PAGE_OF_TEXT})
    found: SourceContract = made()
    return found


@pytest.mark.parametrize(("kind", "case", "given"), FOUND, ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_source_is_found_by_the_case_that_is_meant_for_it(
    kind: type[Source], case: str, given: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = (*given, monkeypatch) if case.endswith("in_the_child") else given
    getattr(_contract(wrong.Right), f"test_{case}")(*needs)
    with pytest.raises((AssertionError, ConfigError, UnicodeDecodeError)):
        getattr(_contract(kind), f"test_{case}")(*needs)


def test_every_case_is_shown_to_fail() -> None:
    cases = {name.removeprefix("test_") for name in vars(SourceContract) if name.startswith("test_")}
    assert cases - {case for _, case, _ in FOUND} == {"the_sample_can_show_what_is_asked"}


@pytest.mark.parametrize(
    "sample",
    [
        replace(GOOD, titles=TITLES[:4]),
        replace(GOOD, titles=(*TITLES[:5], "关于别的事的通知")),
        replace(GOOD, link="/no.htm"),
        replace(GOOD, titles=tuple("虚构" if n else "2026" for n in range(5))),
    ],
)
def test_a_sample_that_shows_too_little_is_refused(sample: ListSample) -> None:
    with pytest.raises(AssertionError):
        _contract(wrong.Right, sample).test_the_sample_can_show_what_is_asked()


@pytest.mark.parametrize(("kind", "well"), [(wrong.TakesAPart, False), (wrong.TakesWholeLines, True)])
def test_a_format_that_cannot_show_a_cut_may_say_so_but_gives_no_half_row(kind: type[Source], well: bool) -> None:
    contract = _contract(kind)
    assert not all(_is_borne(contract, tenths) for tenths in range(1, 10))
    type(contract).cuts_show = False
    assert all(_is_borne(contract, tenths) for tenths in range(1, 10)) is well


def _is_borne(contract: SourceContract, tenths: int) -> bool:
    try:
        contract.test_a_list_that_is_cut_is_never_a_shorter_list(tenths)
    except AssertionError:
        return False
    return True


def test_a_list_that_is_signed_as_a_whole_may_fail_for_one_row() -> None:
    contract = _contract(wrong.FailsForOneRow)
    type(contract).rows_stand_alone = False
    contract.test_a_link_that_leads_nowhere_is_told_and_the_other_rows_stand("javascript:alert(1)")


def test_what_code_of_others_does_with_the_clock_is_not_the_sources() -> None:
    with watched("nobody") as seen:
        wrong.ReadsTheClock.rows(plugin_body(), None)
    assert seen == set()
    with watched("tests") as seen:
        wrong.ReadsTheClock.rows(plugin_body(), None)
    assert seen == {"time.time"}


def plugin_body() -> wrong.Body:
    return wrong.Body(GOOD.body, "", GOOD.url)
