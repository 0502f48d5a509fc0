"""Each case of the contract of adapters fails for the adapter that breaks its promise, and passes for one that keeps all."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from syncd.adapters.api import Tools
from syncd.errors import AdapterError, ConfigError
from syncd.testing.adapter_contract import AdapterContract, CapabilityWarning
from syncd.testing.fakecms import FakeAdapter
from tests.testing import wrong_adapters as wrong
from tests.testing.on_fake_cms import TOKEN, OnFakeCMS

APP = {"unique": "app"}
FILES = {"media": "endpoint"}
FILTERED = {"html": "filtered"}

FOUND: list[tuple[type[FakeAdapter], str, tuple[Any, ...], dict[str, Any]]] = [
    (wrong.OfAnotherContract, "syncd_would_load_it", (), {}),
    (wrong.PassesOverOptions, "an_option_that_it_does_not_know_is_told", (), {}),
    (wrong.ChecksNothing, "check_tells_what_it_tried", (), {}),
    (wrong.HasNoList, "what_it_declares_is_there", (), {}),
    (wrong.ClosesOnce, "it_can_be_closed_twice", (), {}),
    (wrong.FindsNoAddress, "what_was_created_is_found", (), {}),
    (wrong.RaisesForNothing, "what_is_not_there_is_none", (), {}),
    (wrong.MatchesBeginnings, "another_key_is_not_taken_for_it", (), {}),
    (wrong.AcceptsAnotherKey, "a_second_post_of_a_key_is_refused", (), APP),
    (wrong.SwallowsConflicts, "a_second_post_of_a_key_is_refused", (), {}),
    (wrong.SwallowsConflicts, "four_creates_at_once_make_one_post", (), {}),
    (wrong.PublishesDrafts, "a_draft_is_seen_by_nobody_until_it_is_published", (), {}),
    (wrong.ChangesAddress, "an_update_keeps_number_and_address", (), {}),
    (wrong.NamesByTitle, "another_title_keeps_the_address", (), {}),
    (wrong.ToldTheVersionBefore, "our_own_last_version_is_no_conflict", (), {}),
    (wrong.RefusesTheSame, "the_same_text_again_does_no_harm", (), {}),
    (wrong.MakesAgain, "what_is_gone_is_not_found_and_not_made_again", (), {}),
    (wrong.FailsTheSecondTime, "what_is_withdrawn_is_gone_from_view_and_again_is_already", ("notice",), {}),
    (wrong.OnlySaysThatItWithdrew, "what_is_withdrawn_is_gone_from_view_and_again_is_already", ("delete",), {}),
    (wrong.StaysWithdrawn, "what_was_withdrawn_comes_back_at_its_address", ("unpublish",), {}),
    (wrong.KeepsTheKey, "what_was_deleted_can_be_made_again", (), {}),
    (wrong.BlindToEdits, "an_edit_is_seen", (), {}),
    (wrong.IgnoresVersions, "an_edit_before_an_update_is_kept", (), {}),
    (wrong.IgnoresVersions, "an_edit_before_a_withdrawal_is_told", (), {}),
    (wrong.OverwritesNothing, "an_edit_is_overwritten_only_when_asked_to", (), {}),
    (wrong.LooksThenWrites, "an_edit_in_the_middle_of_an_update_is_kept", (), {}),
    (wrong.BlindToEdits, "an_edit_after_an_update_is_told_from_ours", (), {}),
    (wrong.DropsRareCharacters, "a_text_is_stored_as_it_is_or_the_loss_is_told", ("rare characters",), {}),
    (wrong.DecodesEntities, "a_text_is_stored_as_it_is_or_the_loss_is_told", ("entities",), {}),
    (wrong.HidesLosses, "what_the_cms_drops_is_told", (), FILTERED),
    (wrong.CutsTitles, "the_longest_title_is_whole_and_one_more_is_refused_or_told", (), {}),
    (wrong.StumblesOverNothing, "an_empty_text_is_taken_or_refused", (), {}),
    (wrong.CutsTexts, "a_text_of_a_megabyte_is_whole_or_refused", (), {}),
    (wrong.ShowsItWhole, "what_is_too_long_is_cut_as_the_engine_looks_for_it", (), {}),
    (wrong.HoldsDaysBack, "a_date_holds_nothing_back", ("day",), {}),
    (wrong.PlansWhatIsAhead, "an_embargo_is_kept_by_syncd_or_by_the_cms", (), {}),
    (wrong.TakesAnyColumn, "a_column_that_is_not_there_is_refused_made_or_told", (), {}),
    (wrong.HidesLosses, "a_file_is_copied_or_it_is_told_that_it_is_not", ("file",), {}),
    (wrong.LeavesFilesAtTheirSource, "a_file_is_copied_or_it_is_told_that_it_is_not", ("picture",), {}),
    (wrong.PostsBeforeItHasTheFiles, "a_file_that_is_not_there_stops_the_post_before_anything_is_made", (), FILES),
    (wrong.ForgetsFiles, "an_update_changes_files", (), FILES),
    (wrong.PostsBeforeItHasTheFiles, "a_post_with_files_is_whole_in_the_end_whatever_call_fails", ("lost_before",), FILES),
    (wrong.CallsEverythingNotApplied, "an_answer_that_tells_nothing_is_unknown", ("create", "lost_before"), {}),
    (wrong.TakesAnyAnswerForSuccess, "an_answer_that_tells_nothing_is_unknown", ("create", "page200"), {}),
    (wrong.TakesAnyAnswerForSuccess, "an_answer_that_tells_nothing_is_unknown", ("create", "wall200"), {}),
    (wrong.RetriesByItself, "an_answer_that_tells_nothing_is_unknown", ("create", "lost_after"), {}),
    (wrong.CallsEverythingNotApplied, "nothing_is_called_not_applied_that_was_done", ("update", "lost_after"), {}),
    (wrong.TakesFailureForNone, "a_look_that_fails_is_not_nothing_there", ("find", "bad_gateway"), {}),
    (wrong.IgnoresRetryAfter, "a_refusal_is_told_as_what_it_is", ("create", "limited"), {}),
    (wrong.IgnoresRetryAfter, "a_refusal_is_told_as_what_it_is", ("update", "limited_date"), {}),
    (wrong.TakesFailureForNone, "a_refusal_is_told_as_what_it_is", ("find", "no_such_page"), {}),
    (wrong.SaysNotWhatToDo, "a_refusal_is_told_as_what_it_is", ("withdraw", "refused"), {}),
    (wrong.IsImpatient, "a_slow_answer_is_waited_for", ("create",), {}),
    (wrong.TakesStrangersForNobody, "wrong_credentials_are_never_nothing_there", (), {}),
    (wrong.TellsSecrets, "no_secret_is_told", (), {}),
    (wrong.LogsSecrets, "what_was_created_is_found", (), {}),
    (wrong.SweepsNothing, "a_create_that_arrives_late_makes_no_second_post", (), APP),
    (wrong.IgnoresVersions, "an_update_that_arrives_late_overwrites_no_editor", (), {}),
    (wrong.PublishesWhatItCannotFind, "the_process_may_die_at_any_call", ("create", "die_after"), {}),
    (wrong.ListsEverything, "the_list_holds_what_was_posted_and_only_ours", (), {}),
    (wrong.StandsNowhere, "what_was_handed_over_stands_somewhere", (), {}),
    (wrong.SweepsTooMuch, "a_sweep_leaves_the_one_post", (), APP),
    (wrong.LeavesADraft, "an_anonymous_reader_sees_the_post_and_no_draft", (), {}),
]


def _played(kind: type[FakeAdapter], case: str, given: tuple[Any, ...], switches: dict[str, Any]) -> None:
    made = type("Contract", (OnFakeCMS,), {"kind": kind, "switches": switches})()
    made.setup_method()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CapabilityWarning)
        getattr(made, f"test_{case}")(*_values(case, given))


def _run(kind: type[FakeAdapter], case: str, given: tuple[Any, ...], switches: dict[str, Any]) -> None:
    """A case that is skipped proves nothing."""
    try:
        _played(kind, case, given, switches)
    except pytest.skip.Exception as skipped:
        pytest.fail(f"the case was not run: {skipped}")


def _values(case: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    from datetime import timedelta

    from syncd.model import Precision

    return (timedelta(0), Precision.DAY) if case == "a_date_holds_nothing_back" else given


@pytest.mark.parametrize(("kind", "case", "given", "switches"), FOUND, ids=lambda value: getattr(value, "__name__", None))
def test_a_wrong_adapter_is_found_by_the_case_that_is_meant_for_it(
    kind: type[FakeAdapter], case: str, given: tuple[Any, ...], switches: dict[str, Any]
) -> None:
    with suppress(pytest.skip.Exception):  # the right one declares neither fixed columns nor that it takes files
        _played(FakeAdapter, case, given, switches)
    with pytest.raises((AssertionError, AdapterError, ConfigError, IndexError, AttributeError, TimeoutError)):
        _run(kind, case, given, switches)


@pytest.mark.parametrize(("reason", "raised"), [("the CMS keeps no keys", pytest.skip.Exception), (" ", AssertionError)])
def test_an_author_may_excuse_a_case_with_a_reason_only(reason: str, raised: type[BaseException]) -> None:
    made = type("Contract", (OnFakeCMS,), {"skips": {"test_what_is_not_there_is_none": reason}})()
    made.setup_method()
    with pytest.raises(raised):
        made.test_what_is_not_there_is_none()


def test_every_case_is_shown_to_fail() -> None:
    cases = {name.removeprefix("test_") for name in vars(AdapterContract) if name.startswith("test_")}
    assert cases == {case for _, case, _, _ in FOUND}


def test_a_case_that_the_author_can_not_run_is_skipped_with_the_authors_reason() -> None:
    class Ours(OnFakeCMS):
        skips: ClassVar = {"test_it_can_be_closed_twice": "it is closed by the site's own door"}

    with pytest.raises(pytest.skip.Exception, match="the site's own door"):
        Ours().test_it_can_be_closed_twice()


class _GoesPast(OnFakeCMS):
    """The way of an adapter that never asks tools.client: no fault can meet it."""

    def make_adapter(self, tools: Tools, token: str = TOKEN) -> FakeAdapter:
        return super().make_adapter(replace(tools, client=self.client), token)


@pytest.mark.parametrize(("case", "given", "reason"), [
    ("an_edit_in_the_middle_of_an_update_is_kept", (), "no call before which an edit could come"),
    ("a_slow_answer_is_waited_for", ("create",), "no call that could be slow"),
    ("no_secret_is_told", (), "a call that could fail"),
])
def test_a_case_whose_fault_met_nothing_is_skipped_and_not_passed(case: str, given: tuple[str, ...], reason: str) -> None:
    made = _GoesPast()
    made.setup_method()
    with pytest.raises(pytest.skip.Exception, match=reason):
        getattr(made, f"test_{case}")(*given)
