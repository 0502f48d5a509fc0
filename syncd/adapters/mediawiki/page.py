"""A page of a wiki: credit, text and files in wikitext, sealed so that a later look knows our own work; the same read back.

The seal is a comment, which readers are not sent. It holds hashes of what stood in the text and around it: as long as the
latter is unbroken only the text is compared, and a notice counts as one only as we wrote it.
"""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.article import is_picture
from syncd.adapters.credit import WORDS, Times, anchor, credit, files
from syncd.adapters.markup import localise
from syncd.adapters.mediawiki.names import files_of, says
from syncd.adapters.mediawiki.wikitext import convert, escape
from syncd.model import Media, Post

BEGIN, END = '<div class="syncd-text">', "</div><!--syncd:end-->"
_MAGIC = "__NOTOC____NOEDITSECTION__"
"""A table of contents and links to edit would stand in the middle of the text."""
_SEAL = re.compile(
    r"<!--syncd 1 ([A-Za-z0-9_.:-]{1,200}) (text|notice) (zh|en) (-|[0-9]{8}T[0-9]{4}Z) ([0-9a-f]{16}) ([0-9a-f]{16})-->\n"
)
_FIRST = "%Y%m%dT%H%MZ"
_TITLE = re.compile(r'<div class="syncd-title"><strong>([^\n]*?)</strong></div>')
_DISPLAY = re.compile(r"\{\{DISPLAYTITLE:([^{}\n]*)\}\}")
_SOURCE = re.compile(r'<span class="syncd-source">\[(\S+) ')
_CATEGORY = re.compile(r"\[\[Category:[^\[\]\n]+\]\]")
_FILE = re.compile(r"\[\[(?:File|Media):(Syncd-[A-Za-z0-9.-]{1,200})")
_LABELS = "|".join(words["updated"] + words["colon"] for words in WORDS.values())
_UPDATED = re.compile(rf"<span>(?:{_LABELS})[0-9 :-]{{16}}</span> ?")


@dataclass(frozen=True, slots=True)
class Composed:
    """text: the whole page. shown: the HTML that its text is to show. losses: what wikitext has no form for."""

    text: str
    shown: str
    losses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A stored page, taken apart. key: whose post it is, "" without a seal. framed: what stands around the text is as we
    wrote it; whole: the text, too. first: when it was first public, None if nobody tells. title: what it says that it is
    called, "" for its name. source: the address of the original, or "". files: its own that it shows,
    and none of another post's to which somebody linked."""

    key: str = ""
    framed: bool = False
    whole: bool = False
    notice: bool = False
    lang: str = "zh"
    first: datetime | None = None
    title: str = ""
    source: str = ""
    categories: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """page: the page's name. display: the wiki lets it show another title."""

    page: str
    display: bool

    def line(self, title: str) -> str:
        """What tells the title where the page's name does not, or not all of it."""
        if says(self.page, title):
            return ""
        if self.display:
            return f"{{{{DISPLAYTITLE:{escape(_one_line(title))}}}}}"
        return f'<div class="syncd-title"><strong>{escape(_one_line(title))}</strong></div>'


def compose(post: Post, name: Name, placed: Mapping[str, str], category: str, times: Times) -> Composed:
    """The page of a post. placed: the name in the wiki of each file by its address at the source."""
    own = {url: url for url in placed}
    offered: list[Media] = [media for media in post.media if not is_picture(media)]
    shown = localise(post.html, own)
    around = [convert(part, placed).text for part in (credit(post, times), files(post, shown, own, offered))]
    text = convert(shown, placed)
    above = f"{_MAGIC}{name.line(post.title)}{around[0]}"
    below = "\n".join(filter(None, (around[1], f"[[Category:{category}]]" if category else "")))
    first = times.first or times.now
    return Composed(_sealed(post.key, "text", post.lang, first, above, text.text, below), shown, text.losses)


def compose_notice(before: Opened, key: str, name: Name, title: str, times: Times) -> Composed:
    """The page of a withdrawn post: a notice in the document's place, in its categories."""
    words = WORDS[before.lang]
    shown = (
        f"<p><strong>{words['withdrawn']}</strong></p><p>{words['notice']}</p>"
        f"<p>{words['since']}{words['colon']}{times.shown(times.now)}</p>"
    )
    link = convert(f"<p>{anchor(before.source, words['original'])}</p>", {}).text if before.source else ""
    above = f"{_MAGIC}{name.line(title)}"
    below = "\n".join(filter(None, (link, *before.categories)))
    text = _sealed(key, "notice", before.lang, before.first, above, convert(shown, {}).text, below)
    return Composed(text, shown)


def open_page(stored: str) -> Opened:
    """Take a page apart, whoever wrote it."""
    seal = _SEAL.match(stored)
    rest = f"{stored[seal.end():] if seal else stored}\n"
    above, begin, inner = rest.partition(f"\n{BEGIN}\n\n")
    text, end, below = inner.partition(f"\n\n{END}\n")
    key, kind, lang, first, frame, mark = seal.groups() if seal else ("", "", "zh", "-", "", "")
    framed = bool(begin and end) and _hash(above, below.rstrip("\n")) == frame
    whole = framed and _hash(key, text) == mark
    title = _TITLE.search(above) or _DISPLAY.search(above)
    source = _SOURCE.search(rest)
    return Opened(
        key, framed, whole, whole and kind == "notice", lang,
        None if first == "-" else datetime.strptime(first, _FIRST).replace(tzinfo=UTC),
        html.unescape(title[1]) if title else "", html.unescape(source[1]) if source else "",
        tuple(dict.fromkeys(_CATEGORY.findall(rest))), _own_files(key, rest),
    )


def _own_files(key: str, text: str) -> tuple[str, ...]:
    found = dict.fromkeys(_FILE.findall(text))
    return tuple(name for name in found if key and name.startswith(files_of(key)))


def same(stored: str, composed: str) -> bool:
    """But for the minute of the last change."""
    return _settled(stored) == _settled(composed)


def text_of_page(rendered: str, opened: Opened) -> str:
    """The HTML of the text in a page as MediaWiki shows it, without what it adds; all of the page where our frame is broken."""
    root = LexborHTMLParser(rendered).body
    if root is None:
        return ""
    for node in root.css("span.mw-headline"):
        node.unwrap()
    for node in root.css("h1 > span[id]:empty, h2 > span[id]:empty, h3 > span[id]:empty, h4 > span[id]:empty, "
                         "h5 > span[id]:empty, h6 > span[id]:empty, style, link, div.mw-empty-elt"):
        node.decompose()
    for node in root.css("a[href], li.mw-empty-elt, p.mw-empty-elt"):
        for name in ("rel", "class", "title"):
            if name in node.attributes:
                del node.attrs[name]
    part = root.css_first("div.syncd-text") if opened.framed else None
    return ((part or root).inner_html or "").strip()


def _sealed(key: str, kind: str, lang: str, first: datetime | None, above: str, text: str, below: str) -> str:
    above, text, below = (unicodedata.normalize("NFC", part) for part in (above, text, below.rstrip()))
    moment = f"{first.astimezone(UTC):{_FIRST}}" if first else "-"
    seal = f"<!--syncd 1 {key} {kind} {lang} {moment} {_hash(above, below)} {_hash(key, text)}-->"
    return f"{seal}\n{above}\n{BEGIN}\n\n{text}\n\n{END}\n{below}".rstrip("\n")


def _settled(stored: str) -> str:
    return _UPDATED.sub("", _SEAL.sub("", stored)).rstrip()


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def _one_line(title: str) -> str:
    return " ".join(title.split())

