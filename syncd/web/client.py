"""The clients: one exchange from URL to complete Answer, under one deadline, with every failure sorted."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from itertools import chain
from re import compile as regex
from ssl import SSLContext
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import httpx

from syncd.errors import NotApplied, ReadFailed, Unknown
from syncd.retry import retried
from syncd.web import urls
from syncd.web.api import Answer, Guard, Limits, Network, Validators
from syncd.web.body import read_body, values
from syncd.web.failure import AddressBlocked, Brief, Failure, explain
from syncd.web.guard import Gate, Lookup
from syncd.web.pace import Pace
from syncd.web.redirects import FOLLOWED, Trail
from syncd.web.status import http_date
from syncd.web.transport import Attempt, Proxy, Transport, attempt, open_transport, proxy_of, same_reading, tls_context

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_BODILESS = frozenset({204, 304})
_DEFAULTS = Limits()
_NOTHING = Validators()
_ATTEMPTS = 2
_PAUSE = 0.2
_CONNECT_SHARE = 0.5
_CONNECT_MOST = 15.0
_METHOD = regex(r"[A-Z]{3,16}")
_HEADER_NAME = regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SECONDS = regex(r"[0-9]{1,7}")
_HEADER_BAD = regex(rb"[\x00-\x08\x0a-\x1f\x7f]")
_TRANSPORT_ERRORS = (aiohttp.ClientError, httpx.HTTPError, httpx.InvalidURL, AddressBlocked, OSError, ValueError)
_LIBRARIES = ("httpx", "httpcore", "aiohttp", "aiohttp.client")


@dataclass(frozen=True, slots=True)
class _Hop:
    """One request and its answer."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    wire: int


class Web:
    """All ways out of one process: clients that share TLS contexts, and pools among those with the same guard.

    gap: seconds between two requests to the same public host. lookup: resolves names, the system's way if None.
    user_agent: says honestly who asks and how to reach them. log: a structlog logger, or None.
    """

    def __init__(
        self, *, now: Callable[[], datetime], monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep, user_agent: str, log: Any = None,
        gap: float = 2.0, lookup: Lookup | None = None,
    ) -> None:
        self.now = now
        self.sleep = sleep
        self.log = log
        agent = quote(user_agent, safe=" !#$&'()*+,/:;=?@[]_.~-").encode("ascii")
        self.headers = ((b"User-Agent", agent), (b"Accept-Encoding", b"gzip"))
        self.pace = Pace(gap, monotonic=monotonic, sleep=sleep)
        self._threads: ThreadPoolExecutor | None = None
        self.lookup = lookup or self._ask_system
        self._contexts: dict[tuple[str, str], SSLContext] = {}
        self._transports: dict[tuple[Network, Guard, bool], Transport] = {}
        self._gates: dict[tuple[Network, Guard], Gate] = {}
        _hush_libraries()

    def client(self, owner: str, network: Network, guard: Guard) -> WebClient:
        """A client for one source, site or look. Raises ConfigError when the network's files or proxy can't be used."""
        proxy = proxy_of(network)
        if _tls_of(network) not in self._contexts:
            self._contexts[_tls_of(network)] = tls_context(network)
        return WebClient(self, owner, network, guard, proxy)

    def slow(self, host: str, gap: float) -> None:
        """See Exchange.slow."""
        self.pace.slow(host, gap)

    def gate(self, network: Network, guard: Guard) -> Gate:
        """What the clients with this network and guard know of where allowed names lead; thousands may share it."""
        return self._gates.setdefault((network, guard), Gate(guard))

    def transport(self, network: Network, guard: Guard, proxy: Proxy | None, *, fresh: bool) -> Transport:
        """The pool for this network and guard: a pool has one guard, so none can borrow another's connections."""
        key = (network, guard, fresh)
        if key not in self._transports:
            self._transports[key] = open_transport(
                guard, self._contexts[_tls_of(network)], proxy, lookup=self.lookup, fresh=fresh
            )
        return self._transports[key]

    async def aclose(self) -> None:
        """Close all connections. A client used afterwards opens new ones."""
        transports, self._transports = list(self._transports.values()), {}
        for transport in transports:
            await transport.aclose()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    async def _ask_system(self, host: str, port: int) -> list[str]:
        """getaddrinfo in threads of its own: a DNS server that hangs must not hold up the process's other threads."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(8, thread_name_prefix="syncd-dns")
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except UnicodeError:
            raise OSError("not a host name") from None
        return list(dict.fromkeys(str(info[4][0]) for info in found))


class WebClient:
    """syncd.web.api.Client over the real network. There may be thousands of them."""

    __slots__ = ("_gate", "_guard", "_network", "_owner", "_proxy", "_web")

    def __init__(self, web: Web, owner: str, network: Network, guard: Guard, proxy: Proxy | None) -> None:
        self._web = web
        self._owner = owner
        self._network = network
        self._guard = guard
        self._proxy = proxy
        self._gate = web.gate(network, guard)

    async def get(
        self, url: str, *, validators: Validators = _NOTHING, headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """See Client.get. The wait for the host's turn does not count against the deadline."""
        limits = limits or _DEFAULTS
        try:
            target, login = self._checked(url)
            await self._learn(target, limits)
            async with self._turn(target), _deadline(limits):
                return await self._follow(target, login, validators, headers or {}, limits)
        except Failure as failure:
            raise self._read_failed(failure, url) from None

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """See Client.call. Always on a connection of its own: a kept one that the server has just closed would make
        every such write ambiguous."""
        limits = limits or _DEFAULTS
        method = method.upper()
        current = _attempt(limits)
        try:
            target, login = self._checked(url)
            raw = self._headers(method, headers or {}, login)
            started = self._web.now()
            async with _deadline(limits):
                hop = await self._hop(method, target, raw, body, limits, current, fresh=True)
            return self._answer(hop, target, started, hop.wire, moved_to="")
        except Failure as failure:
            raise self._call_failed(failure, method, url, sent=current.connected) from None

    def _checked(self, url: str) -> tuple[httpx.URL, str]:
        """(the URL without a log-in, the log-in), if it may be asked for."""
        target, login = urls.without_login(urls.parse(url))
        self._check(target)
        return target, login

    def _check(self, target: httpx.URL) -> None:
        self._gate.check_url(target)
        if not same_reading(target):
            raise Failure("bad_url", "the URL can be read in two ways")

    async def _learn(self, target: httpx.URL, limits: Limits) -> None:
        """Find out where an allowed name leads: a private host needs no pacing. Behind a proxy nobody can tell."""
        if self._proxy is not None or not self._gate.is_unknown(target):
            return
        name, port = urls.host(target), urls.port(target)
        with suppress(OSError, TimeoutError, ValueError, AddressBlocked):  # the request itself will say what is wrong
            async with asyncio.timeout(_attempt(limits).connect_within):
                self._gate.admit(name, port, await self._web.lookup(name, port))

    def _turn(self, target: httpx.URL) -> Any:
        return self._web.pace.turn(urls.host(target)) if self._gate.is_paced(target) else nullcontext()

    async def _follow(
        self, target: httpx.URL, login: str, validators: Validators, headers: Mapping[str, str], limits: Limits
    ) -> Answer:
        """Ask, and go where the answers lead."""
        trail = Trail(target, _with_login(headers, login), most=limits.redirects, has_login=bool(login))
        started, wire = self._web.now(), 0
        while True:
            hop = await self._hop_with_retry(trail, validators, limits)
            wire += hop.wire
            location = values(hop.headers, b"location")
            if hop.status not in FOLLOWED or not location:
                return self._answer(hop, trail.target, started, wire, moved_to=trail.moved_to(hop.status))
            trail.step(hop.status, location[0])
            self._check(trail.target)

    async def _hop_with_retry(self, trail: Trail, validators: Validators, limits: Limits) -> _Hop:
        raw = self._headers("GET", trail.headers, "", validators)

        async def once() -> _Hop:
            return await self._hop("GET", trail.target, raw, b"", limits, _attempt(limits), fresh=False)

        async def sleep(seconds: float) -> None:
            if self._web.log is not None:
                self._web.log.info("web_retry", owner=self._owner, where=urls.redacted(str(trail.target)))
            await self._web.sleep(seconds)

        try:
            return await retried(once, on=Brief, attempts=_ATTEMPTS, pause=_PAUSE, sleep=sleep)
        except Failure as failure:
            failure.message += trail.describe()
            raise

    async def _hop(
        self, method: str, target: httpx.URL, headers: list[tuple[bytes, bytes]], body: bytes, limits: Limits,
        current: Attempt, *, fresh: bool,
    ) -> _Hop:
        """One request, one answer, read whole. fresh: for call(), on a connection of its own."""
        transport = self._web.transport(self._network, self._guard, self._proxy, fresh=fresh)
        sent_headers = framed(method, target, headers, body)
        request = httpx.Request(method, target, headers=sent_headers, stream=httpx.ByteStream(body))
        token = attempt.set(current)
        try:
            response = await transport.handle_async_request(request)
            try:
                sent = _size(sent_headers) + len(body)
                return await self._read(response, method, limits, sent, skim=not fresh)
            finally:
                await response.aclose()
        except _TRANSPORT_ERRORS as error:
            raise explain(error, sent=current.connected, proxied=self._proxy is not None) from None
        finally:
            attempt.reset(token)

    async def _read(self, response: httpx.Response, method: str, limits: Limits, sent: int, *, skim: bool) -> _Hop:
        """The answer with its body. sent: bytes. skim: leave out the body of a redirect that will be followed."""
        headers = tuple((name.lower(), value) for name, value in response.headers.raw)
        status = response.status_code
        self._check_proxy_login(status)
        if skim and status in FOLLOWED and values(headers, b"location"):
            return _Hop(status, headers, b"", sent + _size(headers))
        bodiless = method == "HEAD" or status in _BODILESS
        chunks = cast(AsyncIterable[bytes], response.stream)
        body, received = await read_body(chunks, headers, limits, bodiless=bodiless)
        return _Hop(status, headers, body, sent + _size(headers) + received)

    def _check_proxy_login(self, status: int) -> None:
        """For http targets the proxy itself answers 407; for https that comes up as a failed CONNECT."""
        if status == 407 and self._proxy is not None:
            raise Failure("proxy_auth", "the proxy wants a log-in or refused it (407)", sent=False)

    def _headers(
        self, method: str, headers: Mapping[str, str], login: str, validators: Validators = _NOTHING
    ) -> list[tuple[bytes, bytes]]:
        """What is sent. Raises Failure("protocol") for what can't be a header, before anything is sent."""
        if not _METHOD.fullmatch(method):
            raise Failure("protocol", "not an HTTP method")
        raw: list[tuple[bytes, bytes]] = []
        for name, value in _with_login(headers, login).items():
            if name.lower() not in ("accept-encoding", "user-agent"):
                raw.append((name.encode("ascii", "replace"), value.encode()))
        if validators.etag:
            raw.append((b"If-None-Match", validators.etag))
        if validators.last_modified:
            raw.append((b"If-Modified-Since", validators.last_modified))
        for name_, value_ in raw:
            if not _HEADER_NAME.fullmatch(name_.decode("ascii")) or _HEADER_BAD.search(value_):
                raise Failure("protocol", "a header holds characters that can't be sent")
        return [*self._web.headers, *raw]

    def _answer(self, hop: _Hop, target: httpx.URL, started: datetime, wire: int, *, moved_to: str) -> Answer:
        return Answer(
            status=hop.status, url=str(target), headers=hop.headers, body=hop.body, started=started,
            ended=self._web.now(), wire=wire, moved_to=moved_to, date=_date(hop.headers),
            validators=Validators(_first(hop.headers, b"etag"), _first(hop.headers, b"last-modified")),
        )

    def _read_failed(self, failure: Failure, url: str) -> ReadFailed:
        return ReadFailed(failure.reason, failure.message, hint=failure.hint, where=urls.redacted(url))

    def _call_failed(self, failure: Failure, method: str, url: str, *, sent: bool) -> NotApplied | Unknown:
        """Sorted once for everybody: what never held a connection, or only reads, certainly changed nothing."""
        sort = Unknown if sent and failure.sent and method not in SAFE else NotApplied
        return sort(failure.reason, failure.message, hint=failure.hint, where=urls.redacted(url))


def _tls_of(network: Network) -> tuple[str, str]:
    """What of a Network its TLS context depends on."""
    return network.ca_file, network.client_cert


@asynccontextmanager
async def _deadline(limits: Limits) -> AsyncIterator[None]:
    """One bound over the whole exchange; the libraries' own time-outs are per read and a slow drip never meets them."""
    try:
        async with asyncio.timeout(limits.deadline):
            yield
    except TimeoutError:
        raise Failure("timeout", f"not complete within {limits.deadline:g} s", sent=True) from None


def _attempt(limits: Limits) -> Attempt:
    """Connecting gets a share of the time only, so that a host that swallows packets is known to be not reached."""
    return Attempt(connect_within=min(_CONNECT_MOST, limits.deadline * _CONNECT_SHARE))


def _with_login(headers: Mapping[str, str], login: str) -> Mapping[str, str]:
    if not login or any(name.lower() == "authorization" for name in headers):
        return headers
    return {**headers, "Authorization": login}


def framed(
    method: str, target: httpx.URL, headers: list[tuple[bytes, bytes]], body: bytes
) -> list[tuple[bytes, bytes]]:
    """With Host and Content-Length as httpx would set them, which takes it more than twice the time."""
    given = {name.lower() for name, _ in headers}
    host = [] if b"host" in given else [(b"Host", target.netloc)]
    if b"content-length" in given:
        return [*host, *headers]
    if body:
        return [*host, *headers, (b"Content-Length", b"%d" % len(body))]
    if method in _WITH_BODY and b"transfer-encoding" not in given:
        return [*host, (b"Content-Length", b"0"), *headers]
    return [*host, *headers]


def _size(headers: Sequence[tuple[bytes, bytes]]) -> int:
    return sum(map(len, chain.from_iterable(headers))) + 4 * len(headers)


def _first(headers: tuple[tuple[bytes, bytes], ...], name: bytes) -> bytes:
    for each, value in headers:
        if each == name:
            return value
    return b""


def _date(headers: tuple[tuple[bytes, bytes], ...]) -> datetime | None:
    """The server's time in UTC: Date, and what a cache says that the answer is old. None if either makes no sense."""
    text, age = (_first(headers, name).decode("latin-1").strip() for name in (b"date", b"age"))
    if not text or (age and not _SECONDS.fullmatch(age)):
        return None
    date = http_date(text)
    return date + timedelta(seconds=int(age or 0)) if date and date.year < MAXYEAR else None


def _hush_libraries() -> None:
    """httpx logs whole URLs at INFO, with passwords and keys."""
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.level, logging.WARNING))
