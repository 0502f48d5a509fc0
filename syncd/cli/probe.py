"""`syncd status --probe`: one line in Nagios form, with its exit codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.cli.words import counted

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
_NAMES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def probe(facts: Mapping[str, Any]) -> tuple[int, str]:
    """Exit code and line for what `status` told, with "running" beside it.

    Critical: something is not watched or not posted. Warning: a person is needed, or will be.
    """
    critical, warning = list(_critical(facts)), list(_warnings(facts))
    code = CRITICAL if critical else WARNING if warning else OK
    counts = facts.get("counts", {})
    well = f"{counted(len(facts.get('sources', [])), 'source')} read, {counts.get('open', 0)} open"
    said = "; ".join(critical + warning) or well
    figures = " ".join(f"{name}={counts.get(name, 0)}" for name in ("attention", "open", "pending", "held", "reposts"))
    return code, line(code, said, figures)


def unknown(error: Exception) -> tuple[int, str]:
    """For a status that can't be had."""
    return UNKNOWN, line(UNKNOWN, str(error))


def line(code: int, said: str, figures: str = "") -> str:
    """One line; "|" parts the figures, so none may stand in the text."""
    text = " ".join(said.replace("|", "/").split())
    return f"SYNCD {_NAMES[code]} - {text}" + (f" | {figures}" if figures else "")


def _critical(facts: Mapping[str, Any]) -> Sequence[str]:
    found = [] if facts.get("running") else ["the daemon is not running"]
    found += [str(p.get("reason")) for p in facts.get("problems", []) if p.get("reason") != "config_rejected"]
    stopped = [s for s in facts.get("sites", []) if s.get("state") == "stopped"]
    return found + [f"site {s['name']} stopped ({s.get('reason') or '-'})" for s in stopped]


def _warnings(facts: Mapping[str, Any]) -> Sequence[str]:
    failing = [s for s in facts.get("sources", []) if s.get("reason")]
    paused = [s for s in facts.get("sites", []) if s.get("state") == "paused"]
    found = [f"source {s['name']} {s['reason']}" for s in failing]
    found += [f"site {s['name']} paused ({s.get('reason') or '-'})" for s in paused]
    found += ["new configuration refused"] if facts.get("config", {}).get("rejected") else []
    count = int(facts.get("counts", {}).get("attention", 0))
    return found + ([f"{count} need a person"] if count else [])
