"""The demo's publisher and the site's web server: loopback HTTP servers in gov.cn's shape and RSS."""

from __future__ import annotations

import hashlib
import html
import json
import struct
import threading
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from syncd.demo.policies import Policy

BEIJING = timezone(timedelta(hours=8))
_TYPES = {".pdf": "application/pdf", ".png": "image/png", ".json": "application/json", ".xml": "application/rss+xml"}


@dataclass(slots=True)
class Shelf:
    """What the publisher shows now: policies with their time of publication, newest first. gone: withdrawn with when.

    drop: paths whose next answer is lost on the way; lost counts them.
    """

    rows: list[tuple[Policy, datetime]] = field(default_factory=list)
    gone: list[tuple[Policy, datetime]] = field(default_factory=list)
    drop: set[str] = field(default_factory=set)
    lost: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, policy: Policy, at: datetime) -> None:
        with self.lock:
            self.rows.insert(0, (policy, at))

    def correct(self, policy: Policy) -> None:
        """The same document with another text; its time of publication stays."""
        with self.lock:
            self.rows = [(policy if p.slug == policy.slug else p, at) for p, at in self.rows]

    def withdraw(self, policy: Policy, at: datetime) -> None:
        with self.lock:
            self.rows = [(p, when) for p, when in self.rows if p.slug != policy.slug]
            self.gone.append((policy, at))

    def loses(self, path: str) -> bool:
        """True once for a path whose answer is to be lost."""
        with self.lock:
            if path not in self.drop:
                return False
            self.drop.discard(path)
            self.lost += 1
            return True


class Publisher:
    """Serves both shelves on a free loopback port."""

    def __init__(self) -> None:
        self.govcn, self.rss = Shelf(), Shelf()
        self._server = _serve(partial(_Answers, self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[bytes, str] | None:
        """Body and media type of a path, or None where there is nothing."""
        if path == "/zhengce/zuixin/ZUIXINZHENGCE.json":
            return _govcn_list(self.govcn, self.url), "application/json"
        if path == "/feed.xml":
            return _rss(self.rss, self.url), "application/rss+xml; charset=utf-8"
        name = path.rsplit("/", 1)[-1]
        if path.startswith("/files/"):
            return _file(name), _TYPES[Path(name).suffix]
        return self._page(name.removesuffix(".htm"))

    def _page(self, slug: str) -> tuple[bytes, str] | None:
        for shelf, render in ((self.govcn, _govcn_page), (self.rss, _plain_page)):
            for policy, at in shelf.rows:
                if policy.slug == slug:
                    return render(policy, at).encode(), "text/html; charset=utf-8"
        return None


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, publisher: Publisher, *args: Any) -> None:
        self._publisher = publisher
        super().__init__(*args)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if self._publisher.govcn.loses(path):
            self.close_connection = True
            return
        found = self._publisher.answer(path)
        if found is None:
            self._send(404, b"not found", "text/plain", "")
            return
        body, kind = found
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        unchanged = self.headers.get("If-None-Match") == tag
        self._send(304 if unchanged else 200, b"" if unchanged else body, kind, tag)

    def _send(self, status: int, body: bytes, kind: str, tag: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if tag:
            self.send_header("ETag", tag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """The demo tells its own story."""


class _Pages(SimpleHTTPRequestHandler):
    extensions_map: dict[str, str] = {**SimpleHTTPRequestHandler.extensions_map, ".html": "text/html; charset=utf-8"}  # noqa: RUF012

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the demo tells its own story."""


def serve_site(directory: Path) -> tuple[ThreadingHTTPServer, str]:
    """The local site's web server: it knows nothing of syncd, it serves a folder."""
    directory.mkdir(parents=True, exist_ok=True)
    server = _serve(partial(_Pages, directory=str(directory)))
    return server, f"http://127.0.0.1:{server.server_address[1]}"


def _serve(handler: Callable[..., BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    return server


def _govcn_list(shelf: Shelf, url: str) -> bytes:
    rows = [
        {
            "TITLE": p.title,
            "SUB_TITLE": "",
            "URL": f"{url}/zhengce/content/{p.slug}.htm",
            "DOCRELPUBTIME": at.astimezone(BEIJING).strftime("%Y-%m-%d"),
        }
        for p, at in shelf.rows
    ]
    return json.dumps(rows, ensure_ascii=False).encode("utf-8-sig")


def _govcn_page(policy: Policy, at: datetime) -> str:
    local = at.astimezone(BEIJING)
    cells = [
        ("索 引 号：", policy.index),
        ("主题分类：", "综合政务\\其他"),
        ("发文机关：", policy.issuer),
        ("成文日期：", local.strftime("%Y年%m月%d日")),
        ("标&nbsp;&nbsp;题：", policy.title),
        ("发文字号：", policy.number),
        ("发布日期：", local.strftime("%Y年%m月%d日")),
        ("来&nbsp;&nbsp;源：", "演示网"),
    ]
    header = "".join(f"<tr><td><b>{label}</b></td><td>{html.escape(value)}</td></tr>" for label, value in cells)
    return f"""<!doctype html><html><head><meta charset="utf-8"><title>{html.escape(policy.title)}_演示政府网</title>
<meta name="firstpublishedtime" content="{local:%Y-%m-%d-%H:%M:%S}"><meta name="lanmu" content="最新政策"></head>
<body><table class="bd1">{header}</table><div class="pages_content" id="UCAP-CONTENT"><div class="trs_editor_view">
{_body(policy)}</div></div></body></html>"""


def _plain_page(policy: Policy, at: datetime) -> str:
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(policy.title)}</title></head>
<body><main><h1>{html.escape(policy.title)}</h1>{_body(policy)}</main></body></html>"""


def _body(policy: Policy) -> str:
    paragraphs = "".join(f"<p>{html.escape(text)}</p>" for text in (*policy.paragraphs, policy.says_so))
    pictures = "".join(f'<p><img src="/files/{n}" alt="{n}"></p>' for n in policy.files if n.endswith(".png"))
    label = "附件" if policy.lang == "zh" else "Annex"
    links = "".join(f'<p><a href="/files/{n}">{label}: {n}</a></p>' for n in policy.files if not n.endswith(".png"))
    return paragraphs + pictures + links


def _rss(shelf: Shelf, url: str) -> bytes:
    items = "".join(_item(policy, at, url) for policy, at in shelf.rows)
    gone = "".join(f'<at:deleted-entry ref="{url}/en/{p.slug}" when="{at.isoformat()}"/>' for p, at in shelf.gone)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:at="http://purl.org/atompub/tombstones/1.0"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Demonstration Office (invented)</title><link>{url}/</link>
<description>Invented policies</description>{items}{gone}</channel></rss>""".encode()


def _item(policy: Policy, at: datetime, url: str) -> str:
    body = _body(policy).replace('="/files/', f'="{url}/files/')
    return f"""<item><title>{html.escape(policy.title)}</title><link>{url}/en/{policy.slug}.htm</link>
<guid isPermaLink="false">{url}/en/{policy.slug}</guid><pubDate>{format_datetime(at)}</pubDate>
<dc:creator>{policy.issuer}</dc:creator><content:encoded><![CDATA[{body}]]></content:encoded></item>"""


def _file(name: str) -> bytes:
    """An attachment that says that it is invented."""
    return _png(name) if name.endswith(".png") else _pdf(name)


def _png(name: str) -> bytes:
    """Stripes in a colour that depends on the name."""
    width, height, shade = 320, 80, sum(name.encode()) % 128
    rows = b"".join(b"\0" + bytes((90 + shade, 40 + y, 60)) * width for y in range(height))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _pdf(name: str) -> bytes:
    text = f"BT /F1 18 Tf 60 760 Td ({name}: invented for a demonstration) Tj ET".encode()
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s endobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + end
