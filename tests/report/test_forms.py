"""The forms of the report: JSON, CSV and text tell the same figures, and a hostile title does nothing in any."""

from __future__ import annotations

import csv
import io
import json
import re
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.model import Instant, Precision
from syncd.report import Report, from_json, month_report, to_csv, to_json, to_text
from syncd.report.forms import percent, width
from syncd.report.words import EN, ZH
from tests.report.rows import JULY, NOW, WATCH, row


def report(rows: tuple[object, ...] = JULY, watch: object = WATCH) -> Report:
    return month_report(rows, month="2026-07", zone="Asia/Shanghai", watch=watch, now=NOW)  # type: ignore[arg-type]


def cells(made: Report) -> list[list[str]]:
    return list(csv.reader(io.StringIO(to_csv(made).decode("utf-8-sig"))))


def test_the_figures_agree_in_all_forms() -> None:
    made = report()
    counts = to_json(made)["counts"]
    table = dict(row for row in cells(made) if len(row) == 2)
    text = to_text(made)
    for name, count in counts.items():
        assert table[ZH[name]] == str(count)
        assert any(line.split() == [ZH[name], str(count)] for line in text.splitlines())
    for name in ("timeliness", "coverage", "fidelity", "watch"):
        share = percent(to_json(made)[name]["share"])
        assert table[ZH[name]].startswith(share)
        assert any(line.split()[:1] == [ZH[name]] and share in line for line in text.splitlines())
    assert len([row for row in cells(made) if len(row) > 15]) - 1 == len(to_json(made)["items"]) == 9


def test_json_is_json_and_comes_back_as_the_same_report() -> None:
    made = report()
    assert from_json(json.loads(json.dumps(to_json(made)))) == made
    empty = report((), ())
    assert from_json(to_json(empty)) == empty


def test_csv_is_what_excel_opens_as_chinese() -> None:
    data = to_csv(report())
    assert data.startswith(b"\xef\xbb\xbf")
    assert "标题" in data.decode("utf-8-sig")
    assert b"\r\n" in data


@pytest.mark.parametrize("title", ["=HYPERLINK(1)", "+1", "-1", "@SUM", "\t=1", " =1", "＝1", "\r=1", "\u3000=1"])
def test_a_title_that_is_a_formula_stays_text_in_csv(title: str) -> None:
    found = [cell for line in cells(report((row(1, "2026-07-02 10:00:00", took=1, title=title),))) for cell in line]
    assert "'" + title in found
    assert title not in found


def test_an_empty_month_still_says_that_it_was_watched() -> None:
    text = to_text(report(()))
    assert ZH["empty"] in text
    assert "9600" in text
    assert "99.8 %" in text
    assert "12" in text
    assert "9600" in to_csv(report(())).decode()
    assert ZH["unwatched"] in to_text(report((), ()))


def test_columns_of_the_text_are_aligned_with_chinese_in_them() -> None:
    lines = to_text(report()).splitlines()
    start = lines.index(ZH["summary"])
    values = [line for line in lines[start + 2 : start + 12]]
    assert len({width(line[: line.rstrip().rfind(" ") + 1]) for line in values}) == 1


def test_a_title_cannot_move_the_cursor_of_a_terminal() -> None:
    text = to_text(report((row(1, "2026-07-02 10:00:00", took=1, title="a\x1b[2J\nb\u202ec"),)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "a [2J b c" in text


def test_a_share_is_never_rounded_up_to_a_hundred() -> None:
    assert [percent(s) for s in (0.99999, 1.0, 0.29, None)] == ["99.9 %", "100.0 %", "29.0 %", "-"]


def test_times_are_shown_as_precisely_as_they_are_known_and_in_local_time() -> None:
    lines = {line[0]: line for line in cells(report()) if len(line) > 15}
    assert lines["5"][6] == "2026-07-05"
    assert lines["1"][6] == "2026-07-01 17:30:00"


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    places = {key: {name for _, name, _, _ in string.Formatter().parse(text) if name} for key, text in ZH.items()}
    assert places == {key: {n for _, n, _, _ in string.Formatter().parse(text) if n} for key, text in EN.items()}


def test_the_report_can_be_had_in_english() -> None:
    text = to_text(report(), lang="en")
    assert "Timeliness" in text
    assert "approval" in text.lower()
    assert "明细" not in text


def test_a_day_of_another_zone_stays_that_day_in_every_form() -> None:
    at = datetime(2026, 7, 5, tzinfo=UTC) + timedelta(hours=9)  # local midnight of the 5th, nine hours west of Greenwich
    told = row(50, "2026-07-05 00:00:00", took=40000, precision=Precision.DAY)
    told = replace(told, published=Instant(at, Precision.DAY, zone="-09:00"))
    made = month_report((told,), month="2026-07", zone="Pacific/Kiritimati", watch=(), now=NOW)
    assert from_json(json.loads(json.dumps(to_json(made)))) == made
    (line,) = [line for line in cells(made) if len(line) > 15 and line[0] == "50"]
    assert line[6] == "2026-07-05"


def test_one_document_on_two_sites_is_counted_as_two_reposts_and_called_so() -> None:
    two = (row(1, "2026-07-01 17:30:00", took=600), row(1, "2026-07-01 17:30:00", took=600, site="town"))
    told = to_text(month_report(two, month="2026-07", zone="Asia/Shanghai", watch=(), now=NOW), lang="en")
    assert "Documents" not in told
    assert re.search(r"Reposts in all +2", told)
