"""Bytes to text, decided by us: one bad byte must not turn a whole list into mojibake, nor a wrong declaration."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from syncd.errors import ReadFailed
from syncd.model import Problem
from syncd.sources.common import foreign, share

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ZEROS = {
    (True, False, True, False): "utf-16-le",
    (False, True, False, True): "utf-16-be",
    (True, False, False, False): "utf-32-le",
    (False, False, False, True): "utf-32-be",
}
"""Which of the first four bytes are not zero when a text begins with two ASCII characters, as XML, JSON and HTML do."""
_SUPERSETS = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
}
_CHINESE = ("gb18030", "big5hkscs")
_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_PROLOG = re.compile(rb"""\A\s{0,100}<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([\w.:-]{1,40})""", re.IGNORECASE)
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?([\w.:-]{1,40})""", re.IGNORECASE)
_CJK = re.compile("[\u3400-\u9fff]")
_HZ = re.compile(rb"~\{(?:[!-w][!-~])+~\}")
_ISO_2022 = re.compile(rb"\x1b(?:\$[\x20-\x7e]|\([BIJ])|\x0e[\x21-\x7e]")
_SHIFTED = re.compile("[" + "".join(map(chr, range(0x2000, 0x8000, 0x100))) + "]")
_SWALLOWED = re.compile("([^\x00-\x7f])(?=]>)")
"""A character before the rest of the end of a CDATA section: half of one that took the first bracket with it."""
_TOLERATED = 0.005
_TELLING = 0.25
"""The part of common characters from which on a text speaks for a character set."""
_CLEARLY = 3.0
"""How many times as many common characters the right character set shows than the next one."""
_DOUBTED, _ENOUGH = 0.5, 20
"""A Chinese text with fewer common characters than this part, and more characters than that, may be misread in part."""
_FEWEST = 4
"""Fewer characters prove nothing against what is declared."""
_UNSAFE = ("utf_7", "utf_16", "utf_32", "utf_8_sig", "idna", "punycode", "unicode_escape", "raw_unicode_escape")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text, the codec that gave it, and how many characters had to be replaced by U+FFFD.

    contradicts: the declared codec that the text itself proved wrong, or "". common: the part of common Chinese
    characters where that had to decide, else 1.
    """

    text: str
    encoding: str
    replaced: int = 0
    contradicts: str = ""
    common: float = 1.0

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What a person should know about the bytes."""
        found: list[Problem] = []
        if self.replaced:
            hint = f"{self.replaced} characters were unreadable as {self.encoding} and are shown as \ufffd; tell the source"
            found.append(Problem("bad_encoding", hint, "body"))
        if self.contradicts:
            hint = f"it says {self.contradicts} and is {self.encoding}, as its characters show; tell the source"
            found.append(Problem("wrong_charset", hint, "body"))
        if self.common < _DOUBTED:
            hint = f"few of its characters are common ones in {self.encoding}; look whether its titles are readable"
            found.append(Problem("doubtful_charset", hint, "body"))
        return tuple(found)


def decode(data: bytes, content_type: str = "") -> Decoded:
    """The text of a body. content_type: the header's value, of which only charset counts.

    By BOM; else by the zeros of UTF-16; else strict UTF-8; else what is likeliest of what is declared, UTF-8, GB18030
    and Big5, with at most 0.5 % of it replaced: a declaration holds unless common Chinese characters prove another
    character set, and without one they must. Raises ReadFailed("bad_encoding") when the bytes don't tell.
    """
    wide = _marked(data) or _unmarked(data)
    if wide:
        return wide
    declared = _declared(data, content_type)
    return _escaped(data, content_type) or _utf_8(data, declared) or _likeliest(data, declared)


def _marked(data: bytes) -> Decoded | None:
    """By the byte order mark, which is proof enough: what it does not fit is refused."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return _aligned(_reading(data[len(bom) :], encoding)) or _give_up(data, [encoding])
    return None


def _unmarked(data: bytes) -> Decoded | None:
    """UTF-16 and UTF-32 without a byte order mark (XML 1.0, appendix F; RFC 4627, section 3)."""
    encoding = _ZEROS.get(tuple(map(bool, data[:4])))  # type: ignore[arg-type]
    return (_aligned(_reading(data, encoding)) or _give_up(data, [encoding])) if encoding else None


def _aligned(found: Decoded | None) -> Decoded | None:
    """None for UTF-16 in which a byte is lost or too many: from there on ASCII shows as characters U+xx00."""
    if found is None or not found.encoding.startswith("utf-16"):
        return found
    return found if len(_SHIFTED.findall(found.text)) <= 0.02 * len(found.text) else None


def _escaped(data: bytes, content_type: str) -> Decoded | None:
    """Character sets that switch by escapes look like ASCII: HZ is read, ISO-2022 is refused.

    HZ counts where it is declared, or where what stands between its marks is Chinese (RFC 1843).
    """
    if not data.isascii():
        return None
    if _ISO_2022.search(data):
        raise ReadFailed("bad_encoding", "it switches character sets by escapes (ISO-2022)", hint=_ASK)
    if not _HZ.search(data):
        return None
    named = any(name.lower().startswith("hz") for name in _names(data, content_type))
    found = _strict(data, "hz")
    return found if found and (named or share(foreign(found.text)) >= _DOUBTED) else None


def _utf_8(data: bytes, declared: Iterable[str]) -> Decoded | None:
    """Strict UTF-8 is what it looks like, but for a few letters of it that are Chinese in the declared character set."""
    found = _strict(data, "utf-8")
    if found is None or data.isascii() or _CJK.search(found.text):
        return found
    readings = (_strict(data, one) for one in declared if one in _CHINESE)
    return next((one for one in readings if one and _is_plainly_chinese(one.text)), found)


def _is_plainly_chinese(text: str) -> bool:
    characters = foreign(text)
    return len(characters) >= _FEWEST and share(characters) >= _DOUBTED


def _likeliest(data: bytes, declared: list[str]) -> Decoded:
    """The reading that the characters speak for, else the declared one."""
    sure = _strict(data, declared[0]) if declared else None
    if sure and _is_plainly_chinese(sure.text):
        return sure
    tried = dict.fromkeys([*declared, "utf-8", *_CHINESE])
    readings = [found for one in tried if (found := _reading(data, one))]
    ranked = sorted(((share(foreign(one.text)), one) for one in readings), key=lambda pair: -pair[0])
    told = next((one for one in readings if one.encoding in declared), None)
    if ranked and ranked[0][0] >= _TELLING:
        best = ranked[0][1]
        clear = all(one is best or _CLEARLY * other <= ranked[0][0] for other, one in ranked)
        return _proven(best, ranked[0][0], declared) if clear or best is told else _give_up(data, declared, readings)
    if told is None:
        told = next((one for one in readings if one.encoding == "utf-8"), None)
    return _unproven(told) if told else _give_up(data, declared, readings)


def _proven(best: Decoded, common: float, declared: list[str]) -> Decoded:
    contradicted = declared[0] if declared and declared[0] != best.encoding else ""
    few = len(foreign(best.text)) < _ENOUGH
    return replace(best, contradicts=contradicted, common=1.0 if few else common)


def _unproven(told: Decoded) -> Decoded:
    """As declared, with a doubt where it should be Chinese and hardly looks so."""
    characters = foreign(told.text) if told.encoding in _CHINESE else ""
    return replace(told, common=share(characters)) if len(characters) >= _FEWEST else told


def _declared(data: bytes, content_type: str) -> list[str]:
    """Codecs that the header, the XML prolog and HTML's meta name, in this order, each once."""
    return list(dict.fromkeys(codec for name in _names(data, content_type) if (codec := _codec(name))))


def _names(data: bytes, content_type: str) -> list[str]:
    start = data[:2048]
    names = [found.group(1) for found in [_HEADER.search(content_type)] if found]
    return names + [
        found.group(1).decode("ascii", "replace") for found in (_PROLOG.search(start), _META.search(start)) if found
    ]


def _codec(name: str) -> str:
    """Python's name of a character set, widened to what such pages really use; "" when unknown or no character set.

    "" too for those that are known by their bytes and would make text of any others: UTF-16, UTF-32, HZ, ISO-2022.
    """
    try:
        found = codecs.lookup(name)
    except LookupError:
        return ""
    plain = found.name.replace("-", "_")
    unfit = plain.startswith((*_UNSAFE, "iso2022", "hz")) or not getattr(found, "_is_text_encoding", True)
    return "" if unfit else _SUPERSETS.get(found.name, found.name)


def _strict(data: bytes, encoding: str) -> Decoded | None:
    try:
        return _read(data, encoding, "strict")
    except UnicodeDecodeError:
        return None


def _reading(data: bytes, encoding: str) -> Decoded | None:
    """The text with at most 0.5 % of it replaced."""
    found = _read(data, encoding, "replace")
    return found if found.replaced < max(_TOLERATED * len(found.text), 1.5) else None


def _read(data: bytes, encoding: str, errors: str) -> Decoded:
    text = data.decode(encoding, errors)
    if encoding in _CHINESE and "]>" in text:
        text = _SWALLOWED.sub(lambda found: _unswallowed(found[1], encoding), text)
    replaced = text.count("\ufffd") - data.count(b"\xef\xbf\xbd") * (encoding == "utf-8")
    return Decoded(text, encoding, replaced)


def _unswallowed(character: str, encoding: str) -> str:
    return "\ufffd]" if character.encode(encoding, "replace").endswith(b"]") else character


_ASK = "ask the source to send UTF-8 and to say so; nothing was taken from this body"


def _give_up(data: bytes, declared: list[str], readings: Iterable[Decoded] = ()) -> Decoded:
    named = f"it says {', '.join(declared)}" if declared else "it names no character set"
    seen = ", ".join(one.encoding for one in readings)
    no_text = f"the {len(data)} bytes are no text in any likely character set"
    tried = f"the bytes may be {seen}, and neither is proven" if seen else no_text
    raise ReadFailed("bad_encoding", f"{tried} ({named})", hint=_ASK)
