"""Which addresses may be reached: checked by name before, and by the real address where the socket is opened."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
from aiohttp.abc import AbstractResolver, ResolveResult

from syncd.web.api import Guard
from syncd.web.failure import AddressBlocked, Failure
from syncd.web.urls import host as host_of
from syncd.web.urls import port as port_of

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Resolves (host, port) to addresses as text; raises OSError when it can't."""

# ipaddress.is_global lets all of these through (Python 3.11); several lead to cloud metadata or a tunnel inside.
_DENIED_4 = tuple(map(ip_network, (
    "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
)))
_PUBLIC_6 = ip_network("2000::/3")
_DENIED_6 = tuple(map(ip_network, (
    "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)))
"""Within 2000::/3 only; what is outside (::/96, 64:ff9b::/96, 5f00::/16, fec0::/10, ff00::/8 …) is never public."""
_OF_THE_MACHINE = tuple(map(ip_network, (
    "169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "100.100.100.200/32", "192.0.0.192/32",
)))
"""Link-local, and where clouds give out a machine's secrets: no name may lead there, not even an allowed one."""


@lru_cache(maxsize=1024)
def is_public(address: Address) -> bool:
    """True for an address on the open internet. A v4 address in v6 clothes is judged by what it really is."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        return address in _PUBLIC_6 and address.is_global and not any(address in net for net in _DENIED_6)
    return address.is_global and not any(address in net for net in _DENIED_4)


def is_of_the_machine(address: Address) -> bool:
    """True for link-local and cloud metadata addresses."""
    real = getattr(address, "ipv4_mapped", None) or address
    return any(real in net for net in _OF_THE_MACHINE)


def literal(host: str) -> Address | None:
    """The address that a host spells in any notation that C libraries take (127.1, 0x7f000001, 0177.1), or None."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host)) if host.isascii() and host else None
    except OSError:
        return None


class Gate:
    """A Guard at work for one pool of connections."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._allow = frozenset((_plain(host), port) for host, port in guard.allow)
        self._hosts = frozenset(map(_plain, guard.hosts))
        self._granted: dict[tuple[str, int], frozenset[Address]] = {}
        """Where the names of `allow` lead at present; literal addresses lead to themselves."""
        for name, port in self._allow:
            if (address := literal(name)) is not None:
                self._granted[name, port] = frozenset({address})

    def check_url(self, url: httpx.URL) -> None:
        """Refuse by name what is forbidden whatever it resolves to. Raises Failure("blocked_address")."""
        name, port = host_of(url), port_of(url)
        if (name, port) in self._allow:
            return
        if self._hosts and not any(name == host or name.endswith(f".{host}") for host in self._hosts):
            raise Failure("blocked_address", f"{name} is not on the list of hosts that may be asked for")
        address = literal(name)
        if name == "localhost" or name.endswith(".localhost") or (address is not None and not is_public(address)):
            raise Failure("blocked_address", f"{name} is not a public address")

    def is_paced(self, url: httpx.URL) -> bool:
        """False for a host that is known to be private; all others are asked politely: one at a time, with a gap."""
        name, port = host_of(url), port_of(url)
        leads = self._granted.get((name, port), frozenset())
        return not leads or any(is_public(address) for address in leads)

    def is_unknown(self, url: httpx.URL) -> bool:
        """True for an allowed name of which nobody has said yet where it leads."""
        place = host_of(url), port_of(url)
        return place in self._allow and place not in self._granted

    def admit(self, host: str, port: int, addresses: list[str]) -> list[str]:
        """Those addresses of a name that may be connected to. Raises AddressBlocked when none may."""
        name, found = _plain(host), [(text, ip_address(text)) for text in addresses]
        allowed = (name, port) in self._allow
        good = [(text, ip) for text, ip in found if (not is_of_the_machine(ip) if allowed else is_public(ip))]
        if allowed:
            self._granted[name, port] = frozenset(ip for _, ip in good)
        if not good:
            raise AddressBlocked(f"{name} leads to {', '.join(addresses[:3])}, which is not public")
        return [text for text, _ in good]

    def open_socket(self, info: tuple[int, int, int, str, tuple[object, ...]]) -> socket.socket:
        """aiohttp's socket_factory: the last check, on the very address that is connected to."""
        family, kind, proto, _, sockaddr = info
        self.check_address(ip_address(str(sockaddr[0])), int(str(sockaddr[1])))
        return socket.socket(family=family, type=kind, proto=proto)

    def check_address(self, address: Address, port: int) -> None:
        """Raises AddressBlocked unless the address is public, allowed, or where an allowed name leads."""
        if is_public(address):
            return
        if not any(address in ips for (_, p), ips in self._granted.items() if p == port):
            raise AddressBlocked(f"{address} is not a public address")


class Resolver(AbstractResolver):
    """aiohttp's resolver: gives only addresses that the gate admits, so a host with good and bad ones still works."""

    def __init__(self, gate: Gate, lookup: Lookup) -> None:
        self._gate = gate
        self._lookup = lookup

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        return [_result(host, address, port) for address in self._gate.admit(host, port, addresses)]

    async def close(self) -> None:
        """Nothing is held."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return {"hostname": host, "host": address, "port": port, "family": family, "proto": 0, "flags": 0}


def _plain(host: str) -> str:
    return host.lower().strip("[]").rstrip(".")
