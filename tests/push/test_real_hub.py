"""From a publisher through a real hub to the public page: the daemon as a process, flask-websub as another."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from syncd.testing.fakecms import FakeCMS, Switches
from syncd.testing.fakelist import FakeList
from tests.engine.rig import text_of, title_of
from tests.push import realhub

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("websub")]
NAMES = ("central", "refused", "guarded")
HEAD = """\
[syncd]
state_dir = "state"
listen = ""

[push]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}/syncd/push"
"""
SOURCE = """
[[sources]]
name = "{name}"
kind = "feed"
url = "{town}/{name}/feed.json"
every = "12h"
allow_private = true
push = "{push}"
"""
REST = """
[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "fake"
public_url = "{town}"
settle = "2s"
options = {{ api_url = "{town}" }}

[[routes]]
sources = [{names}]
site = "county"
column = "要闻"
authority = "county head's order no. 3"
"""


class Town:
    """Lists that name a hub, and the CMS that reposts go to, on one server."""

    def __init__(self) -> None:
        self.hub = ""
        self.cms = FakeCMS(Switches())
        self.lock = threading.Lock()
        town = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                with town.lock:
                    headers = {name.lower(): value for name, value in self.headers.items()}
                    status, told, text = town.answer(self.command, self.path, headers, body)
                self.send_response(status)
                for name, value in {**told, "content-length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *told: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.lists = {name: FakeList(f"{self.base}/{name}") for name in NAMES}
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        name, _, rest = path.removeprefix("/").partition("/")
        if name not in self.lists:
            return self.cms.handle(method, path, headers, body, datetime.now(UTC))
        status, told, text = self.lists[name].handle(method, f"/{rest}", headers, body, datetime.now(UTC))
        return status, {**told, "link": f'<{self.hub}>; rel="hub", <{self.base}{path}>; rel="self"'}, text

    def publish(self, id: int, name: str = "central") -> None:
        with self.lock:
            self.lists[name].publish(id, title_of(id), text_of(id), datetime.now(UTC))

    def titles(self) -> list[str]:
        with self.lock:
            return [post.title for post in self.cms.live()]


def ping(hub: str, topic: str) -> None:
    told = urlencode({"hub.mode": "publish", "hub.topic": topic}).encode()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(hub, told, timeout=10):
        pass


def until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.1)
    return found


@contextmanager
def daemon(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    with config.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "syncd", "run", "--config", str(config)], stdout=log, stderr=subprocess.STDOUT
        )
        try:
            until((config.parent / "state" / "control.sock").exists)  # a question before that would open the state itself
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def states(config: Path) -> dict[str, tuple[str, str]]:
    command = [sys.executable, "-m", "syncd", "status", "--json", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, check=False)
    told = json.loads(done.stdout) if done.stdout else {"sources": []}
    return {row["name"]: (row["push"]["state"], row["push"]["reason"]) for row in told["sources"]}


def subscribers(database: Path) -> int:
    with closing(sqlite3.connect(database)) as conn:
        return int(conn.execute("SELECT count(*) FROM hub").fetchone()[0])


def written(path: Path, town: Town, hub: str, port: int, names: tuple[str, ...]) -> None:
    pushes = {"central": hub, "refused": hub, "guarded": "auto"}
    sources = "".join(SOURCE.format(name=name, town=town.base, push=pushes[name]) for name in names)
    listed = ", ".join(f'"{name}"' for name in names)
    path.write_text(HEAD.format(port=port) + sources + REST.format(town=town.base, names=listed), encoding="utf-8")


def test_what_a_publisher_tells_a_real_hub_is_posted_though_its_list_is_due_in_hours(tmp_path: Path) -> None:
    if realhub.missing():
        pytest.skip(f"WebSub: {realhub.missing()}")
    database, config, town = tmp_path / "hub.sqlite3", tmp_path / "config.toml", Town()
    for n, name in enumerate(NAMES):
        town.publish(9000 + n, name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with realhub.running(database) as hub:
        town.hub = hub
        written(config, town, hub, port, NAMES)
        with daemon(config) as process:
            until(lambda: states(config).get("central") == ("unproven", ""))
            until(lambda: states(config).get("refused") == ("denied", "hub_denied"))
            until(lambda: states(config).get("guarded") == ("failing", "blocked_address"))
            assert subscribers(database) == 1
            town.publish(1)
            ping(hub, f"{town.base}/central/feed.json")
            until(lambda: title_of(1) in town.titles())
            assert states(config)["central"] == ("working", "")
            assert town.titles() == [title_of(1)]
            written(config, town, hub, port, ("refused",))
            process.send_signal(signal.SIGHUP)
            until(lambda: "central" not in states(config))
            ping(hub, f"{town.base}/central/feed.json")  # the hub is at a private address, so only our 410 tells it
            until(lambda: subscribers(database) == 0)
    town.server.shutdown()
