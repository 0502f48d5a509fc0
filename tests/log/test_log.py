"""Log lines: one an event, ASCII, in order for the journal, and never with a secret in them."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd import log

SECRET = "p@ss/w0rd+geheim"
NOW = datetime(2026, 9, 1, 4, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    log.forget_secrets()
    yield
    log.forget_secrets()
    log.setup(lambda: NOW, stream=io.StringIO())


def lines(*events: tuple[str, dict[str, Any]], **options: Any) -> list[str]:
    stream = io.StringIO()
    log.setup(lambda: NOW, stream=stream, **options)
    for event, fields in events:
        log.get_logger("syncd.test").info(event, **fields)
    return stream.getvalue().split("\n")[:-1]


def written(**fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lines(("e", fields))[0])
    return found


def test_an_event_is_one_json_line_with_the_given_time_in_utc() -> None:
    assert lines(("polled", {"source": "部委", "rows": 25})) == [
        '{"time": "2026-09-01T04:00:00.123Z", "level": "info", "logger": "syncd.test", "event": "polled", '
        '"source": "\\u90e8\\u59d4", "rows": 25}'
    ]


def test_the_journal_is_told_the_priority() -> None:
    stream = io.StringIO()
    log.setup(lambda: NOW, stream=stream, journal=True, level="debug")
    logger = log.get_logger("x")
    for level in ("debug", "info", "warning", "error"):
        getattr(logger, level)("e")
    assert [line[:3] for line in stream.getvalue().splitlines()] == ["<7>", "<6>", "<4>", "<3>"]
    assert json.loads(stream.getvalue().splitlines()[2][3:])["level"] == "warning"


def test_stdout_is_the_journal_only_if_systemd_says_so(tmp_path: Any) -> None:
    with (tmp_path / "out").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert log.is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not log.is_journal(stream, {"JOURNAL_STREAM": "1:2"})
        assert not log.is_journal(stream, {})
    assert not log.is_journal(io.StringIO(), {"JOURNAL_STREAM": "1:2"})


def test_what_is_below_the_level_is_not_written() -> None:
    assert lines(("e", {}), level="warning") == []


def _chained() -> BaseException:
    try:
        try:
            raise ValueError(f"login with {SECRET} failed")
        except ValueError as error:
            raise RuntimeError("outer") from error
    except RuntimeError as outer:
        return outer


class _Object:
    def __repr__(self) -> str:
        return f"<Object {SECRET}>"


class _Broken:
    def __repr__(self) -> str:
        raise ValueError(SECRET)


@pytest.mark.guarantee(5)
@pytest.mark.parametrize(
    "fields",
    [
        {"text": f"x {SECRET} y"}, {"nested": {"a": [{"b": SECRET}]}}, {"raw": SECRET.encode()}, {"object": _Object()},
        {"url": f"https://h/?x={quote(SECRET, safe='')}"},
        {"header": base64.b64encode(f"user:{SECRET}".encode()).decode()},
        {"header": base64.b64encode(f"us:{SECRET}".encode()).decode()}, {"exc_info": _chained()},
        {"tuple": ({SECRET},)},
        {SECRET: 1}, {"key": {SECRET: 1}}, {"error": _chained().__cause__}, {"shown": repr(SECRET)},
        {"broken": _Broken()},
        {"json": json.dumps({"a": SECRET})},
    ],
)
def test_a_registered_secret_is_in_no_line_in_whatever_form(fields: dict[str, Any]) -> None:
    log.register_secret(SECRET)
    for options in ({}, {"console": True}):
        for line in lines(("e", fields), **options):
            assert SECRET not in line
            assert quote(SECRET, safe="") not in line
            for part in line.replace('"', " ").split():
                assert SECRET.encode() not in _decoded(part)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""


def test_the_event_itself_is_redacted_too() -> None:
    log.register_secret(SECRET)
    assert SECRET not in lines((f"login {SECRET}", {}))[0]


@pytest.mark.parametrize(
    "key", ["password", "Passwd", "api_key", "apikey", "authorization", "set-cookie", "access_token", "client_secret"]
)
def test_a_value_under_a_telling_key_is_hidden_though_nobody_registered_it(key: str) -> None:
    assert written(**{key: "abc"})[key] == log.HIDDEN
    assert written(inner={key: ["abc"]})["inner"][key] == log.HIDDEN


@pytest.mark.parametrize("key", ["key", "author", "authority", "keywords", "column"])
def test_ordinary_keys_stay(key: str) -> None:
    assert written(**{key: "abc"})[key] == "abc"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://user:pw@h/x", f"GET https://{log.HIDDEN}@h/x"),
        ("https://h/?a=1&access_token=abc&b=2", f"https://h/?a=1&access_token={log.HIDDEN}&b=2"),
        ("Authorization: Bearer abcdefghi", f"Authorization: Bearer {log.HIDDEN}"),
        ("https://h/?page=2", "https://h/?page=2"),
        ("mail a@b.example", "mail a@b.example"),
    ],
)
def test_log_ins_in_addresses_and_headers_are_hidden_though_nobody_registered_them(text: str, shown: str) -> None:
    assert written(text=text)["text"] == shown


@given(st.text(min_size=1), st.text(max_size=5))
def test_no_text_breaks_a_line_or_leaves_ascii(text: str, key: str) -> None:
    made = lines(("e", {f"k{key}": text}), ("e", {"exc_info": ValueError(text)}))
    assert len(made) == 2
    assert all(line.isascii() and line.isprintable() for line in made)
    assert all(json.loads(line)["event"] == "e" for line in made)


@given(st.text(min_size=1))
def test_a_terminal_gets_chinese_as_it_is_and_nothing_that_moves_its_cursor(text: str) -> None:
    made = lines(("读到", {"title": f"通知{text}"}), console=True)
    assert len(made) == 1
    assert "读到" in made[0]
    assert made[0].isprintable()


def test_a_long_text_is_cut_so_that_journald_keeps_the_line_whole() -> None:
    assert len(lines(("e", {"text": "长" * 100_000}))[0]) < 48 * 1024


def test_numbers_that_json_cannot_say_are_text() -> None:
    strange = written(a=float("nan"), b=float("inf"), c=1.5, d=True, e=None)
    assert strange == written(a="nan", b="inf", c=1.5, d=True, e=None)


def test_a_stream_that_is_gone_does_not_stop_the_work() -> None:
    stream = io.StringIO()
    log.setup(lambda: NOW, stream=stream)
    stream.close()
    log.get_logger("x").info("e")


def test_a_bound_logger_carries_its_fields() -> None:
    stream = io.StringIO()
    log.setup(lambda: NOW, stream=stream)
    log.get_logger("x").bind(site="county").warning("paused", reason="auth")
    assert {"site": "county", "reason": "auth", "level": "warning"}.items() <= json.loads(stream.getvalue()).items()


def test_a_very_short_secret_does_not_blacken_every_line() -> None:
    log.register_secret("e")
    assert written(text="event")["text"] == "event"


def test_a_value_that_fills_a_field_is_hidden_and_longer_ones_go_first() -> None:
    for secret in ("geheim", "geheim-und-lang", "12345"):
        log.register_secret(secret)
    line = written(a="geheim", b="geheim-und-lang", c="so geheim-und-lang", d=12345, e=1234)
    assert {key: line[key] for key in "abcde"} == {
        "a": "[hidden]", "b": "[hidden]", "c": "so [hidden]", "d": "[hidden]", "e": 1234,
    }


def test_a_number_of_any_size_is_written() -> None:
    line = written(n=10**400, small=1e-300)
    assert (line["n"], line["small"]) == (10**400, 1e-300)
