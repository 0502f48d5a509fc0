"""The kinds of adapters that are installed, by their configured name."""

from __future__ import annotations

from typing import cast

from syncd import plugins
from syncd.adapters.api import OLDEST, VERSION, Adapter
from syncd.plugins import Plugin

GROUP = "syncd.adapters"
MEMBERS = ("api_version", "kind", "Options", "check", "find", "create", "update", "withdraw", "aclose")


def load(kind: str) -> type[Adapter]:
    """The class of a kind. Raises ConfigError for an unknown, contested or broken one, or one of another version."""
    found = plugins.load(GROUP, kind)
    plugins.refuse_unfit(GROUP, kind, found, version=VERSION, members=MEMBERS, oldest=OLDEST)
    return cast(type[Adapter], found)


def installed() -> list[Plugin]:
    """All kinds that packages register; none is imported."""
    return plugins.installed(GROUP)
