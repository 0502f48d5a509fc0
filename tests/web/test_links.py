"""Link headers: what an answer says of itself, however it is written."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from syncd.errors import NotApplied
from syncd.web.api import Answer
from syncd.web.links import links
from syncd.web.redirects import redirected

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def answer(*values: str, name: bytes = b"link") -> Answer:
    headers = tuple((name, value.encode()) for value in values)
    return Answer(200, "https://list.example/a/feed.xml", headers, b"", NOW, NOW)


@pytest.mark.parametrize(
    ("values", "hubs"),
    [
        (['<https://hub.example/>; rel="hub"'], ["https://hub.example/"]),
        (['<https://hub.example/>; rel=hub, <https://list.example/>; rel=self'], ["https://hub.example/"]),
        (['<https://a.example/>; rel="self"', '<https://hub.example/>; title="a, b; c"; rel="self HUB"'],
         ["https://hub.example/"]),
        (["</hub>; rel=hub", "<hub>; rel=hub", "</hub>; rel=hub"],
         ["https://list.example/hub", "https://list.example/a/hub"]),
        (['<https://hub.example/>; rel="hub"; anchor="/other"'], []),
        (['<https://hub.example/>; rel="next"; rel="hub"'], []),
        (["<javascript:alert(1)>; rel=hub", "<https://[broken>; rel=hub", "https://hub.example/; rel=hub", ""], []),
    ],
)
def test_hubs_are_found_however_they_are_written(values: list[str], hubs: list[str]) -> None:
    assert list(links(answer(*values), "hub")) == hubs


def test_a_hostile_header_takes_no_time() -> None:
    started = time.process_time()
    for text in ('<a>;"' * 20_000, "<" * 100_000, '<a>' + ';a="' * 50_000, "<a>" + '""' * 50_000 + "<"):
        links(answer(text), "hub")
    assert time.process_time() - started < 1


def test_a_redirect_of_a_call_is_followed_by_hand_and_never_to_less_safety() -> None:
    assert redirected(answer("/new", name=b"location")) == "https://list.example/new"
    with pytest.raises(NotApplied, match="redirect_downgrade"):
        redirected(answer("http://list.example/new", name=b"location"))
    with pytest.raises(NotApplied, match="bad_url"):
        redirected(answer("ftp://list.example/new", name=b"location"))
