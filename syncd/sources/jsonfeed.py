"""JSON Feed 1.0 and 1.1, and JSON as lists come in: read strictly, row by row."""

from __future__ import annotations

import html
import json
from typing import Any

from syncd.errors import ReadFailed
from syncd.model import AttachmentLink, Problem
from syncd.sources.html import join, plain, squeeze
from syncd.sources.raw import RawEntry, RawList, identified

_VERSION = "https://jsonfeed.org/version/1"
_MAX_KEYS = 12


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises ReadFailed: truncated when its end is missing, not_understood when it is none or
    nested too deep."""
    try:
        value = json.loads(text.lstrip("\ufeff"))
        if "\\ud" in text.lower():  # half a character, written as an escape, can be neither hashed nor stored
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        return value
    except (ValueError, RecursionError) as error:
        if _is_cut(text.strip("\ufeff \t\r\n"), error):
            raise ReadFailed(
                "truncated", f"the JSON is cut off: {str(error)[:200]}", hint="it is read again at the next poll"
            ) from error
        raise ReadFailed(
            "not_understood",
            f"it is no JSON: {str(error)[:200]}",
            hint="open the address in a browser; it may be cut or moved",
        ) from error


def _is_cut(text: str, error: Exception) -> bool:
    """Whether a text that is no JSON began as an object or a list and lacks its end."""
    end = {"{": "}", "[": "]"}.get(text[:1])
    over = isinstance(error, json.JSONDecodeError) and error.pos >= len(error.doc.rstrip())
    return end is not None and not isinstance(error, RecursionError) and (over or not text.endswith(end))


def shape(value: Any) -> str:
    """What a JSON value looks like, in words, for hints: its kind and the keys that it or its first row has."""
    if isinstance(value, dict):
        return f"an object with the keys {_names(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}, the first being {shape(value[0])}" if value else "an empty list"
    return f"a {type(value).__name__}"


def _names(value: dict[str, Any]) -> str:
    listed = ", ".join(str(key)[:40] for key in list(value)[:_MAX_KEYS]) or "(none)"
    return f"{listed} …" if len(value) > _MAX_KEYS else listed


def is_json_feed(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and str(value.get("version", "")).startswith(_VERSION)
        and isinstance(value.get("items"), list)
    )


def json_feed(value: Any, url: str) -> RawList:
    """The rows of a JSON Feed. Raises ReadFailed("not_a_feed") with the keys seen when it is none."""
    if not is_json_feed(value):
        raise ReadFailed(
            "not_a_feed",
            f"it is JSON, but no JSON Feed: {shape(value)}",
            hint='a JSON Feed has "version" and "items"; gov.cn\'s own lists need kind = "govcn"',
        )
    problems: list[Problem] = []
    rows = [row for n, item in enumerate(value["items"]) if (row := _row(item, f"items[{n}]", url, problems))]
    return RawList(tuple(identified(rows, problems)), tuple(problems), _text(value, "title"))


def _row(item: Any, where: str, url: str, problems: list[Problem]) -> RawEntry | None:
    if not isinstance(item, dict):
        problems.append(Problem("bad_entry", f"an item must be an object, not {shape(item)}", where))
        return None
    content = _text(item, "content_html") or _paragraphs(_text(item, "content_text"))
    title = plain(_text(item, "title")) or plain(_text(item, "summary") or content)[:80]
    if not title:
        problems.append(Problem("entry_without_title", "an item has no title and no text; it is left out", where))
        return None
    link = _text(item, "url") or _text(item, "external_url")
    address = join(url, link) if link else ""
    if link and not address:
        problems.append(Problem("bad_link", f"{link[:80]!r} is no web address; the entry has none", where))
    return RawEntry(
        where=where,
        key=_text(item, "id"),
        title=title,
        url=address,
        published=_text(item, "date_published"),
        updated=_text(item, "date_modified"),
        summary=plain(_text(item, "summary")),
        content_html=content,
        author=_authors(item),
        categories=_strings(item.get("tags")),
        attachments=_files(item, url),
    )


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{html.escape(line)}</p>" for line in text.splitlines() if line.strip())


def _strings(value: Any) -> tuple[str, ...]:
    return (
        tuple(squeeze(one) for one in value if isinstance(one, str) and one.strip())
        if isinstance(value, list)
        else ()
    )


def _authors(item: dict[str, Any]) -> str:
    many = item.get("authors")
    people = many if isinstance(many, list) else [item.get("author")]
    return ", ".join(name for one in people if isinstance(one, dict) and (name := _text(one, "name")))


def _files(item: dict[str, Any], url: str) -> tuple[AttachmentLink, ...]:
    listed = item.get("attachments")
    found = [_file(one, url) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(one for one in found if one.url)


def _file(one: dict[str, Any], url: str) -> AttachmentLink:
    size = one.get("size_in_bytes")
    length = size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
    return AttachmentLink(join(url, _text(one, "url")), _text(one, "mime_type"), length, _text(one, "title"))
