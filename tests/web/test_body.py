"""Bodies: bombs, endless and dripping ones, cut ones."""

import asyncio
import gzip
import tracemalloc
import zlib

import pytest

from syncd.errors import SyncdError
from syncd.web.api import Limits
from tests.web.kit import QUICK, answers, client, fails, response, serve

SMALL = Limits(deadline=5.0, wire=100_000, body=200_000)


def outcome(reply: bytes, limits: Limits = SMALL, *, close: bool = True):
    """(answer or None, error or None) of a get() that is answered with these bytes."""

    async def handler(request, writer):
        writer.write(reply)
        await writer.drain()
        if close:
            writer.close()

    async def main():
        async with serve(handler) as server, client() as c:
            try:
                return await c.get(server.url(), limits=limits), None
            except SyncdError as error:
                return None, error

    return asyncio.run(main())


def gz(body: bytes, *more: str) -> bytes:
    return response(200, body, "Content-Encoding: gzip", *more)


def test_gzip_is_undone():
    answer, _ = outcome(gz(gzip.compress("公报".encode() * 1000)))
    assert answer.body == "公报".encode() * 1000


@pytest.mark.parametrize("body", [
    gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0), gzip.compress(b"onetwo", mtime=0) + b"\0" * 40,
])
def test_gzip_in_several_members_or_with_padding_is_whole(body):
    assert outcome(gz(body))[0].body == b"onetwo"


def test_a_chunked_body_and_one_that_ends_with_the_connection_are_whole():
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert outcome(chunked)[0].body == b"abcde"
    assert outcome(b"HTTP/1.1 200 OK\r\n\r\nabcde")[0].body == b"abcde"


def test_identity_and_an_empty_gzip_body_with_length_0_are_taken():
    assert outcome(response(200, b"x", "Content-Encoding: identity"))[0].body == b"x"
    assert outcome(response(200, b"x", "Content-Encoding: None"))[0].body == b"x"
    assert outcome(response(200, b"", "Content-Encoding: gzip"))[0].body == b""


@pytest.mark.guarantee(5)
def test_a_gzip_bomb_is_stopped_with_little_memory():
    bomb = gzip.compress(b"\0" * 80_000_000, 9, mtime=0)
    assert len(bomb) < 100_000
    tracemalloc.start()
    _, error = outcome(gz(bomb))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert error.reason == "too_large"
    assert peak < 8_000_000


@pytest.mark.parametrize("coding", ["gzip, gzip", "br", "deflate", "zstd", "gzip,br", "x-unheard-of"])
def test_encodings_that_were_not_asked_for_are_refused(coding):
    body = gzip.compress(gzip.compress(b"x", mtime=0))
    assert outcome(response(200, body, f"Content-Encoding: {coding}"))[1].reason == "bad_encoding"


def test_two_content_encoding_headers_are_stacked_encodings():
    reply = response(200, gzip.compress(gzip.compress(b"x", mtime=0)), "Content-Encoding: gzip", "Content-Encoding: gzip")
    assert outcome(reply)[1].reason == "bad_encoding"


@pytest.mark.parametrize(("body", "reason"), [
    (gzip.compress(b"long text " * 100, mtime=0)[:-9], "truncated"), (gzip.compress(b"x", mtime=0)[:5], "truncated"),
    (gzip.compress(b"a", mtime=0) + gzip.compress(b"long text " * 100, mtime=0)[:-9], "truncated"),
    (b"not gzip at all", "bad_encoding"), (gzip.compress(b"x", mtime=0) + b"trailing", "bad_encoding"),
    (zlib.compress(b"x" * 99), "bad_encoding"), (gzip.compress(b"x" * 99, mtime=0)[:-4] + b"zzzz", "bad_encoding"),
    (gzip.compress(b"", mtime=0) * 500, "bad_encoding"),
])
def test_gzip_that_is_cut_or_damaged_never_becomes_an_answer(body, reason):
    assert outcome(gz(body))[1].reason == reason


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n",
])
def test_a_body_that_is_cut_off_never_becomes_an_answer(reply):
    assert outcome(reply)[1].reason == "truncated"


def test_an_announced_size_over_the_limit_is_refused_at_once():
    assert outcome(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n", close=False)[1].reason == "too_large"


@pytest.mark.parametrize("length", ["5, 6", "-1", "abc", "9" * 400])
def test_a_content_length_that_makes_no_sense_is_no_answer(length):
    _, error = outcome(b"HTTP/1.1 200 OK\r\nContent-Length: " + length.encode() + b"\r\n\r\nabcde")
    assert error.reason in ("protocol", "too_large")


def test_an_endless_body_is_cut_at_the_limit():
    async def endless(request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x" * 65536)
            await writer.drain()

    async def main():
        async with serve(endless) as server, client() as c:
            return await fails(c.get(server.url(), limits=SMALL))

    assert asyncio.run(main()).reason == "too_large"


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_drips_is_stopped_by_the_whole_deadline(start):
    async def drip(request, writer):
        writer.write(start)
        while not writer.is_closing():
            writer.write(b"a" if start else b"")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def main():
        loop = asyncio.get_running_loop()
        async with serve(drip) as server, client() as c:
            began = loop.time()
            error = await fails(c.get(server.url(), limits=Limits(deadline=0.5)))
            return error, loop.time() - began

    error, took = asyncio.run(main())
    assert error.reason == "timeout"
    assert 0.4 < took < 1.0


@pytest.mark.parametrize("head", [
    b"X-Bomb: " + b"a" * 500_000 + b"\r\n", b"".join(b"X-%d: 1\r\n" % i for i in range(20_000)),
])
def test_a_header_bomb_is_refused(head):
    _, error = outcome(b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 1\r\n\r\nx")
    assert error.reason == "too_large"


def test_headers_of_a_usual_size_pass():
    answer, _ = outcome(response(200, b"x", "Content-Security-Policy: " + "a" * 12_000))
    assert len(answer.header("content-security-policy")) == 12_000


def test_what_is_not_http_is_a_protocol_error():
    assert outcome(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n")[1].reason == "protocol"


def test_head_and_304_need_no_body_whatever_their_headers_say():
    async def main():
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nContent-Encoding: gzip\r\n\r\n"
        unchanged = b"HTTP/1.1 304 X\r\nContent-Length: 5000\r\nContent-Encoding: br\r\n\r\n"
        async with serve(answers(reply)) as one, serve(answers(unchanged)) as two, client() as c:
            return (await c.call("HEAD", one.url(), limits=QUICK)), (await c.get(two.url(), limits=QUICK))

    head, unchanged = asyncio.run(main())
    assert (head.status, head.body, unchanged.status, unchanged.body) == (200, b"", 304, b"")


def test_informational_answers_are_skipped():
    assert outcome(b"HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n" + response(200, b"real"))[0].body == b"real"
