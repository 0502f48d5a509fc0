"""A county's Wagtail for one test: a copy of the prepared site, served by gunicorn as people serve it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cms.served import Server, copied, served
from tests.cms.wagtail.install import Prepared, prepare

WORKERS = 2


@dataclass(frozen=True, slots=True)
class WagtailSite:
    server: Server
    prepared: Prepared

    @property
    def api(self) -> str:
        return f"{self.server.url}/api/v3"

    def options(self, account: str = "syncd", **more: Any) -> dict[str, Any]:
        """Of the adapter, as one of the accounts that seed.py makes."""
        return {"api_url": self.api, "token": self.prepared.tokens[account], "page_type": "news.NewsPage",
                "parent": self.prepared.parent, "fields": {"source_url": "source_url", "published": "published"}, **more}

    def pages(self) -> list[tuple[str, str, bool]]:
        """Title, text as the public sees it, and whether it does, of every repost; read past Wagtail."""
        with sqlite3.connect(f"file:{self.server.folder}/site/db.sqlite3?mode=ro", uri=True, timeout=20) as database:
            return [(str(title), str(body), bool(live)) for title, body, live in database.execute(
                "SELECT p.title, n.body, p.live FROM wagtailcore_page p JOIN news_newspage n ON n.page_ptr_id = p.id"
                " WHERE n.syncd_key IS NOT NULL")]


@contextmanager
def wagtail(*, conditions: bool = True) -> Iterator[WagtailSite]:
    """conditions: with the middleware that holds them. Raises Unavailable."""
    prepared = prepare()

    def command(folder: Path) -> Any:
        words = ("-w", str(WORKERS), "--threads", "2", "--chdir", f"{folder}/site", "--no-control-socket", "county.wsgi")
        return lambda host, port: [str(prepared.bin / "gunicorn"), "-b", f"{host}:{port}", *words]

    with served(
        "wagtail", lambda folder, url: copied(prepared.site, folder / "site"), command, ready="/xxgk/",
        env=lambda folder, url: {"CONDITIONS": str(int(conditions))},
    ) as server:
        yield WagtailSite(server, prepared)
