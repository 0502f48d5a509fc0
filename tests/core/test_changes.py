"""The events between two states of a row: no mark moves without one, and nothing is told twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncd.core.changes import changes
from syncd.model import Finding, Hold, Instant, Intent, IntentKind, Repost
from tests.core.given import NOW, row, visible_row

AT = Instant(NOW)
INTENT = Intent(1, IntentKind.CREATE, "p1", NOW)


def told(before: Repost, after: Repost, **named: object) -> list[tuple[str, int | None, str]]:
    return [(e.kind, e.revision, e.reason) for e in changes(before, after, AT, **named)]  # type: ignore[arg-type]


def test_nothing_changed_is_nothing_told() -> None:
    assert told(row(), row()) == []


def test_each_mark_that_moves_is_told_in_the_order_of_life() -> None:
    after = row(wanted=1, approved=1, sent=1, seen=1)
    assert told(row(), after) == [("wanted", 1, ""), ("approved", 1, ""), ("sent", 1, ""), ("seen", 1, "")]


def test_a_mark_that_moves_back_is_no_event() -> None:
    assert told(visible_row(2), visible_row(2, sent=0, seen=0)) == []


def test_a_withdrawal_that_was_sent_is_told_as_withdrawn() -> None:
    assert told(visible_row(wanted=2, approved=2), visible_row(wanted=2, approved=2, sent=2), withdrawn=True) == [
        ("withdrawn", 2, "")
    ]


def test_an_intent_is_told_when_opened_and_not_again_when_it_is_done() -> None:
    opened = row(wanted=1, approved=1, intent=INTENT)
    assert told(row(wanted=1, approved=1), opened) == [("intent", 1, "create")]
    assert told(opened, replace(opened, intent=None, sent=1)) == [("sent", 1, "")]
    assert told(opened, replace(opened, tries=0)) == []


def test_an_intent_that_came_to_nothing_is_told_as_resolved() -> None:
    opened = row(wanted=1, approved=1, intent=INTENT)
    assert told(opened, replace(opened, intent=None, reason="absent")) == [("resolved", 1, "absent")]


@pytest.mark.parametrize("finding", list(Finding))
def test_a_finding_is_told_when_made_and_when_it_falls(finding: Finding) -> None:
    found = visible_row(finding=finding, reason="looked")
    assert told(visible_row(), found) == [(finding.value, 1, "looked")]
    assert told(found, visible_row()) == [("released", 1, finding.value)]
    assert told(found, replace(found, due=NOW)) == []


def test_a_finding_that_becomes_another_is_told_once() -> None:
    gone = visible_row(finding=Finding.GONE, reason="gone")
    assert told(visible_row(finding=Finding.EDITED), gone) == [("gone", 1, "gone")]


def test_a_hold_is_told_with_its_revision_or_as_parked_and_its_end_as_released() -> None:
    held = row(wanted=1, hold=Hold("rejected", 1))
    parked = row(wanted=1, hold=Hold("in_doubt"))
    assert told(row(wanted=1), held) == [("held", 1, "rejected")]
    assert told(row(wanted=1), parked) == [("parked", None, "in_doubt")]
    assert told(held, row(wanted=1)) == [("released", 1, "rejected")]
    assert told(held, held) == []


def test_a_hold_is_told_with_the_words_of_who_holds() -> None:
    (event,) = changes(row(wanted=1), row(wanted=1, hold=Hold("rejected", 1, "李主任", "不宜转载")), AT)
    assert (event.reason, event.detail) == ("rejected", {"why": "不宜转载"})


def test_the_first_failure_of_a_kind_is_told_and_its_repetitions_are_not() -> None:
    before = row(wanted=1, approved=1)
    first = replace(before, tries=1, reason="connect")
    assert told(before, first) == [("retried", 1, "connect")]
    assert told(first, replace(first, tries=2)) == []
    assert told(first, replace(first, tries=2, reason="timeout")) == [("retried", 1, "timeout")]


def test_a_failure_is_told_by_what_was_done_a_call_in_doubt_a_look_or_a_call() -> None:
    doubtful = row(wanted=1, approved=1, intent=INTENT)
    assert told(doubtful, replace(doubtful, tries=1, reason="timeout")) == [("in_doubt", 1, "timeout")]
    unseen = visible_row(seen=0)
    assert told(unseen, replace(unseen, tries=1, reason="page_404")) == [("look_bad", 1, "page_404")]
    audited = visible_row()
    assert told(audited, replace(audited, tries=1, reason="page_503")) == [("look_bad", 1, "page_503")]
    updating = visible_row(wanted=2, approved=2)
    assert told(updating, replace(updating, tries=1, reason="connect")) == [("retried", 2, "connect")]


def test_events_carry_document_repost_instant_and_actor() -> None:
    (event,) = changes(row(), row(wanted=1), AT, actor="王科长")
    assert (event.document, event.repost, event.at, event.actor) == (10, 1, AT, "王科长")
    (unborn,) = changes(row(id=0), row(id=0, wanted=1), AT)
    assert (unborn.repost, unborn.actor) == (None, "syncd")
