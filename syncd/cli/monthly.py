"""`syncd report`: a month's report in the form that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from syncd.report import forms

FORMS = ("text", "csv", "json")


def render(facts: Mapping[str, Any], form: str, *, lang: str) -> bytes:
    """The report as bytes: text, CSV with BOM for Excel, or JSON. Raises KeyError, TypeError on a stranger's facts."""
    if form == "json":
        return json.dumps(facts, ensure_ascii=True, indent=2).encode() + b"\n"
    report = forms.from_json(facts)
    return forms.to_csv(report, lang=lang) if form == "csv" else forms.to_text(report, lang=lang).encode()
