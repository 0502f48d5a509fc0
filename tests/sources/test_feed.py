"""Feeds of every format give the same kind of entries, and what is odd in one of them is told and never spreads."""

from __future__ import annotations

import pytest

from syncd.model import AttachmentLink, Precision
from syncd.sources.feed import _LONGEST_BASE, FeedOptions, _Copies, _remembering
from tests.sources.kit import LISTS, feed, item, read, read_page, rss


def listing(name: str):
    return read((LISTS / name).read_bytes())


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("rss-0.91.xml", ["关于做好乡村道路养护工作的通知（虚构）", "关于发放老年人公交卡的公告（虚构）"]),
        ("rss-0.92.xml", ["关于印发《绿化工作方案》的通知（虚构）"]),
        (
            "rss-2.0.xml",
            [
                "关于优化营商环境的若干措施（虚构）",
                "关于调整最低生活保障标准的通知（虚构）",
                "关于公共图书馆开放时间的公告（虚构）",
            ],
        ),
        ("rdf-1.0.xml", ["关于森林防火的命令（虚构）", "关于农田水利建设的意见（虚构）"]),
        ("atom-1.0.xml", ["关于A & B两级财政的办法（虚构）", "关于渔港管理的规定（虚构）", "已废止"]),
        ("rss-gb2312.xml", ["关于清理河道垃圾的公告（虚构）", "关于镕鑫广场命名的通知（虚构）"]),
        ("rss-utf16.xml", ["关于清理河道垃圾的公告（虚构）", "关于镕鑫广场命名的通知（虚构）"]),
    ],
)
def test_every_format_is_read_without_a_problem(name: str, titles: list[str]) -> None:
    found = listing(name)
    assert [entry.title for entry in found.entries] == titles
    assert found.problems == ()
    assert all(entry.aliases and entry.url.startswith("https://list.example/") for entry in found.entries)


def test_rss_2_gives_key_link_time_author_content_and_files() -> None:
    found = listing("rss-2.0.xml")
    first, second, third = found.entries
    assert (found.title, found.ttl) == ("云山市人民政府文件（虚构）", 1800.0)
    assert (first.key, first.author, first.categories) == ("doc-1001", "云山市人民政府办公室", ("综合", "经济"))
    assert first.url == "https://list.example/2026/c1.htm?utm_source=rss"
    assert first.aliases == ("url:list.example/2026/c1.htm", "guid:county-feed:doc-1001")
    assert (first.content_html, first.summary) == ("<p>全文：优化营商环境。</p>", "优化营商环境")
    assert first.attachments == (
        AttachmentLink("https://list.example/c1.pdf", "application/pdf", 4096),
        AttachmentLink("https://list.example/c1.jpg", "image/jpeg", 99),
    )
    assert first.published
    assert first.published.at.isoformat() == "2026-04-15T09:15:40+00:00"
    assert first.published.zone_origin == "explicit"
    assert second.key == "1002", "a guid is a name and isn't joined to the feed's address"
    assert second.published
    assert second.published.precision is Precision.DAY
    assert second.published.at.isoformat() == "2026-04-14T16:00:00+00:00"
    assert third.key == third.url, "an entry without a guid is known by its link"
    assert third.published is not None
    assert third.published.at.isoformat() == "2026-04-15T09:15:40+00:00", (
        "CST is China's time here"
    )


def test_rdf_dates_are_publication_dates() -> None:
    first, second = listing("rdf-1.0.xml").entries
    assert first.published
    assert first.published.precision is Precision.MINUTE
    assert first.updated is None
    assert second.published
    assert second.published.precision is Precision.DAY
    assert (first.author, listing("rdf-1.0.xml").ttl) == ("江平县人民政府", 1800.0)


def test_atom_bases_times_and_tombstones() -> None:
    first, second, gone = listing("atom-1.0.xml").entries
    assert (first.key, first.url) == ("urn:x:1", "https://list.example/docs/e1.htm")
    assert 'href="https://files.example/x/fu.pdf"' in first.content_html
    assert first.author == "海宁台财政局"
    assert second.updated is not None
    assert second.published is None, "published is never invented from updated"
    assert gone.withdrawn
    assert gone.key == "urn:x:0"
    assert gone.url == "https://list.example/e0.htm"
    assert gone.updated
    assert gone.updated.at.isoformat() == "2026-04-16T02:00:00+00:00"
    assert not feed().page_of(gone)


def test_json_feed_with_a_bom_a_numeric_id_and_a_bad_item() -> None:
    found = listing("feed-1.1.json")
    first, second = found.entries
    assert [problem.where for problem in found.problems] == ["items[2]"]
    assert (first.key, first.url, first.author) == ("7", "https://list.example/2026/f1.htm", "东岭区民政局")
    assert first.content_html == "<p>第一条 &lt;补贴&gt;</p><p>第二条</p>"
    assert first.attachments == (AttachmentLink("https://list.example/f1.pdf", "application/pdf", 12, "附表"),)
    assert first.published
    assert first.updated
    assert second.published
    assert second.published.precision is Precision.DAY


def test_guids_that_are_all_equal_give_way_to_links() -> None:
    same = [item(n).replace(f"<guid>g{n}</guid>", "<guid isPermaLink='false'>x</guid>") for n in (1, 2, 3)]
    found = read(rss(*same))
    assert [entry.key for entry in found.entries] == [f"https://list.example/{n}.htm" for n in (1, 2, 3)]


def test_a_link_that_many_entries_share_names_none_of_them() -> None:
    same = [item(n).replace(f"{n}.htm", "index.htm?x=1") for n in (1, 2)]
    assert [entry.aliases for entry in read(rss(*same)).entries] == [
        ("guid:county-feed:g1",),
        ("guid:county-feed:g2",),
    ]


def test_one_bad_entry_is_a_problem_and_the_others_are_read() -> None:
    found = read(rss(item(1), "<item><description/></item>", "<item><title>无址</title></item>", item(2), item(2)))
    assert [entry.title for entry in found.entries] == ["通知1", "通知2"]
    assert [problem.reason for problem in found.problems] == [
        "entry_without_title",
        "entry_without_id",
        "duplicate_entry",
    ]


def test_a_script_as_link_is_no_address() -> None:
    found = read(
        rss("<item><title>甲</title><guid isPermaLink='false'>1</guid><link>javascript:alert(1)</link></item>")
    )
    assert [(entry.url, entry.key) for entry in found.entries] == [("", "1")]
    assert [problem.reason for problem in found.problems] == ["bad_link"]


def test_an_empty_but_well_formed_feed_has_no_entries() -> None:
    assert read(rss()).entries == ()


@pytest.mark.parametrize(
    "trap", ["0000-00-00", "2024-02-30", "2026-04-15T17:15:40+99:99", "昨天", "1970-01-01", "0001-01-01T00:00:00Z"]
)
def test_a_trap_date_is_a_problem_and_never_a_time(trap: str) -> None:
    found = read(rss(item(1, date=trap), item(2, date="2026/04/15 17:15:40")))
    assert [entry.published is None for entry in found.entries] == [True, False]
    assert [(problem.reason, problem.where) for problem in found.problems] == [("bad_date", "entries[0].published")]


@pytest.mark.parametrize(
    ("mode", "summary_only", "with_content"),
    [
        ("auto", True, False),
        ("always", True, True),
        ("never", False, False),
    ],
)
def test_full_text_decides_whether_the_page_is_read(mode: str, summary_only: bool, with_content: bool) -> None:
    source = feed(options=FeedOptions(full_text=mode))  # type: ignore[arg-type]
    entries = read((LISTS / "rss-2.0.xml").read_bytes(), source=source).entries
    assert [bool(source.page_of(entry)) for entry in entries[:2]] == [with_content, summary_only]
    assert bool(entries[1].content_html) is (mode == "never"), (
        "a description is the content where no page will be read"
    )


PAGE = """<html><head><title>窗口</title><meta property="og:title" content="关于甲的通知">
<meta property="article:published_time" content="2026-04-15T17:15:40+08:00">
<meta name="ContentSource" content="市政府办">
</head><body><nav>导航</nav><div class="box">{body}<a href="f/1.pdf">附件</a></div></body></html>"""


def test_a_page_is_read_by_selector() -> None:
    page = read_page(feed(options=FeedOptions(body_selector=".box")), PAGE.format(body="<p>正文</p>"))
    assert (page.title, page.origin_name) == ("关于甲的通知", "市政府办")
    assert "<p>正文</p>" in page.html
    assert "导航" not in page.html
    assert page.published
    assert page.published.precision is Precision.SECOND
    assert page.published.origin == "page"
    assert page.attachments == (AttachmentLink("https://www.gov.example/a/f/1.pdf", "application/pdf", None, "附件"),)


def test_without_a_selector_the_main_text_is_found() -> None:
    text = "<p>这是一个足够长的段落，说明有关部门如何分工负责、按时完成各项工作任务。</p>" * 12
    page = read_page(feed(), PAGE.format(body=text))
    assert "分工负责" in page.html
    assert "导航" not in page.html


def test_a_page_without_the_selected_body_shows_no_document() -> None:
    from syncd.errors import ReadFailed

    with pytest.raises(ReadFailed) as caught:
        read_page(feed(options=FeedOptions(body_selector="#nowhere")), PAGE.format(body="<p>正文</p>"))
    assert caught.value.reason == "no_body"
    assert "窗口" in caught.value.hint


def test_what_feedparser_is_spared_gives_what_it_would_have_done_itself() -> None:
    joined: list[tuple[str, str]] = []

    def join(base: str, rel: str) -> str:
        joined.append((base, rel))
        return f"{base} {rel}"

    remembering = _remembering(join)
    long = "x" * _LONGEST_BASE
    for base, rel in (("a", "b"), ("b", "a"), ("a", "b"), (long, "b"), (long, "b")):
        assert remembering(base, rel) == f"{base} {rel}"
    assert joined == [("a", "b"), ("b", "a"), (long, "b"), (long, "b")]


def test_a_copy_of_feedparsers_is_deep_where_there_is_depth() -> None:
    for value in ({"type": "text/html", "language": None}, {"type": "t", "within": ["a"]}, {"number": 1}):
        copied = _Copies.deepcopy(value)
        assert copied == value
        assert copied is not value
        assert "within" not in value or copied["within"] is not value["within"]


ATOM_HUBS = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><id>x</id>
<link rel="hub" href="https://hub.example/"/><link rel="hub" href="/own-hub"/><link rel="hub" href="javascript:x"/>
<link rel="self" href="https://list.example/feed.xml"/>
<entry><id>1</id><title>一</title><link rel="hub" href="https://not-of-the-feed.example/"/></entry></feed>"""
RSS_HUBS = """<?xml version="1.0"?><rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel><title>t</title>
<atom:link rel="hub" href="https://hub.example/"/><atom:link rel="self" href="https://list.example/feed.xml"/>
<item><guid>1</guid><title>一</title><link>https://list.example/1</link></item></channel></rss>"""
JSON_HUBS = """{"version": "https://jsonfeed.org/version/1.1", "title": "t", "feed_url": "https://list.example/feed.json",
"hubs": [{"type": "rssCloud", "url": "https://cloud.example/"}, {"type": "WebSub", "url": "https://hub.example/"}, 7],
"items": []}"""


@pytest.mark.parametrize(
    ("text", "hubs", "topic"),
    [
        (ATOM_HUBS, ("https://hub.example/", "https://list.example/own-hub"), "https://list.example/feed.xml"),
        (RSS_HUBS, ("https://hub.example/",), "https://list.example/feed.xml"),
        (JSON_HUBS, ("https://hub.example/",), "https://list.example/feed.json"),
        (RSS_HUBS.replace("atom:link", "atom:other"), (), ""),
    ],
)
def test_the_hubs_that_a_feed_names_for_itself_are_told(text: str, hubs: tuple[str, ...], topic: str) -> None:
    found = read(text.encode())
    assert (found.hubs, found.topic) == (hubs, topic)
def skips(xml: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    found = read(rss(item(1), channel=xml))
    return found.skips.hours, found.skips.days


def test_all_skip_hours_and_days_are_kept_and_not_the_last_alone() -> None:
    hours = "<skipHours><hour>0</hour><hour> 22 </hour><hour>23</hour></skipHours>"
    assert skips(hours + "<skipDays><day>Saturday</day><day>sunday</day></skipDays>") == ((0, 22, 23), (5, 6))


def test_hours_that_are_none_are_left_out_and_24_is_midnight() -> None:
    assert skips("<skipHours><hour>24</hour><hour>25</hour><hour>-1</hour><hour>７</hour><hour/></skipHours>") == ((0,), ())
    assert skips("<skipDays><day>星期六</day><day>Someday</day></skipDays><hour>3</hour>") == ((), ())


def test_an_hour_within_an_entry_and_thousands_of_them_mean_nothing() -> None:
    assert skips("<skipHours>" + "<hour>3</hour>" * 5000 + "</skipHours>") == ((3,), ())
    assert read(rss("<item><title>x</title><guid>g</guid><skipHours><hour>3</hour></skipHours></item>")).skips.hours == ()


def test_known_rows_leave_the_skip_hours_as_they_are() -> None:
    for _ in range(3):
        assert skips("<skipHours><hour>4</hour></skipHours>") == ((4,), ())
