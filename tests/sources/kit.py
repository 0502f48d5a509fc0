"""What the tests of sources share: sources made with an inline runner and a still clock, and answers from files."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.child import Inline
from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.sources.feed import FeedOptions, FeedSource
from syncd.sources.govcn import GovcnOptions, GovcnSource
from syncd.web.api import Answer

HERE = Path(__file__).parent
LISTS = HERE / "lists"
NOW = datetime(2026, 10, 20, tzinfo=UTC)
URL = "https://list.example/feed"


def tools(run: Any = None, *, now: datetime = NOW, **changes: Any) -> Tools:
    return Tools(client=None, run=run or Inline().run, now=lambda: now, **changes)  # type: ignore[arg-type]


def answer(body: bytes, *, url: str = URL, content_type: str = "") -> Answer:
    headers = ((b"content-type", content_type.encode()),) if content_type else ()
    return Answer(status=200, url=url, headers=headers, body=body, started=NOW, ended=NOW)


def feed(run: Any = None, *, options: FeedOptions | None = None, **changes: Any) -> FeedSource:
    return FeedSource(SourceConfig("county-feed", URL, options), tools(run, **changes))


def govcn(*, options: GovcnOptions | None = None) -> GovcnSource:
    return GovcnSource(SourceConfig("state", "https://www.gov.example/zhengce/202604/list.json", options), tools())


def read(
    body: bytes | str, *, content_type: str = "", source: FeedSource | GovcnSource | None = None, url: str = URL
) -> Listing:
    data = body.encode() if isinstance(body, str) else body
    return asyncio.run((source or feed()).parse(answer(data, content_type=content_type, url=url)))


def read_page(
    source: FeedSource | GovcnSource, body: bytes | str, *, url: str = "https://www.gov.example/a/content_1.htm"
) -> Page:
    data = body.encode() if isinstance(body, str) else body
    return asyncio.run(source.read_page(Entry("k", "t", url), answer(data, url=url)))


def refused(body: bytes | str, **more: Any) -> ReadFailed:
    with pytest.raises(ReadFailed) as caught:
        read(body, **more)
    assert caught.value.hint, "every failure says what to do"
    return caught.value


def rss(*items: str, channel: str = "") -> str:
    head = '<?xml version="1.0" encoding="utf-8"?><rss version="2.0">'
    return f'{head}<channel><title>t</title>{channel}{"".join(items)}</channel></rss>'


def item(n: int, *, title: str = "", date: str = "") -> str:
    stamp = f"<pubDate>{date}</pubDate>" if date else ""
    return f"<item><title>{title or f'通知{n}'}</title><guid>g{n}</guid><link>https://list.example/{n}.htm</link>{stamp}</item>"
