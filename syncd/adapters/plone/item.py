"""An item as plone.restapi tells it, and how a text is spelt for it: pure functions."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.article import Article, File
from syncd.adapters.plone.options import Options
from syncd.model import RemoteState

_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)+")
_LONGEST_ID = 60
_OURS = re.compile(r'<div class="syncd-(text|notice)" data-syncd="([^"\s]*)">')
_THEIRS = re.compile(r'class="syncd-(text|notice) (1:[^"\s]*)"')
_SOURCE, _SOURCE_CLASS = 'data-syncd-source="1"', 'class="syncd-source"'


def id_of(key: str) -> str:
    """The id of a key in its folder: itself where nothing in Plone could have that name, else made of its hash.

    Ids are plain ASCII (Plone answers 400 to others), and names such as `title` or `index_html` have a meaning of their own.
    """
    if len(key) <= _LONGEST_ID and _ID.fullmatch(key):
        return key
    return f"syncd-{hashlib.sha256(key.encode()).hexdigest()[:20]}"


def spelt(markup: str) -> str:
    """A text field as it is sent. The filter of Plone (safe_html) drops data-* attributes and keeps classes, so that our seal
    is written as one; and plone.restapi unescapes what it gets once (RichTextFieldDeserializer), so that "&lt;" would become
    a tag: it is escaped once more."""
    kept = _OURS.sub(r'<div class="syncd-\1 \2">', markup).replace(_SOURCE, _SOURCE_CLASS)
    return kept.replace("&", "&amp;")


def respelt(stored: str) -> str:
    """What Plone tells of a text field, with our seal as the rest of syncd knows it."""
    return _THEIRS.sub(r'class="syncd-\1" data-syncd="\2"', stored).replace(_SOURCE_CLASS, _SOURCE)


def summary_of(excerpt: str) -> str:
    """HTML for lists as Plone's plain description."""
    return html.unescape(excerpt)


def article_of(value: Mapping[str, Any], path: str, options: Options, public_url: str) -> Article | None:
    """An item from its JSON, or None if it is none that we could have made. path: below the site."""
    try:
        text = value[options.text_field]
        state = _state(value["review_state"], options)
        return Article(
            path, str(value["title"]), respelt(str(text["data"])) if text else "", state,
            url=f"{public_url}{path}" if state is RemoteState.PUBLIC else "",
            summary=html.escape(str(value.get("description") or ""), quote=False),
            tracked={field: _plain(value.get(field)) for field in options.fields.values()},
            first=_moment(value.get("effective") or value.get("created")),
            files=files_of(text["data"], path, options, public_url) if text else (),
        )
    except (KeyError, TypeError, ValueError):
        return None


def files_of(stored: str, path: str, options: Options, public_url: str) -> Sequence[File]:
    """The files of an item that its text leads to. Their ids begin with the item's, so that each is one item's alone."""
    if not options.files_folder:
        return ()
    root = LexborHTMLParser(stored).body
    links = [node.attributes.get("href") or node.attributes.get("src") or "" for node in root.css("a[href], img[src]")] \
        if root is not None else []
    begin = f"{public_url}{options.files_folder}/{path.rpartition('/')[2]}-"
    ours = dict.fromkeys(link for link in links if link.startswith(begin))
    return tuple(File(link.removeprefix(public_url).partition("/@@")[0], link) for link in ours)


def editor_of(history: Sequence[Any], user: str, *, made_by_us: bool) -> str | None:
    """Who changed an item last, "" if that was us, None if the history names nobody: without a right, or without versions.
    history: as Plone tells it, the newest first.

    An account's id may be another than its log-in name: who made an item that bears our seal is us, too.
    """
    actors = [str(actor["id"]) for entry in history if isinstance(entry, dict)
              and isinstance(actor := entry.get("actor"), dict) and actor.get("id")]
    if not actors:
        return None
    ours = {user, actors[-1]} if made_by_us else {user}
    return "" if actors[0] in ours else f"user {actors[0]}"


def _state(told: object, options: Options) -> RemoteState:
    """A type without a workflow has no state: it is as public as its folder."""
    return RemoteState.PUBLIC if told is None or told in options.public_states else RemoteState.DRAFT


def _plain(value: Any) -> Any:
    """A field's value as it would be sent: a choice is told with its title, a rich text with its type."""
    if isinstance(value, dict):
        return value.get("token", value.get("data"))
    return value


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
