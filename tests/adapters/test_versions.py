"""The contract's versions: what is taken, what is refused with what to install, and that a version never changes unnoticed."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from syncd import model, plugins
from syncd.adapters import api, registry
from syncd.cli import main
from syncd.errors import ConfigError
from syncd.plugins import Plugin
from syncd.testing.fakecms import FakeAdapter

VALUES = (
    api.Capabilities, api.CheckItem, api.CheckReport, api.SiteConfig, api.Standing, api.Tools, model.Post, model.Media,
    model.RemoteRef, model.RemoteDoc, model.WriteResult,
)
WORDS = (model.RemoteState, model.Wrote, model.Form)
CALLS = {
    api.Adapter: ("__init__", "check", "find", "create", "update", "withdraw", "aclose"), api.Reads: ("read",),
    api.Lists: ("list",), api.Sweeps: ("sweep",), api.Awaits: ("standing",),
}
KEPT = Path(__file__).parent / "contracts"


def shape() -> dict[str, Any]:
    """What an adapter's author relies on: fields in their order with what must be given, calls with their arguments."""
    return {
        "values": {kind.__name__: [_field(field) for field in dataclasses.fields(kind)] for kind in VALUES},
        "words": {kind.__name__: [word.value for word in kind] for kind in WORDS},
        "calls": {name: str(_plain(getattr(kind, name))) for kind, names in CALLS.items() for name in names},
        "members": sorted(registry.MEMBERS),
    }


def _field(field: dataclasses.Field[Any]) -> str:
    given = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    default = repr(field.default) if isinstance(field.default, str | int | float | bool | tuple | None) else "…"
    return f"{field.name}: {field.type}" + ("" if given else f" = {default}")


def _plain(call: Any) -> inspect.Signature:
    return inspect.signature(call)


def test_what_authors_rely_on_is_as_it_was_when_this_version_was_made() -> None:
    """To add an optional field at the end, a word or an optional member: write it here too. Anything else is a new version."""
    kept = json.loads((KEPT / f"{api.VERSION}.json").read_text("utf-8"))
    now = shape()
    assert now["calls"] == kept["calls"]
    assert now["members"] == kept["members"]
    assert now["words"] == kept["words"]
    for name, fields in kept["values"].items():
        assert now["values"][name] == fields, f"{name}: a field may only be added at the end, with a default, and here too"


def test_every_version_that_is_taken_is_known() -> None:
    assert {path.stem for path in KEPT.glob("*.json")} == {str(n) for n in range(api.OLDEST, api.VERSION + 1)}


def kind_of(version: object) -> type:
    return type("Hall", (FakeAdapter,), {"api_version": version})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Plugin("hall", "town_hall:Hall", "town-hall", "3.1")
    monkeypatch.setattr(plugins, "installed", lambda group: [plugin] if group == registry.GROUP else [])


def refused(monkeypatch: pytest.MonkeyPatch, version: object, *, ours: int = 1, oldest: int = 1) -> str:
    monkeypatch.setattr(plugins, "load", lambda group, name: kind_of(version))
    monkeypatch.setattr(registry, "VERSION", ours)
    monkeypatch.setattr(registry, "OLDEST", oldest)
    with pytest.raises(ConfigError) as told:
        registry.load("hall")
    return told.value.message


@pytest.mark.usefixtures("installed")
def test_an_adapter_of_a_newer_contract_says_that_syncd_is_to_be_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(monkeypatch, 2) == (
        "adapter 'hall' is made for version 2 of the contract, and this syncd has version 1: "
        "install a newer syncd, or a release of town-hall that is made for version 1"
    )


@pytest.mark.usefixtures("installed")
def test_an_adapter_of_a_contract_that_is_not_taken_any_more_says_which_package_is_to_be_renewed(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(monkeypatch, 1, ours=3, oldest=2) == (
        "adapter 'hall' is made for version 1 of the contract, and this syncd has version 3: "
        "install a newer release of town-hall"
    )


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("version", ["1", True, 1.0, None])
def test_a_version_that_is_no_number_is_a_broken_adapter(version: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "api_version" in refused(monkeypatch, version)


@pytest.mark.usefixtures("installed")
def test_an_adapter_that_states_no_version_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(api.Adapter):
        kind: ClassVar[str] = "hall"

    monkeypatch.setattr(plugins, "load", lambda group, name: Silent)
    with pytest.raises(ConfigError, match="lacks api_version"):
        registry.load("hall")


@pytest.mark.usefixtures("installed")
def test_one_of_the_version_before_works_and_is_said_to_be_old(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(plugins, "load", lambda group, name: kind_of(1))
    monkeypatch.setattr(registry, "VERSION", 2)
    monkeypatch.setattr("syncd.cli.installed._VERSIONS", {"adapter": 2, "source": 1})
    assert registry.load("hall").api_version == 1
    assert main(["adapters", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["contract"], row["problem"]) == (1, "")
    assert row["warning"] == (
        "adapter 'hall' is made for version 1 of the contract, and this syncd has version 2, which takes it for now: "
        "install a newer release of town-hall"
    )


@pytest.mark.usefixtures("installed")
def test_syncd_adapters_shows_one_that_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(plugins, "load", lambda group, name: kind_of(9))
    assert main(["adapters"]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "hall" in told
    assert "version 9" in told
