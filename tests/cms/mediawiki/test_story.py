"""The story on a real MediaWiki, behind a way that loses requests and answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.adapters.mediawiki.page import open_page
from tests.cms.contract import needs
from tests.cms.install import Unavailable
from tests.cms.mediawiki.kit import with_text
from tests.cms.mediawiki.site import PASSWORDS, Wiki, wiki
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import KILLS, Posted, told

SITE = """
[[sites]]
name = "county"
adapter = "mediawiki"
public_url = "{public}"
settle = "4s"
options = {{ api_url = "{api}/api.php", user = "Syncd@syncd", password = {password} }}
"""


class WikiCms(Lossy):
    def __init__(self, wiki: Wiki, way: LossyProxy) -> None:
        super().__init__(way)
        self._wiki, self._chen = wiki, wiki.person()

    def site(self, folder: Path) -> str:
        password = secret(folder, "password", PASSWORDS["Syncd@syncd"])
        return SITE.format(public=self._wiki.url, api=self.way.url, password=password)

    def posts(self) -> list[Posted]:
        """By what stands in the wiki's database."""
        found = []
        for name, text in self._wiki.pages():
            opened = open_page(text)
            found.append(Posted(opened.title or name, text, "withdrawn" if opened.notice else "public"))
        return found

    def edit(self, title: str, html: str) -> bool:
        for name, text in self._wiki.pages():
            opened = open_page(text)
            if (opened.title or name) == title and not opened.notice:
                self._chen.write(action="edit", title=name, text=with_text(text, html), summary="补充")
                return True
        return False


@contextmanager
def ground() -> Iterator[WikiCms]:
    try:
        with wiki() as running, lossy(running.url) as way:
            yield WikiCms(running, way)
    except Unavailable as reason:
        needs("MediaWiki", reason)


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.parametrize("kills", KILLS)
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_page(tmp_path: Path, kills: int) -> None:
    with ground() as cms:
        told(cms, tmp_path / "daemon", kills=kills)
