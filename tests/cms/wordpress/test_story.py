"""The story on a real WordPress behind a lossy way, with and without the companion. CI has tests/wordpress_story."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from syncd.adapters.sealed import open_page
from tests.cms.contract import needs
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import KILLS, Posted, told
from tests.wordpress.install import Unavailable
from tests.wordpress.server import WordPress, running

SITE = """
[[sites]]
name = "county"
adapter = "wordpress"
public_url = "{public}"
settle = "2s"
options = {{ api_url = "{way}", user = "syncd", password = {password} }}
"""
_STATES = {"publish": "public", "draft": "draft", "private": "draft", "pending": "draft", "future": "draft"}


class WordPressCms(Lossy):
    def __init__(self, wordpress: WordPress, way: LossyProxy) -> None:
        super().__init__(way)
        self._wordpress = wordpress

    def site(self, folder: Path) -> str:
        password = secret(folder, "password", self._wordpress.users["syncd"].password)
        return SITE.format(public=self._wordpress.url, way=self.way.url, password=password)

    def posts(self) -> list[Posted]:
        return [Posted(html.unescape(post["title"]), post["content"], _state(post))
                for post in self._wordpress.posts() if post["status"] in _STATES]

    def edit(self, title: str, html: str) -> bool:
        there = [post["id"] for post in self._wordpress.posts() if post["title"] == title and post["status"] == "publish"]
        for id in there:
            self._wordpress.api("POST", f"/posts/{id}?_fields=id", user="editor", body={"content": html})
        return bool(there)


def _state(post: Mapping[str, Any]) -> str:
    """A notice stands in the place of a withdrawn document, at its address."""
    return "withdrawn" if open_page(post["content"], post["title"]).notice else _STATES[post["status"]]


@contextmanager
def ground(*, companion: bool) -> Iterator[WordPressCms]:
    try:
        with running() as wordpress, wordpress.companion() if companion else nullcontext(), lossy(wordpress.url) as way:
            yield WordPressCms(wordpress, way)
    except Unavailable as reason:
        needs("WordPress", reason)


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.parametrize("companion", [False, True], ids=["class C", "class A"])
@pytest.mark.parametrize("kills", KILLS[1:])
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_post(
    tmp_path: Path, kills: int, companion: bool,
) -> None:
    with ground(companion=companion) as cms:
        told(cms, tmp_path / "daemon", kills=kills)
