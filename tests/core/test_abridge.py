"""What fits into few characters: cut always alike, never longer than it may be, and told as cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.core.abridge import abridged, cut, length, paragraphs

LINK = "https://www.gov.cn/zhengce/content/2026-11/20/content_1.htm"
WORDS = st.lists(st.sampled_from(["字", "a ", "。", "http://a.cn ", f"{LINK} ", "👍🏽"]), min_size=1, max_size=30).map("".join)


def test_an_address_counts_23_be_it_long_or_short() -> None:
    assert length(f"见{LINK} 。") == length("见http://a.cn 。") == 26


def test_what_fits_is_left_alone() -> None:
    assert abridged("题", ("甲", "乙"), 6) == ("题", ("甲", "乙"))
    assert cut("四个字了", 4) == "四个字了"


def test_what_does_not_fit_ends_with_an_ellipsis() -> None:
    assert cut("五个字的题", 4) == "五个字…"
    assert abridged("题目", ("一二三四五", "六七八九十"), 11) == ("题目", ("一二三四五", "六…"))


def test_a_line_that_would_leave_no_room_to_say_that_more_follows_says_it_itself() -> None:
    assert abridged("题目", ("一二三四五", "六"), 9) == ("题目", ("一二三四五…",))


def test_a_long_title_leaves_half_to_the_text() -> None:
    title, lines = abridged("长" * 90, ("文" * 90,), 40)
    assert (title, lines) == ("长" * 19 + "…", ("文" * 18 + "…",))


@settings(deadline=None)
@given(title=WORDS, lines=st.lists(WORDS, max_size=6), most=st.integers(20, 200))
def test_it_never_takes_more_and_is_the_same_when_done_again(title: str, lines: list[str], most: int) -> None:
    short = abridged(title, lines, most)
    assert length(short[0]) + sum(length(line) + 1 for line in short[1]) <= most
    assert abridged(*short, most) == short
    assert (short == (title, tuple(lines))) or "…" in "".join((short[0], *short[1])) or not short[1]


def test_lines_become_html_that_shows_them_as_they_are() -> None:
    assert paragraphs(["1 < 2 & \"3\"", "乙"]) == "<p>1 &lt; 2 &amp; \"3\"</p><p>乙</p>"


@pytest.mark.parametrize("text", ["", "字"])
def test_nothing_is_longer_than_its_mark_at_the_least(text: str) -> None:
    assert cut(text * 5, 1) == ("…" if text else "")
