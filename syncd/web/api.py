"""What the rest of syncd knows of the network: requests, answers and the Client protocol; no httpx here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Validators:
    """What a server gave to ask with later, as the raw bytes received (opaque); empty when it gave none."""

    etag: bytes = b""
    last_modified: bytes = b""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one exchange. deadline: seconds for all of it, redirects too. wire, body: bytes before, after gzip."""

    deadline: float = 30.0
    wire: int = 10 * 1024 * 1024
    body: int = 16 * 1024 * 1024
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer. url: where it finally came from. headers: names in lower case, raw values, in order.

    body: decoded (gzip), complete: a cut body never becomes an Answer. started, ended: UTC. wire: bytes in and out.
    moved_to: the address that every hop (all 301 or 308) agreed on, or "": the caller counts sightings.
    date: the server's Date header, or None.
    """

    status: int
    url: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    started: datetime
    ended: datetime
    wire: int = 0
    moved_to: str = ""
    date: datetime | None = None
    validators: Validators = field(default_factory=Validators)

    def header(self, name: str) -> str:
        """The first value of a header as text (latin-1), or ""."""
        wanted = name.lower().encode()
        return next((v.decode("latin-1") for n, v in self.headers if n == wanted), "")

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters."""
        return self.header("content-type").split(";")[0].strip().lower()


class Client(Protocol):
    """The way out for one source, site or look: it carries its owner's network settings, guard and pacing."""

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """A safe read: redirects followed with each hop checked, one quick retry of a connect error.

        Any complete answer is returned, whatever its status (304 too). Raises ReadFailed with one of the reasons
        dns, connect, timeout, tls_unsupported, tls_untrusted, proxy, proxy_auth, blocked_address, bad_url,
        too_large, bad_encoding, truncated, redirect_loop, redirect_downgrade, protocol, closed.
        """
        ...

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """One exchange with a CMS, never repeated, no redirect followed (a 3xx is returned as it is).

        Raises NotApplied when the request certainly did not reach the server (no connection), and Unknown for every
        other transport failure of a method that is not safe; for GET and HEAD every failure is NotApplied.
        The statuses are the caller's to judge: `status.raise_for_write` and `raise_for_read` sort them once for all.
        """
        ...


class Exchange(Protocol):
    """Makes clients; one a process (web.client.Web), replaced whole in the simulation."""

    def client(self, owner: str, network: Network, guard: Guard) -> Client: ...

    def slow(self, host: str, gap: float) -> None:
        """Leave at least so many seconds between two requests to a public host; less than is left anyway undoes it."""
        ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Network:
    """How to get out: all optional. client_cert: PEM with key. resolver: None uses the system's."""

    proxy: str = ""
    ca_file: str = ""
    client_cert: str = ""


@dataclass(frozen=True, slots=True)
class Guard:
    """Which addresses may be reached: public ones, and the exact (host, port) pairs in `allow`, which may be private.

    hosts: when not empty (behind a proxy that resolves names) only these hosts and their subdomains are asked for.
    """

    allow: frozenset[tuple[str, int]] = frozenset()
    hosts: frozenset[str] = frozenset()
