"""A page: sealed, taken apart again, and known when somebody changed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from syncd.adapters.credit import Times
from syncd.adapters.mediawiki.page import Name, compose, compose_notice, open_page, same, text_of_page
from syncd.model import Post

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
POST = Post(key="syncd-1", title="关于春耕的通知", html="<p>第一。</p>", column="要闻", revision=1, origin_name="中国政府网",
            source_url="https://www.gov.cn/a--b.htm?x=1&y=2")


def _page(post: Post = POST, name: str = "关于春耕的通知", *, display: bool = False, now: datetime = NOW) -> str:
    return compose(post, Name(name, display), {}, "要闻", Times(ZONE, now, NOW)).text


def test_a_page_of_ours_is_whole_and_says_what_it_is() -> None:
    opened = open_page(_page())
    assert (opened.key, opened.framed, opened.whole, opened.notice) == ("syncd-1", True, True, False)
    assert opened.first == NOW
    assert opened.source == "https://www.gov.cn/a--b.htm?x=1&y=2"
    assert opened.categories == ("[[Category:要闻]]",)


def test_a_title_that_its_name_does_not_say_stands_in_the_page() -> None:
    assert open_page(_page()).title == ""
    title = "关于 [[春耕]] 的~~~~通知"
    for display in (False, True):
        text = _page(replace(POST, title=title), "关于春耕的通知（3f9a2b7c）", display=display)
        assert open_page(text).title == title
        assert ("DISPLAYTITLE" in text) is display


def test_a_changed_text_breaks_the_seal_and_not_the_frame_and_a_changed_frame_breaks_both() -> None:
    text = _page()
    edited = open_page(text.replace("第一。", "第二。"))
    assert (edited.framed, edited.whole) == (True, False)
    added = open_page(text + "\n[[Category:本县]]")
    assert (added.framed, added.whole) == (False, False)
    assert open_page(text.split("\n", 1)[1]).key == ""


def test_the_minute_of_the_last_change_makes_no_other_page() -> None:
    assert same(_page(), _page(now=NOW + timedelta(minutes=5)))
    assert not same(_page(), _page(replace(POST, html="<p>第二。</p>")))


def test_a_notice_keeps_categories_and_source_and_counts_as_long_as_nobody_changed_it() -> None:
    name = Name("关于春耕的通知", False)
    notice = compose_notice(open_page(_page()), "syncd-1", name, name.page, Times(ZONE, NOW)).text
    assert open_page(notice).notice
    assert "[[Category:要闻]]" in notice
    assert "https://www.gov.cn/a--b.htm?x=1&amp;y=2" in notice
    assert "第一" not in notice
    assert not open_page(notice.replace("已撤回", "恢复")).notice


def test_what_mediawiki_adds_is_taken_off() -> None:
    rendered = (
        '<p>x</p><div class="syncd-text">\n<h2><span id=".E4"></span><span class="mw-headline" id="一">一</span></h2>'
        '<p><a rel="nofollow" class="external text" href="https://a.b">通知</a>\n</p></div>'
    )
    assert text_of_page(rendered, open_page(_page())) == '<h2>一</h2><p><a href="https://a.b">通知</a>\n</p>'
