"""Files that a wiki takes, or does not."""

from __future__ import annotations

import asyncio

from syncd.model import RemoteState
from tests.adapters.answering import PDF, post
from tests.adapters.mediawiki.kit import RIGHTS, Site, pages

EDITED = {"edit": {"result": "Success", "pageid": 6, "title": "关于印发《方案》的通知", "newrevid": 9, "oldrevid": 0}}


def test_files_of_an_account_that_may_not_upload_stay_at_their_source() -> None:
    rights = tuple(each for each in RIGHTS if each != "upload")
    site = Site({"query": [pages()], "edit": [EDITED]}, rights=rights)
    result = asyncio.run(site.adapter().create(post(media=(PDF,)), RemoteState.PUBLIC))
    assert any("stays a link to the source" in loss for loss in result.losses)
    assert not site.writes("upload")
    assert PDF.url in site.writes("edit")[-1]["text"]


def test_files_of_an_account_that_may_upload_are_copied() -> None:
    site = Site({"query": [pages()], "edit": [EDITED], "upload": [{"upload": {"result": "Success"}}]})
    result = asyncio.run(site.adapter().create(post(media=(PDF,)), RemoteState.PUBLIC))
    assert len(site.writes("upload")) == 1
    assert not result.losses
