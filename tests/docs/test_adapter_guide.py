"""The code of the adapter author's guide works on what `syncd adapter new` makes."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.testing import scaffolding
from tests.docs.markdown import ROOT, Block, blocks
from tests.testing.test_scaffold import pytest_in

PAGES = ["docs/adapter-author.md", "docs/adapter-author.zh.md"]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    scaffolding.make("hill", tmp_path / "syncd-hill")
    return tmp_path / "syncd-hill"


def code(page: str, word: str) -> Block:
    (found,) = [block for block in blocks((ROOT / page).read_text("utf-8")) if block.says(word)]
    return found


def with_method(text: str, block: str) -> str:
    """The module with the block's method in place of its own of that name, and the block's imports before all others."""
    imports, _, method = block.partition("\n\n")
    name = re.findall(r"def (\w+)", method)[0]
    (old,) = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.AsyncFunctionDef) and node.name == name]
    lines = text.splitlines(keepends=True)
    lines[old.lineno - 1 : old.end_lineno] = [method]
    return "".join(lines).replace("import json\n", f"import json\n\n{imports}\n", 1)


@pytest.mark.parametrize("page", PAGES)
def test_a_cms_without_conditional_updates_is_served_as_the_guide_says(page: str, package: Path) -> None:
    block = code(page, "replaces")
    api, adapter, tests = (package / name for name in ("syncd_hill/api.py", "syncd_hill/adapter.py", "tests/test_hill.py"))
    api.write_text(with_method(api.read_text("utf-8"), block.text), "utf-8")
    adapter.write_text(adapter.read_text("utf-8").replace('conditional_update="server"', 'conditional_update="check_then_act"'))
    tests.write_text(tests.read_text("utf-8").replace("Switches()", 'Switches(conditional_update="none")'), "utf-8")
    done = pytest_in(package, "-k", "edit or update or withdrawn or tells_nothing")
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("page", PAGES)
def test_the_contract_runs_against_a_server_as_the_guide_says(page: str, package: Path) -> None:
    tests = package / "tests/test_hill.py"
    with fake_cms() as port:
        added = code(page, "appended").text.replace("8099", str(port))
        tests.write_text(f"{tests.read_text('utf-8')}\n\n{added}", "utf-8")
        done = pytest_in(package, "-k", "TheRealOne and (created_is_found or second_post or keeps_number or anonymous)")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "5 passed" in done.stdout


@contextmanager
def fake_cms() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "syncd", "fake-cms", "--port", str(port)], cwd=ROOT)
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(port: int) -> None:
    for _ in range(300):
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the fake CMS does not listen")
