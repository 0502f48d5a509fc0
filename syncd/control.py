"""The daemon's control socket: one JSON object a line, asked by the commands, answered by the running daemon."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from syncd.errors import AlreadyRunning, SyncdError

Handler = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Answers a verb with its arguments by anything that JSON can say; a SyncdError goes back to who asked."""

MAX_REQUEST = 1024 * 1024
MAX_ANSWER = 64 * 1024 * 1024
_ASK_SECONDS = 5.0
_MOST = 16


class NotRunning(SyncdError):
    """Nobody listens on the control socket: no daemon runs on this state directory."""


class ControlServer:
    """Listens on a unix socket that only its owner may use.

    path: the socket; a stale file there is replaced, a live daemon behind it raises AlreadyRunning.
    """

    def __init__(self, path: Path, handler: Handler) -> None:
        self._path = path
        self._handler = handler
        self._server: asyncio.AbstractServer | None = None
        self._open: set[asyncio.Task[Any] | None] = set()

    async def start(self) -> None:
        """Listen. Raises AlreadyRunning, or SyncdError("control_socket") when the path can't be used."""
        _clear(self._path)
        try:
            listener = _bind(self._path)
        except OSError as error:
            hint = "the state directory must be writable and on a local file system"
            raise SyncdError("control_socket", str(error), hint=hint, where=str(self._path)) from error
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=MAX_REQUEST)

    async def close(self) -> None:
        """Stop listening, end what is open, remove the socket."""
        if self._server is None:
            return
        self._server.close()
        tasks = [task for task in self._open if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._server = None
        with suppress(FileNotFoundError):
            self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._open.add(task)
        try:
            await self._answer(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # who asked went away, or the daemon stops
        finally:
            self._open.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = await self._reply(reader)
        writer.write(json.dumps(reply, ensure_ascii=True).encode() + b"\n")
        async with asyncio.timeout(_ASK_SECONDS * 2):
            await writer.drain()

    async def _reply(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        try:
            if len(self._open) > _MOST:
                raise SyncdError("busy", "too many commands at once", hint="try again in a moment")
            verb, args = _request(await _line(reader))
            return {"ok": True, "result": await self._handler(verb, args)}
        except SyncdError as error:
            return {"ok": False, "error": _told(error)}
        except Exception as error:  # noqa: BLE001 - a bug in a command must not end the daemon, and must be seen by who asked
            return {"ok": False, "error": _told(SyncdError("bug", f"{type(error).__name__}: {error}"))}


def ask(path: Path, verb: str, args: Mapping[str, Any] | None = None, *, timeout: float = 120.0) -> Any:
    """Ask the running daemon and return its answer. timeout: seconds for all of it.

    Raises NotRunning when nobody listens, SyncdError("control_timeout"), and what the daemon answered as a SyncdError.
    """
    line = json.dumps({"verb": verb, "args": dict(args or {})}).encode() + b"\n"
    try:
        with _connected(path, timeout) as link:
            link.sendall(line)
            raw = _whole(link)
    except (FileNotFoundError, ConnectionRefusedError):
        hint = "start it with: syncd run"
        raise NotRunning("not_running", "no daemon runs here", hint=hint, where=str(path)) from None
    except TimeoutError:
        hint = "the daemon is busy or hangs; look at its log"
        raise SyncdError("control_timeout", f"no answer in {timeout:g} s", hint=hint, where=str(path)) from None
    except OSError as error:
        hint = "run the command as the user that the daemon runs as"
        raise SyncdError("control_socket", str(error), hint=hint, where=str(path)) from error
    return _result(raw, path)


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(_ASK_SECONDS):
            return await reader.readuntil(b"\n")
    except TimeoutError:
        raise SyncdError("control_timeout", "no whole line came") from None
    except asyncio.LimitOverrunError:
        raise SyncdError("control_too_large", f"a request is at most {MAX_REQUEST} bytes") from None
    except asyncio.IncompleteReadError:
        raise SyncdError("control_protocol", "the line has no end") from None


def _request(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        asked = json.loads(line)
        verb, args = asked["verb"], asked.get("args", {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        verb, args = None, None
    if not isinstance(verb, str) or not isinstance(args, dict):
        raise SyncdError("control_protocol", 'a request is {"verb": "…", "args": {…}}')
    return verb, args


def _told(error: SyncdError) -> dict[str, str]:
    return {"reason": error.reason, "message": error.message, "hint": error.hint, "where": error.where}


def _result(raw: bytes, path: Path) -> Any:
    try:
        answer = json.loads(raw)
        if answer["ok"]:
            return answer["result"]
        told = {key: str(answer["error"].get(key, "")) for key in ("reason", "message", "hint", "where")}
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = "the daemon stopped while it answered; ask again"
        raise SyncdError("control_protocol", "the answer is cut or no JSON", hint=hint, where=str(path)) from None
    raise SyncdError(told["reason"], told["message"], hint=told["hint"], where=told["where"])


def _whole(link: socket.socket) -> bytes:
    parts, size = [], 0
    while chunk := link.recv(65536):
        parts.append(chunk)
        size += len(chunk)
        if chunk.endswith(b"\n"):
            break
        if size > MAX_ANSWER:
            raise SyncdError("control_too_large", f"the answer is over {MAX_ANSWER} bytes", hint="ask for less")
    return b"".join(parts)


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """The path in a form that fits a socket address (108 bytes): through /proc when it is long."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


@contextmanager
def _connected(path: Path, timeout: float) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link, _reachable(path) as address:
        link.settimeout(timeout)
        link.connect(address)
        yield link


def _clear(path: Path) -> None:
    """Remove what a killed daemon left; the lock of the state directory is already ours here."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise SyncdError("control_socket", "it is no socket", hint="move this file away", where=str(path))
        with _connected(path, 1.0):
            pass
    except FileNotFoundError:
        return
    except (ConnectionRefusedError, TimeoutError):
        path.unlink(missing_ok=True)
    else:
        raise AlreadyRunning("already_running", "a daemon answers here", hint="stop it first", where=str(path))


def _bind(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(listener.fileno(), 0o600)  # before bind, so that there is no moment when others could connect
        with _reachable(path) as address:
            listener.bind(address)
        os.chmod(path, 0o600)
    except OSError:
        listener.close()
        raise
    return listener
