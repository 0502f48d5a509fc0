"""Blobs are whole or absent, verified when read, and pruned only when old and unwanted."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.content import blobs
from syncd.content.blobs import DiskBlobs
from syncd.errors import StoreError


def only_file(root: Path) -> Path:
    (path,) = [path for path in root.rglob("*") if path.is_file()]
    return path


def test_the_same_bytes_twice_are_one_file(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path / "blobs")
    assert store.put("附件".encode()) == store.put("附件".encode())
    name = only_file(tmp_path).name
    assert store.has(name)
    assert store.read(name) == "附件".encode()
    assert only_file(tmp_path).parent.name == name[:2]


@pytest.mark.guarantee(4)
def test_damage_is_noticed_when_read_and_mended_when_put_again(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path)
    name = store.put(b"abc")
    only_file(tmp_path).write_bytes(b"abd")
    with pytest.raises(StoreError) as failure:
        store.read(name)
    assert failure.value.reason == "blob_damaged"
    store.put(b"abc")
    assert store.read(name) == b"abc"


@pytest.mark.parametrize("name", ["0" * 64, "../../etc/passwd", ""])
def test_what_is_not_there_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError) as failure:
        DiskBlobs(tmp_path).read(name)
    assert failure.value.reason == "blob_missing"


@pytest.mark.guarantee(5)
@pytest.mark.parametrize(
    ("number", "reason"), [(errno.ENOSPC, "disk_full"), (errno.EROFS, "read_only"), (errno.EIO, "unavailable")]
)
def test_a_disk_that_refuses_leaves_no_half_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    reason: str,
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(blobs.os, "fsync", refuse)
    with pytest.raises(StoreError) as failure:
        DiskBlobs(tmp_path).put(b"abc")
    assert failure.value.reason == reason
    assert failure.value.hint
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_new_directory_is_kept_as_surely_as_the_file_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []

    def note(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(blobs.os, "fsync", note)
    name = DiskBlobs(tmp_path / "blobs").put(b"abc")
    folder = tmp_path / "blobs" / name[:2]
    assert {str(tmp_path), str(tmp_path / "blobs"), str(folder)} <= set(synced)
    synced.clear()
    DiskBlobs(tmp_path / "blobs").put(b"abc")
    assert synced == []


def test_pruning_takes_only_what_is_old_and_unwanted(tmp_path: Path) -> None:
    store = DiskBlobs(tmp_path)
    wanted, old, young = store.put(b"wanted"), store.put(b"old"), store.put(b"young")
    long_ago = (datetime.now(UTC) - timedelta(days=9)).timestamp()
    for name in (wanted, old):
        os.utime(tmp_path / name[:2] / name, (long_ago, long_ago))
    line = datetime.now(UTC) - timedelta(days=1)
    assert store.prune(lambda name: name == wanted, line) == 1
    assert (store.has(wanted), store.has(old), store.has(young)) == (True, False, True)
