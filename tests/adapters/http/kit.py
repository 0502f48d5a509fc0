"""Declared sites for tests: config as a person writes it, a fake behind a lossy network, and what a test does with them."""

from __future__ import annotations

import asyncio
import functools
import random
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.http import HttpAdapter
from syncd.engine.send import print_of
from syncd.errors import StoreError
from syncd.model import Instant, Media, Post, RemoteDoc
from syncd.testing.clock import ManualClock
from syncd.testing.faults import Faults
from syncd.testing.network import FakeExchange, Wires
from syncd.web.api import Answer

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples" / "sites"
NOW = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)
BYTES = {"a" * 64: b"%PDF-1.4 one", "b" * 64: b"\x89PNG two"}
PDF = Media("https://www.gov.cn/f.pdf?a=1&b=2", "fujian-1.pdf", "application/pdf", 12, "a" * 64, "附件1：<方案>")
PNG = Media("https://www.gov.cn/g.png", "tu-1.png", "image/png", 8, "b" * 64, "图1")
TEXT = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第一版方案》印发给你们，请认真贯彻执行。</p>"
OTHER = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第二版方案》印发给你们，请认真贯彻执行。</p>"
SECRET = "口令secret1"
Handler = Callable[..., tuple[int, dict[str, str], bytes]]


class Blobs:
    def read(self, sha256: str) -> bytes:
        if sha256 not in BYTES:
            raise StoreError("blob_missing", hint="wait")
        return BYTES[sha256]


class Net:
    """A network in memory over one handler. fault: strikes the next calls that `on` lets through, `times` of them."""

    def __init__(self, handler: Handler, host: str) -> None:
        self.clock = ManualClock()
        self.faults = Faults(random.Random(1))
        self.wires = Wires(self.clock, self.faults, {host: handler})
        self._client = FakeExchange(self.wires).client("test")
        self.get = self._client.get
        self.fault, self.times = "", 0
        self.on: Callable[[str, str], bool] = lambda method, url: True
        self.asked: list[str] = []
        self.says: Callable[[str, str], tuple[int, dict[str, str], bytes] | None] = lambda method, url: None

    async def call(self, method: str, url: str, **named: Any) -> Answer:
        self.asked.append(f"{method} {url}")
        if (said := self.says(method, url)) is not None:
            names = tuple((name.encode(), value.encode()) for name, value in said[1].items())
            return Answer(said[0], url, names, said[2], self.clock.now(), self.clock.now())
        strikes = self.times > 0 and self.on(method, url)
        self.times -= strikes
        self.faults.rates = {self.fault: 1.0} if strikes else {}
        try:
            return await self._client.call(method, url, **named)
        finally:
            self.faults.rates = {}

    def strike(self, fault: str, on: Callable[[str, str], bool] = lambda method, url: True, times: int = 1) -> None:
        self.fault, self.on, self.times = fault, on, times


def secretly(value: Any, secret: str = SECRET) -> Any:
    """Options as config hands them on: each reference to a secret is one."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in ("file", "env", "credential"):
            return SecretStr(secret)
        return {name: secretly(each, secret) for name, each in value.items()}
    return [secretly(each, secret) for each in value] if isinstance(value, list) else value


def example(name: str, secret: str = SECRET) -> dict[str, Any]:
    """The options of a shipped example."""
    table = tomllib.loads((EXAMPLES / f"{name}.toml").read_text("utf-8"))["sites"][0]
    found: dict[str, Any] = secretly(table["options"], secret)
    return found


def options_of(text: str, secret: str = SECRET) -> dict[str, Any]:
    """Options written in TOML."""
    found: dict[str, Any] = secretly(tomllib.loads(text), secret)
    return found


class Ground:
    """One fake, its network and adapters of it."""

    def __init__(self, handler: Handler, options: Mapping[str, Any]) -> None:
        self.options = dict(options)
        self.net = Net(handler, urlsplit(str(options["api_url"])).netloc)
        self.public_url = "https://www.county.example"
        self.wires = self.net.wires
        self.wires.servers["www.county.example"] = handler

    def adapter(self, **changes: Any) -> HttpAdapter:
        site = SiteConfig("county", self.public_url, "某县人民政府", "1234567890", options=self.options | changes)
        return HttpAdapter(site, Tools(self.net, self.net.clock.now, Blobs()))

    async def page(self, url: str) -> Answer:
        return await self.net.get(url)


def post(key: str = "syncd-1a2b", **changes: Any) -> Post:
    made = Post(
        key=key, title="关于印发《方案》的通知", html=TEXT, column="国务院文件", revision=1, issuer="国务院",
        document_number="国发〔2026〕1号", written="2026-11-28", origin_name="中国政府网", source_url="https://www.gov.cn/1.htm",
        published=Instant(NOW), sent=NOW, site_name="某县人民政府",
    )
    return replace(made, **changes)


def print_(doc: RemoteDoc | Post | None) -> str:
    assert doc is not None
    return print_of(doc.title, doc.html)


def played(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """A test written as a coroutine, run to its end."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))  # type: ignore[arg-type]

    return run
