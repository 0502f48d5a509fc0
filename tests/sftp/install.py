"""`python -m tests.sftp.install`: OpenSSH's server from Debian, unpacked beside the checkout's other pieces, not installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.sftp.server import HOME, missing, program, version

_ARCHIVES = ("openssh-server", "libwrap0")


def main() -> int:
    """Idempotent; 0 when there is a server at the end."""
    if not program() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        _unpack()
    if os.geteuid() == 0 and program() and not _has_user():
        subprocess.run(["useradd", "--system", "--no-create-home", "--home-dir", "/run/sshd", "--shell",
                        "/usr/sbin/nologin", "sshd"], check=False)
    print(missing() or f"{version()} is in {program()}")
    return 1 if missing() else 0


def _unpack() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if _fetched(folder) or (os.geteuid() == 0 and _updated() and _fetched(folder)):
            HOME.mkdir(parents=True, exist_ok=True)
            for archive in sorted(Path(folder).glob("*.deb")):
                subprocess.run(["dpkg-deb", "-x", str(archive), str(HOME)], check=False)


def _fetched(folder: str) -> bool:
    command = ["apt-get", "-qq", "download", *_ARCHIVES]
    return subprocess.run(command, cwd=folder, check=False, stderr=subprocess.DEVNULL).returncode == 0


def _updated() -> bool:
    return subprocess.run(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update"], check=False).returncode == 0


def _has_user() -> bool:
    return any(each.pw_name == "sshd" for each in pwd.getpwall())


if __name__ == "__main__":
    sys.exit(main())
