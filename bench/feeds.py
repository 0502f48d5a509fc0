"""The place for what the lab's feeds show: the same bytes for the same seed, in every process."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

ITEMS = 20
"""Rows that a feed shows."""
TEXT = 400
"""Bytes of text of one row."""
SEED = 20260415
_EPOCH = datetime(2026, 4, 15, 8, 0, tzinfo=UTC)
_WORDS = "关于做好专项工作的通知各县人民政府有关部门认真贯彻执行现将意见印发给你们请结合实际制定方案落实责任加强监督检查"


def name_of(feed: int) -> str:
    """The name of the source that reads this feed."""
    return f"feed-{feed:05d}"


def title_of(feed: int, item: int) -> str:
    return f"关于做好第{feed}-{item}号专项工作的通知"


def numbers_in(title: str) -> tuple[int, int]:
    """(feed, item) of a title."""
    feed, _, item = title.partition("第")[2].partition("号")[0].partition("-")
    return int(feed), int(item)


def item_of(feed: int, item: int, at: datetime, version: int = 1) -> str:
    """One row as RSS. at: when it was published."""
    dice = random.Random(f"{SEED}/{feed}/{item}/{version}")
    words = "".join(dice.choices(_WORDS, k=TEXT // 3))
    address = f"https://policy.example/{feed}/{item}.html"
    return (
        f"<item><title>{title_of(feed, item)}</title><link>{address}</link><guid isPermaLink=\"false\">{feed}-{item}</guid>"
        f"<pubDate>{format_datetime(at)}</pubDate><description>&lt;p&gt;{words}&lt;/p&gt;</description></item>"
    )


def old_items(feed: int) -> list[str]:
    """What a feed shows at the start of every run, newest first."""
    return [item_of(feed, n, _EPOCH + timedelta(hours=n)) for n in range(ITEMS, 0, -1)]


def document(feed: int, items: list[str]) -> bytes:
    """The feed itself."""
    head = f"<title>要闻 {feed}</title><link>https://policy.example/{feed}/</link><description>政策</description>"
    rows = "\n".join(items[:ITEMS])
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>{head}\n{rows}\n</channel></rss>\n'.encode()
    )
