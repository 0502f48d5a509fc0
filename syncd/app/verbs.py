"""The place for the words that the control socket answers: the desk's methods, with the names of their arguments.

It imports nothing: a command that asks the running daemon must not load what only the daemon needs.
"""

from __future__ import annotations

from collections.abc import Mapping

VERBS: Mapping[str, tuple[str, ...]] = {
    "status": (),
    "reposts": ("attention", "site"),
    "explain": ("id",),
    "approve": ("id", "source", "actor"),
    "reject": ("id", "reason", "actor", "source"),
    "retry": ("id", "overwrite", "actor"),
    "adopt": ("id", "url", "actor"),
    "withdraw": ("id", "actor", "reason", "undo"),
    "package": ("id",),
    "preview": ("id",),
    "report": ("month",),
    "check": (),
    "backup": ("out",),
    "relay": (),
}
