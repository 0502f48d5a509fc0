"""The real daemon of the story: its configuration, its lives, and what an operator asks and tells it over HTTP."""

from __future__ import annotations

import http.client
import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.killloop.__main__ import Daemon

CONFIG = """
[syncd]
state_dir = "{folder}/var"
listen = "{listen}"
token = {{ file = "{folder}/token" }}
[[sources]]
name = "central"
kind = "feed"
url = "{list}"
every = "1s"
allow_private = true
[[sites]]
name = "county"
adapter = "wordpress"
public_url = "{public}"
settle = "{settle}s"
options = {{ api_url = "{api}", user = "syncd", password = {{ file = "{folder}/password" }} }}
[[routes]]
sources = ["central"]
site = "county"
column = "要闻"
authority = "story"
"""
UNDER_WAY = ("waiting", "sending", "sent", "in_doubt")
"""Statuses in which something will still happen by itself."""


class Life:
    """Everything of one installation of the daemon, below one folder."""

    def __init__(self, folder: Path, *, list: str, api: str, public: str, password: str, settle: float) -> None:
        self._folder = folder
        self._config = folder / "config.toml"
        self._token = secrets.token_hex(16)
        self._address = _free_address()
        for name, secret in (("password", password), ("token", self._token)):
            (folder / name).touch(mode=0o600)
            (folder / name).write_text(secret)
        self._config.write_text(CONFIG.format(
            folder=folder, listen=self._address, list=list, api=api, public=public, settle=settle,
        ))

    @contextmanager
    def lived(self) -> Iterator[Daemon]:
        """One life: it has started, and at the end it is killed. Raises SystemExit when it does not start."""
        log = self._folder / "daemon.log"
        daemon = Daemon(self._config, log)
        try:
            if not daemon.started():
                raise SystemExit(f"the daemon did not start:\n{log.read_text()[-3000:]}")
            yield daemon
        finally:
            daemon.kill()

    def reposts(self) -> list[dict[str, Any]]:
        """What the living daemon tells of each repost."""
        rows: list[dict[str, Any]] = self._ask("GET", "/reposts")
        return rows

    def hurry(self) -> None:
        """What an operator does with what waits for long after many failures; nothing of what a person must decide."""
        for row in self.reposts():
            if row["status"] in UNDER_WAY and row["reason"]:
                self._ask("POST", f"/reposts/{row['id']}/retry", {"actor": "story"})

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
            connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        assert answer.status in (200, 409), f"{method} {path}: {answer.status} {text[:300]!r}"
        return json.loads(text)


def _free_address() -> str:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{asked.getsockname()[1]}"
