"""The WordPress adapter keeps the contract of adapters, as an Editor and as an Author, over the fake WordPress."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.wordpress import WordpressAdapter
from syncd.model import RemoteRef
from syncd.testing.adapter_contract import AdapterContract
from syncd.web.api import Client
from tests.adapters.wordpress.fake import PASSWORD, FakeWordPress
from tests.adapters.wordpress.kit import NOW, Handled

SECRET = "".join(PASSWORD.split())


class Li:
    """An editor who works with WordPress's own API."""

    def __init__(self, client: Client, url: str) -> None:
        self.client, self.url = client, url

    async def ask(self, method: str, path: str, **told: object) -> object:
        login = base64.b64encode(f"editor:{PASSWORD}".encode()).decode()
        headers = {"authorization": f"Basic {login}", "content-type": "application/json"}
        body = json.dumps(told).encode() if told else b""
        answer = await self.client.call(method, f"{self.url}/wp-json/wp/v2{path}", headers=headers, body=body)
        assert answer.status < 300, answer.body
        return json.loads(answer.body)

    async def edit(self, ref: RemoteRef, html: str) -> None:
        await self.ask("POST", f"/posts/{ref.id}", content=html)

    async def remove(self, ref: RemoteRef) -> None:
        await self.ask("DELETE", f"/posts/{ref.id}?force=true")

    async def count(self, key: str) -> int:
        slugs = ",".join(f"{key}{end}" for end in ("", "-2", "-3", "-4", "__trashed"))
        found = await self.ask("GET", f"/posts?slug={slugs}&status=publish,future,draft,pending,private&context=edit")
        return len(found)


class OnWordPress(AdapterContract):
    secrets = (SECRET, PASSWORD, base64.b64encode(f"syncd:{SECRET}".encode()).decode())
    has_pages = True
    user = "syncd"

    def setup_method(self) -> None:
        self.ground, self.clock = FakeWordPress(), NOW

    def now(self) -> datetime:
        return self.clock

    async def pause(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def make_client(self) -> Client:
        return Handled(self.ground, self.now)

    def make_adapter(self, tools: Tools, password: str = PASSWORD) -> WordpressAdapter:
        options = {"api_url": self.ground.url, "user": self.user, "password": password}
        return WordpressAdapter(SiteConfig("county", self.ground.url, options=options), tools)

    def make_stranger(self, tools: Tools) -> WordpressAdapter:
        return self.make_adapter(tools, "wrong wrong wrong")

    def make_editor(self, tools: Tools) -> Li:
        return Li(tools.client, self.ground.url)


class TestAsEditor(OnWordPress):
    pass


class TestAsAuthor(OnWordPress):
    user = "author"
