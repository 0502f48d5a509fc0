"""Plug-ins are found by their configured name only, and each way in which that fails names what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd import plugins
from syncd.errors import ConfigError
from syncd.plugins import Plugin
from syncd.sources import registry
from syncd.sources.feed import FeedSource
from syncd.sources.govcn import GovcnSource

GROUP = "syncd.testplugs"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Installs a package, as pip would, that registers entry points in a group of its own."""
    monkeypatch.syspath_prepend(tmp_path)

    def one(package: str, module: str, code: str, points: str) -> None:
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{package}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{points}\n")

    yield one
    for name in [name for name in sys.modules if name.startswith("plug_")]:
        del sys.modules[name]


def problem(name: str) -> str:
    with pytest.raises(ConfigError) as caught:
        plugins.load(GROUP, name)
    return "\n".join(caught.value.problems)


def test_the_class_behind_a_name_is_loaded_and_no_other_module(install) -> None:
    install("alpha", "plug_a", "class Good: pass", "good = plug_a:Good")
    install("beta", "plug_b", "raise SystemError('must not be imported')", "other = plug_b:Bad")
    assert plugins.load(GROUP, "good").__name__ == "Good"
    assert "plug_b" not in sys.modules


def test_an_unknown_name_lists_what_is_installed(install) -> None:
    install("alpha", "plug_a", "", "good = plug_a:Good\nfine = plug_a:Fine")
    assert problem("goood") == "unknown testplug 'goood': did you mean 'good'? installed are: fine, good"
    assert plugins.installed(GROUP) == [
        Plugin("fine", "plug_a:Fine", "alpha", "1.2"),
        Plugin("good", "plug_a:Good", "alpha", "1.2"),
    ]


def test_a_group_without_any_plug_in_says_so() -> None:
    assert "is syncd itself installed" in problem("good")


def test_two_packages_with_one_name_are_both_named(install) -> None:
    install("alpha", "plug_a", "class Good: pass", "good = plug_a:Good")
    install("beta", "plug_b", "class Good: pass", "good = plug_b:Good")
    text = problem("good")
    assert "alpha (plug_a:Good) and beta (plug_b:Good)" in text
    assert "uninstall one" in text


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("import no_such_library", "No module named 'no_such_library'"),
        ("x = 1", "AttributeError"),
        ("Good = 3", "not a class"),
    ],
)
def test_an_installed_but_broken_plug_in_shows_the_cause(install, code: str, cause: str) -> None:
    install("alpha", "plug_a", code, "good = plug_a:Good")
    text = problem("good")
    assert text.startswith("testplug 'good' of alpha 1.2 is installed but broken: plug_a:Good: ")
    assert cause in text


def test_what_only_tests_register_is_not_offered(install) -> None:
    install("alpha", "plug_a", "", "good = plug_a:Good\nfake = syncd.testing.fakecms:FakeAdapter")
    assert problem("goood").endswith("installed are: good")


# --- the contract of sources -------------------------------------------------------------------------------------------


def refused_kind(monkeypatch: pytest.MonkeyPatch, kind: type, *, package: str = "") -> str:
    monkeypatch.setattr(plugins, "load", lambda group, name: kind)
    known = [Plugin("hill", "hill:Hill", package, "1.0")] if package else []
    monkeypatch.setattr(plugins, "installed", lambda group: known)
    with pytest.raises(ConfigError) as caught:
        registry.load("hill")
    return caught.value.message


@pytest.mark.parametrize("kind", [FeedSource, GovcnSource])
def test_built_in_kinds_are_made_for_this_contract(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "load", lambda group, name: kind)
    assert registry.load("hill") is kind


def test_a_newer_contract_says_that_syncd_is_to_be_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    newer = type("Hill", (FeedSource,), {"api_version": 2})
    assert refused_kind(monkeypatch, newer, package="hill-lists") == (
        "source 'hill' is made for version 2 of the contract, and this syncd has version 1: "
        "install a newer syncd, or a release of hill-lists that is made for version 1"
    )


def test_an_older_contract_says_which_package_is_to_be_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    older = type("Hill", (FeedSource,), {"api_version": 0})
    assert refused_kind(monkeypatch, older, package="hill-lists").endswith("install a newer release of hill-lists")
    assert refused_kind(monkeypatch, older).endswith("install a newer release of its package")


@pytest.mark.parametrize("told", ["1", 1.5, None])
def test_a_version_that_is_no_number_is_a_fault_of_the_class(told: object, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = type("Hill", (FeedSource,), {"api_version": told})
    assert "api_version is" in refused_kind(monkeypatch, odd)


def test_what_a_class_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "str lacks api_version, kind, Options, parse, page_of, read_page" in refused_kind(monkeypatch, str)
