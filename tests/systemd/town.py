"""A county in the box: a list, a web server over the site, and syncd between them, installed as README.md says."""

from __future__ import annotations

import hashlib
import json
import platform
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.engine.rig import text_of, title_of
from tests.systemd.box import LAB, ROOT, Box, tree
from tools import bundle

HERE = Path(__file__).parent
LIST, PAGES, STATUS = "http://127.0.0.1:8390", "http://127.0.0.1:8380", "http://127.0.0.1:8377"
CONFIG = "/etc/syncd/config.toml"
UNITS = "/etc/systemd/system"
DROPINS = f"{UNITS}/syncd.service.d"
TOKEN = "token-of-the-status-page-7261"
PASSWORD = "log-in-of-the-county-cms-4917"
TEXT = f"""\
[syncd]
state_dir = "/var/lib/syncd"
listen = "127.0.0.1:8377"
token = {{ credential = "status-token" }}

[[sources]]
name = "central"
kind = "feed"
url = "{LIST}/atom.xml"
every = "1s"
allow_private = true

[[sites]]
name = "county"
site_name = "某县人民政府"
adapter = "static"
public_url = "{PAGES}"
settle = "2s"
options = {{ directory = "/srv/county" }}

[[routes]]
sources = ["central"]
site = "county"
column = "要闻"
deadline = "12h"
basis = "国办发〔2017〕47号"
authority = "county head's order no. 3"
"""
QUICK = ("sed", "-i", "-e", "s/^WatchdogSec=.*/WatchdogSec=6/", "-e", "s/^RestartSec=.*/RestartSec=500ms/")
"""What the tests change in an installed unit: only how long things take. In the file: what it lacks is not added."""


def wheels() -> Path:
    """The folder of the offline bundle for this machine; only syncd's own part is made anew each time."""
    out = LAB / f"bundle-{platform.machine()}"
    bundle.fill(platform.machine(), out)
    return out


class Town:
    """The service and everything around it."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self._last = 0

    # --- as an operator installs it -----------------------------------------------------------------------------

    def install(self, made: Path) -> None:
        """From the bundle at /mnt/bundle (which is `made` outside) to an installed service, as README.md says."""
        self._install_once(made)
        self.box.run("groupadd", "--system", "syncd-site")
        self.box.run("install", "-d", "-m", "2775", "-o", "root", "-g", "syncd-site", "/srv/county")
        self.unit("syncd.service")
        self.box.run("install", "-m", "755", "/mnt/bundle/systemd/syncdctl", "/usr/local/sbin/syncdctl")
        for name in ("site-folder.conf", "credential.conf"):
            self.box.run("install", "-D", "-m", "644", f"/mnt/bundle/systemd/drop-ins/{name}", f"{DROPINS}/{name}")
        self.box.write("/etc/syncd/status-token.secret", TOKEN, mode=0o600)
        self.box.write("/etc/syncd/county-cms.secret", PASSWORD, mode=0o600)
        self.box.write(CONFIG, TEXT)

    def unit(self, name: str) -> None:
        """Install a unit of the bundle."""
        self.box.run("cp", f"/mnt/bundle/systemd/{name}", UNITS)
        self.box.run(*QUICK, f"{UNITS}/{name}")
        self.box.run("systemctl", "daemon-reload")

    def _install_once(self, made: Path) -> None:
        """Run install.sh; what it made of the very same bundle before is unpacked instead, which saves half a minute."""
        told = (made / "SHA256SUMS").read_bytes() + (made / "install.sh").read_bytes() + tree().name.encode()
        kept = LAB / f"opt-{hashlib.sha256(told).hexdigest()[:16]}.tar"
        opt = f"/proc/{self.box.leader}/root/opt"
        if kept.exists():
            subprocess.run(["tar", "-C", opt, "-xf", str(kept)], check=True)
            return
        self.box.run("/mnt/bundle/install.sh", "/opt/syncd", timeout=300)
        for stale in LAB.glob("opt-*.tar"):
            stale.unlink()
        subprocess.run(["tar", "-C", opt, "-cf", f"{kept}.part", "syncd"], check=True)
        kept.with_name(f"{kept.name}.part").rename(kept)

    def surround(self) -> None:
        """The list, the web server (which is not root), the plug-in with the traps, and shorter times."""
        python = "/opt/syncd/bin/python"
        site = self.box.out(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
        self.box.run("cp", "/mnt/tests/plugin/syncd_trap.py", site)
        made = f"{site}/syncd_trap-1.dist-info"
        self.box.write(f"{made}/METADATA", "Metadata-Version: 2.1\nName: syncd-trap\nVersion: 1\n")
        points = "[syncd.sources]\ntrap = syncd_trap:TrapSource\n[syncd.adapters]\ntrap = syncd_trap:TrapAdapter\n"
        self.box.write(f"{made}/entry_points.txt", points)
        self.box.run("cp", "/mnt/tests/plugin/probe.py", "/opt/syncd/probe.py")
        self.box.run("install", "-d", "-m", "755", "/run/trap")
        self.serve("list", python, "-m", "syncd", "fake-cms", "--state", "/run/list", "--port", "8390")
        pages = ("/usr/bin/python3", "-m", "http.server", "8380", "--bind", "127.0.0.1", "--directory", "/srv/county")
        self.serve("pages", *pages, user="nobody")
        self.wait("the list is served", lambda: self.get(f"{LIST}/atom.xml"))

    def serve(self, name: str, *command: str, user: str = "root") -> None:
        self.box.run("systemd-run", "--quiet", f"--unit={name}", f"--uid={user}", *command)

    def drop_in(self, name: str, text: str, unit: str = "syncd.service") -> None:
        self.box.write(f"{UNITS}/{unit}.d/test-{name}.conf", text)
        self.box.run("systemctl", "daemon-reload")

    def begin(self) -> None:
        """One old document, and the first good read: what comes after it is new."""
        self.publish(900)
        self.start()
        self.wait("the first good read", self.reads)

    def well_again(self) -> None:
        """Whatever a test did: the shipped unit, the good configuration, the secrets, no trap, and running."""
        self.box.run("sh", "-c", f"rm -rf /run/trap/* {DROPINS}/test-*.conf")
        self.box.write("/etc/syncd/status-token.secret", TOKEN, mode=0o600)
        self.box.run("systemctl", "daemon-reload")
        changed, mark = self.box.read(CONFIG) != TEXT, self.mark()
        if self.state() == "active" and not self.status():  # a failed test may leave it standing still
            self.box.run("systemctl", "kill", "-s", "KILL", "syncd")
            self.box.run("systemctl", "stop", "syncd")
        if self.state() != "active":
            self.box.write(CONFIG, TEXT)
            self.box.run("systemctl", "reset-failed", "syncd", check=False)
            self.start()
        elif changed:
            self.reload(TEXT)
            self.wait("the good config is taken up", lambda: self.events(mark, "config_loaded"))
        self.wait("it is well again", self.reads)

    # --- the list and the site ----------------------------------------------------------------------------------

    def publish(self, id: int) -> None:
        self.post(f"{LIST}/_test/publish", {"id": id, "title": title_of(id), "text": text_of(id)})

    def next(self) -> int:
        """Publish another document; its number."""
        self._last += 1
        self.publish(self._last)
        return self._last

    def posts(self, id: int) -> int:
        """Pages of the site, counted from its folder, that show the document's text."""
        found = self.box.run("grep", "-rlF", f"现将第{id}号通知", "/srv/county", "--include=*.html", check=False)
        pages = [self.box.read(path) for path in found.stdout.split()]
        return sum("<article" in page for page in pages)

    def visible(self, id: int) -> bool:
        return any(r["title"] == title_of(id) and r["status"] == "visible" for r in self.reposts())

    def known(self, id: int) -> bool:
        return any(r["title"] == title_of(id) for r in self.reposts())

    # --- what is seen from outside ------------------------------------------------------------------------------

    def get(self, url: str) -> str:
        """The answer's text, "" when there is none or it is an error."""
        return self.box.run("curl", "-sf", "--max-time", "5", url, check=False).stdout

    def code(self, url: str, *options: str) -> int:
        told = self.box.run("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *options, url, check=False)
        return int(told.stdout or 0)

    def post(self, url: str, body: Any) -> None:
        self.box.run("curl", "-sf", "--max-time", "5", "-d", json.dumps(body), url)

    def reposts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.get(f"{STATUS}/api/v1/reposts") or "[]")
        return found

    def status(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get(f"{STATUS}/api/v1/status") or "{}")
        return found

    def reads(self) -> bool:
        """Whether this process has read its list well."""
        told = self.status()
        return bool(told) and (told["sources"][0]["good"] or "") > told["started"]

    def show(self, key: str, unit: str = "syncd") -> str:
        return self.box.out("systemctl", "show", "--value", "--property", key, unit)

    def state(self, unit: str = "syncd") -> str:
        return self.show("ActiveState", unit)

    def line(self) -> str:
        """What systemctl status shows as Status."""
        return self.show("StatusText")

    def pid(self) -> int:
        return int(self.show("MainPID"))

    def start(self) -> None:
        self.box.run("systemctl", "start", "syncd")

    def reload(self, text: str) -> None:
        """Write a configuration and have it loaded, as an operator does."""
        self.box.write(CONFIG, text)
        self.box.run("systemctl", "reload", "syncd")

    def mark(self) -> str:
        """The journal's end, for `journal`."""
        self.box.run("journalctl", "--sync")
        return self.box.out("journalctl", "-n", "0", "--show-cursor").rpartition("cursor: ")[2]

    def journal(self, mark: str, unit: str = "syncd") -> list[dict[str, Any]]:
        """What the unit (and systemd about it) said since a mark."""
        self.box.run("journalctl", "--sync")
        told = self.box.out("journalctl", "-o", "json", "-u", unit, f"--after-cursor={mark}", "--all")
        return [json.loads(line) for line in told.splitlines()]

    def events(self, mark: str, event: str) -> list[dict[str, Any]]:
        """Lines of the daemon's own with that event, as (PRIORITY, fields) merged."""
        lines = [row for row in self.journal(mark) if str(row["MESSAGE"]).startswith("{")]
        told = [json.loads(row["MESSAGE"]) | {"PRIORITY": row["PRIORITY"]} for row in lines]
        return [row for row in told if row["event"] == event]

    def wait(self, what: str, met: Callable[[], Any], seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end, f"{what}: not within {seconds:g} s; {self.said()}"
            time.sleep(0.15)

    def said(self) -> str:
        """For a failed test: what systemd shows of the service."""
        return self.box.run("systemctl", "status", "--no-pager", "--full", "-n", "25", "syncd", check=False).stdout


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


__all__ = ["CONFIG", "DROPINS", "PASSWORD", "ROOT", "STATUS", "TEXT", "TOKEN", "UNITS", "Town", "hash_of", "wheels"]
