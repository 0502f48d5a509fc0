"""The fake CMS and a list as one server with lossy answers: `syncd fake-cms`, and in a thread of a test."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from syncd.status.server import serve as serve_app
from syncd.testing.asgi import Application, Reply
from syncd.testing.fakecms import ACCOUNTS, FakeCMS, Switches
from syncd.testing.fakelist import FakeList
from syncd.testing.faults import Faults, everything

SWITCHES = Switches()

_JSON = {"content-type": "application/json; charset=utf-8"}


class Journal:
    """An append-only file of JSON lines, each on the disk before the call returns. path: None keeps nothing."""

    def __init__(self, path: Path | None) -> None:
        known = path.read_text().splitlines() if path is not None and path.exists() else []
        self.lines = [json.loads(line) for line in known]
        self._file: TextIO | None = path.open("a") if path is not None else None

    def append(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class Site(Application):
    """A CMS and a list with their journal. `begin` tells it its own address.

    /_test/publish, /_test/correct and /_test/withdraw change the list; /_test/faults sets the rate of faults;
    /_test/posts tells the live posts and what went wrong so far.
    """

    def __init__(
        self, state: Path | None = None, *, faults: Faults | None = None, latest: float = 1.0, switches: Switches = SWITCHES,
        accounts: Mapping[str, str] = ACCOUNTS,
    ) -> None:
        super().__init__(faults, latest=latest)
        self.journal = Journal(state)
        self.cms = FakeCMS(switches, accounts=accounts, record=lambda write: self.journal.append({"write": write}))
        self.list = FakeList("")

    def begin(self, base: str) -> None:
        """Take up what was there before. base: the server's own address, such as "http://127.0.0.1:8390"."""
        self.list.base = base
        for line in self.journal.lines:
            if "write" in line:
                self.cms.load(line["write"])
            else:
                self._change_list(line["do"], line["told"], datetime.fromisoformat(line["at"]))

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        """What the state says, without faults."""
        if path.startswith("/_test/"):
            return self._test(path.removeprefix("/_test/"), json.loads(body or b"{}"), now)
        owner = self.cms if path.startswith(("/api/", "/p/", "/f/")) else self.list
        return owner.handle(method, path, headers, body, now)

    def is_spared(self, path: str) -> bool:
        return path.startswith("/_test/")

    def _test(self, what: str, told: dict[str, Any], now: datetime) -> Reply:
        if what == "faults":
            self.faults.rates = everything(told["rate"], told["rate"])
        elif what != "posts":
            self.journal.append({"do": what, "told": told, "at": now.isoformat()})
            self._change_list(what, told, now)
        return 200, _JSON, json.dumps({"posts": self._posts(), "faults": dict(self.faults.struck)}).encode()

    def _posts(self) -> list[dict[str, Any]]:
        return [{"id": p.id, "key": p.key, "title": p.title, "html": p.html, "state": p.state} for p in self.cms.live()]

    def _change_list(self, what: str, told: Mapping[str, Any], now: datetime) -> None:
        match what:
            case "publish":
                self.list.publish(told["id"], told["title"], told["text"], now)
            case "correct":
                self.list.correct(told["id"], told["text"], now)
            case "withdraw":
                self.list.withdraw(told["id"], now)


def lossy(seed: int | None, rate: float) -> Faults:
    """Faults by dice with this seed. rate: share of the requests that something happens to; None for no faults."""
    return Faults(random.Random(seed), {} if seed is None else everything(rate, rate))  # noqa: S311 - no secret


async def serve(site: Site, port: int, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    """Serve on loopback until `stop` is set. ready: is told the address once it answers.

    Raises SyncdError("listen_failed").
    """
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # an answer that is cut is what this server is for
    server = await serve_app(site, "127.0.0.1", port, option="--port")
    site.begin(base := f"http://127.0.0.1:{server.port}")
    ready(base)
    await stop.wait()
    await server.stop()
    site.journal.close()


@contextmanager
def serving(site: Site, port: int = 0) -> Iterator[Site]:
    """The site served by a thread of this process; `site.list.base` is its address."""
    begun, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    def work() -> None:
        loop.run_until_complete(serve(site, port, stop, lambda base: begun.set()))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    begun.wait(10)
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
