"""The lab: a component that was brought and whose tests are skipped all the same fails the run."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests import lab

ROOT = Path(__file__).parent.parent.parent
SKIPS = 'import pytest\ndef test_it() -> None:\n    pytest.skip("{reason}")\n'


@pytest.mark.parametrize("component", lab.INSTALLERS)
def test_each_installer_is_a_module_that_can_be_run(component: str) -> None:
    assert callable(importlib.import_module(lab.INSTALLERS[component]).main)


def test_only_a_skip_for_want_of_what_is_there_has_no_excuse() -> None:
    reasons = ["WordPress: php is not installed", "no IPv6 on this machine", "systemd: needs root"]
    assert lab.unexcused(reasons, frozenset({"WordPress", "PostgreSQL"})) == ["WordPress: php is not installed"]


@pytest.mark.parametrize(("brought", "code"), [("WordPress\n", 1), ("PostgreSQL\n", 0)])
def test_a_run_that_skips_what_the_lab_has_brought_fails_and_says_so(tmp_path: Path, brought: str, code: int) -> None:
    (tmp_path / "tests" / "store").mkdir(parents=True)
    for name in ("__init__.py", "conftest.py", "lab.py", "store/__init__.py", "store/postgres.py"):
        (tmp_path / "tests" / name).write_bytes((ROOT / "tests" / name).read_bytes())
    (tmp_path / "tests" / "test_it.py").write_text(SKIPS.format(reason="WordPress: php is not installed"))
    ready = tmp_path / "var" / "lab" / "ready"
    ready.parent.mkdir(parents=True)
    ready.write_text(brought)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("NOT RUN although the lab has it: WordPress: php is not installed" in done.stdout) == bool(code)
    assert "1 skipped" in done.stdout
