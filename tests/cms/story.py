"""The story on a real CMS: documents, corrections, a local edit, withdrawals; answers get lost and the daemon is killed.

What is there is counted in the CMS itself, past syncd: one post a document, in its newest text; the editor's text where an
editor was at work; a notice, or nothing, where the source withdrew.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from tests.killloop.__main__ import START_WITHIN, Daemon, Site, text_of

_TITLE = re.compile(r"关于做好第(\d+)号专项工作的通知")
_MARK = re.compile(r"编号 D(\d+)V(\d+)E")
CONFIG = """
[syncd]
state_dir = "{state}"
listen = ""
[[sources]]
name = "central"
kind = "feed"
url = "{base}/atom.xml"
every = "1s"
allow_private = true
{site}
[[routes]]
sources = ["central"]
site = "county"
column = "要闻"
"""
EDITORS = "本县编辑补充：具体安排另行通知。"
FAULTS = 0.25
_PATIENCE = 600.0
KILLS = [pytest.param(10, marks=pytest.mark.servers, id="10"), pytest.param(50, marks=pytest.mark.cms, id="50")]
"""In every CI, and by make test-cms."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A post as the CMS has it. state: "public", "withdrawn" (a notice stands in its place) or "draft" (nobody sees it)."""

    title: str
    html: str
    state: str


class Cms(Protocol):
    """What the story must know of a CMS. struck: how many requests had no good answer so far."""

    @property
    def struck(self) -> int: ...

    def site(self, folder: Path) -> str:
        """The [[sites]] table of a site `county` whose answers can get lost; secrets go into files in folder."""
        ...

    def lose(self, rate: float) -> None:
        """From now on that share of the requests has no good answer."""
        ...

    def posts(self) -> list[Posted]:
        """Every post that was made, in every state but deleted."""
        ...

    def edit(self, title: str, html: str) -> bool:
        """A local editor writes another text into the post of this title; False when there is none yet."""
        ...


class Story:
    """One run. lost, doubled, overwritten, standing: what must be empty at the end."""

    def __init__(self, cms: Cms, folder: Path, *, kills: int, seed: int = 1) -> None:
        self.cms, self.kills, self.dice, self.folder = cms, kills, random.Random(seed), folder
        self.source = Site(folder, seed, "server")
        self.config = folder / "config.toml"
        self.config.write_text(
            CONFIG.format(state=folder / "var", base=self.source.base, site=cms.site(folder)), encoding="utf-8")
        self.versions: dict[int, int] = {}
        self.edited: set[int] = set()
        self.withdrawn: set[int] = set()

    def play(self) -> dict[str, list[int]]:
        """What is wrong at the end, by what is wrong with it."""
        try:
            self.source.tell("faults", rate=0.0)
            self._publish(0)
            with self._life() as daemon:
                daemon.live(START_WITHIN, b'"polled"')  # the first good read: document 0 is old
            self.cms.lose(FAULTS)
            for n in range(1, self.kills + 1):
                self._happens(n)
                with self._life() as daemon:
                    daemon.live(self.dice.uniform(0.0, 3.0))
                    if n == self.kills // 2:  # an editor and a withdrawal need something that is there
                        self._wait(daemon)
            self.cms.lose(0.0)
            self._converge()
            return self._wrong()
        finally:
            self.source.close()

    def _happens(self, n: int) -> None:
        """Between two lives: a new document always; one is corrected, edited at the site or withdrawn now and then."""
        self._publish(n)
        free = [id for id in range(1, n) if id not in self.withdrawn]
        if free and self.dice.random() < 0.4:
            self._correct(self.dice.choice(free))
        if not self.edited:
            next((id for id in self.dice.sample(free, len(free)) if self._edit(id)), None)
        others = [id for id in free if id not in self.edited]
        if self.edited and others and self.dice.random() < 0.1:
            self._edit(self.dice.choice(others))
            others = [id for id in others if id not in self.edited]
        if n > 3 and others and (not self.withdrawn or self.dice.random() < 0.1):
            self._withdraw(self.dice.choice(others))

    def _wait(self, daemon: Daemon) -> None:
        """Until two documents are posted."""
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline and sum(post.state == "public" for post in self.cms.posts()) < 2:
            daemon.live(1.0)

    def _publish(self, id: int) -> None:
        self.versions[id] = 1
        self.source.tell("publish", id=id, title=_title(id), text=text_of(id, 1))

    def _correct(self, id: int) -> None:
        self.versions[id] += 1
        self.source.tell("correct", id=id, text=text_of(id, self.versions[id]))

    def _edit(self, id: int) -> bool:
        """False when it is not posted yet."""
        done = self.cms.edit(_title(id), f"<p>{EDITORS}</p>")
        self.edited |= {id} if done else set()
        return done

    def _withdraw(self, id: int) -> None:
        self.withdrawn.add(id)
        self.source.tell("withdraw", id=id)

    @contextmanager
    def _life(self) -> Iterator[Daemon]:
        log = self.folder / "daemon.log"
        daemon = Daemon(self.config, log)
        try:
            assert daemon.started(), f"the daemon did not start: {log.read_text()[-3000:]}"
            yield daemon
        finally:
            daemon.kill()

    def _converge(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        with self._life() as daemon:
            while time.monotonic() < deadline and any(self._wrong().values()):
                daemon.live(10.0)
                self._hurry()
            daemon.live(3.0)

    def _hurry(self) -> None:
        """What an operator does with what waits for long after many failures; nothing of what a person must decide."""
        for row in json.loads(self._syncd("reposts", "--json") or "[]"):
            if row["status"] in ("waiting", "sending", "sent", "in_doubt") and row["reason"]:
                self._syncd("retry", str(row["id"]))

    def _syncd(self, *words: str) -> str:
        command = [sys.executable, "-m", "syncd", *words, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout

    def _wrong(self) -> dict[str, list[int]]:
        found: dict[int, list[Posted]] = {}
        for post in self.cms.posts():
            if (title := _TITLE.fullmatch(post.title)) is not None:
                found.setdefault(int(title[1]), []).append(post)
        wanted = [id for id in self.versions if id]
        kept = [id for id in wanted if id not in self.withdrawn | self.edited]
        return {
            "doubled": [id for id, posts in found.items() if len(posts) > 1 or id == 0],
            "lost": [id for id in kept if not any(self._is_newest(id, post) for post in found.get(id, ()))],
            "overwritten": [id for id in self.edited if not any(EDITORS in post.html for post in found.get(id, ()))],
            "standing": [id for id in self.withdrawn if any(_still_shows(post) for post in found.get(id, ()))],
        }

    def _is_newest(self, id: int, post: Posted) -> bool:
        mark = _MARK.search(post.html)
        return post.state == "public" and mark is not None and (int(mark[1]), int(mark[2])) == (id, self.versions[id])


def _title(id: int) -> str:
    return f"关于做好第{id}号专项工作的通知"


def _still_shows(post: Posted) -> bool:
    return post.state == "public" or (post.state == "withdrawn" and _MARK.search(post.html) is not None)


def told(cms: Cms, folder: Path, *, kills: int, seed: int = 1) -> None:
    """Play it whole, and hold its end to what syncd promises. Raises AssertionError."""
    folder.mkdir()
    story = Story(cms, folder, kills=kills, seed=seed)
    wrong = story.play()
    assert not any(wrong.values()), wrong
    assert story.edited
    assert story.withdrawn
    assert cms.struck > kills / 5
    # What was withdrawn before it was ever posted is not there.
    assert kills - len(story.withdrawn) <= sum(_TITLE.fullmatch(post.title) is not None for post in cms.posts()) <= kills
