"""A 集约化平台 as many of them are: pages in GBK, a log-in form with a token, a cookie that ends, save and publish by forms.

Written after the manuals of such platforms; no vendor's own. State is kept, so that every rule of it bites.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

Reply = tuple[int, dict[str, str], bytes]
_PAGE = {"content-type": "text/html; charset=GBK"}
STATES = {"draft": "草稿", "changed": "待发布", "public": "已发布", "withdrawn": "已下线"}


@dataclass(frozen=True)
class Article:
    """shown: title and text as they were published, which a later save does not change."""

    id: int
    name: str
    channel: str
    title: str
    content: str
    state: str = "draft"
    by: str = "syncd"
    shown: tuple[str, str] | None = None


class Platform:
    """unique: the file name of an article is unique. lists: rows a page. lifetime: seconds that a session lives."""

    def __init__(self, *, unique: bool = False, lists: int = 20, lifetime: float = 600.0, login_as_page: bool = False) -> None:
        self.articles: dict[int, Article] = {}
        self.files: dict[str, bytes] = {}
        self.sessions: dict[str, datetime] = {}
        self.token = "t0"
        self.unique, self.lists, self.lifetime, self.login_as_page = unique, lists, lifetime, login_as_page
        self.password = "口令secret1"
        self.logins = 0
        self.asked: list[str] = []
        self.sent: list[bytes] = []

    # People at the site

    def edit(self, id: int, content: str, by: str = "王编辑") -> None:
        """Saved and, if it was public, published."""
        self.articles[id] = replace(self.articles[id], content=content, by=by)
        if self.articles[id].shown is not None:
            self._publish(id, by)

    def remove(self, id: int) -> None:
        del self.articles[id]

    def live(self, name: str = "") -> list[Article]:
        return [each for each in self.articles.values() if not name or each.name == name]

    # The server

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        parts = urlsplit(path)
        self.asked.append(f"{method} {path}")
        self.sent.append(body)
        if parts.path == "/cms/login.do":
            return self._login(method, body, now)
        if not parts.path.startswith("/cms/"):
            return self._public(parts.path)
        if not self._knows(headers.get("cookie", ""), now):
            return self._door() if self.login_as_page else (302, {"location": "/cms/login.do"}, b"")
        asked = dict(parse_qsl(parts.query, encoding="gbk"))
        return self._inside(method, parts.path.removeprefix("/cms/"), asked, headers, body)

    def _inside(self, method: str, name: str, asked: dict[str, str], headers: Mapping[str, str], body: bytes) -> Reply:
        if name == "upload.do":
            return self._upload(headers, body)
        told = dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, encoding="gbk", errors="strict"))
        match (method, name):
            case ("GET", "list.do"):
                return self._list(asked)
            case ("GET", "edit.do"):
                return self._form(asked)
            case ("POST", "save.do"):
                return self._save(told)
            case ("POST", "publish.do"):
                return self._turn(told, "public", "发布成功")
            case ("POST", "offline.do"):
                return self._turn(told, "withdrawn", "下线成功")
            case ("POST", "delete.do"):
                return self._delete(told)
        return page("页面不存在", status=404)

    def _door(self) -> Reply:
        return page(f'<form><input name="_token" value="{self.token}"><input type="password" name="pwd"></form>', "用户登录")

    def _login(self, method: str, body: bytes, now: datetime) -> Reply:
        if method == "GET":
            return self._door()
        told = dict(parse_qsl(body.decode("ascii"), encoding="gbk"))
        good = (told.get("user"), told.get("pwd"), told.get("_token")) == ("syncd", self.password, self.token)
        if not good:
            return self._door()
        self.logins += 1
        self.token = f"t{self.logins}"
        name = f"session-{self.logins}"
        self.sessions[name] = now + timedelta(seconds=self.lifetime)
        return 302, {"location": "/cms/index.do", "set-cookie": f"JSESSIONID={name}; Path=/; HttpOnly"}, b""

    def _knows(self, cookie: str, now: datetime) -> bool:
        found = re.search(r"JSESSIONID=([\w-]+)", cookie)
        return bool(found) and self.sessions.get(found[1] if found else "", now) > now

    def _list(self, asked: dict[str, str]) -> Reply:
        shown = [a for a in reversed(self.articles.values()) if a.channel == asked.get("channel")]
        at = (int(asked.get("page", "1")) - 1) * self.lists
        rows = "".join(
            f'<tr class="row"><td><a href="/zwgk/{a.channel}/{a.name}.html">{html.escape(a.title)}</a></td>'
            f'<td class="id">{a.id}</td><td class="state">{STATES[a.state]}</td></tr>' for a in shown[at : at + self.lists])
        return page(f'<table id="articles"><tbody>{rows}</tbody></table>', "稿件列表")

    def _form(self, asked: dict[str, str]) -> Reply:
        found = self.articles.get(int(asked.get("id", "0")))
        if found is None:
            return page('<p class="error">稿件不存在</p>', "出错了")
        return page(
            f'<form id="article"><input name="id" value="{found.id}"><input name="title" value="{html.escape(found.title)}">'
            f'<input name="filename" value="{found.name}"><textarea name="content">\n{html.escape(found.content)}</textarea>'
            f'<span class="state">{STATES[found.state]}</span><span class="editor">{found.by}</span>'
            f'<a class="view" href="/zwgk/{found.channel}/{found.name}.html">查看</a></form>', "编辑稿件")

    def _save(self, told: dict[str, str]) -> Reply:
        id = int(told.get("id") or 0)
        if not told.get("title"):
            return alert("标题不能为空")
        if id:
            if id not in self.articles:
                return alert("稿件不存在")
            state = "changed" if self.articles[id].state == "public" else self.articles[id].state
            changed = {"title": told["title"], "content": told["content"], "state": state, "by": "syncd"}
            self.articles[id] = replace(self.articles[id], **changed)  # type: ignore[arg-type]
            return alert("保存成功")
        if self.unique and self.live(told["filename"]):
            return alert("文件名已存在")
        id = max(self.articles, default=0) + 1
        self.articles[id] = Article(id, told["filename"], told["channel"], told["title"], told["content"])
        return alert("保存成功")

    def _turn(self, told: dict[str, str], state: str, said: str) -> Reply:
        id = int(told["id"])
        if id not in self.articles:
            return alert("稿件不存在")
        self.articles[id] = replace(self.articles[id], state=state, by="syncd", shown=None)
        if state == "public":
            self._publish(id, "syncd")
        return alert(said)

    def _publish(self, id: int, by: str) -> None:
        article = self.articles[id]
        self.articles[id] = replace(article, state="public", by=by, shown=(article.title, article.content))

    def _delete(self, told: dict[str, str]) -> Reply:
        return alert("删除成功" if self.articles.pop(int(told["id"]), None) else "稿件不存在")

    def _upload(self, headers: Mapping[str, str], body: bytes) -> Reply:
        mark = headers["content-type"].partition("boundary=")[2].encode()
        part = next(each for each in body.split(b"--" + mark) if b"filename=" in each)
        head, _, data = part.partition(b"\r\n\r\n")
        found = re.search(rb'filename="([^"]*)"', head)
        name = found[1].decode("gbk") if found else "x"
        self.files[name] = data.removesuffix(b"\r\n")
        return page(f"<script>parent.uploaded('/files/{name}')</script>")

    def _public(self, path: str) -> Reply:
        name = path.rpartition("/")[2]
        if path.startswith("/files/") and name in self.files:
            return 200, {"content-type": "application/octet-stream"}, self.files[name]
        shown = [a.shown for a in self.live(name.removesuffix(".html")) if a.shown is not None]
        if not shown:
            return page("<h1>404 页面不存在</h1>", "页面不存在", status=404)
        title, text = html.escape(shown[0][0]), shown[0][1]
        return page(f"<h1>{title}</h1><div>{text}</div>", title)


def page(body: str, title: str = "", status: int = 200) -> Reply:
    text = f'<html><head><meta charset="gbk"><title>{title}</title></head><body>{body}</body></html>'
    return status, _PAGE, text.encode("gbk", "xmlcharrefreplace")


def alert(text: str) -> Reply:
    return page(f"<script>alert('{text}');</script>")
