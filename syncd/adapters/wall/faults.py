"""The ways in which an adapter itself fails, as opposed to its CMS, and where in its code."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime

from syncd.adapters.wall.trail import raised

HINTS = {
    "adapter_bug": "report this to the adapter's author with the log; other posts and sites go on",
    "adapter_hung": "the CMS or the adapter hangs: see the log for where; call_within in [[sites]] is the limit",
    "adapter_blocks": "report this to the adapter's author; isolate = true in this site's table keeps the others from waiting",
    "adapter_died": "report this to the adapter's author; it is started again by itself",
    "adapter_memory": "report this to the adapter's author; memory in this site's table is the limit",
}
"""What to do about each, by its reason."""
LONGEST = 4000
"""Characters of a traceback that are told: its end."""
AT_ONCE = frozenset({"adapter_hung", "adapter_blocks", "adapter_died", "adapter_memory"})
"""After one of these the site is left alone for a while: the next call would cost as much."""


class Broken(Exception):
    """An adapter failed by itself. reason: one of HINTS. text: how and where, without what it may have held of secrets."""

    def __init__(self, reason: str, text: str, trace: str = "") -> None:
        super().__init__(text)
        self.reason, self.text, self.trace = reason, text, trace


@dataclass(frozen=True, slots=True)
class Fault:
    """The last failure of a site's adapter that no good call has followed. verb: the call in which it was."""

    site: str
    kind: str
    verb: str
    reason: str
    text: str
    at: datetime
    trace: str = ""

    @property
    def hint(self) -> str:
        return f"adapter {self.kind!r}: {self.text}; {HINTS[self.reason]}"


def bug(error: BaseException) -> Broken:
    """What an adapter raised that no adapter may. The message stays out of it: it may hold anything."""
    where = raised(error)
    lines = traceback.format_exception(error)
    return Broken("adapter_bug", f"{type(error).__name__}{f' at {where}' if where else ''}", "".join(lines)[-LONGEST:])
