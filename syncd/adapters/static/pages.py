"""What a static site looks like: the page of a repost, its notice when withdrawn, lists, archives and feeds."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from syncd.adapters.static.templates import STYLE, TEMPLATES

_ILLEGAL_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; img-src 'self'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
)
_POLICY_OF_REMOTE_PICTURES = _POLICY.replace("img-src 'self'", "img-src 'self' https: http:")
WORDS = {
    "zh": {
        "home": "首页", "source": "来源", "time": "发布时间", "updated": "更新时间", "original": "查看原文",
        "files": "附件", "issuer": "发文机关", "number": "发文字号", "index": "索引号", "written": "成文日期",
        "published": "发布日期",
        "latest": "最新发布", "archive": "按月查看", "more": "更多", "none": "暂无内容", "withdrawn": "已撤回",
        "notice": "本文件已由发布来源撤回或废止，不再提供正文和附件。", "since": "撤回时间", "subscribe": "订阅",
        "print": "本页为转载，以原文为准。", "columns": "栏目", "skip": "跳到正文", "title": "标题",
    },
    "en": {
        "home": "Home", "source": "Source", "time": "Published here", "updated": "Updated",
        "original": "Read the original",
        "files": "Attachments", "issuer": "Issued by", "number": "Number", "index": "Index number", "written": "Dated",
        "published": "Published at source", "latest": "Latest", "archive": "By month", "more": "More",
        "none": "Nothing yet", "withdrawn": "Withdrawn",
        "notice": "This document was withdrawn or repealed by its source; its text and files are no longer offered.",
        "since": "Withdrawn on", "subscribe": "Subscribe", "print": "A repost; the original prevails.",
        "columns": "Columns", "skip": "Skip to text", "title": "Title",
    },
}


@dataclass(frozen=True, slots=True)
class Site:
    """What every page of a site shares. base: its public address without a slash at the end."""

    base: str
    name: str
    id: str
    domain: str
    lang: str


class Pages:
    """Renders the files of one site; every text of a post is only ever a value, escaped by the template engine."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._env = _environment()

    def post(
        self, post: dict[str, Any], *, url: str, column_url: str, body: str, hotlink: bool = False,
    ) -> bytes:
        """A repost's page. body: sanitised HTML, the only value that is not escaped. hotlink: its pictures may be remote."""
        policy = _POLICY_OF_REMOTE_PICTURES if hotlink else _POLICY
        return self._render("post.html", post=post, url=url, column_url=column_url, root="../../", lang=post["lang"],
                            policy=policy, body=Markup(body))  # noqa: S704  sanitised by content.clean

    def notice(self, post: dict[str, Any], *, url: str, column_url: str, since: str) -> bytes:
        return self._render("notice.html", post=post, url=url, column_url=column_url, since=since, root="../../",
                            lang=post["lang"])

    def column(self, name: str, rows: list[dict[str, Any]], months: list[str]) -> bytes:
        return self._render("column.html", column=name, rows=rows, months=months, month="", root="../")

    def month(self, name: str, month: str, rows: list[dict[str, Any]], months: list[str]) -> bytes:
        return self._render("column.html", column=name, rows=rows, months=months, month=month, root="../../")

    def index(self, columns: list[dict[str, Any]]) -> bytes:
        return self._render("index.html", columns=columns, root="")

    def atom(self, title: str, path: str, posts: list[dict[str, Any]]) -> bytes:
        """An Atom feed. path: of the list it belongs to, below the base, "" or ending with a slash."""
        text = self._env.get_template("feed.xml").render(site=self._site, title=title, path=path, posts=posts)
        return _ILLEGAL_IN_XML.sub("", text).encode()

    def json_feed(self, title: str, path: str, posts: list[dict[str, Any]]) -> bytes:
        home = f"{self._site.base}/{path}"
        feed = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": title,
            "home_page_url": home,
            "feed_url": f"{home}feed.json",
            "language": self._site.lang,
            "items": [_json_item(post) for post in posts],
        }
        return json.dumps(feed, ensure_ascii=False, indent=1).encode("utf-8", "replace")

    def _render(self, template: str, *, lang: str = "", **values: Any) -> bytes:
        shown = lang or self._site.lang
        text = self._env.get_template(template).render(
            site=self._site, words=WORDS[shown], lang=shown, **{"policy": _POLICY, **values},
            style=Markup(STYLE),  # noqa: S704  our own constant
        )
        return text.encode("utf-8", "replace")


@cache
def _environment() -> Environment:
    """One for all sites: compiling the templates takes longer than many pages."""
    made = Environment(
        loader=DictLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )
    made.filters["size"] = _size
    return made


def _json_item(post: dict[str, Any]) -> dict[str, Any]:
    files = [
        {"url": file["url"], "mime_type": file["type"], "title": file["title"], "size_in_bytes": file["size"]}
        for file in post["files"]
    ]
    told = {
        "id": post["url"], "url": post["url"], "external_url": post["source_url"], "title": post["title"],
        "content_html": post["html"], "summary": post["summary"], "date_published": post["first"],
        "date_modified": post["changed"], "tags": post["categories"], "attachments": files,
    }
    return {name: value for name, value in told.items() if value or name == "content_html"}


def _size(count: int) -> str:
    return f"{count / 1048576:.1f} MB" if count >= 1048576 else f"{max(1, round(count / 1024))} KB"
