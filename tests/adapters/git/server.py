"""A real smart HTTP server for git: `git http-backend` behind a log-in, with answers that get lost as a test says."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

USER, TOKEN = "syncd", "s3cret-t0ken-of-the-tests"
Fate = str | tuple[int, str]


@dataclass
class GitServer:
    """url: of the folder of repositories. fate: says of each request ("POST", "/site.git/git-receive-pack") "" (nothing),
    "before" (cut before it takes effect), "after" (its answer is lost), "half" (its answer is cut), or (status, header line).
    asked: each request."""

    url: str
    fate: Callable[[str, str], Fate] = lambda method, path: ""
    asked: list[str] = field(default_factory=list)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, root: Path, told: GitServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.root, self.told = root, told


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    server: _Server

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            self._serve(self._chunks())
        else:
            self._serve(self.rfile.read(int(self.headers.get("content-length") or 0)))

    def _chunks(self) -> bytes:
        found = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(found)

    def _serve(self, body: bytes) -> None:
        told = self.server.told
        told.asked.append(f"{self.command} {self.path}")
        wanted = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
        if self.headers.get("authorization", "") != wanted:
            self._answer(401, ["WWW-Authenticate: Basic realm=git"], b"")
            return
        fate = told.fate(self.command, self.path)
        if isinstance(fate, tuple):
            self._answer(fate[0], [fate[1]] if fate[1] else [], b"<html>trouble</html>")
        elif fate == "before":
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self._pass(body, fate)

    def _pass(self, body: bytes, fate: str) -> None:
        path, _, query = self.path.partition("?")
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, check=False, env={
            "PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(self.server.root), "GIT_HTTP_EXPORT_ALL": "1",
            "REMOTE_USER": USER, "REMOTE_ADDR": "127.0.0.1", "REQUEST_METHOD": self.command, "PATH_INFO": path,
            "QUERY_STRING": query, "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": self.headers.get("content-type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""), "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_PROTOCOL": self.headers.get("git-protocol", ""), "HOME": str(self.server.root),
        })
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        if fate == "after":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        lines = head.decode().split("\r\n")
        status = next((int(line.split()[1]) for line in lines if line.startswith("Status:")), 200)
        kept = [line for line in lines if line and not line.startswith("Status:")]
        self._answer(status, kept, answer[: len(answer) // 2] if fate == "half" else answer, len(answer))

    def _answer(self, status: int, headers: list[str], body: bytes, length: int | None = None) -> None:
        size = len(body) if length is None else length
        head = [f"HTTP/1.0 {status} X", *headers, f"Content-Length: {size}", "", ""]
        self.wfile.write("\r\n".join(head).encode() + body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def serving(root: Path) -> Iterator[GitServer]:
    """Serve the repositories below a folder until the end of the block."""
    told = GitServer("")
    server = _Server(root, told)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
