"""The table of CMSs at the end of a run, and the CMS of each case in its report (also through xdist)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cms import table
from tests.cms.subject import Subject


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each case of a class with a subject counts in that subject's row."""
    for item in items:
        subject = getattr(getattr(item, "cls", None), "subject", None)
        if isinstance(subject, Subject) and not any(name == "cms" for name, _ in item.user_properties):
            item.user_properties.append(("cms", subject.mark))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = table.rows(_reported(terminalreporter))
    if told:
        terminalreporter.section("CMSs")
        for line in table.lines(told):
            terminalreporter.write_line(line)


def _reported(reporter: Any) -> Iterator[table.Reported]:
    """A test that fails while it is set up or taken down has failed."""
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in reporter.stats.get(outcome, []):
            if report.when == "call" or outcome != "passed":
                yield _outcome(outcome), _reason(report), [(str(a), str(b)) for a, b in report.user_properties]


def _outcome(outcome: str) -> str:
    return "failed" if outcome == "error" else outcome


def _reason(report: Any) -> str:
    told = report.longrepr
    return str(told[2]).removeprefix("Skipped: ") if isinstance(told, tuple) else ""
