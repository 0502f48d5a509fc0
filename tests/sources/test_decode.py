"""Bytes are decoded by us, so that one bad byte spoils one character and not all titles."""

from __future__ import annotations

import pytest

from syncd.errors import ReadFailed
from syncd.sources.decode import decode
from tests.sources.kit import item, read, rss

TITLES = [f"关于第{n}号工作的通知" for n in range(30)]
TEXT = rss(*(item(n, title=title) for n, title in enumerate(TITLES)))


@pytest.mark.parametrize("codec", ["gb2312", "gbk", "gb18030", "utf-8", "utf-16", "big5"])
@pytest.mark.parametrize("header", ["", "text/xml; charset={}"])
def test_thirty_titles_are_right_in_every_encoding(codec: str, header: str) -> None:
    text = TEXT.replace('encoding="utf-8"', f'encoding="{codec}"')
    if codec == "big5":
        text = text.translate(str.maketrans("关于号", "關於號"))
    found = read(text.encode(codec), content_type=header.format(codec))
    assert len(found.entries) == 30
    assert found.problems == ()
    assert found.entries[7].title.endswith("工作的通知")


@pytest.mark.parametrize(
    ("prolog", "header"),
    [("utf-8", ""), ("", ""), ("utf-8", "text/xml; charset=utf-8"), ("gbk", "text/xml; charset=utf-8")],
)
def test_gbk_bytes_are_known_whatever_is_declared(prolog: str, header: str) -> None:
    text = TEXT.replace(' encoding="utf-8"', f' encoding="{prolog}"' if prolog else "")
    assert [entry.title for entry in read(text.encode("gbk"), content_type=header).entries] == TITLES


@pytest.mark.parametrize("declared", ["gb2312", "iso-8859-1", "nonsense", "utf-7", "base64"])
def test_strict_utf_8_beats_what_is_declared(declared: str) -> None:
    text = TEXT.replace('encoding="utf-8"', f'encoding="{declared}"')
    assert [
        entry.title for entry in read(text.encode(), content_type=f"text/xml; charset={declared}").entries
    ] == TITLES


@pytest.mark.parametrize("codec", ["utf-8", "gbk"])
def test_one_bad_byte_spoils_one_title_and_is_told(codec: str) -> None:
    text = TEXT.replace('encoding="utf-8"', f'encoding="{codec}"')
    data = text.encode(codec).replace("第5号".encode(codec), "第5".encode(codec) + b"\xff" + "号".encode(codec))
    found = read(data)
    assert [entry.title for n, entry in enumerate(found.entries) if n != 5] == [
        title for n, title in enumerate(TITLES) if n != 5
    ]
    assert [problem.reason for problem in found.problems] == ["bad_encoding"]


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ReadFailed) as caught:
        decode(bytes(range(128, 256)) * 20)
    assert caught.value.reason == "bad_encoding"
    assert caught.value.hint


def test_the_codec_and_the_damage_are_told() -> None:
    assert (decode(b"\xef\xbb\xbfabc").text, decode("政策".encode("gbk")).encoding) == ("abc", "gb18030")
    assert decode("<a>政策</a>".encode("utf-16-le")).text == "<a>政策</a>"


def test_a_little_damage_is_borne_and_much_is_not() -> None:
    text = ("关于印发工作方案的通知" * 100).encode()
    assert decode(text + b"\xff" * 4).replaced == 4
    with pytest.raises(ReadFailed):
        decode((b"\xff\xe5" + "关".encode()) * 200)
