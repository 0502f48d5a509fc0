"""The MediaWiki adapter: a page a document, found by its key, changed only on top of the revision that was looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, How, SiteConfig, Tools
from syncd.adapters.credit import Times
from syncd.adapters.mediawiki.check import Checker
from syncd.adapters.mediawiki.files import Placed, Shelf
from syncd.adapters.mediawiki.names import page_name
from syncd.adapters.mediawiki.options import Options
from syncd.adapters.mediawiki.page import Composed, Name, compose, compose_notice, same
from syncd.adapters.mediawiki.pages import Page, Pages, Written, address
from syncd.adapters.mediawiki.session import Wiki
from syncd.errors import Conflict, NotApplied, NotFound, Rejected, StoreError
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote


class MediaWikiAdapter:
    """One wiki. Class A: a page's name is unique in it, and an edit names the revision on whose top it goes."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "mediawiki"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        self._options = options
        self._public_url = site.public_url
        self._zone = ZoneInfo(site.timezone)
        self._tools = tools
        self._wiki = Wiki(tools.client, options, tools.now)
        self._pages = Pages(self._wiki, options.key_pages)
        self._shelf = Shelf(self._wiki, options.refused_files)
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, log-in, rights, uploads, names, version, clock; changes nothing."""
        report = await Checker(self._wiki, self._options).run(self.capabilities)
        self.capabilities = report.capabilities
        return report

    async def find(self, key: str) -> RemoteRef | None:
        """By the page of the key, which leads to the post wherever it was moved."""
        found = await self._pages.find(key)
        return await self._ref(found) if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Files, the page of the key, the page. Raises Conflict("exists") for a key that has one."""
        if state is RemoteState.DRAFT:
            raise Rejected("state", "no_drafts", "a wiki has no drafts, and this route wants them",
                           hint='set post_as = "publish" in the route')
        placed = await self._shelf.place(post, self._bytes(post))
        times = Times(self._zone, post.sent or self._tools.now())
        composed: dict[str, Composed] = {}

        def text(name: str) -> str:
            composed[name] = self._composed(post, name, placed, times)
            return composed[name].text

        made = await self._pages.make(post.title, post.key, text, f"转载 r{post.revision}")
        return await self._result(post, made, next(reversed(composed.values())), Wrote.CREATED, placed.losses)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """The page keeps its name; one that was renamed at the site, too."""
        bytes_of = self._bytes(post)
        before = await self._pages.get(ref.id)
        _compare(before, if_version)
        placed = await self._shelf.place(post, bytes_of)
        first = before.opened.first if before.state is RemoteState.PUBLIC else None
        composed = self._composed(post, before.name, placed, Times(self._zone, post.sent or self._tools.now(), first))
        if same(before.text, composed.text):
            return WriteResult(await self._ref(before), Wrote.UNCHANGED, placed.losses)
        after = await self._pages.change(before, composed.text, f"更正 r{post.revision} ({post.key})")
        left = await self._forget(before, frozenset(placed.names.values()))
        return await self._result(post, after, composed, Wrote.UPDATED, (*placed.losses, *left))

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """notice: the text gives way to a notice at the same address; delete: page and files are removed."""
        gone = replace(ref, state=RemoteState.WITHDRAWN, version="")
        try:
            before = await self._pages.get(ref.id)
            if how == "notice" and before.state is RemoteState.WITHDRAWN:
                return WriteResult(await self._ref(before), Wrote.ALREADY)
            _compare(before, if_version)
            if how == "delete":
                left = await self._pages.remove(before, before.opened.key, "撤回")
                return WriteResult(gone, Wrote.WITHDRAWN, (*left, *await self._forget(before)))
            after = await self._noticed(before)
        except NotFound:
            return WriteResult(gone, Wrote.ALREADY)
        left = await self._forget(before)
        return WriteResult(await self._written(after, RemoteState.WITHDRAWN), Wrote.WITHDRAWN, left)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """The text as the wiki shows it; our own credit is left out as long as nobody has changed it."""
        page, html = await self._pages.shown(ref.id)
        return RemoteDoc(await self._ref(page), page.opened.key, page.title, html)

    async def aclose(self) -> None:
        """Nothing is kept open."""

    # Parts of it

    def _bytes(self, post: Post) -> dict[str, bytes]:
        """The files, read before anything is written."""
        try:
            return {media.sha256: self._tools.blobs.read(media.sha256) for media in post.media}
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    def _composed(self, post: Post, name: str, placed: Placed, times: Times) -> Composed:
        column = self._options.columns.get(post.column, post.column)
        return compose(post, Name(name, self._options.display_titles), placed.names, page_name(column) if column else "", times)

    async def _noticed(self, before: Page) -> Written:
        opened = before.opened
        name = Name(before.name, self._options.display_titles)
        composed = compose_notice(opened, opened.key or "-", name, before.title, Times(self._zone, self._tools.now()))
        return await self._pages.change(before, composed.text, f"撤回 ({opened.key})")

    async def _forget(self, before: Page, kept: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Remove the files that the page showed and shows no more."""
        names = [name for name in before.opened.files if name not in kept]
        return await self._shelf.remove(names, allowed=self.capabilities.delete) if names else ()

    async def _result(
        self, post: Post, after: Written, composed: Composed, outcome: Wrote, losses: tuple[str, ...],
    ) -> WriteResult:
        """What is stored is exactly what was sent, in wikitext; how it shows, `read` tells."""
        title = Page(after.id, after.name, after.revision, "", composed.text).title
        told = (f"the title is written {title!r}",) if title != post.title else ()
        ref = await self._written(after, RemoteState.PUBLIC)
        return WriteResult(ref, outcome, (*losses, *composed.losses, *told))

    async def _written(self, after: Written, state: RemoteState) -> RemoteRef:
        general = (await self._wiki.opened()).general
        return RemoteRef(after.id, address(self._public_url, general, after.name), after.revision, state)

    async def _ref(self, page: Page) -> RemoteRef:
        session = await self._wiki.opened()
        other = page.user if page.user != session.name else None
        return RemoteRef(page.id, address(self._public_url, session.general, page.name), page.revision, page.state, other)


def declared(options: Options) -> Capabilities:
    """What a wiki can do for an account with all rights; check() fits it."""
    return Capabilities(
        delete=True, notice=options.withdraw == "notice", taxonomy="free", media="endpoint", lookup="path", unique="server",
        conditional_update="server", html="wikitext", max_body=2 * 1024 * 1024, max_concurrency=4, reads=True,
    )


def _compare(before: Page, if_version: str | None) -> None:
    if if_version is not None and before.revision != if_version:
        raise Conflict("version", f"page {before.name} was changed at the site", hint="compare the revisions in its history")
