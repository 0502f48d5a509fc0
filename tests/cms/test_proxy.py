"""The lossy proxy does what it says, each fate by itself and all together; against a small server, without WordPress."""

from __future__ import annotations

import gc
import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.cms.proxy import WRITE_FATES, LossyProxy, rates

BODY = b"an answer of forty characters, in a row."


class Upstream(ThreadingHTTPServer):
    """Remembers what it got, and answers everything with BODY, its end being that of the connection (as PHP does it)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, str, bytes]] = []
        self.asked: list[float] = []
        self.pause = 0.0
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def bodies(self) -> list[bytes]:
        return [body for _, _, body in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.server.got.append((self.command, self.path, body))
        self.server.asked.append(float(self.headers["x-asked"]))
        time.sleep(self.server.pause)
        self.send_response(201)
        self.end_headers()
        self.wfile.write(BODY)

    do_GET = do_PUT = do_DELETE = do_POST

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def ask(proxy: LossyProxy, body: bytes = b"", method: str = "POST") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc, timeout=10)
    try:
        connection.request(method, "/posts", body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def fate(name: str, upstream: Upstream, *, latest: float = 0.5) -> LossyProxy:
    """A proxy of which every request meets this fate."""
    return LossyProxy(upstream.url, seed=1, rates={name: 1.0}, latest=latest)


def test_without_faults_request_and_answer_pass_unchanged(upstream: Upstream) -> None:
    with LossyProxy(upstream.url, seed=1, rates={}) as proxy:
        assert ask(proxy, "正文".encode()) == (201, BODY)
        assert upstream.got == [("POST", "/posts", "正文".encode())]
        assert proxy.counts == {"good": 1}


def test_a_request_that_is_lost_before_never_reaches_the_server(upstream: Upstream) -> None:
    with fate("lost_before", upstream) as proxy:
        with pytest.raises(ConnectionError):
            ask(proxy, b"a")
        assert proxy.calm(1)
    assert upstream.got == []


def test_a_request_that_is_lost_after_reached_the_server_and_the_client_sees_a_reset(upstream: Upstream) -> None:
    with fate("lost_after", upstream) as proxy, pytest.raises(ConnectionResetError):
        ask(proxy, b"a")
    assert upstream.bodies() == [b"a"]


def test_an_answer_is_cut_after_the_server_acted(upstream: Upstream) -> None:
    cut = 0
    with fate("cut_answer", upstream) as proxy:
        for n in range(20):
            try:
                status, body = ask(proxy, b"%d" % n)
            except (http.client.HTTPException, ConnectionError):
                continue
            assert (status, len(body) < len(BODY)) == (201, True)
            assert BODY.startswith(body)
            cut += 1
    assert 0 < cut < 20
    assert upstream.bodies() == [b"%d" % n for n in range(20)]


def test_a_bad_gateway_comes_after_the_server_acted(upstream: Upstream) -> None:
    with fate("bad_gateway_after", upstream) as proxy:
        assert ask(proxy, b"a") == (502, b"<html><h1>502 Bad Gateway</h1></html>")
    assert upstream.bodies() == [b"a"]


def test_a_late_request_reaches_the_server_after_the_client_saw_a_reset(upstream: Upstream) -> None:
    with fate("late", upstream) as proxy:
        with pytest.raises(ConnectionError):
            ask(proxy, b"a")
        seen = time.time()
        assert upstream.got == []
        assert proxy.calm(5)
        assert upstream.bodies() == [b"a"]
        assert upstream.asked[0] <= seen


def test_a_request_whose_client_died_after_sending_it_is_delivered(upstream: Upstream) -> None:
    with LossyProxy(upstream.url, seed=1, rates={}) as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc)
        connection.request("POST", "/posts", b"a")
        connection.close()
        deadline = time.monotonic() + 5
        while not upstream.got and time.monotonic() < deadline:
            time.sleep(0.01)
    assert upstream.bodies() == [b"a"]


def test_half_a_request_is_not_delivered(upstream: Upstream) -> None:
    with LossyProxy(upstream.url, seed=1, rates={}) as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc)
        connection.putrequest("POST", "/posts")
        connection.putheader("content-length", "10")
        connection.endheaders(b"half")
        connection.close()
        assert ask(proxy, b"whole") == (201, BODY)
    assert upstream.bodies() == [b"whole"]


def test_a_server_that_is_gone_is_a_bad_gateway(upstream: Upstream) -> None:
    with LossyProxy("http://127.0.0.1:1", seed=1, rates={}) as proxy:
        assert ask(proxy)[0] == 502


def test_reads_meet_their_own_fates_only(upstream: Upstream) -> None:
    with LossyProxy(upstream.url, seed=1, rates=dict.fromkeys(WRITE_FATES, 0.2)) as proxy:
        assert [ask(proxy, method="GET") for _ in range(20)] == [(201, BODY)] * 20
        assert proxy.counts == {"read_good": 20}
    with fate("read_bad_gateway", upstream) as proxy:
        assert ask(proxy, b"a") == (201, BODY)
        assert ask(proxy, method="GET")[0] == 502


def test_a_request_whose_client_died_outlives_the_collection_of_garbage(
    upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop knows it weakly only, once nothing comes from its client any more; asyncio tells of what was collected."""
    upstream.pause = 0.3
    with LossyProxy(upstream.url, seed=1, rates={}) as proxy:
        connection = http.client.HTTPConnection(urlsplit(proxy.url).netloc)
        connection.request("POST", "/posts", b"a")
        connection.close()
        deadline = time.monotonic() + 30
        while (not upstream.got or proxy.busy) and time.monotonic() < deadline:
            gc.collect()
            time.sleep(0.02)
    assert upstream.bodies() == [b"a"]
    assert caplog.messages == []


def test_other_rates_hold_from_then_on(upstream: Upstream) -> None:
    with fate("lost_before", upstream) as proxy:
        proxy.change({})
        assert ask(proxy, b"a") == (201, BODY)
        proxy.change({"bad_gateway_after": 1.0})
        assert ask(proxy, b"a")[0] == 502


def many(upstream: Upstream, seed: int) -> list[str]:
    """What became of 200 writes, one after the other."""
    told = []
    with LossyProxy(upstream.url, seed=seed, rates=rates(good=0.4, reads=0.1), latest=0.3) as proxy:
        for _ in range(200):
            before = proxy.counts.copy()
            with suppress(http.client.HTTPException, ConnectionError):
                ask(proxy, b"a")
            told.append("".join(proxy.counts - before))
        assert proxy.calm(5)
    return told


def test_the_dice_spare_as_many_as_they_are_told_and_a_seed_gives_the_same_fates_again(upstream: Upstream) -> None:
    first = many(upstream, 7)
    assert len(upstream.got) == 200 - first.count("lost_before")
    assert 50 <= first.count("good") <= 110
    assert set(first) == {"good", *WRITE_FATES}
    assert many(upstream, 7) == first
    assert many(upstream, 8) != first
