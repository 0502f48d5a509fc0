"""TLS with private authorities and client certificates, TLS that can't be spoken, and CONNECT proxies with a log-in."""

import asyncio
import ssl
import warnings
from base64 import b64encode
from contextlib import asynccontextmanager

import pytest
import trustme

from syncd.errors import ConfigError, NotApplied, SyncdError, Unknown
from syncd.web.api import Guard, Network
from tests.web.kit import (
    DIRECT,
    PUBLIC,
    QUICK,
    Server,
    answers,
    client,
    fails,
    names,
    read_request,
    response,
    serve,
    web,
)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def ca_file(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


def server_tls(authority, *hosts) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(hosts or ("127.0.0.1", "policy.example"))).configure_cert(context)
    return context


def attempt(tls, network=DIRECT, *, method="GET", on_connect=None, scheme="https"):
    async def main():
        async with (
            serve(answers(response(200, b"secret")), tls=tls, on_connect=on_connect) as server,
            client(None, network) as c,
        ):
            url = f"{scheme}://127.0.0.1:{server.port}/"
            asked = c.get(url, limits=QUICK) if method == "GET" else c.call(method, url, limits=QUICK)
            try:
                return await asked
            except SyncdError as error:
                return error

    return asyncio.run(main())


def test_a_private_authority_is_trusted_when_its_file_is_named(authority, ca_file):
    assert attempt(server_tls(authority), Network(ca_file=ca_file)).body == b"secret"
    assert attempt(server_tls(authority), Network(ca_file=ca_file), method="POST").body == b"secret"


@pytest.mark.guarantee(5)
def test_without_it_the_certificate_is_untrusted_and_the_hint_names_ca_file(authority):
    error = attempt(server_tls(authority))
    assert error.reason == "tls_untrusted"
    assert "ca_file" in error.hint
    write = attempt(server_tls(authority), method="POST")
    assert type(write) is NotApplied
    assert write.reason == "tls_untrusted"


def test_a_certificate_for_another_host_is_untrusted(authority, ca_file):
    error = attempt(server_tls(authority, "other.example"), Network(ca_file=ca_file))
    assert error.reason == "tls_untrusted"
    assert "127.0.0.1" in str(error)


def test_a_client_certificate_is_shown(authority, ca_file, tmp_path):
    tls = server_tls(authority)
    tls.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(tls)
    pem = tmp_path / "client.pem"
    authority.issue_cert("syncd@county.example").private_key_and_cert_chain_pem.write_to_path(pem)
    assert attempt(tls, Network(ca_file=ca_file, client_cert=str(pem))).body == b"secret"
    tls.maximum_version = ssl.TLSVersion.TLSv1_2
    assert attempt(tls, Network(ca_file=ca_file, client_cert=str(pem))).body == b"secret"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_missing_client_certificate_is_said_so(authority, ca_file, version):
    tls = server_tls(authority)
    tls.verify_mode, tls.maximum_version = ssl.CERT_REQUIRED, version
    error = attempt(tls, Network(ca_file=ca_file))
    assert "client_cert" in error.hint
    # In TLS 1.3 the server refuses after our side of the handshake is done, and may hang up before its alert arrives.
    assert error.reason == "tls_unsupported" or (version is ssl.TLSVersion.TLSv1_3 and error.reason == "closed")


def test_files_that_can_not_be_used_are_config_errors_with_the_option(authority, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("no certificate")

    async def main(network):
        async with web() as w:
            with pytest.raises(ConfigError) as caught:
                w.client("a", network, Guard())
            return str(caught.value)

    assert "network.ca_file" in asyncio.run(main(Network(ca_file=str(tmp_path / "absent.pem"))))
    assert "network.ca_file" in asyncio.run(main(Network(ca_file=str(junk))))
    assert "network.client_cert" in asyncio.run(main(Network(client_cert=str(junk))))
    said = asyncio.run(main(Network(proxy="socks5://user:pa55@h:1")))
    assert "network.proxy" in said
    assert "pa55" not in said


def old_tls(authority) -> ssl.SSLContext:
    context = server_tls(authority)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1
    return context


async def alert(reader, writer):
    """What a server that only knows SM2 does: handshake_failure."""
    await reader.read(1024)
    writer.write(b"\x15\x03\x03\x00\x02\x02\x28")
    await writer.drain()


async def slam(reader, writer):
    await reader.read(1024)
    writer.close()


async def plain_http(reader, writer):
    await reader.read(1024)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("behaviour", [alert, slam, plain_http, old_tls])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_tls_that_can_not_be_spoken_is_unsupported_with_a_hint(authority, ca_file, behaviour, method):
    tls = old_tls(authority) if behaviour is old_tls else None
    on_connect = None if behaviour is old_tls else behaviour
    error = attempt(tls, Network(ca_file=ca_file), method=method, on_connect=on_connect)
    assert error.reason == "tls_unsupported"
    assert "TLS 1.2" in error.hint
    assert "SM2" in error.hint
    assert method == "GET" or type(error) is NotApplied


def test_https_to_http_is_a_downgrade(authority, ca_file):
    async def main():
        async with serve(answers(response())) as plain:
            away = response(302, b"", f"Location: {plain.url()}")
            async with (
                serve(answers(away), tls=server_tls(authority)) as server,
                client(None, Network(ca_file=ca_file)) as c,
            ):
                return plain, await fails(c.get(server.url(), limits=QUICK))

    plain, error = asyncio.run(main())
    assert error.reason == "redirect_downgrade"
    assert plain.connections == 0


@asynccontextmanager
async def proxy(targets: dict[str, Server], *, login: str = "", refuse: int = 0, mute: bool = False):
    """A CONNECT and absolute-form proxy: `targets` by host:port says where each really goes."""
    wanted = b"Basic " + b64encode(login.encode())

    async def relay(reader, writer):
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def connected(reader, writer):
        request = await read_request(reader)
        state.requests.append(request)
        if mute:
            return
        if login and request.value("proxy-authorization") != wanted:
            writer.write(response(407, b"log in", 'Proxy-Authenticate: Basic realm="x"'))
        elif refuse:
            writer.write(response(refuse, b"no"))
        else:
            place = request.target if request.method == "CONNECT" else request.target.split("/")[2]
            far_reader, far_writer = await asyncio.open_connection(*targets[place].place)
            if request.method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = "/" + request.target.split("/", 3)[3]
                head = [f"{request.method} {path} HTTP/1.1".encode()]
                head += [n + b": " + v for n, v in request.headers if not n.startswith(b"proxy-")]
                far_writer.write(b"\r\n".join([*head, b"", request.body]))
            await asyncio.gather(relay(reader, far_writer), relay(far_reader, writer))
        await writer.drain()

    async with serve(None, on_connect=connected) as state:
        yield state


async def no_lookup(host, port):
    raise AssertionError(f"{host} was looked up although a proxy does that")


def through(authority, ca_file, *, login="", sent="", tls=True, method="GET", guard=PUBLIC, at=None, **behaviour):
    """(the proxy, the target, answer or error) of one exchange with policy.example through a proxy."""

    async def main():
        async with serve(answers(response(200, b"far")), tls=server_tls(authority) if tls else None) as target:
            place = "policy.example:443" if tls else "policy.example"
            async with proxy({place: target}, login=login, **behaviour) as middle:
                network = Network(proxy=f"http://{sent}127.0.0.1:{at or middle.port}", ca_file=ca_file)
                async with client(guard, network, lookup=no_lookup) as c:
                    url = f"http{'s' if tls else ''}://policy.example/x?y=%2F"
                    asked = c.get(url, limits=QUICK) if method == "GET" else c.call(method, url, limits=QUICK)
                    try:
                        result = await asked
                    except SyncdError as error:
                        result = error
            return middle, target, result

    return asyncio.run(main())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_https_goes_through_a_connect_tunnel_with_log_in(authority, ca_file, method):
    middle, target, answer = through(authority, ca_file, login="user:p@ss", sent="user:p%40ss@", method=method)
    assert answer.body == b"far"
    assert middle.requests[0].method == "CONNECT"
    assert middle.requests[0].target == "policy.example:443"
    assert not target.requests[0].values("proxy-authorization"), "the proxy's log-in is not for the target"
    assert target.requests[0].target == "/x?y=%2F"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_plain_http_goes_through_the_proxy_with_log_in(authority, ca_file, method):
    middle, target, answer = through(authority, ca_file, login="user:pw", sent="user:pw@", tls=False, method=method)
    assert answer.body == b"far"
    assert middle.requests[0].target == "http://policy.example/x?y=%2F"
    assert len(target.requests) == 1


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("sent", ["", "user:wr0ng@"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_wrong_log_in_at_the_proxy_is_proxy_auth(authority, ca_file, tls, sent, method):
    _, target, error = through(authority, ca_file, login="user:pw", sent=sent, tls=tls, method=method)
    assert error.reason == "proxy_auth"
    assert target.connections == 0
    assert "wr0ng" not in str(error) + error.hint
    assert method == "GET" or type(error) is NotApplied


@pytest.mark.parametrize("status", [403, 502, 504])
def test_a_proxy_that_refuses_to_connect_is_proxy(authority, ca_file, status):
    _, _, error = through(authority, ca_file, refuse=status, method="PUT")
    assert type(error) is NotApplied
    assert error.reason == "proxy"
    assert str(status) in str(error)


@pytest.mark.parametrize("tls", [True, False])
def test_a_proxy_that_can_not_be_reached_is_proxy(authority, ca_file, tls):
    _, _, error = through(authority, ca_file, at=1, tls=tls, method="POST")
    assert type(error) is NotApplied
    assert error.reason == "proxy"


def test_a_proxy_that_hangs_up_before_the_tunnel_stands_means_not_applied(authority, ca_file):
    assert type(through(authority, ca_file, mute=True, method="POST")[2]) is NotApplied


@pytest.mark.guarantee(2)
def test_a_proxy_that_hangs_up_on_a_plain_write_means_unknown(authority, ca_file):
    middle, _, error = through(authority, ca_file, mute=True, tls=False, method="PUT")
    assert type(error) is Unknown
    assert len(middle.requests) == 1


def test_behind_a_proxy_hosts_are_checked_by_name(authority, ca_file):
    middle, _, error = through(authority, ca_file, guard=Guard(hosts=frozenset({"www.gov.cn"})))
    assert error.reason == "blocked_address"
    assert middle.connections == 0
    assert through(authority, ca_file, guard=Guard(hosts=frozenset({"policy.example"})))[2].body == b"far"


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://10.0.0.1/", "http://0x7f.1/", "http://localhost/", "http://[::1]/"])
def test_behind_a_proxy_literal_private_addresses_and_the_proxy_itself_are_refused(url):
    async def main():
        async with proxy({}) as middle:
            network = Network(proxy=middle.url())
            async with client(Guard(), network, lookup=names()) as c:
                return middle, [await fails(c.get(u, limits=QUICK)) for u in (url, middle.url())]

    middle, errors = asyncio.run(main())
    assert [e.reason for e in errors] == ["blocked_address"] * 2
    assert middle.connections == 0


def test_a_proxy_whose_name_can_not_be_resolved_is_proxy():
    async def main():
        async with client(Guard(), Network(proxy="http://proxy.county:3128"), lookup=names()) as c:
            return await fails(c.get("https://www.gov.cn/", limits=QUICK))

    error = asyncio.run(main())
    assert error.reason == "proxy"
    assert "network.proxy" in error.hint


@pytest.mark.parametrize("location", ["http://10.0.0.1/", "http://other.example/"])
def test_behind_a_proxy_each_hop_is_checked_by_name(location):
    async def main():
        async with serve(answers(response(302, b"", f"Location: {location}"))) as middle:
            guard = Guard(hosts=frozenset({"policy.example"}))
            async with client(guard, Network(proxy=middle.url()), lookup=names()) as c:
                return middle, await fails(c.get("http://policy.example/", limits=QUICK))

    middle, error = asyncio.run(main())
    assert error.reason == "blocked_address"
    assert len(middle.requests) == 1


def test_behind_a_proxy_an_allowed_host_is_allowed_on_its_port_only():
    async def main():
        async with serve(answers(response())) as middle:
            guard = Guard(allow=frozenset({("10.0.0.1", 80)}))
            async with client(guard, Network(proxy=middle.url()), lookup=names()) as c:
                good = await c.call("GET", "http://10.0.0.1/", limits=QUICK)
                return good, await fails(c.call("GET", "http://10.0.0.1:81/", limits=QUICK))

    good, bad = asyncio.run(main())
    assert good.status == 200
    assert bad.reason == "blocked_address"
