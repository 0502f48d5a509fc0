"""Cleaning of HTML from anywhere: bounded, links made absolute, then nh3 with our own allow-list as the last step."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 200
"""nh3 is quadratic in nesting: 0.06 s at 5,000 levels, 5 s at 40,000. Real documents have fewer than 60."""
_MAX_OPEN = 1000
"""Elements open at once by a count of tags, for which tags left open count; a gate before the parser."""

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "div", "dl", "dt",
    "em", "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre",
    "q", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul",
}
_ATTRIBUTES = {
    "a": {"href", "title"},
    "img": {"src", "alt", "title"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
}
_WITH_CONTENT = {
    "script", "style", "noscript", "template", "iframe", "object", "embed", "applet", "svg", "math", "title", "head",
    "textarea", "select", "button", "canvas", "audio", "video", "noembed", "noframes", "xmp", "plaintext",
}
_LAZY = ("data-src", "data-original", "data-lazy-src", "data-url")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,60})")
_ENDS_ITSELF = frozenset(
    {"p", "li", "td", "th", "tr", "dd", "dt", "option", "br", "hr", "img", "input", "meta", "link", "col", "wbr",
     "area", "base", "source", "embed", "param", "o:p", "thead", "tbody", "tfoot"},
)
_INLINED = re.compile(r"data:[a-z]{1,20}/[a-z0-9.+-]{1,60};base64,[A-Za-z0-9+/=%\s]{64,}", re.IGNORECASE)
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_JOINERS = re.compile("(?<![\u0600-\u0dff\u1000-\u109f\u1780-\u18af\U0001f000-\U0001faff\ufe0f])[\u200c\u200d]")
_BLANKS_AND_CONTROLS = re.compile(r"[\s\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Safe HTML with absolute links, and the links and pictures that stand in it, in order, each once."""

    html: str
    links: tuple[AttachmentLink, ...] = ()
    images: tuple[AttachmentLink, ...] = ()


def clean(html: str, base_url: str) -> Cleaned:
    """Safe HTML of a document's body. base_url: what its relative links are relative to.

    Raises ReadFailed body_too_large (1 MB without inlined pictures) or body_too_deep (200 levels), whose cost could
    not be bounded.
    """
    body = _parse(_INLINED.sub("data:,", html), base_url)
    links, images = _make_absolute(body, base_url)
    return Cleaned(_sanitise(body.inner_html or ""), links, images)


def plain(text: str) -> str:
    """A plain field (title, issuer) in one line, without control, bidi and zero-width characters."""
    return strip_invisible(_BLANKS_AND_CONTROLS.sub(" ", text)).strip()


def strip_invisible(text: str) -> str:
    """Without bidi controls and zero-width characters; joiners stay where a script needs them."""
    if text.isascii():
        return text
    seen = _INVISIBLE.sub("", text)
    return _JOINERS.sub("", seen) if "\u200c" in seen or "\u200d" in seen else seen


def unlink_pictures(html: str, had: Callable[[str], bool], label: str = "图片") -> str:
    """Clean HTML in which each picture that we don't have (`had(url)`) is a link with its alternative text.

    Nothing is hot-linked: a site that shows pictures from another server shows whatever that one sends later.
    """
    body = _parse(html, "")
    lost = [image for image in body.css("img") if not had(image.attributes.get("src") or "")]
    for image in lost:
        _replace_by_link(image, label)
    return _sanitise(body.inner_html or "") if lost else html


def _parse(html: str, where: str) -> LexborNode:
    if len(html.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise ReadFailed(
            "body_too_large", f"the text is larger than {MAX_BYTES} bytes", where=where,
            hint="look at the page; if it is really one document, repost it by link",
        )
    _refuse_if(max(map(_open_at_once, {html, _without_comments(html)})) > _MAX_OPEN, where)
    # Characters that XML and HTML forbid would come out of some parsers as others.
    body = LexborHTMLParser(html.replace("\x00", "").encode("utf-8", "replace").decode()).body
    if body is None:
        raise ReadFailed("no_body", "the text could not be taken apart", where=where, hint="look at the page")
    _refuse_if(_depth(body) > MAX_DEPTH, where)
    return body


def _refuse_if(deep: bool, where: str) -> None:
    if deep:
        raise ReadFailed(
            "body_too_deep", f"elements are nested more than {MAX_DEPTH} deep", where=where,
            hint="the page is broken or hostile; look at it, and repost it by link if it is genuine",
        )


def _open_at_once(html: str) -> int:
    """The most elements open at once by a mere count of tags; linear in time."""
    opened: Counter[str] = Counter()
    level = highest = 0
    for closing, name in _TAG.findall(html):
        tag = name.lower()
        if tag in _ENDS_ITSELF or (closing and not opened[tag]):
            continue
        opened[tag] += -1 if closing else 1
        level += -1 if closing else 1
        highest = max(highest, level)
    return highest


def _without_comments(html: str) -> str:
    """Linear, unlike a regular expression where a comment has no end."""
    kept, at = [], 0
    while (start := html.find("<!--", at)) >= 0 and (end := html.find("-->", start)) >= 0:
        kept.append(html[at:start])
        at = end + 3
    return "".join([*kept, html[at:]])


def _depth(root: LexborNode) -> int:
    """The true depth of the tree, without recursion; stops as soon as it is too deep."""
    level = deepest = 0
    node: LexborNode | None = root
    while node is not None and deepest <= MAX_DEPTH:
        if node.child is not None:
            node, level = node.child, level + 1
            deepest = max(deepest, level)
            continue
        while node is not None and node.mem_id != root.mem_id and node.next is None:
            node, level = node.parent, level - 1
        node = None if node is None or node.mem_id == root.mem_id else node.next
    return deepest


def _make_absolute(
    body: LexborNode, base_url: str,
) -> tuple[tuple[AttachmentLink, ...], tuple[AttachmentLink, ...]]:
    links: dict[str, AttachmentLink] = {}
    images: dict[str, AttachmentLink] = {}
    for node in body.css("a[href]"):
        url = _absolute(node.attributes.get("href") or "", base_url, {"http", "https", "mailto"})
        _set(node, "href", url)
        if url.startswith("http"):
            links.setdefault(url, AttachmentLink(url, title=plain(node.text())))
    for node in body.css("img"):
        url = _picture(node, base_url)
        _set(node, "src", url)
        if url:
            images.setdefault(url, AttachmentLink(url, title=plain(node.attributes.get("alt") or "")))
        else:
            node.decompose()
    return tuple(links.values()), tuple(images.values())


def _picture(node: LexborNode, base_url: str) -> str:
    """Pages that load pictures late keep the address in another attribute and a placeholder in src."""
    attributes = node.attributes
    offered = [*(attributes.get(name) for name in _LAZY), attributes.get("src")]
    found = (_absolute(url, base_url, {"http", "https"}) for url in offered if url)
    return next(filter(None, found), "")


def _absolute(url: str, base_url: str, schemes: set[str]) -> str:
    """The absolute URL, or "" if it isn't one of these schemes or no URL at all."""
    tidy = strip_invisible("".join(c for c in url if c > " " or c == " ")).strip()
    try:
        joined = urljoin(base_url, tidy)
        parts = urlsplit(joined)
        named = parts.hostname or parts.scheme == "mailto"
    except ValueError:
        return ""
    if not tidy or parts.scheme.lower() not in schemes or not named:
        return ""
    return joined.replace(" ", "%20")


def _set(node: LexborNode, name: str, value: str) -> None:
    if value:
        node.attrs[name] = value
    elif name in node.attributes:
        del node.attrs[name]


def _replace_by_link(image: LexborNode, label: str) -> None:
    url = image.attributes.get("src") or ""
    shown = image.attributes.get("alt") or label
    link = LexborHTMLParser("<a></a>").css_first("a")
    if link is None or not url:
        image.decompose()
        return
    _set(link, "href", url)
    link.insert_child(f"[{shown}]")
    image.replace_with(link)


def _sanitise(html: str) -> str:
    """The last step; what it returns is never parsed and written again before it is handed out."""
    return nh3.clean(
        strip_invisible(html),
        tags=_TAGS,
        clean_content_tags=_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        strip_comments=True,
        link_rel=None,
    )
