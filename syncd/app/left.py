"""What an idle state says, left beside its database by the last process that had it open, for who asks next.

`syncd status` without a daemon then opens nothing, imports little and takes no lock. It is a shortcut, never a second
truth: it holds only while opening the state would say the same, which is while

- this syncd reads the same config file, at the same place, with the same packages installed (`Left.proof`);
- nobody has opened the state since (who does removes the file first) nor touched the database (`Left.stamp`); and
- time alone has changed nothing (`Left.at`, `Left.until`).

Whatever is wrong with the file, it is as if there was none.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd import __version__
from syncd.app.clock import iso

FILE, DATABASE = "syncd.status.json", "syncd.sqlite3"
"""Their names below state_dir. A database that the config places elsewhere has nothing left beside it."""
_PACKAGES = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True, slots=True)
class Left:
    """facts: of Desk.status, as of `at` (in iso's form). until: the moment from which on a verdict or an alarm may
    differ, "" for never. watched: by source the seconds of good reads and since when they count. stamp: see `stamp`.
    """

    facts: dict[str, Any]
    at: str
    until: str
    watched: dict[str, tuple[float, str]]
    proof: str
    stamp: list[int] = field(default_factory=list)


def proof(digest: str, base: Path) -> str:
    """What stands for this program, its plug-ins and its configuration. digest, base: of Config."""
    folders = sorted({path for path in sys.path if Path(path).name in _PACKAGES})
    with suppress(OSError):  # one that can't be looked at proves nothing, at either end
        installed = [(path, os.stat(path).st_mtime_ns) for path in folders]
        return hashlib.sha256(repr((__version__, digest, str(base), installed)).encode()).hexdigest()
    return ""


def stamp(state: Path) -> list[int]:
    """What every write to the database changes, and every copy put in its place. Raises OSError."""
    found = os.stat(state / DATABASE)
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def remove(state: Path) -> None:
    """Before the state is written to. For good: a power cut must not bring it back beside a newer database."""
    with suppress(OSError):  # the stamp tells on what can't be removed
        (state / FILE).unlink()
        folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def leave(state: Path, left: Left) -> None:
    """Whole or not at all; a disk that takes nothing more is no failure. The database must be closed: it is stamped here."""
    making = state / f"{FILE}.part"
    try:
        stamped = replace(left, stamp=stamp(state))
        with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(stamped), file)
        making.replace(state / FILE)
    except OSError:
        with suppress(OSError):
            making.unlink()


def found(state: Path, expected: str, asked: datetime) -> dict[str, Any] | None:
    """The facts as opening the state would tell them at `asked`, with "as_of"; None where that is not certain.

    expected: the proof of who asks. Three things move with time by themselves: the moment of asking, which is also when
    an idle state was started and its config loaded (and since when a list that was never read is one), becomes `asked`;
    `watched_share` is reckoned anew; `next` stays, since it says when a list was to be read.
    """
    try:
        left = Left(**json.loads((state / FILE).read_bytes()))
        if left.proof != expected or not expected or left.stamp != stamp(state) or not _holds(left, asked):
            return None
        return _as_asked(left, asked)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _holds(left: Left, asked: datetime) -> bool:
    """False too when the clock was turned back since."""
    return datetime.fromisoformat(left.at) <= asked and not (left.until and asked >= datetime.fromisoformat(left.until))


def _as_asked(left: Left, asked: datetime) -> dict[str, Any]:
    facts, moment = left.facts, iso(asked)
    for row in facts["sources"]:
        seconds, first = left.watched[row["name"]]
        row["watched_share"] = watched_share(seconds, datetime.fromisoformat(first) if first else None, asked)
    unread = {row["name"] for row in facts["sources"] if not row["good"]}
    for row in facts["attention"]:
        if row["kind"] == "source" and row["id"] in unread:
            row["since"] = moment
    facts["config"]["loaded"] = moment
    return {**facts, "now": moment, "started": moment, "as_of": left.at}


def watched_share(watched: float, first_good: datetime | None, now: datetime) -> float | None:
    """The share of the time since its first good read in which a list was watched (seconds); None before that."""
    span = (now - first_good).total_seconds() if first_good else 0.0
    return min(1.0, watched / span) if span > 0 else None


def watch_of(rows: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
    """What watched_share is reckoned from, by source. rows: of the poller."""
    return {name: (row.watched, iso(row.first_good) or "") for name, row in rows.items()}
