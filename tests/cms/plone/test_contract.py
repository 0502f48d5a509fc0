"""The Plone adapter keeps the contract on a real Plone, and what a create costs there."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.json_api import CALL
from syncd.adapters.plone import Options, PloneAdapter
from syncd.adapters.plone.item import id_of
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied
from syncd.model import RemoteRef, RemoteState
from syncd.testing.adapter_contract import SECOND, case
from tests.cms.contract import OnCms, needs
from tests.cms.install import Unavailable
from tests.cms.plone import install
from tests.cms.plone.site import ACCOUNTS, COLUMNS, FILES, PloneSite, headers, running, text
from tests.cms.subject import Act, Subject

pytestmark = pytest.mark.cms
TEXT = "<p>各省、自治区、直辖市人民政府，国务院各部委、各直属机构：现印发给你们，请认真贯彻执行。</p>"


class Person:
    """An editor, who has rights in the whole site."""

    def __init__(self, site: PloneSite) -> None:
        self._site = site

    async def edit(self, ref: RemoteRef, html: str) -> None:
        await self.ask("PATCH", ref.id, {"text": text(html)})

    async def remove(self, ref: RemoteRef) -> None:
        await self.ask("DELETE", ref.id)

    async def count(self, key: str) -> int:
        found = await self.ask("GET", f"/@search?portal_type={quote('News Item')}&getId={key}&show_inactive=1")
        return int(found["items_total"])

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(self._site.ask, "editor", method, path, body)


class TestPlone(OnCms):
    """One server for all cases."""

    subject = Subject("plone", "Plone", "Plone")
    site: ClassVar[PloneSite]
    secrets = (ACCOUNTS["syncd"], base64.b64encode(f"syncd:{ACCOUNTS['syncd']}".encode()).decode())

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _served(cls) -> Iterator[None]:
        try:
            with running() as site:
                cls.site, cls.hosts = site, site.server.hosts
                yield
        except Unavailable as reason:
            needs("Plone", reason)

    def make_adapter(self, tools: Tools, **changes: Any) -> PloneAdapter:
        options = {"api_url": self.site.url, "user": "syncd", "password": ACCOUNTS["syncd"], "columns": COLUMNS,
                   "files_folder": FILES, **changes}
        return PloneAdapter(SiteConfig("county", self.site.url, options=Options.model_validate(options)), tools)

    def make_stranger(self, tools: Tools) -> PloneAdapter:
        return self.make_adapter(tools, password="not-this-one")

    def make_editor(self, tools: Tools) -> Person:
        return Person(self.site)

    # What Plone does that no other CMS does

    @property
    def person(self) -> Person:
        return Person(self.site)

    @case
    async def test_an_item_that_an_editor_has_open_is_tried_again(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        await self.person.ask("POST", f"{subject.ref.id}/@lock", {})
        newer = replace(subject.post, html=SECOND, revision=2)
        locked = await self.failed(self.adapter.update(subject.ref, newer, RemoteState.PUBLIC, subject.ref.version))
        assert isinstance(locked, Conflict)
        assert locked.kind == "locked"
        await self.person.ask("DELETE", f"{subject.ref.id}/@lock", {"force": True})
        done = await self.adapter.update(subject.ref, newer, RemoteState.PUBLIC, subject.ref.version)
        assert await self.shows(done.ref, newer)

    @pytest.mark.parametrize("place", ["", "/ceshi"], ids=["further up", "beside"])
    @case
    async def test_an_item_that_an_editor_moved_is_followed(self, place: str) -> None:
        """From beside by Plone's redirect; what lies further up Plone gives as it is."""
        subject = await self.made()
        assert subject.ref is not None
        await self.person.ask("POST", f"{place}/@move", {"source": f"{self.site.url}{subject.ref.id}"})
        found = await self.there(subject.post.key)
        assert found is not None
        assert found.id == f"{place}/{id_of(subject.post.key)}"
        newer = replace(subject.post, html=SECOND, revision=2)
        done = await self.adapter.update(subject.ref, newer, RemoteState.PUBLIC, found.version)  # by the ref of before
        assert await self.is_visible(done.ref.url, newer)
        await self.person.remove(done.ref)

    @case
    async def test_a_namesake_further_up_is_not_taken_for_an_item(self) -> None:
        """Acquisition: Plone gives what lies in a folder above for what is not there."""
        post = self.post()
        await self.person.ask("POST", "/", {"@type": "News Item", "id": id_of(post.key), "title": "同名"})
        await self.person.ask("POST", f"/{id_of(post.key)}/@workflow/publish", {})
        assert self.site.ask("editor", "GET", f"/yaowen/{id_of(post.key)}")["title"] == "同名", "Plone no longer acquires"
        assert await self.there(post.key) is None
        await self.adapter.create(post, RemoteState.PUBLIC)
        assert await self.shows(RemoteRef(f"/yaowen/{id_of(post.key)}"), post)
        await self.person.remove(RemoteRef(f"/{id_of(post.key)}"))

    @case
    async def test_an_item_that_an_editor_took_back_is_a_draft_of_theirs(self) -> None:
        subject = await self.made()
        assert subject.ref is not None
        await self.person.ask("POST", f"{subject.ref.id}/@workflow/reject", {})
        found = await self.there(subject.post.key)
        assert found is not None
        assert (found.state, found.url, found.modified_by) == (RemoteState.DRAFT, "", "user editor")

    @pytest.mark.parametrize("dates", [{"effective": "2036-01-01T00:00:00"}, {"expires": "2026-01-01T00:00:00"}], ids=str)
    @case
    async def test_dates_of_an_item_hide_it_from_lists_and_from_nothing_else(self, dates: dict[str, str]) -> None:
        """The embargo that Plone leaks, and why syncd keeps it by itself; no such item is posted a second time."""
        subject = await self.made()
        assert subject.ref is not None
        before = {"effective": "2025-01-01T00:00:00"} if "expires" in dates else {}
        await self.person.ask("PATCH", subject.ref.id, {**before, **dates})
        assert await self.is_visible(subject.ref.url, subject.post), "Plone keeps the embargo: schedule may be native"
        found = await self.there(subject.post.key)
        assert found is not None
        assert (found.state, found.version) == (RemoteState.PUBLIC, subject.ref.version)

    @case
    async def test_other_peoples_items_are_out_of_our_reach(self) -> None:
        """The account of docs/adapters/plone.md has no right to them: Plone says 401, as to a stranger."""
        post = self.post()
        await self.person.ask("POST", "/yaowen", {
            "@type": "News Item", "id": id_of(post.key), "title": "他人", "text": text("<p>他人</p>")})
        await self.person.ask("POST", f"/yaowen/{id_of(post.key)}/@workflow/publish", {})
        ref = RemoteRef(f"/yaowen/{id_of(post.key)}")
        assert isinstance(await self.failed(self.adapter.update(ref, post, RemoteState.PUBLIC, None)), AuthFailed)
        await self.person.remove(ref)

    @case
    async def test_what_lost_against_other_writes_at_once_was_not_applied(self) -> None:
        posts = [self.post() for _ in range(8)]
        several = [self.again() for _ in posts]
        outcomes = await asyncio.gather(*(
            self.outcome(each.create(post, RemoteState.PUBLIC)) for each, post in zip(several, posts, strict=True)))
        for post, outcome in zip(posts, outcomes, strict=True):
            found = await self.there(post.key)
            if isinstance(outcome, AdapterError):
                assert isinstance(outcome, NotApplied), f"{outcome!r}"
                assert found is None or found.state is RemoteState.DRAFT, "it says that nothing was published"
            else:
                assert found is not None
                assert found.state is RemoteState.PUBLIC

    def version(self) -> str:
        return install.version()

    def servers(self) -> list[int]:
        return [self.site.server.pid]

    def make_bare(self, tools: Tools) -> Act:
        """An item that stays private."""

        async def post(n: int) -> None:
            await self._make(tools, f"bare-{n}")

        return post

    def make_calls(self, tools: Tools) -> Act:
        """An item under an id, which Plone gives once in a folder, so that nobody needs to look before; its publication."""

        async def post(n: int) -> None:
            await self._make(tools, f"calls-{n}")
            await self._send(tools, f"/yaowen/calls-{n}/@workflow/publish", {})

        return post

    async def _make(self, tools: Tools, id: str) -> None:
        title = f"关于做好{id}工作的通知"
        document = {"@type": "News Item", "id": id, "title": title, "description": "各省", "text": text(TEXT)}
        await self._send(tools, "/yaowen", document)

    async def _send(self, tools: Tools, path: str, body: object) -> None:
        answer = await tools.client.call(
            "POST", f"{self.site.url}{path}", headers=headers("syncd"), body=json.dumps(body).encode(), limits=CALL)
        assert answer.status < 300, answer.body
        json.loads(answer.body)
