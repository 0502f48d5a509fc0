"""A CMS that runs as a server of ours for one test: on a free port, gone with the test; and the lossy way to it."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.cms.keeper import Keeper
from tests.cms.proxy import READ_FATES, WRITE_FATES, LossyProxy, rates

START_WITHIN = 120.0
_PORTS = 3
"""A free port may be taken by somebody else before the server has it; so many are tried."""
_UNDER_WAY = 60.0
Command = Callable[[str, int], Sequence[str]]
"""What starts the server on (host, port)."""


@dataclass(frozen=True, slots=True)
class Server:
    """url: without a slash at the end. folder: its own, gone with it. pid: the process below which it lives, for its CPU.
    log: what it said."""

    url: str
    folder: Path
    pid: int
    log: Path

    @property
    def hosts(self) -> frozenset[tuple[str, int]]:
        """As the contract wants them."""
        parts = urlsplit(self.url)
        return frozenset({(str(parts.hostname), int(parts.port or 80))})


@contextmanager
def served(
    name: str, lay_out: Callable[[Path, str], None], command: Callable[[Path], Command], *, ready: str = "/",
    env: Callable[[Path, str], dict[str, str]] = lambda folder, url: {},
) -> Iterator[Server]:
    """Run a server until the end of the block, whose keeper ends it even if this process is killed.

    lay_out(folder, url): put there what it needs, before each try of a port. ready: a path that answers below 500 once it can
    be used. Raises AssertionError with the end of its log when it does not start.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"syncd-{name}-"))
    keeper = Keeper(folder, None)
    try:
        yield _started(folder, keeper, lay_out, command(folder), ready, env)
    finally:
        keeper.close()


def _started(
    folder: Path, keeper: Keeper, lay_out: Callable[[Path, str], None], command: Command, ready: str,
    env: Callable[[Path, str], dict[str, str]],
) -> Server:
    log = folder / "server.log"
    for _ in range(_PORTS):
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        lay_out(folder, url)
        pid = keeper.start(list(command("127.0.0.1", port)), log, **env(folder, url))
        if _up(url + ready, lambda: keeper.running(pid)):  # noqa: B023 - it is called within this round
            return Server(url, folder, keeper.pid, log)
    raise AssertionError(f"it did not start: {log.read_text(errors='replace')[-3000:]}")


def _up(url: str, alive: Callable[[], bool]) -> bool:
    """False when the server ended by itself."""
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and alive():
        if (status(url) or 500) < 500:
            return alive()
        time.sleep(0.1)
    return False


def status(url: str) -> int | None:
    """What a page answers to anybody; None where nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def copied(source: Path, target: Path) -> None:
    """A prepared folder, in place of what is there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)


def secret(folder: Path, name: str, value: str) -> str:
    """The option that takes a secret out of a file that only we may read."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(value)
    return f'{{ file = "{os.fspath(path)}" }}'


class Lossy:
    """What a story's CMS has of the lossy way: a subclass gives site(), posts() and edit(), its api_url being `way.url`."""

    def __init__(self, way: LossyProxy) -> None:
        self.way = way

    def lose(self, rate: float) -> None:
        self.way.change(rates(good=1.0 - rate, reads=rate) if rate else {})
        if not rate:
            self.way.calm(_UNDER_WAY)

    @property
    def struck(self) -> int:
        """How many requests had no good answer."""
        return sum(self.way.counts[fate] for fate in (*WRITE_FATES, *READ_FATES))


@contextmanager
def lossy(url: str, *, seed: int = 1, latest: float = 3.0) -> Iterator[LossyProxy]:
    """A way to a server that loses nothing yet."""
    with LossyProxy(url, seed=seed, rates={}, latest=latest) as way:
        yield way
