"""Sanitised HTML as wikitext that shows the same: nothing of a text is ever taken for markup.

Paragraphs, headings, lists and tables become what an editor of a wiki knows; what these can't say (attributes, blocks in a
list's item) stays the HTML that MediaWiki takes. https://www.mediawiki.org/wiki/Help:Formatting, includes/parser/Sanitizer.php
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

BLANK = " \t\r\n\f"
PICTURE_WIDTH = 1000
"""Pixels at most: a scanned page is wider than any column of text. A smaller picture keeps its size."""

_DEEPEST = 60
_INLINE = frozenset({
    "abbr", "b", "bdi", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd", "mark", "ruby", "rp",
    "rt", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var",
})
"""Kept as they are, since quotes ('''bold''') are ambiguous beside apostrophes."""
_BLOCKS = frozenset({
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "blockquote", "div", "pre", "hr", "figure",
    "figcaption", "section", "article", "header", "footer", "main", "aside", "nav", "center", "address", "li", "dt", "dd",
    "caption", "tr", "td", "th", "tbody", "thead", "tfoot", "details", "summary",
})
_AS_DIV = frozenset({
    "figure", "section", "article", "header", "footer", "main", "aside", "nav", "address", "details", "li", "dt", "dd",
    "caption", "tr", "td", "th", "tbody", "thead", "tfoot", "center",
})
_AS_P = frozenset({"figcaption", "summary"})
_SILENT = frozenset({"col", "colgroup", "a", "br", "wbr", "img"})
_ATTRIBUTES = frozenset({"class", "id", "style", "title", "lang", "dir"})
_OF_TAG = {
    "ol": frozenset({"start", "type", "reversed"}), "li": frozenset({"value"}), "table": frozenset({"border", "width"}),
    "td": frozenset({"colspan", "rowspan", "align", "valign", "width"}),
    "th": frozenset({"colspan", "rowspan", "scope", "align", "valign", "width"}),
}
_OWN = frozenset({"data-syncd-source", "rel", "data-syncd"})
"""Attributes of ours that say nothing to a reader."""

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_MARKUP = re.compile(r"[\[\]{}|]|'{2,}|^'|'$|~{3,}|^~+|~+$|_{2,}|^_|_$|!{2,}|^!|!$|={2,}|^=|=$|-{4,}|-$")
_ADDRESS = re.compile(
    r"(?i):(?=//)|(?:(?<=geo)|(?<=sip)|(?<=sms)|(?<=tel)|(?<=urn)|(?<=news)|(?<=sips)|(?<=xmpp)|(?<=magnet)|(?<=mailto)"
    r"|(?<=matrix)|(?<=bitcoin)):"
)
_BOOK = re.compile(r"(?i)(ISBN|RFC|PMID)[ \u00a0](?=[0-9])")
_STARTS = re.compile(r"^[*#:;=! +-]")
_IN_ADDRESS = re.compile(r"[\[\]<>\"{}|\\'`^\s\x00-\x20\x7f]|~(?=~)|_(?=_)")


@dataclass(frozen=True, slots=True)
class Wikitext:
    """losses: what MediaWiki has no form for, in words."""

    text: str
    losses: tuple[str, ...] = ()


def convert(markup: str, files: Mapping[str, str]) -> Wikitext:
    """HTML as wikitext of blocks, each at the start of a line, with an empty line between. files: the name in the wiki of
    each file by the address under which the HTML refers to it; pictures without one become links."""
    root = LexborHTMLParser(unicodedata.normalize("NFC", _CONTROLS.sub("", markup))).body
    writer = _Writer(files)
    blocks = writer.blocks(root, 0) if root is not None else []
    return Wikitext("\n\n".join(blocks), writer.told())


def escape(text: str) -> str:
    """Plain text as wikitext that shows just that, anywhere within a line. One line, blanks as they are."""
    text = unicodedata.normalize("NFC", _CONTROLS.sub("", text))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _ADDRESS.sub("&#58;", text)
    text = _BOOK.sub(r"\1&#32;", text)
    return _MARKUP.sub(lambda found: "".join(f"&#{ord(char)};" for char in found[0]), text)


def plain(text: str) -> str:
    """One line of text as it can stand alone in a block."""
    return _line(escape(_BLANKS.sub(" ", text).strip(BLANK)))


def _line(text: str) -> str:
    """What begins a line must not begin a list, a heading or preformatted text."""
    text = text.strip(BLANK)
    return f"&#{ord(text[0])};{text[1:]}" if _STARTS.match(text) else text


def link_address(url: str) -> str:
    """An address as it can stand in [...]; what would end it there is percent-encoded (RFC 3986, 2.1)."""
    return _IN_ADDRESS.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), url).replace("&", "&amp;")


class _Writer:
    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self._lost: dict[str, None] = {}

    def told(self) -> tuple[str, ...]:
        return (f"MediaWiki has no {', '.join(self._lost)}",) if self._lost else ()

    def _lose(self, what: str) -> None:
        self._lost[what] = None

    # Blocks

    def blocks(self, parent: LexborNode, depth: int, *, explicit: bool = False) -> list[str]:
        """explicit: paragraphs need tags, as in an item that is HTML: MediaWiki makes none there."""
        if depth > _DEEPEST:
            self._lose("nesting as deep as that")
            return self._paragraph([escape(_words(parent))], "", explicit=False)
        made: list[str] = []
        run: list[str] = []
        for node in parent.iter(include_text=True):
            if _holds_blocks(node):
                made += [*self._paragraph(run, "", explicit=False), *self._block(node, depth + 1, explicit=explicit)]
                run = []
            else:
                run.append(self._inline(node, depth + 1))
        return made + self._paragraph(run, "", explicit=False)

    def _block(self, node: LexborNode, depth: int, *, explicit: bool) -> list[str]:
        tag = node.tag or ""
        attributes = self._attributes(node)
        if tag in ("p", *_AS_P) and not _has_blocks(node):
            return self._paragraph([self._inner(node, depth)], attributes, explicit=explicit)
        if tag[:1] == "h" and tag[1:].isdigit():
            return self._heading(node, attributes, depth, explicit=explicit)
        if (made := self._of_its_own(tag, node, attributes, depth)) is not None:
            return made
        if tag in _AS_DIV:
            self._lose(f"<{tag}>" if tag not in ("li", "dt", "dd") else f"<{tag}> outside of a list")
            return self._box("div", node, attributes, depth)
        if tag != "p":
            self._lose(f"<{tag}> around paragraphs")
        return self.blocks(node, depth, explicit=explicit)

    def _of_its_own(self, tag: str, node: LexborNode, attributes: str, depth: int) -> list[str] | None:
        """None for what is no list, table or box."""
        match tag:
            case "hr":
                return [f"<hr{attributes}>" if attributes else "----"]
            case "pre":
                return [self._pre(node, attributes)]
            case "ul" | "ol":
                return [self._list(node, attributes, depth)]
            case "dl":
                return [self._html_list(node, attributes, depth, ("dt", "dd"))]
            case "table":
                return [self._table(node, attributes, depth)]
            case "blockquote" | "div":
                return self._box(tag, node, attributes, depth)
        return None

    def _paragraph(self, run: list[str], attributes: str, *, explicit: bool) -> list[str]:
        text = _line(_BLANKS.sub(" ", "".join(run)))
        if not text:
            return []
        return [f"<p{attributes}>{text}</p>" if attributes or explicit else text]

    def _heading(self, node: LexborNode, attributes: str, depth: int, *, explicit: bool) -> list[str]:
        if _has_blocks(node):
            self._lose(f"<{node.tag}> around paragraphs")
            return self.blocks(node, depth, explicit=explicit)
        text = _BLANKS.sub(" ", self._inner(node, depth)).strip(BLANK)
        if not text:
            return []
        if attributes or explicit:
            return [f"<{node.tag}{attributes}>{text}</{node.tag}>"]
        level = "=" * int((node.tag or "h2")[1:])
        return [f"{level} {text} {level}"]

    def _box(self, tag: str, node: LexborNode, attributes: str, depth: int) -> list[str]:
        """With inline text alone, on one line: else MediaWiki makes a paragraph of it."""
        if not _has_blocks(node):
            text = _BLANKS.sub(" ", self._inner(node, depth)).strip(BLANK)
            return [f"<{tag}{attributes}>{text}</{tag}>"] if text else []
        inner = "\n\n".join(self.blocks(node, depth))
        return [f"<{tag}{attributes}>\n\n{inner}\n\n</{tag}>"] if inner else []

    def _pre(self, node: LexborNode, attributes: str) -> str:
        """Its text alone, as it stands: MediaWiki reads no markup there, entities apart."""
        if any((child.tag or "").isalnum() and child.tag != "pre" for child in node.traverse()):
            self._lose("markup in <pre>")
        text = (node.text() or "").replace("\r", "")
        start = "\n" if text.startswith("\n") else ""
        return f"<pre{attributes}>{start}{html.escape(text, quote=False)}</pre>"

    # Lists

    def _list(self, node: LexborNode, attributes: str, depth: int) -> str:
        lines = self._bullets(node, "", depth) if _is_plain_list(node, 0) else None
        return "\n".join(lines) if lines else self._html_list(node, attributes, depth, ("li",))

    def _bullets(self, node: LexborNode, before: str, depth: int) -> list[str]:
        mark = before + ("#" if node.tag == "ol" else "*")
        lines = []
        for item in _elements(node):
            parts = [child for child in item.iter(include_text=True) if child.tag not in ("ul", "ol")]
            text = _BLANKS.sub(" ", "".join(self._inline(part, depth + 1) for part in parts)).strip(BLANK)
            lines.append(f"{mark} {text}".rstrip())
            for inner in _elements(item):
                if inner.tag in ("ul", "ol"):
                    lines += self._bullets(inner, mark, depth + 1)
        return lines

    def _html_list(self, node: LexborNode, attributes: str, depth: int, items: tuple[str, ...]) -> str:
        lines = [f"<{node.tag}{attributes}>"]
        for item in node.iter(include_text=True):
            if item.tag in items:
                lines.append(self._item(item, depth + 1))
            elif _words(item).strip(BLANK) or _holds_blocks(item):
                self._lose(f"<{item.tag}> in <{node.tag}>" if item.tag != "-text" else f"text in <{node.tag}>")
                inner = "\n".join(self.blocks(item, depth + 1, explicit=True)) if _holds_blocks(item) else \
                    self._inline(item, depth + 1)
                lines.append(f"<{items[-1]}>{inner.strip(BLANK)}</{items[-1]}>" if inner.strip(BLANK) else "")
        return "\n".join([*filter(None, lines), f"</{node.tag}>"])

    def _item(self, item: LexborNode, depth: int) -> str:
        attributes = self._attributes(item)
        if not _has_blocks(item):
            text = _BLANKS.sub(" ", self._inner(item, depth)).strip(BLANK)
            return f"<{item.tag}{attributes}>{text}</{item.tag}>"
        inner = "\n".join(self.blocks(item, depth, explicit=True))
        return f"<{item.tag}{attributes}>\n{inner}\n</{item.tag}>"

    # Tables

    def _table(self, node: LexborNode, attributes: str, depth: int) -> str:
        lines = [f"{{|{attributes}"]
        for child in _elements(node):
            if child.tag == "caption":
                lines.append(f"|+ {self._flat(child, depth)}".rstrip())
            elif child.tag in ("thead", "tfoot"):
                self._lose(f"<{child.tag}>")
            elif child.tag in ("colgroup", "col"):
                self._lose("<col>")
        for row in _rows(node):
            lines += self._row(row, depth)
        return "\n".join([*lines, "|}"])

    def _row(self, row: LexborNode, depth: int) -> list[str]:
        lines = [f"|-{self._attributes(row)}"]
        for cell in _elements(row):
            mark = "!" if cell.tag == "th" else "|"
            attributes = self._attributes(cell)
            before = f"{mark}{attributes} |" if attributes else mark
            inner = ["", *"\n\n".join(self.blocks(cell, depth + 1)).split("\n")] if _has_blocks(cell) else [
                self._flat(cell, depth + 1)]
            lines += [f"{before} {inner[0]}".rstrip(), *inner[1:]]
        return lines

    def _flat(self, node: LexborNode, depth: int) -> str:
        return _BLANKS.sub(" ", self._inner(node, depth)).strip(BLANK)

    # Within a line

    def _inner(self, node: LexborNode, depth: int) -> str:
        return "".join(self._inline(child, depth + 1) for child in node.iter(include_text=True))

    def _inline(self, node: LexborNode, depth: int) -> str:
        """No line ends within."""
        tag = node.tag or ""
        if tag == "-text":
            return escape(_BLANKS.sub(" ", node.text_content or ""))
        if tag.startswith(("-", "!")):
            return ""
        if depth > _DEEPEST:
            self._lose("nesting as deep as that")
            return escape(_BLANKS.sub(" ", _words(node)))
        match tag:
            case "br" | "wbr":
                return f"<{tag}>"
            case "img":
                return self._image(node)
            case "a":
                return self._link(node, depth)
        inner = self._inner(node, depth)
        if tag in _INLINE:
            return f"<{tag}{self._attributes(node)}>{inner}</{tag}>" if inner else ""
        self._lose(f"<{tag}>")
        return inner

    def _image(self, node: LexborNode, target: str = "") -> str:
        source, alt = node.attributes.get("src") or "", node.attributes.get("alt") or ""
        name = self._files.get(source)
        words = escape(_BLANKS.sub(" ", alt).strip(BLANK))
        if name is not None:
            return f"[[File:{name}|frameless|{PICTURE_WIDTH}px|alt={words}|link={target}]]"
        shown = f"&#91;{words or '图片'}&#93;"
        return f"[{link_address(source)} {shown}]" if source.startswith(("http://", "https://")) else shown

    def _link(self, node: LexborNode, depth: int) -> str:
        address = node.attributes.get("href") or ""
        pictures = [child for child in _elements(node) if child.tag == "img"]
        if len(pictures) == 1 and not _words(node).strip(BLANK) and pictures[0].attributes.get("src") in self._files:
            return self._image(pictures[0], self._target(address))
        if any(child.tag == "a" and child.mem_id != node.mem_id for child in node.traverse()):
            self._lose("links in links")
            return self._inner(node, depth)
        inner = self._inner(node, depth).strip(BLANK)
        around = [" " if text[:1] in BLANK and text else "" for text in (_words(node), _words(node)[::-1])]
        return f"{around[0]}{self._linked(node, address, inner)}{around[1]}" if inner else ""

    def _linked(self, node: LexborNode, address: str, inner: str) -> str:
        if (name := self._files.get(address)) is not None:
            return f"[[Media:{name}|{inner}]]"
        if not address.startswith(("http://", "https://", "mailto:")):
            self._lose("links to parts of a page")
            return inner
        made = f"[{link_address(address)} {inner}]"
        return f'<span class="syncd-source">{made}</span>' if "data-syncd-source" in node.attributes else made

    def _target(self, address: str) -> str:
        if address in self._files:
            return f"Media:{self._files[address]}"
        return link_address(address) if address.startswith(("http://", "https://")) else ""

    def _attributes(self, node: LexborNode) -> str:
        """With a blank before each."""
        told = ""
        tag = node.tag or ""
        for name, value in node.attributes.items():
            if name in _ATTRIBUTES or name in _OF_TAG.get(tag, ()):
                told += f' {name}="{escape(_BLANKS.sub(" ", value or "")).replace(chr(34), "&quot;")}"'
            elif name not in _OWN:
                self._lose(f"{name} of <{tag}>")
        return told


def _elements(node: LexborNode) -> list[LexborNode]:
    return [child for child in node.iter() if (child.tag or "-")[0] not in "-!"]


def _has_blocks(node: LexborNode) -> bool:
    return any(child.tag in _BLOCKS and child.mem_id != node.mem_id for child in node.traverse())


def _holds_blocks(node: LexborNode) -> bool:
    return node.tag in _BLOCKS or (not (node.tag or "-").startswith(("-", "!")) and _has_blocks(node))


def _is_plain_list(node: LexborNode, depth: int) -> bool:
    """Whether bullets can say it: bare items of inline text, each with lists of different sorts at its end at most."""
    if node.attributes or depth > _DEEPEST or not _elements(node):
        return False
    loose = any(child.tag == "-text" and (child.text_content or "").strip(BLANK) for child in node.iter(include_text=True))
    return not loose and all(item.tag == "li" and _is_plain_item(item, depth) for item in _elements(node))


def _is_plain_item(item: LexborNode, depth: int) -> bool:
    kinds: list[str] = []
    for child in item.iter(include_text=True):
        if child.tag in ("ul", "ol"):
            kinds.append(child.tag)
            if not _is_plain_list(child, depth + 1):
                return False
        elif _holds_blocks(child) or (kinds and _words(child).strip(BLANK)):
            return False
    return not item.attributes and len(kinds) == len(set(kinds))


def _rows(table: LexborNode) -> list[LexborNode]:
    """In the order in which a browser shows them: a foot comes last."""
    made: dict[str, list[LexborNode]] = {"thead": [], "tbody": [], "tfoot": []}
    for part in _elements(table):
        if part.tag == "tr":
            made["tbody"].append(part)
        elif part.tag in made:
            made[part.tag] += [row for row in _elements(part) if row.tag == "tr"]
    return [*made["thead"], *made["tbody"], *made["tfoot"]]


def _words(node: LexborNode) -> str:
    return node.text_content or "" if node.tag == "-text" else node.text() or ""
