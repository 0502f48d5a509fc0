"""docs/commands.md says what the commands really take."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.cli.commands_doc import MARK, PAGE


def test_every_command_and_option_is_documented_as_it_is() -> None:
    """Mend it with: python -m tests.cli.commands_doc --write"""
    env = {**os.environ, "LC_ALL": "C"}
    made = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "tests.cli.commands_doc"], cwd=PAGE.parents[1], env=env,
        capture_output=True, text=True, encoding="utf-8", timeout=20, check=True,
    )
    assert PAGE.read_text("utf-8").partition(MARK)[2] == made.stdout


def test_the_promised_commands_are_there() -> None:
    documented = PAGE.read_text("utf-8")
    for word in (
        "init", "run", "once", "demo", "check", "status", "reposts", "explain ID", "approve", "reject", "retry ID",
        "adopt ID", "withdraw ID", "package ID", "read NAME-or-URL-or-FILE", "preview ID", "report", "adapters",
        "adapter conform CONFIG", "fake-cms",
        "db upgrade", "db backup", "relay serve", "relay keygen FILE", "relay export DIR", "relay status DIR",
    ):
        assert f"### `syncd {word}" in documented
