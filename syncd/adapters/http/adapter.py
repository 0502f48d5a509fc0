"""The declared adapter: a CMS that has no adapter of its own, by what config says of its requests and answers."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar
from urllib.parse import urljoin

from pydantic import BaseModel

from syncd.adapters.api import CheckReport, How, SiteConfig, Tools
from syncd.adapters.http import bodies
from syncd.adapters.http.answers import Page, Part
from syncd.adapters.http.calls import Already, Caller, Told, half_done
from syncd.adapters.http.check import Checker
from syncd.adapters.http.login import Door
from syncd.adapters.http.options import Search, States
from syncd.adapters.http.plan import Options, Step, plan
from syncd.adapters.http.values import Values, Writer, is_notice, notice, plain_text, upload_of
from syncd.adapters.http.wire import Wire
from syncd.adapters.multipart import File
from syncd.core import visible
from syncd.errors import AdapterError, Conflict, NotApplied, NotFound, Rejected, StoreError, Unknown
from syncd.model import Media, Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

T = TypeVar("T")
_FRESH = 10.0
"""Seconds for which a look-up that found nothing counts for the create that follows it."""
_REMEMBERED = 1000
"""How many such look-ups, and addresses of files that were sent, are remembered; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A post as the CMS tells it. whole: title and text were told."""

    ref: RemoteRef
    key: str
    title: str
    html: str
    whole: bool = False

    def doc(self) -> RemoteDoc:
        return RemoteDoc(self.ref, self.key, self.title, self.html)


class HttpAdapter:
    """One site whose CMS is declared. What is not declared can't be done, and is not promised."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "http"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        self._options, self._site, self._tools = options, site, tools
        self._plan = plan(options)
        wire = Wire(tools.client, options.api_url, tools.now, options.timeout)
        self._door = Door(self._plan.login, wire, options.api_url, tools.now)
        self._caller = Caller(options, options.api_url, wire, self._door)
        self._writer = Writer(site, options.unencodable)
        self._uploaded: dict[str, str] = {}
        self._absent: dict[str, float] = {}
        self._hashes = bool(self._plan.read) and not any("version" in step.fields for step in self._plan.read)
        self.capabilities = self._plan.capabilities

    async def check(self) -> CheckReport:
        """Reach and log-in on the declared route, that a key which nobody has is not found, charsets, clock."""
        return await Checker(self._plan, self._caller, self._door, self.find, self._values).run()

    async def find(self, key: str) -> RemoteRef | None:
        """The post with this very key, by the declared look-up."""
        found = await self._search(key)
        if found is None:
            _remember(self._absent, key, self._tools.now().timestamp())
        return found.ref if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Saved, then published where that is a request of its own. Where the CMS does not refuse a key, it is looked up."""
        self._check_limits(post)
        if state is RemoteState.DRAFT and not self.capabilities.drafts:
            raise Rejected("state", "no_drafts", "the CMS is declared to have no drafts", hint='use post_as = "publish"')
        column = self._column(post)
        await self._refuse_twin(post.key)
        addresses, losses = await self._place(post)
        values = self._writer.of_post(post, state, column, addresses, self._tools.now())
        before = await self._listed_ids(values)
        told = await self._caller.run(self._plan.create, values)
        try:
            stored = await self._saved(post, state, values, told, before)
        except AdapterError as error:
            raise half_done(error) from None
        if stored.key not in ("", post.key):
            await self._undo(stored, told.own_id)
        return self._result(stored, Wrote.CREATED, values, losses)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """Conditional as the CMS is declared: by itself, or by a look just before."""
        if not self._plan.update:
            raise Rejected("", "no_update", "options.update is not declared", hint="declare it, or correct the post by hand")
        self._check_limits(post)
        column = self._column(post)
        await self._compare(ref, if_version)
        addresses, losses = await self._place(post)
        values = self._writer.of_post(post, state, column, addresses, self._tools.now())
        values.learn(id=ref.id, version=if_version or "", url=ref.url)
        told = await self._run(self._plan.update, values)
        fields = {"id": ref.id, "url": ref.url, **told} if ref.url else {"id": ref.id, **told}
        try:
            stored = await self._finished(post, state, values, fields)
        except AdapterError as error:
            raise half_done(error, compares=self._options.conditional != "none") from None
        return self._result(stored, Wrote.UPDATED, values, losses)

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """By the declared requests of this kind; gone already, or withdrawn already, is ALREADY."""
        steps = self._plan.withdraw.get(how)
        if not steps:
            raise Rejected("", "no_withdraw", f"options.withdraw.{how} is not declared",
                           hint="declare it, or withdraw the post by hand")
        try:
            before = await self._before(ref, if_version)
            now_there = before.ref if before else ref
            if now_there.state is RemoteState.WITHDRAWN and how != "delete":
                return WriteResult(now_there, Wrote.ALREADY)
            await self._caller.run(steps, self._of_stored(ref, before, if_version))
            after = await self._reread(ref) if how != "delete" else None
        except (NotFound, Already):
            return WriteResult(replace(ref, version="", state=RemoteState.WITHDRAWN), Wrote.ALREADY)
        left = after.ref if after else replace(ref, version="")
        return WriteResult(replace(left, state=RemoteState.WITHDRAWN), Wrote.WITHDRAWN)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What is stored, as the declared requests tell it."""
        return (await self._read(ref.id, ref)).doc()

    async def aclose(self) -> None:
        """Nothing is kept open; the session ends with the CMS's own patience."""

    # Looking

    def _values(self, **more: Any) -> Values:
        return self._writer.of_site(self._tools.now(), **more)

    async def _search(self, key: str) -> Stored | None:
        step = self._plan.find
        if step is None:
            return None
        columns = dict.fromkeys(self._options.columns.values()) if step.by_column else {"": None}
        for column in columns:
            if (found := await self._search_in(step, key, column)) is not None:
                return found
        return None

    async def _search_in(self, step: Step, key: str, column: str | int) -> Stored | None:
        try:
            async for told in self._rows(step, self._values(key=key, column=column)):
                if (found := await self._verified(step, told, key)) is not None:
                    return found
        except NotFound as error:
            if step.search and step.search.rows:  # a list is always there: it is its address that is wrong
                raise NotApplied("no_route", error.message, where=error.where, hint="check options.find.url") from None
        return None

    async def _rows(self, step: Step, values: Values) -> AsyncIterator[dict[str, str]]:
        """The facts of each row, page by page; a page without rows is the last."""
        search = step.search
        assert search is not None  # a look-up is one
        for number in range(search.pages):
            values.learn(page=search.first + number * search.step)
            page = await self._caller.ask(step, values)
            rows = self._listed(step, search, page)
            for row in rows:
                yield self._caller.facts(step, page, values, row if search.rows else None)
            if not rows:
                return

    def _listed(self, step: Step, search: Search, page: Page) -> Sequence[Part | None]:
        """The rows of a page. A page that is not the list that it should be is never taken for one without rows."""
        if page.whole is None or (search.shows and not page.whole.found(search.shows)):
            raise self._no_list(step, f"the page has no {search.shows!r}")
        if not search.rows:
            return [page.whole]
        if step.kind == "json" and not page.whole.has(search.rows):
            raise self._no_list(step, f"{search.rows!r} finds nothing")
        return page.whole.rows(search.rows)

    def _no_list(self, step: Step, why: str) -> NotApplied:
        return NotApplied("not_understood", f"options.{step.place}: {why}",
                          hint="open the address: a log-in page, a firewall or an error page may stand in the way")

    async def _verified(self, step: Step, told: dict[str, str], key: str) -> Stored | None:
        """The post of a row, if it bears our key. A row that does not tell its key is opened."""
        id = told.get("id", "")
        if not id or ("key" in step.fields and told.get("key") != key):
            return None
        if not self._plan.read or (not self._hashes and {"key", "version", "state", "url"} <= told.keys()):
            return self._stored({"key": key, **told})
        try:
            found = await self._read(id, RemoteRef(id, told.get("url", "")))
        except NotFound:
            return None
        return found if found.key in ("", key) and (found.key or "key" in step.fields) else None

    async def _read(self, id: str, ref: RemoteRef | None = None) -> Stored:
        known = ref or RemoteRef(id)
        values = self._values(id=id, url=known.url, version=known.version)
        told = await self._run(self._plan.read, values)
        if "title" not in told:
            raise NotApplied("not_understood", f"the answer for post {id[:40]} shows no title",
                             hint="open the post in the CMS and correct options.read")
        fallback = {"id": id, "html": "", **({"url": known.url} if known.url else {})}
        return replace(self._stored(fallback | told, read=True), whole=True)

    def _stored(self, told: Mapping[str, str], *, read: bool = False) -> Stored:
        """Facts of a post in our words. read: by options.read, of whose facts alone a version may be made."""
        html, title = told.get("html", ""), self._title(told.get("title", ""))
        state = self._state(told.get("state", ""))
        if html and is_notice(html):
            state = RemoteState.WITHDRAWN
        version = "" if self._hashes else told.get("version", "")
        if self._hashes and read:
            version = _hash(state.value, title, html)
        by = told.get("modified_by", "")
        editor = by if by and by not in self._options.account else None
        ref = RemoteRef(told["id"], self._address(told, state), version, state, editor)
        return Stored(ref, told.get("key", ""), title, html, "title" in told and "html" in told)

    def _title(self, said: str) -> str:
        return bodies.whole(said, self._options.charset) if self._options.unencodable == "entity" else said

    def _state(self, said: str) -> RemoteState:
        states = self._options.states
        own = {name: RemoteState(name) for name in States.model_fields}
        known = {word: state for name, state in own.items() for word in getattr(states, name)}
        if said in known:
            return known[said]
        if not said or not known:
            return own.get(said, RemoteState.PUBLIC)
        raise NotApplied("unknown_state", f"the CMS calls its state {said[:40]!r}", hint="add it to options.states")

    def _address(self, told: Mapping[str, str], state: RemoteState) -> str:
        if state is RemoteState.DRAFT:
            return ""
        url = told.get("url", "")
        if self._plan.address is not None and not url:
            url = self._plan.address.text({**self._values().names, "auth": {}, "id": told["id"], "key": told.get("key", "")})
        return urljoin(f"{self._site.public_url}/", url) if url else ""

    # Before a write

    async def _refuse_twin(self, key: str) -> None:
        """Where neither server nor application refuses a second post with a key, a look does, unless one was just made."""
        if self.capabilities.unique == "server" or self._plan.find is None:
            return
        looked = self._absent.pop(key, None)
        if looked is not None and 0 <= self._tools.now().timestamp() - looked < _FRESH:
            return
        if await self._search(key) is not None:
            raise Conflict("exists", f"there is a post with the key {key}", hint="it is found by its key")

    async def _before(self, ref: RemoteRef, if_version: str | None) -> Stored | None:
        if not self._plan.read:
            return None
        before = await self._read(ref.id, ref)
        if self.capabilities.conditional_update == "check_then_act" and before.ref.state is not RemoteState.WITHDRAWN:
            _refuse_other(before, if_version)
        return before

    async def _compare(self, ref: RemoteRef, if_version: str | None) -> None:
        if self.capabilities.conditional_update == "check_then_act":
            _refuse_other(await self._read(ref.id, ref), if_version)

    def _check_limits(self, post: Post) -> None:
        can = self.capabilities
        if can.max_title is not None and len(post.title) > can.max_title:
            raise Rejected("title", "too_long", f"the title has {len(post.title)} characters, the CMS takes {can.max_title}",
                           hint="shorten it by hand, or raise max_title")
        if can.max_body is not None and len(post.html.encode("utf-8", "replace")) > can.max_body:
            raise Rejected("html", "too_large", f"the text is larger than max_body ({can.max_body} bytes)",
                           hint='post it as a link (form = "link"), or raise max_body')

    def _column(self, post: Post) -> str | int:
        columns = self._options.columns
        if columns and post.column not in columns:
            raise Rejected("column", "no_such_column", f"options.columns has no {post.column!r}",
                           hint=f"add {post.column!r} = the CMS's id of that column")
        return columns.get(post.column, post.column)

    # Files

    async def _place(self, post: Post) -> tuple[dict[str, str], tuple[str, ...]]:
        """Where the files of a post lie, and what was lost. A file is sent once, whatever becomes of the post."""
        data = {media.sha256: self._bytes(media) for media in post.media} if self.capabilities.media != "none" else {}
        if self.capabilities.media == "inline":
            return _inlined(post, data)
        if self._plan.upload is None:
            return {}, tuple(f"{media.name} stays at the source" for media in post.media)
        upload = self._plan.upload
        return {media.url: await self._upload(upload, post.key, media, data[media.sha256]) for media in post.media}, ()

    def _bytes(self, media: Media) -> bytes:
        try:
            return self._tools.blobs.read(media.sha256)
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    async def _upload(self, step: Step, key: str, media: Media, data: bytes) -> str:
        if media.sha256 in self._uploaded:
            return self._uploaded[media.sha256]
        values = self._values(file=upload_of(media, data), key=key)
        try:
            page = await self._caller.ask(step, values, (File(step.file, media.name, media.type, data),) if step.file else ())
        except Unknown as error:
            raise NotApplied("upload_in_doubt", f"the answer to the upload of {media.name} was lost", where=error.where,
                             hint="the post is as it was; the file is sent again") from error
        url = self._caller.facts(step, page, values).get("url", "")
        if not url:
            raise NotApplied("not_understood", f"the answer to the upload of {media.name} tells no address",
                             hint="correct options.upload.fields.url")
        return _remember(self._uploaded, media.sha256, urljoin(f"{self._site.public_url}/", url))

    # After a write

    async def _run(self, steps: tuple[Step, ...], values: Values) -> dict[str, str]:
        return (await self._caller.run(steps, values)).fields

    async def _saved(
        self, post: Post, state: RemoteState, values: Values, told: Told, before: Set[str],
    ) -> Stored:
        """A new post to its end: its id if the answer did not tell it, and published."""
        facts = told.fields
        if "id" not in facts:
            facts = {**await self._look_for(post, values, before), **facts}
        elif facts["id"] != told.own_id and not await self._may_be(facts["id"], post):
            raise Unknown("not_ours", f"the CMS took the post, and {facts['id'][:40]}, which a look told, has another key",
                          hint="look at the column in the CMS; syncd adopt takes the post that is there")
        values.learn(id=facts["id"], version=facts.get("version", ""), url=facts.get("url", ""))
        return await self._finished(post, state, values, facts)

    async def _listed_ids(self, values: Values) -> frozenset[str]:
        """What the list shows before a create: an older post of the same title is an editor's, and never ours."""
        listed = self._plan.listed
        rows = [row async for row in self._rows(listed, values)] if listed is not None else []
        return frozenset(row["id"] for row in rows if row.get("id"))

    async def _look_for(self, post: Post, values: Values, before: Set[str]) -> dict[str, str]:
        """Where a post stands that was just made: by its key, or by its title among those that the list did not show before,
        where that is all that a page shows."""
        if self._plan.find is not None:
            found = await self._search(post.key)
            if found is not None:
                return {"id": found.ref.id, **({"url": found.ref.url} if found.ref.url else {})}
        listed = self._plan.listed
        rows = [row async for row in self._rows(listed, values)] if listed is not None else []
        title = visible.normalise(post.title)
        new = [row for row in rows if row.get("id") and row["id"] not in before]
        same = [row for row in new if visible.normalise(row.get("title", "")) == title and await self._may_be(row["id"], post)]
        if len(same) != 1:
            raise Unknown("not_listed", f"the CMS took the post, and {len(same)} new posts of its title are shown",
                          hint="look at the column in the CMS; syncd adopt takes the post that is there")
        return same[0]

    async def _may_be(self, id: str, post: Post) -> bool:
        """False where `read` shows a key that is not the post's: nobody else's post is published or changed for ours."""
        if not any("key" in step.fields for step in self._plan.read):
            return True
        return (await self._read(id)).key in ("", post.key)

    async def _finished(self, post: Post, state: RemoteState, values: Values, told: dict[str, str]) -> Stored:
        if self._plan.publish and state is RemoteState.PUBLIC:
            told = {**told, **await self._run(self._plan.publish, values)}
        if self._plan.read and (self._hashes or not told.keys() >= {"title", "html", "url", "version"}):
            return await self._after(told, state)
        return self._believed(told, state)

    async def _after(self, told: dict[str, str], state: RemoteState) -> Stored:
        """What is stored now. The write is done: whatever fails from here is no reason to doubt it, but for its address."""
        try:
            return await self._read(told["id"], RemoteRef(told["id"], told.get("url", "")))
        except AdapterError as error:
            if "url" not in told and self._plan.address is None and state is RemoteState.PUBLIC:
                raise Unknown("unread", f"it was written, but could not be read: {error.message}", where=error.where,
                              hint="it is looked up before it is repeated") from error
            return self._believed({name: value for name, value in told.items() if name not in ("title", "html")}, state)

    def _believed(self, told: Mapping[str, str], state: RemoteState) -> Stored:
        """What the answers to the writes told. Where they tell no state it is the one that was asked for."""
        stored = self._stored(told)
        if "state" in told:
            return stored
        url = "" if state is RemoteState.DRAFT else stored.ref.url
        return replace(stored, ref=replace(stored.ref, state=state, url=url))

    async def _undo(self, stored: Stored, own_id: str) -> None:
        """The CMS has the key already and gave the post another one: it goes, or all is in doubt. own_id: told by the create's
        own answer; a post whose id it did not tell may be another's, and stays."""
        steps = self._plan.withdraw.get("delete")
        try:
            if own_id != stored.ref.id:
                raise Rejected("", "not_ours", "the answer to create did not tell its id")
            if not steps:
                raise Rejected("", "no_withdraw", "options.withdraw.delete is not declared")
            await self._caller.run(steps, self._of_stored(stored.ref, stored, stored.ref.version))
        except (AdapterError, Already) as error:
            raise Unknown("renamed", f"the CMS made {stored.key[:60]!r} of the key, and it could not be removed: {error}",
                          hint=f"delete post {stored.ref.id} in the CMS") from error
        raise Conflict("exists", f"the CMS made {stored.key[:60]!r} of the key", hint="it is found by its key")

    async def _reread(self, ref: RemoteRef) -> Stored | None:
        try:
            return await self._read(ref.id, ref) if self._plan.read else None
        except AdapterError:
            return None

    def _of_stored(self, ref: RemoteRef, before: Stored | None, if_version: str | None) -> Values:
        title = before.title if before else ""
        lang = "zh" if not title or any("\u3400" <= char <= "\u9fff" for char in title) else "en"
        version, key, html = (before.ref.version, before.key, before.html) if before else ("", "", "")
        return self._values(
            id=ref.id, url=ref.url, version=if_version or version, key=key, title=title, html=html, notice_title=title,
            notice_html=notice(lang), lang=lang,
        )

    def _result(self, stored: Stored, outcome: Wrote, values: Values, losses: tuple[str, ...]) -> WriteResult:
        """What stands around the text is the template's business; that the text itself is there whole is ours."""
        doc, losses = stored.doc() if stored.whole else None, (*losses, *values.losses)
        if doc is not None and visible.normalise(doc.title) != visible.normalise(values.names["title"]):
            losses = (*losses, "the CMS rewrote the title")
        if doc is not None and _words(values.names["html"]) not in _words(doc.html):
            losses = (*losses, "the CMS rewrote the text")
        return WriteResult(stored.ref, outcome, losses, doc)


def _remember(kept: dict[str, T], name: str, value: T) -> T:
    kept.pop(name, None)
    kept[name] = value
    if len(kept) > _REMEMBERED:
        del kept[next(iter(kept))]
    return value


def _refuse_other(before: Stored, if_version: str | None) -> None:
    if if_version and before.ref.version != if_version:
        raise Conflict("version", f"post {before.ref.id} was changed at the site", hint="look at it in the CMS")


def _inlined(post: Post, data: Mapping[str, bytes]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Pictures as data inside of the text; other files stay links to their source."""
    pictures = [media for media in post.media if media.type.startswith("image/")]
    addresses = {media.url: f"data:{media.type};base64,{base64.b64encode(data[media.sha256]).decode()}" for media in pictures}
    return addresses, tuple(f"{media.name} stays at the source" for media in post.media if media not in pictures)


def _words(markup: str) -> str:
    return visible.normalise(plain_text(markup))


def _hash(*told: str) -> str:
    return hashlib.sha256("\0".join(told).encode("utf-8", "replace")).hexdigest()[:24]
