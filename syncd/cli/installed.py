"""`syncd adapters`: which adapters and kinds of sources are installed, and whether they can be loaded."""

from __future__ import annotations

from typing import Any

from syncd.adapters import registry as adapters
from syncd.errors import ConfigError
from syncd.plugins import Plugin
from syncd.sources import registry as sources

_KINDS = {"adapter": adapters, "source": sources}


def installed(*, tests: bool = False) -> list[dict[str, Any]]:
    """A row for each registered name: kind, name, package, version, class, guarantee, options, problem ("" if none).

    tests: those of the test kit too.
    """
    return [
        _row(kind, plugin) for kind, known in _KINDS.items() for plugin in known.installed() if tests or not plugin.for_tests
    ]


def _row(kind: str, plugin: Plugin) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": kind, "name": plugin.name, "package": plugin.dist, "version": plugin.version,
        "class": plugin.value, "guarantee": None, "options": [], "problem": "",
    }
    try:
        loaded: Any = _KINDS[kind].load(plugin.name)
    except ConfigError as error:
        return row | {"problem": error.message}
    return row | {"guarantee": _guarantee(loaded), "options": list(loaded.Options.model_fields)}


def _guarantee(loaded: Any) -> str | None:
    """The class as declared; check() of a site may narrow it."""
    declared = getattr(loaded, "capabilities", None)
    if declared is None or not hasattr(declared, "guarantee"):
        return None
    return str(declared.guarantee) if declared.posts else "-"
