"""The adapter over the fake Drupal, for tests."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.drupal import DrupalAdapter
from syncd.model import Instant, Media, Post, RemoteRef
from syncd.web.api import Answer, Client, Limits
from tests.adapters.direct import Direct
from tests.adapters.drupal.fake import API, PASSWORD, FakeDrupal

NOW = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
PDF = Media("https://www.gov.cn/f.pdf", "fujian-1-aaaaaaaa.pdf", "application/pdf", 12, "a" * 64, "附件1：方案")
PNG = Media("https://www.gov.cn/p.png", "tu-1-bbbbbbbb.png", "image/png", 4, "b" * 64, "图一")
OFD = Media("https://www.gov.cn/h.ofd", "fujian-3-dddddddd.ofd", "application/ofd", 3, "d" * 64, "附件3")
BYTES = {PDF.sha256: b"%PDF-1.4 one", PNG.sha256: b"\x89PNG", OFD.sha256: b"ofd"}
TEXT = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第一版方案》印发给你们，请认真贯彻执行。</p>"
OTHER = TEXT.replace("第一版", "第二版")


class Blobs:
    def read(self, sha256: str) -> bytes:
        return BYTES[sha256]


class Handled(Direct):
    """A client whose server is the fake. asked: "METHOD path" of each request. answers: instead of the fake's next ones."""

    def __init__(self, fake: FakeDrupal, now: Callable[[], datetime]) -> None:
        super().__init__(fake.handle, now)
        self._now = now
        self.asked: list[str] = []
        self.sent: list[bytes] = []
        self.answers: list[tuple[int, str, bytes]] = []

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        self.asked.append(f"{method} {urlsplit(url).path}")
        self.sent.append(body)
        if self.answers:
            status, type_, text = self.answers.pop(0)
            return Answer(status, url, ((b"content-type", type_.encode()),), text, self._now(), self._now())
        return await super().call(method, url, headers=headers, body=body, limits=limits)

    def writes(self) -> list[str]:
        return [line for line in self.asked if not line.startswith("GET ")]


class Wang:
    """An editor of the site, by an account of their own."""

    def __init__(self, client: Client, url: str) -> None:
        self.client, self.url = client, url

    async def ask(self, method: str, id: str, **attributes: object) -> None:
        login = base64.b64encode(f"editor:{PASSWORD}".encode()).decode()
        data = {"data": {"type": "node--article", "id": id, "attributes": attributes}}
        answer = await self.client.call(
            method, f"{self.url}/jsonapi/node/article/{id}", body=json.dumps(data).encode(),
            headers={"authorization": f"Basic {login}", "content-type": API})
        assert answer.status < 300, answer.body

    async def edit(self, ref: RemoteRef, html: str) -> None:
        await self.ask("PATCH", ref.id, body={"value": html, "format": "full_html", "summary": ""})

    async def remove(self, ref: RemoteRef) -> None:
        await self.ask("DELETE", ref.id)


class Site:
    """A Drupal and what a test does with it."""

    def __init__(self) -> None:
        self.ground = FakeDrupal()
        self.client = Handled(self.ground, lambda: NOW)
        self.editor = Wang(Handled(self.ground, lambda: NOW), self.ground.url)

    def adapter(self, user: str = "syncd", **options: Any) -> DrupalAdapter:
        told = options_of(self.ground, user) | options
        return DrupalAdapter(SiteConfig("county", self.ground.url, options=told), Tools(self.client, lambda: NOW, Blobs()))

    def post(self, key: str = "syncd-0123456789abcdef0123", **changes: Any) -> Post:
        made = Post(
            key=key, title="关于印发《方案》的通知", html=TEXT, column="要闻", revision=1, issuer="国务院",
            document_number="国发〔2026〕1号", written="2026-11-28", origin_name="中国政府网",
            source_url="https://www.gov.cn/1.htm", published=Instant(NOW), sent=NOW,
        )
        return replace(made, **changes)


def options_of(ground: FakeDrupal, user: str = "syncd") -> dict[str, Any]:
    return {
        "api_url": ground.url, "user": user, "password": PASSWORD, "column_field": "field_column", "vocabulary": "columns",
        "files_field": "field_files", "images_field": "field_images",
        "fields": {"document_number": "field_number", "source_url": "field_source.uri"},
    }


def played(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test written as a coroutine over a site, run to its end."""

    @functools.wraps(test)
    def run(site: Site, *args: Any, **named: Any) -> None:
        asyncio.run(test(site, *args, **named))  # type: ignore[arg-type]

    return run
