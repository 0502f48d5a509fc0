"""What git says when a push fails: nothing is called undone, refused or a damaged clone that may have been done."""

from __future__ import annotations

import pytest

from syncd.adapters.git import failures
from syncd.adapters.git.run import Done
from syncd.errors import AdapterError, AuthFailed, NotApplied, RateLimited, Unknown

HUNG_UP = "fatal: the remote end hung up unexpectedly"
CUT = f"send-pack: unexpected disconnect while reading sideband packet\n{HUNG_UP}"
NO_CONTACT = "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights"
MOVED = b"!\tabc:refs/heads/main\t[remote rejected] (failed to update ref)\n"
UNPACKED = b"!\tabc:refs/heads/main\t[remote rejected] (unpacker error)\n"


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("said", [
    f"client_loop: send disconnect: Broken pipe\n{HUNG_UP}",
    f"error: RPC failed; curl 55 Send failure: Broken pipe\n{CUT}",
    f"error: RPC failed; curl 56 Recv failure: Connection reset by peer\n{HUNG_UP}",
    f"Connection reset by 10.0.0.1 port 22\n{HUNG_UP}",
    f"Connection closed by 10.0.0.1 port 22\n{HUNG_UP}",
    f"Corrupted MAC on input.\nssh_dispatch_run_fatal: message authentication code incorrect\n{HUNG_UP}",
    f"remote: tee: /var/log/deploy: No space left on device\n{CUT}",
    f"remote: fatal: unable to access 'https://mirror/': x\n{HUNG_UP}",
    f"remote: fatal: Could not read from remote repository.\n{HUNG_UP}",
    f"remote: a\x0cfatal: unable to access 'https://mirror/': x\n{HUNG_UP}",
    f"remote: error: object file x is empty\n{HUNG_UP}",
    f"remote: RPC failed; HTTP 413\n{HUNG_UP}",
    HUNG_UP,
])
def test_a_push_that_was_cut_is_unknown_whatever_was_said_before(said: str) -> None:
    done = Done(128, b"", said)
    assert not failures.is_broken(done)
    with pytest.raises(Unknown):
        failures.of_push(done, "w")


@pytest.mark.parametrize(("said", "error", "reason"), [
    (f"Connection reset by 10.0.0.1 port 22\n{NO_CONTACT}", NotApplied, "connect"),
    (f"git@h: Permission denied (publickey).\n{NO_CONTACT}", AuthFailed, "key_refused"),
    (f"ERROR: Repository not found.\n{NO_CONTACT}", AuthFailed, "no_repository"),
    (f"Host key verification failed.\n{NO_CONTACT}", AuthFailed, "host_key"),
    ("error: cannot run ssh: No such file or directory\nfatal: unable to fork", NotApplied, "ssh_missing"),
    ("fatal: unable to access 'https://h/': Could not resolve host: h", NotApplied, "connect"),
    ("fatal: unable to access 'https://h/': The requested URL returned error: 429", RateLimited, "rate_limited"),
    ("remote: hello\nfatal: Authentication failed for 'https://h/'", AuthFailed, "not_logged_in"),
])
def test_what_fails_at_the_first_contact_is_told_as_what_it_is(said: str, error: type[AdapterError], reason: str) -> None:
    done = Done(128, b"", said)
    assert not failures.is_broken(done)
    with pytest.raises(error) as failed:
        failures.of_push(done, "w")
    assert failed.value.reason == reason


def test_an_ordinary_race_is_no_damaged_clone() -> None:
    said = "remote: error: cannot lock ref 'refs/heads/main': is at a but expected b\nerror: failed to push some refs to 'x'"
    done = Done(1, MOVED, said)
    assert not failures.is_broken(done)
    assert failures.of_push(done, "w") == "moved"


@pytest.mark.parametrize("out", [b"", UNPACKED])
def test_a_pack_that_could_not_be_made_is_a_damaged_clone(out: bytes) -> None:
    assert failures.is_broken(Done(1, out, f"fatal: unable to read 1234\nerror: remote unpack failed: eof\n{HUNG_UP}"))
