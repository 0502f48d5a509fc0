"""The Mastodon adapter: one status per key, known by the mark in its link, made under a key that the server remembers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from syncd.adapters import note
from syncd.adapters.api import Capabilities, CheckReport, How, SiteConfig, Tools
from syncd.adapters.mastodon.api import api_of
from syncd.adapters.mastodon.check import Checker
from syncd.adapters.mastodon.options import Options
from syncd.adapters.mastodon.status import Status
from syncd.adapters.mastodon.timeline import Timeline
from syncd.core import visible
from syncd.errors import Conflict, NotApplied, NotFound, Rejected
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

USUAL = 500
"""Characters of a status where a server says nothing else."""
_JUST_NOW = timedelta(seconds=10)
_REMEMBERED = 3600.0
"""Seconds for which a server remembers a key: https://docs.joinmastodon.org/methods/statuses/#create"""


class MastodonAdapter:
    """One account of one server. Class C: a look finds every status of ours, the server makes no second one of a key for an
    hour, a sweep removes one that came later still; an update knows no condition."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "mastodon"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        self._options = Options.model_validate(site.options)
        self._tools = tools
        self._api = api_of(tools.client, self._options)
        self._timeline = Timeline(self._api, self._options)
        self._absent: tuple[str, datetime] | None = None
        self.capabilities = declared(self._options, self._options.max_characters or USUAL)

    async def check(self) -> CheckReport:
        """Reach, log-in, the account's statuses, length of a status, version, clock; fits max_shown to that length."""
        checker = Checker(self._api, self._options, self._timeline)
        report = await checker.run(lambda most: declared(self._options, most), USUAL)
        self.capabilities = report.capabilities
        return report

    async def find(self, key: str) -> RemoteRef | None:
        """The oldest status with our mark, a withdrawn one too."""
        mark = note.mark_of(key)
        found = await self._timeline.bearing(mark)
        self._absent = None if found else (mark, self._tools.now())
        return found[0].ref if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """A look, unless there was one just now, then the status under a key of the server's own."""
        if state is not RemoteState.PUBLIC:
            raise Rejected("state", "no_drafts", "Mastodon's API makes no drafts",
                           hint="post to this site as published, with approval in syncd: approve = \"review\"")
        if not self._is_absent(note.mark_of(post.key)) and await self.find(post.key) is not None:
            raise Conflict("exists", f"the account has a status of {post.key} already", hint="it is found by its key")
        text = self._note(post)
        made = await self._make(post, text)
        if not _says(made, text):
            raise Conflict("exists", f"the server gave status {made.id} back, which says something else",
                           where=made.url, hint="it is compared with what was to be said")
        return self._result(made, Wrote.CREATED, post)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """A look just before, then title, text and the lines below them; pictures and warnings of editors stay."""
        before = await self._timeline.get(ref.id)
        _compare(before, if_version)
        text = self._note(post)
        if _says(before, text):
            return WriteResult(before.ours, Wrote.UNCHANGED, self._losses(before, post), before.doc)
        return self._result(await self._put(before, text, post.lang), Wrote.UPDATED, post)

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """delete: the status is removed; notice: it gives way to a notice."""
        if how == "unpublish":
            raise Rejected("", "no_unpublish", "a status that was shown can't be hidden",
                           hint="set withdraw to delete or notice")
        try:
            before = await self._timeline.get(ref.id)
            if how == "notice" and before.state is RemoteState.WITHDRAWN:
                return WriteResult(before.ref, Wrote.ALREADY)
            _compare(before, if_version)
            return await self._take_down(before, how)
        except NotFound:
            return WriteResult(replace(ref, state=RemoteState.WITHDRAWN, version=""), Wrote.ALREADY)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """Title and text as the public is shown them, without our own last lines as long as nobody has changed these."""
        return (await self._timeline.get(ref.id)).doc

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        """Remove statuses of this key beside `keep`, which late requests made: sealed, and never changed. Others are told."""
        removed = []
        for twin in await self._timeline.bearing(note.mark_of(key)):
            if twin.id == keep.id:
                continue
            if twin.opened.whole and not twin.edited and not twin.opened.notice:
                await self._api.delete(f"/api/v1/statuses/{twin.id}")
                removed.append(twin.ref)
            elif self._tools.log is not None:
                self._tools.log.warning("twin_left", key=key, kept=keep.id, twin=twin.id,
                                        hint="a second status bears this document's mark: look at it")
        return tuple(removed)

    async def aclose(self) -> None:
        """Nothing is kept open."""

    @property
    def _most(self) -> int:
        return self.capabilities.max_shown or 0

    def _note(self, post: Post) -> str:
        return note.compose(post, self._most, self._options.columns.get(post.column, ""))

    def _is_absent(self, mark: str) -> bool:
        """Whether the last look, a moment ago, was for this mark and found nothing."""
        absent, self._absent = self._absent, None
        return absent is not None and absent[0] == mark and self._tools.now() - absent[1] < _JUST_NOW

    async def _make(self, post: Post, text: str) -> Status:
        """For a key whose status was deleted a server says 404 as long as it remembers it: then under another one."""
        document = {"status": text, "visibility": self._options.visibility, "language": post.lang}
        gone = self._timeline.last_gone(note.mark_of(post.key))
        for salt in (gone, f"{gone} again"):
            headers = {"idempotency-key": hashlib.sha256(f"{post.key} {salt}".encode()).hexdigest()}
            try:
                told = await self._api.send("POST", "/api/v1/statuses", document, creating=True, headers=headers)
            except NotFound:
                continue
            made = self._timeline.status(told, writes=True)
            self._timeline.learn(made)
            return made
        raise NotApplied("key_remembered", "the server remembers two deleted statuses of this document", after=_REMEMBERED,
                         where=self._api.root, hint="it forgets them within the hour; then it is posted by itself")

    async def _put(self, before: Status, text: str, lang: str) -> Status:
        document = {"status": text, "language": lang}
        told = await self._api.send("PUT", f"/api/v1/statuses/{before.id}", document)
        after = self._timeline.status(told, writes=True)
        if after.id != before.id:
            raise self._api.garbled(told.answer, writes=True)
        return after

    async def _take_down(self, before: Status, how: How) -> WriteResult:
        if how == "notice":
            lang = "en" if before.language == "en" else "zh"
            text = note.compose_notice(before.opened.mark, before.opened.title, lang, before.opened.source)
            return WriteResult((await self._put(before, text, lang)).ours, Wrote.WITHDRAWN)
        await self._api.delete(f"/api/v1/statuses/{before.id}")
        return WriteResult(RemoteRef(before.id, before.url, "", RemoteState.WITHDRAWN), Wrote.WITHDRAWN)

    def _result(self, after: Status, outcome: Wrote, post: Post) -> WriteResult:
        return WriteResult(after.ours, outcome, self._losses(after, post), replace(after.doc, ref=after.ours))

    def _losses(self, after: Status, post: Post) -> tuple[str, ...]:
        told = list(note.losses(post, self._most, "Mastodon"))
        if not _says(after, self._note(post)):
            told.append("Mastodon changed the text")
        if after.state is RemoteState.DRAFT:
            told.append(f"the status is {after.visibility}: not everybody may read it")
        return tuple(told)


def declared(options: Options, most: int) -> Capabilities:
    """What an account can do where a status has so many characters. html plain: notes are text."""
    return Capabilities(
        delete=True, notice=options.withdraw == "notice", lookup="tag", unique="app", conditional_update="check_then_act",
        html="plain", idempotency_key=True, reads=True, sweeps=True, max_shown=max(most - note.FRAME, 0), scripted=True,
    )


def _compare(before: Status, if_version: str | None) -> None:
    if if_version is not None and before.version != if_version:
        raise Conflict("version", f"status {before.id} was changed at the site", where=before.url,
                       hint="compare it with its history in Mastodon")


def _says(status: Status, text: str) -> bool:
    """Whether it is just this note: title, text and last lines."""
    return visible.normalise(status.text) == visible.normalise(text)
