"""A client whose answers a test gives one after the other, as a real server gave them once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from syncd.adapters.api import Tools
from syncd.model import Instant, Media, Post
from syncd.web.api import Answer, Limits, Validators

NOW = datetime(2026, 11, 26, 21, 0, tzinfo=UTC)
FILE = b"%PDF-1.4"
PDF = Media("https://www.gov.cn/f.pdf", "fujian-1.pdf", "application/pdf", len(FILE), "a" * 64, "附件1：方案")


class Blobs:
    def read(self, sha256: str) -> bytes:
        return FILE


class Answering:
    """asked: (method, path, query, body) of each request; a body of JSON as its value, any other as bytes."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        return await self.call("GET", url, headers=headers)

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        parts = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        is_json = "json" in (headers or {}).get("content-type", "")
        self.asked.append((method, parts.path, query, json.loads(body) if is_json else body))
        status, value = self.answers.pop(0)
        return answer(status, value, url)

    def tools(self) -> Tools:
        return Tools(self, lambda: NOW, Blobs())


def answer(status: int, value: Any, url: str = "https://cms.county.example/x", **headers: str) -> Answer:
    """value: becomes JSON; bytes are a page of HTML."""
    body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
    told = {"content-type": "text/html" if isinstance(value, bytes) else "application/json; charset=utf-8", **headers}
    names = tuple((name.replace("_", "-").encode(), text.encode()) for name, text in told.items())
    return Answer(status, url, names, body, NOW, NOW, date=NOW)


def post(**changes: Any) -> Post:
    given: dict[str, Any] = {
        "key": "syncd-0123456789abcdef0123", "title": "关于印发《方案》的通知", "html": "<p>各县（市、区）人民政府：</p>",
        "column": "要闻", "revision": 1, "document_number": "国发〔2026〕1号", "source_url": "https://www.gov.cn/1.htm",
        "published": Instant(NOW), "sent": NOW,
    }
    return Post(**given | changes)
