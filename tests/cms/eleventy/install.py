"""`python -m tests.cms.eleventy.install`: Eleventy from npm."""

from __future__ import annotations

import sys

from tests.cms.install import from_npm, said

VERSION = "3.1.8"


def command() -> list[str]:
    """How it is called. Raises Unavailable."""
    return [str(from_npm("eleventy", f"@11ty/eleventy@{VERSION}") / "eleventy")]


def version() -> str:
    return VERSION


def main() -> int:
    return said(lambda: f"Eleventy {VERSION}: {command()[0]}")


if __name__ == "__main__":
    sys.exit(main())
