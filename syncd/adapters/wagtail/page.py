"""A page as Wagtail tells it, as an article: its text out of the field that holds it, its files, who changed it last."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from syncd.adapters.article import Article, Attached, File
from syncd.adapters.wagtail.api import KEY
from syncd.adapters.wagtail.options import Options
from syncd.model import RemoteState

FILES, PAGE = "syncd_files", "syncd_page"
"""Fields of the mixin: our files, and what the API does not tell by itself."""


@dataclass(frozen=True, slots=True)
class Native:
    """key: whose repost it is. etag: the version under which a write may be made. pending: what the public sees is older
    than what was saved last. warnings: what Wagtail dropped of what was sent."""

    key: str
    etag: str
    pending: bool
    warnings: tuple[str, ...] = ()


def parse(told: Mapping[str, Any], options: Options, public_url: str, me: str) -> Article | None:
    """None if it is no page of our type with our mixin. me: our account's number."""
    meta, page = told.get("meta"), told.get(PAGE)
    if not isinstance(meta, dict) or meta.get("type") != options.page_type or not isinstance(page, dict):
        return None
    try:
        live, editor = page["live"] is True, str(page["editor"] or "")
        first = datetime.fromisoformat(page["first"]) if page["first"] else None
        return Article(
            id=str(int(told["id"])), title=str(told["title"]), html=_text(told[options.body_field], options.block),
            state=RemoteState.PUBLIC if live else RemoteState.WITHDRAWN if first else RemoteState.DRAFT,
            url=local(str(meta.get("html_url") or ""), public_url) if live or first else "", first=first,
            tracked=_tracked(told, meta, options) | _saved(page, theirs=editor != me),
            editor=f"user {editor}" if editor and editor != me else "", files=_files(told[FILES]),
            native=Native(str(told[KEY] or ""), str(page["etag"]), page["pending"] is True, _warnings(meta)),
        )
    except (KeyError, TypeError, ValueError):
        return None


def body_of(markup: str, options: Options) -> Any:
    """The field's value: the one block of a StreamField, or the text of a RichTextField."""
    return [{"type": options.block, "value": markup}] if options.block else markup


def listed(files: Sequence[Attached]) -> str:
    """Our files, as the page's field holds them for a later look."""
    told = {each.file.id: [each.file.url, each.file.name] for each in files}
    return json.dumps(told, ensure_ascii=False) if told else ""


def local(address: str, public_url: str) -> str:
    """The public address of what Wagtail has below the address that it thinks it has: a proxy may stand before it."""
    return public_url + urlsplit(address).path if address else ""


def _tracked(told: Mapping[str, Any], meta: Mapping[str, Any], options: Options) -> dict[str, Any]:
    return {name: told.get(name, meta.get(name)) for name in options.fields.values()}


def _saved(page: Mapping[str, Any], *, theirs: bool) -> dict[str, Any]:
    """What an editor saved and did not publish: an update would publish all of it, also in fields that we know nothing of."""
    return {PAGE: str(page["etag"])} if theirs and page["pending"] is True else {}


def _text(held: Any, block: str) -> str:
    """Blocks that editors added belong to it: they are what an update would write over."""
    if not block:
        return str(held or "")
    return "".join(_of_block(each) for each in held or ())


def _of_block(block: Mapping[str, Any]) -> str:
    value = block["value"]
    return value if isinstance(value, str) else f"<pre>{html.escape(json.dumps(value, ensure_ascii=False))}</pre>"


def _files(held: Any) -> tuple[File, ...]:
    told = json.loads(held) if held else {}
    return tuple(File(id, str(url), str(name)) for id, (url, name) in told.items())


def _warnings(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """What the API lists of a RichTextField's losses: wagtail/admin/rich_text/converters/db_html.py, RichTextRemoval."""
    told = meta.get("warnings")
    found = [_warning(each) for each in told] if isinstance(told, list) else []
    return tuple(dict.fromkeys(found))


def _warning(told: Any) -> str:
    if not isinstance(told, dict):
        return f"Wagtail warns: {str(told)[:200]}"
    return f"Wagtail {told.get('action')} <{told.get('tag')}> ({str(told.get('reason')).replace('_', ' ')})"
