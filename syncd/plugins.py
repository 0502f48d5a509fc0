"""Plug-ins by entry points: the class behind a configured name, and what is installed when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points

from syncd.errors import ConfigError

_FOR_TESTS = "syncd.testing."


@dataclass(frozen=True, slots=True)
class Plugin:
    """One registered name. value: "module:Class". dist, version: the package that registers it, "" if unknown."""

    name: str
    value: str
    dist: str
    version: str

    @property
    def for_tests(self) -> bool:
        """It is part of syncd's test kit: nothing that an operator would choose."""
        return self.value.startswith(_FOR_TESTS)


def installed(group: str) -> list[Plugin]:
    """All plug-ins of a group ("syncd.sources", "syncd.adapters") by name; none of them is imported."""
    found = {_describe(point): point for point in entry_points(group=group)}
    return sorted(found, key=lambda plugin: (plugin.name, plugin.dist))


def load(group: str, name: str) -> type:
    """The class that is registered under exactly this name. Nothing else is imported.

    Raises ConfigError when the name is unknown, registered by two packages, or can't be imported (with the cause).
    """
    known = installed(group)
    matching = [plugin for plugin in known if plugin.name == name]
    if not matching:
        raise ConfigError([_unknown(group, name, known)])
    if len(matching) > 1:
        raise ConfigError([_contested(group, name, matching)])
    return _import(group, matching[0])


def refuse_unfit(
    group: str, name: str, found: type, *, version: int, members: Sequence[str], oldest: int | None = None
) -> None:
    """Raises ConfigError unless the class has all members of its contract and is made for a version of it that is taken:
    this one, and back to `oldest` (this one alone where it is not given)."""
    unstated = sorted(getattr(found, "__abstractmethods__", ()))
    missing = [*(member for member in members if not hasattr(found, member)), *unstated]
    if missing:
        raise ConfigError([f"{_noun(group)} {name!r} is broken: {found.__name__} lacks {', '.join(missing)}"])
    told = getattr(found, "api_version", version)
    if type(told) is not int or not (version if oldest is None else oldest) <= told <= version:
        raise ConfigError([_other_version(group, name, found, told, version)])


def outdated(group: str, name: str, found: type, *, version: int) -> str:
    """What to install for a plug-in of an older version that is taken still; "" for one of this version."""
    told = getattr(found, "api_version", version)
    if told == version:
        return ""
    return f"{_made(group, name, told, version)}, which takes it for now: install a newer release of {_package(group, name)}"


def _other_version(group: str, name: str, found: type, told: object, version: int) -> str:
    if type(told) is not int:
        return f"{_noun(group)} {name!r} is broken: {found.__name__}.api_version is {told!r}, not a number"
    made, package = _made(group, name, told, version), _package(group, name)
    if told > version:
        return f"{made}: install a newer syncd, or a release of {package} that is made for version {version}"
    return f"{made}: install a newer release of {package}"


def _made(group: str, name: str, told: object, version: int) -> str:
    return f"{_noun(group)} {name!r} is made for version {told} of the contract, and this syncd has version {version}"


def _package(group: str, name: str) -> str:
    return next((plugin.dist for plugin in installed(group) if plugin.name == name and plugin.dist), "its package")


def _describe(point: EntryPoint) -> Plugin:
    dist = point.dist
    return Plugin(point.name, point.value, dist.name if dist else "", dist.version if dist else "")


def _noun(group: str) -> str:
    return group.rpartition(".")[2].removesuffix("s")


def _unknown(group: str, name: str, known: list[Plugin]) -> str:
    names = sorted({plugin.name for plugin in known if not plugin.for_tests})
    near = get_close_matches(name, names, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(names) or f"none; is syncd itself installed (entry point group {group})?"
    return f"unknown {_noun(group)} {name!r}: {guess}installed are: {listed}"


def _contested(group: str, name: str, rivals: list[Plugin]) -> str:
    packages = " and ".join(f"{plugin.dist or '(unknown package)'} ({plugin.value})" for plugin in rivals)
    return f"{_noun(group)} {name!r} is registered by two packages: {packages}; uninstall one of them"


def _import(group: str, plugin: Plugin) -> type:
    try:
        loaded = EntryPoint(plugin.name, plugin.value, group).load()
    except Exception as cause:
        raise ConfigError([_broken(group, plugin, f"{type(cause).__name__}: {cause}")]) from cause
    if not isinstance(loaded, type):
        raise ConfigError([_broken(group, plugin, "it is not a class")])
    return loaded


def _broken(group: str, plugin: Plugin, cause: str) -> str:
    package = f"{plugin.dist} {plugin.version}".strip() or "an unknown package"
    return f"{_noun(group)} {plugin.name!r} of {package} is installed but broken: {plugin.value}: {cause}"
