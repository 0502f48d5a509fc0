"""The Wagtail adapter: one page per key, published in the request that makes it, changed under a condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, SiteConfig, Tools
from syncd.adapters.article import (
    Article,
    ArticleAdapter,
    Attached,
    Change,
    Content,
    File,
    Placed,
    is_picture,
    name_of,
    told_of,
)
from syncd.adapters.credit import Times
from syncd.adapters.json_api import Told
from syncd.adapters.markup import path_name
from syncd.adapters.multipart import File as Part
from syncd.adapters.multipart import multipart
from syncd.adapters.sealed import excerpt
from syncd.adapters.wagtail.api import FILE, KEY, api_of, check_size, held, holds_conditions
from syncd.adapters.wagtail.check import Checker
from syncd.adapters.wagtail.columns import Columns, no_such_column
from syncd.adapters.wagtail.options import Options
from syncd.adapters.wagtail.page import FILES, Native, body_of, listed, local, parse
from syncd.errors import Conflict, NotApplied, NotFound, Rejected
from syncd.model import Media, Post, RemoteState
from syncd.web.api import Answer

_PLACES = {"image": "/images/", "document": "/documents/"}
_LONGEST_TITLE = 255


class WagtailAdapter(ArticleAdapter):
    """One Wagtail. Class A with the site's middleware of ours: the database holds the key, the server the condition; class C
    without it."""

    kind: ClassVar[str] = "wagtail"
    cms: ClassVar[str] = "Wagtail"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        super().__init__(site, tools, refused_files=options.refused_files if options.copy_files else "link")
        self._options = options
        self._api = api_of(tools.client, options)
        self._columns = Columns(self._api, options)
        self._me = ""
        self._deaf = False
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, log-in, the mixin and its fields, the look-up, the right to write, columns, files, conditions, clock."""
        self._deaf = False
        report = await Checker(self._api, self._options, self._columns).run(self.capabilities)
        self.capabilities = report.capabilities
        return report

    # Looking

    async def _look_up(self, key: str) -> Article | None:
        await self._log_in()
        told = await self._api.get("/pages/", {"type": self._options.page_type, KEY: key, "limit": 2})
        items = told.value.get("items")
        if not isinstance(items, list):
            raise self._api.garbled(told.answer, writes=False)
        if not items:
            await self._is_logged_in()
            return None
        found = await self._get(str(items[0]["id"]))
        if _native(found).key != key:  # a field that Wagtail does not know filters nothing
            raise NotApplied("lookup_ignored", f"Wagtail gave page {found.id} for {key}", where=self._api.root,
                             hint=f"{KEY} must stand in api_fields of {self._options.page_type}; then syncd check")
        return found

    async def _get(self, id: str) -> Article:
        """With what editors have saved and not published yet: an update would publish it."""
        await self._log_in()
        try:
            told = await self._api.get(f"/pages/{id}/", {"version": "draft"})
        except NotFound:
            await self._is_logged_in()
            raise
        self._notice(told.answer)
        return self._page(told, writes=False)

    async def _log_in(self) -> None:
        """Our account's number, asked once."""
        if not self._me:
            await self._is_logged_in()

    async def _is_logged_in(self) -> None:
        """Raises AuthFailed: with a token that is worth nothing (any more) Wagtail answers looks as it answers the public."""
        told = await self._api.get("/whoami/")
        user = told.value.get("user")
        self._me = str(user["id"]) if isinstance(user, dict) and "id" in user else ""

    def _page(self, told: Told, *, writes: bool) -> Article:
        page = parse(told.value, self._options, self._public_url, self._me)
        if page is None:
            raise self._api.garbled(told.answer, writes=writes)
        return page

    # Writing

    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        parent = await self._columns.page(post.column)
        meta = {"type": self._options.page_type, "parent_id": parent} | _published(publish=state is RemoteState.PUBLIC)
        slug = path_name(post.key, "syncd")
        page = {"meta": meta, "slug": slug, KEY: post.key, **self._values(content), FILES: listed(files)}
        check_size(page, self._options)
        try:
            return self._page(await self._api.send("POST", "/pages/", page, creating=True), writes=True)
        except NotFound as gone:
            self._columns.forget(post.column)
            raise no_such_column(post.column, f"page {parent} is not there: {gone.message}") from gone

    async def _change(self, before: Article, change: Change) -> Article:
        """A notice is published too, before the page is hidden: a draft would leave the text in view if that failed."""
        wants = before.state if change.state is None else change.state
        hides = wants is not RemoteState.PUBLIC and before.state is RemoteState.PUBLIC
        page: dict[str, Any] = {"meta": _published(publish=hides or wants is RemoteState.PUBLIC)}
        page |= self._values(change.content) if change.content else {}
        page |= {FILES: listed(change.files)} if change.files is not None else {}
        after = self._page(await self._write("PATCH", before, page, checked=change.checked), writes=True)
        if hides or (_native(after).pending and after.opened.notice):
            return await self._hide(after, checked=change.checked)
        return after

    async def _hide(self, before: Article, *, checked: bool) -> Article:
        told = await self._write("POST", before, {}, checked=checked, action="actions/unpublish/")
        return self._page(told, writes=True)

    async def _remove(self, before: Article, *, checked: bool) -> None:
        await self._write("DELETE", before, None, checked=checked)

    async def _write(self, method: str, before: Article, document: Any, *, checked: bool, action: str = "") -> Told:
        """checked: only while the page is what the look just before has found."""
        check_size(document, self._options)
        api = api_of(self._tools.client, self._options, if_match=_native(before).etag) if checked else self._api
        told = await api.send(method, f"/pages/{before.id}/{action}", document)
        self._deaf |= checked and holds_conditions(told.answer) and not held(told.answer)
        self._notice(told.answer)
        return told

    def _notice(self, answer: Answer) -> None:
        """Fit the capabilities to what an answer about a page shows of the middleware."""
        can: Literal["server", "check_then_act"] = (
            "server" if holds_conditions(answer) and not self._deaf else "check_then_act")
        if can == self.capabilities.conditional_update:
            return
        self.capabilities = replace(self.capabilities, conditional_update=can)
        if can == "check_then_act" and self._tools.log is not None:
            self._tools.log.warning(
                "conditions_lost", deaf=self._deaf,
                hint="a proxy takes If-Match out of our requests: let it through, then syncd check" if self._deaf
                else f"{FILE} is not in MIDDLEWARE any more: this site is of class C again until it is")

    def _values(self, content: Content) -> dict[str, Any]:
        """The values of all fields but the mixin's. Of a notice, the other fields stay."""
        return {"title": content.title, self._options.body_field: body_of(content.html, self._options), **content.fields}

    def _content(self, post: Post, placed: Placed, times: Times) -> Content:
        """Lists show what the site's own fields hold."""
        return replace(super()._content(post, placed, times), summary="")

    def _fields(self, post: Post) -> Mapping[str, Any]:
        return {field: self._told(name, post) for name, field in self._options.fields.items()}

    def _told(self, name: str, post: Post) -> str | None:
        """A date is none rather than empty; a text the other way round."""
        if name == "summary":
            return unescape(excerpt(post))
        told = told_of(post, name, self._zone)
        return told or (None if name == "published" else "")

    def _spare(self, before: Article) -> None:
        """PATCH goes on top of what was saved last, and publishes all of it. An edit of the text itself is a conflict of
        versions, which a person decides."""
        if _native(before).pending and before.editor and before.opened.whole:
            raise Conflict("locked", f"{before.editor} has saved changes of page {before.id} and not published them",
                           where=before.url, hint="publish or discard them in Wagtail; the update is tried again by itself")

    def _losses(self, after: Article, content: Content) -> tuple[str, ...]:
        native = _native(after)
        kept = ("Wagtail shows this revision only from the date that an editor set (go live)",) if native.pending else ()
        return (*native.warnings, *kept)

    # Files

    async def _send_file(self, media: Media, data: bytes, before: Article | None) -> File:
        if not self._options.copy_files:
            raise Rejected("media", "no_files", "copy_files is off")
        kind = "image" if is_picture(media) else "document"
        pairs = [("title", (media.title or media.name)[:_LONGEST_TITLE])]
        pairs += [("collection_id", str(self._options.collection))] if self._options.collection else []
        body, content_type = multipart(pairs, [Part("file", name_of(media), media.type, data)])
        told = await self._api.upload(_PLACES[kind], body, {"content-type": content_type})
        meta = told.value.get("meta")
        if not isinstance(meta, dict) or "id" not in told.value or not meta.get("download_url"):
            raise self._api.garbled(told.answer, writes=True)
        address = self._address(str(meta["download_url"]), str(meta.get("detail_url") or ""))
        return File(f"{kind}:{int(told.value['id'])}", address, name_of(media))

    def _address(self, download: str, detail: str) -> str:
        """Of a file that Wagtail serves, the public one; what a storage elsewhere serves stays as it is."""
        host = urlsplit(download).netloc
        return download if host and host != urlsplit(detail).netloc else local(download, self._public_url)

    async def _remove_file(self, file: File) -> None:
        kind, _, number = file.id.partition(":")
        await self._api.delete(f"{_PLACES[kind]}{number}/")


def declared(options: Options) -> Capabilities:
    """What Wagtail can do for an account with all rights; check() fits it."""
    return Capabilities(
        drafts=True, unpublish=options.withdraw != "delete", delete=True, notice=options.withdraw == "notice", taxonomy="fixed",
        media="endpoint" if options.copy_files else "none", lookup="unique_field", unique="server",
        conditional_update="check_then_act", html="raw" if options.block else "filtered", max_title=255,
        max_body=options.max_request, max_concurrency=2, reads=True,
    )


def _published(*, publish: bool) -> dict[str, str]:
    return {"action": "publish"} if publish else {}


def _native(article: Article) -> Native:
    assert isinstance(article.native, Native)
    return article.native
