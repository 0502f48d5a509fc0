"""`python -m tests.simulation --seeds N`: simulate N worlds, count, then show that planted bugs are found."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import time
from collections import Counter
from contextlib import nullcontext

from tests.simulation.checker import NAMES, Counts
from tests.simulation.planted import BUGS, hunt_all
from tests.simulation.run import Ground, run_many, run_seed
from tests.simulation.world import Result
from tests.store import postgres


def main() -> int:
    told = _arguments()
    if told.postgres and (why := postgres.missing()):
        print(why)
        return 2
    with postgres.server() if told.postgres else nullcontext() as server:
        return _run(told, Ground(server.url() if server else told.database, told.lost_commits))


def _run(told: argparse.Namespace, ground: Ground) -> int:
    if told.trace is not None:
        return _traced(told.trace, ground)
    started = time.monotonic()
    clean = _simulate(range(told.first_seed, told.first_seed + told.seeds), told.jobs, ground)
    print(f"{time.monotonic() - started:.0f} s")
    most = told.planted_seeds or max(400, told.seeds)
    elsewhere = bool(ground.database or ground.lost)  # planted bugs are hunted where that is quick
    return 0 if clean and (told.no_planted or elsewhere or _plant(most, told.first_seed, told.jobs)) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--planted-seeds", type=int, help="seeds at most for each planted bug; default: --seeds, but 400")
    parser.add_argument("--no-planted", action="store_true")
    parser.add_argument("--trace", type=int, metavar="SEED", help="print everything that happens in one seed")
    parser.add_argument("--postgres", action="store_true", help="over a PostgreSQL server that ends with the run")
    parser.add_argument("--database", default="", metavar="URL", help="over a PostgreSQL database, in schemas of our own")
    parser.add_argument("--lost-commits", type=float, default=0.0, metavar="RATE", help="answers of commits that are lost")
    return parser.parse_args()


def _traced(seed: int, ground: Ground) -> int:
    result = run_seed(seed, trace=print, ground=ground)
    print(*result.counts.told, result.error, result.trace, result.counts, sep="\n")
    return 0 if result.counts.clean and not result.error else 1


def _simulate(seeds: range, jobs: int, ground: Ground) -> bool:
    """Run them all and print what happened; True when nothing went wrong."""
    faults: Counter[str] = Counter()
    total = Counts()
    trace = hashlib.sha256()
    crashes = creates = effects = errors = 0
    for result in run_many(seeds, jobs=jobs, ground=ground):
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
