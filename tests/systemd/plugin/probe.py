"""What a process can do where it runs, tried by doing it: {name: "yes" or why not} as JSON into the file that is named."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

_CLONE_NEWUSER, _CLONE_NEWNS, _PER_LINUX32 = 0x10000000, 0x00020000, 0x0008
_LIBC = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: object) -> None:
    if getattr(_LIBC, name)(*args) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _write(path: str) -> None:
    Path(path).write_text("x")
    Path(path).unlink()


def _write_setting(path: str) -> None:
    setting = Path(path)
    setting.write_text(setting.read_text())


def _see(path: str) -> None:
    if not Path(path).exists():
        raise FileNotFoundError(2, "not there")


def _load_code() -> None:
    """Memory that is written and then executed."""
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC).close()


def _setuid_file() -> None:
    path = Path(os.environ.get("STATE_DIRECTORY", "/var/tmp")) / "setuid"
    path.touch()
    try:
        path.chmod(0o4755)
    finally:
        path.unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _own_program() -> None:
    """A program that was downloaded into the one place that may be written."""
    path = Path(os.environ.get("STATE_DIRECTORY", "/var/tmp")) / "program"
    path.write_bytes(Path("/usr/bin/true").read_bytes())
    try:
        path.chmod(0o700)
        _run(str(path))
    finally:
        path.unlink()


PROBES: dict[str, Callable[[], object]] = {
    "write /etc": lambda: _write("/etc/probe"),
    "write /opt/syncd": lambda: _write("/opt/syncd/probe"),
    "write /usr": lambda: _write("/usr/probe"),
    "see /home": lambda: _see("/home/clerk/private"),
    "see /root": lambda: _see("/root/private"),
    "see the others' /tmp": lambda: _see("/tmp/of-others"),
    "see PID 1": lambda: Path("/proc/1/status").read_text(),
    "write kernel settings": lambda: _write_setting("/proc/sys/net/ipv4/ip_forward"),
    "read the kernel's log": lambda: _call("klogctl", 2, ctypes.create_string_buffer(64), 64),
    "see other devices": lambda: _see("/dev/net/tun"),
    "load memory as code": _load_code,
    "raw socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close(),
    "netlink socket": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    "packet socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM).close(),
    "user namespace": lambda: _call("unshare", _CLONE_NEWUSER),
    "old personality": lambda: _call("personality", _PER_LINUX32),
    "realtime scheduling": lambda: os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1)),
    "setuid file": _setuid_file,
    "host name": lambda: socket.sethostname(socket.gethostname()),
    "become root": lambda: os.setuid(0),
    "a shell": lambda: _run("/bin/sh", "-c", "true"),
    "a program of its own": _own_program,
    "write its state": lambda: _write(os.environ.get("STATE_DIRECTORY", "/var/tmp") + "/probe"),
    "a child Python": lambda: _run(sys.executable, "-c", "pass"),
    "an internet socket": lambda: socket.create_connection(("127.0.0.1", 8390), 5).close(),
    "a name look-up": lambda: socket.getaddrinfo("localhost", 80),
}
"""The last five must be possible, all others must not."""


def main() -> None:
    found = {}
    for name, probe in PROBES.items():
        child = os.fork()  # so that what one probe changes (a personality, a namespace) is not seen by the next
        if not child:
            os._exit(_tried(probe))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found[name] = "yes" if code == 0 else os.strerror(code) if 0 < code < 200 else f"ended with {code}"
    Path(sys.argv[1]).write_text(json.dumps(found))


def _tried(probe: Callable[[], object]) -> int:
    try:
        probe()
    except OSError as error:
        return error.errno or 199
    except Exception:  # noqa: BLE001 - a probe's own fault must not look like a refusal
        return 200
    return 0


if __name__ == "__main__":
    main()
