"""Bodies made to harm are refused in bounded time, with a reason, and open nothing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from syncd.child import Child
from syncd.errors import ReadFailed
from syncd.model import Entry
from syncd.sources.gate import gate
from tests.sources.kit import LISTS, answer, feed, govcn, item, read, refused, rss

LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
BOMBS = {
    "billion laughs": f'<?xml version="1.0"?>{LAUGHS}<rss><channel><title>&j;</title></channel></rss>',
    "laughs on the line of the declaration": (
        f'<?xml version="1.0"?>{LAUGHS}<!-- x --><rss><channel><title>&j;</title></channel></rss>'
    ),
    "laughs after a comment": f"<!-- c -->{LAUGHS}<rss><channel><title>&j;</title></channel></rss>",
    "quadratic": (
        f'<!DOCTYPE x [<!ENTITY q "{"x" * 100_000}">]><rss><channel><title>{"&q;" * 2000}</title></channel></rss>'
    ),
    "a file": '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss><channel><title>&f;</title></channel></rss>',
    "a parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><rss><channel/></rss>',
    "deep": f"<rss><channel>{'<a>' * 101}{'</a>' * 101}</channel></rss>",
    "attributes": "<rss " + " ".join(f"a{n}='1'" for n in range(100)) + "><channel/></rss>",
    "elements": f"<rss><channel>{'<a/>' * 300_001}</channel></rss>",
    "a long author": rss(f"<item><title>t</title><author>{'a@' * 50_000}</author></item>"),
    "a long title": rss(f"<item><title>{'长' * 5000}</title></item>"),
    "entities in tag soup": "<rss><!ENTITY x 'y'><channel><p></channel></rss>",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_quickly(name: str) -> None:
    started = time.process_time()
    assert refused(BOMBS[name]).reason == "hostile_xml"
    assert time.process_time() - started < 2


def test_blanks_before_the_root_cost_nothing() -> None:
    started = time.process_time()
    assert len(read("\n" * 100_000 + rss(item(1))).entries) == 1
    assert time.process_time() - started < 2


def test_a_harmless_doctype_is_let_through() -> None:
    assert len(read((LISTS / "rss-0.91.xml").read_bytes()).entries) == 2


def test_a_body_that_is_a_path_opens_nothing(tmp_path: Path) -> None:
    local = tmp_path / "secret.xml"
    local.write_bytes((LISTS / "rss-2.0.xml").read_bytes())
    for path in ("/dev/zero", str(local), f"file://{local}", "http://127.0.0.1:9/feed"):
        assert refused(path).reason == "not_a_feed"


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><html><head><title>503 系统维护</title></head><body/></html>",
        "\n<html><title>503 系统维护</title></html>",
        '<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x">'
        "<html><head><title>503 系统维护</title></head></html>",
    ],
)
def test_a_web_page_with_status_200_is_no_feed_and_its_title_is_shown(page: str) -> None:
    failure = refused(page)
    assert failure.reason == "not_a_feed"
    assert "503 系统维护" in failure.hint


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_body"),
        (b" \n\t", "empty_body"),
        (b"\xef\xbb\xbf", "empty_body"),
        ("<opml><a/></opml>", "not_a_feed"),
        ("OK", "not_a_feed"),
        ('{"error": "x"}', "not_a_feed"),
        (rss(item(1))[:-20], "truncated"),
        (rss(item(1), item(2))[:150], "truncated"),
        ("<", "not_a_feed"),
        ("[" * 50_000, "not_understood"),
        (b" " * 11_000_000 + b"<rss/>", None),
        (b"<rss>" + b" " * 11_000_000 + b"</rss>", "too_large"),
    ],
)
def test_what_is_no_whole_feed_is_an_error(body: bytes | str, reason: str | None) -> None:
    if reason is None:
        assert read(body).entries == ()
    else:
        assert refused(body).reason == reason


@pytest.mark.parametrize(
    ("spoilt", "title"),
    [
        ("甲&#1114112;乙", "甲\ufffd乙"),
        ("甲&#0;乙", "甲\ufffd乙"),
        ("甲 & 乙", "甲 & 乙"),
        ("甲&nbsp;乙", "甲 乙"),
        ("甲\x01乙", "甲乙"),
        ("甲&nosuch;乙", "甲&nosuch;乙"),
    ],
)
def test_small_faults_are_mended_and_told(spoilt: str, title: str) -> None:
    found = read(rss(item(1, title=spoilt), item(2)))
    assert [entry.title for entry in found.entries] == [title, "通知2"]
    assert [problem.reason for problem in found.problems] == ["mended_xml"]


def test_tag_soup_is_read_loosely_and_told() -> None:
    found = read(
        rss(
            item(1),
            "<item><title>乙</title><link>https://list.example/b.htm</link><description><p>未闭合</description></item>",
            item(3),
        )
    )
    assert [entry.title for entry in found.entries] == ["通知1", "乙", "通知3"]
    assert [problem.reason for problem in found.problems] == ["malformed_xml"]


def test_cdata_is_never_mended() -> None:
    assert (
        b"<![CDATA[a & b &nbsp;]]>"
        in gate(rss("<item><title>x & y</title><description><![CDATA[a & b &nbsp;]]></description></item>")).body
    )


def test_unclosed_cdata_sections_are_linear() -> None:
    started = time.process_time()
    refused("<rss><channel>" + "<![CDATA[&" * 200_000)
    assert time.process_time() - started < 2


@pytest.mark.parametrize("source", [feed, govcn])
def test_a_page_nested_beyond_sense_is_refused(source) -> None:
    started = time.process_time()
    with pytest.raises(ReadFailed) as caught:
        asyncio.run(source().read_page(Entry("k", "t", "https://a.example/"), answer(b"<div>" * 100_000)))
    assert caught.value.reason == "hostile_html"
    assert time.process_time() - started < 2


def test_the_same_list_comes_through_the_child_as_without_it() -> None:
    async def both() -> None:
        child = Child()
        try:
            for name in ("atom-1.0.xml", "rss-2.0.xml", "feed-1.1.json"):
                body = answer((LISTS / name).read_bytes())
                assert await feed(child.run).parse(body) == await feed().parse(body)
            with pytest.raises(ReadFailed) as caught:
                await feed(child.run).parse(answer(BOMBS["billion laughs"].encode()))
            assert (caught.value.reason, child.starts) == ("hostile_xml", 1)
        finally:
            await child.aclose()

    asyncio.run(both())


def test_half_characters_and_nul_in_json_do_no_harm() -> None:
    body = '[{"TITLE":"甲\\ud800\\u0000乙","URL":"/\\ud800.htm","DOCRELPUBTIME":"2026-04-15"}]'
    entry = read(body, source=govcn(), url="https://www.gov.example/list.json").entries[0]
    assert entry.title == "甲?乙"
    assert "".join((entry.key, entry.url, *entry.aliases)).encode()


def test_an_endless_title_in_json_is_one_bad_entry() -> None:
    body = '[{"TITLE":"%s","URL":"/1.htm","DOCRELPUBTIME":"2026-04-15"},'
    body += '{"TITLE":"乙","URL":"/2.htm","DOCRELPUBTIME":"2026-04-15"}]'
    found = read(body % ("长" * 100_000), source=govcn(), url="https://www.gov.example/list.json")
    assert [entry.title for entry in found.entries] == ["乙"]
    assert [problem.reason for problem in found.problems] == ["bad_entry"]


def test_ten_thousand_bad_rows_are_a_hundred_problems_and_a_number() -> None:
    rows = ",".join(f'{{"TITLE":"通知{n}","URL":"/{n}.htm","DOCRELPUBTIME":"x"}}' for n in range(5000))
    found = read(f"[{rows}]", source=govcn(), url="https://www.gov.example/list.json")
    assert len(found.entries) == 5000
    assert len(found.problems) == 101
    assert "4900 more" in found.problems[-1].hint
