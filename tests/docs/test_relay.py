"""docs/relay.md: its commands and snippets, run on both sides of a gap, from a publisher to the status that comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from syncd.demo.publisher import Publisher, serve_site
from syncd.relay.seal import Signer
from tests.docs.markdown import ROOT, blocks
from tests.docs.stage import Session, publisher

SITE = """
[[sites]]
name = "county"
adapter = "static"
public_url = "{url}"
options = {{ directory = "{folder}" }}

[[routes]]
sources = ["{source}"]
site = "county"
column = "国务院文件"
authority = "order no. 3"
backfill = true
"""
LIST = """
[[sources]]
name = "state-council"
kind = "govcn"
url = "{url}/zhengce/zuixin/ZUIXINZHENGCE.json"
allow_private = true
"""


class Gap(Session):
    """Two sides and a disc."""

    def __init__(self, folder: Path, source: Publisher, sites: Mapping[str, tuple[Path, str]]) -> None:
        super().__init__(folder, programs=[Path(sys.prefix) / "bin"])
        self.outer, self.inner = self.home / "outer", self.home / "inner"
        for side, table in ((self.outer, LIST.format(url=source.url)), (self.inner, "")):
            side.mkdir()
            shown = "state-council" if side == self.outer else "province"
            pages, url = sites[side.name]
            own = SITE.format(url=url, folder=pages, source=shown)
            (side / "config.toml").write_text(f'[syncd]\nlisten = ""\n{table}{own}', "utf-8")
        (folder / "media/disc").mkdir(parents=True)

    @property
    def table(self) -> Mapping[str, str]:
        found = {"/media/disc": str(self.folder / "media/disc")}
        for side in (self.outer, self.inner):
            key = side / "relay.key"
            public = Signer(key.read_text()).public if key.exists() else "ed25519:none"
            found[f"ed25519:THE-PUBLIC-KEY-OF-THE-{side.name.upper()}-SIDE"] = public
        return found

    def add(self, side: Path, text: str) -> None:
        config = side / "config.toml"
        config.write_text(config.read_text("utf-8") + "\n" + text, "utf-8")


def test_the_pages_commands_carry_documents_over_a_gap_and_their_status_back(tmp_path: Path) -> None:
    source = publisher()
    folders = {side: tmp_path / side for side in ("outer", "inner")}
    served = {side: serve_site(folder) for side, folder in folders.items()}
    gap = Gap(tmp_path / "session", source, {side: (folders[side], url) for side, (_, url) in served.items()})
    inner_key = f'\n[relay]\nname = "某县（内网）"\nkey = {{ file = "{gap.inner}/relay.key" }}\n'
    try:
        for block in blocks((ROOT / "docs/relay.md").read_text("utf-8")):
            side = gap.home / (block.says("on") or "")
            if block.lang == "toml":
                gap.add(side, gap.here(block.text))
            elif block.lang == "sh":
                if "relay export /media/disc/relay" in block.text:
                    gap.run(f"cd {gap.outer} && syncd once", 0)
                if "syncd read" in block.text:
                    gap.run(f"cd {gap.inner} && syncd relay keygen relay.key", 0)
                    gap.add(gap.inner, inner_key)
                gap.run(f"cd {side}\n{gap.here(block.text)}", block.line)
    finally:
        gap.close()
        source.close()
        for server, _ in served.values():
            server.shutdown()
            server.server_close()
    told = gap.transcript.read_text("utf-8")
    assert "6 entries" in told
    disc = str(tmp_path / "session/media/disc/back")
    key = Signer((gap.inner / "relay.key").read_text()).public
    asked = [sys.executable, "-m", "syncd", "relay", "status", disc, "--key", key, "--json"]
    back = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
    assert back["by"] == "某县（内网）"
    assert {row["status"] for row in back["reposts"]} == {"visible"}
    assert len(back["reposts"]) == 6
