"""The kinds of sources that are installed, by their configured name."""

from __future__ import annotations

from typing import cast

from syncd import plugins
from syncd.plugins import Plugin
from syncd.sources.api import Source

GROUP = "syncd.sources"


def load(kind: str) -> type[Source]:
    """The class of a kind. Raises ConfigError for an unknown, contested or broken one."""
    return cast(type[Source], plugins.load(GROUP, kind))


def installed() -> list[Plugin]:
    """All kinds that packages register; none is imported."""
    return plugins.installed(GROUP)
