"""Both drops keep the contract of adapters: their calls are those of the folder, and an importer serves what arrives."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from syncd.adapters.api import Adapter, SiteConfig, Tools
from syncd.adapters.drop.adapter import DirectoryAdapter, DropAdapter
from syncd.adapters.drop.sftp import SftpAdapter
from syncd.errors import NotApplied, Unknown
from syncd.testing.adapter_contract import AdapterContract
from syncd.testing.wire import Wire
from syncd.web.api import Answer
from tests.adapters.drop.importer import Importer
from tests.adapters.drop.kit import Box, sftp_server

URL = "https://www.county.example"
LOOKS = ("names", "read", "free", "traits")


class Broken(Exception):
    """The call was cut off. sent: it may have been done."""

    def __init__(self, sent: bool) -> None:
        super().__init__("cut off")
        self.sent = sent


class OnDrop(AdapterContract):
    """A drop whose importer is at once there whenever somebody looks at the site."""

    speaks_http = False
    has_pages = True
    options: ClassVar[dict[str, Any]] = {}

    def setup_method(self) -> None:
        memory = Path("/dev/shm")  # files are synced to the disk thousands of times here
        self.root = Path(tempfile.mkdtemp(prefix="syncd-drop-", dir=memory if memory.is_dir() else None))
        self.importer = Importer(self.root, by_key=True)

    def teardown_method(self) -> None:
        shutil.rmtree(self.root)

    def site(self, **more: Any) -> SiteConfig:
        return SiteConfig("county", URL, "某县人民政府", options={**self.options, **more})

    def make_adapter(self, tools: Tools) -> DropAdapter:
        return DirectoryAdapter(self.site(directory=self.root), tools)

    def attach(self, adapter: Adapter, wire: Wire) -> bool:
        assert isinstance(adapter, DropAdapter)
        wire.broken = Broken
        for name in ("names", "read", "make", "write", "claim", "move", "remove", "free", "traits"):
            setattr(adapter._folder, name, _led(name, getattr(adapter._folder, name), wire))
        return True

    async def fetch(self, url: str) -> Answer:
        self.importer.run()
        status, headers, body = self.importer.handle("GET", urlsplit(url).path, {}, b"", self.now())
        return Answer(status, url, tuple(headers.items()), body, self.now(), self.now())


def _led(name: str, call: Callable[..., Awaitable[Any]], wire: Wire) -> Callable[..., Awaitable[Any]]:
    async def led(*args: Any, **named: Any) -> Any:
        try:
            with wire.call(name, writes=name not in LOOKS):
                return await call(*args, **named)
        except Broken as cause:
            doubt = cause.sent and name == "move"
            raise (Unknown if doubt else NotApplied)("connection_lost", "cut off", hint="it is looked up") from cause

    return led


class TestDirectory(OnDrop):
    """Without acknowledgements: the address is known beforehand."""

    options: ClassVar = {"url": "/p/{key}.html"}


class TestZipWithFlag(OnDrop):
    options: ClassVar = {"url": "/p/{key}.html", "layout": "zip", "flag": ".ok", "format": "xml", "charset": "gb18030",
                         "withdraw": "delete"}

    def setup_method(self) -> None:
        super().setup_method()
        self.importer.flag = ".ok"


class TestAcknowledged(OnDrop):
    """The importer answers at once: so quick a one makes the drop look like any CMS."""

    options: ClassVar = {"ack": {}, "format": "atom", "withdraw": "unpublish"}

    async def arrive(self) -> None:
        self.importer.run()


class TestSftp(OnDrop):
    """By a server of this process, with a wrong password for strangers."""

    options: ClassVar = {"url": "/p/{key}.html"}
    secrets = ("geheim-geheim",)

    async def play(self, test: Callable[[], Awaitable[None]]) -> None:
        async with AsyncExitStack() as stack:
            self.box: Box = await stack.enter_async_context(sftp_server(self.root))
            self.box.password = self.secrets[0]
            await super().play(test)

    def make_adapter(self, tools: Tools, **more: Any) -> SftpAdapter:
        return SftpAdapter(self.site(**self.box.options(**more)), tools)

    def make_stranger(self, tools: Tools) -> SftpAdapter:
        return self.make_adapter(tools, password="wrong")
