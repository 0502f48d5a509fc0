"""The relay of a running daemon, in processes of its own: served, exported through the control socket, and without a daemon."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from syncd.relay import seal, wire
from syncd.relay.back import read_status
from tests.app.test_daemon import Town, _environment, title_of
from tests.app.test_daemon import town as town


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Relayed:
    """A town whose daemon relays."""

    def __init__(self, town: Town) -> None:
        self.town, self.port = town, free_port()
        told = subprocess.run(
            [*town.command("relay", "keygen", str(town.root / "relay.key"))[:-2], "--json"], capture_output=True, text=True,
            check=True, env=_environment(),
        )
        self.public = json.loads(told.stdout)["public_key"]
        relay = f'[relay]\nname = "某省"\nkey = {{ file = "relay.key" }}\nlisten = "127.0.0.1:{self.port}"\n'
        town.config.write_text(f"{town.text}\n{relay}", encoding="utf-8")

    def feed(self) -> wire.Feed | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/relay/feed.atom", timeout=5) as answer:
                return wire.read_feed(seal.opened(answer.read(), self.public, wire.FEED))
        except OSError:
            return None


@pytest.mark.guarantee(4)
def test_a_daemon_serves_and_exports_what_it_read_and_its_state_is_served_without_it_too(town: Town) -> None:
    relayed = Relayed(town)
    town.begin()
    found = relayed.feed()
    assert found is not None
    assert found.rows == ()
    town.publish(1)
    town.wait("the document is relayed", lambda: [r.entry.title for r in (relayed.feed() or found).rows] == [title_of(1)])
    town.wait("it is visible", lambda: town.visible(1))

    out = town.root / "disc"
    told = town.run("relay", "export", str(out), "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["documents"] == 1
    status = read_status((out / wire.STATUS_FILE).read_bytes(), [relayed.public], where="disc")
    assert [(row["title"], row["status"]) for row in status["reposts"]] == [(title_of(1), "visible")]
    again = json.loads(town.run("relay", "export", str(out), "--json").stdout)
    assert again["written"] == 0
    assert town.run("relay", "serve").returncode == 75, "the daemon serves it itself"

    town.signal(signal.SIGTERM)
    assert town.daemon is not None
    assert town.daemon.wait(30) == 0
    assert relayed.feed() is None
    quiet = {"stderr": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    alone = subprocess.Popen(town.command("relay", "serve"), env=_environment(), **quiet)
    try:
        town.wait("it is served without a daemon", lambda: relayed.feed() is not None)
        now = relayed.feed()
        assert now is not None
        assert [row.entry.title for row in now.rows] == [title_of(1)]
        alone.send_signal(signal.SIGTERM)
        assert alone.wait(20) == 0
    finally:
        alone.kill()
        alone.wait()


def test_serving_without_an_address_says_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[syncd]\nstate_dir = "state"\nlisten = ""\n')
    asked = [sys.executable, "-m", "syncd", "relay"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, env=_environment())
    assert done.returncode == 2
    assert "[relay]: listen: missing" in done.stderr
