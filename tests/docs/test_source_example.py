"""The source author's example is as short as the guide says, and needs nothing but what is promised to stay."""

from __future__ import annotations

import ast
import re

import pytest

from syncd.sources import plugin
from tests.docs.markdown import ROOT

EXAMPLE = ROOT / "docs/gazette/syncd_gazette.py"


def test_the_example_has_under_sixty_lines() -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) < 60


def test_it_imports_from_syncd_only_what_stays() -> None:
    found = [node for node in ast.walk(ast.parse(EXAMPLE.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    ours = {(node.module, name.name) for node in found if str(node.module).startswith("syncd") for name in node.names}
    assert {module for module, _ in ours} == {"syncd.sources.plugin"}
    assert {name for _, name in ours} <= set(plugin.__all__)


def test_all_that_is_promised_is_there() -> None:
    assert [name for name in plugin.__all__ if not hasattr(plugin, name)] == []
    assert sorted(set(plugin.__all__)) == sorted(plugin.__all__)


@pytest.mark.parametrize("page", ["docs/source-author.md", "docs/source-author.zh.md"])
def test_the_names_in_the_table_of_the_guide_are_there(page: str) -> None:
    table = re.split(r"^## ", (ROOT / page).read_text("utf-8"), flags=re.MULTILINE)[3]
    cells = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    names = [re.match(r"[\w.]+", word)[0] for cell in cells for word in re.findall(r"`([^`]+)`", cell)]  # type: ignore[index]
    assert len(names) > 12
    missing = [name for name in names if name not in plugin.__all__ and not hasattr(plugin.Body, name.removeprefix("body."))]
    assert missing == []
