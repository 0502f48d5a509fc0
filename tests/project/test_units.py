"""The systemd units as files: every line has its reason, nothing in them is unknown, and their README tells the truth."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from syncd import cli

SYSTEMD = Path(__file__).parent.parent.parent / "systemd"
UNITS = sorted(SYSTEMD.glob("*.service"))
DROP_INS = sorted(SYSTEMD.glob("drop-ins/*.conf"))
README = (SYSTEMD / "README.md").read_text(encoding="utf-8")
SINCE_247 = {
    "LoadCredential", "LoadCredentialEncrypted", "SetCredential", "ProtectProc", "ProcSubset", "PrivateIPC", "NoExecPaths",
    "ExecPaths", "SocketBindDeny", "SocketBindAllow",
}
SINCE_240_TO_246 = {
    "ProtectHostname", "RestrictSUIDSGID", "ProtectKernelLogs", "ProtectClock", "TimeoutAbortSec", "CPUQuotaPeriodSec",
    "RestrictFileSystems", "TimeoutStartFailureMode", "ConditionEnvironment",
}
"""Directives by the release that brought them, as systemd's NEWS says."""


def directives(unit: Path) -> list[tuple[str, str]]:
    """(key, value), in order; the examples that are commented out are none."""
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [(key, value) for line in lines if not line.startswith("#") for key, sep, value in [line.partition("=")] if sep]


def value(unit: Path, key: str) -> str:
    (found,) = [told for name, told in directives(unit) if name == key]
    return found


@pytest.mark.parametrize("unit", [*UNITS, *DROP_INS], ids=lambda path: path.name)
def test_above_each_directive_stands_its_reason(unit: Path) -> None:
    lines = unit.read_text(encoding="utf-8").splitlines()
    bare = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if re.match(r"#?[A-Z][A-Za-z]+=", line) and not above.startswith(("# ", "#IPAddress"))
    ]
    assert bare == []
    assert len(directives(unit)) >= 1


def test_the_units_are_those_that_the_readme_names_and_no_other() -> None:
    assert {unit.name for unit in UNITS} == {"syncd.service", "syncd-246.service", "syncd-user.service"}
    assert all(f"`{path.relative_to(SYSTEMD)}`" in README for path in (*UNITS, SYSTEMD / "sysusers.d/syncd.conf"))
    assert all(f"drop-ins/{path.name}" in README or path.name == "credential.conf" for path in DROP_INS)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_knows_every_line(unit: Path, tmp_path: Path) -> None:
    """Any output is a failure: the exit code is 0 for unknown keys too."""
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not on this machine")
    scope = ["--user"] if unit.stem == "syncd-user" else []
    told = subprocess.run(
        [analyze, *scope, "verify", str(unit)], capture_output=True, text=True, check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "SYSTEMD_LOG_LEVEL": "warning"},
    )
    assert told.stdout + told.stderr == ""


def test_the_exposure_of_the_unit_stays_low() -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not on this machine")
    command = [analyze, "security", "--offline=yes", "--threshold=15", "--no-pager", str(SYSTEMD / "syncd.service")]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unrecognized option" in told.stderr:
        pytest.skip("this systemd-analyze knows no --offline (it is older than 250)")
    assert told.returncode == 0, told.stdout + told.stderr


def test_what_systemd_246_and_239_do_not_know_is_not_in_the_unit_for_them() -> None:
    keys = {key for key, _ in directives(SYSTEMD / "syncd-246.service")}
    assert keys & (SINCE_247 | SINCE_240_TO_246) == set()
    assert {"LoadCredential", "DynamicUser"} & keys == set()
    assert value(SYSTEMD / "syncd-246.service", "User") == "syncd"


def test_the_two_system_units_differ_only_in_what_the_older_systemd_lacks() -> None:
    newer, older = (dict(directives(SYSTEMD / f"{name}.service")) for name in ("syncd", "syncd-246"))
    lacking = SINCE_247 | SINCE_240_TO_246 | {"DynamicUser"}
    assert set(newer) - set(older) <= lacking
    assert set(older) - set(newer) == {"User", "Group"}
    different = {key for key in set(newer) & set(older) if newer[key] != older[key]}
    assert different == {"RestartPreventExitStatus"}  # 243 is the status of a missing credential


def test_the_exit_codes_that_are_not_tried_again_are_those_of_the_code() -> None:
    final = {str(cli.USAGE), str(cli.RUNNING)}
    for unit in UNITS:
        assert set(value(unit, "RestartPreventExitStatus").split()) - {"243"} == final
    for code in (cli.OK, cli.PERSON, cli.USAGE, cli.RUNNING, 243):
        assert len(re.findall(rf"^\| {code} \|", README, re.MULTILINE)) == 2, f"{code}, in English and in Chinese"


def test_the_watchdog_is_slower_than_what_the_engine_counts_as_stuck() -> None:
    """Else a healthy round of a stage that takes its time would be a reason for a restart."""
    from syncd.engine.engine import ROUND, STALL

    for unit in UNITS:
        assert float(value(unit, "WatchdogSec")) >= max(STALL, ROUND)


def test_the_time_to_stop_is_enough_for_what_the_daemon_gives_to_calls_under_way() -> None:
    from syncd.app.daemon import CLOSE, DRAIN

    for unit in UNITS:
        assert float(value(unit, "TimeoutStopSec")) >= DRAIN + CLOSE


def test_the_script_for_commands_is_one_that_a_shell_accepts() -> None:
    script = SYSTEMD / "syncdctl"
    assert os.access(script, os.X_OK)
    done = subprocess.run(["/bin/sh", "-n", str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
