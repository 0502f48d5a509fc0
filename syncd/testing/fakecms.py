"""A small CMS for tests: state that remembers every write, switches for what it can do, and the adapter for it.

`syncd fake-cms` runs it as a server, with lossy answers if wanted (syncd.testing.fakeserver).
"""

from __future__ import annotations

import html
import json
import mimetypes
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic import BaseModel, ConfigDict, SecretStr

from syncd.adapters.api import Capabilities, CheckItem, CheckReport, How, SiteConfig, Tools
from syncd.adapters.markup import localise
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, StoreError, Unknown
from syncd.model import Media, Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote
from syncd.testing.asgi import Application, Reply, clock
from syncd.testing.faults import Faults
from syncd.web.api import Answer
from syncd.web.status import raise_for_read, raise_for_write
from syncd.web.urls import redacted

Unique = Literal["server", "app", "none"]
Conditional = Literal["server", "check_then_act", "none"]
Lookup = Literal["pk", "none"]
ACCOUNTS: Mapping[str, str] = {"secret": "syncd"}

_JSON = {"content-type": "application/json; charset=utf-8"}
_HTML = {"content-type": "text/html; charset=utf-8"}
_UNWANTED = re.compile(r"""\s(?:class|style|id)=("[^"]*"|'[^']*')""")


@dataclass(frozen=True, slots=True)
class Switches:
    """What the CMS can do. unique: "server" refuses a second post with a key (409), "app" renames it as WordPress does
    (K-2), "none" takes it. conditional_update: "server" honours If-Match. html: "filtered" drops attributes and adds
    blanks, so that what is stored is never what was sent. media: "endpoint" takes files. max_title (characters) and
    max_body (bytes): what is longer is refused with 422 and 413; None for no limit."""

    unique: Unique = "server"
    conditional_update: Conditional = "server"
    lookup: Lookup = "pk"
    drafts: bool = True
    unpublish: bool = True
    delete: bool = True
    notice: bool = True
    html: Literal["raw", "filtered"] = "raw"
    media: Literal["none", "endpoint"] = "none"
    max_title: int | None = None
    max_body: int | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A post as the CMS keeps it. deleted: it is gone for everybody, and its key is free again."""

    id: int
    key: str
    title: str
    html: str
    state: str
    version: int
    modified_by: str
    deleted: bool = False
    notice: bool = False


@dataclass(frozen=True, slots=True)
class Write:
    """One write that took effect: the ground truth of what happened. kind: create, update, withdraw or delete."""

    at: datetime
    by: str
    kind: str
    post: Stored
    before: Stored | None = None


class FakeCMS(Application):
    """State behind an API: `handle` takes a request and gives the answer, and as an ASGI application it is served by
    uvicorn or reached by asgi.AppClient, with `faults` if wanted.

    accounts: name by bearer token. record: called with each write, as a dict that JSON can carry, before the answer is
    given. A request without a good token is anonymous: it may read what is public, and is told so (`as`), as WordPress
    does. Posts are public at /p/<id>, files at /f/<id>/<name>.
    """

    def __init__(
        self, switches: Switches = Switches(), *, accounts: Mapping[str, str] = ACCOUNTS,
        record: Callable[[dict[str, Any]], None] | None = None, faults: Faults | None = None, latest: float = 1.0,
        now: Callable[[], datetime] = clock,
    ) -> None:
        super().__init__(faults, latest=latest, now=now)
        self.switches = switches
        self.accounts = dict(accounts)
        self.posts: dict[int, Stored] = {}
        self.files: dict[str, bytes] = {}
        self.history: list[Write] = []
        self._record = record

    # --- for people and checkers ---------------------------------------------------------------------------------

    def live(self, key: str = "") -> list[Stored]:
        """Posts that exist (drafts and withdrawn ones too), oldest first; only those with `key` if given."""
        return [p for p in self.posts.values() if not p.deleted and (not key or p.key == key)]

    def edit(self, id: int, by: str, text: str, now: datetime) -> Stored:
        """A local editor writes another text into a post."""
        post = self.posts[id]
        return self._write(now, by, "update", replace(post, html=text, version=post.version + 1, modified_by=by))

    def delete_by_editor(self, id: int, by: str, now: datetime) -> Stored:
        """A local editor deletes a post."""
        post = self.posts[id]
        return self._write(now, by, "delete", replace(post, deleted=True, version=post.version + 1, modified_by=by))

    def publish_draft(self, id: int, by: str, now: datetime) -> Stored:
        """A local editor publishes a draft as it is."""
        post = self.posts[id]
        return self._write(now, by, "update", replace(post, state="public", version=post.version + 1, modified_by=by))

    def load(self, written: Mapping[str, Any]) -> None:
        """Take up a write that `record` was given in an earlier life."""
        post = Stored(**written["post"])
        before = self.posts.get(post.id)
        self.history.append(Write(datetime.fromisoformat(written["at"]), written["by"], written["kind"], post, before))
        self.posts[post.id] = post

    # --- the API --------------------------------------------------------------------------------------------------

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        """Answer one request. path: with its query. headers: names in lower case."""
        parts = urlsplit(path)
        if parts.path.startswith("/p/"):
            return self._page(parts.path.removeprefix("/p/"))
        if parts.path.startswith("/f/"):
            return self._file(parts.path.removeprefix("/f/"))
        user = self.accounts.get(headers.get("authorization", "").removeprefix("Bearer "), "")
        words = [word for word in parts.path.split("/") if word]
        if words[:1] != ["api"]:
            return _page_of(404, "页面不存在", "404 Not Found")
        return self._api(method, words[1:], dict(parse_qsl(parts.query)), user, headers, body, now)

    def _api(
        self, method: str, words: list[str], query: dict[str, str], user: str, headers: Mapping[str, str], body: bytes,
        now: datetime,
    ) -> Reply:
        if method == "GET":
            return self._asked(words, query, user)
        if not user:
            return _error(401, "not_logged_in")
        if (method, *words[:1]) == ("PUT", "files") and self.switches.media == "endpoint":
            return self._keep("/".join(words[1:]), body, user)
        return self._write_asked(method, words, json.loads(body), user, headers, now)

    def _write_asked(
        self, method: str, words: list[str], told: dict[str, Any], user: str, headers: Mapping[str, str], now: datetime
    ) -> Reply:
        refused = self._refused(told)
        match (method, *words):
            case ("POST", "posts"):
                return refused or self._create(told, user, now)
            case ("PUT", "posts", id):
                return refused or self._change(id, user, headers, lambda post: self._updated(post, told), "update", now)
            case ("POST", "posts", id, "withdraw") if getattr(self.switches, str(told["how"]), False):
                return self._change(id, user, headers, lambda post: _withdrawn(post, told["how"]), "withdraw", now)
            case ("POST", "posts", _, "withdraw"):
                return _error(422, "no_such_way")
        return _error(404, "no_route")

    def _refused(self, told: Mapping[str, Any]) -> Reply | None:
        """The answer to a text that is longer than this CMS takes."""
        switches = self.switches
        if switches.max_title is not None and len(told.get("title", "")) > switches.max_title:
            return _error(422, "title_too_long")
        if switches.max_body is not None and len(told.get("html", "").encode()) > switches.max_body:
            return _error(413, "body_too_large")
        return None

    def _keep(self, name: str, data: bytes, user: str) -> Reply:
        self.files[name] = data
        return self._told(user, {"name": name, "url": f"/f/{name}"}, 201)

    def _file(self, name: str) -> Reply:
        if name not in self.files:
            return _page_of(404, "页面不存在", "404 Not Found")
        return 200, {"content-type": mimetypes.guess_type(name)[0] or "application/octet-stream"}, self.files[name]

    def _asked(self, words: list[str], query: dict[str, str], user: str) -> Reply:
        match words:
            case ["whoami"]:
                return self._told(user, {"name": user, "version": "1.0"}) if user else _error(401, "not_logged_in")
            case ["posts"]:
                return self._search(query, user)
            case ["posts", id]:
                return self._read(id, user)
        return _error(404, "no_route")

    def _search(self, query: dict[str, str], user: str) -> Reply:
        if self.switches.lookup == "none":
            return _error(404, "no_route")
        found = self.live(query.get("key", "")) if "prefix" not in query else self.live()
        shown = [p for p in found if p.key.startswith(query.get("prefix", "")) and (user or p.state == "public")]
        return self._told(user, {"posts": [_public(p) for p in shown]})

    def _read(self, id: str, user: str) -> Reply:
        post = self._there(id)
        if post is None or (not user and post.state != "public"):
            return _error(404, "no_post")
        return self._told(user, _public(post))

    def _create(self, told: dict[str, Any], user: str, now: datetime) -> Reply:
        key = self._free_key(told["key"])
        if key is None:
            return _error(409, "exists")
        post = Stored(
            id=len(self.posts) + 1, key=key, title=told["title"], html=self._filtered(told["html"]),
            state=self._state(told), version=1, modified_by=user,
        )
        return self._told(user, _public(self._write(now, user, "create", post)), 201)

    def _free_key(self, key: str) -> str | None:
        """The key that a new post gets, or None when it is refused."""
        if self.switches.unique == "none" or not self.live(key):
            return key
        if self.switches.unique == "server":
            return None
        return next(name for n in range(2, len(self.posts) + 3) if not self.live(name := f"{key}-{n}"))

    def _change(
        self, id: str, user: str, headers: Mapping[str, str], change: Callable[[Stored], Stored], kind: str,
        now: datetime,
    ) -> Reply:
        post = self._there(id)
        if post is None:
            return _error(404, "no_post")
        wanted = headers.get("if-match", "")
        if self.switches.conditional_update == "server" and wanted and wanted != f'"{post.version}"':
            return _error(412, "changed")
        changed = change(post)
        if changed == post:
            return self._told(user, _public(post))
        return self._told(user, _public(self._write(now, user, kind, _touched(changed, user))))

    def _updated(self, post: Stored, told: dict[str, Any]) -> Stored:
        text = self._filtered(told["html"])
        return replace(post, title=told["title"], html=text, state=self._state(told), notice=False)

    def _state(self, told: Mapping[str, Any]) -> str:
        """A CMS without drafts publishes whatever it is given."""
        return str(told["state"]) if self.switches.drafts else "public"

    def _filtered(self, text: str) -> str:
        return _UNWANTED.sub("", text).replace("><", ">\n<") if self.switches.html == "filtered" else text

    def _there(self, id: str) -> Stored | None:
        post = self.posts.get(int(id)) if id.isdecimal() else None
        return None if post is None or post.deleted else post

    def _write(self, now: datetime, by: str, kind: str, post: Stored) -> Stored:
        self.history.append(Write(now, by, kind, post, self.posts.get(post.id)))
        self.posts[post.id] = post
        if self._record is not None:
            self._record({"at": now.isoformat(), "by": by, "kind": kind, "post": asdict(post)})
        return post

    def _told(self, user: str, told: dict[str, Any], status: int = 200) -> Reply:
        return status, _JSON, json.dumps(told | {"as": user or "anonymous"}, ensure_ascii=False).encode()

    def _page(self, id: str) -> Reply:
        post = self._there(id)
        if post is not None and post.state == "withdrawn" and post.notice:
            return _page_of(200, post.title, "<p>该文件已由发布机关撤回。</p>")
        if post is None or post.state != "public":
            return _page_of(404, "页面不存在", "404 Not Found")
        return _page_of(200, post.title, f"<article>{post.html}</article>")


def _page_of(status: int, title: str, body: str) -> Reply:
    name = html.escape(title)
    text = (
        f'<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>{name} - 某县人民政府</title></head>'
        f"<body><nav>首页 要闻 政务公开</nav><h1>{name}</h1>{body}<footer>某县人民政府办公室主办</footer></body></html>"
    )
    return status, _HTML, text.encode()


def _error(status: int, reason: str) -> Reply:
    return status, _JSON, json.dumps({"error": reason}).encode()


def _touched(post: Stored, by: str) -> Stored:
    return replace(post, version=post.version + 1, modified_by=by)


def _withdrawn(post: Stored, how: str) -> Stored:
    if how == "delete":
        return replace(post, deleted=True)
    return replace(post, state="withdrawn", notice=how == "notice")


def _public(post: Stored) -> dict[str, Any]:
    told = asdict(post) | {"version": str(post.version)}
    del told["deleted"], told["notice"]
    return told


class FakeOptions(BaseModel):
    """Options of the adapter `fake`. The rest says what this CMS is set to, as an operator knows it."""

    model_config = ConfigDict(extra="forbid")

    api_url: str
    token: SecretStr = SecretStr("secret")
    account: str = "syncd"
    unique: Unique = "server"
    conditional_update: Conditional = "server"
    lookup: Lookup = "pk"
    drafts: bool = True
    unpublish: bool = True
    delete: bool = True
    notice: bool = True
    html: Literal["raw", "filtered"] = "raw"
    media: Literal["none", "endpoint"] = "none"
    max_title: int | None = None
    max_body: int | None = None
    max_concurrency: int = 1
    rate: float | None = None
    """Calls a second that the CMS is known to take."""


class FakeAdapter:
    """The adapter for FakeCMS; a pattern for a CMS with a JSON API, since every rule of the contract is needed here."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "fake"
    Options: ClassVar[type[BaseModel]] = FakeOptions

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        self._site = site
        self._tools = tools
        self._options = _options(site.options)
        self.capabilities = _capabilities(self._options)

    async def check(self) -> CheckReport:
        """Log in on a route that needs it. Changes nothing."""
        try:
            told = await self._ask("GET", "/whoami")
        except AdapterError as error:
            item = CheckItem("login", False, error.message, error.hint)
            return CheckReport(False, self.capabilities, (item,))
        item = CheckItem("login", True, f"as {told['name']}")
        return CheckReport(True, self.capabilities, (item,), server_version=str(told["version"]))

    async def find(self, key: str) -> RemoteRef | None:
        """The post with this very key, the oldest if there are several."""
        told = await self._ask("GET", f"/posts?key={quote(key)}")
        found = [post for post in told["posts"] if post["key"] == key]
        return self._ref(min(found, key=_id)) if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Raises Conflict("exists") where the CMS refuses a second key; where it renames it, that post is deleted."""
        html = await self._with_files(post)
        told = await self._ask("POST", "/posts", body={"key": post.key} | _body(post, html, state))
        if told["key"] != post.key:
            await self._clean_up(told)
            raise Conflict("exists", f"the CMS renamed {post.key} to {told['key']}")
        return self._result(told, Wrote.CREATED, post, html)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """Conditional on `if_version` as well as the CMS can: by If-Match, or by a look just before."""
        html = await self._with_files(post)
        headers = await self._condition(ref, if_version)
        told = await self._ask("PUT", f"/posts/{ref.id}", headers=headers, body=_body(post, html, state))
        same = ref.version == told["version"]
        return self._result(told, Wrote.UNCHANGED if same else Wrote.UPDATED, post, html)

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """Gone already is ALREADY, as is a second time."""
        try:
            headers = await self._condition(ref, if_version)
            told = await self._ask("POST", f"/posts/{ref.id}/withdraw", headers=headers, body={"how": how})
        except NotFound:
            return WriteResult(replace(ref, state=RemoteState.WITHDRAWN), Wrote.ALREADY)
        outcome = Wrote.ALREADY if told["version"] == ref.version else Wrote.WITHDRAWN
        return WriteResult(replace(self._ref(told), state=RemoteState.WITHDRAWN), outcome)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What is stored, as the CMS returns it."""
        return self._doc(await self._ask("GET", f"/posts/{ref.id}"))

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """Everything whose key starts with prefix."""
        told = await self._ask("GET", f"/posts?prefix={quote(prefix)}")
        for post in told["posts"]:
            yield self._doc(post)

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        """Delete posts that the CMS made under a renamed key, and that nobody else changed."""
        told = await self._ask("GET", f"/posts?prefix={quote(key)}-")
        twins = [self._ref(post) for post in told["posts"]]
        ours = tuple(twin for twin in twins if twin.id != keep.id and not twin.modified_by)
        for twin in ours:
            await self._ask("POST", f"/posts/{twin.id}/withdraw", body={"how": "delete"})
        return ours

    async def aclose(self) -> None:
        """Nothing is kept open."""

    async def _with_files(self, post: Post) -> str:
        """The text with the files' own addresses in this CMS, where it takes files; each is named by its hash, so that it
        may be sent again."""
        if self._options.media == "none" or not post.media:
            return post.html
        files = {media: self._bytes(media) for media in post.media}
        for media, data in files.items():
            await self._call("PUT", f"/files/{_place(media)}", data, {})
        return localise(post.html, {media.url: f"{self._site.public_url}/f/{_place(media)}" for media in files},
                        hotlink=post.hotlink)

    def _bytes(self, media: Media) -> bytes:
        try:
            return self._tools.blobs.read(media.sha256)
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    async def _clean_up(self, told: Mapping[str, Any]) -> None:
        """Delete a post that the CMS made under another key."""
        try:
            await self._ask("POST", f"/posts/{told['id']}/withdraw", body={"how": "delete"})
        except AdapterError as error:
            raise Unknown("renamed", f"the CMS renamed the key to {told['key']}", hint="delete that post") from error

    async def _condition(self, ref: RemoteRef, if_version: str | None) -> dict[str, str]:
        if if_version is None or self._options.conditional_update == "none":
            return {}
        if self._options.conditional_update == "server":
            return {"if-match": f'"{if_version}"'}
        if (await self._ask("GET", f"/posts/{ref.id}"))["version"] != if_version:
            raise Conflict("version", f"post {ref.id} was changed at the site")
        return {}

    async def _ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        data = b"" if body is None else json.dumps(body).encode()
        return await self._call(method, path, data, {"content-type": "application/json", **(headers or {})})

    async def _call(self, method: str, path: str, data: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
        login = {"authorization": f"Bearer {self._options.token.get_secret_value()}"}
        answer = await self._tools.client.call(
            method, f"{self._options.api_url}/api{path}", body=data, headers=login | dict(headers))
        told = _judge(method, answer, creating=path == "/posts")
        if told.get("as") != self._options.account:
            raise AuthFailed("not_logged_in", "the CMS took us for somebody else", hint="check token and account")
        return told

    def _result(self, told: Mapping[str, Any], outcome: Wrote, post: Post, html: str) -> WriteResult:
        stays = post.media if self._options.media == "none" else ()
        losses = tuple(f"{media.name} stays at its source" for media in stays)
        if told["html"] != html:
            losses += ("the CMS rewrote the HTML",)
        return WriteResult(self._ref(told), outcome, losses, self._doc(told))

    def _ref(self, told: Mapping[str, Any]) -> RemoteRef:
        by = None if told["modified_by"] == self._options.account else str(told["modified_by"])
        state = RemoteState(told["state"])
        url = "" if state is RemoteState.DRAFT else f"{self._site.public_url}/p/{told['id']}"
        return RemoteRef(str(told["id"]), url, str(told["version"]), state, by)

    def _doc(self, told: Mapping[str, Any]) -> RemoteDoc:
        return RemoteDoc(self._ref(told), str(told["key"]), str(told["title"]), str(told["html"]))


def _options(told: object) -> FakeOptions:
    return told if isinstance(told, FakeOptions) else FakeOptions.model_validate(told)


def _capabilities(options: FakeOptions) -> Capabilities:
    return Capabilities(
        drafts=options.drafts, unpublish=options.unpublish, delete=options.delete, notice=options.notice,
        lookup=options.lookup, unique=options.unique, conditional_update=options.conditional_update,
        html=options.html, media=options.media, max_title=options.max_title, max_body=options.max_body,
        reads=True, lists=options.lookup == "pk",
        sweeps=options.unique == "app" and options.lookup == "pk",
        max_concurrency=options.max_concurrency, rate=options.rate,
    )


def _body(post: Post, html: str, state: RemoteState) -> dict[str, Any]:
    return {"title": post.title, "html": html, "state": state.value}


def _place(media: Media) -> str:
    return f"{media.sha256[:16]}/{quote(media.name)}"


def _id(told: Mapping[str, Any]) -> int:
    return int(told["id"])


def _judge(method: str, answer: Answer, *, creating: bool) -> dict[str, Any]:
    """The JSON object of a good answer. A 2xx that isn't our JSON is no success: a write may have been committed; and a
    404 that isn't our JSON comes from another server than this CMS, which says nothing of its posts."""
    told, where = _object(answer.body), redacted(answer.url)
    if answer.status == 404 and told.get("error") != "no_post":
        raise NotApplied("no_route", "this is not the API of a fake CMS", where=where, hint="check api_url")
    if method == "GET":
        raise_for_read(answer)
    else:
        raise_for_write(answer, creating=creating)
    if "as" not in told:
        doubt = NotApplied if method == "GET" else Unknown
        raise doubt("not_json", "it answered something else than its JSON", where=where, hint="open the address")
    return told


def _object(body: bytes) -> dict[str, Any]:
    """The object of an answer, empty if it is none."""
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}

