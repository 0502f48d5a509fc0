"""The composition root: one config becomes deps, and every plug-in's mistakes are told together."""

from __future__ import annotations

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from syncd.app.build import Ground, build, outgoing, user_agent
from syncd.child import Inline
from syncd.config import Config, load
from syncd.engine.clock import Clock
from syncd.errors import ConfigError
from syncd.metrics import Metrics
from syncd.sources.feed import FeedSource
from syncd.testing.clock import ManualClock
from syncd.testing.network import FakeExchange
from syncd.web.api import Guard, Network
from tests.engine.rig import Memory, Told, route, site, source

DIRECT, PUBLIC = Network(), Guard()
HEAD = '[syncd]\nstate_dir = "state"\nlisten = ""\n'


class Owners(FakeExchange):
    """Remembers for whom which way out was made."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[Network, Guard]] = {}

    def client(self, owner: str, network: Network = DIRECT, guard: Guard = PUBLIC) -> Any:
        self.made[owner] = (network, guard)
        return None


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    return load(path)


def ground(web: Owners | None = None) -> Ground:
    clock = ManualClock()
    return Ground(
        store=None, web=web or Owners(), child=Inline(), clock=Clock(clock.now, clock.monotonic),  # type: ignore[arg-type]
        blobs=Memory(), metrics=Metrics("t"), log=Told(), dice=Random(1),  # type: ignore[arg-type]
    )


def test_the_problems_of_all_plug_ins_are_told_together_each_with_its_place(tmp_path: Path) -> None:
    text = (
        source(options='{ full_txt = "always" }') + source("second", options='{ max_entries = "many" }')
        + site(options='uniqe = "server"') + site("town", options='html = "raw"').replace('"fake"', '"fakee"')
        + route(sources=("central", "second")) + route("town")
    )
    with pytest.raises(ConfigError) as told:
        build(config(tmp_path, text), ground())
    problems = "\n".join(told.value.problems)
    named = ("full_txt", "full_text", "max_entries", "uniqe", "unique", "fakee", "fake", "central", "second", "county")
    for expected in (*named, "town"):
        assert expected in problems
    assert len(told.value.problems) == 4


def test_an_unknown_kind_of_source_lists_what_is_installed(tmp_path: Path) -> None:
    text = source().replace('"feed"', '"fead"') + site() + route()
    with pytest.raises(ConfigError) as told:
        build(config(tmp_path, text), ground())
    assert "feed" in str(told.value)
    assert "govcn" in str(told.value)


def test_every_owner_has_its_own_way_out_and_only_a_site_may_reach_its_own_private_address(tmp_path: Path) -> None:
    web = Owners()
    public = site().replace('public_url = "http://county.example"', 'public_url = "http://county.example:8080"')
    build(config(tmp_path, source() + public + route()), ground(web))
    assert set(web.made) == {"central", "county", "county:look"}
    assert web.made["central"][1] == Guard()
    assert web.made["county"][1].allow == {("county.example", 8080), ("county.example", 80)}


def test_a_source_that_may_be_private_reaches_its_own_host_and_port_and_no_other_private_address(tmp_path: Path) -> None:
    web = Owners()
    private = source().replace('url = "http://central.example/', 'allow_private = true\nurl = "http://10.0.0.9:8080/')
    build(config(tmp_path, private + site() + route()), ground(web))
    assert web.made["central"][1] == Guard(allow=frozenset({("10.0.0.9", 8080)}))


def test_every_list_of_an_observed_site_may_be_private(tmp_path: Path) -> None:
    web = Owners()
    lists = 'options = { list_url = ["http://10.0.0.5:81/a", "http://10.0.0.6/b"] }'
    text = f'[[sites]]\nname = "town"\nadapter = "observe"\npublic_url = "http://town.example"\n{lists}\n'
    build(config(tmp_path, source() + text + route("town")), ground(web))
    assert web.made["town"][1].allow == {("town.example", 80), ("10.0.0.5", 81), ("10.0.0.6", 80)}


def test_a_source_feeds_the_sites_of_its_routes(tmp_path: Path) -> None:
    text = source() + source("other") + site() + site("town") + route(sources=("central", "other")) + route("town")
    deps = build(config(tmp_path, text), ground())
    assert deps.sources["central"].sites == ("county", "town")
    assert deps.sources["other"].sites == ("county",)
    assert deps.sites["county"].settle == 600.0


class KeyOptions(BaseModel):
    key: SecretStr


class KeySource(FeedSource):
    Options = KeyOptions


def test_sources_with_secrets_of_their_own_keep_them_though_both_are_masked_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.sources.registry.load", lambda name: KeySource)
    monkeypatch.setenv("ONE", "secret-of-one")
    monkeypatch.setenv("OTHER", "secret-of-other")
    told = {"central": "ONE", "other": "OTHER"}
    text = "".join(source(n).replace("options = {}", f'options = {{ key = {{ env = "{v}" }} }}') for n, v in told.items())
    deps = build(config(tmp_path, text), ground())
    held = [unit.source._config.options.key.get_secret_value() for unit in deps.sources.values()]  # type: ignore[attr-defined]
    assert held == ["secret-of-one", "secret-of-other"]


def test_what_a_firewall_must_let_pass_is_listed_with_host_port_and_reason(tmp_path: Path) -> None:
    rows = outgoing(config(tmp_path, source() + site() + route()))
    assert {(row["host"], row["port"]) for row in rows} >= {("central.example", "80"), ("county.example", "80")}
    assert all(row["why"] for row in rows)


def test_the_user_agent_says_who_asks(tmp_path: Path) -> None:
    assert "county.example" in user_agent(config(tmp_path, source() + site() + route()))


def test_an_adapter_that_is_built_can_be_closed(tmp_path: Path) -> None:
    deps = build(config(tmp_path, source() + site() + route()), ground())
    assert asyncio.run(deps.sites["county"].adapter.aclose()) is None  # type: ignore[func-returns-value]
