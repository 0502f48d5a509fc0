"""The gate before feedparser: a linear pass that refuses what would hang or fool it, and mends small faults."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.entities import html5
from typing import Any
from xml.parsers import expat

from syncd.errors import ReadFailed
from syncd.model import Problem
from syncd.sources.memo import Memo

MAX_BYTES = 10 * 1024 * 1024
MAX_DEPTH = 100
MAX_ATTRIBUTES = 64
MAX_ELEMENTS = 300_000
MAX_SHORT = 2_000
SHORT_FIELDS = frozenset(
    [
        "title",
        "author",
        "creator",
        "name",
        "email",
        "uri",
        "link",
        "guid",
        "id",
        "category",
        "subject",
        "pubdate",
        "date",
        "published",
        "updated",
        "modified",
        "issued",
        "created",
        "managingeditor",
        "webmaster",
        "generator",
        "rights",
        "copyright",
        "publisher",
        "contributor",
        "language",
        "ttl",
        "docs",
    ]
)
"""Local names, in lower case, of elements whose text must be short: feedparser's expressions are quadratic in some."""

_PROLOG = re.compile(r"<\?xml\s[^>]{0,300}\?>", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!DOCTYPE\s[^>\[]{0,600}>", re.IGNORECASE)
_DECLARES = re.compile(r"<!(?:ENTITY|ELEMENT|ATTLIST|NOTATION)|<!DOCTYPE[^>]{0,600}\[", re.IGNORECASE)
_FIRST_TAG = re.compile(r"<[A-Za-z_]")
_ROOTS = ("rss", "rdf", "feed", "channel")
_HTML = re.compile(r"<!DOCTYPE\s+html|<(?:html|head|body)[\s>]", re.IGNORECASE)
_HTML_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,300})", re.IGNORECASE)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_AMPERSAND = re.compile(r"&(?:(#[0-9]{1,12}|#[xX][0-9a-fA-F]{1,12}|[A-Za-z][A-Za-z0-9]{0,31});)?")
_XML_ENTITIES = frozenset(("amp", "lt", "gt", "quot", "apos"))
_OWN_PROLOG = b'<?xml version="1.0" encoding="utf-8"?>\n'
_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_ENTRY_TAGS = frozenset(("item", "entry"))
_ROW = re.compile(rb"<(item|entry)[\s>]")
_STUB_TAG = "row"
_STUB = b"<row/>"
_MET = "<"
"""What stands in the path for a stub; no element is named so."""
_SKIPS = ("skiphours", "skipdays")
_MAX_SKIPS = 24
"""Elements of those, and characters of each, that count."""
_MAX_NAMES = 200
_NAME_BYTES = 100
"""What a remembered name of an element takes, about."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An at:deleted-entry of RFC 6721, its texts as they stand."""

    ref: str
    when: str
    comment: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Gated:
    """What came through: UTF-8 bytes with a prolog that says so, what the pass saw, and what had to be mended."""

    body: bytes
    entries: int
    tombstones: tuple[Tombstone, ...] = ()
    names: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    rows: tuple[tuple[int, int], ...] = ()
    """Where in `body` each row begins and ends, if it is well-formed and all rows stand beside each other; else none."""
    around: str = ""
    """A digest of the start tags around the rows: namespaces, language and base give them their meaning."""
    skip_hours: tuple[str, ...] = ()
    """The texts of the hours in skipHours, and of the days in skipDays."""
    skip_days: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the pass saw in a row that it let through; depth: how deep elements are nested in it, itself included."""

    elements: int
    entries: int
    depth: int
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Stub:
    """An empty element that stands for a known row. at: where it is; end: where the row's end tag is in the document;
    more: bytes that the row is longer."""

    at: int
    end: int
    more: int
    seen: _Seen


_known: Memo[_Seen] = Memo()


def gate(text: str) -> Gated:
    """Let a feed through. text: decoded, without BOM.

    Raises ReadFailed: empty_body, too_large, not_a_feed (a web page, JSON or anything that isn't XML with a feed's
    root), hostile_xml (entities, an internal subset, too deep, too many attributes or elements, an endless short
    field) or truncated (the root element never closes).
    """
    body = text.lstrip(" \t\r\n\v\f\ufeff\x00\u200b")
    if not body:
        raise ReadFailed("empty_body", "the body is empty", hint="open the address in a browser; ask the source")
    if len(body) > MAX_BYTES:
        raise ReadFailed(
            "too_large", f"the feed is larger than {MAX_BYTES // 1048576} MB", hint="ask for a shorter feed"
        )
    _refuse_what_is_no_xml(body)
    head = _strip_head(body)
    return _strictly(head) or _mended(head)


def _refuse_what_is_no_xml(body: str) -> None:
    start = body[:4096]
    page = _HTML.search(start)
    if page and not re.search(r"<(?:\w+:)?(?:rss|rdf|feed)[\s>]", start[: page.start()], re.IGNORECASE):
        raise ReadFailed("not_a_feed", "it is a web page, not a feed", hint=_page_hint(body))
    if not body.startswith("<"):
        raise ReadFailed("not_a_feed", f"it begins with {body[:40]!r}, not with XML", hint=_NOT_A_FEED)


_NOT_A_FEED = "the address may have moved or need another kind; open it in a browser"


def _page_hint(body: str) -> str:
    found = _HTML_TITLE.search(body[:65536])
    title = " ".join(html.unescape(found.group(1)).split()) if found else ""
    shown = f"the page is titled {title[:120]!r}" if title else "the page has no title"
    return f"{shown}; look for the feed's own address there, or whether the source is down or asks for a log-in"


def _strip_head(body: str) -> str:
    """The document without its prolog and its harmless DOCTYPE; one that declares things is refused."""
    rest = _PROLOG.sub("", body, count=1).lstrip() if body[:5].lower() == "<?xml" else body
    first = _FIRST_TAG.search(rest)
    head = rest[: first.start()] if first else rest
    if _DECLARES.search(head):
        raise _hostile("it declares entities or an internal subset")
    return _DOCTYPE.sub("", head, count=1) + rest[len(head) :]


def _strictly(body: str) -> Gated | None:
    """The well-formed way; None when expat finds a fault."""
    data = body.encode("utf-8", "replace")
    watch = _shortly(data) or _wholly(data)
    if watch is None:
        return None
    watch.remember(data)
    return _passed(data, watch)


def _wholly(data: bytes) -> _Watch | None:
    watch = _Watch()
    try:
        watch.parse(data)
    except expat.ExpatError:
        return None
    return watch


def _shortly(data: bytes) -> _Watch | None:
    """What the whole pass would see, from one over the document in which known rows are cut down to empty elements.

    A row is known only as a whole element that was well-formed in a document without entities. Where expat meets all the
    stubs as elements, in order and each at its place, up to each of them it was in the same state as in the document
    itself, and a whole element leaves it so. None in every other case, and for whatever is to be refused.
    """
    short, stubs = _cut(data)
    if not stubs:
        return None
    watch = _Watch(stubs=stubs)
    try:
        watch.parse(short)
    except (expat.ExpatError, ReadFailed, _UnlikeError):
        return None
    return watch if watch.met == len(stubs) and len(watch.names) < _MAX_NAMES else None


class _UnlikeError(Exception):
    """A stub does not stand for what its row would be there."""


def _cut(data: bytes) -> tuple[bytes, list[_Stub]]:
    """The document with stubs, and those."""
    kept: list[bytes] = []
    stubs: list[_Stub] = []
    at = size = 0
    for start, tag, end in _like_rows(data):
        seen = _known.find(_print(data[start:end]))
        if seen is not None:
            kept += [data[at:start], _STUB]
            size += start - at
            stubs.append(_Stub(size, end - len(tag) - 3, end - start - len(_STUB), seen))
            size += len(_STUB)
            at = end
    kept.append(data[at:])
    return b"".join(kept), stubs


def _like_rows(data: bytes) -> Iterator[tuple[int, bytes, int]]:
    """(start, tag, end) of what looks like a row; a guess in linear time."""
    end = 0
    while found := _ROW.search(data, end):
        close = b"</%b>" % found[1]
        last = data.find(close, found.end())
        if last < 0:
            return
        end = last + len(close)
        yield found.start(), found[1], end


def _print(row: bytes) -> bytes:
    return hashlib.blake2b(row, digest_size=16).digest()


def _mended(body: str) -> Gated:
    """The way of a feed with faults: characters mended, then, if tags are at fault, feedparser's loose parser."""
    mended, watch = _mend(body), _Watch()
    data = mended.encode("utf-8", "replace")
    try:
        watch.parse(data)
        problem = Problem("mended_xml", "stray characters or unknown entities were mended; tell the source", "body")
    except expat.ExpatError as error:
        _refuse_what_is_beyond_mending(mended, watch)
        problem = Problem(
            "malformed_xml", f"not well-formed ({error}); read loosely: check its titles", f"line {error.lineno}"
        )
    return _passed(data, watch, problem)


def _refuse_what_is_beyond_mending(body: str, watch: _Watch) -> None:
    if watch.root not in _ROOTS:
        raise ReadFailed("not_a_feed", f"its root is <{watch.root or '?'}>, not a feed's", hint=_NOT_A_FEED)
    if not re.search(rf"</(?:\w+:)?{watch.root}\s*>\s*(?:<!--.*?-->\s*)?\Z", body[-500:], re.IGNORECASE | re.DOTALL):
        raise ReadFailed(
            "truncated", f"<{watch.root}> never closes: the feed is cut off", hint="it is read again at the next poll"
        )
    if _DECLARES.search(body):
        raise _hostile("it is not well-formed and declares entities")
    if body.count("<") > 2 * MAX_ELEMENTS:
        raise _hostile(f"more than {MAX_ELEMENTS} elements")
    watch.entries = len(re.findall(r"<(?:item|entry)[\s>]", body, re.IGNORECASE))


def _passed(body: bytes, watch: _Watch, *problems: Problem) -> Gated:
    if watch.root not in _ROOTS:
        raise ReadFailed("not_a_feed", f"its root is <{watch.root}>, not a feed's", hint=_NOT_A_FEED)
    data = _OWN_PROLOG + body
    rows, around = ((), "") if problems else watch.sliced(data)
    hours, days = (tuple(watch.skips[name])[:_MAX_SKIPS] for name in _SKIPS)
    return Gated(
        data, watch.entries, tuple(watch.tombstones), frozenset(watch.names), problems, rows, around, hours, days
    )


def _hostile(what: str) -> ReadFailed:
    return ReadFailed(
        "hostile_xml", f"the feed is refused: {what}", hint="no honest feed does that; ask the source who made it"
    )


def _mend(body: str) -> str:
    """Outside of CDATA every & that XML can't understand is made a character; illegal characters go. Linear."""
    done, at = [], 0
    while (start := body.find(_CDATA, at)) >= 0 and (end := body.find(_CDATA_END, start)) >= 0:
        done += [_AMPERSAND.sub(_character, body[at:start]), body[start:end]]
        at = end
    done.append(_AMPERSAND.sub(_character, body[at:]))
    return _ILLEGAL.sub("", "".join(done))


def _character(found: re.Match[str]) -> str:
    name = found.group(1)
    if name is None:
        return "&amp;"
    if name.startswith("#"):
        return _numbered(name)
    if name in _XML_ENTITIES:
        return found.group()
    known = html5.get(f"{name};")
    return html.escape(known) if known else f"&amp;{name};"


def _numbered(name: str) -> str:
    code = int(name[2:], 16) if name[1] in "xX" else int(name[1:])
    legal = code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF
    return f"&{name.lower()};" if legal else "\ufffd"


@dataclass(slots=True)
class _Watch:
    """What is counted while expat reads; it raises as soon as a bound is passed."""

    root: str = ""
    entries: int = 0
    elements: int = 0
    path: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    short: int = 0
    tombstones: list[Tombstone] = field(default_factory=list)
    grave: dict[str, str] | None = None
    around: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """The start tags that are open, down to the rows."""
    said: list[str] = field(default_factory=list)
    """Digests of them, each with all that it is in; only as far as a row needed them."""
    settings: set[str] = field(default_factory=set)
    """What stands around the rows; more than one when they do not stand beside each other."""
    spans: list[list[int]] = field(default_factory=list)
    inside: int = 0
    """How deep the row is that is being read; 0 outside of rows."""
    skips: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in _SKIPS})
    """Texts of the elements in skipHours and skipDays."""
    expat: Any = None
    stubs: list[_Stub] = field(default_factory=list)
    """What stands for rows in what is read, in order; none when it is the document itself."""
    met: int = 0
    """How many of them were met."""
    shift: int = 0
    """How much further on the place that is being read is in the document itself."""
    declared: bool = False
    """There is a document type."""
    deepest: int = 0
    own: set[str] = field(default_factory=set)
    """Names in the row that is being read."""
    before: tuple[int, int] = (0, 0)
    """Elements and entries before that row."""
    buried: bool = False
    """There is a tombstone in that row."""
    fresh: list[tuple[int, _Seen]] = field(default_factory=list)
    """Rows that can be remembered, by their number in `spans`."""

    def parse(self, body: bytes) -> None:
        """Read all of it. Raises ExpatError for a fault and ReadFailed for what is refused."""
        parser = self.expat = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.Parse(body, True)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.short = 0
        if tag == _STUB_TAG and self.stubs:
            self._meet()
            return
        name = tag.rpartition(":")[2].lower()
        self.root = self.root or name
        self.elements += 1
        self.path.append(name)
        self._bound(len(attributes))
        if name in _ENTRY_TAGS:
            self.entries += 1
        if not self.inside:
            self._outside_of_rows(name, tag, attributes)
        shown = tag.lower()[:60]
        if len(self.names) < _MAX_NAMES:
            self.names.add(shown)
        if self.inside:
            self.own.add(shown)
            self.deepest = max(self.deepest, len(self.path))
        self._note_tombstone(name, attributes)

    def _outside_of_rows(self, name: str, tag: str, attributes: dict[str, str]) -> None:
        if name not in _ENTRY_TAGS:
            self.around.append((tag, attributes))
            return
        self.inside = self.deepest = len(self.path)
        self.before, self.buried = (self.elements - 1, self.entries - 1), self.grave is not None
        self.own.clear()
        self.settings.add(self._setting())
        self.spans.append([self.expat.CurrentByteIndex + self.shift, 0])

    def _meet(self) -> None:
        """A stub, or what looks like one: count what its row would. Raises _UnlikeError where it isn't in its place."""
        at = self.expat.CurrentByteIndex
        if self.inside or self.grave is not None or not self.path or self.met == len(self.stubs):
            raise _UnlikeError
        stub = self.stubs[self.met]
        seen = stub.seen
        self.elements += seen.elements
        if at != stub.at or self.elements > MAX_ELEMENTS or len(self.path) + seen.depth > MAX_DEPTH:
            raise _UnlikeError
        self.entries += seen.entries
        self.names |= seen.names
        self.settings.add(self._setting())
        self.spans.append([at + self.shift, stub.end])
        self.path.append(_MET)
        self.shift += stub.more
        self.met += 1

    def remember(self, data: bytes) -> None:
        """Keep what was seen in each row of the document `data`: a row need not be read again while it stays the same."""
        if self.declared:  # then entities that nobody knows may stand in it and be no fault
            return
        for n, seen in self.fresh:
            start, end = self.spans[n]
            if data.startswith(b"</", end):  # <item/> has no end tag
                _known.keep(_print(data[start : data.index(b">", end) + 1]), seen, _NAME_BYTES * len(seen.names))

    def _setting(self) -> str:
        for tag, attributes in self.around[len(self.said) :]:
            text = f"{self.said[-1:]} {tag} {sorted(attributes.items())}"
            self.said.append(hashlib.sha256(text.encode("utf-8", "replace")).hexdigest())
        return self.said[-1] if self.said else ""

    def sliced(self, data: bytes) -> tuple[tuple[tuple[int, int], ...], str]:
        """(where the rows are in `data`, what stands around them); nothing where that is not one and the same."""
        if len(self.settings) != 1 or any(start == end for start, end in self.spans):  # equal: <item/>
            return (), ""
        shift = len(_OWN_PROLOG)
        spans = tuple((start + shift, data.index(b">", end + shift) + 1) for start, end in self.spans)
        return spans, next(iter(self.settings))

    def _bound(self, attributes: int) -> None:
        if self.elements > MAX_ELEMENTS:
            raise _hostile(f"more than {MAX_ELEMENTS} elements")
        if len(self.path) > MAX_DEPTH:
            raise _hostile(f"elements are nested more than {MAX_DEPTH} deep")
        if attributes > MAX_ATTRIBUTES:
            raise _hostile(f"more than {MAX_ATTRIBUTES} attributes on <{self.path[-1]}>")

    def _note_tombstone(self, name: str, attributes: dict[str, str]) -> None:
        if name == "deleted-entry":
            self.buried = True
            self.grave = {"ref": attributes.get("ref", ""), "when": attributes.get("when", "")}
        elif name == "link" and self.grave is not None and "href" in attributes:
            self.grave.setdefault("link", attributes["href"])

    def _end(self, tag: str) -> None:
        name = self.path.pop()
        self.short = 0
        if name == _MET:
            return
        depth = len(self.path) + 1
        if self.inside == depth:
            self.inside = 0
            self._end_of_row(depth)
        elif not self.inside:
            self.around.pop()
            del self.said[len(self.around) :]
        if name == "deleted-entry" and self.grave is not None:
            self.tombstones.append(Tombstone(**self.grave))
            self.grave = None

    def _end_of_row(self, depth: int) -> None:
        span = self.spans[-1]
        span[1] = self.expat.CurrentByteIndex + self.shift
        if self.buried or self.grave is not None:
            return
        elements, entries = self.elements - self.before[0], self.entries - self.before[1]
        seen = _Seen(elements, entries, self.deepest - depth + 1, frozenset(self.own))
        self.fresh.append((len(self.spans) - 1, seen))

    def _text(self, text: str) -> None:
        name = self.path[-1]
        if name in SHORT_FIELDS:
            self.short += len(text)
            if self.short > MAX_SHORT:
                raise _hostile(f"the text of a <{name}> is longer than {MAX_SHORT} characters")
        if not self.inside and name in ("hour", "day") and self.path[-2:-1] and self.path[-2] in _SKIPS:
            self.skips[self.path[-2]].append(text.strip()[:_MAX_SKIPS])
        if name == "comment" and self.grave is not None:
            self.grave["comment"] = (self.grave.get("comment", "") + text)[:MAX_SHORT]

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        self.declared = True
        if internal:
            raise _hostile("it has an internal subset")

    def _entity(self, *_: object) -> None:
        raise _hostile("it declares entities")
