"""The public pages of a CMS that has none of its own: a program that shows its entries to anybody, and nothing else."""

from __future__ import annotations

import html
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Entry = Callable[[str], tuple[str, str] | None]
"""(title, HTML) of the public entry with this id, None where nothing is public."""
_PAGE = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>{0}</title></head><body><h1>{0}</h1>{1}</body></html>'


@contextmanager
def shown(entry: Entry, *, below: str = "/policies/", page: str = _PAGE) -> Iterator[str]:
    """The address at which below + ID is the page of an entry, until the end of the block. page: {0} is its title, {1}
    its HTML."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = entry(self.path.removeprefix(below).partition("?")[0])
            told = page.format(html.escape(found[0]), found[1]) if found else "<h1>404</h1>"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(told.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked(method: str, url: str, token: str, document: object = None) -> Any:
    """What a JSON API answers to an account, None without a body. Raises HTTPError."""
    body = None if document is None else json.dumps(document).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=60) as answer:
        told = answer.read()
    return json.loads(told) if told else None
