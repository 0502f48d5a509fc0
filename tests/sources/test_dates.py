"""A date tells what its text tells: zone, precision, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Precision
from syncd.sources.dates import is_zone, parse_instant, parse_written

DAY, MINUTE, SECOND = Precision.DAY, Precision.MINUTE, Precision.SECOND
EXACT = "2026-04-15T09:15:40+00:00"
CASES = [
    ("2026-04-15", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("2026年4月15日", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("2026.04.15", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("20260415", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("２０２６年４月１５日", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("2026年4月15日 17:15", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("2026年4月15日17:15:40", EXACT, SECOND, "source"),
    ("2026年4月15日 17时15分40秒", EXACT, SECOND, "source"),
    ("2026/04/15 17:15:40", EXACT, SECOND, "source"),
    ("20260415171540", EXACT, SECOND, "source"),
    ("1776244540", EXACT, SECOND, "explicit"),
    ("1776244540000", EXACT, SECOND, "explicit"),
    ("2026-04-15-17:15:40", EXACT, SECOND, "source"),
    ("Wed, 15 Apr 2026 17:15:40 +0800", EXACT, SECOND, "explicit"),
    ("Wed, 15 Apr 2026 17:15:40 CST", EXACT, SECOND, "explicit"),
    ("Wed, 15 Apr 2026 17:15:40 GMT+8", EXACT, SECOND, "explicit"),
    ("Wed, 15 Apr 2026 17:15:40", EXACT, SECOND, "source"),
    ("15 Apr 26 09:15 GMT", "2026-04-15T09:15:00+00:00", MINUTE, "explicit"),
    ("2026-04-15T09:15:40Z", EXACT, SECOND, "explicit"),
    ("2026-04-15T17:15:40.25+08:00", EXACT, SECOND, "explicit"),
    ("2026-04-15T17:15+0800", "2026-04-15T09:15:00+00:00", MINUTE, "explicit"),
    ("2026-04-14T24:00:00Z", "2026-04-15T00:00:00+00:00", SECOND, "explicit"),
    ("April 15, 2026 5:15 PM", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("2026年4月15日（星期三）下午5:15", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("Wed Apr 15 17:15:40 CST 2026", EXACT, SECOND, "explicit"),
]


@pytest.mark.parametrize(("raw", "at", "precision", "origin"), CASES)
def test_a_date_is_read_with_its_own_precision_and_zone(raw: str, at: str, precision: Precision, origin: str) -> None:
    found = parse_instant(raw, "Asia/Shanghai", "source", "feed")
    assert found is not None
    assert (found.at.isoformat(), found.precision, found.zone_origin, found.raw) == (at, precision, origin, raw)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "0000-00-00",
        "2024-02-30",
        "2026-04-15T17:15:40+99:99",
        "2026-13-01",
        "2026-04-15 25:00",
        "1970-01-01",
        "0001-01-01T00:00:00Z",
        "9999-12-31",
        "15/04/2026",
        "2026-04",
        "5:15 PM",
        "Wed, 15 Apr 2026 17:15:40 XYZ",
        "昨天",
        "0",
        "-1",
        "9" * 5000,
        "2026-04-15 17:15:40+15:00",
        "2026-04-15" + " " * 500 + "x",
    ],
)
def test_an_absurd_or_unclear_date_is_none(raw: str) -> None:
    assert parse_instant(raw, "Asia/Shanghai", "source", "feed") is None


def test_cst_is_chicago_outside_of_china() -> None:
    found = parse_instant("Wed, 15 Apr 2026 03:15:40 CST", "America/Chicago", "source", "feed")
    assert found
    assert found.at.isoformat() == EXACT


def test_a_zone_may_be_an_offset() -> None:
    found = parse_instant("2026-04-15 17:15:40", "+08:00", "config", "list")
    assert found
    assert (found.at.isoformat(), found.zone, found.zone_origin, found.origin) == (
        EXACT,
        "+08:00",
        "config",
        "list",
    )


@pytest.mark.parametrize(
    ("raw", "written"),
    [
        ("2026年09月25日", "2026-09-25"),
        ("1985年3月2日", "1985-03-02"),
        ("二〇二六年", ""),
        ("1911-10-10", ""),
        ("", ""),
    ],
)
def test_the_day_of_writing(raw: str, written: str) -> None:
    assert parse_written(raw) == written


def test_only_real_zones_are_zones() -> None:
    assert [is_zone(name) for name in ("Asia/Shanghai", "+08:00", "UTC", "Asia/Nowhere", "../../etc/passwd", "")] == [
        True
    ] * 3 + [False] * 3


@given(st.text(alphabet="0123456789-/:.年月日 TZ+CSGM,aApril", max_size=90))
def test_no_text_makes_it_fail(raw: str) -> None:
    found = parse_instant(raw, "Asia/Shanghai", "source", "feed")
    assert found is None or 1989 < found.at.year < 2300
