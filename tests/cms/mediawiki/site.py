"""A real MediaWiki for one test: fresh, with accounts for syncd and for an editor, gone at the end."""

from __future__ import annotations

import http.cookiejar
import json
import os
import sqlite3
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.cms.mediawiki import install
from tests.cms.served import Server, served

PASSWORDS = {"Syncd@syncd": "0123456789abcdefghijklmnopqrstuv", "Chen@hand": "vutsrqponmlkjihgfedcba9876543210"}
"""Bot password: exactly 32 characters."""
COLUMN = "要闻"
WORKERS = 4
_GRANTS = "basic,createeditmovepage,editpage,uploadfile,uploadeditmovefile,delete,highvolume"
_SETTINGS = """<?php
$wgSitename = '某县人民政府';
$wgServer = '{url}';
$wgScriptPath = '';
$wgArticlePath = '/index.php/$1';
$wgLanguageCode = 'zh';
$wgDBtype = 'sqlite';
$wgDBname = 'wiki';
$wgDBservers = [['type' => 'sqlite', 'host' => '', 'dbname' => 'wiki', 'dbDirectory' => '{folder}/data', 'load' => 1,
    'flags' => 0, 'trxMode' => 'IMMEDIATE', 'variables' => ['synchronous' => 'OFF']]];
$wgSQLiteDataDir = '{folder}/data';
$wgMainCacheType = CACHE_ACCEL;
$wgDisableSearchUpdate = true;
$wgCacheDirectory = '{folder}/cache';
$wgUploadDirectory = '{folder}/images';
$wgUploadPath = '/images';
$wgEnableUploads = true;
$wgFileExtensions = ['png', 'gif', 'jpg', 'jpeg', 'webp', 'pdf'];
$wgUseImageMagick = false;
$wgSecretKey = 'throw-away';
$wgDiff3 = '/usr/bin/diff3';
$wgJobRunRate = 0;
$wgPingback = false;
$wgGroupPermissions['*']['edit'] = false;
$wgGroupPermissions['*']['createaccount'] = false;
$wgGroupPermissions['bot']['noratelimit'] = true;
$wgGroupPermissions['bot']['delete'] = true;
$wgPasswordAttemptThrottle = [];
$wgDefaultSkin = 'vector';
wfLoadSkin('Vector');
{more}
"""


_PAGES = """
SELECT CAST(page_title AS BLOB), CAST(old_text AS BLOB) FROM page JOIN slots ON slot_revision_id = page_latest
JOIN content ON content_id = slot_content_id JOIN text ON old_id = CAST(substr(content_address, 4) AS INTEGER)
WHERE page_namespace = 0 AND substr(CAST(old_text AS TEXT), 1, length(?)) = ?
"""


class Wiki:
    """url: of the site, without a slash at the end."""

    def __init__(self, server: Server) -> None:
        self.url, self.server, self.version = server.url, server, install.version()

    def options(self, api_url: str = "") -> dict[str, Any]:
        user = "Syncd@syncd"
        return {"api_url": api_url or f"{self.url}/api.php", "user": user, "password": PASSWORDS[user]}

    def person(self, name: str = "Chen@hand") -> Person:
        return Person(f"{self.url}/api.php", name)

    def pages(self, begins: str = "<!--syncd 1 ") -> list[tuple[str, str]]:
        """Name and text of every page of the main namespace whose text begins so, from the database itself."""
        with closing(sqlite3.connect(f"file:{self.server.folder}/data/wiki.sqlite?mode=ro", uri=True, timeout=60)) as database:
            rows = database.execute(_PAGES, (begins, begins)).fetchall()
        return [(bytes(name).decode().replace("_", " "), bytes(text).decode()) for name, text in rows]


class Person:
    """Somebody who works with the wiki by hand, in words of its API."""

    def __init__(self, api: str, name: str) -> None:
        self._api = api
        jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(jar))
        token = self.ask(action="query", meta="tokens", type="login")["query"]["tokens"]["logintoken"]
        self._send(action="login", lgname=name, lgpassword=PASSWORDS[name], lgtoken=token)
        self._token = self.ask(action="query", meta="tokens")["query"]["tokens"]["csrftoken"]

    def ask(self, **query: str | int) -> dict[str, Any]:
        told = self._opener.open(f"{self._api}?{self._form(query)}", timeout=60).read()
        return dict(json.loads(told))

    def write(self, **fields: str | int) -> dict[str, Any]:
        """Raises AssertionError where the wiki refuses."""
        told = self._send(**fields, token=self._token)
        assert "error" not in told, told
        return told

    def _send(self, **fields: str | int) -> dict[str, Any]:
        return dict(json.loads(self._opener.open(self._api, self._form(fields).encode(), timeout=60).read()))

    def _form(self, fields: dict[str, str | int]) -> str:
        return urllib.parse.urlencode({**fields, "format": "json", "formatversion": "2"})

    def text(self, **which: str | int) -> str:
        told = self.ask(action="query", prop="revisions", rvprop="content", rvslots="main", **which)
        return str(told["query"]["pages"][0]["revisions"][0]["slots"]["main"]["content"])


@contextmanager
def wiki(more: str = "") -> Iterator[Wiki]:
    """more: lines of LocalSettings.php. Raises Unavailable."""
    php, code = install.php(), install.code()

    def lay_out(folder: Path, url: str) -> None:
        for name in ("data", "cache", "images"):
            (folder / name).mkdir(exist_ok=True)
        if not (folder / "LocalSettings.php").exists():
            _install(php, code, folder, url)
        (folder / "LocalSettings.php").write_text(_SETTINGS.format(url=url, folder=folder, more=more), encoding="utf-8")
        if not (folder / "ready").exists():
            _people(php, code, folder)

    def command(folder: Path) -> Any:
        flags = {"post_max_size": "16M", "upload_max_filesize": "8M", "memory_limit": "256M", "opcache.enable": "1",
                 "opcache.max_accelerated_files": "10000", "opcache.revalidate_freq": "60"}
        options = [word for name, value in flags.items() for word in ("-d", f"{name}={value}")]
        return lambda host, port: [php, *options, "-S", f"{host}:{port}", "-t", str(code),
                                   str(Path(__file__).parent / "router.php")]

    def env(folder: Path, url: str) -> dict[str, str]:
        return {"PHP_CLI_SERVER_WORKERS": str(WORKERS), "MW_CONFIG_FILE": str(folder / "LocalSettings.php"),
                "SYNCD_IMAGES": str(folder / "images")}

    ready = "/api.php?action=query&meta=siteinfo&format=json"
    with served("mediawiki", lay_out, command, ready=ready, env=env) as server:
        yield Wiki(server)


def _install(php: str, code: Path, folder: Path, url: str) -> None:
    """confpath is where install.php leaves settings, which are written anew: they say what a test needs."""
    _run(php, code, folder, "install.php", "--dbtype", "sqlite", "--dbpath", f"{folder}/data", "--dbname", "wiki", "--pass",
         "throw-away-0123", "--server", url, "--scriptpath", "", "--lang", "zh", "--confpath", str(folder), "某县", "Admin")


def _people(php: str, code: Path, folder: Path) -> None:
    for name, flags in {"Syncd": ["--bot"], "Chen": ["--sysop"]}.items():
        _run(php, code, folder, "createAndPromote.php", *flags, name, "throw-away-4567")
    for name, password in PASSWORDS.items():
        user, _, app = name.partition("@")
        _run(php, code, folder, "createBotPassword.php", "--appid", app, "--grants", _GRANTS, user, password)
    (folder / "ready").touch()


def _run(php: str, code: Path, folder: Path, script: str, *words: str) -> None:
    settings = folder / "LocalSettings.php"
    env = {**os.environ, **({"MW_CONFIG_FILE": str(settings)} if settings.exists() else {})}
    command: Sequence[str] = [php, str(code / "maintenance" / script), *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{script}: {done.stdout[-2000:]} {done.stderr[-2000:]}"
