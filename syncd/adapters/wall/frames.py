"""What goes between the daemon and an adapter's process: numbered frames whose contents are read each by itself.

Calls go to the child ("call", "cancel"); it asks for what needs the daemon ("ask": a request, a blob), and each is answered
("done", "reply"). The child's side is not believed: of what it sends only plain values and the contract's classes are made.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Mapping
from typing import Any

from syncd import errors
from syncd.child import believed, pickled
from syncd.errors import SyncdError

HEAD = struct.Struct(">Q")
MOST = 128 * 1024 * 1024
"""Bytes of one frame."""
_FIELDS = {
    "reason": "", "message": "", "hint": "", "where": "", "after": 0.0, "said": True, "kind": "", "field": "", "status": None,
    "problems": (),
}
Frame = tuple[str, int, bytes]
"""What it is, of which call or question, and its contents."""
Outcome = tuple[str, Any]
"""("returned", value), ("raised", error's fields), or ("bug", (text, trace)) and ("memory", ...)."""


def packed(what: str, number: int, contents: Any) -> bytes:
    """A frame. Raises whatever contents raise that can't be pickled."""
    body = pickle.dumps((what, number, pickled(contents)))
    return HEAD.pack(len(body)) + body


def trusted(body: bytes) -> Frame:
    """A frame from the daemon, with what its contents hold of an adapter's own classes."""
    frame: Frame = pickle.loads(body)  # noqa: S301 - it comes from the parent
    return frame


def framed(body: bytes) -> Frame:
    """A frame from the child. Raises ValueError for what is none."""
    try:
        what, number, contents = believed(body)
    except Exception as error:
        raise ValueError("no frame") from error
    if not (isinstance(what, str) and isinstance(number, int) and isinstance(contents, bytes)):
        raise ValueError("no frame")
    return what, number, contents


def told(error: SyncdError) -> Mapping[str, Any]:
    """An error as plain values: by its class of syncd.errors, whatever an adapter has made of it."""
    kind = next(each for each in type(error).__mro__ if getattr(errors, each.__name__, None) is each)
    plain = {name: value for name, value in vars(error).items() if isinstance(value, str | int | float | bool | None)}
    return {"kind": kind.__name__, "fields": plain}


def untold(kind: str, fields: Mapping[str, Any]) -> SyncdError:
    """The error again. Raises ValueError when it is none of ours."""
    found = getattr(errors, kind, None)
    if not (isinstance(found, type) and issubclass(found, SyncdError)):
        raise ValueError(f"{kind} is no error of syncd")
    error: SyncdError = found.__new__(found)
    error.args = (fields.get("message", ""),)
    vars(error).update(_FIELDS | dict(fields))
    return error
