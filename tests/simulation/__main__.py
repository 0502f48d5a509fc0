"""`python -m tests.simulation --seeds N`: simulate N worlds, count, then show that planted bugs are found."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections import Counter

from tests.simulation.checker import NAMES, Counts
from tests.simulation.planted import BUGS, hunt_all
from tests.simulation.run import run_many, run_seed
from tests.simulation.world import Result


def main() -> int:
    told = _arguments()
    if told.trace is not None:
        return _traced(told.trace)
    started = time.monotonic()
    clean = _simulate(range(told.first_seed, told.first_seed + told.seeds), told.jobs)
    print(f"{time.monotonic() - started:.0f} s")
    most = told.planted_seeds or max(400, told.seeds)
    return 0 if clean and (told.no_planted or _plant(most, told.first_seed, told.jobs)) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--planted-seeds", type=int, help="seeds at most for each planted bug; default: --seeds, but 400")
    parser.add_argument("--no-planted", action="store_true")
    parser.add_argument("--trace", type=int, metavar="SEED", help="print everything that happens in one seed")
    return parser.parse_args()


def _traced(seed: int) -> int:
    result = run_seed(seed, trace=print)
    print(*result.counts.told, result.error, result.trace, result.counts, sep="\n")
    return 0 if result.counts.clean and not result.error else 1


def _simulate(seeds: range, jobs: int) -> bool:
    """Run them all and print what happened; True when nothing went wrong."""
    faults: Counter[str] = Counter()
    total = Counts()
    trace = hashlib.sha256()
    crashes = creates = effects = errors = 0
    for result in run_many(seeds, jobs=jobs):
        faults += result.faults
        crashes, creates, effects = crashes + result.crashes, creates + result.creates, effects + result.effects
        trace.update(result.trace.encode())
        errors += _tell(result, total)
    print(f"seeds {len(seeds)} from {seeds.start} effects {effects} crashes {crashes} creates {creates}")
    print("faults " + " ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    print(f"trace {trace.hexdigest()[:32]}")
    print(total)
    return total.clean and not errors


def _tell(result: Result, total: Counts) -> int:
    for name in NAMES:
        total.counts[name] += result.counts.counts[name]
    for line in result.counts.told[:5]:
        print(f"seed {result.seed} {line}")
    if result.error:
        print(result.error)
    return 1 if result.error else 0


def _plant(most: int, first: int, jobs: int) -> bool:
    found = 0
    for name, seed, by in hunt_all(most, first, jobs):
        told = f"found at seed {seed} by {by}" if seed is not None else f"not found in {most} seeds"
        print(f"planted {name}: {told}", flush=True)
        found += seed is not None
    print(f"planted bugs found {found}/{len(BUGS)}")
    return found == len(BUGS)


if __name__ == "__main__":
    sys.exit(main())
