"""`syncd adapter conform`: the contract is run on a configured site, and a certificate says what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd import __version__
from syncd.adapters import registry
from syncd.adapters.api import CheckReport, Tools
from syncd.app.build import Way
from syncd.errors import SyncdError
from syncd.web.client import Web

_MODULE = "syncd.testing.conform_site"
_LONGEST = 600
_MARKS = {"passed": "passed", "failed": "**failed**", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class Request:
    """column: where the cases post. editor: the same CMS with another account. pages: the public pages can be fetched."""

    way: Way
    column: str
    editor: Way | None = None
    pages: bool = False
    prefix: str = "syncd-conform-"


@dataclass(frozen=True, slots=True)
class Case:
    """One case. outcome: passed, failed or skipped; reason: of the latter two. seconds: how long it took."""

    name: str
    outcome: str
    seconds: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What the contract found. config: SHA-256 of the site's settings, without its secrets. Times are UTC, ISO 8601."""

    adapter: str
    implementation: str
    package: str
    package_version: str
    syncd: str
    api_version: int
    python: str
    site: str
    server_version: str
    guarantee: str
    capabilities: dict[str, Any]
    config: str
    started: str
    ended: str
    cases: tuple[Case, ...]
    warnings: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Nothing failed, and something passed."""
        return not self.counts.get("failed") and bool(self.counts.get("passed"))

    def facts(self) -> dict[str, Any]:
        """As JSON says it."""
        return {"ok": self.ok, **asdict(self)}


def run(request: Request, now: Callable[[], datetime], told: Callable[[str], None]) -> Certificate:
    """Run every case on the site. told: is given each case that failed, as it does, and how far it is.

    Raises SyncdError no_pytest, site_not_ready, nothing_to_write.
    """
    try:
        import pytest  # noqa: F401 - it comes with syncd[testing] only
    except ImportError as cause:
        raise SyncdError("no_pytest", "the contract runs by pytest, which is not installed",
                         hint="pip install 'syncd[testing]'") from cause
    ready = asyncio.run(_checked(request.way, now))
    started = now()
    recorder = _played(request, now, told)
    return _certificate(request, recorder, recorder.report or ready, started, now())


async def _checked(way: Way, now: Callable[[], datetime]) -> CheckReport:
    """What check() says before anything is written."""
    web = Web(now=now, monotonic=time.monotonic, user_agent="syncd-conform", gap=0.0)  # noqa: TID251
    from syncd.testing.adapter_contract import Shelf, Told

    try:
        client = web.client(way.site.name, way.network, way.guard)
        adapter = way.kind(way.site, Tools(client, now, Shelf(), Told(), way.folder, way.network))
        report = await adapter.check()
        await adapter.aclose()
    finally:
        await web.aclose()
    _refuse_unready(way, report)
    return report


def _refuse_unready(way: Way, report: CheckReport) -> None:
    if not report.capabilities.posts:
        raise SyncdError("nothing_to_write", f"site {way.site.name} is only observed", hint="choose a site that is written to")
    bad = [f"{item.name}: {item.detail}; {item.hint}" for item in report.items if not item.ok]
    if not report.ok:
        raise SyncdError("site_not_ready", "; ".join(bad) or "check() fails", where=way.site.name,
                         hint="mend what syncd check tells of this site, then run it again")


def _played(request: Request, now: Callable[[], datetime], told: Callable[[str], None]) -> Recorder:
    import pytest

    from syncd.testing import AdapterContract  # noqa: F401 - so that its asserts are rewritten
    from syncd.testing.conform_site import Setup, TestSite, secrets_of

    setup = Setup(request.way, request.column, request.prefix, now, request.editor, request.pages)
    TestSite.setup = setup
    recorder = Recorder(told, secrets_of(request.way.site.options))
    with _alone(), tempfile.TemporaryDirectory() as folder:
        pytest.main(
            ["--pyargs", _MODULE, "-c", os.devnull, "--rootdir", folder, "--capture=sys", "-p", "no:cacheprovider",
             "-p", "no:terminal", "-o", "addopts="],
            plugins=[recorder])
    recorder.report = setup.report
    return recorder


@contextmanager
def _alone() -> Iterator[None]:
    """pytest without what else is installed or set on this machine: the certificate is about the adapter."""
    kept = {name: os.environ.pop(name, None) for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")}
    kept["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class Recorder:
    """A plug-in of pytest that keeps what came of each case. No secret gets into it."""

    def __init__(self, told: Callable[[str], None], secrets: tuple[str, ...]) -> None:
        self.cases: dict[str, Case] = {}
        self.warnings: list[str] = []
        self.report: CheckReport | None = None
        self._told, self._secrets = told, secrets

    def pytest_addoption(self, parser: Any) -> None:
        """Only the last line of a failure is kept; pytest would print the source of every frame, which takes seconds."""
        parser.addoption("--tb", dest="tbstyle", default="native")

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._keep(Case(str(report.nodeid) or "collection", "failed", 0.0, str(report.longrepr)[-_LONGEST:]))

    def pytest_runtest_logreport(self, report: Any) -> None:
        name = _named(report.nodeid)
        if report.skipped:
            self._keep(Case(name, "skipped", report.duration, str(report.longrepr[2]).removeprefix("Skipped: ")))
        elif report.failed:
            self._keep(Case(name, "failed", report.duration, _why(report)))
        elif report.when == "call":
            self._keep(Case(name, "passed", report.duration))

    def pytest_warning_recorded(self, warning_message: Any, nodeid: str) -> None:
        self.warnings.append(self._hidden(f"{_named(nodeid)}: {warning_message.message}"))

    def _keep(self, case: Case) -> None:
        self.cases[case.name] = Case(case.name, case.outcome, round(case.seconds, 3), self._hidden(case.reason))
        if case.outcome == "failed":
            self._told(f"failed: {case.name}: {self._hidden(case.reason)}")
        elif len(self.cases) % 20 == 0:
            self._told(f"{len(self.cases)} cases so far")

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[hidden]")
        return text


def _named(nodeid: str) -> str:
    return nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " ")


def _why(report: Any) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash is not None else report.longrepr)[:_LONGEST]


def _certificate(
    request: Request, recorder: Recorder, report: CheckReport, started: datetime, ended: datetime
) -> Certificate:
    way = request.way
    plugin = next((each for each in registry.installed() if each.name == way.kind.kind), None)
    cases = tuple(recorder.cases.values())
    return Certificate(
        way.kind.kind, f"{way.kind.__module__}.{way.kind.__qualname__}", plugin.dist if plugin else "",
        plugin.version if plugin else "", __version__, way.kind.api_version, platform.python_version(), way.site.name,
        report.server_version, report.capabilities.guarantee, asdict(report.capabilities), _hash(way),
        started.isoformat(timespec="seconds"), ended.isoformat(timespec="seconds"), cases, tuple(recorder.warnings),
        dict(Counter(case.outcome for case in cases)),
    )


def _hash(way: Way) -> str:
    """A secret is masked in what a model dumps."""
    told = {"adapter": way.kind.kind, "public_url": way.site.public_url, "timezone": way.site.timezone,
            "options": way.site.options.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write(certificate: Certificate, folder: Path) -> list[Path]:
    """The certificate as JSON and as Markdown; where they were written."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{certificate.adapter}-{certificate.site}"
    text = json.dumps(certificate.facts(), ensure_ascii=False, indent=1)
    made = {folder / f"{stem}.json": text + "\n", folder / f"{stem}.md": markdown(certificate)}
    for path, data in made.items():
        path.write_text(data, encoding="utf-8")
    return list(made)


def markdown(certificate: Certificate) -> str:
    """The certificate for people."""
    counts = certificate.counts
    lines = [
        f"# {certificate.adapter} on {certificate.site}: {'passed' if certificate.ok else 'not passed'}", "",
        f"- adapter: `{certificate.implementation}` of {certificate.package} {certificate.package_version}, contract version"
        f" {certificate.api_version}",
        f"- syncd {certificate.syncd}, Python {certificate.python}; the CMS says: {certificate.server_version or 'nothing'}",
        f"- class {certificate.guarantee}; from {certificate.started} to {certificate.ended}",
        f"- settings without secrets: SHA-256 `{certificate.config}`",
        f"- {counts.get('passed', 0)} passed, {counts.get('failed', 0)} failed, {counts.get('skipped', 0)} skipped", "",
        "| case | outcome | seconds | reason |", "|---|---|---|---|",
        *(f"| {_cell(c.name)} | {_MARKS[c.outcome]} | {c.seconds:.2f} | {_cell(c.reason)} |" for c in certificate.cases),
    ]
    if certificate.warnings:
        lines += ["", "## Warnings", "", *(f"- {_cell(warning)}" for warning in certificate.warnings)]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
