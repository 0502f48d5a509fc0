"""The adapter keeps the contract that every adapter of syncd keeps; what is special about Newsdesk is tested beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from syncd_newsdesk import NewsdeskAdapter, Options

from syncd import plugins
from syncd.adapters.api import SiteConfig, Tools
from syncd.errors import NotApplied, Rejected
from syncd.model import RemoteRef, RemoteState
from syncd.testing import AdapterContract
from syncd.testing.adapter_contract import case
from syncd.testing.asgi import AppClient, Application, Reply
from syncd.web.api import Client

TOKEN = "tok-8c1f40"


class Newsdesk(Application):
    """State with the rules of the real one: ids are unique, If-Match is honoured, nobody gets in without the token."""

    def __init__(self) -> None:
        super().__init__()
        self.articles: dict[str, dict[str, Any]] = {}

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        if path.startswith("/news/"):
            return self._page(path.removeprefix("/news/"))
        if not path.startswith("/api/"):
            return 404, {"content-type": "text/html"}, b"<h1>404</h1>"
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return _json(401, {"error": "no_token"})
        words = path.removeprefix("/api/").split("/")
        if words == ["me"]:
            return _json(200, {"name": "syncd", "version": "4.2", "columns": [3]})
        told = json.loads(body) if body else {}
        if len(told.get("title", "")) > 200:
            return _json(422, {"error": "title_too_long"})
        if method == "POST":
            return self._create(told)
        article = self.articles.get(words[1])
        if article is None:
            return _json(404, {"error": "no_article"})
        return _json(200, article) if method == "GET" else self._change(article, told, headers.get("if-match", ""))

    def _create(self, told: dict[str, Any]) -> Reply:
        if told["id"] in self.articles:
            return _json(409, {"error": "taken"})
        self.articles[told["id"]] = told | {"version": 1, "by": "syncd"}
        return _json(201, self.articles[told["id"]])

    def _change(self, article: dict[str, Any], told: dict[str, Any], if_match: str) -> Reply:
        if if_match and if_match != f'"{article["version"]}"':
            return _json(412, {"error": "changed"})
        if any(article.get(name) != value for name, value in told.items()):
            article |= told | {"version": article["version"] + 1, "by": "syncd"}
        return _json(200, article)

    def _page(self, id: str) -> Reply:
        article = self.articles.get(id, {"state": "offline"})
        if article["state"] != "public":
            return 404, {"content-type": "text/html"}, b"<h1>404</h1>"
        text = f"<html><title>{article['title']}</title><h1>{article['title']}</h1>{article['html']}</html>"
        return 200, {"content-type": "text/html; charset=utf-8"}, text.encode()


def _json(status: int, told: Mapping[str, Any]) -> Reply:
    return status, {"content-type": "application/json"}, json.dumps(told).encode()


class Wang:
    """A person at the site."""

    def __init__(self, desk: Newsdesk) -> None:
        self.desk = desk

    async def edit(self, ref: RemoteRef, html: str) -> None:
        article = self.desk.articles[ref.id]
        article |= {"html": html, "version": article["version"] + 1, "by": "wang"}

    async def remove(self, ref: RemoteRef) -> None:
        del self.desk.articles[ref.id]


class TestNewsdesk(AdapterContract):
    secrets = (TOKEN,)
    has_pages = True

    def setup_method(self) -> None:
        self.desk = Newsdesk()

    def make_client(self) -> Client:
        return AppClient(self.desk)

    def make_adapter(self, tools: Tools, *, token: str = TOKEN, path: str = "") -> NewsdeskAdapter:
        options = {"api_url": f"http://cms.example{path}", "token": token, "columns": {"要闻": 3}}
        site = SiteConfig("county", "http://cms.example", options=Options.model_validate(options))
        return NewsdeskAdapter(site, tools)

    def make_stranger(self, tools: Tools) -> NewsdeskAdapter:
        return self.make_adapter(tools, token="wrong")

    def make_editor(self, tools: Tools) -> Wang:
        return Wang(self.desk)

    @case
    async def test_a_wrong_address_does_not_mean_that_nothing_is_there(self) -> None:
        error = await self.failed(self.make_adapter(self.tools, path="/old").find(self.post().key))
        assert isinstance(error, NotApplied)
        assert error.reason == "no_route"

    @case
    async def test_check_finds_log_in_version_and_columns(self) -> None:
        assert [item.name for item in self.report.items] == ["login", "column 要闻"]
        assert (self.report.server_version, self.can.guarantee) == ("4.2", "A")

    @case
    async def test_a_column_that_nobody_mapped_needs_a_person(self) -> None:
        error = await self.failed(self.adapter.create(self.post(column="公告"), RemoteState.PUBLIC))
        assert isinstance(error, Rejected)
        assert error.field == "column"


def test_syncd_finds_it_by_its_name() -> None:
    assert plugins.load("syncd.adapters", "newsdesk") is NewsdeskAdapter
