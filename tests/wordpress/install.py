"""What a real WordPress needs from Debian: `python -m tests.wordpress.install` brings what is missing and says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

LAB = Path(__file__).parent.parent.parent / "var" / "lab"
"""Prepared pieces that a checkout keeps; nothing is lost with them."""
CODE = LAB / "wordpress"
PROGRAMS = {
    "php": "php-cli",
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
    "mariadb": "mariadb-client-core",
}
"""Program: the Debian package that brings it. The -core packages bring no service and no init script."""
EXTENSIONS = {"mysqli": "php-mysql", "xml": "php-xml", "mbstring": "php-mbstring", "gd": "php-gd", "curl": "php-curl"}
"""PHP extension: the Debian package that brings it."""
_ARCHIVES = ("wordpress", "php-getid3")
"""Unpacked only: installed, `wordpress` would bring and start a web server. getid3 holds what its symlinks lead to."""
_DOWNLOADED = "usr/share/wordpress"
_INSTALLED = Path("/usr/share/wordpress")
_APT = ("apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=300")


class Unavailable(Exception):
    """This machine has no WordPress and can't get one; the text says what is missing and why it can't be had."""


def program(name: str) -> str:
    """Where a program lies, "" if nowhere. Database servers lie in sbin, which not everybody searches."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin") or ""


def missing() -> list[str]:
    """Packages' programs and PHP extensions that aren't there; of extensions nothing is known before PHP is there."""
    lacking = [name for name in PROGRAMS if not program(name)]
    if "php" in lacking:
        return lacking
    told = subprocess.run([program("php"), "-m"], capture_output=True, text=True, check=False).stdout.lower().split()
    return lacking + [f"php extension {name}" for name in EXTENSIONS if name not in told]


def prepare(say: Callable[[str], None] = lambda line: None) -> Path:
    """See that everything is there, installing what is missing; the folder of WordPress's code. Raises Unavailable."""
    lacking = missing()
    if lacking:
        packages = sorted(set(_packages(lacking)))
        _allowed(lacking)
        say(f"installing {' '.join(packages)}")
        _run([*_APT, "update"])
        _run([*_APT, "install", "--no-install-recommends", *packages])
        if still := missing():
            raise Unavailable(f"{', '.join(still)} is not there, although {' '.join(packages)} were installed")
    else:
        say("PHP and MariaDB are there")
    return _code(say)


def version(code: Path) -> str:
    """The version of WordPress in a folder."""
    lines = (code / "wp-includes" / "version.php").read_text().splitlines()
    return next(line.split("'")[1] for line in lines if line.startswith("$wp_version"))


def _packages(lacking: Iterable[str]) -> Iterable[str]:
    """What to install. PHP brings its extensions along, since they are never there without it."""
    for name in lacking:
        yield PROGRAMS.get(name) or EXTENSIONS[name.removeprefix("php extension ")]
    if "php" in lacking:
        yield from EXTENSIONS.values()


def _allowed(lacking: list[str]) -> None:
    """Raises Unavailable where packages can't be installed."""
    what = f"{', '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed"
    if not program("apt-get"):
        raise Unavailable(f"{what} and there is no apt-get")
    if os.geteuid() != 0:
        raise Unavailable(f"{what} and apt-get needs root")


def _code(say: Callable[[str], None]) -> Path:
    if (CODE / "wp-load.php").exists():
        say(f"WordPress {version(CODE)} is unpacked in {CODE}")
        return CODE
    fresh = LAB / f"wordpress-{os.getpid()}"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        root = Path("/") if (_INSTALLED / "wp-load.php").exists() else _unpacked(fresh)
        _collect(root, fresh / "site")
        _take(fresh / "site")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    say(f"unpacked WordPress {version(CODE)} into {CODE}")
    return CODE


def _take(made: Path) -> None:
    """Put it in its place, unless another process was first."""
    try:
        made.rename(CODE)
    except OSError:
        if not (CODE / "wp-load.php").exists():
            raise


def _unpacked(folder: Path) -> Path:
    """Debian's archives, unpacked as a root of their own."""
    if not program("apt-get") or not program("dpkg-deb"):
        raise Unavailable("the code of WordPress is not there, and without apt-get it can't be downloaded")
    root = folder / "root"
    root.mkdir()
    try:
        _run([*_APT, "download", *_ARCHIVES], folder)
    except Unavailable:  # lists that were never fetched, or are too old
        if os.geteuid() != 0:
            raise
        _run([*_APT, "update"])
        _run([*_APT, "download", *_ARCHIVES], folder)
    for archive in sorted(folder.glob("*.deb")):
        _run(["dpkg-deb", "-x", str(archive), str(root)])
    return root


def _collect(root: Path, target: Path) -> None:
    """Copy the code out of a root. Its links lead to other packages: what is in the root comes along, the rest goes."""
    source = root / _DOWNLOADED
    shutil.copytree(source, target, symlinks=True)
    for link in [path for path in target.rglob("*") if path.is_symlink()]:
        aim = os.readlink(link)
        place = (source / link.relative_to(target)).parent
        real = root / aim.lstrip("/") if aim.startswith("/") else Path(os.path.normpath(place / aim))
        link.unlink()
        if real.is_file():
            shutil.copyfile(real, link)
    for own in ("wp-config.php", ".htaccess"):
        (target / own).unlink(missing_ok=True)


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"}, capture_output=True, text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Unavailable(f"{' '.join(command[:1] + command[-2:])} failed: {' '.join(last)}")


def main() -> int:
    """Idempotent; 0 when everything is there at the end, 1 when it can't be had."""
    try:
        prepare(print)
    except Unavailable as reason:
        print(f"no WordPress: {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
