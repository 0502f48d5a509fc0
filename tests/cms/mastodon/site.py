"""A server with the Mastodon API, and the pages that Mastodon draws of its statuses."""

from __future__ import annotations

import html
import re
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from syncd.adapters.note import lines_of, mark_of, open_note
from syncd.model import RemoteRef
from tests.cms.mastodon.install import program
from tests.cms.pages import asked, shown
from tests.cms.served import Server, served

TOKEN = "mock_token"
"""Of the account that mastodon-mock has from the beginning."""
WHOLE = 410
"""max_characters for mastodon-mock, which counts the whole of an address."""
PAGE = (
    '<!DOCTYPE html><html><head><meta charset="utf-8"><title>{0} - 某县</title><meta content="{1}" name="description">'
    '<meta content="{1}" property="og:description"></head><body><div id="mastodon"></div>'
    "<noscript>To use the Mastodon web application, please enable JavaScript.</noscript></body></html>"
)
"""app/views/statuses/show.html.haml and _og_description.html.haml of Mastodon 4: a script draws the text."""
_PARTS = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True)
class Site:
    server: Server
    pages: str

    def options(self, **more: Any) -> dict[str, Any]:
        return {"api_url": self.server.url, "token": TOKEN, "max_characters": WHOLE} | more

    def ask(self, method: str, path: str, document: object = None) -> Any:
        return asked(method, f"{self.server.url}/api/v1{path}", TOKEN, document)

    def texts(self) -> dict[str, str]:
        """The text of every status of the account, by its id."""
        account = self.ask("GET", "/accounts/verify_credentials")["id"]
        found: list[str] = []
        while page := self.ask("GET", f"/accounts/{account}/statuses?limit=40{f'&max_id={found[-1]}' if found else ''}"):
            found += [each["id"] for each in page]
        return {id: self.ask("GET", f"/statuses/{id}/source")["text"] for id in found}


class Wang:
    """An editor: Mastodon knows nobody but the account, so that it is the account's own password that works here."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def edit(self, ref: RemoteRef, html: str) -> None:
        self.write(ref.id, html)

    async def remove(self, ref: RemoteRef) -> None:
        self._site.ask("DELETE", f"/statuses/{ref.id}")

    async def count(self, key: str) -> int:
        return sum(open_note(text).mark == mark_of(key) for text in self._site.texts().values())

    def write(self, id: str, html: str) -> None:
        """Another text between the title and the last lines, as who works on a phone leaves them."""
        title, *_, ending = _PARTS.split(self._site.ask("GET", f"/statuses/{id}/source")["text"])
        text = "\n\n".join((title, "\n".join(lines_of(html)), ending))
        self._site.ask("PUT", f"/statuses/{id}", {"status": text})


@contextmanager
def mastodon() -> Iterator[Site]:
    """A site until the end of the block. Raises Unavailable."""
    serve, api = [str(program()), "serve", "--in-memory", "--log-level", "warning"], list[str]()
    with shown(lambda id: _public(api[0], id), below="/@testuser/", page=PAGE) as pages:
        domain = urlsplit(pages).netloc

        def command(host: str, port: int) -> list[str]:
            return [*serve, "--host", host, "--port", str(port), "--domain", domain]

        with served("mastodon", lambda folder, url: None, lambda folder: command, ready="/api/v2/instance") as server:
            api.append(server.url)
            yield Site(server, pages)


def _public(api: str, id: str) -> tuple[str, str] | None:
    """Title and description as Mastodon makes them of a public status' source (app/helpers/statuses_helper.rb)."""
    try:
        status = asked("GET", f"{api}/api/v1/statuses/{id}", "")
        text = asked("GET", f"{api}/api/v1/statuses/{id}/source", "")["text"]
    except urllib.error.HTTPError:
        return None
    if status["visibility"] not in ("public", "unlisted"):
        return None
    short = text if len(text) <= 50 else f"{text[:49]}…"
    return f'Test User: "{short}"', html.escape(text)
