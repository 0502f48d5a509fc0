"""The kinds of sources that are installed, by their configured name."""

from __future__ import annotations

from typing import cast

from syncd import plugins
from syncd.plugins import Plugin
from syncd.sources.api import VERSION, Source

GROUP = "syncd.sources"
_MEMBERS = ("api_version", "kind", "Options", "parse", "page_of", "read_page")


def load(kind: str) -> type[Source]:
    """The class of a kind. Raises ConfigError for an unknown, contested or broken one, or one of another version."""
    found = plugins.load(GROUP, kind)
    plugins.refuse_unfit(GROUP, kind, found, version=VERSION, members=_MEMBERS)
    return cast(type[Source], found)


def installed() -> list[Plugin]:
    """All kinds that packages register; none is imported."""
    return plugins.installed(GROUP)
