"""The observe adapter reads a site's public lists, writes nothing, and never takes a fault for an empty list."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.observe import FAILURES, READS, ObserveAdapter
from syncd.content.text import text_of
from syncd.core.adopt import Candidate, match
from syncd.errors import NotApplied, NotFound, ReadFailed, Rejected
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState
from syncd.web.api import Answer, Limits, Validators

NOW = datetime(2026, 11, 3, tzinfo=UTC)
NO_VALIDATORS = Validators()
SITE = "https://www.county.example"
LIST = f"{SITE}/gwy/index.html"
TITLE = "国务院办公厅关于加快推进服务消费的指导意见"


@dataclass
class FakeSite:
    """A public site: pages by address; a number is a bare status, an exception a failure of the network."""

    pages: dict[str, str | bytes | int | Exception]
    asked: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    """What was answered with a body."""

    async def get(
        self,
        url: str,
        *,
        validators: Validators = NO_VALIDATORS,
        headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        self.asked.append(url)
        found = self.pages.get(url, 404)
        if isinstance(found, Exception):
            raise found
        status, body = (found, b"") if isinstance(found, int) else (200, found)
        data = body.encode() if isinstance(body, str) else body
        tag = Validators(hashlib.sha256(data).hexdigest().encode())
        if status == 200 and validators == tag:
            return Answer(304, url, (), b"", NOW, NOW, validators=tag)
        self.given += [url] if status == 200 else []
        return Answer(status, url, ((b"content-type", b"text/html"),), data, NOW, NOW, validators=tag)

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        raise AssertionError("an observed site is never written to")


def made(site: FakeSite, **options: object) -> ObserveAdapter:
    config = SiteConfig("county", SITE, options={"list_url": LIST, "link_selector": ".list a", **options})
    return ObserveAdapter(config, Tools(client=site, now=lambda: NOW, blobs=None))  # type: ignore[arg-type]


class Day:
    """A clock of the tests' own."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def timed(site: FakeSite, clock: Day, **options: object) -> ObserveAdapter:
    config = SiteConfig("county", SITE, options={"list_url": LIST, "link_selector": ".list a", **options})
    return ObserveAdapter(config, Tools(client=site, now=clock, blobs=None))  # type: ignore[arg-type]


def many(count: int, *, first: int = 1) -> dict[str, str | bytes | int | Exception]:
    """A site with so many posts, the newest on top."""
    numbers = range(first + count - 1, first - 1, -1)
    links = "".join(f'<a href="n{n}.html">第{n}号</a>' for n in numbers)
    return {LIST: f'<div class="list">{links}</div>', **{f"{SITE}/gwy/n{n}.html": page(f"第{n}号") for n in numbers}}


def listed(adapter: ObserveAdapter) -> list[RemoteDoc]:
    async def look() -> list[RemoteDoc]:
        return [doc async for doc in adapter.list("")]

    return asyncio.run(look())


def page(title: str, text: str = "正文", *, meta: str = "") -> str:
    tag = f'<meta name="ArticleTitle" content="{meta}">' if meta else ""
    return f"<html><head><title>某县</title>{tag}</head><body><h1>{title}</h1><p>{text}</p></body></html>"


SITE_PAGES: dict[str, str | bytes | int | Exception] = {
    LIST: '<a href="/">首页</a><div class="list"><a href="1.html">一</a><a href="https://other.example/x">外</a>'
    '<a href="2.html#top">二</a><a href="3.html">三</a></div><a href="index_2.html">下一页</a>',
    f"{SITE}/gwy/index_2.html": '<div class="list"><a href="4.html">四</a></div>',
    f"{SITE}/gwy/1.html": page("国务院办公厅…", "国办发〔2026〕28号", meta=TITLE),
    f"{SITE}/gwy/2.html": page("另一通知").replace("<head>", '<head><meta charset="gb2312">').encode("gb18030"),
    f"{SITE}/gwy/4.html": page("旧通知"),
}


def test_pages_of_the_list_are_found_with_their_titles_and_other_hosts_are_not_asked() -> None:
    site = FakeSite(dict(SITE_PAGES))
    assert [doc.title for doc in listed(made(site))] == [TITLE, "另一通知"]
    assert not [url for url in site.asked if "other.example" in url or "index_2" in url]


def test_following_pages_are_read_as_far_as_allowed() -> None:
    assert [doc.title for doc in listed(made(FakeSite(dict(SITE_PAGES)), max_pages=3))] == [TITLE, "另一通知", "旧通知"]
    assert len(listed(made(FakeSite(dict(SITE_PAGES)), max_pages=3, max_posts=1))) == 1


def test_a_repost_made_by_hand_is_matched() -> None:
    candidates = [Candidate(doc, text_of(doc.html)) for doc in listed(made(FakeSite(dict(SITE_PAGES))))]
    hit = match(TITLE, "国办发〔2026〕28号", candidates)
    assert hit is not None
    assert hit.doc.ref.url == f"{SITE}/gwy/1.html"
    assert hit.by == "number_and_title"


@pytest.mark.parametrize(
    "feed",
    [
        f'<?xml version="1.0"?><rss><channel><item><link> {SITE}/gwy/4.html </link></item></channel></rss>',
        f'<feed xmlns="http://www.w3.org/2005/Atom"><link href="{SITE}/"/><entry><link href="{SITE}/gwy/4.html"/>'
        f'<link rel="enclosure" href="{SITE}/a.pdf"/></entry></feed>',
    ],
)
def test_a_site_s_own_feed_is_a_list_too(feed: str) -> None:
    assert [doc.title for doc in listed(made(FakeSite({**SITE_PAGES, LIST: feed})))] == ["旧通知"]


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        ("<html>维护中</html>", "list_not_understood"),
        ("", "list_not_understood"),
        ('<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><rss>&a;</rss>', "list_not_understood"),
        (403, "http_status"),
        (503, "http_status"),
        (ReadFailed("timeout", "too slow"), "timeout"),
    ],
)
def test_a_list_that_can_not_be_read_is_a_failure_and_not_empty(shown: str | int | Exception, reason: str) -> None:
    adapter = made(FakeSite({**SITE_PAGES, LIST: shown}))
    with pytest.raises(NotApplied) as failure:
        listed(adapter)
    assert failure.value.reason == reason
    report = asyncio.run(adapter.check())
    assert not report.ok
    assert LIST in report.items[0].detail


def test_reading_a_page_tells_gone_from_unreachable() -> None:
    adapter = made(FakeSite({**SITE_PAGES, f"{SITE}/busy": 503}))
    with pytest.raises(NotFound):
        asyncio.run(adapter.read(RemoteRef(f"{SITE}/none")))
    with pytest.raises(NotApplied):
        asyncio.run(adapter.read(RemoteRef(f"{SITE}/busy")))


@pytest.mark.guarantee(3)
def test_every_write_is_refused() -> None:
    adapter = made(FakeSite(dict(SITE_PAGES)))
    post, ref = Post("k", "t", "<p>x</p>", "c", 1), RemoteRef("x")
    for call in (
        adapter.create(post, RemoteState.PUBLIC),
        adapter.update(ref, post, RemoteState.PUBLIC, None),
        adapter.withdraw(ref, "delete"),
    ):
        with pytest.raises(Rejected) as refusal:
            asyncio.run(call)
        assert refusal.value.reason == "observe_only"
        assert refusal.value.hint
    assert not adapter.capabilities.posts
    assert asyncio.run(adapter.find("k")) is None
    assert asyncio.run(adapter.check()).ok


def test_a_second_look_asks_for_the_list_alone_and_only_if_it_changed() -> None:
    site, clock = FakeSite(many(5)), Day()
    adapter = timed(site, clock)
    first = listed(adapter)
    site.asked.clear()
    site.given.clear()
    clock.now += timedelta(minutes=5)
    assert listed(adapter) == first
    assert (site.asked, site.given) == ([LIST], [])


def test_a_later_look_reads_only_what_is_new_and_forgets_what_left_the_list() -> None:
    site, clock = FakeSite(many(3)), Day()
    adapter = timed(site, clock)
    listed(adapter)
    site.pages = many(3, first=2)
    site.asked.clear()
    clock.now += timedelta(minutes=5)
    assert [doc.title for doc in listed(adapter)] == ["第4号", "第3号", "第2号"]
    assert site.asked == [LIST, f"{SITE}/gwy/n4.html"]


def test_one_look_reads_a_bounded_number_of_pages_newest_first_and_the_next_goes_on() -> None:
    site, clock = FakeSite(many(READS + 10)), Day()
    adapter = timed(site, clock)
    found = listed(adapter)
    assert (len(found), len(site.asked), found[0].title) == (READS, READS + 1, f"第{READS + 10}号")
    clock.now += timedelta(minutes=5)
    site.asked.clear()
    assert (len(listed(adapter)), len(site.asked)) == (READS + 10, 11)


def test_a_page_is_read_again_when_its_link_says_something_else_and_else_once_a_day_if_it_changed() -> None:
    site, clock = FakeSite(many(2)), Day()
    adapter = timed(site, clock)
    listed(adapter)
    site.pages[LIST] = str(site.pages[LIST]).replace(">第1号<", ">新题<")
    site.pages[f"{SITE}/gwy/n1.html"] = page("新题")
    site.asked.clear()
    clock.now += timedelta(minutes=10)
    assert [doc.title for doc in listed(adapter)] == ["第2号", "新题"]
    assert site.asked == [LIST, f"{SITE}/gwy/n1.html"]
    clock.now += timedelta(days=1)
    site.asked.clear()
    site.given.clear()
    assert len(listed(adapter)) == 2
    assert (len(site.asked), site.given) == (3, [])


def test_a_page_that_can_not_be_read_is_tried_again_ever_more_rarely_and_what_was_known_stays() -> None:
    site, clock = FakeSite({**many(2), f"{SITE}/gwy/n1.html": 503}), Day()
    adapter = timed(site, clock)
    assert [doc.title for doc in listed(adapter)] == ["第2号"]
    site.asked.clear()
    for _ in range(12):
        clock.now += timedelta(minutes=10)
        listed(adapter)
    assert site.asked.count(f"{SITE}/gwy/n1.html") == 3
    site.pages.update(many(2))
    clock.now += timedelta(minutes=80)
    assert len(listed(adapter)) == 2
    site.pages[f"{SITE}/gwy/n1.html"] = 503
    clock.now += timedelta(days=1)
    assert len(listed(adapter)) == 2
    site.pages[f"{SITE}/gwy/n1.html"] = 404
    clock.now += timedelta(days=1)
    assert len(listed(adapter)) == 1


def test_a_site_that_fails_again_and_again_is_left_alone_for_the_rest_of_the_look() -> None:
    pages = many(20)
    site = FakeSite({url: body if url == LIST else ReadFailed("timeout", "too slow") for url, body in pages.items()})
    assert listed(timed(site, Day())) == []
    assert len(site.asked) == 1 + FAILURES
