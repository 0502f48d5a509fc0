"""The shipped unit on a real systemd: starts, restarts, watchdog, reload, credentials, sandbox, journal, exit codes."""

from __future__ import annotations

import json
import time

import pytest

from tests.systemd.town import CONFIG, DROPINS, PASSWORD, STATUS, TEXT, TOKEN, UNITS, Town, hash_of

pytestmark = pytest.mark.servers

TRAP_LIST = """
[[sources]]
name = "trap"
kind = "trap"
url = "http://127.0.0.1:8390/feed.json"
every = "1s"
allow_private = true
"""
TRAP_SITE = TEXT.replace('adapter = "static"', 'adapter = "trap"').replace(
    '{ directory = "/srv/county" }', '{ directory = "/srv/county", password = { credential = "county-cms" } }'
)
CMS_CREDENTIAL = "[Service]\nLoadCredential=county-cms:/etc/syncd/county-cms.secret\n"
ALLOWED = {"write its state", "a child Python", "an internet socket", "a name look-up"}
PROBE = """\
[Service]
ExecStartPre=/opt/syncd/bin/python /opt/syncd/probe.py ${STATE_DIRECTORY}/probe.json
"""


def restarts(town: Town) -> int:
    return int(town.show("NRestarts"))


def came_back(town: Town, before: int, count: int) -> bool:
    return restarts(town) > count and town.state() == "active" and town.pid() not in (0, before)


# --- start, status, journal ---------------------------------------------------------------------------------------


def test_it_is_ready_and_says_in_one_line_what_it_does(town: Town) -> None:
    assert town.show("Type") == "notify"
    assert town.state() == "active"
    id = town.next()
    town.wait("the document is visible", lambda: town.visible(id))
    seen = sum(row["status"] == "visible" for row in town.reposts())
    town.wait("the line counts it", lambda: town.line().startswith(f"{seen} repost"))
    assert "visible, 0 under way; last good read" in town.line()
    assert town.line() in town.box.out("systemctl", "status", "--no-pager", "syncd")
    assert town.posts(id) == 1
    assert town.box.out("stat", "-c", "%a", "/var/lib/private/syncd") == "700"
    assert town.box.run("grep", "^syncd:", "/etc/passwd", check=False).returncode == 1  # its user is systemd's alone


def test_the_journal_has_json_lines_with_their_priority(town: Town) -> None:
    mark = town.mark()
    town.box.run("systemctl", "restart", "syncd")
    town.wait("it has started", lambda: town.events(mark, "started"))
    (started,) = town.events(mark, "started")
    assert started["PRIORITY"] == "6"
    assert started["level"] == "info"
    assert started["sources"] == 1
    town.reload("nonsense")
    town.wait("the refusal is told", lambda: town.events(mark, "config_rejected"))
    assert {row["PRIORITY"] for row in town.events(mark, "config_rejected")} == {"3"}
    only_errors = town.box.out("journalctl", "-u", "syncd", "-p", "err", "-o", "cat")
    assert "config_rejected" in only_errors
    assert '"started"' not in only_errors


def test_a_start_that_takes_longer_than_its_time_out_asks_for_more(town: Town) -> None:
    town.drop_in("cms", CMS_CREDENTIAL + "TimeoutStartSec=5\n")
    town.box.write(CONFIG, TRAP_SITE)
    town.box.write("/run/trap/migrate", "12")
    town.box.run("systemctl", "stop", "syncd")
    town.box.run("systemctl", "start", "--no-block", "syncd")
    town.wait("the line says so", lambda: town.line().startswith("starting: "))
    begun = time.monotonic()
    town.wait("it is ready", lambda: town.state() == "active", 60)
    assert time.monotonic() - begun > 5.0
    assert restarts(town) == 0


# --- restarts -----------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
def test_after_kill_9_it_is_back_and_has_posted_nothing_twice(town: Town) -> None:
    ids = []
    for moment in (0.0, 0.6, 1.4):
        before, count = town.pid(), restarts(town)
        ids.append(town.next())
        time.sleep(moment)
        town.box.run("systemctl", "kill", "--kill-whom=main", "-s", "KILL", "syncd")
        town.wait("it is back", lambda before=before, count=count: came_back(town, before, count))
    for id in ids:
        town.wait(f"document {id} is visible", lambda id=id: town.visible(id), 60)
    assert [town.posts(id) for id in ids] == [1, 1, 1]


@pytest.mark.guarantee(5)
def test_a_process_that_stands_still_is_restarted_by_the_watchdog(town: Town) -> None:
    mark, before, count = town.mark(), town.pid(), restarts(town)
    town.drop_in("abort", "[Service]\nTimeoutAbortSec=1\n")
    town.box.run("systemctl", "kill", "--kill-whom=main", "-s", "STOP", "syncd")
    town.wait("the watchdog restarts it", lambda: came_back(town, before, count), 60)
    assert any("Watchdog timeout" in row["MESSAGE"] for row in town.journal(mark))


@pytest.mark.guarantee(5)
def test_a_blocked_loop_is_restarted_by_the_watchdog_which_shows_where_it_was(town: Town) -> None:
    town.reload(TEXT + TRAP_LIST)
    town.wait("the list is read", lambda: len(town.status().get("sources", [])) == 2)
    mark, before, count = town.mark(), town.pid(), restarts(town)
    town.box.write("/run/trap/block", "")
    town.publish(901)  # so that the list is parsed once more
    town.wait("it is aborted", lambda: restarts(town) > count or town.pid() != before, 60)
    town.box.remove("/run/trap/block")
    town.wait("it is back", lambda: came_back(town, before, count), 60)
    told = "\n".join(row["MESSAGE"] for row in town.journal(mark))
    assert "Watchdog timeout" in told
    assert "Fatal Python error: Aborted" in told
    assert "syncd_trap.py" in told


@pytest.mark.guarantee(5)
def test_a_stage_that_hangs_while_the_loop_is_alive_is_told_and_restarted(town: Town) -> None:
    town.reload(TEXT.replace("[syncd]\n", '[syncd]\nstuck_after = "3s"\n') + TRAP_LIST)
    town.wait("the list is read", lambda: len(town.status().get("sources", [])) == 2)
    mark, before, count = town.mark(), town.pid(), restarts(town)
    town.box.write("/run/trap/hang", "")
    town.publish(902)
    town.wait("the line says it", lambda: town.line().startswith("stuck: poll of trap"))
    assert town.code(f"{STATUS}/healthz") == 503  # the loop answers: it is the stage that hangs
    town.box.remove("/run/trap/hang")
    town.wait("the watchdog restarts it", lambda: came_back(town, before, count), 60)
    (stuck,) = town.events(mark, "engine_stuck")
    assert "syncd_trap.py" in stuck["text"]
    assert stuck["PRIORITY"] == "3"
    assert any("Watchdog timeout" in row["MESSAGE"] for row in town.journal(mark))


def test_a_start_that_always_fails_comes_to_an_end_and_is_failed(town: Town) -> None:
    town.drop_in("fails", "[Unit]\nStartLimitBurst=3\n[Service]\nExecStartPre=/opt/syncd/bin/python -c 'raise OSError'\n")
    town.box.run("systemctl", "stop", "syncd")
    town.box.run("systemctl", "reset-failed", "syncd", check=False)
    town.box.run("systemctl", "start", "syncd", check=False)
    town.wait("it is given up", lambda: town.state() == "failed")
    assert restarts(town) == 3
    assert town.box.read(f"{UNITS}/syncd.service").count("StartLimitIntervalSec=2h") == 1


# --- reload -------------------------------------------------------------------------------------------------------


def test_a_reload_takes_up_the_new_config_in_the_same_process(town: Town) -> None:
    before = town.pid()
    assert town.show("CanReload") == "yes"
    town.reload(TEXT.replace("要闻", "国务院文件"))
    id = town.next()
    town.wait("the document is visible", lambda: town.visible(id))
    assert [r["column"] for r in town.reposts() if f"第{id}号" in r["title"]] == ["国务院文件"]
    assert town.pid() == before
    assert town.state() == "active"


@pytest.mark.guarantee(5)
def test_a_bad_reload_changes_nothing_and_is_shown_everywhere(town: Town) -> None:
    mark, before = town.mark(), town.pid()
    town.reload(TEXT.replace('every = "1s"', 'evry = "1s"'))
    town.wait("the line says so", lambda: town.line().endswith("new config rejected"))
    town.wait("the reload is over for systemd", lambda: town.state() == "active")
    assert town.pid() == before
    (told,) = town.events(mark, "config_rejected")
    assert 'did you mean "every"?' in told["problems"]
    assert "syncd_config_rejected 1.0" in town.get(f"{STATUS}/metrics")
    assert town.code(f"{STATUS}/readyz") == 503
    assert town.code(f"{STATUS}/healthz") == 200
    id = town.next()
    town.wait("the old config goes on", lambda: town.visible(id))
    town.reload(TEXT)
    town.wait("a good one is taken up", lambda: "rejected" not in town.line())
    assert town.code(f"{STATUS}/readyz") == 200


# --- credentials --------------------------------------------------------------------------------------------------


def test_a_missing_credential_is_status_243_and_is_not_tried_again(town: Town) -> None:
    mark = town.mark()
    town.box.run("systemctl", "stop", "syncd")
    town.box.remove("/etc/syncd/status-token.secret")
    assert town.box.run("systemctl", "start", "syncd", check=False).returncode != 0
    assert town.show("ExecMainStatus") == "243"
    time.sleep(1.5)  # three times RestartSec
    assert (town.state(), restarts(town)) == ("failed", 0)
    assert any("status=243/CREDENTIALS" in row["MESSAGE"] for row in town.journal(mark))


def test_a_credential_reaches_the_adapter_and_nobody_else(town: Town) -> None:
    mark = town.mark()
    town.drop_in("cms", CMS_CREDENTIAL)
    town.box.write(CONFIG, TRAP_SITE.replace("[syncd]\n", '[syncd]\nlog_level = "debug"\n'))
    town.box.run("systemctl", "restart", "syncd")
    id = town.next()
    town.wait("the document is visible", lambda: town.visible(id))
    assert town.box.read("/srv/county/log-in") == hash_of(PASSWORD)
    folder = "/run/credentials/syncd.service"
    assert town.box.out("stat", "-c", "%a %n", f"{folder}/county-cms") == f"400 {folder}/county-cms"
    assert town.box.run("runuser", "-u", "nobody", "--", "cat", f"{folder}/county-cms", check=False).returncode != 0
    environ = town.box.read(f"/proc/{town.pid()}/environ")
    assert "CREDENTIALS_DIRECTORY=" in environ
    for secret in (PASSWORD, TOKEN):
        assert secret not in environ
        assert town.box.run("grep", "-rF", secret, "/var/lib/private/syncd", "/srv/county", check=False).returncode == 1
    town.reload(TRAP_SITE.replace('"county-cms" }', '"county-cms", x = 1 }'))  # a mistake right beside the secret
    town.wait("the refusal is told", lambda: town.events(mark, "config_rejected"))
    told = json.dumps(town.journal(mark), ensure_ascii=False)
    assert PASSWORD not in told
    assert TOKEN not in told


def test_the_commands_work_for_root_by_syncdctl_beside_the_running_service(town: Town) -> None:
    plain = town.box.run("/opt/syncd/bin/syncd", "once", "--config", CONFIG, check=False)
    assert plain.returncode == 2  # it reads the config, which names a credential that only the service was given
    asked = town.box.run("/opt/syncd/bin/syncd", "status", "--config", CONFIG, check=False)
    assert asked.returncode == 0  # it asks the running service, and reads the config not at all
    told = json.loads(town.box.out("/usr/local/sbin/syncdctl", "status", "--json"))
    assert told["running"] is True
    assert told["ready"] is True


def test_the_token_of_the_status_page_is_the_credential(town: Town) -> None:
    url = f"{STATUS}/api/v1/reposts/1/approve"
    body = ("-X", "POST", "-H", "Content-Type: application/json", "-d", '{"actor": "clerk"}')
    assert town.code(url, *body, "-H", "Authorization: Bearer guessed-token") == 403
    assert town.code(url, *body, "-H", f"Authorization: Bearer {TOKEN}") not in (401, 403)


# --- sandbox ------------------------------------------------------------------------------------------------------


def test_in_its_sandbox_it_can_do_what_it_must_and_nothing_else(town: Town) -> None:
    for private in ("/home/clerk/private", "/root/private", "/tmp/of-others"):
        town.box.write(private, "x")
    outside = _free(town)
    town.drop_in("probe", PROBE)
    town.box.run("systemctl", "restart", "syncd")
    inside = json.loads(town.box.read("/var/lib/private/syncd/probe.json"))
    assert {name for name, told in outside.items() if told != "yes"} <= {"see PID 1"}, "the probes themselves work"
    assert {name for name, told in inside.items() if told == "yes"} == ALLOWED, inside
    assert not {name: told for name, told in inside.items() if told.startswith("ended with")}
    # Not only by who owns it: the mount itself takes no write.
    assert {told for name, told in inside.items() if name.startswith("write /")} == {"Read-only file system"}


def _free(town: Town) -> dict[str, str]:
    """The same probes by root without a sandbox: each must be possible there, else it proves nothing here."""
    town.box.run("/opt/syncd/bin/python", "/opt/syncd/probe.py", "/run/outside.json")
    found: dict[str, str] = json.loads(town.box.read("/run/outside.json"))
    return found


def test_the_kernel_confirms_that_it_has_no_rights_and_gains_none(town: Town) -> None:
    rows = dict(line.split(":\t", 1) for line in town.box.read(f"/proc/{town.pid()}/status").splitlines() if ":\t" in line)
    assert {rows[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert rows["NoNewPrivs"] == "1"
    assert rows["Seccomp"] == "2"
    assert "0" not in rows["Uid"].split()


def test_the_exposure_of_the_installed_unit_is_low_and_nothing_in_it_is_unknown(town: Town) -> None:
    shipped = "/mnt/bundle/systemd/syncd.service"
    verified = town.box.run("systemd-analyze", "verify", shipped, check=False)
    assert verified.stdout + verified.stderr == ""  # its exit code is 0 for unknown keys too
    scored = town.box.run("systemd-analyze", "security", "--offline=yes", "--threshold=15", shipped, check=False)
    assert scored.returncode == 0, scored.stdout


# --- ends ---------------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(2)
def test_a_stop_lets_the_call_under_way_end_and_is_no_failure(town: Town) -> None:
    town.drop_in("cms", CMS_CREDENTIAL)
    town.box.write(CONFIG, TRAP_SITE)
    town.box.run("systemctl", "restart", "syncd")
    town.wait("it reads", town.reads)
    town.box.write("/run/trap/slow", "8")  # longer than the watchdog of these tests, shorter than the drain
    id = town.next()
    town.wait("the call is under way", lambda: town.box.run("test", "-e", "/srv/county/called", check=False).returncode == 0)
    begun = time.monotonic()
    town.box.run("systemctl", "stop", "syncd", timeout=90)
    assert 4.0 < time.monotonic() - begun < 45.0
    assert (town.show("Result"), town.show("ExecMainStatus"), town.state()) == ("success", "0", "inactive")
    assert town.posts(id) == 1
    town.box.remove("/run/trap/slow", "/srv/county/called")
    town.start()
    town.wait("it is seen after the next start", lambda: town.visible(id))
    assert town.posts(id) == 1


def test_a_second_daemon_on_the_same_state_is_refused_with_75(town: Town) -> None:
    before = town.pid()
    second = town.box.run("/usr/local/sbin/syncdctl", "run", check=False)
    assert second.returncode == 75, second.stderr
    assert str(before) in second.stderr
    assert town.pid() == before


def test_a_wrong_config_at_the_start_is_status_2_and_is_not_tried_again(town: Town) -> None:
    mark = town.mark()
    town.box.run("systemctl", "stop", "syncd")
    town.box.write(CONFIG, TEXT.replace("listen", "lisen"))
    assert town.box.run("systemctl", "start", "syncd", check=False).returncode != 0
    assert town.show("ExecMainStatus") == "2"
    time.sleep(1.5)  # three times RestartSec
    assert (town.state(), restarts(town)) == ("failed", 0)
    assert any('did you mean "listen"?' in row["MESSAGE"] for row in town.journal(mark))


def test_without_a_config_nothing_starts_and_nothing_fails(town: Town) -> None:
    town.box.run("systemctl", "stop", "syncd")
    town.box.run("mv", CONFIG, f"{CONFIG}.away")
    town.start()
    assert (town.state(), town.show("ConditionResult")) == ("inactive", "no")
    town.box.run("mv", f"{CONFIG}.away", CONFIG)


def test_drop_ins_of_the_operator_are_honoured(town: Town) -> None:
    assert town.show("DropInPaths").split() == [f"{DROPINS}/credential.conf", f"{DROPINS}/site-folder.conf"]
    group = town.box.out("getent", "group", "syncd-site").split(":")[2]
    rows = dict(line.split(":", 1) for line in town.box.read(f"/proc/{town.pid()}/status").splitlines())
    assert group in rows["Groups"].split()
    id = town.next()
    town.wait("the web server, who is nobody, shows the page", lambda: town.visible(id))
    page = town.box.out("grep", "-rlF", f"现将第{id}号通知", "/srv/county", "--include=*.html").split()[0]
    assert town.box.out("stat", "-c", "%G %A", page).startswith("syncd-site -rw-rw-r--")
