"""`syncd adapters`: which adapters and kinds of sources are installed, and whether they can be loaded."""

from __future__ import annotations

from typing import Any

from syncd.adapters import api as adapters_api
from syncd.adapters import registry as adapters
from syncd.errors import ConfigError
from syncd.plugins import Plugin, outdated
from syncd.sources import api as sources_api
from syncd.sources import registry as sources

_KINDS = {"adapter": adapters, "source": sources}
_VERSIONS = {"adapter": adapters_api.VERSION, "source": sources_api.VERSION}


def installed(*, tests: bool = False) -> list[dict[str, Any]]:
    """A row for each registered name: kind, name, package, version, class, contract (its version), guarantee, options,
    problem and warning ("" if none).

    tests: those of the test kit too.
    """
    return [
        _row(kind, plugin) for kind, known in _KINDS.items() for plugin in known.installed() if tests or not plugin.for_tests
    ]


def _row(kind: str, plugin: Plugin) -> dict[str, Any]:
    row: dict[str, Any] = {
        "kind": kind, "name": plugin.name, "package": plugin.dist, "version": plugin.version,
        "class": plugin.value, "contract": None, "guarantee": None, "options": [], "problem": "", "warning": "",
    }
    try:
        loaded: Any = _KINDS[kind].load(plugin.name)
    except ConfigError as error:
        return row | {"problem": error.message}
    return row | {
        "contract": loaded.api_version, "guarantee": _guarantee(loaded), "options": list(loaded.Options.model_fields),
        "warning": outdated(_KINDS[kind].GROUP, plugin.name, loaded, version=_VERSIONS[kind]),
    }


def _guarantee(loaded: Any) -> str | None:
    """The class as declared; check() of a site may narrow it."""
    declared = getattr(loaded, "capabilities", None)
    if declared is None or not hasattr(declared, "guarantee"):
        return None
    return str(declared.guarantee) if declared.posts else "-"
