"""`syncd adapters`: which adapters and kinds of sources are installed, and whether they can be loaded."""

from __future__ import annotations

from typing import Any

from syncd import plugins
from syncd.errors import ConfigError
from syncd.plugins import Plugin

_GROUPS = {"syncd.adapters": "adapter", "syncd.sources": "source"}


def installed() -> list[dict[str, Any]]:
    """A row for each registered name: kind, name, package, version, class, guarantee, options, problem ("" if none)."""
    return [_row(group, plugin) for group in _GROUPS for plugin in plugins.installed(group)]


def _row(group: str, plugin: Plugin) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": _GROUPS[group], "name": plugin.name, "package": plugin.dist, "version": plugin.version,
        "class": plugin.value, "guarantee": None, "options": [], "problem": "",
    }
    try:
        loaded: Any = plugins.load(group, plugin.name)
    except ConfigError as error:
        return row | {"problem": error.message}
    return row | {"guarantee": _guarantee(loaded), "options": list(loaded.Options.model_fields)}


def _guarantee(loaded: Any) -> str | None:
    """The class as declared; check() of a site may narrow it."""
    declared = getattr(loaded, "capabilities", None)
    if declared is None or not hasattr(declared, "guarantee"):
        return None
    return str(declared.guarantee) if declared.posts else "-"
