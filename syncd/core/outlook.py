"""Whether the network is to blame: what the hosts that were asked last have said, and the moment at which that turns."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from syncd.core.schedule import network_down

WINDOW = timedelta(minutes=15)
"""How long the last word of a host counts."""
UNREACHED = frozenset({"dns", "connect", "timeout", "proxy", "proxy_auth", "tls_unsupported", "tls_untrusted", "closed"})
"""Reasons for which the fault may be on our side of the line: the host has not said a word that can be trusted."""


class Outlook:
    """The hosts of a window, each with its last word; a step costs the same however many there are."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, tuple[datetime, bool]] = OrderedDict()
        self._failing = 0
        self.down = False

    def told(self, host: str, reached: bool, at: datetime) -> str:
        """Take a host's word. Returns "down" or "up" when that turns the outlook, "back" when a host answers again while it
        is down, else ""."""
        was, before = self.down, self._last.get(host)
        self._forget(at)
        self._drop(host)
        self._last[host] = (at, reached)
        self._failing += not reached
        self.down = network_down(self._failing, len(self._last))
        if was != self.down:
            return "down" if self.down else "up"
        return "back" if self.down and reached and before is not None and not before[1] else ""

    @property
    def answers(self) -> bool:
        """True while at least one host of the window has answered."""
        return self._failing < len(self._last)

    def fails(self, host: str) -> bool:
        """True when the host's last word in the window was none."""
        return host in self._last and not self._last[host][1]

    def _forget(self, at: datetime) -> None:
        """Words of before the window, and of after it by a clock that was set back since."""
        while self._last and not at - WINDOW <= next(iter(self._last.values()))[0] <= at:
            self._drop(next(iter(self._last)))

    def _drop(self, host: str) -> None:
        if (word := self._last.pop(host, None)) is not None:
            self._failing -= not word[1]
