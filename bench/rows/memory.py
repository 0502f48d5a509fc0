"""How much memory the daemon takes with many sources and entries, and with one."""

from __future__ import annotations

import time
from pathlib import Path

from bench import config, world
from bench.daemon import Daemon
from bench.figures import Row, at_most, say
from bench.process import LabProcess, family, resident
from bench.rows import Bench

MANY, ENTRIES = 10_000, 1_000_000
NEWS = 20
"""Lists that show something new, at most: so many are parsed. Nothing is posted: the rows of a padded state are not the
lists', so that such a list is held."""
MEBI = 1024 * 1024
PATIENCE = 300.0


def memory(bench: Bench) -> list[Row]:
    """Resident memory after every list was read, a few of them parsed; what the child that parsed takes is told."""
    many, entries = (1000, 100_000) if bench.quick else (MANY, ENTRIES)
    one, _ = _measured(bench.folder / "one", 1, 20)
    all, child = _measured(bench.folder / "many", many, entries)
    name = f"resident memory, {many:,} sources, {entries:,} entries"
    return [
        Row(name, all / MEBI, at_most(128), "MB", f"and {child / MEBI:.0f} MB of the child that parsed"),
        Row("resident memory above one source's", (all - one) / MEBI, at_most(24), "MB", f"{one / MEBI:.0f} MB with one"),
    ]


def _measured(folder: Path, sources: int, entries: int) -> tuple[int, int]:
    """(bytes of the daemon, bytes of its child)."""
    with LabProcess() as lab:
        path = config.write(folder, lab.base, sources, listen="127.0.0.1:0")
        world.state(folder, sources=sources, entries=entries)
        lab.tell("publish", numbers=list(range(min(NEWS, sources))))
        with Daemon(path) as daemon:
            _wait(lab, sources, daemon)
            time.sleep(3.0)
            own, *children = [resident(pid) for pid in family(daemon.pid)]
            say(f"  {sources} sources: {own / MEBI:.1f} MB")
            return own, sum(children)


def _wait(lab: LabProcess, sources: int, daemon: Daemon) -> None:
    """Until every list was asked for. Raises RuntimeError."""
    end = time.monotonic() + PATIENCE
    while _read(lab) < sources:
        if time.monotonic() > end or daemon.process.poll() is not None:
            raise RuntimeError(f"the daemon did not read its {sources} lists")
        time.sleep(0.2)


def _read(lab: LabProcess) -> int:
    asked = lab.tell("counted")["asked"]
    return sum(asked.get(f"feed {status}", 0) for status in (200, 304))
