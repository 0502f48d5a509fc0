"""Names of pages: what MediaWiki takes, readable, and two documents never share one by mistake."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncd.adapters.mediawiki.names import LONGEST, candidates, key_page, marked, page_name, says

_ILLEGAL = set("#<>[]|{}_~:%&/\n\t")


@given(st.text(max_size=300))
def test_every_title_gives_a_name_that_mediawiki_takes(title: str) -> None:
    for name in (page_name(title), *candidates(title, "syncd-1")):
        assert name == name.strip()
        assert name
        assert len(name.encode()) <= LONGEST
        assert not _ILLEGAL & set(name)


def test_a_long_title_is_cut_at_a_character_and_marked() -> None:
    names = candidates("长" * 100, "syncd-1")
    assert names[0] == names[1] == marked(page_name("长" * 100), "syncd-1")
    assert names[0].endswith("）")
    assert candidates("长" * 100, "syncd-2")[0] != names[0]
    assert not says(names[0], "长" * 100)


def test_a_name_in_full_width_says_the_title() -> None:
    assert page_name("A&B <甲> #1") == "A＆B ＜甲＞ ＃1"
    assert says(page_name("A&B <甲> #1"), "A&B <甲> #1")
    assert page_name("分类:甲") == "分类：甲"
    assert page_name("notice") == "Notice"


def test_a_title_is_unmarked_while_it_is_free() -> None:
    assert candidates("关于春耕的通知", "syncd-1")[0] == "关于春耕的通知"


def test_keys_that_mediawiki_would_take_for_one_lead_from_two_pages() -> None:
    assert key_page("P/", "syncd-0a") == "P/syncd-0a"
    assert key_page("P/", "a_b") != key_page("P/", "a b")
