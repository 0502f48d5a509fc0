"""`python -m tests.systemd.install`: what the tests on a real systemd need, for CI: Debian packages (as root) and the tree."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

from tests.systemd import box


def missing() -> list[str]:
    """The Debian packages whose tools are not there."""
    return sorted({package for tool, package in box.TOOLS.items() if not shutil.which(tool)})


def main() -> int:
    """0 when a box can be booted here, 1 and the reason on stderr when not."""
    begun = time.monotonic()
    if wanted := missing():
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            print(f"needs root and apt-get to install {' '.join(wanted)}", file=sys.stderr)
            return 1
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-q"], check=True, env=environment)
        subprocess.run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *wanted], check=True, env=environment
        )
    try:
        if reason := box.why_not():
            raise box.Unfit(reason)
        made = box.tree()
    except box.Unfit as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{made}: ready after {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
