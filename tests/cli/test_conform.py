"""`syncd fake-cms` serves what its switches say; `syncd adapter conform` certifies a site, and says what is missing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncd.cli import main
from syncd.cli.fakecms import switched
from syncd.errors import SyncdError
from tests.cli.desk import FakeDesk, FakeDoors

SITE = """
[[sites]]
name = "{name}"
adapter = "fake"
public_url = "{base}"
options = {{ api_url = "{base}", media = "endpoint"{more} }}
"""


class Served:
    """`syncd fake-cms` as a process."""

    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "syncd", "fake-cms", *args], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.base = self.process.stdout.readline().strip()
        self.told = [self.process.stdout.readline() for _ in range(9)]

    def get(self, path: str) -> Any:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.base + path, timeout=20) as answer:
            return json.loads(answer.read())

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    cms = Served("--media", "endpoint")
    yield cms
    cms.end()


def config(folder: Path, base: str, more: str = "", **sites: str) -> Path:
    path = folder / "config.toml"
    tables = "".join(SITE.format(name=name, base=base, more=options) for name, options in ({"county": more} | sites).items())
    path.write_text('[syncd]\nstate_dir = "var"\n' + tables, encoding="utf-8")
    return path


def conform(path: Path, *args: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "syncd", "adapter", "conform", str(path), "--column", "测试", *args]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ, "LC_ALL": "C.UTF-8"},
                          cwd=path.parent, check=False)


def test_a_site_is_certified_and_left_clean(served: Served, tmp_path: Path) -> None:
    path = config(tmp_path, served.base, wang=', account = "wang", token = { env = "WANG" }')
    done = conform(path, "--site", "county", "--editor", "wang", "--pages", "--out", "certs", "--json", WANG="editor")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    told = json.loads(done.stdout)
    assert (told["ok"], told["adapter"], told["guarantee"], told["server_version"]) == (True, "fake", "A", "1.0")
    assert told["counts"]["passed"] > 170
    assert {case["reason"] for case in told["cases"] if case["outcome"] == "skipped"} == {
        "awaits is not declared", "sweeps is not declared", "max_shown is not declared: a document is shown whole"}
    assert json.loads((tmp_path / "certs/fake-county.json").read_text("utf-8"))["cases"] == told["cases"]
    assert "# fake on county: passed" in (tmp_path / "certs/fake-county.md").read_text("utf-8")
    assert re.fullmatch(r"[0-9a-f]{64}", told["config"])
    assert served.get("/_test/posts")["posts"] == []


def test_an_adapter_that_declares_too_much_gets_no_certificate(tmp_path: Path) -> None:
    cms = Served("--media", "endpoint", "--max-title", "10")
    try:
        done = conform(config(tmp_path, cms.base), "--out", "certs")
    finally:
        cms.end()
    assert done.returncode == 1
    assert "failed: what was created is found: " in done.stderr
    told = json.loads((tmp_path / "certs/fake-county.json").read_text("utf-8"))
    assert told["ok"] is False
    assert "**failed**" in (tmp_path / "certs/fake-county.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--site", "nowhere"], "there is no site 'nowhere'"),
        ([], "there are 2 sites"),
        (["--site", "county", "--editor", "county"], "county is the same account"),
    ],
)
def test_what_can_not_be_run_is_told(args: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, "http://127.0.0.1:9", other="")
    code = main(["adapter", "conform", str(path), "--column", "x", *args], doors=FakeDoors(FakeDesk()))
    assert code == 2
    assert said in capsys.readouterr().err


def test_a_site_that_is_not_ready_is_not_attacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, "http://127.0.0.1:9")
    assert main(["adapter", "conform", str(path), "--column", "x"], doors=FakeDoors(FakeDesk())) == 1
    assert "mend what syncd check tells" in capsys.readouterr().err


def test_without_pytest_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "pytest", None)
    assert main(["adapter", "conform", str(path), "--column", "x"], doors=FakeDoors(FakeDesk())) == 1
    assert "pip install 'syncd[testing]'" in capsys.readouterr().err


def test_the_fake_cms_says_how_to_post_to_it_and_keeps_what_was_written(tmp_path: Path) -> None:
    state = tmp_path / "journal"
    cms = Served("--state", str(state), "--html", "filtered", "--without", "notice", "--max-title", "80")
    site = tomllib.loads("".join(cms.told))["sites"][0]
    assert site["options"] == {"api_url": cms.base, "notice": False, "html": "filtered", "max_title": 80}
    published = urllib.request.Request(f"{cms.base}/_test/publish", b'{"id": 1, "title": "t", "text": "<p>x</p>"}')
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(published, timeout=20).close()
    assert cms.end() == 0
    again = Served("--state", str(state))
    assert [item["title"] for item in again.get("/feed.json")["items"]] == ["t"]
    assert again.end() == 0


@pytest.mark.parametrize("wrong", [{"unique": "perhaps"}, {"flight": False}])
def test_a_switch_that_there_is_not_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(SyncdError) as refused:
        switched(wrong)
    assert refused.value.reason == "usage"
    assert refused.value.hint
