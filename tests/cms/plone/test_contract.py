"""The Plone adapter keeps the contract on a real Plone, and what a create costs there."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.json_api import CALL
from syncd.adapters.plone import Options, PloneAdapter
from syncd.model import RemoteRef
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
        await self._ask("PATCH", ref.id, {"text": text(html)})

    async def remove(self, ref: RemoteRef) -> None:
        await self._ask("DELETE", ref.id)

    async def count(self, key: str) -> int:
        found = await self._ask("GET", f"/@search?portal_type={quote('News Item')}&getId={key}&show_inactive=1")
        return int(found["items_total"])

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
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
