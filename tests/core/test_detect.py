"""What a list that was read means, and when it must not be believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.core.detect import Detection, Find, Known, Limits, Past, Row, backfilled, detect, flapping, hint
from syncd.model import Backfill, Instant, Precision
from tests.core.given import NOW, after, entry

NOTHING = Known({}, {})
LIMITS = Limits()
PAST = Past(first_good=after(days=-9), last_good=after(-300), shown=25)


def listed(n: int, *, print: int = 0, aliases: tuple[int, ...] | None = None, **changes: Any) -> Row:
    """Row number n of a list, published today unless said otherwise."""
    shown = entry(f"k{n}", **{**dict(published=Instant(NOW)), **changes})
    return Row(shown, n, print or n, (1000 + n,) if aliases is None else aliases)


def rows(first: int, last: int, **changes: Any) -> list[Row]:
    return [listed(n, **changes) for n in range(first, last)]


def known(first: int, last: int) -> Known:
    return Known({n: n for n in range(first, last)}, {1000 + n: 50 + n for n in range(first, last)})


def changes(found: Detection) -> list[tuple[str, int, int]]:
    return [(f.change, f.row.key, f.document) for f in found.finds]


def test_everything_on_the_first_good_read_is_old() -> None:
    shown = rows(0, 3)
    assert detect(shown, NOTHING, Past(None, None, 0), LIMITS) == Detection(first=True, old=tuple(shown))


def test_an_unchanged_list_has_no_finds() -> None:
    assert detect(rows(0, 25), known(0, 25), PAST, LIMITS) == Detection()


def test_a_row_not_known_under_any_name_is_new() -> None:
    assert changes(detect(rows(0, 26), known(0, 25), PAST, LIMITS)) == [("new", 25, 0)]


def test_a_known_row_with_another_print_is_changed() -> None:
    shown = [listed(0, print=99), *rows(1, 25)]
    assert changes(detect(shown, known(0, 25), PAST, LIMITS)) == [("changed", 0, 50)]


def test_a_changed_row_without_a_known_document_is_still_found() -> None:
    shown = [listed(0, print=99, aliases=()), *rows(1, 25)]
    assert changes(detect(shown, known(0, 25), PAST, LIMITS)) == [("changed", 0, 0)]


def test_a_known_document_under_a_new_key_is_linked_and_not_new() -> None:
    shown = [*rows(0, 25), listed(99, aliases=(7, 1003))]
    assert changes(detect(shown, known(0, 25), PAST, LIMITS)) == [("relinked", 99, 53)]


def test_a_tombstone_withdraws_a_known_document_once() -> None:
    stone = listed(3, print=77, withdrawn=True)
    shown = [r for r in rows(0, 25) if r.key != 3]
    assert changes(detect([stone, *shown], known(0, 25), PAST, LIMITS)) == [("withdrawn", 3, 53)]
    again = Known({**known(0, 25).prints, 3: 77}, known(0, 25).aliases)
    assert changes(detect([stone, *shown], again, PAST, LIMITS)) == []


def test_a_tombstone_under_another_key_withdraws_too_and_an_unknown_one_means_nothing() -> None:
    stone, stranger = listed(99, aliases=(1003,), withdrawn=True), listed(98, withdrawn=True)
    assert changes(detect([stone, stranger, *rows(0, 25)], known(0, 25), PAST, LIMITS)) == [("withdrawn", 99, 53)]


@pytest.mark.guarantee(1)
def test_absence_from_the_list_withdraws_nothing() -> None:
    assert detect(rows(10, 25), known(0, 25), PAST, LIMITS) == Detection()


def test_an_emptied_list_is_an_error() -> None:
    found = detect([], known(0, 25), PAST, LIMITS)
    assert (found.error, found.hint) == ("list_emptied", hint("list_emptied"))
    assert found.hint


def test_a_list_that_was_always_empty_may_be_empty() -> None:
    assert detect([], NOTHING, Past(after(days=-9), after(-300), shown=0), LIMITS) == Detection()


def test_a_list_in_which_no_known_row_is_left_is_an_error() -> None:
    old = rows(50, 75, published=Instant(after(days=-30)))
    assert detect(old, known(0, 25), PAST, LIMITS).error == "known_rows_vanished"
    assert detect(rows(50, 75, published=None), known(0, 25), PAST, LIMITS).error == "known_rows_vanished"


def test_a_window_that_moved_on_is_believed_and_its_gap_is_told() -> None:
    away = Past(after(days=-9), last_good=after(days=-3), shown=5)
    found = detect(rows(50, 55), known(0, 25), away, LIMITS)
    assert (found.error, found.gap, len(found.finds)) == ("", True, 5)


def test_a_day_without_a_time_is_fresh_for_a_day_longer() -> None:
    two_days_ago = Instant(after(days=-2, hours=-12), Precision.DAY)
    assert detect(rows(50, 53, published=two_days_ago), known(0, 25), PAST, LIMITS).error == ""
    exact = Instant(after(days=-2, hours=-12))
    assert detect(rows(50, 53, published=exact), known(0, 25), PAST, LIMITS).error == "known_rows_vanished"


def test_without_a_last_good_read_nothing_counts_as_fresh() -> None:
    odd = Past(after(days=-9), None, shown=5)
    assert detect(rows(50, 53), known(0, 25), odd, LIMITS).error == "known_rows_vanished"


def test_a_person_can_accept_a_list_as_it_is() -> None:
    accepted = Past(PAST.first_good, PAST.last_good, PAST.shown, accept=True)
    found = detect(rows(50, 150, published=None), known(0, 25), accepted, LIMITS)
    assert (found.error, found.hold, len(found.finds), found.gap) == ("", "", 100, True)
    assert detect([], known(0, 25), accepted, LIMITS).error == ""


def test_a_flood_of_old_unknown_rows_is_held() -> None:
    flood = rows(50, 61, published=Instant(after(days=-90)))
    found = detect([*rows(0, 24), listed(24, print=99), *flood], known(0, 25), PAST, LIMITS)
    assert (found.hold, len(found.held), changes(found)) == ("flood", 11, [("changed", 24, 74)])
    few = detect([*rows(0, 25), *flood[:10]], known(0, 25), PAST, LIMITS)
    assert (few.hold, len(few.finds)) == ("", 10)


def test_too_many_new_rows_at_once_are_held_however_fresh() -> None:
    found = detect([*rows(0, 25), *rows(100, 151)], known(0, 25), PAST, LIMITS)
    assert (found.hold, len(found.held)) == ("flood", 51)


def test_a_busy_day_is_no_flood() -> None:
    found = detect([*rows(0, 25), *rows(100, 130)], known(0, 25), PAST, LIMITS)
    assert (found.hold, len(found.finds)) == ("", 30)


def test_many_withdrawals_at_once_are_held_and_new_ones_go_on() -> None:
    stones = [listed(n, print=900 + n, withdrawn=True) for n in range(6)]
    found = detect([*stones, *rows(6, 26)], known(0, 25), PAST, LIMITS)
    assert (found.hold, len(found.held), changes(found)) == ("mass_withdrawal", 6, [("new", 25, 0)])
    some = detect([*stones[:3], *rows(6, 25)], known(0, 25), PAST, LIMITS)
    assert (some.hold, len(some.finds)) == ("", 3)


def test_a_guid_storm_is_one_hold_and_posts_nothing() -> None:
    """facts: reliability G17, 5,000 identifiers changed at once."""
    storm = [listed(10_000 + n, aliases=(1000 + n,)) for n in range(5000)]
    past = Past(PAST.first_good, PAST.last_good, shown=5000)
    found = detect([*storm, listed(99_999)], known(0, 5000), past, LIMITS)
    assert (found.hold, len(found.held), found.finds) == ("identity_storm", 5001, ())


def test_an_emptied_feed_of_200_withdraws_nothing() -> None:
    """facts: reliability G18."""
    found = detect([], known(0, 200), Past(PAST.first_good, PAST.last_good, shown=200), LIMITS)
    assert (found.error, found.finds) == ("list_emptied", ())


@pytest.mark.parametrize(
    "reason",
    ["list_emptied", "known_rows_vanished", "flood", "identity_storm", "mass_withdrawal", "list_redesigned",
     "list_changed", "list_cut", "list_renamed"],
)
def test_every_reason_tells_the_operator_what_to_do(reason: str) -> None:
    assert hint(reason)
    assert hint("another") == ""


PAST_ROWS = [listed(n, published=Instant(after(days=-n))) for n in range(10)]


def test_backfill_takes_everything_or_nothing() -> None:
    assert backfilled(PAST_ROWS, None, NOW) == ()
    assert backfilled(PAST_ROWS, Backfill(everything=True), NOW) == tuple(PAST_ROWS)


def test_backfill_takes_the_newest_whatever_the_order() -> None:
    assert [r.key for r in backfilled(PAST_ROWS[::-1], Backfill(newest=3), NOW)] == [0, 1, 2]
    undated = [listed(n, published=None) for n in range(5)]
    assert [r.key for r in backfilled([*undated, PAST_ROWS[9]], Backfill(newest=2), NOW)] == [9, 0]


def test_backfill_takes_what_was_published_within_a_span() -> None:
    undated = listed(77, published=None)
    found = backfilled([*PAST_ROWS, undated], Backfill(span=2.5 * 86400), NOW)
    assert [r.key for r in found] == [0, 1, 2]
    assert [r.key for r in backfilled(PAST_ROWS, Backfill(), NOW)] == [0]


def test_a_page_that_changes_at_every_look_is_a_flap() -> None:
    often = [NOW - timedelta(hours=h) for h in range(5)]
    assert flapping(often, NOW, per_day=5)
    assert not flapping(often, NOW, per_day=6)
    assert not flapping([after(days=-1), after(3600)], NOW, per_day=1)


def test_finds_say_what_they_are() -> None:
    assert Find(listed(1), "new").document == 0


def test_rows_from_before_a_start_line_that_an_empty_list_set_are_old() -> None:
    past = Past(first_good=NOW, last_good=NOW, shown=0)
    ancient = listed(1, published=Instant(after(days=-400)))
    yesterday, undated = listed(2, published=Instant(after(hours=-20))), listed(3, published=None)
    found = detect([ancient, yesterday, undated], NOTHING, past, LIMITS)
    assert found.old == (ancient,)
    assert changes(found) == [("new", 2, 0), ("new", 3, 0)]


SHAPE = (("@url", 100), ("@published", 100), ("DATE", 100), ("SUB", 100))
WELL = replace(PAST, first_page=25, shape=SHAPE)


def test_a_list_whose_rows_lost_their_dates_or_addresses_is_not_believed() -> None:
    now = (("@url", 100), ("@published", 0), ("PUBDATE", 100), ("SUB", 100))
    found = detect(rows(0, 26, published=None), known(0, 25), WELL, LIMITS, shape=now)
    assert (found.error, found.finds, found.hint) == ("list_redesigned", (), hint("list_redesigned"))
    assert (found.change.lost, found.change.gained) == (("dates", "DATE"), ("PUBDATE",))


def test_a_list_whose_rows_lost_a_lesser_key_is_believed_with_an_alarm() -> None:
    found = detect(rows(0, 26), known(0, 25), WELL, LIMITS, shape=SHAPE[:3])
    assert (found.error, found.alarm, found.change.lost) == ("", "list_changed", ("SUB",))
    assert changes(found) == [("new", 25, 0)]
    assert detect(rows(0, 26), known(0, 25), WELL, LIMITS, shape=(*SHAPE, ("NEW", 100))).alarm == ""


def test_a_few_rows_say_nothing_of_a_shape() -> None:
    assert detect(rows(0, 4), known(0, 4), WELL, LIMITS, shape=SHAPE[:1]).error == ""
    assert detect(rows(0, 9), known(0, 9), replace(WELL, first_page=4), LIMITS, shape=SHAPE[:1]).error == ""


@pytest.mark.guarantee(1)
def test_a_list_cut_in_half_is_believed_withdraws_nothing_and_is_told_until_most_is_back() -> None:
    cut = [listed(99), *rows(0, 11)]
    found = detect(cut, known(0, 25), WELL, LIMITS, shape=SHAPE)
    assert (found.alarm, changes(found), found.hold, found.error) == ("list_cut", [("new", 99, 0)], "", "")
    told = replace(WELL, alarm="list_cut", shown=12)
    assert detect(rows(0, 18), known(0, 25), told, LIMITS, shape=SHAPE).alarm == "list_cut"
    assert detect(rows(0, 19), known(0, 25), told, LIMITS, shape=SHAPE).alarm == ""


def test_rows_of_older_pages_do_not_count_for_a_cut() -> None:
    many = replace(WELL, first_page=20, shown=60)
    assert detect(rows(0, 20), known(0, 60), many, LIMITS, shape=SHAPE).alarm == ""
    assert detect(rows(0, 40), known(0, 60), many, LIMITS, shape=SHAPE, first_page=10).alarm == "list_cut"


def test_what_a_person_accepted_is_as_it_should_be() -> None:
    accepted = replace(WELL, accept=True)
    found = detect(rows(0, 9, published=None), known(0, 25), accepted, LIMITS, shape=(("@url", 100),))
    assert (found.error, found.alarm, found.change.lost) == ("", "", ())


@pytest.mark.guarantee(2)
def test_known_titles_under_ids_and_addresses_that_are_all_new_are_no_window_that_moved_on() -> None:
    away = replace(PAST, last_good=after(days=-3), shown=5, canaries=("甲", "乙", "丙"))
    renamed = [listed(50, title="甲"), listed(51, title="乙"), listed(52, title="丙")]
    assert detect(renamed, known(0, 25), away, LIMITS).error == "list_renamed"
    assert detect(renamed[:2], known(0, 25), away, LIMITS).error == ""
    assert detect(renamed[:1], known(0, 25), replace(away, canaries=("甲",)), LIMITS).error == ""


def test_rows_that_are_known_by_another_name_leave_no_gap() -> None:
    storm = [listed(900 + n, aliases=(1000 + n,)) for n in range(5)]
    found = detect(storm, known(0, 25), PAST, LIMITS)
    assert (found.gap, {f.change for f in found.finds}) == (False, {"relinked"})


RENAMED = replace(PAST, accept=True, canaries=("文件甲", "文件乙"))


def renamed(*more: Row) -> list[Row]:
    return [
        listed(101, title="文件甲", published=Instant(after(days=-3))),
        listed(102, title="文件乙", published=Instant(after(days=-3))),
        *more,
    ]


def test_of_a_list_renamed_on_purpose_what_was_there_before_is_old_and_what_is_newer_is_new() -> None:
    found = detect(renamed(listed(103, title="文件丙")), known(0, 25), RENAMED, LIMITS)
    assert [row.key for row in found.old] == [101, 102]
    assert (changes(found), found.held, found.hold) == ([("new", 103, 0)], (), "")


def test_of_a_list_renamed_on_purpose_a_person_sees_rows_without_a_date_once_more() -> None:
    found = detect(renamed(listed(104, title="文件丁", published=None)), known(0, 25), RENAMED, LIMITS)
    assert [find.row.key for find in found.held] == [104]
    assert (changes(found), found.hold) == ([], "flood")


def test_of_a_list_renamed_on_purpose_rows_of_known_documents_are_these() -> None:
    rows_ = renamed(listed(105, title="文件戊", aliases=(1007,), published=Instant(after(days=-3))))
    assert changes(detect(rows_, known(0, 25), RENAMED, LIMITS)) == [("relinked", 105, 57)]
