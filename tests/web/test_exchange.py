"""get() and call() over a plain loopback server: what is sent, what comes back, what is counted at the server."""

import asyncio
import logging
from datetime import UTC, datetime

import httpx
import pytest

from syncd.errors import NotApplied, ReadFailed, Unknown
from syncd.web import urls
from syncd.web.api import Limits, Network, Validators
from syncd.web.client import Web, framed
from syncd.web.failure import Failure
from tests.web.kit import NOW, QUICK, answers, client, fails, hang_up, names, private, response, serve, web


def test_a_get_brings_body_headers_validators_and_times():
    async def main():
        reply = response(200, "政策".encode(), 'ETag: "a"', "Last-Modified: Mon, 13 Apr 2026 01:02:03 GMT",
                         "Date: Wed, 15 Apr 2026 09:00:07 GMT", "Content-Type: Text/HTML; charset=utf-8")
        async with serve(answers(reply)) as server, client() as c:
            answer = await c.get(server.url("/a%2Fb/%7e?q=%E6%96%87&x=a+b#part"))
            return server, answer

    server, answer = asyncio.run(main())
    assert (answer.status, answer.body.decode(), answer.content_type) == (200, "政策", "text/html")
    assert answer.validators == Validators(b'"a"', b"Mon, 13 Apr 2026 01:02:03 GMT")
    assert answer.started == NOW
    assert answer.ended == NOW
    assert answer.date == datetime(2026, 4, 15, 9, 0, 7, tzinfo=UTC)
    assert answer.wire > len(answer.body) + 100
    assert answer.moved_to == ""
    assert server.requests[0].target == "/a%2Fb/%7e?q=%E6%96%87&x=a+b", "sent as it is, not quoted anew"


def test_says_honestly_who_asks_and_takes_gzip_only():
    async def main():
        async with serve(answers(response())) as server, client() as c:
            await c.get(server.url(), headers={"Accept": "text/html", "accept-encoding": "br", "User-Agent": "Mozilla"})
            return server.requests[0]

    request = asyncio.run(main())
    assert request.values("user-agent") == [b"syncd/0.1 (+https://county.example)"]
    assert request.values("accept-encoding") == [b"gzip"]
    assert request.values("accept") == [b"text/html"]


def test_a_user_agent_with_chinese_or_line_breaks_can_still_be_sent():
    async def by_hand():
        made = Web(now=lambda: NOW, monotonic=lambda: 0.0, user_agent="syncd/0.1 (+某县)\r\nX: 1")
        async with serve(answers(response())) as server:
            await made.client("a", Network(), private()).get(server.url())
        await made.aclose()
        return server.requests[0]

    request = asyncio.run(by_hand())
    assert request.value("user-agent") == b"syncd/0.1 (+%E6%9F%90%E5%8E%BF)%0D%0AX: 1"
    assert not request.values("x")


@pytest.mark.parametrize("etag", [b'"plain"', b'"caf\xe9"', '"版本"'.encode(), b'W/"\xff\xfe\x80"'])
def test_an_etag_goes_back_byte_for_byte(etag):
    async def main():
        reply = response(200, b"x", b"ETag: " + etag, b"Last-Modified: yesterday \xe9")
        async with serve(answers(reply, response(304, b""))) as server, client() as c:
            first = await c.get(server.url())
            second = await c.get(server.url(), validators=first.validators)
            third = await c.get(server.url())
            return server.requests, first, second, third

    requests, first, second, _third = asyncio.run(main())
    assert first.validators.etag == etag
    assert requests[1].values("if-none-match") == [etag]
    assert requests[1].values("if-modified-since") == [b"yesterday \xe9"]
    assert second.status == 304
    assert second.body == b""
    assert not requests[2].values("if-none-match"), "nothing of one request is left for the next"


def test_validators_with_line_breaks_are_refused_before_anything_is_sent():
    async def main():
        async with serve(answers(response())) as server, client() as c:
            return server, await fails(c.get(server.url(), validators=Validators(etag=b"x\r\nEvil: 1")))

    server, error = asyncio.run(main())
    assert isinstance(error, ReadFailed)
    assert error.reason == "protocol"
    assert server.connections == 0


@pytest.mark.parametrize(("age", "date"), [
    ("290", datetime(2026, 4, 15, 9, 0, 0, tzinfo=UTC)),
    ("0", datetime(2026, 4, 15, 8, 55, 10, tzinfo=UTC)),
    ("soon", None), ("-1", None), ("290, 5", None), ("9" * 30, None),
])
def test_an_answer_that_lay_in_a_cache_tells_the_present_time_or_none(age, date):
    async def main():
        reply = response(200, b"x", "Date: Wed, 15 Apr 2026 08:55:10 GMT", f"Age: {age}")
        async with serve(answers(reply)) as server, client() as c:
            return await c.get(server.url())

    assert asyncio.run(main()).date == date


def test_cookies_are_not_kept():
    async def main():
        async with (
            serve(answers(response(200, b"", "Set-Cookie: sid=1; Path=/"))) as server,
            client(lookup=names(www__example="127.0.0.1")) as c,
        ):
            for _ in range(2):
                await c.get(f"http://www.example:{server.port}/")
            return server.requests[1]

    assert not asyncio.run(main()).values("cookie")


def test_the_environments_proxy_is_not_obeyed(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def main():
        async with serve(answers(response())) as server, client() as c:
            return await c.get(server.url())

    assert asyncio.run(main()).status == 200


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_a_write_whose_connection_drops_is_sent_once_and_is_unknown(method):
    async def main():
        async with serve(hang_up) as server, client() as c:
            error = await fails(c.call(method, server.url("/posts"), body=b"{}", limits=QUICK))
            await asyncio.sleep(0.05)
            return server, error

    server, error = asyncio.run(main())
    assert [r.method for r in server.requests] == [method]
    assert type(error) is Unknown
    assert error.reason == "closed"
    assert error.hint


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_write_never_takes_a_connection_that_was_kept(method):
    """The server closes each connection after one answer unannounced: a kept one would make the write ambiguous."""

    async def once(request, writer):
        writer.write(response())
        await writer.drain()
        writer.close()

    async def main():
        async with serve(once) as server, client() as c:
            statuses = [(await c.call(method, server.url(), body=b"x")).status for _ in range(3)]
            return server, statuses

    server, statuses = asyncio.run(main())
    assert statuses == [200, 200, 200]
    assert len(server.requests) == server.connections == 3


@pytest.mark.guarantee(2)
def test_a_write_that_gets_no_answer_in_time_is_unknown():
    async def silent(request, writer):
        await asyncio.sleep(30)

    async def main():
        async with serve(silent) as server, client() as c:
            return server, await fails(c.call("PUT", server.url(), body=b"x", limits=Limits(deadline=0.3)))

    server, error = asyncio.run(main())
    assert type(error) is Unknown
    assert error.reason == "timeout"
    assert len(server.requests) == 1


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("reply", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf",
    b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
])
def test_a_write_whose_answer_is_cut_or_garbage_is_unknown(reply):
    async def reply_and_close(request, writer):
        writer.write(reply)
        await writer.drain()
        writer.close()

    async def main():
        async with serve(reply_and_close) as server, client() as c:
            return server, await fails(c.call("POST", server.url(), body=b"x", limits=QUICK))

    server, error = asyncio.run(main())
    assert type(error) is Unknown
    assert len(server.requests) == 1
    assert error.reason in ("truncated", "protocol", "bad_encoding")


def test_a_write_to_a_closed_port_is_not_applied():
    async def main():
        async with serve(answers(response())) as server:
            url = server.url()
        async with client() as c:
            return await fails(c.call("POST", url, body=b"x", limits=QUICK))

    error = asyncio.run(main())
    assert type(error) is NotApplied
    assert error.reason == "connect"
    assert error.hint


def test_a_write_to_a_host_that_swallows_packets_is_not_applied():
    """A listening socket whose queue is full: the SYN is never answered."""
    import socket

    async def main():
        with socket.socket() as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(0)
            port = deaf.getsockname()[1]
            fill = [socket.socket() for _ in range(4)]
            for s in fill:
                s.setblocking(False)
                s.connect_ex(("127.0.0.1", port))
            try:
                async with client(private(ports=(port,))) as c:
                    url = f"http://127.0.0.1:{port}/"
                    return await fails(c.call("POST", url, body=b"x", limits=Limits(deadline=0.8)))
            finally:
                for s in fill:
                    s.close()

    error = asyncio.run(main())
    assert type(error) is NotApplied
    assert error.reason == "timeout"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_failed_read_of_a_cms_is_not_applied_and_not_repeated(method):
    async def main():
        async with serve(hang_up) as server, client() as c:
            return server, await fails(c.call(method, server.url(), limits=QUICK))

    server, error = asyncio.run(main())
    assert type(error) is NotApplied
    assert error.reason == "closed"
    assert len(server.requests) == 1


def test_call_returns_a_redirect_with_its_body_and_does_not_follow_it():
    async def main():
        async with serve(answers(response(302, b"moved", "Location: /login"))) as server, client() as c:
            return server, await c.call("POST", server.url(), body=b"x"), await c.call("GET", server.url())

    server, post, get = asyncio.run(main())
    assert (post.status, post.body, post.header("location")) == (302, b"moved", "/login")
    assert get.body == b"moved"
    assert len(server.requests) == 2


def test_call_sends_headers_and_body_as_given():
    async def main():
        body = "正文".encode() * 30_000
        async with serve(answers(response(201, b"{}", "Content-Type: application/json"))) as server, client() as c:
            await c.call("post", server.url(), headers={"Content-Type": "application/json", "X-Key": "k"}, body=body)
            await c.call("POST", server.url())
            return server.requests, body

    requests, body = asyncio.run(main())
    assert requests[0].method == "POST"
    assert requests[0].body == body
    assert requests[0].value("content-type") == b"application/json"
    assert requests[0].value("x-key") == b"k"
    assert requests[1].value("content-length") == b"0"


@pytest.mark.parametrize("headers", [{"X": "a\r\nEvil: 1"}, {"X\r\nEvil": "1"}, {"X": "a\0"}, {"": "x"}, {"A b": "x"}])
def test_a_header_that_would_smuggle_another_is_refused_before_sending(headers):
    async def main():
        async with serve(answers(response())) as server, client() as c:
            return server, await fails(c.call("POST", server.url(), headers=headers, body=b"x"))

    server, error = asyncio.run(main())
    assert type(error) is NotApplied
    assert error.reason == "protocol"
    assert server.connections == 0


def test_a_get_is_tried_once_more_when_the_connection_fails():
    async def main():
        pauses = []

        async def sleep(seconds):
            pauses.append(seconds)

        async with serve(hang_up) as server, client(sleep=sleep, log=Log()) as c:
            return server, pauses, await fails(c.get(server.url("/?token=s3cret"), limits=QUICK))

    class Log:
        def info(self, event, **fields):
            said.append((event, fields))

    said = []
    server, pauses, error = asyncio.run(main())
    assert said == [("web_retry", {"owner": "test", "where": server.url("/?token=***")})]
    assert len(server.requests) == 2
    assert len(pauses) == 1
    assert pauses[0] < 1
    assert isinstance(error, ReadFailed)
    assert error.reason == "closed"


def test_a_get_over_a_kept_connection_that_the_server_closed_succeeds():
    async def once(request, writer):
        writer.write(response())
        await writer.drain()
        writer.close()

    async def main():
        async with serve(once) as server, client() as c:
            return [(await c.get(server.url())).status for _ in range(4)]

    assert asyncio.run(main()) == [200] * 4


def test_a_cut_answer_of_a_get_is_not_asked_for_again_in_the_same_call():
    async def cut(request, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await writer.drain()
        writer.close()

    async def main():
        async with serve(cut) as server, client() as c:
            return server, await fails(c.get(server.url(), limits=QUICK))

    server, error = asyncio.run(main())
    assert error.reason == "truncated"
    assert len(server.requests) == 1


def test_cancelling_is_passed_on_and_is_no_failure():
    async def silent(request, writer):
        await asyncio.sleep(30)

    async def main():
        async with serve(silent) as server, client() as c:
            for call in (c.get(server.url()), c.call("POST", server.url(), body=b"x")):
                task = asyncio.create_task(call)
                await asyncio.sleep(0.1)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            return server

    assert len(asyncio.run(main()).requests) == 2


@pytest.mark.guarantee(5)
def test_secrets_never_show_in_errors_or_logs(caplog):
    caplog.set_level(logging.DEBUG)

    async def main():
        found = []
        async with serve(hang_up) as server, client() as c:
            url = f"http://user:pa55@127.0.0.1:{server.port}/x?api_key=k3y&n=1&access_token=t0k"
            found.append(await fails(c.get(url, limits=QUICK)))
            found.append(await fails(c.call("POST", url, body=b"x", headers={"X-Api-Key": "h3ad"}, limits=QUICK)))
            auth = server.requests[0].value("authorization")
        async with client(private(ports=(1,))) as c:
            found.append(await fails(c.get("ftp://user:pa55@host/")))
            found.append(await fails(c.get("http://user:pa55@host:99999/?password=k3y")))
            found.append(await fails(c.get("http://user:pa55@127.0.0.1:1/?api_key=k3y")))
        return found, auth

    found, auth = asyncio.run(main())
    assert auth == b"Basic dXNlcjpwYTU1"
    for error in found:
        seen = f"{error} {error!r} {vars(error)!r} {error.__cause__!r}"
        assert error.where
        assert error.hint
        for secret in ("pa55", "k3y", "t0k", "h3ad"):
            assert secret not in seen
    for secret in ("pa55", "k3y", "t0k"):
        assert secret not in caplog.text


def test_an_answer_never_shows_the_log_in_of_its_url():
    async def main():
        async with serve(answers(response())) as server, client() as c:
            return await c.get(f"http://u:pa55@127.0.0.1:{server.port}/")

    assert "pa55" not in repr(asyncio.run(main()))


@pytest.mark.parametrize("url", [
    "ftp://h/", "file:///etc/passwd", "http://", "http:///x", "//h/x", "h/x", "http://h:0/",
    "http://h:99999/", "http://a b/",
    "http://[::1", "javascript:alert(1)", "http://①②⑦.0.0.1/x", "", "http://a\r\nb/", "http://[::1%25lo]/",
])
def test_what_is_no_web_address_is_a_bad_url(url):
    async def main():
        async with client() as c:
            return await fails(c.get(url)), await fails(c.call("POST", url, body=b"x"))

    read, write = asyncio.run(main())
    assert isinstance(read, ReadFailed)
    assert read.reason == "bad_url"
    assert type(write) is NotApplied
    assert write.reason == "bad_url"


def test_one_tls_context_a_network_and_one_pool_a_guard():
    async def main():
        async with serve(answers(response())) as server, web() as w:
            one, two = (w.client(n, Network(), private()) for n in "ab")
            await one.get(server.url())
            await two.get(server.url())
            return server, len(w._contexts)

    server, contexts = asyncio.run(main())
    assert contexts == 1
    assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("url", ["http://a/", "https://a:443/", "http://a:8080/x", "http://[::1]:81/", "http://例子.cn/"])
@pytest.mark.parametrize("body", [b"", b"abc"])
def test_a_request_is_framed_as_httpx_would(method, url, body):
    given = [
        [], [(b"Accept", b"*/*")], [(b"host", b"x")], [(b"Content-length", b"3")], [(b"Transfer-Encoding", b"chunked")],
    ]
    for headers in given:
        target = httpx.URL(url)
        theirs = httpx.Request(method, target, headers=headers, content=body).headers.raw
        assert framed(method, target, headers, body) == theirs


def test_a_url_is_parsed_once_unless_it_is_long_and_a_bad_one_is_refused_each_time():
    assert urls.parse("http://a.example/x#part") is urls.parse("http://a.example/x#part")
    assert str(urls.parse("http://a.example/x#part")) == "http://a.example/x"
    long = "http://a.example/" + "x" * 1000
    assert urls.parse(long) is not urls.parse(long)
    for _ in range(2):
        with pytest.raises(Failure):
            urls.parse("http://a.example:0/")
