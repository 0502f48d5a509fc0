"""`python -m tests.cms.plone.install`: Plone from PyPI, every package pinned.

Without pins pip takes pre-releases of Plone's own packages, because Plone asks for `plone.app.layout>=6.0.0a3`: Plone then
does not start.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cms.install import from_pypi, said

CONSTRAINTS = Path(__file__).parent / "constraints.txt"


def pins() -> dict[str, str]:
    """Every package of the environment with its version."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").split()
    return dict(line.split("==") for line in lines)


def programs() -> Path:
    """The folder with runwsgi, zconsole and the environment's Python. Raises Unavailable."""
    return from_pypi("plone", "--no-deps", *(f"{name}=={version}" for name, version in pins().items()))


def version() -> str:
    """With the version of its REST API, whose oddities the adapter knows."""
    return f"{pins()['Products.CMFPlone']} (restapi {pins()['plone.restapi']})"


def main() -> int:
    return said(lambda: f"Plone {version()} in {programs()}")


if __name__ == "__main__":
    sys.exit(main())
