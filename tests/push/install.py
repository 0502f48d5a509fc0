"""`python -m tests.push.install`: the real hub, flask-websub, in an environment of its own beside the checkout's others."""

from __future__ import annotations

import subprocess
import sys
import venv

from tests.push.realhub import HOME, PACKAGE, missing


def main() -> int:
    if missing():
        venv.create(HOME, with_pip=True, clear=True)
        command = [HOME / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", PACKAGE]
        subprocess.run(command, check=False)
    print(missing() or f"{PACKAGE} is in {HOME}")
    return 1 if missing() else 0


if __name__ == "__main__":
    sys.exit(main())
