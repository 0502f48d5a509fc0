"""The place for the real daemon as a process: `syncd run`, started and ended by the bench."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from bench.process import ENVIRON


class Daemon:
    """`syncd run` over a configuration, with its log in a file beside it."""

    def __init__(self, config: Path) -> None:
        self._log = config.with_suffix(".log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "syncd", "run", "--config", str(config)], stdout=self._log, stderr=subprocess.STDOUT,
            env=ENVIRON,
        )
        self.pid = self.process.pid

    def __enter__(self) -> Daemon:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()
