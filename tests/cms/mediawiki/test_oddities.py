"""What only a real MediaWiki does: it writes two texts into one, forgets sessions, and lets people delete key pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime

import pytest

from syncd.adapters.api import Tools
from syncd.adapters.mediawiki import MediaWikiAdapter
from syncd.errors import Conflict, Rejected
from syncd.model import Post, RemoteState
from syncd.testing.adapter_contract import FIRST, SECOND, Shelf
from syncd.web.api import Answer, Guard, Limits, Network
from syncd.web.client import Web
from tests.cms.contract import needs
from tests.cms.install import Unavailable
from tests.cms.mediawiki.kit import Chen, adapter
from tests.cms.mediawiki.site import Wiki, wiki

pytestmark = [pytest.mark.cms, pytest.mark.servers]


@pytest.fixture(scope="module")
def running() -> Iterator[Wiki]:
    try:
        with wiki() as made:
            yield made
    except Unavailable as reason:
        needs("MediaWiki", reason)


class _Watched:
    """A client that lets something happen right before an edit."""

    def __init__(self, web: Web, wiki: Wiki) -> None:
        self._client = web.client("wiki", Network(), Guard(wiki.server.hosts))
        self.before: Callable[[], None] | None = None
        self.get = self._client.get

    async def call(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, body: bytes = b"", limits: Limits | None = None,
    ) -> Answer:
        if self.before is not None and "action=edit" in url:
            happens, self.before = self.before, None
            happens()
        return await self._client.call(method, url, headers=headers, body=body, limits=limits)


def _played(wiki: Wiki, test: Callable[[MediaWikiAdapter, _Watched], Awaitable[None]]) -> None:
    async def play() -> None:
        now = lambda: datetime.now(UTC)  # noqa: E731 - the clock of a test
        web = Web(now=now, monotonic=time.monotonic, user_agent="syncd-test", gap=0.0)
        try:
            client = _Watched(web, wiki)
            await test(adapter(wiki, Tools(client, now, Shelf())), client)  # type: ignore[arg-type]
        finally:
            await web.aclose()

    asyncio.run(play())


def _post(key: str, html: str = FIRST, title: str = "") -> Post:
    return Post(key=key, title=title or f"关于{key}的通知", html=html, column="要闻", revision=1, sent=datetime.now(UTC))


def test_two_texts_that_mediawiki_writes_into_one_are_taken_apart_again(running: Wiki) -> None:
    """An edit in other lines than ours: MediaWiki says Success, and the page holds both."""
    chen = running.person()

    async def test(wiki: MediaWikiAdapter, client: _Watched) -> None:
        made = await wiki.create(_post("syncd-merge"), RemoteState.PUBLIC)
        local = chen.text(pageids=made.ref.id) + "\n\n本县编辑补充。\n[[Category:本县]]"
        client.before = lambda: chen.write(action="edit", pageid=made.ref.id, text=local) and None
        with pytest.raises(Conflict) as raised:
            await wiki.update(made.ref, _post("syncd-merge", SECOND), RemoteState.PUBLIC, made.ref.version)
        assert raised.value.kind == "version"
        assert chen.text(pageids=made.ref.id) == local

    _played(running, test)


def test_a_session_that_ended_is_renewed_once_and_the_write_is_done_once(running: Wiki) -> None:
    async def test(wiki: MediaWikiAdapter, client: _Watched) -> None:
        (await wiki._wiki.opened()).jar.clear()
        made = await wiki.create(_post("syncd-session"), RemoteState.PUBLIC)
        assert len(running.pages("<!--syncd 1 syncd-session ")) == 1
        assert await wiki.find("syncd-session") == made.ref

    _played(running, test)


def test_a_page_whose_key_page_was_deleted_is_made_no_second_time(running: Wiki) -> None:
    chen = running.person()

    async def test(wiki: MediaWikiAdapter, client: _Watched) -> None:
        made = await wiki.create(_post("syncd-lead"), RemoteState.PUBLIC)
        chen.write(action="delete", title="Project:Syncd/syncd-lead")
        assert await wiki.find("syncd-lead") is None
        with pytest.raises(Conflict):
            await wiki.create(_post("syncd-lead"), RemoteState.PUBLIC)
        assert await wiki.find("syncd-lead") == made.ref

    _played(running, test)


def test_a_page_is_found_where_an_editor_moved_it_without_its_seal(running: Wiki) -> None:
    chen = running.person()

    async def test(wiki: MediaWikiAdapter, client: _Watched) -> None:
        made = await wiki.create(_post("syncd-moved"), RemoteState.PUBLIC)
        chen.write(action="edit", pageid=made.ref.id, text="本县的文字")
        chen.write(action="move", fromid=made.ref.id, to="另一个名称")
        found = await wiki.find("syncd-moved")
        assert found is not None
        assert (found.id, found.modified_by) == (made.ref.id, "Chen")

    _played(running, test)


def test_a_form_larger_than_php_takes_is_refused_for_good(running: Wiki) -> None:
    async def test(wiki: MediaWikiAdapter, client: _Watched) -> None:
        with pytest.raises(Rejected) as raised:
            await wiki.create(_post("syncd-large", f"<p>{'x' * (17 * 1024 * 1024)}</p>"), RemoteState.PUBLIC)
        assert raised.value.reason == "too_large"
        assert await wiki.find("syncd-large") is None

    _played(running, test)


def test_the_title_of_another_page_is_not_taken(running: Wiki) -> None:
    Chen(running)._person.write(action="edit", title="本县自己的页面", text="本县")

    async def test(wiki: MediaWikiAdapter, client: _Watched) -> None:
        made = await wiki.create(_post("syncd-other", title="本县自己的页面"), RemoteState.PUBLIC)
        doc = await wiki.read(made.ref)
        assert doc.title == "本县自己的页面"
        assert [text for name, text in running.pages("本县") if name == "本县自己的页面"] == ["本县"]

    _played(running, test)
