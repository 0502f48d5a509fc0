"""The commands: what a person or a script types; what they do is done by the composition root or a library."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from syncd.cli.doors import Doors
from syncd.errors import AlreadyRunning, ConfigError, SyncdError

OK, PERSON, USAGE, RUNNING = 0, 1, 2, 75
"""Exit codes: done; something needs a person; usage or config; a daemon runs already."""
_USAGE_REASONS = frozenset({"usage", "not_found", "unknown_repost", "unknown_source", "unknown_site"})


def main(argv: Sequence[str] | None = None, *, doors: Doors | None = None) -> int:
    """Run one command and return its exit code. argv: without the program's name; None is sys.argv. doors: a test's."""
    from syncd.cli.commands import command  # here, so that a failing import of typer is no failing import of syncd

    try:
        command().main(args=list(sys.argv[1:] if argv is None else argv), prog_name="syncd", obj=doors or _real())
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK if end.code is None else PERSON
    except SyncdError as error:
        return _failed(error)
    return OK


def exit_code(error: SyncdError) -> int:
    """Which exit code an error means."""
    if isinstance(error, AlreadyRunning) or error.reason == "already_running":
        return RUNNING
    return USAGE if isinstance(error, ConfigError) or error.reason in _USAGE_REASONS else PERSON


def _failed(error: SyncdError) -> int:
    """Where, what, what to do: a mistake a line, on stderr. The lines of a config say themselves what to do."""
    from syncd.cli.words import printable

    place = f"{error.where}: " if error.where else ""
    problems = error.problems if isinstance(error, ConfigError) else [error.message]
    for problem in problems:
        print(printable(f"{place}{problem}"), file=sys.stderr)
    if error.hint and not isinstance(error, ConfigError):
        print(printable(f"  -> {error.hint}"), file=sys.stderr)
    return exit_code(error)


def _real() -> Doors:
    from syncd.cli.doors import RealDoors

    return RealDoors()
