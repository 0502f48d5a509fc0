"""The door of `syncd read FILE`: bytes from anywhere, their kind recognised by their shape, nothing configured."""

from __future__ import annotations

import json

from syncd.errors import ReadFailed
from syncd.sources import registry
from syncd.sources.api import Listing, SourceConfig, Tools
from syncd.sources.decode import decode
from syncd.sources.govcn import is_list
from syncd.web.api import Answer


async def read_bytes(kind: str | None, data: bytes, *, url: str, content_type: str, name: str, tools: Tools) -> Listing:
    """The listing of a body. kind: a registered kind, or None to recognise a feed, a JSON Feed or gov.cn's list.

    url: where it came from, for relative links; name: the source's name for aliases and messages. Raises what
    Source.parse raises, and ConfigError for an unknown kind.
    """
    source = registry.load(kind or recognise(data, content_type))(SourceConfig(name, url), tools)
    return await source.parse(answer_of(data, url=url, content_type=content_type, tools=tools))


def recognise(data: bytes, content_type: str = "") -> str:
    """The kind that a body looks like; "feed" when it looks like nothing, since that kind's errors say most."""
    try:
        text = decode(data, content_type).text.lstrip("\ufeff \t\r\n")
        return "govcn" if text[:1] == "[" and is_list(json.loads(text)) else "feed"
    except (ReadFailed, ValueError, RecursionError):
        return "feed"


def answer_of(data: bytes, *, url: str, content_type: str, tools: Tools) -> Answer:
    """The bytes as if a server had sent them now."""
    headers = ((b"content-type", content_type.encode("latin-1", "replace")),) if content_type else ()
    now = tools.now()
    return Answer(status=200, url=url, headers=headers, body=data, started=now, ended=now)
