"""Dates as they stand on lists and pages, read with the precision and zone that they really tell; never guessed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from syncd.model import Instant, Precision, Problem

FIRST_YEAR = 1990
"""Nothing was published on the web before; an earlier year is a default value of some CMS (1970-01-01, 0001-01-01)."""
LAST_YEAR = 2199
AHEAD = timedelta(hours=36)
"""How far ahead of the clock an instant may lie: another zone's tomorrow, and a clock that is a little wrong."""
_LONGEST = 80

_CLOCK = (
    r"(?P<half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上)?\s?(?P<H>\d{1,2})(?:[:时点](?P<M>\d{2})分?"
    r"(?:[:]?(?P<S>\d{2})(?:[.,]\d{1,9})?秒?)?|[时点]整?)\s?(?P<ap>[ap]\.?m\.?)?"
)
_EARLY, _LATE = ("凌晨", "清晨", "早上", "早晨", "上午"), ("下午", "傍晚", "晚上")
_ZONE = r"\s?(?P<zone>[A-Z]{1,5}(?:[+-]\d{1,2}(?::?\d{2})?)?|[+-]\d{1,2}(?::?\d{2})?)?(?:\s?[(\[].{0,40}[)\]])?"
_WEEKDAY = r"(?:\s?[(]?(?:星期|周)[一二三四五六日天][)]?)?"
_MONTH = r"(?P<name>[a-z]{3,9})\.?"
_LADDER = tuple(
    re.compile(rung, re.IGNORECASE | re.ASCII)
    for rung in (
        rf"(?P<y>\d{{4}})(?P<sep>[-/.年])\s?(?P<m>\d{{1,2}})(?:(?P=sep)|月)\s?(?P<d>\d{{1,2}})[日号]?{_WEEKDAY}(?:[T\s,-]{{0,2}}{_CLOCK}{_ZONE})?",
        rf"(?P<y>\d{{4}})(?P<m>\d{{2}})(?P<d>\d{{2}})(?:T?(?P<H>\d{{2}})(?P<M>\d{{2}})(?P<S>\d{{2}})?{_ZONE})?",
        rf"(?:[a-z]{{3,9}}\.?,?\s)?(?P<d>\d{{1,2}})[\s-]{_MONTH}[\s-](?P<y>\d{{4}}|\d{{2}}),?(?:\s{_CLOCK}{_ZONE})?",
        rf"(?:[a-z]{{3,9}}\.?,?\s)?{_MONTH}\s(?P<d>\d{{1,2}}),?\s(?P<y>\d{{4}}),?(?:\s{_CLOCK}{_ZONE})?",
        rf"[a-z]{{3}}\s{_MONTH}\s(?P<d>\d{{1,2}})\s{_CLOCK}\s(?:(?P<zone>[a-z]{{1,5}})\s)?(?P<y>\d{{4}})",
    )
)
_EPOCH = re.compile(r"(?:/Date\()?(?P<s>\d{9,10})(?P<ms>\d{3})?(?:\.\d{1,9})?(?:[+-]\d{4})?(?:\)/)?", re.ASCII)
"""Seconds or milliseconds, as a number or as old Microsoft services write it; its offset says nothing of the instant."""
_LABEL = re.compile(r"[\u4e00-\u9fff]{2,6}\s?:\s?(?=[\d〇○一二(\[])")
_BRACKETS = re.compile(r"[\[(【〔](.*)[\])】〕]")
_BEIJING = re.compile(r"^\(?北京时间\)?:?\s?(.*)$|^(.*?)\s?\(?北京时间\)?$")
_UNITS = re.compile(r"\s?([年月时点])\s?|\s([日号分秒])")
_HAN = re.compile(
    r"([〇○◯零0O一二三四五六七八九]{4})年([元一二三四五六七八九十]{1,3})月([一二三四五六七八九十廿卅]{1,4})(?=[日号])"
)
_HAN_DIGITS = {**dict.fromkeys("〇○◯零0O", 0), **{character: n for n, character in enumerate("一二三四五六七八九", 1)}}
_RELATIVE = re.compile(r"刚[刚才]|[今昨前]\s?[天日晚]|前$|\b(?:ago|yesterday|today|now)\b", re.IGNORECASE)
_OFFSET = re.compile(r"(?:GMT|UTC|UT)?(?P<sign>[+-])(?P<h>\d{1,2}):?(?P<m>\d{2})?", re.ASCII)
_MONTHS = {
    name: n
    for n, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_NAMED = {
    "Z": 0,
    "UT": 0,
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "BST": 60,
    "CET": 60,
    "CEST": 120,
    "EET": 120,
    "MSK": 180,
    "BJT": 480,
    "HKT": 480,
    "SGT": 480,
    "JST": 540,
    "KST": 540,
    "EST": -300,
    "EDT": -240,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
}
_CHINA = 480
_CENTRAL = -360


@dataclass(frozen=True, slots=True)
class _Told:
    """What a text tells: local fields, their precision, and the zone word if it has one. sharp: it says 00:00."""

    local: datetime
    precision: Precision
    zone: str = ""
    sharp: bool = False


def parse_instant(raw: str, zone: str, zone_origin: str, origin: str, now: datetime | None = None) -> Instant | None:
    """The instant that a text tells, or None: it tells none or an absurd one (before 1990, 30 February, +99:99).

    zone: of the source, an IANA name or an offset such as "+08:00", used when the text has none of its own;
    zone_origin: who says so ("source", "config", "default"). origin: "list", "feed" or "page". now: the clock; an
    instant more than AHEAD of it is absurd too. A date alone has day precision and begins at local midnight, and so has
    one at 00:00:00 sharp in the source's zone: systems that keep no hour write that. CST is China's time where `zone`
    keeps that time.
    """
    found = _instant(_tidy(raw), raw.strip(), zone, zone_origin, origin)
    return None if found is None or is_ahead(found, now) else found


def read_instant(
    raw: str,
    *,
    zone: str,
    zone_origin: str,
    origin: str,
    where: str,
    problems: list[Problem],
    now: datetime | None = None,
) -> Instant | None:
    """parse_instant, with a Problem added to `problems` when there is a text that can't be used."""
    if not raw.strip():
        return None
    found = parse_instant(raw, zone, zone_origin, origin, now)
    if found is None:
        reason, why = _why_not(raw, now)
        problems.append(Problem(reason, f"{raw.strip()[:_LONGEST]!r} {why}; none was taken", where))
    return found


def _why_not(raw: str, now: datetime | None) -> tuple[str, str]:
    """The reason and its words. A date ahead of the clock is a reason of its own: it may be the clock that is wrong."""
    if _RELATIVE.search(raw.strip()):
        return "bad_date", "is relative to when the list was made"
    if now is not None and parse_instant(raw, "UTC", "", "") is not None:
        return "date_ahead", "lies too far ahead of this machine's clock"
    return "bad_date", "is no date that can be used"


def parse_written(raw: str) -> str:
    """A 成文日期 as "YYYY-MM-DD", from 1949 on; "" when there is none in it."""
    told = _told(_tidy(raw))
    return told.local.date().isoformat() if told and 1949 <= told.local.year <= LAST_YEAR else ""


def is_zone(name: str) -> bool:
    """Whether `zone` can be used: an IANA name that is known here, or an offset."""
    return _zone_info(name) is not None


def local_day(at: datetime, zone: str) -> str:
    """The day of a moment in a zone, as "YYYY-MM-DD"; of a zone that is unknown here, in UTC."""
    return at.astimezone(_zone_info(zone) or UTC).date().isoformat()


def _tidy(raw: str) -> str:
    """Full-width digits and marks as ASCII, blanks single, no label or brackets; a text too long for a date becomes ""."""
    if len(raw) > 4 * _LONGEST:
        return ""
    text = " ".join(unicodedata.normalize("NFKC", raw).split())
    text = _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
    inner = _BRACKETS.fullmatch(text)
    text = _in_digits(inner.group(1).strip() if inner else text)
    return text if len(text) <= _LONGEST else ""


def _in_digits(text: str) -> str:
    """二〇二六年四月十五日 as 2026年4月15日, without blanks beside 年 and its like; 北京时间 as a zone."""
    if text.isascii():
        return text
    if "北京时间" in text and (found := _BEIJING.match(text)):
        text = f"{found[1] or found[2] or ''} BJT"
    text = _UNITS.sub(lambda found: found[1] or found[2], text)
    return _HAN.sub(lambda found: f"{_digits(found[1])}年{_number(found[2])}月{_number(found[3])}", text)


def _digits(text: str) -> str:
    return "".join(str(_HAN_DIGITS[character]) for character in text)


def _number(text: str) -> int:
    """A Chinese number up to 99; 元 is the first month."""
    tens, ten, ones = text.replace("元", "一").replace("廿", "二十").replace("卅", "三十").rpartition("十")
    if not ten:
        return int(_digits(ones)) if len(ones) == 1 else 0
    return (_HAN_DIGITS.get(tens, 0) if tens else 1) * 10 + (_HAN_DIGITS.get(ones, 0) if ones else 0)


def _instant(text: str, raw: str, zone: str, zone_origin: str, origin: str) -> Instant | None:
    told = _told(text)
    if told is None or not FIRST_YEAR <= told.local.year <= LAST_YEAR:  # 773107200000 is no day of the year 7731
        epoch = _EPOCH.fullmatch(text)
        return _from_epoch(epoch, raw, origin) if epoch else None
    info = _zone_of(told, zone)
    if info is None:
        return None
    local = told.local.replace(tzinfo=info)
    precision = Precision.DAY if told.sharp and _is_midnight(local, zone) else told.precision
    if told.zone:
        return Instant(local.astimezone(UTC), precision, raw, _offset_text(info), "explicit", origin)
    return Instant(local.astimezone(UTC), precision, raw, zone, zone_origin, origin)


def _is_midnight(local: datetime, zone: str) -> bool:
    there = local.astimezone(_zone_info(zone) or UTC)
    return (there.hour, there.minute, there.second) == (0, 0, 0)


def is_ahead(found: Instant, now: datetime | None) -> bool:
    """Whether an instant lies too far ahead of the clock. now: None lets any pass."""
    return now is not None and found.at > now + AHEAD


def _from_epoch(found: re.Match[str], raw: str, origin: str) -> Instant | None:
    at = datetime.fromtimestamp(int(found["s"]), UTC) + timedelta(milliseconds=int(found["ms"] or 0))
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        return None
    return Instant(at, Precision.SECOND, raw, "+00:00", "explicit", origin)


def _told(text: str) -> _Told | None:
    found = next((match for rung in _LADDER if (match := rung.fullmatch(text))), None)
    return _fields(found.groupdict()) if found else None


def _fields(found: dict[str, str | None]) -> _Told | None:
    hour, days = _hour(found)
    try:
        local = datetime(  # noqa: DTZ001 - local fields; what zone they are in is decided next
            _year(found["y"] or ""),
            _month(found),
            int(found["d"] or 0),
            hour,
            int(found["M"] or 0),
            int(found["S"] or 0),
        )
        precision, zone = _precision(found), (found.get("zone") or "").upper()
        if precision is Precision.DAY:  # an hour alone is less than a minute and more than we keep
            return _Told(datetime.combine(local, time()), precision, zone)
        return _Told(local + timedelta(days=days), precision, zone, sharp=not days)
    except (ValueError, OverflowError):
        return None


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 4:
        return year
    return year + (2000 if year < 50 else 1900)


def _month(found: dict[str, str | None]) -> int:
    name = found.get("name")
    return _MONTHS.get(name[:3].lower(), 0) if name else int(found["m"] or 0)


def _hour(found: dict[str, str | None]) -> tuple[int, int]:
    """The hour of the day and days to add: 24:00 is the next midnight; an impossible hour is left to fail."""
    hour = int(found["H"] or 0)
    half = found.get("half")
    late = (found.get("ap") or "").lower().startswith("p") or half in _LATE or (half == "中午" and hour < 3)
    early = (found.get("ap") or "").lower().startswith("a") or half in _EARLY
    if half == "晚上" and hour == 12:
        return 99, 0
    if late and hour < 12:
        return hour + 12, 0
    if early and hour == 12:
        return 0, 0
    whole = not int(found["M"] or 0) and not int(found["S"] or 0)
    return (0, 1) if hour == 24 and whole else (hour, 0)


def _precision(found: dict[str, str | None]) -> Precision:
    if found["H"] is None or found["M"] is None:
        return Precision.DAY
    return Precision.MINUTE if found["S"] is None else Precision.SECOND


def _zone_of(told: _Told, zone: str) -> tzinfo | None:
    """The zone to read local fields in; None when the text's own zone word is unknown or impossible."""
    if not told.zone:
        return _zone_info(zone)
    if told.zone == "CST":
        return _fixed(_CHINA if _keeps_china_time(zone, told.local) else _CENTRAL)
    if told.zone in _NAMED:
        return _fixed(_NAMED[told.zone])
    return _offset(told.zone)


def _keeps_china_time(zone: str, local: datetime) -> bool:
    info = _zone_info(zone)
    return info is not None and local.replace(tzinfo=info).utcoffset() == timedelta(minutes=_CHINA)


@lru_cache(maxsize=64)
def _zone_info(zone: str) -> tzinfo | None:
    if zone.upper() in ("UTC", "Z"):
        return UTC
    try:
        return _offset(zone) or ZoneInfo(zone)
    except (ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError with its own cause
        return None
    except KeyError:
        return None


def _offset(text: str) -> tzinfo | None:
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    digits = found["h"] + (found["m"] or "")
    hours, minutes = (int(digits[:-2] or 0), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    total = hours * 60 + minutes
    return _fixed(-total if found["sign"] == "-" else total) if total <= 14 * 60 and minutes < 60 else None


def _fixed(minutes: int) -> tzinfo:
    return timezone(timedelta(minutes=minutes))


def _offset_text(info: tzinfo) -> str:
    minutes = int((info.utcoffset(None) or timedelta(0)).total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
