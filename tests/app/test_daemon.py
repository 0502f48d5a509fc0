"""The daemon as a real process: start, second start, reload, drain, kill -9."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from syncd.testing.fakeserver import Site, serving
from tests.engine.rig import text_of, title_of

CONFIG = """\
[syncd]
state_dir = "state"
listen = "127.0.0.1:{port}"
hosts = ["status.county.example"]

[[sources]]
name = "central"
kind = "feed"
url = "{list}/feed.json"
every = "1s"
allow_private = true

[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "static"
public_url = "{site}"
settle = "2s"
options = {{ directory = "site" }}

[[routes]]
sources = ["central"]
site = "county"
column = "要闻"
deadline = "12h"
basis = "国办发〔2017〕47号"
authority = "county head's order no. 3"
"""


PARTS = ("running", "version", "problems", "sites", "counts", "verdicts", "attention")
"""Of a status: what no moment of asking is in."""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class Town:
    """A list, a web server over the static site, and the daemon between them; all on loopback."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "site").mkdir()
        self._stack = ExitStack()
        self.site = self._stack.enter_context(serving(Site(root / "list.journal")))
        self.pages = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root / "site")))
        self.pages.daemon_threads = True
        threading.Thread(target=self.pages.serve_forever, daemon=True).start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.text = CONFIG.format(
            port=self.port, list=self.site.list.base, site=f"http://127.0.0.1:{self.pages.server_address[1]}"
        )
        self.config = root / "config.toml"
        self.config.write_text(self.text, encoding="utf-8")
        self.daemon: subprocess.Popen[bytes] | None = None

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "syncd", *args, "--config", str(self.config)]

    def start(self) -> None:
        with (self.root / "log").open("ab") as log:
            self.daemon = subprocess.Popen(self.command("run"), stdout=log, stderr=log, env=_environment())
        self.wait("the daemon answers", lambda: self.get("healthz") is not None)

    def get(self, path: str, host: str = "localhost") -> str | None:
        asked = urllib.request.Request(f"http://127.0.0.1:{self.port}/{path}", headers={"Host": host})
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            return None

    def status(self) -> dict[str, Any]:
        return json.loads(self.get("api/v1/status") or "{}")

    def reposts(self) -> list[dict[str, Any]]:
        return json.loads(self.get("api/v1/reposts") or "[]")

    def run(self, *args: str, timeout: float = 120.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=timeout, env=_environment())

    def wait(self, what: str, met: Callable[[], Any], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, f"{what}: {(self.root / 'log').read_text()[-3000:]}"
            time.sleep(0.1)

    def publish(self, id: int) -> None:
        told = json.dumps({"id": id, "title": title_of(id), "text": text_of(id)}).encode()
        request = urllib.request.Request(f"{self.site.list.base}/_test/publish", told, method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10).close()

    def begin(self) -> None:
        """One old document, and the first good read."""
        self.publish(900)
        self.start()
        self.wait("the first good read", lambda: (self.status().get("sources") or [{}])[0].get("good"))

    def visible(self, *ids: int) -> bool:
        return {r["title"] for r in self.reposts() if r["status"] == "visible"} >= {title_of(id) for id in ids}

    def posts(self, id: int) -> int:
        """Pages of the site, told from the outside, that show the document's text."""
        wanted = f"现将第{id}号通知"
        pages = [page.read_text(encoding="utf-8") for page in (self.root / "site").rglob("*.html")]
        return sum(wanted in page and "<article" in page for page in pages)

    def signal(self, name: signal.Signals) -> None:
        assert self.daemon is not None
        self.daemon.send_signal(name)

    def stop(self) -> None:
        if self.daemon and self.daemon.poll() is None:
            self.daemon.kill()
            self.daemon.wait()
        self._stack.close()
        self.pages.shutdown()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "NO_COLOR": "1"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    place = Town(tmp_path)
    yield place
    place.stop()


@pytest.mark.guarantee(2)
def test_it_posts_once_through_kill_9_refuses_a_second_start_and_drains_on_sigterm(town: Town) -> None:
    town.begin()
    town.publish(1)
    town.wait("the first document is visible", lambda: town.visible(1))

    second = town.run("run")
    assert second.returncode == 75, second.stderr
    assert "syncd" in second.stderr

    town.publish(2)
    town.wait("the second document is known", lambda: any(r["title"] == title_of(2) for r in town.reposts()))
    town.signal(signal.SIGKILL)
    town.daemon.wait()  # type: ignore[union-attr]
    town.publish(3)
    town.start()
    town.wait("all are visible", lambda: town.visible(1, 2, 3))
    assert [town.posts(id) for id in (1, 2, 3)] == [1, 1, 1]

    for args in (("package", "1", "--out"), ("db", "backup")):
        written = town.root / f"{args[0]}.out"
        assert town.run(*args, str(written)).returncode == 0
        assert written.read_bytes()[:2] in (b"PK", b"SQ")

    asked = town.run("status", "--json")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    told = json.loads(asked.stdout)
    assert told["counts"]["reposts"] == 3
    assert told["attention"] == []

    town.signal(signal.SIGTERM)
    assert town.daemon.wait(25) == 0  # type: ignore[union-attr]
    assert not (town.root / "state" / "control.sock").exists()
    left = json.loads(town.run("status", "--json").stdout)
    assert left["as_of"] < left["now"]
    alone = town.run("reposts", "--json")
    assert len(json.loads(alone.stdout)) == 3, alone.stderr
    (town.root / "state" / "syncd.status.json").unlink()
    asked = json.loads(town.run("status", "--json").stdout)
    assert asked["as_of"] == asked["now"]
    assert [left[part] for part in PARTS] == [asked[part] for part in PARTS]


@pytest.mark.guarantee(5)
def test_a_good_config_is_taken_up_and_a_bad_one_is_shown_while_the_old_one_runs(town: Town) -> None:
    town.begin()
    before = town.status()["config"]["hash"]
    assert town.get("healthz", "status.county.example") is not None
    assert town.get("healthz", "other.county.example") is None

    bad = town.text.replace("要闻", "国务院文件").replace('every = "1s"', 'evry = "1s"')
    town.config.write_text(bad, encoding="utf-8")
    town.signal(signal.SIGHUP)
    town.wait("the bad config is shown", lambda: town.status().get("config", {}).get("rejected"))
    told = town.status()
    assert "evry" in told["config"]["rejected"]
    assert "every" in told["config"]["rejected"]
    assert told["config"]["hash"] == before
    assert "config_rejected" in {p["reason"] for p in told["problems"]}
    assert "syncd_config_rejected 1.0" in (town.get("metrics") or "")
    town.publish(1)
    town.wait("the old config goes on", lambda: town.visible(1))
    assert {r["column"] for r in town.reposts()} == {"要闻"}

    town.config.write_bytes(b"\xff\xfe not TOML at all")
    town.signal(signal.SIGHUP)
    town.wait("another bad config", lambda: "evry" not in town.status().get("config", {}).get("rejected", "evry"))
    assert town.status()["config"]["rejected"]

    town.config.write_text(town.text.replace("要闻", "国务院文件"), encoding="utf-8")
    town.signal(signal.SIGHUP)
    town.wait("the good config is taken up", lambda: town.status().get("config", {}).get("hash", before) != before)
    assert town.status()["config"]["rejected"] == ""
    town.publish(2)
    town.wait("the new config goes on", lambda: town.visible(2))
    assert {r["title"]: r["column"] for r in town.reposts()} == {title_of(1): "要闻", title_of(2): "国务院文件"}
    assert "syncd_config_rejected 0.0" in (town.get("metrics") or "")
