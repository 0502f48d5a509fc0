"""The state machine of a repost, one behaviour at a time; test_repost_machine.py tries all of them together."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.core import repost as machine
from syncd.core.repost import (
    Absent,
    Advance,
    Edited,
    Gone,
    Head,
    Located,
    Park,
    Pending,
    Policy,
    Rejected,
    Resolve,
    Rest,
    Retry,
    Seen,
    Send,
    Sent,
    Status,
    Step,
    Unknown,
    Verify,
    fold,
    plan,
    status,
)
from syncd.model import Finding, Hold, Intent, IntentKind, PostAs, RemoteRef, RemoteState, Repost
from tests.core.given import NOW, REF, after, row, visible_row

HOUR = 3600.0
OPEN = Policy()
CREATING = Intent(1, IntentKind.CREATE, "p1", NOW)
UPDATING = Intent(2, IntentKind.UPDATE, "p2", NOW)
WITHDRAWING = Intent(2, IntentKind.WITHDRAW, "p2", NOW)
ELSEWHERE = RemoteRef("7", "https://www.county.example/7", version="v2", modified_by="王编辑")
PARKED = Hold("in_doubt")


def planned(repost: Repost, policy: Policy = OPEN, *, withdrawn: bool = False) -> Step:
    heads = (Head(repost.wanted, withdrawn), Head(repost.approved, withdrawn))
    return plan(repost, heads, policy, NOW)


# ---- the table of the docstring

def table() -> list[tuple[str, str]]:
    lines = [line for line in (machine.__doc__ or "").splitlines() if line.startswith("| ")]
    return [(cells[1].strip(), cells[2].strip()) for line in lines[1:] if (cells := line.split("|"))]


CONDITIONS: dict[str, Callable[[Repost, bool], bool]] = {
    "a hold of the whole repost": lambda r, w: r.hold is not None and r.hold.revision is None,
    "finding edited": lambda r, w: r.finding is Finding.EDITED,
    "an intent is open": lambda r, w: r.intent is not None,
    "finding gone": lambda r, w: r.finding is Finding.GONE,
    "a hold of the wanted revision": lambda r, w: r.hold is not None and r.hold.revision == r.wanted,
    "approved < wanted": lambda r, w: r.approved < r.wanted,
    "sent < approved": lambda r, w: r.sent < r.approved,
    "seen < sent": lambda r, w: r.seen < r.sent,
    "seen = wanted and that revision is a withdrawal": lambda r, w: r.seen == r.wanted and w,
    "seen = sent = approved = wanted": lambda r, w: r.seen == r.sent == r.approved == r.wanted,
}
"""What the words of the table's second column mean, as far as the table's text goes before a bracket or a colon."""


def condition(words: str) -> str:
    return words.split(":")[0].split("(")[0].strip()


def test_the_table_names_each_status_once() -> None:
    assert sorted(name for name, _ in table()) == sorted(Status)


def every_row() -> list[tuple[Repost, bool]]:
    marks = [m for m in itertools.product(range(3), repeat=4) if m[0] >= m[1] >= m[2] >= m[3]]
    holds = [None, Hold("x"), Hold("x", 1), Hold("x", 2)]
    rest = itertools.product(marks, holds, [None, CREATING], [None, *Finding], [False, True])
    return [
        (row(wanted=m[0], approved=m[1], sent=m[2], seen=m[3], hold=h, intent=i, finding=f), w)
        for m, h, i, f, w in rest
    ]


def test_the_first_row_of_the_table_that_applies_is_the_status() -> None:
    lines = [(name, CONDITIONS[condition(words)]) for name, words in table()]
    reached = set()
    for repost, withdrawn in every_row():
        expected = next(name for name, applies in lines if applies(repost, withdrawn))
        assert status(repost, withdrawn=withdrawn) == expected, repost
        reached.add(expected)
    assert reached == set(Status)


def test_what_needs_a_person_is_what_only_a_person_moves() -> None:
    lines = [line.split("|") for line in (machine.__doc__ or "").splitlines() if line.startswith("| ")][1:]
    assert {cells[1].strip() for cells in lines if cells[3].strip().startswith("a person")} == machine.NEEDS_PERSON


# ---- plan

def test_an_approved_revision_is_sent() -> None:
    assert planned(row(wanted=1, approved=1)) == Send(1, IntentKind.CREATE)
    assert planned(visible_row(wanted=2, approved=2)) == Send(2, IntentKind.UPDATE)


def test_a_row_that_is_not_due_rests_and_says_why() -> None:
    assert planned(row(wanted=1, approved=1, due=after(60), reason="cms_500")) == Rest(after(60), "cms_500")
    assert planned(row(wanted=1, approved=1, due=after(60))) == Rest(after(60), "not_due")


@pytest.mark.parametrize("repost", [row(wanted=1, approved=1), visible_row()])
def test_a_due_written_by_a_wrong_clock_counts_as_now(repost: Repost) -> None:
    assert machine.overdue(replace(repost, due=after(days=365)), NOW)
    assert not machine.overdue(replace(repost, due=after(60)), NOW)


def test_a_row_at_rest_may_wait_a_week_and_one_under_way_only_hours() -> None:
    assert not machine.overdue(visible_row(due=after(days=7)), NOW)
    assert machine.overdue(visible_row(seen=0, due=after(days=7)), NOW)
    assert machine.overdue(row(wanted=1, approved=1, due=after(days=7)), NOW)
    assert machine.overdue(visible_row(tries=1, due=after(days=7)), NOW)


def test_a_row_that_waits_for_a_person_is_not_taken_up_at_every_tick() -> None:
    for waiting in (
        row(wanted=1), visible_row(wanted=2), row(wanted=2, approved=1), row(wanted=1, approved=1, hold=Hold("no", 1)),
        visible_row(finding=Finding.EDITED, wanted=2, approved=2),
    ):
        assert not machine.overdue(replace(waiting, due=after(days=4)), NOW)


def test_a_superseded_approval_is_not_sent() -> None:
    assert planned(row(wanted=2, approved=1)) == Rest(None, "waiting_for_approval")


def test_a_rejection_stops_its_revision_only() -> None:
    rejected = machine.reject(row(wanted=1, approved=1), reason="不宜转载", actor="李主任", now=NOW)
    assert planned(rejected) == Rest(None, "rejected")
    assert (rejected.reason, rejected.hint, machine.refused(rejected)) == ("rejected", "不宜转载", True)
    assert not machine.refused(machine.want(rejected, 2, NOW))
    assert not machine.refused(row(wanted=1, hold=Hold("too_large", 1, "cms")))
    newer = machine.approve(machine.want(rejected, 2, NOW), 2, NOW)
    assert planned(newer) == Send(2, IntentKind.CREATE)


def test_an_open_intent_is_only_ever_looked_up() -> None:
    moved_on = row(wanted=3, approved=3, intent=CREATING)
    assert planned(moved_on, Policy(quiet=9)) == Resolve(CREATING, conclude=False)
    assert planned(moved_on) == Resolve(CREATING, conclude=True)


def test_where_nothing_can_be_looked_up_doubt_is_parked_with_what_to_do() -> None:
    step = planned(row(wanted=1, approved=1, intent=CREATING), Policy(lookup=False))
    assert isinstance(step, Park)
    assert step.reason == "in_doubt"
    assert "syncd adopt" in step.hint
    parked = machine.park(row(wanted=1, approved=1, intent=CREATING), step, NOW)
    assert status(parked) is Status.PARKED
    assert planned(replace(parked, due=NOW)) == Rest(None, "in_doubt")
    assert not machine.overdue(parked, NOW)


def test_an_adopted_post_is_resolved_by_its_ref_even_without_look_up() -> None:
    doubtful = visible_row(wanted=2, approved=2, intent=UPDATING, adopted=True)
    assert isinstance(planned(doubtful, Policy(lookup=False)), Resolve)


def test_an_edited_post_with_an_open_intent_waits_for_a_person() -> None:
    assert planned(visible_row(intent=UPDATING, finding=Finding.EDITED)) == Rest(None, "edited")


@pytest.mark.guarantee(2)
def test_nothing_is_written_while_a_request_may_still_take_effect() -> None:
    quiet = Policy(quiet=30)
    assert planned(row(wanted=1, approved=1), quiet) == Rest(after(30), "settling")
    assert planned(row(wanted=2, approved=2), quiet, withdrawn=True) == Rest(after(30), "settling")


def test_a_route_that_vanished_stops_writing_and_goes_on_looking() -> None:
    assert planned(row(wanted=1, approved=1), Policy(writes=False)) == Rest(None, "no_route")
    assert planned(visible_row(), Policy(writes=False)) == Verify(1, audit=True)


def test_a_withdrawal_of_what_was_never_sent_moves_the_marks_without_a_call() -> None:
    step = planned(row(wanted=2, approved=2), withdrawn=True)
    assert step == Advance(2)
    done = machine.advance(row(wanted=2, approved=2, hold=Hold("no", 1)), Advance(2), OPEN, NOW)
    assert (done.sent, done.seen, done.hold, done.due) == (2, 2, None, after(days=7))
    assert status(done, withdrawn=True) is Status.WITHDRAWN
    assert planned(replace(done, due=NOW), withdrawn=True) == Rest(None, "nothing_to_do")


def test_a_withdrawal_of_what_somebody_removed_is_done_already() -> None:
    assert planned(visible_row(wanted=2, approved=2, finding=Finding.GONE), withdrawn=True) == Advance(2)


def test_a_withdrawal_of_a_post_is_a_call() -> None:
    assert planned(visible_row(wanted=2, approved=2), withdrawn=True) == Send(2, IntentKind.WITHDRAW)


@pytest.mark.guarantee(3)
def test_nothing_is_written_over_an_edit_nor_in_the_place_of_a_removed_post() -> None:
    for finding in Finding:
        assert planned(visible_row(wanted=2, approved=2, finding=finding)) == Verify(1, audit=True)
    assert planned(visible_row(wanted=2, approved=2, finding=Finding.EDITED), withdrawn=True) == Verify(1, audit=True)


def test_what_is_sent_is_looked_at() -> None:
    assert planned(visible_row(seen=0)) == Verify(1)


# ---- announce and fold

def announced(kind: IntentKind = IntentKind.CREATE) -> Repost:
    base = row(wanted=1, approved=1) if kind is IntentKind.CREATE else visible_row(wanted=2, approved=2)
    return machine.announce(base, Send(base.wanted, kind), print=f"p{base.wanted}", now=NOW)


def test_an_announced_call_is_an_open_intent() -> None:
    assert announced().intent == CREATING
    assert status(announced()) is Status.IN_DOUBT


def test_a_call_that_worked_moves_sent_and_forgets_troubles() -> None:
    done = fold(replace(announced(), tries=3, reason="cms_500", hint="x"), Sent(REF, "stored"), OPEN, NOW)
    assert (done.sent, done.seen, done.intent, done.ref, done.print, done.stored) == (1, 0, None, REF, "p1", "stored")
    assert (done.tries, done.looks, done.reason, done.hint, done.due) == (0, 0, "", "", NOW)


def test_a_hold_falls_when_its_revision_or_a_newer_one_is_sent() -> None:
    assert fold(replace(announced(), hold=Hold("no", 1)), Sent(REF, "s"), OPEN, NOW).hold is None
    newer = Hold("no", 2)
    assert fold(replace(announced(), wanted=2, hold=newer), Sent(REF, "s"), OPEN, NOW).hold == newer


def test_an_answer_without_an_intent_moves_no_mark() -> None:
    assert fold(visible_row(), Sent(ELSEWHERE, "s"), OPEN, NOW) == visible_row(ref=ELSEWHERE, stored="s")


def test_a_create_found_with_other_text_becomes_an_update() -> None:
    found = fold(announced(), Located(REF, "older"), Policy(quiet=9), NOW)
    assert (found.intent, found.ref, found.sent, found.due) == (None, REF, 0, NOW)
    assert planned(found) == Send(1, IntentKind.UPDATE)


def test_an_update_found_undone_is_not_settled_while_it_may_still_land() -> None:
    doubtful = announced(IntentKind.UPDATE)
    early = fold(doubtful, Located(REF, "p1"), Policy(quiet=9), NOW)
    assert (early.intent, early.due) == (doubtful.intent, after(9))
    assert fold(doubtful, Located(REF, "p1"), OPEN, NOW).intent is None


def test_a_create_that_is_absent_may_be_made_again() -> None:
    absent = fold(announced(), Absent(), OPEN, NOW)
    assert (absent.intent, absent.sent) == (None, 0)
    assert planned(absent) == Send(1, IntentKind.CREATE)


def test_a_withdrawal_of_what_is_absent_is_done() -> None:
    done = fold(visible_row(wanted=2, approved=2, intent=WITHDRAWING), Absent(), OPEN, NOW)
    assert (done.sent, done.seen, done.ref, done.intent) == (2, 2, None, None)


def test_an_update_of_what_is_absent_found_the_post_gone() -> None:
    for intent in (UPDATING, None):
        lost = fold(visible_row(wanted=2, approved=2, intent=intent), Absent(), OPEN, NOW)
        assert (status(lost), lost.intent) == (Status.GONE, None)
        assert "syncd retry" in lost.hint


def test_a_good_look_moves_seen_and_the_next_ones_come_later_and_later() -> None:
    looked = visible_row(seen=0)
    waits = []
    for _ in range(4):
        looked = fold(looked, Seen(1), OPEN, NOW)
        waits.append((looked.due - NOW).total_seconds() / HOUR)
    assert (looked.seen, looked.looks, waits) == (1, 4, [1, 24, 168, 168])


def test_a_look_never_sees_more_than_was_sent_nor_takes_back_what_was_seen() -> None:
    assert fold(visible_row(wanted=3), Seen(3), OPEN, NOW).seen == 1
    assert fold(visible_row(2), Seen(1), OPEN, NOW).seen == 2


def test_a_good_look_may_learn_the_public_address() -> None:
    assert fold(visible_row(), Seen(1, ELSEWHERE), OPEN, NOW).ref == ELSEWHERE


def test_a_removed_post_that_returns_is_gone_no_more_and_an_edit_goes_on_saying_why() -> None:
    back = fold(visible_row(finding=Finding.GONE, reason="gone", hint="x"), Seen(1), OPEN, NOW)
    assert (status(back), back.reason, back.hint) == (Status.VISIBLE, "", "")
    edited = fold(visible_row(finding=Finding.EDITED, reason="edited", hint="x"), Seen(1), OPEN, NOW)
    assert (status(edited), edited.reason, edited.hint) == (Status.EDITED, "edited", "x")


def test_an_edit_is_kept_and_told() -> None:
    edited = fold(announced(IntentKind.UPDATE), Edited(ELSEWHERE, "theirs"), OPEN, NOW)
    assert (edited.finding, edited.intent, edited.stored) == (Finding.EDITED, None, "theirs")
    assert "--overwrite" in edited.hint
    doubtful = fold(announced(IntentKind.UPDATE), Edited(ELSEWHERE, "theirs", ambiguous=True), OPEN, NOW)
    assert doubtful.intent is not None


def test_a_removal_is_kept_and_told() -> None:
    gone = fold(visible_row(), Gone("removed_at_site"), OPEN, NOW)
    assert (gone.finding, gone.reason, gone.sent, gone.due) == (Finding.GONE, "removed_at_site", 1, after(HOUR))


def test_a_refusal_for_good_holds_that_revision() -> None:
    refused = fold(announced(), Rejected("title_too_long", "shorten it"), OPEN, NOW)
    assert refused.hold == Hold("title_too_long", 1, "cms", "shorten it")
    assert (status(refused), refused.intent) == (Status.HELD, None)
    assert fold(visible_row(), Rejected("x"), OPEN, NOW).hold == Hold("x", 1, "cms", "")


def test_what_settles_is_looked_up_again_soon() -> None:
    waiting = fold(announced(), Pending(15), OPEN, NOW)
    assert (waiting.intent, waiting.due, waiting.reason, waiting.tries) == (CREATING, after(15), "settling", 0)


def test_a_failure_that_changed_nothing_closes_the_intent_and_one_in_doubt_keeps_it() -> None:
    refused = fold(announced(), Retry(30, "cms_503", "wait"), OPEN, NOW)
    assert (refused.intent, refused.tries, refused.due) == (None, 1, after(30))
    assert (refused.reason, refused.hint) == ("cms_503", "wait")
    assert fold(announced(), Unknown(30, "cms_500"), OPEN, NOW).intent == CREATING
    assert fold(announced(), Retry(30, "dns", intact=True), OPEN, NOW).intent == CREATING
    assert fold(visible_row(), Retry(30, "page_404", ref=ELSEWHERE), OPEN, NOW).ref == ELSEWHERE


def test_no_wait_is_written_that_would_count_as_absurd() -> None:
    told_to_wait = fold(announced(), Retry(86400, "rate_limited"), OPEN, NOW)
    assert not machine.overdue(told_to_wait, NOW)


# ---- what people and routes do

def test_only_a_newer_revision_is_wanted() -> None:
    assert machine.want(visible_row(due=after(9)), 2, NOW) == visible_row(wanted=2)
    assert machine.want(visible_row(2), 1, NOW) == visible_row(2)


def test_an_approval_says_nothing_of_later_revisions() -> None:
    assert machine.approve(row(wanted=2), 1, NOW).approved == 1
    assert machine.approve(row(wanted=1), 5, NOW).approved == 1
    assert machine.approve(row(wanted=3, approved=2), 1, NOW).approved == 2


def test_an_approval_lifts_the_hold_of_its_revision_and_of_no_newer_one() -> None:
    held = row(wanted=2, approved=2, hold=Hold("title_too_long", 2))
    assert machine.approve(held, 2, NOW).hold is None
    assert machine.approve(held, 1, NOW).hold == held.hold
    whole = row(wanted=2, hold=PARKED, reason="in_doubt")
    assert (machine.approve(whole, 2, NOW).hold, machine.approve(whole, 2, NOW).reason) == (PARKED, "in_doubt")


def test_an_approval_does_not_silence_what_needs_a_person() -> None:
    edited = visible_row(wanted=2, finding=Finding.EDITED, reason="edited", hint="compare")
    assert machine.approve(edited, 2, NOW).hint == "compare"
    assert machine.approve(row(wanted=1, reason="was", hint="h"), 1, NOW).hint == ""


def test_an_edit_is_overwritten_only_when_a_person_says_so() -> None:
    edited = visible_row(finding=Finding.EDITED)
    assert machine.retry(edited, NOW) is None
    again = machine.retry(edited, NOW, overwrite=True)
    assert again is not None
    assert planned(again) == Send(1, IntentKind.UPDATE)


def test_a_removed_post_is_made_again_with_its_key_when_a_person_says_so() -> None:
    again = machine.retry(visible_row(finding=Finding.GONE), NOW)
    assert again is not None
    assert again.key == "key-1"
    assert planned(again) == Send(1, IntentKind.CREATE)


def test_a_retry_of_what_was_parked_in_doubt_drops_the_intent_and_waits_for_the_settling_time() -> None:
    parked = row(wanted=1, approved=1, intent=CREATING, hold=PARKED)
    again = machine.retry(parked, NOW)
    assert again is not None
    assert again.intent is None
    assert planned(again, Policy(quiet=9, lookup=False)) == Rest(after(9), "settling")
    held = machine.retry(row(wanted=1, approved=1, intent=CREATING, hold=Hold("flap")), NOW)
    assert held is not None
    assert held.intent == CREATING


def test_an_adopted_post_is_the_repost_of_what_is_wanted() -> None:
    doubtful = row(wanted=2, intent=CREATING, hold=PARKED, finding=Finding.EDITED)
    adopted = machine.adopt(doubtful, ELSEWHERE, stored="s", now=NOW)
    assert (adopted.approved, adopted.sent, adopted.seen, adopted.print, adopted.stored) == (2, 2, 0, "s", "s")
    assert (adopted.intent, adopted.hold, adopted.finding, adopted.adopted) == (None, None, None, True)
    assert planned(adopted) == Verify(2)


def test_an_adopted_page_that_should_be_withdrawn_is_then_withdrawn() -> None:
    adopted = machine.adopt(visible_row(wanted=2, approved=2), ELSEWHERE, stored="s", now=NOW, n=1)
    assert (adopted.approved, adopted.sent, adopted.seen) == (2, 1, 1)
    assert planned(adopted, withdrawn=True) == Send(2, IntentKind.WITHDRAW)


def test_a_draft_waits_for_the_editor_until_it_is_published() -> None:
    draft = RemoteRef("7", state=RemoteState.DRAFT)
    assert machine.is_draft(row(post_as=PostAs.DRAFT, ref=draft))
    assert not machine.is_draft(row(post_as=PostAs.DRAFT, ref=REF))
    assert not machine.is_draft(row(post_as=PostAs.DRAFT))
    assert not machine.is_draft(row(ref=draft))


def test_an_intent_that_names_more_than_is_approved_only_tells_where_the_post_lies() -> None:
    """As after a merge, which makes the row another document's."""
    merged = replace(announced(), intent=replace(CREATING, revision=4))
    found = fold(merged, Sent(REF, "stored"), OPEN, NOW)
    assert (found.sent, found.intent, found.ref, found.stored) == (0, None, REF, "stored")
    assert found.wanted >= found.approved >= found.sent >= found.seen


def handed_over(**named: object) -> Repost:
    """Sent, and only the other side knows what becomes of it."""
    pending = RemoteRef("7", state=RemoteState.PENDING)
    return row(**{"wanted": 1, "approved": 1, "sent": 1, "ref": pending} | named)


def test_what_was_handed_over_is_known_by_its_ref() -> None:
    assert machine.is_handed_over(handed_over())
    assert not machine.is_handed_over(visible_row())
    assert not machine.is_handed_over(row())


def test_a_refusal_after_sending_holds_what_was_sent_and_is_looked_at_again_soon() -> None:
    refused = fold(handed_over(), Rejected("importer_refused", "栏目不存在"), OPEN, NOW)
    assert (refused.hold, refused.sent) == (Hold("importer_refused", 1, "cms", "栏目不存在"), 1)
    assert machine.status(refused) is Status.HELD
    assert refused.due == NOW + timedelta(seconds=600)
    assert planned(replace(refused, due=NOW)) == Verify(1)


def test_a_refusal_of_what_was_sent_leaves_a_newer_revision_alone() -> None:
    refused = fold(handed_over(wanted=2), Rejected("importer_refused"), OPEN, NOW)
    assert machine.status(refused) is Status.WAITING
    approved = machine.approve(refused, 2, NOW)
    assert planned(approved) == Send(2, IntentKind.UPDATE)


def test_a_refusal_after_sending_falls_when_the_page_shows_it_after_all() -> None:
    refused = fold(handed_over(), Rejected("not_acknowledged"), OPEN, NOW)
    seen = fold(refused, Seen(1), OPEN, NOW)
    assert (seen.hold, seen.seen, seen.reason) == (None, 1, "")


def test_a_refusal_after_sending_is_sent_again_when_a_person_says_so() -> None:
    refused = fold(handed_over(), Rejected("importer_refused"), OPEN, NOW)
    again = machine.retry(refused, NOW)
    assert again is not None
    assert (again.sent, again.hold) == (0, None)
    assert planned(again) == Send(1, IntentKind.UPDATE)


def test_a_retry_of_anything_else_sends_nothing_again() -> None:
    for other in (handed_over(), handed_over(seen=1), handed_over(hold=Hold("x", 1, "李主任"))):
        again = machine.retry(other, NOW)
        assert again is not None
        assert again.sent == 1
