"""Expressions that config names places with, JMESPath for JSON and CSS selectors for HTML: compiled once, faults in words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

_AT = re.compile(r"(?P<css>.*?)(?:@(?P<attribute>[\w:-]+))?", re.DOTALL)
OWN_TEXT = "."
"""The selector of what stands in an element itself, outside of its links and other elements."""


def json_fault(expression: str) -> str:
    """Why a JMESPath expression can't be compiled, or ""."""
    try:
        _compiled(expression)
    except JMESPathError as error:
        return f"{expression!r} is no JMESPath expression: {str(error).splitlines()[0].rstrip(':')}"
    return ""


@lru_cache(maxsize=512)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def json_search(value: Any, expression: str) -> Any:
    """What an expression finds, None for nothing; also when a function in it is given what it can't take."""
    try:
        return _compiled(expression).search(value)
    except JMESPathError:
        return None


def css_fault(selector: str) -> str:
    """Why a CSS selector with an optional @attribute can't be used, or ""."""
    css = css_parts(selector)[0]
    if css in ("", OWN_TEXT):
        return ""
    try:
        _probe().css(css)
    except (SelectolaxError, ValueError):
        return f"{css!r} is no CSS selector"
    return ""


@lru_cache(maxsize=1)
def _probe() -> LexborHTMLParser:
    return LexborHTMLParser("<p></p>")


@lru_cache(maxsize=512)
def css_parts(selector: str) -> tuple[str, str]:
    """The CSS and the attribute of `css@attribute`."""
    found = _AT.fullmatch(selector.strip())
    return (found["css"].strip(), found["attribute"] or "") if found else (selector, "")
