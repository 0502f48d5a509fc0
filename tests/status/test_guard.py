"""The door: who may ask, who may act, and the headers that every answer carries."""

from __future__ import annotations

import pytest

from syncd.status.guard import MAX_BODY, hostname
from tests.status.client import BROWSER, HOST, Client

APPROVE = "/api/v1/reposts/5/approve"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "",
        "localhost@evil.example",
        "local/host",
        "127.0.0.1.nip.io:8377",
        "[::1",
        "LOCALHOST.:8377",
    ],
)
def test_a_foreign_host_is_misdirected(client: Client, host: str) -> None:
    answer = client.ask("/", host=host)
    assert (answer.status_code, answer.json()["reason"]) == (421, "foreign_host")


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8377", "127.0.0.1:1", "[::1]:8377"])
def test_our_own_names_are_answered_on_any_port(client: Client, host: str) -> None:
    assert client.ask("/healthz", host=host).status_code == 200


def test_an_allowed_host_may_be_given_with_its_port() -> None:
    client = Client(allowed=("status.county.example:443",))
    assert client.ask("/healthz", host="status.county.example").status_code == 200
    assert hostname("[::1]:80") == "::1"


def test_without_the_token_nothing_is_done(client: Client) -> None:
    body = {"actor": "a"}
    missing = client.ask(APPROVE, "POST", json=body)
    assert (missing.status_code, missing.headers["www-authenticate"]) == (401, "Bearer")
    assert client.act(APPROVE, body, token="wrong").status_code == 403
    assert client.ask(APPROVE, "POST", json=body, headers={"authorization": "Basic s3cret"}).status_code == 401
    assert client.ask(f"{APPROVE}?token=s3cret", "POST", json=body).status_code == 401
    assert client.desk.done == []


def test_the_token_may_come_in_its_own_header(client: Client) -> None:
    assert client.ask(APPROVE, "POST", json={"actor": "a"}, headers={"x-syncd-token": "s3cret"}).status_code == 200


@pytest.mark.parametrize("token", [None, ""])
def test_where_no_token_is_configured_no_token_opens(token: str | None) -> None:
    client = Client(token=token)
    for shown in ("", "None", "s3cret"):
        answer = client.ask(APPROVE, "POST", json={"actor": "a"}, headers={"x-syncd-token": shown})
        assert (answer.status_code, answer.json()["reason"]) == (403, "actions_disabled")
    assert client.desk.done == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "same-origin", "origin": "http://evil.example"},
    ],
)
def test_another_site_cannot_act_even_with_the_token(client: Client, headers: dict[str, str]) -> None:
    answer = client.act(APPROVE, {"actor": "a"}, **headers)
    assert (answer.status_code, answer.json()["reason"]) == (403, "cross_site")
    assert client.desk.done == []


def test_our_own_page_and_a_program_may_act(client: Client) -> None:
    own = {"sec-fetch-site": "same-origin", "origin": f"http://{HOST}"}
    assert client.act(APPROVE, {"actor": "a"}, **own).status_code == 200


def test_a_large_body_is_refused_before_it_is_read(client: Client) -> None:
    big = client.act(APPROVE, {"actor": "a" * MAX_BODY})
    assert (big.status_code, big.json()["reason"]) == (413, "too_large")
    endless = {"authorization": "Bearer s3cret", "content-length": "-1"}
    assert client.ask(APPROVE, "POST", content=b"{}", headers=endless).status_code == 413


@pytest.mark.parametrize(
    "path", ["/", "/reposts/8", "/reposts/99", "/static/style.css", "/api/v1/status", "/nowhere", "/metrics"]
)
def test_every_answer_carries_the_security_headers(client: Client, path: str) -> None:
    headers = client.ask(path, headers=BROWSER).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/static/../api.py", "/static/%2e%2e/api.py", "/static/..%2fapi.py", "/static/"])
def test_only_the_assets_are_served_as_files(client: Client, path: str) -> None:
    assert client.ask(path).status_code == 404


def test_no_documentation_page_loads_from_elsewhere(client: Client) -> None:
    assert [client.ask(path).status_code for path in ("/docs", "/redoc")] == [404, 404]
