"""What `syncd adapter new` makes passes at once, is clean, and its tests see each of ten faults that an author may plant."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from syncd.cli import main
from syncd.errors import SyncdError
from syncd.plugins import Plugin
from syncd.testing import scaffolding
from tests.cli.desk import FakeDesk, FakeDoors

ROOT = Path(__file__).parents[2]
STATIC = Plugin("static", "syncd.adapters.static:StaticAdapter", "syncd", "0.1")


def made(folder: Path, name: str = "hill_county") -> Path:
    assert main(["adapter", "new", name, "--dir", str(folder / "package")], doors=FakeDoors(FakeDesk())) == 0
    return folder / "package"


def run(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """As an author would, in the package's own folder and nothing of it installed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV", "PYTHONPATH"))}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=kept | environ, capture_output=True, text=True, check=False,
        timeout=400,
    )


def pytest_in(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", "-n0", *words)


def test_its_tests_pass_at_once(tmp_path: Path) -> None:
    done = pytest_in(made(tmp_path))
    assert done.returncode == 0, done.stdout[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 150
    assert "failed" not in done.stdout


def test_it_is_named_after_what_was_asked_for_everywhere(tmp_path: Path) -> None:
    package = made(tmp_path)
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))
    assert project["project"]["name"] == "syncd-hill-county"
    assert project["project"]["entry-points"]["syncd.adapters"] == {"hill_county": "syncd_hill_county:HillCountyAdapter"}
    told = [path for path in package.rglob("*") if path.is_file()]
    assert {str(path.relative_to(package)) for path in told} == {
        "README.md", "pyproject.toml", "syncd_hill_county/__init__.py", "syncd_hill_county/adapter.py",
        "syncd_hill_county/api.py", "syncd_hill_county/options.py", "tests/test_hill_county.py",
    }
    assert not [path for path in told if "newcms" in path.read_text("utf-8").lower()]


def test_the_template_is_data_of_the_package() -> None:
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]["syncd.testing"]
    folder = Path(str(files("syncd.testing")))
    found = {path for pattern in shipped for path in folder.glob(pattern) if path.is_file()}
    assert set(scaffolding._files(scaffolding.TEMPLATE)) <= {path.relative_to(scaffolding.TEMPLATE) for path in found}


def test_it_is_clean_by_our_own_rules(tmp_path: Path) -> None:
    package = made(tmp_path)
    ruff = run(package, "ruff", "check", "--config", str(ROOT / "pyproject.toml"), "--ignore", "I,S101,S105", ".")
    assert ruff.returncode == 0, ruff.stdout
    mypy = run(package, "mypy", "--strict", "--follow-imports=silent", "--cache-dir", str(tmp_path / "cache"), ".",
               MYPYPATH=f"{ROOT}{os.pathsep}{package}")
    assert mypy.returncode == 0, mypy.stdout


PLANTED = {
    "a lost answer to a write is called not applied": (
        "api.py", "            raise_for_write(answer, creating=creating)", "            raise_for_read(answer)",
        "nothing_is_called_not_applied or answer_that_tells_nothing"),
    "a page instead of the answer to a write is called not applied": (
        "api.py", "doubt = NotApplied if method == \"GET\" else Unknown", "doubt = NotApplied",
        "nothing_is_called_not_applied or answer_that_tells_nothing"),
    "any 404 is the CMS's own": (
        "api.py", 'told.get("error") != "no_post"', "not method", "refusal_is_told and no_such_page"),
    "who answers is not looked at": (
        "api.py", 'told.get("as") != self._options.account', "not told", "wrong_credentials"),
    "a key that is taken is another version": (
        "api.py", "creating=True)\n", "creating=False)\n", "second_post_of_a_key or four_creates"),
    "the version is not sent": (
        "api.py", "{} if if_version is None else", "{} if if_version else", "edit_before_an_update or edit_in_the_middle"),
    "the key of the answer is not compared": (
        "adapter.py", 'found = [post for post in told["posts"] if post["key"] == key]',
        'found = told["posts"] or (await self._api.get("/posts?prefix="))["posts"]', "another_key or not_there_is_none"),
    "what is gone can't be withdrawn again": (
        "adapter.py", "        except NotFound:\n", "        except ZeroDivisionError:\n", "again_is_already"),
    "nobody is told what is lost": (
        "adapter.py", 'f"{media.name} stays at its source" for media in post.media', 'media.name for media in ()',
        "file_is_copied"),
    "an edit leaves the version as it was": (
        "adapter.py", 'url, str(told["version"]), state, by)', 'url, "1", state, by)', "edit_is_seen"),
    "an error tells the token": (
        "api.py", 'hint="open the address"', "hint=self._options.token.get_secret_value()", "tells_nothing or no_secret"),
    "a draft has an address": (
        "adapter.py", 'url = "" if state is RemoteState.DRAFT else f"', 'url = f"', "draft_is_seen_by_nobody"),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_fault_whose_handling_is_taken_out_turns_a_case_red(fault: str, tmp_path: Path) -> None:
    file, handled, planted, cases = PLANTED[fault]
    package = made(tmp_path)
    path = package / "syncd_hill_county" / file
    text = path.read_text("utf-8")
    assert text.count(handled) == 1
    path.write_text(text.replace(handled, planted), "utf-8")
    done = pytest_in(package, "-x", "-k", cases)
    assert done.returncode == 1, f"no case saw it: {done.stdout[-1500:]}"
    assert "FAILED tests/test_hill_county.py::TestHillCounty::" in done.stdout
    assert "SyntaxError" not in done.stdout


@pytest.mark.parametrize(
    ("name", "says"),
    [("Hill", "such as hill"), ("hill-county", "such as hill_county"), ("1st", "such as st"), ("县", "a letter first"),
     ("a__b", "such as a_b"), ("hill_", "such as hill"), ("x" * 41, "small letters"), ("../x", "such as x"),
     ("class", "choose")],
)
def test_a_name_that_can_not_be_one_is_refused_with_one_that_can(name: str, says: str) -> None:
    with pytest.raises(SyncdError) as told:
        scaffolding.refuse_name(name, [])
    assert says in told.value.hint


def test_a_name_that_is_taken_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SyncdError, match="there is an adapter 'static' in syncd"):
        scaffolding.refuse_name("static", [STATIC])
    (tmp_path / "syncd_hill.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SyncdError, match="a module syncd_hill is installed"):
        scaffolding.refuse_name("hill", [STATIC])


def test_nothing_that_is_there_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "mine.txt").write_text("mine", "utf-8")
    assert main(["adapter", "new", "hill", "--dir", str(tmp_path / "package")], doors=FakeDoors(FakeDesk())) != 0
    assert "name another with --dir" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["package", "mine.txt"]


def test_what_can_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SyncdError, match="cannot_write"):
        scaffolding.make("hill", tmp_path / "file" / "package")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
