"""The architecture as it is drawn: one importer per library, no clock or dice outside the composition root."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMPORTERS = {
    "feedparser": ("syncd.sources.feed",),
    "httpx": ("syncd.web",),
    "httpx_aiohttp": ("syncd.web",),
    "aiohttp": ("syncd.web",),
    "tenacity": ("syncd.retry",),
    "apscheduler": ("syncd.engine.scheduler",),
    "structlog": ("syncd.log",),
    "sqlalchemy": ("syncd.store",),
    "alembic": ("syncd.store",),
    "psycopg": ("syncd.store.postgresql",),
    "typer": ("syncd.cli",),
    "rich": ("syncd.cli",),
    "fastapi": ("syncd.status",),
    "starlette": ("syncd.status",),
    "uvicorn": ("syncd.status",),
    "prometheus_client": ("syncd.metrics",),
    "nh3": ("syncd.content.clean",),
    "PIL": ("syncd.content.files",),
    "trafilatura": ("syncd.sources",),
    "cryptography": ("syncd.relay.seal",),
    "dateutil": ("syncd.sources.dates",),
    "protego": ("syncd.web.robots",),
    "publicsuffixlist": ("syncd.web.domain",),
    "asyncssh": ("syncd.adapters.drop.sftp",),
    "jmespath": ("syncd.expressions",),
}


@cache
def _imports(path: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return frozenset(found)


def _modules() -> dict[str, Path]:
    return {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p
        for p in ROOT.glob("syncd/**/*.py")
    }


@pytest.mark.parametrize("library", sorted(IMPORTERS))
def test_each_library_is_imported_in_its_one_place_only(library: str) -> None:
    strays = [
        name
        for name, path in _modules().items()
        if any(found.split(".")[0] == library for found in _imports(path)) and not name.startswith(IMPORTERS[library])
    ]
    assert strays == []


def test_each_module_says_in_its_first_line_what_it_is_the_place_for() -> None:
    silent = [
        name for name, path in _modules().items() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_the_import_contracts_hold() -> None:
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert command, "import-linter is in the lock file"
    done = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_nothing_in_the_project_is_called_utils() -> None:
    assert [
        name for name in _modules() if name.rsplit(".", 1)[-1] in ("utils", "util", "helpers", "common", "misc")
    ] == []
