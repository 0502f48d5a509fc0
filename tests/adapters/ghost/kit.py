"""Answers of Ghost one after another, and what was asked for them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.article import is_picture
from syncd.adapters.credit import Times
from syncd.adapters.ghost import GhostAdapter, Options
from syncd.adapters.sealed import compose
from syncd.model import Media, Post
from syncd.testing.adapter_contract import Told
from tests.adapters.direct import Direct

NOW = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)
KEY = f"{'6b08a199d0db5f4f9c295b45'}:{'9f' * 32}"
URL = "https://www.county.example"
ID, TAG = "6b08a19ad0db5f4f9c295b4e", "6b08a1c8d0db5f4f9c295b5e"
UPDATED = "2026-11-26T20:59:10.000Z"
TEXT = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第一版方案》印发给你们，请认真贯彻执行。</p>"
POST = Post(key="syncd-k1", title="关于印发方案的通知", html=TEXT, column="要闻", revision=1, sent=NOW, source_url="https://www.gov.cn/a")
PDF = Media("https://www.gov.cn/f.pdf", "fujian-1-aaaaaaaa.pdf", "application/pdf", 12, "a" * 64, "附件1：方案")
PNG = Media("https://www.gov.cn/p.png", "图一.png", "image/png", 4, "b" * 64, "图一")
OFD = Media("https://www.gov.cn/h.ofd", "fujian-3.ofd", "application/ofd", 3, "d" * 64, "附件3")
ZONE = ZoneInfo("Asia/Shanghai")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. query: each name once. fields: of the post in its body."""

    line: str
    query: Mapping[str, str]
    fields: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes


class Ghost:
    """Gives its answers in order: (status, JSON or text)."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[Asked] = []
        self.log = Told()

    def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[int, dict[str, str], bytes]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        posts = json.loads(body).get("posts", [{}]) if body.startswith(b"{") else [{}]
        line = f"{method} {parts.path.removeprefix('/ghost/api/admin')}"
        self.asked.append(Asked(line, query, posts[0], headers, body))
        status, told = self.answers.pop(0)
        if isinstance(told, str):
            return status, {"content-type": "text/html"}, told.encode()
        return status, {"content-type": "application/json; charset=utf-8"}, b"" if told is None else json.dumps(told).encode()

    @property
    def lines(self) -> list[str]:
        return [each.line for each in self.asked]

    def adapter(self, **options: Any) -> GhostAdapter:
        made = Options.model_validate({"api_url": URL, "key": KEY, **options})
        tools = Tools(Direct(self.handle, lambda: NOW), lambda: NOW, self, self.log)
        return GhostAdapter(SiteConfig("county", URL, options=made), tools)

    def read(self, sha256: str) -> bytes:
        """adapters.api.Blobs."""
        return b"bytes"


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def ran() -> T:
        return await work()

    return asyncio.run(ran())


def card(markup: str) -> str:
    """As Ghost renders a card of HTML."""
    return f"\n<!--kg-card-begin: html-->\n{markup}\n<!--kg-card-end: html-->\n"


def sealed(post: Post = POST, addresses: Mapping[str, str] | None = None) -> str:
    offered = [media for media in post.media if not is_picture(media)]
    return compose(post, addresses or {}, offered, Times(ZONE, NOW))


def stored(post: Post = POST, **changes: Any) -> dict[str, Any]:
    """A post as Ghost returns it, a draft of ours."""
    told = {
        "id": ID, "slug": post.key, "status": "draft", "visibility": "public", "url": f"{URL}/p/x/",
        "title": post.title, "html": card(sealed(post)),
        "custom_excerpt": "各省、自治区、直辖市人民政府： 现将《第一版方案》印发给你们，请认真贯彻执行。",
        "updated_at": UPDATED, "published_at": None, "tags": [{"id": TAG, "name": "要闻", "slug": "yao-wen"}],
    }
    return told | changes


def public(post: Post = POST, **changes: Any) -> dict[str, Any]:
    told = {"status": "published", "url": f"{URL}/{post.key}/", "published_at": UPDATED}
    return stored(post, **told) | changes


def posts(*told: Mapping[str, Any]) -> dict[str, Any]:
    return {"posts": list(told)}


def tags(*told: tuple[str, str, str]) -> dict[str, Any]:
    return {"tags": [{"id": id, "name": name, "slug": slug} for id, name, slug in told]}


def refusal(message: str, context: str | None = None, **more: Any) -> dict[str, Any]:
    told = {"message": message, "context": context, "type": "", "details": None, "property": None, "help": None, "code": None}
    return {"errors": [{**told, **more}]}


def newer(**changes: Any) -> Post:
    return replace(POST, html=TEXT.replace("第一版", "第二版"), revision=2, **changes)
