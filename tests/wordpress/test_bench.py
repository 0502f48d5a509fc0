"""What an item costs a real WordPress in requests, which no noise moves; and that the bare calls are as many."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.rows import Bench
from bench.rows.wordpress import CALLS, FEEDS, ITEMS, both
from tests.wordpress.server import WordPress

pytestmark = pytest.mark.servers


def test_an_item_takes_no_request_more_than_the_bare_calls(wordpress: WordPress, tmp_path: Path) -> None:
    with both(Bench(tmp_path), wordpress) as sides:
        for _ in range(2):  # the first round also looks the column up
            sides.publish()
            before = wordpress.requests()
            assert sides.bare() > 0
            assert wordpress.requests() - before == FEEDS * ITEMS * CALLS
            assert sides.syncd() > 0
        assert sides.asked[-1] == FEEDS * ITEMS * CALLS
        sides.publish()
        sides.bare("wordpress_at_once")
    made = [post for post in wordpress.posts() if post["status"] == "publish"]
    titles = [post["title"] for post in made if post["slug"].startswith("syncd-")]
    assert len(set(titles)) == len(titles) == 2 * FEEDS * ITEMS
    assert len(made) == 5 * FEEDS * ITEMS
