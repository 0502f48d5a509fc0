"""The WordPress adapter keeps the contract on a real WordPress, with and without the companion, and what a create costs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from syncd.adapters.api import Tools
from syncd.adapters.wordpress.rest import CALL
from tests.adapters.wordpress.test_contract import OnRealWordPress
from tests.cms.contract import OnCms
from tests.cms.subject import Act, Subject
from tests.wordpress.server import WordPress

pytestmark = [pytest.mark.cms, pytest.mark.servers, pytest.mark.xdist_group("wordpress")]
TEXT = "<p>各省、自治区、直辖市人民政府，国务院各部委、各直属机构：现印发给你们，请认真贯彻执行。</p>"


class OnWordPress(OnCms, OnRealWordPress):
    """The server is the session's. looks: nothing refuses a second post of a key, so that one looks before."""

    looks = True

    def version(self) -> str:
        return self.real.version

    def servers(self) -> list[int]:
        return [self.real.pid]

    def make_bare(self, tools: Tools) -> Act:
        """One post, public at once."""

        async def post(n: int) -> None:
            await self._send(tools, "/posts", {"slug": f"bare-{n}", "title": f"通知{n}", "content": TEXT, "status": "publish"})

        return post

    def make_calls(self, tools: Tools) -> Act:
        """A look-up by slug if nobody else looks, a draft, and its publication: without the draft a late request makes a
        second public post."""

        async def post(n: int) -> None:
            if self.looks:
                await self._send(tools, f"/posts?slug=calls-{n}&status=publish,draft,trash&context=edit", None)
            made = await self._send(tools, "/posts", {
                "slug": f"calls-{n}", "title": f"通知{n}", "content": TEXT, "status": "draft", "categories": [1]})
            await self._send(tools, f"/posts/{made['id']}", {"status": "publish"})

        return post

    async def _send(self, tools: Tools, path: str, body: object) -> dict[str, int]:
        headers = {"authorization": self.real.users["syncd"].authorization, "content-type": "application/json"}
        answer = await tools.client.call(
            "GET" if body is None else "POST", f"{self.real.url}/wp-json/wp/v2{path}", headers=headers,
            body=b"" if body is None else json.dumps(body).encode(), limits=CALL)
        assert answer.status < 300, answer.body
        told: dict[str, int] = {} if body is None else json.loads(answer.body)
        return told


class TestWordPress(OnWordPress):
    subject = Subject("wordpress", "WordPress", "WordPress")


class TestWordPressWithCompanion(OnWordPress):
    subject = Subject("wordpress", "WordPress with companion", "WordPress")
    looks = False

    @pytest.fixture(autouse=True)
    def _with(self, real_wordpress: WordPress) -> Iterator[None]:
        with real_wordpress.companion():
            yield
