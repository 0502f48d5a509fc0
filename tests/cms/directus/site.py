"""A Directus as docs/directus sets it up: the collection of its file, least rights for syncd, pages that a site shows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.cms.directus.install import command
from tests.cms.pages import asked, shown
from tests.cms.served import Server, served
from tests.store.postgres import Server as Postgres
from tests.store.postgres import server as postgres

DOCS = Path(__file__).parent.parent.parent.parent / "docs" / "directus"
ADMIN, SYNCD = "admin-token-of-the-test-0123456789", "syncd-token-of-the-test-0123456789"
RIGHTS = (*(("{}", action) for action in ("create", "read", "update", "delete")),
          *(("directus_files", action) for action in ("create", "read", "delete")))
"""What docs/adapters/directus.md gives to syncd's policy; {} is the collection."""


@dataclass(frozen=True, slots=True)
class Site:
    """server: Directus. pages: the address of the public pages. guarded: whether docs/directus/guard.sql was run."""

    server: Server
    database: Postgres
    pages: str
    collection: str
    guarded: bool

    @property
    def api(self) -> str:
        return self.server.url

    @property
    def items(self) -> str:
        return f"{self.api}/items/{self.collection}"

    def options(self, **more: Any) -> dict[str, Any]:
        made = {
            "api_url": self.api, "token": SYNCD, "collection": self.collection, "summary_field": "summary",
            "column_field": "category", "page": "/policies/{id}",
            "fields": {"key": "external_id", "source_url": "source_url", "document_number": "document_number",
                       "published": "published_on"},
        }
        return made | ({"guard_field": "syncd_edition"} if self.guarded else {}) | more

    def admin(self, method: str, path: str, document: object = None) -> Any:
        told = asked(method, self.api + path, ADMIN, document)
        return told["data"] if told else None

    def all(self, **filters: str) -> list[Mapping[str, Any]]:
        """Items in every state."""
        asked_for = "".join(f"&filter[{name}][_eq]={quote(value)}" for name, value in filters.items())
        found: list[Mapping[str, Any]] = self.admin("GET", f"/items/{self.collection}?limit=-1{asked_for}")
        return found


class Wang:
    """An editor at the site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def edit(self, ref: Any, html: str) -> None:
        self.write(ref.id, html)

    async def remove(self, ref: Any) -> None:
        self._site.admin("DELETE", f"/items/{self._site.collection}/{ref.id}")

    async def count(self, key: str) -> int:
        return len(self._site.all(external_id=key))

    def write(self, id: str, html: str) -> None:
        self._site.admin("PATCH", f"/items/{self._site.collection}/{id}", {"body": html})


@contextmanager
def directus(collection: str = "policies", *, guarded: bool = False) -> Iterator[Site]:
    """A site until the end of the block. Raises Unavailable."""
    command()
    with (
        postgres() as database,
        served("directus", lambda folder, url: _lay_out(database, folder, url), lambda folder: _start,
               ready="/server/ping", env=lambda folder, url: _env(database, folder, url)) as server,
        shown(lambda id: _public(server.url, collection, id)) as pages,
    ):
        site = Site(server, database, pages, collection, guarded)
        _set_up(site)
        yield site


def _start(host: str, port: int) -> list[str]:
    """Where it listens stands in its environment."""
    return [*command(), "start"]


def _env(database: Postgres, folder: Path, url: str) -> dict[str, str]:
    port = url.rpartition(":")[2]
    return {
        "DB_CLIENT": "pg", "DB_HOST": "127.0.0.1", "DB_PORT": str(database.port), "DB_DATABASE": "syncd", "DB_USER": "syncd",
        "DB_PASSWORD": database.password, "SECRET": "secret-of-the-test-0123456789-0123456789", "ADMIN_TOKEN": ADMIN,
        "ADMIN_EMAIL": "admin@example.com", "ADMIN_PASSWORD": "password-of-the-test", "HOST": "127.0.0.1", "PORT": port,
        "PUBLIC_URL": url, "SERVE_APP": "false", "TELEMETRY": "false", "LOG_LEVEL": "warn", "NODE_ENV": "production",
        "PRESSURE_LIMITER_ENABLED": "false",  # else it says 503 whenever the machine has much else to do
        "STORAGE_LOCAL_ROOT": str(folder / "uploads"), "EXTENSIONS_PATH": str(folder / "extensions"),
    }


def _lay_out(database: Postgres, folder: Path, url: str) -> None:
    """Also on a second port: what is there is left alone by bootstrap."""
    for name in ("uploads", "extensions"):
        (folder / name).mkdir(exist_ok=True)
    done = subprocess.run([*command(), "bootstrap"], env=os.environ | _env(database, folder, url), cwd=folder,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def _set_up(site: Site) -> None:
    described = json.loads((DOCS / "collection.json").read_text(encoding="utf-8"))
    site.admin("POST", "/collections", described | {"collection": site.collection})
    policy = site.admin("POST", "/policies", {"name": "syncd", "admin_access": False, "app_access": False})["id"]
    for collection, action in RIGHTS:
        _allow(site, policy, collection.format(site.collection), action)
    role = site.admin("POST", "/roles", {"name": "syncd"})["id"]
    site.admin("POST", "/access", {"policy": policy, "role": role})
    site.admin("POST", "/users", {"email": "syncd@example.com", "role": role, "token": SYNCD})
    public = next(each["id"] for each in site.admin("GET", "/policies?fields=id,name") if each["name"] == "$t:public_label")
    _allow(site, public, "directus_files", "read")
    if site.guarded:
        guard = (DOCS / "guard.sql").read_text(encoding="utf-8").replace('"policies"', f'"{site.collection}"')
        site.database.sql(guard, database="syncd")


def _allow(site: Site, policy: str, collection: str, action: str) -> None:
    site.admin("POST", "/permissions", {"policy": policy, "collection": collection, "action": action, "permissions": {},
                                        "fields": ["*"]})


def _public(api: str, collection: str, id: str) -> tuple[str, str] | None:
    """As a program of the site asks for what is public."""
    told = asked("GET", f"{api}/items/{collection}?filter[id][_eq]={quote(id)}&filter[status][_eq]=published", ADMIN)
    return next(((str(each["title"]), str(each["body"] or "")) for each in told["data"]), None)
