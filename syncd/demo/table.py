"""A plain table for a terminal, with Chinese at its true width."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_WIDEST = 44


def render(heads: Sequence[str], rows: Sequence[Sequence[str]], width: Callable[[str], int]) -> str:
    """Columns aligned by display width; the first is cut at 44 columns."""
    cut = [(_cut(row[0], width), *row[1:]) for row in rows]
    sizes = [max(width(line[n]) for line in (heads, *cut)) for n in range(len(heads))]
    lines = [tuple(heads), tuple("-" * size for size in sizes), *cut]
    return "\n".join("  ".join(_pad(cell, sizes[n], width) for n, cell in enumerate(line)).rstrip() for line in lines)


def _cut(text: str, width: Callable[[str], int]) -> str:
    if width(text) <= _WIDEST:
        return text
    kept = text
    while width(kept) > _WIDEST - 1:
        kept = kept[:-1]
    return kept + "…"


def _pad(text: str, size: int, width: Callable[[str], int]) -> str:
    return text + " " * (size - width(text))
