"""What syncd tells systemd: ready, status, alive, reloading, stopping; nothing happens where no systemd listens."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

ASK_EVERY = 15.0
"""Seconds between two requests for more time."""
START_MOST = 3600.0
"""Seconds that a start may take in all, such as to migrate a large state; one that hangs is not waited for for ever."""


def sd_notify(state: str, environ: Mapping[str, str] | None = None) -> bool:
    """Send a state ("READY=1\\nSTATUS=...") to $NOTIFY_SOCKET. False where there is none or it can't be reached."""
    address = (os.environ if environ is None else environ).get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(1.0)
            sender.connect(address)
            sender.sendall(state.encode())
    except OSError:
        return False
    return True


class Notifier:
    """The messages of a daemon's life, by name. environ: None is the process's own."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._started = threading.Event()

    def ready(self, status: str = "") -> bool:
        """Start or reload is over."""
        self._started.set()
        return self._send("READY=1", status)

    def status(self, text: str) -> bool:
        """One line for `systemctl status`."""
        return self._send("", text)

    def alive(self) -> bool:
        """Pet the watchdog; `watchdog_interval` says how often."""
        return self._send("WATCHDOG=1")

    def reloading(self, status: str = "") -> bool:
        """A reload begins; `ready` must follow."""
        moment = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        return self._send(f"RELOADING=1\nMONOTONIC_USEC={moment}", status)

    @contextmanager
    def starting(self, status: str, *, every: float = ASK_EVERY, most: float = START_MOST) -> Iterator[None]:
        """Until `ready`, or until what is inside ends, ask for more time: in a thread, since a migration holds the loop.

        every, most: seconds between two requests, and of them all.
        """
        if self.status(status):
            asks = threading.Thread(target=self._ask, args=(every, most), name="syncd-start", daemon=True)
            asks.start()
        try:
            yield
        finally:
            self._started.set()

    def _ask(self, every: float, most: float) -> None:
        for _ in range(max(1, int(most / every))):
            self.more_time(every * 3)
            if self._started.wait(every):
                return

    def stopping(self, status: str = "", *, seconds: float = 0.0) -> bool:
        """The end begins. seconds: that it may take at most, whatever time-out is set for it."""
        return self._send("STOPPING=1", status) and (not seconds or self.more_time(seconds))

    def more_time(self, seconds: float) -> bool:
        """A start or stop needs this much longer than its time-out, such as for a migration."""
        return self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def watchdog_interval(self) -> float | None:
        """WatchdogSec in seconds, None where no watchdog waits for this process; be `alive` at least twice as often."""
        limit = self._environ.get("WATCHDOG_USEC", "")
        mine = self._environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        return int(limit) / 1_000_000 if limit.isdigit() and int(limit) > 0 and mine else None

    def _send(self, state: str, status: str = "") -> bool:
        line = f"STATUS={' '.join(status.split())}" if status else ""
        return sd_notify("\n".join(part for part in (state, line) if part), self._environ)
