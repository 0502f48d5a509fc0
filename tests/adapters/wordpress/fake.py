"""WordPress as its REST API shows it, as pure state: measured on 6.1.9, and kept honest by running the same tests there."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Reply = tuple[int, dict[str, str], bytes]
_JSON = {"content-type": "application/json; charset=UTF-8"}
_HTML = {"content-type": "text/html; charset=UTF-8"}
_ZONE = timedelta(hours=8)

_READS = frozenset({"read"})
_CONTRIBUTES = _READS | {"edit_posts", "delete_posts"}
_AUTHORS = _CONTRIBUTES | {"publish_posts", "edit_published_posts", "delete_published_posts", "upload_files"}
_EDITS = _AUTHORS | {"edit_others_posts", "delete_others_posts", "manage_categories", "unfiltered_html"}
RIGHTS = {"subscriber": _READS, "contributor": _CONTRIBUTES, "author": _AUTHORS, "editor": _EDITS}
USERS = {"syncd": "editor", "editor": "editor", "author": "author", "contributor": "contributor", "subscriber": "subscriber"}
PASSWORD = "abcd EFGH 1234 ijkl MNOP 5678"
"""Of every account; blanks don't matter."""
FILES = {"pdf": "application/pdf", "doc": "application/msword", "png": "image/png", "jpg": "image/jpeg", "txt": "text/plain"}
"""Types that WordPress takes; ofd and wps are not among them."""
_KSES = re.compile(r"</?(?:script|style|iframe|form|input|object|embed|svg|time)\b[^>]*>|\son[a-z]+=\"[^\"]*\"", re.I)
_SMILIES = {":)": "🙂", ":-)": "🙂", ":(": "🙁", ";)": "😉", "8-)": "😎", "8O": "😯", ":D": "😀", ":P": "😛", ":?:": "❓"}
_PIECES = re.compile(r"(<[^>]*>)")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of wp_posts. type: post, attachment or revision."""

    id: int
    type: str
    slug: str
    status: str
    author: int
    title: str = ""
    content: str = ""
    excerpt: str = ""
    date: datetime | None = None
    modified: datetime | None = None
    parent: int = 0
    categories: tuple[int, ...] = ()
    file: str = ""
    featured: int = 0


@dataclass
class Companion:
    """docs/wordpress/syncd-companion.php. heard: whether If-Match reaches it; ready: whether its database gives locks."""

    api: int = 1
    version: str = "1.0.0"
    ready: bool = True
    heard: bool = True
    ids: dict[str, int] = field(default_factory=dict)
    checked: bool = False


class Refused(Exception):
    """An error as WordPress tells it."""

    def __init__(self, status: int, code: str, message: str = "Sorry, you are not allowed to do that.", **data: Any) -> None:
        super().__init__(code)
        self.status, self.code = status, code
        self.told = {"code": code, "message": message, "data": {"status": status, **data}}


_NO_ROUTE = Refused(404, "rest_no_route", "No route was found matching the URL and request method.")


@dataclass
class FakeWordPress:
    """`handle` takes a request and gives the answer. Switches: trash, revisions, passwords (application passwords),
    companion (our plug-in, None where it is not)."""

    url: str = "http://127.0.0.1:8080"
    trash: bool = True
    revisions: bool = True
    passwords: bool = True
    companion: Companion | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    terms: dict[int, tuple[str, str]] = field(default_factory=lambda: {
        1: ("Uncategorized", "uncategorized"), 2: ("要闻", "yaowen"), 3: ("国务院文件", "gwywj"),
    })
    bytes: dict[str, bytes] = field(default_factory=dict)
    now: datetime = datetime(2026, 11, 30, tzinfo=UTC)

    # --- the way in -----------------------------------------------------------------------------------------------

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        self.now = now.replace(microsecond=0)  # WordPress's clock has a grain of a second
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        route = query.pop("rest_route", "") or (parts.path.removeprefix("/wp-json") if "/wp-json" in parts.path else "")
        if not route:
            return self._page(unquote(parts.path), query)
        try:
            status, value, more = self._route(method, route.rstrip("/") or "/", query, headers, body)
        except Refused as refused:
            return refused.status, _JSON, json.dumps(refused.told).encode()
        if fields := query.get("_fields", ""):
            value = [_only(each, fields) for each in value] if isinstance(value, list) else _only(value, fields)
        return status, _JSON | more, json.dumps(value).encode()

    def _route(
        self, method: str, route: str, query: dict[str, str], headers: Mapping[str, str], body: bytes,
    ) -> tuple[int, Any, dict[str, str]]:
        me = self._user(headers)
        words = route.strip("/").split("/")[2:] if route != "/" else []
        is_json = headers.get("content-type", "").startswith("application/json")
        told = query | (json.loads(body) if body and is_json else {})
        if self.companion is not None:
            if (method, route) == ("GET", "/syncd/v1/companion"):
                return 200, self._about(me, self.companion), {}
            if words[:1] == ["posts"] and len(words) < 3 and method in ("POST", "DELETE"):
                return self._guarded(self.companion, method, words, me, query, told, headers)
        match words:
            case ["posts", *rest]:
                return self._posts(method, rest, me, query, told)
            case ["media", *rest]:
                return self._media(method, rest, me, query, headers, body)
            case ["categories", *rest]:
                return self._categories(method, rest, me, told)
        found = {(): self._index, ("users", "me"): lambda: self._whoami(me), ("types",): lambda: self._types(me)}
        if method != "GET" or tuple(words) not in found:
            raise _NO_ROUTE
        return 200, found[tuple(words)](), {}

    # --- the companion ----------------------------------------------------------------------------------------------

    def _about(self, me: str, companion: Companion) -> dict[str, Any]:
        self._demand(me, "edit_posts", "rest_forbidden")
        return {"api": companion.api, "version": companion.version, "ready": companion.ready}

    def _guarded(
        self, companion: Companion, method: str, words: list[str], me: str, query: dict[str, str], told: dict[str, Any],
        headers: Mapping[str, str],
    ) -> tuple[int, Any, dict[str, str]]:
        """A write to posts, after WordPress's own check of rights and before it acts."""
        id, match = told.get("syncd_id", ""), headers.get("if-match", "") if companion.heard else ""
        creates = words == ["posts"]
        self._may_write(method, words, me)
        if companion.ready and id and not re.fullmatch(r"[A-Za-z0-9_.:-]{1,200}", id):
            raise Refused(400, "syncd_bad_id")
        if companion.ready and creates and id and (there := self._holder(id) or self._at(told.get("slug", ""))):
            raise Refused(409, "syncd_exists", "A post with this syncd_id is there already.", post_id=there)
        if companion.ready and not creates and match and match != f'"{self._version(self.rows[int(words[1])])}"':
            raise Refused(412, "syncd_changed", "The post is not as it was when this version of it was seen.")
        companion.checked = companion.ready and not creates and bool(match)
        if companion.ready and id and not creates and not self._holder(id) and not self._id_of(int(words[1])):
            companion.ids[id] = int(words[1])
        try:
            status, value, more = self._posts(method, words[1:], me, query, told)
            if companion.ready and creates and id:
                companion.ids[id] = value["id"]
                value = self._told(self.rows[value["id"]])
            return status, value, more
        finally:
            companion.checked = False

    def _may_write(self, method: str, words: list[str], me: str) -> None:
        if words == ["posts"]:
            self._demand(me, "edit_posts", "rest_cannot_create", "Sorry, you are not allowed to create posts as this user.")
        elif not self._editable(me, self._there(int(words[1])), "delete" if method == "DELETE" else "edit"):
            raise Refused(403 if me else 401, "rest_cannot_delete" if method == "DELETE" else "rest_cannot_edit")

    def _holder(self, id: str) -> int:
        post = self.companion.ids.get(id, 0) if self.companion is not None else 0
        return post if post in self.rows else 0

    def _id_of(self, post: int) -> str:
        known = self.companion.ids if self.companion is not None else {}
        return next((id for id, held in known.items() if held == post), "")

    def _at(self, slug: str) -> int:
        return next((row.id for row in self.posts() if slug and row.slug == slug and row.status != "trash"), 0)

    def _version(self, row: Row) -> str:
        told = (row.status, row.slug, row.title, row.content, row.excerpt)
        return hashlib.sha256("\0".join(told).encode()).hexdigest()[:24]

    def _field(self, row: Row) -> dict[str, Any]:
        if self.companion is None:
            return {}
        told = {"api": self.companion.api, "id": self._id_of(row.id), "version": self._version(row),
                "checked": self.companion.checked}
        return {"syncd": told if self.companion.ready else None}

    def _posts(
        self, method: str, words: list[str], me: str, query: dict[str, str], told: dict[str, Any],
    ) -> tuple[int, Any, dict[str, str]]:
        match (method, *words):
            case ("GET",):
                return self._list(me, query)
            case ("POST",):
                return 201, self._create(me, told), {}
            case ("GET", id):
                return 200, self._one(me, int(id), query), {}
            case ("POST", id):
                return 200, self._update(me, int(id), told), {}
            case ("DELETE", id):
                return 200, self._delete(me, int(id), query), {}
            case ("GET", id, "revisions") if self.revisions:
                return 200, self._revisions(me, int(id)), {}
            case ("POST", id, "autosaves"):
                return 200, self._autosave(me, int(id), told), {}
        raise _NO_ROUTE

    def _media(
        self, method: str, words: list[str], me: str, query: dict[str, str], headers: Mapping[str, str], body: bytes,
    ) -> tuple[int, Any, dict[str, str]]:
        match (method, *words):
            case ("GET",):
                parent = int(query.get("parent", 0))
                files = [r for r in self.rows.values() if r.type == "attachment" and r.parent == parent]
                return self._paged([self._file(row) for row in files], query)
            case ("POST",):
                return 201, self._upload(me, query, headers, body), {}
            case ("DELETE", id):
                return 200, self._drop(me, int(id), query), {}
        raise _NO_ROUTE

    def _categories(
        self, method: str, words: list[str], me: str, told: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        match (method, *words):
            case ("GET",):
                return 200, self._terms(told), {}
            case ("POST",):
                return 201, self._new_term(me, told), {}
            case ("GET", id):
                return 200, self._term(int(id)), {}
        raise _NO_ROUTE

    # --- accounts ---------------------------------------------------------------------------------------------------

    def _user(self, headers: Mapping[str, str]) -> str:
        """The account's name, "" for anybody: a wrong password is no error in itself."""
        told = headers.get("authorization", "")
        if not told.startswith("Basic ") or not self.passwords:
            return ""
        name, _, password = base64.b64decode(told[6:]).decode().partition(":")
        good = password.replace(" ", "") == PASSWORD.replace(" ", "")
        return name if good and name in USERS else ""

    def may(self, me: str, right: str) -> bool:
        return right in RIGHTS[USERS[me]] if me else False

    def _demand(self, me: str, right: str, code: str, message: str = "Sorry, you are not allowed to do that.") -> None:
        if not self.may(me, right):
            raise Refused(403 if me else 401, code, message)

    def number(self, name: str) -> int:
        return list(USERS).index(name) + 1

    def _whoami(self, me: str) -> dict[str, Any]:
        if not me:
            raise Refused(401, "rest_not_logged_in", "You are not currently logged in.")
        return {"id": self.number(me), "name": me, "roles": [USERS[me]], "capabilities": dict.fromkeys(RIGHTS[USERS[me]], True)}

    def _index(self) -> dict[str, Any]:
        offered = {"application-passwords": {"endpoints": {}}} if self.passwords else []
        namespaces = ["oembed/1.0", "wp/v2", *(["syncd/v1"] if self.companion is not None else [])]
        return {"name": "某县人民政府", "home": self.url, "namespaces": namespaces, "authentication": offered}

    def _types(self, me: str) -> dict[str, Any]:
        self._demand(me, "edit_posts", "rest_cannot_view")
        supports = {"title": True, "editor": True, "excerpt": True} | ({"revisions": True} if self.revisions else {})
        return {"post": {"rest_base": "posts", "supports": supports, "taxonomies": ["category", "post_tag"],
                         "capabilities": {name: name for name in _EDITS}}}

    # --- categories -------------------------------------------------------------------------------------------------

    def _terms(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        slug, word = query.get("slug"), query.get("search", "").lower()
        return [self._term(id) for id, (name, own) in self.terms.items()
                if (slug is None or own == slug.lower()) and (word in name.lower() or word in own)]

    def _term(self, id: int) -> dict[str, Any]:
        if id not in self.terms:
            raise Refused(404, "rest_term_invalid", "Term does not exist.")
        return {"id": id, "name": self.terms[id][0], "slug": self.terms[id][1]}

    def _new_term(self, me: str, told: Mapping[str, Any]) -> dict[str, Any]:
        self._demand(me, "manage_categories", "rest_cannot_create", "Sorry, you are not allowed to create terms.")
        name = html.escape(told["name"], quote=False)
        for id, (known, _) in self.terms.items():
            if known == name:
                raise Refused(400, "term_exists", "A term with the name provided already exists.", term_id=id)
        id = max(self.terms) + 1
        self.terms[id] = (name, _slugged(told.get("slug") or told["name"]))
        return self._term(id)

    # --- posts ------------------------------------------------------------------------------------------------------

    def posts(self) -> list[Row]:
        return [row for row in self.rows.values() if row.type == "post"]

    def _list(self, me: str, query: Mapping[str, str]) -> tuple[int, Any, dict[str, str]]:
        if query.get("context") == "edit" and not self.may(me, "edit_posts"):
            if query.get("status", "publish") != "publish":
                self._refuse_status(me)
            raise Refused(403 if me else 401, "rest_forbidden_context")
        states = query.get("status", "publish").split(",")
        if states != ["publish"] and not self.may(me, "edit_posts"):
            self._refuse_status(me)
        found = [r for r in self.posts() if r.status in states and self._readable(me, r)]
        if "slug" in query:
            found = [r for r in found if r.slug in query["slug"].split(",")]
        if "syncd_id" in query and self.companion is not None:
            found = [r for r in found if r.id == self._holder(query["syncd_id"])]
        if "author" in query:
            found = [r for r in found if r.author == int(query["author"])]
        newest_first = query.get("order", "desc") == "desc"
        found.sort(key=lambda row: row.id, reverse=newest_first)
        return self._paged([self._told(row) for row in found], query)

    def _refuse_status(self, me: str) -> None:
        detail = {"code": "rest_forbidden_status", "message": "Status is forbidden.", "data": {"status": 403 if me else 401}}
        raise Refused(400, "rest_invalid_param", "Invalid parameter(s): status", params={"status": "Status is forbidden."},
                      details={"status": detail})

    def _paged(self, found: list[Any], query: Mapping[str, str]) -> tuple[int, Any, dict[str, str]]:
        size, page = int(query.get("per_page", 10)), int(query.get("page", 1))
        pages = -(-len(found) // size)
        if page > max(pages, 1):
            raise Refused(400, "rest_post_invalid_page_number", "The page number requested is larger than there are.")
        return 200, found[(page - 1) * size : page * size], {"X-WP-TotalPages": str(pages)}

    def _readable(self, me: str, row: Row) -> bool:
        return row.status == "publish" or (bool(me) and (row.author == self.number(me) or self.may(me, "edit_others_posts")))

    def _editable(self, me: str, row: Row, right: str = "edit") -> bool:
        own = bool(me) and row.author == self.number(me)
        if not own and not self.may(me, f"{right}_others_posts"):
            return False
        return self.may(me, f"{right}_published_posts" if row.status in ("publish", "future") else f"{right}_posts")

    def _there(self, id: int, type: str = "post") -> Row:
        row = self.rows.get(id)
        if row is None or row.type != type:
            raise Refused(404, "rest_post_invalid_id", "Invalid post ID.")
        return row

    def _one(self, me: str, id: int, query: Mapping[str, str]) -> dict[str, Any]:
        row = self._there(id)
        if query.get("context") == "edit" and not self._editable(me, row):
            raise Refused(403 if me else 401, "rest_forbidden_context", "Sorry, you are not allowed to edit this post.")
        return self._told(row)

    def _told(self, row: Row) -> dict[str, Any]:
        stamp = (row.date or self.now) + _ZONE
        path = f"{stamp:%Y/%m}/{row.slug}/" if row.status in ("publish", "private") else f"?p={row.id}"
        return {
            "id": row.id, "slug": row.slug, "status": row.status, "link": f"{self.url}/{path}", "author": row.author,
            "title": {"raw": row.title, "rendered": row.title}, "content": {"raw": row.content, "rendered": row.content},
            "excerpt": {"raw": row.excerpt}, "categories": list(row.categories), "featured_media": row.featured,
            **self._field(row),
            "date_gmt": f"{row.date or self.now:%Y-%m-%dT%H:%M:%S}", "modified_gmt": f"{row.modified:%Y-%m-%dT%H:%M:%S}",
        }

    def _new_id(self) -> int:
        self.last = max(getattr(self, "last", 0), *self.rows, 0) + 1
        return self.last

    def _free(self, slug: str, type: str, id: int = 0) -> str:
        """Files share their slugs with everything, posts with posts and files."""
        taken = {r.slug for r in self.rows.values() if r.id != id and r.type != "revision"
                 and (type == "attachment" or r.type in ("post", "attachment"))}
        if slug not in taken and slug not in ("feed",) and not slug.isdecimal():
            return slug
        return next(name for n in range(2, 999) if (name := f"{slug}-{n}") not in taken)

    def _create(self, me: str, told: Mapping[str, Any]) -> dict[str, Any]:
        self._demand(me, "edit_posts", "rest_cannot_create", "Sorry, you are not allowed to create posts as this user.")
        if "id" in told:
            raise Refused(400, "rest_post_exists", "Cannot create existing post.")
        id = self._new_id()
        row = Row(id, "post", "", "draft", self.number(me), modified=self.now)
        row = self._changed(me, row, told)
        if not (row.title or row.content or row.excerpt):
            raise Refused(400, "empty_content", "Content, title, and excerpt are empty.")
        self.rows[id] = replace(row, categories=row.categories or (1,))
        return self._told(self.rows[id])

    def _update(self, me: str, id: int, told: Mapping[str, Any]) -> dict[str, Any]:
        row = self._there(id)
        if not self._editable(me, row):
            raise Refused(403 if me else 401, "rest_cannot_edit", "Sorry, you are not allowed to edit this post.")
        after = self._changed(me, row, told)
        self.rows[id] = replace(after, modified=self.now)  # moves on an empty update too
        if self.revisions and (row.title, row.content, row.excerpt) != (after.title, after.content, after.excerpt):
            kept = self._new_id()
            self.rows[kept] = Row(kept, "revision", f"{id}-revision-v1", "inherit", self.number(me), after.title,
                                  after.content, after.excerpt, self.now, self.now, id)
        return self._told(self.rows[id])

    def _changed(self, me: str, row: Row, told: Mapping[str, Any]) -> Row:
        """What WordPress makes of the fields that it knows; the others it ignores."""
        status = told.get("status", row.status)
        if status not in ("publish", "future", "draft", "pending", "private"):
            raise Refused(400, "rest_invalid_param", "Invalid parameter(s): status",
                          params={"status": "status is not one of publish, future, draft, pending, and private."})
        if status in ("publish", "future", "private") and status != row.status and not self.may(me, "publish_posts"):
            raise Refused(403, "rest_cannot_publish", "Sorry, you are not allowed to publish posts in this post type.")
        slug = self._slug(row, told, status)
        date = row.date
        if "date_gmt" in told:
            date = datetime.fromisoformat(told["date_gmt"]).replace(tzinfo=UTC)
        elif date is None and status in ("publish", "private"):
            date = self.now
        if status in ("publish", "future") and date is not None:
            status = "future" if date > self.now + timedelta(seconds=60) else "publish"
        text = {name: self._saved(me, told.get(name, getattr(row, name))) for name in ("title", "content", "excerpt")}
        known = tuple(id for id in told.get("categories", row.categories) if id in self.terms)
        author = told.get("author", row.author)
        return replace(row, slug=slug, status=status, date=date, categories=known or (1,), author=author, **text)

    def _slug(self, row: Row, told: Mapping[str, Any], status: str) -> str:
        asked = _slugged(told["slug"]) if "slug" in told else row.slug
        if row.status == "trash" and status != "trash":
            asked = asked.removesuffix("__trashed")
        if not asked and status in ("draft", "pending"):
            return ""
        if "slug" not in told and status in ("draft", "pending"):
            return asked
        return self._free(asked or str(row.id), "post", row.id)

    def _saved(self, me: str, text: str) -> str:
        if self.may(me, "unfiltered_html"):
            return text
        return re.sub(r"&(?:amp;)?#0*(\d+);",  # kses decodes an escaped ampersand before a number, too
                       lambda found: f"&#{int(found[1]):03d};", _KSES.sub("", text))

    def _delete(self, me: str, id: int, query: Mapping[str, str]) -> dict[str, Any]:
        row = self._there(id)
        if not self._editable(me, row, "delete"):
            raise Refused(403 if me else 401, "rest_cannot_delete", "Sorry, you are not allowed to delete this post.")
        if query.get("force") == "true":
            for each in [r.id for r in self.rows.values() if r.id == id or (r.parent == id and r.type == "revision")]:
                del self.rows[each]
            for file in [r for r in self.rows.values() if r.parent == id]:
                self.rows[file.id] = replace(file, parent=0)
            return {"deleted": True, "previous": self._told(row)}
        if not self.trash:
            raise Refused(501, "rest_trash_not_supported", "The post does not support trashing. Set 'force=true' to delete.")
        if row.status == "trash":
            raise Refused(410, "rest_already_trashed", "The post has already been deleted.")
        self.rows[id] = replace(row, status="trash", slug=f"{row.slug}__trashed", modified=self.now)
        return self._told(self.rows[id])

    def _revisions(self, me: str, id: int) -> list[dict[str, Any]]:
        if id not in self.rows or self.rows[id].type != "post":
            raise Refused(404, "rest_post_invalid_parent", "Invalid post parent ID.")
        if not self._editable(me, self.rows[id]):
            raise Refused(403 if me else 401, "rest_cannot_read", "Sorry, you are not allowed to view revisions of this post.")
        found = [r for r in self.rows.values() if r.type == "revision" and r.parent == id]
        return [{"id": r.id, "author": r.author, "slug": r.slug} for r in sorted(found, key=lambda r: -r.id)]

    def _autosave(self, me: str, id: int, told: Mapping[str, Any]) -> dict[str, Any]:
        self._there(id)
        kept = self._new_id()
        self.rows[kept] = Row(kept, "revision", f"{id}-autosave-v1", "inherit", self.number(me), parent=id,
                              content=told.get("content", ""), modified=self.now)
        return {"id": kept}

    # --- files ------------------------------------------------------------------------------------------------------

    def _file(self, row: Row) -> dict[str, Any]:
        url = f"{self.url}/{row.file}"
        return {"id": row.id, "slug": row.slug, "source_url": url, "author": row.author, "post": row.parent}

    def _upload(self, me: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        self._demand(me, "upload_files", "rest_cannot_create")
        found = re.fullmatch(r'attachment; filename="([^"]+)"', headers.get("content-disposition", ""))
        if found is None:
            raise Refused(400, "rest_upload_invalid_disposition", "Invalid Content-Disposition supplied.")
        stem, _, ending = found[1].rpartition(".")
        if ending not in FILES:
            raise Refused(500, "rest_upload_sideload_error", "Sorry, you are not allowed to upload this file type.")
        id = self._new_id()
        names = [f"{stem}.{ending}", *(f"{stem}-{n}.{ending}" for n in range(1, 99))]
        path = next(p for name in names if (p := f"wp-content/uploads/{self.now:%Y/%m}/{name}") not in self.bytes)
        self.bytes[path] = body
        slug = self._free(_slugged(query.get("slug", stem)), "attachment")
        self.rows[id] = Row(id, "attachment", slug, "inherit", self.number(me), query.get("title", ""), file=path,
                            parent=int(query.get("post", 0)), modified=self.now)
        return self._file(self.rows[id])

    def _drop(self, me: str, id: int, query: Mapping[str, str]) -> dict[str, Any]:
        row = self._there(id, "attachment")
        if not self._editable(me, row, "delete"):
            raise Refused(403 if me else 401, "rest_cannot_delete")
        if query.get("force") != "true":
            raise Refused(501, "rest_trash_not_supported", "The post does not support trashing.")
        del self.rows[id], self.bytes[row.file]
        return {"deleted": True}

    # --- what the public sees -----------------------------------------------------------------------------------------

    def _page(self, path: str, query: Mapping[str, str]) -> Reply:
        if (name := path.strip("/")) in self.bytes:
            return 200, {"content-type": FILES[name.rpartition(".")[2]]}, self.bytes[name]
        slug = path.strip("/").rpartition("/")[2]
        for row in self.posts():
            if row.status == "publish" and (row.slug == slug or query.get("p") == str(row.id)):
                title = texturised(row.title)
                text = f"<html><title>{title}</title><body><h1>{title}</h1>{shown(row.content)}</body></html>"
                return 200, _HTML, text.encode()
        return 404, _HTML, "<html><head><title>页面未找到</title></head><body>404</body></html>".encode()


def shown(content: str) -> str:
    """the_content: do_blocks, autoembed, wptexturize, wpautop's line breaks, do_shortcode, convert_smilies."""
    text = re.sub(r"<!--.*?-->", "", content, flags=re.DOTALL)
    text = re.sub(r"(<p[^>]*>\s*)https?://[^\s<>\"]+(\s*</p>)", r"\1<iframe></iframe>\2", text)
    text = re.sub(r"(?m)^(\s*)https?://[^\s<>\"]+(\s*)$", r"\1<iframe></iframe>\2", text)
    text = texturised(text)
    text = re.sub(r"\[/?(?:gallery|embed|caption|audio|video|playlist)[^\]]*\]", "", text)
    return "".join(piece if n % 2 else _smiling(piece) for n, piece in enumerate(_PIECES.split(text)))


def texturised(text: str) -> str:
    """wptexturize and capital_P_dangit."""
    made = []
    for n, piece in enumerate(_PIECES.split(text)):
        if n % 2 == 0:
            for old, new in (("...", "…"), ("``", "“"), ("''", "”"), (" (tm)", " ™"), ("---", "—"), ("--", "–")):
                piece = piece.replace(old, new)
            piece = re.sub(r"(?<=\d)'", "′", re.sub(r'(?<=\d)"', "″", piece))
            piece = re.sub(r'(?<!\S)"(?=\S)', "“", piece).replace('"', "”").replace("'", "’")
            piece = re.sub(r"\b(\d[\d.,]*)x(\d[\d.,]*)\b", "\\1×\\2", piece).replace("Wordpress", "WordPress")
        made.append(piece)
    return "".join(made)


def _smiling(text: str) -> str:
    return re.sub(r"(?<!\S)\S+(?!\S)", lambda found: _SMILIES.get(found[0], found[0]), text)


def _slugged(text: str) -> str:
    """sanitize_title for what we send: ASCII in lower case; everything else is percent-encoded and cut."""
    made = re.sub(r"[^a-z0-9_-]+", "-", text.lower().replace(":", "")) if text.isascii() else "".join(
        f"%{b:02x}" for b in text.encode())
    return re.sub(r"-+", "-", made).strip("-")[:198]


def _only(told: Any, fields: str) -> Any:
    """`_fields`, with one level of nesting."""
    kept: dict[str, Any] = {}
    for name in fields.split(","):
        outer, _, inner = name.partition(".")
        if outer in told:
            value = told[outer]
            kept[outer] = kept.get(outer, {}) | {inner: value[inner]} if inner and inner in value else value
    return kept
