"""Visible text of HTML: what a reader sees, one paragraph a line; one function for what is sent and what is seen."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

_UNSEEN = frozenset(
    {"script", "style", "noscript", "template", "head", "title", "iframe", "object", "embed", "svg", "math", "canvas",
     "audio", "video", "select", "datalist", "map", "textarea"},
)
_INLINE = frozenset(
    {"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
     "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub",
     "sup", "time", "tt", "u", "var", "wbr"},
)
_BLANKS = re.compile(r"\s+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def text_of(html: str) -> str:
    """The visible text: one paragraph, heading, list item or table cell a line, blanks made single.

    Scripts, styles and what is hidden in place (`hidden`, `display: none`) are left out; style sheets are not read.
    """
    body = LexborHTMLParser(html).body
    lines = "".join(_flow(body)).split("\n") if body is not None else []
    return "\n".join(filter(None, (" ".join(line.split()) for line in lines)))


def shown_by(page: str, *, scripted: bool = False) -> str:
    """The text that a public page shows. scripted: a script draws it from what the page's description tells already; a page
    without one shows what stands in it."""
    return (described_in(page) if scripted else "") or text_of(page)


def described_in(page: str) -> str:
    """What a page's <meta name="description"> says, line by line, or ""."""
    found = LexborHTMLParser(page).css_first('meta[name="description"]')
    return (found.attributes.get("content") or "").strip() if found is not None else ""


def title_of(html: str) -> str:
    """What the page's <title> says, or ""."""
    found = LexborHTMLParser(html).css_first("title")
    return _BLANKS.sub(" ", found.text()).strip() if found is not None else ""


def _flow(root: LexborNode) -> list[str]:
    """Text and line breaks in document order, without recursion: hostile pages are nested thousands deep."""
    flow: list[str] = []
    node: LexborNode | None = root
    while node is not None:
        if node.tag == "-text":
            flow.append((node.text_content or "").replace("\n", " "))
            child = None
        else:
            if _breaks(node):
                flow.append("\n")
            child = None if _is_unseen(node) else node.child
        node = child or _onward(node, root, flow)
    return flow


def _onward(node: LexborNode, root: LexborNode, flow: list[str]) -> LexborNode | None:
    """The next node outside of this one; ends the line of every block that is left."""
    current: LexborNode | None = node
    while current is not None and current.mem_id != root.mem_id:
        if _breaks(current):
            flow.append("\n")
        if current.next is not None:
            return current.next
        current = current.parent
    return None


def _breaks(node: LexborNode) -> bool:
    tag = node.tag or ""
    return tag not in _INLINE and not tag.startswith(("-", "!"))


def _is_unseen(node: LexborNode) -> bool:
    if node.tag in _UNSEEN:
        return True
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDDEN.search(attributes.get("style") or ""))
