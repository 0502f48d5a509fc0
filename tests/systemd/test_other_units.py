"""The unit for systemd before 247 and the one for a user's own manager, each started for real."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.systemd.town import CONFIG, PASSWORD, TEXT, UNITS, Town

pytestmark = pytest.mark.servers

HOME = "/home/officer"
KEPT = "/var/lib/private/kept"
FILE_SECRET = TEXT.replace('{ credential = "status-token" }', '{ file = "/etc/syncd/token" }')


@pytest.fixture
def alone(town: Town) -> Iterator[Town]:
    """The service is stopped and its state put away; both are as they were afterwards."""
    town.box.run("systemctl", "stop", "syncd")
    town.box.run("mv", "/var/lib/private/syncd", KEPT)
    town.box.remove("/var/lib/syncd")
    yield town
    town.box.run("systemctl", "stop", "syncd-246", check=False)
    # A lasting user of that name would be taken by DynamicUser= too, and the tests of the shipped unit would prove less.
    town.box.run("userdel", "syncd", check=False)
    town.box.remove("/var/lib/syncd", f"{UNITS}/syncd-246.service", "/etc/sysusers.d/syncd.conf")
    town.box.run("mv", KEPT, "/var/lib/private/syncd")


def test_the_unit_for_before_247_runs_as_a_lasting_user_with_its_secret_in_a_file(alone: Town) -> None:
    town, unit = alone, "syncd-246"
    sysusers = ("/mnt/bundle/systemd/sysusers.d/syncd.conf", "/etc/sysusers.d/syncd.conf")
    town.box.run("install", "-D", "-m", "644", *sysusers)
    town.box.run("systemd-sysusers")
    town.unit("syncd-246.service")
    town.box.write("/etc/syncd/token", PASSWORD, mode=0o600)
    town.box.run("chown", "syncd", "/etc/syncd/token")
    town.box.write(CONFIG, FILE_SECRET.replace("/srv/county", "/var/lib/syncd/site"))
    town.box.run("systemctl", "start", unit)
    town.wait("it reads", town.reads)
    before = int(town.show("MainPID", unit))
    assert town.box.out("stat", "-c", "%U", f"/proc/{before}") == "syncd"
    assert "last good read" in town.show("StatusText", unit) or "no list" in town.show("StatusText", unit)
    town.box.run("systemctl", "kill", "--kill-whom=main", "-s", "KILL", unit)
    town.wait("it is back", lambda: int(town.show("MainPID", unit)) not in (0, before))
    town.wait("it reads again", town.reads)
    town.box.run("systemctl", "stop", unit)
    assert town.show("Result", unit) == "success"
    verified = town.box.run("systemd-analyze", "verify", "/mnt/bundle/systemd/syncd-246.service", check=False)
    assert verified.stdout + verified.stderr == ""


def test_the_users_unit_runs_without_root_with_the_filters_that_work_there(alone: Town) -> None:
    town = alone
    town.box.run("useradd", "--create-home", "officer")
    uid = town.box.out("id", "-u", "officer")
    town.box.run("loginctl", "enable-linger", "officer")

    def own(*command: str) -> str:
        runtime = f"XDG_RUNTIME_DIR=/run/user/{uid}"
        return town.box.out("runuser", "-u", "officer", "--", "env", runtime, f"HOME={HOME}", *command)

    town.wait("the user's manager runs", lambda: town.state(f"user@{uid}") == "active")
    own("mkdir", "-p", f"{HOME}/.local/share/syncd", f"{HOME}/.config/systemd/user", f"{HOME}/.config/syncd")
    own("ln", "-s", "/opt/syncd", f"{HOME}/.local/share/syncd/app")
    own("cp", "/mnt/bundle/systemd/syncd-user.service", f"{HOME}/.config/systemd/user/syncd.service")
    text = FILE_SECRET.replace("/etc/syncd/token", "token").replace("/var/lib/syncd", "state")
    town.box.write(f"{HOME}/.config/syncd/config.toml", text.replace("/srv/county", "site"))
    town.box.write(f"{HOME}/.config/syncd/token", PASSWORD, mode=0o600)
    town.box.run("chown", "-R", "officer", f"{HOME}/.config")
    own("systemctl", "--user", "daemon-reload")
    own("systemctl", "--user", "start", "syncd")
    town.wait("it reads", town.reads)
    pid = own("systemctl", "--user", "show", "--value", "-p", "MainPID", "syncd")
    rows = town.box.read(f"/proc/{pid}/status")
    assert f"Uid:\t{uid}" in rows
    assert "NoNewPrivs:\t1" in rows
    assert "Seccomp:\t2" in rows
    assert own("stat", "-c", "%a", f"{HOME}/.config/syncd/state") == "700"
    town.box.write(f"{HOME}/.config/syncd/config.toml", "nonsense")
    own("systemctl", "--user", "reload", "syncd")
    line = ("systemctl", "--user", "show", "--value", "-p", "StatusText", "syncd")
    town.wait("the line says so", lambda: own(*line).endswith("new config rejected"))
    own("systemctl", "--user", "stop", "syncd")
    assert own("systemctl", "--user", "show", "--value", "-p", "Result", "syncd") == "success"
    town.box.run("loginctl", "disable-linger", "officer")
