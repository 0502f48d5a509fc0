"""The Mastodon adapter keeps the contract on mastodon-mock: class C, with a notice or nothing left of what is withdrawn."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.mastodon import MastodonAdapter
from syncd.testing.adapter_contract import TITLE
from tests.cms.contract import OnCms, needs
from tests.cms.install import Unavailable
from tests.cms.mastodon.install import version
from tests.cms.mastodon.site import TOKEN, Site, Wang, mastodon
from tests.cms.subject import Act, Subject

pytestmark = [pytest.mark.cms, pytest.mark.xdist_group("mastodon")]
TEXT = f"{TITLE}\n\n各县（市、区）人民政府：\n一、抓紧春耕备耕，确保不误农时。\n\n来源：中国政府网\nhttps://www.gov.cn/zhengce/#"


class OnMastodon(OnCms):
    secrets = (TOKEN,)
    left: ClassVar[str]
    site: ClassVar[Site]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _running(cls) -> Iterator[None]:
        try:
            with mastodon() as site:
                cls.site = site
                cls.hosts = site.server.hosts | {("127.0.0.1", int(urlsplit(site.pages).port or 80))}
                yield
        except Unavailable as reason:
            needs(cls.subject.component, reason)

    def version(self) -> str:
        return version()

    def servers(self) -> list[int]:
        return [self.site.server.pid]

    def make_adapter(self, tools: Tools, token: str = TOKEN) -> MastodonAdapter:
        options = self.site.options(token=token, withdraw=self.left, columns={self.column: "要闻"})
        return MastodonAdapter(SiteConfig("county", self.site.pages, options=options), tools)

    def make_stranger(self, tools: Tools) -> MastodonAdapter:
        return self.make_adapter(tools, "wrong-token")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(self.site)

    def make_bare(self, tools: Tools) -> Act:
        """One request under a key, as any script makes it."""

        async def post(n: int) -> None:
            await _ask(tools, "POST", f"{self.site.server.url}/api/v1/statuses", {"status": f"{TEXT}{uuid.uuid4().hex[:12]}"})

        return post

    def make_calls(self, tools: Tools) -> Act:
        """After a look at the newest statuses: the server remembers a key for an hour only."""
        bare, account = self.make_bare(tools), self.site.ask("GET", "/accounts/verify_credentials")["id"]

        async def post(n: int) -> None:
            newest = f"{self.site.server.url}/api/v1/accounts/{account}/statuses?limit=40&exclude_reblogs=true"
            assert not any(f"#{n}-none" in each["content"] for each in await _ask(tools, "GET", newest))
            await bare(n)

        return post


async def _ask(tools: Tools, method: str, url: str, document: object = None) -> Any:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json", "idempotency-key": uuid.uuid4().hex}
    body = b"" if document is None else json.dumps(document).encode()
    answer = await tools.client.call(method, url, headers=headers, body=body)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


class TestMastodon(OnMastodon):
    subject = Subject("mastodon", "mastodon-mock", "Mastodon")
    left = "delete"


class TestMastodonWithNotices(OnMastodon):
    subject = Subject("mastodon", "mastodon-mock with notices", "Mastodon")
    left = "notice"
