"""Markup for adapters: a post's links and pictures turned to local files, names safe in paths, bytes as text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from selectolax.lexbor import LexborHTMLParser

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{2,20})", re.IGNORECASE)
_CHINESE = frozenset({"gb2312", "gbk", "gb_2312-80", "x-gbk"})


def localise(html: str, addresses: Mapping[str, str], *, hotlink: bool = False) -> str:
    """Sanitised HTML with each href and src that is a key of `addresses` replaced by its value.

    Pictures without a local file become links: nothing is hot-linked unless `hotlink` says so.
    """
    body = LexborHTMLParser(html).body
    if body is None:
        return ""
    for link in body.css("a[href]"):
        link.attrs["href"] = addresses.get(link.attributes["href"] or "", link.attributes["href"] or "")
    for image in body.css("img"):
        source = image.attributes.get("src") or ""
        if source in addresses:
            image.attrs["src"] = addresses[source]
        elif not hotlink:
            anchor = LexborHTMLParser("<a></a>").css("a")[0]
            anchor.attrs["href"] = source
            anchor.insert_child(f"[{image.attributes.get('alt') or '图片'}]")
            image.replace_with(anchor)
    return body.inner_html or ""


def path_name(text: str, prefix: str) -> str:
    """A text as a file name: itself if it is plain ASCII, else the prefix and a hash of it."""
    return text if _SAFE.fullmatch(text) else f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def decode(body: bytes, content_type: str = "") -> str:
    """A page's bytes as text: byte order mark, strict UTF-8, what is declared, GB18030; what is left is replaced."""
    declared = _CHARSET.search(content_type.encode("latin-1", "replace")) or _CHARSET.search(body[:4096])
    name = declared.group(1).decode().lower() if declared else "gb18030"
    for encoding in ("utf-8-sig", "gb18030" if name in _CHINESE else name, "gb18030"):
        try:
            return body.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    return body.decode("utf-8", "replace")
