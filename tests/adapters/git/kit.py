"""One site in git for a test: its repository, the people who push to it, the adapter, and posts."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.git import GitAdapter
from syncd.engine.send import print_of
from syncd.errors import StoreError
from syncd.model import Instant, Media, Post, RemoteDoc

NOW = datetime(2026, 11, 30, 1, 30, 20, tzinfo=UTC)
BYTES = {"a" * 64: b"%PDF-1.7 one", "b" * 64: b"\x89PNG", "c" * 64: b"%PDF-1.7 two"}
PDF = Media("https://www.gov.cn/f.pdf?a=1&b=2", "fujian-1-aaaaaaaa.pdf", "application/pdf", 12, "a" * 64, "附件1：<方案>")
PICTURE = Media("https://www.gov.cn/p.png", "tupian-2-bbbbbbbb.png", "image/png", 4, "b" * 64)
SECOND = Media("https://www.gov.cn/g.pdf", "fujian-3-cccccccc.pdf", "application/pdf", 12, "c" * 64, "附件2")
TEXT = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第一版方案》印发给你们，请认真贯彻执行。</p>"
OTHER = "<p>各省、自治区、直辖市人民政府：</p><p>现将《第二版方案》印发给你们，请认真贯彻执行。</p>"
SETTINGS = {"hugo": "config.toml", "eleventy": "eleventy.config.js", "pelican": "pelicanconf.py"}


class Blobs:
    def read(self, sha256: str) -> bytes:
        if sha256 not in BYTES:
            raise StoreError("blob_missing", hint="wait")
        return BYTES[sha256]


class Person:
    """Somebody with a working copy of their own."""

    def __init__(self, folder: Path, repository: str, name: str = "王编辑", mail: str = "wang@county.example") -> None:
        self.folder = folder
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder.parent), "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": name,
            "GIT_AUTHOR_EMAIL": mail, "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail,
        }
        if not folder.exists():
            git("clone", "-q", repository, str(folder), env=self.env, cwd=folder.parent)

    def __call__(self, *words: str) -> str:
        return git(*words, cwd=self.folder, env=self.env)

    def push(self, path: str, text: str | bytes | None, message: str = "local change") -> None:
        """Write a file, or remove it, and push it."""
        self("pull", "-q", "--rebase")
        target = self.folder / path
        if text is None:
            target.unlink()
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode() if isinstance(text, str) else text)
        self("add", "-A")
        self("commit", "-q", "-m", message)
        self("push", "-q")

    def change(self, path: str, old: str, new: str) -> None:
        self("pull", "-q", "--rebase")
        text = (self.folder / path).read_text(encoding="utf-8")
        assert old in text
        self.push(path, text.replace(old, new))


class Site:
    """A repository with a first commit, and what a test does with it."""

    def __init__(self, root: Path, layout: str = "hugo") -> None:
        self.root, self.layout = root, layout
        self.bare = root / "site.git"
        git("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=root)
        for name in ("http.receivepack", "receive.denyNonFastForwards"):
            git("config", name, "true", cwd=self.bare)
        about = "---\ntitle: 关于\n---\n关于我们\n"
        git("fast-import", "--quiet", cwd=self.bare, feed=f"""commit refs/heads/main
committer 王编辑 <wang@county.example> 1795000000 +0800
data 5
first
M 100644 inline {SETTINGS[layout]}
data 0
M 100644 inline content/about.md
data {len(about.encode())}
{about}
""")
        self.now = NOW

    @cached_property
    def editor(self) -> Person:
        return Person(self.root / "editor", str(self.bare))

    def adapter(
        self, *, folder: str = "state", blobs: Any = None, now: Callable[[], datetime] | None = None, **options: Any,
    ) -> GitAdapter:
        told = {"repository": str(self.bare), "local": True, "layout": self.layout, "columns": {"国务院文件": "gwywj"},
                "author": "syncd <syncd@county.example>", **options}
        site = SiteConfig("county", "https://www.county.example", "某县人民政府", "1234567890", options=told)
        tools = Tools(None, now or (lambda: self.now), blobs or Blobs(), folder=self.root / folder)  # type: ignore[arg-type]
        return GitAdapter(site, tools)

    def later(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now

    def git(self, *words: str) -> str:
        return git(*words, cwd=self.bare)

    def files(self) -> list[str]:
        return self.git("-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", "main").splitlines()

    def pages(self) -> list[str]:
        return [path for path in self.files() if path.endswith("/index.html")]

    def show(self, path: str) -> str:
        return self.git("show", f"main:{path}")

    def commits(self) -> int:
        return int(self.git("rev-list", "--count", "main"))


def post(**changes: Any) -> Post:
    made = Post(
        key="syncd-0123456789abcdef0123", title="关于印发《方案》的通知", html=TEXT, column="国务院文件", revision=1,
        issuer="国务院", document_number="国发〔2026〕1号", written="2026-11-28", origin_name="中国政府网", source_url="https://www.gov.cn/1.htm",
        published=Instant(NOW), sent=NOW, categories=("综合", "财政"), site_name="某县人民政府", site_id="1234567890",
    )
    return replace(made, **changes)


def secret(text: str) -> SecretStr:
    return SecretStr(text)


def print_(doc: RemoteDoc | Post | None) -> str:
    """The fingerprint by which the engine knows a text again."""
    assert doc is not None
    return print_of(doc.title, doc.html)


def git(*words: str, cwd: Path, env: dict[str, str] | None = None, feed: str = "") -> str:
    done = subprocess.run(["git", *words], cwd=cwd, env=env, input=feed.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout.decode("utf-8", "replace")
