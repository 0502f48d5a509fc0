"""What systemd hears from a daemon, over a real datagram socket."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from syncd.systemd import Notifier, sd_notify


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[tuple[socket.socket, dict[str, str]]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "n"))
        heard.settimeout(1)
        yield heard, {"NOTIFY_SOCKET": str(tmp_path / "n")}


def everything(heard: socket.socket) -> list[bytes]:
    """What comes until nothing has come for the socket's time-out."""
    found: list[bytes] = []
    with suppress(TimeoutError):
        while True:
            found.append(heard.recv(1000))
    return found


def test_ready_comes_with_a_status_of_one_line(systemd: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = systemd
    assert Notifier(environ).ready("3 reposts\n1 open")
    assert heard.recv(1000) == b"READY=1\nSTATUS=3 reposts 1 open"


def test_each_moment_of_a_life_has_its_message(systemd: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = systemd
    notifier = Notifier(environ)
    for call in (notifier.alive, notifier.stopping, lambda: notifier.status("正常"), lambda: notifier.more_time(2.5)):
        assert call()
    assert [heard.recv(1000) for _ in range(4)] == [
        b"WATCHDOG=1", b"STOPPING=1", "STATUS=正常".encode(), b"EXTEND_TIMEOUT_USEC=2500000",
    ]


def test_reloading_carries_the_monotonic_time_that_systemd_asks_for(
    systemd: tuple[socket.socket, dict[str, str]],
) -> None:
    heard, environ = systemd
    before = time.monotonic_ns() // 1000
    Notifier(environ).reloading()
    kind, moment = heard.recv(1000).decode().split("\n")
    assert kind == "RELOADING=1"
    assert before <= int(moment.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000


def test_an_abstract_socket_is_reached_too() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0syncd-test-{os.getpid()}")
        heard.settimeout(1)
        assert sd_notify("READY=1", {"NOTIFY_SOCKET": f"@syncd-test-{os.getpid()}"})
        assert heard.recv(100) == b"READY=1"


@pytest.mark.parametrize("environ", [{}, *({"NOTIFY_SOCKET": name} for name in ("", "relative", "/no/such"))])
def test_without_systemd_nothing_happens(environ: dict[str, str]) -> None:
    assert Notifier(environ).ready() is False


def test_the_watchdog_is_this_processes_own_or_none() -> None:
    mine = str(os.getpid())
    assert Notifier({"WATCHDOG_USEC": "30000000"}).watchdog_interval() == 30.0
    assert Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": mine}).watchdog_interval() == 30.0
    assert Notifier({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}).watchdog_interval() is None
    assert Notifier({"WATCHDOG_USEC": "0"}).watchdog_interval() is None
    assert Notifier({}).watchdog_interval() is None


def test_a_long_start_asks_for_more_time_until_it_is_ready(systemd: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = systemd
    notifier = Notifier(environ)
    with notifier.starting("starting: migrating", every=0.05):
        time.sleep(0.2)  # as a migration does, which holds the loop
        notifier.ready("up")
        told = [heard.recv(1000)]
        while told[-1] != b"READY=1\nSTATUS=up":
            told.append(heard.recv(1000))
        assert told[0] == b"STATUS=starting: migrating"
        assert told.count(b"EXTEND_TIMEOUT_USEC=150000") >= 2
        heard.settimeout(0.3)
        with pytest.raises(TimeoutError):
            heard.recv(1000)


def test_a_start_that_hangs_is_not_waited_for_for_ever(systemd: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = systemd
    heard.settimeout(0.3)
    with Notifier(environ).starting("starting", every=0.02, most=0.06):
        told = everything(heard)
    assert told.count(b"EXTEND_TIMEOUT_USEC=60000") == 3


def test_a_start_that_failed_asks_no_more(systemd: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = systemd
    with pytest.raises(ValueError, match="no config"), Notifier(environ).starting("starting", every=0.02):
        raise ValueError("no config")
    time.sleep(0.1)
    heard.settimeout(0.1)
    assert everything(heard).count(b"EXTEND_TIMEOUT_USEC=60000") <= 2


def test_an_end_asks_for_the_time_that_it_needs(systemd: tuple[socket.socket, dict[str, str]]) -> None:
    heard, environ = systemd
    assert Notifier(environ).stopping("stopping", seconds=45)
    assert [heard.recv(1000) for _ in range(2)] == [b"STOPPING=1\nSTATUS=stopping", b"EXTEND_TIMEOUT_USEC=45000000"]
