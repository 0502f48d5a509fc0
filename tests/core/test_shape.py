"""A list's shape: what its rows carry, how many there are, and a few of them by name."""

from __future__ import annotations

from syncd.core.shape import (
    MOST_KEYS,
    Change,
    canaries,
    change,
    is_cut,
    shape_of,
    shape_of_entries,
    told,
    vanished,
)  # fmt: skip
from syncd.model import Entry, Instant
from tests.core.given import NOW, entry


def test_a_shape_says_how_many_per_cent_of_the_rows_carry_each_key() -> None:
    rows = [["TITLE", "URL"], ["TITLE", "URL", "SUB"], ["TITLE"]]
    assert shape_of(rows) == (("SUB", 33), ("TITLE", 100), ("URL", 66))
    assert shape_of([]) == ()


def test_of_very_many_keys_the_most_carried_are_kept() -> None:
    rows = [["all", *(f"k{n}" for n in range(100))], ["all"]]
    assert len(shape_of(rows)) == MOST_KEYS
    assert ("all", 100) in shape_of(rows)


def test_what_every_list_is_read_for_is_part_of_its_shape() -> None:
    shown = [entry("a", published=Instant(NOW)), entry("b", published=None, url=""), entry("c", withdrawn=True)]
    assert shape_of_entries(shown, (("TITLE", 100),)) == (("@url", 50), ("@published", 50), ("TITLE", 100))
    assert shape_of_entries([]) == ()


def test_dates_ahead_of_a_clock_that_may_be_wrong_are_dates_that_the_list_has() -> None:
    rows = [entry_without_date(n) for n in range(4)]
    assert shape_of_entries(rows) == (("@url", 100), ("@published", 0))
    assert shape_of_entries(rows, ahead=3) == (("@url", 100), ("@published", 75))
    assert shape_of_entries(rows, ahead=9) == (("@url", 100), ("@published", 100))


def entry_without_date(n: int) -> Entry:
    return Entry(f"e{n}", f"通知{n}", f"https://list.example/{n}")


def test_a_key_that_nearly_all_rows_carried_and_none_does_is_lost_and_its_new_name_is_told() -> None:
    before, now = (("@published", 100), ("DATE", 100), ("SUB", 50)), (("PUBDATE", 100), ("@published", 0))
    found = change(before, now)
    assert found == Change(("dates", "DATE"), ("PUBDATE",), essential=True)
    assert str(found) == "gone: dates, DATE; new: PUBDATE"


def test_a_key_that_comes_and_goes_is_no_change() -> None:
    assert change((("SUB", 89),), (("SUB", 0),)) == Change()
    assert change((("SUB", 100),), (("SUB", 10),)) == Change()
    assert change((), (("SUB", 10),)) == change((("SUB", 100),), ()) == Change()
    assert change((("A", 100),), (("A", 100), ("B", 95))) == Change((), ("B",))
    assert str(Change()) == ""


def test_half_of_the_rows_is_a_cut_and_most_of_them_its_end() -> None:
    assert is_cut(25, 15, told=False)
    assert not is_cut(25, 16, told=False)
    assert is_cut(24, 17, told=True)
    assert not is_cut(24, 18, told=True)
    assert not is_cut(9, 1, told=False)


def test_a_few_known_rows_are_named_and_found_again_whatever_their_blanks() -> None:
    named = canaries([f"关于第{n}号的通知" for n in range(9)])
    assert named == ("关于第0号的通知", "关于第4号的通知", "关于第8号的通知")
    assert canaries(["甲"]) == ("甲",)
    assert canaries([]) == ()
    assert vanished(named, ["关于第 0 号的通知", "别的"]) == named[1:]
    long = "很" * 90
    assert vanished(canaries([long]), [long]) == ()


def test_a_hint_names_the_rows_and_the_keys_before_what_to_do() -> None:
    found = Change(("DATE",), ("PUBDATE",))
    assert told("look", gone=("甲",), changed=found) == (
        "known rows that are gone: “甲”; of what rows carry: gone: DATE; new: PUBDATE; look"
    )
    assert told("look", changed=Change()) == told("look") == "look"


def test_a_key_that_a_full_shape_has_no_room_for_is_not_lost() -> None:
    keys = [f"k{n:02d}" for n in range(MOST_KEYS + 5)]
    before = shape_of([keys] * 9 + [keys[1:]])
    now = shape_of([[*reversed(keys)]] * 9 + [keys[:-6]])
    assert dict(before).keys() != dict(now).keys()
    assert change(before, now) == Change()
    assert change(before, shape_of([keys[:10]] * 5)).lost == tuple(keys[10 : MOST_KEYS + 1])
