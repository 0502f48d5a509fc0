"""`python -m tests.killloop --kills N`: kill the real daemon N times with -9, then count in the CMS's own log."""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

MARK = re.compile(r"编号 D(\d+)V(\d+)E")
CONFIG = """
[syncd]
state_dir = "{state}"
listen = ""
[[sources]]
name = "central"
kind = "feed"
url = "{base}/feed.json"
every = "1s"
allow_private = true
[[sites]]
name = "county"
adapter = "fake"
public_url = "{base}"
settle = "2s"
options = {{ api_url = "{base}", unique = "{unique}" }}
[[routes]]
sources = ["central"]
site = "county"
column = "要闻"
"""
START_WITHIN = 60.0
"""Seconds that a daemon may take to say that it has started."""


class Site:
    """The fake CMS and list as a process of its own, which nobody kills before the end."""

    def __init__(self, folder: Path, seed: int, unique: str) -> None:
        self.journal = folder / "cms.jsonl"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "syncd", "fake-cms", "--state", str(self.journal), "--seed", str(seed), "--unique", unique],
            stdout=subprocess.PIPE, text=True,
        )
        assert self.process.stdout is not None
        self.base = self.process.stdout.readline().strip()

    def tell(self, what: str, **told: Any) -> dict[str, Any]:
        """Act on the list, end the faults, or ask what is there."""
        request = urllib.request.Request(f"{self.base}/_test/{what}", json.dumps(told).encode(), method="POST")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()


class Daemon:
    """The real command, with its log in a file."""

    def __init__(self, config: Path, log: Path) -> None:
        self._log = log.open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "syncd", "run", "--config", str(config)], stdout=subprocess.PIPE, stderr=self._log,
        )

    def started(self) -> bool:
        """Wait until it says that it has started; False when it ended or took too long."""
        return self._read_until(time.monotonic() + START_WITHIN, b'"started"')

    def live(self, seconds: float, until: bytes = b"\0") -> None:
        """Let it live so long, or until it says a word, with its log taken up."""
        self._read_until(time.monotonic() + seconds, until)

    def _read_until(self, deadline: float, word: bytes) -> bool:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                if not waiting.select(left):
                    return False
                text = os.read(self.process.stdout.fileno(), 65536)
                if not text:
                    return False
                self._log.write(text)
                if word in text:
                    return True
        return False

    def kill(self) -> None:
        """As the kernel does it when memory is out: no time for anything."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self._log.close()


def text_of(id: int, version: int) -> str:
    return (
        f"<p>编号 D{id}V{version}E:各县(市、区)人民政府,市政府各部门、各直属机构:</p>"
        f"<p>一、本件是第{id}号的第{version}版,请认真贯彻执行,遇有问题及时报告。</p>"
    )


class Loop:
    """Publishes, kills, and counts."""

    def __init__(self, told: argparse.Namespace, folder: Path) -> None:
        self.dice = random.Random(told.seed)
        self.folder, self.kills, self.patience = folder, told.kills, told.patience
        self.site = Site(folder, told.seed, told.unique)
        self.config = folder / "config.toml"
        self.config.write_text(CONFIG.format(state=folder / "var", base=self.site.base, unique=told.unique))
        self.versions: dict[int, int] = {}

    def run(self) -> bool:
        self.publish(0)
        self._live(START_WITHIN, b'"polled"')  # the first good read: document 0 is old
        self.site.tell("faults", rate=0.25)
        for n in range(self.kills):
            self._publish_some(n)
            self._live(self.dice.uniform(0.0, 1.5))
            if n % 10 == 9:
                print(f"killed {n + 1}: {len(self.site.tell('posts')['posts'])} posts", flush=True)
        self.site.tell("faults", rate=0.0)
        self._converge()
        return self._count()

    def publish(self, id: int) -> None:
        self.versions[id] = 1
        self.site.tell("publish", id=id, title=f"关于做好第{id}号专项工作的通知", text=text_of(id, 1))

    def _publish_some(self, n: int) -> None:
        self.publish(n + 1)
        if self.dice.random() < 0.3:
            id = self.dice.randint(1, n + 1)
            self.versions[id] += 1
            self.site.tell("correct", id=id, text=text_of(id, self.versions[id]))

    def _daemon(self) -> Daemon:
        return Daemon(self.config, self.folder / "daemon.log")

    def _live(self, seconds: float, until: bytes = b"\0") -> None:
        """One life: it starts, works for so long, and is killed."""
        daemon = self._daemon()
        try:
            if not daemon.started():
                raise SystemExit(f"the daemon did not start: see {self.folder / 'daemon.log'}")
            daemon.live(seconds, until)
        finally:
            daemon.kill()

    def _converge(self) -> None:
        """A life without faults, until every document is there in its newest version or patience is at its end."""
        daemon = self._daemon()
        deadline = time.monotonic() + self.patience
        try:
            daemon.started()
            while time.monotonic() < deadline and self._missing():
                daemon.live(20.0)
                self._hurry()
            daemon.live(3.0)
        finally:
            daemon.kill()

    def _hurry(self) -> None:
        """What an operator does with what waits for up to an hour after many failures: `syncd retry ID`."""
        for row in json.loads(self._syncd("reposts", "--json") or "[]"):
            if row["status"] not in ("visible", "withdrawn") and row["reason"]:
                self._syncd("retry", str(row["id"]))

    def _syncd(self, *words: str) -> str:
        command = [sys.executable, "-m", "syncd", *words, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout

    def _posted(self) -> list[tuple[int, int]]:
        return [(int(m[1]), int(m[2])) for post in self.site.tell("posts")["posts"] if (m := MARK.search(post["html"]))]

    def _missing(self) -> list[int]:
        there = dict(self._posted())
        return [id for id, version in self.versions.items() if id and there.get(id) != version]

    def _count(self) -> bool:
        """What is there, from the CMS's own log."""
        per = Counter(id for id, _ in self._posted())
        faults = self.site.tell("posts")["faults"]
        lost, doubled = self._missing(), sorted(id for id, count in per.items() if count > 1 or id == 0)
        print("faults " + " ".join(f"{name} {count}" for name, count in sorted(faults.items())))
        print(f"kills {self.kills} posts {sum(per.values())} documents {len(self.versions) - 1}")
        for name, ids in (("lost", lost), ("duplicated", doubled)):
            if ids:
                print(f"{name}: documents {ids}")
        print(f"lost {len(lost)} duplicated {len(doubled)}")
        return not lost and not doubled


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.killloop", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--unique", choices=("server", "none"), default="none", help="none: class B, the harder one")
    parser.add_argument("--patience", type=float, default=600.0, help="seconds for the last life")
    parser.add_argument("--keep", type=Path, help="keep state, log and journal in this folder")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="syncd-kill-") as made:
        folder = told.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        loop = Loop(told, folder)
        try:
            return 0 if loop.run() else 1
        finally:
            loop.site.close()


if __name__ == "__main__":
    sys.exit(main())
