"""The story on a server with the Mastodon API over a lossy way: one note a document, whatever is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.adapters.note import open_note
from tests.cms.contract import needs
from tests.cms.install import Unavailable
from tests.cms.mastodon.site import TOKEN, WHOLE, Site, Wang, mastodon
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import KILLS, Posted, told

SITE = """
[[sites]]
name = "county"
adapter = "mastodon"
public_url = "{pages}"
settle = "4s"
options = {{ api_url = "{api}", token = {token}, max_characters = {most} }}
"""


class MastodonCms(Lossy):
    def __init__(self, site: Site, way: LossyProxy) -> None:
        super().__init__(way)
        self._site = site

    def site(self, folder: Path) -> str:
        return SITE.format(pages=self._site.pages, api=self.way.url, token=secret(folder, "token", TOKEN), most=WHOLE)

    def posts(self) -> list[Posted]:
        opened = map(open_note, self._site.texts().values())
        return [Posted(note.title, note.html, "withdrawn" if note.notice else "public") for note in opened]

    def edit(self, title: str, html: str) -> bool:
        found = [id for id, text in self._site.texts().items() if open_note(text).title == title]
        for id in found:
            Wang(self._site).write(id, html)
        return bool(found)


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.xdist_group("mastodon")
@pytest.mark.parametrize("kills", KILLS[1:])
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_note(tmp_path: Path, kills: int) -> None:
    try:
        with mastodon() as site, lossy(site.server.url) as way:
            told(MastodonCms(site, way), tmp_path / "daemon", kills=kills)
    except Unavailable as reason:
        needs("Mastodon", reason)
