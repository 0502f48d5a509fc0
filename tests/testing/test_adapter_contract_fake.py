"""The fake CMS's adapter keeps the contract of adapters, whatever the CMS is set to."""

from __future__ import annotations

import random
from typing import Any, ClassVar

from syncd.adapters.api import SiteConfig, Tools
from syncd.model import RemoteRef
from syncd.testing.adapter_contract import AdapterContract
from syncd.testing.clock import ManualClock
from syncd.testing.fakecms import FakeAdapter, FakeCMS, FakeOptions, Switches
from syncd.testing.faults import Faults
from syncd.testing.network import FakeExchange, Wires
from syncd.web.api import Client

TOKEN = "tok-9f31c2"


class Wang:
    """An editor of the fake CMS."""

    def __init__(self, cms: FakeCMS, clock: ManualClock) -> None:
        self.cms, self.clock = cms, clock

    async def edit(self, ref: RemoteRef, html: str) -> None:
        self.cms.edit(int(ref.id), "wang", html, self.clock.true)

    async def remove(self, ref: RemoteRef) -> None:
        self.cms.delete_by_editor(int(ref.id), "wang", self.clock.true)

    async def count(self, key: str) -> int:
        return sum(post.key.startswith(key) for post in self.cms.live())


class OnFakeCMS(AdapterContract):
    switches: ClassVar[dict[str, Any]] = {}
    secrets = (TOKEN,)
    has_pages = True

    def setup_method(self) -> None:
        self.clock = ManualClock()
        self.cms = FakeCMS(Switches(**self.switches), accounts={TOKEN: "syncd"})
        self.wires = Wires(self.clock, Faults(random.Random(1)), {"cms.example": self.cms.handle})

    def now(self):
        return self.clock.now()

    def make_client(self) -> Client:
        return FakeExchange(self.wires).client("contract")

    def make_adapter(self, tools: Tools, token: str = TOKEN) -> FakeAdapter:
        options = FakeOptions(api_url="http://cms.example", token=token, **self.switches)
        return FakeAdapter(SiteConfig("county", "http://cms.example", options=options), tools)

    def make_stranger(self, tools: Tools) -> FakeAdapter:
        return self.make_adapter(tools, "wrong")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(self.cms, self.clock)


class TestClassA(OnFakeCMS):
    pass


class TestClassC(OnFakeCMS):
    switches: ClassVar = {"unique": "app", "conditional_update": "check_then_act", "html": "filtered"}


class TestTakesAnything(OnFakeCMS):
    switches: ClassVar = {"unique": "none", "conditional_update": "none", "drafts": False, "notice": False}


class TestParked(OnFakeCMS):
    switches: ClassVar = {"unique": "none", "lookup": "none"}
