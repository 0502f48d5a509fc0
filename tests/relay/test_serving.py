"""The relay over real HTTP on loopback: read by the real engine through the real client, made when something changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syncd.app.relay import Publisher
from syncd.cli.relay import export, keygen, status
from syncd.cli.show import exported
from syncd.config import load
from syncd.content.blobs import DiskBlobs
from syncd.errors import ConfigError, ReadFailed, StoreError, SyncdError
from syncd.relay import seal, wire
from syncd.status.relay import create_relay
from syncd.status.server import serve
from syncd.web.client import Web
from tests.engine.rig import DETAIL, played, route, site, source, title_of
from tests.relay.kit import PDF, WITH_FILE, Instance, begin, below, relay_source


@asynccontextmanager
async def served(upper: Instance) -> AsyncIterator[str]:
    """The address of its feed."""
    server = await serve(create_relay(upper.desk.publisher), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.port}/relay/feed.atom"
    finally:
        await server.stop()


class Online(Instance):
    """An instance whose sources are read over the real network; its sites stay in memory."""

    async def _deps(self) -> Any:
        web = Web(now=self.clock.now, monotonic=self.clock.monotonic, user_agent="test", gap=0.0)
        memory, self.real = self.ground.web, web
        self.ground = replace(self.ground, web=_Both(web, memory))  # type: ignore[arg-type]
        return await super()._deps()

    async def __aexit__(self, *error: object) -> None:
        await self.real.aclose()
        await super().__aexit__(*error)


class _Both:
    def __init__(self, web: Web, memory: Any) -> None:
        self._web, self._memory = web, memory

    def client(self, owner: str, network: Any, guard: Any) -> Any:
        return (self._web if owner == "above" else self._memory).client(owner, network, guard)


def online(folder: Path, upper: Instance, url: str) -> Online:
    config = relay_source(url, upper.public, more="allow_private = true") + site() + route(sources=("above",))
    return Online(folder, "某市", config)


async def ask(url: str, path: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    host, _, rest = url.removeprefix("http://").partition("/")
    reader, writer = await asyncio.open_connection(*host.split(":"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"GET {path or '/' + rest} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n".encode())
    head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    first, *fields = head.decode().split("\r\n")
    return int(first.split()[1]), dict(f.lower().split(": ", 1) for f in fields), body  # type: ignore[arg-type]


@played
async def test_a_relay_is_read_over_http_with_its_files_and_an_unchanged_one_costs_a_304(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await province.begin(name="central")
        async with served(province) as url, online(tmp_path / "b", province, url) as city:
            await city.rest()
            assert city.reason() == ""
            province.publish(1, text=WITH_FILE, title="国务院关于“中继”的通知")
            await province.read()
            await city.read()
            document, revision = await city.newest()
            assert document.title == "国务院关于“中继”的通知"
            assert [city.blobs.read(m.sha256) for m in revision.content.media] == [PDF]
            assert revision.content.relayed[0].by == "某省"
            assert city.creates() == 1
            before = city.engine.poller.rows["above"].bytes
            await city.read()
            cost = city.engine.poller.rows["above"].bytes - before
            assert cost < 1500, f"{cost} bytes for a relay that did not change"


@played
async def test_one_flipped_byte_on_the_way_is_refused(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await province.begin(name="central")
        async with served(province) as url, online(tmp_path / "b", province, url) as city:
            await city.rest()
            province.publish(1)
            await province.read()
            issue = await province.desk.publisher().issue()
            body = bytearray(issue.body)
            body[len(body) // 2] ^= 1
            province.desk.publisher()._issue = replace(issue, body=bytes(body), serial=issue.serial + 1)
            await city.read()
            assert city.reason() == "relay_tampered"
            assert await city.none()


@played
async def test_only_what_an_issue_names_is_served_and_each_by_its_hash(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await province.begin(name="central")
        secret = province.blobs.put(b"evidence of a source that is not relayed")
        province.publish(1, text=WITH_FILE)
        await province.read()
        async with served(province) as url:
            code, headers, body = await ask(url)
            assert (code, headers["content-type"]) == (200, "application/atom+xml; charset=utf-8")
            feed = wire.read_feed(seal.opened(body, province.public, wire.FEED))
            assert (await ask(url, **{"If-None-Match": headers["etag"]}))[0] == 304
            page = feed.rows[0].entry.page
            code, headers, body = await ask(url, f"/relay/{wire.object_path(page)}")
            assert (code, wire.read_told(body).content.title) == (200, title_of(1))
            assert "immutable" in headers["cache-control"]
            assert (await ask(url, f"/relay/{wire.object_path(page)}", **{"If-None-Match": f'"{page}"'}))[0] == 304
            for path in (
                wire.object_path(secret), f"objects/ab/{page}", "objects/aa/../../x", "objects/aa/" + "z" * 64, "status.sealed",
            ):
                assert (await ask(url, f"/relay/{path}"))[0] == 404, path
            body = feed.head.origins[0].body
            code, _, listed = await ask(url, f"/relay/{wire.object_path(body)}")
            assert code == 200
            assert title_of(1).encode() in listed, "the list's own bytes"


@played
async def test_an_issue_is_made_when_something_changed_or_it_grew_old_and_not_when_it_is_asked_for(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await province.begin(name="central")
        publisher = province.desk.publisher()
        first = await publisher.issue()
        assert await publisher.issue() is first
        province.publish(1)
        await province.read(60)
        await province.after(120)
        second = await publisher.issue()
        assert second.serial > first.serial
        assert second.documents == 1
        assert await publisher.issue() is second
        told = {name async for name in _dossiers(province, publisher)}
        assert told == set(), "what did not change is not made again"
        assert publisher.kept >= set(second.objects)
        province.clock.advance(601)
        third = await publisher.issue()
        assert third.serial > second.serial
        assert third.objects == second.objects


@played
async def test_while_the_state_takes_nothing_the_last_issue_is_served_and_it_is_told(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await province.begin(name="central")
        publisher = province.desk.publisher()
        first = await publisher.issue()
        province.publish(1)
        await province.read()
        province.disk.fault = "disk_full"
        assert await publisher.issue() is first
        assert province.counted("syncd_failures_total", stage="relay", reason="disk_full") == 1
        province.disk.fault = ""
        assert (await publisher.issue()).documents == 1
        province.disk.fault = "disk_full"
        with pytest.raises(SyncdError, match="disk"):
            await Publisher(province.config, province.ground).issue()


async def _dossiers(province: Instance, publisher: Any) -> AsyncIterator[int]:
    """Documents that the next issue makes anew."""
    before = dict(publisher._made)
    province.clock.advance(601)
    await publisher.issue()
    for id, made in publisher._made.items():
        if made is not before.get(id):
            yield id


@played
async def test_only_the_sources_that_are_named_are_relayed(tmp_path: Path) -> None:
    config = source(options=DETAIL) + source("ministry")
    async with Instance(tmp_path / "a", config=config, more='sources = ["ministry"]') as province:
        await province.begin()
        province.publish(1, name="central")
        province.publish(2, name="ministry")
        await province.read()
        issue = await province.desk.publisher().issue()
        feed = wire.read_feed(seal.opened(issue.body, province.public, wire.FEED))
        assert [row.entry.title for row in feed.rows] == [title_of(2)]
        assert [origin.name for origin in feed.head.origins] == ["ministry"]


@played
async def test_an_export_is_written_once_and_the_feed_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with Instance(tmp_path / "a") as province:
        await begin(province)
        province.publish(1, text=WITH_FILE)
        await province.read()
        first = await province.export()
        assert first["written"] >= 4, "document, file, page and list"
        files = {path: path.stat().st_mtime_ns for path in (province.out / wire.OBJECTS).rglob("*") if path.is_file()}
        again = await province.export()
        exported(again)
        assert "0 files written" in (said := capsys.readouterr().out)
        assert "feed and status renewed" in said
        assert (again["written"], again["unchanged"], again["missing"]) == (0, first["written"] + first["unchanged"], 0)
        assert files == {p: p.stat().st_mtime_ns for p in (province.out / wire.OBJECTS).rglob("*") if p.is_file()}
        assert not [path for path in province.out.rglob("*") if path.name.endswith(".part")]
        feed = (province.out / wire.FEED_FILE).read_bytes()
        facts = {**await province.desk.relay(), "blobs": str(tmp_path / "a/blobs"), "objects": ["f" * 64, "no hash"]}
        with pytest.raises(SyncdError):
            export({**facts, "objects": ["0" * 64]}, tmp_path / "a/relay.key")
        assert export({**facts, "objects": ["0" * 64]}, province.out)["missing"] == 1
        assert (province.out / wire.FEED_FILE).read_bytes() == feed


@played
async def test_the_status_of_the_inner_side_comes_back_sealed(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province, "某县（内网）") as inner:
        await begin(province)
        await inner.rest()
        province.publish(1)
        await province.read()
        await province.export()
        await inner.read()
        await inner.after(120)
        await inner.export()

        told = status(inner.out, [inner.public], tmp_path / "none.toml")
        assert (told["by"], told["key"]) == ("某县（内网）", inner.public)
        (row,) = told["reposts"]
        (own,) = await inner.desk.reposts()
        assert {name: row[name] for name in own} == own
        assert (row["title"], row["status"], row["marks"]["seen"]) == (title_of(1), "visible", 1)
        assert row["source_url"] == "http://central.example/doc/1"
        assert [look["kind"] for look in row["looks"]][-1] in ("look_good", "seen")
        with pytest.raises(ReadFailed) as refused:
            status(inner.out, [province.public], tmp_path / "none.toml")
        assert refused.value.reason == "relay_bad_signature"
        sealed = bytearray((inner.out / wire.STATUS_FILE).read_bytes())
        sealed[20] ^= 1
        (inner.out / wire.STATUS_FILE).write_bytes(sealed)
        with pytest.raises(ReadFailed) as refused:
            status(inner.out / wire.STATUS_FILE, [inner.public], tmp_path / "none.toml")
        assert refused.value.reason == "relay_tampered"
        feed = (inner.out / wire.FEED_FILE).read_bytes()
        (inner.out / wire.STATUS_FILE).write_bytes(feed)
        with pytest.raises(ReadFailed):
            status(inner.out, [inner.public], tmp_path / "none.toml")


@played
async def test_without_a_key_there_is_no_relay_and_a_bad_one_is_told_at_once(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province:
        await province.reload(source())
        with pytest.raises(SyncdError) as told:
            await province.desk.relay()
        assert told.value.reason == "relay_not_configured"
        assert "keygen" in told.value.hint
        province.key.write_text("not a key at all")
        with pytest.raises(SyncdError, match=r"\[relay\]: key"):
            await province.reload(source() + f'[relay]\nname = "某省"\nkey = {{ file = "{province.key}" }}\n')


def test_a_key_file_that_is_not_there_is_told_with_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(source() + '[relay]\nname = "某省"\nkey = { file = "none.key" }\n', "utf-8")
    with pytest.raises(ConfigError) as told:
        load(path, environ={})
    line = next(one for one in told.value.problems if one.startswith("[relay]: key"))
    assert str(tmp_path / "none.key") in line
    assert line.endswith("make one with: syncd relay keygen FILE")


def test_a_key_file_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    made = keygen(tmp_path / "relay.key")
    assert (tmp_path / "relay.key").stat().st_mode & 0o777 == 0o600
    assert seal.Signer((tmp_path / "relay.key").read_text()).public == made["public_key"]
    with pytest.raises(SyncdError):
        keygen(tmp_path / "relay.key")
    assert seal.Signer((tmp_path / "relay.key").read_text()).public == made["public_key"]


def test_a_damaged_blob_keeps_nothing_else_back(tmp_path: Path) -> None:
    kept = DiskBlobs(tmp_path / "blobs")
    names = [kept.put(b"one"), kept.put(b"two")]
    (tmp_path / "blobs" / names[0][:2] / names[0]).write_bytes(b"eno")
    told = {"status": "s", "feed": "f", "serial": 1, "documents": 2, "key": "k"}
    facts = {"blobs": str(tmp_path / "blobs"), "objects": names, **told}
    done = export(facts, tmp_path / "out")
    assert (done["written"], done["missing"]) == (1, 1)


@played
async def test_a_damaged_document_does_not_keep_the_others_back(tmp_path: Path) -> None:
    async with Instance(tmp_path / "a") as province, below(tmp_path / "b", province) as city:
        await begin(province)
        await city.rest()
        for n in (1, 2, 3):
            province.publish(n)
        await province.read()
        real = province.disk.real.dossier

        async def dossier(document: int) -> Any:
            if document == 2:
                raise StoreError("damaged", "revisions 2/1: its seal is broken", hint="put back the last backup")
            return await real(document)

        province.disk.dossier = dossier
        await province.export()
        await city.read()
        assert len(await city.all()) == 2
        assert [e["document"] for e in province.log.events("relay_left_out")] == [2]

        del province.disk.dossier
        province.clock.advance(700)
        await province.export()
        await city.read(1200)
        assert len(await city.all()) == 3
