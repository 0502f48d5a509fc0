"""A document as a short note of plain text: title, the beginning of its text, its source and number, and a link to it.

For social channels, which count characters. The link carries a mark in its fragment, which costs none of them: whose note it
is, and by two seals whether its last lines and its text are as we wrote them. Pure: nothing here asks a server.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser

from syncd.adapters.credit import WORDS
from syncd.core import visible
from syncd.core.abridge import abridged, cut, paragraphs
from syncd.model import Post

FRAME = 180
"""Characters that a note needs beside title and text, at most: source, number, tag, link, and a mark without a link."""
LONGEST_TAG = 30
_LONGEST_NAME = 32
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins", "kbd", "mark", "q",
     "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr"},
)
_BLANK_LINES = re.compile(r"\n\s*\n")
_MARK = re.compile(r"(?:#|^|(?<=\s))([sw])-([0-9a-f]{12})-([0-9a-f]{8})-([0-9a-f]{8})\s*$")
_ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Opened:
    """A stored note, taken apart. mark: whose it is (`mark_of` its key), "" without one. notice: it stands for a withdrawn
    document. framed: its last lines are as we wrote them; where they are not, `lines` holds them too, so that such a change is
    one. whole: title and text too are as we wrote them. source: the link to the document, or ""."""

    mark: str
    notice: bool
    framed: bool
    whole: bool
    title: str
    lines: tuple[str, ...]
    source: str

    @property
    def html(self) -> str:
        return paragraphs(self.lines)


def mark_of(key: str) -> str:
    """By which a note of this key is known among others."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def compose(post: Post, most: int, tag: str = "") -> str:
    """The note of a post. most: characters for title and text; FRAME more are needed at most. tag: without its #."""
    title, lines = abridged(*_told(post), most)
    return _note(mark_of(post.key), "s", title, lines, _footer(post, tag), post.source_url)


def compose_notice(mark: str, title: str, lang: str, source: str) -> str:
    """What stands in place of a withdrawn document's note."""
    words = WORDS[lang]
    return _note(mark, "w", title, (words["withdrawn"], words["notice"]), "", source)


def open_note(text: str) -> Opened:
    """Take the plain text of a note apart; a note of somebody else has no mark."""
    blocks = [lines for block in _BLANK_LINES.split(text.strip()) if (lines := _stripped(block.split("\n")))]
    last = blocks[-1] if blocks else [""]
    found = _MARK.search(last[-1])
    frame = [*last[:-1], last[-1][: found.start()]] if found else []
    framed = found is not None and _seal(found[2], frame) == found[3]
    told = [line for block in (blocks[:-1] if framed else blocks) for line in block]
    source = _ADDRESS.search("\n".join(frame))
    whole = found is not None and framed and _seal(found[2], told) == found[4]
    return Opened(found[2] if found else "", found is not None and found[1] == "w", framed, whole, told[0] if told else "",
                  tuple(told[1:]), source[0] if source else "")


def losses(post: Post, most: int, channel: str) -> tuple[str, ...]:
    """What a note of this post lacks, in words. channel: its name."""
    told = _told(post)
    flow = _Flow(_lines_break)
    flow.feed(post.html)
    markup = sorted(flow.tags - {"p", "br"})
    lost = [f"{media.name} stays at its source: {channel} is given text only" for media in post.media]
    lost += [f"{channel} shows the beginning only: its notes have few characters"] if abridged(*told, most) != told else []
    lost += [f"{channel} shows plain text: {', '.join(markup)} left out"] if markup else []
    lost += ["@ is written ＠, so that nobody is mentioned"] if "@" in post.title or "@" in post.html else []
    return tuple(lost)


def lines_of(markup: str) -> tuple[str, ...]:
    """The visible text of sanitised HTML, a line for each paragraph, item or cell."""
    return tuple(_stripped(_flown(markup.replace("\n", " "), _lines_break).split("\n")))


def text_of(rendered: str) -> str:
    """The plain text of a note from the HTML that a server made of it: paragraphs and line ends."""
    return _flown(rendered, _note_break).strip()


def _told(post: Post) -> tuple[str, tuple[str, ...]]:
    return _harmless(" ".join(post.title.split())), tuple(map(_harmless, lines_of(post.html)))


def _harmless(text: str) -> str:
    """A word with @ would send a message to a stranger; the wide sign is read alike."""
    return text.replace("@", "＠")


def _footer(post: Post, tag: str) -> str:
    words = WORDS[post.lang]
    told = (("source", post.origin_name or post.issuer), ("number", post.document_number))
    pieces = [f"{words[name]}{words['colon']}{cut(_harmless(value), _LONGEST_NAME)}" for name, value in told if value]
    return " ".join([*pieces, *([f"#{tag}"] if tag else [])])


def _note(mark: str, kind: str, title: str, lines: Sequence[str], footer: str, source: str) -> str:
    """A link that has a fragment already, or none at all, can't carry the mark: it then stands by itself."""
    link = source if _ADDRESS.fullmatch(source) else ""
    frame = [line for line in (footer, link) if line]
    told = f"{kind}-{mark}-{_seal(mark, frame)}-{_seal(mark, (title, *lines))}"
    ending = f"{chr(10).join(frame)}#{told}" if link and "#" not in link else "\n".join([*frame, told])
    return "\n\n".join(block for block in (title, "\n".join(lines), ending) if block)


def _seal(mark: str, frame: Sequence[str]) -> str:
    """Over what a server can't change: no blanks, one spelling."""
    return hashlib.sha256(f"{mark}\n{visible.normalise(''.join(frame))}".encode("utf-8", "replace")).hexdigest()[:8]


def _stripped(lines: Sequence[str]) -> list[str]:
    return [told for line in lines if (told := " ".join(line.split()))]


class _Flow(HTMLParser):
    """Text with breaks. tags: the elements that were met."""

    def __init__(self, breaks: Callable[[str], str]) -> None:
        super().__init__(convert_charrefs=True)
        self._breaks = breaks
        self.pieces: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.pieces.append(self._breaks(tag))

    def handle_endtag(self, tag: str) -> None:
        self.pieces.append("" if tag == "br" else self._breaks(tag))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def _flown(markup: str, breaks: Callable[[str], str]) -> str:
    flow = _Flow(breaks)
    flow.feed(markup)
    flow.close()
    return "".join(flow.pieces)


def _lines_break(tag: str) -> str:
    return "" if tag in _INLINE else "\n"


def _note_break(tag: str) -> str:
    return {"p": "\n\n", "br": "\n"}.get(tag, "")
