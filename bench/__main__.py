"""`python -m bench`: measure everything, print the table, exit 1 when a goal is missed."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.figures import Row, say, table
from bench.rows import Bench, measures


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller states; its figures are rough")
    parser.add_argument("--only", action="append", choices=list(measures()), help="this row alone; may be repeated")
    told = parser.parse_args()
    rows: list[Row] = []
    for name, measure in measures().items():
        if told.only and name not in told.only:
            continue
        rows += _measured(name, measure, quick=told.quick)
    print(table(rows))
    missed = [row.name for row in rows if not row.met]
    lacking = [row.name for row in rows if not row.measured]
    print(f"\n{len(rows) - len(lacking)} figures, {len(missed)} goals missed" + _named(missed))
    if lacking:
        print(f"{len(lacking)} not measured{_named(lacking)}")
    return 1 if missed else 0


def _named(rows: list[str]) -> str:
    return ": " + "; ".join(rows) if rows else ""


def _measured(name: str, measure: object, *, quick: bool) -> list[Row]:
    """A row's lines; one that fails is a line that misses its goal."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        rows: list[Row] = measure(Bench(Path(folder), quick))  # type: ignore[operator]
    say(f"{name}: {time.monotonic() - began:.0f} s")
    return rows


if __name__ == "__main__":
    sys.exit(main())
