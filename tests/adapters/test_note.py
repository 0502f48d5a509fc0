"""A document as a note: what it says, how it is known again, and which changes of it are seen."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from syncd.adapters.note import FRAME, compose, compose_notice, lines_of, losses, mark_of, open_note, text_of
from syncd.core.abridge import abridged, length
from syncd.model import Post
from tests.adapters.answering import PDF, post

MOST = 320
TABLE = "<p>甲</p><table><tr><td>项目</td><td>50%</td></tr></table><p>见<a href=\"https://a.cn/?a=1&amp;b=2\">通知</a>，<b>务必</b>。</p>"


def note(**changes: Any) -> Post:
    return post(**{"origin_name": "中国政府网", **changes})


def test_it_says_title_text_source_number_tag_and_link() -> None:
    text = compose(note(), MOST, "国务院文件")
    mark = mark_of(note().key)
    assert re.fullmatch(
        "关于印发《方案》的通知\n\n各县（市、区）人民政府：\n\n来源：中国政府网 发文字号：国发〔2026〕1号 #国务院文件\n"
        f"https://www\\.gov\\.cn/1\\.htm#s-{mark}-[0-9a-f]{{8}}-[0-9a-f]{{8}}", text)


def test_what_it_says_is_read_back() -> None:
    opened = open_note(compose(note(html=TABLE), MOST))
    assert (opened.mark, opened.framed, opened.whole, opened.notice) == (mark_of(note().key), True, True, False)
    assert (opened.title, opened.lines) == (note().title, ("甲", "项目", "50%", "见通知，务必。"))
    assert opened.source.startswith("https://www.gov.cn/1.htm")
    assert opened.html == "<p>甲</p><p>项目</p><p>50%</p><p>见通知，务必。</p>"


@pytest.mark.parametrize("source", ["", "https://a.cn/#/detail/1", "javascript:alert(1)", "https://a.cn/x y"])
def test_where_a_link_can_not_carry_the_mark_it_stands_by_itself(source: str) -> None:
    """A fragment that a page needs is left alone; what is no address is not shown."""
    text = compose(note(source_url=source), MOST)
    opened = open_note(text)
    assert (opened.mark, opened.whole) == (mark_of(note().key), True)
    assert opened.source == (source if "#" in source else "")
    assert "javascript" not in text


def test_a_change_of_the_text_breaks_one_seal_and_one_of_the_lines_below_both() -> None:
    text = compose(note(), MOST)
    edited, reworded = open_note(text.replace("各县", "本县")), open_note(text.replace("中国政府网", "本站"))
    assert (edited.framed, edited.whole, edited.lines) == (True, False, ("本县（市、区）人民政府：",))
    assert (reworded.framed, reworded.whole) == (False, False)
    assert "来源：本站 发文字号：国发〔2026〕1号" in reworded.lines, "a change around the text is a change"


def test_text_of_people_is_read_and_bears_no_mark() -> None:
    assert open_note("今天天气好\n第二行\n\n再见").lines == ("第二行", "再见")
    assert [open_note(text).mark for text in ("", "今天", "见 s-0123", "https://a.cn/#s-zz")] == [""] * 4


def test_a_mark_counts_only_at_the_end() -> None:
    text = compose(note(), MOST)
    assert open_note(f"转：\n\n{text}\n\n完").mark == ""
    assert open_note(text + " ").mark


def test_whatever_is_long_it_keeps_to_its_characters() -> None:
    longest = note(title="题" * 900, html=f"<p>{'文' * 9000}</p>", origin_name="源" * 90, document_number="号" * 90,
                   source_url=f"https://www.gov.cn/{'x' * 300}.htm#/y")
    text = compose(longest, MOST, "话" * 30)
    assert length(text) <= MOST + FRAME
    assert open_note(text).whole
    assert (open_note(text).title, open_note(text).lines) == abridged("题" * 900, ["文" * 9000], MOST)


def test_the_same_is_cut_again_to_the_same() -> None:
    """The engine hands over what it has cut already."""
    long = note(html="".join(f"<p>第{n}条　抓紧落实。</p>" for n in range(99)))
    title, lines = abridged(long.title, lines_of(long.html), MOST)
    again = replace(long, title=title, html="".join(f"<p>{line}</p>" for line in lines))
    assert compose(again, MOST) == compose(long, MOST)


def test_nobody_is_mentioned() -> None:
    text = compose(note(title="@alice 的通知", html="<p>电子邮箱 b@gov.cn</p>"), MOST)
    assert "@" not in text
    assert open_note(text).lines == ("电子邮箱 b＠gov.cn",)


def test_what_it_lacks_is_told_and_nothing_else() -> None:
    assert losses(note(), MOST, "X") == ()
    told = losses(note(html=TABLE + f"<p>{'文' * 999}@</p>", media=(PDF,)), MOST, "X")
    assert told == (
        "fujian-1.pdf stays at its source: X is given text only", "X shows the beginning only: its notes have few characters",
        "X shows plain text: a, b, table, td, tr left out", "@ is written ＠, so that nobody is mentioned")


def test_a_notice_is_one_and_keeps_mark_title_and_link() -> None:
    opened = open_note(compose_notice(mark_of("k"), "题", "zh", "https://a.cn/1"))
    assert (opened.notice, opened.mark, opened.whole, opened.title) == (True, mark_of("k"), True, "题")
    assert opened.source.startswith("https://a.cn/1")
    again = compose_notice(mark_of("k"), "题", "zh", opened.source)
    assert again == compose_notice(mark_of("k"), "题", "zh", "https://a.cn/1"), "its link does not grow"


RENDERED = (
    '<p>关于印发《方案》的通知</p><p>一 &lt; 二 &amp; 三<br />第二行</p><p>来源：中国政府网 '
    '<a href="https://s.example/tags/x" class="mention hashtag" rel="tag">#<span>国务院文件</span></a><br />'
    '<a href="https://www.gov.cn/zhengce/content_1.htm#s-1" rel="nofollow noopener" translate="no">'
    '<span class="invisible">https://www.</span><span class="ellipsis">gov.cn/zhengce/content_1</span>'
    '<span class="invisible">.htm#s-1</span></a></p>'
)
"""As Mastodon 4 renders it: an address in three pieces of which two are hidden, a tag in two."""


def test_the_text_that_was_sent_is_read_from_what_mastodon_renders() -> None:
    assert text_of(RENDERED) == (
        "关于印发《方案》的通知\n\n\n\n一 < 二 & 三\n第二行\n\n\n\n来源：中国政府网 #国务院文件\nhttps://www.gov.cn/zhengce/content_1.htm#s-1")
