"""What `syncd check` asks of a repository: git's version, reach, branch, the right to push, the layout. Changes nothing."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from syncd.adapters.api import Capabilities, CheckReport, Tools
from syncd.adapters.checks import Steps
from syncd.adapters.git import failures
from syncd.adapters.git.layouts import Layout
from syncd.adapters.git.options import Options
from syncd.adapters.git.run import Done, Git
from syncd.errors import AdapterError

_OLDEST = (2, 31)
"""The first that takes settings, and with them the token, from its environment by numbers."""
_VERSION = re.compile(r"git version (\d+)\.(\d+)(\S*)")
_TIP = "refs/syncd/check"


class Checker(Steps):
    """One run of the check, in a clone of its own without history that is thrown away: the daemon may be at work in ours."""

    def __init__(self, options: Options, tools: Tools, layout: Layout) -> None:
        super().__init__()
        self._options = options
        self._tools = tools
        self._layout = layout

    async def run(self, capabilities: Capabilities) -> CheckReport:
        version = ""
        with tempfile.TemporaryDirectory(prefix="syncd-check-") as folder:
            git = Git(Path(folder), self._options, self._tools.network)
            git.lay_out()
            try:
                version = await self._version(git)
                if version and await self._reach(git):
                    await self._files(git)
                    await self._right(git)
            except AdapterError as error:
                self._failed("git", error)
        return self._report(capabilities, version)

    async def _version(self, git: Git) -> str:
        found = _VERSION.search((await git.local("version")).out.decode("utf-8", "replace"))
        told = found[0].removeprefix("git version ") if found else ""
        ok = found is not None and (int(found[1]), int(found[2])) >= _OLDEST
        self._say("git", ok, told or "git does not tell its version", "install git 2.31 or newer")
        return told if ok else ""

    async def _reach(self, git: Git) -> bool:
        """Fetch the branch's tip, without history and, where the server can do that, without the files."""
        await git.local("init", "--quiet", "--bare", "git")
        branch = f"+refs/heads/{self._options.branch}:{_TIP}"
        done = await git.remote(
            "fetch", "--quiet", "--no-tags", "--depth=1", "--filter=blob:none", self._options.address, branch)
        if done.code != 0:
            error = failures.of_fetch(done, self._options.address)
            return self._failed("reach", error)
        self._say("reach", True, f"branch {self._options.branch} is there")
        if self._options.scheme == "http" and self._options.token is not None:
            self._say("https", "://127.0.0.1" in self._options.address or "://localhost" in self._options.address,
                      "the token goes over the network in clear", "write https into repository")
        return True

    async def _files(self, git: Git) -> None:
        at_root = set(_lines(await git.local("ls-tree", "--name-only", "--full-tree", _TIP)))
        known = sorted(at_root & set(self._layout.settings))
        hint = f"none of {', '.join(self._layout.settings)} stands at the root: check layout and branch"
        self._say("layout", bool(known), f"{self._options.layout}: {known[0]}" if known else self._options.layout, hint)
        content = self._options.content
        there = not content or bool(_lines(await git.local("ls-tree", "--name-only", "--full-tree", _TIP, "--", content)))
        self._say("content", there, content or "the root", f"there is no folder {content}: check content")

    async def _right(self, git: Git) -> None:
        """A rehearsal: the server is asked as for a push, and nothing is sent."""
        name = f"refs/heads/{self._options.branch}"
        done = await git.remote("push", "--porcelain", "--dry-run", "--no-verify", self._options.address, f"{_TIP}:{name}")
        try:
            moved = failures.of_push(done, self._options.address) == "moved"
        except AdapterError as error:
            self._failed("push", error)
            return
        self._say("push", True, "somebody pushed meanwhile" if moved else f"as {self._options.author}")


def _lines(done: Done) -> list[str]:
    return done.out.decode("utf-8", "surrogateescape").splitlines() if done.code == 0 else []
