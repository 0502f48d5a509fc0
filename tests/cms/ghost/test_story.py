"""The story on a real Ghost behind a lossy way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.adapters.sealed import open_page
from tests.cms.contract import needs
from tests.cms.ghost.site import GhostSite, ghost_site
from tests.cms.install import Unavailable
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import Posted, told

SITE = """
[[sites]]
name = "county"
adapter = "ghost"
public_url = "{public}"
settle = "4s"
options = {{ api_url = "{way}", key = {key} }}
"""


class GhostCms(Lossy):
    def __init__(self, site: GhostSite, way: LossyProxy) -> None:
        super().__init__(way)
        self._site = site

    def site(self, folder: Path) -> str:
        key = secret(folder, "key", self._site.keys["syncd"])
        return SITE.format(public=self._site.url, way=self.way.url, key=key)

    def posts(self) -> list[Posted]:
        return [Posted(post["title"], post["html"] or "", _state(post)) for post in self._site.posts()]

    def edit(self, title: str, html: str) -> bool:
        there = [post["id"] for post in self._site.posts() if post["title"] == title and post["status"] == "published"]
        for id in there:
            self._site.edit(id, html)
        return bool(there)


def _state(post: dict[str, str]) -> str:
    """A public notice stands for a withdrawn document."""
    if open_page(post["html"] or "", post["title"]).notice:
        return "withdrawn"
    return "public" if post["status"] == "published" else "draft"


@contextmanager
def ground() -> Iterator[GhostCms]:
    try:
        with ghost_site() as site, lossy(site.url) as way:
            yield GhostCms(site, way)
    except Unavailable as reason:
        needs("Ghost", reason)


@pytest.mark.cms
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_post(tmp_path: Path) -> None:
    with ground() as cms:
        told(cms, tmp_path / "daemon", kills=50)
