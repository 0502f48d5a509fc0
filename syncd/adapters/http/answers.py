"""Answers read as JSON, HTML, XML or text, and what a place in them holds."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from syncd.adapters.http.options import Kind, Where
from syncd.adapters.markup import decode
from syncd.expressions import OWN_TEXT, css_fault, css_parts, json_fault, json_search
from syncd.web.api import Answer

_PROLOG = re.compile(r"\A\s*<\?xml[^>]*\?>")
_DOCTYPE = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_VALUES = frozenset({"textarea", "script", "option", "title"})
"""Elements whose text is a value, not markup."""


class Part(ABC):
    """An answer, or a row of it."""

    @abstractmethod
    def found(self, at: str) -> list[Any]:
        """What stands at a place: each value, element or attribute; nothing is none."""

    @abstractmethod
    def said(self, value: Any, *, markup: bool) -> str:
        """One of them as text. markup: of an element what is inside it, as HTML."""

    @abstractmethod
    def rows(self, at: str) -> Sequence[Part]:
        """The rows that stand at a place."""

    def has(self, at: str) -> bool:
        """True when a list stands there, be it empty."""
        return True

    def true(self, at: str) -> bool:
        """True when something is found there that is not false, null or empty."""
        return bool(self.found(at))


class JsonPart(Part):
    def __init__(self, value: Any) -> None:
        self.value = value

    def found(self, at: str) -> list[Any]:
        value = json_search(self.value, at)
        return [] if value is None else value if isinstance(value, list) else [value]

    def said(self, value: Any, *, markup: bool) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value) if isinstance(value, str | int | float) else ""

    def rows(self, at: str) -> Sequence[Part]:
        return [JsonPart(each) for each in self.found(at)]

    def has(self, at: str) -> bool:
        return json_search(self.value, at) is not None

    def true(self, at: str) -> bool:
        return json_search(self.value, at) not in (None, False, "", [], {})


class HtmlPart(Part):
    def __init__(self, node: LexborNode | None) -> None:
        self.node = node

    def found(self, at: str) -> list[Any]:
        css, attribute = css_parts(at)
        if self.node is None:
            return []
        nodes = [self.node] if css in ("", OWN_TEXT) else self.node.css(css)
        return [value for node in nodes if (value := node.attributes.get(attribute)) is not None] if attribute else nodes

    def said(self, value: Any, *, markup: bool) -> str:
        if isinstance(value, str):
            return value
        text = value.text()
        if value.tag in _VALUES:
            return str(text)
        return value.inner_html or "" if markup else " ".join(text.split())

    def rows(self, at: str) -> Sequence[Part]:
        return [HtmlPart(each) for each in self.found(at)]


class XmlPart(Part):
    def __init__(self, element: ET.Element | None) -> None:
        self.element = element

    def found(self, at: str) -> list[Any]:
        return [] if self.element is None else self.element.findall(at)

    def said(self, value: Any, *, markup: bool) -> str:
        text = "".join(value.itertext())
        return text if markup else text.strip()

    def rows(self, at: str) -> Sequence[Part]:
        return [XmlPart(each) for each in self.found(at)]


class TextPart(Part):
    def __init__(self, text: str) -> None:
        self.text = text

    def found(self, at: str) -> list[Any]:
        return [self.text]

    def said(self, value: Any, *, markup: bool) -> str:
        return str(value)

    def rows(self, at: str) -> Sequence[Part]:
        return [self]


class Page:
    """An answer, read. whole: None when it is not what it should be."""

    def __init__(self, answer: Answer, kind: Kind) -> None:
        self.answer, self.kind = answer, kind
        self.text = decode(answer.body, answer.header("content-type"))
        self.whole = _read(self.text, kind)

    def text_at(self, where: Where, row: Part | None = None, *, markup: bool = False) -> str:
        """The first text at a place after `take`, "" if there is none."""
        if where.header:
            found = [self.answer.header(where.header)]
        else:
            part = row if row is not None else self.whole
            at = where.at
            found = [self.text] if not at and row is None else [
                part.said(value, markup=markup) for value in part.found(at)] if part is not None else []
        return next((text for each in found if (text := taken(each, where.take))), "")

    def value_at(self, where: Where) -> Any:
        """What stands there: the value itself in JSON, a text elsewhere; None for nothing."""
        if isinstance(self.whole, JsonPart) and where.at and not where.take:
            return json_search(self.whole.value, where.at)
        return self.text_at(where) or None


def taken(text: str, take: str) -> str:
    """What a regular expression takes of a text: its group, or all of the match."""
    if not take:
        return text
    found = re.search(take, text)
    return (found.group(1) or "" if found.re.groups else found.group()) if found else ""


def _read(text: str, kind: Kind) -> Part | None:
    if kind == "json":
        try:
            return JsonPart(json.loads(text))
        except (ValueError, RecursionError):
            return None
    if kind == "xml":
        return _xml(text)
    if kind == "text":
        return TextPart(text)
    return None if _is_cut(text) else HtmlPart(LexborHTMLParser(text).root)


def _is_cut(text: str) -> bool:
    """A page that begins and does not end: half of a list is no list."""
    lower = text.lower()
    return "<html" in lower and "</html" not in lower


def _xml(text: str) -> Part | None:
    """Without entities of its own: a few bytes of them can be a gigabyte. A page of HTML may be XML, and is none here."""
    if _DOCTYPE.search(text):
        return None
    try:
        root = ET.fromstring(_PROLOG.sub("", text))  # noqa: S314  no document type, no entities
    except ET.ParseError:
        return None
    return None if root.tag.rpartition("}")[2].lower() == "html" else XmlPart(root)


def at_fault(at: str, kind: Kind) -> str:
    """Why an expression can't be used on such an answer, or ""."""
    if kind == "json":
        return json_fault(at)
    if kind == "html":
        return css_fault(at)
    return _xpath_fault(at) if kind == "xml" else "a text has no places: use take" if at else ""


def _xpath_fault(path: str) -> str:
    try:
        ET.Element("x").findall(path)
    except (SyntaxError, KeyError, TypeError):  # of a bracket that is never closed it makes no error of its own
        return f"{path!r} is no path that is understood here (XPath as Python's ElementTree has it)"
    return ""


def where_fault(where: Where, kind: Kind) -> str:
    """Why a place can't be used, or ""; templates are compiled elsewhere."""
    try:
        re.compile(where.take)
    except re.error as error:
        return f"take {where.take!r} is no regular expression: {error}"
    return at_fault(where.at, kind) if where.at else ""
