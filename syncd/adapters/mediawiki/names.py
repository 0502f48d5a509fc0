"""Names of pages and files: made from what is given in one way only, in what MediaWiki takes as a name.

https://www.mediawiki.org/wiki/Manual:Page_title
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

from syncd.adapters.article import name_of
from syncd.core import visible
from syncd.model import Media

LONGEST = 255
"""Bytes of UTF-8 without the namespace."""

_WIDE = {ord(char): chr(ord(char) + 0xFEE0) for char in "#<>[]|{}_~:%&/"}
"""What may not stand in a name, or means something there, as its full-width sister, which reads the same."""
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffd-\uffff\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}")


def page_name(title: str) -> str:
    """The name under which a document of this title is kept, if nobody else has it; cut where it is too long."""
    text = unicodedata.normalize("NFC", _UNSEEN.sub("", title)).translate(_WIDE)
    text = _BLANKS.sub(" ", text).strip().strip(".")
    return _cut(_capital(text) or "无标题", LONGEST)


def marked(name: str, key: str) -> str:
    """The name for a document whose title another page has."""
    mark = f"（{mark_of(key)}）"
    return f"{_cut(name, LONGEST - len(mark.encode()))}{mark}"


def candidates(title: str, key: str) -> tuple[str, str]:
    """The names that a document may get. One that was cut is marked in any case: others may begin alike."""
    name = page_name(title)
    return (name if _is_whole(name, title) else marked(name, key)), marked(name, key)


def says(name: str, title: str) -> bool:
    """Whether a page's name shows a reader the whole title."""
    return visible.normalise(name) == visible.normalise(_capital(title))


def key_page(prefix: str, key: str) -> str:
    """The page that leads from a key to its post. Blanks and underscores are one to MediaWiki, so that few characters stay."""
    return prefix + (key if _KEY.fullmatch(key) else f"k-{hashlib.sha256(key.encode()).hexdigest()[:20]}")


def mark_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def file_name(media: Media, key: str) -> str:
    """Of one document's file with these bytes; no other document has it, so that it can go when the document goes."""
    return f"{files_of(key)}{name_of(media)}".replace("_", "-")


def files_of(key: str) -> str:
    """What the names of one document's files begin with."""
    return f"Syncd-{mark_of(key)}-"


def _capital(text: str) -> str:
    """As MediaWiki does it ($wgCapitalLinks): one character stays one."""
    upper = text[:1].upper()
    return (upper if len(upper) == 1 else text[:1]) + text[1:]


def _is_whole(name: str, title: str) -> bool:
    return not name.endswith("…") or title.rstrip().endswith("…")


def _cut(text: str, most: int) -> str:
    """To so many bytes, at the end of a character, and so that it shows."""
    if len(text.encode()) <= most:
        return text
    return text.encode()[: most - len("…".encode())].decode("utf-8", "ignore").rstrip() + "…"
