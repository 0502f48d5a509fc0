"""Logging in: the secrets are put into requests here and nowhere else, and sessions are renewed once when they have ended."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, quote_plus, urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.http.answers import Page
from syncd.adapters.http.bodies import Outgoing, form_body
from syncd.adapters.http.plan import Login, auth_names
from syncd.adapters.http.templates import Template
from syncd.adapters.http.wire import Wire
from syncd.adapters.markup import decode
from syncd.errors import AdapterError, AuthFailed, NotApplied, RateLimited, Rejected
from syncd.web.api import Answer
from syncd.web.status import raise_for_read
from syncd.web.urls import redacted

_SPARE = timedelta(seconds=30)
"""A token counts as ended so long before it does: it must live until the request has arrived."""
_ADDRESSES = "check the addresses in options.auth, and that the log-in server is well; then syncd check"
_CHECK = "check user and password of auth, then syncd check"
_NAMED = re.compile(r"(?i)log[_-]?(?:in|on)(?![a-z])|sign[_-]?(?:in|on)(?![a-z])|\bsso\b|\bcas\b")
_DERIVED = 200
"""How many values made of secrets are remembered: more than calls at once can have made."""


class NotLoggedIn(AuthFailed):
    """The CMS takes us for nobody. Certainly nothing was done, so that after a fresh log-in the request may go once more."""


class Door:
    """One log-in at one CMS. `seal` puts the secrets in; `opened` makes sure of a session; `again` renews it."""

    def __init__(self, login: Login, wire: Wire, base: str, now: Callable[[], datetime]) -> None:
        self._login, self._auth = login, login.auth
        self._wire, self._base, self._now = wire, base, now
        self._secrets = login.secrets()
        self._marks = {name: self._mark(name) for name in auth_names(login.auth)}
        self._session: dict[str, str] = {}
        self._derived: dict[str, None] = {}
        self._until: datetime | None = None
        self._lock = asyncio.Lock()
        self._count = 0
        self.session = 0
        """Number of the session, 0 for none; two requests that find it ended at once renew it once."""

    @property
    def renews(self) -> bool:
        """True where a fresh log-in may help."""
        return self._auth.kind in ("oauth2", "form") or bool(self._auth.tokens)

    @property
    def names(self) -> Mapping[str, str]:
        """What templates are given as `auth`: marks that stand for the values, which nobody could guess."""
        return self._marks

    @property
    def hidden(self) -> tuple[str, ...]:
        """Texts that may never be shown."""
        own = [text for name, text in self._secrets.items() if name != "user"]
        kept = [text for text in (*own, *self._session.values(), *self._derived) if len(text) > 3]
        forms = {form: None for text in kept for form in (text, quote(text, safe=""), quote_plus(text))}
        return tuple(sorted(forms, key=len, reverse=True))

    def _mark(self, name: str) -> str:
        key = "\0".join(self._secrets.values()).encode() or b"-"
        return f"x{hmac.new(key, name.encode(), 'sha256').hexdigest()[:40]}x"

    # A request, sealed

    def seal(self, request: Outgoing) -> Outgoing:
        """The request with its secrets and what the log-in adds; to another host, as that of public pages, neither goes."""
        if urlsplit(request.url)[:2] != urlsplit(self._base)[:2]:
            return request.filled(dict.fromkeys(self._marks.values(), ""))
        values = {**self._secrets, **self._made(), **self._session}
        request = request.filled({mark: values[name] for name, mark in self._marks.items() if name in values})
        return replace(request, headers={**request.headers, **self._added(request, values)})

    def _made(self) -> dict[str, str]:
        made = _texts(self._login.words, {**self._secrets, "now": self._now()})
        self._derive(text for name, text in made.items() if self._login.words[name].names & self._secrets.keys() - {"user"})
        return made

    def _derive(self, texts: Iterable[str]) -> None:
        """Remember what was made of secrets lately, so that no message of the CMS shows it."""
        for text in texts:
            self._derived.pop(text, None)
            self._derived[text] = None
        while len(self._derived) > _DERIVED:
            del self._derived[next(iter(self._derived))]

    def _added(self, request: Outgoing, values: Mapping[str, str]) -> dict[str, str]:
        auth = self._auth
        match auth.kind:
            case "basic":
                pair = base64.b64encode(f"{values['user']}:{values['password']}".encode()).decode()
                self._derive([pair])
                return {"authorization": f"Basic {pair}"}
            case "bearer":
                return {"authorization": f"Bearer {values['token']}"}
            case "header":
                return {auth.name.lower(): values["token"]}
            case "oauth2":
                return {"authorization": f"Bearer {values['access_token']}"} if "access_token" in values else {}
            case "hmac":
                return self._signed(request)
            case "form":
                ready = all(name in values for name in self._names_kept())
                return _texts(self._login.headers, {**values, "now": self._now()}) if ready else {}
        return {}

    def _signed(self, request: Outgoing) -> dict[str, str]:
        """Headers of an HMAC over what `sign` says of the request."""
        assert self._login.sign is not None  # the options need it
        self._count += 1
        given = {**self._secrets, **_facts(request, self._now(), self._nonce())}
        string = _quietly(lambda: self._login.sign.text(given) if self._login.sign else "", "sign")
        digest = hmac.new(self._secrets["secret"].encode(), string.encode(), self._auth.algorithm)
        signature = digest.hexdigest() if self._auth.encoding == "hex" else base64.b64encode(digest.digest()).decode()
        self._derive([signature])
        full = {**given, "signature": signature}
        return _texts(self._login.headers, full)

    def _names_kept(self) -> tuple[str, ...]:
        """What the log-in's answer gives; before it is there no header can be made of it."""
        return tuple(self._auth.login.keep) if self._auth.login else ()

    def _nonce(self) -> str:
        """Never the same twice: of the clock, a counter and the key, since dice are not ours to roll."""
        told = f"{self._now().isoformat()}:{self._count}".encode()
        return hmac.new(self._secrets["secret"].encode(), told, "sha256").hexdigest()[:32]

    # A session

    async def opened(self) -> int:
        """Make sure of a session; its number. Raises AdapterError, never Unknown: a log-in changes nothing."""
        if not self.renews:
            return 0
        async with self._lock:
            if not self.session or (self._until is not None and self._until <= self._now()):
                await self._open()
            return self.session

    async def again(self, ended: int) -> None:
        """A fresh session in the place of one that has ended, unless somebody else has made one by now."""
        async with self._lock:
            if self.session == ended:
                await self._open()

    def drop(self) -> None:
        """Forget the session: the next request logs in."""
        self.session = 0

    async def _open(self) -> None:
        self.session, self._session, self._until = 0, {}, None
        try:
            if self._auth.kind == "oauth2":
                await self._ask_token()
            elif self._auth.kind == "form":
                await self._fill_in()
            await self._scrape_tokens()
        except AdapterError as error:
            raise self._of_login(error) from None
        self._count += 1
        self.session = self._count

    def _of_login(self, error: AdapterError) -> AdapterError:
        """A failure of the log-in, which tells nothing of any post and holds no secret: whatever is no refusal of ours and
        no pause was not applied."""
        where, said = shown(spot(error.where), self.hidden), f"the log-in: {shown(error.message, self.hidden)}"
        if isinstance(error, AuthFailed):
            return AuthFailed(error.reason, said, where=where, hint=error.hint)
        if isinstance(error, RateLimited):
            return RateLimited(error.reason, said, after=error.after, said=error.said, where=where, hint=error.hint)
        if isinstance(error, NotApplied):
            return NotApplied(error.reason, said, after=error.after, where=where, hint=error.hint)
        return NotApplied(error.reason, said, where=where, hint=_ADDRESSES)

    async def _ask_token(self) -> None:
        """RFC 6749, 4.4: client credentials."""
        auth, secrets = self._auth, self._secrets
        pairs = [("grant_type", "client_credentials"), *([("scope", auth.scope)] if auth.scope else [])]
        headers = {"accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
        if auth.style == "basic":
            pair = f"{quote_plus(secrets['client_id'])}:{quote_plus(secrets['client_secret'])}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            pairs += [("client_id", secrets["client_id"]), ("client_secret", secrets["client_secret"])]
        answer = await self._wire.send(Outgoing("POST", auth.token_url, headers, form_body(pairs, "utf-8")))
        self._keep_token(answer)

    def _keep_token(self, answer: Answer) -> None:
        where = spot(answer.url)
        if answer.status in (400, 401, 403):
            raise AuthFailed("not_logged_in", f"the token server answered {answer.status}", where=where,
                             hint="check client_id, client_secret and scope of auth")
        raise_for_read(answer)
        told = getattr(Page(answer, "json").whole, "value", None)
        token = told.get("access_token") if isinstance(told, Mapping) else None
        if not isinstance(token, str) or not token:
            raise NotApplied("not_understood", "the token server's answer holds no access_token", where=where,
                             hint="check auth.token_url")
        self._session = {"access_token": token}
        self._until = self._end_of(told.get("expires_in") if isinstance(told, Mapping) else None)

    def _end_of(self, seconds: Any) -> datetime | None:
        if isinstance(seconds, str) and seconds.isdigit():
            seconds = int(seconds)
        whole = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        return self._now() + max(timedelta(seconds=min(seconds, 10**8)) - _SPARE, timedelta(seconds=1)) if whole else None

    async def _fill_in(self) -> None:
        """The log-in form as a browser fills it in: its page with the token, then the form with it."""
        step = self._login.step
        assert step is not None  # the options need it
        self._wire.jar.clear()
        given: dict[str, Any] = {**self._secrets, "now": self._now(), **await self._scraped()}
        request = _quietly(lambda: step.outgoing(self._base, given), "login")
        answer = await self._wire.send(request)
        self._judge_login(answer)
        page = Page(answer, step.kind)
        self._session = {name: self._kept(page, name) for name in step.keep}
        self._until = self._now() + timedelta(seconds=self._auth.lifetime) if self._auth.lifetime else None

    async def _scraped(self) -> dict[str, str]:
        if self._login.page is None:
            return {}
        page = await self._page(self._login.page.text({"now": self._now()}), "html")
        found = {name: page.text_at(where) for name, where in self._auth.scrape.items()}
        if lost := [name for name, value in found.items() if not value]:
            raise NotApplied("not_understood", f"the log-in page has no {lost[0]}", where=spot(page.answer.url),
                             hint=f"open it and correct options.auth.scrape.{lost[0]}")
        return found

    async def _page(self, url: str, kind: Any) -> Page:
        full = url if url.startswith(("http://", "https://")) else f"{self._base}/{url.lstrip('/')}"
        answer = await self._wire.send(self.seal(Outgoing("GET", full, {})), follows=True, until=self.is_shut)
        raise_for_read(answer, expected_type="")
        return Page(answer, kind)

    def _judge_login(self, answer: Answer) -> None:
        where = spot(answer.url)
        if answer.status in (400, 401, 403, 422) or self.is_shut(answer) or self.shows_form(answer):
            raise AuthFailed("not_logged_in", "the CMS shows the log-in page again, or refuses us", where=where, hint=_CHECK)
        if not 300 <= answer.status < 400:
            raise_for_read(answer, expected_type="")

    def _kept(self, page: Page, name: str) -> str:
        assert self._auth.login is not None
        value = page.text_at(self._auth.login.keep[name])
        if not value:
            raise AuthFailed("not_logged_in", f"the log-in's answer holds no {name}", where=spot(page.answer.url), hint=_CHECK)
        return value

    async def _scrape_tokens(self) -> None:
        for name, token in self._auth.tokens.items():
            page = await self._page(self._login.tokens[name].text({"now": self._now()}), token.answer)
            value = page.text_at(token.at)
            if self.is_shut(page.answer) or not value:
                raise AuthFailed("not_logged_in", f"{name} is not there", where=spot(page.answer.url),
                                 hint=f"open the page and correct options.auth.tokens.{name}")
            self._session[name] = value

    # What an answer says of the session

    def is_shut(self, answer: Answer) -> bool:
        """True for a redirect to the page on which one logs in, whatever is added to its query (such as where one came from).
        Good enough for a look, which may be made again; a write asks `is_surely_shut`."""
        target = _target(answer)
        return target is not None and any(
            target.path == page.path and Counter(parse_qsl(page.query, True)) <= Counter(parse_qsl(target.query, True))
            for page in self._pages())

    def is_surely_shut(self, answer: Answer) -> bool:
        """True for a redirect to exactly that page: one front controller (/index.php?m=…) has log-in and lists alike."""
        target = _target(answer)
        return target is not None and any(
            target[:3] == page[:3] and Counter(parse_qsl(page.query, True)) == Counter(parse_qsl(target.query, True))
            for page in self._pages())

    def _pages(self) -> list[SplitResult]:
        """The addresses at which one logs in, of a log-in by form."""
        if self._auth.kind != "form" or self._auth.login is None:
            return []
        known = [self._login.page.text({"now": self._now()})] if self._login.page else []
        plain = [each.lstrip("/") for each in (*known, self._auth.login.url) if "{" not in each]
        return [urlsplit(urljoin(f"{self._base}/", each)) for each in plain]

    def surely_shows_form(self, answer: Answer) -> bool:
        """True for a page that holds the text by which the options know the log-in page."""
        return bool(self._auth.login_page) and self.shows_form(answer)

    def shows_form(self, answer: Answer) -> bool:
        """True for a page on which one logs in, though another one was asked for. A field for a password may stand in other
        pages too: good enough for a look; a write asks `surely_shows_form`."""
        if self._auth.kind != "form" or answer.status != 200 or not answer.content_type.endswith(("html", "xhtml+xml")):
            return False
        text = decode(answer.body, answer.header("content-type"))
        if self._auth.login_page:
            return self._auth.login_page in text
        return LexborHTMLParser(text).css_first('input[type="password"]') is not None


def _target(answer: Answer) -> SplitResult | None:
    """Where an answer sends us, None if it doesn't."""
    location = answer.header("location")
    return urlsplit(urljoin(answer.url, location)) if 300 <= answer.status < 400 and location else None


def leads_to_login(answer: Answer) -> bool:
    """True for a redirect whose path names a log-in. /account/list?ok=1 or /save?session=1 may be a success all the same."""
    target = _target(answer)
    return target is not None and _NAMED.search(target.path) is not None


def _facts(request: Outgoing, now: datetime, nonce: str) -> dict[str, str]:
    """What may be signed of a request."""
    parts = urlsplit(request.url)
    return {
        "method": request.method, "url": request.url, "path": parts.path or "/", "query": parts.query, "host": parts.netloc,
        "body": request.body.decode("utf-8", "replace"), "body_sha256": hashlib.sha256(request.body).hexdigest(),
        "body_md5": hashlib.md5(request.body, usedforsecurity=False).hexdigest(), "timestamp": str(int(now.timestamp())),
        "timestamp_ms": str(int(now.timestamp() * 1000)), "date": f"{now:%a, %d %b %Y %H:%M:%S} GMT", "nonce": nonce,
        "content_type": request.content_type, "now": now.isoformat(),
    }


def _texts(templates: Mapping[str, Template], given: Mapping[str, Any]) -> dict[str, str]:
    def text(name: str) -> str:
        return str(_quietly(lambda: templates[name].text(given), name))

    return {name: text(name) for name in templates}


def _quietly(fill: Callable[[], Any], name: str) -> Any:
    """Fill in a template that is given secrets: what goes wrong in it is told without a word of theirs."""
    try:
        return fill()
    except Rejected:
        raise AuthFailed("template", f"options.auth can't be filled in: {name}",
                         hint=f"correct {name} in options.auth") from None


def spot(url: str) -> str:
    """An address for errors: without its query, where secrets may stand."""
    return redacted(url.partition("?")[0])


def shown(text: str, hidden: tuple[str, ...]) -> str:
    """A text of the CMS fit for errors and logs: one line, short, without secrets."""
    for secret in hidden:
        text = text.replace(secret, "[hidden]")
    return " ".join(text.split())[:200]


