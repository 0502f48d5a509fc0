"""Bodies: whatever stands in a value, it arrives as that value and as nothing else."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from email import message_from_bytes
from email.message import Message
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.adapters.api import SiteConfig
from syncd.adapters.http.bodies import (
    entities,
    form_body,
    json_body,
    lacking,
    multipart_body,
    replaced,
    xml_body,
)
from syncd.adapters.http.templates import compiled
from syncd.adapters.http.values import Writer
from syncd.adapters.multipart import File
from syncd.content.text import text_of
from syncd.errors import Rejected
from syncd.model import RemoteState
from tests.adapters.http.kit import NOW, post

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)
IN_XML = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=60)


@given(TEXTS, TEXTS)
def test_json_holds_any_text_as_a_value(title: str, html: str) -> None:
    tree = compiled("{{ title }}", "x", ("title",)).value({"title": title})
    assert json.loads(json_body({"title": tree, "html": html})) == {"title": title, "html": html}


@given(TEXTS, TEXTS)
def test_a_form_holds_any_text_as_a_value(name: str, value: str) -> None:
    body = form_body([(f"n{name}", value), ("last", "1")], "utf-8")
    lines = {key.replace("\r\n", "\n"): said.replace("\r\n", "\n") for key, said in parse_qsl(body.decode(), True)}
    expected = value.replace("\r\n", "\n").replace("\r", "\n")
    assert lines[f"n{name}".replace("\r\n", "\n").replace("\r", "\n")] == expected
    assert lines["last"] == "1"


@given(IN_XML)
def test_xml_holds_any_text_as_a_value(title: str) -> None:
    text = compiled("<a><b>{{ title }}</b></a>", "x", ("title",), "xml").text({"title": title})
    found = ET.fromstring(xml_body(text, "utf-8").decode())
    assert (found.findtext("b") or "").replace("\r", "\n") == title.replace("\r\n", "\n").replace("\r", "\n")


def test_what_xml_forbids_is_left_out() -> None:
    text = compiled("<a>{{ title }}</a>", "x", ("title",), "xml").text({"title": "a\x00b\x0bc\ud800\uffff<"})
    assert xml_body(text, "gbk") == b"<a>abc&lt;</a>"


@given(TEXTS)
def test_an_address_holds_any_text_as_one_part(key: str) -> None:
    from urllib.parse import unquote, urlsplit

    url = compiled("/posts/{{ key }}/draft", "x", ("key",), "url").text({"key": key})
    parts = urlsplit(f"http://x{url}")
    assert (parts.query, parts.fragment) == ("", "")
    assert [unquote(part) for part in parts.path.split("/")] == ["", "posts", key, "draft"]


def parsed(body: bytes, kind: str) -> list[Message]:
    message = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    assert message.is_multipart()
    found: list[Message] = message.get_payload()  # type: ignore[assignment]
    return found


@given(TEXTS, st.binary(max_size=80))
def test_a_multipart_body_holds_any_text_and_any_bytes(value: str, data: bytes) -> None:
    body, kind = multipart_body([("标题", value)], [File("up", 'a"\r\nX: y.pdf', "application/pdf", data)], "utf-8")
    mark = kind.partition("boundary=")[2].encode()
    parts = body.split(b"--" + mark)
    assert len(parts) == 4
    head, _, rest = parts[2].partition(b"\r\n\r\n")
    assert rest == data + b"\r\n"
    assert head.count(b"\r\n") == 2
    assert b'filename="a%22%0D%0AX: y.pdf"' in head
    assert [part.get_content_type() for part in parsed(body, kind)][1] == "application/pdf"


@pytest.mark.parametrize(
    ("charset", "lost"), [("gbk", "💡𠮷"), ("gb2312", "💡𠮷"), ("gb18030", ""), ("big5", "💡𠮷"), ("utf-8", "")])
def test_the_characters_that_a_charset_lacks_are_known(charset: str, lost: str) -> None:
    assert lacking("国务院💡𠮷" if charset != "big5" else "公告💡𠮷", charset) == lost


def test_gb2312_is_what_browsers_take_it_for() -> None:
    """朱镕基: 镕 is in GBK and not in GB 2312; every browser sends GBK for it (WHATWG Encoding)."""
    assert parse_qsl(form_body([("t", "朱镕基")], "gb2312").decode(), encoding="gbk") == [("t", "朱镕基")]


def test_entities_show_the_same_text() -> None:
    html = entities("<p>方案💡𠮷©</p>", "gbk")
    assert text_of(html) == "方案💡𠮷©"
    html.encode("gbk")
    assert replaced("方案💡", "gbk") == "方案?"


def values_of(policy: str, **changes: str):  # type: ignore[no-untyped-def]
    writer = Writer(SiteConfig("x", "https://x.example"), policy)  # type: ignore[arg-type]
    return writer.of_post(post(**changes), RemoteState.PUBLIC, "1", {}, NOW)


def test_a_title_that_the_charset_can_not_hold_waits_for_a_person_and_a_text_becomes_entities() -> None:
    values = values_of("reject", html="<p>💡方案</p>", summary="💡")
    assert values.fit("gbk", ("html",)) == {"html": "<p>&#128161;方案</p>"}
    assert values.losses == []
    assert values.fit("gbk", ("html", "summary"))["summary"] == "?"
    assert len(values.losses) == 1, "of the summary, and of nothing that is not sent"
    assert values.fit("utf-8", ("html",))["html"] == "<p>💡方案</p>"
    values_of("reject", title="💡方案").fit("gbk", ("html",))
    with pytest.raises(Rejected) as refused:
        values_of("reject", title="💡方案").fit("gbk", ("title",))
    assert (refused.value.field, refused.value.reason) == ("title", "unencodable")
    assert "💡" in refused.value.message


@pytest.mark.parametrize(("policy", "title"), [("entity", "&#128161;方案"), ("replace", "?方案")])
def test_or_it_becomes_what_the_options_say(policy: str, title: str) -> None:
    values = values_of(policy, title="💡方案")
    assert values.fit("gbk", ("title",))["title"] == title
    assert bool(values.losses) == (policy == "replace")


@pytest.mark.parametrize("attack", [
    "{{ ''.__class__.__mro__ }}", "{{ cycler.__init__.__globals__ }}", "{% for x in range(10**9) %}{% endfor %}",
    "{{ title.__class__.__base__.__subclasses__() }}",
])
def test_a_template_is_in_a_sandbox(attack: str) -> None:
    from syncd.adapters.http.templates import Fault

    try:
        shown = compiled(attack, "x", ("title", "cycler", "range")).text({"title": "t"})
    except (Rejected, Fault):
        return
    assert "class" not in shown


def test_a_number_alone_stays_one_and_a_table_too() -> None:
    assert compiled("{{ column }}", "x", ("column",)).value({"column": 12}) == 12
    assert compiled(" {{ column }} ", "x", ("column",)).value({"column": 12}) == 12
    assert compiled("{{ column }}-{{ column }}", "x", ("column",)).value({"column": 12}) == "12-12"
    assert compiled("{{ a | merged({'b': {'c': 1}}) }}", "x", ("a",)).value({"a": {"b": {"d": 2}}}) == {"b": {"c": 1, "d": 2}}
