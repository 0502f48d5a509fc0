"""The story on a site in git, built by the real Hugo, behind a git server that loses answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.adapters.git.layouts import LAYOUTS
from syncd.adapters.git.page import open_page
from tests.adapters.git.contract import TEXT
from tests.adapters.git.server import TOKEN, Fate, GitServer, serving
from tests.cms.contract import needs
from tests.cms.git.site import BuiltSite, built
from tests.cms.install import Unavailable
from tests.cms.story import KILLS, Posted, told

SITE = """
[[sites]]
name = "county"
adapter = "git"
public_url = "{public}"
settle = "2s"
options = {{ repository = "{repository}", user = "syncd", token = {{ file = "token" }}, author = "syncd <syncd@county.example>", columns = {{ "要闻" = "zwgk/yaowen" }} }}
"""  # noqa: E501 - an inline table is one line
FATES: tuple[Fate, ...] = ("before", "after", "half", (502, ""), (503, "Retry-After: 1"), (500, ""))


class GitCms:
    def __init__(self, site: BuiltSite, server: GitServer, seed: int) -> None:
        self._site, self._server, self._dice = site, server, random.Random(seed)
        self._editor = site.person("editor")
        self.struck = 0

    def site(self, folder: Path) -> str:
        token = folder / "token"
        token.touch(mode=0o600)
        token.write_text(TOKEN)
        return SITE.format(public=self._site.url, repository=f"{self._server.url}/site.git")

    def lose(self, rate: float) -> None:
        self._server.fate = lambda method, path: self._fate(rate)

    def _fate(self, rate: float) -> Fate:
        if self._dice.random() >= rate:
            return ""
        self.struck += 1
        return self._dice.choice(FATES)

    def posts(self) -> list[Posted]:
        pages = [open_page(text.encode(), LAYOUTS["hugo"]) for text in self._site.pages().values()]
        return [Posted(page.title, page.html, page.state.value) for page in pages]

    def edit(self, title: str, html: str) -> bool:
        for path, text in self._site.pages().items():
            page = open_page(text.encode(), LAYOUTS["hugo"])
            if page.title == title and page.state.value == "public":
                self._editor.push(path, TEXT.sub(rf"\1{html}\2", text), "补充")
                return True
        return False


@contextmanager
def ground(root: Path) -> Iterator[GitCms]:
    try:
        with built(root, "hugo") as site, serving(root) as server:
            yield GitCms(site, server, 1)
    except Unavailable as reason:
        needs("Hugo", reason)


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.parametrize("kills", KILLS)
def test_whatever_is_lost_and_whoever_is_killed_each_document_has_one_right_page(tmp_path: Path, kills: int) -> None:
    with ground(tmp_path) as cms:
        told(cms, tmp_path / "daemon", kills=kills)
