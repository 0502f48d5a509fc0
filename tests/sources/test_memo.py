"""What the child remembers of rows is a shortcut only: it tells the same as taking everything apart anew."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import feeds
from syncd.errors import ReadFailed
from syncd.model import Problem
from syncd.sources import feed
from syncd.sources import gate as gates
from syncd.sources.feed import read_feed
from syncd.sources.gate import MAX_DEPTH, MAX_ELEMENTS, Gated, gate
from syncd.sources.memo import Memo
from syncd.sources.raw import RawEntry, RawList

URL = "http://list.example/feed.xml"
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="{base}"><title>t</title>{entries}</feed>'
ENTRY = '<entry><id>{id}</id><title>关于{id}</title><link href="{id}.html"/><content type="html">正文{id}</content></entry>'


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "_known", Memo())
    monkeypatch.setattr(gates, "_known", Memo())


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows feedparser was given, call by call."""
    given: list[int] = []
    whole = feed._feedparser

    def counted(body: bytes, url: str) -> object:
        found = whole(body, url)
        given.append(len(found["entries"]))
        return found

    monkeypatch.setattr(feed, "_feedparser", counted)
    return given


def read(text: str, url: str = URL) -> RawList:
    return read_feed(text.encode(), "application/xml", url, 1000)


def anew(text: str, url: str = URL) -> RawList:
    """As if nothing were remembered."""
    kept, feed._known = feed._known, Memo()
    seen, gates._known = gates._known, Memo()
    try:
        return read(text, url)
    finally:
        feed._known, gates._known = kept, seen


def gated(text: str) -> Gated | str:
    """What came through, or why it did not."""
    try:
        return gate(text)
    except ReadFailed as error:
        return str(error)


def gated_anew(text: str) -> Gated | str:
    seen, gates._known = gates._known, Memo()
    try:
        return gated(text)
    finally:
        gates._known = seen


def shortened(text: str) -> bool:
    """True when the gate needs only the short pass for it."""
    return gates._shortly(text.encode()) is not None


def rss(*items: str) -> str:
    return feeds.document(1, list(items)).decode()


def atom(*ids: str, base: str = "http://list.example/") -> str:
    return ATOM.format(base=base, entries="".join(ENTRY.format(id=id) for id in ids))


def test_of_a_feed_with_one_new_row_only_that_row_is_parsed(parsed: list[int]) -> None:
    old = feeds.old_items(1)
    read(rss(*old))
    new = feeds.item_of(1, 99, feeds._EPOCH)
    told = read(rss(new, *old[:-1]))
    assert parsed == [20, 1]
    assert told == anew(rss(new, *old[:-1]))


def test_rows_in_another_order_keep_their_places(parsed: list[int]) -> None:
    old = feeds.old_items(1)
    read(rss(*old))
    dice = random.Random(3)
    for _ in range(5):
        dice.shuffle(old)
        assert read(rss(*old)) == anew(rss(*old))
    assert [row.where for row in read(rss(*old)).entries] == [f"entries[{n}]" for n in range(20)]


def test_a_row_that_changed_in_one_byte_is_parsed_again() -> None:
    old = feeds.old_items(1)
    read(rss(*old))
    old[7] = old[7].replace("专项工作", "专项行动")
    assert "专项行动" in read(rss(*old)).entries[7].title


def test_a_row_means_something_else_under_another_base() -> None:
    there = read(atom("a", "b"))
    here = read(atom("a", "b", base="http://other.example/"))
    assert [row.url for row in there.entries] == ["http://list.example/a.html", "http://list.example/b.html"]
    assert here == anew(atom("a", "b", base="http://other.example/"))
    assert here.entries[0].url == "http://other.example/a.html"


def test_a_row_means_something_else_at_another_address() -> None:
    read(atom("a", base=""))
    other = "http://other.example/feed.xml"
    assert read(atom("a", base=""), other) == anew(atom("a", base=""), other)


def test_what_is_wrong_with_a_row_is_told_at_every_read(parsed: list[int]) -> None:
    untitled = "<item><guid>x</guid></item>"
    problems = [read(rss(untitled, *feeds.old_items(1))).problems for _ in range(2)]
    assert problems[0] == problems[1]
    assert [type(p) for p in problems[0]] == [Problem]
    assert parsed == [20, 1]


@pytest.mark.parametrize(
    "body",
    [
        '<rss version="2.0"><channel><item><title>a</title><item><title>b</title></item></item></channel></rss>',
        '<rss version="2.0"><channel><item/><item><title>c</title><guid>c</guid></item></channel></rss>',
        '<rss version="2.0"><channel><item a="x>y"/><item><title>d</title><guid>d</guid></item></channel></rss>',
        '<rss version="2.0"><channel><title>&nbsp;</title><item><title>e</title><guid>e</guid></item></channel></rss>',
        '<rss version="2.0"><channel><x xml:base="http://o/"><item><title>f</title><link>f</link></item></x>'
        "<item><title>f</title><link>f</link></item></channel></rss>",
        '<rss version="2.0"><channel><item><title><![CDATA[</item><item>]]></title><guid>g</guid></item></channel></rss>',
        '<rss version="2.0"><channel><item><title>h</title><guid>h</guid></item ></channel></rss>',
    ],
    ids=["nested", "empty", "empty with >", "mended", "in two places", "tags in CDATA", "blank in the end tag"],
)
def test_odd_documents_are_read_as_they_are_without_a_memory(body: str) -> None:
    assert read(body) == read(body) == anew(body)


def test_the_gate_finds_the_rows_of_any_encoding() -> None:
    through = gate(rss(*feeds.old_items(1)))
    edges = [through.body[a:b].decode()[:6] + through.body[a:b].decode()[-7:] for a, b in through.rows]
    assert edges == ["<item></item>"] * 20


ROWS = (
    "<item><title>a</title><guid>a</guid></item>",
    "<item x='1'><title>二</title><dc:date>2026-04-15</dc:date></item>",
    "<entry><id>b</id><item><title>within</title></item></entry>",
    "<item><deleted-entry ref='r' when='w'><link href='l'/></deleted-entry></item>",
    "<item><link href='z'/>]]&gt;</item >",
    "<item><title><![CDATA[</item>]]></title><x><!-- <item> --></x></item>",
    "<item/>",
)
BETWEEN = (
    "", " ", "\r\n", "文", "<row/>", "<a:/>", "<a:>", "</a:>", "<!-- ", " -->", "<![CDATA[", "]]>", "<?p ", "?>", "<x y='",
    "'/>",
    "<x>", "</x>", "<item>", "</item>", "<ITEM>", "</ITEM>", "<title>", "</title>", "&nbsp;", "&amp;", "<x xml:base='http://o/'>",
    "<deleted-entry ref='o' when='t'>", "</deleted-entry>", "<comment>", "</comment>",
)  # fmt: skip
HEADS = ("", "<!DOCTYPE rss>", "<!DOCTYPE rss SYSTEM 'rss.dtd'>", f"<!DOCTYPE rss SYSTEM '{'x' * 700}'>")
TAGS = ("<rss><channel>", "</channel></rss>"), ("<channel>", "</channel>"), ("", "")


def documents() -> st.SearchStrategy[str]:
    parts = st.lists(st.sampled_from(ROWS + BETWEEN) | st.sampled_from(ROWS), max_size=12).map("".join)
    frames = st.tuples(st.sampled_from(HEADS), st.sampled_from(TAGS), parts)
    return frames.map(lambda f: f"{f[0]}{f[1][0]}{f[2]}{f[1][1]}")


@settings(max_examples=400, deadline=None)
@given(st.lists(documents(), min_size=1, max_size=4))
def test_the_gate_tells_of_any_document_what_it_tells_without_a_memory(bodies: list[str]) -> None:
    gates._known = Memo()
    gated(f"<rss><channel>{''.join(ROWS)}</channel></rss>")
    for body in bodies:
        assert gated(body) == gated_anew(body)


def test_the_gate_reads_a_known_row_as_one_element() -> None:
    old = feeds.old_items(1)
    assert not shortened(rss(*old))
    gate(rss(*old))
    assert shortened(rss(*old))
    new = rss(feeds.item_of(1, 99, feeds._EPOCH), *old[:-1])
    assert shortened(new)
    assert gated(new) == gated_anew(new)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<!-- ", " -->"),
        ("<![CDATA[", "]]>"),
        ("<?p ", "?>"),
        ("<item>", "</item>"),
        ("<deleted-entry ref='o'>", "</deleted-entry>"),
        ("<row/>", ""),
        ("<row/><!-- ", " -->"),
        ("<x>" * (MAX_DEPTH - 3), "</x>" * (MAX_DEPTH - 3)),
        ("<x/>" * (MAX_ELEMENTS - 4), ""),
        ("".join(f"<x{n}/>" for n in range(198)), ""),
    ],
    ids=["comment", "CDATA", "instruction", "row", "tombstone", "stub", "stub and comment", "deep", "many", "many names"],
)
def test_a_known_row_where_it_is_something_else_is_read_in_full(before: str, after: str) -> None:
    row = "<item><title>a</title><guid>a</guid></item>"
    assert isinstance(gated(f"<rss><channel>{row}</channel></rss>"), Gated)
    assert shortened(f"<rss><channel>{row}</channel></rss>")
    body = f"<rss><channel>{before}{row}{after}</channel></rss>"
    assert not shortened(body)
    assert gated(body) == gated_anew(body)


def test_a_row_with_an_entity_that_only_a_document_type_excuses_is_not_known_without_it() -> None:
    row = "<item><title>a&nbsp;</title></item>"
    gated(f"<!DOCTYPE rss SYSTEM '{'x' * 700}'><rss><channel>{row}</channel></rss>")
    assert gated(f"<rss><channel>{row}</channel></rss>") == gated_anew(f"<rss><channel>{row}</channel></rss>")
    assert not shortened(f"<rss><channel>{row}</channel></rss>")


def test_many_starts_of_rows_without_an_end_are_looked_through_once() -> None:
    assert list(gates._like_rows(b"<item>" * 500_000)) == []


def test_the_memory_is_bounded_and_forgets_the_least_used() -> None:
    memo: Memo[RawEntry] = Memo(most=1600)
    rows = [RawEntry(str(n), str(n), "t", "u") for n in range(20)]
    for n, row in enumerate(rows):
        memo.keep(n, row, 100)
        memo.find(0)
    assert memo.find(0) is rows[0]
    assert memo.find(1) is None
    assert memo.find(19) is rows[19]
    memo.keep("large", rows[0], 101)
    assert memo.find("large") is None


def test_rows_of_a_few_bytes_count_for_what_they_take() -> None:
    memo: Memo[int] = Memo(most=100_000)
    for n in range(1000):
        memo.keep(n, n, 20)
    assert sum(memo.find(n) is not None for n in range(1000)) < 300
