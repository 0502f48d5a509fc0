"""A Ghost as a site has it: an owner, keys of syncd and of an editor, a tag for the column; nothing leaves the machine."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syncd.adapters.ghost.api import token
from tests.cms.ghost.install import code, node
from tests.cms.served import Server, copied, served

COLUMN = "要闻"
_OWNER = {"name": "站长", "email": "owner@county.example", "password": "kQ7-mulberry-42-river", "blogTitle": "某县人民政府"}
_FOLDERS = ("themes", "data", "images", "media", "files", "logs", "settings", "public", "adapters")
_SETTINGS = {
    "NODE_ENV": "production",
    "database__client": "sqlite3",
    "database__useNullAsDefault": "true",
    "security__staffDeviceVerification": "false",
    "mail__transport": "stub",
    "logging__transports": '["stdout"]',
    "logging__level": "warn",
    "privacy__useUpdateCheck": "false",
    "privacy__useGravatar": "false",
    "privacy__useRpcPing": "false",
    "explore__update_url": "false",
    "sodoSearch__url": "false",
    "portal__url": "false",
    "comments__url": "false",
}
"""A mail server, the clock of a check for updates, and scripts of a CDN are what a test needs least."""


@dataclass(frozen=True)
class GhostSite:
    """keys: "id:secret" of syncd and of an editor."""

    server: Server
    keys: dict[str, str]

    @property
    def url(self) -> str:
        return self.server.url

    def api(self, method: str, path: str, body: Any = None, *, who: str = "editor") -> Any:
        """The JSON of an answer, past syncd."""
        made = token(self.keys[who], datetime.now(UTC))
        return _Caller(self.url, {"authorization": f"Ghost {made}"}).ask(method, path, body)

    def posts(self) -> list[dict[str, Any]]:
        """All posts but those of which Ghost itself made one, in every state."""
        query = "limit=100&fields=id,slug,status,title,html,updated_at&formats=html&order=id%20asc"
        found: list[dict[str, Any]] = []
        page, pages = 0, 1
        while page < pages:
            page += 1
            told = self.api("GET", f"/posts/?{query}&page={page}")
            found += told["posts"]
            pages = told["meta"]["pagination"]["pages"]
        return found

    def edit(self, id: str, html: str) -> None:
        """As an editor who writes another text over it, in paragraphs and no card."""
        told = self.api("GET", f"/posts/{id}/?fields=id,updated_at")
        body = {"posts": [{"html": html, "updated_at": told["posts"][0]["updated_at"]}]}
        self.api("PUT", f"/posts/{id}/?source=html", body)


class _Caller:
    """Calls as one client, which keeps the cookie that it was given."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._netloc = urlsplit(url).netloc
        self._headers = {"origin": url, "content-type": "application/json", **headers}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(self._netloc, timeout=60)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, f"/ghost/api/admin{path}", data, self._headers)
            answer = connection.getresponse()
            told = answer.read()
        finally:
            connection.close()
        assert answer.status < 300, f"{method} {path}: {answer.status} {told[:1000]!r}"
        if (cookie := answer.getheader("set-cookie")) is not None:
            self._headers["cookie"] = cookie.partition(";")[0]
        return json.loads(told) if told.startswith(b"{") else None


@contextmanager
def ghost_site() -> Iterator[GhostSite]:
    """A site with no post of ours yet, until the end of the block. Raises Unavailable."""
    program, folder = node(), code()

    def lay_out(site: Path, url: str) -> None:
        for name in _FOLDERS:
            (site / "content" / name).mkdir(parents=True, exist_ok=True)
        copied(folder / "content" / "themes" / "source", site / "content" / "themes" / "source")

    def env(site: Path, url: str) -> dict[str, str]:
        host, _, port = urlsplit(url).netloc.partition(":")
        return {**_SETTINGS, "url": url, "server__host": host, "server__port": port,
                "database__connection__filename": str(site / "ghost.db"), "paths__contentPath": str(site / "content")}

    # Ghost looks for itself where it is started.
    command = ("env", f"--chdir={folder}", str(program), "index.js")
    with served("ghost", lay_out, lambda site: lambda host, port: command, ready="/ghost/api/admin/site/", env=env) as server:
        yield GhostSite(server, _set_up(server.url))


def _set_up(url: str) -> dict[str, str]:
    """The owner, as the first page asks for it, and an integration for each who writes."""
    owner = _Caller(url, {})
    owner.ask("POST", "/authentication/setup/", {"setup": [_OWNER]})
    owner.ask("POST", "/session/", {"username": _OWNER["email"], "password": _OWNER["password"]})
    owner.ask("POST", "/tags/", {"tags": [{"name": COLUMN}]})
    return {name: _key(owner, name) for name in ("syncd", "editor")}


def _key(owner: _Caller, name: str) -> str:
    told = owner.ask("POST", "/integrations/?include=api_keys", {"integrations": [{"name": name}]})
    keys = told["integrations"][0]["api_keys"]
    return str(next(key["secret"] for key in keys if key["type"] == "admin"))
