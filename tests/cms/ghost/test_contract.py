"""The Ghost adapter keeps the contract on a real Ghost, and what a create costs there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.ghost import GhostAdapter, Options
from syncd.adapters.ghost.api import token
from syncd.adapters.ghost.post import lexical
from syncd.adapters.json_api import CALL
from syncd.adapters.slug import slug_of, twins
from syncd.model import RemoteRef
from tests.cms.contract import OnCms, needs
from tests.cms.ghost import install
from tests.cms.ghost.site import COLUMN, GhostSite, ghost_site
from tests.cms.install import Unavailable
from tests.cms.subject import Act, Subject

pytestmark = pytest.mark.cms
TEXT = "<p>各省、自治区、直辖市人民政府，国务院各部委、各直属机构：现印发给你们，请认真贯彻执行。</p>"


class _Editor:
    """A person with a key of their own."""

    def __init__(self, site: GhostSite) -> None:
        self._site = site

    async def edit(self, ref: RemoteRef, html: str) -> None:
        await asyncio.to_thread(self._site.edit, ref.id, html)

    async def remove(self, ref: RemoteRef) -> None:
        await asyncio.to_thread(self._site.api, "DELETE", f"/posts/{ref.id}/")

    async def count(self, key: str) -> int:
        named = ",".join(twins(slug_of(key)))
        told = await asyncio.to_thread(self._site.api, "GET", f"/posts/?filter=slug:[{named}]&fields=id")
        return len(told["posts"])


class TestGhost(OnCms):
    subject = Subject("ghost", "Ghost", "Ghost")
    column = COLUMN
    real: GhostSite

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _served(cls) -> Iterator[None]:
        try:
            with ghost_site() as site:
                cls.real, cls.hosts = site, site.server.hosts
                cls.secrets = (site.keys["syncd"].partition(":")[2],)
                yield
        except Unavailable as reason:
            needs("Ghost", reason)

    def make_adapter(self, tools: Tools) -> GhostAdapter:
        return self._adapter(tools, self.real.keys["syncd"])

    def make_stranger(self, tools: Tools) -> GhostAdapter:
        return self._adapter(tools, f"{self.real.keys['syncd'].partition(':')[0]}:{'0' * 64}")

    def make_editor(self, tools: Tools) -> _Editor:
        return _Editor(self.real)

    def version(self) -> str:
        return install.version()

    def servers(self) -> list[int]:
        return [self.real.server.pid]

    def make_bare(self, tools: Tools) -> Act:
        """One post, public at once."""

        async def post(n: int) -> None:
            await self._send(tools, "POST", "/posts/", {**_fields(f"bare-{n}"), "status": "published"})

        return post

    def make_calls(self, tools: Tools) -> Act:
        """A look-up by slug, a draft, and its publication: without the draft a late request makes a second public post."""

        async def post(n: int) -> None:
            await self._send(tools, "GET", f"/posts/?filter=slug:calls-{n}", None)
            made = await self._send(tools, "POST", "/posts/", {**_fields(f"calls-{n}"), "status": "draft"})
            fields = {"status": "published", "updated_at": made["posts"][0]["updated_at"]}
            await self._send(tools, "PUT", f"/posts/{made['posts'][0]['id']}/", fields)

        return post

    def _adapter(self, tools: Tools, key: str) -> GhostAdapter:
        options = Options.model_validate({"api_url": self.real.url, "key": key})
        return GhostAdapter(SiteConfig("county", self.real.url, options=options), tools)

    async def _send(self, tools: Tools, method: str, path: str, fields: dict[str, Any] | None) -> Any:
        made = token(self.real.keys["syncd"], tools.now())
        headers = {"authorization": f"Ghost {made}", "content-type": "application/json"}
        body = b"" if fields is None else json.dumps({"posts": [fields]}).encode()
        url = f"{self.real.url}/ghost/api/admin{path}"
        answer = await tools.client.call(method, url, headers=headers, body=body, limits=CALL)
        assert answer.status < 300, answer.body
        return json.loads(answer.body)


def _fields(slug: str) -> dict[str, Any]:
    return {"slug": slug, "title": f"通知{slug}", "lexical": lexical(TEXT), "tags": [COLUMN]}
