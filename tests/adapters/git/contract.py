"""The contract of adapters over git: its calls are the contacts with the server, its editor somebody who pushes too."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from syncd.adapters.api import Adapter, SiteConfig, Tools
from syncd.adapters.git import GitAdapter
from syncd.adapters.git.run import Done
from syncd.model import RemoteRef
from syncd.testing.adapter_contract import AdapterContract
from syncd.testing.wire import Wire
from tests.adapters.git.kit import Person, git

_NO_CONNECTION = Done(128, b"", "fatal: unable to access 'x': Failed to connect to 127.0.0.1 port 9: Connection refused\n")
_CUT = Done(128, b"", "error: RPC failed; curl 56 Recv failure: Connection reset by peer\n"
                      "fatal: the remote end hung up unexpectedly\n")
TEXT = re.compile(r"(<!--syncd:text-->).*(<!--/syncd:text-->)", re.DOTALL)


class Lost(Exception):
    """A contact with the server that failed; `done` is what git says of it."""

    def __init__(self, done: Done) -> None:
        super().__init__(done.err)
        self.done = done


class Chen:
    """Somebody with a working copy, who pushes."""

    def __init__(self, person: Person, bare: Path) -> None:
        self.person, self.bare = person, bare

    def _path(self, name: str) -> str:
        (path,) = [path for path in self._paths() if path.endswith(f"/{name}/index.html")]
        return path

    def _paths(self) -> list[str]:
        return git("ls-tree", "-r", "--name-only", "main", cwd=self.bare).splitlines()

    async def edit(self, ref: RemoteRef, html: str) -> None:
        path = self._path(ref.id)
        text = git("show", f"main:{path}", cwd=self.bare)
        self.person.push(path, TEXT.sub(rf"\1{html}\2", text))

    async def remove(self, ref: RemoteRef) -> None:
        self.person.push(self._path(ref.id), None)

    async def count(self, key: str) -> int:
        return sum(f"/{key}/index.html" in path for path in self._paths())


class OnGit(AdapterContract):
    """root: a folder that holds site.git. options: of the adapter."""

    speaks_http = False
    root: Path
    url = "https://www.county.example"
    options: dict[str, Any]

    def make_adapter(self, tools: Tools) -> GitAdapter:
        told = {**self.options, "clone": self.root / "clone"}
        return GitAdapter(SiteConfig("county", self.url, "某县人民政府", options=told), tools)

    def make_editor(self, tools: Tools) -> Chen:
        bare = self.root / "site.git"
        return Chen(Person(self.root / "chen", str(bare), "陈编辑", "chen@county.example"), bare)

    def attach(self, adapter: Adapter, wire: Wire) -> bool:
        assert isinstance(adapter, GitAdapter)
        runs, real = adapter._clone._git, adapter._clone._git.remote
        wire.broken = lambda sent: Lost(_CUT if sent else _NO_CONNECTION)

        async def contacted(*words: str) -> Done:
            try:
                with wire.call(f"git {words[0]}", writes=words[0] == "push"):
                    return await real(*words)
            except Lost as lost:
                return lost.done

        runs.remote = contacted  # type: ignore[method-assign]
        return True
