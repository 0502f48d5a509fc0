"""A PostgreSQL server of our own that ends with the test: Debian's binaries, a temporary folder, loopback only."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

BINARIES = "/usr/lib/postgresql"
"""Where Debian keeps them, one folder a version."""
_QUICK = {
    # Nothing of a test has to outlive the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "20",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}


def binaries() -> Path | None:
    """The folder of the newest server that is installed, None if there is none."""
    found = [
        place for place in Path(BINARIES).glob("*/bin") if (place / "initdb").exists() and place.parts[-2].isdigit()
    ]
    return max(found, key=lambda place: int(place.parts[-2]), default=None)


def missing() -> str:
    """Why no server can be had here, "" if one can."""
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "PostgreSQL needs psycopg: pip install 'syncd[postgresql]'"
    if binaries() is None:
        return "no PostgreSQL server here; as root: python -m tests.store.install"
    return ""


def _unprivileged() -> dict[str, Any]:
    """How a process of the server is started: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def emptied(url: str, schema: str) -> str:
    """The address of a schema in a database, which is made if it is missing; its tables are empty."""
    import psycopg
    from sqlalchemy.engine import make_url

    from syncd.store.tables import metadata

    place = make_url(url).update_query_dict({"options": f"-csearch_path={schema}"})
    with psycopg.connect(place.set(drivername="postgresql").render_as_string(hide_password=False)) as conn:
        conn.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        if conn.execute("SELECT to_regclass('settings')").fetchall() != [(None,)]:
            conn.execute(f"TRUNCATE {', '.join(metadata.tables)} RESTART IDENTITY")
    return place.render_as_string(hide_password=False)


class Server:
    """A server with one superuser, `boss`, and the role `syncd`, which has no more rights than it needs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._as = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        self._schemas = 0
        self.password = secrets.token_hex(8)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    @property
    def pid(self) -> int:
        """The process below which it lives. Only while it runs."""
        assert self._process is not None
        return self._process.pid

    def begin(self) -> None:
        """From an empty folder to a running server with the role and its database."""
        self._make()
        self.start()
        self.sql(f"CREATE ROLE syncd LOGIN PASSWORD '{self.password}'")
        self.sql("CREATE DATABASE syncd OWNER syncd TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")

    @cached_property
    def _bin(self) -> Path:
        place = binaries()
        assert place is not None
        return place

    def _make(self) -> None:
        if self._as:
            os.chown(self.root, self._as["user"], self._as["group"])
        word = self.root / "word"
        word.write_text(self.password)
        word.chmod(0o644)
        command = [self._bin / "initdb", "-D", self.root / "data", "-U", "boss", "-E", "UTF8", "--locale=C.UTF-8"]
        command += ["--auth=scram-sha-256", f"--pwfile={word}", "--no-sync"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._as)

    def start(self, **more: str) -> None:
        """Start it and wait until it answers. more: settings of this start."""
        command: list[str | Path] = [self._bin / "postgres", "-D", self.root / "data", "-p", str(self.port)]
        for name, value in {**_QUICK, "unix_socket_directories": str(self.root), **more}.items():
            command += ["-c", f"{name}={value}"]
        if shutil.which("setpriv"):  # also when the test itself is killed
            command = ["setpriv", "--pdeathsig", "INT", *command]
        with (self.root / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **self._as)
        end = time.monotonic() + 30
        while not self._answers():
            assert self._process.poll() is None, (self.root / "log").read_text()
            assert time.monotonic() < end, (self.root / "log").read_text()
            time.sleep(0.05)

    def _answers(self) -> bool:
        command = [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(command, check=False).returncode == 0

    def stop(self, how: int = signal.SIGINT) -> None:
        """SIGINT cuts everybody off and ends in order, SIGQUIT at once and with a recovery at the next start."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def restart(self, how: int = signal.SIGINT) -> None:
        self.stop(how)
        self.start()

    def sql(self, text: str, *values: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement as the superuser, outside of any transaction; what it selects."""
        import psycopg

        login = {"host": "127.0.0.1", "port": self.port, "user": "boss", "password": self.password}
        with psycopg.connect(dbname=database, autocommit=True, **login) as conn:  # type: ignore[arg-type]
            found = conn.execute(text, values or None)  # type: ignore[arg-type]
            return found.fetchall() if found.description else []

    def tool(self, name: str, *args: str) -> None:
        """Run one of PostgreSQL's own tools as the role syncd."""
        login = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "syncd", "PGPASSWORD": self.password}
        subprocess.run([self._bin / name, *args], check=True, env={**os.environ, **login})

    def url(self, *, user: str = "syncd", password: str = "", database: str = "syncd") -> str:
        """The address as [syncd].database takes it."""
        return f"postgresql+psycopg://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def empty(self) -> str:
        """The address of a new, empty schema."""
        self._schemas += 1
        return emptied(self.url(), f"s{self._schemas}")

    def sessions(self) -> list[int]:
        """The server's processes that serve the role syncd."""
        return [pid for (pid,) in self.sql("SELECT pid FROM pg_stat_activity WHERE usename = 'syncd'")]

    def cut(self) -> int:
        """End all sessions of the role syncd, as an administrator may at any time; how many there were."""
        return len(self.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'syncd'"))


@contextmanager
def server() -> Iterator[Server]:
    """A server that is gone at the end, with all that it held."""
    # Not below pytest's folder, which only its owner may enter.
    root = Path(tempfile.mkdtemp(prefix="syncd-postgres-"))
    made = Server(root)
    try:
        made.begin()
        yield made
    finally:
        made.stop()
        shutil.rmtree(root)
