"""Templates of requests: Jinja2 in a sandbox, every name known before the first request, values never pasted into code."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, nodes
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from syncd.errors import Rejected

Context = Mapping[str, Any]
_WHOLE = re.compile(r"\s*\{\{-?(.+?)-?\}\}\s*", re.DOTALL)


class Fault(Exception):
    """A template that can't be used: why, and in which line of it."""


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled template. place: the option that it stands in, such as create.json.title. names: what it speaks of."""

    place: str
    source: str
    names: frozenset[str]
    _render: Callable[..., str]
    _value: Callable[..., Any] | None

    def text(self, context: Context) -> str:
        """The text that it gives. Raises Rejected("template")."""
        return str(self._guarded(self._render, context))

    def value(self, context: Context) -> Any:
        """The value itself where the template is one expression alone, such as a number; else its text."""
        if self._value is None:
            return self.text(context)
        found = self._guarded(self._value, context)
        if isinstance(found, Undefined):
            raise self._wrong("it names something that is not there")
        return found

    def _guarded(self, call: Callable[..., Any], context: Context) -> Any:
        try:
            return call(**context)
        except TemplateError as error:
            raise self._wrong(str(error.message or type(error).__name__)) from None
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise self._wrong(type(error).__name__) from None

    def _wrong(self, why: str) -> Rejected:
        return Rejected("", "template", f"options.{self.place} can't be filled in for this post: {why}",
                        hint=f"correct options.{self.place}, then syncd retry")


def _said(value: Any) -> Any:
    """What a template shows of a value: nothing for None, ISO 8601 for a time, true and false as JSON has them."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else value


def _in_address(value: Any) -> Any:
    return value if isinstance(value, Undefined) else quote(str(_said(value)), safe="")


def date(value: datetime, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time in the site's zone by a form of strftime."""
    return value.strftime(form)


def timestamp(value: datetime) -> int:
    """Seconds since 1970."""
    return int(value.timestamp())


def merged(value: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """A table with another one laid over it, tables within tables too."""
    both = dict(value)
    for name, new in other.items():
        old = both.get(name)
        both[name] = merged(old, new) if isinstance(old, Mapping) and isinstance(new, Mapping) else new
    return both


def _digest(name: str) -> Callable[[str], str]:
    def digest(value: str) -> str:
        return hashlib.new(name, str(value).encode(), usedforsecurity=False).hexdigest()

    return digest


def _base64(value: str) -> str:
    return base64.b64encode(str(value).encode()).decode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "date": date, "timestamp": timestamp, "merged": merged, "base64": _base64, "json": _json,
    "sha256": _digest("sha256"), "md5": _digest("md5"),
}


@lru_cache(maxsize=3)
def _environment(use: str) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=use == "xml", finalize=_in_address if use == "url" else _said,
        keep_trailing_newline=False,
    )
    made.filters.update(FILTERS)
    return made


def compiled(source: str, place: str, known: Collection[str], use: str = "plain",
             within: Mapping[str, Collection[str]] | None = None) -> Template:
    """A template. use: "plain", "url" (values are escaped for an address) or "xml" (for XML). known: the names that it may
    use; within: and those inside of a name, such as auth. Raises Fault."""
    try:
        built = _built(source, use)
    except TemplateSyntaxError as error:
        raise Fault(f"{_line(error.lineno, source)}{error.message}") from None
    except TemplateError as error:
        raise Fault(str(error.message)) from None
    strange = sorted(built.names - set(known))
    if strange:
        line = _line(_line_of(built.tree, strange[0]), source)
        raise Fault(f"{line}{strange[0]!r} is not known here; known are {', '.join(sorted(known))}")
    _refuse_inner(built.tree, source, within or {})
    return Template(place, source, built.names, built.render, built.value)


@dataclass(frozen=True, slots=True)
class _Built:
    tree: nodes.Template
    names: frozenset[str]
    render: Callable[..., str]
    value: Callable[..., Any] | None


@lru_cache(maxsize=1024)  # options are compiled when they are checked and when they are used: milliseconds each
def _built(source: str, use: str) -> _Built:
    environment = _environment(use)
    tree = environment.parse(source)
    names = frozenset(find_undeclared_variables(tree))
    return _Built(tree, names, environment.from_string(source).render, _expression(environment, tree, source))


def _expression(environment: ImmutableSandboxedEnvironment, tree: nodes.Template, source: str) -> Callable[..., Any] | None:
    """The one expression that a template is made of, or None where there is more in it."""
    output = tree.body[0].nodes if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) else []
    shown = [node for node in output if not (isinstance(node, nodes.TemplateData) and node.data.isspace())]
    found = _WHOLE.fullmatch(source)
    if found is None or len(shown) != 1 or isinstance(shown[0], nodes.TemplateData):
        return None
    return environment.compile_expression(found[1], undefined_to_none=False)


def _refuse_inner(tree: nodes.Template, source: str, within: Mapping[str, Collection[str]]) -> None:
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        owner = node.node if isinstance(node, (nodes.Getattr, nodes.Getitem)) else None
        if not isinstance(owner, nodes.Name) or owner.name not in within:
            continue
        name = node.attr if isinstance(node, nodes.Getattr) else getattr(getattr(node, "arg", None), "value", None)
        if name not in within[owner.name]:
            known = ", ".join(f"{owner.name}.{each}" for each in sorted(within[owner.name])) or "none"
            raise Fault(f"{_line(node.lineno, source)}{owner.name}.{name} is not known; known are {known}")


def _line_of(tree: nodes.Template, name: str) -> int:
    return next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)


def _line(number: int, source: str) -> str:
    return f"line {number}: " if "\n" in source.strip() else ""
