"""A lossy way to a server: requests and answers get lost, cut, mangled and late, as seeded dice decide. HTTP/1.1."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import urlsplit

from syncd.testing.faults import Faults

WRITE_FATES = ("lost_before", "lost_after", "cut_answer", "bad_gateway_after", "late")
"""Of a write: a reset before the server got it; a reset after; its answer cut anywhere; 502 after the commit; a reset,
and the server gets it seconds later."""
READ_FATES = ("read_lost", "read_cut", "read_bad_gateway")
"""Of a GET or HEAD: a reset; its answer cut anywhere; 502."""
ASKED = "x-asked"
"""Header that tells the server when the proxy got the request, in seconds since 1970."""
_SOONEST = 0.2
"""Seconds that a late request takes at least; by then the client has seen its reset."""
_LARGEST_HEAD = 64 * 1024
_BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 37\r\nconnection: close\r\n\r\n"
    b"<html><h1>502 Bad Gateway</h1></html>"
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request that came whole. asked: seconds since 1970. raw: what the server gets."""

    method: str
    path: str
    asked: float
    raw: bytes

    @property
    def reads(self) -> bool:
        return self.method in ("GET", "HEAD", "OPTIONS")


def rates(*, good: float, reads: float) -> dict[str, float]:
    """Every fate of a write as often as every other. good: share of writes that are spared; reads: of reads that aren't."""
    return {
        **dict.fromkeys(WRITE_FATES, (1.0 - good) / len(WRITE_FATES)),
        **dict.fromkeys(READ_FATES, reads / len(READ_FATES)),
    }


class LossyProxy:
    """Listens on loopback from a thread of its own, as a context manager. url: what to ask instead of the server.

    upstream: the server's address. rates: probability by fate (`rates` makes them). latest: seconds by which a late
    request is delivered. counts: what was done, "good" and "read_good" among it. Each connection carries one request.
    """

    def __init__(self, upstream: str, *, seed: int, rates: Mapping[str, float], latest: float = 3.0) -> None:
        self._host, _, port = urlsplit(upstream).netloc.partition(":")
        self._port = int(port)
        self._dice = random.Random(seed)
        self._faults = Faults(self._dice, rates)
        self._latest = latest
        self._under_way = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="lossy proxy", daemon=True)
        self._listening = threading.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    @property
    def busy(self) -> bool:
        """Whether some request or connection is not done with yet."""
        return bool(self._tasks)

    @property
    def counts(self) -> Counter[str]:
        return self._faults.struck

    def change(self, rates: Mapping[str, float]) -> None:
        """Other weather from now on; {} is none. What is late already still comes."""
        self._faults.rates = rates

    def calm(self, timeout: float) -> bool:
        """Wait until nothing is under way to the server, so many seconds at most."""
        deadline = time.monotonic() + timeout
        while self._under_way and time.monotonic() < deadline:
            time.sleep(0.02)
        return not self._under_way

    def __enter__(self) -> LossyProxy:
        self._thread.start()
        self._listening.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._take, "127.0.0.1", 0, limit=_LARGEST_HEAD, backlog=64)
        )
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        self._loop.run_forever()
        server.close()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._keep(task)
        try:
            request = await _request(reader)
            if request is not None:
                await self._judge(request, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # a client that was killed: what came whole is delivered, what did not is not
        finally:
            writer.close()

    async def _judge(self, request: Request, writer: asyncio.StreamWriter) -> None:
        fates, spared = (READ_FATES, "read_good") if request.reads else (WRITE_FATES, "good")
        fate = self._faults.draw(fates) or spared
        self._faults.strike(fate)
        match fate:
            case "lost_before" | "read_lost":
                _reset(writer)
            case "late":
                self._later(request, self._dice.uniform(_SOONEST, self._latest))
                _reset(writer)
            case "read_bad_gateway":
                await _send(writer, _BAD_GATEWAY)
            case _:
                await self._after(fate, await self._deliver(request), writer)

    async def _after(self, fate: str, answer: bytes, writer: asyncio.StreamWriter) -> None:
        """The server answered; what becomes of that."""
        match fate:
            case "lost_after":
                _reset(writer)
            case "cut_answer" | "read_cut":
                await _send(writer, answer[: int(self._dice.random() * len(answer))])
            case "bad_gateway_after":
                await _send(writer, _BAD_GATEWAY)
            case _:
                await _send(writer, answer)

    def _later(self, request: Request, seconds: float) -> None:
        async def deliver() -> None:
            await asyncio.sleep(seconds)
            await self._deliver(request)
            self._under_way -= 1

        self._under_way += 1
        self._keep(self._loop.create_task(deliver()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        """A loop knows its tasks weakly, and so do streams their readers: an unkept task may be collected while it waits."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, request: Request) -> bytes:
        """The server's whole answer, or a 502 of our own where it doesn't listen."""
        self._under_way += 1
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                writer.write(request.raw)
                await writer.drain()
                return await reader.read()
            finally:
                writer.close()
        except OSError:
            self._faults.strike("server_gone")
            return _BAD_GATEWAY
        finally:
            self._under_way -= 1


async def _request(reader: asyncio.StreamReader) -> Request | None:
    """The next request with its body, None if there is none. Raises IncompleteReadError for half of one."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    asked = time.time()
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert "transfer-encoding" not in headers, "the proxy takes bodies with a length only"
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    headers |= {"connection": "close", ASKED: f"{asked:.6f}"}
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    method, path, _ = first.split(" ", 2)
    return Request(method, path, asked, f"{first}\r\n{told}\r\n".encode("latin-1") + body)


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """A connection that breaks: RST, not an orderly end."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
