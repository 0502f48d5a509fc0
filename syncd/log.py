"""Logs: an event is one JSON line on stdout, ASCII, with journald's priority, without secrets (by key and by value)."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import traceback
from bisect import bisect_left, insort
from collections.abc import Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from math import isfinite
from threading import Lock
from typing import Any, Protocol, TextIO, cast
from urllib.parse import quote, quote_plus

import structlog

HIDDEN = "[hidden]"
_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_LEVEL = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_SECRET_KEY = re.compile(
    r"(?i)passw(or)?d|passphrase|pwd\b|secret|token|authorization|cookie|credential|api_?key|private_?key|signature"
)
_IN_ADDRESS = re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@\"'<>]*@")
_IN_QUERY = re.compile(
    r"(?i)([?&;](?:[\w.-]*(?:token|passw(?:or)?d|secret|signature|api_?key))|[?&]key|[?&]sig)=[^&\s\"'<>#]*"
)
_IN_HEADER = re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9+/=._~-]{6,}")
_SHORTEST = 4
"""A shorter value is not searched for: it would blacken half of every line."""
_LONGEST = 4096
_DEEPEST = 8
_values: set[str] = set()
_longest_first: list[str] = []
"""The same values, in the order in which they are searched for."""
_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False).encode


class Logger(Protocol):
    """What the rest of syncd may ask of a logger."""

    def bind(self, **fields: Any) -> Logger: ...
    def debug(self, event: str, **fields: Any) -> Any: ...
    def info(self, event: str, **fields: Any) -> Any: ...
    def warning(self, event: str, **fields: Any) -> Any: ...
    def error(self, event: str, **fields: Any) -> Any: ...
    def exception(self, event: str, **fields: Any) -> Any: ...


def register_secret(value: str) -> None:
    """From now on this value appears in no line: plain, percent-encoded, base64 or as JSON writes it."""
    if len(value) < _SHORTEST:
        return
    raw = value.encode()
    spelt = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1], repr(value)[1:-1]}
    spelt.update(base64.b64encode(raw[skip:]).decode().rstrip("=")[:-1] for skip in range(3) if len(raw) > skip + 5)
    for each in spelt - _values:
        insort(_longest_first, each, key=_shortness)
    _values.update(spelt)


def _shortness(text: str) -> int:
    return -len(text)


def forget_secrets() -> None:
    """Start anew, for a reload that brings other secrets and for tests."""
    _values.clear()
    _longest_first.clear()


def redact(text: str) -> str:
    """The text without registered values, log-ins in addresses, tokens in queries and Authorization values."""
    text = _without_values(text)
    if text.isalnum() or text.isidentifier():  # as most are: nothing below is in it
        return text
    if "@" in text:
        text = _IN_ADDRESS.sub(rf"\1{HIDDEN}@", text)
    if "=" in text:
        text = _IN_QUERY.sub(rf"\1={HIDDEN}", text)
    return _IN_HEADER.sub(rf"\1 {HIDDEN}", text)


def _without_values(text: str) -> str:
    """Those that are longer than the text can't be in it."""
    for value in _longest_first[bisect_left(_longest_first, -len(text), key=_shortness):]:
        text = text.replace(value, HIDDEN)
    return text


def setup(
    now: Callable[[], datetime], *, level: str = "info", stream: TextIO | None = None, console: bool = False,
    journal: bool | None = None,
) -> None:
    """Say how lines are written from now on. now: the clock. console: for a person at a terminal instead of JSON.

    stream: None is stdout. journal: with the prefix <6>; None looks whether the stream is journald's.
    """
    out = sys.stdout if stream is None else stream
    prefixed = is_journal(out, os.environ) if journal is None else journal
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, _Stamp(now), _plain,
            _Console() if console else _Line(prefixed),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVEL[level]),
        logger_factory=lambda *_: _Writer(out),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> Logger:
    """A logger whose lines carry `logger`: name."""
    return cast(Logger, structlog.get_logger().bind(logger=name))


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream is the one that systemd connected to its journal ($JOURNAL_STREAM is device:inode)."""
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return environ.get("JOURNAL_STREAM", "") == f"{status.st_dev}:{status.st_ino}"


Fields = MutableMapping[str, Any]
_lock = Lock()


class _Writer:
    """Writes whole lines; a stream that is gone must not stop the work."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        with _lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError):
                return

    debug = info = warning = error = critical = exception = msg


class _Stamp:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def __call__(self, _logger: object, _method: str, fields: Fields) -> Fields:
        fields["time"] = self._now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return fields


class _Line:
    """One JSON object in ASCII: no control, bidi or line-breaking character survives."""

    def __init__(self, prefixed: bool) -> None:
        self._prefixed = prefixed

    def __call__(self, _logger: object, _method: str, fields: Fields) -> str:
        first = {key: fields.pop(key) for key in ("time", "level", "logger", "event") if key in fields}
        line = _encode(first | dict(fields))
        return f"<{_PRIORITY.get(str(first.get('level')), 6)}>{line}" if self._prefixed else line


class _Console:
    """For a person: local time of day, level, event, key=value; unprintable characters are escaped, Chinese is not."""

    def __call__(self, _logger: object, _method: str, fields: Fields) -> str:
        moment = datetime.fromisoformat(str(fields.pop("time"))).astimezone()
        level, event = str(fields.pop("level", "info")), str(fields.pop("event", ""))
        fields.pop("logger", None)
        details = "  ".join(f"{key}={_visible(value)}" for key, value in fields.items() if value not in ("", None))
        return _printable(f"{moment:%H:%M:%S} {level:<7} {event:<16} {details}".rstrip())


def _visible(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _plain(_logger: object, _method: str, fields: Fields) -> Fields:
    """Everything as JSON's own types with secrets out, exceptions as text."""
    cause = fields.pop("exc_info", None)
    if cause:
        fields["exception"] = _traceback(cause)
    return {redact(str(key)): _value(str(key), value, 0) for key, value in fields.items()}


def _traceback(cause: object) -> str:
    if cause is True:
        cause = sys.exc_info()
    if isinstance(cause, BaseException):
        cause = (type(cause), cause, cause.__traceback__)
    kind, error, trace = cast("tuple[Any, Any, Any]", cause)
    return "".join(traceback.format_exception(kind, error, trace)) if kind else ""


def _value(key: str, value: object, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if _names_secret(key) or depth >= _DEEPEST:
        return HIDDEN
    if isinstance(value, str):
        return _clipped(redact(value))
    if isinstance(value, (int, float)):
        return _number(value)
    if isinstance(value, Mapping):
        return {redact(str(k)): _value(str(k), v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_value("", item, depth + 1) for item in value]
    return _clipped(redact(_text(value)))


@lru_cache(maxsize=1024)
def _names_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _number(value: float) -> object:
    shown = repr(value)
    hidden = _without_values(shown)
    finite = isinstance(value, int) or isfinite(value)
    return value if hidden == shown and finite else hidden


def _text(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    if isinstance(value, datetime):
        return value.isoformat()
    try:
        return str(value) if isinstance(value, (BaseException, os.PathLike)) else repr(value)
    except Exception as error:  # noqa: BLE001 - a broken repr of somebody else's object must not cost the line
        return f"<{type(value).__name__}: {type(error).__name__}>"


def _clipped(text: str) -> str:
    """journald cuts lines at 48 KiB; the start and the end of a text say most."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST // 2]} ... {text[-_LONGEST // 2:]}"
