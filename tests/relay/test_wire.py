"""What a relay says: everything comes back as it was said, through the child too, and what can't be used is told."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.child import Child
from syncd.errors import ReadFailed
from syncd.model import Bond, Content, Entry, Hop, Instant, Media, Precision, Relation
from syncd.relay import wire
from syncd.sources.feed import FeedSource
from tests.sources.kit import read

NOW = datetime(2026, 9, 28, 13, 50, tzinfo=UTC)
DAY = Instant(datetime(2026, 9, 27, 16, tzinfo=UTC), Precision.DAY, "2026年9月28日", "Asia/Shanghai", "default", "list")
MINUTE = Instant(NOW, Precision.MINUTE, "2026-09-28 21:50", "+08:00", "source", "page", 2.5)
ENTRY = Entry(
    "state:https://www.gov.cn/1", "国务院关于“中继”的<通知>", "https://www.gov.cn/1", DAY, MINUTE, issuer="国务院",
    written="2026-09-25", aliases=("number:国发〔2026〕1号",), relations=(Relation(Bond.REPEALS, "国发〔2020〕1号"),),
    page="a" * 64,
)
TOLD = wire.Told(
    ENTRY,
    Content(
        "标题", "<p>正文</p>", "正文", "https://www.gov.cn/1", published=MINUTE, updated=DAY, losses=("附件2",),
        media=(Media("https://www.gov.cn/1.pdf", "fujian-1.pdf", "application/pdf", 5, "b" * 64, "附件"),),
    ),
    (Hop("某省", "ed25519:ab", "state", "https://www.gov.cn/list", NOW, NOW - timedelta(minutes=5), "c" * 64),),
    (wire.Past(1, "1:x", NOW), wire.Past(2, "1:y", NOW, True, "tombstone")),
    (("state", NOW),), True,
)


def head(**more: object) -> wire.Head:
    made = wire.Head("某省", 7, NOW, "d" * 64, (wire.Origin("state", "govcn", "https://www.gov.cn/list", NOW, "e" * 64),))
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_feed_and_a_document_come_back_through_the_child_as_they_were_said() -> None:
    """The child's results may hold nothing but plain values and our own: not even a library's time zone."""

    async def scene() -> None:
        child = Child()
        try:
            rows = (wire.Row(ENTRY, NOW, 2),)
            assert await child.run(wire.read_feed, wire.feed_bytes(head(), rows)) == wire.Feed(head(), rows)
            assert await child.run(wire.read_told, wire.told_bytes(TOLD)) == TOLD
        finally:
            await child.aclose()

    asyncio.run(scene())


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
def test_any_text_survives(text: str) -> None:
    entry = replace(ENTRY, title=text, key=text, url=f"https://x.example/{text}", issuer=text, summary=text)
    assert wire.read_feed(wire.feed_bytes(head(by=text), [wire.Row(entry, NOW)])).rows[0].entry == entry
    told = replace(TOLD, content=replace(TOLD.content, html=text, text=text))
    assert wire.read_told(wire.told_bytes(told)) == told


def test_any_reader_of_feeds_can_read_it() -> None:
    body = wire.feed_bytes(head(), [wire.Row(ENTRY, NOW), wire.Row(replace(ENTRY, key="2", withdrawn=True), NOW)])
    listing = read(body + b"\n<?syncd-seal ed25519:00 00?>\n", content_type="application/atom+xml")
    assert [(e.title, e.url) for e in listing.entries] == [
        ("国务院关于“中继”的<通知>", "https://www.gov.cn/1"), ("[withdrawn] 国务院关于“中继”的<通知>", "https://www.gov.cn/1"),
    ]
    assert FeedSource.kind == "feed"


def test_one_bad_row_is_a_problem_and_the_others_stay() -> None:
    good = wire.feed_bytes(head(), [wire.Row(ENTRY, NOW), wire.Row(replace(ENTRY, key="2"), NOW)])
    spoiled = good.replace(b'"key": "2"', b'"key": 2')
    feed = wire.read_feed(spoiled)
    assert [row.entry.key for row in feed.rows] == [ENTRY.key]
    assert [(p.reason, p.where) for p in feed.problems] == [("bad_entry", "row[1]")]
    nowhere = wire.feed_bytes(head(), [wire.Row(replace(ENTRY, page="../../etc/passwd"), NOW)])
    assert wire.read_feed(nowhere).rows == ()
    assert wire.read_feed(nowhere).problems[0].where == "row[0].page"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_understood"),
        (b"<feed/>", "not_understood"),
        (b"{}", "not_understood"),
        (b"<html><body>", "not_understood"),
        (b'<!DOCTYPE feed [<!ENTITY a "a">]><feed>&a;</feed>', "hostile_xml"),
        (wire.feed_bytes(head(version=2), ()), "not_understood"),
        (wire.feed_bytes(head(), ()).replace(b"13:50:00Z", b"13:50:00"), "not_understood"),
        (wire.feed_bytes(head(), ()).replace(b'"serial": 7', b'"serial": "7"'), "not_understood"),
    ],
)
def test_what_is_no_relay_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(ReadFailed) as refused:
        wire.read_feed(body)
    assert refused.value.reason == reason
    assert refused.value.hint


def test_an_address_is_made_of_a_hash_and_of_nothing_else() -> None:
    feed, sha256 = "https://relay.example/relay/feed.atom", hashlib.sha256(b"x").hexdigest()
    url = f"https://relay.example/relay/objects/{sha256[:2]}/{sha256}"
    assert wire.object_of(url, feed) == sha256
    elsewhere, astray = url.replace("relay.example", "evil.example"), url.replace(sha256[:2] + "/", "zz/")
    for other in (url.upper(), elsewhere, astray, f"{url}/..", feed):
        assert wire.object_of(other, feed) == ""
    assert wire.strong(("guid:a:1", "number:x", "url:y", "title:z", "index:1")) == ("number:x", "url:y", "title:z", "index:1")
