"""How long an item takes: from the answer that shows it to the post, and from its publication to its public page."""

from __future__ import annotations

import socket
import statistics
import time

from bench import config
from bench.daemon import Daemon
from bench.figures import Row, at_most, percentile
from bench.process import LabProcess
from bench.rows import Bench

PATIENCE = 120.0


def latency(bench: Bench) -> list[Row]:
    """Items one after the other, so that each goes its way alone; the child is warm."""
    feeds, samples = 20, 20 if bench.quick else 60
    with LabProcess() as lab:
        path = config.write(bench.folder, lab.base, feeds, every="1s")
        with Daemon(path):
            met(lab, feeds)
            for n in range(samples + 1):
                lab.tell("publish", numbers=[n % feeds])
                time.sleep(0.4)
            times = done(lab, samples + 1)[1:]
    spans = [(posted - shown) * 1000 for _, shown, posted, _ in times]
    detail = f"95 %: {percentile(spans, 0.95):.0f} ms, most {max(spans):.0f} ms, of {len(spans)}"
    return [Row("detection to post, median", statistics.median(spans), at_most(30), "ms", detail)]


def visible(bench: Bench) -> list[Row]:
    """Items published at phases of the interval that are spread evenly, each in a feed of its own."""
    feeds, every = (40, 5.0) if bench.quick else (200, 20.0)
    with LabProcess() as lab:
        path = config.write(bench.folder, lab.base, feeds, every=f"{every:g}s")
        with Daemon(path):
            met(lab, feeds)
            time.sleep(every)
            lab.tell("publish_later", numbers=list(range(feeds)), every=every)
            times = done(lab, feeds)
    spans = [(max(posted, seen) - published) / every for published, _, posted, seen in times]
    detail = f"most {max(spans):.2f}, interval {every:g} s, of {len(spans)}"
    return [Row("publication to visible, median", statistics.median(spans), at_most(0.55), "of the interval", detail)]


def push(bench: Bench) -> list[Row]:
    """Items that a hub tells of, one after the other; the lists themselves are due in hours. The lab's CMS takes no time
    of its own that would have to be taken off."""
    feeds, samples = 20, 20 if bench.quick else 60
    with LabProcess() as lab:
        lab.tell("open_hub")
        path = config.write(bench.folder, lab.base, feeds, callback=f"127.0.0.1:{_free_port()}")
        with Daemon(path):
            _subscribed(lab, feeds)
            for n in range(samples + 1):
                lab.tell("publish", numbers=[n % feeds])
                time.sleep(0.4)
            times = done(lab, samples + 1)[1:]
    spans = [(max(posted, seen) - published) * 1000 for published, _, posted, seen in times]
    detail = f"95 %: {percentile(spans, 0.95):.0f} ms, most {max(spans):.0f} ms, of {len(spans)}"
    return [Row("push to visible, median", statistics.median(spans), at_most(100), "ms", detail)]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _subscribed(lab: LabProcess, feeds: int) -> None:
    end = time.monotonic() + PATIENCE
    while lab.tell("subscribed") < feeds:
        if time.monotonic() > end:
            raise RuntimeError("the daemon does not subscribe at the lab's hub")
        time.sleep(0.2)


def met(lab: LabProcess, feeds: int) -> None:
    """Wait until every list was read twice: the first read, and an unchanged one after it."""
    end = time.monotonic() + PATIENCE
    while lab.tell("counted")["asked"].get("feed 304", 0) < feeds:
        if time.monotonic() > end:
            raise RuntimeError("the daemon does not read its lists")
        time.sleep(0.2)


def done(lab: LabProcess, count: int) -> list[list[float]]:
    """The times of all items, once all of them were seen."""
    end = time.monotonic() + PATIENCE
    while True:
        times: list[list[float]] = lab.tell("times")
        if len(times) >= count and all(seen for *_, seen in times):
            return times
        if time.monotonic() > end:
            raise RuntimeError(f"of {count} items {sum(bool(t[3]) for t in times)} became visible")
        time.sleep(0.2)
