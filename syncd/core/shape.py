"""The shape of a list: which keys its rows carry, how many rows it shows, and a few of them by name.

What is remembered is small, and is compared with each changed read: a redesign is told with what changed, within one poll.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from syncd.core.identity import normalise_title
from syncd.model import Entry

Shape = tuple[tuple[str, int], ...]
"""Key -> share of the rows that carry it, in per cent, rounded down; in the order of the names."""
MOST_KEYS = 48
"""JSON of general servers carries thirty and more; what is remembered stays below 3 KB."""
FEW = 5
"""With fewer rows than these no share says anything."""
CARRIED, LOST = 90, 10
"""A key that so many per cent of the rows carried, and of which now fewer than so many do, is gone."""
CUT_FROM = 10
"""A shorter list is never said to be cut: a quiet week halves it too."""
_LONGEST = 40
_ESSENTIAL = {"@url": "addresses", "@published": "dates"}
"""What every list is read for, in an operator's words; the names with @ are ours, not the list's."""


@dataclass(frozen=True, slots=True)
class Change:
    """Keys that rows no longer carry, and keys that they did not carry before. essential: addresses or dates are gone."""

    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()
    essential: bool = False

    def __str__(self) -> str:
        told = [f"gone: {', '.join(self.lost)}"] if self.lost else []
        return "; ".join([*told, f"new: {', '.join(self.gained)}"] if self.gained else told)


SAME = Change()


def shape_of(rows: Sequence[Collection[str]]) -> Shape:
    """The shape of rows, each given as the keys that hold something in it.

    Of more than MOST_KEYS the most carried, those of one share by name: the same keys whatever the order of rows and keys.
    """
    counts = Counter(key for row in rows for key in row)
    chosen = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:MOST_KEYS]
    return tuple(sorted((key[:_LONGEST], 100 * n // len(rows)) for key, n in chosen))


def shape_of_entries(entries: Iterable[Entry], keys: Shape = (), *, ahead: int = 0) -> Shape:
    """What any list is read for, beside the list's own keys. ahead: rows whose dates were not taken because they lie ahead
    of our clock: the list has them, and it may be the clock that is wrong."""
    shown = [entry for entry in entries if not entry.withdrawn]
    dated = min(len(shown), ahead + sum(1 for e in shown if e.published))
    fields = {"@url": sum(1 for e in shown if e.url), "@published": dated}
    return (*((name, 100 * n // len(shown)) for name, n in fields.items() if shown), *keys)


def change(before: Shape, now: Shape) -> Change:
    """What changed from one shape to another. Nothing, where one of them is not known.

    A key that a full shape doesn't name may be carried as much as the least that it names: that one is not told.
    """
    old, new = dict(before), dict(now)
    if not old or not new:
        return SAME
    lost = [key for key, share in old.items() if share >= CARRIED and _share(new, key) < LOST]
    gained = [key for key, share in new.items() if share >= CARRIED and _share(old, key) < LOST]
    words = tuple(_ESSENTIAL.get(key, key) for key in lost)
    return Change(words, tuple(_ESSENTIAL.get(key, key) for key in gained), any(key in _ESSENTIAL for key in lost))


def _share(shape: dict[str, int], key: str) -> int:
    """The share of a key; of one that a full shape had no room for, the most that it may be."""
    own = [share for name, share in shape.items() if name not in _ESSENTIAL]
    unnamed = min(own) if key not in _ESSENTIAL and len(own) >= MOST_KEYS else 0
    return shape.get(key, unnamed)


def is_cut(before: int, now: int, *, told: bool) -> bool:
    """Whether a list that showed `before` rows is cut at `now`: at 60 %, for new rows come in above a half.

    told: it was said to be cut, and is until three quarters are back.
    """
    if before < CUT_FROM:
        return False
    return now * 4 < before * 3 if told else now * 5 <= before * 3


def canaries(titles: Sequence[str]) -> tuple[str, ...]:
    """A few known rows by name: the first, the middle and the last, shortened."""
    if not titles:
        return ()
    chosen = (titles[0], titles[len(titles) // 2], titles[-1])
    return tuple(dict.fromkeys(title[:_LONGEST] for title in chosen))


def vanished(known: Iterable[str], titles: Iterable[str]) -> tuple[str, ...]:
    """Those of the known rows that none of these titles is."""
    shown = {normalise_title(title[:_LONGEST]) for title in titles}
    return tuple(name for name in known if normalise_title(name) not in shown)


def told(hint: str, *, gone: Sequence[str] = (), changed: Change | None = None) -> str:
    """An operator's hint that names what changed: known rows that are gone, keys that are gone or new."""
    rows = f"known rows that are gone: {', '.join(f'“{name}”' for name in gone)}" if gone else ""
    keys = f"of what rows carry: {changed}" if changed and str(changed) else ""
    return "; ".join(filter(None, (rows, keys, hint)))
