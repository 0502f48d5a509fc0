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
from syncd.errors import AuthFailed, Conflict, Rejected
from syncd.model import RemoteState
from syncd.testing.adapter_contract import MEDIA, PUBLIC, SECOND, case
from tests.cms.contract import OnCms, needs
from tests.cms.install import Unavailable
from tests.cms.micropub.install import version
from tests.cms.micropub.site import KEY, READER, SYNCD, Site, Wang, running
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

    # What Micropub leaves to each site

    @case
    async def test_without_the_address_of_entries_what_is_in_doubt_waits_for_a_person(self) -> None:
        adapter = self.make_adapter(self.tools, address="")
        report = await adapter.check()
        assert report.ok
        assert adapter.capabilities.guarantee == "parked"
        post = self.post()
        made = await adapter.create(post, PUBLIC)
        assert await self.is_visible(made.ref.url, post)
        newer = replace(post, html=SECOND, revision=2)
        done = await adapter.update(made.ref, newer, PUBLIC, made.ref.version)
        assert await self.is_visible(done.ref.url, newer)

    @case
    async def test_a_site_that_puts_entries_elsewhere_is_told_and_nothing_is_left_there(self) -> None:
        adapter = self.make_adapter(self.tools, address="{base}/artikel/{slug}")
        post = self.post()
        error = await self.failed(adapter.create(post, PUBLIC))
        assert isinstance(error, Rejected)
        assert error.reason == "slug_rewritten"
        assert await Wang(self.site).count(post.key) == 0

    @case
    async def test_a_slug_that_somebody_else_has_is_never_written_over(self) -> None:
        post = self.post()
        self.site.create(**{"name": ["同名"], "content": [{"html": "<p>他人</p>"}], "mp-slug": [post.key], KEY: ["another"]})
        error = await self.failed(self.adapter.create(post, PUBLIC))
        assert isinstance(error, Rejected)
        assert await self.there(post.key) is None
        assert self.site.entry(f"{self.site.url}/notes/{post.key}")["name"] == ["同名"]
        assert await Wang(self.site).count(post.key) == 0

    @case
    async def test_what_was_deleted_is_undeleted_at_its_address_with_the_new_text(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        await self.adapter.withdraw(subject.ref, "delete", subject.ref.version)
        newer = replace(subject.post, html=SECOND, revision=2)
        back = await self.adapter.create(newer, PUBLIC)
        assert back.ref.id == subject.ref.id
        assert await self.is_visible(back.ref.url, newer)

    @case
    async def test_a_twin_of_ours_is_swept_and_one_that_an_editor_changed_is_left(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        held = self.site.entry(subject.ref.id)
        for content in (held["content"], [{"html": "<p>编辑改过</p>"}]):
            self.site.create(**held | {"mp-slug": [subject.post.key], "content": content})
        swept = await self.adapter.sweep(subject.post.key, subject.ref)  # type: ignore[attr-defined]
        assert [ref.id for ref in swept] == [f"{subject.ref.id}-2"]
        assert await Wang(self.site).count(subject.post.key) == 2
        self.site.act("delete", f"{subject.ref.id}-3")

    @case
    async def test_a_category_and_a_property_of_an_editor_stay(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        self.site.act("update", subject.ref.id, add={"category": ["编辑的分类"]}, replace={"location": ["县城"]})
        newer = replace(subject.post, html=SECOND, revision=2)
        await self.adapter.update(subject.ref, newer, PUBLIC, subject.ref.version)
        stored = self.site.entry(subject.ref.id)
        assert (stored["category"], stored["location"]) == (["要闻", "编辑的分类"], ["县城"])

    @case
    async def test_an_entry_that_an_editor_hid_is_a_draft(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        self.site.act("update", subject.ref.id, replace={"post-status": ["draft"]})
        found = await self.there(subject.post.key)
        assert found is not None
        assert (found.state, found.url) == (RemoteState.DRAFT, "")
        assert found.version != subject.ref.version

    @case
    async def test_an_edited_entry_that_is_withdrawn_all_the_same_is_found_as_withdrawn(self) -> None:
        """The editor's text has no seal, and the key stands in the property."""
        subject = await self.edited()
        assert subject.ref is not None
        await self.adapter.withdraw(subject.ref, "notice", None)
        found = await self.there(subject.post.key)
        assert found is not None
        assert found.state is RemoteState.WITHDRAWN

    @case
    async def test_a_token_that_may_not_delete_is_told(self) -> None:
        adapter = self.make_adapter(self.tools, token=READER)
        report = await adapter.check()
        assert [item.name for item in report.items if not item.ok] == ["delete"]
        assert isinstance(await self.failed(adapter.create(self.post(), PUBLIC)), AuthFailed)

    @case
    async def test_a_document_stays_a_link_where_the_media_endpoint_takes_pictures_only(self) -> None:
        """django-indieweb's own."""
        own = {"media_url": f"{self.site.url}/indieweb/media/"}
        refused = await self.failed(self.make_adapter(self.tools, **own).create(self.with_files("file"), PUBLIC))
        assert isinstance(refused, Rejected)
        assert refused.reason == "file_refused"
        post = self.with_files("picture", "file")
        made = await self.make_adapter(self.tools, **own, refused_files="link").create(post, PUBLIC)
        assert [loss for loss in made.losses if MEDIA["file"].name in loss]
        await self._is_copied(made.ref.url, MEDIA["picture"])

    @case
    async def test_uid_is_the_sites_own_on_django_indieweb_and_that_is_told(self) -> None:
        error = await self.failed(self.make_adapter(self.tools, key_property="uid").create(self.post(), PUBLIC))
        assert isinstance(error, Rejected)
        assert "key_property" in error.hint

    @case
    async def test_two_at_once_by_a_look_that_is_old_make_one(self) -> None:
        """Both have just found nothing, so that neither looks again."""
        post = self.post()
        first, second = self.again(), self.again()
        assert await first.find(post.key) is None
        assert await second.find(post.key) is None
        await first.create(post, PUBLIC)
        error = await self.failed(second.create(post, PUBLIC))
        assert isinstance(error, Conflict)
        assert error.kind == "exists"
        assert await Wang(self.site).count(post.key) == 1
