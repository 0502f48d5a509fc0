"""The WordPress adapter keeps the contract of adapters, with and without the companion; on a real one: tests/cms/wordpress."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.wordpress import WordpressAdapter
from syncd.model import RemoteRef
from syncd.testing.adapter_contract import AdapterContract
from syncd.web.api import Client
from tests.adapters.direct import Direct
from tests.adapters.wordpress.fake import PASSWORD, Companion, FakeWordPress
from tests.adapters.wordpress.kit import NOW
from tests.wordpress.server import WordPress

SECRET = "".join(PASSWORD.split())


class Li:
    """An editor who works with WordPress's own API."""

    def __init__(self, client: Client, url: str, password: str = PASSWORD) -> None:
        self.client, self.url, self.password = client, url, password

    async def ask(self, method: str, path: str, **told: object) -> object:
        login = base64.b64encode(f"editor:{self.password}".encode()).decode()
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
    companion = False

    def setup_method(self) -> None:
        self.ground, self.clock = FakeWordPress(companion=Companion() if self.companion else None), NOW

    def now(self) -> datetime:
        return self.clock

    async def pause(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def make_client(self) -> Client:
        return Direct(self.ground.handle, self.now)

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


class TestWithCompanion(OnWordPress):
    companion = True


class TestAsAuthorWithCompanion(OnWordPress):
    user = "author"
    companion = True


_SWEPT = "it plays a fault at every call in turn: the fake plays it in seconds, a real server in minutes"
SWEPT = dict.fromkeys((
    "test_an_answer_that_tells_nothing_is_unknown", "test_nothing_is_called_not_applied_that_was_done",
    "test_a_look_that_fails_is_not_nothing_there", "test_a_refusal_is_told_as_what_it_is", "test_a_slow_answer_is_waited_for",
    "test_the_process_may_die_at_any_call", "test_no_secret_is_told",
), _SWEPT)


class OnRealWordPress(AdapterContract):
    """The server is the session's. The cases that take minutes here are those of `SWEPT`: a subclass may play them too."""

    has_pages = True
    skips = SWEPT

    @pytest.fixture(autouse=True)
    def _on(self, real_wordpress: WordPress) -> None:
        self.real = real_wordpress
        self.password = real_wordpress.users["syncd"].password
        port = urlsplit(real_wordpress.url).port or 80
        type(self).hosts = frozenset({("127.0.0.1", port)})
        type(self).secrets = (self.password, real_wordpress.users["syncd"].authorization.removeprefix("Basic "))

    def make_adapter(self, tools: Tools, password: str = "") -> WordpressAdapter:
        options = {"api_url": self.real.url, "user": "syncd", "password": password or self.password}
        return WordpressAdapter(SiteConfig("county", self.real.url, options=options), tools)

    def make_stranger(self, tools: Tools) -> WordpressAdapter:
        return self.make_adapter(tools, "wrong wrong wrong")

    def make_editor(self, tools: Tools) -> Li:
        return Li(tools.client, self.real.url, self.real.users["editor"].password)
