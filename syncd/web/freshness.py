"""For how long an answer says that it stays as it is: Cache-Control and Expires, as a private cache reads them (RFC 9111)."""

from __future__ import annotations

import re

from syncd.web.api import Answer
from syncd.web.status import http_date

_DIRECTIVE = re.compile(r'\s*([^\s=,]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,"]*)))?\s*(?:,|$)')
_SECONDS = re.compile(r"[0-9]{1,10}")


def freshness(answer: Answer) -> float | None:
    """Seconds that the answer stays fresh, 0 when it says that it doesn't; None when it does not say, as a 304 may that
    leaves the former word in force (section 4.3.4).

    max-age goes before Expires; what a cache says in Age is used up already. no-store and no-cache are no wish to be left
    alone, and a max-age that makes no sense is a stale one (section 4.2.1).
    """
    told = _directives(answer)
    if "no-store" in told or "no-cache" in told:
        return 0.0
    if "max-age" in told:
        return max(0.0, _seconds(told["max-age"]) - _seconds(answer.header("age")))
    return _until_expires(answer)


def _until_expires(answer: Answer) -> float | None:
    """Relative to the answer's own Date, which holds its Age already, so that neither clock needs to be right."""
    text = answer.header("expires").strip()
    if not text:
        return None
    until = http_date(text)
    return max(0.0, (until - (answer.date or answer.ended)).total_seconds()) if until else 0.0


def _directives(answer: Answer) -> dict[str, str]:
    """The first of each name counts."""
    lines = [value.decode("latin-1") for name, value in answer.headers if name == b"cache-control"]
    found: dict[str, str] = {}
    for name, quoted, plain in _DIRECTIVE.findall(", ".join(lines)[:2000]):
        found.setdefault(name.lower(), quoted or plain)
    return found


def _seconds(text: str) -> float:
    return float(text) if _SECONDS.fullmatch(text.strip()) else 0.0
