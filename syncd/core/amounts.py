"""How amounts are written for people, the same on pages and in commands."""

from __future__ import annotations

_UNITS = ("B", "KiB", "MiB", "GiB")


def size(count: float) -> str:
    """Bytes in binary units."""
    power = 0
    while count >= 1024 and power < len(_UNITS) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.0f} {_UNITS[power]}" if count >= 10 or not power else f"{count:.1f} {_UNITS[power]}"
