"""The built-in sources keep the contract that every plug-in keeps.

A new kind is a class more: its source, a list of TITLES in its form, and PAGE where it reads pages.
"""

from __future__ import annotations

import json
from typing import ClassVar

from syncd.sources.feed import FeedSource
from syncd.sources.govcn import GovcnSource
from syncd.testing.source_contract import ListSample, PageSample, SourceContract

TITLES = (
    "关于清理河道垃圾的公告（虚构）",
    "关于乡村道路养护工作的通知（虚构）",
    "关于优化营商环境的若干措施（虚构）",
    "关于农田水利建设的意见（虚构）",
    "关于公共图书馆开放时间的公告（虚构）",
    "关于森林防火的命令（虚构）",
)
DAY = "2026-04-14T16:00:00+00:00"
TEXT = "各县（市、区）人民政府要高度重视，认真组织实施，确保各项措施落到实处。"
PAGE = PageSample(
    f"""<html><head><title>窗口</title><meta name="ArticleTitle" content="{TITLES[0]}">
<meta name="firstpublishedtime" content="2026-04-15-17:15:40"></head><body><nav>导航</nav>
<div id="UCAP-CONTENT"><p>{TEXT}</p><a href="f/1.pdf">附件</a></div></body></html>""".encode(),
    TITLES[0], TEXT,
)  # fmt: skip


def rss(title: str, n: int) -> str:
    return (
        f"<item><title>{title}</title><guid isPermaLink='false'>doc-{n}</guid><link>https://list.example/zc/{n}.htm</link>"
        f"<pubDate>2026年4月{15 - n}日</pubDate><description>&lt;p&gt;摘要{n}&lt;/p&gt;</description></item>"
    )


def atom(title: str, n: int) -> str:
    return (
        f'<entry><title>{title}</title><id>urn:x:{n}</id><link href="zc/{n}.htm"/>'
        f"<published>2026-04-{15 - n}T17:15:40+08:00</published><updated>2026-04-16T09:00:00Z</updated></entry>"
    )


def rows(kind: object) -> str:
    return "".join(kind(title, n) for n, title in enumerate(TITLES))  # type: ignore[operator]


class TestRss(SourceContract):
    source = FeedSource
    document_page = PAGE
    good_list = ListSample(
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>公告</title>'
        f"{rows(rss)}</channel></rss>".encode(),
        TITLES, link="https://list.example/zc/0.htm", date="2026年4月15日", content_type="application/rss+xml",
        keys=tuple(f"doc-{n}" for n in range(6)), first=DAY,
    )  # fmt: skip


class TestAtom(SourceContract):
    source = FeedSource
    document_page = PAGE
    good_list = ListSample(
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:base="https://list.example/">'
        f"<title>公告</title>{rows(atom)}</feed>".encode(),
        TITLES, link="zc/0.htm", date="2026-04-15T17:15:40+08:00", content_type="application/atom+xml; charset=utf-8",
        keys=tuple(f"urn:x:{n}" for n in range(6)), first="2026-04-15T09:15:40+00:00",
    )  # fmt: skip


class TestJsonFeed(SourceContract):
    source = FeedSource
    document_page = PAGE
    options: ClassVar[dict[str, str]] = {"full_text": "never"}
    good_list = ListSample(
        json.dumps(
            {
                "version": "https://jsonfeed.org/version/1.1",
                "title": "公告",
                "items": [
                    {"id": f"j{n}", "title": title, "url": f"/zc/{n}.htm", "date_published": f"2026-04-{15 - n}",
                     "content_html": f"<p>全文{n}</p>"}
                    for n, title in enumerate(TITLES)
                ],
            },
            ensure_ascii=False,
        ).encode(),
        TITLES, link="/zc/0.htm", date="2026-04-15", content_type="application/feed+json",
        keys=tuple(f"j{n}" for n in range(6)), first=DAY,
    )  # fmt: skip


class TestGovcn(SourceContract):
    source = GovcnSource
    document_page = PAGE
    good_list = ListSample(
        json.dumps(
            [
                {"TITLE": title, "URL": f"https://list.example/zc/{n}.htm", "DOCRELPUBTIME": f"2026-04-{15 - n}"}
                for n, title in enumerate(TITLES)
            ],
            ensure_ascii=False,
        ).encode(),
        TITLES, link="https://list.example/zc/0.htm", date="2026-04-15", content_type="application/json",
        keys=tuple(f"https://list.example/zc/{n}.htm" for n in range(6)), first=DAY,
    )  # fmt: skip
