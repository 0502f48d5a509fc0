"""By configuration alone the declared adapter keeps the contract of adapters, on fakes of four styles: a JSON interface
with a unique key and If-Match, a platform of forms in GBK with a cookie and look-up by page, XML-RPC, and Halo."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from typing import Any, ClassVar

from pydantic import SecretStr

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.http import HttpAdapter, Options
from syncd.model import RemoteRef
from syncd.testing.adapter_contract import AdapterContract
from syncd.testing.fakecms import FakeCMS
from syncd.web.api import Client
from tests.adapters.direct import Direct, Handler
from tests.adapters.http.desk import desk
from tests.adapters.http.halo import Halo
from tests.adapters.http.kit import NOW, SECRET, example
from tests.adapters.http.platform import Platform
from tests.adapters.http.typecho import Typecho


class Person:
    """Somebody at the site, who needs no API."""

    def __init__(self, edit: Callable[[str, str], Any], remove: Callable[[str], Any], count: Callable[[str], int]) -> None:
        self._edit, self._remove, self._count = edit, remove, count

    async def edit(self, ref: RemoteRef, html: str) -> None:
        self._edit(ref.id, html)

    async def remove(self, ref: RemoteRef) -> None:
        self._remove(ref.id)

    async def count(self, key: str) -> int:
        return self._count(key)


class Declared(AdapterContract):
    """public_url: of the site. column: one that its options name."""

    column = "国务院文件"
    secrets = (SECRET, base64.b64encode(SECRET.encode()).decode())
    has_pages = True
    public_url: ClassVar[str] = "https://www.county.example"
    clock: datetime

    def handler(self) -> Handler:
        raise NotImplementedError

    @staticmethod
    def options() -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    @cache
    def read_options(cls) -> Options:
        """As the daemon has them: read once."""
        return Options.model_validate(cls.options())

    def now(self) -> datetime:
        return self.clock

    async def pause(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    def make_client(self) -> Client:
        return Direct(self.handler(), self.now)

    def make_adapter(self, tools: Tools) -> HttpAdapter:
        return HttpAdapter(SiteConfig("county", self.public_url, "某县人民政府", options=self.read_options()), tools)

    def make_stranger(self, tools: Tools) -> HttpAdapter:
        options = self.options()
        wrong = SecretStr("wrong-word")
        auth = {name: wrong if isinstance(value, SecretStr) else value for name, value in options["auth"].items()}
        return HttpAdapter(SiteConfig("county", self.public_url, options=options | {"auth": auth}), tools)


class TestPlainInterface(Declared):
    """JSON, a key that the server keeps unique, If-Match."""

    column = "要闻"
    public_url = "http://county.example"
    secrets = ("secret-token",)

    def setup_method(self) -> None:
        self.clock, self.fake = NOW, FakeCMS(accounts={"secret-token": "syncd"})

    def handler(self) -> Handler:
        return self.fake.handle

    @staticmethod
    def options() -> dict[str, Any]:
        return desk()

    def make_editor(self, tools: Tools) -> Person:
        return Person(lambda id, text: self.fake.edit(int(id), "wang", text, self.now()),
                      lambda id: self.fake.delete_by_editor(int(id), "wang", self.now()), lambda key: len(self.fake.live(key)))


class TestPlatform(Declared):
    """Forms in GBK, a cookie, look-up on the page of a column, save and then publish."""

    def setup_method(self) -> None:
        self.clock, self.fake = NOW, Platform()

    def handler(self) -> Handler:
        return self.fake.handle

    @staticmethod
    def options() -> dict[str, Any]:
        return example("platform") | {"unencodable": "entity"}

    def writes(self, method: str, url: str, body: bytes) -> bool:
        return method == "POST" and not url.endswith("login.do")

    def make_editor(self, tools: Tools) -> Person:
        return Person(lambda id, text: self.fake.edit(int(id), text), lambda id: self.fake.remove(int(id)),
                      lambda key: len(self.fake.live(key)))


class TestTypecho(Declared):
    """XML-RPC: every request is a POST, faults come with 200."""

    def setup_method(self) -> None:
        self.clock, self.fake = NOW, Typecho(SECRET)

    def handler(self) -> Handler:
        return self.fake.handle

    @staticmethod
    def options() -> dict[str, Any]:
        return example("typecho")

    def writes(self, method: str, url: str, body: bytes) -> bool:
        return any(name in body for name in (b"newPost", b"editPost", b"deletePost", b"newMediaObject"))

    def make_editor(self, tools: Tools) -> Person:
        return Person(lambda id, text: self.fake.edit(int(id), text), lambda id: self.fake.rows.pop(int(id)),
                      lambda key: sum(row.slug.startswith(key) for row in self.fake.live()))


class TestHalo(Declared):
    """Several requests an update, a version that moves by itself."""

    def setup_method(self) -> None:
        self.clock, self.fake = NOW, Halo(SECRET)

    def handler(self) -> Handler:
        return self.fake.handle

    @staticmethod
    def options() -> dict[str, Any]:
        return example("halo")

    def make_editor(self, tools: Tools) -> Person:
        return Person(self.fake.edit, self.fake.remove, lambda key: sum(name == key for name in self.fake.posts))
