"""`syncd read FILE` knows a list by its shape."""

from __future__ import annotations

import asyncio

import pytest

from syncd.errors import ConfigError, ReadFailed
from syncd.sources import registry
from syncd.sources.api import Listing, SourceConfig
from syncd.sources.local import answer_of, read_bytes, recognise
from tests.sources.kit import HERE, LISTS, tools

NAMES = sorted(path.name for path in LISTS.iterdir())
needs_install = pytest.mark.skipif(
    "feed" not in {plugin.name for plugin in registry.installed()},
    reason="syncd isn't installed here (pip install -e .)",
)


def door(kind: str | None, data: bytes, url: str = "https://www.gov.example/zhengce/202604/x") -> Listing:
    return asyncio.run(read_bytes(kind, data, url=url, content_type="", name="file", tools=tools()))


@pytest.mark.parametrize("name", NAMES)
def test_the_kind_of_a_file_is_recognised(name: str) -> None:
    assert recognise((LISTS / name).read_bytes()) == ("govcn" if name.startswith("govcn") else "feed")


@needs_install
@pytest.mark.parametrize("name", NAMES)
def test_every_list_is_read_without_a_configuration(name: str) -> None:
    data = (LISTS / name).read_bytes()
    found = door(None, data)
    assert found.entries
    assert all(entry.aliases for entry in found.entries)
    assert found == door(recognise(data), data)


@needs_install
@pytest.mark.parametrize("name", ["library.html", "gazette.html", "jiedu.html", "bd1.html", "old.html"])
def test_a_page_of_gov_cn_is_recognised_and_shown_as_one_entry(name: str) -> None:
    data = (HERE / "pages" / name).read_bytes()
    assert recognise(data) == "govcn"
    (entry,) = door(None, data).entries
    assert entry.title
    assert entry.content_html
    assert entry.published
    assert entry.aliases


@needs_install
@pytest.mark.guarantee(4)
def test_what_the_daemon_reads_at_a_lists_address_is_never_a_page_as_a_list_of_one() -> None:
    data = (HERE / "pages" / "library.html").read_bytes()
    source = registry.load("govcn")(SourceConfig("state", "https://www.gov.example/list.json"), tools())
    with pytest.raises(ReadFailed) as caught:
        asyncio.run(source.parse(answer_of(data, url="https://www.gov.example/list.json", content_type="", tools=tools())))
    assert caught.value.reason == "not_understood"


RELATIVE = [
    b'<rss version="2.0"><channel><title>t</title><link>%s</link>'
    b'<item><title>n</title><guid isPermaLink="false">g</guid>'
    b'<link>p/1.html</link><enclosure url="f.pdf"/></item></channel></rss>',
    b'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><link href="%s"/><entry><title>n</title>'
    b'<id>urn:1</id><link href="p/1.html"/><link rel="enclosure" href="f.pdf"/></entry></feed>',
    b'{"version": "https://jsonfeed.org/version/1.1", "title": "t", "home_page_url": "%s", "items": '
    b'[{"id": "1", "title": "n", "url": "p/1.html", "attachments": [{"url": "f.pdf", "mime_type": "x"}]}]}',
]


@needs_install
@pytest.mark.parametrize("feed", RELATIVE)
def test_relative_links_of_a_file_lead_to_where_the_feed_says_that_it_belongs(feed: bytes) -> None:
    found = door(None, feed % b"https://www.gov.example/zc/", url="")
    assert not found.problems
    assert found.entries[0].url == "https://www.gov.example/zc/p/1.html"
    assert [file.url for file in found.entries[0].attachments] == ["https://www.gov.example/zc/f.pdf"]
    known = door(None, feed % b"https://elsewhere.example/", url="https://www.gov.example/zc/feed")
    assert known.entries[0].url == "https://www.gov.example/zc/p/1.html"


@needs_install
@pytest.mark.parametrize("home", [b"", b"/zc/", b"javascript:alert(1)"])
def test_without_any_base_a_relative_link_is_told(home: bytes) -> None:
    found = door(None, RELATIVE[0] % home, url="")
    assert found.entries[0].url == ""
    assert [problem.reason for problem in found.problems] == ["bad_link"]


@needs_install
def test_a_wrong_kind_and_an_unknown_kind_are_told() -> None:
    with pytest.raises(ReadFailed) as caught:
        door("govcn", (LISTS / "rss-2.0.xml").read_bytes())
    assert caught.value.reason == "not_understood"
    with pytest.raises(ConfigError) as wrong:
        door("fed", b"<rss/>")
    assert "did you mean 'feed'" in wrong.value.problems[0]


@pytest.mark.parametrize("nonsense", [b"", b"hello", b"\xff\xfe\x00", b"[1]", b"[" * 90_000])
def test_nonsense_is_left_to_the_feed_whose_errors_say_most(nonsense: bytes) -> None:
    assert recognise(nonsense) == "feed"
