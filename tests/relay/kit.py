"""What the tests of relays share: instances that read a list or a relay and export one, each with its own state and clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from syncd.cli.relay import export
from syncd.content.blobs import DiskBlobs
from syncd.model import Document, Revision
from syncd.relay import seal, wire
from syncd.store.api import Change
from syncd.testing.network import Reply
from tests.engine.rig import DETAIL, Rig, route, site, source

PDF = b"%PDF-1.4\n" + "附件一".encode() + b"\n%%EOF\n"
FILE = "http://central.example/files/1.pdf"
WITH_FILE = f'<p>现将通知印发给你们，请认真贯彻执行。</p><p>附件：<a href="{FILE}">附件1</a></p>'
RELAY_SOURCE = """
[[sources]]
name = "{name}"
kind = "relay"
url = "{url}"
every = "5m"
{more}
options = {{ public_key = "{key}"{options} }}
"""
RELAY = """
[relay]
name = "{name}"
key = {{ file = "{key}" }}
{more}
"""


def keys(folder: Path, name: str = "relay.key") -> tuple[Path, str]:
    """A new key: the file of its private half, and its public one."""
    private, public = seal.keygen()
    path = folder / name
    path.write_text(private + "\n")
    path.chmod(0o600)
    return path, public


def relay_source(url: object, key: str, name: str = "above", *, options: str = "", more: str = "") -> str:
    return RELAY_SOURCE.format(name=name, url=url, key=key, options=f", {options}" if options else "", more=more)


class Instance(Rig):
    """One syncd that relays. folder: for its key, its blobs and its export."""

    def __init__(self, folder: Path, name: str = "某省", config: str = "", *, more: str = "") -> None:
        self.place = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.key, self.public = keys(folder)
        self.out = folder / "out"
        own = config or source(options=DETAIL)
        super().__init__(own + RELAY.format(name=name, key=self.key, more=more))
        self.blobs = DiskBlobs(folder / "blobs")  # type: ignore[assignment]

    async def start(self) -> None:
        await super().start()
        if "central" in self.servers:
            self.servers["central"].handler = self._central

    def _central(self, method: str, path: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Reply:
        if path.startswith("/files/"):
            return 200, {"content-type": "application/pdf"}, PDF
        return self.lists["central"].handle(method, path, headers, body, now)

    async def export(self) -> dict[str, Any]:
        """`syncd relay export`, into `out`."""
        told = await self.desk.relay()
        return export({**told, "blobs": str(self.place / "blobs")}, self.out)

    async def read(self, seconds: float = 400) -> None:
        """Its sources are read once more, and everything that follows is done."""
        self.clock.advance(seconds)
        await self.rest()

    async def newest(self) -> tuple[Document, Revision]:
        """The document that changed last."""
        changes: list[Change] = await self.disk.changes(1)
        document = await self.disk.document(changes[0].document)
        return document, await self.disk.revision(document.id, document.latest)

    def reason(self, name: str = "above") -> str:
        """Why its source could not be read, "" when it could."""
        return self.engine.poller.rows[name].reason


def below(
    folder: Path, upper: Instance, name: str = "某市", *, url: object = "", options: str = "", more: str = ""
) -> Instance:
    """An instance that reads another's relay, by default its export, and posts to a site."""
    config = relay_source(url or upper.out, upper.public, options=options) + site() + route(sources=("above",))
    return Instance(folder, name, config, more=more)


async def begin(upper: Instance) -> None:
    """One old document, so that whatever comes next is new; and an export that shows nothing yet."""
    await upper.begin(name="central")
    await upper.export()


def rows(folder: Path, public: str) -> list[wire.Row]:
    """What a folder's feed shows on its first page."""
    return list(wire.read_feed(seal.opened((folder / wire.FEED_FILE).read_bytes(), public, wire.FEED)).rows)
