"""One daemon a state directory."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from syncd.errors import AlreadyRunning, StoreError
from syncd.store.lock import StateLock

HOLD = """
import sys, pathlib
from syncd.store.lock import StateLock
lock = StateLock(pathlib.Path(sys.argv[1]))
print('held', flush=True)
sys.stdin.read()
"""


@pytest.mark.guarantee(2)
def test_a_second_daemon_is_refused_by_the_first_ones_pid_and_free_at_once_after_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "状态"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdout is not None
    assert first.stdin is not None
    assert first.stdout.readline() == b"held\n"
    with pytest.raises(AlreadyRunning) as told:
        StateLock(state)
    assert str(first.pid) in str(told.value)
    assert told.value.hint
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    first.stdin.close()
    first.stdout.close()
    with StateLock(state):
        assert (state / "syncd.lock").read_text() == f"{os.getpid()}\n"


def test_a_released_lock_is_free(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    lock.release()
    lock.release()
    StateLock(tmp_path).release()


def test_a_state_directory_that_can_not_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as told:
        StateLock(tmp_path / "file" / "state")
    assert told.value.reason == "read_only"
