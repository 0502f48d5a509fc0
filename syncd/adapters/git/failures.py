"""What git says when it fails, as the errors that the engine acts on; the words are those of LC_ALL=C, git 2.31 and newer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from syncd.adapters.git.run import Done
from syncd.errors import AdapterError, AuthFailed, NotApplied, RateLimited, Rejected, Unknown

Pushed = Literal["done", "moved"]
_PAUSE = 60.0
_LOGIN = "check user and token, and that they may push to this repository"
_KEY = "add our public key to the repository as a deploy key that may write, and compare ssh_key with it"
_AGAIN = "it is tried again by itself"
_OUT = f"check repository and this machine's way out; {_AGAIN}"
_ADDRESS = "check repository, and that our account may see it: a server hides what an account may not see"


@dataclass(frozen=True, slots=True)
class _Sign:
    """A sign in what git says, and what it means."""

    pattern: re.Pattern[str]
    make: Callable[[str, str], AdapterError]


def _auth(reason: str, hint: str) -> Callable[[str, str], AdapterError]:
    return lambda said, where: AuthFailed(reason, said, where=where, hint=hint)


def _not(reason: str, hint: str) -> Callable[[str, str], AdapterError]:
    return lambda said, where: NotApplied(reason, said, where=where, hint=hint)


def _pause(said: str, where: str) -> AdapterError:
    hint = "the server asks for a pause; it goes on by itself"
    return RateLimited(message=said, after=_PAUSE, said=False, where=where, hint=hint)


_SIGNS = tuple(
    _Sign(re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (r"No space left on device|Disk quota exceeded", _not("disk_full", "make room for syncd's state folder")),
        (r"Host key verification failed|REMOTE HOST IDENTIFICATION HAS CHANGED",
         _auth("host_key", "the server shows another key than host_key: ask its owner before you change it")),
        (r"Permission denied \(|Load key .* (?:invalid|error)|Too many authentication failures", _auth("key_refused", _KEY)),
        (r"unable to access .*returned error: 429", _pause),
        (r"unable to access .*returned error: 401|Authentication failed for|could not read (?:Username|Password)",
         _auth("not_logged_in", _LOGIN)),
        (r"unable to access .*returned error: 403", _auth("forbidden", _LOGIN)),
        (r"unable to access .*returned error: 5\d\d", _not("server_error", f"the server is in trouble; {_AGAIN}")),
        (r"unable to access .*returned error: 3\d\d|unable to update url base from redirection",
         _auth("moved", "the repository has moved: write its new address")),
        (r"unable to access .*(?:certificate|SSL|TLS)",
         _not("tls", "check the server's certificate, or give ca_file in network")),
        (r"unable to access .*", _not("connect", _OUT)),
        (r"repository .*not found|Repository not found|does not appear to be a git repository|returned error: 404|"
         r"does not exist or you do not have|Project not found|not valid: is this a git repository",
         _auth("no_repository", _ADDRESS)),
        (r"couldn't find remote ref", _auth("no_branch", "check branch; it needs a first commit")),
        (r"transport '.*' not allowed", _auth("transport", "write https://… or ssh://… into repository")),
        (r"ssh: .*(?:Could not resolve|connect to host)|kex_exchange_identification|Connection (?:closed|reset) by .* port \d+|"
         r"Could not resolve (?:host|proxy)", _not("connect", _OUT)),
        (r"cannot run ssh|ssh: (?:command )?not found",
         _not("ssh_missing", "install ssh (on Debian: apt-get install openssh-client)")),
        (r"Could not read from remote repository", _not("connect", "check repository; it is tried again by itself")),
    )
)
_MOVED = re.compile(
    r"stale info|fetch first|non-fast-forward|needs force|failed to update ref|cannot lock ref|incorrect old value|"
    r"reference already exists|failed to lock|remote ref updated since checkout", re.IGNORECASE,
)
_PROTECTED = re.compile(r"protected branch|not allowed to push|permission|GH006|denied to|read.?only", re.IGNORECASE)
_RPC = re.compile(r"RPC failed; HTTP (\d{3})")
_BROKEN = re.compile(
    r"not a git repository|object file .* is empty|loose object .* is corrupt|bad object|unable to read|packfile|corrupt|"
    r"missing (?:blob|tree|commit)|invalid sha1|unresolved deltas|bad (?:pack|index)|cannot lock ref|Unable to create .*\.lock|"
    r"could not parse|did not send all necessary objects|bad (?:numeric )?config|broken(?! pipe)", re.IGNORECASE,
)
_LINES = re.compile(r"[\r\n]+")
_WIRE = re.compile(r"RPC failed|curl \d|send-pack:|fetch-pack:|hung up|disconnect", re.IGNORECASE)
"""Lines about the way to the server, which say nothing of our clone."""
_EARLY = re.compile(
    r"^fatal: (?:unable to access '|Could not read from remote repository|Authentication failed for|unable to update url base|"
    r"could not read (?:Username|Password)|repository '.*' not found|transport '.*' not allowed)|^error: cannot run ssh|"
    r"^fatal: .*not valid: is this a git repository", re.MULTILINE,
)
"""What git says of the first contact only (connect.c: die_initial_contact; remote-curl.c: discover_refs) or before it: no
commit was sent. Without it a push may have arrived, whatever else is said."""


def is_broken(done: Done) -> bool:
    """True when our own clone seems to be damaged, as by a crash or a full disk: it is made again.

    A server that has judged our ref has read what we sent, unless it could not unpack it.
    """
    refused = _refused(done.out.decode("utf-8", "replace"))
    if done.code is None or (refused is not None and "unpacker error" not in refused):
        return False
    own = _own(done.err)
    said = (line for line in own.split("\n") if line.startswith(("fatal:", "error:")) and not _WIRE.search(line))
    return _sign(own) is None and any(_BROKEN.search(line) for line in said)


def of_fetch(done: Done, where: str) -> AdapterError:
    """Why the server could not be read: nothing of it is Unknown."""
    said = _said(done)
    if done.code is None:
        return NotApplied("timeout", said, where=where, hint="the server is slow; raise timeout if it stays so")
    found = _sign(done.err)
    return found.make(said, where) if found else NotApplied(
        "git_failed", said, where=where, hint="run git fetch by hand as syncd's user to see more")


def of_push(done: Done, where: str) -> Pushed:
    """What became of a push: "done", or "moved" when somebody else pushed since the look. Raises AdapterError.

    Two who write the same page within one second make the very same commit: whose push finds it there was not the first.
    """
    if done.code == 0:
        return "moved" if _told(done.out.decode("utf-8", "replace"), "=") is not None else "done"
    refused = _refused(done.out.decode("utf-8", "replace"))
    if refused is not None:
        return _judged(refused, _said(done), where)
    own = _own(done.err)
    found = _sign(own) if _EARLY.search(own) else None
    raise found.make(_said(done), where) if found else _cut(done, where)


def _refused(out: str) -> str | None:
    """Why the server, or git for it, refused our only ref; None when it did not come to that."""
    return _told(out, "!")


def _told(out: str, flag: str) -> str | None:
    """What `git push --porcelain` says of a ref with this flag; None where it has another."""
    lines = (line.partition("\t") for line in out.splitlines())
    return next((rest.partition("\t")[2] for found, _, rest in lines if found.strip() == flag), None)


def _judged(refused: str, said: str, where: str) -> Pushed:
    if "[remote failure]" in refused:
        raise Unknown("no_report", f"{refused}: {said}", where=where, hint="it is looked up before it is repeated")
    if _MOVED.search(refused):
        return "moved"
    told = f"{refused} {said}".strip()
    if "currently checked out" in refused:
        hint = "push to a bare repository, or to a branch that nobody has out"
        raise AuthFailed("checked_out", told, where=where, hint=hint)
    if "unpacker error" in refused or "No space left" in said:
        hint = "the server could not store it: look at its disk and rights"
        raise NotApplied("server_error", told, where=where, hint=hint)
    if _PROTECTED.search(told):
        hint = "let our account push to this branch, or name another branch"
        raise AuthFailed("branch_protected", told, where=where, hint=hint)
    hint = "a rule of the server refuses this commit; read what it says, then retry"
    raise Rejected("", "hook_declined", told, where=where, hint=hint)


def _cut(done: Done, where: str) -> AdapterError:
    """It ended while it was under way: the server may have taken it."""
    answer = _RPC.search(_own(done.err))
    status = int(answer[1]) if answer else 0
    said = _said(done)
    if status == 413:
        hint = "let the server take bigger pushes (client_max_body_size)"
        return Rejected("media", "too_large", said, where=where, hint=hint)
    if status in (401, 403):
        return AuthFailed("forbidden", said, where=where, hint=_LOGIN)
    if status == 429:
        return _pause(said, where)
    reason = "timeout" if done.code is None else "cut"
    hint = "it may have been done all the same; it is looked up before it is repeated"
    return Unknown(reason, said, where=where, hint=hint)


def _sign(err: str) -> _Sign | None:
    return next((sign for sign in _SIGNS if sign.pattern.search(err)), None)


def _own(err: str) -> str:
    """What git itself says: a server's hooks and programs say what they like in lines that git marks with "remote:"."""
    return "\n".join(line for line in _LINES.split(err) if not line.startswith("remote:"))


def _said(done: Done) -> str:
    """The lines that matter, short."""
    lines = [line.strip() for line in done.err.splitlines() if line.strip()]
    chosen = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:", "git ", "!"))] or lines
    return " | ".join(chosen)[:400] or f"git ended with {done.code}"
