"""Files that a wiki takes, or does not."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

from syncd.adapters.credit import Times
from syncd.adapters.mediawiki.names import file_name
from syncd.adapters.mediawiki.page import Name, compose
from syncd.model import RemoteRef, RemoteState, Wrote
from tests.adapters.answering import PDF, post
from tests.adapters.mediawiki.kit import NOW, RIGHTS, Site, entry, pages

EDITED = {"edit": {"result": "Success", "pageid": 6, "title": "关于印发《方案》的通知", "newrevid": 9, "oldrevid": 0}}


def test_files_of_an_account_that_may_not_upload_stay_at_their_source() -> None:
    rights = tuple(each for each in RIGHTS if each != "upload")
    site = Site({"query": [pages()], "edit": [EDITED]}, rights=rights)
    result = asyncio.run(site.adapter().create(post(media=(PDF,)), RemoteState.PUBLIC))
    assert any("stays a link to the source" in loss for loss in result.losses)
    assert not site.writes("upload")
    assert PDF.url in site.writes("edit")[-1]["text"]


def test_a_file_of_another_post_to_which_an_editor_linked_stays() -> None:
    own, others = (file_name(PDF, key) for key in (post().key, "syncd-another"))
    placed = {PDF.url: own}
    text = compose(post(media=(PDF,)), Name(post().title, False), placed, "", Times(ZoneInfo("Asia/Shanghai"), NOW)).text
    linked = f"{text}\n[[Media:{others}|另见]]"
    site = Site({"query": [pages(entry(linked))], "delete": [{"delete": {"title": "x"}}]})
    result = asyncio.run(site.adapter().withdraw(RemoteRef("6", "", "", RemoteState.PUBLIC), "delete"))
    assert result.outcome is Wrote.WITHDRAWN
    assert [each["title"] for each in site.writes("delete") if each.get("title", "").startswith("File:")] == [f"File:{own}"]


def test_files_of_an_account_that_may_upload_are_copied() -> None:
    site = Site({"query": [pages()], "edit": [EDITED], "upload": [{"upload": {"result": "Success"}}]})
    result = asyncio.run(site.adapter().create(post(media=(PDF,)), RemoteState.PUBLIC))
    assert len(site.writes("upload")) == 1
    assert not result.losses
