"""Log-ins of every kind: what is sent, when it is renewed, and that one fresh session is all that is tried."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

import pytest

from syncd.errors import AdapterError, AuthFailed, NotApplied, RateLimited, Unknown
from syncd.model import RemoteRef, RemoteState
from tests.adapters.http.desk import desk
from tests.adapters.http.kit import SECRET, Ground, example, options_of, played, post
from tests.adapters.http.platform import Platform

Reply = tuple[int, dict[str, str], bytes]
_JSON = {"content-type": "application/json"}


class Echo:
    """Answers every call as the plain interface does, and keeps what it was asked."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, Mapping[str, str], bytes]] = []
        self.tokens = 0
        self.good = ""
        self.expires: Any = 3600
        self.token_status = 200

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        self.seen.append((method, path, dict(headers), body))
        if path == "/token":
            return self._token()
        if self.good and headers.get("authorization") != self.good:
            return 401, _JSON, b'{"error": "no"}'
        return 200, _JSON, json.dumps({"posts": [], "id": 1, "title": "x", "html": "y"}).encode()

    def _token(self) -> Reply:
        self.tokens += 1
        self.good = f"Bearer token-{self.tokens}"
        told = {"access_token": f"token-{self.tokens}", "token_type": "Bearer", "expires_in": self.expires}
        return self.token_status, _JSON, json.dumps(told).encode()


def ground(text: str, **changes: Any) -> tuple[Echo, Ground]:
    echo = Echo()
    auth = options_of(text)["auth"]
    return echo, Ground(echo.handle, desk(auth=auth, account=("",), answers=(), **changes))


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ('auth = { kind = "basic", user = "局", password = { env = "x" } }', "authorization",
         "Basic " + base64.b64encode(f"局:{SECRET}".encode()).decode()),
        ('auth = { kind = "bearer", token = { env = "x" } }', "authorization", f"Bearer {SECRET}"),
        ('auth = { kind = "header", name = "X-Api-Key", token = { env = "x" } }', "x-api-key", SECRET),
    ],
)
@played
async def test_a_log_in_of_each_request_is_in_each_request(auth: str, header: str, value: str) -> None:
    echo, site = ground(auth)
    await site.adapter().find("k")
    assert [headers[header] for _, _, headers, _ in echo.seen] == [value]


OAUTH = """
[auth]
kind = "oauth2"
token_url = "http://county.example/token"
client_id = "id with: blank"
client_secret = { env = "x" }
scope = "write"
"""


@played
async def test_a_token_is_asked_for_once_and_again_when_it_ends() -> None:
    echo, site = ground(OAUTH)
    adapter = site.adapter()
    for _ in range(3):
        await adapter.find("k")
    assert echo.tokens == 1
    method, _, headers, body = echo.seen[0]
    assert (method, dict(parse_qsl(body.decode()))) == ("POST", {"grant_type": "client_credentials", "scope": "write"})
    login = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
    assert login.startswith("id+with%3A+blank:")  # RFC 6749, 2.3.1: both are encoded as in a form
    site.net.clock.advance(3600)
    await adapter.find("k")
    assert echo.tokens == 2


@played
async def test_client_credentials_may_go_in_the_body() -> None:
    echo, site = ground(OAUTH + 'style = "body"\n')
    await site.adapter().find("k")
    told = dict(parse_qsl(echo.seen[0][3].decode()))
    assert (told["client_id"], told["client_secret"]) == ("id with: blank", SECRET)


@played
async def test_a_token_that_was_revoked_is_renewed_once_and_the_request_made_again() -> None:
    echo, site = ground(OAUTH)
    adapter = site.adapter()
    await adapter.find("k")
    echo.good = "Bearer another"
    await adapter.find("k")
    assert echo.tokens == 2
    echo.token_status = 200
    handler = echo.handle
    site.wires.servers["county.example"] = lambda *asked: (401, _JSON, b"{}") if asked[1] != "/token" else handler(*asked)
    before = len(echo.seen)
    with pytest.raises(AuthFailed) as refused:
        await adapter.find("k")
    assert (refused.value.reason, len(echo.seen) - before) == ("unauthorized", 1), "one fresh token and no more"


@pytest.mark.parametrize("expires", [None, "60", "soon", True, -5, 1e30])
@played
async def test_a_token_server_may_say_anything_of_when_its_token_ends(expires: Any) -> None:
    echo, site = ground(OAUTH)
    echo.expires = expires
    assert await site.adapter().find("k") is None


@pytest.mark.parametrize(
    ("status", "error"), [(400, AuthFailed), (401, AuthFailed), (500, NotApplied), (302, NotApplied), (429, RateLimited)])
@played
async def test_a_token_server_that_gives_none_changed_nothing(status: int, error: type[Exception]) -> None:
    echo, site = ground(OAUTH)
    echo.token_status = status
    with pytest.raises(error) as refused:
        await site.adapter().create(post(), RemoteState.PUBLIC)
    assert SECRET not in f"{refused.value!r} {refused.value}"


@played
async def test_calls_at_once_log_in_once() -> None:
    echo, site = ground(OAUTH)
    adapter = site.adapter()
    await asyncio.gather(*(adapter.find(f"k{n}") for n in range(5)))
    assert echo.tokens == 1


HMAC = """
[auth]
kind = "hmac"
key_id = "county"
secret = { env = "x" }
algorithm = "ALGORITHM"
encoding = "ENCODING"
sign = '''{{ method }}
{{ path }}?{{ query }}
{{ timestamp }}
{{ nonce }}
{{ body_sha256 }}'''
headers = { X-Key = "{{ key_id }}", X-Time = "{{ timestamp }}", X-Nonce = "{{ nonce }}", X-Sign = "{{ signature }}" }
"""


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sm3"])
@played
async def test_a_signature_is_of_what_really_goes_out(algorithm: str, encoding: str) -> None:
    if algorithm not in hashlib.algorithms_available:
        pytest.skip(f"OpenSSL has no {algorithm} here")
    echo, site = ground(HMAC.replace("ALGORITHM", algorithm).replace("ENCODING", encoding))
    adapter = site.adapter()
    await adapter.find("键")
    await adapter.create(post(), RemoteState.PUBLIC)
    nonces = set()
    for method, path, headers, body in echo.seen:
        parts = urlsplit(path)
        digested = hashlib.sha256(body).hexdigest()
        told = "\n".join((method, f"{parts.path}?{parts.query}", headers["x-time"], headers["x-nonce"], digested))
        digest = hmac.new(SECRET.encode(), told.encode(), algorithm)
        wanted = digest.hexdigest() if encoding == "hex" else base64.b64encode(digest.digest()).decode()
        assert (headers["x-sign"], headers["x-key"]) == (wanted, "county")
        nonces.add(headers["x-nonce"])
    assert len(nonces) == len(echo.seen) > 1


@played
async def test_secrets_inside_of_requests_are_escaped_as_their_body_is() -> None:
    """They go in when the request goes out: in an address, in JSON, in a form, in XML."""
    hard = "p&\"'<ä>\\ß 字"
    auth = options_of('auth = { password = { env = "x" }, values = { twice = "{{ password }}{{ password }}" } }', hard)["auth"]
    base: dict[str, Any] = {"fields": {"id": "id"}, "url": "/x", "query": {"p": "{{ auth.password }}"}}
    bodies: list[dict[str, Any]] = [
        {"json": {"p": "a{{ auth.password }}", "t": "{{ auth.twice }}"}}, {"form": {"p": "a{{ auth.password }}"}},
        {"xml": "<p>a{{ auth.password }}</p>"}, {"multipart": {"p": "a{{ auth.password }}"}}, {"text": "a{{ auth.password }}"},
    ]
    for body in bodies:
        echo = Echo()
        options = desk(auth=auth, create=base | body, find=None, read=None, account=("",), answers=())
        site = Ground(echo.handle, options | {"unique": "none", "conditional": "none"})
        await site.adapter().create(post(), RemoteState.PUBLIC)
        _, path, _, sent = echo.seen[-1]
        assert dict(parse_qsl(urlsplit(path).query))["p"] == hard
        match next(iter(body)):
            case "json":
                assert json.loads(sent) == {"p": f"a{hard}", "t": hard * 2}
            case "form":
                assert dict(parse_qsl(sent.decode())) == {"p": f"a{hard}"}
            case "xml":
                assert sent.decode() == "<p>ap&amp;&quot;&#x27;&lt;ä&gt;\\ß 字</p>"
            case _:
                assert f"a{hard}".encode() in sent


# A form with a cookie


@played
async def test_a_session_that_ends_is_renewed_and_the_work_goes_on() -> None:
    for as_page in (False, True):
        platform = Platform(lifetime=600, login_as_page=as_page)
        site = Ground(platform.handle, example("platform"))
        adapter = site.adapter()
        made = await adapter.create(post(), RemoteState.PUBLIC)
        assert platform.logins == 1
        site.net.clock.advance(700)
        after = await adapter.update(made.ref, post(html="<p>更正。</p>"), RemoteState.PUBLIC, made.ref.version)
        assert (platform.logins, len(platform.live())) == (2, 1)
        platform.sessions.clear()
        await adapter.create(post("syncd-2"), RemoteState.PUBLIC)
        assert (platform.logins, len(platform.live())) == (3, 2)
        assert after.ref.id == made.ref.id


@played
async def test_a_session_may_be_renewed_before_it_ends() -> None:
    platform = Platform(lifetime=600)
    options = example("platform")
    options["auth"] |= {"lifetime": 500}
    site = Ground(platform.handle, options)
    adapter = site.adapter()
    await adapter.find("k")
    site.net.clock.advance(550)
    asked = len(platform.asked)
    await adapter.find("k")
    assert platform.asked[asked] == "GET /cms/login.do"


@pytest.mark.parametrize("as_page", [False, True])
@played
async def test_a_password_that_is_wrong_is_tried_once_a_call_and_never_told(as_page: bool) -> None:
    platform = Platform(login_as_page=as_page)
    platform.password = "another"
    site = Ground(platform.handle, example("platform"))
    adapter = site.adapter()
    with pytest.raises(AuthFailed) as refused:
        await adapter.create(post(), RemoteState.PUBLIC)
    assert refused.value.reason == "not_logged_in"
    assert [line for line in platform.asked if line.startswith("POST")] == ["POST /cms/login.do"]
    assert SECRET not in f"{refused.value!r} {refused.value} {refused.value.where}"


@played
async def test_a_log_in_that_leads_nowhere_is_tried_twice_and_no_more() -> None:
    """The log-in is taken, and the next page shows the form again: a cookie that the server does not know."""
    platform = Platform()
    site = Ground(platform.handle, example("platform"))
    adapter = site.adapter()
    platform.lifetime = -1
    with pytest.raises(AuthFailed):
        await adapter.find("k")
    assert platform.logins == 2


@played
async def test_a_log_in_page_without_its_token_is_told_with_the_option() -> None:
    platform = Platform()
    options = example("platform")
    options["auth"]["scrape"] = {"token": "input[name=nothing]@value"}
    with pytest.raises(NotApplied) as refused:
        await Ground(platform.handle, options).adapter().find("k")
    assert "auth.scrape.token" in refused.value.hint


@played
async def test_a_lost_answer_of_the_log_in_changed_nothing() -> None:
    platform = Platform()
    site = Ground(platform.handle, example("platform"))
    adapter = site.adapter()
    site.net.strike("lost_after", on=lambda method, url: method == "POST")
    with pytest.raises(NotApplied):
        await adapter.create(post(), RemoteState.PUBLIC)
    assert platform.live() == []


class Api:
    """A log-in that answers with a token, and requests that also want one from a page."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, str]] = []
        self.logins = 0
        self.csrf = 0

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        if path == "/login":
            self.logins += 1
            good = json.loads(body) == {"user": "syncd", "hash": hashlib.md5(SECRET.encode()).hexdigest()}
            return (200 if good else 403), _JSON, json.dumps({"data": {"token": f"jwt-{self.logins}"}}).encode()
        if headers.get("authorization") != f"Bearer jwt-{self.logins}":
            return 200, _JSON, b'{"code": 401, "msg": "expired"}'
        if path == "/form":
            self.csrf += 1
            return 200, {"content-type": "text/html"}, f'<input name="csrf" value="c{self.csrf}">'.encode()
        self.seen.append(headers)
        return 200, _JSON, b'{"code": 0, "posts": [], "id": 7}'


@played
async def test_a_log_in_may_give_a_token_for_a_header_and_a_page_another_one() -> None:
    api = Api()
    auth = options_of("""
[auth]
kind = "form"
user = "syncd"
password = { env = "x" }
values = { hash = "{{ password | md5 }}" }
headers = { Authorization = "Bearer {{ jwt }}" }
tokens = { csrf = { url = "/form", at = "input[name=csrf]@value" } }
[auth.login]
url = "/login"
answer = "json"
json = { user = "{{ user }}", hash = "{{ password | md5 }}" }
keep = { jwt = "data.token" }
""")["auth"]
    site = Ground(api.handle, desk(auth=auth, headers={"X-Csrf": "{{ auth.csrf }}"}, account=("",),
                                   answers=({"means": "not_logged_in", "when": "code == `401`"},)))
    adapter = site.adapter()
    assert await adapter.find("k") is None
    api.logins += 1  # the server forgets the session
    assert await adapter.find("k") is None
    assert (api.logins, api.csrf) == (3, 2)
    assert [headers["x-csrf"] for headers in api.seen] == ["c1", "c2"]


# Cookies


@pytest.mark.parametrize(
    ("set_cookie", "sent"),
    [
        ("a=1; Path=/; HttpOnly; Secure", "a=1"), ("a=1; Max-Age=60", "a=1"), ("a=1; Max-Age=0", ""), ("a=; Max-Age=-1", ""),
        ("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", ""), ("a=1; Expires=nonsense", "a=1"), ("=1", ""), ("a=b=c", "a=b=c"),
        ("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1"),
    ],
)
@played
async def test_cookies_are_kept_as_long_as_they_say(set_cookie: str, sent: str) -> None:
    seen: list[str] = []

    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        seen.append(headers.get("cookie", ""))
        return 200, {**_JSON, "set-cookie": set_cookie}, b'{"posts": []}'

    site = Ground(handle, desk(auth={}, account=("",), answers=()))
    adapter = site.adapter()
    await adapter.find("k")
    await adapter.find("k")
    assert seen == ["", sent]
    site.net.clock.advance(61)
    await adapter.find("k")
    assert seen[2] == ("" if "Max-Age=60" in set_cookie else sent)


@played
async def test_no_cookie_and_no_log_in_goes_to_another_host() -> None:
    seen: dict[str, str] = {}

    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        seen[path] = f"{headers.get('cookie', '')} {headers.get('authorization', '')} {headers.get('x-token', '')}".strip()
        if path.startswith("/api/whoami"):
            return 302, {"location": "http://elsewhere.example/redirected"}, b""
        return 200, {**_JSON, "set-cookie": "a=1"}, b'{"posts": []}'

    public = {"url": "http://elsewhere.example/list?t={{ auth.token }}", "rows": "posts", "fields": {"id": "id", "key": "key"}}
    site = Ground(handle, desk(account=("",), answers=(), headers={"X-Token": "{{ auth.token }}"}))
    site.wires.servers["elsewhere.example"] = handle
    await site.adapter().find("k")
    assert not (await site.adapter().check()).ok
    assert [path for path in seen if "redirected" in path] == []
    assert await site.adapter(find=public).find("k") is None
    assert seen["/list?t="] == ""
    assert "secret-token" in seen["/api/posts?key=k"]


# What looks like a log-in after a write


class Controller:
    """One address for all, as old PHP has it: log-in, list and save differ by the query only."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)
        self.saved = 0

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        asked = dict(parse_qsl(urlsplit(path).query))
        if asked.get("m") == "login":
            return 200, {"content-type": "text/html"}, b"<h1>welcome</h1>"
        self.saved += 1
        return self.replies.pop(0) if self.replies else (200, {"content-type": "text/html"}, b"<p>ok</p>")


def controlled(*replies: Reply, login_page: str = "", answers: Any = ()) -> tuple[Controller, Ground]:
    fake = Controller(*replies)
    auth = options_of("""
[auth]
kind = "form"
user = "syncd"
password = { env = "x" }
login = { url = "/index.php?m=login", form = { p = "{{ password }}" } }
""")["auth"] | {"login_page": login_page}
    create = {"url": "/index.php?m=save", "form": {"t": "{{ title }}"}, "answer": "html", "fields": {"id": {"made": "7"}}}
    bare = {"unique": "none", "conditional": "none", "read": None, "find": None, "account": ("",), "message": None}
    return fake, Ground(fake.handle, desk(auth=auth, create=create, answers=answers, **bare))


HTML = {"content-type": "text/html"}
LISTED: Reply = (302, {"location": "/index.php?m=list&ok=1"}, b"")
WITH_PASSWORD: Reply = (200, HTML, "<p>保存成功</p><form>修改密码<input type=password name=p></form>".encode())


@pytest.mark.parametrize(
    ("reply", "rule"),
    [(LISTED, {"means": "done", "on": ["create"], "location": "ok=1", "answer": "html"}),
     (WITH_PASSWORD, {"means": "done", "on": ["create"], "contains": "保存成功", "answer": "html"})],
)
@played
async def test_a_success_that_looks_like_a_log_in_is_never_posted_twice(reply: Reply, rule: Mapping[str, Any]) -> None:
    fake, site = controlled(reply, answers=(rule,))
    assert (await site.adapter().create(post(), RemoteState.PUBLIC)).ref.id == "7"
    assert fake.saved == 1
    fake, site = controlled(reply)
    with pytest.raises(Unknown):
        await site.adapter().create(post(), RemoteState.PUBLIC)
    assert fake.saved == 1


@pytest.mark.parametrize(
    "location", ["/index.php?m=login&from=save", "/index.php?m=login&m=list", "/index.php?m=account/list&ok=1",
                 "/account/list?ok=1", "/list?login=1", "/loginfo/list"])
@played
async def test_a_redirect_of_a_write_to_more_than_the_log_in_page_is_in_doubt(location: str) -> None:
    fake, site = controlled((302, {"location": location}, b""))
    with pytest.raises(Unknown):
        await site.adapter().create(post(), RemoteState.PUBLIC)
    assert fake.saved == 1


@pytest.mark.parametrize(
    "reply", [(302, {"location": "/index.php?m=login"}, b""), (401, HTML, b""), (200, HTML, "<p>请先登录</p>".encode())])
@played
async def test_a_write_that_was_certainly_not_done_is_made_again_after_a_fresh_log_in(reply: Reply) -> None:
    fake, site = controlled(reply, login_page="请先登录")
    assert (await site.adapter().create(post(), RemoteState.PUBLIC)).ref.id == "7"
    assert fake.saved == 2


@played
async def test_rules_say_more_of_a_redirect_to_the_log_in_page_than_its_address() -> None:
    rule = {"means": "done", "on": ["create"], "location": "m=login", "answer": "html"}
    fake, site = controlled((302, {"location": "/index.php?m=login"}, b""), answers=(rule,))
    assert (await site.adapter().create(post(), RemoteState.PUBLIC)).ref.id == "7"
    assert fake.saved == 1


# What a failed log-in tells


FAILED = (404, 405, 409, 410, 412, 422, 423, 500, 302)


@pytest.mark.parametrize("status", FAILED)
@pytest.mark.parametrize("kind", ["oauth2", "form", "tokens"])
@played
async def test_a_log_in_server_that_fails_says_nothing_of_any_post(status: int, kind: str) -> None:
    auth = options_of({
        "oauth2": OAUTH,
        "form": 'auth = { kind = "form", login = { url = "/token", answer = "json", form = { p = "x" } }, page = "/token" }',
        "tokens": 'auth = { tokens = { csrf = { url = "/token", at = "a", answer = "json" } } }',
    }[kind])["auth"]

    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        return (status, _JSON, b'{"error": "gone"}') if path == "/token" else (200, _JSON, b"{}")

    find = {"url": "/api/posts/{{ key }}", "rows": ""}
    adapter = Ground(handle, desk(auth=auth, account=("",), answers=(), find=find)).adapter()
    for call in (lambda: adapter.find("k"), lambda: adapter.read(RemoteRef("1")),
                 lambda: adapter.withdraw(RemoteRef("1"), "delete", None),
                 lambda: adapter.create(post(), RemoteState.PUBLIC)):
        with pytest.raises(NotApplied) as failed:
            await call()
        assert failed.value.hint
        assert "/token" in failed.value.where


QUERY = """
[auth]
kind = "form"
user = "syncd"
password = { env = "x" }
page = "/page"
login = { url = "/login", method = "GET", query = { mima = "{{ password }}", u = "{{ user }}" } }
"""


@pytest.mark.parametrize("status", [301, 302, 307, 403, 404, 405, 422, 429, 500])
@pytest.mark.parametrize("secret", ["geheim99", "口令 &secret?1"])
@played
async def test_a_log_in_by_query_is_told_without_its_query(status: int, secret: str) -> None:
    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        if path == "/page":
            return 200, {"content-type": "text/html"}, b""
        return status, {**_JSON, "location": f"/login/{quote(secret)}?{urlsplit(path).query}"}, b"{}"

    site = Ground(handle, desk(auth=options_of(QUERY, secret)["auth"], account=("",), answers=()))
    adapter = site.adapter()
    errors: list[Exception] = []
    for fault in ("", "lost_after", "refused", "cut_answer"):
        if fault:
            site.net.strike(fault, on=lambda method, url: "/login" in url)
        with pytest.raises(AdapterError) as failed:
            await adapter.find("k")
        errors.append(failed.value)
    told = "".join(f"{error} {error!r} {error.__dict__}" for error in errors) + str(await adapter.check())
    assert not [form for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)) if form in told]
    assert "mima" not in told


@pytest.mark.parametrize(
    "auth",
    ['auth = { secret = { env = "x" }, values = { sign = "{{ (secret ~ now | timestamp) | md5 }}" } }',
     'auth = { password = { env = "x" }, values = { sign = "{{ password | sha256 }}" } }'],
)
@played
async def test_what_was_made_of_a_secret_is_shown_in_no_message(auth: str) -> None:
    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        return 400, _JSON, json.dumps({"error": f"wrong sign {headers['x-sign']}"}).encode()

    site = Ground(handle, desk(auth=options_of(auth)["auth"], account=("",), answers=(), headers={"X-Sign": "{{ auth.sign }}"}))
    adapter = site.adapter()
    for _ in range(3):
        with pytest.raises(AdapterError) as refused:
            await adapter.find("k")
        site.net.clock.advance(1)
        assert refused.value.message.endswith("wrong sign [hidden]")
