"""The real daemon is killed again and again; `python -m tests.killloop --kills 100` does it for longer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.servers
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
def test_a_daemon_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing() -> None:
    command = [sys.executable, "-m", "tests.killloop", "--kills", "12"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "lost 0 duplicated 0"
