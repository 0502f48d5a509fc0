"""The story on a real Micropub endpoint over a lossy way."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncd.adapters.sealed import open_page
from tests.cms.contract import needs
from tests.cms.install import Unavailable
from tests.cms.micropub.site import ENDPOINT, KEY, SYNCD, Site, running
from tests.cms.proxy import LossyProxy
from tests.cms.served import Lossy, lossy, secret
from tests.cms.story import KILLS, Posted, told

SITE = """
[[sites]]
name = "county"
adapter = "micropub"
public_url = "{public}"
settle = "4s"
options = {{ api_url = "{api}", token = {token}, address = "{{base}}/notes/{{slug}}", key_property = "{key}", post_status = true }}
"""  # noqa: E501 - an inline table is one line


class MicropubCms(Lossy):
    """The endpoint is reached by the lossy way, the entries' pages past it."""

    def __init__(self, site: Site, way: LossyProxy) -> None:
        super().__init__(way)
        self._site = site

    def site(self, folder: Path) -> str:
        return SITE.format(public=self._site.url, api=self.way.url + ENDPOINT, token=secret(folder, "token", SYNCD), key=KEY)

    def posts(self) -> list[Posted]:
        return [_posted(each) for each in self._site.all()]

    def edit(self, title: str, html: str) -> bool:
        found = [each for each in self._site.all() if each["name"] == [title] and _posted(each).state == "public"]
        for each in found:
            self._site.act("update", each["url"][0], replace={"content": [{"html": html}]})
        return bool(found)


def _posted(entry: dict[str, list[object]]) -> Posted:
    title, content = str(entry["name"][0]), entry["content"][0]
    html = str(content["html"]) if isinstance(content, dict) else str(content)
    state = "draft" if entry["post-status"] == ["draft"] else "public"
    return Posted(title, html, "withdrawn" if open_page(html, title).notice else state)


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.parametrize("kills", KILLS[1:])
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_entry(tmp_path: Path, kills: int) -> None:
    try:
        with running() as site, lossy(site.url) as way:
            told(MicropubCms(site, way), tmp_path / "daemon", kills=kills)
    except Unavailable as reason:
        needs("Micropub", reason)
