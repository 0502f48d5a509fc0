"""A county's Plone for one test: a copy of a site that is made once, served by waitress on a free port."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.cms.install import Unavailable, kept
from tests.cms.plone import install
from tests.cms.served import Server, copied, served

SITE = "/county"
"""The path of the Plone site on its server."""
COLUMNS = {"要闻": "/yaowen", "测试": "/ceshi"}
FILES = "/fujian"
ACCOUNTS = {"syncd": "syncd-mima-1", "editor": "bianji-mima-1"}
_MAKES = Path(__file__).parent / "county.py"
_CONF = """%define INSTANCE {folder}
instancehome $INSTANCE
<zodb_db main>
  <filestorage>
    path $INSTANCE/var/Data.fs
    blob-dir $INSTANCE/var/blobs
  </filestorage>
  mount-point /
</zodb_db>
"""
_INI = """[app:zope]
use = egg:Zope#main
zope_conf = {folder}/etc/zope.conf
[server:main]
use = egg:waitress#main
host = {host}
port = {port}
threads = 4
[pipeline:main]
pipeline = egg:Zope#httpexceptions zope
"""


@dataclass(frozen=True, slots=True)
class PloneSite:
    """url: of the Plone site."""

    server: Server
    url: str

    def ask(self, user: str, method: str, path: str, body: object = None) -> Any:
        """What plone.restapi tells an account, past syncd; None without a body. Raises AssertionError on a refusal."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=120)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, f"{parts.path}{path}", data, headers(user))
            answer = connection.getresponse()
            told = answer.read()
            assert answer.status < 300, f"{method} {path}: {answer.status} {told[:500]!r}"
            return json.loads(told) if told else None
        finally:
            connection.close()

    def news(self) -> list[dict[str, Any]]:
        """Every news item of every column in every state, past and future ones too."""
        asked = f"portal_type={quote('News Item')}&fullobjects=1&show_inactive=1&b_size=1000"
        items: list[dict[str, Any]] = self.ask("editor", "GET", f"/@search?{asked}")["items"]
        return items


def headers(user: str) -> dict[str, str]:
    told = base64.b64encode(f"{user}:{ACCOUNTS[user]}".encode()).decode()
    return {"authorization": f"Basic {told}", "accept": "application/json", "content-type": "application/json"}


def text(html: str) -> dict[str, str]:
    """A text field as it is sent: plone.restapi unescapes it once."""
    return {"data": html.replace("&", "&amp;"), "content-type": "text/html"}


@contextmanager
def running() -> Iterator[PloneSite]:
    """Until the end of the block. Raises Unavailable."""
    programs = install.programs()
    prepared = _prepared(programs)

    def lay_out(folder: Path, url: str) -> None:
        for part in ("etc", "var"):
            copied(prepared / part, folder / part)
        (folder / "etc" / "zope.conf").write_text(_CONF.format(folder=folder))

    def command(folder: Path) -> Callable[[str, int], Sequence[str]]:
        def started(host: str, port: int) -> Sequence[str]:
            ini = folder / "etc" / "zope.ini"
            ini.write_text(_INI.format(folder=folder, host=host, port=port))
            return [str(programs / "runwsgi"), str(ini)]

        return started

    with served("plone", lay_out, command, ready=SITE) as server:
        yield PloneSite(server, f"{server.url}{SITE}")


def _prepared(programs: Path) -> Path:
    """The folder of a Plone that has the site and was never served; made in about 15 s."""

    def make(folder: Path) -> None:
        _run([str(programs / "mkwsgiinstance"), "-d", str(folder), "-u", "admin:nobody-logs-in-1"])
        conf = folder / "etc" / "zope.conf"
        conf.write_text(_CONF.format(folder=folder))
        _run([str(programs / "zconsole"), "run", str(conf), str(_MAKES), json.dumps(ACCOUNTS)])

    pins = [*(f"{name}=={version}" for name, version in install.pins().items()), _MAKES.read_text(), json.dumps(ACCOUNTS)]
    return kept("plone-site", pins, make)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode != 0:
        raise Unavailable(f"{Path(command[0]).name} failed: {done.stderr.strip()[-500:]}")
