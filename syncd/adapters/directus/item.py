"""An item as Directus returns it: the fields that an update of ours writes over, its state in our words, its files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from syncd.adapters.article import SOMEBODY, Article, File
from syncd.adapters.directus.options import Options
from syncd.adapters.headless import belongs, id_of

_ASSET = re.compile(r"/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/([^/\"'?#<>\s]+)")


@dataclass(frozen=True, slots=True)
class Item:
    """What else is to be seen again of an item. updated: when it was changed last, as Directus writes it, None if never.
    guard: the guard's counter, None without."""

    column: str
    updated: str | None
    guard: int | None


def parse(told: Any, options: Options, page: str, me: str) -> Article:
    """An item as an article. page: its public address. me: our account's UUID, "" while it is not known.

    Raises KeyError, TypeError, ValueError for what is no item of this collection.
    """
    state = options.state_of(told[options.status_field])
    html = str(told[options.body_field] or "")
    article = Article(
        str(told[options.key_field]), str(told[options.title_field] or ""), html, state,
        page if told[options.status_field] != options.state("draft") else "",
        summary=str(told[options.summary_field] or "") if options.summary_field else "",
        tracked={field: told[field] for field in options.fields.values()},
        first=_moment(told.get(options.created_field)), native=_native(told, options))
    user = str(told.get(options.editor_field) or "")
    return replace(article, files=_files(article, options), editor=_editor(article, user, me))


def _editor(article: Article, user: str, me: str) -> str:
    """Who changed it last, if that was not us. Where Directus names nobody, our seal tells if we did."""
    if user:
        return f"user {user[:8]}" if me and user != me else ""
    return SOMEBODY if article.native.updated is not None and not article.opened.whole else ""


def _files(article: Article, options: Options) -> tuple[File, ...]:
    """Those that were sent for this item; a person's item, once adopted, bears our key in its seal only."""
    owners = {article.id, id_of(article.opened.key) if article.opened.whole else article.id}
    return files_of(article.html, options.assets, owners)


def files_of(html: str, assets: str, owners: Collection[str]) -> tuple[File, ...]:
    """The files that a text refers to and that were sent for one of these items: their addresses tell them."""
    found = {match[1]: File(match[1], f"{assets}/{match[1]}/{match[2]}", unquote(match[2]))
             for match in _ASSET.finditer(html) if belongs(unquote(match[2]), owners)}
    return tuple(found.values())


def _native(told: Mapping[str, Any], options: Options) -> Item:
    updated = told[options.updated_field]
    guard = told[options.guard_field] if options.guard_field else None
    column = told[options.column_field] if options.column_field else ""
    return Item(str(column or ""), None if updated is None else str(updated), None if guard is None else int(guard))


def _moment(text: object) -> datetime | None:
    moment = datetime.fromisoformat(str(text)) if text else None
    return moment if moment is not None and moment.tzinfo is not None else None
