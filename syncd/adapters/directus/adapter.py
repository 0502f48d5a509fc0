"""The Directus adapter: one item per key under an id made of it, written under a condition that goes with each change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, NoReturn

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, SiteConfig, Tools
from syncd.adapters.article import Article, Attached, Change, Content, File
from syncd.adapters.directus.api import api_of, names_no_field, own_failure, settled
from syncd.adapters.directus.check import Checker
from syncd.adapters.directus.item import parse
from syncd.adapters.directus.options import Options
from syncd.adapters.headless import Belonging, HeadlessAdapter, file_name, id_of
from syncd.adapters.json_api import Told
from syncd.adapters.multipart import File as Part
from syncd.adapters.multipart import multipart
from syncd.errors import AdapterError, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Media, Post, RemoteState


class DirectusAdapter(HeadlessAdapter):
    """One collection of one Directus. Class C: Directus itself refuses a second item of a key, but it compares a condition a
    few milliseconds before it writes; class A with the guard of docs/directus, which compares in the write."""

    kind: ClassVar[str] = "directus"
    cms: ClassVar[str] = "Directus"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        super().__init__(site, tools, options)
        self._options = options
        self._api = api_of(tools.client, options)
        self._path = f"/items/{options.collection}"
        self._asked = {"fields": ",".join(options.asked)}
        self._me = ""
        self._unguarded = False
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, log-in, rights, fields, files, version, clock; fits the capabilities to the rights."""
        report = await Checker(self._api, self._options).run(declared(self._options))
        self.capabilities, self._unguarded = report.capabilities, False
        return report

    # Reading

    async def _look_up(self, key: str) -> Article | None:
        return await self._find(id_of(key))

    async def _get(self, id: str) -> Article:
        found = await self._find(id)
        if found is None:
            raise NotFound("not_found", f"{self._options.collection} has no item {id[:40]}",
                           hint="it is not there any more: was it deleted at the site?")
        return found

    async def _find(self, id: str) -> Article | None:
        """By a filter: asked for by its id, an item that is not there is told as one that may not be seen."""
        await self._account()
        told = await self._api.get(self._path, {**self._asked, **self._fresh(self._options.key_field, id), "limit": 2})
        found = self._several(told, writes=False)
        if any(article.id != id for article in found) or len(found) > 1:
            raise self._api.garbled(told.answer, writes=False)
        return found[0] if found else None

    def _fresh(self, field: str, id: str) -> dict[str, str]:
        """The filter for an id, with a second condition that always holds and is never the same: with CACHE_ENABLED Directus
        answers what it was asked before for minutes from its cache, whatever the headers say, and passes over parameters
        that it doesn't know."""
        return {f"filter[{field}][_eq]": id, f"filter[{field}][_neq]": id_of("look", self._tools.now().isoformat())}

    async def _account(self) -> None:
        if not self._me:
            told = await self._api.get("/users/me", {"fields": "id"})
            self._me = str(self._data(told, dict, writes=False).get("id") or "")
            if not self._me:
                raise self._api.garbled(told.answer, writes=False)

    def _data(self, told: Told, kind: type[Any], *, writes: bool) -> Any:
        """What an answer holds, if it is of the kind."""
        data = told.value.get("data")
        if not isinstance(data, kind):
            raise self._api.garbled(told.answer, writes=writes)
        return data

    def _several(self, told: Told, *, writes: bool) -> list[Article]:
        try:
            return [self._article(each) for each in self._data(told, list, writes=writes)]
        except (KeyError, TypeError, ValueError) as cause:
            raise self._api.garbled(told.answer, writes=writes) from cause

    def _article(self, told: Any) -> Article:
        return parse(told, self._options, self._page(str(told[self._options.key_field])), self._me)

    # Writing

    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        id = id_of(post.key)
        data = {self._options.key_field: id, self._options.status_field: self._options.value_of(state),
                **self._options.values(content), **self._options.column(post.column)}
        try:
            told = await self._api.send("POST", self._path, data, self._asked, creating=True)
        except Unknown as error:
            await self._raise_failed(error, id, None)
        except Rejected as refused:
            await self._raise_taken(refused, post.key)
        return self._one(told, id)

    async def _raise_failed(self, error: Unknown, id: str, before: Article | None) -> NoReturn:
        """An item that is as it was before, when Directus says that it failed itself, stays so."""
        if own_failure(error) and await self._is_still(id, before):
            raise settled(error) from error
        raise error

    async def _raise_taken(self, refused: Rejected, key: str) -> NoReturn:
        if names_no_field(refused) and await self._look_up(key) is not None:
            raise Conflict("exists", refused.message, where=refused.where, hint="it is found by its key") from refused
        raise refused

    async def _is_still(self, id: str, before: Article | None) -> bool:
        try:
            now = await self._find(id)
        except AdapterError:
            return False
        if now is None or before is None:
            return now is before
        return (now.version, now.native) == (before.version, before.native)

    def _one(self, told: Told, id: str) -> Article:
        try:
            article = self._article(self._data(told, dict, writes=True))
        except (KeyError, TypeError, ValueError) as cause:
            raise self._api.garbled(told.answer, writes=True) from cause
        if article.id != id:
            raise self._api.garbled(told.answer, writes=True)
        return article

    async def _change(self, before: Article, change: Change) -> Article:
        """By a condition: nothing is answered, and nothing done, where it does not hold any more."""
        data: dict[str, Any] = self._options.values(change.content) if change.content else {}
        if change.state is not None:
            data[self._options.status_field] = self._options.value_of(change.state)
        if change.column is not None:
            data |= self._options.column(change.column)
        if change.checked and self._options.guard_field:
            data[self._options.guard_field] = before.native.guard
        query = {"filter": self._condition(before, checked=change.checked)}
        try:
            told = await self._api.send("PATCH", self._path, {"query": query, "data": data}, self._asked)
        except Unknown as error:
            await self._raise_failed(error, before.id, before)
        found = self._several(told, writes=True)
        if not found:
            await self._raise_moved(before)
        if len(found) != 1 or found[0].id != before.id:
            raise self._api.garbled(told.answer, writes=True)
        self._notice_guard(before, found[0], checked=change.checked)
        return found[0]

    def _condition(self, before: Article, *, checked: bool) -> Mapping[str, Any]:
        named: dict[str, Any] = {self._options.key_field: {"_eq": before.id}}
        updated = before.native.updated
        if checked:
            named[self._options.updated_field] = {"_null": True} if updated is None else {"_eq": updated}
        return {"_and": [{name: test} for name, test in named.items()]}

    async def _raise_moved(self, before: Article) -> None:
        """What didn't meet the condition is gone or was changed."""
        await self._get(before.id)
        raise Conflict("version", f"item {before.id} was changed at the site", where=before.url,
                       hint="compare it with its revisions in Directus")

    def _notice_guard(self, before: Article, after: Article, *, checked: bool) -> None:
        """A guard that doesn't count isn't there: it is not counted on again before a check."""
        if not self._options.guard_field or not checked or self._unguarded:
            return
        if before.native.guard is None or after.native.guard != before.native.guard + 1:
            self._unguarded = True
            self.capabilities = replace(self.capabilities, conditional_update="check_then_act")
            if self._tools.log is not None:
                self._tools.log.warning("guard_lost", field=self._options.guard_field,
                                        hint="run docs/directus/guard.sql in the database of Directus, then syncd check")

    async def _remove(self, before: Article, *, checked: bool) -> None:
        """Directus says 204 to every condition: whether it held is looked up."""
        query = {"filter": self._condition(before, checked=checked)}
        await self._api.send("DELETE", self._path, {"query": query})
        if checked and await self._find(before.id) is not None:
            await self._raise_moved(before)

    # Files

    async def _send_file(self, media: Media, data: bytes, before: Article | None) -> File:
        """Under an id made of post and content: sent twice it is the same file."""
        assert isinstance(media, Belonging)
        name, id = file_name(id_of(media.key), media), id_of(media.key, media.sha256)
        pairs = [("id", id), ("title", media.title or media.name), ("filename_download", name)]
        pairs += [("folder", self._options.folder)] if self._options.folder else []
        body, type_ = multipart(pairs, [Part("file", name, media.type, data)])
        try:
            await self._api.upload("/files", body, {"content-type": type_}, {"fields": "id"})
        except (Conflict, Rejected) as refused:
            if isinstance(refused, Rejected) and not names_no_field(refused):
                raise
            await self._verify(id, len(data))
        return File(id, f"{self._options.assets}/{id}/{name}", name)

    async def _verify(self, id: str, size: int) -> None:
        """What is there is whole, or goes: an upload that broke off may leave a file without its bytes."""
        told = await self._api.get("/files", {**self._fresh("id", id), "fields": "filesize", "limit": 1})
        found = self._data(told, list, writes=False)
        if found and isinstance(found[0], dict) and str(found[0].get("filesize")) == str(size):
            return
        await self._remove_file(File(id, ""))
        raise NotApplied("upload_in_doubt", f"file {id} is in Directus and not whole", hint="it is sent again by itself")

    async def _remove_file(self, file: File) -> None:
        await self._api.send("DELETE", "/files", {"query": {"filter": {"id": {"_eq": file.id}}}})


def declared(options: Options) -> Capabilities:
    """What Directus can do for an account with all rights; check() fits it."""
    return Capabilities(
        drafts=True, unpublish=options.withdraw != "delete", delete=True, notice=options.withdraw == "notice",
        taxonomy=options.taxonomy, media="endpoint" if options.files else "none", lookup="unique_field", unique="server",
        conditional_update="server" if options.guard_field else "check_then_act", html="raw", max_title=options.max_title,
        max_body=options.max_body, max_concurrency=4, reads=True,
    )

