"""Another syncd's relay, over HTTP or as a folder: what it says is believed only where its seal and its hashes prove it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import stat
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, cast
from urllib.parse import unquote, urldefrag, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from syncd.config import Interval
from syncd.core.identity import aliases
from syncd.errors import NotApplied, ReadFailed
from syncd.model import AttachmentLink, Content, Entry
from syncd.relay import seal, wire
from syncd.sources.api import Listing, Page, SourceConfig, Tools
from syncd.web.api import Answer, Client, Limits, Validators

AHEAD = timedelta(hours=1)
"""How far a relay's clock may be ahead of ours before its time says nothing of its age."""
STALE, STALE_FOLDER = timedelta(hours=1), timedelta(days=7)
"""How old what a relay issued may be by default: one that is served is issued anew every ten minutes when it is asked."""
_MOST_FILES = 20_000
_STALE_HINT = "the relay, or what brings its folder, stands still: look there; options.max_age says how old it may be"
_REPLAYED_HINT = (
    "an older copy is served or was carried in: find out by whom; a relay that lost its state needs nothing, since its numbers "
    "follow its clock: see that this is right (NTP)"
)
_INCOMPLETE_HINT = "not all of the relay is there yet, or any more: it is tried again; copy the whole folder, its feed last"


class RelayOptions(BaseModel):
    """What `options` of a relay takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    public_key: str
    """The key that the relay is sealed with, as `syncd relay keygen` printed it there."""
    max_age: Interval | None = None
    """Age in seconds from which on what was issued is refused; None: an hour over HTTP, a week in a folder."""
    max_entries: int = Field(default=wire.MOST_ROWS, ge=1, le=wire.MOST_ROWS)
    """A longer page is an error, so that nothing is left out in silence."""

    @field_validator("public_key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if not seal.is_public(value):
            raise ValueError('not a public key; write "ed25519:…" as `syncd relay keygen` printed it')
        return value


class RelaySource:
    """A relay as a list. `Kind(config, tools)`; see sources.api.Source. Everything is read through `client`."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "relay"
    Options: ClassVar[type[BaseModel]] = RelayOptions

    def __init__(self, config: SourceConfig, tools: Tools) -> None:
        self._config, self._tools = config, tools
        options = config.options if isinstance(config.options, RelayOptions) else None
        self._key = options.public_key if options else ""
        self._most = options.max_entries if options else wire.MOST_ROWS
        self._client = RelayClient(config.url, self._key, options.max_age if options else None, tools)

    @property
    def client(self) -> Client:
        return self._client

    async def parse(self, answer: Answer) -> Listing:
        """As Source.parse; also relay_bad_signature and relay_tampered."""
        body = self._proved(answer)
        feed = cast(wire.Feed, await self._tools.run(wire.read_feed, body, self._most))
        older = self._client.address(feed.head.next) if wire.is_hash(feed.head.next) else ""
        entries = tuple(self._entry(row) for row in feed.rows)
        return Listing(entries, feed.problems, title=feed.head.by, next=older)

    def _proved(self, answer: Answer) -> bytes:
        """The first page by its seal, those behind it by the hash that the page before gave."""
        named = wire.object_of(answer.url, self._client.feed)
        if not named:
            return seal.opened(answer.body, self._key, wire.FEED, where=answer.url)
        _must_be(answer.body, named, answer.url)
        return answer.body

    def _entry(self, row: wire.Row) -> Entry:
        entry = row.entry
        own = aliases(
            self._config.name, entry.key, url=entry.url, title=entry.title, issuer=entry.issuer,
            number=entry.document_number, index=entry.index_number, written=entry.written,
        )
        named = tuple(dict.fromkeys((*wire.strong(own), *wire.strong(entry.aliases), *own)))
        return replace(entry, aliases=named, content_html="", attachments=())

    def page_of(self, entry: Entry) -> str:
        """Where the relay has the document; of a withdrawn one there is nothing to read."""
        return self._client.address(entry.page) if wire.is_hash(entry.page) and not entry.withdrawn else ""

    async def read_page(self, entry: Entry, answer: Answer) -> Page:
        """As Source.read_page; the files of the document are known to `client` from now on."""
        _must_be(answer.body, entry.page, answer.url)
        told = cast(wire.Told, await self._tools.run(wire.read_told, answer.body))
        content = told.content
        self._client.knows({m.url: (m.sha256, m.name) for m in content.media if wire.is_hash(m.sha256)})
        files = tuple(AttachmentLink(m.url, m.type, m.size, m.title) for m in content.media)
        return Page(**{**_shared(content), "attachments": files, "relayed": told.hops})


def _shared(content: Content) -> dict[str, Any]:
    """All that a page and a content have in common."""
    known = {each.name for each in fields(content)}
    return {each.name: getattr(content, each.name) for each in fields(Page) if each.name in known}


@dataclass(frozen=True, slots=True)
class _Come:
    """How far a relay has come: the highest serial that was seen under a key, and when it was issued."""

    key: str
    serial: int
    issued: datetime

    def text(self) -> str:
        return json.dumps({"key": self.key, "serial": self.serial, "issued": self.issued.isoformat()})


def _come(text: str) -> _Come | None:
    if not text:
        return None
    told = json.loads(text)
    return _Come(told["key"], told["serial"], datetime.fromisoformat(told["issued"]))


class RelayClient:
    """The way to a relay and to nothing else: every answer is proved before anybody sees it.

    An address of the publisher's leads to the file that the relay has from there, once the document that names it was
    read; what a hash names never changes, so that whoever has it asks nobody. feed: the address of the first page.
    """

    def __init__(self, url: str, key: str, max_age: float | None, tools: Tools) -> None:
        folder = url.startswith("file:")
        self.feed = f"{url.rstrip('/')}/{wire.FEED_FILE}" if folder else url
        self._url, self._key, self._now, self._notes = url, key, tools.now, tools.notes
        self._inner: Client = FolderClient(folder_of(url), tools.now) if folder else tools.client
        default = STALE_FOLDER if folder else STALE
        self._most = timedelta(seconds=max_age) if max_age else default
        self._files: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def address(self, sha256: str) -> str:
        """Where the relay has what this hash names."""
        return f"{self.feed.rpartition('/')[0]}/{wire.object_path(sha256)}"

    def knows(self, files: Mapping[str, tuple[str, str]]) -> None:
        """files: hash and name of what the relay has, by the publisher's address."""
        for url, named in files.items():
            self._files[urldefrag(url).url] = named
            self._files.move_to_end(urldefrag(url).url)
        while len(self._files) > _MOST_FILES:
            self._files.popitem(last=False)

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As Client.get. Raises ReadFailed: relay_bad_signature, relay_tampered, relay_replayed, relay_stale,
        relay_incomplete too.

        A file that the relay does not have is not found. Of a page at the publisher's it knows nothing, so that it is as it
        was: a document that another source had shown first must not be gone because it is looked at by way of a relay.
        """
        if url in (self._url, self.feed):
            return await self._issue(validators)
        if sha256 := wire.object_of(url, self.feed):
            return await self._object(sha256, url, validators, limits)
        sha256, name = self._files.get(urldefrag(url).url, ("", ""))
        if not sha256:  # only files are asked for with limits of their own
            return self._made(404 if limits else 304, url)
        answer = await self._object(sha256, self.address(sha256), validators, limits)
        return replace(answer, url=f"{answer.url}/{name}")  # by its name's ending its kind is told

    async def call(self, method: str, url: str, **_: Any) -> Answer:
        raise NotApplied("read_only", f"a relay is only read, never sent a {method}", where=url, hint="report this as a bug")

    async def _issue(self, validators: Validators) -> Answer:
        """The feed's first page. "Not modified" is only believed while what we have is young enough: to hold back all that
        is new is a replay too."""
        known = _come(await self._notes.read())
        known = known if known and known.key == self._key else None
        answer = await self._inner.get(self.feed, validators=validators if known else Validators())
        if answer.status == 304 and known:
            self._must_be_young(known.issued)
        if answer.status == 200:
            await self._accept(answer.body, known)
        return replace(answer, moved_to="")

    async def _accept(self, body: bytes, known: _Come | None) -> None:
        head = wire.read_head(seal.opened(body, self._key, wire.FEED, where=self.feed))
        if known and head.serial < known.serial:
            told = f"it is issue {head.serial} of {head.issued:%Y-%m-%d %H:%M}, and issue {known.serial} was read before"
            raise ReadFailed("relay_replayed", told, where=self.feed, hint=_REPLAYED_HINT)
        self._must_be_young(head.issued)
        if known is None or head.serial > known.serial:
            await self._notes.write(_Come(self._key, head.serial, head.issued).text())

    def _must_be_young(self, issued: datetime) -> None:
        age = self._now() - issued
        if -AHEAD <= age <= self._most:
            return
        told = f"it was issued at {issued:%Y-%m-%d %H:%M} UTC"
        hint = _STALE_HINT if age > self._most else "the relay's clock or ours is wrong: set up NTP on both"
        raise ReadFailed("relay_stale", told, where=self.feed, hint=hint)

    async def _object(self, sha256: str, url: str, validators: Validators, limits: Limits | None) -> Answer:
        had = Validators(etag=f'"{sha256}"'.encode())
        if validators.etag == had.etag:
            return self._made(304, url, validators=had)
        answer = await self._inner.get(url, limits=limits)
        if answer.status in (403, 404, 410):
            raise ReadFailed("relay_incomplete", f"the relay answers {answer.status}", where=url, hint=_INCOMPLETE_HINT)
        if answer.status == 200:
            _must_be(answer.body, sha256, url)
        return replace(answer, url=url, moved_to="", validators=had)

    def _made(self, status: int, url: str, **more: Any) -> Answer:
        now = self._now()
        return Answer(status=status, url=url, headers=(), body=b"", started=now, ended=now, **more)


def _must_be(body: bytes, sha256: str, where: str) -> None:
    if hashlib.sha256(body).hexdigest() != sha256:
        hint = "it was changed on its way or on its disc: nothing was taken from it; fetch or copy it again"
        raise ReadFailed("relay_tampered", f"it is not what has the hash {sha256}", where=where, hint=hint)


def folder_of(url: str) -> Path:
    """The folder that a file: address names."""
    return Path(unquote(urlsplit(url).path))


class FolderClient:
    """A relay's folder, read as if a server gave it: the feed, and what a hash names; nothing else, no link followed."""

    def __init__(self, root: Path, now: Callable[[], datetime]) -> None:
        self._root, self._now = root, now

    async def get(
        self, url: str, *, validators: Validators = Validators(), headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As Client.get: 404 for what is not there. Raises ReadFailed: relay_incomplete where the folder or its feed is
        missing, relay_tampered for a link or anything but a file, too_large, unreadable."""
        started = self._now()
        sha256 = url.rpartition("/")[2]
        name = wire.object_path(sha256) if wire.is_hash(sha256) else wire.FEED_FILE
        body = await asyncio.to_thread(_read_below, self._root, name, (limits or Limits()).body)
        if body is None and name == wire.FEED_FILE:
            told = f"there is no {wire.FEED_FILE} in it"
            raise ReadFailed("relay_incomplete", told, where=str(self._root), hint=f"is the disc there? {_INCOMPLETE_HINT}")
        etag = Validators(etag=hashlib.sha256(body or b"").hexdigest().encode())
        status = 404 if body is None else 304 if etag == validators else 200
        return Answer(
            status=status, url=url, headers=(), body=body or b"" if status == 200 else b"", started=started,
            ended=self._now(), wire=len(body or b""), validators=etag,
        )

    async def call(self, method: str, url: str, **_: Any) -> Answer:
        raise NotApplied("read_only", f"a folder is only read, never sent a {method}", where=url, hint="report this as a bug")


def _read_below(root: Path, name: str, most: int) -> bytes | None:
    """The bytes of a plain file below a folder, None where there is none. That no link leads elsewhere is no guard of
    secrets, for what is not named by its hash is refused anyway, but a pipe or a device would never end."""
    path = root / name
    try:
        if path.resolve() != root.resolve() / name:
            raise _not_plain(path)
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as found:
            status = os.fstat(found.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _not_plain(path)
            if status.st_size > most:
                raise ReadFailed("too_large", f"{status.st_size} bytes are too many", where=str(path))
            return found.read(most + 1)
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to themselves, before Python 3.13
        raise ReadFailed("unreadable", str(error), where=str(path), hint="look at its rights and its disk") from None


def _not_plain(path: Path) -> ReadFailed:
    hint = "a relay's folder holds plain files only: find out who put this there, and copy the folder again"
    return ReadFailed("relay_tampered", "it is a link, or no file", where=str(path), hint=hint)
