"""The adapter keeps the contract of adapters, here against a CMS in memory."""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.adapters.api import SiteConfig, Tools
from syncd.model import RemoteRef
from syncd.testing import AdapterContract, FakeCMS
from syncd.testing.asgi import AppClient
from syncd.testing.clock import START
from syncd.testing.fakecms import Switches
from syncd.web.api import Client

from syncd_newcms import NewcmsAdapter
from syncd_newcms.options import Options

TOKEN = "token-of-the-tests"


class Editor:
    """A person at the site, who changes posts there without asking syncd."""

    def __init__(self, cms: FakeCMS) -> None:
        self.cms = cms

    async def edit(self, ref: RemoteRef, html: str) -> None:
        self.cms.edit(int(ref.id), "wang", html, START)

    async def remove(self, ref: RemoteRef) -> None:
        self.cms.delete_by_editor(int(ref.id), "wang", START)

    async def count(self, key: str) -> int:
        return sum(post.key.startswith(key) for post in self.cms.live())


class TestNewcms(AdapterContract):
    """Every promise of an adapter, attacked. `skips` names what your CMS can't be asked for, each with the reason."""

    secrets = (TOKEN,)
    has_pages = True

    def setup_method(self) -> None:
        self.passed = timedelta(0)
        self.cms = FakeCMS(Switches(), accounts={TOKEN: "syncd"}, now=self.now)

    def now(self) -> datetime:
        return START + self.passed

    async def pause(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)

    def make_client(self) -> Client:
        return AppClient(self.cms, self.now)

    def make_adapter(self, tools: Tools, token: str = TOKEN) -> NewcmsAdapter:
        options = Options.model_validate({"api_url": "http://cms.example", "token": token})
        return NewcmsAdapter(SiteConfig("county", "http://cms.example", options=options), tools)

    def make_stranger(self, tools: Tools) -> NewcmsAdapter:
        return self.make_adapter(tools, "wrong")

    def make_editor(self, tools: Tools) -> Editor:
        return Editor(self.cms)
