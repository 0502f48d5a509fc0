"""A real WordPress with its database, for one test session: `with running() as wordpress:`. All of it is thrown away."""

from __future__ import annotations

import base64
import http.client
import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.cms.keeper import Keeper
from tests.wordpress.install import Unavailable, prepare, program

PHP = Path(__file__).parent / "php"
COMPANION = Path(__file__).parent.parent.parent / "docs" / "wordpress" / "syncd-companion.php"
"""The plug-in that an admin may install."""
ROLES = {
    "admin": "administrator", "syncd": "editor", "editor": "editor", "author": "author", "contributor": "contributor",
    "subscriber": "subscriber",
}
"""Account: role. `syncd` is for the daemon, `editor` for a person who edits at the site."""
CATEGORIES = {"要闻": "yaowen", "国务院文件": "gwywj", "政策解读": "zcjd"}
"""Category: slug."""
WORKERS = 4
START_WITHIN = 60.0
_WEB_LOG = "web.log"
_ROOM = 600 * 1024 * 1024
_PORTS = 3
"""A free port may be taken by somebody else before PHP has it; so many are tried."""

_CONFIG = """<?php
foreach ({constants} as $name => $value) {{ define($name, $value); }}
$table_prefix = 'wp_';
if (!defined('ABSPATH')) {{ define('ABSPATH', __DIR__ . '/'); }}
require_once ABSPATH . 'wp-settings.php';
"""
_INI = """
memory_limit=256M
post_max_size=16M
upload_max_filesize=16M
max_execution_time=60
opcache.enable=1
opcache.max_accelerated_files=10000
opcache.revalidate_freq=60
display_errors=Off
log_errors=On
error_log={folder}/php-error.log
sendmail_path=/bin/true
date.timezone=UTC
"""


@dataclass(frozen=True, slots=True)
class User:
    """An account. password: an application password, as the REST API takes it."""

    id: int
    name: str
    role: str
    password: str

    @property
    def authorization(self) -> str:
        """The value of the HTTP header."""
        return "Basic " + base64.b64encode(f"{self.name}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request got. told: the JSON of the body, None if it is none."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    told: Any


@dataclass(frozen=True, slots=True)
class Write:
    """One write to a post that took effect, from a plug-in in WordPress itself.

    at, asked: seconds since 1970; asked is when the lossy proxy got the request, None if it did not come through it.
    by: account. before, status: the post's status, "new" before its first and "deleted" after its last.
    """

    at: float
    asked: float | None
    post: int
    by: str
    before: str
    status: str
    slug: str
    title: str
    content: str


class WordPress:
    """A running WordPress. url: its address, without a slash at the end. users: accounts by name.

    pid: the process below which all of its servers live.
    """

    def __init__(self, url: str, users: Mapping[str, User], version: str, database: _Database, pid: int) -> None:
        self.url = url
        self.users = users
        self.version = version
        self.pid = pid
        self._database = database

    def ask(self, method: str, path: str, *, user: str = "", body: object = None) -> Answered:
        """One request, past any proxy. path: such as "/wp-json/wp/v2/posts". user: account, "" for anybody."""
        headers = {"authorization": self.users[user].authorization} if user else {}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["content-type"] = "application/json"
        return _request(self.url, method, path, headers, data)

    def api(self, method: str, path: str, *, user: str = "admin", body: object = None) -> Any:
        """The JSON of a good answer of wp/v2. path: such as "/posts?slug=a". Raises AssertionError for another answer."""
        answered = self.ask(method, f"/wp-json/wp/v2{path}", user=user, body=body)
        assert answered.status < 300, f"{method} {path}: {answered.status} {answered.body[:500]!r}"
        return answered.told

    def sql(self, query: str) -> list[dict[str, Any]]:
        """The rows of `SELECT JSON_OBJECT(...)`; nothing for another statement."""
        return self._database.query(query, "wordpress")

    def posts(self) -> list[dict[str, Any]]:
        """Every post in every state, trash too, from the database: id, status, slug, title, content, author."""
        return self.sql(
            "SELECT JSON_OBJECT('id', ID, 'status', post_status, 'slug', post_name, 'title', post_title,"
            " 'content', post_content, 'author', post_author) FROM wp_posts WHERE post_type = 'post' ORDER BY ID"
        )

    def journal(self) -> list[Write]:
        """Every write to a post since the start or the last empty(), oldest first."""
        rows = self.sql(
            "SELECT JSON_OBJECT('at', at, 'asked', asked, 'post', post, 'by', actor, 'before', before_status,"
            " 'status', status, 'slug', slug, 'title', title, 'content', content) FROM journal ORDER BY id"
        )
        return [Write(**row) for row in rows]

    @contextmanager
    def companion(self) -> Iterator[None]:
        """With syncd's companion as a must-use plug-in; what it has stored stays, as when an admin removes its file."""
        self.install()
        try:
            yield
        finally:
            self.remove()

    def install(self) -> None:
        shutil.copy(COMPANION, self._content / "mu-plugins")

    def remove(self) -> None:
        (self._content / "mu-plugins" / COMPANION.name).unlink(missing_ok=True)

    def plugin(self, order: str) -> None:
        """As on the page of plug-ins: activate the companion, or uninstall it."""
        folder = self._database.folder
        shutil.copy(COMPANION, self._content / "plugins")
        done = subprocess.run(
            [program("php"), "-c", str(folder / "php.ini"), str(PHP / "plugin.php"), str(folder / "site"), COMPANION.name,
             order], capture_output=True, text=True, check=False, **_as(_unprivileged()),
        )
        assert done.returncode == 0, f"{order}: {done.stderr} {done.stdout}"

    def complaints(self) -> str:
        """What PHP and WordPress wrote into their logs."""
        return _last(self._database.folder)

    @property
    def _content(self) -> Path:
        return self._database.folder / "site" / "wp-content"

    def requests(self) -> int:
        """Requests so far: PHP's web server tells each connection, and a connection carries one."""
        return self._database.folder.joinpath(_WEB_LOG).read_text(errors="replace").count(" Accepted\n")

    def empty(self) -> None:
        """As it was at the start: no posts, pictures or tags, the first categories only, an empty journal."""
        kept = ", ".join(f"'{slug}'" for slug in ("uncategorized", *CATEGORIES.values()))
        for statement in (
            "DELETE FROM wp_posts WHERE post_type IN ('post', 'revision', 'attachment')",
            "DELETE FROM wp_postmeta", "DELETE FROM wp_term_relationships",
            "DELETE x FROM wp_term_taxonomy x JOIN wp_terms t USING (term_id) WHERE taxonomy = 'post_tag'"
            f" OR (taxonomy = 'category' AND slug NOT IN ({kept}))",
            "DELETE FROM wp_terms WHERE term_id NOT IN (SELECT term_id FROM wp_term_taxonomy)",
            "UPDATE wp_term_taxonomy SET count = 0", "DELETE FROM journal",
        ):
            self.sql(statement)


class _Database:
    """MariaDB on a socket only, as an unprivileged user."""

    def __init__(self, folder: Path, keeper: Keeper) -> None:
        self.folder = folder
        self._keeper = keeper
        self.socket = folder / "db.sock"

    def start(self) -> None:
        data, log = self.folder / "data", self.folder / "db.log"
        made = self._keeper.start(
            [program("mariadb-install-db"), "--no-defaults", "--force", f"--datadir={data}", "--skip-test-db",
             "--auth-root-authentication-method=normal", "--skip-name-resolve"], log,
        )
        _until(lambda: not self._keeper.running(made), "MariaDB's folder", log)
        served = self._keeper.start(
            [program("mariadbd"), "--no-defaults", f"--datadir={data}", f"--socket={self.socket}", "--skip-networking",
             "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--max-allowed-packet=64M",
             "--performance-schema=OFF", "--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve"], log,
        )
        _until(lambda: self._answers() or not self._keeper.running(served), "MariaDB", log)
        self.query("CREATE DATABASE wordpress CHARACTER SET utf8mb4")

    def query(self, statement: str, database: str = "") -> list[dict[str, Any]]:
        done = self._client(statement, database)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def _answers(self) -> bool:
        return self.socket.exists() and self._client("SELECT 1", "").returncode == 0

    def _client(self, statement: str, database: str) -> subprocess.CompletedProcess[str]:
        command = [
            program("mariadb"), "--no-defaults", f"--socket={self.socket}", "--user=root", "--batch", "--raw",
            "--skip-column-names", "--default-character-set=utf8mb4", *([database] if database else []),
        ]
        return subprocess.run(command, input=statement, capture_output=True, text=True, check=False, timeout=60)


@contextmanager
def running() -> Iterator[WordPress]:
    """A fresh WordPress, gone at the end. Raises Unavailable where there can be none."""
    code = prepare()
    user = _unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="syncd-wordpress-", dir=_roomy()))
    keeper = Keeper(folder, user)
    try:
        _give(folder, user)
        yield _started(folder, code, keeper, user)
    finally:
        keeper.close()


def _started(folder: Path, code: Path, keeper: Keeper, user: str | None) -> WordPress:
    _lay_out(folder, code)
    database = _Database(folder, keeper)
    database.start()
    _configure(folder, "http://127.0.0.1", database.socket)
    for path in (folder, *folder.glob("site/**/")):
        _give(path, user)
    users = _set_up(folder, user)
    url = _serve(folder, database, keeper)
    return WordPress(url, users, _version(url, users["admin"]), database, keeper.pid)


def _lay_out(folder: Path, code: Path) -> None:
    site = folder / "site"
    shutil.copytree(code, site)
    content = site / "wp-content"
    shutil.copytree(PHP / "theme", content / "themes" / "county")
    for name in ("mu-plugins", "uploads", "plugins"):
        (content / name).mkdir(exist_ok=True)
    for plugin in ("journal.php", "trouble.php"):
        shutil.copy(PHP / plugin, content / "mu-plugins")
    for script in ("router.php", "setup.php"):
        shutil.copy(PHP / script, folder)
    (folder / "php.ini").write_text(_INI.format(folder=folder))


def _configure(folder: Path, url: str, database: Path) -> None:
    """Application passwords over plain HTTP are taken only where the environment is called local."""
    keys = [f"{name}_{kind}" for name in ("AUTH", "SECURE_AUTH", "LOGGED_IN", "NONCE") for kind in ("KEY", "SALT")]
    constants: dict[str, str | bool] = {
        "DB_NAME": "wordpress", "DB_USER": "root", "DB_PASSWORD": "", "DB_HOST": f"localhost:{database}",
        "DB_CHARSET": "utf8mb4", "WP_HOME": url, "WP_SITEURL": url, "WP_ENVIRONMENT_TYPE": "local",
        "WP_DEFAULT_THEME": "county", "FS_METHOD": "direct", "WP_DEBUG_LOG": f"{folder}/debug.log",
        "DISABLE_WP_CRON": True, "WP_HTTP_BLOCK_EXTERNAL": True, "AUTOMATIC_UPDATER_DISABLED": True,
        "WP_DEBUG": True, "WP_DEBUG_DISPLAY": False, **{key: f"throw-away {key}" for key in keys},
    }
    words = ", ".join(f"'{name}' => {_php(value)}" for name, value in constants.items())
    (folder / "site" / "wp-config.php").write_text(_CONFIG.format(constants=f"[{words}]"))


def _php(value: str | bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _set_up(folder: Path, user: str | None) -> dict[str, User]:
    done = subprocess.run(
        [program("php"), "-c", str(folder / "php.ini"), str(folder / "setup.php"), str(folder / "site"),
         json.dumps(ROLES)], capture_output=True, text=True, check=False, **_as(user),
    )
    assert done.returncode == 0, f"WordPress was not installed: {done.stderr} {_last(folder)}"
    made = json.loads(done.stdout[done.stdout.rindex('{"admin"'):])
    return {name: User(told["id"], name, told["role"], told["password"]) for name, told in made.items()}


def _last(folder: Path) -> str:
    """What PHP and WordPress complained about."""
    logs = [folder / name for name in ("php-error.log", "debug.log")]
    return "\n".join(log.read_text()[-2000:] for log in logs if log.exists())


def _serve(folder: Path, database: _Database, keeper: Keeper) -> str:
    log = folder / _WEB_LOG
    for _ in range(_PORTS):
        address = f"127.0.0.1:{_free_port()}"
        _configure(folder, f"http://{address}", database.socket)
        pid = keeper.start(
            [program("php"), "-c", str(folder / "php.ini"), "-S", address, "-t", str(folder / "site"),
             str(folder / "router.php")], log, PHP_CLI_SERVER_WORKERS=str(WORKERS),
        )
        _until(lambda: _answers(f"http://{address}") or not keeper.running(pid), "PHP's web server", log)  # noqa: B023
        if keeper.running(pid):
            return f"http://{address}"
    raise AssertionError(f"PHP's web server did not start: {log.read_text()[-2000:]}")


def _answers(url: str) -> bool:
    try:
        return _request(url, "GET", "/wp-json/", {}, None).status == 200
    except OSError:
        return False


def _version(url: str, admin: User) -> str:
    told = _request(url, "GET", "/feed/", {"authorization": admin.authorization}, None).body.decode()
    return told.partition("?v=")[2].partition("<")[0]


def _request(url: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Answered:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    try:
        connection.request(method, path, body, dict(headers))
        got = connection.getresponse()
        data = got.read()
    finally:
        connection.close()
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    return Answered(got.status, {name.lower(): value for name, value in got.getheaders()}, data, told)


def _until(done: Any, what: str, log: Path) -> None:
    deadline = time.monotonic() + START_WITHIN
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port


def _roomy() -> str | None:
    """Memory, where there is room for a database; None for the usual place."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM:
        return str(memory)
    return None


def _unprivileged() -> str | None:
    """Whom to run the servers as: MariaDB refuses root, and a site's PHP has no business to be root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_name
    except KeyError:
        raise Unavailable("run as root, but there is no user `nobody` to run MariaDB and PHP as") from None


def _as(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def _give(path: Path, user: str | None) -> None:
    if user:
        known = pwd.getpwnam(user)
        os.chown(path, known.pw_uid, known.pw_gid)
