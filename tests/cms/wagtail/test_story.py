"""The story on a real Wagtail behind a lossy way, with and without the middleware that holds conditions."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from syncd.adapters.sealed import open_page
from tests.cms.contract import needs
from tests.cms.install import Unavailable
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import Posted, told
from tests.cms.wagtail.site import WagtailSite, wagtail

SITE = """
[[sites]]
name = "county"
adapter = "wagtail"
public_url = "{public}"
settle = "2s"
options = {{ api_url = "{way}/api/v3", token = {token}, page_type = "news.NewsPage", parent = {parent} }}
"""


class WagtailCms(Lossy):
    def __init__(self, site: WagtailSite, way: LossyProxy) -> None:
        super().__init__(way)
        self._site = site

    def site(self, folder: Path) -> str:
        token = secret(folder, "token", self._site.prepared.tokens["syncd"])
        return SITE.format(public=self._site.server.url, way=self.way.url, token=token, parent=self._site.prepared.parent)

    def posts(self) -> list[Posted]:
        return [Posted(title, text, _state(title, text, live=live)) for title, text, live in self._pages()]

    def _pages(self) -> Iterator[tuple[str, str, bool]]:
        for title, body, live in self._site.pages():
            yield title, "".join(block["value"] for block in json.loads(body)), live

    def edit(self, title: str, html: str) -> bool:
        found = self._ask("GET", f"/pages/?type=news.NewsPage&title={quote(title)}")["items"]
        live = {named for named, text, live in self._pages() if _state(named, text, live=live) == "public"}
        for page in found if title in live else ():
            self._ask("PATCH", f"/pages/{page['id']}/", {
                "meta": {"action": "publish"}, "body": [{"type": "html", "value": html}]})
        return bool(found) and title in live

    def _ask(self, method: str, path: str, told: object = None) -> Any:
        parts = urlsplit(self._site.api)
        headers = {"authorization": f"Bearer {self._site.prepared.tokens['editor']}", "content-type": "application/json"}
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        try:
            connection.request(method, parts.path + path, None if told is None else json.dumps(told), headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, body
        return json.loads(body)


def _state(title: str, text: str, *, live: bool) -> str:
    if open_page(text, title).notice:
        return "withdrawn"
    return "public" if live else "draft"


@contextmanager
def ground(*, conditions: bool) -> Iterator[WagtailCms]:
    try:
        with wagtail(conditions=conditions) as site, lossy(site.server.url) as way:
            yield WagtailCms(site, way)
    except Unavailable as reason:
        needs("Wagtail", reason)


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.xdist_group("wagtail")
@pytest.mark.parametrize(("kills", "conditions"), [
    pytest.param(10, True, marks=pytest.mark.servers, id="10, class A"),
    pytest.param(50, True, marks=pytest.mark.cms, id="50, class A"),
    pytest.param(50, False, marks=pytest.mark.cms, id="50, class C"),
])
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_page(
    tmp_path: Path, kills: int, conditions: bool,
) -> None:
    with ground(conditions=conditions) as cms:
        told(cms, tmp_path / "daemon", kills=kills)
