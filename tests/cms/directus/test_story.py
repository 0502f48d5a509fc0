"""The story on a real Directus over a lossy way, with the guard: a correction never meets an editor's save."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.adapters.sealed import open_page
from tests.cms.contract import needs
from tests.cms.directus.site import SYNCD, Site, Wang, directus
from tests.cms.install import Unavailable
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import Posted, told

SITE = """
[[sites]]
name = "county"
adapter = "directus"
public_url = "{pages}"
settle = "4s"
options = {{ api_url = "{api}", token = {token}, collection = "policies", guard_field = "syncd_edition", column_field = "category", fields = {{ key = "external_id" }}, page = "/policies/{{id}}" }}
"""  # noqa: E501 - an inline table is one line
STATES = {"published": "public", "draft": "draft", "archived": "withdrawn"}


class DirectusCms(Lossy):
    def __init__(self, site: Site, way: LossyProxy) -> None:
        super().__init__(way)
        self._site = site

    def site(self, folder: Path) -> str:
        return SITE.format(pages=self._site.pages, api=self.way.url, token=secret(folder, "token", SYNCD))

    def posts(self) -> list[Posted]:
        return [_posted(each["title"], each["body"], STATES[each["status"]]) for each in self._site.all()]

    def edit(self, title: str, html: str) -> bool:
        found = self._site.all(title=title, status="published")
        for each in found:
            Wang(self._site).write(each["id"], html)
        return bool(found)


def _posted(title: str, html: str, state: str) -> Posted:
    return Posted(title, html, "withdrawn" if open_page(html, title).notice else state)


@pytest.mark.cms
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_item(tmp_path: Path) -> None:
    try:
        with directus(guarded=True) as site, lossy(site.api) as way:
            told(DirectusCms(site, way), tmp_path / "daemon", kills=50)
    except Unavailable as reason:
        needs("Directus", reason)
