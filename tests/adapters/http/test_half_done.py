"""What is told after a request that wrote, and whose post a new one is: nothing of an editor's is taken over or deleted."""

from __future__ import annotations

import html
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from syncd.adapters.http import HttpAdapter
from syncd.errors import AdapterError, Unknown
from syncd.model import RemoteRef, RemoteState
from tests.adapters.http.desk import desk
from tests.adapters.http.kit import Ground, played, post

Reply = tuple[int, dict[str, str], bytes]
TITLE = "关于印发《方案》的通知"
_HTML, _JSON = {"content-type": "text/html; charset=utf-8"}, {"content-type": "application/json"}


class Old:
    """A CMS whose answer to a save tells no id. lags: what is saved is listed later. renames: it gives a post another key."""

    def __init__(self, *, lags: bool = False, renames: bool = False) -> None:
        self.posts: dict[str, tuple[str, str, str]] = {}
        self.lags, self.renames = lags, renames
        self.waiting: set[str] = set()
        self.published: list[str] = []

    def editor(self, title: str = TITLE) -> str:
        return self._save("by-editor", title, "<p>x</p>")

    def _save(self, key: str, title: str, text: str) -> str:
        id = str(len(self.posts) + 1)
        self.posts[id] = (key, title, text)
        return id

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        told = dict(parse_qsl(body.decode()))
        if path == "/list":
            rows = "".join(f"<li><b>{id}</b><i>{html.escape(p[1])}</i></li>" for id, p in self.posts.items()
                           if id not in self.waiting)
            return 200, _HTML, f"<ul>{rows}</ul>".encode()
        if path.startswith("/read/"):
            key, title, text = self.posts[path.removeprefix("/read/")]
            return 200, _JSON, json.dumps({"key": key, "title": title, "html": text}).encode()
        if path == "/save":
            id = self._save(told["key"] + "-1" * self.renames, told["title"], told["html"])
            self.waiting |= {id} if self.lags else set()
            return 200, _JSON, b'{"saved": true}'
        id = told["id"]
        if path == "/publish":
            self.published.append(id)
        if path == "/delete":
            del self.posts[id]
        return 200, _JSON, b"{}"


def old(fake: Old, *, reads: bool = True) -> Ground:
    read = {"url": "/read/{{ id }}", "fields": {"title": "title", "html": "html", "key": "key"}}
    listed = {"url": "/list", "answer": "html", "shows": "ul", "rows": "li", "fields": {"id": "b", "title": "i"}}
    form = {"key": "{{ key }}", "title": "{{ title }}", "html": "{{ html }}"}
    return Ground(fake.handle, desk(
        unique="none", conditional="none", auth={}, account=("",), answers=(), message=None, check=None, find=None, update=None,
        read=read if reads else None, listed=listed, create={"url": "/save", "form": form},
        publish={"url": "/publish", "form": {"id": "{{ id }}"}, "fields": {}},
        withdraw={"delete": {"url": "/delete", "form": {"id": "{{ id }}"}, "fields": {}}}))


@pytest.mark.parametrize("reads", [True, False])
@played
async def test_an_editors_older_post_of_the_title_is_never_ours(reads: bool) -> None:
    fake = Old(lags=True)
    theirs = fake.editor()
    with pytest.raises(Unknown) as doubt:
        await old(fake, reads=reads).adapter().create(post(), RemoteState.PUBLIC)
    assert doubt.value.reason == "not_listed"
    assert theirs in fake.posts
    assert fake.published == []


@pytest.mark.parametrize("reads", [True, False])
@played
async def test_a_new_post_is_told_from_an_older_one_of_its_title(reads: bool) -> None:
    fake = Old()
    fake.editor()
    made = await old(fake, reads=reads).adapter().create(post(), RemoteState.PUBLIC)
    assert (made.ref.id, fake.published) == ("2", ["2"])


@played
async def test_a_new_post_of_another_key_is_neither_published_nor_deleted() -> None:
    fake = Old(renames=True)
    with pytest.raises(Unknown):
        await old(fake).adapter().create(post(), RemoteState.PUBLIC)
    assert (list(fake.posts), fake.published) == (["1"], [])


@played
async def test_an_id_that_only_a_look_told_is_neither_published_nor_deleted_where_its_key_is_another() -> None:
    fake = Old()
    theirs = fake.editor()
    look = {"url": "/list", "method": "GET", "looks": True, "answer": "html", "fields": {"id": "b"}}
    site = old(fake)
    save = site.options["create"]
    with pytest.raises(Unknown) as doubt:
        await site.adapter(create=[save, look], listed=None).create(post(), RemoteState.PUBLIC)
    assert doubt.value.reason == "not_ours"
    assert (theirs in fake.posts, fake.published) == (True, [])


class Steps:
    """A CMS that fails one of the requests, by its number."""

    def __init__(self, number: int, status: int) -> None:
        self.number, self.status = number, status
        self.asked: list[str] = []

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        self.asked.append(f"{method} {path}")
        failed = len(self.asked) == self.number
        return self.status if failed else 200, _JSON, b'{"id": 7, "posts": []}'


def steps(fake: Any, **changes: Any) -> Ground:
    bare = {"unique": "none", "conditional": "none", "auth": {}, "account": ("",), "answers": (), "message": None, "read": None}
    return Ground(fake.handle, desk(**bare | changes))


FAILURES = (400, 403, 404, 409, 422, 423, 429, 500, 502)


_FIND = {"url": "/find", "rows": "posts", "fields": {"id": "id", "key": "key"}}
_SAVE, _PUBLISH = {"url": "/save"}, {"url": "/publish", "fields": {}}
CREATES: tuple[dict[str, Any], ...] = (
    {"find": None, "create": [{"url": "/part", "fields": {}}, _SAVE]},
    {"find": _FIND, "create": [{"url": "/part", "fields": {}}, _SAVE]},
    {"find": None, "create": _SAVE, "publish": _PUBLISH},
    {"find": _FIND, "create": _SAVE, "publish": _PUBLISH},
    {"find": _FIND, "create": {"url": "/save", "fields": {}}},
)


@pytest.mark.parametrize("status", FAILURES)
@pytest.mark.parametrize("declared", CREATES)
@played
async def test_whatever_fails_after_a_request_that_wrote_is_in_doubt(status: int, declared: dict[str, Any]) -> None:
    """A second request of the create, its publishing, or the look for its id."""
    fake = Steps(2 if declared["find"] is None else 3, status)
    with pytest.raises(AdapterError) as raised:
        await steps(fake, **declared).adapter().create(post(), RemoteState.PUBLIC)
    assert type(raised.value) is Unknown, fake.asked


@pytest.mark.parametrize("status", FAILURES)
@played
async def test_whatever_fails_after_the_first_request_of_an_update_or_withdrawal_is_in_doubt(status: int) -> None:
    two = [{"url": "/one", "fields": {}}, {"url": "/two", "fields": {}}]
    calls: tuple[Callable[[HttpAdapter], Awaitable[object]], ...] = (
        lambda adapter: adapter.update(RemoteRef("1"), post(), RemoteState.PUBLIC, None),
        lambda adapter: adapter.withdraw(RemoteRef("1"), "unpublish", None),
    )
    for call in calls:
        adapter = steps(Steps(2, status), find=None, update=two, withdraw={"unpublish": two}).adapter()
        with pytest.raises(AdapterError) as raised:
            await call(adapter)
        assert type(raised.value) is Unknown
