"""What the child remembers of rows that it took apart: most rows of a list that changed are as they were before.

It is a shortcut only: a row is known again by every byte of it and of what around it gives it its meaning, and whatever
does not fit is taken apart anew. It lives in the child, is bounded, and ends with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

V = TypeVar("V")
MOST = 16 * 1024 * 1024
"""Bytes that the remembered values count for; they themselves take at most about five times as much (rows of a few bytes)."""
EACH = 350
"""Bytes that each value counts for beside its own: of rows of a few bytes, names and objects are nearly all."""
SHARE = 16
"""One value may take one part in so many."""


class Memo(Generic[V]):
    """Values by name; the least recently used go first. most: bytes of all of them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._size = 0
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def find(self, name: Hashable) -> V | None:
        found = self._values.get(name)
        if found is None:
            return None
        self._values.move_to_end(name)
        return found[0]

    def keep(self, name: Hashable, value: V, size: int) -> None:
        """size: bytes that the value was made of."""
        if name in self._values or size > self._most // SHARE:
            return
        self._values[name] = (value, size + EACH)
        self._size += size + EACH
        while self._size > self._most:
            _, (_, gone) = self._values.popitem(last=False)
            self._size -= gone
