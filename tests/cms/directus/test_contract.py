"""The Directus adapter keeps the contract on a real Directus: class C as it is, class A with the guard of docs/directus."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.directus import DirectusAdapter
from syncd.errors import Conflict
from syncd.model import WriteResult
from syncd.testing.adapter_contract import PUBLIC, SECOND, case
from tests.cms.contract import OnCms, needs
from tests.cms.directus.install import VERSION
from tests.cms.directus.site import SYNCD, Site, Wang, directus
from tests.cms.install import Unavailable
from tests.cms.subject import Act, Subject

pytestmark = pytest.mark.cms
RACES = 40
FIELDS = {
    "status": "published", "body": "<p>各县（市、区）人民政府：现将有关事项通知如下。</p>" * 30,
    "summary": "各县（市、区）人民政府", "category": "要闻", "document_number": "国办发〔2026〕1号",
    "source_url": "https://www.gov.cn/1.htm", "published_on": "2026-11-20",
}
"""What a post holds beside key and title, by a script as by the adapter."""


class OnDirectus(OnCms):
    secrets = (SYNCD,)
    guarded: ClassVar[bool] = False
    rounds = 100
    site: ClassVar[Site]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _running(cls) -> Iterator[None]:
        try:
            with directus(guarded=cls.guarded) as site:
                cls.site = site
                cls.hosts = site.server.hosts | {("127.0.0.1", int(urlsplit(site.pages).port or 80))}
                yield
        except Unavailable as reason:
            needs(cls.subject.component, reason)

    def version(self) -> str:
        return VERSION

    def servers(self) -> list[int]:
        return [self.site.server.pid, self.site.database.pid]

    def make_adapter(self, tools: Tools, token: str = SYNCD) -> DirectusAdapter:
        return DirectusAdapter(SiteConfig("county", self.site.pages, options=self.site.options(token=token)), tools)

    def make_stranger(self, tools: Tools) -> DirectusAdapter:
        return self.make_adapter(tools, "wrong-token")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(self.site)

    def make_bare(self, tools: Tools) -> Act:
        """One request: Directus refuses a second item by itself."""
        headers = {"authorization": f"Bearer {SYNCD}", "content-type": "application/json"}

        async def post(n: int) -> None:
            data = FIELDS | {"id": str(uuid.uuid4()), "title": f"通知{n}", "external_id": f"script-{uuid.uuid4()}"}
            answer = await tools.client.call("POST", self.site.items, headers=headers, body=json.dumps(data).encode())
            assert answer.status == 200, answer.body

        return post


class TestDirectus(OnDirectus):
    subject = Subject("directus", "Directus", "Directus")


class TestDirectusWithTheGuard(OnDirectus):
    subject = Subject("directus", "Directus with the guard", "Directus")
    guarded = True

    @case
    async def test_no_save_of_an_editor_is_overwritten_however_close_it_comes(self) -> None:
        """Directus compares a condition a few milliseconds before it writes; without the guard most of these are lost."""
        assert self.can.guarantee == "A"
        subject, dice, refused = await self.made(), random.Random(1), 0
        for n in range(RACES):
            ref = await self.there(subject.post.key)
            assert ref is not None
            post = replace(subject.post, html=f"{SECOND}<p>第{n}版。</p>", revision=n + 2)
            ours, _ = await asyncio.gather(self.outcome(self.adapter.update(ref, post, PUBLIC, ref.version)),
                                           self._saves(ref.id, n, dice.uniform(0.0, 0.03)))
            assert isinstance(ours, WriteResult | Conflict)
            refused += isinstance(ours, Conflict)
            found = await self.doc(ref)
            assert found is not None
            assert f"编辑第{n}稿" in found.html, f"save {n} is overwritten"  # it came last, or ours was refused
        assert refused, "no save came before one of ours: that was no race"

    async def _saves(self, id: str, n: int, after: float) -> None:
        await asyncio.sleep(after)
        await asyncio.to_thread(Wang(self.site).write, id, f"<p>编辑第{n}稿</p>")
