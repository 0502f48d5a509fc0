"""`syncd init` writes a configuration that loads, observes, and posts nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from syncd import config
from syncd.adapters import registry
from syncd.cli import main
from tests.cli.desk import FakeDoors

GIVEN = ["--url", "https://www.county.example/", "--site-name", '某县"人民政府', "--site-id", "1234567890", "--yes"]


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "SYNCD_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.chdir(tmp_path)


def test_it_writes_a_config_that_only_observes_and_says_the_next_three_steps(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["init", *GIVEN], doors=FakeDoors()) == 0
    told = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in told[1:]] == ["1. syncd check", "2. syncd run", "3. syncd status"]
    made = config.load(Path("config.toml"), environ={})
    assert [site.adapter for site in made.sites] == ["observe"]
    assert (made.sites[0].public_url, made.sites[0].site_id) == ("https://www.county.example", "1234567890")
    assert made.sites[0].site_name == '某县"人民政府'
    assert made.sources[0].kind == "govcn"
    assert made.warnings == ()


def test_what_it_writes_is_what_the_observe_adapter_takes() -> None:
    main(["init", *GIVEN, "--column-url", "https://www.county.example/gwy/"], doors=FakeDoors())
    site = config.load(Path("config.toml"), environ={}).sites[0]
    options, problems = config.options_of(registry.load("observe").Options, site.options, where="options")
    assert problems == []
    assert options is not None
    assert options.list_url == "https://www.county.example/gwy/"  # type: ignore[attr-defined]  # with its slash


def test_the_state_goes_where_a_service_may_write() -> None:
    main(["init", *GIVEN, "--state-dir", "/var/lib/syncd"], doors=FakeDoors())
    assert config.load(Path("config.toml"), environ={}).syncd.state_dir == Path("/var/lib/syncd")


def test_it_never_overwrites_a_file_unless_told_to(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.toml").write_text("mine")
    assert main(["init", *GIVEN], doors=FakeDoors()) == 2
    assert Path("config.toml").read_text() == "mine"
    assert "config.toml: it exists already" in capsys.readouterr().err
    assert main(["init", *GIVEN, "--force"], doors=FakeDoors()) == 0
    assert "observe" in Path("config.toml").read_text("utf-8")


@pytest.mark.parametrize(
    "wrong", [["--url", "www.county.example"], ["--url", "https://u:p@county.example"], ["--site-id", "12"]]
)
def test_an_answer_that_cannot_be_right_is_refused_and_nothing_is_written(wrong: list[str]) -> None:
    assert main(["init", *GIVEN, *wrong], doors=FakeDoors()) == 2
    assert not Path("config.toml").exists()


def test_it_asks_a_person_until_the_answer_can_be_right(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = "county\nhttps://www.county.example\n某县\n12\n1234567890\nhttps://p.example/rss.xml\n要闻\n\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(answers))
    assert main(["init"], doors=FakeDoors()) == 0
    assert "an address is like https://www.county.example" in capsys.readouterr().out
    made = config.load(Path("config.toml"), environ={})
    assert (made.sources[0].kind, made.sources[0].url) == ("feed", "https://p.example/rss.xml")
    assert made.routes[0].column == "要闻"
