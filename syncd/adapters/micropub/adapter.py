"""The Micropub adapter: an entry with a slug of ours, looked for where that slug puts it, read back after each write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, How, SiteConfig, Standing, Tools
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
)
from syncd.adapters.credit import Times
from syncd.adapters.micropub.api import PATIENCE, Endpoint, is_same_place
from syncd.adapters.micropub.check import Checker, media_endpoint
from syncd.adapters.micropub.entry import Native, cut, parse, visible, with_name, written
from syncd.adapters.micropub.options import Options
from syncd.adapters.multipart import File as Part
from syncd.adapters.slug import slug_of, twins
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Media, Post, RemoteRef, RemoteState, WriteResult, Wrote

_FRESH = timedelta(seconds=10)
"""How long a look that found nothing saves a create its own."""


class MicropubAdapter(ArticleAdapter):
    """One site with a Micropub endpoint. Class C where the address of an entry is known before it is made; else parked, since
    Micropub has no search."""

    kind: ClassVar[str] = "micropub"
    cms: ClassVar[str] = "the site"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        super().__init__(site, tools, refused_files=options.refused_files)
        self._options = options
        self._api = Endpoint(tools.client, options.api_url, options.token.get_secret_value())
        self._media_url = options.media_url
        self._absent: dict[str, datetime] = {}
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, token, what the endpoint says it can do, the look-up, rights, files, clock."""
        checker = Checker(self._api, self._options, self._public_url)
        report = await checker.run(declared(self._options))
        self._media_url, self.capabilities = checker.media_url, report.capabilities
        return report

    async def standing(self, ref: RemoteRef) -> Standing:
        """Whether an entry that the endpoint took for later (202) is there by now."""
        try:
            return Standing(self._ref(await self._get(ref.id)))
        except NotFound:
            if ref.state is not RemoteState.PENDING:
                raise
            return Standing(ref, "waiting_for_importer", hint="the site has taken the entry and not made it yet")

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        """Remove entries that late requests of ours made, at the addresses that a taken slug gives, as long as our seal of this
        key is unbroken; whatever else stands there and bears our key is told and left alone."""
        removed = []
        for slug in twins(slug_of(key))[1:]:
            twin = await self._there(self._options.address_of(slug, self._public_url))
            if twin is None or twin.id == keep.id or key not in (twin.opened.key, twin.native.key):
                continue
            if twin.opened.whole:
                await self._remove(twin, checked=False)
                removed.append(self._ref(twin))
            elif self._tools.log is not None:
                self._tools.log.warning("twin_left", key=key, kept=keep.id, twin=twin.id,
                                        hint="a second entry bears this document's key: look at it at the site")
        return tuple(removed)

    # Reading

    def _address(self, key: str) -> str:
        return self._options.address_of(slug_of(key), self._public_url)

    async def _look_up(self, key: str) -> Article | None:
        """At the address of our slug. What bears another key is not ours, and is no place for us."""
        address = self._address(key)
        found = await self._there(address) if address else None
        if found is None:
            now = self._tools.now()
            self._absent = {each: seen for each, seen in self._absent.items() if now - seen < _FRESH} | {key: now}
            return None
        return found if self._is_ours(found, key) else None

    def _is_ours(self, found: Article, key: str) -> bool:
        """Raises NotApplied where nothing tells whose it is: an endpoint may answer with any entry."""
        told = {found.native.key, found.opened.key} - {""}
        if told or found.native.placed:
            return key in told or not told
        raise NotApplied("not_recognised", f"nothing tells whose {found.id} is", where=found.id,
                         hint="name a property in key_property that the site keeps, and look at that entry")

    async def _there(self, address: str) -> Article | None:
        try:
            return await self._get(address)
        except NotFound:
            return None

    async def _get(self, id: str) -> Article:
        if not id.startswith(("http://", "https://")):
            raise NotFound("not_found", f"{id[:40]!r} is no address of an entry", hint="give the entry's own address")
        properties, _ = await self._api.source(id)
        return parse(properties, id, self._options)

    async def _settled(self, after: Article) -> Article:
        """What the site made of it. It was answered: what can't be read back now is looked at with the next write."""
        if after.state is RemoteState.PENDING:
            return after
        try:
            return await self._get(after.id)
        except AdapterError:
            return after

    # Writing

    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        """A slug is only a suggestion: what was made elsewhere is taken back, since nobody would find it again."""
        if state is not RemoteState.PUBLIC and not self._options.post_status:
            raise Rejected("state", "no_drafts", "the site takes no drafts", hint="set post_status, or post_as to publish")
        properties = self._new(post, content, state)
        await self._refuse_taken(post.key)
        address, is_there = await self._api.create(properties)
        wanted = self._address(post.key)
        if wanted and not is_same_place(address, wanted):
            return await self._moved(address, post, content, state, files)
        if not (is_there or self._options.queued):
            raise Unknown("accepted_only", f"{address} was accepted and is not there yet", where=address,
                          hint=f"{PATIENCE}; where that is usual, set queued")
        return _sent(wanted or address, content, state if is_there else RemoteState.PENDING)

    def _new(self, post: Post, content: Content, state: RemoteState) -> dict[str, list[Any]]:
        options = self._options
        now = (post.sent or self._tools.now()).astimezone(self._zone)
        made = {**written(content, options), "category": [options.category(post.column)], "mp-slug": [slug_of(post.key)],
                "published": [now.isoformat(timespec="seconds")], "mp-syndicate-to": list(options.syndicate_to)}
        if options.key_property:
            made[options.key_property] = [post.key]
        if options.post_status:
            made["post-status"] = ["published" if state is RemoteState.PUBLIC else "draft"]
        return {name: values for name, values in made.items() if values}

    async def _refuse_taken(self, key: str) -> None:
        """Before, since a site may write over what stands at a slug. The engine has just looked: then not again."""
        looked = self._absent.pop(key, None)
        if looked is not None and self._tools.now() - looked < _FRESH:
            return
        if await self._look_up(key) is not None:
            raise Conflict("exists", f"the site has {key} already", hint="it is found by its key")
        self._absent.pop(key, None)

    async def _moved(
        self, address: str, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...],
    ) -> Article:
        """Somebody was quicker, or the entry of this key was deleted and keeps its address: then it is undeleted."""
        await self._take_back(address)
        if await self._look_up(post.key) is not None:
            raise Conflict("exists", f"the site has {post.key} already", hint="it is found by its key")
        wanted = self._address(post.key)
        found = await self._look_up(post.key) if await self._undeleted(wanted) else None
        if found is None:
            raise Rejected("mp-slug", "slug_rewritten", f"the site made {address} where {wanted} was to stand",
                           hint="compare address in this site's options with the addresses of its entries, and look whether an "
                                "entry stood there that was deleted and this token may not undelete")
        return await self._change(found, Change(content, state, post.column, files))

    async def _undeleted(self, address: str) -> bool:
        """False where nothing was deleted there, or the token may not."""
        try:
            await self._api.act("undelete", address)
        except (Rejected, NotFound, AuthFailed):
            return False
        return True

    async def _take_back(self, address: str) -> None:
        try:
            await self._api.act("delete", address)
        except NotFound:
            return
        except AdapterError as error:
            raise Unknown("entry_left", f"{address} could not be taken back: {error.message}",
                          hint="delete that entry at the site, and compare address in this site's options") from error

    async def _change(self, before: Article, change: Change) -> Article:
        """Only what differs: what editors set beside it stays."""
        values = written(change.content, self._options) if change.content else {}
        if change.state is not None and self._options.post_status:
            values["post-status"] = ["published" if change.state is RemoteState.PUBLIC else "draft"]
        added = {} if change.column is None else {"category": [self._options.category(change.column)]}
        what: dict[str, Any] = {"replace": {name: value for name, value in values.items() if value}, "add": added,
                "delete": [name for name, value in values.items() if not value]}
        what = {name: value for name, value in what.items() if value}
        if not what:
            return before
        address = await self._api.act("update", before.id, **what)
        content = change.content or Content(before.title, before.html, before.summary, before.tracked)
        state = change.state or before.state
        return replace(_sent(address, content, state), first=before.first)

    async def _take_down(self, before: Article, how: How, *, checked: bool) -> Article | None:
        after = await super()._take_down(before, how, checked=checked)
        return await self._settled(after) if after else None

    async def _remove(self, before: Article, *, checked: bool) -> None:
        """An endpoint may refuse what is gone as it refuses anything."""
        try:
            await self._api.act("delete", before.id)
        except Rejected:
            await self._get(before.id)
            raise

    async def _is_elsewhere(self, before: Article, post: Post) -> bool:
        return self._options.category(post.column) not in before.native.categories

    def _key_of(self, before: Article) -> str:
        return before.native.key or before.opened.key or before.id.rstrip("/").rpartition("/")[2]

    def _fields(self, post: Post) -> Mapping[str, Any]:
        return {self._options.source_property: post.source_url} if self._options.source_property else {}

    def _content(self, post: Post, placed: Placed, times: Times) -> Content:
        """The summary as plain text, cut visibly."""
        summary = cut(" ".join((post.summary or visible(post.html)).split()), self._options.max_summary)
        return replace(super()._content(post, placed, times), summary=summary)

    def _held_back(self, after: Article, state: RemoteState) -> tuple[str, ...]:
        return () if after.state is RemoteState.PENDING else super()._held_back(after, state)

    def _result(self, after: Article, outcome: Wrote, content: Content | None, losses: tuple[str, ...]) -> WriteResult:
        """What was sent is no word of what is stored."""
        result = super()._result(after, outcome, content, losses)
        return result if after.native.read else replace(result, stored=None)

    # Files

    def _stays(self, media: Media) -> str:
        if self.capabilities.media == "none":
            return "files are not copied here"
        return "the site takes pictures only" if self._options.files == "pictures" and not is_picture(media) else ""

    async def _send_file(self, media: Media, data: bytes, before: Article | None) -> File:
        name = name_of(media)
        if not self._media_url:
            told, _ = await self._api.config()
            self._media_url = media_endpoint(told)
        if not self._media_url:
            raise Rejected("media", "no_files", "the endpoint names no media endpoint", hint="write it into media_url")
        url = await self._api.upload_to(self._media_url, Part("file", name, media.type, data))
        named = with_name(url, name)
        return File(named, named, name)

    async def _remove_file(self, file: File) -> None:
        raise NotApplied("no_removal", "Micropub removes no files", where=file.url,
                         hint="remove it at the site, if nobody may read it any more")


def declared(options: Options) -> Capabilities:
    """What a site can do by Micropub for a token with all scopes; check() fits it."""
    known = bool(options.address)
    return Capabilities(
        drafts=options.post_status, delete=True, notice=options.withdraw == "notice",
        taxonomy="fixed" if options.columns else "free", media="none" if options.files == "none" else "endpoint",
        lookup="path" if known else "none", unique="app" if known else "none", conditional_update="check_then_act",
        html="filtered", max_title=options.max_title, max_body=options.max_body, max_concurrency=2, reads=True, sweeps=known,
        awaits=options.queued,
    )


def _sent(address: str, content: Content, state: RemoteState) -> Article:
    """As it was sent, until it is read back."""
    shown = address if state in (RemoteState.PUBLIC, RemoteState.PENDING) else ""
    return Article(address, content.title, content.html, state, shown, content.summary, dict(content.fields),
                   native=Native(read=False))
