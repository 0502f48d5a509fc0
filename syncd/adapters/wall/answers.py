"""What a call of the contract may return or raise: the types, checked before the engine believes them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from syncd.adapters.api import Capabilities, CheckItem, CheckReport, Standing
from syncd.adapters.wall.faults import Broken
from syncd.errors import NotApplied, RateLimited, SyncdError
from syncd.model import RemoteDoc, RemoteRef, WriteResult

_REASON = re.compile(r"[a-z0-9_]{1,60}")
_CHECKED: tuple[Any, ...] = (RemoteRef, RemoteDoc, WriteResult, CheckReport, CheckItem, Capabilities, Standing)
_HINTS = {kind: {f.name: get_type_hints(kind)[f.name] for f in fields(kind)} for kind in _CHECKED}


def fitting(verb: str, value: Any) -> Any:
    """The value, if the contract knows it as an answer to this call. Raises Broken."""
    wanted, fits = ANSWERS[verb]
    problem = "" if fits(value) else f"{verb}() returned {_named(value)} instead of {wanted}"
    if problem := problem or _unfit(value):
        raise Broken("adapter_bug", problem)
    return value


def fitting_error(verb: str, error: SyncdError) -> SyncdError:
    """The error, if what it carries can be believed. Raises Broken."""
    if not (isinstance(error.reason, str) and _REASON.fullmatch(error.reason)):
        raise Broken("adapter_bug", f"{verb}() raised {type(error).__name__} whose reason is no word in snake_case")
    if not all(isinstance(text, str) for text in (error.message, error.hint, error.where)):
        raise Broken("adapter_bug", f"{verb}() raised {type(error).__name__} with a message or hint that is no text")
    if isinstance(error, RateLimited | NotApplied) and not _is_span(error.after):
        raise Broken("adapter_bug", f"{verb}() raised {type(error).__name__} with after={_named(error.after)}, no seconds")
    return error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_span(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _named(value: Any) -> str:
    return "nothing" if value is None else type(value).__name__


def _is(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _all(kind: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and all(isinstance(each, kind) for each in value)


ANSWERS: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "check": ("a CheckReport", _is(CheckReport)),
    "find": ("a RemoteRef or None", _is(RemoteRef, type(None))),
    "create": ("a WriteResult", _is(WriteResult)),
    "update": ("a WriteResult", _is(WriteResult)),
    "withdraw": ("a WriteResult", _is(WriteResult)),
    "read": ("a RemoteDoc", _is(RemoteDoc)),
    "list": ("RemoteDocs", _all(RemoteDoc)),
    "sweep": ("a tuple of RemoteRefs", _all(RemoteRef)),
    "standing": ("a Standing", _is(Standing)),
    "aclose": ("nothing", _is(type(None))),
}
WRITES = frozenset({"create", "update", "withdraw", "sweep"})
"""Calls that may change the CMS: what became of one that was given up is unknown."""


def _unfit(value: Any) -> str:
    """What is wrong within a value of the contract, "" if nothing is."""
    if isinstance(value, tuple):
        return next((wrong for each in value if (wrong := _unfit(each))), "")
    kind = next((each for each in _CHECKED if isinstance(value, each)), None)
    for name, wanted in _HINTS[kind].items() if kind else ():
        inner = getattr(value, name)
        if not _allowed(inner, wanted):
            return f"{type(value).__name__}.{name} is {_named(inner)}"
        if wrong := _unfit(inner):
            return wrong
    return ""


def _allowed(value: Any, wanted: Any) -> bool:
    """Whether a value has the type of its field: those that the contract uses."""
    if get_origin(wanted) is Literal:
        return value in get_args(wanted)
    if get_origin(wanted) is tuple:
        return isinstance(value, tuple) and all(_allowed(each, get_args(wanted)[0]) for each in value)
    if get_args(wanted):  # a union
        return any(_allowed(value, each) for each in get_args(wanted))
    if wanted is float:
        return _is_number(value)
    return isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
