"""An entry as Micropub tells it (microformats2 as JSON: each property is a list of values), and as it is written."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.article import Article, Content, File, is_ours
from syncd.adapters.micropub.options import Options
from syncd.errors import Rejected
from syncd.model import RemoteState

_MARKUP = re.compile(r"</[a-z]|data-syncd=", re.IGNORECASE)
_ADDED = "#"
"""Before a file's name of ours in its address: the site names a file as it likes."""


@dataclass(frozen=True, slots=True)
class Native:
    """key: in the property that keeps it, "" without. placed: the site says by itself that it stands at its address.
    categories: as they are. read: it is what the site told, and not only what was sent."""

    key: str = ""
    placed: bool = False
    categories: tuple[str, ...] = ()
    read: bool = True


def parse(properties: Mapping[str, Any], address: str, options: Options) -> Article:
    """An entry from its properties. Micropub does not tell who changed it last; our seal tells if we did."""
    stored = _content(properties)
    state = _state(properties)
    source = options.source_property
    native = Native(_first(properties, options.key_property), bool(properties.get("url")),
                    tuple(map(str, _all(properties, "category"))))
    made = Article(
        address, _first(properties, "name"), stored, state, address if state is RemoteState.PUBLIC else "",
        summary=_first(properties, "summary") if options.max_summary else "",
        tracked={source: _first(properties, source)} if source else {}, first=_moment(_first(properties, "published")),
        files=_files(stored), native=native)
    changed = made.opened.key and not made.opened.whole
    return replace(made, editor="somebody at the site") if changed else made


def written(content: Content, options: Options) -> dict[str, list[Any]]:
    """The properties of a text; an empty one has no values. Raises Rejected for what is longer than the site takes."""
    _check(content, options)
    values: dict[str, Any] = {"name": content.title, "content": {"html": content.html}, **content.fields}
    if options.max_summary:
        values["summary"] = content.summary
    return {name: [value] if value else [] for name, value in values.items()}


def visible(markup: str) -> str:
    """What a reader sees of HTML."""
    root = LexborHTMLParser(markup).body
    return root.text(separator=" ") if root is not None else ""


def cut(text: str, most: int) -> str:
    """A text of so many characters at most, with … where something is left out."""
    return text if len(text) <= most else f"{text[:most - 1].rstrip()}…" if most else ""


def with_name(url: str, name: str) -> str:
    """A file's address with its name of ours behind it, by which it is known again."""
    return url if is_ours(url) else f"{url.partition('#')[0]}{_ADDED}{name}"


def _check(content: Content, options: Options) -> None:
    hint = "it waits for a person: post it by hand, or let its route post links only (form = \"link\")"
    length, size = len(content.title), len(content.html.encode("utf-8", "replace"))
    if options.max_title is not None and length > options.max_title:
        raise Rejected("name", "too_large", f"the title has {length} characters of {options.max_title}", hint=hint)
    if options.max_body is not None and size > options.max_body:
        raise Rejected("content", "too_large", f"text and credit have {size} bytes of {options.max_body}", hint=hint)


def _all(properties: Mapping[str, Any], name: str) -> list[Any]:
    told = properties.get(name, []) if name else []
    return told if isinstance(told, list) else [told]


def _first(properties: Mapping[str, Any], name: str) -> str:
    """A value may be an object of its own, such as a cited page: then its address or its text."""
    told = next(iter(_all(properties, name)), "")
    if isinstance(told, dict):
        told = told.get("value") or ""
    return "" if told is None else str(told)


def _content(properties: Mapping[str, Any]) -> str:
    """HTML; what is told as text is text (section 3.3.2), unless it is plainly HTML that lost its name on the way."""
    told = next(iter(_all(properties, "content")), "")
    if isinstance(told, dict):
        if "html" in told:
            return str(told["html"] or "")
        told = told.get("value") or ""
    text = str(told)
    return text if _MARKUP.search(text) else html.escape(text, quote=False)


def _state(properties: Mapping[str, Any]) -> RemoteState:
    """post-status is asked even where it is not written: an editor may have hidden the entry."""
    status = _first(properties, "post-status")
    if status == "deleted":
        return RemoteState.WITHDRAWN
    return RemoteState.DRAFT if status and status != "published" else RemoteState.PUBLIC


def _files(stored: str) -> tuple[File, ...]:
    """What was uploaded for this entry: Micropub has no list of files that all endpoints know."""
    root = LexborHTMLParser(stored).body
    nodes = root.css("a[href], img[src]") if root is not None else []
    links = dict.fromkeys(node.attributes.get("href") or node.attributes.get("src") or "" for node in nodes)
    return tuple(File(link, link) for link in links if is_ours(link))


def _moment(text: str) -> datetime | None:
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told if told.tzinfo is not None else None
