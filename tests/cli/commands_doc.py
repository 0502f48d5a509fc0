"""The reference of the commands as Markdown, made of themselves: `python -m tests.cli.commands_doc --write`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"
MARK = "<!-- reference -->\n"


def reference() -> str:
    """A section for each command, with its arguments and options."""
    from syncd.cli.commands import command

    return "\n".join(_lines(command(), "syncd"))


def _lines(group: Any, name: str) -> Iterator[str]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _lines(command, f"{name} {word}")
            continue
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join([f"{name} {word}", *(a.metavar or a.name for a in arguments)])
        yield from (f"### `{usage}`", "", command.help, "")
        rows = [_row(p) for p in command.params if p.param_type_name == "option" and p.name != "help"]
        yield from (["| option | what |", "|---|---|", *rows, ""] if rows else [])


def _row(option: Any) -> str:
    variable = f" (or `${option.envvar}`)" if option.envvar else ""
    return f"| `{', '.join(option.opts)}` | {option.help}{variable} |"


def main() -> None:
    """Print the reference, or write it into the page."""
    if "--write" in sys.argv:
        head = PAGE.read_text("utf-8").partition(MARK)[0]
        PAGE.write_text(head + MARK + reference(), "utf-8")
    else:
        sys.stdout.write(reference())


if __name__ == "__main__":
    os.environ["LC_ALL"] = "C"  # before the commands are imported: their texts follow the locale
    main()
