"""The control socket: who may use it, what it takes, and what happens to what it can't take."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from syncd import control
from syncd.control import ControlServer, NotRunning, ask
from syncd.errors import AlreadyRunning, SyncdError


async def _answer(verb: str, args: dict[str, Any]) -> Any:
    if verb == "echo":
        return args
    if verb == "refuse":
        raise SyncdError("edited", "no", hint="say --overwrite", where="repost 3")
    if verb == "bug":
        raise KeyError("x")
    if verb == "big":
        return "长" * 1_000_000
    return [1, 2]


def served(path: Path, use: Callable[[], Any]) -> Any:
    """Run `use` in a thread while the server listens."""

    async def run() -> Any:
        server = ControlServer(path, _answer)
        await server.start()
        try:
            return await asyncio.to_thread(use)
        finally:
            await server.close()

    return asyncio.run(run())


def _raw(path: Path, data: bytes, *, close: bool = False) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(5)
        link.connect(str(path))
        link.sendall(data)
        if close:
            link.shutdown(socket.SHUT_WR)
        heard = b""
        while chunk := link.recv(65536):
            heard += chunk
    told: dict[str, Any] = json.loads(heard)
    return told


def test_a_question_is_answered_with_any_json(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    assert served(path, lambda: ask(path, "echo", {"标题": "通知\n"})) == {"标题": "通知\n"}
    assert served(path, lambda: ask(path, "list")) == [1, 2]
    assert len(served(path, lambda: ask(path, "big"))) == 1_000_000
    assert not path.exists()


def test_an_error_of_the_daemon_comes_back_whole(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with pytest.raises(SyncdError) as error:
        served(path, lambda: ask(path, "refuse"))
    told = error.value
    assert (told.reason, told.message, told.hint, told.where) == ("edited", "no", "say --overwrite", "repost 3")


@pytest.mark.guarantee(5)
def test_a_bug_in_a_command_is_told_and_the_daemon_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "c"

    def use() -> Any:
        with pytest.raises(SyncdError, match="KeyError") as error:
            ask(path, "bug")
        assert error.value.reason == "bug"
        return ask(path, "echo", {"a": 1})

    assert served(path, use) == {"a": 1}


def test_only_the_owner_may_use_it(tmp_path: Path) -> None:
    path = tmp_path / "c"
    mode = served(path, lambda: path.stat().st_mode)
    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"hello\n", "control_protocol"), (b"[]\n", "control_protocol"), (b'{"verb": 3}\n', "control_protocol"),
        (b'{"verb": "echo", "args": []}\n', "control_protocol"), (b"\xff\n", "control_protocol"),
        (b"[" * 100_000 + b"\n", "control_protocol"), (b'{"verb"', "control_protocol"),
    ],
)
def test_what_is_no_request_gets_a_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "c"
    told = served(path, lambda: _raw(path, data, close=True))
    assert (told["ok"], told["error"]["reason"]) == (False, reason)


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "MAX_REQUEST", 1000)
    path = tmp_path / "c"
    told = served(path, lambda: _raw(path, b"x" * 1500, close=False))
    assert told["error"]["reason"] == "control_too_large"


def test_one_who_says_nothing_is_not_waited_for_and_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "_ASK_SECONDS", 0.2)
    path = tmp_path / "c"

    def use() -> Any:
        with socket.socket(socket.AF_UNIX) as silent:
            silent.settimeout(5)
            silent.connect(str(path))
            assert ask(path, "echo", {"a": 1}) == {"a": 1}
            return json.loads(silent.recv(65536))

    assert served(path, use)["error"]["reason"] == "control_timeout"


def test_where_nobody_listens_the_hint_is_to_start_a_daemon(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with pytest.raises(NotRunning):
        ask(path, "echo")
    _stale(path)
    with pytest.raises(NotRunning) as error:
        ask(path, "echo")
    assert "syncd run" in error.value.hint


def _stale(path: Path) -> None:
    """What a daemon leaves that was killed."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


def test_a_stale_socket_is_replaced_and_a_live_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "c"
    _stale(path)

    def second() -> Any:
        with pytest.raises(AlreadyRunning):
            served(path, lambda: None)
        return ask(path, "echo", {"still": "here"})

    assert served(path, second) == {"still": "here"}


def test_a_file_that_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "c"
    path.write_text("mine")
    with pytest.raises(SyncdError, match="no socket"):
        served(path, lambda: None)
    assert path.read_text() == "mine"


def test_a_state_directory_with_a_long_name_works_too(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 100) / "control.sock"
    path.parent.mkdir()
    assert served(path, lambda: ask(path, "echo", {"a": 1})) == {"a": 1}
    assert not path.exists()


def test_a_daemon_that_does_not_answer_in_time_is_told_apart_from_none(tmp_path: Path) -> None:
    path = tmp_path / "c"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(path))
        deaf.listen()
        with pytest.raises(SyncdError) as error:
            ask(path, "echo", timeout=0.1)
    assert error.value.reason == "control_timeout"


def test_an_answer_that_is_cut_is_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "c"

    async def run() -> None:
        async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b'{"ok": true, "resu')
            writer.close()

        async with await asyncio.start_unix_server(half, path=str(path)):
            with pytest.raises(SyncdError) as error:
                await asyncio.to_thread(ask, path, "echo")
            assert error.value.reason == "control_protocol"

    asyncio.run(run())


def test_closing_ends_what_is_open(tmp_path: Path) -> None:
    path = tmp_path / "c"
    began: list[str] = []

    async def slow(verb: str, args: dict[str, Any]) -> Any:
        began.append(verb)
        await asyncio.sleep(60)

    async def run() -> None:
        server = ControlServer(path, slow)
        await server.start()
        waiting = asyncio.create_task(_asked(path))
        while not began:
            await asyncio.sleep(0.01)
        await asyncio.wait_for(server.close(), 2)
        assert (await waiting).reason == "control_protocol"

    asyncio.run(run())


def _asked(path: Path) -> Awaitable[Any]:
    def use() -> SyncdError:
        with pytest.raises(SyncdError) as error:
            ask(path, "slow", timeout=5)
        return error.value

    return asyncio.to_thread(use)
