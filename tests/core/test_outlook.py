"""Our own network's outage is told from a host's: by most of several hosts, within a window."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.outlook import WINDOW, Outlook
from syncd.core.schedule import network_down
from tests.core.given import NOW, after


def told(*words: tuple[str, bool], at: datetime = NOW) -> tuple[Outlook, list[str]]:
    outlook = Outlook()
    return outlook, [outlook.told(host, reached, at) for host, reached in words]


def test_it_turns_when_more_than_half_of_three_hosts_fail() -> None:
    outlook, turns = told(("a", True), ("b", False), ("c", False))
    assert turns == ["", "", "down"]
    assert outlook.down


def test_two_hosts_prove_nothing_and_one_host_with_many_lists_is_one() -> None:
    assert told(("a", False), ("b", False), ("a", False), ("a", False))[1] == [""] * 4


def test_half_of_the_hosts_are_their_own_fault() -> None:
    assert not told(("a", True), ("b", True), ("c", False), ("d", False))[0].down


def test_the_first_host_that_answers_again_is_noticed_and_so_is_the_turn() -> None:
    outlook, _ = told(("a", False), ("b", False), ("c", False), ("d", False))
    assert [outlook.told(host, True, after(60)) for host in "abc"] == ["back", "up", ""]
    assert not outlook.down


def test_a_host_that_answered_all_along_is_no_sign_of_return() -> None:
    outlook, _ = told(("a", True), ("b", False), ("c", False))
    assert outlook.told("a", True, after(60)) == ""
    assert outlook.told("new", True, after(61)) == "up"


def test_what_was_said_before_the_window_does_not_count() -> None:
    outlook, _ = told(("a", False), ("b", False))
    assert outlook.told("c", False, NOW + WINDOW + timedelta(seconds=1)) == ""
    assert not outlook.fails("a")
    assert outlook.fails("c")


def test_words_of_the_future_by_a_clock_that_was_set_back_do_not_count() -> None:
    outlook, _ = told(("a", False), ("b", False))
    assert outlook.told("c", False, after(-86400)) == ""
    assert not outlook.down


def test_whether_any_host_answers_is_told_beside_whether_most_do_not() -> None:
    some, _ = told(("a", True), ("b", False), ("c", False))
    none, _ = told(("a", False), ("b", False), ("c", False))
    assert (some.down, some.answers) == (True, True)
    assert (none.down, none.answers) == (True, False)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.booleans(), st.integers(0, 600)), max_size=60))
def test_it_is_what_a_count_over_the_window_says(words: list[tuple[str, bool, int]]) -> None:
    outlook, last, now = Outlook(), dict[str, tuple[datetime, bool]](), NOW
    for host, reached, later in words:
        now += timedelta(seconds=later)
        outlook.told(host, reached, now)
        last[host] = (now, reached)
        last = {h: word for h, word in last.items() if word[0] >= now - WINDOW}
        assert outlook.down == network_down(sum(not ok for _, ok in last.values()), len(last))
