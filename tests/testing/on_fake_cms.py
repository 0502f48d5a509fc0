"""The contract of adapters over the fake CMS, for the right adapter and for wrong ones."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from syncd.adapters.api import SiteConfig, Tools
from syncd.model import RemoteRef
from syncd.testing import AdapterContract, FakeCMS
from syncd.testing.asgi import AppClient
from syncd.testing.clock import START
from syncd.testing.fakecms import FakeAdapter, FakeOptions, Switches
from syncd.web.api import Client

TOKEN = "tok-9f31c2"


class Wang:
    """A person at the site, who needs no API."""

    def __init__(self, cms: FakeCMS) -> None:
        self.cms = cms

    async def edit(self, ref: RemoteRef, html: str) -> None:
        self.cms.edit(int(ref.id), "wang", html, START)

    async def remove(self, ref: RemoteRef) -> None:
        self.cms.delete_by_editor(int(ref.id), "wang", START)

    async def count(self, key: str) -> int:
        return sum(post.key.startswith(key) for post in self.cms.live())


class OnFakeCMS(AdapterContract):
    kind: ClassVar[type[FakeAdapter]] = FakeAdapter
    switches: ClassVar[dict[str, Any]] = {}
    secrets = (TOKEN,)
    has_pages = True

    def setup_method(self) -> None:
        self.passed = timedelta(0)
        self.cms = FakeCMS(Switches(**self.switches), accounts={TOKEN: "syncd"}, now=self.now)

    def now(self) -> datetime:
        return START + self.passed

    async def pause(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)

    def make_client(self) -> Client:
        return AppClient(self.cms, self.now)

    def make_adapter(self, tools: Tools, token: str = TOKEN) -> FakeAdapter:
        options = FakeOptions(api_url="http://cms.example", token=token, **self.switches)
        return self.kind(SiteConfig("county", "http://cms.example", options=options), tools)

    def make_stranger(self, tools: Tools) -> FakeAdapter:
        return self.make_adapter(tools, "wrong")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(self.cms)
