"""A real OpenSSH server: where it is, and how it is started on a free port of loopback, as its documentation here says."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = Path(__file__).parent.parent.parent / "var" / "lab" / "openssh"
"""Debian's archives, unpacked: installed, they would start a server for everybody."""
_EMPTY = Path("/run/sshd")
"""Where sshd, started as root, locks up what handles strangers' bytes; its path is built in."""
_CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {home}/host
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
AuthorizedKeysFile {home}/authorized
LogLevel ERROR
Subsystem sftp internal-sftp
AllowTcpForwarding no
X11Forwarding no
PermitTTY no
ForceCommand internal-sftp -u 0022
"""


def program() -> str:
    """Where sshd lies, "" if nowhere."""
    unpacked = HOME / "usr" / "sbin" / "sshd"
    system = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    return system or (str(unpacked) if unpacked.exists() else "")


def environment() -> dict[str, str]:
    folders = ":".join(str(path) for path in HOME.glob("usr/lib/*-linux-gnu"))
    return {**os.environ, "LD_LIBRARY_PATH": folders} if folders else dict(os.environ)


def missing() -> str:
    """Why there is no server, "" if there is one."""
    if not program():
        return "sshd is not installed; make lab brings it"
    if not shutil.which("ssh-keygen"):
        return "ssh-keygen is not installed"
    done = subprocess.run([program(), "-?"], env=environment(), capture_output=True, text=True, check=False)
    if "OpenSSH" not in done.stderr:
        return f"sshd does not run here: {done.stderr.strip()[:100]}"
    return "user sshd is not there; make lab makes it" if os.geteuid() == 0 and not _is_there("sshd") else ""


def version() -> str:
    """As `OpenSSH_9.2p1`, "" where there is none."""
    if not program():
        return ""
    done = subprocess.run([program(), "-?"], env=environment(), capture_output=True, text=True, check=False)
    return next((line.split(",")[0] for line in done.stderr.splitlines() if line.startswith("OpenSSH")), "")


def _is_there(user: str) -> bool:
    try:
        return bool(pwd.getpwnam(user))
    except KeyError:
        return False


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. root: the drop's folder on this machine. folder: as the account sees it. user: who logs in."""

    root: Path
    port: int
    user: str
    key: str
    host_key: str
    folder: str
    process: subprocess.Popen[bytes]

    def options(self, **more: Any) -> dict[str, Any]:
        return {"server": f"sftp://127.0.0.1:{self.port}{self.folder}", "user": self.user, "key": self.key,
                "host_key": self.host_key, "timeout": 10.0} | more


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """As root: an account without any right (nobody), shut in by chroot; else our own account."""
    confined = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="syncd-sshd-", dir="/run" if confined else None) as folder:
        home = Path(folder)
        home.chmod(0o755)
        root = home / "drop"
        _folders(root, confined=confined)
        user = "nobody" if confined else pwd.getpwuid(os.geteuid()).pw_name
        host_key = _keys(home)
        port = _free_port()
        chroot = f"ChrootDirectory {root}\n" if confined else ""
        (home / "config").write_text(_CONFIG.format(port=port, home=home) + chroot)
        process = _started(home, port)
        try:
            yield Server(root, port, user, (home / "client").read_text(), host_key, "/" if confined else str(root), process)
        finally:
            process.kill()
            process.wait()


def _folders(root: Path, *, confined: bool) -> None:
    """The root is nobody's to write; the account owns two folders, and reads the third."""
    root.mkdir(mode=0o755)
    for name in ("packages", "records", "ack"):
        (root / name).mkdir()
        if confined and name != "ack":
            shutil.chown(root / name, "nobody")


def _keys(home: Path) -> str:
    """Makes all keys; the fingerprint of the host's."""
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)], check=True)
    shutil.copyfile(home / "client.pub", home / "authorized")
    (home / "authorized").chmod(0o644)
    told = subprocess.run(["ssh-keygen", "-lf", str(home / "host.pub")], capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _started(home: Path, port: int) -> subprocess.Popen[bytes]:
    if os.geteuid() == 0:
        _EMPTY.mkdir(mode=0o755, exist_ok=True)
    command = [program(), "-D", "-e", "-f", str(home / "config")]
    process = subprocess.Popen(command, env=environment(), stderr=(home / "log").open("wb"))
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return process
        if process.poll() is not None:
            break
        time.sleep(0.1)
    process.kill()
    raise RuntimeError(f"sshd does not start: {(home / 'log').read_text()[-400:]}")
