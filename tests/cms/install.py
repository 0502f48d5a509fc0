"""How CMSs are brought: by apt, PyPI and npm, in pinned versions, kept in var/lab between runs; nothing is started."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

LAB = Path(__file__).parent.parent.parent / "var" / "lab" / "cms"
APT = ("apt-get", "-qq", "-y", "-o", "DPkg::Lock::Timeout=300")


class Unavailable(Exception):
    """This machine has no such CMS and can't get one; the text says what is missing and why it can't be had."""


def from_debian(program: str, package: str) -> str:
    """The path of a program, whose package is installed when it is missing: as root on Debian. Raises Unavailable."""
    if found := shutil.which(program):
        return found
    installed(package)
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"{program} is not there, although {package} was installed by apt-get")
    return found


def installed(*packages: str) -> None:
    """Have Debian's packages installed, as root on Debian. Raises Unavailable where nobody can."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unavailable(f"{' '.join(packages)} is not installed; as root: apt-get install {' '.join(packages)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ((*APT, "update"), (*APT, "install", "--no-install-recommends", *packages)):
        subprocess.run(command, env=quiet, capture_output=True, check=False)


def from_pypi(name: str, *requirements: str) -> Path:
    """The bin folder of an environment of its own with these pinned packages. Raises Unavailable."""

    def make(folder: Path) -> None:
        venv.create(folder, with_pip=True, symlinks=True)
        ran(str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)

    return kept(name, requirements, make) / "bin"


def from_npm(name: str, *packages: str, flags: Sequence[str] = (), overrides: Mapping[str, str] = MappingProxyType({})) -> Path:
    """The bin folder of these pinned packages. flags: of npm install. overrides: other versions of what they bring than they
    ask for, by name. Nothing is compiled. Raises Unavailable."""

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_text(json.dumps({"private": True, "overrides": dict(overrides)}), encoding="utf-8")
        ran("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *flags, "--prefix", str(folder),
            *packages)

    return kept(name, (*packages, *flags, *map(str, overrides.items())), make) / "node_modules" / ".bin"


def kept(name: str, pins: Sequence[str], make: Callable[[Path], None]) -> Path:
    """A folder that is made once for these pins, at its place from the beginning, since environments hold their own paths."""
    folder, whole = LAB / name, LAB / f"{name}.whole"
    wanted = "\n".join(pins)
    if folder.exists() and whole.exists() and whole.read_text(encoding="utf-8") == wanted:
        return folder
    whole.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    LAB.mkdir(parents=True, exist_ok=True)
    make(folder)
    whole.write_text(wanted, encoding="utf-8")
    return folder


def said(bring: Callable[[], object]) -> int:
    """For an installer's main: 0 when it is there, else the reason is printed."""
    try:
        print(bring())
    except Unavailable as reason:
        print(reason)
        return 1
    return 0


def ran(*command: str, folder: Path | None = None) -> None:
    """Run a step of an installation, in a folder. Raises Unavailable with the last line that it said."""
    if shutil.which(command[0]) is None:
        raise Unavailable(f"{command[0]} is not installed")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800, cwd=folder)
    except (OSError, subprocess.TimeoutExpired) as cause:
        raise Unavailable(f"{command[0]}: {cause}") from cause
    if done.returncode != 0:
        told = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{' '.join(command[:4])} failed: {told[-1] if told else done.returncode}")


if __name__ == "__main__":
    sys.exit("this is no installer: see tests/lab.py")
