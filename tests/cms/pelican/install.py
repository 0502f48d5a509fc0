"""`python -m tests.cms.pelican.install`: Pelican from PyPI."""

from __future__ import annotations

import sys

from tests.cms.install import from_pypi, said

VERSION = "4.12.0"


def command() -> list[str]:
    """How it is called. Raises Unavailable."""
    return [str(from_pypi("pelican", f"pelican=={VERSION}") / "pelican")]


def version() -> str:
    return VERSION


def main() -> int:
    return said(lambda: f"Pelican {VERSION}: {command()[0]}")


if __name__ == "__main__":
    sys.exit(main())
