"""`syncd fake-cms`: a CMS to try syncd and adapters against, with switches for what it can do and faults of all sorts."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from syncd.errors import SyncdError
from syncd.testing.fakecms import ACCOUNTS, Switches
from syncd.testing.fakeserver import Site, lossy, serve

EDITOR = "editor"
"""The token of a person at the site, who is called wang."""
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "unique": ("server", "app", "none"), "conditional_update": ("server", "check_then_act", "none"),
    "lookup": ("pk", "none"), "html": ("raw", "filtered"), "media": ("none", "endpoint"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """port: 0 for any. state: the journal that outlives the process, None for none. rate: share of the requests that
    something happens to; seed: of these dice, None for others each time. latest: seconds of late requests."""

    port: int = 0
    state: Path | None = None
    rate: float = 0.0
    seed: int | None = None
    latest: float = 1.0
    switches: Mapping[str, Any] = field(default_factory=dict)


def run(request: Request, tell: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. tell: prints lines, the first of which is the address.

    Raises SyncdError usage for a switch that can't be, listen_failed.
    """
    switches = switched(request.switches)
    seed = request.seed if request.seed is not None else secrets.randbits(32)
    accounts = {**ACCOUNTS, EDITOR: "wang"}
    site = Site(
        request.state, faults=lossy(seed, request.rate), latest=request.latest, switches=switches, accounts=accounts)

    def ready(base: str) -> None:
        for line in told(base, switches):
            tell(line)

    async def served() -> None:
        stop = asyncio.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(each, stop.set)
        await serve(site, request.port, stop, ready)

    asyncio.run(served())


def switched(wanted: Mapping[str, Any]) -> Switches:
    """The switches by their names. Raises SyncdError usage."""
    for name, choices in _CHOICES.items():
        if name in wanted and wanted[name] not in choices:
            raise SyncdError("usage", f"--{name.replace('_', '-')} {wanted[name]}", hint=f"choose of {', '.join(choices)}")
    unknown = wanted.keys() - {each.name for each in fields(Switches)}
    if unknown:
        raise SyncdError("usage", f"--without {', '.join(sorted(unknown))}", hint="drafts, unpublish, delete or notice")
    return Switches(**wanted)


def told(base: str, switches: Switches) -> list[str]:
    """The address, how to change and look at it, and what to write into a config to post there."""
    changed = {f.name: getattr(switches, f.name) for f in fields(switches) if getattr(switches, f.name) != f.default}
    options = "".join(f", {name} = {_toml(value)}" for name, value in changed.items())
    text = f"""{base}
# Posts are public at {base}/p/1, /p/2 and so on; {base}/_test/posts tells all of them and the faults so far.
# syncd logs in with the token "{next(iter(ACCOUNTS))}", which the adapter knows; a person at the site with "{EDITOR}".
# A list of documents is at {base}/feed.json; publish one with
#   curl {base}/_test/publish -d '{{"id": 1, "title": "关于春耕的通知", "text": "<p>正文</p>"}}'
[[sites]]
name = "fake"
adapter = "fake"
public_url = "{base}"
options = {{ api_url = "{base}"{options} }}"""
    return text.splitlines()


def _toml(value: object) -> str:
    """A word, number or switch as TOML, which writes them as JSON does."""
    return json.dumps(value, ensure_ascii=False)
