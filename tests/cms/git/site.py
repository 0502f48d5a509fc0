"""A site in git as people run it: a bare repository, a build by the real generator after each push, a web server."""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.adapters.git.kit import Person, git

GENERATORS = ("hugo", "eleventy", "pelican")
_PAGE = "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>{}</title></head><body><h1>{}</h1>{}</body></html>\n"
SOURCES = {
    "hugo": {
        "config.toml": 'title = "某县人民政府"\nlanguageCode = "zh-cn"\ndisableKinds = ["taxonomy", "term", "RSS"]\n',
        "layouts/_default/single.html": _PAGE.format("{{ .Title }}", "{{ .Title }}", "{{ .Content }}"),
        "layouts/_default/list.html": _PAGE.format("{{ .Title }}", "", "{{ range .Pages }}<p>{{ .Title }}</p>{{ end }}"),
    },
    "eleventy": {
        "eleventy.config.js": """module.exports = function (config) {
  config.addPassthroughCopy("content/**/*.{pdf,png}");
  return { dir: { input: "content", includes: "../layouts", output: "public" } };
};
""",
        "layouts/page.html": _PAGE.format("{{ title | escape }}", "{{ title | escape }}", "{{ content }}"),
        "content/content.json": '{"layout": "page.html"}\n',
    },
    "pelican": {
        "pelicanconf.py": 'SITENAME = "某县人民政府"\nTIMEZONE = "Asia/Shanghai"\nDEFAULT_LANG = "en"\nFEED_ALL_ATOM = None\n'
                          'CATEGORY_FEED_ATOM = None\nRELATIVE_URLS = True\nDELETE_OUTPUT_DIRECTORY = True\n',
    },
}
_FLAGS = {
    "hugo": ["--quiet", "--cleanDestinationDir", "--source", "{source}", "--destination", "{public}", "--baseURL", "{url}/"],
    "eleventy": ["--quiet", "--output={public}"],
    "pelican": ["{source}/content", "--quiet", "--fatal", "errors", "-s", "{source}/pelicanconf.py", "-o", "{public}"],
}
_HOOK = """#!/bin/sh
set -e
cd {root}
rm -rf source.new && mkdir source.new
git --git-dir={bare} archive main | tar -x -C source.new
rm -rf source && mv source.new source
rm -rf public.new && mkdir public.new
cd source && {command} >> {root}/build.log 2>&1
cd {root} && rm -rf public.old && if [ -d public ]; then mv public public.old; fi && mv public.new public
"""


class BuiltSite:
    """url: of the public pages. Each push is built before it returns, so that what was pushed can be looked at."""

    def __init__(self, root: Path, generator: str, url: str) -> None:
        self.root, self.generator, self.url = root, generator, url
        self.bare = root / "site.git"
        self.version = importlib.import_module(f"tests.cms.{generator}.install").version()
        git("init", "-q", "--bare", "-b", "main", str(self.bare), cwd=root)
        for name in ("http.receivepack", "receive.denyNonFastForwards"):
            git("config", name, "true", cwd=self.bare)
        self._begin()

    def _begin(self) -> None:
        person = self.person("webmaster")
        person("checkout", "-q", "-B", "main")
        for name, text in {**SOURCES[self.generator], "content/about.txt": "某县\n"}.items():
            target = person.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        person("add", "-A")
        person("commit", "-q", "-m", "first")
        person("push", "-q", "-u", "origin", "main")
        self._hook.write_text(_HOOK.format(root=self.root, bare=self.bare, command=self._build()))
        self._hook.chmod(0o755)

    @property
    def _hook(self) -> Path:
        return self.bare / "hooks" / "post-receive"

    @contextmanager
    def unbuilt(self) -> Iterator[None]:
        """Nothing is built until the end of the block."""
        self._hook.chmod(0o644)
        try:
            yield
        finally:
            self._hook.chmod(0o755)

    def _build(self) -> str:
        command: list[str] = importlib.import_module(f"tests.cms.{self.generator}.install").command()
        places = {"source": self.root / "source", "public": self.root / "public.new", "url": self.url}
        return " ".join([*command, *(flag.format(**places) for flag in _FLAGS[self.generator])])

    def person(self, name: str) -> Person:
        return Person(self.root / name, str(self.bare), name, f"{name}@county.example")

    def options(self) -> dict[str, Any]:
        return {"repository": str(self.bare), "local": True, "layout": self.generator, "columns": {"要闻": "zwgk/yaowen"},
                "author": "syncd <syncd@county.example>"}

    def log(self) -> str:
        """What the generator complained of."""
        log = self.root / "build.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def pages(self) -> dict[str, str]:
        """Every page that syncd ever made and that is there: its file by its path."""
        names = git("ls-tree", "-r", "--name-only", "main", cwd=self.bare).splitlines()
        return {name: git("show", f"main:{name}", cwd=self.bare) for name in names if name.endswith("/index.html")}


class _Pages(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@contextmanager
def built(root: Path, generator: str) -> Iterator[BuiltSite]:
    """A site that is served until the end of the block. Raises Unavailable."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, directory=os.fspath(root / "public")))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield BuiltSite(root, generator, f"http://127.0.0.1:{server.server_address[1]}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


