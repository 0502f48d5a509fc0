"""The static adapter keeps the contract of adapters: its calls are what it does to files."""

from __future__ import annotations

import errno
import shutil
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from syncd.adapters.api import Adapter, SiteConfig, Tools
from syncd.adapters.static import StaticAdapter
from syncd.model import RemoteRef
from syncd.testing.adapter_contract import AdapterContract
from syncd.testing.wire import Wire
from syncd.web.api import Answer

URL = "https://www.county.example"


class Zhao:
    """Somebody with a text editor and a right to write."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def page(self, ref: RemoteRef) -> Path:
        return self.root / unquote(urlsplit(ref.url).path).lstrip("/")

    async def edit(self, ref: RemoteRef, html: str) -> None:
        page = self.page(ref)
        before, _, rest = page.read_text().partition('id="text">')
        _, _, after = rest.partition("</div>")
        page.write_text(f'{before}id="text">{html}</div>{after}')

    async def remove(self, ref: RemoteRef) -> None:
        self.page(ref).unlink()


class TestStatic(AdapterContract):
    speaks_http = False
    has_pages = True

    def setup_method(self) -> None:
        memory = Path("/dev/shm")  # files are synced to the disk thousands of times here
        self.root = Path(tempfile.mkdtemp(prefix="syncd-static-", dir=memory if memory.is_dir() else None))

    def teardown_method(self) -> None:
        shutil.rmtree(self.root)

    def make_adapter(self, tools: Tools) -> StaticAdapter:
        return StaticAdapter(SiteConfig("county", URL, "某县人民政府", options={"directory": self.root}), tools)

    def make_editor(self, tools: Tools) -> Zhao:
        return Zhao(self.root)

    def attach(self, adapter: Adapter, wire: Wire) -> bool:
        assert isinstance(adapter, StaticAdapter)
        wire.broken = lambda sent: OSError(errno.ENOSPC, "No space left on device")
        for name in ("write", "remove", "forget", "mark", "unmark"):
            self._lead(adapter._folder, name, wire)
        return True

    def _lead(self, folder: Any, name: str, wire: Wire) -> None:
        real = getattr(folder, name)

        def called(*args: Any, **named: Any) -> Any:
            with wire.call(name):
                return real(*args, **named)

        setattr(folder, name, called)

    async def fetch(self, url: str) -> Answer:
        path = self.root / unquote(urlsplit(url).path).lstrip("/")
        body = path.read_bytes() if path.is_file() else b""
        return Answer(200 if body else 404, url, (), body, self.now(), self.now())
