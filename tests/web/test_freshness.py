"""How long an answer says that it stays as it is, as a private cache reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.web.api import Answer
from syncd.web.freshness import freshness

NOW = datetime(2026, 4, 15, 9, 0, tzinfo=UTC)


def answer(*headers: tuple[str, str], status: int = 200) -> Answer:
    raw = tuple((name.encode(), value.encode()) for name, value in headers)
    return Answer(status, "https://list.example/", raw, b"", NOW, NOW, date=NOW)


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        ("max-age=600", 600.0),
        ("public, max-age=600, s-maxage=9", 600.0),
        ('max-age="600"', 600.0),
        ("MAX-AGE=600,max-age=9", 600.0),
        ("private", None),
        ("no-cache", 0.0),
        ("no-store, max-age=600", 0.0),
        ('no-cache="set-cookie", max-age=600', 0.0),
        ("max-age=0", 0.0),
        ("max-age=-5", 0.0),
        ("max-age=soon", 0.0),
        ("max-age", 0.0),
        (",,=;max-age", None),
    ],
)
def test_cache_control_is_read_as_rfc_9111_says(control: str, expected: float | None) -> None:
    assert freshness(answer(("cache-control", control))) == expected


def test_several_headers_are_one_list() -> None:
    assert freshness(answer(("cache-control", "private"), ("cache-control", "max-age=60"))) == 60.0


def test_what_a_cache_used_up_already_is_not_waited_for_again() -> None:
    assert freshness(answer(("cache-control", "max-age=600"), ("age", "550"))) == 50.0
    assert freshness(answer(("cache-control", "max-age=600"), ("age", "9000"))) == 0.0
    assert freshness(answer(("cache-control", "max-age=600"), ("age", "x"))) == 600.0


def test_max_age_goes_before_expires_and_expires_is_relative_to_the_answers_date() -> None:
    expires = ("expires", "Wed, 15 Apr 2026 09:10:00 GMT")
    assert freshness(answer(expires)) == 600.0
    assert freshness(replace(answer(expires), date=NOW + timedelta(days=2000))) == 0.0
    assert freshness(replace(answer(expires), date=None)) == 600.0
    assert freshness(answer(expires, ("cache-control", "max-age=60"))) == 60.0
    assert freshness(answer(("expires", "0"))) == 0.0


def test_an_answer_that_says_nothing_is_told_from_one_that_says_no() -> None:
    assert freshness(answer(status=304)) is None
