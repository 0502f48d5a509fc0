"""What adapters share whose CMS keeps an article as a title and a field of HTML: the flow of each call, told once.

A CMS's own adapter says how an article is looked up, got, made, changed, hidden and removed, and where files go; it is held
here to the order of things: files before what names them, a look just before a write, only what differs is sent, and a write
that was answered is never doubted for what comes after it.
"""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel
from selectolax.lexbor import LexborHTMLParser

from syncd.adapters import sealed
from syncd.adapters.api import Capabilities, CheckReport, How, SiteConfig, Tools
from syncd.adapters.credit import Times
from syncd.adapters.markup import path_name
from syncd.core import visible
from syncd.errors import AdapterError, Conflict, NotApplied, NotFound, Rejected, StoreError, Unknown
from syncd.model import Media, Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

Told = Literal[
    "key", "issuer", "document_number", "index_number", "written", "origin_name", "source_url", "published", "site_name",
]
"""What a field of a site's own may hold of a document beside title, text and summary."""
WRAPPERS = frozenset({"div", "span", "html", "head", "body", "-text", "-comment"})
"""Tags whose loss shows nowhere."""
SOMEBODY = "somebody at the site"
"""Who changed a post of ours where the CMS does not tell who."""
_LONGEST_STEM = 60
_MARK = re.compile(r"-s[0-9a-f]{16}(?![0-9a-f])")


@dataclass(frozen=True, slots=True)
class File:
    """A file in the CMS. url: as a text names it. name: as the CMS has it, "" where the address tells."""

    id: str
    url: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What an article holds. title: plain. html: with our seal. summary: HTML for lists. fields: what else is written, as
    the CMS names it; an empty one is "" or None, so that an older value goes."""

    title: str
    html: str
    summary: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Article:
    """An article as the CMS has it. id: by which it is got. title: plain.

    state: as the CMS keeps it. A notice makes it withdrawn whatever the CMS says. url: where the public reaches it, "" if not.
    tracked: what else an update of ours would write over. editor: who changed it last, "" if that was us or nobody tells.
    first: when it was first public. files: ours. native: what the CMS itself wants to see again, such as its own version.
    """

    id: str
    title: str
    html: str
    state: RemoteState
    url: str = ""
    summary: str = ""
    tracked: Mapping[str, Any] = field(default_factory=dict)
    editor: str = ""
    first: datetime | None = None
    files: Sequence[File] = ()
    native: Any = None

    @cached_property
    def opened(self) -> sealed.Opened:
        return sealed.open_page(self.html, self.title)

    @property
    def shown_state(self) -> RemoteState:
        """A notice stands for a withdrawn document, public or not."""
        return RemoteState.WITHDRAWN if self.opened.notice else self.state

    @property
    def version(self) -> str:
        """Changes with everything that an update of ours would write over, and with nothing else: a CMS's own numbers move
        when nothing changes, or have a grain of a second."""
        told = [self.state, self.title, self.html, self.summary, dict(self.tracked)]
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Attached:
    """What a document's file became in the CMS."""

    media: Media
    file: File


@dataclass(frozen=True, slots=True)
class Placed:
    """files: what the article refers to, in order. losses: what the CMS refused. left: files of ours that it refers to no
    longer."""

    files: tuple[Attached, ...] = ()
    losses: tuple[str, ...] = ()
    left: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What an update does; None leaves a thing as it is. column: where a post that comes back goes. files: all that it
    refers to from now on. checked: somebody compared versions, so the CMS should too if it can."""

    content: Content | None = None
    state: RemoteState | None = None
    column: str | None = None
    files: tuple[Attached, ...] | None = None
    checked: bool = True

    @property
    def nothing(self) -> bool:
        return self.content is None and self.state is None and self.files is None and self.column is None


class ArticleAdapter(ABC):
    """The calls of the contract over what a CMS's own adapter fills in.

    cms: its name, for messages. refused_files: what becomes of a file that the CMS refuses.
    """

    api_version: ClassVar[int] = 1
    kind: ClassVar[str]
    cms: ClassVar[str]
    Options: ClassVar[type[BaseModel]]
    capabilities: Capabilities

    def __init__(self, site: SiteConfig, tools: Tools, *, refused_files: Literal["reject", "link"] = "reject") -> None:
        self._public_url = site.public_url
        self._zone = ZoneInfo(site.timezone)
        self._tools = tools
        self._refused_files = refused_files

    # What a CMS's own adapter fills in

    @abstractmethod
    async def check(self) -> CheckReport:
        """As the contract says."""

    @abstractmethod
    async def _look_up(self, key: str) -> Article | None:
        """The article of our key in every state, by what the CMS itself holds as certain. Logs in if that is needed."""

    @abstractmethod
    async def _get(self, id: str) -> Article:
        """Raises NotFound."""

    @abstractmethod
    async def _make(self, post: Post, content: Content, state: RemoteState, files: tuple[Attached, ...]) -> Article:
        """A new one in its column. Raises Conflict("exists") where the CMS or a look finds the key taken."""

    @abstractmethod
    async def _change(self, before: Article, change: Change) -> Article:
        """Raises Conflict("version") where the CMS compares by itself and change.checked."""

    @abstractmethod
    async def _remove(self, before: Article, *, checked: bool) -> None:
        """For good. Raises NotFound."""

    def _stays(self, media: Media) -> str:
        """Why a file is not even to be sent and stays a link to its source, "" if it is."""
        return ""

    async def _send_file(self, media: Media, data: bytes, before: Article | None) -> File:
        """To the CMS, under `name_of(media)`. Raises Rejected for a file that it refuses."""
        raise Rejected("media", "no_files", f"{self.cms} takes no files here")

    async def _send_for(self, post: Post, media: Media, data: bytes, before: Article | None) -> File:
        """As `_send_file`, for a CMS in which a file's address tells whose it is."""
        return await self._send_file(media, data, before)

    async def _remove_file(self, file: File) -> None:
        """Raises NotFound."""
        raise NotFound("no_files", f"{self.cms} took no files here")

    async def _is_elsewhere(self, before: Article, post: Post) -> bool:
        """Whether it does not stand in its column (any more)."""
        return False

    async def _settled(self, after: Article) -> Article:
        """What we wrote, with what the CMS makes of it only later, such as its address. Raises nothing."""
        return after

    def _neutral(self, markup: str) -> str:
        """HTML of ours, safe from what this CMS executes or changes when it shows it."""
        return markup

    def _fields(self, post: Post) -> Mapping[str, Any]:
        """What else is written of a document, as the CMS names it."""
        return {}

    def _spare(self, before: Article) -> None:  # noqa: B027 - most CMSs publish what is sent and nothing else
        """Raises Conflict("locked") where an update would publish what an editor saved for later, in fields not ours."""

    def _key_of(self, before: Article) -> str:
        """What the seal of a notice names, whose text may bear none any more."""
        return before.opened.key or sealed.UNKNOWN

    def _losses(self, after: Article, content: Content) -> tuple[str, ...]:
        """What the CMS says by itself that it dropped."""
        return ()

    # The contract

    async def find(self, key: str) -> RemoteRef | None:
        """The article of our key, in every state."""
        found = await self._look_up(key)
        return self._ref(found) if found else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Files first, then the article. Raises Conflict("exists") for a key that is taken."""
        bytes_of = self._bytes(post)
        if post.media and await self._look_up(post.key) is not None:  # before files are sent for nothing
            raise Conflict("exists", f"{self.cms} has {post.key} already", hint="it is found by its key")
        placed = await self._place(post, bytes_of, None)
        times = Times(self._zone, post.sent or self._tools.now(), posted=state is RemoteState.PUBLIC)
        content = self._content(post, placed, times)
        made = await self._settled(await self._make(post, content, state, placed.files))
        return self._result(made, Wrote.CREATED, content, (*placed.losses, *self._held_back(made, state)))

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """A look just before, then only what differs. Never unpublishes; publishes what is to be public and is not."""
        bytes_of = self._bytes(post)
        before = await self._get(ref.id)
        self._compare(before, if_version)
        if if_version is not None:
            self._spare(before)
        placed = await self._place(post, bytes_of, before)
        public = before.shown_state is RemoteState.PUBLIC
        times = Times(self._zone, post.sent or self._tools.now(), before.first if public else None,
                      posted=public or state is RemoteState.PUBLIC)
        content = self._content(post, placed, times)
        change = replace(await self._difference(before, post, content, state, placed), checked=if_version is not None)
        if change.nothing:
            return WriteResult(self._ref(before), Wrote.UNCHANGED, placed.losses, self._doc(before))
        after = await self._settled(await self._change(before, change))
        left = await self._tidy(placed.left)
        return self._result(after, Wrote.UPDATED, change.content, (*placed.losses, *left, *self._held_back(after, state)))

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """notice: the text gives way to a notice; unpublish: that, and nobody sees it; delete: the article is removed."""
        try:
            before = await self._get(ref.id)
            if how != "delete" and self._is_down(before, how):
                return WriteResult(self._ref(before), Wrote.ALREADY)
            self._compare(before, if_version)
            after = await self._taken_down(before, how, checked=if_version is not None)
        except NotFound:
            return WriteResult(replace(ref, state=RemoteState.WITHDRAWN, version=""), Wrote.ALREADY)
        left = await self._tidy(before.files)
        gone = RemoteRef(ref.id, ref.url, "", RemoteState.WITHDRAWN)
        return WriteResult(self._ours(after) if after else gone, Wrote.WITHDRAWN, left)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """Title and text as stored; our own credit is left out as long as nobody has changed it."""
        return self._doc(await self._get(ref.id))

    async def aclose(self) -> None:  # noqa: B027 - most adapters keep nothing open
        """Nothing is kept open."""

    # Parts of it

    def _bytes(self, post: Post) -> dict[str, bytes]:
        """The files, read before anything is written."""
        try:
            return {media.sha256: self._tools.blobs.read(media.sha256) for media in post.media}
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    async def _place(self, post: Post, bytes_of: Mapping[str, bytes], before: Article | None) -> Placed:
        """Send what is not there yet. Raises NotApplied when an answer was lost: the file is sent again, or held."""
        held = before.files if before else ()
        files: list[Attached] = []
        losses: list[str] = []
        for media in post.media:
            if why := self._stays(media):
                losses.append(f"{media.name} stays a link to the source: {why}")
                continue
            try:
                file = _held(held, media) or await self._sent(post, media, bytes_of[media.sha256], before)
            except Rejected as refused:
                if self._refused_files == "reject":
                    raise
                losses.append(f"{media.name} stays a link to the source: {refused.message}")
                continue
            files.append(Attached(media, file))
        used = {each.file.id for each in files}
        return Placed(tuple(files), tuple(losses), tuple(file for file in held if file.id not in used))

    async def _sent(self, post: Post, media: Media, data: bytes, before: Article | None) -> File:
        try:
            return await self._send_for(post, media, data, before)
        except Rejected as refused:
            raise Rejected("media", "file_refused", refused.message, where=refused.where,
                           hint=f"allow its type and size in {self.cms} (or set refused_files to link)") from refused
        except Unknown as cause:
            raise NotApplied("upload_in_doubt", f"the answer to the upload of {media.name} was lost",
                             hint="nothing refers to the file yet; it is sent again") from cause

    async def _tidy(self, files: Iterable[File]) -> tuple[str, ...]:
        """Remove files of ours that nothing refers to any more; what could not be removed comes back in words."""
        left = []
        for file in files:
            try:
                await self._remove_file(file)
            except NotFound:
                continue
            except AdapterError as error:
                left.append(f"{file.name or file.url} may still be there: {error.message}")
        return tuple(left)

    def _content(self, post: Post, placed: Placed, times: Times) -> Content:
        offered = [media for media in post.media if not is_picture(media)]
        addresses = {each.media.url: each.file.url for each in placed.files}
        html = sealed.compose(post, addresses, offered, times, self._neutral)
        return Content(post.title, html, sealed.excerpt(post, self._neutral), self._fields(post))

    async def _difference(
        self, before: Article, post: Post, content: Content, state: RemoteState, placed: Placed,
    ) -> Change:
        public = before.shown_state is RemoteState.PUBLIC
        moves = not public and await self._is_elsewhere(before, post)
        same_files = {each.file.id for each in placed.files} == {file.id for file in before.files}
        return Change(
            content=None if self._is_same(before, content) else content,
            state=None if public or before.shown_state is state else state,
            column=post.column if moves else None, files=None if same_files else placed.files)

    def _is_same(self, before: Article, content: Content) -> bool:
        """But for the minutes of the last change and the spelling of entities."""
        text = sealed.same(sealed.settled(before.html), sealed.settled(content.html))
        told = (before.title, before.summary) == (content.title, content.summary)
        return text and told and self._holds_fields(before, content)

    def _holds_fields(self, before: Article, content: Content) -> bool:
        """Whether the other fields have their values; an empty one has several spellings."""
        return all((before.tracked.get(name) or None) == (value or None) for name, value in content.fields.items())

    def _compare(self, before: Article, if_version: str | None) -> None:
        if if_version is not None and before.version != if_version:
            raise Conflict("version", f"article {before.id} was changed at the site", where=before.url,
                           hint=f"compare it with its revisions in {self.cms}")

    def _is_down(self, before: Article, how: How) -> bool:
        """A post that was never public, and is not now, needs no notice."""
        hidden = before.state is not RemoteState.PUBLIC
        return before.shown_state is RemoteState.WITHDRAWN and (how == "notice" or hidden)

    async def _taken_down(self, before: Article, how: How, *, checked: bool) -> Article | None:
        """None when it is gone for good."""
        try:
            return await self._take_down(before, how, checked=checked)
        except Unknown:
            await self._tidy_in_doubt(before, how)
            raise

    async def _tidy_in_doubt(self, before: Article, how: How) -> None:
        """The answer was lost: if it was done all the same, nothing but `before` knows of the files any more."""
        if not before.files:
            return
        try:
            down = self._is_down(await self._get(before.id), how)
        except NotFound:
            down = True
        except AdapterError:
            down = False
        left = await self._tidy(before.files) if down else tuple(file.url for file in before.files)
        if left and self._tools.log is not None:
            self._tools.log.warning("files_left", article=before.id, files=left,
                                    hint="the answer to a withdrawal was lost: see that these files are removed")

    async def _take_down(self, before: Article, how: How, *, checked: bool) -> Article | None:
        """None when it is gone for good."""
        if how == "delete":
            await self._remove(before, checked=checked)
            return None
        opened = before.opened
        notice = sealed.compose_notice(self._key_of(before), before.title, opened.lang, opened.source,
                                       Times(self._zone, self._tools.now()), self._neutral)
        hides = how == "unpublish" or before.state is not RemoteState.PUBLIC
        state = RemoteState.WITHDRAWN if hides and self.capabilities.unpublish else None
        return await self._change(before, Change(Content(before.title, notice), state, None, (), checked))

    def _held_back(self, after: Article, state: RemoteState) -> tuple[str, ...]:
        """What was to be public and is not: it is written, and waits for an editor as a draft does."""
        if state is not RemoteState.PUBLIC or after.state is RemoteState.PUBLIC:
            return ()
        return (f"{self.cms} keeps article {after.id} unpublished: the account may not publish, or a workflow holds it",)

    def _result(self, after: Article, outcome: Wrote, content: Content | None, losses: tuple[str, ...]) -> WriteResult:
        """The write has been answered: whatever it lost is no reason to doubt it. content: what was sent, if it was."""
        if content is not None:
            losses = (*losses, *lost(self.cms, after, content), *self._losses(after, content))
        ref = self._ours(after)
        return WriteResult(ref, outcome, losses, RemoteDoc(ref, after.opened.key, after.title, after.opened.html))

    def _ref(self, article: Article) -> RemoteRef:
        return replace(self._ours(article), modified_by=article.editor or None)

    def _ours(self, article: Article) -> RemoteRef:
        """Where our own write lies: nobody needs to be asked who changed it last."""
        return RemoteRef(article.id, article.url, article.version, article.shown_state)

    def _doc(self, article: Article) -> RemoteDoc:
        return RemoteDoc(self._ref(article), article.opened.key, article.title, article.opened.html)


def told_of(post: Post, name: str, zone: ZoneInfo) -> str:
    """What a field of a site's own holds, "" for nothing. published: the day in the site's zone."""
    if name != "published":
        return str(getattr(post, name))
    return f"{post.published.at.astimezone(zone):%Y-%m-%d}" if post.published else ""


def fields_of(post: Post, named: Mapping[Told, str], zone: ZoneInfo) -> dict[str, Any]:
    """What the site's own fields hold of the document; an empty one is None, so that an older value goes."""
    return {field: told_of(post, name, zone) or None for name, field in named.items()}


def lost(cms: str, after: Article, content: Content) -> tuple[str, ...]:
    """What is stored otherwise than sent, in words."""
    losses = []
    if after.title != content.title:
        losses.append(f"{cms} rewrote the title")
    if sealed.same(after.html, content.html):
        return tuple(losses)
    names = sorted((Counter(tags(content.html)) - Counter(tags(after.html))).keys() - WRAPPERS)
    if words(content.html) != words(after.html):
        losses.append(f"{cms} changed the text")
    losses.append(f"{cms} dropped {', '.join(names)}" if names else f"{cms} rewrote the HTML")
    return tuple(losses)


def name_of(media: Media) -> str:
    """A file's name in the CMS: plain ASCII, with a mark of what is in it, by which it is known again."""
    stem, _, ending = media.name.rpartition(".")
    return f"{path_name(stem[:_LONGEST_STEM], 'file')}{mark_of(media)}.{ending.lower()}"


def mark_of(media: Media) -> str:
    """By which a file of ours is known among others, in its name or its address."""
    return f"-s{media.sha256[:16]}"


def is_ours(name: str) -> bool:
    """Whether a file's name bears a mark of ours."""
    return _MARK.search(name) is not None


def is_picture(media: Media) -> bool:
    return media.type.startswith("image/")


def words(markup: str) -> str:
    """The text that a reader sees, made comparable."""
    root = LexborHTMLParser(markup).body
    return visible.normalise(root.text()) if root is not None else ""


def tags(markup: str) -> list[str]:
    """The names of all elements, each as often as it occurs."""
    root = LexborHTMLParser(markup).body
    return [node.tag or "" for node in root.traverse()] if root is not None else []


def _held(held: Iterable[File], media: Media) -> File | None:
    mark = mark_of(media)
    return next((file for file in held if mark in file.name or mark in file.url), None)
