"""What the tests of core start from: one moment, and rows with everything at rest unless said otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.model import Content, Document, Entry, Event, Instant, RemoteRef, Repost, Revision, Route

NOW = datetime(2026, 4, 15, 9, 0, tzinfo=UTC)
REF = RemoteRef("7", "https://www.county.example/7", version="v1")


def after(seconds: float = 0, **spans: float) -> datetime:
    return NOW + timedelta(seconds=seconds, **spans)


def row(**changes: Any) -> Repost:
    """A repost that is due now and has no marks."""
    blank = Repost(1, 10, "state-council", "county", "rule", "国务院文件", "key-1", due=NOW, created=NOW)
    return replace(blank, **changes)


def visible_row(n: int = 1, **changes: Any) -> Repost:
    return row(**{**dict(wanted=n, approved=n, sent=n, seen=n, ref=REF, print=f"p{n}", stored=f"p{n}"), **changes})


def entry(key: str = "k1", **changes: Any) -> Entry:
    return replace(Entry(key, f"关于印发{key}的通知", f"https://www.gov.cn/{key}.htm"), **changes)


def content(**changes: Any) -> Content:
    blank = Content("国务院办公厅关于印发消费规则的通知", "<p>正文</p>", "各省、自治区、直辖市人民政府", "https://www.gov.cn/1.htm")
    return replace(blank, **changes)


def document(**changes: Any) -> Document:
    return replace(Document(10, "通知", "https://www.gov.cn/1.htm", detected=NOW, latest=1), **changes)


def revision(n: int = 1, **changes: Any) -> Revision:
    return replace(Revision(10, n, f"h{n}", content(), detected=NOW), **changes)


def route(name: str = "rule", **changes: Any) -> Route:
    return replace(Route(name, ("state-council",), "county", "国务院文件"), **changes)


def event(kind: str, seconds: float, revision: int | None = 1, *, error: float = 0.0) -> Event:
    return Event(kind, Instant(after(seconds), error=error), 10, 1, revision)
