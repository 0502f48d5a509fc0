"""What a channel with few characters shows of a document: its title and the beginning of its text, always cut alike."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

ADDRESS = 23
"""Characters that an address counts, whatever its length: https://docs.joinmastodon.org/user/posting/#text"""
_ADDRESS = re.compile(r"https?://[^\s<>]+")
_MORE = "…"
_LEAST = 3
"""Characters that are left for the mark of a cut: a sign, the mark, the end of the line."""


def length(text: str) -> int:
    """Characters as a channel counts them: an address ADDRESS, all else by code points, which are never fewer than signs."""
    return len(_ADDRESS.sub("x" * ADDRESS, text))


def cut(text: str, most: int) -> str:
    """At most so many characters of a text, with an ellipsis where some are missing."""
    if length(text) <= most:
        return text
    kept = text
    while kept and (over := length(kept.rstrip() + _MORE) - most) > 0:
        kept = kept[:-over]
    return kept.rstrip() + _MORE


def abridged(title: str, lines: Sequence[str], most: int) -> tuple[str, tuple[str, ...]]:
    """A title in half of `most` characters at most, and as much of the text as fits beside it, a line's end counting one.

    What was abridged once stays as it is.
    """
    title = cut(title, most // 2)
    room, kept = most - length(title), list[str]()
    for n, line in enumerate(lines, 1):
        takes = length(line) + 1
        if takes > room - (0 if n == len(lines) else _LEAST):
            return title, (*kept, cut(line + _MORE, room - 1)) if room >= _LEAST else tuple(kept)
        kept.append(line)
        room -= takes
    return title, tuple(kept)


def paragraphs(lines: Sequence[str]) -> str:
    """Lines of plain text as HTML."""
    return "".join(f"<p>{html.escape(line, quote=False)}</p>" for line in lines)
