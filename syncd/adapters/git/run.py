"""The git program as a child: clean environment, no prompts, hooks or user's settings, no secret on a command line."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import shlex
import signal
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from syncd.adapters.git.options import Options
from syncd.errors import NotApplied
from syncd.web.api import Network

_KEPT = ("PATH", "TMPDIR", "SSH_AUTH_SOCK", "LD_LIBRARY_PATH")
_NOWHERE = "/dev/null"
_LOCAL = 300.0
"""Seconds for what never leaves this machine."""
_ALWAYS = (
    ("core.hooksPath", _NOWHERE), ("credential.helper", ""), ("http.followRedirects", "false"),
    ("http.lowSpeedLimit", "1"), ("http.lowSpeedTime", "60"), ("gc.autoDetach", "false"), ("core.fsync", "none"),
    ("maintenance.autoDetach", "false"), ("push.recurseSubmodules", "no"), ("fetch.recurseSubmodules", "no"),
    ("fetch.fsckObjects", "false"), ("protocol.version", "2"), ("safe.directory", "*"), ("log.showSignature", "false"),
)
_LAST = 5.0
"""Seconds that what was killed may take to be gone."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended. code: None when it was ended by us at its deadline."""

    code: int | None
    out: bytes
    err: str


class Git:
    """Runs git in one repository of ours. keep: a lock's descriptor that children hold too, so that one which outlives a
    killed daemon is waited for."""

    def __init__(self, folder: Path, options: Options, network: Network) -> None:
        self._folder = folder
        self._options = options
        self._timeout = options.timeout
        self._secret = options.token.get_secret_value() if options.token else ""
        self._env = _environment(folder, options)
        self._settings, self._way = _numbered(_ALWAYS), _numbered((*_ALWAYS, *_way(options, network, self._secret)))
        self.keep: int | None = None

    def lay_out(self) -> None:
        """Write what ssh wants to have as files. Raises OSError."""
        if self._options.ssh_key is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = self._options.ssh_key.get_secret_value().strip() + "\n"
        _private(self._folder / "ssh_key", key)
        _private(self._folder / "ssh_host", f"syncd {self._options.host_key}\n")

    def forget(self) -> None:
        """Remove the key from the disk."""
        (self._folder / "ssh_key").unlink(missing_ok=True)

    async def local(self, *words: str, feed: bytes = b"") -> Done:
        """A command that never leaves this machine."""
        return await self._run(words, feed, {**self._settings, "GIT_ALLOW_PROTOCOL": "none"}, _LOCAL)

    async def remote(self, *words: str) -> Done:
        """A command that contacts the server."""
        return await self._run(words, b"", self._way, self._timeout)

    async def _run(self, words: tuple[str, ...], feed: bytes, more: Mapping[str, str], timeout: float) -> Done:
        process = await self._started(words, more)
        try:
            out, err = await asyncio.wait_for(process.communicate(feed), timeout)
        except TimeoutError:
            return Done(None, b"", f"git {words[0]} took more than {timeout:g} seconds")
        finally:
            await _end(process)
        told = err.decode("utf-8", "replace")
        return Done(process.returncode, out, told.replace(self._secret, "[hidden]") if self._secret else told)

    async def _started(self, words: tuple[str, ...], more: Mapping[str, str]) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                "git", *words, cwd=self._folder, env={**self._env, **more}, stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
                pass_fds=() if self.keep is None else (self.keep,),
            )
        except FileNotFoundError as cause:
            raise NotApplied("git_missing", "there is no program git, or its folder is gone", where=str(self._folder),
                             hint="install git (on Debian: apt-get install git)") from cause
        except OSError as cause:
            hint = "look at this machine's limits"
            raise NotApplied("unavailable", str(cause), where=str(self._folder), hint=hint) from cause


async def _end(process: asyncio.subprocess.Process) -> None:
    """End git and what it started (ssh, git-remote-https), and let go of the pipes that they held."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.communicate(), _LAST)


def _private(path: Path, text: str) -> None:
    """A file that only we may read, from its first moment on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)


def _environment(folder: Path, options: Options) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    mail, name = options.mail, options.author.rpartition(" <")[0]
    told = {
        "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": _NOWHERE, "GIT_ATTR_NOSYSTEM": "1", "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false", "GIT_ALLOW_PROTOCOL": options.scheme, "GIT_OPTIONAL_LOCKS": "0",
        "GIT_SSH_COMMAND": _ssh(folder), "GIT_SSH_VARIANT": "ssh", "GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail,
        "GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": mail, "GIT_LITERAL_PATHSPECS": "1",
        "GIT_DIR": str(folder / "git"), "GIT_NO_REPLACE_OBJECTS": "1",
    }
    return kept | told


def _numbered(settings: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Given by the environment: a command line can be read by everybody on this machine."""
    told = list(settings)
    keys = {f"GIT_CONFIG_KEY_{n}": key for n, (key, _) in enumerate(told)}
    values = {f"GIT_CONFIG_VALUE_{n}": value for n, (_, value) in enumerate(told)}
    return {"GIT_CONFIG_COUNT": str(len(told)), **keys, **values}


def _way(options: Options, network: Network, secret: str) -> Iterator[tuple[str, str]]:
    """What is needed to reach the server only, the secret among it."""
    if secret:
        login = base64.b64encode(f"{options.user}:{secret}".encode()).decode()
        yield f"http.{options.address}.extraHeader", f"Authorization: Basic {login}"
    told = (("http.proxy", network.proxy), ("http.sslCAInfo", network.ca_file), ("http.sslCert", network.client_cert))
    for key, value in told:
        if value:
            yield key, value


def _ssh(folder: Path) -> str:
    options = {
        "BatchMode": "yes", "IdentitiesOnly": "yes", "StrictHostKeyChecking": "yes", "HostKeyAlias": "syncd",
        "UserKnownHostsFile": str(folder / "ssh_host"), "GlobalKnownHostsFile": _NOWHERE, "PasswordAuthentication": "no",
        "ConnectTimeout": "20", "ServerAliveInterval": "15", "ForwardAgent": "no", "PermitLocalCommand": "no",
    }
    words = ["ssh", "-F", _NOWHERE, "-i", str(folder / "ssh_key")]
    return shlex.join(words + [word for name, value in options.items() for word in ("-o", f"{name}={value}")])
