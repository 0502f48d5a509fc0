"""The way onto the wire: httpx's transport over an aiohttp session of our own, with its conveniences turned off."""

from __future__ import annotations

import contextlib
import io
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

import aiohttp
import certifi
import httpx
import yarl
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from httpx_aiohttp import AiohttpTransport

from syncd.errors import ConfigError
from syncd.web.api import Guard, Network
from syncd.web.failure import Failure
from syncd.web.guard import Gate, Lookup, Resolver
from syncd.web.urls import host, origin, parse, port, without_login

_POOL = 100
_KEEPALIVE = 15.0
_HEADER_BYTES = 32 * 1024
_HEADER_FIELDS = 256
_BIG_BODY = 64 * 1024
_CHUNK = 64 * 1024


@dataclass(slots=True)
class Attempt:
    """How far one exchange got. connected: it held a connection, so bytes of it may have reached the server.

    raw: ASCII stand-ins in the headers and the bytes to be sent in their place.
    """

    connect_within: float
    connected: bool = False
    raw: dict[bytes, bytes] = field(default_factory=dict)


attempt: ContextVar[Attempt] = ContextVar("attempt")
"""The exchange that the current task is making."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy taken apart: its address without the log-in, and the header that logs in."""

    url: str
    headers: dict[str, str]
    place: tuple[str, int]


def proxy_of(network: Network) -> Proxy | None:
    """The proxy that a Network names, or None. Raises ConfigError without repeating the URL, which holds a password."""
    if not network.proxy:
        return None
    try:
        url, login = without_login(parse(network.proxy))
    except Failure:
        raise ConfigError(["network.proxy: not a URL such as http://user:password@proxy.county:3128"]) from None
    return Proxy(str(url), {"Proxy-Authorization": login} if login else {}, (host(url), port(url)))


def tls_context(network: Network) -> ssl.SSLContext:
    """The roots of this machine (certifi's where it has none) and what the Network adds; 20 ms, so once a Network."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not any(path and os.path.exists(path) for path in (paths.cafile, paths.capath)):
        context.load_verify_locations(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    with _config_error("network.ca_file", network.ca_file, "a file of PEM certificates"):
        if network.ca_file:
            context.load_verify_locations(cafile=network.ca_file)
    with _config_error("network.client_cert", network.client_cert, "a PEM file with certificate and unencrypted key"):
        if network.client_cert:
            context.load_cert_chain(network.client_cert, password=_no_password)
    return context


def _no_password() -> str:
    """OpenSSL would ask at the terminal for the key's password and hang the daemon."""
    raise ValueError("the key is encrypted")


@contextlib.contextmanager
def _config_error(option: str, path: str, wanted: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError([f"{option}: {path} is not {wanted} ({why})"]) from None


class Dropped(aiohttp.ClientConnectionError):
    """The connection was lost after it had been handed to a request."""


async def _never_twice(request: ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """aiohttp sends PUT and DELETE (and GET) again when these two come up; under another name they pass."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Dropped("connection lost") from error


class _Connector(aiohttp.TCPConnector):
    """Tells the attempt when it holds a connection, and lets header bytes through that aiohttp's writer can't write."""

    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: aiohttp.ClientTimeout) -> Connection:
        connection = await super().connect(req, traces, timeout)
        current = attempt.get()
        current.connected = True
        if current.raw and connection.protocol is not None and connection.protocol.transport is not None:
            connection.protocol.transport = _RawHeaders(connection, current.raw)  # type: ignore[assignment]
        return connection


class _RawHeaders:
    """Stands before a transport for its first write, the request's head, and puts the raw bytes in."""

    def __init__(self, connection: Connection, raw: dict[bytes, bytes]) -> None:
        self._protocol = connection.protocol
        self._transport = connection.transport
        self._raw = raw

    def write(self, data: bytes) -> None:
        if self._protocol is not None:
            self._protocol.transport = self._transport
        for stand_in, value in self._raw.items():
            data = bytes(data).replace(stand_in, value, 1)
        if self._transport is not None:
            self._transport.write(data)

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


class Transport(AiohttpTransport):
    """httpx-aiohttp's transport with URLs left as they are, header bytes kept, and errors not renamed.

    httpx-aiohttp reports a connection dropped after sending as ConnectTimeout; here aiohttp's own errors come up.
    """

    def __init__(self, session: aiohttp.ClientSession, context: ssl.SSLContext, proxy: Proxy | None) -> None:
        super().__init__(verify=context, trust_env=False, client=session)
        self._session = session
        self._by_proxy = proxy

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        current = attempt.get()
        headers = _sendable(request.headers.raw, current)
        proxy = self._by_proxy
        if proxy is not None and request.url.scheme == "http":
            headers += proxy.headers.items()
        body = request.read()
        answer = await self._session.request(
            request.method,
            yarl.URL(str(request.url), encoded=True),
            headers=headers,
            data=(io.BytesIO(body) if len(body) > _BIG_BODY else body) or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=current.connect_within),
            proxy=proxy.url if proxy else None,
            proxy_headers=proxy.headers if proxy else None,
        )
        return httpx.Response(answer.status, headers=answer.raw_headers, stream=_Stream(answer), request=request)


def _sendable(raw: list[tuple[bytes, bytes]], current: Attempt) -> list[tuple[str, str]]:
    """Headers as text that comes out of aiohttp's writer as the same bytes; what is not UTF-8 gets a stand-in."""
    out = []
    for name, value in raw:
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError:
            text = f"syncd-raw-{id(current)}-{len(current.raw)}"
            current.raw[text.encode()] = value
        out.append((name.decode("ascii"), text))
    return out


class _Stream(httpx.AsyncByteStream):
    """The raw bytes of a body. Closing never waits: an upload that the server doesn't read would hold us for ever."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self._answer = answer

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._answer.content.iter_chunked(_CHUNK)

    async def aclose(self) -> None:
        self._answer.close()


def open_transport(
    guard: Guard, context: ssl.SSLContext, proxy: Proxy | None, *, lookup: Lookup, fresh: bool
) -> Transport:
    """A transport with a pool of its own, so that no other guard's connection is ever taken from it.

    Behind a proxy only the proxy is connected to, and it may be private. fresh: each exchange gets its own connection.
    """
    gate = Gate(Guard(allow=frozenset({proxy.place}))) if proxy else Gate(guard)
    connector = _Connector(
        ssl=context, resolver=Resolver(gate, lookup), socket_factory=gate.open_socket,
        limit=_POOL, **({"force_close": True} if fresh else {"keepalive_timeout": _KEEPALIVE}),
    )
    session = aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
        max_line_size=_HEADER_BYTES, max_field_size=_HEADER_BYTES, max_headers=_HEADER_FIELDS,
        middlewares=(_never_twice,),
    )
    return Transport(session, context, proxy)


def same_reading(url: httpx.URL) -> bool:
    """True if aiohttp's URL parser sees the host that ours has checked: what two parsers read in two ways is no URL."""
    try:
        other = yarl.URL(str(url), encoded=True)
        return (other.scheme, (other.raw_host or "").lower().rstrip("."), other.port) == origin(url)
    except ValueError:
        return False
