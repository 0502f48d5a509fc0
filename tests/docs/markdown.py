"""Reads a document: its fenced blocks and the directions between them, which stand in HTML comments that no reader sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
_PART = re.compile(
    r"^```(?P<lang>[\w-]*)\n(?P<text>.*?)^```$|^<!-- (?P<word>[a-z ]+?)(?:: (?P<rest>.*?))? -->$", re.MULTILINE | re.DOTALL
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_COMMENT = re.compile(r"(?:^|\s+)#(?!!).*$")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. lang: what stands behind the fence. directions: the comments right before it. line: 1 and up."""

    lang: str
    text: str
    line: int
    directions: tuple[Direction, ...] = ()

    def says(self, word: str) -> str | None:
        """What a direction says, None if there is no such direction."""
        return next((each.rest for each in self.directions if each.word == word), None)


@dataclass(frozen=True, slots=True)
class Direction:
    """A comment for the one who runs the document: <!-- word: rest -->."""

    word: str
    rest: str


def blocks(text: str) -> Iterator[Block]:
    """The fenced blocks with the directions that stand between each and the one before; the last may have no text."""
    pending: list[Direction] = []
    for part in _PART.finditer(text):
        if part["word"]:
            pending.append(Direction(part["word"], part["rest"] or ""))
            continue
        yield Block(part["lang"], part["text"], text.count("\n", 0, part.start()) + 1, tuple(pending))
        pending = []
    if pending:
        yield Block("", "", text.count("\n") + 1, tuple(pending))


def links(text: str) -> list[str]:
    """Where its links lead, as written; those in fenced blocks and code aside."""
    plain = re.sub(r"`[^`\n]*`", "", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    return _LINK.findall(plain)


def anchors(text: str) -> set[str]:
    """The anchors of its headings, as GitHub makes them."""
    plain = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(plain)}


def commands(text: str) -> str:
    """A block without its comments and empty lines: what two languages must have in common."""
    rows = (_COMMENT.sub("", row).rstrip() for row in text.splitlines())
    return "\n".join(row for row in rows if row)
