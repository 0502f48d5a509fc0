"""A county's wiki that logs in and gives the answers of a script, as MediaWiki 1.39 gave them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any
from urllib.parse import parse_qs, urlsplit

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.mediawiki import MediaWikiAdapter
from syncd.adapters.mediawiki.options import Options
from syncd.adapters.mediawiki.session import Wiki
from syncd.web.api import Answer, Limits, Validators

NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
URL = "https://wiki.county.example"
SECRET = "0123456789abcdefghijklmnopqrstuv"
OPTIONS = {"api_url": f"{URL}/api.php", "user": "Syncd@syncd", "password": SECRET}
RIGHTS = ("edit", "createpage", "writeapi", "upload", "delete")
GENERAL = {"generator": "MediaWiki 1.39.17", "articlepath": "/index.php/$1", "uploadsenabled": True}
ENDED = {"error": {"code": "assertnameduserfailed", "info": "You are no longer logged in as \"Syncd\"."}}
FILE = b"%PDF-1.4"


class Blobs:
    def read(self, sha256: str) -> bytes:
        return FILE


@dataclass
class Site:
    """The client of a wiki. answers: by action, each with what comes next; the last one stays. login: what a log-in is
    answered. ended: sessions that end as soon as they have told who we are. held: waits before an answer to one of them."""

    answers: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    login: Mapping[str, Any] = field(default_factory=lambda: {"result": "Success", "lgusername": "Syncd"})
    rights: tuple[str, ...] = RIGHTS
    ended: set[str] = field(default_factory=set)
    held: Callable[[Mapping[str, str]], Awaitable[None]] | None = None
    logins: int = 0
    asked: list[dict[str, str]] = field(default_factory=list)

    def wiki(self) -> Wiki:
        return Wiki(self, Options.model_validate(OPTIONS), lambda: NOW)

    def adapter(self, **options: Any) -> MediaWikiAdapter:
        tools = Tools(self, lambda: NOW, Blobs())
        return MediaWikiAdapter(SiteConfig("county", URL, options=OPTIONS | options), tools)

    def writes(self, action: str) -> list[dict[str, str]]:
        return [each for each in self.asked if each["action"] == action]

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        return await self.call("GET", url, headers=headers)

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        asked |= _form(headers or {}, body)
        self.asked.append(asked)
        session = (headers or {}).get("cookie", "").removeprefix("session=")
        value, cookie = self._answer(asked, session)
        if value is ENDED and self.held:
            await self.held(asked)
        set_cookie = ((b"set-cookie", cookie.encode()),) if cookie else ()
        named = ((b"content-type", b"application/json"), *set_cookie)
        return Answer(200, url, named, json.dumps(value).encode(), NOW, NOW, date=NOW)

    def _answer(self, asked: Mapping[str, str], session: str) -> tuple[Mapping[str, Any], str]:
        """With what it sets as a cookie: one of a session that has ended is taken back."""
        if asked.get("type") == "login":
            return {"query": {"tokens": {"logintoken": "l+\\"}}}, ""
        if asked["action"] == "login":
            self.logins += 1
            return {"login": self.login}, f"session={self.logins}; path=/"
        if asked.get("meta") == "tokens|userinfo|siteinfo":
            return self._introduction(), ""
        if not session or session in self.ended:
            return ENDED, "session=deleted; max-age=0; path=/"
        scripted = self.answers[asked["action"]]
        return (scripted.pop(0) if len(scripted) > 1 else scripted[0]), ""

    def _introduction(self) -> Mapping[str, Any]:
        endings = [{"ext": "pdf"}, {"ext": "png"}]
        return {"query": {"tokens": {"csrftoken": "c+\\"}, "userinfo": {"rights": list(self.rights)}, "general": GENERAL,
                          "fileextensions": endings}}


def entry(text: str, *, id: int = 6, name: str = "关于春耕的通知", revision: int = 9, user: str = "Syncd") -> dict[str, Any]:
    """A page of an answer to action=query."""
    slots = {"main": {"content": text}}
    return {"pageid": id, "title": name, "revisions": [{"revid": revision, "user": user, "slots": slots}]}


def pages(*entries: Mapping[str, Any]) -> dict[str, Any]:
    return {"query": {"pages": list(entries)}}


def _form(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The fields of a form without the bytes of its files."""
    if not body:
        return {}
    parsed = message_from_bytes(f"content-type: {headers['content-type']}\n\n".encode() + body)
    parts = [part for part in parsed.walk() if not part.is_multipart() and not part.get_filename()]
    named = {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}
    return {str(name): value.decode() for name, value in named.items() if isinstance(value, bytes)}
