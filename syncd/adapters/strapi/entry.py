"""A document as Strapi returns it: a draft that is always there, and what the public sees of it, if anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from syncd.adapters.article import Article, File, is_ours
from syncd.adapters.strapi.options import Options
from syncd.model import RemoteState


@dataclass(frozen=True, slots=True)
class Entry:
    """What else is to be seen again of a document. others: the files that are an editor's."""

    column: str
    others: tuple[int, ...]


def parse(draft: Any, published: Any, options: Options, page: str) -> Article:
    """A document as an article, by what the public sees, else by its draft. published: None while nothing is public.

    An editor's draft that waits to be published counts as a change: publishing ours would overwrite it. Raises KeyError,
    TypeError, ValueError, AttributeError for what is no entry of this content type.
    """
    shown = published or draft
    waits = {name: draft[name] for name in options.written if draft[name] != shown[name]}
    files = [(int(each["id"]), str(each["name"]), str(each["url"])) for each in shown.get(options.files_field) or ()]
    return Article(
        str(shown["documentId"]), str(shown[options.title_field] or ""), str(shown[options.body_field] or ""),
        RemoteState.PUBLIC if published else RemoteState.DRAFT, page if published else "",
        summary=str(shown[options.summary_field] or "") if options.summary_field else "",
        tracked={**{field: shown[field] for field in options.fields.values()}, "": waits},
        first=datetime.fromisoformat(str(shown["createdAt"])),
        files=tuple(File(str(id), options.file_url(url), name) for id, name, url in files if is_ours(name)),
        native=Entry(_column(shown, options), tuple(id for id, name, _ in files if not is_ours(name))))


def _column(shown: Mapping[str, Any], options: Options) -> str:
    return str(shown[options.column_field] or "") if options.column_field else ""
