"""The story on a real Plone behind a lossy way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cms.contract import needs
from tests.cms.install import Unavailable
from tests.cms.plone.site import ACCOUNTS, SITE, PloneSite, running, text
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import Posted, told

CONFIG = """
[[sites]]
name = "county"
adapter = "plone"
public_url = "{public}"
settle = "2s"
options = {{ api_url = "{way}", user = "syncd", password = {password}, columns = {{ "要闻" = "/yaowen" }} }}
"""


class PloneCms(Lossy):
    def __init__(self, plone: PloneSite, way: LossyProxy) -> None:
        super().__init__(way)
        self._plone = plone

    def site(self, folder: Path) -> str:
        password = secret(folder, "password", ACCOUNTS["syncd"])
        return CONFIG.format(public=self._plone.url, way=f"{self.way.url}{SITE}", password=password)

    def posts(self) -> list[Posted]:
        return [Posted(item["title"], item["text"]["data"], _state(item)) for item in self._plone.news()]

    def edit(self, title: str, html: str) -> bool:
        there = [item for item in self._plone.news() if item["title"] == title and item["review_state"] == "published"]
        for item in there:
            self._plone.ask("editor", "PATCH", f"/yaowen/{item['id']}", {"text": text(html)})
        return bool(there)


def _state(item: dict[str, object]) -> str:
    """What anybody may see is public, though it be the notice of a withdrawal: its text tells."""
    if "syncd-notice" in str(item["text"]):
        return "withdrawn"
    return "public" if item["review_state"] == "published" else "draft"


@contextmanager
def ground() -> Iterator[PloneCms]:
    try:
        with running() as plone, lossy(plone.server.url) as way:
            yield PloneCms(plone, way)
    except Unavailable as reason:
        needs("Plone", reason)


@pytest.mark.cms
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.parametrize("kills", [50])
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_item(tmp_path: Path, kills: int) -> None:
    with ground() as cms:
        told(cms, tmp_path / "daemon", kills=kills)
