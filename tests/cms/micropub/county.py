"""Run by the environment's Python, not by us: a small Django site with django-indieweb's endpoint, its entries in SQLite.

`county.py make FOLDER TOKENS` makes the database with an account and a token each ({token: scopes} as JSON);
`county.py serve FOLDER URL HOST PORT` serves it. What the site decides by itself, as any site with Micropub does, stands in
Entries: a taken slug gets a number, a deleted entry keeps its address and can be undeleted, and drafts are seen by nobody.
"""

from __future__ import annotations

import html
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection, transaction
from django.http import FileResponse, HttpResponse

FOLDER = Path(sys.argv[2])
URL = sys.argv[3] if sys.argv[1] == "serve" else "http://localhost"
PAGE = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>{0}</title></head><body><h1>{0}</h1>{1}</body></html>'
TABLE = "CREATE TABLE entries (path TEXT PRIMARY KEY, properties TEXT NOT NULL, deleted INTEGER NOT NULL DEFAULT 0)"
APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sites", "indieweb"]
settings.configure(
    SECRET_KEY="of-the-test", ALLOWED_HOSTS=["*"], INSTALLED_APPS=APPS, SITE_ID=1, USE_TZ=True, ROOT_URLCONF="county",
    INDIEWEB_MICROPUB_HANDLER="county.Entries", MEDIA_ROOT=str(FOLDER / "media"), MEDIA_URL="/media/",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(FOLDER / "site.db"), "OPTIONS": {
        "transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": "PRAGMA journal_mode=WAL;"}}},
)
if __name__ == "__main__":
    sys.modules["county"] = sys.modules["__main__"]
django.setup()

from django.core.management import call_command  # noqa: E402 - Django is set up first
from django.core.servers.basehttp import run  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402
from indieweb.handlers import MicropubContentHandler, MicropubEntry, MicropubEntryList  # noqa: E402
from indieweb.models import Token  # noqa: E402
from indieweb.views import MicropubMediaView  # noqa: E402


def ask(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall()) if sql.startswith("SELECT") else []


def entry(path: str, properties: str) -> MicropubEntry:
    return MicropubEntry(URL + path, json.loads(properties))


def place(url: str) -> str:
    return url.removeprefix(URL)


class Entries(MicropubContentHandler):
    """What django-indieweb leaves to the site."""

    def create_entry(self, properties: dict[str, list[Any]], user: Any) -> MicropubEntry:
        wanted = str(properties.pop("mp-slug", [uuid.uuid4().hex])[0])
        kept = {name: values for name, values in properties.items() if not name.startswith("mp-")}
        with transaction.atomic():
            taken = {row[0] for row in ask("SELECT path FROM entries WHERE path LIKE %s", f"/notes/{wanted}%")}
            numbered = (f"/notes/{wanted}-{n}" for n in range(2, 1000))
            path = next(each for each in (f"/notes/{wanted}", *numbered) if each not in taken)
            ask("INSERT INTO entries (path, properties) VALUES (%s, %s)", path, json.dumps(kept))
        return MicropubEntry(URL + path, kept)

    def get_entry(self, url: str, user: Any) -> MicropubEntry | None:
        found = ask("SELECT path, properties FROM entries WHERE path = %s AND NOT deleted", place(url))
        return entry(*found[0]) if found else None

    def update_entry(self, url: str, updates: dict[str, Any], user: Any) -> MicropubEntry:
        with transaction.atomic():
            there = self.get_entry(url, user)
            if there is None:
                raise ValueError("no such entry")
            properties = there.properties | updates.get("replace", {})
            for name, values in updates.get("add", {}).items():
                properties[name] = [*properties.get(name, []), *values]
            for name in updates.get("delete", []):
                properties.pop(name, None)
            ask("UPDATE entries SET properties = %s WHERE path = %s", json.dumps(properties), place(url))
        return MicropubEntry(url, properties)

    def delete_entry(self, url: str, user: Any) -> None:
        self._mark(url, deleted=1)

    def undelete_entry(self, url: str, user: Any) -> MicropubEntry:
        self._mark(url, deleted=0)
        found = self.get_entry(url, user)
        assert found is not None
        return found

    def _mark(self, url: str, *, deleted: int) -> None:
        with transaction.atomic():
            if not ask("SELECT 1 FROM entries WHERE path = %s AND deleted != %s", place(url), deleted):
                raise ValueError("no such entry")
            ask("UPDATE entries SET deleted = %s WHERE path = %s", deleted, place(url))

    def list_entries(
        self, user: Any, *, limit: int | None = None, offset: int = 0, filter: str | None = None,
    ) -> MicropubEntryList:
        rows = ask("SELECT path, properties FROM entries WHERE NOT deleted ORDER BY rowid")
        return MicropubEntryList([entry(*row) for row in rows][offset:][:limit])

    def get_config(self, user: Any) -> dict[str, Any]:
        target = {"uid": "https://social.example/@county", "name": "县政务号"}
        return {"media-endpoint": f"{URL}/files", "syndicate-to": [target]}


class Files(MicropubMediaView):
    """A media endpoint that takes documents too: django-indieweb's own takes pictures, sound and films only."""

    def post(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self._scope_authorized():
            return HttpResponse("authorization error", status=403)
        sent = request.FILES["file"]
        name = f"{uuid.uuid4().hex}.{sent.name.rpartition('.')[2]}"
        (FOLDER / "media").mkdir(exist_ok=True)
        (FOLDER / "media" / name).write_bytes(sent.read())
        answer = HttpResponse(status=201)
        answer["Location"] = f"/media/{name}"
        return answer


def note(request: Any, slug: str) -> HttpResponse:
    """An entry as anybody sees it."""
    found = ask("SELECT properties, deleted FROM entries WHERE path = %s", f"/notes/{slug}")
    if not found or found[0][1]:
        return HttpResponse("<h1>没有这篇文章</h1>", status=410 if found else 404)
    properties = json.loads(found[0][0])
    if properties.get("post-status") == ["draft"]:
        return HttpResponse("<h1>没有这篇文章</h1>", status=404)
    content = properties["content"][0]
    text = content["html"] if isinstance(content, dict) else html.escape(content)
    return HttpResponse(PAGE.format(html.escape(properties["name"][0]), text))


def media(request: Any, name: str) -> Any:
    file = FOLDER / "media" / name
    return FileResponse(file.open("rb")) if file.is_file() else HttpResponse(status=404)


urlpatterns = [
    path("indieweb/", include("indieweb.urls")), path("files", csrf_exempt(Files.as_view())), path("notes/<str:slug>", note),
    path("media/<path:name>", media),
]


def make(tokens: dict[str, str]) -> None:
    from django.contrib.auth.models import User

    call_command("migrate", verbosity=0)
    ask(TABLE)
    for n, (token, scopes) in enumerate(tokens.items()):
        owner = User.objects.create(username=f"account-{n}")
        Token.objects.create(
            key=token, owner=owner, client_id="https://client.example/", me="https://county.example/", scope=scopes)


def serve(host: str, port: int) -> None:
    """At its own address, whatever way a request came."""
    site = get_wsgi_application()

    def at_home(environ: dict[str, Any], start: Any) -> Any:
        return site({**environ, "HTTP_HOST": URL.partition("://")[2]}, start)

    run(host, port, at_home, threading=True)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(json.loads(sys.argv[3]))
    else:
        serve(sys.argv[4], int(sys.argv[5]))
