"""A county's site with Micropub for one test: a copy of a database that is made once, served on a free port."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.cms.install import kept, ran
from tests.cms.micropub.install import pins, python
from tests.cms.pages import asked
from tests.cms.served import Server, copied, served

SYNCD, EDITOR, READER = "syncd-token-of-the-test-0123456789", "editor-token-of-the-test-0123456789", "reader-token-of-the-test"
SCOPES = {SYNCD: "create update delete undelete media", EDITOR: "create update delete undelete media", READER: "update"}
KEY = "x-syncd-key"
"""django-indieweb keeps uid for the site itself."""
ENDPOINT = "/indieweb/micropub/"
_COUNTY = Path(__file__).parent / "county.py"


@dataclass(frozen=True, slots=True)
class Site:
    server: Server

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def endpoint(self) -> str:
        return self.url + ENDPOINT

    def options(self, **more: Any) -> dict[str, Any]:
        return {
            "api_url": self.endpoint, "token": SYNCD, "address": "{base}/notes/{slug}", "key_property": KEY,
            "source_property": "bookmark-of", "post_status": True,
        } | more

    def act(self, action: str, url: str, **what: Any) -> None:
        """What an editor's own client does."""
        asked("POST", self.endpoint, EDITOR, {"action": action, "url": url, **what})

    def create(self, **properties: Any) -> None:
        asked("POST", self.endpoint, EDITOR, {"type": ["h-entry"], "properties": properties})

    def entry(self, url: str) -> dict[str, list[Any]]:
        told: dict[str, list[Any]] = asked("GET", f"{self.endpoint}?q=source&url={quote(url, safe='')}", EDITOR)["properties"]
        return told

    def all(self) -> list[dict[str, list[Any]]]:
        """The properties of every entry that is not deleted."""
        return [each["properties"] for each in asked("GET", f"{self.endpoint}?q=source&limit=10000", EDITOR)["items"]]


class Wang:
    """An editor at the site, with a Micropub client of their own."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def edit(self, ref: Any, html: str) -> None:
        self._site.act("update", ref.id, replace={"content": [{"html": html}]})

    async def remove(self, ref: Any) -> None:
        self._site.act("delete", ref.id)

    async def count(self, key: str) -> int:
        return sum(each.get(KEY) == [key] for each in self._site.all())


@contextmanager
def running() -> Iterator[Site]:
    """Until the end of the block. Raises Unavailable."""
    program = str(python())

    def make(folder: Path) -> None:
        folder.mkdir()
        ran(program, str(_COUNTY), "make", str(folder), json.dumps(SCOPES))

    prepared = kept("micropub-site", [*pins(), _COUNTY.read_text(encoding="utf-8"), json.dumps(SCOPES)], make)
    with served(
        "micropub", lambda folder, url: copied(prepared, folder / "site"),
        lambda folder: lambda host, port: (
            program, str(_COUNTY), "serve", str(folder / "site"), f"http://{host}:{port}", host, str(port)),
        ready="/notes/none",
    ) as server:
        yield Site(server)


