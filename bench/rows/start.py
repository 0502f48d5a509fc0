"""What a start costs until the first list is asked for, beside importing the same libraries."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from bench import config, world
from bench.daemon import Daemon
from bench.figures import Row, at_most, paired
from bench.process import ENVIRON, LabProcess, cpu, run_timed
from bench.rows import Bench


def start(bench: Bench) -> list[Row]:
    """CPU of the daemon when its first request arrives; the reference imports what it had loaded by then."""
    with LabProcess() as lab:
        path = config.write(bench.folder, lab.base, 1, every="1s", listen="127.0.0.1:0")
        world.state(bench.folder, sources=1, entries=20)
        modules = _loaded(path)
        code = f"import asyncio, sqlite3, ssl, tomllib, importlib\nfor name in {modules!r}: importlib.import_module(name)"
        pairs = paired(
            bench.rounds, lambda: run_timed([sys.executable, "-c", code]) * 1000, lambda: _started(lab, path) * 1000
        )
    return [pairs.turned.row("CPU from start to first poll", at_most(1.25), detail=f"{len(modules)} modules")]


def _loaded(path: Path) -> list[str]:
    said = subprocess.run(
        [sys.executable, "-m", "bench.loaded", str(path)], capture_output=True, text=True, timeout=120, check=True,
        env=ENVIRON,
    ).stdout
    found: list[str] = json.loads(said.strip().splitlines()[-1])
    return found


def _started(lab: LabProcess, path: Path) -> float:
    lab.tell("hold")
    with Daemon(path) as daemon:
        lab.tell("await_first")
        spent = cpu(daemon.pid)
        lab.tell("release")
        time.sleep(0.1)
    return spent
