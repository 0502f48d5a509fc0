"""Rows of an invented county's July for the tests of the report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from syncd.model import Document, Finding, Instant, Precision, RemoteRef, Repost, Verdict
from syncd.report import ReportRow, Watch

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 8, 3, 1, 0, tzinfo=UTC)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def row(
    id: int, published: str, *, took: float | None = None, verdict: Verdict = Verdict.MET, hours: float = 12,
    finding: Finding | None = None, precision: Precision = Precision.SECOND, site: str = "county", **given: Any,
) -> ReportRow:
    """took: seconds from published to seen, None: never seen."""
    at = local(published)
    seen = at + timedelta(seconds=took) if took is not None else None
    title = given.pop("title", f"国务院关于第{id}号事项的通知")
    document = Document(id, title, f"https://www.gov.example/{id}", at, withdrawn=given.get("withdrawn") is not None)
    mark = 1 if seen else 0
    repost = Repost(
        id, id, "state-council", site, "r", "国务院文件", f"k{id}", NOW, at, wanted=1, approved=1, sent=mark, seen=mark,
        finding=finding, ref=RemoteRef(str(id), f"https://county.example/{id}.html") if seen else None,
    )
    return ReportRow(
        document, repost, given.pop("status", "visible" if seen else "sending"), Instant(at, precision), seen,
        (took, took) if took is not None else None, verdict, due=at + timedelta(hours=hours), **given,
    )


JULY = (
    row(1, "2026-07-01 17:30:00", took=600, lags={"source": 0.0, "detection": 200.0, "cms": 400.0}),
    row(2, "2026-07-02 21:00:00", took=1200, lags={"detection": 200.0, "cms": 1000.0}, finding=Finding.EDITED),
    row(3, "2026-07-03 09:00:00", took=90000, verdict=Verdict.BREACHED, blame="approval", lags={"approval": 89000.0}),
    row(4, "2026-07-04 10:00:00", verdict=Verdict.BREACHED, blame="cms"),
    row(5, "2026-07-05 00:00:00", took=40000, verdict=Verdict.INDETERMINATE, precision=Precision.DAY),
    row(6, "2026-07-31 23:59:59", verdict=Verdict.OPEN, hours=72),
    row(7, "2026-07-06 12:00:00", took=10, verdict=Verdict.EXCUSED),
    row(8, "2026-07-07 12:00:00", verdict=Verdict.OPEN, withdrawn=local("2026-07-07 13:00:00")),
    row(9, "2026-07-08 12:00:00", verdict=Verdict.OPEN),
)
BESIDE = (row(90, "2026-06-30 23:59:59", took=5), row(91, "2026-08-01 00:00:00", took=5))
WATCH = (
    Watch("state-council", 8900, 12, 2_670_000.0, 2_678_400.0, 7_200.0, local("2026-07-12 03:00:00")),
    Watch("ministry", 700, 0, 2_678_400.0, 2_678_400.0),
)
