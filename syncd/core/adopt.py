"""Adoption: which page of an observed site is a document's repost, found by its 发文字号 and its title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from syncd.core.identity import normalise_number, normalise_title
from syncd.model import RemoteDoc

_DISTINCT = 10
"""Characters from which a title alone is a name; "政府工作报告" is on every site every year."""
_LABEL = 8
"""Characters that may stand before a number in the line that states it; more is a sentence that cites it."""
_CITES = frozenset("〔〕根据按依照见转贯彻落实和与")
_FIELD = re.compile(r"\s*(?:发文字号|文\s*号)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A page of the site as a look saw it. text: its visible text, one paragraph a line."""

    doc: RemoteDoc
    text: str


@dataclass(frozen=True, slots=True)
class Match:
    """The page taken for the repost, and by what: "number_and_title", "number" or "title"."""

    doc: RemoteDoc
    by: str


def match(title: str, number: str, candidates: Sequence[Candidate]) -> Match | None:
    """The candidate that reposts the document; number: its 发文字号, or "". The strongest ground wins, then list order.

    A number counts only in a line of its own: other documents cite it in their sentences. A page that states another
    number than the document's is not it, however alike the titles are.
    """
    wanted, name = normalise_number(number), normalise_title(title)
    found = [Match(each.doc, by) for each in candidates if (by := _ground(wanted, name, each))]
    return min(found, key=lambda each: _STRENGTH[each.by], default=None)


_STRENGTH = {"number_and_title": 0, "number": 1, "title": 2}


def _ground(number: str, title: str, candidate: Candidate) -> str:
    stated = _states(number, candidate.text) if number else False
    titled = _titled(title, normalise_title(candidate.doc.title))
    if stated:
        return "number_and_title" if titled else "number"
    if not titled or len(title) < _DISTINCT:
        return ""
    return "" if number and _states_another(candidate.text) else "title"


def _titled(title: str, shown: str) -> bool:
    """The page's title holds the document's; or it is the beginning of it, as a list cuts it."""
    if not title or not shown:
        return False
    return title in shown or (len(shown) >= _DISTINCT and title.startswith(shown))


def _states(number: str, text: str) -> bool:
    lines = text.splitlines()
    return any(_is_statement(normalise_number(line), number) or _is_labelled(line, number) for line in lines)


def _is_statement(line: str, number: str) -> bool:
    label = line.removesuffix(number)
    return len(label) < len(line) and len(label) <= _LABEL and not _CITES & set(label)


def _is_labelled(line: str, number: str) -> bool:
    """One of several fields in a line: "文号：国办发〔2026〕5号 来源：…"."""
    words = map(normalise_number, line.split())
    return any(word.endswith(f":{number}") and _is_statement(word, number) for word in words)


def _states_another(text: str) -> bool:
    """A field 文号 with a number in it or in the next line (a table's next cell)."""
    lines = text.splitlines()
    fields = [" ".join(lines[at : at + 2]) for at, line in enumerate(lines) if _FIELD.match(line)]
    return any("〔" in normalise_number(field) for field in fields)
