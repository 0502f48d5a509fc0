"""What a configured site is asked: only what can go wrong on its adapter's way, and every secret of its settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from syncd.adapters.api import Adapter, SiteConfig
from syncd.adapters.static import StaticAdapter
from syncd.app.build import Way
from syncd.testing import FakeCMS, conform_site
from syncd.testing.asgi import AppClient
from syncd.testing.clock import START
from syncd.testing.fakecms import FakeAdapter, FakeOptions, Switches
from syncd.web.api import Client, Guard, Network

NOW = datetime(2026, 11, 30, 1, 30, tzinfo=UTC)


def contract(kind: type[Adapter], options: BaseModel, folder: Path, **more: Any) -> conform_site.TestSite:
    site = SiteConfig("county", "http://cms.example", options=options)
    setup = conform_site.Setup(Way(kind, site, Network(), Network(), Guard(), folder), "要闻", "syncd-test-", lambda: NOW)
    made: conform_site.TestSite = type("Contract", (conform_site.TestSite,), {"setup": setup, **more})()
    made.setup_method()
    return made


def test_an_adapter_that_asks_nothing_over_http_is_not_struck_there(tmp_path: Path) -> None:
    made = contract(StaticAdapter, StaticAdapter.Options(directory=tmp_path / "site"), tmp_path)
    made.test_what_was_created_is_found()
    with pytest.raises(pytest.skip.Exception, match="does not speak HTTP"):
        made.test_a_slow_answer_is_waited_for("create")
    with pytest.raises(pytest.skip.Exception, match="does not speak HTTP"):
        made.test_the_process_may_die_at_any_call("create", "die_after")


def test_an_adapter_that_asks_over_http_is_struck_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cms = FakeCMS(Switches(), accounts={"tok": "syncd"}, now=lambda: START)

    def client(self: object, name: str, network: Network, guard: Guard) -> Client:
        return AppClient(cms, lambda: START)

    monkeypatch.setattr(conform_site.Web, "client", client)
    made = contract(FakeAdapter, FakeOptions(api_url="http://cms.example", token="tok"), tmp_path)
    made.test_a_slow_answer_is_waited_for("create")
    made.test_the_process_may_die_at_any_call("create", "die_after")


class Deep(BaseModel):
    headers: dict[str, SecretStr | str] = {"x": SecretStr("one"), "y": "plain"}
    accounts: list[dict[str, SecretStr]] = [{"token": SecretStr("two")}]
    pair: tuple[SecretStr, int] = (SecretStr("three"), 4)
    names: list[str] = ["plain"]


def test_secrets_in_lists_and_tables_are_wrong_for_a_stranger() -> None:
    found = conform_site.with_wrong_secrets(Deep())
    assert isinstance(found, Deep)
    assert conform_site.secrets_of(Deep()) == ("one", "two", "three")
    assert conform_site.secrets_of(found) == ("wrong",) * 3
    assert (found.headers["y"], found.pair[1], found.names) == ("plain", 4, ["plain"])
