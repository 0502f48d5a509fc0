"""A body that is cut off is a failed read, never a shorter list nor an emptied one: over a real server, and by its text."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest

from syncd.errors import ReadFailed, SyncdError
from syncd.sources.html import Html, is_cut
from tests.sources.kit import feed, govcn, item, read_page, refused, rss
from tests.web.kit import client, serve

TITLES = [f"关于第{n}号工作的通知" for n in range(30)]
XML = rss(*(item(n, title=title) for n, title in enumerate(TITLES))).encode()
ROWS = [{"id": f"g{n}", "title": title, "url": f"https://list.example/{n}.htm"} for n, title in enumerate(TITLES)]
JSON = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": ROWS}, ensure_ascii=False).encode()
PAGE = (
    "<!DOCTYPE html><html><head><title>通知</title></head><body><div class=head>政府网</div><div id=zoom><p>第一条。</p>"
    + "".join(f"<p>{title}。</p>" for title in TITLES)
    + "</div><div class=foot>主办单位</div></body></html>"
).encode()
LISTS = pytest.mark.parametrize("body", [XML, JSON], ids=["xml", "json"])
CUTS = pytest.mark.parametrize("part", [0.15, 0.5, 0.9, 0.999])


def polled(reply: bytes) -> ReadFailed | SyncdError | list[str]:
    """What a poll of a server that answers with these bytes and hangs up gives: titles, or the failure."""

    async def handler(request, writer):  # type: ignore[no-untyped-def]
        writer.write(reply)
        await writer.drain()
        writer.close()

    async def main() -> list[str]:
        async with serve(handler) as server, client() as asked:
            return [entry.title for entry in (await feed().parse(await asked.get(server.url()))).entries]

    try:
        return asyncio.run(main())
    except SyncdError as failure:
        return failure


def head(*lines: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


@LISTS
def test_whole_lists_are_read_however_they_are_framed(body: bytes) -> None:
    packed = gzip.compress(body, mtime=0)
    for reply in (
        head(f"Content-Length: {len(body)}") + body,
        head() + body,
        head("Transfer-Encoding: chunked") + chunk(body[:500]) + chunk(body[500:]) + b"0\r\n\r\n",
        head("Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed,
        head("Content-Encoding: gzip", "Transfer-Encoding: chunked") + chunk(packed) + b"0\r\n\r\n",
    ):
        assert polled(reply) == TITLES


@pytest.mark.guarantee(4)
@LISTS
@CUTS
def test_a_cut_list_is_a_failed_read_however_it_is_framed(body: bytes, part: float) -> None:
    packed = gzip.compress(body, mtime=0)
    some, fewer = body[: int(len(body) * part)], packed[: int(len(packed) * part)]
    for reply in (
        head(f"Content-Length: {len(body)}") + some,
        head() + some,
        head("Transfer-Encoding: chunked") + chunk(body)[: len(some)],
        head("Transfer-Encoding: chunked") + chunk(some),
        head("Transfer-Encoding: chunked") + chunk(some) + b"0\r\n\r\n",
        head("Content-Encoding: gzip", f"Content-Length: {len(packed)}") + fewer,
        head("Content-Encoding: gzip") + fewer,
        head("Content-Encoding: gzip", "Transfer-Encoding: chunked") + chunk(fewer) + b"0\r\n\r\n",
        head("Content-Encoding: gzip") + gzip.compress(some, mtime=0),
    ):
        failure = polled(reply)
        assert isinstance(failure, ReadFailed)
        assert failure.reason == "truncated"
        assert failure.hint


@pytest.mark.parametrize("empty", [head("Content-Length: 0"), head(), head("Transfer-Encoding: chunked") + b"0\r\n\r\n"])
def test_an_empty_body_is_a_failed_read(empty: bytes) -> None:
    failure = polled(empty)
    assert isinstance(failure, ReadFailed)
    assert failure.reason == "empty_body"


@pytest.mark.parametrize("cut", range(60, len(XML) - 1, 97))
def test_xml_cut_anywhere_is_no_list(cut: int) -> None:
    assert refused(XML[:cut]).reason in ("truncated", "not_a_feed", "bad_encoding")


@pytest.mark.parametrize("cut", range(1, len(JSON) - 1, 97))
def test_json_cut_anywhere_is_no_list(cut: int) -> None:
    assert refused(JSON[:cut]).reason in ("truncated", "bad_encoding")


def test_a_cut_list_of_gov_cn_is_told_as_cut() -> None:
    body = '[{"TITLE":"甲","URL":"/a/1.htm","DOCRELPUBTIME":"2026-04-15"},{"TITLE":"乙","URL":'
    assert refused(body, source=govcn()).reason == "truncated"


def test_json_with_a_fault_in_its_middle_is_not_called_cut() -> None:
    assert refused(JSON.replace(b'"items"', b"items")).reason == "not_understood"


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("cut", [PAGE.index("第一条".encode()) + 12, 700, PAGE.index(b"</div><div class=foot")])
def test_a_page_that_is_cut_in_its_text_is_no_shorter_document(cut: int) -> None:
    with pytest.raises(ReadFailed) as caught:
        read_page(feed(), PAGE[:cut])
    assert caught.value.reason == "truncated"
    assert "第一条" in read_page(feed(), PAGE).html


def test_a_page_that_leaves_out_its_last_end_tags_is_whole() -> None:
    sloppy = PAGE.replace(b"</body></html>", b"")
    assert read_page(feed(), sloppy).html == read_page(feed(), PAGE).html


@pytest.mark.parametrize(
    ("markup", "cut"),
    [
        ("<p>a fragment", False),
        ("<html><body><p>one<p>two", False),
        ("<html><body><div><p>one", True),
        ("<html><body><p>one</p><di", True),
        ("<html><body><!-- one", True),
        ("<html><body><ul><li><a href=1>1</a>", True),
        ("<html><body><div></body>", False),
    ],
)
def test_only_what_opens_and_never_closes_is_cut(markup: str, cut: bool) -> None:
    assert is_cut(markup) is cut
    if cut:
        with pytest.raises(ReadFailed):
            Html(markup.encode(), content_type="", url="https://www.gov.example/")


def test_html_served_as_a_feed_is_told_with_its_title() -> None:
    failure = refused(PAGE, content_type="application/rss+xml")
    assert failure.reason == "not_a_feed"
    assert "通知" in failure.hint
