"""Real servers on loopback for the tests of the network layer: raw bytes out, every request counted."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from syncd.errors import SyncdError
from syncd.web.api import Guard, Limits, Network
from syncd.web.client import Web, WebClient

NOW = datetime(2026, 4, 15, 9, 0, tzinfo=UTC)
PUBLIC = Guard()
DIRECT = Network()
QUICK = Limits(deadline=5.0)


@dataclass
class Request:
    """One request as it came: header names in lower case, raw values, in order."""

    method: str
    target: str
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def values(self, name: str) -> list[bytes]:
        return [v for n, v in self.headers if n == name.lower().encode()]

    def value(self, name: str) -> bytes:
        return next(iter(self.values(name)), b"")


_ports: set[int] = set()


def private(*hosts: str, ports: tuple[int, ...] = ()) -> Guard:
    """Lets pass every server that these tests have started, under its loopback addresses and the names given."""
    here = ("127.0.0.1", "localhost", "::1", *hosts)
    return Guard(allow=frozenset((host, port) for host in here for port in (*_ports, *ports)))


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def response(status: int = 200, body: bytes = b"ok", *headers: str | bytes) -> bytes:
    """A complete answer; each header is a whole line."""
    lines = [h if isinstance(h, bytes) else h.encode() for h in headers]
    return b"\r\n".join([f"HTTP/1.1 {status} X".encode(), b"Content-Length: %d" % len(body), *lines, b"", body])


def answers(*replies: bytes) -> Handler:
    """Gives the replies one after another; the last one again and again."""
    left = list(replies)

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(left.pop(0) if len(left) > 1 else left[0])

    return handler


async def hang_up(request: Request, writer: asyncio.StreamWriter) -> None:
    """Reads the request whole and closes without a byte."""
    writer.close()


@dataclass
class Server:
    port: int = 0
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    host: str = "127.0.0.1"
    scheme: str = "http"

    def url(self, path: str = "/") -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{path}"

    @property
    def place(self) -> tuple[str, int]:
        return self.host, self.port


async def read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n"))[:-4].split(b"\r\n")
    method, target, _ = head[0].decode("latin-1").split(" ", 2)
    headers = [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(b":") for line in head[1:])]
    length = next((int(v) for n, v in headers if n == b"content-length"), 0)
    return Request(method, target, headers, await reader.readexactly(length))


@asynccontextmanager
async def serve(
    handler: Handler | None, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, on_connect=None
):
    """Answers every request of every connection by `handler`. on_connect: instead, raw (reader, writer)."""
    state = Server(host=host, scheme="https" if tls else "http")
    tasks: set[asyncio.Task] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state.connections += 1
        tasks.add(asyncio.current_task())
        try:
            if on_connect is not None:
                await on_connect(reader, writer)
                return
            while not writer.is_closing():
                request = await read_request(reader)
                state.requests.append(request)
                await handler(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, host, 0, ssl=tls)
    state.port = server.sockets[0].getsockname()[1]
    _ports.add(state.port)
    try:
        yield state
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def web(**options):
    """A Web with a fixed wall clock and no gaps, closed at the end."""
    made = Web(
        now=lambda: NOW, monotonic=time.monotonic, user_agent="syncd/0.1 (+https://county.example)",
        **{"gap": 0.0, **options},
    )
    try:
        yield made
    finally:
        await made.aclose()


@asynccontextmanager
async def client(guard: Guard | None = None, network: Network = DIRECT, **options):
    """A client. guard: lets pass all servers of these tests if None."""
    async with web(**options) as made:
        yield made.client("test", network, guard or private(*getattr(options.get("lookup"), "hosts", ())))


def names(**table: str | list[str]):
    """A lookup by a fixed table (dots in names written as __); every other name fails like a resolver does."""
    fixed = {name.replace("__", "."): [a] if isinstance(a, str) else a for name, a in table.items()}

    async def lookup(host: str, port: int) -> list[str]:
        if host not in fixed:
            raise OSError(-2, "Name or service not known")
        return fixed[host]

    lookup.hosts = tuple(fixed)
    return lookup


async def fails(awaitable) -> BaseException:
    """The exception that an exchange raises; an answer is a failed test."""
    try:
        answer = await awaitable
    except SyncdError as error:
        return error
    raise AssertionError(f"answered {answer.status}")


__all__ = [
    "DIRECT", "NOW", "PUBLIC", "QUICK", "Request", "Server", "WebClient", "answers",
    "client", "fails", "hang_up", "names", "private",
    "read_request", "response", "serve", "web",
]
