"""What each command does at the desk, prints, and ends with."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from syncd.cli import main, show
from syncd.cli.words import moment
from syncd.errors import ConfigError
from tests.cli.desk import TITLE, FakeDesk, FakeDoors

FIELDS = [
    "id", "document", "title", "source", "site", "column", "url", "status", "marks", "key", "ref", "published",
    "detected", "sent_at", "seen_at", "latency_s", "deadline", "verdict", "reason", "hint",
]


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "SYNCD_CONFIG", "SYNCD_ACTOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()


@pytest.fixture
def doors() -> FakeDoors:
    return FakeDoors()


def test_status_ends_with_1_while_something_needs_a_person_and_with_0_after(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status"], doors=doors) == 1
    told = capsys.readouterr().out
    assert "need a person 2" in told
    assert "99.9 %" in told  # never rounded up to a hundred that was not reached
    assert "30 MiB" in told
    assert "(quiet hours)" in told
    for id in ("2", "3"):
        main(["adopt", id], doors=doors)
    assert main(["status"], doors=doors) == 0


def test_status_json_is_the_desks_answer_and_whether_a_daemon_runs(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.alive = False
    assert main(["status", "--json"], doors=doors) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["running"] is False
    assert told["counts"]["attention"] == 2


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en_GB.UTF-8", "as of 2026-09-01 11:00:00; nothing has changed since"),
     ("zh_CN.UTF-8", "截至 2026-09-01 11:00:00，此后没有变化")],
)
def test_what_an_idle_state_left_is_told_with_its_time_and_nothing_is_opened(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, lang: str, said: str
) -> None:
    monkeypatch.setenv("LANG", lang)
    facts = asyncio.run(doors.desk.status())
    doors.alive, doors.told = False, {**facts, "as_of": "2026-09-01T03:00:00Z"}
    assert main(["status"], doors=doors) == 1
    assert said in capsys.readouterr().out
    main(["status", "--json"], doors=doors)
    assert json.loads(capsys.readouterr().out) == {"running": False, **doors.told}
    assert doors.opened == []


@pytest.mark.parametrize("alive", [True, False])
def test_what_is_told_just_now_is_as_of_now(doors: FakeDoors, capsys: pytest.CaptureFixture[str], alive: bool) -> None:
    doors.alive, doors.told = alive, {"as_of": "2026-09-01T03:00:00Z"} if alive else None
    main(["status"], doors=doors)
    assert "as of" not in capsys.readouterr().out
    main(["status", "--json"], doors=doors)
    told = json.loads(capsys.readouterr().out)
    assert told["as_of"] == told["now"]


def test_reposts_json_has_every_promised_field(doors: FakeDoors, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reposts", "--json"], doors=doors) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert set(FIELDS) <= set(rows[0])


def test_reposts_can_be_narrowed_to_a_site_and_to_what_needs_a_person(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["reposts", "--attention", "--json"], doors=doors)
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == [2, 3]
    main(["reposts", "--site", "other"], doors=doors)
    assert capsys.readouterr().out == "No reposts.\n"


def test_a_table_keeps_its_columns_in_line_although_chinese_is_two_cells_wide(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    doors.desk.rows[2]["title"] = "short"
    main(["reposts"], doors=doors)
    lines = capsys.readouterr().out.splitlines()[1:4]
    starts = {cell_len(line[: line.index("county")]) for line in lines}
    assert len(starts) == 1
    assert TITLE in lines[0]


def test_explain_tells_each_look_each_reason_and_what_comes_next(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "1"], doors=doors) == 0
    told = capsys.readouterr().out
    for text in (
        f"#1  {TITLE}", "status visible", "verdict met (all of it inside the limit)", "latency 9 min",
        "2026-09-01 09:04:00", "first sighted", "looked: not there", "not_there_yet url=https://county.example/1",
        "国办发〔2026〕28号", "2026-09-01 21:00:00 (12 h 国办发〔2017〕47号)", "Lag: detection 4 min, CMS 2 s",
        "Next: look at the public page at 2026-09-02 12:00:00 (look_due)", "2026-09-01 09:00 (state-council)",
        "other titles: 一图读懂", "status at source: 失效",
        "repealed by: 废止决定  国发〔2026〕9号  document 12  https://www.gov.cn/9.htm",
    ):
        assert text in told, text


def test_commands_speak_chinese_to_a_chinese_locale(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    main(["explain", "1"], doors=doors)
    told = capsys.readouterr().out
    assert "接下来：查看公开页面 于 2026-09-02 12:00:00" in told
    assert "状态 已见" in told


def test_approve_names_the_person_and_moves_the_repost(doors: FakeDoors, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["approve", "2", "--actor", "王主任"], doors=doors) == 0
    assert doors.desk.said == [("approve", 2, None, "王主任")]
    assert doors.desk.rows[2]["status"] == "sending"
    assert "#2: sending" in capsys.readouterr().out


def test_a_sources_held_entries_are_released_once_and_then_there_is_nothing_to_release(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["approve", "--source", "state-council"], doors=doors) == 0
    assert "state-council: released 4" in capsys.readouterr().out
    assert main(["approve", "--source", "state-council"], doors=doors) == 1


def test_reject_drops_a_sources_held_entries_with_the_reason(doors: FakeDoors) -> None:
    assert main(["reject", "--source", "state-council", "--reason", "old", "--actor", "x"], doors=doors) == 0
    assert doors.desk.said == [("reject", None, "old", "x", "state-council")]
    assert doors.desk.held == {}


@pytest.mark.parametrize("args", [["approve"], ["approve", "2", "--source", "s"], ["reject"]])
def test_an_order_without_or_with_two_objects_is_a_usage_error_and_changes_nothing(
    doors: FakeDoors, args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(args, doors=doors) == 2
    assert "--source" in capsys.readouterr().err
    assert doors.desk.said == []


@pytest.mark.guarantee(3)
def test_retry_of_an_edited_post_goes_over_it_only_when_asked(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["retry", "3"], doors=doors) == 1
    assert doors.desk.rows[3]["status"] == "edited"
    assert capsys.readouterr().err == "repost 3: the post was changed at the site\n  -> say --overwrite\n"
    assert main(["retry", "3", "--overwrite"], doors=doors) == 0
    assert doors.desk.rows[3]["status"] == "sending"


def test_withdraw_asks_first_and_no_is_no(doors: FakeDoors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main(["withdraw", "1"], doors=doors) == 1
    assert doors.desk.said == []
    assert main(["withdraw", "1", "--yes", "--reason", "wrong", "--actor", "x"], doors=doors) == 0
    assert doors.desk.said == [("withdraw", 1, "x", "wrong", False)]


def test_package_and_backup_write_where_they_are_told(doors: FakeDoors, tmp_path: Path) -> None:
    assert main(["package", "1", "--out", str(tmp_path / "a.zip")], doors=doors) == 0
    assert main(["db", "backup", str(tmp_path / "b.sqlite3")], doors=doors) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "b.sqlite3"]


def test_preview_shows_the_text_without_letting_it_move_the_cursor(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", "1"], doors=doors) == 0
    told = capsys.readouterr().out
    assert "<p>正文</p>" in told
    assert "\x1b" not in told
    assert "\\x1b[31m" in told


def test_titles_are_never_markup_and_never_control_the_terminal(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    doors.desk.rows[1]["title"] = "[red]a[/red]\x1b]0;x\x07\u202eb"
    main(["reposts"], doors=doors)
    told = capsys.readouterr().out
    assert "[red]a[/red]" in told
    assert not {"\x1b", "\x07", "\u202e"} & set(told)
    main(["reposts", "--json"], doors=doors)
    text = capsys.readouterr().out
    assert not {"\x1b", "\u202e"} & set(text)
    assert json.loads(text)[0]["title"] == doors.desk.rows[1]["title"]


def test_check_says_what_to_do_and_what_a_firewall_must_let_pass(
    doors: FakeDoors, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check"], doors=doors) == 0
    doors.desk.well = False
    assert main(["check"], doors=doors) == 1
    told = capsys.readouterr().out
    assert "FAIL source state-council: 25 entries" in told
    assert "-> open it" in told
    assert "www.gov.cn  443" in told


def test_run_once_and_demo_end_with_the_code_of_what_they_ran(doors: FakeDoors) -> None:
    assert main(["run", "-c", "x.toml"], doors=doors) == 0
    assert main(["once"], doors=doors) == 1
    assert main(["demo", "--once", "--dir", "d"], doors=doors) == 0
    assert doors.ran == [("run", Path("x.toml")), ("once", Path("config.toml")), ("demo", "--once", "--dir", "d")]


def test_the_config_may_come_from_the_environment(doors: FakeDoors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCD_CONFIG", "/etc/syncd/config.toml")
    main(["reposts"], doors=doors)
    assert doors.opened == [Path("/etc/syncd/config.toml")]


def test_exit_codes_say_what_went_wrong(doors: FakeDoors, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reposts", "--nonsense"], doors=doors) == 2
    assert main(["nonsense"], doors=doors) == 2
    assert main(["explain", "0"], doors=doors) == 2
    assert main(["explain", "99"], doors=doors) == 2  # no such repost
    doors.locked = True
    assert main(["run"], doors=doors) == 75
    capsys.readouterr()
    doors.config_error = ConfigError(["[syncd]: a: b", "[syncd]: c: d"], where="config.toml")
    assert main(["run"], doors=doors) == 2
    assert capsys.readouterr().err == "config.toml: [syncd]: a: b\nconfig.toml: [syncd]: c: d\n"


def test_a_missing_config_says_how_to_write_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no.toml"
    assert main(["status", "--config", str(path)]) == 2
    assert capsys.readouterr().err == f"{path}: no such file; write one with: syncd init\n"


@pytest.mark.parametrize(
    ("change", "code", "line"),
    [
        (lambda d: d.desk.rows.clear(), 0,
         "SYNCD OK - 1 source read, 2 open | attention=0 open=2 pending=0 held=4 reposts=3"),
        (lambda d: None, 1, "SYNCD WARNING - 2 need a person | attention=2 open=2 pending=0 held=4 reposts=3"),
        (lambda d: setattr(d.desk, "site_state", "stopped"), 2,
         "SYNCD CRITICAL - site county stopped (-); 2 need a person | attention=2 open=2 pending=0 held=4 reposts=3"),
        (lambda d: d.desk.problems.append({"reason": "disk_full"}), 2,
         "SYNCD CRITICAL - disk_full; 2 need a person | attention=2 open=2 pending=0 held=4 reposts=3"),
        (lambda d: setattr(d, "alive", False), 2,
         "SYNCD CRITICAL - the daemon is not running | attention=0 open=0 pending=0 held=0 reposts=0"),
        (lambda d: setattr(d, "config_error", ConfigError(["a|b"], where="c")), 3, "SYNCD UNKNOWN - c: a/b [config]"),
    ],
)
def test_the_probe_answers_as_nagios_expects(
    doors: FakeDoors, change: Any, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(doors)
    assert main(["status", "--probe"], doors=doors) == code
    assert capsys.readouterr().out == line + "\n"


def test_a_probe_never_takes_the_lock_of_an_idle_state(doors: FakeDoors) -> None:
    doors.alive = False
    main(["status", "--probe"], doors=doors)
    assert doors.opened == []


def test_a_report_of_this_month_is_the_default(doors: FakeDoors, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["report", "--json"], doors=doors) == 0
    assert json.loads(capfdbinary.readouterr().out) == {"month": "2026-09"}
    assert main(["report", "--format", "pdf"], doors=doors) == 2


@pytest.mark.parametrize(
    ("args", "heavy"),
    [
        (["--help"], {"pydantic", "sqlalchemy", "httpx", "aiohttp", "fastapi", "structlog", "trafilatura"}),
        # typer itself imports pydantic, where it is installed, for a command with parameters
        (["explain", "--help"], {"sqlalchemy", "httpx", "aiohttp", "fastapi", "structlog", "trafilatura"}),
    ],
)
def test_help_imports_nothing_heavy(args: list[str], heavy: set[str]) -> None:
    code = (
        f"import sys; from syncd.cli import main; main({args}); "
        f"bad = {{m.split('.')[0] for m in sys.modules}} & {heavy}; sys.exit(f'imported {{bad}}' if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr
    assert "explain" in done.stdout


def test_the_module_runs_like_the_command() -> None:
    env = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-m", "syncd", "--version"], capture_output=True, text=True, timeout=20, check=False, env=env
    )
    assert (done.returncode, done.stdout.split()[0]) == (0, "syncd")


def test_adapters_lists_the_built_in_ones_with_their_class(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["adapters", "--json"], doors=FakeDoors(FakeDesk()))
    rows = {(row["kind"], row["name"]): row for row in json.loads(capsys.readouterr().out)}
    assert {("adapter", "static"), ("adapter", "observe"), ("source", "feed"), ("source", "govcn")} <= set(rows)
    assert rows["adapter", "static"]["guarantee"] == "A"
    assert code == (1 if any(row["problem"] for row in rows.values()) else 0)


def test_adapters_shows_what_is_for_tests_only_if_asked(capsys: pytest.CaptureFixture[str]) -> None:
    shown = []
    for words in (["adapters", "--json"], ["adapters", "--tests", "--json"]):
        main(words, doors=FakeDoors(FakeDesk()))
        shown.append({row["name"] for row in json.loads(capsys.readouterr().out)})
    assert shown[1] - shown[0] == {"fake"}


def test_adapters_tells_of_a_plug_in_that_is_made_for_another_contract(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("syncd.sources.feed.FeedSource.api_version", 2)
    assert main(["adapters", "--json"], doors=FakeDoors(FakeDesk())) == 1
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert "install a newer syncd" in rows["feed"]["problem"]
    assert rows["govcn"]["problem"] == ""


def test_withdraw_says_that_the_document_goes_from_all_its_sites(
    doors: FakeDoors, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert main(["withdraw", "1"], doors=doors) == 1
    told = capsys.readouterr().out
    assert f'"{TITLE}" from ALL its sites (on 2 sites: county, town)' in told
    main(["withdraw", "--help"], doors=doors)
    assert "ALL its sites" in capsys.readouterr().out


@pytest.mark.parametrize("args", [["report", "--month", "2026-07", "--out"], ["package", "1", "--out"], ["db", "backup"]])
def test_a_file_that_cannot_be_written_is_told_without_a_traceback(
    doors: FakeDoors, args: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.cli.monthly.render", lambda *a, **k: b"report")
    for target in (tmp_path / "no" / "file", tmp_path):
        assert main([*args, str(target)], doors=doors) == 2
        told = capsys.readouterr().err
        assert str(target) in told
        assert "directory that exists" in told
        assert "Error" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
def test_a_day_stays_that_day_in_every_time_zone(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    for value in ("2026-11-23", "2026-11-23T00:00:00+08:00"):
        assert moment({"value": value, "precision": "day"}) == "2026-11-23"


def test_an_observed_site_has_no_queue_but_what_people_have_to_post(capsys: pytest.CaptureFixture[str]) -> None:
    show.status({"sites": [{"name": "town", "queue": 0, "awaited": 7, "posts": False, "state": "ok"}]})
    assert "awaited 7" in capsys.readouterr().out
