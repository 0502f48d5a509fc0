"""`python -m tests.cms.mastodon.install`: mastodon-mock from PyPI in an environment of its own.

Mastodon itself is Ruby over PostgreSQL and Redis, in no package; mastodon-mock keeps statuses, edits, sources, idempotency
keys, pages, limits of length and errors as Mastodon's documentation says.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cms.install import from_pypi, said

HERE = Path(__file__).parent


def pins() -> list[str]:
    return (HERE / "constraints.txt").read_text(encoding="utf-8").split()


def version() -> str:
    return next(pin.partition("==")[2] for pin in pins() if pin.startswith("mastodon-mock=="))


def program() -> Path:
    """Raises Unavailable."""
    return from_pypi("mastodon", *pins()) / "mastodon_mock"


def main() -> int:
    return said(program)


if __name__ == "__main__":
    sys.exit(main())
