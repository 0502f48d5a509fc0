"""A plug-in with faults on demand, installed in the box: a list that blocks or hangs, a site that is slow and has a log-in.

What it does is written in files below /run/trap that a test makes and removes.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from syncd.adapters.api import SiteConfig, Tools
from syncd.adapters.static.adapter import Options, StaticAdapter
from syncd.sources.feed import FeedSource

TRAPS = Path("/run/trap")


class TrapSource(FeedSource):
    """A feed that, while /run/trap/block is there, stops the whole loop, and while /run/trap/hang is there, itself."""

    kind = "trap"

    async def parse(self, answer: Any) -> Any:
        if (TRAPS / "block").exists():
            time.sleep(3600)
        if (TRAPS / "hang").exists():
            await asyncio.Event().wait()
        return await super().parse(answer)


class TrapOptions(Options):
    """password: what the site would be logged in with."""

    password: SecretStr


class TrapAdapter(StaticAdapter):
    """The static site with a log-in, whose hash it shows; slow while /run/trap/slow is there, which holds the seconds.

    /run/trap/migrate: seconds for which its making holds the whole process, as a migration of the state does.
    """

    kind = "trap"
    Options = TrapOptions

    def __init__(self, site: SiteConfig, tools: Tools) -> None:
        super().__init__(site, tools)
        if (TRAPS / "migrate").exists():
            time.sleep(float((TRAPS / "migrate").read_text()))
        options = TrapOptions.model_validate(site.options)
        self._shown = options.directory / "log-in"
        self._hash = hashlib.sha256(options.password.get_secret_value().encode()).hexdigest()

    async def create(self, post: Any, state: Any) -> Any:
        if (TRAPS / "slow").exists():
            self._shown.with_name("called").touch()
            await asyncio.sleep(float((TRAPS / "slow").read_text()))
        self._shown.write_text(self._hash)
        return await super().create(post, state)
