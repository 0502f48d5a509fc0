"""The kinds of adapters that are installed, by their configured name."""

from __future__ import annotations

from typing import cast

from syncd import plugins
from syncd.adapters.api import Adapter
from syncd.errors import ConfigError
from syncd.plugins import Plugin

GROUP = "syncd.adapters"
VERSION = 1
_MEMBERS = ("kind", "Options", "check", "find", "create", "update", "withdraw", "aclose")


def load(kind: str) -> type[Adapter]:
    """The class of a kind. Raises ConfigError for an unknown, contested or broken one, or one of another version."""
    found = plugins.load(GROUP, kind)
    missing = [name for name in _MEMBERS if not hasattr(found, name)]
    if missing:
        raise ConfigError([f"adapter {kind!r} is broken: {found.__name__} lacks {', '.join(missing)}"])
    version = getattr(found, "api_version", VERSION)
    if version != VERSION:
        raise ConfigError([f"adapter {kind!r} is made for version {version} of the contract, not for {VERSION}"])
    return cast(type[Adapter], found)


def installed() -> list[Plugin]:
    """All kinds that packages register; none is imported."""
    return plugins.installed(GROUP)
