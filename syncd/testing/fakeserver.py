"""The fake CMS and its list as a real server with lossy answers: `python -m syncd.testing.fakecms --state FILE`."""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TextIO

from syncd.testing.fakecms import FakeCms, Switches
from syncd.testing.fakelist import FakeList
from syncd.testing.faults import CALL_FAULTS, Faults, everything

Reply = tuple[int, dict[str, str], bytes]
SWITCHES = Switches()

_ERROR_PAGE = "<html><head><title>系统提示</title></head><body><p>系统维护中</p></body></html>".encode()
_JSON = {"content-type": "application/json; charset=utf-8"}


class Journal:
    """An append-only file of JSON lines, each on the disk before the call returns."""

    def __init__(self, path: Path) -> None:
        known = path.read_text().splitlines() if path.exists() else []
        self.lines = [json.loads(line) for line in known]
        self._file: TextIO = path.open("a")

    def append(self, line: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


class Site:
    """A CMS and a list behind one lock, with their journal. base: the server's own address.

    /_test/publish, /_test/correct and /_test/withdraw change the list; /_test/faults sets the rate of faults;
    /_test/posts tells the live posts and what went wrong so far.
    """

    def __init__(self, base: str, journal: Journal, faults: Faults, *, switches: Switches, latest: float) -> None:
        self.lock = threading.Lock()
        self.faults = faults
        self.latest = latest
        self._journal = journal
        self.cms = FakeCms(switches, record=lambda write: journal.append({"write": write}))
        self.list = FakeList(base)
        for line in journal.lines:
            self._take_up(line)

    def _take_up(self, line: Mapping[str, Any]) -> None:
        if "write" in line:
            self.cms.load(line["write"])
        else:
            self._change_list(line["do"], line["told"], datetime.fromisoformat(line["at"]))

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """What the state says, without faults."""
        now = datetime.now(UTC)  # noqa: TID251 - a server of its own, outside the daemon
        with self.lock:
            if path.startswith("/_test/"):
                return self._test(path.removeprefix("/_test/"), json.loads(body or b"{}"), now)
            owner = self.cms if path.startswith(("/api/", "/p/")) else self.list
            return owner.handle(method, path, headers, body, now)

    def _test(self, what: str, told: dict[str, Any], now: datetime) -> Reply:
        if what == "faults":
            self.faults.rates = everything(told["rate"], told["rate"])
        elif what != "posts":
            self._journal.append({"do": what, "told": told, "at": now.isoformat()})
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

    def fault(self, method: str, path: str) -> str:
        """What goes wrong with this request, or ""; pages and lists only get cut or refused."""
        if path.startswith("/_test/"):
            return ""
        with self.lock:
            fault = self.faults.draw(CALL_FAULTS)
            if fault == "late" and method in ("GET", "HEAD"):
                fault = "lost_before"
            if fault:
                self.faults.strike(fault)
            return fault

    def later(self, act: Any) -> None:
        """The request takes effect within `latest` seconds."""
        timer = threading.Timer(self.faults.dice.uniform(0.05, self.latest), act)
        timer.daemon = True
        timer.start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def _serve(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path
        fault = self.site.fault(method, path)

        def act() -> Reply:
            return self.site.answer(method, path, headers, body)

        match fault:
            case "refused" | "lost_before":
                self._hang_up()
            case "late":
                self.site.later(act)
                self._hang_up()
            case "bad_gateway":
                self._send((502, {"content-type": "text/html"}, b"<html>502 Bad Gateway</html>"))
            case "limited":
                self._send((429, {**_JSON, "retry-after": "1"}, b'{"error": "slow_down"}'))
            case _:
                self._after(fault, act())

    def _after(self, fault: str, reply: Reply) -> None:
        """The request took effect; what becomes of its answer."""
        match fault:
            case "lost_after":
                self._hang_up()
            case "cut_answer":
                self._send(reply, cut=True)
            case "page200":
                self._send((200, {"content-type": "text/html; charset=utf-8"}, _ERROR_PAGE))
            case "error500_after":
                self._send((500, {"content-type": "text/html"}, b"<html>Fatal error</html>"))
            case _:
                self._send(reply)

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, reply: Reply, *, cut: bool = False) -> None:
        status, headers, body = reply
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle is the purpose of this server."""


def serve(
    state: Path, *, port: int = 0, seed: int | None = None, rate: float = 0.4, latest: float = 1.0,
    switches: Switches = SWITCHES,
) -> tuple[ThreadingHTTPServer, Site]:
    """A server on loopback, not yet serving. seed: of the faults, None for none. latest: seconds of late requests."""
    server = _Server(("127.0.0.1", port), _Handler)
    base = f"http://127.0.0.1:{server.server_address[1]}"
    faults = Faults(random.Random(seed), {} if seed is None else everything(rate, rate))  # noqa: S311 - no secret
    site = Site(base, Journal(state), faults, switches=switches, latest=latest)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"site": site})
    return server, site


def main() -> None:
    """Serve until the process ends; the first line of the output is the address."""
    parser = argparse.ArgumentParser(prog="python -m syncd.testing.fakecms", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, required=True, help="journal: what was written survives here")
    parser.add_argument("--faults", type=int, default=None, metavar="SEED", help="lossy answers, decided by this seed")
    parser.add_argument("--rate", type=float, default=0.4, help="share of requests that something happens to")
    parser.add_argument("--latest", type=float, default=1.0, help="seconds after which a late request has landed")
    parser.add_argument("--unique", choices=("server", "app", "none"), default="server")
    told = parser.parse_args()
    server, site = serve(
        told.state, port=told.port, seed=told.faults, rate=told.rate, latest=told.latest,
        switches=Switches(unique=told.unique),
    )
    print(site.list.base, flush=True)
    server.serve_forever()
