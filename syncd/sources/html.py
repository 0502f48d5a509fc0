"""A web page taken apart by selectors: its title, times, body and files; only run in the child."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink
from syncd.sources.decode import Decoded, decode

MAX_BYTES = 10 * 1024 * 1024
FILE_TYPES = {
    "pdf": "application/pdf",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ofd": "application/ofd",
    "wps": "application/vnd.ms-works",
    "et": "application/vnd.ms-excel",
    "rtf": "application/rtf",
    "csv": "text/csv",
    "txt": "text/plain",
    "zip": "application/zip",
    "rar": "application/vnd.rar",
    "7z": "application/x-7z-compressed",
    "ceb": "application/x-ceb",
}
"""Endings of files that belong to a document, and their types."""

_URL_ATTRIBUTES = (
    ("a", "href"),
    ("img", "src"),
    ("source", "src"),
    ("video", "src"),
    ("audio", "src"),
    ("iframe", "src"),
)
_SHOWN = "img[src], a[href], iframe[src], embed[src], object[data]"
_MOST_HEAD_LINKS = 100
_FRAMES = (("iframe", "src"), ("embed", "src"), ("object", "data"))
_OUTSIDE = "[class*=fujian i], [id*=fujian i], [class*=attach i], [id*=attach i], [class*=annex i], [class*=appendix i]"
"""Where pages keep a document's files beside its body."""
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\u200b\ufeff]")
_BLANKS = re.compile(r"\s+")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/t[drh]|/h[1-6])[\s/>]", re.IGNORECASE)
_UNNESTED = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "td",
        "th",
        "tr",
        "dd",
        "dt",
        "option",
    ]
)
_BEGINS = re.compile(r"<(?:html|body)[\s>]", re.IGNORECASE)
_ENDS = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)
_NESTED = re.compile(r"<(/?)(?:div|table|ul|ol|dl|section|article|main|form|script|style|head)[\s>]", re.IGNORECASE)
MAX_DEPTH = 2_000
"""Open elements; Lexbor is quadratic in them: 20,000 take 0.5 s, 300,000 ten minutes."""


def parse_html(markup: str) -> LexborHTMLParser:
    """The tree of a page or fragment. Raises ReadFailed("hostile_html") when it is nested beyond all sense."""
    depth = 0
    for slash, tag in _TAG.findall(markup):
        if tag.lower() not in _UNNESTED:
            depth = max(0, depth - 1) if slash else depth + 1
            if depth > MAX_DEPTH:
                raise ReadFailed(
                    "hostile_html", f"more than {MAX_DEPTH} elements are nested", hint="ask the source who made it"
                )
    return LexborHTMLParser(markup)


def is_cut(markup: str) -> bool:
    """Whether a page lacks its end: it neither closes nor has closed what it opened, or breaks off within a tag.

    HTML lets </body> and </html> be left out, so that their absence alone proves nothing.
    """
    if not _BEGINS.search(markup) or _ENDS.search(markup):
        return False
    if markup.rfind("<") > markup.rfind(">") or markup.rfind("<!--") > markup.rfind("-->"):
        return True
    return sum(-1 if closing else 1 for closing in _NESTED.findall(markup)) > 0


class Html:
    """A parsed page with its address; links are resolved against <base> if there is one."""

    def __init__(self, data: bytes, *, content_type: str, url: str) -> None:
        """Raises ReadFailed: empty_body, too_large, bad_encoding, truncated, hostile_html."""
        if not data.strip():
            raise ReadFailed(
                "empty_body", "the page is empty", where=url, hint="open it in a browser; it is tried again"
            )
        if len(data) > MAX_BYTES:
            raise ReadFailed("too_large", f"the page is larger than {MAX_BYTES // 1048576} MB", where=url)
        self.decoded: Decoded = decode(data, content_type)
        if is_cut(self.decoded.text):
            raise ReadFailed(
                "truncated", "the page is cut off: what it opens never closes", where=url, hint="it is read again later"
            )
        self.tree = parse_html(self.decoded.text)
        base = self.tree.css_first("base[href]")
        self.base = join(url, (base.attributes.get("href") or "") if base else "") or url

    def first(self, selectors: Iterable[str]) -> LexborNode | None:
        """The first element that any of the selectors finds with text, a picture or a link in it, in their order."""
        for selector in selectors:
            for node in self.select(selector):
                if squeeze(node.text()) or node.css_first(_SHOWN):
                    return node
        return None

    def select(self, selector: str) -> list[LexborNode]:
        """All elements of a CSS selector. Raises ReadFailed("bad_selector") when it isn't one."""
        try:
            return self.tree.css(selector)
        except (SelectolaxError, ValueError) as error:
            raise ReadFailed(
                "bad_selector", f"{selector!r} is no CSS selector", hint="correct options.body_selector"
            ) from error

    def meta(self, *names: str) -> str:
        """The content of the first <meta> of these names or properties (any case), in the order of the names."""
        found: dict[str, str] = {}
        for node in self.tree.css("meta[content]"):
            for attribute in ("name", "property", "itemprop"):
                key = (node.attributes.get(attribute) or "").strip().lower()
                found.setdefault(key, squeeze(node.attributes.get("content") or ""))
        return next((found[name.lower()] for name in names if found.get(name.lower())), "")

    def linked(self, relation: str) -> tuple[str, ...]:
        """The addresses that the page's head links to by a relation, each once (WebSub, section 4: in the head only)."""
        links = [node for node in self.tree.css("head link[rel][href]")[:_MOST_HEAD_LINKS]
                 if relation in (node.attributes.get("rel") or "").lower().split()]
        found = (join(self.base, node.attributes.get("href") or "") for node in links)
        return tuple(dict.fromkeys(url for url in found if url))

    def text(self, selector: str) -> str:
        """The visible text of the first element that has some."""
        return next((text for node in self.select(selector) if (text := squeeze(node.text()))), "")

    def outer(self, node: LexborNode) -> str:
        """An element's HTML with absolute links."""
        absolutise(node, self.base)
        return node.html or ""

    def files(self, node: LexborNode) -> tuple[AttachmentLink, ...]:
        """The files that an element links to or shows in a frame, each once, in their order.

        A link counts by the ending of its address, or of its text where a download's address has none.
        """
        found: dict[str, AttachmentLink] = {}
        for link in node.css("a[href]"):
            url, text = join(self.base, link.attributes.get("href") or ""), squeeze(link.text())[:300]
            if kind := file_type(url) or (file_type(f"/{text}") if url else ""):
                found.setdefault(url, AttachmentLink(url, kind, None, text or file_name(url)))
        for url in self._framed(node):
            found.setdefault(url, AttachmentLink(url, file_type(url), None, file_name(url)))
        return tuple(found.values())

    def files_beside(self, body: LexborNode) -> tuple[AttachmentLink, ...]:
        """The files of a document whose body is known: those in it, and those that the page calls attachments."""
        found = {file.url: file for file in self.files(body)}
        for place in self.select(_OUTSIDE):
            found.update((file.url, file) for file in self.files(place) if file.url not in found)
        named = self.files(self.tree.body) if self.tree.body is not None else ()
        found.update((file.url, file) for file in named if file.url not in found and file.title.startswith("附件"))
        return tuple(found.values())

    def _framed(self, node: LexborNode) -> Iterator[str]:
        """Addresses of files shown in a frame, by themselves or by a viewer such as viewer.html?file=…"""
        for tag, attribute in _FRAMES:
            for frame in node.css(f"{tag}[{attribute}]"):
                url = join(self.base, frame.attributes.get(attribute) or "")
                shown = [value for _, value in parse_qsl(urlsplit(url).query) if file_type(join(url, value))]
                if file := url if file_type(url) else join(url, shown[0]) if shown else "":
                    yield file


def squeeze(text: str) -> str:
    """Text on one line, each run of blanks as one."""
    return _BLANKS.sub(" ", _INVISIBLE.sub("", text)).strip()


def plain(markup: str) -> str:
    """The visible text of an HTML fragment on one line; text without markup comes back as it is."""
    if "<" not in markup and "&" not in markup:
        return squeeze(markup)
    tree = parse_html(_BREAK.sub(r" \g<0>", markup))
    tree.strip_tags(["script", "style", "template", "noscript"])
    return squeeze(tree.body.text()) if tree.body else ""


def join(base: str, link: str) -> str:
    """An absolute http(s) URL, or "" when the link is none (a script, a mail address, nonsense)."""
    try:
        url = urljoin(base, link.strip())
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname else ""
    except ValueError:
        return ""


def file_name(url: str) -> str:
    """The last part of a URL's path, readable."""
    return unquote(urlsplit(url).path).rpartition("/")[2][:200]


def file_type(url: str) -> str:
    """The type of a file that belongs to a document by its name's ending, or "" for a page."""
    return FILE_TYPES.get(file_name(url).rpartition(".")[2].lower(), "") if url and "." in file_name(url) else ""


def absolutise(node: LexborNode, base: str) -> None:
    """Make the links and pictures of an element absolute; what has a scheme or is a place on the page stays."""
    for tag, attribute in _URL_ATTRIBUTES:
        for found in node.css(f"{tag}[{attribute}]"):
            value = (found.attributes.get(attribute) or "").strip()
            if value and not value.startswith("#") and not _SCHEME.match(value) and (url := join(base, value)):
                found.attrs[attribute] = url


def absolute_fragment(markup: str, base: str) -> str:
    """A fragment of HTML with absolute links."""
    body = parse_html(markup).body
    if body is None:
        return ""
    absolutise(body, base)
    return body.inner_html or ""
