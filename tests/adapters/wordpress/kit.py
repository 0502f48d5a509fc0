"""One WordPress for a test, the fake one or a real one: accounts, a client whose answers can get lost, public pages."""

from __future__ import annotations

import asyncio
import functools
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.wordpress import WordpressAdapter
from syncd.content.text import text_of, title_of
from syncd.core import visible
from syncd.engine.send import print_of
from syncd.errors import StoreError, Unknown
from syncd.model import Instant, Media, Post, RemoteDoc
from syncd.web.api import Answer, Client, Guard, Limits, Network
from syncd.web.client import Web
from tests.adapters.direct import Direct
from tests.adapters.wordpress.fake import PASSWORD, USERS, Companion, FakeWordPress
from tests.wordpress.server import WordPress

NOW = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
BYTES = {"a" * 64: b"%PDF-1.4 one", "b" * 64: b"%PDF-1.4 two", "d" * 64: b"ofd"}
PDF = Media("https://www.gov.cn/f.pdf?a=1&b=2", "fujian-1-aaaaaaaa.pdf", "application/pdf", 12, "a" * 64, "附件1：<方案>")
SECOND = Media("https://www.gov.cn/g.pdf", "fujian-2-bbbbbbbb.pdf", "application/pdf", 12, "b" * 64, "附件2")
OFD = Media("https://www.gov.cn/h.ofd", "fujian-3-dddddddd.ofd", "application/ofd", 3, "d" * 64, "附件3")
TEXT = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第一版方案》印发给你们，请认真贯彻执行。</p>"
OTHER = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第二版方案》印发给你们，请认真贯彻执行。</p>"
LOST = Unknown("timeout", "no answer came")


class Blobs:
    def read(self, sha256: str) -> bytes:
        if sha256 not in BYTES:
            raise StoreError("blob_missing", hint="wait")
        return BYTES[sha256]


class Told:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append((event, fields))


class Lossy:
    """A client between: `fate` says of each request "" (nothing), "before" (it is lost), "after" (its answer is), or
    gives another answer instead: (status, content type, body). meanwhile: what happens while a request is under way.
    headers: go with every request. asked: "METHOD url" of each request."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.fate: Callable[[str, str], Any] = lambda method, url: ""
        self.meanwhile: Callable[[str, str], Awaitable[None]] | None = None
        self.headers: dict[str, str] = {}
        self.asked: list[str] = []
        self.sent: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.get = client.get

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        self.asked.append(f"{method} {url}")
        self.sent.append((method, url, headers or {}, body))
        fate = self.fate(method, url)
        if fate == "before":
            raise LOST
        if isinstance(fate, tuple):
            return answer(*fate, url=url)
        if self.meanwhile is not None:
            await self.meanwhile(method, url)
        got = await self._client.call(method, url, headers={**(headers or {}), **self.headers}, body=body, limits=limits)
        if fate == "after":
            raise LOST
        return got

    async def again(self, n: int) -> Answer:
        """The n-th request takes effect once more: the network delivers it late."""
        method, url, headers, body = self.sent[n]
        return await self._client.call(method, url, headers=headers, body=body)

    def writes(self) -> list[str]:
        return [line for line in self.asked if not line.startswith("GET ")]


def answer(status: int, type: str, body: bytes | str, *, url: str = "http://x.example/", **headers: str) -> Answer:
    data = body.encode() if isinstance(body, str) else body
    told = {"content-type": type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    names = tuple((name.encode(), value.encode()) for name, value in told.items())
    return Answer(status, url, names, data, NOW, NOW)


class Site:
    """A WordPress and what a test does with it. Everything past the adapter goes past its lossy client too."""

    def __init__(self, ground: FakeWordPress | WordPress) -> None:
        self.ground = ground
        self.url = ground.url
        self.real = isinstance(ground, WordPress)
        self.version = ground.version if isinstance(ground, WordPress) else "fake"
        self.log = Told()
        self.clock = NOW
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Site:
        if isinstance(self.ground, WordPress):
            port = urlsplit(self.url).port or 80
            web = Web(now=self.now, monotonic=time.monotonic, user_agent="syncd-tests")
            self._stack.push_async_callback(web.aclose)
            self.plain: Client = web.client("test", Network(), Guard(frozenset({("127.0.0.1", port)})))
        else:
            self.plain = Direct(self.ground.handle, self.now)
        self.client = Lossy(self.plain)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def now(self) -> datetime:
        return datetime.now(UTC) if self.real else self.clock

    def password(self, user: str) -> str:
        return self.ground.users[user].password if isinstance(self.ground, WordPress) else PASSWORD

    def number(self, user: str) -> int:
        return self.ground.users[user].id if isinstance(self.ground, WordPress) else list(USERS).index(user) + 1

    def adapter(self, user: str = "syncd", **options: Any) -> WordpressAdapter:
        told = {"api_url": self.url, "user": user, "password": self.password(user), **options}
        site = SiteConfig("county", self.url, "某县人民政府", "1234567890", options=told)
        return WordpressAdapter(site, Tools(self.client, self.now, Blobs(), self.log))

    def post(self, key: str = "", **changes: Any) -> Post:
        """A post with a key of its own, which no other test has."""
        made = Post(
            key=key or f"syncd-{time.time_ns():020x}", title="关于印发《方案》的通知", html=TEXT, column="要闻", revision=1,
            issuer="国务院", document_number="国发〔2026〕1号", written="2026-11-28", origin_name="中国政府网",
            source_url="https://www.gov.cn/1.htm", published=Instant(NOW), sent=self.now(), site_name="某县人民政府",
        )
        return replace(made, **changes)

    @property
    def guarded(self) -> bool:
        """Whether the fake has the companion."""
        return isinstance(self.ground, FakeWordPress) and self.ground.companion is not None

    def install(self) -> None:
        """An admin installs the companion."""
        if isinstance(self.ground, WordPress):
            self.ground.install()
        else:
            self.ground.companion = Companion()

    def remove(self) -> None:
        """An admin takes the companion away; nothing tells us."""
        if isinstance(self.ground, WordPress):
            self.ground.remove()
        else:
            self.ground.companion = None

    async def ask(self, method: str, path: str, *, user: str = "editor", body: object = None) -> Any:
        """A good answer of wp/v2, asked for by a person at the site."""
        import base64

        login = base64.b64encode(f"{user}:{self.password(user)}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
        data = b"" if body is None else json.dumps(body).encode()
        got = await self.plain.call(method, f"{self.url}/wp-json/wp/v2{path}", headers=headers, body=data)
        assert got.status < 300, f"{method} {path}: {got.status} {got.body[:300]!r}"
        return json.loads(got.body)

    async def edit(self, id: str, user: str = "editor", **fields: Any) -> Any:
        return await self.ask("POST", f"/posts/{id}", user=user, body=fields)

    async def row(self, id: str) -> Any:
        return await self.ask("GET", f"/posts/{id}?context=edit")

    async def rows(self, key: str) -> list[Any]:
        """Every post that a request of ours for this key may have made, in every state."""
        slugs = ",".join(f"{key}{end}" for end in ("", "-2", "-3", "-4", "__trashed"))
        states = "publish,future,draft,pending,private,trash"
        found = await self.ask("GET", f"/posts?slug={slugs}&status={states}&context=edit&orderby=id&order=asc&per_page=100")
        return [row for row in found if row["slug"].startswith(key)]

    async def files(self, id: str) -> list[Any]:
        found: list[Any] = await self.ask("GET", f"/media?parent={id}&per_page=100")
        return found

    async def page(self, url: str) -> Answer:
        """As anybody sees it."""
        return await self.plain.get(url)

    async def looks(self, url: str, post: Post) -> visible.Look:
        """What the engine's look at the public page says."""
        got = await self.page(url)
        assert got.status == 200
        text = got.body.decode()
        return visible.compare(post.title, text_of(post.html), title_of(text), text_of(text))


def print_(doc: RemoteDoc | Post | None) -> str:
    """The fingerprint by which the engine knows a text again."""
    assert doc is not None
    return print_of(doc.title, doc.html)


without_companion = pytest.mark.parametrize(
    "site", ["fake", pytest.param("real", marks=pytest.mark.servers)], indirect=True
)
"""For tests of what only holds without it; test_companion says what does with it."""


def played(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test written as a coroutine over an open site, run to its end."""

    @functools.wraps(test)
    def run(**named: Any) -> None:
        async def whole() -> None:
            async with named.get("site") or named["guarded"]:
                await test(**named)

        asyncio.run(whole())

    return run
