"""The drop adapters: what is handed over is known exactly, what becomes of it only by the importer's answer or the page."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC
from fnmatch import fnmatchcase
from typing import ClassVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from syncd.adapters.api import Capabilities, CheckItem, CheckReport, How, SiteConfig, Standing, Tools
from syncd.adapters.drop import acknowledgement as acks
from syncd.adapters.drop.acknowledgement import Answer, Unclear
from syncd.adapters.drop.column import ColumnPage
from syncd.adapters.drop.document import Tree, digest_of
from syncd.adapters.drop.folder import Folder, LocalFolder
from syncd.adapters.drop.judge import Judge, Known
from syncd.adapters.drop.marker import Marker
from syncd.adapters.drop.options import DirectoryOptions, Options
from syncd.adapters.drop.package import (
    Attached,
    Heading,
    attached,
    document_of,
    headed,
    package_name,
    said_state,
    written,
    zipped,
)
from syncd.adapters.drop.records import History, Record, Records
from syncd.errors import AdapterError, Conflict, NotApplied, NotFound, StoreError
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

_ROOM = 100 * 1024 * 1024
_ASKED = 500
"""Keys, the last in order, whose answers check() looks for."""


class DropAdapter:
    """What both drops do. Class C: a package is made once, what people do with it in the CMS is not seen."""

    api_version: ClassVar[int] = 1

    def __init__(self, site: SiteConfig, tools: Tools, options: Options, folder: Folder) -> None:
        self._site, self._tools, self._options, self._folder = site, tools, options, folder
        self._zone = ZoneInfo(site.timezone)
        self._suffix = ".zip" if options.layout == "zip" else ""
        kept = tools.folder / f"{site.name}.drop" if tools.folder is not None else None
        self._marker = Marker(folder, options.records, kept, lambda: secrets.token_hex(16))
        self._records = Records(
            folder, options.records, options.packages, self._marker, suffix=self._suffix, flag=options.flag
        )
        self._column = ColumnPage(site, tools, options) if options.list_url else None
        self._judge = Judge(options, site.public_url)
        self._dice: Callable[[], str] = lambda: secrets.token_hex(4)
        self.capabilities = Capabilities(
            drafts=True, unpublish=options.withdraw == "unpublish", delete=options.withdraw == "delete",
            notice=options.withdraw == "notice", taxonomy="free", media="inline", lookup="pk", unique="server",
            conditional_update="none", max_concurrency=4, reads=True, lists=True, awaits=True,
        )

    async def check(self) -> CheckReport:
        """Reach, log-in, folders, room, and packages that were not answered in time. Changes nothing."""
        try:
            items = (
                CheckItem("drop", True, "; ".join(await self._folder.traits())),
                *[await self._check_folder(name) for name in self._folders()],
                await self._check_records(), await self._check_room(), await self._check_answers(),
            )
        except AdapterError as error:
            item = CheckItem("drop", False, f"{error.where or self._folder.where}: {error.message}", error.hint)
            return CheckReport(False, self.capabilities, (item,))
        return CheckReport(all(item.ok for item in items), self.capabilities, items)

    async def find(self, key: str) -> RemoteRef | None:
        """The last package of a key that was handed over, whatever the importer has done with it since."""
        known = await self._known(package_name(key))
        return self._judge.ref(known) if known is not None and known.head.key == key else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """The first package of a key, or of one that was withdrawn. What a crash left unmoved is taken back first."""
        name = package_name(post.key)
        history = await self._records.history(name)
        known = await self._heard(history)
        gone = known is None or known.head.action == "withdraw"
        if not gone or not await self._taken_back(history):
            raise Conflict("exists", where=name, hint="find it by its key")
        return await self._drop(history, post, state, known, "exists", Wrote.CREATED)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        """Another package of the key, with the next number; none where the last one says the same and was not refused."""
        known = await self._standing_there(ref)
        self._compare(known, if_version)
        if not await self._taken_back(known.history):
            raise Conflict("version", "another package was handed over at this moment", where=ref.id)
        state = RemoteState.PUBLIC if self._judge.was_published(known) else state
        tree, _ = self._document(post)
        same = (known.head.digest, known.head.state) == (digest_of(tree), state.value) and known.head.action != "withdraw"
        if same and not self._judge.standing(known, self._tools.now()).refused:
            return WriteResult(self._judge.ref(known), Wrote.UNCHANGED)
        return await self._drop(known.history, post, state, known, "version", Wrote.UPDATED)

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """A package that asks for it. What was refused from the first on was never there; what lost its record may be."""
        known = await self._known(ref.id)
        if known is None:
            raise NotApplied("records_missing", "there is no record of this package", where=f"{self._folder.where}: {ref.id}",
                             hint=f"restore {self._records.path(ref.id)} from a backup: the page may be public still")
        refused = self._judge.standing(known, self._tools.now()).refused
        if known.head.action == "withdraw" and not refused:
            return WriteResult(self._judge.ref(known), Wrote.ALREADY)
        if refused == "importer_refused" and not known.head.taken:
            return WriteResult(replace(self._judge.ref(known), state=RemoteState.WITHDRAWN), Wrote.ALREADY)
        self._compare(known, if_version)
        if not await self._taken_back(known.history):
            raise Conflict("version", "another package was handed over at this moment", where=ref.id)
        return await self._ask_back(known, how)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What was handed over last; what people make of it in the CMS can't be read."""
        known = await self._standing_there(ref)
        return RemoteDoc(self._judge.ref(known), known.head.key, known.head.title, known.head.html)

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        for name in await self._records.names():
            known = await self._known(name)
            if known is not None and known.head.key.startswith(prefix):
                yield RemoteDoc(self._judge.ref(known), known.head.key, known.head.title, known.head.html)

    async def standing(self, ref: RemoteRef) -> Standing:
        """What the importer says of the last package, and where its page stands."""
        known = await self._standing_there(ref)
        told = self._judge.standing(known, self._tools.now())
        if told.refused or told.ref.url or self._column is None:
            return told
        url = await self._column.find(known.head.title, known.head.number)
        if not url:
            return told
        await self._records.keep_page(known.history.name, url)
        pending = told.ref.state is RemoteState.DRAFT  # a visitor sees it: the page itself is to show which text
        return Standing(replace(told.ref, url=url, state=RemoteState.PENDING if pending else told.ref.state))

    async def aclose(self) -> None:
        await self._folder.aclose()

    # What stands in the drop

    async def _known(self, name: str) -> Known | None:
        return await self._heard(await self._records.history(name))

    async def _heard(self, history: History) -> Known | None:
        """The last package of a history with what the importer says of it by now."""
        if history.head is None:
            return None
        known = Known(history, history.head, history.answer)
        if self._judge.is_done(known):
            return known
        fresh = await self._answer(history.head)
        if isinstance(fresh, Unclear):
            return replace(known, unclear=fresh.why)
        if fresh is None or fresh == known.answer:
            return known
        await self._records.keep(history.name, history.head.sequence, fresh)
        return replace(known, answer=fresh)

    async def _standing_there(self, ref: RemoteRef) -> Known:
        known = await self._known(ref.id)
        if known is None:
            raise NotFound("gone", "there is no record of this package", where=ref.id,
                           hint=f"were records below {self._options.records} removed?")
        return known

    async def _answer(self, head: Record) -> Answer | Unclear | None:
        """The importer's answer as it lies there now; of several files the last by name."""
        options = self._options.ack
        if options is None:
            return None
        name = acks.file_name(options, self._judge.package(head), head.key, head.sequence)
        if "*" in name:
            lying = sorted(each for each in await self._folder.names(options.folder or ".") if fnmatchcase(each, name))
            name = lying[-1] if lying else ""
        path = "/".join(part for part in (options.folder, name) if part)
        data = await self._folder.read(path) if name else None
        return None if data is None else acks.understood(data, options, self._site.public_url)

    # Writing

    def _document(self, post: Post) -> tuple[Tree, Sequence[Attached]]:
        return document_of(post, self._options, self._zone), attached(post.media)

    def _compare(self, known: Known, if_version: str | None) -> None:
        if if_version is not None and if_version != str(known.head.sequence):
            raise Conflict("version", "another package of this document was handed over", where=known.history.name,
                           hint="is a second syncd writing to this drop?")

    async def _taken_back(self, history: History) -> bool:
        """See that nothing which a crash left can come after us; False when it was handed over meanwhile."""
        return all([await self._records.take_back(history.name, record) for record in history.open])

    async def _drop(
        self, history: History, post: Post, state: RemoteState, known: Known | None, kind: str, outcome: Wrote,
    ) -> WriteResult:
        tree, files = self._document(post)
        there = self._judge.was_taken(known) and not self._judge.was_withdrawn(known)
        record = self._record(history, known, post.key, action="update" if there else "create", state=state.value)
        record = replace(record, revision=post.revision, digest=digest_of(tree), title=post.title, html=post.html,
                         column=post.column, number=post.document_number)
        await self._hand_over(history, record, tree, files, kind)
        return WriteResult(self._judge.ref(Known(replace(history, answer=None), record, None)), outcome)

    async def _ask_back(self, known: Known, how: How) -> WriteResult:
        head = known.head
        record = self._record(known.history, known, head.key, action="withdraw", state=RemoteState.WITHDRAWN.value)
        record = replace(record, revision=head.revision, title=head.title, html=head.html, column=head.column,
                         number=head.number, how=how)
        tree = {"key": head.key, "revision": head.revision, "column": self._judge.column(head.column), "title": head.title}
        await self._hand_over(known.history, record, tree, [], "version")
        return WriteResult(self._judge.ref(Known(replace(known.history, answer=None), record, None)), Wrote.WITHDRAWN)

    def _record(self, history: History, known: Known | None, key: str, *, action: str, state: str) -> Record:
        now, number = self._tools.now().astimezone(UTC), history.last + 1
        record = Record(key, number, action, state, made=now.astimezone(self._zone).isoformat(),
                        stage=f"{number:06d}-{now:%Y%m%dT%H%M%S}-{self._dice()}")
        if known is None:
            return record
        id = (known.answer.id if known.answer is not None else "") or known.head.id
        return replace(record, id=id, url=self._judge.url(known), taken=self._judge.was_taken(known),
                       published=self._judge.was_published(known))

    async def _hand_over(self, history: History, record: Record, tree: Tree, files: Sequence[Attached], kind: str) -> None:
        """Stage, claim, move: what fails before the move has come to nothing."""
        name, records = history.name, self._records
        await self._marker.begin()
        await self._require_room(sum(file.media.size for file in files))
        if history.last:
            await records.tidy(name, self._tools.now().astimezone(UTC))
        await self._stage(name, record, tree, files)
        if not await records.claim(name, record):
            await records.discard(name, record.stage)
            raise Conflict(kind, "another package of this document was made at this moment", where=name)
        if not await records.hand_over(name, record):
            raise Conflict(kind, "the package was taken back by another writer", where=name)

    async def _stage(self, name: str, record: Record, tree: Tree, files: Sequence[Attached]) -> None:
        state = said_state(record.action, record.state)
        heading = Heading(record.sequence, record.action, state, record.at, record.id, record.url, record.how)
        authority = urlsplit(self._site.public_url).hostname or self._site.name
        document, manifest = written(headed(tree, heading), files, self._options, heading, authority)
        path = await self._records.stage(name, record.stage)
        if self._suffix:
            members = [(file.name, self._bytes(file)) for file in files]
            whole = zipped([(document.name, document.data), *members, (manifest.name, manifest.data)])
            await self._folder.write(path, whole)
            return
        await self._folder.write(f"{path}/{document.name}", document.data)
        for file in files:
            await self._folder.write(f"{path}/{file.name}", self._bytes(file))
        await self._folder.write(f"{path}/{manifest.name}", manifest.data)

    def _bytes(self, file: Attached) -> bytes:
        try:
            return self._tools.blobs.read(file.media.sha256)
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    async def _require_room(self, size: int) -> None:
        free = await self._folder.free() if size else None
        if free is not None and free < size:
            raise NotApplied("disk_full", f"{free // 1048576} MiB are free, the attachments need {size // 1048576}",
                             where=self._folder.where, hint="make room there")

    # What check() looks at

    def _folders(self) -> Sequence[str]:
        ack = [self._options.ack.folder] if self._options.ack is not None else []
        return [self._options.packages, self._options.records, *ack]

    async def _check_folder(self, name: str) -> CheckItem:
        count = len(await self._folder.names(name or "."))
        return CheckItem(f"folder {name or '.'}", True, f"{count} entries" if count else "empty, or made when needed")

    async def _check_records(self) -> CheckItem:
        await self._marker.require()
        return CheckItem("records", True, "those that were written before, or none were yet")

    async def _check_room(self) -> CheckItem:
        free = await self._folder.free()
        if free is None:
            return CheckItem("room", True, "the server does not tell")
        return CheckItem("room", free > _ROOM, f"{free // 1048576} MiB free", "" if free > _ROOM else "make room")

    async def _check_answers(self) -> CheckItem:
        late = []
        for name in (await self._records.names())[-_ASKED:] if self._options.ack is not None else []:
            known = await self._known(name)
            if known is not None and (told := self._judge.standing(known, self._tools.now())).refused:
                late.append(f"{self._judge.package(known.head)}: {told.refused}")
        hint = "look at the importer; syncd status names the documents" if late else ""
        return CheckItem("answers", not late, "; ".join(late[:5]) or "none is missing", hint)


class DirectoryAdapter(DropAdapter):
    """A folder of this machine or of a mounted share."""

    kind: ClassVar[str] = "directory"
    Options: ClassVar[type[BaseModel]] = DirectoryOptions

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = DirectoryOptions.model_validate(site.options)
        super().__init__(site, tools, options, LocalFolder(options.directory))


__all__ = ["DirectoryAdapter", "DropAdapter"]
