"""The adapter against a small Newsdesk in memory, over syncd's own faulty network."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import pytest
from syncd_newsdesk import NewsdeskAdapter, Options

from syncd import plugins
from syncd.adapters.api import SiteConfig, Tools
from syncd.errors import AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Post, RemoteState, Wrote
from syncd.testing.clock import ManualClock
from syncd.testing.faults import Faults
from syncd.testing.network import FakeExchange, Wires

POST = Post(key="county-1", title="关于春耕的通知", html="<p>一、抓紧春耕。</p>", column="要闻", revision=1)
Reply = tuple[int, dict[str, str], bytes]
T = TypeVar("T")


class Newsdesk:
    """State with the rules of the real one: ids are unique, If-Match is honoured, nobody gets in without the token."""

    def __init__(self) -> None:
        self.articles: dict[str, dict[str, Any]] = {}
        self.writes = 0

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        if not path.startswith("/api/"):
            return 404, {"content-type": "text/html"}, b"<h1>404</h1>"
        if headers.get("authorization") != "Bearer secret":
            return _json(401, {"error": "no_token"})
        words = path.removeprefix("/api/").split("/")
        if words == ["me"]:
            return _json(200, {"name": "syncd", "version": "4.2", "columns": [3]})
        told = json.loads(body) if body else {}
        if method == "POST":
            return self._create(told)
        article = self.articles.get(words[1])
        if article is None:
            return _json(404, {"error": "no_article"})
        return _json(200, article) if method == "GET" else self._change(article, told, headers.get("if-match", ""))

    def edit(self, key: str, html: str) -> None:
        """A person changes an article at the site."""
        article = self.articles[key]
        article |= {"html": html, "version": article["version"] + 1, "by": "wang"}

    def _create(self, told: dict[str, Any]) -> Reply:
        if told["id"] in self.articles:
            return _json(409, {"error": "taken"})
        self.writes += 1
        self.articles[told["id"]] = told | {"version": 1, "by": "syncd"}
        return _json(201, self.articles[told["id"]])

    def _change(self, article: dict[str, Any], told: dict[str, Any], if_match: str) -> Reply:
        if if_match and if_match != f'"{article["version"]}"':
            return _json(412, {"error": "changed"})
        if any(article.get(name) != value for name, value in told.items()):
            self.writes += 1
            article |= told | {"version": article["version"] + 1, "by": "syncd"}
        return _json(200, article)


def _json(status: int, told: Mapping[str, Any]) -> Reply:
    return status, {"content-type": "application/json"}, json.dumps(told).encode()


def connected(desk: Newsdesk, *, token: str = "secret", path: str = "", fault: str = "") -> NewsdeskAdapter:
    """The adapter on a network. fault: strikes each call; syncd.testing.faults names them."""
    wires = Wires(ManualClock(), Faults(random.Random(1), {fault: 1.0}), {"cms.example": desk.handle})
    options = Options.model_validate({"api_url": f"http://cms.example{path}", "token": token, "columns": {"要闻": 3}})
    site = SiteConfig("county", "http://www.county.example", options=options)
    return NewsdeskAdapter(site, Tools(FakeExchange(wires).client("county"), wires.clock.now, blobs=None))  # type: ignore[arg-type]


def run(work: Awaitable[T]) -> T:
    async def awaited() -> T:
        return await work

    return asyncio.run(awaited())


def test_syncd_finds_it_by_its_name() -> None:
    assert plugins.load("syncd.adapters", "newsdesk") is NewsdeskAdapter


def test_an_article_is_created_found_read_changed_and_withdrawn() -> None:
    desk = Newsdesk()
    adapter = connected(desk)
    made = run(adapter.create(POST, RemoteState.PUBLIC))
    assert (made.outcome, made.losses, made.ref.url) == (Wrote.CREATED, (), "http://www.county.example/news/county-1")
    assert run(adapter.find("county-1")) == made.ref
    assert run(adapter.find("county-2")) is None
    newer = replace(POST, html="<p>二</p>", revision=2)
    changed = run(adapter.update(made.ref, newer, RemoteState.PUBLIC, made.ref.version))
    assert changed.outcome is Wrote.UPDATED
    assert run(adapter.update(changed.ref, newer, RemoteState.PUBLIC, changed.ref.version)).outcome is Wrote.UNCHANGED
    assert run(adapter.read(changed.ref)).html == "<p>二</p>"
    gone = run(adapter.withdraw(changed.ref, "unpublish", changed.ref.version))
    assert (gone.outcome, gone.ref.state) == (Wrote.WITHDRAWN, RemoteState.WITHDRAWN)
    assert run(adapter.withdraw(gone.ref, "unpublish")).outcome is Wrote.ALREADY
    assert desk.writes == 3


def test_a_second_article_with_a_key_is_refused() -> None:
    adapter = connected(Newsdesk())
    run(adapter.create(POST, RemoteState.PUBLIC))
    with pytest.raises(Conflict) as refused:
        run(adapter.create(POST, RemoteState.PUBLIC))
    assert refused.value.kind == "exists"


def test_what_a_person_changed_is_not_overwritten_and_is_known_as_theirs() -> None:
    desk = Newsdesk()
    adapter = connected(desk)
    made = run(adapter.create(POST, RemoteState.PUBLIC))
    desk.edit("county-1", "<p>改</p>")
    with pytest.raises(Conflict) as refused:
        run(adapter.update(made.ref, POST, RemoteState.PUBLIC, made.ref.version))
    assert refused.value.kind == "version"
    found = run(adapter.find("county-1"))
    assert found is not None
    assert found.modified_by == "wang"


@pytest.mark.parametrize("fault", ["lost_after", "cut_answer", "page200", "error500_after", "bad_gateway"])
def test_an_answer_that_does_not_say_what_happened_is_unknown_and_never_not_applied(fault: str) -> None:
    desk = Newsdesk()
    with pytest.raises(Unknown):
        run(connected(desk, fault=fault).create(POST, RemoteState.PUBLIC))
    assert ("county-1" in desk.articles) == (fault != "bad_gateway")


def test_no_connection_is_not_applied() -> None:
    with pytest.raises(NotApplied):
        run(connected(Newsdesk(), fault="refused").create(POST, RemoteState.PUBLIC))


def test_a_wrong_address_does_not_mean_that_nothing_is_there() -> None:
    with pytest.raises(NotApplied) as told:
        run(connected(Newsdesk(), path="/old").find("county-1"))
    assert told.value.reason == "no_route"


def test_a_wrong_token_stops_the_site_and_check_says_so() -> None:
    adapter = connected(Newsdesk(), token="wrong")
    with pytest.raises(AuthFailed):
        run(adapter.create(POST, RemoteState.PUBLIC))
    report = run(adapter.check())
    assert not report.ok
    assert report.items[0].hint


def test_check_finds_log_in_version_and_columns() -> None:
    report = run(connected(Newsdesk()).check())
    assert (report.ok, report.server_version, report.capabilities.guarantee) == (True, "4.2", "A")


def test_a_column_that_nobody_mapped_needs_a_person() -> None:
    with pytest.raises(Rejected) as told:
        run(connected(Newsdesk()).create(replace(POST, column="公告"), RemoteState.PUBLIC))
    assert told.value.field == "column"


def test_an_article_that_is_gone_is_not_found() -> None:
    desk = Newsdesk()
    adapter = connected(desk)
    made = run(adapter.create(POST, RemoteState.PUBLIC))
    desk.articles.clear()
    with pytest.raises(NotFound):
        run(adapter.update(made.ref, POST, RemoteState.PUBLIC, made.ref.version))
