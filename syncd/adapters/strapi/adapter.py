"""The Strapi adapter: one document per key, looked up by it, published in the request that makes it, twins swept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, SiteConfig, Tools
from syncd.adapters.article import Article, Attached, Change, Content, File
from syncd.adapters.headless import Belonging, HeadlessAdapter, file_name
from syncd.adapters.json_api import Query, Told
from syncd.adapters.multipart import File as Part
from syncd.adapters.multipart import multipart
from syncd.adapters.strapi.api import api_of
from syncd.adapters.strapi.check import Checker
from syncd.adapters.strapi.entry import parse
from syncd.adapters.strapi.options import Options
from syncd.errors import Conflict, NotFound
from syncd.model import Media, Post, RemoteRef, RemoteState

_UNCOUNTED: Query = {"pagination[pageSize]": 100, "pagination[withCount]": "false"}
"""The most that Strapi returns of a list unless it is configured otherwise; nobody asks how many there are."""
_LATE = timedelta(minutes=10)
"""Between two documents of one key: what was made further apart is more likely an editor's copy, and left to a person."""
_OLDEST = "createdAt:asc,documentId:asc"


class StrapiAdapter(HeadlessAdapter):
    """One content type of one Strapi. Class C: it looks itself whether a key is there, and only among what is published; an
    update has no condition."""

    kind: ClassVar[str] = "strapi"
    cms: ClassVar[str] = "Strapi"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        super().__init__(site, tools, options)
        self._options = options
        self._api = api_of(tools.client, options)
        self._path = f"/{options.collection}"
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, log-in, fields, rights, files, clock; fits the capabilities to the rights."""
        report = await Checker(self._api, self._options).run(declared(self._options))
        self.capabilities = report.capabilities
        return report

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        """Remove other documents of ours with this key, which late requests made, as long as nobody has changed them. One that
        was made much earlier or later than the kept one is an editor's copy, which bears key and seal, too."""
        removed, found = [], await self._bearing(key)
        kept = next((each for each in found if each.id == keep.id), None)
        for twin in found:
            if twin.id == keep.id:
                continue
            if kept is not None and _is_late(twin, kept, key):
                await self._remove(twin, checked=False)
                removed.append(self._ref(twin))
            elif self._tools.log is not None:
                self._tools.log.warning("twin_left", key=key, kept=keep.id, twin=twin.id,
                                        hint="a second document bears this key: look at it in Strapi")
        return tuple(removed)

    # Reading

    async def _look_up(self, key: str) -> Article | None:
        """The oldest: a later one came by a request that was late."""
        found = await self._bearing(key)
        return found[0] if found else None

    async def _bearing(self, key: str) -> list[Article]:
        """The documents with this key in every state, the oldest first."""
        query = {f"filters[{self._options.key_field}][$eq]": key, "sort": _OLDEST}
        drafts = [each for each in await self._list(query) if each.get(self._options.key_field) == key]
        return [await self._whole(each, {}) for each in drafts]

    async def _get(self, id: str) -> Article:
        """By a list: asked for by its id, a document that isn't there looks like a content type that isn't."""
        drafts = await self._list({**self._options.files, "filters[documentId][$eq]": id})
        if not drafts or drafts[0]["documentId"] != id:
            raise NotFound("not_found", f"{self._options.collection} has no document {id[:40]}",
                           hint="it is not there any more: was it deleted at the site?")
        return await self._whole(drafts[0], self._options.files)

    async def _whole(self, draft: Mapping[str, Any], asked: Query) -> Article:
        """With what the public sees of it. Of both every field is asked for: publishing ours would publish all of the draft."""
        id = str(draft["documentId"])
        told = await self._api.get(self._path, {**asked, **_UNCOUNTED, "filters[documentId][$eq]": id, "status": "published"})
        published = next((each for each in self._entries(told) if each["documentId"] == id), None)
        return self._article(told, draft, published, writes=False)

    async def _list(self, query: Query) -> list[Mapping[str, Any]]:
        """Drafts, since each document has one."""
        return self._entries(await self._api.get(self._path, {**query, **_UNCOUNTED, "status": "draft"}))

    def _entries(self, told: Told) -> list[Mapping[str, Any]]:
        found = told.value.get("data")
        if not isinstance(found, list) or not all(isinstance(each, dict) and "documentId" in each for each in found):
            raise self._api.garbled(told.answer, writes=False)
        return found

    def _article(self, told: Told, draft: Any, published: Any, *, writes: bool) -> Article:
        try:
            return parse(draft, published, self._options, self._page(str(draft["documentId"])))
        except (KeyError, TypeError, ValueError, AttributeError) as cause:
            raise self._api.garbled(told.answer, writes=writes) from cause

    # Writing

    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        """Published in the same request, where Strapi refuses a key that is public; it does not look among drafts."""
        if state is not RemoteState.PUBLIC and await self._look_up(post.key) is not None:
            raise Conflict("exists", f"Strapi has {post.key} already", hint="it is found by its key")
        data = {self._options.key_field: post.key, **self._options.values(content), **self._options.column(post.column),
                **(self._filed(files, ()) if files else {})}
        return await self._write("POST", self._path, data, public=state is RemoteState.PUBLIC)

    async def _change(self, before: Article, change: Change) -> Article:
        data: dict[str, Any] = self._options.values(change.content) if change.content else {}
        if change.column is not None:
            data |= self._options.column(change.column)
        if change.files is not None:
            data |= self._filed(change.files, before.native.others)
        public = before.native.public or change.state is RemoteState.PUBLIC
        return await self._write("PUT", f"{self._path}/{before.id}", data, public=public)

    async def _write(self, method: str, path: str, data: Mapping[str, Any], *, public: bool) -> Article:
        query: Query = {**self._options.asked, "status": "published" if public else "draft"}
        told = await self._api.send(method, path, {"data": data}, query, creating=method == "POST")
        entry = told.value.get("data")
        return self._article(told, entry, entry if public else None, writes=True)

    async def _remove(self, before: Article, *, checked: bool) -> None:
        """Draft and public version: there is no way to remove one alone."""
        await self._api.delete(f"{self._path}/{before.id}")

    # Files

    def _filed(self, files: tuple[Attached, ...], others: tuple[int, ...]) -> dict[str, list[int]]:
        """What the field of files shall hold: an editor's own stay."""
        if not self._options.files_field:
            return {}
        return {self._options.files_field: list(dict.fromkeys((*others, *(int(each.file.id) for each in files))))}

    async def _send_file(self, media: Media, data: bytes, before: Article | None) -> File:
        """One of that name is there where the answer to it was lost: the name tells post and content."""
        assert isinstance(media, Belonging)
        name = file_name(media.key, media)
        known = await self._api.get("/upload/files", {"filters[name][$eq]": name, "fields": "name,url"}, several=True)
        for each in known.items:
            if isinstance(each, dict) and each.get("name") == name:
                return self._file(known, each)
        told = {"name": name, "caption": media.title or media.name, "alternativeText": media.title or media.name}
        body, type_ = multipart([("fileInfo", json.dumps(told, ensure_ascii=False))], [Part("files", name, media.type, data)])
        sent = await self._api.upload("/upload", body, {"content-type": type_}, several=True)
        return self._file(sent, sent.items[0] if sent.items else None)

    def _file(self, told: Told, each: Any) -> File:
        try:
            return File(str(int(each["id"])), self._options.file_url(str(each["url"])), str(each["name"]))
        except (KeyError, TypeError, ValueError) as cause:
            raise self._api.garbled(told.answer, writes=True) from cause

    async def _remove_file(self, file: File) -> None:
        await self._api.delete(f"/upload/files/{file.id}")


def _is_late(twin: Article, kept: Article, key: str) -> bool:
    """Whether a request of ours made it that came late, and nobody has changed it since."""
    untouched = twin.opened.whole and twin.opened.key == key and not twin.tracked[""]
    return untouched and abs(twin.native.created - kept.native.created) <= _LATE


def declared(options: Options) -> Capabilities:
    """What Strapi can do for a token with all rights; check() fits it."""
    return Capabilities(
        drafts=True, unpublish=False, delete=True, notice=options.withdraw == "notice", taxonomy=options.taxonomy,
        media="endpoint" if options.files_field else "none", lookup="unique_field", unique="app",
        conditional_update="check_then_act", html="raw", max_title=options.max_title, max_body=options.max_body,
        max_concurrency=1, reads=True, sweeps=True,
    )
