"""A machine that can have no WordPress says by name what is missing and why; one that can installs just that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wordpress import install
from tests.wordpress.install import EXTENSIONS, PROGRAMS, Unavailable


class Machine:
    """What a machine has, and the commands that it was given. Installing brings what was asked for, unless it is broken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, lacks: list[str], root: bool, apt: bool = True) -> None:
        self.lacks = lacks
        self.commands: list[list[str]] = []
        self.broken = False
        monkeypatch.setattr(install, "missing", lambda: self.lacks)
        monkeypatch.setattr(install, "program", lambda name: name if apt else "")
        monkeypatch.setattr(install, "_run", self.run)
        monkeypatch.setattr(install, "_code", lambda say: Path("code"))
        monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)

    def run(self, command: list[str], folder: Path | None = None) -> None:
        self.commands.append([word for word in command if word not in install._APT])
        if "install" in command and not self.broken:
            self.lacks = []


def test_where_everything_is_there_nothing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, lacks=[], root=False, apt=False)
    assert install.prepare() == Path("code")
    assert machine.commands == []


def test_root_gets_just_the_packages_of_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, lacks=["mariadbd", "mariadb-install-db", "php extension gd"], root=True)
    install.prepare()
    assert machine.commands == [["update"], ["install", "--no-install-recommends", "mariadb-server-core", "php-gd"]]


def test_php_comes_with_its_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, lacks=["php"], root=True)
    install.prepare()
    assert machine.commands[1][2:] == sorted(["php-cli", *EXTENSIONS.values()])


def test_nobody_but_root_installs_and_the_reason_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, lacks=["php"], root=False)
    with pytest.raises(Unavailable, match=r"^php is not installed and apt-get needs root$"):
        install.prepare()
    assert machine.commands == []


def test_without_apt_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    Machine(monkeypatch, lacks=["php", "mariadbd"], root=True, apt=False)
    with pytest.raises(Unavailable, match=r"^php, mariadbd are not installed and there is no apt-get$"):
        install.prepare()


def test_an_installation_that_brings_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, lacks=["mariadbd"], root=True)
    machine.broken = True
    with pytest.raises(Unavailable, match=r"mariadbd is not there, although mariadb-server-core were installed"):
        install.prepare()


def test_links_into_other_packages_become_files_or_go(tmp_path: Path) -> None:
    source = tmp_path / "root" / "usr" / "share" / "wordpress"
    (source / "lib").mkdir(parents=True)
    (source / "wp-config.php").write_text("of the package")
    other = tmp_path / "root" / "usr" / "share" / "php" / "id3.php"
    other.parent.mkdir()
    other.write_text("id3")
    (source / "lib" / "absolute.php").symlink_to("/usr/share/php/id3.php")
    (source / "lib" / "relative.php").symlink_to("../../php/id3.php")
    (source / "lib" / "dangling.js").symlink_to("/usr/share/javascript/none.js")
    install._collect(tmp_path / "root", tmp_path / "site")
    found = {p.relative_to(tmp_path / "site").as_posix(): p.read_text() for p in (tmp_path / "site").rglob("*.*")}
    assert found == {"lib/absolute.php": "id3", "lib/relative.php": "id3"}


def test_every_program_has_a_package_without_a_service() -> None:
    assert {package for package in PROGRAMS.values() if package.startswith("mariadb")} == {
        "mariadb-server-core", "mariadb-client-core",
    }
