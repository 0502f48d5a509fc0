"""The story of the demo: what is done to the daemon, what is waited for, and what is counted at the end."""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from syncd.demo import policies as told
from syncd.demo.count import count_posts
from syncd.demo.publisher import Publisher, serve_site
from syncd.demo.table import render
from syncd.errors import SyncdError
from syncd.report.forms import width

MADE_BY_DEMO = ".syncd-demo"
"""A file that marks a folder as the demo's own."""
PATIENCE = 60.0
"""Seconds that the demo waits for any one thing before it says that it did not come."""
CONFIG = """\
# Written by `syncd demo`: everything on loopback, everything below this folder.
[syncd]
state_dir = "state"
listen = "127.0.0.1:{port}"
contact = "demo"

[[sources]]
name = "state-council"
kind = "govcn"
url = "{publisher}/zhengce/zuixin/ZUIXINZHENGCE.json"
every = "2s"
allow_private = true
relook = ["3s", "3s"]

[[sources]]
name = "demonstration-office"
kind = "feed"
url = "{publisher}/feed.xml"
every = "2s"
allow_private = true

[[sites]]
name = "county"
site_name = "演示县人民政府"
site_id = "0000000000"
adapter = "static"
public_url = "{site}"
settle = "3s"
options = {{ directory = "site" }}

[[routes]]
sources = ["state-council"]
site = "county"
column = "国务院文件"
authority = "演示县县长令第3号"
deadline = "12h"
basis = "国办发〔2017〕47号"

[[routes]]
sources = ["demonstration-office"]
site = "county"
column = "Demonstration Office"
authority = "county head's order no. 3"
deadline = "12h"
basis = "county rule (invented)"
"""


class Failed(Exception):
    """Something that the demo promises did not happen."""


@dataclass(slots=True)
class Stage:
    """Where the demo plays, and the daemon that it starts and kills."""

    root: Path
    port: int
    publisher: Publisher
    site_url: str
    daemon: subprocess.Popen[bytes] | None = None
    begun: float = field(default_factory=time.monotonic)
    kills: int = 0

    @property
    def status_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begun:6.1f} s  {text}", flush=True)

    def start(self) -> None:
        """Start the real daemon as a process of its own."""
        log = (self.root / "daemon.log").open("ab")
        command = [sys.executable, "-m", "syncd", "run", "--config", str(self.root / "config.toml")]
        self.daemon = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.root)  # noqa: S603 - our own command
        log.close()
        self.wait("the daemon answers", lambda: self.ask("status") is not None)

    def kill(self) -> None:
        """kill -9, and start again."""
        if self.daemon:
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait()
            self.kills += 1
        self.start()

    def stop(self) -> None:
        if self.daemon and self.daemon.poll() is None:
            self.daemon.terminate()
            try:
                self.daemon.wait(30)
            except subprocess.TimeoutExpired:
                self.daemon.kill()

    def ask(self, what: str) -> Any:
        """The status API's answer, or None while it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.status_url}/api/v1/{what}", timeout=5) as answer:  # noqa: S310 - loopback
                return json.load(answer)
        except (urllib.error.URLError, OSError, json.JSONDecodeError):
            return None

    def repost(self, title: str) -> dict[str, Any]:
        rows = self.ask("reposts") or []
        return next((row for row in rows if row["title"] == title), {})

    def wait(self, what: str, met: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until it is so. Raises Failed."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.daemon and self.daemon.poll() is not None:
                raise Failed(
                    f"the daemon ended by itself with {self.daemon.returncode}: see {self.root / 'daemon.log'}"
                )
            if met():
                return
            time.sleep(0.15)
        raise Failed(f"waited {seconds:.0f} s in vain: {what}")

    def wait_visible(self, policy: told.Policy, revision: int = 1) -> None:
        self.wait(f"visible: {policy.title}", lambda: self._seen(policy) >= revision)
        row = self.repost(policy.title)
        spent = f"{_seconds(row.get('latency_s'))} s after publication" if revision == 1 else f"revision {revision}"
        self.say(f"visible   {policy.title}  ({spent}) {row['url']}")

    def _seen(self, policy: told.Policy) -> int:
        return int((self.repost(policy.title).get("marks") or {}).get("seen", 0))


def run(args: list[str]) -> int:
    """Play it; the exit code."""
    parser = argparse.ArgumentParser(prog="syncd demo", description="Show everything at work on invented policies.")
    parser.add_argument("--once", action="store_true", help="end by itself instead of serving until Ctrl-C")
    parser.add_argument("--dir", type=Path, default=Path("var/demo"), help="where everything is kept")
    chosen = parser.parse_args(args)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stage = _set(chosen.dir.absolute())
    try:
        good = _play(stage)
        if not chosen.once:
            with suppress(KeyboardInterrupt):
                _serve_on(stage)
        return 0 if good else 1
    except Failed as failed:
        print(f"\nFAILED: {failed}", flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stage.stop()
        stage.publisher.close()


def _set(root: Path) -> Stage:
    """A fresh folder with a config, the publisher and the site's web server.

    Raises SyncdError("usage") for a folder that holds anything and that no demo made: only its own may be emptied.
    """
    if (root / MADE_BY_DEMO).exists():
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    if any(root.iterdir()):
        hint = "name an empty folder or a new one by --dir; only a folder that a demo made is emptied"
        raise SyncdError("usage", "the folder is not empty, and no demo made it", where=str(root), hint=hint)
    (root / MADE_BY_DEMO).touch()
    publisher = Publisher()
    _, site_url = serve_site(root / "site")
    port = _free_port()
    (root / "config.toml").write_text(
        CONFIG.format(port=port, publisher=publisher.url, site=site_url), encoding="utf-8"
    )
    return Stage(root, port, publisher, site_url)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _now() -> datetime:
    return datetime.fromtimestamp(time.time_ns() // 1_000_000_000, UTC)


def _play(stage: Stage) -> bool:
    _first_read(stage)
    _publish(stage)
    _lose_an_answer(stage)
    _kill_minus_nine(stage)
    _correct(stage)
    _withdraw(stage)
    _edit(stage)
    _late(stage)
    return _reckon(stage)


def _first_read(stage: Stage) -> None:
    """What the lists show at the first good read is behind the start line."""
    shelf = stage.publisher
    for n, policy in enumerate(told.OLD):
        shelf.govcn.publish(policy, _now() - timedelta(days=30 - n))
    for n, policy in enumerate(told.OLD_EN):
        shelf.rss.publish(policy, _now() - timedelta(days=30 - n))
    stage.say(f"publisher {shelf.url} (invented: gov.cn's list shape, and RSS)")
    stage.start()
    stage.say(f"daemon    status page {stage.status_url}/   site {stage.site_url}/")
    stage.wait("first good read of both lists", lambda: _all_good(stage))
    stage.say(f"read      {len(told.OLD) + len(told.OLD_EN)} old documents are behind the start line: none is reposted")


def _all_good(stage: Stage) -> bool:
    status = stage.ask("status") or {}
    sources = status.get("sources", [])
    return bool(sources) and all(source["good"] for source in sources)


def _publish(stage: Stage) -> None:
    shelf = stage.publisher
    shelf.govcn.publish(told.BEDS, _now())
    shelf.govcn.publish(told.JOINT, _now())
    shelf.rss.publish(told.HEAT, _now())
    shelf.rss.publish(told.RECALLED, _now())
    stage.say("published four documents: with attachments, jointly without 发文字号, and two in English")
    for policy in (told.BEDS, told.JOINT, told.HEAT, told.RECALLED):
        stage.wait_visible(policy)


def _lose_an_answer(stage: Stage) -> None:
    shelf = stage.publisher.govcn
    shelf.drop.add(f"/zhengce/content/{told.CROSSED.slug}.htm")
    shelf.publish(told.CROSSED, _now())
    stage.say("lost      the publisher's answer with the next document is dropped on the way")
    stage.wait("the answer was lost", lambda: shelf.lost == 1)
    stage.wait_visible(told.CROSSED)


def _kill_minus_nine(stage: Stage) -> None:
    stage.publisher.govcn.publish(told.CRASHED, _now())
    stage.wait("it is under way", lambda: bool(stage.repost(told.CRASHED.title)))
    stage.kill()
    stage.say("killed    the daemon with -9 in the middle of a document, and started it again")
    stage.wait_visible(told.CRASHED)


def _correct(stage: Stage) -> None:
    stage.publisher.govcn.correct(told.BEDS_CORRECTED)
    stage.say("corrected the publisher changes a number in a document; its list shows no sign of it")
    stage.wait_visible(told.BEDS_CORRECTED, revision=2)


def _withdraw(stage: Stage) -> None:
    stage.publisher.rss.withdraw(told.RECALLED, _now())
    stage.say("withdrawn the publisher withdraws a document (RFC 6721)")
    stage.wait("withdrawn", lambda: stage.repost(told.RECALLED.title).get("status") == "withdrawn")
    stage.say(f"withdrawn {told.RECALLED.title}: its page is a notice now")


def _edit(stage: Stage) -> None:
    """Somebody edits the repost at the site; a correction then arrives, and must not go over it."""
    page = _page_file(stage, told.HEAT)
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace(told.HEAT.paragraphs[1], f"{told.HEAT.paragraphs[1]} {_NOTE}"), encoding="utf-8")
    stage.say("edited    somebody adds a sentence to a repost at the site, then its publisher corrects the document")
    stage.publisher.rss.correct(told.HEAT_CORRECTED)
    stage.wait("the edit is noticed", lambda: stage.repost(told.HEAT.title).get("status") == "edited")
    stage.say("kept      the local edit stays; the status page asks a person")


_NOTE = "The county's hotline is 000-0000."


def _page_file(stage: Stage, policy: told.Policy) -> Path:
    url = str(stage.repost(policy.title)["url"])
    return stage.root / "site" / urllib.request.url2pathname(url.removeprefix(stage.site_url).lstrip("/"))


def _late(stage: Stage) -> None:
    stage.publisher.govcn.publish(told.LATE, _now() - timedelta(hours=14))
    stage.say("late      the list shows a document only 14 hours after its publication")
    stage.wait_visible(told.LATE)


_EXPECTED = (
    (told.BEDS, "visible", "met", ""),
    (told.JOINT, "visible", "met", ""),
    (told.CROSSED, "visible", "met", ""),
    (told.CRASHED, "visible", "met", ""),
    (told.HEAT, "edited", "met", ""),
    (told.RECALLED, "withdrawn", "met", ""),
    (told.LATE, "visible", "breached", "source"),
)
_STAGES = ("source", "detection", "reading", "approval", "cms", "publishing")


def _reckon(stage: Stage) -> bool:
    """The table, the count from the site's own pages, and whether all is as it should be."""
    posts = count_posts(stage.root / "site")
    rows, faults = [], []
    for policy, status, verdict, blame in _EXPECTED:
        row = stage.repost(policy.title)
        rows.append(_cells(policy, row, posts.get(policy.title, 0)))
        faults += _faults(policy, row, (status, verdict, blame), posts.get(policy.title, 0))
    faults += [f"old document was reposted: {p.title}" for p in (*told.OLD, *told.OLD_EN) if p.title in posts]
    if _NOTE not in _page_file(stage, told.HEAT).read_text(encoding="utf-8"):
        faults.append("the local edit was overwritten")
    heads = ("document", "mark", *_STAGES, "total", "verdict", "whose lag", "posts")
    print("\n" + render(heads, rows, width) + "\n(latency in seconds per stage)\n", flush=True)
    total = sum(posts.values())
    print(
        f"Posts counted from the site's own pages: {total} for {len(posts)} documents; kill -9: {stage.kills}; "
        f"answers lost: {stage.publisher.govcn.lost}",
        flush=True,
    )
    for fault in faults:
        print(f"WRONG: {fault}", flush=True)
    program = sys.argv[0] if sys.argv[0].endswith("/syncd") else "syncd"
    mine = "--config county.toml"  # the checkout's own config.toml is the reference of all options
    print(f"\nTry next:\n  {program} init {mine}\n  {program} check {mine}\n  {program} read URL\n", flush=True)
    return not faults


def _cells(policy: told.Policy, row: dict[str, Any], posts: int) -> tuple[str, ...]:
    lags = row.get("lags") or {}
    spent = [_seconds(lags.get(name)) for name in _STAGES]
    return (
        policy.title,
        str(row.get("status", "missing")),
        *spent,
        _seconds(row.get("latency_s")),
        str(row.get("verdict", "")),
        str(row.get("blame", "")),
        str(posts),
    )


def _faults(policy: told.Policy, row: dict[str, Any], expected: tuple[str, str, str], posts: int) -> list[str]:
    found = (row.get("status"), row.get("verdict"), row.get("blame"))
    faults = [] if found == expected else [f"{policy.title}: {found}, expected {expected}"]
    return faults if posts == 1 else [*faults, f"{policy.title}: {posts} posts on the site, expected 1"]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _serve_on(stage: Stage) -> None:
    print(f"Still serving the site {stage.site_url}/ and the status page {stage.status_url}/ until Ctrl-C", flush=True)
    while stage.daemon and stage.daemon.poll() is None:
        time.sleep(0.5)
