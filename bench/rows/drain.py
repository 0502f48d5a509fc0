"""How a queue drains into a CMS that takes one post a second and answers 429 to more."""

from __future__ import annotations

import time

from bench import config
from bench.daemon import Daemon
from bench.figures import Row, at_least, at_most
from bench.process import LabProcess
from bench.rows import Bench
from bench.rows.latency import done, met

EVERY, WORKERS = 1.0, 4


def drain(bench: Bench) -> list[Row]:
    """Items that all come at once; nobody told syncd what the CMS takes."""
    count = 12 if bench.quick else 40
    with LabProcess() as lab:
        path = config.write(bench.folder, lab.base, 4, every="2s", site=config.fake(lab.base, workers=WORKERS))
        with Daemon(path):
            met(lab, 4)
            lab.tell("set", every=EVERY)
            lab.tell("counted", reset=True)
            lab.tell("publish", numbers=[n % 4 for n in range(count)])
            time.sleep(count * EVERY)
            times = done(lab, count)
            asked = lab.tell("counted")["asked"]
    posted = sorted(t[2] for t in times)
    efficiency = (len(posted) - 1) * EVERY / (posted[-1] - posted[0])
    calls = sum(n for kind, n in asked.items() if kind.startswith("api"))
    refused = asked.get("api POST 429", 0)
    return [
        Row("efficiency at 1 post a second", efficiency, at_least(0.95), detail=f"{count} items, {WORKERS} workers"),
        Row("requests an item at 1 post a second", calls / count, at_most(1.1), detail=f"{refused} times 429"),
    ]
