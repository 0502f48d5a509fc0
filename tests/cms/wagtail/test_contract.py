"""The Wagtail adapter keeps the contract on a real Wagtail, with and without the middleware that holds conditions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.wagtail import WagtailAdapter
from syncd.model import RemoteRef
from syncd.web.api import Client
from tests.cms.contract import OnCms, needs
from tests.cms.install import Unavailable
from tests.cms.subject import Act, Subject
from tests.cms.wagtail.install import version
from tests.cms.wagtail.site import WagtailSite, wagtail

pytestmark = [pytest.mark.cms, pytest.mark.xdist_group("wagtail")]
TEXT = "<p>各省、自治区、直辖市人民政府，国务院各部委、各直属机构：现印发给你们，请认真贯彻执行。</p>"


class Hand:
    """An account that works with Wagtail's own API and not through the adapter."""

    def __init__(self, client: Client, site: WagtailSite, account: str) -> None:
        self._client, self._site, self._account = client, site, account

    async def ask(self, method: str, path: str, told: object = None) -> Any:
        headers = {"authorization": f"Bearer {self._site.prepared.tokens[self._account]}", "content-type": "application/json"}
        body = b"" if told is None else json.dumps(told).encode()
        answer = await self._client.call(method, f"{self._site.api}{path}", headers=headers, body=body)
        assert answer.status < 300, answer.body
        return json.loads(answer.body) if answer.body else None

    async def edit(self, ref: RemoteRef, html: str) -> None:
        await self.ask("PATCH", f"/pages/{ref.id}/", {"meta": {"action": "publish"}, "body": [{"type": "html", "value": html}]})

    async def remove(self, ref: RemoteRef) -> None:
        await self.ask("DELETE", f"/pages/{ref.id}/")

    async def count(self, key: str) -> int:
        return int((await self.ask("GET", f"/pages/?type=news.NewsPage&syncd_key={key}"))["count"])


class OnWagtail(OnCms):
    """One site for all cases of a class."""

    column = "测试"
    conditions: ClassVar[bool] = True
    site: ClassVar[WagtailSite]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _served(cls) -> Iterator[None]:
        try:
            with wagtail(conditions=cls.conditions) as site:
                cls.site, cls.hosts, cls.secrets = site, site.server.hosts, (site.prepared.tokens["syncd"],)
                yield
        except Unavailable as reason:
            needs(cls.subject.component, reason)

    def make_adapter(self, tools: Tools, **more: Any) -> WagtailAdapter:
        url = self.site.server.url
        return WagtailAdapter(SiteConfig("county", url, options=self.site.options(**more)), tools)

    def make_editor(self, tools: Tools) -> Hand:
        return Hand(tools.client, self.site, "editor")

    def make_stranger(self, tools: Tools) -> WagtailAdapter:
        return self.make_adapter(tools, token="wagtail_of_somebody_else")

    def version(self) -> str:
        return version()

    def servers(self) -> list[int]:
        return [self.site.server.pid]

    def make_bare(self, tools: Tools) -> Act:
        """One page, public at once: the database itself refuses its key a second time, so that no look-up is needed."""
        hand = Hand(tools.client, self.site, "syncd")

        async def post(n: int) -> None:
            await hand.ask("POST", "/pages/", {
                "meta": {"type": "news.NewsPage", "parent_id": self.site.prepared.parent, "action": "publish"},
                "title": f"通知{n}", "slug": f"bare-{id(hand)}-{n}", "syncd_key": f"bare-{id(hand)}-{n}",
                "source_url": "https://www.gov.cn/zhengce/", "published": "2026-11-20",
                "body": [{"type": "html", "value": TEXT}]})

        return post


@pytest.mark.servers
class TestWagtail(OnWagtail):
    subject = Subject("wagtail", "Wagtail with conditions", "Wagtail")


class TestWithoutConditions(OnWagtail):
    """As Wagtail is by itself: the mixin alone."""

    subject = Subject("wagtail", "Wagtail", "Wagtail")
    conditions = False
