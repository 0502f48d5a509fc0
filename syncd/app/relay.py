"""A relay's other end: what this instance has read, as an issue that is made when something changed and sealed once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from syncd.app.build import Ground
from syncd.config import Config
from syncd.errors import StoreError, SyncdError
from syncd.model import Entry, Hop
from syncd.relay import seal, wire
from syncd.relay.back import status_bytes
from syncd.store.api import Change, Dossier

RENEW = timedelta(minutes=10)
"""An issue that is older is made anew when it is asked for, so that one that is held back can be told from a quiet one."""
PAGE = 100
"""Numbers of changes whose documents share a page behind the first: it stays as it is while these do."""
_REMEMBERED = 100_000
"""Hashes that earlier issues led to and that are served on, for those who read such an issue just now."""
_SERIAL = "relay.serial"
_NO_KEY = "make a key with `syncd relay keygen FILE`, and name it in config.toml: [relay] key = { file = \"FILE\" }"


@dataclass(frozen=True, slots=True)
class Issue:
    """A sealed feed. objects: the hash of everything that it leads to, each once."""

    serial: int
    issued: datetime
    body: bytes
    objects: tuple[str, ...]
    documents: int


@dataclass(frozen=True, slots=True)
class _Made:
    """A document as it was made: its row, and what it leads to."""

    change: Change
    row: wire.Row
    objects: tuple[str, ...]


class Publisher:
    """Makes issues of one configuration. Everything but the feed is kept among the blobs, by its hash."""

    def __init__(self, config: Config, ground: Ground) -> None:
        """Raises SyncdError("relay_not_configured"), or "bad_key"."""
        if config.relay.key is None:
            raise SyncdError("relay_not_configured", "there is no [relay] key", hint=_NO_KEY, where="[relay]")
        self.config = config
        self.signer = seal.Signer(config.relay.key.get_secret_value())
        self._ground = ground
        self._lock = asyncio.Lock()
        self._issue: Issue | None = None
        self._changes: Sequence[Change] = ()
        self._commits = -1
        self._made: dict[int, _Made] = {}
        self._pages: dict[tuple[str, tuple[Change, ...]], str] = {}
        self._served: dict[str, None] = {}

    @property
    def kept(self) -> frozenset[str]:
        """Hashes that must stay among the blobs while the newest issue names them."""
        return frozenset(self._issue.objects if self._issue else ())

    async def issue(self) -> Issue:
        """The newest issue; a new one where something changed or the last one grew old, unless the state takes nothing just
        now. Raises StoreError where there is none."""
        async with self._lock:
            try:
                self._issue = await self._newest()
            except StoreError as error:
                self._ground.metrics.failure("relay", error.reason)
                self._ground.log.warning("relay_failed", reason=error.reason, hint=error.hint)
                if self._issue is None:
                    raise
            return self._issue

    async def _newest(self) -> Issue:
        now, commits = self._ground.clock.now(), self._ground.store.commits
        changes = self._changes if self._issue and commits == self._commits else await self._changed()
        if self._issue and changes == self._changes and timedelta(0) <= now - self._issue.issued < RENEW:
            self._commits = commits
            return self._issue
        issue = await self._issued(changes, now)
        self._changes, self._commits = changes, commits
        self._served = dict.fromkeys((*list(self._served)[-_REMEMBERED:], *issue.objects))
        return issue

    async def read(self, sha256: str) -> bytes | None:
        """What an issue of this process leads to; None for anything else that is kept here."""
        await self.issue()
        if sha256 not in self._served:
            return None
        try:
            return await asyncio.to_thread(self._ground.blobs.read, sha256)
        except StoreError as error:
            if error.reason == "blob_missing":
                return None
            raise

    def status(self, rows: Sequence[dict[str, Any]]) -> bytes:
        """What became of the documents here, sealed: for the way back."""
        return status_bytes(self.signer, self.config.relay.name, self._ground.clock.now(), rows)

    async def _changed(self) -> Sequence[Change]:
        """The documents to be told of, the newest change first."""
        most = self.config.relay.documents
        found = await self._ground.store.changes(most, self.config.relay.sources)
        oldest = found[-1].n // PAGE if len(found) == most else -1
        whole = [change for change in found if change.n // PAGE > oldest]
        return whole or found  # a page that is cut where the documents are counted would change with each of them

    async def _issued(self, changes: Sequence[Change], now: datetime) -> Issue:
        serial = max(int(await self._ground.store.get(_SERIAL) or 0) + 1, int(now.timestamp()))
        await self._ground.store.put(_SERIAL, str(serial))
        found = [await self._sound(change) for change in changes]
        made = [each for each in found if each is not None]
        self._made = {each.change.document: each for each in made}
        first, older = _paged(made)
        next, pages = await self._older(older)
        origins = await self._origins()
        head = wire.Head(self.config.relay.name, serial, now, next, origins)
        body = self.signer.seal(wire.feed_bytes(head, [each.row for each in first]), wire.FEED)
        led = (sha for each in made for sha in each.objects)
        objects = dict.fromkeys((*pages, *led, *(o.body for o in origins if o.body)))
        self._ground.log.info("relay_issued", serial=serial, documents=len(made))
        return Issue(serial, now, body, tuple(objects), len(made))

    async def _older(self, pages: Sequence[Sequence[_Made]]) -> tuple[str, list[str]]:
        """(hash of the page behind the first, hashes of all): each names the one behind it, so the oldest is made first."""
        known, hashes, next = self._pages, list[str](), ""
        self._pages = {}
        for page in reversed(pages):
            key = (next, tuple(each.change for each in page))
            head = wire.Head(self.config.relay.name, 0, page[0].row.changed, next)
            next = known.get(key) or await self._put(wire.feed_bytes(head, [each.row for each in page]))
            self._pages[key] = next
            hashes.append(next)
        return next, hashes

    async def _sound(self, change: Change) -> _Made | None:
        """None for a document whose rows are damaged: it is told, and must not keep all others back."""
        try:
            return await self._document(change)
        except StoreError as error:
            if error.reason not in ("damaged", "not_found"):
                raise
            self._ground.metrics.failure("relay", error.reason)
            told = {"document": change.document, "where": error.where, "hint": error.hint}
            self._ground.log.error("relay_left_out", reason=error.reason, **told)
            return None

    async def _document(self, change: Change) -> _Made:
        known = self._made.get(change.document)
        if known and known.change == change:
            return known
        dossier = await self._ground.store.dossier(change.document)
        told = self._told(dossier)
        sha256 = await self._put(wire.told_bytes(told))
        row = wire.Row(self._entry(dossier, sha256), dossier.revisions[-1].detected, dossier.document.latest)
        media = [each.sha256 for each in told.content.media]
        return _Made(change, row, (sha256, *media, *self._raws(told.hops)))

    def _raws(self, hops: Sequence[Hop]) -> list[str]:
        """Pages as they were received: our own, and those of outer relays that we happen to have: a relay brings none along."""
        *outer, own = hops
        had = [hop.raw for hop in outer if hop.raw and self._ground.blobs.has(hop.raw)]
        return [*had, own.raw] if own.raw else had

    async def _put(self, data: bytes) -> str:
        return await asyncio.to_thread(self._ground.blobs.put, data)

    def _told(self, dossier: Dossier) -> wire.Told:
        content = dossier.revisions[-1].content
        return wire.Told(
            entry=replace(dossier.entry, content_html="", page=""),
            content=replace(content, relayed=(), raw=""),
            hops=(*content.relayed, self._hop(dossier)),
            revisions=tuple(wire.Past(r.n, r.hash, r.detected, r.withdrawn, r.reason) for r in dossier.revisions),
            sources=dossier.sightings,
            withdrawn=dossier.document.withdrawn,
        )

    def _hop(self, dossier: Dossier) -> Hop:
        """What we add to the chain. Of a page that we had from another relay that one has the bytes."""
        document, content = dossier.document, dossier.revisions[-1].content
        source = next(iter(document.sources), "")
        url = next((table.url for table in self.config.sources if table.name == source), "")
        raw = "" if content.relayed else content.raw
        by, key = self.config.relay.name, self.signer.public
        return Hop(by, key, source, url if url.startswith("http") else "", document.detected, document.missed, raw)

    def _entry(self, dossier: Dossier, sha256: str) -> Entry:
        """The row of the feed: the publisher's words, the earliest of all its instants, and the names that hold everywhere.

        Its key stays the first fetcher's through all relays.
        """
        document, shown, content = dossier.document, dossier.entry, dossier.revisions[-1].content
        own = f"{next(iter(document.sources), '')}:{shown.key}"
        return Entry(
            key=shown.key if content.relayed else own, title=content.title or document.title, url=document.url,
            published=document.published, updated=content.updated or shown.updated, summary=content.summary,
            categories=content.categories, issuer=content.issuer, document_number=content.document_number,
            index_number=content.index_number, written=content.written, aliases=wire.strong(document.aliases),
            withdrawn=document.withdrawn, relations=shown.relations, page=sha256,
        )

    async def _origins(self) -> tuple[wire.Origin, ...]:
        """The lists that are relayed, with when they were last read well and the bytes that they showed then."""
        rows = {row.name: row for row in await self._ground.store.sources()}
        wanted = self.config.relay.sources or tuple(self.config.sources.names())
        tables = [table for table in self.config.sources if table.name in wanted and table.name in rows]
        return tuple(
            wire.Origin(
                t.name, t.kind, t.url if t.url.startswith("http") else "", rows[t.name].good,
                rows[t.name].body if rows[t.name].body and self._ground.blobs.has(rows[t.name].body) else "",
            )
            for t in tables
        )


def _paged(made: Sequence[_Made]) -> tuple[list[_Made], list[list[_Made]]]:
    """(the first page, those behind it): the first has the newest numbers and a page more, so that it is never short."""
    pages = [list(group) for _, group in groupby(made, key=lambda each: each.change.n // PAGE)]
    return [each for page in pages[:2] for each in page], pages[2:]

