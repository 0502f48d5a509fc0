"""`syncd read FILE` knows a list by its shape."""

from __future__ import annotations

import asyncio

import pytest

from syncd.errors import ConfigError, ReadFailed
from syncd.sources import registry
from syncd.sources.api import Listing
from syncd.sources.local import read_bytes, recognise
from tests.sources.kit import LISTS, tools

NAMES = sorted(path.name for path in LISTS.iterdir())
needs_install = pytest.mark.skipif(
    "feed" not in {plugin.name for plugin in registry.installed()},
    reason="syncd isn't installed here (pip install -e .)",
)


def door(kind: str | None, data: bytes, url: str = "https://www.gov.example/zhengce/202604/x") -> Listing:
    return asyncio.run(read_bytes(kind, data, url=url, content_type="", name="file", tools=tools()))


@pytest.mark.parametrize("name", NAMES)
def test_the_kind_of_a_file_is_recognised(name: str) -> None:
    assert recognise((LISTS / name).read_bytes()) == ("govcn" if name == "govcn.json" else "feed")


@needs_install
@pytest.mark.parametrize("name", NAMES)
def test_every_list_is_read_without_a_configuration(name: str) -> None:
    data = (LISTS / name).read_bytes()
    found = door(None, data)
    assert found.entries
    assert all(entry.aliases for entry in found.entries)
    assert found == door(recognise(data), data)


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
