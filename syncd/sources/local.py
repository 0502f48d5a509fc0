"""The door of `syncd read FILE`: bytes from anywhere, their kind recognised by their shape, nothing configured."""

from __future__ import annotations

import json

from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources import registry
from syncd.sources.api import Listing, Source, SourceConfig, Tools
from syncd.sources.decode import decode
from syncd.sources.govcn import GovcnSource, entry_of
from syncd.sources.govcn_list import is_library, is_list
from syncd.sources.govcn_page import is_page
from syncd.web.api import Answer


async def read_bytes(kind: str | None, data: bytes, *, url: str, content_type: str, name: str, tools: Tools) -> Listing:
    """The listing of a body. kind: a registered kind, or None to recognise a feed, a JSON Feed, gov.cn's lists and pages.

    url: where it came from, for relative links; name: the source's name for aliases and messages. Raises what
    Source.parse raises, and ConfigError for an unknown kind.
    """
    source = registry.load(kind or recognise(data, content_type))(SourceConfig(name, url), tools)
    return await listing(source, answer_of(data, url=url, content_type=content_type, tools=tools), name)


async def listing(source: Source, answer: Answer, name: str) -> Listing:
    """What an answer holds, looked at by a person: its list, or a page of gov.cn as a list of one.

    Never what the daemon does: an address that shows a page where a list was is no list of one.
    """
    if isinstance(source, GovcnSource) and _is_page(answer.body, answer.header("content-type")):
        page = await source.read_page(Entry(answer.url, "", answer.url), answer)
        return Listing((entry_of(page, name),), page.problems)
    return await source.parse(answer)


def recognise(data: bytes, content_type: str = "") -> str:
    """The kind that a body looks like; "feed" when it looks like nothing, since that kind's errors say most."""
    try:
        text = decode(data, content_type).text.lstrip("\ufeff \t\r\n")
        return "govcn" if is_page(text) or _is_list(text) else "feed"
    except (ReadFailed, ValueError, RecursionError):
        return "feed"


def _is_list(text: str) -> bool:
    if text[:1] not in ("[", "{"):
        return False
    value = json.loads(text)
    return is_list(value) or is_library(value)


def _is_page(data: bytes, content_type: str) -> bool:
    try:
        return is_page(decode(data, content_type).text)
    except ReadFailed:
        return False


def answer_of(data: bytes, *, url: str, content_type: str, tools: Tools) -> Answer:
    """The bytes as if a server had sent them now."""
    headers = ((b"content-type", content_type.encode("latin-1", "replace")),) if content_type else ()
    now = tools.now()
    return Answer(status=200, url=url, headers=headers, body=data, started=now, ended=now)
