"""What all tests share: the table of guarantees at the end of a run, and the reason of every skip."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests import lab
from tests.store import postgres

GUARANTEES = {
    1: "nothing lost",
    2: "nothing twice",
    3: "nothing older over newer, no local edit overwritten",
    4: "nothing believed that was not seen",
    5: "nothing silent",
}
settings.register_profile("syncd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("syncd")  # a busy machine is no defect: nothing is gated on a time


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """A PostgreSQL server that ends with the run; where none can be had, its tests are skipped with the reason."""
    if postgres.missing():
        pytest.skip(f"PostgreSQL: {postgres.missing()}")
    with postgres.server() as running:
        yield running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The guarantees that a test proves travel with its report (also through xdist)."""
    for item in items:
        for mark in item.iter_markers("guarantee"):
            item.user_properties.append(("guarantee", int(mark.args[0])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Guarantee, tests that prove it, skipped."""
    passed, skipped, failed = defaultdict(int), defaultdict(int), defaultdict(int)
    for outcome, counter in (("passed", passed), ("skipped", skipped), ("failed", failed)):
        for number in _proved(terminalreporter.stats.get(outcome, [])):
            counter[number] += 1
    terminalreporter.section("guarantees")
    for number, words in GUARANTEES.items():
        line = f"{number}  {words:<52} proved by {passed[number]:>4} tests, {skipped[number]} skipped"
        terminalreporter.write_line(line + (f", {failed[number]} FAILED" if failed[number] else ""))


    _tell_skips(terminalreporter)


def _reasons(reports: list[pytest.TestReport]) -> list[str]:
    """Why tests were skipped, in the order of the reports."""
    told = [report.longrepr[2] for report in reports if isinstance(report.longrepr, tuple)]
    return [str(reason).removeprefix("Skipped: ") for reason in told]


def _tell_skips(reporter: pytest.TerminalReporter) -> None:
    """How many were skipped, and which of them for want of something that the lab has brought."""
    reasons = _reasons(reporter.stats.get("skipped", []))
    reporter.write_line(f"{len(reasons)} skipped")
    for reason in sorted(set(lab.unexcused(reasons, lab.ready()))):
        reporter.write_line(f"NOT RUN although the lab has it: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A component that was installed and whose tests did not run is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if lab.unexcused(_reasons(skipped), lab.ready()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _proved(reports: list[pytest.TestReport]) -> Iterator[int]:
    for report in reports:
        if report.when == "call" or report.outcome == "skipped":
            yield from (int(str(value)) for name, value in report.user_properties if name == "guarantee")
