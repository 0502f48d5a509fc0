"""The commands of the README, and those of the authors' pages, run as they stand."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from syncd.cli.setup import GOVCN
from syncd.demo.publisher import Publisher, serve_site
from tests.docs.markdown import ROOT, Block, blocks
from tests.docs.stage import STAND_INS, Session, change, link_venv, publisher, read_here


class Newcomer(Session):
    """In a checkout that `make demo` has been run in, with a publisher and an empty site."""

    def __init__(self, folder: Path, source: Publisher, site: str) -> None:
        self.source = source
        self.site = site
        super().__init__(folder)

    @property
    def table(self) -> Mapping[str, str]:
        url = f"{self.source.url}/zhengce/zuixin/ZUIXINZHENGCE.json"
        return {
            **read_here(self.source), f"syncd read {GOVCN}": f"syncd read --allow-private {url}",
            "https://www.county.example": self.site,
        }

    def play(self, block: Block) -> None:
        """After `init`, a person would check at once; here the configuration first has to name this list."""
        first, init, rest = block.text.partition("init --yes --url https://www.county.example\n")
        if not init or block.lang != "sh":
            super().play(block)
            return
        self.run(self.here(first + init), block.line)
        change(self.home / "county.toml", self.here)
        self.run(self.here(rest), block.line)


def test_the_readmes_commands_run_and_post_nothing(tmp_path: Path) -> None:
    source = publisher()
    pages = tmp_path / "site"
    server, site = serve_site(pages)
    (pages / "index.html").write_text("<h1>某县人民政府</h1><a href='/a.html'>要闻一则</a>", "utf-8")
    session = Newcomer(tmp_path / "session", source, site)
    try:
        link_venv(session.home)
        for block in blocks((ROOT / "README.md").read_text("utf-8")):
            session.play(block)
    finally:
        session.close()
        server.shutdown()
        server.server_close()
        source.close()
    told = session.transcript.read_text("utf-8")
    assert "6 entries" in told
    assert "FAIL" not in told
    assert "observe" in (session.home / "county.toml").read_text("utf-8")
    assert sorted(page.name for page in pages.iterdir()) == ["index.html"]


def _make_venv(checkout: Path) -> None:
    """What activates the environment of this checkout, but for pip: without it the page's commands find no syncd."""
    folder = checkout / ".venv/bin"
    folder.mkdir(parents=True)
    (folder / "activate").write_text(f'PATH="{STAND_INS}:{Path(sys.prefix) / "bin"}:$PATH"\n', "utf-8")


@pytest.mark.parametrize(
    ("page", "listed"),
    [
        ("docs/adapter-author.md", ["hill", "syncd-hill 0.1"]),
        ("docs/source-author.md", ["gazette", "syncd-gazette 1.0", "list.txt: read well, 6 entries"]),
    ],
)
def test_an_authors_commands_run_and_syncd_lists_the_example(page: str, listed: list[str], tmp_path: Path) -> None:
    site = tmp_path / "site-packages"
    environ = {"PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    session = Session(tmp_path / "session", programs=[STAND_INS], environ=environ)
    try:
        _make_venv(session.home)
        (session.home / "docs").symlink_to(ROOT / "docs")
        for block in blocks((ROOT / page).read_text("utf-8")):
            session.play(block)
    finally:
        session.close()
    told = session.transcript.read_text("utf-8")
    assert " passed" in told
    assert " failed" not in told
    assert [word for word in listed if word not in told] == []
