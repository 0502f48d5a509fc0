"""HTML asked by CSS selectors: the texts, attributes, dates and files that a row or page shows."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

from syncd.expressions import OWN_TEXT, css_parts
from syncd.model import AttachmentLink
from syncd.sources.html import Html, absolutise, file_name, file_type, join, squeeze
from syncd.sources.picks import Pick, Row, once

DATE = re.compile(
    r"(?<!\d)\d{4}\s?[-/.年]\s?\d{1,2}\s?[-/.月]\s?\d{1,2}日?(?:[T\s]{1,3}\d{1,2}[:时]\d{2}(?:[:分]\d{2})?[秒分]?"
    r"(?:\.\d{1,9})?(?:Z|\s?[+-]\d{2}:?\d{2})?)?(?!\d)"
)


def dated(text: str) -> str:
    """The last date that stands in a text among other words ("发布时间：2026-09-28 21:50"), or the text itself."""
    found = [each.group() for each in DATE.finditer(squeeze(text))]
    return found[-1] if found else squeeze(text)


class HtmlRow(Row):
    """An element of a page, or the whole of it."""

    def __init__(self, page: Html, node: LexborNode | None = None) -> None:
        self.page, self.node, self.base = page, node, page.base

    def nodes(self, pick: Pick) -> list[LexborNode]:
        """The elements that a pick means; without a selector the row itself."""
        css = css_parts(pick.at)[0]
        root = self.node if self.node is not None else self.page.tree.root
        if root is None:
            return []
        return [root] if css in ("", OWN_TEXT) else root.css(css)

    def raw(self, pick: Pick) -> list[str]:
        css, attribute = css_parts(pick.at)
        if attribute:
            return [escaped(value) for node in self.nodes(pick) if (value := node.attributes.get(attribute))]
        if css == OWN_TEXT:
            return [escaped(node.text(deep=False)) for node in self.nodes(pick)]
        return [escaped(node.text()) if node.tag == "script" else node.inner_html or "" for node in self.nodes(pick)]

    def there(self, pick: Pick) -> str:
        node = self.node if self.node is not None else self.page.tree.body
        return f"it shows {squeeze(node.text())[:80]!r}" if node is not None else "it is empty"

    def markup(self, pick: Pick) -> str:
        if not pick:
            return ""
        nodes = self.nodes(pick)
        for node in nodes:
            absolutise(node, self.base)
        return "".join(node.html or "" for node in nodes)

    def link(self, pick: Pick) -> str:
        return next((link for node in self.nodes(pick) if (link := _link(node, css_parts(pick.at)[1]))), "")

    def date(self, pick: Pick) -> str:
        found = self.texts(pick)
        return next((text for each in found if (text := dated(each)) != each or DATE.fullmatch(each)), "") or next(
            iter(found), ""
        )

    def files(self, pick: Pick) -> tuple[AttachmentLink, ...]:
        """The files of what a pick finds: of each link itself, and of those within."""
        if not pick:
            return ()
        found = self.nodes(pick)
        linked = [self._file(node) for node in found if node.tag == "a"]
        return once([*linked, *(file for node in found for file in self.page.files(node))])

    def _file(self, link: LexborNode) -> AttachmentLink:
        url = join(self.base, _link(link))
        return AttachmentLink(url, file_type(url), None, squeeze(link.text())[:300] or file_name(url))


def _link(node: LexborNode, attribute: str = "") -> str:
    """The link of an element: the attribute that is asked for, else that of itself or of the first link within."""
    if attribute:
        return node.attributes.get(attribute) or ""
    inner = node if node.attributes.get("href") else node.css_first("a[href]")
    return (inner.attributes.get("href") or "") if inner is not None else ""


def escaped(text: str) -> str:
    """Text as HTML, for what takes markup away."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
