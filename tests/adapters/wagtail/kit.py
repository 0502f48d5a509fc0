"""A county's Wagtail that gives the answers of a script, as a real one gave them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.wagtail import WagtailAdapter
from syncd.model import Instant, Media, Post
from tests.adapters.direct import Direct

NOW = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
URL = "https://www.county.example"
KEY = "syncd-0123456789abcdef0123"
TEXT = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第一版方案》印发给你们，请认真贯彻执行。</p>"
PDF = Media("https://www.gov.cn/f.pdf", "方案.pdf", "application/pdf", 12, "a" * 64, "附件1：方案")
PNG = Media("https://www.gov.cn/p.png", "tu-1.png", "image/png", 4, "b" * 64, "图一")
TOKEN = "wagtail_of-a-test"
OPTIONS = {
    "api_url": f"{URL}/api/v3", "token": TOKEN, "page_type": "news.NewsPage", "parent": 3,
    "fields": {"source_url": "source_url", "published": "published", "summary": "search_description"},
}
PROBLEM, PAGE_TYPE = "application/problem+json", "application/json; charset=utf-8"
WHOAMI = {"user": {"id": "1", "username": "syncd", "is_superuser": False}, "profile": {"avatar_url": None}, "groups": ["syncd"]}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, with its JSON body if it had one."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> Any:
        return json.loads(self.body)


Answered = tuple[int, Any]
"""Status and JSON; bytes: a page of HTML; a function: JSON made of the request."""


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))


@dataclass
class Site:
    """answers: by "METHOD path" without /api/v3, each with what comes next; the last one stays. conditions: the middleware is
    there. deaf: a proxy before it takes If-Match away."""

    answers: dict[str, list[Answered]] = field(default_factory=dict)
    conditions: bool = True
    deaf: bool = False
    asked: list[Asked] = field(default_factory=list)
    log: Log = field(default_factory=Log)

    def __post_init__(self) -> None:
        self.answers.setdefault("GET /whoami/", [(200, WHOAMI)])

    def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime,
    ) -> tuple[int, dict[str, str], bytes]:
        self.asked.append(Asked(method, path.removeprefix("/api/v3"), headers, body))
        scripted = self.answers[f"{method} {path.removeprefix('/api/v3').partition('?')[0]}"]
        status, told = scripted.pop(0) if len(scripted) > 1 else scripted[0]
        heard = "held" if "if-match" in headers and not self.deaf else "none"
        announced = {"x-syncd-conditions": f"1 {heard}"} if self.conditions else {}
        named = {"content-type": PROBLEM if status >= 400 else PAGE_TYPE, **announced}
        told = told(self.asked[-1]) if callable(told) else told
        if isinstance(told, bytes):
            return status, {"content-type": "text/html; charset=utf-8"}, told
        return status, named, b"" if told is None else json.dumps(told).encode()

    def adapter(self, **options: Any) -> WagtailAdapter:
        tools = Tools(Direct(self.handle, lambda: NOW), lambda: NOW, Blobs(), self.log)
        return WagtailAdapter(SiteConfig("county", URL, options=OPTIONS | options), tools)

    def writes(self) -> list[Asked]:
        return [each for each in self.asked if each.method != "GET"]


class Blobs:
    def read(self, sha256: str) -> bytes:
        return {PDF.sha256: b"%PDF-1.4 one", PNG.sha256: b"\x89PNG"}[sha256]


def post(**changes: Any) -> Post:
    told: dict[str, Any] = {
        "key": KEY, "title": "关于印发《方案》的通知", "html": TEXT, "column": "", "revision": 1, "issuer": "国务院",
        "source_url": "https://www.gov.cn/1.htm", "published": Instant(NOW), "sent": NOW, "summary": "甲 & 乙",
    }
    return Post(**told | changes)


def page(text: str | None = "", **changes: Any) -> dict[str, Any]:
    """A page as GET /pages/6/?version=draft of Wagtail 8.0.1 tells it. text: of its one block. live, pending, editor, first,
    etag: of the mixin's syncd_page."""
    own = {"etag": '"2.2026-11-26T21:18:51.205285+00:00.2.1"', "live": True, "pending": False, "editor": "1",
           "first": "2026-11-26T21:18:51.268267+00:00"}
    own |= {name: changes.pop(name) for name in tuple(own) if name in changes}
    meta = {
        "type": "news.NewsPage", "detail_url": "http://localhost/api/v3/pages/6/", "html_url": "http://localhost/xxgk/k-1/",
        "locale": "zh-hans", "slug": "k-1", "first_published_at": "2026-11-26T21:16:34.141Z", "show_in_menus": False,
        "seo_title": "", "search_description": "", "alias_of": None, "parent": None, **changes.pop("meta", {}),
    }
    block = {"type": "html", "value": text, "id": "3c8a5f48-5750-4ac2-a431-ee7b1556e51f"}
    return {"meta": meta, "id": 6, "title": "关于印发《方案》的通知", "syncd_key": KEY, "syncd_files": "", "source_url": "",
            "published": None, "syncd_page": own, "body": [] if text is None else [block]} | changes


def problem(status: int, detail: str, *errors: Mapping[str, Any]) -> Answered:
    told: dict[str, Any] = {"type": "about:blank", "title": "x", "status": status, "detail": detail}
    return status, told | ({"errors": list(errors)} if errors else {})


def stored(asked: Asked, **changes: Any) -> dict[str, Any]:
    """The page that Wagtail answers a write with: what was sent, as it is after."""
    sent = asked.told
    return page(**{name: value for name, value in sent.items() if name != "meta"} | changes)
