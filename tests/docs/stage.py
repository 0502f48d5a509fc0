"""Where documents are run: one bash, a folder in place of /, a list, and stand-ins for what a test can't have."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
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
ACCOUNT = "author"
"""The account with the role that the guide gives: no more than is needed."""
BLOCK_WITHIN, UNTIL_WITHIN = 240.0, 180.0
_PATHS = re.compile(r"(?<![\w.])/(opt|etc|var|run|root)(?=/|\s|$)", re.MULTILINE)
_TABLE = re.compile(r"^(?=\[)", re.MULTILINE)


def _policy(n: int) -> Policy:
    return Policy(
        f"content_30000{n}", f"国务院办公厅关于做好第{n}项指南工作的通知（虚构）", "国务院办公厅", f"国办指〔2026〕{n}号",
        (f"第{n}项工作，本文供试验之用。", "各地要高度重视，认真组织实施，确保各项措施落到实处。"),
    )


DOCUMENTS = {n: _policy(n) for n in range(1, 6)}


class Failed(AssertionError):
    """A block of the guide did not do what the guide says."""


class Session:
    """Runs the blocks of a document in order in one bash. folder: empty, gone after the test; its home is where it starts.

    programs: folders to look for programs in before all others. table: what stands for what the document names.
    """

    def __init__(self, folder: Path, *, programs: Iterable[Path] = (), environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self.transcript = folder / "transcript"
        kept = {name: os.environ[name] for name in ("HOME", "USER", "LOGNAME", "TMPDIR") if name in os.environ}
        path = os.pathsep.join([*map(str, programs), os.environ["PATH"]])
        self.environ = kept | {"PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", "VENV": sys.prefix} | dict(environ or {})
        with self.transcript.open("wb") as told:
            self._bash = subprocess.Popen(
                ["bash", "-euo", "pipefail"], cwd=self.home, env=self.environ, stdin=subprocess.PIPE, stdout=told,
                stderr=subprocess.STDOUT, text=True,
            )
        self._ran = 0

    @property
    def table(self) -> Mapping[str, str]:
        """What the document names by example, and what stands for it here."""
        return {}

    def here(self, text: str) -> str:
        """A text of the document for this session."""
        for example, stand_in in self.table.items():
            text = text.replace(example, stand_in)
        return text

    def play(self, block: Block) -> None:
        """Run one block, unless it says that it is not run. Raises Failed."""
        if block.lang == "sh" and block.says("not run") is None:
            self.run(self.here(block.text), block.line)

    def run(self, script: str, line: int, *, within: float = BLOCK_WITHIN) -> str:
        """Run commands in the session; what they printed. line: of the block. within: seconds. Raises Failed."""
        self._ran += 1
        before, mark = self.transcript.stat().st_size, f"--- block {self._ran} done ---"
        file = self.folder / f"block-{self._ran}.sh"
        file.write_text(script)
        assert self._bash.stdin is not None
        self._bash.stdin.write(f". {file} </dev/null\necho '{mark}'\n")
        self._bash.stdin.flush()
        deadline = time.monotonic() + within
        while mark not in (told := self._told(before)):
            if self._bash.poll() is not None or time.monotonic() > deadline:
                ended = f"exit code {self._bash.poll()}" if self._bash.poll() is not None else "it does not end"
                raise Failed(f"block at line {line}, {ended}:\n{script}\n--- said:\n{told}\n{self.log()}")
            time.sleep(0.05)
        return told.partition(mark)[0]

    def _told(self, since: int) -> str:
        with self.transcript.open("rb") as told:
            told.seek(since)
            return told.read().decode("utf-8", "replace")

    def log(self) -> str:
        """What else helps to understand a failure."""
        return ""

    def close(self) -> None:
        self._bash.kill()
        self._bash.wait()
        assert self._bash.stdin is not None
        with suppress(BrokenPipeError):
            self._bash.stdin.close()


def link_venv(checkout: Path) -> None:
    """Give a checkout the environment of this one: `make venv` would fetch it again from an index, which takes minutes.

    Its own folder with links in it, so that the stamp which make looks at is the checkout's own.
    """
    (checkout / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        (checkout / ".venv" / part.name).symlink_to(part)
    stamp = checkout / ".venv/.installed"
    stamp.unlink(missing_ok=True)
    stamp.touch()


class Stage(Session):
    """For the guide: a folder in place of /, a publisher in gov.cn's shape, and a real WordPress."""

    def __init__(self, folder: Path, wordpress: WordPress) -> None:
        self.wordpress = wordpress
        self.publisher = publisher()
        self.port = _free_port()
        self.by_hand = ""
        for name in ("etc/systemd/system", "opt", "var/lib", "run", "root"):
            (folder / name).mkdir(parents=True)
        (folder / "syncd.git").symlink_to(ROOT)
        super().__init__(folder, programs=[STAND_INS], environ={
            "STAGE": str(folder), "PASSWORD": wordpress.users[ACCOUNT].password})

    @property
    def table(self) -> Mapping[str, str]:
        return {
            "https://www.county.example/2026/07/guide-2/": self.by_hand,
            "https://www.county.example": self.wordpress.url,
            "https://git.example/syncd.git": str(self.folder / "syncd.git"),
            'user = "syncd"': f'user = "{ACCOUNT}"',
            "127.0.0.1:8377": f"127.0.0.1:{self.port}",
            **read_here(self.publisher),
        }

    def here(self, text: str) -> str:
        return _PATHS.sub(lambda found: f"{self.folder}/{found[1]}", super().here(text))

    @property
    def config(self) -> Path:
        return self.folder / "etc/syncd/config.toml"

    def play(self, block: Block) -> None:
        """Follow the directions before a block, then run or save it."""
        for direction in block.directions:
            self._follow(direction)
        if block.lang == "toml":
            self._save(block)
        super().play(block)
        if "syncd init" in block.text:
            change(self.config, self.here)

    def syncd(self, *words: str) -> Any:
        """The JSON that a command prints, asked beside the session; None if it failed."""
        secrets = self.folder / "etc/syncd/secrets"
        environ = self.environ | {"SYNCD_CONFIG": str(self.config), "CREDENTIALS_DIRECTORY": str(secrets)}
        command = [sys.executable, "-m", "syncd", *words, "--json"]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout) if done.stdout else None

    def log(self) -> str:
        log = self.folder / "var/log-syncd"
        return f"--- the daemon's log:\n{log.read_text()[-3000:]}" if log.exists() else ""

    def close(self) -> None:
        """End what is left: the shell, and the daemon if the guide did not come to its end."""
        super().close()
        pid = self.folder / "run/syncd.pid"
        if pid.exists() and f"{self.folder}/" in _command_line(pid.read_text().strip()):
            os.kill(int(pid.read_text()), signal.SIGKILL)
        self.publisher.close()

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
                raise Failed(f"repost {id} did not become {status}: {rows}\n{self.log()}")
            time.sleep(0.5)

    def _save(self, block: Block) -> None:
        """As a person with an editor: the whole file, or one table of it in place of the former."""
        if path := block.says("file"):
            Path(self.here(path)).write_text(self.here(block.text))
        elif told := block.says("table"):
            header, path = told.rsplit(" ", 1)
            change(Path(self.here(path)), lambda text: with_table(text, header, self.here(block.text)))


def publisher() -> Publisher:
    """gov.cn's list in its own shape, with documents that are old."""
    made = Publisher()
    for policy in OLD:
        made.govcn.publish(policy, datetime(2026, 3, 2, 1, tzinfo=UTC))
    return made


def read_here(source: Publisher) -> dict[str, str]:
    """What stands for gov.cn in a configuration: it may be on loopback, and nobody waits five minutes for the next read."""
    url = f"{source.url}/zhengce/zuixin/ZUIXINZHENGCE.json"
    return {f'url = "{GOVCN}"': f'url = "{url}"\nallow_private = true', 'every = "5m"': 'every = "1s"'}


def change(path: Path, how: Callable[[str], str]) -> None:
    """Change a file as a person with an editor does."""
    path.write_text(how(path.read_text("utf-8")), "utf-8")


def with_table(text: str, header: str, table: str) -> str:
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


def _command_line(pid: str) -> str:
    """"" for a process that is gone."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""
