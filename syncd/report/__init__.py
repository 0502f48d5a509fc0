"""The monthly report: figures from rows, and the forms in which people take them away (JSON, CSV, text)."""

from __future__ import annotations

from syncd.report.figures import (
    Counts,
    Item,
    Lag,
    Outcome,
    Report,
    ReportRow,
    Share,
    Span,
    Watch,
    month_report,
    outcome,
    watch_of,
)
from syncd.report.forms import from_json, to_csv, to_json, to_text

__all__ = [
    "Counts",
    "Item",
    "Lag",
    "Outcome",
    "Report",
    "ReportRow",
    "Share",
    "Span",
    "Watch",
    "from_json",
    "month_report",
    "outcome",
    "to_csv",
    "to_json",
    "to_text",
    "watch_of",
]
