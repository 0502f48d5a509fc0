"""`python -m tests.wordpress_story --items 100`: list, lossy way, real WordPress, kill -9, an editor; then the count.

Documents appear and some are corrected while the daemon is killed at random moments, most of its writes go wrong, and
a second account edits posts by hand. Then nothing goes wrong any more, the daemon gets time, and what WordPress itself
kept of every write is counted. The last line is `published duplicates N missing N overwritten N`; 0 only if all are 0.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.cms.proxy import LossyProxy, rates
from tests.killloop.__main__ import Daemon
from tests.wordpress.install import Unavailable
from tests.wordpress.server import WordPress, running
from tests.wordpress_story.life import UNDER_WAY, Life
from tests.wordpress_story.lists import Source
from tests.wordpress_story.truth import EDIT, EDITOR, MARK, Truth, count, edited

BAD, FAIR = rates(good=0.4, reads=0.1), rates(good=0.6, reads=0.05)
"""Weather of every other life: in bad weather the daemon soon leaves the site alone for half a minute, so that fair
weather is where many writes are under way when it is killed."""
LIFE = (1.0, 9.0)
"""Seconds that a life of the daemon lasts after it has started."""
FIRST_READ_WITHIN = 60.0


class Editor:
    """A person with an account of their own, in a thread: edits a published post now and then, past the lossy way.

    documents: what was edited so far; a correction of these is where harm is done.
    """

    def __init__(self, wordpress: WordPress, seed: int, pause: float) -> None:
        self._wordpress = wordpress
        self._dice = random.Random(seed)
        self._pause = pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="editor")
        self.edits = 0
        self.documents: set[int] = set()

    def _run(self) -> None:
        while not self._over.wait(self._dice.uniform(0.5, 1.5) * self._pause):
            self._edit_one()

    def _edit_one(self) -> None:
        posts = self._wordpress.api("GET", "/posts?context=edit&per_page=100&_fields=id,content", user=EDITOR)
        untouched = [post for post in posts if not EDIT.search(post["content"]["raw"])]
        if not untouched:
            return
        post = self._dice.choice(untouched)
        self.edits += 1
        text = edited(post["content"]["raw"], self.edits)
        self._wordpress.api("POST", f"/posts/{post['id']}?_fields=id", user=EDITOR, body={"content": text})
        if mark := MARK.search(text):
            self.documents.add(int(mark[1]))

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()


class Story:
    """Publishes, kills, heals and counts."""

    def __init__(self, told: argparse.Namespace, wordpress: WordPress, source: Source, proxy: LossyProxy, life: Life) -> None:
        self._told = told
        self._wordpress = wordpress
        self._source = source
        self._proxy = proxy
        self._life = life
        self._dice = random.Random(told.seed)
        self._editor = Editor(wordpress, told.seed, pause=told.kills * 8.0 / max(1, told.items // 5))

    def run(self) -> bool:
        self._source.publish(0)
        with self._life.lived() as daemon:
            daemon.live(FIRST_READ_WITHIN, b'"polled"')  # the first good read: document 0 is old
        with self._editor.at_work():
            self._trouble()
        self._proxy.change({})
        self._proxy.calm(self._told.latest + 60)
        for id in sorted(self._editor.documents)[::2]:
            self._source.correct(id)
        self._say("nothing goes wrong any more")
        with self._life.lived() as daemon:
            self._heal(daemon)
            return self._report()

    def _trouble(self) -> None:
        """As many lives as kills, with documents spread over them."""
        published = 0
        for n in range(1, self._told.kills + 1):
            due = self._told.items * n // self._told.kills
            self._proxy.change(FAIR if n % 2 == 0 else BAD)
            with self._life.lived() as daemon:
                for id in range(published + 1, due + 1):
                    self._change(id)
                    daemon.live(self._dice.uniform(*LIFE) / (due - published))
            published = due
            posts = self._truth().posts
            self._say(f"killed {n} times, {published} documents, {posts} posts, {self._editor.edits} edits")

    def _change(self, id: int) -> None:
        """A new document; and some known one gets another text, often one that an editor has touched."""
        self._source.publish(id)
        if self._dice.random() < 0.4:
            known = [known for known in self._source.versions if known]
            touched = sorted(self._editor.documents)
            self._source.correct(self._dice.choice(touched if touched and self._dice.random() < 0.4 else known))

    def _heal(self, daemon: Daemon) -> None:
        """Until everything is there or patience is at its end."""
        deadline = time.monotonic() + self._told.patience
        while time.monotonic() < deadline and self._unfinished():
            daemon.live(4.0)
            self._life.hurry()
        daemon.live(self._told.settle + 5.0)  # what would still happen, happens before the count

    def _unfinished(self) -> bool:
        truth = self._truth()
        reposts = self._life.reposts()
        under_way = sum(row["status"] in UNDER_WAY for row in reposts)
        self._say(f"missing {len(truth.lost | truth.stale)}, under way {under_way}, drafts {truth.drafts}")
        return bool(truth.lost or truth.stale or under_way or len(reposts) < self._told.items)

    def _truth(self) -> Truth:
        versions = {id: version for id, version in self._source.versions.items() if id}
        return count(self._wordpress.journal(), versions)

    def _report(self) -> bool:
        truth = self._truth()
        rows = self._life.reposts()
        statuses = Counter(f"{row['status']} ({row['reason']})" if row["reason"] else row["status"] for row in rows)
        in_flight = sum(harm.in_flight for harm in truth.overwritten)
        corrections = sum(version - 1 for version in self._source.versions.values())
        table = [
            ("documents / corrections / kills", f"{self._told.items} / {corrections} / {self._told.kills}"),
            ("the lossy way", ", ".join(f"{name} {n}" for name, n in sorted(self._proxy.counts.items()))),
            ("WordPress", f"{self._wordpress.version}, {len(self._wordpress.journal())} writes to posts"),
            ("published posts", str(truth.posts)),
            ("left over", f"{truth.drafts} drafts, {truth.trash} in the trash; made and deleted again: {truth.removed}"),
            ("second posts of a document, ever", f"{len(truth.renamed)} with a renamed slug"),
            ("edits by hand", f"{truth.edits} in {len(truth.edited)} documents"),
            ("reposts as syncd tells them", ", ".join(f"{name} {n}" for name, n in sorted(statuses.items()))),
            ("public twice, ever", _listed(truth.doubled)),
            ("public twice at the end", _listed(truth.doubled_at_end)),
            ("posted although older than the first read", _listed(truth.unwanted)),
            ("without a public post", _listed(truth.lost)),
            ("public in an older version", _listed(truth.stale)),
            ("edits overwritten", f"{_listed({harm.document for harm in truth.overwritten})}; in flight: {in_flight}"),
        ]
        for name, value in table:
            print(f"{name:<42} {value}")
        print(truth.line)
        return truth.good

    def _say(self, words: str) -> None:
        print(f"[{time.monotonic() - self._told.since:5.0f} s] {words}", flush=True)


def _listed(documents: frozenset[int] | set[int]) -> str:
    return f"{len(documents)} {sorted(documents)}" if documents else "0"


def _tell(told: argparse.Namespace, folder: Path) -> bool:
    with (
        running() as wordpress,
        wordpress.companion() if told.companion else nullcontext(),
        Source() as source,
        LossyProxy(wordpress.url, seed=told.seed, rates=BAD, latest=told.latest) as proxy,
    ):
        life = Life(
            folder, list=source.url, api=proxy.url, public=wordpress.url, settle=told.settle,
            password=wordpress.users["syncd"].password,
        )
        return Story(told, wordpress, source, proxy, life).run()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.wordpress_story", description=__doc__)
    parser.add_argument("--items", type=int, default=100, help="documents")
    parser.add_argument("--kills", type=int, default=20, help="times that the daemon is killed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--settle", type=float, default=6.0, help="the site's settling time, seconds")
    parser.add_argument("--latest", type=float, default=3.0, help="seconds of a late write; nothing is promised above --settle")
    parser.add_argument("--patience", type=float, default=240.0, help="seconds for the last life")
    parser.add_argument("--companion", action="store_true", help="with our companion plug-in in WordPress: class A")
    parser.add_argument("--keep", type=Path, help="keep config, state and log in this folder")
    told = parser.parse_args()
    told.since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="syncd-story-") as made:
        folder = (told.keep or Path(made)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return 0 if _tell(told, folder) else 1
        except Unavailable as reason:
            print(f"no WordPress: {reason}")
            return 2


if __name__ == "__main__":
    sys.exit(main())
