"""HTML as wikitext: nothing of a text is taken for markup, and all of it is there."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.adapters.mediawiki.wikitext import convert, escape

_PIECES = st.lists(st.sampled_from([
    "[[", "]]", "{{", "}}", "{|", "|}", "|-", "||", "!!", "''", "'''", "'", "~~~~", "~", "__TOC__", "_", "==", "=", "----",
    "-{", "}-", "*", "#", ":", ";", " ", "http://", "mailto:", "ISBN 978", "RFC 12", "&", "&amp;", "<", ">", "<nowiki>", "<!--",
    "-->", "通知", "国务院", "a", "1", "\u00a0", "#REDIRECT [[", "\x7f", "\x00",
]), max_size=12).map("".join)
_MARKUP = re.compile(
    r"[\[\]{}|<>]|''|~~~|__|!!|----|==|^[*#:;=! ]|https?://|mailto:|(?:ISBN|RFC|PMID)[ \u00a0][0-9]|&(?!amp;|lt;|gt;|#[0-9]+;)"
)


@given(_PIECES)
def test_no_plain_text_holds_markup_and_all_of_it_is_there(text: str) -> None:
    made = convert(f"<p>{html.escape(text)}</p>", {}).text
    assert _MARKUP.search(made) is None, made
    kept = re.sub("[\x00\x7f]", "", text)
    assert html.unescape(made).split() == kept.split()


@given(_PIECES, _PIECES)
def test_texts_that_meet_where_a_tag_is_dropped_make_no_markup(left: str, right: str) -> None:
    made = convert(f"<p>{html.escape(left)}<q>{html.escape(right)}</q></p>", {}).text
    assert _MARKUP.search(made) is None, made


@given(_PIECES)
def test_the_text_of_a_cell_or_item_ends_no_line_and_opens_no_cell(text: str) -> None:
    table = convert(f"<table><tr><td>{html.escape(text)}</td></tr></table>", {}).text.split("\n")
    assert len(table) == 4
    assert _MARKUP.search(table[2].removeprefix("|").lstrip(" ").lstrip("*#:;=! ")) is None
    assert "\n" not in convert(f"<ul><li>{html.escape(text)}</li></ul>", {}).text


@pytest.mark.parametrize(("markup", "wikitext"), [
    ("<h2>一、总体</h2><p>各县：</p>", "== 一、总体 ==\n\n各县："),
    ("<ol><li>一</li><li>二<ul><li>（一）</li></ul></li></ol>", "# 一\n# 二\n#* （一）"),
    ("<ul><li>a</li></ul><ul><li>b</li></ul>", "* a\n\n* b"),
    ('<ol start="3"><li><p>x</p></li></ol>', '<ol start="3">\n<li>\n<p>x</p>\n</li>\n</ol>'),
    ('<table><tr><th>项目</th></tr><tr><td colspan="2"><p>甲</p><p>乙</p></td></tr></table>',
     '{|\n|-\n! 项目\n|-\n| colspan="2" |\n甲\n\n乙\n|}'),
    ('<p>见<a href="https://a.b/?x=[1]&amp;copy=2">通知</a>，<strong>务必</strong></p>',
     "见[https://a.b/?x=%5B1%5D&amp;copy=2 通知]，<strong>务必</strong>"),
    ("<pre>a  {{b}}\n&lt;c&gt;</pre>", "<pre>a  {{b}}\n&lt;c&gt;</pre>"),
    ("<blockquote>一<br>二</blockquote><hr>", "<blockquote>一<br>二</blockquote>\n\n----"),
    ('<p class="a" style="x|y">居中</p>', '<p class="a" style="x&#124;y">居中</p>'),
    ("<p>* 星</p><p># 井</p><p>= 等</p><p>: 冒</p>", "&#42; 星\n\n&#35; 井\n\n&#61; 等\n\n&#58; 冒"),
])
def test_what_an_editor_of_a_wiki_knows(markup: str, wikitext: str) -> None:
    assert convert(markup, {}).text == wikitext


def test_files_are_shown_and_led_to_and_pictures_without_one_become_links() -> None:
    files = {"https://s/a.png": "Syncd-a.png", "https://s/b.pdf": "Syncd-b.pdf"}
    made = convert('<p><img src="https://s/a.png" alt="图|一"><a href="https://s/b.pdf">附件]]</a>'
                   '<img src="https://s/c.png" alt="图二"><a href="https://s/b.pdf"><img src="https://s/a.png"></a></p>', files)
    assert made.text == (
        "[[File:Syncd-a.png|frameless|1000px|alt=图&#124;一|link=]][[Media:Syncd-b.pdf|附件&#93;&#93;]]"
        "[https://s/c.png &#91;图二&#93;][[File:Syncd-a.png|frameless|1000px|alt=|link=Media:Syncd-b.pdf]]")


def test_what_wikitext_has_no_form_for_is_told() -> None:
    made = convert("<table><thead><tr><th>a</th></tr></thead><tr><td>b</td></tr></table><p><q>c</q><a href='#x'>d</a></p>", {})
    assert made.losses == ("MediaWiki has no <thead>, <q>, links to parts of a page",)
    assert "! a\n|-\n| b" in made.text


def test_hostile_nesting_ends() -> None:
    made = convert("<div>" * 900 + "深" + "</div>" * 900, {})
    assert "深" in made.text


def test_a_scheme_that_is_none_stays_text() -> None:
    assert "[javascript" not in convert('<p><a href="javascript:alert(1)">x</a></p>', {}).text
    assert escape("https://a.b") == "https&#58;//a.b"
