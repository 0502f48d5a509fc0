"""Our clone: a bare repository beside the state, a copy that can be made again at any time, one user of it at a time.

A commit is made of objects alone (git fast-import): there is no working tree, so that no filter, attribute or hook of the
site's repository runs here, and the size of the site costs nothing. It is pushed with the tip that it was made on as the
condition: where somebody else has pushed, the server's tip is another one, nothing is changed, and we look again.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from weakref import WeakKeyDictionary

from syncd.adapters.git import failures
from syncd.adapters.git.options import Options
from syncd.adapters.git.run import Done, Git
from syncd.errors import NotApplied
from syncd.web.api import Network

_TIP = "refs/syncd/tip"
"""What we fetched last, or made on it: a commit whose push failed stands there until the next fetch, and is never believed."""
_LEFT = ("packed-refs.lock", "config.lock", "HEAD.lock", "shallow.lock", "refs/syncd/*.lock", "objects/maintenance.lock",
         "gc.pid")
"""What a killed git leaves behind; nobody else works in our clone."""
_PAGE = "index.html"
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Path, asyncio.Lock]] = WeakKeyDictionary()


class Broken(Exception):
    """The clone is damaged; the text says what git said."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the repository at a tip. path: from its root. blob: hash of its bytes."""

    path: str
    blob: str


@dataclass(frozen=True, slots=True)
class Change:
    """A commit to be. files: bytes by path; gone: paths that are removed. message: subject, blank line, trailers."""

    message: str
    files: Mapping[str, bytes]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Committed:
    """A commit that was made and not pushed. blobs: hash by path, of what it writes; gone: paths that it removes."""

    id: str
    blobs: Mapping[str, str]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """What is known of a tip's tree. pages: by the name of their folder. leaves: what is no folder and has no dot in its
    name, so that it may stand where a folder is to be."""

    tip: str
    pages: Mapping[str, tuple[File, ...]]
    leaves: frozenset[str]


class Clone:
    """The clone of one branch. Everything but `open` needs it to be open."""

    def __init__(self, folder: Path, options: Options, network: Network) -> None:
        name = hashlib.sha256(f"{options.address}\n{options.branch}".encode()).hexdigest()[:16]
        self.folder = (options.clone or folder) / name
        self._options = options
        self._branch = f"refs/heads/{options.branch}"
        self._where = options.address
        self._git = Git(self.folder, options, network)
        self._tip = ""
        self._tree = Tree("", {}, frozenset())

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """One user at a time, in this process and others. Raises NotApplied busy, disk_full or unavailable."""
        lock = _LOCKS.setdefault(asyncio.get_running_loop(), {}).setdefault(self.folder, asyncio.Lock())
        async with lock:
            with self._alone():
                yield

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        with self._opened() as held:
            if not _locked(held):
                raise NotApplied("busy", "another process works in this clone", after=1.0, where=str(self.folder),
                                 hint="it goes on by itself; only one syncd should write to a repository")
            self._lay_out()
            self._git.keep = held.fileno()
            for pattern in _LEFT:
                for path in (self.folder / "git").glob(pattern):
                    path.unlink(missing_ok=True)
            try:
                yield
            finally:
                self._git.keep = None

    def _opened(self) -> IO[str]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return (self.folder / "lock").open("w")
        except OSError as cause:
            raise self._unavailable(cause) from cause

    def _lay_out(self) -> None:
        try:
            self._git.lay_out()
        except OSError as cause:
            raise self._unavailable(cause) from cause

    def _unavailable(self, cause: OSError) -> NotApplied:
        return NotApplied("unavailable", str(cause), where=str(self.folder), hint="let syncd's user write there")

    def forget(self) -> None:
        """Remove the key from the disk, unless somebody else works in this clone with it: they remove it when they close."""
        with contextlib.suppress(FileNotFoundError), (self.folder / "lock").open() as held:
            if _locked(held):
                self._git.forget()

    # Looking

    async def known(self) -> str:
        """The tip as we know it, without asking the server; "" if we don't."""
        if not (self.folder / "git" / "HEAD").exists():
            return ""
        return self._tip or await self._stored_tip()

    async def _stored_tip(self) -> str:
        done = await self._git.local("rev-parse", "--verify", "--quiet", f"{_TIP}^{{commit}}")
        return done.out.decode().strip() if done.code == 0 else ""

    async def fetch(self) -> str:
        """The server's tip, with all that hangs on it. A damaged clone is made again. Raises AdapterError."""
        done = await self._fetched()
        if done.code != 0 and failures.is_broken(done):
            await self._again()
            done = await self._fetched()
        if done.code != 0:
            raise failures.of_fetch(done, self._where)
        self._tip = await self._stored_tip()
        if self._tip:
            return self._tip
        raise Broken("the tip that was fetched is not there")

    async def _fetched(self) -> Done:
        if not (self.folder / "git" / "HEAD").exists():
            await self._again()
        words = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-show-forced-updates")
        return await self._git.remote(*words, self._where, f"+{self._branch}:{_TIP}")

    async def _again(self) -> None:
        """Nothing is lost with a clone."""
        self.discard()
        await self._good("init", "--quiet", "--bare", str(self.folder / "git"))

    def discard(self) -> None:
        shutil.rmtree(self.folder / "git", ignore_errors=True)
        self._tip, self._tree = "", Tree("", {}, frozenset())

    async def named(self, tip: str, name: str) -> tuple[File, ...]:
        """The pages whose own folder has this name, wherever an editor may have moved it."""
        return (await self._seen(tip)).pages.get(name, ())

    async def _seen(self, tip: str) -> Tree:
        if self._tree.tip != tip:
            below = (self._options.content,) if self._options.content else ()
            self._tree = _tree(tip, await self._good("ls-tree", "-r", "-z", "--full-tree", tip, "--", *below))
        return self._tree

    async def at(self, tip: str, path: str) -> File | None:
        """The file at a path, if there is one."""
        out = await self._good("ls-tree", "-z", "--full-tree", tip, "--", path)
        told, _, found = out.rstrip(b"\0").decode("utf-8", "surrogateescape").partition("\t")
        words = told.split()
        return File(found, words[2]) if found == path and words[1] == "blob" else None

    async def solid(self, tip: str, folder: str) -> str | None:
        """The first part of a folder's path that is no folder at a tip: a file, a link, a submodule; None if all can be."""
        parts = folder.split("/")
        prefixes = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        leaves = (await self._seen(tip)).leaves
        if "." in folder:
            leaves = frozenset([path for path in prefixes if await self._is_leaf(tip, path)])
        return next((path for path in prefixes if path in leaves), None)

    async def _is_leaf(self, tip: str, path: str) -> bool:
        told = (await self._good("ls-tree", "-z", "--full-tree", tip, "--", path)).split()
        return bool(told) and told[1] != b"tree"

    async def marked(self, tip: str, text: str) -> tuple[File, ...]:
        """The pages in which a text stands, by path."""
        below = (self._options.content,) if self._options.content else ()
        words = ("grep", "-l", "-z", "-F", "--no-color", "--full-name", "-e", text, tip, "--", *below)
        done = await self._git.local(*words)
        if done.code not in (0, 1):
            raise Broken(done.err)
        paths = [each.decode("utf-8", "surrogateescape").partition(":")[2] for each in done.out.split(b"\0") if each]
        found = [await self.at(tip, path) for path in sorted(paths) if path.endswith(f"/{_PAGE}")]
        return tuple(file for file in found if file is not None)

    async def read(self, file: File) -> bytes:
        return await self._good("cat-file", "blob", file.blob)

    async def author(self, tip: str, path: str) -> str:
        """Who changed a path last: the commit's author as "name <mail>", without aliases that the repository defines."""
        out = await self._good("log", "-1", "--no-mailmap", "--encoding=UTF-8", "--format=%an <%ae>", tip, "--", path)
        return out.decode("utf-8", "replace").strip()

    # Changing

    async def commit(self, tip: str, change: Change, moment: str) -> Committed:
        """Make a commit on a tip; nobody sees it. moment: seconds since 1970 and offset, as "1764000000 +0800"."""
        stream = _stream(tip, change, self._options, moment)
        done = await self._git.local("fast-import", "--quiet", "--done", "--force", "--date-format=raw", feed=stream)
        if done.code != 0:
            raise Broken(done.err)
        ids = done.out.decode().split()
        return Committed(ids[0], dict(zip(change.files, ids[1:], strict=True)), change.gone)

    async def push(self, tip: str, commit: Committed) -> failures.Pushed:
        """Make it the server's tip if that is still the one that it was made on, else "moved". Raises AdapterError."""
        words = ("push", "--porcelain", "--no-verify", f"--force-with-lease={self._branch}:{tip}")
        done = await self._git.remote(*words, self._where, f"{commit.id}:{self._branch}")
        if done.code not in (0, None) and failures.is_broken(done):
            raise Broken(done.err)
        pushed = failures.of_push(done, self._where)
        if pushed == "done":
            self._tip, self._tree = commit.id, _changed(self._tree, tip, commit)
        return pushed

    async def _good(self, *words: str) -> bytes:
        done = await self._git.local(*words)
        if done.code != 0:
            raise Broken(done.err)
        return done.out


def _locked(held: IO[str]) -> bool:
    """Lock a file for this opening of it alone; False if another one holds it."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _tree(tip: str, listing: bytes) -> Tree:
    """From what `git ls-tree -r -z` says."""
    pages: dict[str, tuple[File, ...]] = {}
    leaves = set()
    for line in listing.split(b"\0"):
        told, _, path = line.decode("utf-8", "surrogateescape").partition("\t")
        parts = path.rsplit("/", 2)
        if len(parts) > 1 and parts[-1] == _PAGE:
            pages[parts[-2]] = (*pages.get(parts[-2], ()), File(path, told.split()[2]))
        elif path and "." not in parts[-1]:
            leaves.add(path)
    return Tree(tip, pages, frozenset(leaves))


def _changed(tree: Tree, tip: str, commit: Committed) -> Tree:
    """The tree after our own commit: what it wrote and removed is all that is different."""
    if tree.tip != tip:
        return tree
    pages = dict(tree.pages)
    for path in (*commit.blobs, *commit.gone):
        parts = path.rsplit("/", 2)
        if len(parts) > 1 and parts[-1] == _PAGE:
            kept = tuple(file for file in pages.get(parts[-2], ()) if file.path != path)
            added = (File(path, commit.blobs[path]),) if path in commit.blobs else ()
            pages[parts[-2]] = kept + added
    return Tree(commit.id, pages, tree.leaves)


def _stream(tip: str, change: Change, options: Options, moment: str) -> bytes:
    """For git fast-import: the files, the commit, and the question which hashes they got."""
    person = f"{options.author} {moment}".encode()
    message = change.message.encode("utf-8", "replace")
    parts = [b"feature done\n"]
    for n, data in enumerate(change.files.values(), 2):
        parts.append(b"blob\nmark :%d\ndata %d\n%b\n" % (n, len(data), data))
    parts.append(b"reset %b\nfrom %b\n\ncommit %b\nmark :1\nauthor %b\ncommitter %b\ndata %d\n%b\n" % (
        _TIP.encode(), tip.encode(), _TIP.encode(), person, person, len(message), message))
    parts += [b"D %b\n" % _path(path) for path in change.gone]
    parts += [b"M 100644 :%d %b\n" % (n, _path(path)) for n, path in enumerate(change.files, 2)]
    parts.append(b"\n")
    parts += [b"get-mark :%d\n" % n for n in range(1, len(change.files) + 2)]
    return b"".join([*parts, b"done\n"])


def _path(path: str) -> bytes:
    """A path as fast-import takes any: in quotes, what is special behind a backslash."""
    data = path.encode("utf-8", "surrogateescape")
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n") + b'"'
