"""Typecho's XML-RPC as its published source has it (var/Widget/XmlRpc.php): faults come with HTTP 200, a slug that is taken
gets an ending, whoever is wrong is told 403, HTML is shown as its filter leaves it. State is kept."""

from __future__ import annotations

import base64
import html
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

Reply = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Row:
    id: int
    slug: str
    title: str
    text: str
    status: str
    categories: tuple[str, ...]


class Typecho:
    def __init__(self, password: str) -> None:
        self.rows: dict[int, Row] = {}
        self.files: dict[str, bytes] = {}
        self.categories: list[str] = []
        self.password = password
        self.calls: list[str] = []

    def live(self, slug: str = "") -> list[Row]:
        return [row for row in self.rows.values() if not slug or row.slug == slug]

    def edit(self, id: int, text: str) -> None:
        self.rows[id] = replace(self.rows[id], text=text)

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        if path.startswith("/archives/"):
            return self._page(path)
        if (name := path.removeprefix("/usr/uploads/")) in self.files:
            return 200, {"content-type": "application/octet-stream"}, self.files[name]
        if path != "/action/xmlrpc" or method != "POST":
            return 404, {"content-type": "text/html"}, b"<h1>404</h1>"
        params, name = xmlrpc.client.loads(body)
        self.calls.append(str(name))
        try:
            told = self._call(str(name), list(params))
        except xmlrpc.client.Fault as fault:
            return _answer(xmlrpc.client.dumps(fault, encoding="utf-8"))
        return _answer(xmlrpc.client.dumps((told,), methodresponse=True, encoding="utf-8", allow_none=True))

    def _call(self, name: str, params: list[Any]) -> Any:
        at = 2 if name == "blogger.deletePost" else 1
        if params[at : at + 2] != ["syncd", self.password]:
            raise xmlrpc.client.Fault(403, "无法登录, 密码错误")
        match name:
            case "blogger.getUserInfo":
                return {"nickname": "syncd", "userid": "2"}
            case "metaWeblog.getRecentPosts":
                return [self._told(row) for row in list(reversed(self.rows.values()))[: params[3]]]
            case "metaWeblog.getPost":
                return self._told(self._row(params[0]))
            case "metaWeblog.newPost":
                return self._write(max(self.rows, default=0) + 1, params[3])
            case "metaWeblog.editPost":
                self._row(params[0])
                self._write(params[0], params[3])
                return True
            case "blogger.deletePost":
                self.rows.pop(params[1], None)
                return True
            case "metaWeblog.newMediaObject":
                return self._upload(params[3])
        raise xmlrpc.client.Fault(-32601, "server error. requested method does not exist")

    def _row(self, id: int) -> Row:
        if id not in self.rows:
            raise xmlrpc.client.Fault(404, "文章不存在")
        return self.rows[id]

    def _write(self, id: int, told: dict[str, Any]) -> int:
        taken = {row.slug for row in self.rows.values() if row.id != id}
        slug = wanted = told.get("wp_slug") or str(id)
        number = 0
        while slug in taken:
            number += 1
            slug = f"{wanted}-{number}"
        self.categories += [each for each in told.get("categories", []) if each not in self.categories]
        status = told.get("post_status", "publish")
        self.rows[id] = Row(id, slug, told["title"], told["description"], status, tuple(told.get("categories", [])))
        return id

    def _told(self, row: Row) -> dict[str, Any]:
        return {
            "postid": row.id, "title": row.title, "description": row.text, "wp_slug": row.slug, "post_status": row.status,
            "permaLink": f"https://www.county.example/archives/{row.slug}.html", "categories": list(row.categories),
            "mt_keywords": "", "custom_fields": [], "wp_author": "syncd",
        }

    def _upload(self, told: dict[str, Any]) -> dict[str, str]:
        bits = told["bits"]
        self.files[told["name"]] = bits.data if isinstance(bits, xmlrpc.client.Binary) else base64.b64decode(bits)
        return {"file": told["name"], "url": f"https://www.county.example/usr/uploads/{told['name']}"}

    def _page(self, path: str) -> Reply:
        slug = path.removeprefix("/archives/").removesuffix(".html")
        shown = [row for row in self.live(slug) if row.status == "publish"]
        if not shown:
            return 404, {"content-type": "text/html"}, b"<title>404</title>Not Found"
        text = f"<title>{html.escape(shown[0].title)}</title><article>{shown[0].text}</article>"
        return 200, {"content-type": "text/html; charset=utf-8"}, text.encode()


def _answer(text: str) -> Reply:
    return 200, {"content-type": "text/xml; charset=UTF-8"}, text.encode()
