"""The Micropub adapter keeps the contract on django-indieweb, and minds what Micropub leaves to each site."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.micropub import MicropubAdapter
from syncd.testing.adapter_contract import SECOND
from tests.cms.contract import OnCms, needs
from tests.cms.install import Unavailable
from tests.cms.micropub.install import version
from tests.cms.micropub.site import KEY, SYNCD, Site, Wang, running
from tests.cms.subject import Act, Subject

pytestmark = pytest.mark.cms
TEXT = "<p>各县（市、区）人民政府：现将有关事项通知如下。</p>" * 30


class TestMicropub(OnCms):
    subject = Subject("micropub", "django-indieweb", "Micropub")
    secrets = (SYNCD,)
    site: ClassVar[Site]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _running(cls) -> Iterator[None]:
        try:
            with running() as site:
                cls.site, cls.hosts = site, site.server.hosts
                yield
        except Unavailable as reason:
            needs(cls.subject.component, reason)

    def version(self) -> str:
        return version().rpartition(" ")[2]

    def servers(self) -> list[int]:
        return [self.site.server.pid]

    def make_adapter(self, tools: Tools, **changes: Any) -> MicropubAdapter:
        return MicropubAdapter(SiteConfig("county", self.site.url, options=self.site.options(**changes)), tools)

    def make_stranger(self, tools: Tools) -> MicropubAdapter:
        return self.make_adapter(tools, token="wrong-token")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(self.site)

    def make_bare(self, tools: Tools) -> Act:
        """One request."""
        return self._script(tools, "bare", looks=False)

    def make_calls(self, tools: Tools) -> Act:
        """With a look before, at the entry and at its page, since an endpoint has no word of its own for what is not there;
        and a look after, since it does not tell what it stored."""
        return self._script(tools, "calls", looks=True)

    def _script(self, tools: Tools, name: str, *, looks: bool) -> Act:
        headers = {"authorization": f"Bearer {SYNCD}", "content-type": "application/json"}

        async def post(n: int) -> None:
            key = f"{name}-{n}"
            page = f"{self.site.url}/notes/{key}"
            source = f"{self.site.endpoint}?q=source&url={quote(page, safe='')}"
            if looks:
                assert (await tools.client.call("GET", source, headers=headers)).status == 400
                assert (await tools.client.call("GET", page)).status == 404
            properties = {"name": [f"通知{n}"], "content": [{"html": TEXT}], "category": ["要闻"], "mp-slug": [key],
                          "summary": ["各县（市、区）人民政府"], "published": ["2026-11-20T00:00:00+08:00"], KEY: [key],
                          "bookmark-of": ["https://www.gov.cn/1.htm"], "post-status": ["published"]}
            body = json.dumps({"type": ["h-entry"], "properties": properties}).encode()
            made = await tools.client.call("POST", self.site.endpoint, headers=headers, body=body)
            assert (made.status, made.header("location")) == (201, page)
            if looks:
                stored = await tools.client.call("GET", source, headers=headers)
                assert json.loads(stored.body)["properties"][KEY] == [key]

        return post
