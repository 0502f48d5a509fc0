"""`python -m tests.cms.wagtail.install`: Wagtail from PyPI in an environment of its own, with a site in it."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cms.install import Unavailable, from_pypi, kept, said

HERE = Path(__file__).parent
PROJECT = HERE / "project"
ADDED = HERE.parent.parent.parent / "docs" / "wagtail" / "syncd_wagtail.py"
"""What a site's developer adds: the tests run the very file."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """bin: of the environment. site: the project with a migrated and filled database, to be copied. tokens: by account."""

    bin: Path
    site: Path
    parent: int
    tokens: dict[str, str]


def pins() -> list[str]:
    return (HERE / "constraints.txt").read_text(encoding="utf-8").split()


def version() -> str:
    return next(pin.partition("==")[2] for pin in pins() if pin.startswith("wagtail=="))


def prepare() -> Prepared:
    """Everything that a server needs, kept between runs. Raises Unavailable."""
    bin = from_pypi("wagtail", *pins())
    files = sorted(path for path in (*PROJECT.rglob("*"), ADDED) if path.is_file() and "__pycache__" not in path.parts)
    print_of = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    site = kept("wagtail-site", [*pins(), *print_of], lambda folder: _make(folder, bin))
    told = json.loads((site / "told.json").read_text(encoding="utf-8"))
    return Prepared(bin, site, told["parent"], told["tokens"])


def _make(folder: Path, bin: Path) -> None:
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ADDED, folder)
    for words in (("manage.py", "makemigrations", "news"), ("manage.py", "migrate"), ("seed.py",)):
        command = [str(bin / "python"), *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            raise Unavailable(f"{' '.join(command[1:])} failed: {done.stderr[-2000:]}")


def main() -> int:
    return said(lambda: f"Wagtail {version()} in {prepare().bin}")


if __name__ == "__main__":
    sys.exit(main())
