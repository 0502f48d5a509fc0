"""`python -m tests.cms.mediawiki.install`: Debian's MediaWiki, unpacked only, and the PHP that it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cms.install import APT, Unavailable, from_debian, installed, kept, said

SERIES = "1.39"
"""Of Debian 12; with its security updates, which take the place of what was there."""
_EXTENSIONS = {"sqlite3": "php-sqlite3", "intl": "php-intl", "xml": "php-xml", "mbstring": "php-mbstring", "gd": "php-gd",
               "apcu": "php-apcu"}
"""PHP extension: the Debian package that brings it."""
_ARCHIVES = ("mediawiki", "mediawiki-classes")
"""Installed by apt-get they would bring and start a web server."""
_LANGUAGES = ("en", "zh")


def php() -> str:
    """The program, with all extensions. Raises Unavailable."""
    program = from_debian("php", "php-cli")
    lacking = _lacking(program)
    if lacking:
        installed(*lacking)
    if still := _lacking(program):
        raise Unavailable(f"PHP has not all that {', '.join(still)} bring")
    return program


def code() -> Path:
    """The folder of MediaWiki's code, which nothing writes to. Raises Unavailable."""
    return kept("mediawiki", (SERIES,), _unpack) / "usr" / "share" / "mediawiki"


def version() -> str:
    return _version(code())


def _lacking(program: str) -> list[str]:
    told = subprocess.run([program, "-m"], capture_output=True, text=True, check=False).stdout.lower().split()
    return [package for extension, package in _EXTENSIONS.items() if extension not in told]


def _unpack(folder: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Unavailable("there is no apt-get to download it with")
    folder.mkdir()
    _download(folder)
    for archive in sorted(folder.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(archive), str(folder)], folder)
        archive.unlink()
    root = folder / "usr" / "share" / "mediawiki"
    for link in [path for path in root.iterdir() if path.is_symlink()]:
        link.unlink()
    shutil.rmtree(root / "extensions-core")
    (root / "extensions").mkdir()
    for path in root.glob("**/i18n/*.json"):
        if path.stem.partition("-")[0] not in _LANGUAGES:
            path.unlink()
    if not _version(root).startswith(f"{SERIES}."):
        raise Unavailable(f"apt-get brings MediaWiki {_version(root)}, not {SERIES}")


def _version(root: Path) -> str:
    return (root / "includes" / "Defines.php").read_text(encoding="utf-8").partition("'MW_VERSION', '")[2].partition("'")[0]


def _download(folder: Path) -> None:
    command = [*APT, "download", *_ARCHIVES]
    try:
        _run(command, folder)
    except Unavailable:  # lists that were never fetched, or are too old
        if os.geteuid() != 0:
            raise
        _run([*APT, "update"], folder)
        _run(command, folder)


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        raise Unavailable(f"{' '.join(command[:1] + command[-2:])} failed: {(done.stderr or done.stdout).strip()[-300:]}")


def main() -> int:
    return said(lambda: f"MediaWiki {version()} with {php()}")


if __name__ == "__main__":
    sys.exit(main())
