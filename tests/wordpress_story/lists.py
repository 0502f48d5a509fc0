"""The source of the story: a list of policies as a real HTTP server in a thread, which nobody kills."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from syncd.testing.fakelist import FakeList
from tests.wordpress_story.truth import text_of


class Source(ThreadingHTTPServer):
    """A context manager. versions: the newest version of each document. url: of the list."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        base = f"http://127.0.0.1:{self.server_address[1]}"
        self.url = f"{base}/feed.json"
        self.lock = threading.Lock()
        self.list = FakeList(base)
        self.versions: dict[int, int] = {}
        self._thread = threading.Thread(target=self.serve_forever, name="list", daemon=True)

    def publish(self, id: int) -> None:
        with self.lock:
            self.versions[id] = 1
            self.list.publish(id, f"关于做好第{id}号专项工作的通知", text_of(id, 1), datetime.now(UTC))

    def correct(self, id: int) -> None:
        with self.lock:
            self.versions[id] += 1
            self.list.correct(id, text_of(id, self.versions[id]), datetime.now(UTC))

    def __enter__(self) -> Source:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed in the middle is the purpose of the story."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Source

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.lock:
            status, told, body = self.server.list.handle("GET", self.path, headers, b"", datetime.now(UTC))
        self.send_response(status)
        for name, value in told.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
