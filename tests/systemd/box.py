"""A throw-away machine with a real systemd in systemd-nspawn, also where PID 1 of the host is something else."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LAB = ROOT / "var" / "lab"
SUITE = "bookworm"
PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "python3", "python3-venv", "ca-certificates", "procps", "curl",
)
TOOLS = {
    "mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux", "unshare": "util-linux",
}
"""What must be there, and the Debian package that has it."""
_CAP_SYS_ADMIN = 21
_BOOTED_WITHIN = 60.0
_UP = r"""
echo $$ > "$CG/$NAME/cgroup.procs"
[ -z "$CGS" ] || echo $$ > "$CGS/$NAME/cgroup.procs"
umount -R /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec systemd-nspawn --quiet --directory "$BASE" --volatile=overlay --boot --register=no --keep-unit --link-journal=no \
  --machine "$NAME" --console=read-only --private-network --capability=all \
  --system-call-filter="bpf perf_event_open @keyring @memlock" "$@"
"""
"""Run in a mount namespace of its own: the host's cgroup mounts stay as they are, the box sees pure cgroup v2.

A cgroup of its own keeps nspawn from making /payload in the host's root cgroup, where two boxes would collide. Without
the capabilities and these calls IPAddressDeny= is accepted and silently not enforced.
"""


class Unfit(Exception):
    """This machine can't boot a box; the text says why."""


def why_not() -> str:
    """Why this machine can't boot a box, "" if it can."""
    if os.geteuid() != 0:
        return "systemd-nspawn needs root"
    if not _effective(_CAP_SYS_ADMIN):
        return "no CAP_SYS_ADMIN: namespaces can't be made here"
    missing = [name for name in TOOLS if not shutil.which(name)]
    if missing:
        return f"{', '.join(missing)} missing: python -m tests.systemd.install"
    if not _cgroup("cgroup2"):
        return "no cgroup v2 is mounted"
    return ""


def _effective(capability: int) -> bool:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(mask, 16) >> capability & 1)


def _cgroup(kind: str, option: str = "") -> str:
    """Where a cgroup hierarchy is mounted, "" if nowhere."""
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, place, found, options, *_ = line.split()
        if found == kind and (not option or option in options.split(",")):
            return place
    return ""


def tree() -> Path:
    """The Debian tree that boxes boot from; made once (half a minute) and kept below var/lab. Raises Unfit."""
    print_of = hashlib.sha256(" ".join((SUITE, *PACKAGES)).encode()).hexdigest()[:8]
    base = LAB / f"{SUITE}-{print_of}"
    LAB.mkdir(parents=True, exist_ok=True)
    with (LAB / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not base.exists():
            _build(base)
    return base


def _build(base: Path) -> None:
    making = base.with_name(f"{base.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(making)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(making, ignore_errors=True)
        raise Unfit(f"mmdebstrap could not make a tree: {' '.join(done.stderr.split())[-300:]}")
    (making / "etc/hostname").write_text("box\n")
    (making / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n127.0.1.1 box\n")
    for empty in ("etc/resolv.conf", "etc/machine-id"):
        (making / empty).unlink(missing_ok=True)
        (making / empty).touch()
    (making / "etc/systemd/system/console-getty.service").symlink_to("/dev/null")
    making.rename(base)


class Box:
    """A running box. leader: its PID 1 as the host sees it."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], console: Path) -> None:
        self.name = name
        self.process = process
        self.console = console
        self.leader = 0

    def run(
        self, *command: str, check: bool = True, input: str | None = None, timeout: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it as root. Raises AssertionError with what it said when it fails and `check` is set."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", *command],
            capture_output=True, text=True, input=input, timeout=timeout, check=False, env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL if input is None else None,
        )
        assert not check or done.returncode == 0, f"{command} gave {done.returncode}: {done.stdout}{done.stderr}"
        return done

    def out(self, *command: str, check: bool = True) -> str:
        """What a command prints, without the line break at its end."""
        return self.run(*command, check=check).stdout.rstrip("\n")

    def write(self, path: str, text: str, *, mode: int = 0o644) -> None:
        """Write a file in it, with its folders."""
        self.run("install", "-D", "-m", f"{mode:o}", "/dev/stdin", path, input=text)

    def read(self, path: str) -> str:
        return self.run("cat", path).stdout

    def remove(self, *paths: str) -> None:
        self.run("rm", "-rf", *paths)


_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "SYSTEMD_COLORS": "0", "HOME": "/root"}


@contextlib.contextmanager
def booted(binds: Sequence[tuple[Path, str]] = ()) -> Iterator[Box]:
    """Boot a box over a pristine tree; ends it and removes its cgroups. binds: (host's folder, place in it), read-only.

    Raises Unfit when the machine does not allow it.
    """
    if reason := why_not():
        raise Unfit(reason)
    name = f"syncd-box-{os.getpid()}"
    groups = [place for place in (_cgroup("cgroup2"), _cgroup("cgroup", "name=systemd")) if place]
    base = tree()
    with contextlib.ExitStack() as stack:
        for group in groups:
            Path(group, name).mkdir(exist_ok=True)
            stack.callback(_remove_groups, Path(group, name))
        box = Box(name, _start(name, base, groups, binds), LAB / f"{name}.console")
        stack.callback(_stop, box)
        _wait_until_booted(box)
        yield box


def _start(
    name: str, base: Path, groups: Sequence[str], binds: Sequence[tuple[Path, str]]
) -> subprocess.Popen[bytes]:
    told = {"NAME": name, "BASE": str(base), "CG": groups[0], "CGS": groups[1] if len(groups) > 1 else ""}
    extra = [f"--bind-ro={source}:{place}" for source, place in binds]
    command = ["unshare", "--mount", "--propagation", "slave", "sh", "-euc", _UP, "box", *extra]
    with (LAB / f"{name}.console").open("wb") as console:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
            env={**os.environ, **told},
        )


def _wait_until_booted(box: Box) -> None:
    end = time.monotonic() + _BOOTED_WITHIN
    while time.monotonic() < end:
        if box.process.poll() is not None:
            break
        box.leader = box.leader or _leader(box.process.pid)
        if box.leader:
            state = box.run("systemctl", "is-system-running", check=False).stdout.strip()
            if state in ("running", "degraded"):
                return
        time.sleep(0.1)
    said = box.console.read_text(encoding="utf-8", errors="replace")[-500:]
    raise Unfit(f"systemd did not boot in systemd-nspawn: {' '.join(said.split())}")


def _leader(nspawn: int) -> int:
    """The process id of the box's PID 1, 0 while there is none."""
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text(encoding="ascii").split():
            if Path(f"/proc/{child}/comm").read_text(encoding="utf-8").strip() == "systemd":
                return int(child)
    return 0


def _stop(box: Box) -> None:
    box.process.send_signal(signal.SIGTERM)
    try:
        box.process.wait(15)
    except subprocess.TimeoutExpired:
        box.process.kill()
        box.process.wait()
    box.console.unlink(missing_ok=True)


def _remove_groups(top: Path) -> None:
    """A killed box's processes need a moment to be gone from its cgroups."""
    for _ in range(50):
        for folder, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(folder).rmdir()
        if not top.exists():
            return
        time.sleep(0.1)
