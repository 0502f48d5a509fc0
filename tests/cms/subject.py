"""A CMS under test: who it is, in what row of the table its cases count, and what a create costs beside the bare call."""

from __future__ import annotations

import json
import os
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Subject:
    """adapter: its kind. cms: its name, such as "git with Hugo". component: what tests/lab.py calls it."""

    adapter: str
    cms: str
    component: str

    @property
    def mark(self) -> str:
        """By which a test's report says in which row it counts."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True)
class Cost:
    """What creates cost. guarantee: the class that the adapter declares. median, bare: seconds of a create through the
    adapter and of the bare API call. cpu, calls_cpu: CPU seconds of all that took part in it, for one, through the adapter
    and by the bare calls that make the same promise."""

    guarantee: str
    median: float
    bare: float
    cpu: float
    calls_cpu: float

    @property
    def ratio(self) -> float:
        return self.median / self.bare

    @property
    def more_cpu(self) -> float:
        """0.1 is 10 % more than the bare calls."""
        return self.cpu / self.calls_cpu - 1


Act = Callable[[int], Awaitable[Any]]


async def measured(
    guarantee: str, create: Act, bare: Act, calls: Act | None = None, *, first: int = 0, rounds: int = 30,
    servers: Callable[[], list[int]] = list,
) -> Cost:
    """Take turns with the numbers from `first` on, so that a busy machine is as busy for all; the first of each is not
    counted. The bare calls follow the create whose calls they may repeat.

    create: the n-th post by the adapter; bare: by the one call that makes it; calls: by all the calls that the adapter needs,
    made bare, None where that is the one. servers: the processes below which the CMS lives, beside our own children.
    """
    acts = (("create", create), *([("calls", calls)] if calls else []), ("bare", bare))
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name, _ in acts}
    for n in range(first, first + rounds + 1):
        for name, act in acts if n % 2 else (acts[-1], *acts[:-1]):
            began, used = time.perf_counter(), _cpu(servers())
            await act(n)
            taken[name].append((time.perf_counter() - began, _cpu(servers()) - used))
    found = {name: _middle(rows[1:]) for name, rows in taken.items()}
    (median, cpu), (bare_median, _), (_, calls_cpu) = found["create"], found["bare"], found.get("calls", found["bare"])
    return Cost(guarantee, median, bare_median, cpu, calls_cpu)


def _middle(taken: list[tuple[float, float]]) -> tuple[float, float]:
    """The median of the times, and the mean of the CPU, whose ticks are coarse."""
    return statistics.median(wall for wall, _ in taken), statistics.fmean(cpu for _, cpu in taken)


def _cpu(servers: list[int]) -> float:
    """CPU seconds so far: ours, of our children that ended, and of the servers with all that lives below them."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(_of_tree(pid) for pid in servers)


def _of_tree(pid: int) -> float:
    """With the children that it waited for; one that is gone counts nothing any more."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, told[11:15])) / _TICK + sum(_of_tree(int(child)) for child in below)
