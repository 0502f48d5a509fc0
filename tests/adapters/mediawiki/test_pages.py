"""Writes that MediaWiki answers otherwise than with done or an error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from syncd.adapters.mediawiki.pages import Page, Pages
from syncd.errors import Conflict
from tests.adapters.mediawiki.kit import Site

BEFORE = Page("6", "关于春耕的通知", "9", "Syncd", "旧")
MERGED: dict[str, Any] = {"edit": {"result": "Success", "pageid": 6, "title": BEFORE.name, "oldrevid": 10, "newrevid": 11}}
UNDONE: dict[str, Any] = {"edit": {**MERGED["edit"], "oldrevid": 11, "newrevid": 12}}
REFUSED: dict[str, Any] = {"edit": {"result": "Failure", "captcha": {"type": "simple"}}}


@pytest.mark.parametrize(("answer", "hint"), [(UNDONE, "the editor's text stands"), (REFUSED, "could not be undone")])
def test_two_texts_in_one_are_undone_or_it_is_told_that_they_are_not(answer: dict[str, Any], hint: str) -> None:
    site = Site({"edit": [MERGED, answer]})
    with pytest.raises(Conflict, match="changed in the very moment") as failure:
        asyncio.run(Pages(site.wiki(), "Syncd/").change(BEFORE, "新", "更正"))
    assert hint in failure.value.hint
    assert site.writes("edit")[-1]["undo"] == "11"
