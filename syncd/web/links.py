"""Link headers (RFC 8288), as far as relations of the answer itself go."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from syncd.web.api import Answer

_LONGEST = 8192
_LINK = re.compile(r'<([^<>]*)>([^<>"]*(?:"[^"]*"[^<>"]*)*)')
_PARAMETER = re.compile(r';\s*([\w*-]+)\s*=\s*(?:"([^"]*)"|([^\s";,]+))')


def links(answer: Answer, relation: str) -> tuple[str, ...]:
    """The http(s) addresses that an answer's headers link to by a relation, absolute, each once."""
    texts = [value.decode("latin-1")[:_LONGEST] for name, value in answer.headers if name == b"link"]
    found = [target for text in texts for target, told in _LINK.findall(text) if _relates(told, relation)]
    urls = [joined for target in found if (joined := _joined(answer.url, target))]
    return tuple(dict.fromkeys(urls))


def _relates(parameters: str, relation: str) -> bool:
    """Only the first rel counts (section 3.3), and what has an anchor is a link of something else (3.2)."""
    told: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(parameters):
        told.setdefault(name.lower(), quoted or plain)
    return "anchor" not in told and relation in told.get("rel", "").lower().split()


def _joined(base: str, target: str) -> str:
    try:
        url = urljoin(base, target.strip())
    except ValueError:
        return ""
    return url if url.startswith(("http://", "https://")) else ""
