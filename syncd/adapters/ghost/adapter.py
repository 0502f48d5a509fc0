"""The Ghost adapter: a draft with a slug of ours first, published by its number; a file stays where it was once sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, SiteConfig, Tools
from syncd.adapters.article import Article, ArticleAdapter, Attached, Change, Content, File, name_of
from syncd.adapters.ghost.account import Account, account
from syncd.adapters.ghost.api import api_of
from syncd.adapters.ghost.check import Checker
from syncd.adapters.ghost.columns import Columns
from syncd.adapters.ghost.options import Options
from syncd.adapters.ghost.post import READ, WRITTEN, excerpt, lexical, parse
from syncd.adapters.json_api import Query, Told
from syncd.adapters.multipart import File as Part
from syncd.adapters.multipart import multipart
from syncd.adapters.slug import is_twin, slug_of, twins
from syncd.errors import AdapterError, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Media, Post, RemoteRef, RemoteState

_ID = re.compile(r"[0-9a-f]{24}")
_PICTURES = frozenset({"jpg", "jpeg", "gif", "png", "svg", "svgz", "ico", "webp"})
"""What Ghost takes as a picture; of others it says that they are none."""


class GhostAdapter(ArticleAdapter):
    """One Ghost site. Class B: an update carries its condition, and a second post of a slug is made with another slug, which
    shows before anybody else sees it."""

    kind: ClassVar[str] = "ghost"
    cms: ClassVar[str] = "Ghost"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        super().__init__(site, tools, refused_files=options.refused_files)
        self._api = api_of(tools.client, options.root, options.key.get_secret_value(), tools.now)
        self._options = options
        self._columns = Columns(self._api, options)
        self._account: Account | None = None
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, key, role, columns, version, clock, and whether the public may read the site at all."""
        checker = Checker(self._api, self._options, self._columns)
        report = await checker.run(self.capabilities)
        self._account = checker.account
        return report

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        """Remove drafts that late requests of ours made beside the post `keep`: with our seal of this key unbroken. Whatever
        else bears such a slug is told and left alone."""
        removed = []
        for twin in await self._search(twins(slug_of(key))):
            if twin.id == keep.id:
                continue
            if twin.state is RemoteState.DRAFT and twin.opened.key == key and twin.opened.whole:
                await self._remove(twin, checked=False)
                removed.append(self._ref(twin))
            elif twin.opened.key == key and self._tools.log is not None:
                self._tools.log.warning("twin_left", key=key, kept=keep.id, twin=twin.id, state=twin.state,
                                        hint="a second post bears this document's seal: look at it in Ghost")
        return tuple(removed)

    # Reading

    async def _look_up(self, key: str) -> Article | None:
        """By the slug of our key; a post of that slug with another key's seal is not ours."""
        slug = slug_of(key)
        found = [post for post in await self._search((slug,)) if post.native.slug == slug and post.opened.key in ("", key)]
        return found[0] if found else None

    async def _search(self, slugs: tuple[str, ...]) -> Sequence[Article]:
        """Posts with one of these slugs, in every state."""
        named = ",".join(f"'{slug}'" for slug in slugs)
        query: Query = {**READ, "filter": f"slug:[{named}]", "limit": 100}
        told = await self._api.get("/posts/", query)
        posts = told.value.get("posts")
        if not isinstance(posts, list):
            raise self._api.garbled(told.answer, writes=False)
        found = [self._article(each, told, writes=False) for each in posts]
        # A proxy that drops the question would return the newest posts of anybody.
        return [post for post in found if post.native.slug in slugs]

    async def _get(self, id: str) -> Article:
        if not _ID.fullmatch(id):  # Ghost calls that invalid and not "not there"
            raise NotFound("not_found", f"{id[:40]!r} is no id of a post", hint="give the id of the post in Ghost")
        told = await self._api.get(f"/posts/{id}/", READ)
        found = self._one(told, writes=False)
        if found.id != id:
            raise self._api.garbled(told.answer, writes=False)
        return found

    def _one(self, told: Told, *, writes: bool) -> Article:
        posts = told.value.get("posts")
        return self._article(posts[0] if isinstance(posts, list) and posts else None, told, writes=writes)

    def _article(self, value: Any, told: Told, *, writes: bool) -> Article:
        article = parse(value, self._public_url)
        if article is None:
            raise self._api.garbled(told.answer, writes=writes)
        return article

    # Writing

    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        """A draft, then published by its id: a request that arrives late makes a draft that nobody sees."""
        self._account = self._account or await account(self._api)
        tag = await self._columns.id(post.column)
        fields = {**_fields(content), **self._account.new, "slug": slug_of(post.key), "status": "draft",
                  **({"tags": [{"id": tag}]} if tag else {})}
        try:
            told = await self._api.send("POST", "/posts/", _posts(fields), WRITTEN, creating=True)
        except Rejected as refused:
            raise self._sorted(refused, post.column) from refused
        draft = await self._accepted(self._one(told, writes=True), slug_of(post.key))
        return await self._put(draft, {"status": "published"}) if state is RemoteState.PUBLIC else draft

    async def _accepted(self, draft: Article, wanted: str) -> Article:
        """The draft, if it bears our slug; else somebody else has it, and the draft is removed."""
        slug = draft.native.slug
        if slug == wanted:
            return draft
        try:
            await self._remove(draft, checked=False)
        except AdapterError as error:
            raise Unknown("draft_left", f"draft {draft.id} could not be removed: {error.message}",
                          hint="delete that draft in Ghost") from error
        if is_twin(slug, wanted):
            raise Conflict("exists", f"Ghost has {wanted} already", hint="it is found by its key")
        raise Rejected("slug", "slug_rewritten", f"Ghost made {slug[:60]!r} of {wanted}",
                       hint="Ghost keeps some words for itself: this key can't be posted there")

    def _sorted(self, refused: Rejected, column: str) -> AdapterError:
        """A tag that was removed meanwhile is refused for want of a name."""
        return self._columns.forget(column) if refused.field == "name" else refused

    async def _change(self, before: Article, change: Change) -> Article:
        """Only what differs: what editors set beside it stays. Ghost compares its own version by itself."""
        fields = _fields(change.content) if change.content else {}
        if change.state is not None:
            fields["status"] = "published" if change.state is RemoteState.PUBLIC else "draft"
        if change.column is not None:
            fields["tags"] = await self._tags(before, change.column)
        try:
            after = await self._put(before, fields)
        except Rejected as refused:
            raise self._sorted(refused, change.column or "") from refused
        return after if after.url else replace(after, url=before.url)

    async def _put(self, before: Article, fields: Mapping[str, Any]) -> Article:
        body = _posts({**fields, "updated_at": before.native.updated})
        return self._one(await self._api.send("PUT", f"/posts/{before.id}/", body, WRITTEN), writes=True)

    async def _remove(self, before: Article, *, checked: bool) -> None:
        """Ghost knows no condition of a removal: it is as good as the look before it."""
        await self._api.delete(f"/posts/{before.id}/")

    async def _tags(self, before: Article, column: str) -> list[dict[str, str]]:
        """The column first, which makes it the primary one; what editors added stays."""
        tag = await self._columns.id(column)
        others = [str(each["id"]) for each in before.native.tags if each.get("id") != tag]
        return [{"id": id} for id in (tag, *others) if id]

    async def _is_elsewhere(self, before: Article, post: Post) -> bool:
        tag = await self._columns.id(post.column)
        return bool(tag) and tag not in {each.get("id") for each in before.native.tags}

    def _losses(self, after: Article, content: Content) -> tuple[str, ...]:
        """A post that not everybody may read is as good as none."""
        readers = after.native.readers
        return () if readers == "public" else (f"Ghost shows the post to {readers} only: set its access to public",)

    # Files

    async def _send_file(self, media: Media, data: bytes, before: Article | None) -> File:
        name = name_of(media)
        kind = "images" if name.rpartition(".")[2] in _PICTURES else "files"
        body, type_ = multipart([("ref", name)], [Part("file", name, media.type, data)])
        told = await self._api.upload(f"/{kind}/upload/", body, {"content-type": type_})
        made = told.value.get(kind)
        if not isinstance(made, list) or not made or not isinstance(made[0].get("url"), str):
            raise self._api.garbled(told.answer, writes=True)
        return File(made[0]["url"], made[0]["url"], name)

    async def _remove_file(self, file: File) -> None:
        raise NotApplied("no_removal", "Ghost's API removes no files", where=file.url,
                         hint="remove it from Ghost's content folder, if nobody may read it any more")


def declared(options: Options) -> Capabilities:
    """What Ghost can do for a key with all rights. Its version has a grain of a second; ours, a hash, is compared first."""
    return Capabilities(
        drafts=True, unpublish=options.withdraw != "delete", delete=True, notice=options.withdraw == "notice",
        taxonomy="free" if options.create_columns else "fixed", media="endpoint", lookup="path", unique="app",
        conditional_update="server", version_grain=1.0, atomic_publish=False, html="raw", max_title=255, max_slug=185,
        max_concurrency=2, reads=True, sweeps=True,
    )


def _fields(content: Content) -> dict[str, Any]:
    return {"title": content.title, "lexical": lexical(content.html), "custom_excerpt": excerpt(content.summary)}


def _posts(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"posts": [dict(fields)]}
