"""What small commands cost, beside importing typer and pydantic."""

from __future__ import annotations

import sys
import time

from bench import config
from bench.daemon import Daemon
from bench.figures import Row, at_most, paired
from bench.process import LabProcess, run_timed
from bench.rows import Bench

REFERENCE = [sys.executable, "-c", "import typer, pydantic"]


def commands(bench: Bench) -> list[Row]:
    """`--help`, and `status` beside a running daemon and without one."""
    syncd = [sys.executable, "-m", "syncd"]
    with LabProcess() as lab:
        path = str(config.write(bench.folder, lab.base, 1, every="1h"))
        rows = [_row(bench, "syncd --help", [*syncd, "--help"])]
        with Daemon(config.write(bench.folder, lab.base, 1, every="1h")):
            socket, end = bench.folder / "state" / "control.sock", time.monotonic() + 60
            while not socket.exists() and time.monotonic() < end:
                time.sleep(0.1)
            rows.append(_row(bench, "syncd status, daemon running", [*syncd, "status", "--config", path]))
        rows.append(_row(bench, "syncd status, no daemon", [*syncd, "status", "--config", path]))
    return rows


def _row(bench: Bench, name: str, command: list[str]) -> Row:
    pairs = paired(2 * bench.rounds, lambda: run_timed(REFERENCE) * 1000, lambda: run_timed(command) * 1000)
    return pairs.turned.row(name, at_most(3.0), unit="of the imports")
