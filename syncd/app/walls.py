"""Each site's adapter, made behind its wall: in this process, or in one of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

from syncd.adapters.api import Adapter, Capabilities, SiteConfig, Tools
from syncd.adapters.wall import Apart, Block, Fault, Turnstile, Wall, Watch
from syncd.adapters.wall.faults import HINTS, bug
from syncd.config import SiteTable
from syncd.engine.clock import Clock
from syncd.errors import ConfigError
from syncd.metrics import Metrics

MEBI = 1024 * 1024
REMEMBERED = timedelta(days=1)
"""How long a fault is shown at most."""


@dataclass(slots=True)
class Walls:
    """The walls of one process. watch: of its loop, None where nobody watches, such as in a test with a clock of its own."""

    clock: Clock
    metrics: Metrics
    log: Any
    watch: Watch | None = None
    _kinds: dict[str, str] = field(default_factory=dict)
    _blocked: dict[str, Fault] = field(default_factory=dict)
    """Whose code kept everything waiting lately, by site."""

    def begin(self, kind: type[Adapter], site: SiteConfig, tools: Tools, table: SiteTable) -> Adapter:
        """Make the adapter; one of a process of its own is only started, so that many start together. Raises ConfigError."""
        if table.isolate:
            memory = table.memory * MEBI
            return cast(Adapter, Apart(kind, site, tools, monotonic=self.clock.monotonic, memory=memory))
        try:
            adapter = kind(site, replace(tools, client=Turnstile(tools.client)))
            fits = isinstance(adapter.capabilities, Capabilities)
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError([f"adapter {kind.kind!r} can't be made: {bug(error).text}"]) from error
        if not fits:
            raise ConfigError([f"adapter {kind.kind!r} is broken: its capabilities are no Capabilities"])
        return adapter

    def build(self, adapter: Adapter, table: SiteTable) -> Wall:
        """The wall around what was begun. Raises ConfigError when its process did not come to life."""
        if isinstance(adapter, Apart):
            adapter.greet()
        told, self._kinds[table.name] = self._told, adapter.kind
        return Wall(adapter, table.name, now=self.clock.now, told=told, within=table.call_within, watch=self.watch)

    def trouble(self, wall: Wall) -> Fault | None:
        """How the adapter lately failed, and no good call followed, or for how long it kept everything waiting."""
        found = (wall.fault, self._blocked.get(wall.site))
        now = self.clock.now()
        return next((fault for fault in found if fault is not None and now - fault.at < REMEMBERED), None)

    def _told(self, fault: Fault) -> None:
        self.log.error(
            fault.reason, site=fault.site, adapter=fault.kind, call=fault.verb, text=fault.text, trace=fault.trace,
            hint=HINTS[fault.reason],
        )
        self.metrics.adapter_fault(fault.site, fault.reason)

    def heard(self, block: Block) -> None:
        """What the watch tells: at once while all work stands still, and how long it was as soon as it goes on."""
        if block.phase == "over":
            self.metrics.loop_blocked(block.site, block.seconds)
            if block.site in self._kinds:
                self._remember(block)
            return
        text = f"everything waits at {block.where}" if block.phase == "seen" else f"broken off at {block.where}"
        hint = HINTS["adapter_blocks"] if block.site else "report this line: no adapter's code ran"
        self.log.error("loop_blocked", site=block.site, seconds=round(block.seconds, 1), text=text, hint=hint)

    def _remember(self, block: Block) -> None:
        text = f"it kept everything waiting for {block.seconds:.1f} s at {block.where}"
        self._blocked[block.site] = Fault(block.site, self._kinds[block.site], "", "adapter_blocks", text, self.clock.now())


def give_up(adapters: Iterable[Adapter]) -> None:
    """Of a configuration that is not taken up: no process of it stays."""
    for adapter in adapters:
        if isinstance(adapter, Apart):
            adapter.kill()


