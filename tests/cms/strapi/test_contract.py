"""The Strapi adapter keeps the contract on a real Strapi, and minds the two versions that Strapi has of each document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import ClassVar
from urllib.parse import urlsplit

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.strapi import StrapiAdapter
from syncd.errors import Conflict
from syncd.testing.adapter_contract import DRAFT, PUBLIC, SECOND, case
from tests.cms.contract import OnCms, needs
from tests.cms.install import Unavailable
from tests.cms.strapi.install import VERSION
from tests.cms.strapi.site import SYNCD, Site, Wang, strapi
from tests.cms.subject import Act, Subject

pytestmark = pytest.mark.cms
FIELDS = {
    "body": "<p>各县（市、区）人民政府：现将有关事项通知如下。</p>" * 30, "summary": "各县（市、区）人民政府",
    "category": "要闻", "document_number": "国办发〔2026〕1号", "source_url": "https://www.gov.cn/1.htm",
    "published_on": "2026-11-20",
}
"""What a post holds beside key and title, by a script as by the adapter."""


class TestStrapi(OnCms):
    subject = Subject("strapi", "Strapi", "Strapi")
    secrets = (SYNCD,)
    rounds = 60
    site: ClassVar[Site]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _running(cls) -> Iterator[None]:
        try:
            with strapi() as site:
                cls.site = site
                cls.hosts = site.server.hosts | {("127.0.0.1", int(urlsplit(site.pages).port or 80))}
                yield
        except Unavailable as reason:
            needs(cls.subject.component, reason)

    def version(self) -> str:
        return VERSION

    def servers(self) -> list[int]:
        return [self.site.server.pid]

    def make_adapter(self, tools: Tools, token: str = SYNCD) -> StrapiAdapter:
        return StrapiAdapter(SiteConfig("county", self.site.pages, options=self.site.options(token=token)), tools)

    def make_stranger(self, tools: Tools) -> StrapiAdapter:
        return self.make_adapter(tools, "wrong-token")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(self.site)

    def make_bare(self, tools: Tools) -> Act:
        """One request makes and publishes."""
        return self._script(tools, "bare", looks=False)

    def make_calls(self, tools: Tools) -> Act:
        """With a look before, since Strapi's own is too late for two requests at once."""
        return self._script(tools, "calls", looks=True)

    def _script(self, tools: Tools, name: str, *, looks: bool) -> Act:
        headers = {"authorization": f"Bearer {SYNCD}", "content-type": "application/json"}
        api = f"{self.site.api}/api/policies"

        async def post(n: int) -> None:
            key = f"{name}-{n}"
            if looks:
                found = await tools.client.call("GET", f"{api}?status=draft&filters[external_id][$eq]={key}", headers=headers)
                assert json.loads(found.body)["data"] == []
            data = FIELDS | {"external_id": key, "title": f"通知{n}"}
            made = await tools.client.call(
                "POST", f"{api}?status=published", headers=headers, body=json.dumps({"data": data}).encode())
            assert made.status == 201, made.body

        return post

    @case
    async def test_what_an_editor_saved_and_did_not_publish_is_a_change(self) -> None:
        """Publishing ours would overwrite it, though the public sees nothing of it."""
        subject = await self.made()
        assert subject.ref is not None
        Wang(self.site).save(subject.ref.id, "<p>编辑未发布的稿子</p>")
        found = await self.there(subject.post.key)
        assert found is not None
        assert found.version != subject.ref.version
        newer = replace(subject.post, html=SECOND, revision=2)
        error = await self.failed(self.adapter.update(subject.ref, newer, PUBLIC, subject.ref.version))
        assert isinstance(error, Conflict)
        assert error.kind == "version"
        assert "编辑未发布的稿子" in self.site.all("external_id", subject.post.key)[0]["body"]

    @case
    async def test_a_second_draft_of_a_key_is_refused_though_strapi_takes_it(self) -> None:
        post = self.post()
        await self.adapter.create(post, DRAFT)
        error = await self.failed(self.adapter.create(post, DRAFT))
        assert isinstance(error, Conflict)
        assert error.kind == "exists"

    @case
    async def test_a_twin_of_ours_is_swept_and_one_that_an_editor_changed_is_left(self) -> None:
        """A late request makes one where nothing public bears the key at that moment."""
        subject = await self.made()
        assert subject.ref is not None
        twins = [await self._twin(subject.ref.id) for _ in range(2)]
        Wang(self.site).save(twins[1], "<p>编辑改过</p>")
        found = await self.there(subject.post.key)
        assert found is not None
        assert found.id == subject.ref.id, "the oldest is the one"
        swept = await self.adapter.sweep(subject.post.key, found)  # type: ignore[attr-defined]
        assert [ref.id for ref in swept] == [twins[0]]
        left = {each["documentId"] for each in self.site.all("external_id", subject.post.key)}
        assert left == {subject.ref.id, twins[1]}
        await Wang(self.site).remove(replace(found, id=twins[1]))

    async def _twin(self, id: str) -> str:
        """What a late create leaves behind."""
        held = self.site.editor("GET", f"/{id}")["data"]
        data = {name: held[name] for name in ("external_id", "title", "body", "summary", "category")}
        return str(self.site.editor("POST", "", data)["data"]["documentId"])
