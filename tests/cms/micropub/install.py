"""`python -m tests.cms.micropub.install`: django-indieweb from PyPI in an environment of its own, every package pinned."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cms.install import from_pypi, said

CONSTRAINTS = Path(__file__).parent / "constraints.txt"


def pins() -> list[str]:
    return CONSTRAINTS.read_text(encoding="utf-8").split()


def python() -> Path:
    """The environment's Python. Raises Unavailable."""
    return from_pypi("micropub", "--no-deps", *pins()) / "python"


def version() -> str:
    told = dict(pin.split("==") for pin in pins())
    return f"django-indieweb {told['django-indieweb']}"


def main() -> int:
    return said(lambda: f"{version()}: {python()}")


if __name__ == "__main__":
    sys.exit(main())
