"""What only a real Wagtail can show: its rich text, locks, drafts, copies, limits, and that the middleware decides."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.wagtail import WagtailAdapter
from syncd.errors import AuthFailed, Conflict, Rejected
from syncd.model import Post, RemoteState, Wrote
from syncd.testing.adapter_contract import Shelf
from syncd.web.api import Client, Network
from syncd.web.client import Web
from syncd.web.guard import Guard
from tests.adapters.wagtail.kit import post as post_of
from tests.cms.contract import needs
from tests.cms.install import Unavailable
from tests.cms.wagtail.site import WagtailSite, wagtail
from tests.cms.wagtail.test_contract import Hand

pytestmark = [pytest.mark.cms, pytest.mark.servers, pytest.mark.xdist_group("wagtail")]
PUBLIC = RemoteState.PUBLIC


@pytest.fixture(scope="module")
def site() -> Iterator[WagtailSite]:
    try:
        with wagtail() as made:
            yield made
    except Unavailable as reason:
        needs("Wagtail", reason)


def now() -> datetime:
    return datetime.now(UTC)


class Ground:
    """An adapter and an editor at one Wagtail."""

    def __init__(self, site: WagtailSite, client: Client, **options: Any) -> None:
        self.site, self.client = site, client
        self.tools = Tools(client, now, Shelf())
        self.adapter = self.made(**options)
        self.editor = Hand(client, site, "editor")

    def made(self, account: str = "syncd", **options: Any) -> WagtailAdapter:
        config = SiteConfig("county", self.site.server.url, options=self.site.options(account, **options))
        return WagtailAdapter(config, self.tools)


def on(site: WagtailSite, test: Callable[[Ground], Awaitable[None]], **options: Any) -> None:
    async def played() -> None:
        web = Web(now=now, monotonic=time.monotonic, user_agent="syncd-test", gap=0.0)
        try:
            await test(Ground(site, web.client("test", Network(), Guard(site.server.hosts)), **options))
        finally:
            await web.aclose()

    asyncio.run(played())


def post(key: str, **changes: Any) -> Post:
    return post_of(key=f"syncd-odd-{key}", sent=now(), **changes)


def test_of_two_writes_under_one_condition_one_is_done(site: WagtailSite) -> None:
    async def test(ground: Ground) -> None:
        ref = (await ground.adapter.create(post("race"), PUBLIC)).ref
        page = await ground.editor.ask("GET", f"/pages/{ref.id}/?version=draft")
        token = site.prepared.tokens["editor"]

        async def write(n: int) -> int:
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json",
                       "if-match": page["syncd_page"]["etag"]}
            answer = await ground.client.call(
                "PATCH", f"{site.api}/pages/{ref.id}/", headers=headers, body=json.dumps({"title": f"第{n}次"}).encode())
            return answer.status

        assert sorted(await asyncio.gather(*(write(n) for n in range(6)))) == [200, 412, 412, 412, 412, 412]

    on(site, test)


def test_a_rich_text_field_drops_tables_and_says_so(site: WagtailSite) -> None:
    async def test(ground: Ground) -> None:
        text = "<h1>目录</h1><p>甲</p><table><tr><td>一</td></tr></table>"
        result = await ground.adapter.create(post("rich", html=text), PUBLIC)
        told = " ".join(result.losses)
        assert "unwrapped <table> (feature disabled)" in told
        assert "unwrapped <h1>" in told
        assert result.stored is not None
        assert "<table" not in result.stored.html
        found = await ground.adapter.find("syncd-odd-rich")
        assert found is not None
        assert found.version == result.ref.version
        assert (await ground.adapter.withdraw(found, "unpublish", found.version)).outcome is Wrote.WITHDRAWN
        gone = await ground.adapter.find("syncd-odd-rich")
        assert gone is not None
        assert gone.state is RemoteState.WITHDRAWN
        assert (await ground.adapter.withdraw(gone, "unpublish")).outcome is Wrote.ALREADY

    on(site, test, page_type="news.RichPage", block="", fields={}, withdraw="unpublish")


def test_what_an_editor_saved_and_did_not_publish_is_not_published_by_us(site: WagtailSite) -> None:
    async def test(ground: Ground) -> None:
        made = await ground.adapter.create(post("draft"), PUBLIC)
        await ground.editor.ask("PATCH", f"/pages/{made.ref.id}/", {"body": [{"type": "html", "value": "<p>未完</p>"}]})
        with pytest.raises(Conflict) as failure:
            await ground.adapter.update(made.ref, post("draft", title="更正"), PUBLIC, made.ref.version)
        assert failure.value.kind == "version"
        found = await ground.adapter.find("syncd-odd-draft")
        assert found is not None
        assert (found.state, found.modified_by) == (PUBLIC, "user 2")

    on(site, test)


def test_a_page_that_an_editor_has_locked_waits(site: WagtailSite) -> None:
    async def test(ground: Ground) -> None:
        made = await ground.adapter.create(post("lock"), PUBLIC)
        with sqlite3.connect(site.server.folder / "site" / "db.sqlite3", timeout=20) as database:
            database.execute("UPDATE wagtailcore_page SET locked = 1, locked_by_id = 2 WHERE id = ?", (made.ref.id,))
        with pytest.raises(Conflict) as failure:
            await ground.adapter.update(made.ref, post("lock", title="更正"), PUBLIC, None)
        assert failure.value.kind == "locked"

    on(site, test)


def test_a_copy_that_an_editor_makes_has_no_key(site: WagtailSite) -> None:
    async def test(ground: Ground) -> None:
        made = await ground.adapter.create(post("copy"), PUBLIC)
        copy = await ground.editor.ask("POST", f"/pages/{made.ref.id}/actions/copy/", {})
        assert copy["syncd_key"] is None
        found = await ground.adapter.find("syncd-odd-copy")
        assert found is not None
        assert found.id == made.ref.id

    on(site, test)


def test_a_text_that_is_more_than_django_takes_is_refused(site: WagtailSite) -> None:
    async def test(ground: Ground) -> None:
        with pytest.raises(Rejected) as failure:
            await ground.adapter.create(post("big", html=f"<p>{'文' * 900_000}</p>"), PUBLIC)
        assert failure.value.reason == "too_large"
        assert await ground.adapter.find("syncd-odd-big") is None

    on(site, test)


def test_an_account_without_rights_is_told_what_it_lacks(site: WagtailSite) -> None:
    async def test(ground: Ground) -> None:
        viewer = ground.made("viewer")
        report = await viewer.check()
        assert {item.name for item in report.items if not item.ok} >= {"parent", "publishing", "images", "documents"}
        with pytest.raises(AuthFailed):
            await viewer.create(post("viewer"), PUBLIC)

    on(site, test)
