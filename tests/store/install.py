"""`python -m tests.store.install`: as root on Debian, install a PostgreSQL server without starting one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.store.postgres import binaries

PACKAGE = "postgresql-15"
CONFIG = Path("/etc/postgresql-common/createcluster.conf")
"""Read when the package is set up: without the line below it makes a cluster on port 5432 and starts it."""
NO_CLUSTER = "\ncreate_main_cluster = false\n"


def main() -> int:
    if place := binaries():
        print(f"there is one already: {place}")
        return 0
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        print(f"this needs root and apt-get; otherwise install {PACKAGE} by hand")
        return 1
    with _without_a_cluster():
        _install()
    print(binaries() or "no server was installed; apt-get says why")
    return 0 if binaries() else 1


@contextmanager
def _without_a_cluster() -> Iterator[None]:
    """A file that is there is the administrator's: it is put back as it was."""
    before = CONFIG.read_text() if CONFIG.exists() else None
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text((before or "") + NO_CLUSTER)
    try:
        yield
    finally:
        if before is not None:
            CONFIG.write_text(before)


def _install() -> None:
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-qy", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold"]
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", *options, PACKAGE]):
        subprocess.run(command, env=quiet, check=False)


if __name__ == "__main__":
    sys.exit(main())
