"""What is not what was sealed is refused with its reason, and nothing is taken from it; when it is well again, all goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from syncd.engine.poll import UNPROVEN
from syncd.errors import NotApplied, ReadFailed
from syncd.relay import seal, wire
from syncd.sources.relay import FolderClient
from syncd.testing.clock import ManualClock
from tests.engine.rig import played
from tests.relay.kit import WITH_FILE, Instance, begin, below, keys, relay_source, rows


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def object_file(instance: Instance, sha256: str) -> Path:
    return instance.out / wire.object_path(sha256)


async def stands(city: Instance, reason: str) -> None:
    """Nothing was posted, and status says why."""
    assert city.reason() == reason
    assert await city.none()
    told = (await city.desk.status())["sources"]
    assert [(row["reason"], bool(row["hint"])) for row in told] == [(reason, True)]


def _cut(out: Path) -> None:
    feed = out / wire.FEED_FILE
    feed.write_bytes(feed.read_bytes()[:-30])


def _flip_in(part: bytes) -> Callable[[Path], None]:
    def act(out: Path) -> None:
        feed = out / wire.FEED_FILE
        flip(feed, feed.read_bytes().index(part) + 3)

    return act


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_flip_in(b"<title>"), "relay_tampered"),
        (_flip_in(b'"serial"'), "relay_tampered"),
        (lambda out: flip(out / wire.FEED_FILE, -10), "relay_tampered"),
        (_cut, "relay_tampered"),
        (lambda out: (out / wire.FEED_FILE).write_text("<html>系统维护中</html>"), "relay_tampered"),
        (lambda out: (out / wire.FEED_FILE).write_bytes(b""), "relay_tampered"),
        (lambda out: (out / wire.FEED_FILE).unlink(), "relay_incomplete"),
    ],
    ids=["title", "serial", "signature", "cut", "page", "empty", "missing"],
)
def test_a_feed_that_is_not_what_was_sealed_is_refused_and_a_sound_one_heals(
    spoil: Callable[[Path], None], reason: str, tmp_path: Path
) -> None:
    async def scene() -> None:
        async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
            await begin(province)
            await city.rest()
            province.publish(1)
            await province.read()
            await province.export()
            spoil(province.out)
            await city.read()
            await stands(city, reason)
            assert (reason in await city.attention()) == (reason in UNPROVEN), "what was changed is told a person at once"
            await province.export()
            await city.read(4000)
            assert city.reason() == ""
            assert reason not in await city.attention()
            assert city.creates() == 1

    asyncio.run(scene())


@pytest.mark.parametrize("at", [0, 40, -1])
def test_one_flipped_byte_of_a_document_is_refused_and_a_new_copy_heals(at: int, tmp_path: Path) -> None:
    async def scene() -> None:
        async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
            await begin(province)
            await city.rest()
            province.publish(1)
            await province.read()
            await province.export()
            (row,) = [r for r in rows(province.out, province.public)]
            flip(object_file(province, row.entry.page), at)
            await city.read()
            assert await city.none()
            (waiting,) = await city.disk.pendings()
            assert waiting.reason == "relay_tampered"
            assert waiting.hint
            assert (await city.attention())["relay_tampered"]["kind"] == "entry", "a person hears of it at once"
            assert (await province.export())["written"] >= 1, "an export mends what is damaged"
            await city.after(1200)
            assert city.creates() == 1

    asyncio.run(scene())


@played
async def test_one_flipped_byte_of_an_attachment_is_refused_and_told_as_a_loss(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        province.publish(1, text=WITH_FILE)
        await province.read()
        await province.export()
        (media,) = (await province.newest())[1].content.media
        flip(object_file(province, media.sha256), 12)
        await city.read()
        (waiting,) = await city.disk.pendings()
        assert waiting.reason == "attachment"
        await city.after(3600)
        content = (await city.newest())[1].content
        assert content.media == ()
        assert any("hash" in loss for loss in content.losses)


@played
async def test_an_older_issue_is_refused_as_a_replay_though_its_seal_is_sound(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        old = (province.out / wire.FEED_FILE).read_bytes()
        province.publish(1)
        await province.read()
        await province.export()
        await city.read()
        assert city.creates() == 1
        (province.out / wire.FEED_FILE).write_bytes(old)
        await city.read()
        assert city.reason() == "relay_replayed"
        await city.restart()
        await city.read(4000)
        assert city.reason() == "relay_replayed", "what was read before is remembered over a restart"
        await province.read(6000)
        await province.export()
        await city.read(6000)
        assert city.reason() == ""


@played
async def test_the_same_issue_again_is_no_replay_until_it_is_too_old(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province, options='max_age = "2h"') as city:
        await begin(province)
        await city.rest()
        await city.after(6000)
        assert city.reason() == ""
        await city.after(2400)
        assert city.reason() == "relay_stale", "an issue that is held back looks like one where nothing is new"
        await city.restart()
        await city.read()
        assert city.reason() == "relay_stale"


@played
async def test_an_issue_of_tomorrow_tells_nothing_of_its_age(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        province.clock.advance(86400)
        await province.export()
        await city.rest()
        assert city.reason() == "relay_stale"
        assert "NTP" in city.engine.poller.rows["above"].hint


@played
async def test_another_key_is_refused_and_a_new_one_begins_anew(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        province.key.write_text(keys(tmp_path, "other.key")[0].read_text())
        await province.reload(province.config_text)
        province.clock.advance(60)
        province.publish(1)
        await province.read()
        told = await province.export()
        assert told["key"] != province.public
        await city.read()
        await stands(city, "relay_bad_signature")
        await city.reload(city.config_text.replace(province.public, told["key"]))
        await city.read(4000)
        assert city.reason() == ""
        assert city.creates() == 1


@played
async def test_a_relay_that_lost_its_state_goes_on_with_greater_serials(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await begin(province)
        before = int(await province.disk.get("relay.serial"))
        await province.disk.put("relay.serial", "")
        province.clock.advance(60)
        province.publish(1)
        await province.read()
        assert (await province.export())["serial"] > before
        province.clock.jump(timedelta(days=-1))
        after = int(await province.disk.get("relay.serial"))
        province.publish(2)
        await province.read()
        assert (await province.export())["serial"] > after


@played
async def test_what_is_not_there_yet_is_waited_for_and_never_counts_as_a_withdrawal(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        province.publish(1)
        await province.read()
        await province.export()
        (row,) = rows(province.out, province.public)
        kept = object_file(province, row.entry.page).read_bytes()
        object_file(province, row.entry.page).unlink()
        await city.read()
        (waiting,) = await city.disk.pendings()
        assert waiting.reason == "relay_incomplete"
        object_file(province, row.entry.page).write_bytes(kept)
        await city.after(600)
        assert city.creates() == 1


def test_only_plain_files_of_the_folder_are_read_and_no_address_leads_out_of_it(tmp_path: Path) -> None:
    folder, secret = tmp_path / "relay", tmp_path / "secret"
    folder.mkdir()
    secret.write_text("password")
    client = FolderClient(folder, ManualClock().now)
    name = "a" * 64

    def get(url: str) -> bytes:
        return asyncio.run(client.get(url)).body

    (folder / wire.FEED_FILE).write_bytes(b"feed")
    for url in ("../secret", "/etc/passwd", f"{folder.as_uri()}/../secret", f"{folder.as_uri()}/%2e%2e/secret"):
        assert get(url) == b"feed", "anything but a hash is the feed"
    assert asyncio.run(client.get(f"x/{name}")).status == 404
    os.symlink(tmp_path, folder / "objects")
    for path in ("aa", name):
        (tmp_path / "aa" / path).parent.mkdir(exist_ok=True)
    (tmp_path / "aa" / name).write_bytes(b"x")
    for make in (lambda p: os.symlink(secret, p), os.mkfifo, os.mkdir):
        (folder / wire.FEED_FILE).unlink()
        make(folder / wire.FEED_FILE)
        with pytest.raises(ReadFailed) as refused:
            get("feed")
        assert refused.value.reason in ("relay_tampered", "unreadable")
        if (folder / wire.FEED_FILE).is_dir() and not (folder / wire.FEED_FILE).is_symlink():
            (folder / wire.FEED_FILE).rmdir()
            (folder / wire.FEED_FILE).write_bytes(b"")
    with pytest.raises(ReadFailed, match="link"):
        get(f"x/{name}")
    with pytest.raises(NotApplied):
        asyncio.run(client.call("POST", "x"))


@pytest.mark.parametrize("purpose", [wire.FEED, wire.STATUS])
def test_a_flip_of_any_bit_of_a_sealed_text_is_refused(purpose: str) -> None:
    private, public = seal.keygen()
    sealed = seal.Signer(private).seal("关于印发通知".encode(), purpose)
    assert seal.opened(sealed, public, purpose).decode() == "关于印发通知"
    for at in range(len(sealed) * 8):
        spoiled = bytearray(sealed)
        spoiled[at // 8] ^= 1 << at % 8
        with pytest.raises(ReadFailed) as refused:
            seal.opened(bytes(spoiled), public, purpose)
        assert refused.value.reason in ("relay_tampered", "relay_bad_signature")
        assert refused.value.hint
    for more in (sealed + b"\n", sealed + sealed[-10:], b"x" + sealed, sealed[:-1]):
        with pytest.raises(ReadFailed):
            seal.opened(more, public, purpose)
    with pytest.raises(ReadFailed, match="fit"):
        seal.opened(sealed, public, "another purpose")


def test_a_private_key_that_is_none_is_told_without_showing_it() -> None:
    with pytest.raises(Exception, match="no private key") as told:
        seal.Signer("ed25519-private:geheim")
    assert "geheim" not in str(told.value)


def test_a_folder_is_configured_by_its_path_and_other_kinds_still_need_an_address(tmp_path: Path) -> None:
    from syncd.config import parse
    from syncd.errors import ConfigError

    _, public = keys(tmp_path)
    loaded = parse(relay_source("disc/relay", public), where="x", base=tmp_path, environ={})
    assert loaded.sources[0].url == (tmp_path / "disc/relay").as_uri()
    with pytest.raises(ConfigError, match="not an address"):
        parse(relay_source("disc", public).replace('"relay"', '"feed"'), where="x", base=tmp_path, environ={})
    for wrong in ("file:relay", ""):
        with pytest.raises(ConfigError, match="not an address"):
            parse(relay_source(wrong, public), where="x", base=tmp_path, environ={})
