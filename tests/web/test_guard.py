"""Which addresses may be reached: notations, networks, rebinding, pools."""

import asyncio
from ipaddress import ip_address

import httpx
import pytest

from syncd.web.api import Guard, Network
from syncd.web.failure import AddressBlocked
from syncd.web.guard import Gate, is_public, literal
from syncd.web.transport import Attempt, attempt
from tests.web.kit import QUICK, answers, client, fails, names, response, serve, web

LOOPBACK = [
    "127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "127.1", "017700000001", "0", "127。0。0。1",
    "0x7f.0x0.0x0.0x1",
    "[::ffff:127.0.0.1]", "127.0.0.1.", "[::1]", "[::]", "0.0.0.0", "localhost", "LOCALHOST.", "a.localhost",
    "0177.0.0.01", "[0:0:0:0:0:ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]", "127.255.255.254",
    "00000000000000000000177.0.0.1", "0x7F.1", "１２７.0.0.1",
]


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("host", LOOPBACK)
def test_no_notation_of_a_loopback_address_gets_through(host):
    async def main():
        async with serve(answers(response())) as server, client(Guard()) as c:
            url = f"http://{host}:{server.port}/"
            return server, await fails(c.get(url, limits=QUICK)), await fails(c.call("POST", url, limits=QUICK))

    server, read, write = asyncio.run(main())
    assert server.connections == 0
    assert read.reason in ("blocked_address", "bad_url")
    assert write.reason == read.reason
    assert read.hint


@pytest.mark.parametrize("address", [
    "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200",
    "192.0.0.192", "192.0.0.9",
    "192.88.99.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "0.1.2.3", "203.0.113.1",
    "::", "::1", "::7f00:1", "::ffff:10.0.0.1", "::ffff:100.64.0.1", "::ffff:0:10.0.0.1",
    "64:ff9b::a00:1", "64:ff9b:1::1",
    "2002:a00:1::", "2001::1", "2001:db8::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254",
    "fe80::1", "fec0::1", "ff02::1",
    "100::1", "4000::1", "fe80::1%eth0",
])
def test_addresses_that_are_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "114.114.114.114", "2400:3200::1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(address):
    assert is_public(ip_address(address))


def test_a_name_is_no_literal_address():
    assert literal("www.gov.cn") is None
    assert literal("文.cn") is None
    assert literal("") is None
    assert str(literal("0x7f.1")) == "127.0.0.1"
    assert str(literal("::1")) == "::1"


@pytest.mark.guarantee(5)
def test_a_name_that_leads_inside_is_blocked():
    async def main():
        async with serve(answers(response())) as server, client(Guard(), lookup=names(evil__example="127.0.0.1")) as c:
            return server, await fails(c.get(f"http://evil.example:{server.port}/", limits=QUICK))

    server, error = asyncio.run(main())
    assert error.reason == "blocked_address"
    assert server.connections == 0
    assert "127.0.0.1" in str(error)


@pytest.mark.guarantee(5)
def test_rebinding_between_check_and_use_gains_nothing():
    """The name leads to a public address at the first look and inside at the next: the socket's own address decides."""
    looks = []

    async def lookup(host, port):
        looks.append(host)
        return ["203.0.114.1"] if len(looks) == 1 else ["127.0.0.1"]

    async def main():
        async with serve(answers(response())) as server, web(lookup=lookup) as w:
            c = w.client("a", Network(), Guard())
            assert Gate(Guard()).admit("evil.example", server.port, await lookup("evil.example", server.port))
            return server, await fails(c.get(f"http://evil.example:{server.port}/", limits=QUICK))

    server, error = asyncio.run(main())
    assert error.reason == "blocked_address"
    assert server.connections == 0
    assert len(looks) == 2


def test_the_socket_itself_refuses_a_private_address():
    with pytest.raises(AddressBlocked):
        Gate(Guard()).open_socket((2, 1, 6, "", ("127.0.0.1", 80)))
    with pytest.raises(AddressBlocked):
        Gate(Guard(allow=frozenset({("127.0.0.1", 81)}))).open_socket((2, 1, 6, "", ("127.0.0.1", 80)))


def test_of_good_and_bad_addresses_only_the_good_are_used():
    assert Gate(Guard()).admit("h", 80, ["10.0.0.1", "8.8.8.8", "::1"]) == ["8.8.8.8"]


def test_the_exact_host_and_port_of_a_cms_are_allowed_and_nothing_beside():
    async def main():
        async with serve(answers(response())) as cms, serve(answers(response())) as other:
            table = names(cms__example="127.0.0.1", other__example="127.0.0.1")
            guard = Guard(allow=frozenset({("cms.example", cms.port)}))
            async with client(guard, lookup=table) as c:
                good = await c.get(f"http://CMS.example:{cms.port}/", limits=QUICK)
                bad = [await fails(c.get(url, limits=QUICK)) for url in (
                    f"http://cms.example:{other.port}/", f"http://other.example:{cms.port}/", cms.url(), other.url(),
                )]
            return good, bad, cms, other

    good, bad, cms, other = asyncio.run(main())
    assert good.status == 200
    assert [e.reason for e in bad] == ["blocked_address"] * 4
    assert (cms.connections, other.connections) == (1, 0)


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254"])
def test_no_name_leads_to_link_local_or_metadata_addresses_not_even_an_allowed_one(address):
    gate = Gate(Guard(allow=frozenset({("list.county", 80)})))
    assert gate.admit("list.county", 80, ["10.0.0.1", address]) == ["10.0.0.1"]
    with pytest.raises(AddressBlocked):
        gate.admit("list.county", 80, [address])
    with pytest.raises(AddressBlocked):
        gate.check_address(ip_address(address), 80)
    named = Gate(Guard(allow=frozenset({(address, 80)})))
    named.check_address(ip_address(address), 80)


@pytest.mark.guarantee(5)
def test_a_kept_connection_of_one_client_is_not_lent_to_another():
    async def main():
        async with serve(answers(response())) as server, web(lookup=names(cms__example="127.0.0.1")) as w:
            url = f"http://cms.example:{server.port}/"
            allowed = w.client("site", Network(), Guard(allow=frozenset({("cms.example", server.port)})))
            await allowed.get(url, limits=QUICK)
            strict = w.client("source", Network(), Guard())
            return server, await fails(strict.get(url, limits=QUICK))

    server, error = asyncio.run(main())
    assert error.reason == "blocked_address"
    assert len(server.requests) == 1


@pytest.mark.guarantee(5)
def test_a_transport_refuses_by_itself_even_if_nobody_looked_at_the_url():
    async def main():
        async with serve(answers(response())) as server, web() as w:
            w.client("a", Network(), Guard())
            transport = w.transport(Network(), Guard(), None, fresh=False)
            token = attempt.set(Attempt(connect_within=5.0))
            try:
                with pytest.raises(AddressBlocked):
                    await transport.handle_async_request(httpx.Request("GET", server.url()))
            finally:
                attempt.reset(token)
            return server

    assert asyncio.run(main()).connections == 0


def test_only_listed_hosts_are_asked_where_there_is_a_list():
    async def main():
        async with serve(answers(response())) as server:
            listed = frozenset({"good.example"})
            guard = Guard(frozenset({("good.example", server.port)}), listed)
            async with client(guard, lookup=names(good__example="127.0.0.1", bad__example="127.0.0.1")) as c:
                good = await c.get(f"http://good.example:{server.port}/", limits=QUICK)
                return good, await fails(c.get(f"http://bad.example:{server.port}/", limits=QUICK))

    good, bad = asyncio.run(main())
    assert good.status == 200
    assert bad.reason == "blocked_address"


def test_no_dns_is_said_so():
    async def main():
        async with client(lookup=names()) as c:
            return (await fails(c.get("http://www.gov.cn/", limits=QUICK)),
                    await fails(c.call("POST", "https://www.gov.cn/", body=b"x", limits=QUICK)))

    read, write = asyncio.run(main())
    assert read.reason == write.reason == "dns"
    assert "DNS" in read.hint
    assert type(write).__name__ == "NotApplied"


def test_a_resolver_that_hangs_meets_the_deadline():
    from syncd.web.api import Limits

    async def lookup(host, port):
        await asyncio.sleep(30)
        return []

    async def main():
        async with client(lookup=lookup) as c:
            return await fails(c.call("POST", "http://slow.example/", body=b"x", limits=Limits(deadline=0.4)))

    error = asyncio.run(main())
    assert error.reason == "timeout"
    assert type(error).__name__ == "NotApplied"


def test_the_systems_resolver_is_asked_when_none_is_given():
    async def main():
        async with serve(answers(response())) as server, client() as c:
            return await c.get(f"http://localhost:{server.port}/", limits=QUICK)

    assert asyncio.run(main()).status == 200


def test_ipv6_only():
    try:
        import socket

        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 on this machine (::1 can't be bound)")

    async def main():
        async with (
            serve(answers(response(200, b"six")), host="::1") as server,
            client(lookup=names(six__example="::1")) as c,
        ):
            by_name = await c.get(f"http://six.example:{server.port}/", limits=QUICK)
            return by_name, await c.call("GET", server.url(), limits=QUICK), server

    by_name, by_address, server = asyncio.run(main())
    assert by_name.body == by_address.body == b"six"
    assert server.requests[1].value("host") == f"[::1]:{server.port}".encode()
