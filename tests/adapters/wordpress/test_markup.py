"""Whatever a document says, WordPress's filters find nothing to act on, and a reader sees the same text."""

from __future__ import annotations

import functools
import html
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.adapters.credit import Times
from syncd.adapters.sealed import compose as composed
from syncd.adapters.sealed import open_page, same, settled
from syncd.adapters.wordpress.markup import harmless, harmless_title, plain_title
from syncd.content.clean import clean
from syncd.content.text import text_of
from syncd.core import visible
from tests.adapters.wordpress.fake import FakeWordPress, shown, texturised
from tests.adapters.wordpress.kit import NOW, PDF, SECOND, Site

TOKENS = st.sampled_from([
    "[gallery]", "[", "]", "[[x]]", "[embed]", "{{", "}}", "--", "---", "-", "...", "''", "``", "'", '"', "6'", '6"', "(tm)",
    " (tm)", "1x2", "0x1F", "10.5x20", ":)", ":-)", "8-)", "8O", "8)", ":D", ":?:", ";)", "Wordpress", "https://a.cn/", "://",
    "<", ">", "&", "&amp;", "&#91;", "&lt;", "<!--more-->", "<!-- wp:html -->", "$latex x$", " ", "\n", "\u00a0", "文", "件",
    "。", "😀", "𠮷", "a", "1",
])
TEXTS = st.lists(TOKENS, max_size=12).map("".join)
ZONE = ZoneInfo("Asia/Shanghai")
compose = functools.partial(composed, neutral=harmless)


def cleaned(text: str, tag: str = "p") -> str:
    return clean(f"<{tag}>{html.escape(text)}</{tag}><p><a href='https://www.gov.cn/?a=[b]'>{html.escape(text)}</a></p>",
                 "https://www.gov.cn/").html


@given(TEXTS, st.sampled_from(["p", "td", "li", "pre", "h2", "blockquote", "strong"]))
def test_the_public_page_shows_the_text_that_was_sent(text: str, tag: str) -> None:
    sent = cleaned(text, tag)
    assert visible.normalise(text_of(shown(harmless(sent)))) == visible.normalise(text_of(sent))


@given(TEXTS)
def test_it_is_also_the_same_for_an_account_without_unfiltered_html(text: str) -> None:
    sent = harmless(cleaned(text))
    kept = FakeWordPress()._saved("author", sent)
    assert same(kept, sent)


@given(TEXTS)
def test_a_title_is_shown_and_read_back_as_it_is(text: str) -> None:
    title = " ".join(text.split())
    stored = harmless_title(title)
    assert plain_title(stored) == title
    assert visible.normalise(text_of(f"<h1>{texturised(stored)}</h1>")) == visible.normalise(title)
    assert "<" not in stored


@pytest.mark.parametrize("markup", [
    "<!-- wp:html --><p>a</p>", "<p>a<!--nextpage-->b</p>", '<p title="[x] {{y}} > <b>">a</p>', "<p>[x]</p>", "<p>{{x}}</p>",
    "<p>https://www.gov.cn/</p>", "<pre>\nhttps://www.gov.cn/\n</pre>",
])
def test_nothing_that_wordpress_acts_on_is_left_in_tags_comments_or_text(markup: str) -> None:
    made = harmless(markup)
    for sign in ("[", "]", "{{", "}}", "<!--", ">https://", "\nhttps://"):
        assert sign not in made


def test_line_breaks_stay_in_preformatted_text_only() -> None:
    assert harmless("<p>a\n b</p><pre>a\n  b</pre><p>c\nd</p>") == "<p>a b</p><pre>a\n  b</pre><p>c d</p>"


def test_what_is_plain_for_editors_stays_plain_in_the_title() -> None:
    plain = "关于“十四五”规划的通知（2026-2030年） [附件] 'x'"
    assert harmless_title(plain) == plain
    assert harmless_title("<甲> & 乙") == "&lt;甲&gt; &amp; 乙"


# --- the seal ---------------------------------------------------------------------------------------------------------


def sealed(**changes: object) -> tuple[str, str]:
    post = Site(FakeWordPress()).post("syncd-1", media=(PDF, SECOND), **changes)
    content = compose(post, {SECOND.url: "http://x.example/b.pdf"}, (PDF, SECOND), Times(ZONE, NOW))
    return content, post.title


def test_an_unbroken_seal_gives_the_text_alone() -> None:
    content, title = sealed()
    opened = open_page(content, title)
    assert (opened.key, opened.framed, opened.whole, opened.notice, opened.lang) == ("syncd-1", True, True, False, "zh")
    assert opened.html.startswith("<p>各省")
    assert opened.source == "https://www.gov.cn/1.htm"
    assert "国发" not in opened.html


@pytest.mark.guarantee(3)
@pytest.mark.parametrize(("old", "new", "framed"), [
    ("国发〔2026〕1号", "国发〔2026〕2号", False), ("中国政府网", "某县政府网", False), ("附件2", "附件9", False),
    ("https://www.gov.cn/1.htm", "https://evil.example/", False), ("http://x.example/b.pdf", "http://x.example/c.pdf", False),
    ("第一版", "第二版", True), ("syncd-1", "syncd-2", False),
])
def test_every_change_by_hand_breaks_the_seal(old: str, new: str, framed: bool) -> None:
    content, title = sealed()
    assert old in content
    opened = open_page(content.replace(old, new), title)
    assert (opened.framed, opened.whole) == (framed, False)
    assert ("国发" in opened.html) is not framed


def test_another_title_breaks_the_seal_of_the_whole_and_not_of_the_frame() -> None:
    content, _ = sealed()
    assert (open_page(content, "另一个标题").framed, open_page(content, "另一个标题").whole) == (True, False)


def test_how_entities_and_blanks_are_spelt_breaks_nothing() -> None:
    content, title = sealed(title="甲 & 乙", html="<p>[x] &lt;y&gt; “z”</p>")
    respelt = content.replace("&#91;", "&#091;").replace("<p>", "<p>\n").replace("&#93;", "&#x5d;")
    assert open_page(respelt, plain_title(harmless_title(title))).whole


def test_files_that_the_text_links_to_are_not_listed_again() -> None:
    post = Site(FakeWordPress()).post(html='<p><a href="https://www.gov.cn/g.pdf">附件</a></p>', media=(PDF, SECOND))
    places = {PDF.url: "http://x.example/a.pdf", SECOND.url: "http://x.example/b.pdf"}
    content = compose(post, places, (PDF, SECOND), Times(ZONE, NOW))
    assert content.count("b.pdf") == 1
    assert content.count("a.pdf") == 1


def test_a_later_change_is_told_beside_the_first_time() -> None:
    post = Site(FakeWordPress()).post()
    first = compose(post, {}, (), Times(ZONE, NOW))
    later = compose(post, {}, (), Times(ZONE, NOW + timedelta(hours=1), NOW))
    assert "转载时间：2026-12-01 00:30" in first
    assert "转载时间：2026-12-01 00:30</span> <span>更新时间：2026-12-01 01:30" in later
    assert "更新时间" not in first
    assert settled(later) == settled(first)


def test_a_source_that_is_no_web_address_is_not_linked() -> None:
    content = compose(Site(FakeWordPress()).post(source_url="javascript:alert(1)"), {}, (), Times(ZONE, NOW))
    assert "javascript" not in content


def test_text_of_a_field_is_never_markup() -> None:
    content = compose(Site(FakeWordPress()).post(issuer="<b>x</b>[gallery]", document_number='"><script>'), {}, (),
                      Times(ZONE, NOW))
    assert "<b>" not in content
    assert "<script" not in content
    assert "[" not in content


def test_a_picture_that_is_no_file_of_the_site_is_a_link_unless_the_post_hotlinks() -> None:
    post = Site(FakeWordPress()).post(html='<p>图：<img src="https://www.gov.cn/p.png"></p>')
    plain, remote = (compose(replace(post, hotlink=hot), {}, (), Times(ZONE, NOW)) for hot in (False, True))
    assert "<img" not in plain
    assert '<a href="https://www.gov.cn/p.png">' in plain
    assert '<img src="https://www.gov.cn/p.png"' in remote
