"""What stands in a CMS's text field: credit, text, attachments, sealed so that a later look knows our own work.

A theme shows title and date; who issued the document, its number, its source and its times are shown here. The text
itself stands in an element of its own, whose seal tells what was around it and in it when we wrote it: with the seal
unbroken only the text is compared, and a post made twice by a late request is known to be ours and untouched.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from syncd.adapters.credit import WORDS, Times, anchor, credit, files
from syncd.adapters.markup import localise
from syncd.core import visible
from syncd.model import Media, Post

_TEXT, _NOTICE = "text", "notice"
_SEAL = re.compile(r"1:([A-Za-z0-9_.:-]{1,200}):(text|notice):(zh|en):([0-9a-f]{12}):([0-9a-f]{12})")
_MOMENT = "[0-9 :-]{16}"
_EXCERPT = 120
UNKNOWN = "-"
"""The key in a notice over a text without a seal: whose post it is, nobody can say any more."""
Neutral = Callable[[str], str]
"""Makes sanitised HTML safe from what this CMS executes or changes when it shows it."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A stored text field, taken apart. key: whose post it is, "" without a seal.

    framed: what stands around the text is as we wrote it. whole: the text and the title too. html: the text alone if
    framed, else everything, so that a change around the text is a change. source: the link to the original, or "".
    """

    key: str
    html: str
    framed: bool
    whole: bool
    notice: bool
    lang: str
    source: str


def compose(
    post: Post, addresses: Mapping[str, str], offered: Sequence[Media], times: Times, neutral: Neutral = str
) -> str:
    """The text field of a post. addresses: the local address of each file by its address at the source.

    offered: the attachments. Raises nothing: all text of the post is only ever a value.
    """
    body = neutral(localise(post.html, addresses, hotlink=post.hotlink))
    around = neutral(_canonical(credit(post, times) + files(post, body, addresses, offered)))
    above, below = _halves(around)
    return _sealed(post.key, _TEXT, post.lang, above, body, below, post.title)


def compose_notice(key: str, title: str, lang: str, source: str, times: Times, neutral: Neutral = str) -> str:
    """The text field of a withdrawn post: a notice in the document's place."""
    words = WORDS[lang]
    body = (
        f"<p><strong>{words['withdrawn']}</strong></p><p>{words['notice']}</p>"
        f"<p>{words['since']}{words['colon']}{times.shown(times.now)}</p>"
    )
    link = f"<p>{anchor(source, words['original'])}</p>" if source else ""
    return _sealed(key, _NOTICE, lang, "", neutral(_canonical(body)), neutral(_canonical(link)), title)


def open_page(stored: str, title: str) -> Opened:
    """Take a stored text field apart. title: as plain text."""
    root = LexborHTMLParser(stored).body
    node = root.css_first("div[data-syncd]") if root is not None else None
    seal = _SEAL.fullmatch((node.attributes.get("data-syncd") or "") if node is not None else "")
    if root is None or node is None or seal is None:
        return Opened("", stored, False, False, False, _language(stored), "")
    key, kind, lang, frame, text = seal.groups()
    body = node.inner_html or ""
    inside = _mark(node, key, title)
    link = root.css_first("a[data-syncd-source]")
    node.decompose()
    framed = _mark(root, key, "") == frame
    source = (link.attributes.get("href") or "") if link is not None and framed else ""
    whose = "" if key == UNKNOWN else key
    return Opened(whose, body if framed else stored, framed, framed and inside == text, kind == _NOTICE, lang, source)


def same(a: str, b: str) -> bool:
    """True when two pieces of HTML are the same to a browser: entities may be spelt otherwise."""
    return a == b or _canonical(a) == _canonical(b)


def settled(stored: str) -> str:
    """A text field without the minutes of its publication and of its last change, to be compared with a newer one.

    The first is written before WordPress publishes and told by WordPress after: a minute may end in between. That it is
    told at all still counts.
    """
    bare = re.sub(rf"<span>(?:{_labels('updated')}){_MOMENT}</span>\s*", "", stored)
    bare = re.sub(rf"(<span>(?:{_labels('posted')})){_MOMENT}(?=</span>)", r"\1", bare)
    return re.sub(r'data-syncd="[^"]*"', "", bare)


def excerpt(post: Post, neutral: Neutral = str) -> str:
    """What lists show of a post: without one, a CMS would show the credit."""
    root = LexborHTMLParser(post.html).body
    text = post.summary or (root.text(separator=" ") if root is not None else "")
    short = " ".join(text.split())[:_EXCERPT]
    return neutral(html.escape(short, quote=False))


def _labels(name: str) -> str:
    return "|".join(f"{words[name]}{words['colon']}" for words in WORDS.values())


def _halves(around: str) -> tuple[str, str]:
    above, mark, below = around.partition('<div class="syncd-files">')
    return above, mark + below


def _sealed(key: str, kind: str, lang: str, before: str, body: str, after: str, title: str) -> str:
    frame = _mark_of(before + after, key, "")
    text = _mark_of(body, key, title)
    seal = f"1:{key}:{kind}:{lang}:{frame}:{text}"
    return f'{before}<div class="syncd-{kind}" data-syncd="{html.escape(seal)}">{body}</div>{after}'


def _mark_of(markup: str, key: str, title: str) -> str:
    root = LexborHTMLParser(markup).body
    return _mark(root, key, title) if root is not None else ""


def _mark(node: LexborNode, key: str, title: str) -> str:
    """A name for the text and the links of an element, whatever a CMS does to blanks, entities and the way of quoting."""
    links = [n.attributes.get("href") or n.attributes.get("src") or "" for n in node.css("a[href], img[src]")]
    told = (key, visible.normalise(title), visible.normalise(node.text()), *links)
    return hashlib.sha256("\n".join(told).encode("utf-8", "replace")).hexdigest()[:12]


def _canonical(markup: str) -> str:
    root = LexborHTMLParser(markup).body
    return (root.inner_html or "") if root is not None else ""


def _language(text: str) -> str:
    return "zh" if re.search(r"[\u3400-\u9fff]", text) else "en"
