"""The story in short; `python -m tests.wordpress_story --items 100` tells it whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.servers
@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
@pytest.mark.parametrize(
    "told", [("--items", "15", "--kills", "5"), ("--items", "8", "--kills", "3", "--companion")], ids=["class C", "class A"]
)
def test_nothing_is_doubled_lost_or_overwritten_on_a_real_wordpress_behind_a_lossy_way(told: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tests.wordpress_story", *told]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode == 2 and "no WordPress: " in done.stdout:
        pytest.skip(f"WordPress: {done.stdout.strip().removeprefix('no WordPress: ')}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "published duplicates 0 missing 0 overwritten 0"
