"""A date tells what its text tells: zone, precision, or nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Precision, Problem
from syncd.sources.dates import AHEAD, is_zone, parse_instant, parse_written, read_instant
from tests.sources.kit import NOW, feed, item, read, read_page, rss

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
    ("Wed Apr 15 2026 17:15:40 GMT+0800 (China Standard Time)", EXACT, SECOND, "explicit"),
    ("二〇二六年四月十五日", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("二○二六年四月十五日", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("二０二六年四月十五日 17:15", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("二零二六年元月三十一日", "2026-01-30T16:00:00+00:00", DAY, "source"),
    ("二〇二六年十二月廿一日", "2026-12-20T16:00:00+00:00", DAY, "source"),
    ("2026 年 4 月 15 日 17 时 15 分", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("2026年4月15号", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("2026年4月15日17时", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("2026年4月15日 晚上8:30", "2026-04-15T12:30:00+00:00", MINUTE, "source"),
    ("2026年4月15日 中午12:30", "2026-04-15T04:30:00+00:00", MINUTE, "source"),
    ("2026年4月15日 凌晨12:30", "2026-04-14T16:30:00+00:00", MINUTE, "source"),
    ("2026/4/15", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("２０２６／４／１５ １７：１５", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("[2026-04-15]", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("（2026-04-15 17:15）", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("发布时间：2026-04-15 17:15", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("北京时间2026年4月15日 17:15:40", EXACT, SECOND, "explicit"),
    ("2026-04-15 17:15:40（北京时间）", EXACT, SECOND, "explicit"),
    ("2026-09-28-21:50:00", "2026-09-28T13:50:00+00:00", SECOND, "source"),
    ("2026-09-28 21:50:00", "2026-09-28T13:50:00+00:00", SECOND, "source"),
    ("2026-04-15 17:15:40.0", EXACT, SECOND, "source"),
    ("1776244540.25", EXACT, SECOND, "explicit"),
    ("/Date(1776244540000)/", EXACT, SECOND, "explicit"),
    ("/Date(1776244540000+0800)/", EXACT, SECOND, "explicit"),
    ("978278400000", "2000-12-31T16:00:00+00:00", SECOND, "explicit"),
    ("978278400", "2000-12-31T16:00:00+00:00", SECOND, "explicit"),
    ("202604151715", "2026-04-15T09:15:00+00:00", MINUTE, "source"),
    ("2026-04-15 00:00:00", "2026-04-14T16:00:00+00:00", DAY, "source"),
    ("Wed, 15 Apr 2026 00:00:00 +0800", "2026-04-14T16:00:00+00:00", DAY, "explicit"),
    ("Wed, 15 Apr 2026 00:00:00 GMT", "2026-04-15T00:00:00+00:00", SECOND, "explicit"),
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
        "3小时前",
        "昨天 12:30",
        "刚刚",
        "3 hours ago",
        "4月15日",
        "04-15",
        "26-04-15",
        "2026年4月15日 晚上12:00",
        "2026年4月15日 下午13:75",
        "二〇二六年十三月一日",
        "二〇二六年四月三十一日",
        "二〇二六年四月",
        "0000",
        "2026041517",
        "1970-01-01 08:00:00",
        "0年0月0日",
        "0",
        "-1",
        "9" * 5000,
        "2026-04-15 17:15:40+15:00",
        "2026-04-15" + " " * 500 + "x",
    ],
)
def test_an_absurd_or_unclear_date_is_none(raw: str) -> None:
    assert parse_instant(raw, "Asia/Shanghai", "source", "feed", NOW) is None


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
        ("二〇二六年九月二十五日", "2026-09-25"),
        ("一九八五年三月二日", "1985-03-02"),
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


CHINA = ZoneInfo("Asia/Shanghai")
HAN = "〇一二三四五六七八九"
FORMS = [
    "{:%Y-%m-%dT%H:%M:%S%z}",
    "{:%a, %d %b %Y %H:%M:%S %z}",
    "{:%Y-%m-%d %H:%M:%S}",
    "{:%Y-%m-%d-%H:%M:%S}",
    "{:%Y/%m/%d %H:%M:%S}",
    "{:%Y.%m.%d %H:%M:%S}",
    "{:%Y年%m月%d日 %H:%M:%S}",
    "{:%Y年%m月%d日%H时%M分%S秒}",
    "{:%Y%m%d%H%M%S}",
    "{:%a %b %d %H:%M:%S CST %Y}",
    "{:%B %d, %Y %I:%M:%S %p}",
]
WHEN = st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1))


@given(WHEN, st.sampled_from(FORMS))
def test_every_form_of_an_instant_is_read_back_to_the_second(when: datetime, form: str) -> None:
    local = when.replace(microsecond=0, tzinfo=timezone(timedelta(hours=8)))
    found = parse_instant(form.format(local), "+08:00", "source", "list")
    assert found
    assert found.at == local
    assert found.precision is (DAY if local.time() == datetime.min.time() else SECOND)


def han(day: date) -> str:
    year = "".join(HAN[int(digit)] for digit in str(day.year))
    return f"{year}年{han_number(day.month)}月{han_number(day.day)}日"


def han_number(n: int) -> str:
    tens, ones = divmod(n, 10)
    return f"{HAN[tens] if tens > 1 else ''}{'十' if tens else ''}{HAN[ones] if ones else ''}"


DAYS = ["{0:%Y-%m-%d}", "{0:%Y/%m/%d}", "{0.year}/{0.month}/{0.day}", "{0.year}年{0.month}月{0.day}日", "{0:%Y.%m.%d}"]


@given(st.dates(date(1990, 1, 2), date(2100, 1, 1)), st.sampled_from([*DAYS, "han"]))
def test_every_form_of_a_day_is_that_day_in_the_zone_of_the_source(day: date, form: str) -> None:
    text = han(day) if form == "han" else form.format(day)
    found = parse_instant(text, "Asia/Shanghai", "default", "list")
    assert found
    assert (found.at.astimezone(CHINA).date(), found.precision) == (day, DAY)
    assert found.at.astimezone(CHINA).time() == datetime.min.time()
    assert parse_written(text) == day.isoformat()


@given(WHEN, st.booleans())
def test_epochs_are_read_back_in_seconds_and_milliseconds(when: datetime, fine: bool) -> None:
    at = when.replace(microsecond=0, tzinfo=UTC)
    found = parse_instant(str(int(at.timestamp()) * (1000 if fine else 1)), "Asia/Shanghai", "source", "list")
    assert found
    assert (found.at, found.zone_origin) == (at, "explicit")


def told(raw: str) -> tuple[bool, list[Problem]]:
    problems: list[Problem] = []
    found = read_instant(
        raw, zone="Asia/Shanghai", zone_origin="default", origin="list", where="[3].date", problems=problems, now=NOW
    )
    return found is not None, problems


@pytest.mark.parametrize("raw", ["3小时前", "昨天 12:30", "刚刚", "5 hours ago", "yesterday", "今天 08:00", "前天"])
def test_a_relative_time_is_told_and_never_guessed(raw: str) -> None:
    taken, problems = told(raw)
    assert not taken
    assert [(problem.reason, problem.where) for problem in problems] == [("bad_date", "[3].date")]
    assert "relative" in problems[0].hint


def test_an_instant_far_ahead_of_the_clock_is_a_problem_and_one_of_tomorrow_is_not() -> None:
    assert told((NOW + AHEAD).isoformat()) == (True, [])
    taken, problems = told((NOW + AHEAD + timedelta(seconds=1)).isoformat())
    assert not taken
    assert problems[0].reason == "date_ahead"
    assert "ahead of this machine's clock" in problems[0].hint
    assert told("2036-04-15")[0] is False
    assert told("4102444800")[0] is False


def test_a_row_from_the_future_is_told_in_a_list_and_read_when_its_time_has_come() -> None:
    body = rss(item(1, date="Sun, 15 Nov 2026 08:00:00 +0800"), item(2, date="Wed, 15 Apr 2026 08:00:00 +0800"))
    early = read(body)
    assert [entry.published is None for entry in early.entries] == [True, False]
    assert [problem.reason for problem in early.problems] == ["date_ahead"]
    late = read(body, source=feed(now=datetime(2026, 11, 15, 1, tzinfo=UTC)))
    assert late.problems == ()
    assert late.entries[0].published


def test_a_row_that_was_read_well_is_from_the_future_once_the_clock_is_set_back() -> None:
    body = rss(item(1, date="Wed, 15 Apr 2026 08:00:00 +0800"))
    early = feed(now=datetime(2026, 4, 1, tzinfo=UTC))
    for source, reasons in ((feed(), []), (early, ["date_ahead"]), (feed(), [])):
        assert [problem.reason for problem in read(body, source=source).problems] == reasons


def test_a_page_from_the_future_is_told() -> None:
    body = "<html><head><meta name='PubDate' content='2036-04-15 10:00'></head><body><div id=zoom>正文</div></body></html>"
    found = read_page(feed(), body)
    assert found.published is None
    assert [problem.reason for problem in found.problems] == ["date_ahead"]


def test_numbers_in_json_are_epochs_and_zero_is_a_problem() -> None:
    rows = '{"id": "a", "title": "一", "date_published": 1776244540}, {"id": "b", "title": "二", "date_published": 0}'
    found = read(f'{{"version": "https://jsonfeed.org/version/1", "title": "t", "items": [{rows}]}}')
    assert [entry.published and entry.published.at.isoformat() for entry in found.entries] == [EXACT, None]
    assert [problem.reason for problem in found.problems] == ["bad_date"]


def test_twelve_digits_that_could_be_a_day_of_a_year_far_away_are_milliseconds() -> None:
    found = parse_instant("773107200000", "Asia/Shanghai", "default", "list")
    assert found
    assert found.at.isoformat() == "1994-07-02T00:00:00+00:00"


def test_where_the_zone_came_from_is_kept() -> None:
    for zone, origin in (("Asia/Urumqi", "source"), ("Asia/Tokyo", "config"), ("Asia/Shanghai", "default")):
        body = rss(item(1, date="2026-04-15 17:15:40"), item(2, date="Wed, 15 Apr 2026 17:15:40 +0800"))
        one, two = (entry.published for entry in read(body, source=feed(zone=zone, zone_origin=origin)).entries)
        assert one
        assert two
        assert (one.zone, one.zone_origin, one.raw) == (zone, origin, "2026-04-15 17:15:40")
        assert (two.zone, two.zone_origin) == ("+08:00", "explicit")


@given(st.text(alphabet="0123456789-/:.年月日〇一二十元廿时分下午晚上北京时间[]() TZ+CSGM,aApril", max_size=90))
def test_no_text_makes_it_fail(raw: str) -> None:
    found = parse_instant(raw, "Asia/Shanghai", "source", "feed")
    assert found is None or 1989 < found.at.year < 2300
