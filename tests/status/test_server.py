"""The real server on a real socket."""

from __future__ import annotations

import asyncio
import signal
import socket

import pytest

from syncd.errors import SyncdError
from syncd.status import serve
from tests.status.client import Client


async def get(port: int, target: str = "/healthz", host: str = "127.0.0.1") -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


def test_it_serves_on_a_free_port_and_stops() -> None:
    async def run() -> None:
        server = await serve(Client().app, "127.0.0.1", 0)
        answer = await get(server.port)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"\r\nserver:" not in answer.lower()
        assert (await get(server.port, host="evil.example")).startswith(b"HTTP/1.1 421")
        await server.stop()
        with pytest.raises(OSError, match=r"refused|Connect"):
            await get(server.port)

    asyncio.run(run())


def test_the_daemons_signal_handlers_stay_its_own() -> None:
    async def run() -> None:
        before = signal.getsignal(signal.SIGTERM)
        server = await serve(Client().app, "127.0.0.1", 0)
        assert signal.getsignal(signal.SIGTERM) is before
        await server.stop()
        assert signal.getsignal(signal.SIGTERM) is before

    asyncio.run(run())


def test_an_address_that_is_taken_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SyncdError) as told:
            asyncio.run(serve(Client().app, "127.0.0.1", taken.getsockname()[1]))
    assert told.value.reason == "listen_failed"
    assert "[syncd].listen" in told.value.hint
