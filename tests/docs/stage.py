"""The stage of the guide: a bash, a folder for a root, a list and a real WordPress, stand-ins for what a test can't have."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from syncd.cli.setup import GOVCN
from syncd.demo.policies import OLD, Policy
from syncd.demo.publisher import Publisher
from tests.docs.markdown import ROOT, Block, Direction
from tests.wordpress.server import WordPress

STAND_INS = Path(__file__).parent / "standins"
"""Programs that a test can't have, or not for each run; each says why."""
BLOCK_WITHIN, UNTIL_WITHIN = 120.0, 90.0
_PATHS = re.compile(r"(?<![\w.])/(opt|etc|var|run|root)(?=/|\s|$)", re.MULTILINE)
_TABLE = re.compile(r"^(?=\[)", re.MULTILINE)


def _policy(n: int) -> Policy:
    return Policy(
        f"content_30000{n}", f"国务院办公厅关于做好第{n}项指南工作的通知（虚构）", "国务院办公厅", f"国办指〔2026〕{n}号",
        (f"第{n}项工作，本文供试验之用。", "各地要高度重视，认真组织实施，确保各项措施落到实处。"),
    )


DOCUMENTS = {n: _policy(n) for n in range(1, 5)}


class Failed(AssertionError):
    """A block of the guide did not do what the guide says."""


class Stage:
    """Runs the blocks of a guide in order in one bash. folder: empty, gone after the test."""

    def __init__(self, folder: Path, wordpress: WordPress) -> None:
        self.folder = folder
        self.wordpress = wordpress
        self.publisher = Publisher()
        for policy in OLD:
            self.publisher.govcn.publish(policy, datetime(2026, 3, 2, 1, tzinfo=UTC))
        self.port = _free_port()
        self.by_hand = ""
        self.transcript = folder / "transcript"
        for name in ("etc/systemd/system", "opt", "var/lib", "run", "root", "home"):
            (folder / name).mkdir(parents=True)
        (folder / "syncd.git").symlink_to(ROOT)
        with self.transcript.open("wb") as told:
            self._bash = subprocess.Popen(
                ["bash", "-euo", "pipefail"], cwd=folder / "home", env=self._environ(), stdin=subprocess.PIPE,
                stdout=told, stderr=subprocess.STDOUT, text=True,
            )
        self._ran = 0

    def _environ(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("HOME", "USER", "LOGNAME", "TMPDIR") if name in os.environ}
        return kept | {
            "PATH": f"{STAND_INS}:{os.environ['PATH']}", "LANG": "C.UTF-8", "STAGE": str(self.folder), "CHECKOUT": str(ROOT),
            "PASSWORD": self.wordpress.users["syncd"].password, "TERM": "dumb",
        }

    # --- what stands for what ---------------------------------------------------------------------------------------

    @property
    def table(self) -> Mapping[str, str]:
        """What the guide names by example, and what stands for it here."""
        return {
            "https://www.county.example/2026/07/guide-2/": self.by_hand,
            "https://www.county.example": self.wordpress.url,
            "https://git.example/syncd.git": str(self.folder / "syncd.git"),
            "127.0.0.1:8377": f"127.0.0.1:{self.port}",
            # The source may be on loopback, and is read every second: nobody waits five minutes.
            f'url = "{GOVCN}"': f'url = "{self.publisher.url}/zhengce/zuixin/ZUIXINZHENGCE.json"\nallow_private = true',
            'every = "5m"': 'every = "1s"',
        }

    def here(self, text: str) -> str:
        """A text of the guide for this stage."""
        for example, stand_in in self.table.items():
            text = text.replace(example, stand_in)
        return _PATHS.sub(lambda found: f"{self.folder}/{found[1]}", text)

    # --- running ----------------------------------------------------------------------------------------------------

    def play(self, block: Block) -> None:
        """Follow the directions before a block, then run or save it. Raises Failed."""
        for direction in block.directions:
            self._follow(direction)
        if block.lang == "toml":
            self._save(block)
        elif block.lang == "sh":
            self.run(self.here(block.text), block.line)
            if "syncd init" in block.text:
                self._replace(self.config, lambda text: self.here(text))

    @property
    def config(self) -> Path:
        return self.folder / "etc/syncd/config.toml"

    def run(self, script: str, line: int) -> str:
        """Run commands in the session; what they printed. line: of the block, for the message. Raises Failed."""
        self._ran += 1
        before, mark = self.transcript.stat().st_size, f"--- block {self._ran} done ---"
        file = self.folder / f"block-{self._ran}.sh"
        file.write_text(script)
        assert self._bash.stdin is not None
        self._bash.stdin.write(f". {file} </dev/null\necho '{mark}'\n")
        self._bash.stdin.flush()
        deadline = time.monotonic() + BLOCK_WITHIN
        while mark not in (told := self._told(before)):
            if self._bash.poll() is not None or time.monotonic() > deadline:
                ended = f"exit code {self._bash.poll()}" if self._bash.poll() is not None else "it does not end"
                raise Failed(f"block at line {line}, {ended}:\n{script}\n--- said:\n{told}\n{self._log()}")
            time.sleep(0.05)
        return told.partition(mark)[0]

    def _told(self, since: int) -> str:
        with self.transcript.open("rb") as told:
            told.seek(since)
            return told.read().decode("utf-8", "replace")

    def _log(self) -> str:
        log = self.folder / "var/log-syncd"
        return f"--- the daemon's log:\n{log.read_text()[-3000:]}" if log.exists() else ""

    def syncd(self, *words: str) -> Any:
        """The JSON that a command prints, asked beside the session; None if it failed."""
        environ = self._environ() | {
            "SYNCD_CONFIG": str(self.config), "CREDENTIALS_DIRECTORY": str(self.folder / "run/credentials/syncd.service"),
        }
        command = [sys.executable, "-m", "syncd", *words, "--json"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout) if done.stdout else None

    def close(self) -> None:
        """End what is left: the shell, and the daemon if the guide did not come to its end."""
        self._bash.kill()
        self._bash.wait()
        assert self._bash.stdin is not None
        with suppress(BrokenPipeError):
            self._bash.stdin.close()
        pid = self.folder / "run/syncd.pid"
        if pid.exists():
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(pid.read_text()), signal.SIGKILL)
        self.publisher.close()

    # --- directions -------------------------------------------------------------------------------------------------

    def _follow(self, direction: Direction) -> None:
        match direction.word:
            case "meanwhile":
                self._meanwhile(direction.rest)
            case "until":
                self._until(*direction.rest.split())
            case "file" | "table" | "loads" | "not run":
                pass  # said of the block, not to be done
            case _:
                raise Failed(f"nobody knows what to do at <!-- {direction.word}: {direction.rest} -->")

    def _meanwhile(self, what: str) -> None:
        """The world goes on: "document 2 appears; the county posts it by hand in another column"."""
        policy = DOCUMENTS[int(re.findall(r"document (\d+) appears", what)[0])]
        self.publisher.govcn.publish(policy, datetime.now(UTC))
        if "by hand" in what:
            self.by_hand = self._post(policy, "yaowen" if "another column" in what else "gwywj")

    def _post(self, policy: Policy, column: str) -> str:
        """As an editor at the site does it; the public address."""
        body = {
            "title": policy.title, "content": "".join(f"<p>{each}</p>" for each in (policy.number, *policy.paragraphs)),
            "status": "publish", "categories": [self.wordpress.api("GET", f"/categories?slug={column}")[0]["id"]],
        }
        return str(self.wordpress.api("POST", "/posts", user="editor", body=body)["link"])

    def _until(self, id: str, status: str) -> None:
        deadline = time.monotonic() + UNTIL_WITHIN
        while True:
            rows = self.syncd("reposts") or []
            if any(str(row["id"]) == id and row["status"] == status for row in rows):
                return
            if time.monotonic() > deadline:
                raise Failed(f"repost {id} did not become {status}: {rows}\n{self._log()}")
            time.sleep(0.5)

    # --- files ------------------------------------------------------------------------------------------------------

    def _save(self, block: Block) -> None:
        """As a person with an editor: the whole file, or one table of it in place of the former."""
        if path := block.says("file"):
            Path(self.here(path)).write_text(self.here(block.text))
        elif told := block.says("table"):
            header, path = told.rsplit(" ", 1)
            self._replace(Path(self.here(path)), lambda text: _with_table(text, header, self.here(block.text)))

    def _replace(self, path: Path, change: Callable[[str], str]) -> None:
        path.write_text(change(path.read_text()))


def _with_table(text: str, header: str, table: str) -> str:
    """A TOML file with one of its tables, known by its header, replaced. Raises Failed unless there is just one."""
    parts = _TABLE.split(text)
    found = [n for n, part in enumerate(parts) if part.startswith(f"{header}\n")]
    if len(found) != 1:
        raise Failed(f"{len(found)} tables {header}")
    return "".join([*parts[: found[0]], table + "\n", *parts[found[0] + 1 :]])


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
        return port
