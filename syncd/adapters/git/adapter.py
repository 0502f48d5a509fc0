"""The git adapter: a page a commit, pushed only onto the tip that was looked at; whoever pushed first is looked at again."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckReport, How, SiteConfig, Tools
from syncd.adapters.credit import Times
from syncd.adapters.git import page as pages
from syncd.adapters.git.check import Checker
from syncd.adapters.git.clone import Broken, Change, Clone, Committed, File
from syncd.adapters.git.layouts import LAYOUTS
from syncd.adapters.git.options import Options
from syncd.adapters.git.page import Page, Place
from syncd.adapters.markup import path_name
from syncd.errors import AdapterError, AuthFailed, ConfigError, Conflict, NotApplied, NotFound, StoreError
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

T = TypeVar("T")

_TRIES = 6
"""Pushes at most while others push in between: each of them is one look and one commit of theirs."""
_SUBJECT = 60
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class _Standing:
    """A page at a tip. place: its file, and the address that it keeps."""

    name: str
    file: File
    page: Page
    data: bytes

    @property
    def place(self) -> Place:
        return Place(self.file.path, self.page.address)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done at a tip. change None: nothing. result: made of the commit's hashes when it is there."""

    change: Change | None
    result: Callable[[Committed | None], WriteResult]


class GitAdapter:
    """One branch of one repository. Class A: a page's name is unique in it, and a push is refused when the tip moved."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "git"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        folder = options.clone or tools.folder
        if folder is None:
            raise ConfigError(["clone: missing; write the folder in which the clone is kept"])
        self._options = options
        self._tools = tools
        self._zone = ZoneInfo(site.timezone)
        self._base = site.public_url.rstrip("/")
        self._layout = LAYOUTS[options.layout]
        self._clone = Clone(Path(folder), options, tools.network)
        self.capabilities = Capabilities(
            drafts=True, unpublish=options.withdraw != "delete", delete=True, notice=options.withdraw == "notice",
            taxonomy="free", media="inline", lookup="path", unique="server", conditional_update="compare_and_set",
            reads=True, lists=True,
        )

    async def check(self) -> CheckReport:
        """Reach, branch, the right to push (by a push that is only rehearsed), and the site's layout; changes nothing."""
        return await Checker(self._options, self._tools, self._layout).run(self.capabilities)

    async def find(self, key: str) -> RemoteRef | None:
        """By the name of the page's folder, wherever it was moved, at the tip that the server has now."""
        async with self._clone.open():
            tip, found = await self._looked(lambda tip: self._named(tip, path_name(key, "k"), key))
            return await self._whole_ref(tip, found) if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        files = self._bytes(post)
        return await self._change(lambda tip: self._creation(tip, post, state, files))

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        files = self._bytes(post)
        return await self._change(lambda tip: self._revision(tip, ref, post, state, if_version, files))

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """notice: the page says so at its address; unpublish: it is a draft that is not built; delete: its files are gone."""
        return await self._change(lambda tip: self._withdrawal(tip, ref, how, if_version))

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What the page's file says at the server's tip."""
        async with self._clone.open():
            tip, found = await self._looked(lambda tip: self._at(tip, ref))
            if found is None:
                raise _gone(ref)
            return self._doc(found, await self._whole_ref(tip, found))

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """Every page with our mark whose key starts with prefix."""
        async with self._clone.open():
            tip, files = await self._looked(lambda tip: self._clone.marked(tip, "<!--syncd:text-->"))
            docs = [await self._listed(tip, file) for file in files]
        for doc in docs:
            if doc.key and doc.key.startswith(prefix):
                yield doc

    async def aclose(self) -> None:
        """Nothing is kept open; the private key leaves the disk."""
        self._clone.forget()

    # Looking

    async def _looked(self, look: Callable[[str], Awaitable[T]]) -> tuple[str, T]:
        """Look at the server's tip; with a clone that is damaged, once more with a new one."""
        try:
            tip = await self._clone.fetch()
            return tip, await look(tip)
        except Broken:
            self._clone.discard()
        try:
            tip = await self._clone.fetch()
            return tip, await look(tip)
        except Broken as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Broken) -> NotApplied:
        said = " ".join(str(error).split())[:300]
        return NotApplied("clone_broken", said, where=str(self._clone.folder),
                          hint="a new clone is damaged too: look at the disk, and at the repository with git fsck")

    async def _named(self, tip: str, name: str, key: str = "") -> _Standing | None:
        """The page of a name; of several, one that says that it is this key's."""
        found = [await self._stood(name, file) for file in await self._clone.named(tip, name)]
        fitting = [each for each in found if not key or each.page.key in ("", key)]
        return min(fitting, key=lambda each: (each.page.key != key, each.file.path), default=None)

    async def _at(self, tip: str, ref: RemoteRef) -> _Standing | None:
        """The page of a ref: by its name if we made it, by its path if people did."""
        if "/" not in ref.id:
            return await self._named(tip, ref.id)
        file = await self._clone.at(tip, ref.id)
        return await self._stood(ref.id, file) if file else None

    async def _stood(self, name: str, file: File) -> _Standing:
        data = await self._clone.read(file)
        return _Standing(name, file, pages.open_page(data, self._layout), data)

    async def _listed(self, tip: str, file: File) -> RemoteDoc:
        found = await self._stood(file.path.rsplit("/", 2)[-2], file)
        return self._doc(found, await self._whole_ref(tip, found))

    async def _whole_ref(self, tip: str, found: _Standing) -> RemoteRef:
        author = await self._clone.author(tip, found.file.path)
        ours = author.rpartition("<")[2].rstrip(">").lower() == self._options.mail.lower()
        return replace(self._ref(found.name, found.page, found.file.blob), modified_by=None if ours else author or "unknown")

    def _ref(self, name: str, page: Page, blob: str) -> RemoteRef:
        shown = page.state is not RemoteState.DRAFT and page.address
        return RemoteRef(name, f"{self._base}/{page.address}" if shown else "", blob, page.state)

    def _doc(self, found: _Standing, ref: RemoteRef) -> RemoteDoc:
        return RemoteDoc(ref, found.page.key, found.page.title, found.page.html)

    # Changing

    async def _change(self, plan: Callable[[str], Awaitable[_Plan]]) -> WriteResult:
        async with self._clone.open():
            try:
                return await self._pushed(plan)
            except Broken:
                self._clone.discard()
            try:
                return await self._pushed(plan)
            except Broken as error:
                raise self._unusable(error) from error

    async def _pushed(self, plan: Callable[[str], Awaitable[_Plan]]) -> WriteResult:
        """Plan at the tip that we know, push onto it; where somebody else was quicker, look and plan again.

        What needs no push, or is refused, is only believed of the tip that the server has now.
        """
        tip = await self._clone.known()
        fresh = not tip
        for _ in range(_TRIES):
            if fresh:
                tip = await self._clone.fetch()
            try:
                planned = await plan(tip)
            except (Conflict, NotFound):
                if fresh:
                    raise
                fresh = True
                continue
            if planned.change is None and fresh:
                return planned.result(None)
            if planned.change is not None and (made := await self._landed(tip, planned.change)) is not None:
                return planned.result(made)
            fresh = True
        hint = "something pushes to this branch all the time: let it write elsewhere"
        raise NotApplied("others_push", f"{_TRIES} times somebody else pushed in between", after=5.0,
                         where=self._options.address, hint=hint)

    async def _landed(self, tip: str, change: Change) -> Committed | None:
        """None when the tip has moved meanwhile."""
        now = self._tools.now().astimezone(self._zone)
        made = await self._clone.commit(tip, change, f"{int(now.timestamp())} {now:%z}")
        return made if await self._clone.push(tip, made) == "done" else None

    def _bytes(self, post: Post) -> dict[str, bytes]:
        """The files, read before anything is written."""
        try:
            return {media.name: self._tools.blobs.read(media.sha256) for media in post.media}
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    async def _creation(self, tip: str, post: Post, state: RemoteState, files: dict[str, bytes]) -> _Plan:
        name = path_name(post.key, "k")
        if found := await self._named(tip, name):
            raise Conflict("exists", where=found.file.path, hint="it is found by its key")
        now = self._now(post)
        address = "/".join(part for part in (self._folder(post.column), f"{now:%Y}", name) if part) + "/"
        place = Place("/".join(part for part in (self._options.content, f"{address}index.html") if part), address)
        if (inside := await self._clone.solid(tip, place.folder)) is not None:
            raise AuthFailed("no_folder", f"{inside} is no folder of this repository", where=self._options.address,
                             hint="a submodule, link or file is in the way: name another folder in columns or content")
        text = self._composed(post, place, now, None, state)
        return self._written(name, place, post, text, files, (), Wrote.CREATED)

    async def _revision(
        self, tip: str, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None, files: dict[str, bytes],
    ) -> _Plan:
        found = await self._at(tip, ref)
        if found is None:
            raise _gone(ref)
        _compare(found, if_version)
        place = found.place if found.page.address else replace(found.place, address=self._address_of(found.file.path))
        now = self._now(post)
        unseen = found.page.state is RemoteState.DRAFT and state is not RemoteState.DRAFT
        first = None if unseen else found.page.first
        text = self._composed(post, place, now, first, state)
        names = {media.name for media in post.media}
        gone = tuple(f"{place.folder}/{name}" for name in found.page.files if name not in names)
        if not gone and set(found.page.files) == names and _same(text, found.data.decode("utf-8", "replace")):
            ref = await self._whole_ref(tip, found)
            return _Plan(None, lambda _: WriteResult(ref, Wrote.UNCHANGED, stored=self._doc(found, ref)))
        return self._written(found.name, place, post, text, files, gone, Wrote.UPDATED)

    async def _withdrawal(self, tip: str, ref: RemoteRef, how: How, if_version: str | None) -> _Plan:
        found = await self._at(tip, ref)
        if found is None:
            gone = replace(ref, state=RemoteState.WITHDRAWN, version="")
            return _Plan(None, lambda _: WriteResult(gone, Wrote.ALREADY))
        if found.page.state is RemoteState.WITHDRAWN and how != "delete":
            there = await self._whole_ref(tip, found)
            return _Plan(None, lambda _: WriteResult(there, Wrote.ALREADY))
        _compare(found, if_version)
        return self._taken_down(found, ref, how)

    def _taken_down(self, found: _Standing, ref: RemoteRef, how: How) -> _Plan:
        place, page = found.place, found.page
        own = tuple(f"{place.folder}/{name}" for name in page.files)
        message = _message("withdraw", page.title, page.key, page.revision)
        if how == "delete":
            gone = replace(ref, version="", state=RemoteState.WITHDRAWN)
            return _Plan(Change(message, {}, (place.path, *own)), lambda _: WriteResult(gone, Wrote.WITHDRAWN))
        # What was never public gets no notice either.
        if how == "unpublish" or page.state is RemoteState.DRAFT:
            text, own = pages.compose_hidden(page, place, pages.body_of(found.data, self._layout), self._layout), ()
        else:
            text = pages.compose_notice(page, place, Times(self._zone, self._tools.now()), self._layout)
        data = text.encode("utf-8", "replace")
        return _Plan(Change(message, {place.path: data}, own),
                     lambda made: self._result(found.name, place, data, made, Wrote.WITHDRAWN))

    def _written(
        self, name: str, place: Place, post: Post, text: str, files: dict[str, bytes], gone: tuple[str, ...], outcome: Wrote,
    ) -> _Plan:
        data = text.encode("utf-8", "replace")
        whole = {place.path: data, **{f"{place.folder}/{called}": each for called, each in files.items()}}
        verb = "publish" if outcome is Wrote.CREATED else "update"
        message = _message(verb, post.title, post.key, post.revision, post.document_number)
        return _Plan(Change(message, whole, gone), lambda made: self._result(name, place, data, made, outcome))

    def _result(self, name: str, place: Place, data: bytes, made: Committed | None, outcome: Wrote) -> WriteResult:
        assert made is not None  # only asked of a commit that was pushed
        page = pages.open_page(data, self._layout)
        ref = self._ref(name, page, made.blobs[place.path])
        return WriteResult(ref, outcome, stored=RemoteDoc(ref, page.key, page.title, page.html))

    def _composed(self, post: Post, place: Place, now: datetime, first: datetime | None, state: RemoteState) -> str:
        draft = state is RemoteState.DRAFT
        times = Times(self._zone, now, first, posted=not draft)
        return pages.compose(post, place, times, self._layout, with_credit=self._options.credit, extra=self._options.extra,
                             hidden=draft)

    def _now(self, post: Post) -> datetime:
        return (post.sent or self._tools.now()).astimezone(self._zone)

    def _folder(self, column: str) -> str:
        return self._options.columns.get(column, path_name(column, "lanmu"))

    def _address_of(self, path: str) -> str:
        """Where a generator puts a page that names no address."""
        below = path.removeprefix(f"{self._options.content}/") if self._options.content else path
        return f"{below.rpartition('/')[0]}/"


def _compare(found: _Standing, if_version: str | None) -> None:
    if if_version is not None and found.file.blob != if_version:
        raise Conflict("version", "the page was changed at the site", where=found.file.path,
                       hint="git log -p of that file shows by whom and how")


def _same(text: str, stored: str) -> bool:
    """But for the moment of the last change."""
    return pages.settled(text) == pages.settled(stored)


def _gone(ref: RemoteRef) -> AdapterError:
    return NotFound("gone", "the page is not there any more", where=ref.url or ref.id, hint="was it removed on purpose?")


def _message(verb: str, title: str, key: str, revision: int, number: str = "") -> str:
    """A commit's message: a line for people, trailers for machines; what comes from a document is one line each."""
    told = _one_line(title)
    short = told if len(told) <= _SUBJECT else f"{told[:_SUBJECT - 1]}…"
    trailers = [f"Syncd-Key: {key}", f"Syncd-Revision: {revision}"]
    trailers += [f"Syncd-Number: {_one_line(number)}"] if number.strip() else []
    return "\n".join([f"{verb}: {short}" if short else verb, "", *trailers, ""])


def _one_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
