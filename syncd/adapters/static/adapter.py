"""The static adapter: each repost a page at a lasting address, its record beside it, lists and feeds derived."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict
from selectolax.lexbor import LexborHTMLParser

from syncd.adapters.api import Capabilities, CheckItem, CheckReport, How, SiteConfig, Tools
from syncd.adapters.markup import localise, path_name
from syncd.adapters.static.folder import Folder, Record, digest
from syncd.adapters.static.lists import Lists
from syncd.adapters.static.pages import Pages, Site
from syncd.errors import Conflict, NotApplied, NotFound, StoreError, Unknown
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult, Wrote

_ROOM = 100 * 1024 * 1024
_EDITOR = "local editor"
_MINUTE = timedelta(minutes=1)


class Options(BaseModel):
    """directory: the folder to write; made when missing. base_path: where it lies below public_url, such as "/zc".

    lang: of lists. columns: column name to folder name, for addresses that people can read.
    """

    model_config = ConfigDict(extra="forbid")

    directory: Path
    base_path: str = ""
    lang: Literal["zh", "en"] = "zh"
    columns: dict[str, str] = {}


class StaticAdapter:
    """Posts into a folder that any web server can serve; nothing else may write its records."""

    api_version: ClassVar[int] = 1
    kind: ClassVar[str] = "static"
    Options: ClassVar[type[BaseModel]] = Options
    capabilities = Capabilities(
        drafts=True, unpublish=True, delete=True, notice=True, taxonomy="free", media="inline", lookup="pk",
        unique="server", conditional_update="compare_and_set", reads=True, lists=True,
    )

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        options = Options.model_validate(site.options)
        path = options.base_path.strip("/")
        base = f"{site.public_url.rstrip('/')}/{path}".rstrip("/")
        self._options = options
        self._tools = tools
        self._zone = ZoneInfo(site.timezone)
        self._base = base
        self._folder = Folder(options.directory)
        name = site.site_name or site.name
        self._pages = Pages(Site(base, name, site.site_id, urlsplit(base).hostname or "", options.lang))
        self._lists = Lists(self._folder, self._pages, name)

    async def check(self) -> CheckReport:
        """The folder can be written and has room; changes nothing."""
        root = self._folder.root
        there = next(path for path in (root.absolute(), *root.absolute().parents) if path.exists())
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        free = shutil.disk_usage(there).free
        items = (
            CheckItem("directory", writable, str(root) if root.exists() else f"{root} will be made in {there}",
                      "" if writable else f"let syncd's user write to {there}"),
            CheckItem("room", free > _ROOM, f"{free // 1048576} MiB free", "" if free > _ROOM else "make room"),
        )
        return CheckReport(all(item.ok for item in items), self.capabilities, items, skew=0.0)

    async def find(self, key: str) -> RemoteRef | None:
        """The post of a key. A record whose page was never written, or was removed by hand, is no post."""
        name = path_name(key, "k")
        record = self._folder.record(name)
        if record is None or record.key != key:
            return None
        if name in self._folder.marked():
            self._mend(name)
            record = self._folder.record(name)
        return self._ref(name, record) if record is not None and self._exists(record) else None

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        """Writes the page; a record left by a crash before its page was written is taken over, at its address."""
        name = path_name(post.key, "k")
        files = self._files(post)
        with self._folder.writing():
            old = self._folder.record(name)
            if old is not None and self._exists(old):
                raise Conflict("exists", where=old.path, hint="find it by its key")
            return self._put(name, post, state, old, files, Wrote.CREATED)

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        files = self._files(post)
        with self._folder.writing():
            old = self._standing_record(ref)
            self._compare(old, if_version)
            if self._is_same(ref.id, old, post, state):
                return WriteResult(self._ref(ref.id, old), Wrote.UNCHANGED)
            return self._put(ref.id, post, state, old, files, Wrote.UPDATED, if_version)

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        """notice: the page says so; unpublish: the address answers 404 and the record stays; delete: all is gone."""
        with self._folder.writing():
            old = self._folder.record(ref.id)
            if old is None or not self._exists(old):
                return WriteResult(replace(ref, state=RemoteState.WITHDRAWN, version=""), Wrote.ALREADY)
            if self._standing(old)[1] == RemoteState.WITHDRAWN and how != "delete":
                return WriteResult(self._ref(ref.id, old), Wrote.ALREADY)
            self._compare(old, if_version)
            return self._take_down(ref, old, how, if_version)

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        """What the page's file holds now, whoever wrote it."""
        record = self._standing_record(ref)
        page = LexborHTMLParser((self._bytes(record) or b"").decode("utf-8", "replace"))
        title, text = page.css_first("h1"), page.css_first("#text") or page.body
        return RemoteDoc(self._ref(ref.id, record), record.key, title.text().strip() if title else "",
                         (text.inner_html or "") if text else "")

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        for record in self._folder.records():
            if record.key.startswith(prefix) and self._exists(record):
                yield await self.read(self._ref(path_name(record.key, "k"), record))

    async def aclose(self) -> None:
        """Nothing is held open."""

    # What stands on the disk

    def _bytes(self, record: Record) -> bytes | None:
        public = self._folder.bytes_of(self._folder.public(record))
        return public if public is not None else self._folder.bytes_of(self._folder.draft(record))

    def _exists(self, record: Record) -> bool:
        return record.hash == "" or self._bytes(record) is not None

    def _standing(self, record: Record) -> tuple[str, str]:
        """Hash and state of what the page is, which is the one before as long as the new one has not landed."""
        data = self._bytes(record)
        before = record.before
        if not record.landed and before and data is not None and digest(data) == before["hash"]:
            return before["hash"], before["state"]
        moved = record.state == RemoteState.DRAFT and self._folder.public(record).exists()
        return record.hash, RemoteState.PUBLIC.value if moved else record.state

    def _is_public(self, record: Record) -> bool:
        return self._standing(record)[1] == RemoteState.PUBLIC and self._folder.public(record).exists()

    def _ref(self, name: str, record: Record) -> RemoteRef:
        expected, state = self._standing(record)
        data = self._bytes(record)
        version = digest(data) if data is not None else ""
        public = self._folder.public(record).exists()
        return RemoteRef(
            name, self._url(record.path) if public else "", version, RemoteState(state),
            modified_by=_EDITOR if version != expected else None,
        )

    def _standing_record(self, ref: RemoteRef) -> Record:
        record = self._folder.record(ref.id)
        if record is None or not self._exists(record):
            raise NotFound("gone", "the page is not there any more", where=ref.url, hint="was it removed on purpose?")
        return record

    def _compare(self, record: Record, if_version: str | None) -> None:
        data = self._bytes(record)
        if if_version is not None and if_version != (digest(data) if data is not None else ""):
            raise Conflict("version", "the page was changed at the site", where=record.path, hint="look at the page")

    # Writing

    def _files(self, post: Post) -> dict[str, bytes]:
        """The attachments, read before anything is written."""
        try:
            return {media.name: self._tools.blobs.read(media.sha256) for media in post.media}
        except StoreError as cause:
            raise NotApplied(cause.reason, cause.message, where=cause.where, hint=cause.hint) from cause

    def _put(
        self, name: str, post: Post, state: RemoteState, old: Record | None, files: dict[str, bytes], outcome: Wrote,
        if_version: str | None = None,
    ) -> WriteResult:
        record, page = self._record(name, post, state, old)
        with self._unchanged(name, old, if_version) as check:
            self._land(name, record, page, files, check)
        return WriteResult(self._ref(name, replace(record, landed=True, before={})), outcome)

    @contextmanager
    def _unchanged(self, name: str, old: Record | None, if_version: str | None) -> Iterator[Callable[[], None]]:
        """Compare once more in the very moment: a person with a text editor takes no lock. Then the record is as before."""
        try:
            yield lambda: self._compare(old, if_version) if old is not None else None
        except Conflict:
            if old is not None:
                self._folder.keep(name, old)
            self._folder.unmark(name)
            raise

    def _record(self, name: str, post: Post, state: RemoteState, old: Record | None) -> tuple[Record, bytes]:
        now = (post.sent or self._tools.now()).astimezone(self._zone)
        was_shown = old is not None and self._exists(old) and self._standing(old)[1] != RemoteState.DRAFT
        first = old.first if old is not None and was_shown else now.isoformat(timespec="seconds")
        folder = path_name(self._options.columns.get(post.column, post.column), "lanmu")
        path = old.path if old is not None else f"{folder}/{now:%Y-%m}/{name}.html"
        told = self._told(post, path, first, now)
        page = self._pages.post(
            told, url=self._url(path), column_url="../index.html", hotlink=post.hotlink,
            body=localise(post.html, _local(post, path), hotlink=post.hotlink),
        )
        expected, stood = self._standing(old) if old is not None else ("", "")
        before = {"hash": expected, "state": stood} if old is not None else {}
        return Record(post.key, path, post.column, state.value, post.revision, digest(page), first,
                      before=before, post=told), page

    def _told(self, post: Post, path: str, first: str, now: datetime) -> dict[str, Any]:
        """What the page, the lists and the feeds say of a post; plain JSON."""
        begun = datetime.fromisoformat(first)
        folder = self._url(path).removesuffix(".html")
        local = Path(path).stem
        files = [
            {"name": m.name, "title": m.title, "type": m.type, "size": m.size, "url": f"{folder}/{m.name}",
             "local": f"{local}/{m.name}"}
            for m in post.media if not m.type.startswith("image/")
        ]
        return {
            "key": post.key, "revision": post.revision, "title": post.title, "column": post.column, "path": path,
            "url": self._url(path), "first": first, "time": f"{begun:%Y-%m-%d %H:%M}", "lang": post.lang,
            "changed": now.isoformat(timespec="seconds"), "issuer": post.issuer, "number": post.document_number,
            "origin": post.origin_name or post.issuer, "source_url": _web_only(post.source_url),
            "summary": post.summary[:300], "categories": list(post.categories), "keywords": ",".join(post.categories),
            "updated": f"{now:%Y-%m-%d %H:%M}" if now - begun >= _MINUTE else "", "files": files,
            "fields": self._fields(post),
            "html": localise(post.html, {m.url: f"{folder}/{m.name}" for m in post.media}, hotlink=post.hotlink),
        }

    def _fields(self, post: Post) -> Sequence[Sequence[str]]:
        published = post.published.at.astimezone(self._zone).strftime("%Y-%m-%d") if post.published else ""
        told = (
            ("issuer", post.issuer), ("number", post.document_number), ("index", post.index_number),
            ("written", post.written), ("published", published),
        )
        return [[label, value] for label, value in told if value]

    def _is_same(self, name: str, old: Record, post: Post, state: RemoteState) -> bool:
        """The page is as we wrote it and would say the same again but for the time of writing."""
        record, _ = self._record(name, post, state, old)
        told = {**record.post, "changed": old.post.get("changed"), "updated": old.post.get("updated")}
        whole = old.landed and self._ref(name, old).modified_by is None
        return whole and told == old.post and (record.state, record.revision) == (old.state, old.revision)

    def _land(
        self, name: str, record: Record, page: bytes, files: dict[str, bytes], check: Callable[[], None],
    ) -> None:
        """Record, files, page, record again: wherever it stops, `find` tells what stands."""
        folder = self._folder
        public, draft = folder.public(record), folder.draft(record)
        target, other = (draft, public) if record.state == RemoteState.DRAFT else (public, draft)
        folder.mark(name)
        folder.keep(name, record)
        for called, data in files.items():
            folder.write(target.with_suffix("") / called, data)
        with _doubted(record.path, lambda: folder.bytes_of(target) == page):
            folder.write(target, page, check=check)
            folder.remove(other)
            _drop_others(target.with_suffix(""), set(files))
        self._settle(name, record)

    def _take_down(self, ref: RemoteRef, old: Record, how: How, if_version: str | None) -> WriteResult:
        expected, stood = self._standing(old)
        record = replace(old, state=RemoteState.WITHDRAWN.value, hash="", landed=False,
                         before={"hash": expected, "state": stood})
        with self._unchanged(ref.id, old, if_version) as check:
            if how == "notice":
                return self._put_notice(ref.id, record, check)
            self._remove(ref.id, record, check)
        if how == "delete":
            with _doubted(old.path, lambda: True):
                self._folder.forget(ref.id)
        return WriteResult(RemoteRef(ref.id, "", "", RemoteState.WITHDRAWN), Wrote.WITHDRAWN)

    def _put_notice(self, name: str, record: Record, check: Callable[[], None]) -> WriteResult:
        since = f"{self._tools.now().astimezone(self._zone):%Y-%m-%d %H:%M}"
        page = self._pages.notice(record.post, url=self._url(record.path), column_url="../index.html", since=since)
        record = replace(record, hash=digest(page))
        self._land(name, record, page, {}, check)
        return WriteResult(self._ref(name, replace(record, landed=True, before={})), Wrote.WITHDRAWN)

    def _remove(self, name: str, record: Record, check: Callable[[], None]) -> None:
        folder = self._folder
        folder.mark(name)
        folder.keep(name, record)
        check()
        with _doubted(record.path, lambda: not folder.public(record).exists()):
            folder.remove(folder.public(record))
            folder.remove(folder.draft(record))
        self._settle(name, record)

    def _settle(self, name: str, record: Record) -> None:
        """The page stands; from here a failure is not "nothing applied"."""
        with _doubted(record.path, lambda: True):
            self._folder.keep(name, replace(record, landed=True, before={}))
            self._lists.show(name, record, self._is_public(record))
            self._folder.unmark(name)

    def _mend(self, name: str) -> None:
        """After a crash: what landed is settled; a record whose page was not written waits for the next create."""
        with self._folder.writing():
            record = self._folder.record(name)
            data = self._bytes(record) if record is not None else None
            if record is None or (data is not None and digest(data) != record.hash and not record.landed):
                return
            if data is not None or record.landed or record.hash == "":
                self._settle(name, record)

    def _url(self, path: str) -> str:
        return f"{self._base}/{path}"


@contextmanager
def _doubted(path: str, stands: Callable[[], bool]) -> Iterator[None]:
    """A disk that fails when the page already stands as wanted leaves the rest undone: that is not "nothing applied"."""
    try:
        yield
    except OSError as cause:
        if not stands():
            raise
        raise Unknown("not_settled", f"the page stands, its lists don't: {cause}", where=path,
                      hint="check the disk; the lists are mended at the next look") from cause


def _local(post: Post, path: str) -> dict[str, str]:
    return {media.url: f"{Path(path).stem}/{media.name}" for media in post.media}


def _web_only(url: str) -> str:
    return url if url.startswith(("http://", "https://")) else ""


def _drop_others(folder: Path, wanted: set[str]) -> None:
    """Files of an earlier revision that the page no longer offers."""
    if not wanted:
        shutil.rmtree(folder, ignore_errors=True)
    for path in folder.glob("*"):
        if path.name not in wanted:
            path.unlink(missing_ok=True)
