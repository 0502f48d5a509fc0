"""Dates whose form config tells, where the ladder of forms can't: the order of day and month, and what is a day only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from syncd.model import Instant, Precision, Problem
from syncd.sources.dates import local_day, parse_instant, parse_written, read_instant


@dataclass(frozen=True, slots=True)
class DateForm:
    """form: as datetime.strptime takes it, "" for the ladder. precision: no more than this is believed ("day" where a list
    writes midnight for a day), "" for what the text tells. naming: the option that says so, for messages."""

    form: str = ""
    precision: str = ""
    naming: str = "options.date_format"


LADDER = DateForm()


def form_fault(form: str) -> str:
    """Why a form can't be used, or "": it must name year, month and day."""
    if not form:
        return ""
    shown = datetime(2021, 11, 25, 13, 14, 15)  # noqa: DTZ001 - a specimen; each of its fields differs
    try:
        back = datetime.strptime(shown.strftime(form), form)  # noqa: DTZ007
    except ValueError as error:
        return f"{form!r} is no form of a date: {error}"
    return "" if back.date() == shown.date() else f"{form!r} does not name year, month and day, as %d/%m/%Y does"


def instant(
    raw: str,
    form: DateForm,
    *,
    zone: str,
    zone_origin: str,
    origin: str,
    where: str,
    problems: list[Problem],
    now: datetime | None = None,
) -> Instant | None:
    """read_instant by a form: a text that does not have it is a Problem, never guessed at. `raw` is kept as it stands."""
    if not raw.strip():
        return None
    text = _iso(raw, form.form) if form.form else raw
    if not text:
        problems.append(Problem("bad_date", f"{raw.strip()[:80]!r} is not of the form {form.form!r}; see {form.naming}", where))
        return None
    found = read_instant(
        text, zone=zone, zone_origin=zone_origin, origin=origin, where=where, problems=problems, now=now
    )
    return found and _coarser(replace(found, raw=raw.strip()), form.precision, zone, zone_origin)


def written(raw: str, form: DateForm, zone: str) -> str:
    """A 成文日期 as "YYYY-MM-DD" by a form or by the ladder, "" when there is none in it. zone: for a count of seconds."""
    found = parse_written(_iso(raw, form.form)) if form.form else ""
    return found or parse_written(raw) or _day_of_count(raw.strip(), zone)


def _day_of_count(raw: str, zone: str) -> str:
    found = parse_instant(raw, zone, "source", "list") if raw.isdigit() and len(raw) > len("20260415") else None
    return local_day(found.at, zone) if found else ""


def _iso(raw: str, form: str) -> str:
    """The date as the ladder takes it, as exactly as the form tells; "" when the text does not have the form."""
    try:
        at = datetime.strptime(" ".join(raw.split()), form)  # noqa: DTZ007 - its zone is decided by the ladder
    except ValueError:
        return ""
    offset = at.strftime("%z")
    return f"{at:%Y-%m-%d} {at.strftime(_clock(form))}".strip() + (offset and f" {offset[:3]}:{offset[3:5]}")


def _clock(form: str) -> str:
    if any(mark in form for mark in ("%S", "%X", "%c", "%T")):
        return "%H:%M:%S"
    return "%H:%M" if any(mark in form for mark in ("%H", "%I", "%R")) else ""


def _coarser(found: Instant, precision: str, zone: str, zone_origin: str) -> Instant:
    """The day of an instant, in the zone that its text names, else in the source's: a count of seconds names none."""
    if precision != Precision.DAY or found.precision is Precision.DAY:
        return found
    if found.zone_origin == "explicit" and not found.raw.isdigit():
        zone, zone_origin = found.zone, "explicit"
    day = parse_instant(local_day(found.at, zone), zone, zone_origin, found.origin)
    return replace(day, raw=found.raw) if day else found
