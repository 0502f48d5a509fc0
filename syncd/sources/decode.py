"""Bytes to text, decided by us: one bad byte must not turn a whole list into mojibake."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from syncd.errors import ReadFailed
from syncd.model import Problem

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "gb18030",
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "big5": "big5hkscs",
}
_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_PROLOG = re.compile(rb"""\A\s{0,100}<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([\w.:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?([\w.:-]{1,40})""", re.IGNORECASE)
_CJK = re.compile("[\u4e00-\u9fff]")
_TOLERATED = 0.005
_UNSAFE = frozenset({"utf-7", "utf-16", "utf-32", "idna", "punycode", "unicode_escape", "raw_unicode_escape"})


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the codec that gave it, and how many characters had to be replaced by U+FFFD."""

    text: str
    encoding: str
    replaced: int = 0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What a person should know about the bytes."""
        if not self.replaced:
            return ()
        hint = (
            f"{self.replaced} characters were unreadable as {self.encoding} and are shown as \ufffd; tell the source"
        )
        return (Problem("bad_encoding", hint, "body"),)


def decode(data: bytes, content_type: str = "") -> Decoded:
    """The text of a body. content_type: the header's value, of which only charset counts.

    By BOM; else strict UTF-8; else as declared, strictly; else as declared or UTF-8 with at most 0.5 % of it replaced;
    else gb18030 if that is clean and gives Chinese. Raises ReadFailed("bad_encoding").
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return (
                _strict(data[len(bom) :], encoding)
                or _replacing(data[len(bom) :], encoding)
                or _give_up(data, [encoding])
            )
    declared = _declared(data, content_type)
    tries = (
        _utf16_unmarked(data),
        _strict(data, "utf-8"),
        *(_strict(data, one) for one in declared),
        *(_replacing(data, one) for one in [*declared, "utf-8"]),
        _chinese(data),
    )
    return next((found for found in tries if found), None) or _give_up(data, declared)


def _declared(data: bytes, content_type: str) -> list[str]:
    """Codecs that the header, the XML prolog and HTML's meta name, in this order, each once."""
    start = data[:2048]
    names = [found.group(1) for found in [_HEADER.search(content_type)] if found]
    names += [
        found.group(1).decode("ascii", "replace") for found in (_PROLOG.search(start), _META.search(start)) if found
    ]
    return list(dict.fromkeys(codec for name in names if (codec := _codec(name))))


def _codec(name: str) -> str:
    """Python's name of a character set, widened to what such pages really use; "" when unknown or no character set."""
    try:
        found = codecs.lookup(name)
    except LookupError:
        return ""
    text = getattr(found, "_is_text_encoding", True) and found.name.replace("-", "_") not in _UNSAFE
    return _SUPERSETS.get(found.name, found.name) if text and found.name not in _UNSAFE else ""


def _strict(data: bytes, encoding: str) -> Decoded | None:
    try:
        return Decoded(data.decode(encoding), encoding)
    except UnicodeDecodeError:
        return None


def _replacing(data: bytes, encoding: str) -> Decoded | None:
    text = data.decode(encoding, "replace")
    replaced = text.count("\ufffd")
    return Decoded(text, encoding, replaced) if replaced < max(_TOLERATED * len(text), 1.5) else None


def _chinese(data: bytes) -> Decoded | None:
    found = _strict(data, "gb18030")
    return found if found and _CJK.search(found.text) else None


def _utf16_unmarked(data: bytes) -> Decoded | None:
    """UTF-16 without a BOM shows in the first characters of XML and JSON: "<" or "{" beside a zero byte."""
    order = {b"<\0": "utf-16-le", b"\0<": "utf-16-be", b"[\0": "utf-16-le", b"{\0": "utf-16-le"}.get(data[:2])
    return _strict(data, order) if order else None


def _give_up(data: bytes, declared: list[str]) -> Decoded:
    named = f"it says {', '.join(declared)}" if declared else "it names no character set"
    raise ReadFailed(
        "bad_encoding",
        f"the {len(data)} bytes are no text in any likely character set ({named})",
        hint="ask the source to send UTF-8 and to say so; nothing was taken from this body",
    )
