"""JSON asked by JMESPath: what an expression finds, and, where it finds nothing, what is there instead."""

from __future__ import annotations

import json
import re
from typing import Any

from syncd.errors import ReadFailed
from syncd.expressions import json_fault, json_search
from syncd.model import AttachmentLink
from syncd.sources.html import absolute_fragment, file_name, file_type, join, plain
from syncd.sources.jsonfeed import read_json, shape
from syncd.sources.picks import Pick, Row, once

_WRAPPED = re.compile(r"\s*(?:(?:var|let|const)\s+)?[\w$.]{1,80}\s*[=(]\s*(?=[\[{])")
_STEP = re.compile(r"[.\[]")


def load(text: str) -> Any:
    """A JSON text, also one that stands in a call or an assignment of JavaScript. Raises ReadFailed("not_understood")."""
    wrapped = _WRAPPED.match(text)
    if wrapped is None:
        return read_json(text)
    try:
        return json.JSONDecoder().raw_decode(text, wrapped.end())[0]
    except (ValueError, RecursionError):
        return read_json(text)


def rows_at(value: Any, expression: str, *, where: str) -> list[Any]:
    """The list that an expression finds; an object counts as the list of its values if these are objects.

    Raises ReadFailed("not_understood") naming the option, how far the path led and what is there.
    """
    found = json_search(value, expression)
    if isinstance(found, list):
        return found
    if isinstance(found, dict) and found and all(isinstance(each, dict) for each in found.values()):
        return list(found.values())
    seen = "nothing" if found is None else shape(found)
    raise ReadFailed(
        "not_understood", f"options.list {expression!r} finds {seen}", where=where,
        hint=f"options.list {expression!r}: {reached(value, expression)}; {REDESIGNED}",
    )


def filled_keys(row: Any) -> list[str]:
    """The keys of a row that hold something, those of an object within it as `outer.inner`; none of what is no object."""
    if not isinstance(row, dict):
        return []
    inner = [
        f"{key}.{name}" for key, value in row.items() if isinstance(value, dict) for name, each in value.items() if each
    ]
    return [*(str(key) for key, value in row.items() if value and not isinstance(value, dict)), *inner]


REDESIGNED = "the list was changed, or another answer came in its place; syncd source new proposes a mapping"


def reached(value: Any, expression: str) -> str:
    """How far a path leads and what is there, in words."""
    ends = [found.start() for found in _STEP.finditer(expression)]
    for end in reversed(ends):
        part = expression[:end]
        found = None if json_fault(part) else json_search(value, part)
        if found is not None:
            return f"at {part!r} there is {shape(found)}"
    return f"the answer is {shape(value)}"


class JsonRow(Row):
    """A value of JSON. base: the address of its page, for relative links."""

    def __init__(self, value: Any, base: str) -> None:
        self.value, self.base = value, base

    def raw(self, pick: Pick) -> list[str]:
        return _texts(json_search(self.value, pick.at))

    def there(self, pick: Pick) -> str:
        found = json_search(self.value, pick.at)
        return f"it is {shape(found)}" if found not in (None, "") else f"there is {shape(self.value)}"

    def markup(self, pick: Pick) -> str:
        return absolute_fragment("".join(self.raw(pick)), self.base) if pick else ""

    def link(self, pick: Pick) -> str:
        return next((text for text in self.raw(pick) if text), "")

    def date(self, pick: Pick) -> str:
        """Zero counts no seconds: it is how machines write none."""
        return next((text for text in self.texts(pick) if text != "0"), "")

    def files(self, pick: Pick) -> tuple[AttachmentLink, ...]:
        found = json_search(self.value, pick.at) if pick else None
        return once(self._file(each) for each in (found if isinstance(found, list) else [found]))

    def _file(self, value: Any) -> AttachmentLink:
        told = value if isinstance(value, dict) else {"url": value}
        url = join(self.base, "".join(_texts(told.get("url"))[:1])) if told.get("url") else ""
        size = told.get("length")
        length = size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
        kind = "".join(_texts(told.get("type"))[:1]) or file_type(url)
        return AttachmentLink(url, kind, length, plain("".join(_texts(told.get("title"))[:1]))[:300] or file_name(url))


def _texts(value: Any) -> list[str]:
    """The scalars of a value as texts: a whole number without a point, true as "true", false and null as none."""
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    if isinstance(value, bool):
        return ["true"] if value else []
    if isinstance(value, float) and value.is_integer():
        return [str(int(value))]
    return [str(value)] if isinstance(value, str | int | float) else []
