"""The git adapter keeps the contract on sites that the real generators build, and its pages are looked at as anybody does."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from syncd.adapters.api import Tools
from tests.adapters.git.contract import OnGit
from tests.adapters.git.kit import Person, git
from tests.cms.contract import OnCms, needs
from tests.cms.git.site import BuiltSite, built
from tests.cms.install import Unavailable
from tests.cms.subject import Act, Subject

pytestmark = pytest.mark.cms


class OnStaticSite(OnCms, OnGit):
    """One site for all cases of a class: each push is built before it returns."""

    generator: str
    site: BuiltSite

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _built(cls) -> Iterator[None]:
        root = Path(tempfile.mkdtemp(prefix=f"syncd-{cls.generator}-"))
        try:
            with built(root, cls.generator) as site:
                cls.site, cls.root, cls.url, cls.options = site, root, site.url, site.options()
                cls.hosts = frozenset({("127.0.0.1", int(site.url.rpartition(":")[2]))})
                yield
        except Unavailable as reason:
            needs(cls.subject.component, reason)
        finally:
            shutil.rmtree(root, ignore_errors=True)

    def version(self) -> str:
        return self.site.version

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """The build after a push is neither syncd's nor git's."""
        with self.site.unbuilt():
            yield

    def make_bare(self, tools: Tools) -> Act:
        """What a script does in its working copy, of a repository of its own: add, commit, push."""
        bare = self.root / "script.git"
        git("clone", "-q", "--bare", str(self.site.bare), str(bare), cwd=self.root)
        person = Person(self.root / "script", str(bare), "script", "script@county.example")

        async def post(n: int) -> None:
            folder = person.folder / "content" / "zwgk" / "script" / str(n)
            folder.mkdir(parents=True)
            (folder / "index.html").write_text(f'---\n{{"title": "{n}"}}\n---\n<p>正文</p>\n', encoding="utf-8")
            for words in (("add", "content"), ("commit", "-q", "-m", "x"), ("push", "-q")):
                process = await asyncio.create_subprocess_exec("git", *words, cwd=person.folder, env=person.env)
                assert await process.wait() == 0

        return post


@pytest.mark.servers
class TestHugo(OnStaticSite):
    generator = "hugo"
    subject = Subject("git", "git with Hugo", "Hugo")


class TestEleventy(OnStaticSite):
    generator = "eleventy"
    subject = Subject("git", "git with Eleventy", "Eleventy")


class TestPelican(OnStaticSite):
    generator = "pelican"
    subject = Subject("git", "git with Pelican", "Pelican")


