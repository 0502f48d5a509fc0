"""The WordPress adapter: a draft first, published by its number; what is stored is what WordPress says, never what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from syncd.adapters import sealed
from syncd.adapters.api import Capabilities, CheckReport, How, SiteConfig, Tools
from syncd.adapters.credit import Times
from syncd.adapters.slug import is_twin, slug_of, twins
from syncd.adapters.wordpress import companion
from syncd.adapters.wordpress.check import Checker
from syncd.adapters.wordpress.columns import Columns
from syncd.adapters.wordpress.markup import harmless, harmless_title, plain_title
from syncd.adapters.wordpress.media import Shelf
from syncd.adapters.wordpress.options import Options
from syncd.adapters.wordpress.rest import Query, Rest, Told, garbled
from syncd.adapters.wordpress.slug import is_renamed, own
from syncd.adapters.wordpress.stored import FIELDS, STATUSES, Stored, parse
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, StoreError, Unknown
from syncd.model import Media, Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

_ALL = 20
"""Posts a page of `list`: each may hold a text of a megabyte."""
_TWINS_A_PAGE = 100


@dataclass(frozen=True, slots=True)
class _Text:
    """What a write puts into WordPress's fields."""

    title: str
    content: str
    excerpt: str

    def fields(self) -> dict[str, Any]:
        return {"title": self.title, "content": self.content, "excerpt": self.excerpt}


class WordpressAdapter:
    """One WordPress site. Class C: WordPress has no conditional update and no unique key of its own; class A with our
    companion plug-in there, which every answer tells, so that it may come and go while we run."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "wordpress"
    Options: ClassVar[type[BaseModel]] = Options

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        self._options = options
        self._public_url = site.public_url
        self._zone = ZoneInfo(site.timezone)
        self._tools = tools
        self._rest = Rest(tools.client, options)
        self._columns = Columns(self._rest, options)
        self._shelf = Shelf(self._rest, options)
        self._path = f"/wp/v2/{options.post_type}"
        self._me = 0
        self._has_revisions = True
        self._deaf = False
        self.capabilities = declared(options)

    async def check(self) -> CheckReport:
        """Reach, log-in, rights, columns, version, clock; fits the capabilities to the account and to the companion."""
        report = await Checker(self._rest, self._tools.client, self._options, self._columns, self._public_url).run(
            self.capabilities
        )
        self.capabilities, self._deaf = report.capabilities, False
        return report

    async def find(self, key: str) -> RemoteRef | None:
        """The post with our id; else the one with the slug of our key, the oldest; one in the trash only if there is no
        other."""
        found: Sequence[Stored] = await self._by_id(key) if self._guarded else ()
        found = found or [post for post in await self._search(own(slug_of(key))) if _may_be(post, key)]
        return await self._ref(min(found, key=lambda post: (post.status == "trash", post.id))) if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """A draft, its files, then published by its number: a request that arrives late makes a draft that nobody sees.

        Raises Conflict("exists") when the companion refuses a second one, or after removing our own, when WordPress gave
        it another slug.
        """
        guarded = self._guarded
        files = self._bytes(post)
        times = Times(self._zone, post.sent or self._tools.now(), posted=state is RemoteState.PUBLIC)
        column = await self._columns.number(post.column)
        text = self._text(post, {}, times)
        draft = await self._accepted(post, await self._draft(post, text, column), column)
        if guarded and draft.companion is None:
            await self._look_after(post, draft)
        return await self._finish(post, draft, text, state, times, files)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """By number only: editors may have changed the slug. A look just before is all the condition that WordPress
        allows; the companion compares once more, in the moment of the write."""
        files = self._bytes(post)
        before = await self._get(ref.id)
        self._compare(before, if_version)
        public = before.status == "publish"
        times = Times(self._zone, post.sent or self._tools.now(), before.published if public else None,
                      posted=public or state is RemoteState.PUBLIC)
        placed = await self._shelf.place(before.id, slug_of(post.key), post, files)
        text = self._text(post, placed.addresses, times)
        change = await self._moved(before, post, state)
        if not change and self._is_same(before, text):
            return WriteResult(await self._ref(before), Wrote.UNCHANGED, placed.losses, self._doc(before, ref))
        after = await self._write(
            before.id, {**text.fields(), **change, **_named(before, post)}, match=_match(before, if_version))
        self._check_public(after, state)
        left = await self._tidy(after, post, placed.addresses)
        return await self._result(after, Wrote.UPDATED, text, (*placed.losses, *left))

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """notice: the text gives way to a notice; unpublish: private, which answers 404; delete: into the trash."""
        try:
            before = await self._get(ref.id)
            if _is_withdrawn(before, how):
                return WriteResult(await self._ref(before), Wrote.ALREADY)
            self._compare(before, if_version)
            me = await self._account()
            after = await self._take_down(before, how, _match(before, if_version))
        except NotFound:
            return WriteResult(replace(ref, state=RemoteState.WITHDRAWN, version=""), Wrote.ALREADY)
        left = await self._shelf.tidy(before.id, slug_of(before.key), frozenset(), me=me)
        gone = RemoteRef(ref.id, ref.url, "", RemoteState.WITHDRAWN)
        return WriteResult(self._ours(after) if after else gone, Wrote.WITHDRAWN, left)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """Title and text as WordPress stores them; our own credit is left out as long as nobody has changed it."""
        found = await self._get(ref.id)
        return self._doc(found, await self._ref(found))

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """All posts of the account whose key starts with prefix, in every state, oldest first."""
        query: Query = {"author": await self._account(), "status": STATUSES, "context": "edit", "_fields": FIELDS}
        number, pages = 0, 1
        while number < pages:
            number += 1
            told = await self._rest.get(
                self._path, {**query, "orderby": "id", "order": "asc", "per_page": _ALL, "page": number})
            pages = told.pages
            for post in self._several(told):
                if post.key.startswith(prefix):
                    yield self._doc(post, await self._ref(post))

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        """Remove what late requests of ours made beside the post `keep`: posts by our account, with our seal of this key
        unbroken, whose every revision is ours. Whatever else bears such a slug is told and left alone."""
        removed = []
        for post in await self._search(twins(slug_of(key))):
            if str(post.id) == keep.id:
                continue
            ref = await self._ref(post)
            if post.author == await self._account() and post.opened.key == key and post.opened.whole and not ref.modified_by:
                await self._remove(post)
                removed.append(ref)
            elif self._tools.log is not None:
                self._tools.log.warning("twin_left", key=key, kept=keep.id, twin=ref.id, state=post.status,
                                        hint="a second post bears this document's address: look at it in WordPress")
        return tuple(removed)

    async def aclose(self) -> None:
        """Nothing is kept open."""

    # Reading

    async def _account(self) -> int:
        """Our account's number, from a route that needs the log-in."""
        if not self._me:
            told = await self._rest.get("/wp/v2/users/me", {"context": "edit", "_fields": "id"})
            if not isinstance(told.value, dict) or not isinstance(told.value.get("id"), int):
                raise garbled(told.answer, writes=False)
            self._me = told.value["id"]
        return self._me

    async def _get(self, id: str) -> Stored:
        if not id.isdecimal():
            raise NotFound("not_found", f"{id[:40]!r} is no number of a post", hint="give the post's number in WordPress")
        return self._stored(
            await self._rest.get(f"{self._path}/{id}", {"context": "edit", "_fields": FIELDS}), writes=False)

    async def _search(self, slugs: tuple[str, ...]) -> Sequence[Stored]:
        """Posts with one of these slugs, in every state, oldest first."""
        query: Query = {"slug": ",".join(slugs), "status": STATUSES, "context": "edit", "_fields": FIELDS,
                 "orderby": "id", "order": "asc", "per_page": _TWINS_A_PAGE}
        found = self._several(await self._rest.get(self._path, query))
        # A plug-in or a proxy that drops the parameter would return the newest posts of anybody.
        return sorted((post for post in found if post.slug in slugs), key=lambda post: post.id)

    async def _by_id(self, key: str) -> Sequence[Stored]:
        """The post with our id. WordPress alone would leave out the question and return the newest posts of anybody."""
        query: Query = {"syncd_id": companion.id_of(key), "status": STATUSES, "context": "edit", "_fields": FIELDS}
        found = self._several(await self._rest.get(self._path, query))
        return [post for post in found if post.companion is not None and post.companion.id == companion.id_of(key)]

    def _several(self, told: Told) -> Sequence[Stored]:
        posts = [parse(each) for each in told.value] if isinstance(told.value, list) else [None]
        if None in posts:
            raise garbled(told.answer, writes=False)
        good = [post for post in posts if post is not None]
        for post in good:
            self._notice(post.companion is not None)
        return good

    def _stored(self, told: Told, *, writes: bool) -> Stored:
        post = parse(told.value)
        if post is None:
            raise garbled(told.answer, writes=writes)
        self._notice(post.companion is not None)
        return post

    @property
    def _guarded(self) -> bool:
        """Whether the companion is taken to be there: by the last answer that could tell."""
        return self.capabilities.unique == "server"

    def _notice(self, there: bool) -> None:
        """Fit the capabilities to what an answer shows of the companion."""
        usable = there and not self._deaf
        if usable == self._guarded:
            return
        self.capabilities = companion.fitted(self.capabilities, there=usable)
        if not usable and self._tools.log is not None:
            self._tools.log.warning(
                "companion_lost", deaf=self._deaf,
                hint="a proxy takes If-Match out of our requests: let it through, then syncd check" if self._deaf
                else "the companion plug-in is not there any more: this site is of class C again until it is")

    async def _ref(self, post: Stored) -> RemoteRef:
        return RemoteRef(str(post.id), post.url(self._public_url), post.version, post.state, await self._editor(post))

    async def _editor(self, post: Stored) -> str | None:
        """Who saved the newest revision, if that was somebody else. Automatic saves of what an editor has open are no
        revisions: they change nothing. Without revisions nobody can tell, and the text itself must."""
        if not self._has_revisions:
            return None
        query: Query = {"context": "edit", "per_page": 10, "orderby": "id", "order": "desc", "_fields": "id,author,slug"}
        try:
            told = await self._rest.get(f"{self._path}/{post.id}/revisions", query)
        except NotApplied as error:
            if error.reason != "no_route":
                raise
            self._has_revisions = False
            return None
        if not isinstance(told.value, list):
            raise garbled(told.answer, writes=False)
        kept = [each for each in told.value if "-autosave-" not in str(each.get("slug"))]
        author = int(kept[0].get("author") or 0) if kept else 0
        return f"user {author}" if kept and author != await self._account() else None

    def _doc(self, post: Stored, ref: RemoteRef) -> RemoteDoc:
        return RemoteDoc(ref, post.key, plain_title(post.title), post.opened.html)

    # Writing

    def _bytes(self, post: Post) -> dict[str, bytes]:
        """The files, read before anything is written."""
        try:
            return {media.sha256: self._tools.blobs.read(media.sha256) for media in post.media}
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    def _text(self, post: Post, addresses: Mapping[str, str], times: Times) -> _Text:
        offered = [media for media in post.media if not _is_picture(media)]
        content = sealed.compose(post, addresses, offered, times, harmless)
        return _Text(harmless_title(post.title), content, sealed.excerpt(post, harmless))

    def _placed(self, fields: dict[str, Any], column: int | None) -> dict[str, Any]:
        return fields | ({"categories": [column]} if column is not None else {})

    async def _draft(self, post: Post, text: _Text, column: int | None) -> Stored:
        fields = {"slug": slug_of(post.key), "status": "draft", "syncd_id": companion.id_of(post.key), **text.fields()}
        try:
            told = await self._rest.post(self._path, self._placed(fields, column), {"_fields": FIELDS})
        except Conflict:
            self._notice(True)  # WordPress alone refuses no create so
            raise
        return self._stored(told, writes=True)

    async def _look_after(self, post: Post, draft: Stored) -> None:
        """The companion was counted on and has gone: nobody looked for the key before this draft was made."""
        others = [each for each in await self._search(own(slug_of(post.key))) if _may_be(each, post.key)]
        if any(other.id != draft.id for other in others):
            await self._undo(draft)
            raise Conflict("exists", f"WordPress has {slug_of(post.key)} already", hint="it is found by its key")

    async def _accepted(self, post: Post, draft: Stored, column: int | None) -> Stored:
        """The draft, if it bears our slug and stands in its column; else it is removed."""
        wanted = slug_of(post.key)
        if is_renamed(draft.slug, wanted):
            await self._undo(draft)
            self._raise_renamed(draft.slug, wanted)
        if column is not None and draft.categories is not None and column not in draft.categories:
            self._columns.forget(post.column)  # WordPress drops a number that it doesn't know, and says nothing
            await self._undo(draft)
            raise NotApplied("column_gone", f"the category of {post.column!r} is not there any more",
                             hint="make the category again, or name another in columns")
        return draft

    def _raise_renamed(self, slug: str, wanted: str) -> None:
        if is_twin(slug, wanted):
            raise Conflict("exists", f"WordPress has {wanted} already", hint="it is found by its key")
        raise Rejected("slug", "slug_rewritten", f"WordPress made {slug[:60]!r} of {wanted}",
                       hint="a plug-in rewrites addresses (pinyin, translation): let it keep those that are given")

    async def _undo(self, post: Stored) -> None:
        """Remove a draft of ours that must not be: if that is in doubt, so is everything."""
        try:
            await self._remove(post)
        except AdapterError as error:
            raise Unknown("draft_left", f"draft {post.id} could not be removed: {error.message}",
                          hint="delete that draft in WordPress") from error

    async def _remove(self, post: Stored) -> None:
        await self._shelf.tidy(post.id, slug_of(post.key), frozenset(), me=await self._account())
        await self._rest.delete(f"{self._path}/{post.id}", {"force": "true", "_fields": "deleted"})

    async def _finish(
        self, post: Post, draft: Stored, text: _Text, state: RemoteState, times: Times, files: Mapping[str, bytes],
    ) -> WriteResult:
        """Files, then the whole text if it names them, then public; one call if there are no files."""
        placed = await self._shelf.place(draft.id, slug_of(post.key), post, files)
        change: dict[str, Any] = {}
        if placed.addresses:
            text = self._text(post, placed.addresses, times)
            change = {"content": text.content}
        if state is RemoteState.PUBLIC:
            change["status"] = "publish"
        after = await self._write(draft.id, change, match=_match(draft, draft.version)) if change else draft
        if is_renamed(after.slug, slug_of(post.key)):  # two drafts at once had the same slug; publishing tells them apart
            await self._undo(after)
            self._raise_renamed(after.slug, slug_of(post.key))
        self._check_public(after, state)
        return await self._result(after, Wrote.CREATED, text, placed.losses)

    async def _write(self, id: int, change: Mapping[str, Any], *, match: str = "") -> Stored:
        told = await self._rest.post(f"{self._path}/{id}", change, {"_fields": FIELDS}, match=match)
        return self._confirmed(self._stored(told, writes=True), match)

    def _confirmed(self, after: Stored, match: str) -> Stored:
        """A condition that the companion does not say it kept was none: it is not counted on again before a check."""
        if match and after.companion is not None and not after.companion.checked:
            self._deaf = True
            self._notice(True)
        return after

    async def _moved(self, before: Stored, post: Post, state: RemoteState) -> dict[str, Any]:
        """What else an update changes. A post that is public keeps its status and the categories that editors gave it."""
        if before.status == "publish" or (state is RemoteState.DRAFT and before.status != "trash"):
            return {}
        if state is RemoteState.DRAFT:
            return {"status": "draft"}
        # "publish" alone leaves a scheduled post scheduled.
        past = f"{self._tools.now() - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}"
        change = {"status": "publish"} | ({"date_gmt": past} if before.status == "future" else {})
        return self._placed(change, await self._columns.number(post.column))

    def _is_same(self, before: Stored, text: _Text) -> bool:
        """But for the spelling of entities, which accounts without unfiltered_html don't choose."""
        same = plain_title(before.title) == plain_title(text.title) and sealed.same(before.excerpt, text.excerpt)
        return same and sealed.same(sealed.settled(before.content), sealed.settled(text.content))

    def _compare(self, before: Stored, if_version: str | None) -> None:
        if if_version is not None and before.version != if_version:
            raise Conflict("version", f"post {before.id} was changed at the site", where=before.link,
                           hint="compare it with its revisions in WordPress")

    def _check_public(self, after: Stored, state: RemoteState) -> None:
        if state is RemoteState.PUBLIC and after.status != "publish":
            raise AuthFailed("not_published", f"WordPress keeps post {after.id} as {after.status}", where=after.link,
                             hint="the account may not publish, or a plug-in holds posts for review: allow it to publish")

    async def _take_down(self, before: Stored, how: How, match: str) -> Stored | None:
        """None when it is gone for good."""
        if how == "delete":
            return await self._trash(before, match)
        if how == "unpublish" or before.status != "publish":  # what was never public gets no notice either
            return await self._write(before.id, {"status": "private"}, match=match)
        opened = before.opened
        text = sealed.compose_notice(before.key, plain_title(before.title), opened.lang, opened.source,
                                     Times(self._zone, self._tools.now()), harmless)
        return await self._write(before.id, {"content": text, "excerpt": ""}, match=match)

    async def _trash(self, before: Stored, match: str) -> Stored | None:
        path = f"{self._path}/{before.id}"
        try:
            told = await self._rest.delete(path, {"_fields": FIELDS}, match=match)
            return self._confirmed(self._stored(told, writes=True), match)
        except Rejected as error:
            if error.reason != "no_trash":
                raise
        await self._rest.delete(path, {"force": "true", "_fields": "deleted"}, match=match)
        return None

    async def _tidy(self, after: Stored, post: Post, addresses: Mapping[str, str]) -> tuple[str, ...]:
        used = frozenset(addresses.values())
        return await self._shelf.tidy(
            after.id, slug_of(post.key), used, me=await self._account(), featured=after.featured)

    async def _result(self, after: Stored, outcome: Wrote, text: _Text, losses: tuple[str, ...]) -> WriteResult:
        """The write has been answered: whatever fails from here is no reason to doubt it."""
        if not sealed.same(after.content, text.content):
            changed = "its text too" if not after.opened.whole else "not its text"
            losses = (*losses, f"WordPress rewrote the HTML, {changed}")
        if plain_title(after.title) != plain_title(text.title):
            losses = (*losses, "WordPress rewrote the title")
        ref = self._ours(after)
        return WriteResult(ref, outcome, losses, self._doc(after, ref))

    def _ours(self, after: Stored) -> RemoteRef:
        """Where our own write lies: nobody needs to be asked who changed it last."""
        return RemoteRef(str(after.id), after.url(self._public_url), after.version, after.state)


def declared(options: Options) -> Capabilities:
    """What WordPress can do for an account with all rights; check() narrows it."""
    return Capabilities(
        drafts=True, unpublish=options.withdraw != "delete", delete=True, notice=options.withdraw == "notice",
        taxonomy="fixed", media="endpoint", lookup="path", unique="app", conditional_update="check_then_act",
        atomic_publish=False, html="filtered", max_slug=200, max_concurrency=2, reads=True, lists=True, sweeps=True,
    )


def _may_be(post: Stored, key: str) -> bool:
    """Whether a post at the address of a key may be that key's: nothing in it or of it says another."""
    known = post.companion.id if post.companion is not None else ""
    return post.opened.key in ("", key) and known in ("", companion.id_of(key))


def _match(before: Stored, if_version: str | None) -> str:
    """What the companion shall compare, or "": where it is not, or nothing is to be compared."""
    return before.version if before.companion is not None and if_version is not None else ""


def _named(before: Stored, post: Post) -> dict[str, str]:
    """The id for a post that was made without the companion."""
    without = before.companion is not None and not before.companion.id
    return {"syncd_id": companion.id_of(post.key)} if without else {}


def _is_withdrawn(post: Stored, how: How) -> bool:
    if how == "delete":
        return post.status == "trash"
    return post.state is RemoteState.WITHDRAWN and (how == "notice" or post.status != "publish")


def _is_picture(media: Media) -> bool:
    return media.type.startswith("image/")
