"""The table of CMSs: what is counted in which row, and what a busy reader sees of it. Needs no CMS."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from tests.cms import table
from tests.cms.subject import Cost, Subject, measured

ROOT = Path(__file__).parent.parent.parent
WAGTAIL, HUGO = Subject("wagtail", "Wagtail", "Wagtail"), Subject("git", "git with Hugo", "Hugo")


def reports() -> list[table.Reported]:
    cost = Cost("A", 0.030, 0.025, 0.011, 0.010)
    return [
        ("passed", "", [("cms", HUGO.mark)]), ("skipped", "only HTTP knows cut_text", [("cms", HUGO.mark)]),
        ("passed", "", [("cms", HUGO.mark), ("version", "0.111.3"), ("cost", json.dumps(asdict(cost)))]),
        ("failed", "", [("cms", WAGTAIL.mark)]), ("skipped", "only HTTP knows cut_text", [("cms", HUGO.mark)]),
        ("passed", "", []),
    ]


def test_each_cms_has_its_row_and_tells_its_skips_once_a_reason() -> None:
    assert table.lines(table.rows(reports())) == [
        "adapter  CMS                    passed  class  create  bare   ratio  CPU",
        "git      git with Hugo 0.111.3  2 of 2  A      30 ms   25 ms  1.20   +10%",
        "wagtail  Wagtail                0 of 1  ?",
        "git with Hugo 0.111.3: 2 skipped: only HTTP knows cut_text",
    ]


def test_more_cpu_than_the_goal_is_marked() -> None:
    row = table.Row(HUGO, passed=1, cost=Cost("A", 1, 1, 1.25, 1.0))
    assert row.cells()[-1] == "+25% !"


def test_what_is_measured_is_the_cpu_of_all_who_take_part() -> None:
    """A child of ours, and a server that is none."""
    burn = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"

    async def create(n: int) -> None:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", burn.format(0.05))
        await process.wait()

    async def bare(n: int) -> None:
        """Nothing."""
        await asyncio.sleep(0.01)

    cost = asyncio.run(measured("A", create, bare, rounds=3))
    assert cost.cpu > 0.05 > cost.calls_cpu
    assert cost.median > cost.bare > 0.009
    server = subprocess.Popen([sys.executable, "-c", burn.format(30)])
    try:
        busy = asyncio.run(measured("A", bare, bare, bare, rounds=20, servers=lambda: [server.pid]))
    finally:
        server.kill()
        server.wait()
    assert busy.cpu > 0.001


def test_a_run_prints_the_table(tmp_path: Path) -> None:
    for name in ("__init__.py", "cms/__init__.py", "cms/conftest.py", "cms/table.py", "cms/subject.py"):
        target = tmp_path / "tests" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / "tests" / name).read_bytes())
    (tmp_path / "tests" / "cms" / "test_it.py").write_text(
        "import pytest\nfrom tests.cms.subject import Subject\n"
        "class TestIt:\n    subject = Subject('x', 'X', 'X')\n    def test_a(self): pass\n"
        "    def test_b(self): pytest.skip('X: not here')\n    def test_c(self): assert 0\n"
        "class TestBroken:\n    subject = Subject('y', 'Y', 'Y')\n    def test_a(self, nothing_of_this_name): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "x        X    1 of 2  ?" in done.stdout, done.stdout + done.stderr
    assert "y        Y    0 of 1  ?" in done.stdout
    assert "X: 1 skipped: X: not here" in done.stdout
