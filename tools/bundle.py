"""The offline bundle: every locked wheel for one machine type, syncd's own wheel, and a script that installs them.

make bundle [ARGS="--arch aarch64 --out dist/bundle"]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"
ARCHES = ("x86_64", "aarch64")
GLIBC = (28, 27, 26, 24, 17, 12, 5)
"""Wheels for glibc 2.28 (Kylin V10, UOS 20, RHEL 8) and older run there; newer ones would not."""
PYTHON = "3.11"
EPOCH = "315532800"
"""1980, the first time that a wheel can name: the same source gives the same wheel and the same sum."""
INSTALL = """\
#!/bin/sh
# Installs syncd without a network: ./install.sh [TARGET]   (default /opt/syncd)
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
target=${1:-/opt/syncd}
python=${PYTHON:-python3.11}
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
    echo "these wheels are for Python 3.11; set PYTHON=/path/to/python3.11" >&2
    exit 1
}
(cd "$here/wheels" && sha256sum --quiet --check ../SHA256SUMS)
"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet --no-index --no-deps --find-links "$here/wheels" \\
    --require-hashes -r "$here/requirements.lock"
"$target/bin/python" -m pip install --quiet --no-index --no-deps "$here"/wheels/syncd-*.whl
"$target/bin/syncd" --version
echo "next: $target/bin/syncd init"
"""


def platforms(arch: str) -> list[str]:
    """pip's options for a machine type, newest glibc first."""
    tags = [f"manylinux_2_{minor}_{arch}" for minor in GLIBC] + [f"manylinux2014_{arch}"]
    return [part for tag in tags for part in ("--platform", tag)]


def resolve(arch: str) -> list[dict[str, object]]:
    """Ask the index which wheel of each locked package a machine of this type would get; downloads none of them.

    Raises subprocess.CalledProcessError with pip's words when one has no wheel.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--dry-run",
        "--no-deps",
        "--ignore-installed",
        "--only-binary",
        ":all:",
        "--python-version",
        PYTHON,
        *platforms(arch),
        "--target",
        "unused",
        "--require-hashes",
        "-r",
        str(LOCK),
        "--report",
        "-",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout)["install"])


PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def bundle(arch: str, out: Path) -> Path:
    """Make the bundle from nothing; returns the archive."""
    shutil.rmtree(out, ignore_errors=True)
    fill(arch, out)
    archive = out.with_name(f"{out.name}-{arch}.tar.gz")
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(out, arcname=f"syncd-{arch}")
    return archive


def fill(arch: str, out: Path) -> None:
    """Bring the bundle's folder up to date; libraries for this machine type whose lock has not changed are kept."""
    wheels, lock = out / "wheels", out / "requirements.lock"
    if not lock.exists() or lock.read_bytes() != LOCK.read_bytes():
        shutil.rmtree(out, ignore_errors=True)
        wheels.mkdir(parents=True)
        _download(arch, wheels)
        shutil.copy(LOCK, lock)
    _add_ours(out, wheels)
    sums = "".join(f"{hashlib.sha256(w.read_bytes()).hexdigest()}  {w.name}\n" for w in sorted(wheels.iterdir()))
    (out / "SHA256SUMS").write_text(sums, encoding="utf-8")


def _download(arch: str, wheels: Path) -> None:
    subprocess.run(
        [
            *PIP,
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--python-version",
            PYTHON,
            *platforms(arch),
            "--require-hashes",
            "-r",
            str(LOCK),
            "--dest",
            str(wheels),
        ],
        check=True,
    )


def _add_ours(out: Path, wheels: Path) -> None:
    """Syncd's own wheel, the reference configuration, the units and the script."""
    for stale in (ROOT / "build", out / "systemd"):
        shutil.rmtree(stale, ignore_errors=True)
    for stale in wheels.glob("syncd-*.whl"):
        stale.unlink()
    subprocess.run(
        [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT)],
        check=True,
        env={"SOURCE_DATE_EPOCH": EPOCH, **os.environ},
    )
    shutil.copy(ROOT / "config.toml", out / "config.toml")
    shutil.copytree(ROOT / "systemd", out / "systemd")
    script = out / "install.sh"
    script.write_text(INSTALL, encoding="utf-8")
    script.chmod(0o755)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--arch", choices=ARCHES, default=platform.machine() if platform.machine() in ARCHES else ARCHES[0]
    )
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "bundle")
    chosen = parser.parse_args()
    print(bundle(chosen.arch, chosen.out))


if __name__ == "__main__":
    main()
