"""The place where the clocks are read, and how a moment is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> datetime:
    """The one reader of the wall clock."""
    return datetime.now(UTC)


def monotonic() -> float:
    """The one reader of the monotonic clock."""
    return time.monotonic()


def iso(at: datetime | None) -> str | None:
    """ISO 8601, UTC as Z."""
    return at.isoformat().replace("+00:00", "Z") if at else None
