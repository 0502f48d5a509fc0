"""Adapters are found by their configured name only; a wrong one says what is wrong."""

import pytest

from syncd import plugins
from syncd.adapters import registry
from syncd.adapters.observe import ObserveAdapter
from syncd.adapters.static import StaticAdapter
from syncd.errors import ConfigError


class Newer(StaticAdapter):
    api_version = 2


def test_built_in_kinds_satisfy_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (StaticAdapter, ObserveAdapter):
        monkeypatch.setattr(plugins, "load", lambda group, name, kind=kind: kind)
        assert registry.load(kind.kind) is kind


def test_an_unknown_kind_lists_what_is_installed() -> None:
    with pytest.raises(ConfigError) as failure:
        registry.load("no-such-cms")
    assert "unknown adapter 'no-such-cms'" in str(failure.value)


def test_another_version_or_a_class_that_is_no_adapter_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda group, name: Newer)
    with pytest.raises(ConfigError, match="version 2"):
        registry.load("static")
    monkeypatch.setattr(plugins, "load", lambda group, name: str)
    with pytest.raises(ConfigError, match="lacks api_version, kind"):
        registry.load("static")
