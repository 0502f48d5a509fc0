"""What a relay says: a head, rows and documents as JSON within an Atom feed (RFC 4287, paged by RFC 5005), and back again.

Every document, page of older rows and file is named by the SHA-256 of its bytes, in the bytes that are sealed or in bytes
that these name: a flipped byte anywhere is found. What a relay says is checked against these types before it is believed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.parsers import expat

from pydantic import TypeAdapter, ValidationError

from syncd.errors import ReadFailed
from syncd.model import Content, Entry, Hop, Problem

FEED, STATUS = "feed", "status"
"""What is sealed: the purposes of seals."""
FEED_FILE, STATUS_FILE, OBJECTS = "feed.atom", "status.sealed", "objects"
"""Names in a relay's folder, and below its address."""
VERSION = 1
MOST_ROWS = 10_000
_ATOM, _OURS = "http://www.w3.org/2005/Atom", "urn:syncd:relay:1"
_HASH = re.compile(r"[0-9a-f]{64}")
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STRONG = ("number:", "index:", "title:", "url:")
"""Kinds of names that mean the same everywhere; a guid means something only beside the list that gave it."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """A list that the relay reads. good: its last good read. body: SHA-256 of the list's bytes then, as received."""

    name: str
    kind: str
    url: str
    good: datetime | None = None
    body: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What the sealed page says of itself. by: who relays. serial: grows with each issue. next: hash of the older rows.

    A page behind the first one has a serial of 0: it is proved by the hash that names it.
    """

    by: str
    serial: int
    issued: datetime
    next: str = ""
    origins: tuple[Origin, ...] = ()
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Row:
    """A document in the feed. entry: with the document's hash as its `page`, and the names that hold everywhere.

    changed: when it got this revision at the relay.
    """

    entry: Entry
    changed: datetime
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Past:
    """A revision that the relay saw: when, why, and the hash of its text."""

    n: int
    hash: str
    detected: datetime
    withdrawn: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """A document as a relay tells it. entry: the row as the publisher's list showed it. hops: the first fetcher first.

    content: of the newest revision, its media named by hash; its own `relayed` is left out, since `hops` has it.
    """

    entry: Entry
    content: Content
    hops: tuple[Hop, ...]
    revisions: tuple[Past, ...] = ()
    sources: tuple[tuple[str, datetime], ...] = ()
    withdrawn: bool = False
    version: int = VERSION


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of the feed as it was read, with the rows that could not be used."""

    head: Head
    rows: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()


_HEAD: TypeAdapter[Head] = TypeAdapter(Head)
_ROW: TypeAdapter[Row] = TypeAdapter(Row)
_TOLD: TypeAdapter[Told] = TypeAdapter(Told)


def is_hash(text: str) -> bool:
    return _HASH.fullmatch(text) is not None


def object_path(sha256: str) -> str:
    """Where what has this hash lies, below the feed's own folder or address."""
    return f"{OBJECTS}/{sha256[:2]}/{sha256}"


def object_of(url: str, feed_url: str) -> str:
    """The hash that an address below the feed's asks for; "" when it is another address."""
    sha256 = url.rpartition("/")[2]
    return sha256 if is_hash(sha256) and url == urljoin(feed_url, object_path(sha256)) else ""


def strong(aliases: Iterable[str]) -> tuple[str, ...]:
    """Those names of a document that hold everywhere."""
    return tuple(alias for alias in aliases if alias.startswith(_STRONG))


def told_bytes(told: Told) -> bytes:
    """A document as the bytes that its hash names."""
    return _dumped(_TOLD, told).encode()


def read_told(data: bytes) -> Told:
    """Raises ReadFailed("not_understood")."""
    return _loaded(_TOLD, data, "document")


def feed_bytes(head: Head, rows: Sequence[Row]) -> bytes:
    """A page of the feed: Atom that any reader shows, with ours beside it. Not yet sealed."""
    root = Element("feed", {"xmlns": _ATOM, "xmlns:r": _OURS})
    _text(root, "id", f"urn:syncd:relay:{head.by}")
    _text(root, "title", head.by)
    _text(root, "updated", _iso(head.issued))
    _text(SubElement(root, "author"), "name", head.by)
    SubElement(root, "link", {"rel": "self", "href": FEED_FILE})
    if head.next:
        SubElement(root, "link", {"rel": "next", "href": object_path(head.next), "type": "application/atom+xml"})
    _text(root, "r:head", _dumped(_HEAD, head))
    for row in rows:
        _entry(root, row)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode").encode()


def _entry(root: Element, row: Row) -> None:
    entry = row.entry
    node = SubElement(root, "entry")
    _text(node, "id", f"urn:syncd:document:{entry.key}")
    _text(node, "title", f"[withdrawn] {entry.title}" if entry.withdrawn else entry.title)
    _text(node, "updated", _iso(row.changed))
    if entry.published:
        _text(node, "published", _iso(entry.published.at))
    if entry.issuer:
        _text(SubElement(node, "author"), "name", entry.issuer)
    SubElement(node, "link", {"rel": "alternate", "href": _writable(entry.url)})
    SubElement(node, "link", {"rel": "related", "href": object_path(entry.page), "type": "application/json"})
    _text(node, "r:row", _dumped(_ROW, row))


def read_feed(data: bytes, most: int = MOST_ROWS) -> Feed:
    """A page of the feed, its seal checked before and taken off. most: rows.

    Raises ReadFailed("not_understood", "too_many_entries").
    """
    heads, texts = _ours(data)
    if len(texts) > most:
        hint = "raise options.max_entries if that is right" if most < MOST_ROWS else "no relay of ours gives so many on a page"
        raise ReadFailed("too_many_entries", f"it has {len(texts)} rows, more than {most}", hint=hint)
    return Feed(_head(heads), *_rows(texts))


def read_head(data: bytes) -> Head:
    """What such a page says of itself. Raises ReadFailed("not_understood")."""
    return _head(_ours(data)[0])


def _head(texts: Sequence[str]) -> Head:
    if len(texts) != 1:
        raise _not_understood(f"it has {len(texts)} heads")
    head = _loaded(_HEAD, texts[0].encode(), "head")
    if head.version != VERSION:
        raise _not_understood(f"its version is {head.version}, and this syncd reads version {VERSION}")
    return head


def _rows(texts: Sequence[str]) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    rows: list[Row] = []
    problems: list[Problem] = []
    for n, text in enumerate(texts):
        try:
            row = _loaded(_ROW, text.encode(), "row")
        except ReadFailed as error:
            problems.append(Problem("bad_entry", f"{error.message}; it is left out", f"row[{n}]"))
            continue
        if is_hash(row.entry.page):
            rows.append(row)
        else:
            problems.append(Problem("bad_entry", "it names no document by a hash; it is left out", f"row[{n}].page"))
    return tuple(rows), tuple(problems)


def _ours(data: bytes) -> tuple[list[str], list[str]]:
    """The texts of our own elements: (heads, rows)."""
    texts: dict[str, list[list[str]]] = {f"{_OURS} head": [], f"{_OURS} row": []}
    within: list[str] = []

    def start(name: str, _: object) -> None:
        nonlocal within
        within = []
        texts.get(name, []).append(within)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.StartElementHandler = start
    parser.CharacterDataHandler = lambda text: within.append(text)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _not_understood(f"it is no XML: {error}") from None
    heads, rows = (["".join(parts) for parts in each] for each in texts.values())
    return heads, rows


def _no_doctype(*_: object) -> None:
    raise ReadFailed("hostile_xml", "it declares a document type", hint="no relay of ours does; ask who runs it")


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = _writable(text)


def _writable(text: str) -> str:
    """Without what XML can't hold."""
    return _UNWRITABLE.sub("", text)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _dumped(adapter: TypeAdapter[Any], value: Any) -> str:
    """As JSON text that XML can hold: what it can't is an escape of JSON's."""
    text = json.dumps(adapter.dump_python(value, mode="json", exclude_defaults=True), ensure_ascii=False, sort_keys=True)
    return _UNWRITABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _loaded(adapter: TypeAdapter[T], data: bytes, what: str) -> T:
    try:
        value = adapter.validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _not_understood(f"a {what} of it can't be used: {place}: {first['msg']}") from None
    return cast(T, _in_utc(value, what))


def _in_utc(value: Any, what: str) -> Any:
    """The value with every time in UTC, as all of ours are. Raises ReadFailed for a time without a zone."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise _not_understood(f"a {what} of it has a time without a zone")
        return value.astimezone(UTC)
    if isinstance(value, tuple):
        return tuple(_in_utc(each, what) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(*[_in_utc(getattr(value, each.name), what) for each in fields(value)])
    return value


def _not_understood(message: str) -> ReadFailed:
    hint = "is the relay a syncd of another version? nothing was taken from it"
    return ReadFailed("not_understood", message, hint=hint)
