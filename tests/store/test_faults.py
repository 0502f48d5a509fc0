"""What the store does when the disk is full, read-only or damaged, and when its process is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncd.errors import StoreError
from syncd.model import Entry
from syncd.store import reserve
from syncd.store.api import Filter, Poll, SourceRow
from syncd.store.reserve import Reserve
from syncd.store.sql import SqlStore, open_store
from syncd.testing.store_contract import NOW, content, pending, reading, repost, revision, routed


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/syncd.sqlite3"


async def _filled(url: str, *, count: int = 3) -> None:
    store = await open_store(url)
    for n in range(count):
        found = await store.record_reading(reading(f"number:{n}"))
        await routed(store, found.document.id, repost(found.document.id))
    await store.aclose()


def _child(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own: limits on a process can't be taken back."""
    head = "import asyncio, resource, signal, sys, os\nfrom syncd.errors import StoreError\n"
    head += "from syncd.store.sql import open_store\n"
    return subprocess.run([sys.executable, "-c", head + code, *args], capture_output=True, text=True, timeout=60)


LIMITED = """
async def main(url):
    store = await open_store(url)
    done = 0
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    try:
        while done < 100:
            await store.put(f"k{done}", "x" * 100_000)
            done += 1
    except StoreError as error:
        print(error.reason, bool(error.hint), done)
    assert await store.get("k0") == "x" * 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await store.put("after", "room")
    print(await store.get("after"))
    await store.aclose()
asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.guarantee(5)
def test_a_limit_on_file_size_is_disk_full_and_it_goes_on_when_there_is_room(url: str) -> None:
    ran = _child(LIMITED, url)
    assert ran.returncode == 0, ran.stderr
    (reason, hinted, done), (after,) = (line.split() for line in ran.stdout.splitlines())
    assert (reason, hinted, after) == ("disk_full", "True", "room")

    async def reopened() -> None:
        store = await open_store(url)
        assert await store.get(f"k{int(done) - 1}") == "x" * 100_000
        assert await store.get(f"k{done}") == ""
        await store.aclose()

    asyncio.run(reopened())


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("inline", [True, False])
def test_a_full_disk_loses_the_whole_verb_and_nothing_that_was_acknowledged(url: str, inline: bool) -> None:
    async def scene() -> None:
        store = await open_store(url, inline=inline)
        _limit_pages(store, extra=10)
        done = 0
        told = None
        while told is None:
            try:
                await store.put(f"k{done}", "x" * 5000)
                done += 1
            except StoreError as error:
                told = error
        assert told.reason == "disk_full"
        assert "room" in told.hint
        assert done > 0
        # A poll that does not fit leaves neither its entries nor its validators.
        big = pending("big", entry=Entry("big", "x" * 100_000, "u"))
        with pytest.raises(StoreError):
            await store.record_poll(Poll(SourceRow("甲", NOW, body="new"), pending=(big,), at=NOW))
        assert await store.sources() == []
        assert await store.pendings() == []
        assert await store.get(f"k{done - 1}") == "x" * 5000
        _limit_pages(store, extra=1000)
        await store.record_poll(Poll(SourceRow("甲", NOW, body="new"), pending=(big,), at=NOW))
        assert len(await store.pendings()) == 1
        await store.aclose()

    asyncio.run(scene())


def _limit_pages(store: SqlStore, *, extra: int) -> None:
    """As if the disk had room for so many more pages. The store rests meanwhile."""
    runner = store._runner
    session = runner.session
    pages = session.conn.exec_driver_sql("PRAGMA page_count").scalar()
    session.conn.exec_driver_sql(f"PRAGMA max_page_count={pages + extra}")
    session.conn.rollback()


def test_one_full_verb_of_a_group_fails_all_of_it_and_nobody_was_told_otherwise(url: str) -> None:
    async def scene() -> None:
        store = await open_store(url)
        _limit_pages(store, extra=20)
        small = [store.put(f"k{n}", "v") for n in range(5)]
        told = await asyncio.gather(*small, store.put("big", "x" * 1_000_000), return_exceptions=True)
        for n, outcome in enumerate(told[:5]):
            assert (await store.get(f"k{n}") == "v") == (outcome is None)
        assert isinstance(told[5], StoreError)
        await store.aclose()

    asyncio.run(scene())


READ_ONLY = """
async def main(url):
    store = await open_store(url)
    print(len(await store.pendings()), (await store.counts()).reposts)
    try:
        await store.put("a", "b")
    except StoreError as error:
        print(error.reason, error.hint)
    await store.aclose()
os.setgroups([]) if os.getuid() == 0 else None
os.setuid(65534) if os.getuid() == 0 else None
asyncio.run(main(sys.argv[1]))
"""


@pytest.fixture
def readable() -> Iterator[Path]:
    """A directory that another user can enter and read, and nobody can write."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        place.chmod(0o755)
        yield place
        place.chmod(0o755)


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_read_only_state_can_be_read_and_says_what_to_do(readable: Path, what: str) -> None:
    url = f"sqlite:///{readable}/syncd.sqlite3"
    asyncio.run(_filled(url))
    (readable / "syncd.sqlite3-journal").unlink(missing_ok=True)
    (readable / "syncd.sqlite3").chmod(0o444)
    if what == "directory":
        readable.chmod(0o555)
    ran = _child(READ_ONLY, url)
    if "Permission" in ran.stderr and "syncd" not in ran.stderr.split("Permission")[0]:
        pytest.skip("this interpreter can't be run by another user")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == "0 3"
    assert ran.stdout.splitlines()[1].startswith("read_only make state_dir")


def _tamper(url: str, sql: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        assert raw.execute(sql).rowcount == 1
    raw.close()


DAMAGE = {
    "documents": "UPDATE documents SET data = replace(data, '通知', '通如') WHERE id = 2",
    "revisions": "UPDATE revisions SET content = CAST(substr(content, 1, 20) || x'00' || substr(content, 22) AS BLOB)"
    " WHERE document = 2",
    "reposts": "UPDATE reposts SET sent = 1 WHERE document = 2",
    "events": "UPDATE events SET document = 1 WHERE id = 3",
}


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("table", DAMAGE)
def test_a_row_that_is_not_what_was_written_is_named_on_read_and_by_the_scrub(url: str, table: str) -> None:
    asyncio.run(_filled(url))
    _tamper(url, DAMAGE[table])

    async def scene() -> None:
        store = await open_store(url)
        with pytest.raises(StoreError) as told:
            [await store.story(id) for id in (1, 2, 3)]
        assert told.value.reason == "damaged"
        assert told.value.where.startswith(table)
        assert "backup" in told.value.hint
        found = [line for _ in range(10) for line in await store.scrub(3)]
        assert found
        assert all(line.startswith(f"{table} ") for line in found)
        await store.aclose()

    asyncio.run(scene())


@pytest.mark.guarantee(5)
def test_single_flipped_bits_in_the_file_are_never_read_as_something_else(url: str, tmp_path: Path) -> None:
    """Whatever bit flips, the store refuses, or what it tells of a repost's story is what was written."""
    asyncio.run(_filled(url))
    whole = (tmp_path / "syncd.sqlite3").read_bytes()
    truth = asyncio.run(_told(url))
    assert not isinstance(truth, StoreError)
    wrong, noticed = [], 0
    for at in range(4096 + 13, len(whole), len(whole) // 150):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << (at % 8)
        (tmp_path / "syncd.sqlite3").write_bytes(flipped)
        told = asyncio.run(_told(url))
        if isinstance(told, StoreError):
            noticed += 1
        elif told != truth:
            wrong.append(at)
    assert noticed > 0
    assert wrong == []


async def _told(url: str) -> object:
    try:
        store = await open_store(url, inline=True)
    except StoreError as error:
        return error
    try:
        ids = (1, 2, 3)
        return [(s.repost, s.document, s.revisions, s.events) for s in [await store.story(id) for id in ids]]
    except StoreError as error:
        return error
    finally:
        await store.aclose()


@pytest.mark.parametrize(
    "harm", [lambda b: b[: len(b) // 2], lambda b: b[:8192] + bytes(4096) + b[12288:], lambda b: b"junk" * 2000]
)
def test_a_torn_file_is_refused_at_start(url: str, tmp_path: Path, harm: object) -> None:
    asyncio.run(_filled(url))
    file = tmp_path / "syncd.sqlite3"
    file.write_bytes(harm(file.read_bytes()))  # type: ignore[operator]
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store(url))
    assert told.value.reason == "damaged"
    assert "backup" in told.value.hint


KILLED = """
async def main(url):
    store = await open_store(url)
    n = int(await store.get("n") or 0)
    while True:
        n += 1
        await asyncio.gather(store.put("n", str(n)), *[store.put(f"k{n}/{i}", str(n)) for i in range(5)])
        os.write(1, f"{n}\\n".encode())
asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.guarantee(1)
def test_a_killed_process_loses_nothing_that_was_acknowledged(url: str) -> None:
    acknowledged = 0
    code = "import asyncio, os, sys\nfrom syncd.store.sql import open_store\n" + KILLED
    for lines in (1, 7, 20):
        child = subprocess.Popen([sys.executable, "-c", code, url], stdout=subprocess.PIPE)
        assert child.stdout is not None
        for _ in range(lines):
            acknowledged = int(child.stdout.readline())
        os.kill(child.pid, signal.SIGKILL)
        acknowledged = _last(child, acknowledged)
        child.wait()
        asyncio.run(_expect(url, acknowledged))


def _last(child: subprocess.Popen[bytes], seen: int) -> int:
    """The last number that the child told before it died."""
    assert child.stdout is not None
    whole = [line for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
    child.stdout.close()
    return int(whole[-1]) if whole else seen


async def _expect(url: str, acknowledged: int) -> None:
    store = await open_store(url)
    assert int(await store.get("n")) in (acknowledged, acknowledged + 1)
    for n in range(1, acknowledged + 1):
        assert [await store.get(f"k{n}/{i}") for i in range(5)] == [str(n)] * 5
    await store.aclose()


@pytest.mark.guarantee(1)
def test_a_crash_in_the_middle_of_a_verb_leaves_nothing_of_it() -> None:
    async def scene() -> None:
        store = await open_store("sqlite://", inline=True)
        await store.put("kept", "yes")
        with pytest.raises(RuntimeError):
            await store._write(_half_a_verb)
        again = store.crash()
        assert (await again.get("kept"), await again.get("half")) == ("yes", "")
        with pytest.raises(StoreError):
            await store.get("kept")
        await again.aclose()

    asyncio.run(scene())


def _half_a_verb(conn: object) -> None:
    from syncd.store import settings

    settings.put(conn, "half", "no")  # type: ignore[arg-type]
    raise RuntimeError("killed here")


def test_the_reserve_is_given_up_once_and_made_again_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "SIZE", 65536)
    held = Reserve(tmp_path / "reserve")
    assert held.held
    assert (tmp_path / "reserve").stat().st_size == 65536
    held.release()
    assert not held.held
    assert not (tmp_path / "reserve").exists()
    held.restore()
    assert held.held
    monkeypatch.setattr(reserve, "SIZE", 1 << 60)
    held.release()
    held.restore()
    assert not held.held


def test_a_full_disk_gives_the_reserve_up(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reserve, "SIZE", 65536)

    async def scene() -> None:
        store = await open_store(url)
        assert (tmp_path / "syncd.reserve").exists()
        _limit_pages(store, extra=5)
        with pytest.raises(StoreError):
            await store.put("big", "x" * 100_000)
        assert not (tmp_path / "syncd.reserve").exists()
        await store.aclose()

    asyncio.run(scene())


def test_another_process_that_holds_the_database_is_locked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.sqlite.BUSY_SECONDS", 0.05)

    async def scene() -> None:
        store = await open_store(url)
        other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError) as told:
            await store.put("a", "b")
        assert told.value.reason == "locked"
        other.execute("ROLLBACK")
        other.close()
        await store.put("a", "b")
        await store.aclose()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("mysql://h/d", "unsupported_database"),
        ("nonsense", "unsupported_database"),
        ("sqlite:////no/such/dir/x", "read_only"),
    ],
)
def test_a_database_that_can_not_be_opened_says_why(asked: str, reason: str) -> None:
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store(asked))
    assert told.value.reason == reason
    assert told.value.hint


def test_content_of_any_size_and_script_comes_back(url: str) -> None:
    async def scene() -> None:
        store = await open_store(url)
        long = content(text="𠮷野家\x00\u202e" * 50_000)
        found = await store.record_reading(reading("number:1", revision=revision(content=long)))
        assert (await store.revision(found.document.id, 1)).content == long
        assert len(await store.reposts(Filter())) == 0
        await store.aclose()

    asyncio.run(scene())
