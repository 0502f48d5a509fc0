"""A process that starts servers for a test and ends them when the test's process is gone, however that ended."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


class Keeper:
    """For the test's process: start programs by way of a keeper; close() ends them and removes the folder.

    user: the programs run as this user, None for our own. The keeper has a session of its own, so that Ctrl-C reaches
    the test only; it acts when its input ends, which the kernel sees to even after `kill -9`.
    """

    def __init__(self, folder: Path, user: str | None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), str(folder), user or ""], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The keeper's own process: all that it started lives below it."""
        return self._process.pid

    def start(self, command: Sequence[str], log: Path, **env: str) -> int:
        """Start a program with its output in a log; its id."""
        return int(self._tell({"command": list(command), "log": str(log), "env": env}))

    def stop(self, pid: int) -> None:
        """End one program and all its children."""
        self._tell({"stop": pid})

    def running(self, pid: int) -> bool:
        return self._tell({"running": pid}) == "True"

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _tell(self, order: Mapping[str, Any]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()


class _Kept:
    """In the keeper's process: the programs by id, each the head of a group of its own."""

    def __init__(self, user: str) -> None:
        self._as: dict[str, Any] = {}
        if user:
            self._as = {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        self._programs: dict[int, subprocess.Popen[bytes]] = {}

    def obey(self, order: Mapping[str, Any]) -> object:
        if "stop" in order:
            return self._stop(order["stop"])
        if "running" in order:
            return self._programs[order["running"]].poll() is None
        with open(order["log"], "ab") as log:
            program = subprocess.Popen(
                order["command"], env=os.environ | order["env"], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self._as,
            )
        self._programs[program.pid] = program
        return program.pid

    def _stop(self, pid: int) -> int:
        """Nothing of a throw-away server is worth an orderly end. A dead head may have left children."""
        program = self._programs.pop(pid)
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        return program.wait()

    def stop_all(self) -> None:
        for pid in list(self._programs):
            self._stop(pid)


def main() -> None:
    """One order a line on the input, one answer a line on the output."""
    folder, user = sys.argv[1:]
    kept = _Kept(user)
    try:
        for line in sys.stdin:
            print(kept.obey(json.loads(line)), flush=True)
    finally:
        kept.stop_all()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
