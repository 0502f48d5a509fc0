"""A document as Strapi returns it: a draft that is always there, and what the public sees of it, if anything."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from syncd.adapters import sealed
from syncd.adapters.article import SOMEBODY, Article, File
from syncd.adapters.headless import belongs
from syncd.adapters.strapi.options import Options
from syncd.model import RemoteState

_OWN = frozenset({"id", "createdAt", "updatedAt", "publishedAt"})
"""Fields of Strapi's own in which the two versions of a document always differ."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What else is to be seen again of a document. others: the files that are an editor's. public: whether the public sees
    anything of it, a notice too. created: when the document was, by Strapi's clock; a published version may be younger."""

    column: str
    others: tuple[int, ...]
    public: bool
    created: datetime


def parse(draft: Any, published: Any, options: Options, page: str) -> Article:
    """A document as an article, by what the public sees, else by its draft. published: None while nothing is public.

    An editor's draft that waits to be published is shown in its place: publishing ours would overwrite it. Strapi does not
    tell who changed a document with our key; our seal tells if we did. Raises KeyError, TypeError, ValueError,
    AttributeError for what is no entry of this content type.
    """
    shown = published or draft
    own = {*_OWN, options.files_field}
    waits = {name: value for name, value in draft.items() if name not in own and name in shown and value != shown[name]}
    article = Article(
        str(shown["documentId"]), str(shown[options.title_field] or ""), str(shown[options.body_field] or ""),
        RemoteState.PUBLIC if published else RemoteState.DRAFT, page if published else "",
        summary=str(shown[options.summary_field] or "") if options.summary_field else "",
        tracked={**{field: shown[field] for field in options.fields.values()}, "": waits},
        first=datetime.fromisoformat(str(shown["createdAt"])),
        native=Entry(_column(shown, options), (), bool(published), datetime.fromisoformat(str(draft["createdAt"]))))
    article = _with_files(article, draft, shown, options)
    if shown.get(options.key_field) and not article.opened.whole:
        article = replace(article, editor=SOMEBODY)
    return _with_draft(article, draft, waits, options) if waits else article


def _with_files(article: Article, draft: Mapping[str, Any], shown: Mapping[str, Any], options: Options) -> Article:
    """Ours are those that were sent for this document; a person's document, once adopted, bears our key in its seal only. An
    editor's own stay in either version."""
    key = str(shown.get(options.key_field) or "")
    owners = {key, article.opened.key if article.opened.whole else key}
    public, drafted = (_files(version, options) for version in (shown, draft))
    ours = tuple(file for file in public if belongs(file.name, owners))
    others = dict.fromkeys(int(file.id) for file in (*public, *drafted) if not belongs(file.name, owners))
    return replace(article, files=ours, native=replace(article.native, others=tuple(others)))


def _files(version: Mapping[str, Any], options: Options) -> tuple[File, ...]:
    told = version.get(options.files_field) or ()
    return tuple(File(str(int(each["id"])), options.file_url(str(each["url"])), str(each["name"])) for each in told)


def _with_draft(article: Article, draft: Mapping[str, Any], waits: Mapping[str, Any], options: Options) -> Article:
    """As the editor left it: text and title of the draft, and beneath them what else waits. A draft with a text of ours, seal
    whole, is a write of ours that came between our two looks."""
    title, text = str(draft[options.title_field] or ""), str(draft[options.body_field] or "")
    if (title, text) != (article.title, article.html) and sealed.open_page(text, title).whole:
        return article
    others = {name: value for name, value in waits.items() if name not in (options.title_field, options.body_field)}
    told = "".join(f"<p>{html.escape(f'{name}: {value}')}</p>" for name, value in others.items())
    state = RemoteState.WITHDRAWN if article.opened.notice else article.state
    return replace(article, title=title, html=text + told, state=state, editor=SOMEBODY)


def _column(shown: Mapping[str, Any], options: Options) -> str:
    return str(shown[options.column_field] or "") if options.column_field else ""
