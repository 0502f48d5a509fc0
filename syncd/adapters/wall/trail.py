"""Where code waits or stands, in the words of a traceback's lines."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from types import FrameType
from typing import Any

SHOWN = 4
"""How many of a chain are told: the last may be asyncio's own, the one before it says more."""


def waiting(coroutine: Any) -> str:
    """Where a coroutine waits: from its innermost ones, the innermost last; "" if that can't be told."""
    found: list[str] = []
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        found.append(_line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        coroutine = getattr(coroutine, "cr_await", None)
    return " > ".join(found[-SHOWN:])


def standing(frame: FrameType | None) -> str:
    """Where running code stands: the innermost lines, the innermost last."""
    found: list[str] = []
    while frame is not None and len(found) < SHOWN:
        found.append(_line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return " > ".join(reversed(found))


def raised(error: BaseException) -> str:
    """Where an exception was raised; "" if that can't be told."""
    frames = traceback.extract_tb(error.__traceback__)
    return _line(frames[-1].filename, frames[-1].lineno or 0, frames[-1].name) if frames else ""


def _line(file: str, line: int, name: str) -> str:
    return f"{name} ({PurePath(file).name}:{line})"
