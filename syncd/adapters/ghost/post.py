"""A post as Ghost returns it, and the one card of HTML in which our text stands there as it was sent."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.article import SOMEBODY, Article, File, is_ours
from syncd.model import RemoteState

READ: Mapping[str, str] = {
    "fields": "id,slug,status,visibility,url,title,custom_excerpt,updated_at,published_at",
    "formats": "html", "include": "tags",
}
WRITTEN: Mapping[str, str] = {"formats": "html", "include": "tags"}
"""Of answers to writes, which know no fields: without it they hold the text twice, and every author with roles."""

_CARD = re.compile(r"\s*<!--kg-card-begin: html-->\n(.*)\n<!--kg-card-end: html-->\s*", re.DOTALL)
_UPLOADED = re.compile(r"/content/(?:images|files)/")


@dataclass(frozen=True, slots=True)
class Native:
    """What Ghost itself wants to see again. updated: its version, whose grain is a second. readers: "public", or who else.
    tags: as they are."""

    slug: str
    updated: str
    readers: str
    tags: Sequence[Mapping[str, Any]]


def lexical(markup: str) -> str:
    """Ghost's document with one HTML card, which it renders as it is: converted (?source=html), a text loses its seal, its
    classes and its tables' attributes."""
    card = {"type": "html", "version": 1, "html": markup}
    root = {"children": [card], "direction": None, "format": "", "indent": 0, "type": "root", "version": 1}
    return json.dumps({"root": root}, ensure_ascii=False)


def excerpt(summary: str) -> str | None:
    """What Ghost's lists show, as plain text; without one Ghost shows the credit."""
    return html.unescape(summary) or None


def parse(told: Any, public_url: str) -> Article | None:
    """A post from its JSON, or None if it is not one. Ghost does not tell who changed it last; our seal tells if we did."""
    try:
        public, stored = told["status"] == "published", _uncarded(str(told["html"] or ""))
        tags = tuple(tag for tag in told.get("tags") or () if isinstance(tag, dict))
        made = Article(
            str(told["id"]), str(told["title"]), stored, RemoteState.PUBLIC if public else RemoteState.DRAFT,
            _at(public_url, str(told["url"])) if public else "",
            summary=html.escape(str(told.get("custom_excerpt") or ""), quote=False), first=_moment(told.get("published_at")),
            files=_files(stored), native=Native(str(told["slug"]), str(told["updated_at"]), str(told["visibility"]), tags))
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return made if made.opened.whole else replace(made, editor=SOMEBODY)


def _uncarded(stored: str) -> str:
    """The text of the one card. What an editor wrote beside it stays as it is, and breaks the seal's frame."""
    card = _CARD.fullmatch(stored)
    return card[1] if card else stored


def _files(stored: str) -> tuple[File, ...]:
    """What was uploaded for this post: Ghost has no list of files."""
    root = LexborHTMLParser(stored).body
    nodes = root.css("a[href], img[src]") if root is not None else []
    links = dict.fromkeys(node.attributes.get("href") or node.attributes.get("src") or "" for node in nodes)
    return tuple(File(link, link) for link in links if _UPLOADED.search(link) and is_ours(link))


def _at(public_url: str, own: str) -> str:
    """Ghost's own address, at the host by which the public reaches the site."""
    public = urlsplit(public_url)
    return urlsplit(own)._replace(scheme=public.scheme, netloc=public.netloc).geturl()


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
