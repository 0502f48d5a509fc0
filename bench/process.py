"""The place for the processes that the bench starts: they take orders as JSON lines, and their CPU is read from outside."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""Of every process: one that compiles its modules anew at each start measures the compiler."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def cores() -> tuple[set[int], set[int]]:
    """(where what is measured runs, where the lab runs); the same core where the machine has but one."""
    found = sorted(os.sched_getaffinity(0))
    return {found[0]}, {found[-1]}


def pin(pid: int, to: set[int]) -> None:
    with contextlib.suppress(OSError):
        os.sched_setaffinity(pid, to)


def family(pid: int) -> list[int]:
    """The process and all that live below it."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU of a process, its children that live and those that it waited for."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15]))
    return total / _TICK


def resident(pid: int) -> int:
    """Bytes of resident memory of a process; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return 0


class Worker:
    """A process that carries out orders: `python -m MODULE ARGS`. Each order is a JSON line, each answer one too."""

    def __init__(self, module: str, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=ENVIRON,
        )
        self.pid = self.process.pid
        pin(self.pid, cores()[0])
        self.order("ready")

    def order(self, do: str, **told: Any) -> Any:
        """Raises RuntimeError when the process died."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **told}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")
        return json.loads(line)

    def timed(self, do: str, **told: Any) -> tuple[float, Any]:
        """(seconds of CPU that an order took, its answer)."""
        before = cpu(self.pid)
        answer = self.order(do, **told)
        return cpu(self.pid) - before, answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class LabProcess:
    """The lab, and the way to tell it what to do."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.lab"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=ENVIRON,
        )
        pin(self.process.pid, cores()[1])
        assert self.process.stdout is not None
        self.base = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def tell(self, what: str, **told: Any) -> Any:
        request = urllib.request.Request(f"{self.base}/_test/{what}", json.dumps(told).encode(), method="POST")
        with _OPENER.open(request, timeout=120) as answer:
            return json.loads(answer.read())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def __enter__(self) -> LabProcess:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def run_timed(command: Sequence[str]) -> float:
    """Seconds of CPU of a command that must succeed, with its children. Raises RuntimeError with what it said."""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRON
    ) as process:
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{command} ended with {process.returncode}: {said.decode()[-500:]}")
    return used.ru_utime + used.ru_stime
