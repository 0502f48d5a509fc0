"""`python -m tests.cms.hugo.install`: Debian's Hugo."""

from __future__ import annotations

import subprocess
import sys

from tests.cms.install import from_debian, said


def command() -> list[str]:
    """How it is called. Raises Unavailable."""
    return [from_debian("hugo", "hugo")]


def version() -> str:
    told = subprocess.run([*command(), "version"], capture_output=True, text=True, check=True).stdout
    return told.split()[1].removeprefix("v").partition("+")[0]


def main() -> int:
    return said(lambda: f"Hugo {version()}")


if __name__ == "__main__":
    sys.exit(main())
