"""`syncd relay`: keys, a relay's folder for the disc that is carried, and the status file that comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from syncd.cli import files
from syncd.cli.words import say
from syncd.config import load
from syncd.content.blobs import DiskBlobs
from syncd.errors import StoreError, SyncdError
from syncd.relay import seal, wire
from syncd.relay.back import read_status

Facts = dict[str, Any]
_MOST = 64 * 1024 * 1024


def keygen(path: Path) -> Facts:
    """Write a new private key into a file that only its owner reads. Raises SyncdError("usage") where one is already."""
    private, public = seal.keygen()
    try:
        path.touch(mode=0o600, exist_ok=False)
        path.write_text(f"{private}\n", "utf-8")
    except OSError as error:
        hint = say("choose a new file in a directory that is writable", "请选择可写目录中尚不存在的文件")
        raise SyncdError("usage", str(error.strerror), hint=hint, where=str(path)) from None
    return {"path": str(path), "public_key": public}


def export(facts: Mapping[str, Any], folder: Path) -> Facts:
    """Write what the desk tells into a folder, the feed last. What is there and sound is not written again.

    Raises SyncdError("usage") for a folder that can't be written, StoreError disk_full, read_only or unavailable.
    """
    kept, there = DiskBlobs(Path(facts["blobs"])), DiskBlobs(folder / wire.OBJECTS)
    _make(folder)
    done = {"written": 0, "unchanged": 0, "missing": 0}
    for sha256 in facts["objects"]:
        done[_carry(kept, there, sha256)] += 1
    files.write(folder / wire.STATUS_FILE, facts["status"].encode())
    files.write(folder / wire.FEED_FILE, facts["feed"].encode())
    return {"path": str(folder), "serial": facts["serial"], "documents": facts["documents"], "key": facts["key"], **done}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = say("choose a folder that can be written", "请选择可写的文件夹")
        raise SyncdError("usage", str(error.strerror), hint=hint, where=str(folder)) from None


def _carry(kept: DiskBlobs, there: DiskBlobs, sha256: str) -> str:
    """written, unchanged, or missing: raw bytes of lists and pages age, and one damaged file must not keep the rest back."""
    if _is_sound(there, sha256):
        return "unchanged"
    try:
        data = kept.read(sha256)
    except StoreError as error:
        if error.reason in ("blob_missing", "blob_damaged"):
            return "missing"
        raise
    there.put(data)
    return "written"


def _is_sound(blobs: DiskBlobs, sha256: str) -> bool:
    try:
        return blobs.has(sha256) and bool(blobs.read(sha256) or True)
    except StoreError:
        return False


def status(place: Path, keys: Sequence[str], config: Path) -> Facts:
    """What a folder's status file, or the file itself, tells. keys: those trusted; () for those of the configuration.

    Raises ReadFailed: relay_bad_signature, relay_tampered; SyncdError("usage") without a key or a file.
    """
    path = place / wire.STATUS_FILE if place.is_dir() else place
    trusted = tuple(keys) or load(config).relay.trusted
    if not trusted:
        hint = say("say --key ed25519:…, or [relay] trusted = [\"ed25519:…\"]", "请用 --key 或 [relay] trusted 给出对方公钥")
        raise SyncdError("usage", say("no public key is given", "没有给出公钥"), hint=hint)
    return read_status(_bytes(path), trusted, where=str(path))


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > _MOST:
            raise SyncdError("usage", f"larger than {_MOST} bytes", hint="this is no status file", where=str(path))
        return path.read_bytes()
    except OSError as error:
        hint = say("give the folder that the other side has exported", "请给出对方导出的文件夹")
        raise SyncdError("usage", str(error.strerror), hint=hint, where=str(path)) from None
