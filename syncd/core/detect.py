"""What a list that was read means: new entries, changes, tombstones, or a reason why it must not be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.core import shape as shapes
from syncd.core.shape import SAME, Change, Shape
from syncd.model import Backfill, Entry, Precision


@dataclass(frozen=True, slots=True)
class Row:
    """An entry with its 64-bit key, its fingerprint and the 64-bit hashes of its aliases (core.identity)."""

    entry: Entry
    key: int
    print: int
    aliases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of the rows of one list.

    prints: fingerprint by key, for keys that this source showed before. aliases: document id by alias hash for what is
    known from any source; 0 where the document is older than the start line and was never read.
    """

    prints: Mapping[int, int]
    aliases: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered of the source. first_good, last_good: its good reads, None before the first.

    shown: rows at the last good read. accept: a person said that the next read is to be believed as it is.
    first_page, shape: rows of its first page and what they carried, at the last good read without an alarm.
    canaries: a few of its rows by title. alarm: what was said of the last good read.
    """

    first_good: datetime | None
    last_good: datetime | None
    shown: int
    accept: bool = False
    first_page: int = 0
    shape: Shape = ()
    alarm: str = ""
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """When a read is too strange to act on alone: more than max(few, share of the rows) at once is held."""

    few: int = 10
    share: float = 0.2
    most_new: int = 50
    few_withdrawn: int = 3


@dataclass(frozen=True, slots=True)
class Find:
    """One row to act on. change: "new", "changed", "withdrawn" or "relinked" (a known document's new identity)."""

    row: Row
    change: str
    document: int = 0


@dataclass(frozen=True, slots=True)
class Detection:
    """What to do with a read. error: it is no good read, nothing is learned. old: rows behind the start line.

    finds: to be read now. held: to be shown to a person first, for the reason `hold`. gap: the window moved on while we
    could not look, so that documents may have been missed (a person is told). alarm: the read is believed, but the list is
    not as it was: why. change: of what its rows carry.
    """

    error: str = ""
    hint: str = ""
    first: bool = False
    old: tuple[Row, ...] = ()
    finds: tuple[Find, ...] = ()
    held: tuple[Find, ...] = ()
    hold: str = ""
    gap: bool = False
    alarm: str = ""
    change: Change = SAME


_HINTS = {
    "list_redesigned": "its rows have lost what they are read for, so nothing was taken from it; open it in a browser, mend "
    "the source's options; if it is right as it is, accept it with `syncd approve --source NAME`",
    "list_changed": "what could be read was believed; compare the list with its options; if it is right as it is, accept it "
    "with `syncd approve --source NAME`",
    "list_renamed": "all its rows have other ids and addresses than before, so nothing was taken from it; if its publisher "
    "renamed them on purpose, accept it with `syncd approve --source NAME`",
    "list_cut": "it shows half as many rows as before: new ones are taken, none counts as withdrawn; look at it; if it is "
    "right as it is, accept it with `syncd approve --source NAME`",
    "list_emptied": "the list was not empty before; open its address in a browser: moved, blocked or redesigned?",
    "known_rows_vanished": "none of the rows known so far is there; if the list was rebuilt on purpose, accept it with "
    "`syncd approve --source NAME`",
    "flood": "many unknown old rows at once, as after a migration; look at them, then `syncd approve --source NAME`",
    "identity_storm": "many known documents changed their identity at once; look, then `syncd approve --source NAME`",
    "mass_withdrawal": "many withdrawals at once; look at the source, then `syncd approve --source NAME`",
}


def hint(reason: str) -> str:
    """The operator's hint for a reason of this module; "" for an unknown reason."""
    return _HINTS.get(reason, "")


def detect(
    rows: Sequence[Row], known: Known, past: Past, limits: Limits, *, shape: Shape = (), first_page: int = 0
) -> Detection:
    """Compare a parsed list with what is known. Absence from the list is never a withdrawal: a list is a window.

    shape: what its rows carry. first_page: how many of the rows stood on its first page; 0: all.
    """
    if past.first_good is None:
        return Detection(first=True, old=tuple(rows))
    change = _change(rows, past, shape)
    error = "" if past.accept else _disbelief(rows, known, past, change)
    if error:
        return Detection(error=error, hint=_HINTS[error], change=change)
    old = tuple(row for row in rows if _was_there_before(row, known, past))
    finds = tuple(find for row in rows if row not in old and (find := _find(row, known)) is not None)
    gap = past.shown > 0 and not any(_is_known(row, known) for row in rows)
    reason, held = ("", ()) if past.accept else _doubtful(finds, rows, known, past, limits)
    marked = set(held)
    if past.accept and is_renamed(rows, known, past):
        old, finds, held = _without_the_past(old, finds, past)
        reason, marked = "flood" if held else "", set(held)
    alarm = "" if past.accept else _alarm(first_page or len(rows), past, change)
    rest = tuple(f for f in finds if f not in marked)
    return Detection(old=old, finds=rest, held=held, hold=reason, gap=gap, alarm=alarm, change=change)


def _change(rows: Sequence[Row], past: Past, shape: Shape) -> Change:
    few = past.first_page < shapes.FEW or len(rows) < shapes.FEW
    return SAME if few or past.accept else shapes.change(past.shape, shape)


def _alarm(shown: int, past: Past, change: Change) -> str:
    """What a person must know of a list whose rows are believed all the same, or ""."""
    if shapes.is_cut(past.first_page, shown, told=past.alarm == "list_cut"):
        return "list_cut"
    return "list_changed" if change.lost else ""


def _was_there_before(row: Row, known: Known, past: Past) -> bool:
    """True for a row that is surely older than a start line which was set by a list that showed nothing yet."""
    published = row.entry.published
    if past.shown or past.first_good is None or published is None or row.key in known.prints:
        return False
    return published.latest < past.first_good - timedelta(days=1)


def _find(row: Row, known: Known) -> Find | None:
    document = next((known.aliases[a] for a in row.aliases if a in known.aliases), None)
    if row.key in known.prints:
        return _find_known(row, known.prints[row.key], document or 0)
    if document is None:
        return None if row.entry.withdrawn else Find(row, "new")
    return Find(row, "withdrawn" if row.entry.withdrawn else "relinked", document)


def _find_known(row: Row, print: int, document: int) -> Find | None:
    if row.entry.withdrawn:
        return Find(row, "withdrawn", document) if row.print != print else None
    return Find(row, "changed", document) if row.print != print else None


def _disbelief(rows: Sequence[Row], known: Known, past: Past, change: Change) -> str:
    """Why the read as a whole is not believed, or ""."""
    if not past.shown:
        return ""
    if not rows:
        return "list_emptied"
    if change.essential:
        return "list_redesigned"
    if any(_is_known(row, known) for row in rows):
        return ""
    if is_renamed(rows, known, past):
        return "list_renamed"
    return "" if _moved_on(rows, past) else "known_rows_vanished"


def is_renamed(rows: Sequence[Row], known: Known, past: Past) -> bool:
    """True when the rows that we know are there, but none by the name that its source called it."""
    if len(past.canaries) < 2 or any(row.key in known.prints for row in rows):
        return False
    return not shapes.vanished(past.canaries, [row.entry.title for row in rows])


def _without_the_past(
    old: tuple[Row, ...], finds: tuple[Find, ...], past: Past
) -> tuple[tuple[Row, ...], tuple[Find, ...], tuple[Find, ...]]:
    """Of a list that was renamed on purpose: the rows that are old, those to act on, and those of them that a person must
    see. What is dated before the last good read was there before under another name; what has no date may have been."""
    past_ones = tuple(f for f in finds if f.change == "new" and not _is_fresh(f.row.entry, past))
    dated = {f for f in past_ones if f.row.entry.published}
    held = tuple(f for f in past_ones if f not in dated)
    return (*old, *(f.row for f in past_ones if f in dated)), tuple(f for f in finds if f not in dated), held


def _is_known(row: Row, known: Known) -> bool:
    return row.key in known.prints or any(alias in known.aliases for alias in row.aliases)


def _moved_on(rows: Sequence[Row], past: Past) -> bool:
    """True when every row is dated, none before the day before the last good read: the window just moved on."""
    return all(_is_fresh(row.entry, past) for row in rows)


def _is_fresh(entry: Entry, past: Past) -> bool:
    if entry.published is None or past.last_good is None:
        return False
    slack = timedelta(days=2) if entry.published.precision is Precision.DAY else timedelta(days=1)
    return entry.published.latest >= past.last_good - slack


def _doubtful(
    finds: tuple[Find, ...], rows: Sequence[Row], known: Known, past: Past, limits: Limits
) -> tuple[str, tuple[Find, ...]]:
    """The finds that a person must see first, and why; only one reason is told at a time, the gravest first."""
    bound = max(limits.few, int(limits.share * len(rows)))
    withdrawn = tuple(f for f in finds if f.change == "withdrawn")
    if len(withdrawn) > max(limits.few_withdrawn, int(limits.share * len(rows))):
        return "mass_withdrawal", withdrawn
    relinked = tuple(f for f in finds if f.change == "relinked")
    recognised = sum(1 for f in rows if f.key in known.prints)
    if len(relinked) > max(bound, recognised):
        return "identity_storm", tuple(f for f in finds if f.change in ("relinked", "new"))
    new = tuple(f for f in finds if f.change == "new")
    stale = tuple(f for f in new if not _is_fresh(f.row.entry, past))
    if len(stale) > bound or len(new) > max(limits.most_new, len(rows) // 2):
        return "flood", new
    return "", ()


def backfilled(rows: Sequence[Row], backfill: Backfill | None, now: datetime) -> tuple[Row, ...]:
    """The rows behind a start line that a route's `backfill` carries over; rows are newest first as lists show them."""
    if backfill is None:
        return ()
    if backfill.everything:
        return tuple(rows)
    if backfill.newest is not None:
        return tuple(sorted(rows, key=_age_rank, reverse=True)[: backfill.newest])
    since = now - timedelta(seconds=backfill.span or 0)
    return tuple(r for r in rows if r.entry.published is not None and r.entry.published.latest >= since)


def _age_rank(row: Row) -> float:
    return row.entry.published.at.timestamp() if row.entry.published else 0.0


def flapping(revised: Sequence[datetime], now: datetime, *, per_day: int) -> bool:
    """True when a document got `per_day` revisions within the last 24 hours: a page that changes at every look."""
    return sum(1 for at in revised if now - timedelta(days=1) < at <= now) >= per_day
