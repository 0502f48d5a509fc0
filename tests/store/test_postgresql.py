"""What is special to PostgreSQL: the server goes and comes, sessions are ended, a second node asks, rights are few."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from syncd.errors import AlreadyRunning, StoreError
from syncd.model import Entry
from syncd.store import lists, marks, settings, upkeep
from syncd.store.api import Filter, Poll, SourceRow
from syncd.store.sql import SqlStore, open_store
from syncd.store.statements import Query
from syncd.store.tables import SCHEMA, metadata
from syncd.testing.store_contract import NOW, pending, reading, repost, routed
from tests.store.postgres import Server

pytestmark = pytest.mark.servers


@pytest.fixture
def url(postgresql: Server) -> str:
    return postgresql.empty()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.store.postgresql.LOCK_SECONDS", 1)
    monkeypatch.setattr("syncd.store.postgresql.START_SECONDS", 1)


@pytest.fixture
def set_aside(postgresql: Server) -> Iterator[Callable[[str], None]]:
    """Changes a setting of the role syncd until the end of the test."""
    changed: list[str] = []

    def change(setting: str) -> None:
        changed.append(setting.split("=")[0].split(" ")[0])
        postgresql.sql(f"ALTER ROLE syncd SET {setting}")

    yield change
    for name in changed:
        postgresql.sql(f"ALTER ROLE syncd RESET {name}")


def _engine(url: str, **more: Any) -> Engine:
    """A way in beside the store; its connections end with their use."""
    return create_engine(url, poolclass=NullPool, **more)


def play(url: str, scene: Callable[[SqlStore], Any], *, inline: bool = False) -> None:
    async def played() -> None:
        store = await open_store(url, inline=inline)
        try:
            await scene(store)
        finally:
            await store.aclose()

    asyncio.run(played())


# ---- the server goes and comes


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_restart_of_the_server_while_nothing_is_under_way_is_not_even_noticed(
    postgresql: Server, url: str, how: int
) -> None:
    async def scene(store: SqlStore) -> None:
        await store.put("before", "kept")
        postgresql.restart(how)
        assert await store.get("before") == "kept"
        await store.put("after", "written")
        assert await store.get("after") == "written"

    play(url, scene)


@pytest.mark.guarantee(5)
def test_while_the_server_is_away_verbs_say_unavailable_and_afterwards_they_go_on(postgresql: Server, url: str) -> None:
    async def scene(store: SqlStore) -> None:
        await store.put("before", "kept")
        postgresql.stop()
        try:
            for verb in (store.get("before"), store.put("lost", "x"), store.counts()):
                with pytest.raises(StoreError) as told:
                    await verb
                assert told.value.reason == "unavailable"
                assert "goes on by itself" in told.value.hint
                assert postgresql.password not in f"{told.value!r}{told.value}{told.value.__cause__}"
            many = await asyncio.gather(*[store.put(f"k{n}", "x") for n in range(50)], return_exceptions=True)
            assert {getattr(error, "reason", "") for error in many} == {"unavailable"}
        finally:
            postgresql.start()
        assert (await store.get("before"), await store.get("lost")) == ("kept", "")
        await store.put("after", "written")

    play(url, scene)


@pytest.mark.guarantee(1)
@pytest.mark.parametrize("inline", [True, False])
def test_a_session_that_is_ended_in_the_middle_of_a_verb_leaves_nothing_of_it(
    postgresql: Server, url: str, inline: bool
) -> None:
    def cut(conn: Any) -> None:
        settings.put(conn, "half", "no")
        assert postgresql.cut() == 1
        settings.put(conn, "other half", "no")

    async def scene(store: SqlStore) -> None:
        await store.put("kept", "yes")
        with pytest.raises(StoreError) as told:
            await store._write(cut)
        assert told.value.reason == "unavailable"
        assert (await store.get("kept"), await store.get("half"), await store.get("other half")) == ("yes", "", "")
        await store.put("half", "whole")
        assert await store.get("half") == "whole"

    play(url, scene, inline=inline)


@pytest.mark.guarantee(1)
def test_a_session_that_is_ended_under_a_load_loses_nothing_that_was_acknowledged(postgresql: Server, url: str) -> None:
    acknowledged: set[str] = set()

    async def written(store: SqlStore, worker: int) -> None:
        for n in range(60):
            name = f"k{worker}/{n}"
            [told] = await asyncio.gather(store.put(name, name), return_exceptions=True)
            assert getattr(told, "reason", "unavailable") == "unavailable"
            if told is None:
                acknowledged.add(name)

    async def cutting(times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(0.05)
            await asyncio.to_thread(postgresql.cut)

    async def scene(store: SqlStore) -> None:
        await asyncio.gather(cutting(5), *[written(store, worker) for worker in range(8)])
        for name in acknowledged:
            assert await store.get(name) == name
        assert len(acknowledged) > 200

    play(url, scene)


KILLED = """
import asyncio, os, sys
from syncd.store.sql import open_store
async def main(url):
    store = await open_store(url)
    n = int(await store.get("n") or 0)
    while True:
        n += 1
        await asyncio.gather(store.put("n", str(n)), *[store.put(f"k{n}/{i}", str(n)) for i in range(5)])
        os.write(1, f"{n}\\n".encode())
asyncio.run(main(os.environ["DATABASE"]))
"""


@pytest.mark.guarantee(1)
def test_a_killed_process_loses_nothing_that_was_acknowledged_and_frees_the_database_at_once(url: str) -> None:
    for lines in (1, 7, 20):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED], stdout=subprocess.PIPE, env={**os.environ, "DATABASE": url}
        )
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(lines)]
        os.kill(child.pid, signal.SIGKILL)
        told += [int(line) for line in child.stdout.read().splitlines(keepends=True) if line.endswith(b"\n")]
        child.stdout.close()
        child.wait()

        async def expected(store: SqlStore, last: int = told[-1]) -> None:
            assert int(await store.get("n")) in (last, last + 1)
            for n in range(1, last + 1):
                assert [await store.get(f"k{n}/{i}") for i in range(5)] == [str(n)] * 5

        play(url, expected)


# ---- one writer


@pytest.mark.guarantee(2)
@pytest.mark.usefixtures("impatient")
def test_a_second_syncd_is_refused_and_told_how_to_free_the_database(postgresql: Server, url: str) -> None:
    async def scene(store: SqlStore) -> None:
        with pytest.raises(AlreadyRunning) as told:
            await open_store(url)
        [pid] = postgresql.sessions()
        assert f"pg_terminate_backend({pid})" in told.value.hint
        assert "127.0.0.1" in told.value.message
        await store.put("still", "mine")

    play(url, scene)
    play(url, lambda store: store.put("free", "again"))


@pytest.mark.guarantee(2)
@pytest.mark.usefixtures("impatient")
def test_who_was_cut_off_and_replaced_writes_nothing_until_the_other_has_gone(postgresql: Server, url: str) -> None:
    async def scene(store: SqlStore) -> None:
        await store.put("who", "first")
        postgresql.cut()
        other = await open_store(url)
        for verb in (store.put("who", "first again"), store.get("who")):
            with pytest.raises(StoreError) as told:
                await verb
            assert told.value.reason == "locked"
            assert "another syncd" in told.value.message
        await other.put("who", "second")
        await other.aclose()
        assert await store.get("who") == "second"
        await store.put("who", "first again")

    play(url, scene)


@pytest.mark.guarantee(2)
def test_every_verb_runs_in_the_session_that_holds_the_lock(postgresql: Server, url: str) -> None:
    """A connection that the library renews by itself would have no lock."""

    def locks(conn: Any) -> int:
        asked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()"
        return int(conn.exec_driver_sql(asked).scalar())

    def cut(conn: Any) -> None:
        assert postgresql.cut() == 1
        settings.put(conn, "a", "b")

    async def cut_in_a_verb(store: SqlStore) -> None:
        with pytest.raises(StoreError):
            await store._write(cut)

    async def scene(store: SqlStore) -> None:
        idle = (lambda: None, postgresql.cut, postgresql.restart, lambda: postgresql.restart(signal.SIGQUIT))
        for harm in idle:
            harm()
            assert await store._read(locks) == 1
            assert await store._write(locks) == 1
        await cut_in_a_verb(store)
        assert await store._read(locks) == 1
        await cut_in_a_verb(store)
        assert await store._write(locks) == 1

    play(url, scene)


@pytest.mark.guarantee(2)
@pytest.mark.usefixtures("impatient")
def test_a_start_waits_for_the_session_of_a_machine_that_has_died(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its session ends by itself, but only after a while: a start that gave up at once would never be tried again."""
    monkeypatch.setattr("syncd.store.postgresql.START_SECONDS", 20)

    async def scene(store: SqlStore) -> None:
        starting = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(open_store(url))))
        await asyncio.sleep(2)
        assert not starting.done()
        await store.aclose()
        other = await starting
        await other.put("who", "the next")
        await other.aclose()

    play(url, scene)


def test_a_dead_peer_is_noticed_by_the_server_before_a_start_gives_up(url: str) -> None:
    from syncd.store.postgresql import START_SECONDS

    def shown(conn: Any, name: str) -> int:
        return int(str(conn.exec_driver_sql(f"SHOW {name}").scalar()).removesuffix("s"))

    async def scene(store: SqlStore) -> None:
        names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count")
        idle, interval, count = await store._read(lambda conn: [shown(conn, name) for name in names])
        assert idle > 0
        assert idle + interval * count < START_SECONDS

    play(url, scene)


def test_two_schemas_of_one_database_are_two_states(postgresql: Server) -> None:
    async def scene(one: SqlStore) -> None:
        other = await open_store(postgresql.empty())
        await one.put("who", "one")
        assert await other.get("who") == ""
        await other.aclose()

    play(postgresql.empty(), scene)


# ---- what its errors mean


@pytest.mark.guarantee(5)
@pytest.mark.usefixtures("impatient")
def test_a_table_that_a_person_holds_is_locked_and_goes_on_when_it_is_free(url: str) -> None:
    import psycopg

    async def scene(store: SqlStore) -> None:
        with psycopg.connect(url.replace("+psycopg", "")) as person:
            person.execute("LOCK TABLE settings")
            with pytest.raises(StoreError) as told:
                await store.put("a", "b")
            assert told.value.reason == "locked"
            assert told.value.hint
        await store.put("a", "b")

    play(url, scene)


@pytest.mark.guarantee(5)
def test_a_server_that_takes_no_writes_is_read_only_and_can_be_read(
    postgresql: Server, url: str, set_aside: Callable[[str], None]
) -> None:
    async def scene(store: SqlStore) -> None:
        await store.put("a", "b")
        set_aside("default_transaction_read_only = on")
        postgresql.cut()
        assert await store.get("a") == "b"
        with pytest.raises(StoreError) as told:
            await store.put("a", "c")
        assert told.value.reason == "read_only"
        assert "standby" in told.value.hint

    play(url, scene)


@pytest.mark.guarantee(5)
def test_a_server_without_a_free_connection_says_so(postgresql: Server, url: str) -> None:
    postgresql.sql("ALTER ROLE syncd CONNECTION LIMIT 0")
    try:
        with pytest.raises(StoreError) as told:
            asyncio.run(open_store(url))
    finally:
        postgresql.sql("ALTER ROLE syncd CONNECTION LIMIT -1")
    assert told.value.reason == "unavailable"
    assert "max_connections" in told.value.hint


@pytest.mark.guarantee(5)
@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("53100", "disk_full"),
        ("53200", "unavailable"),
        ("53300", "unavailable"),
        ("40001", "locked"),
        ("40P01", "locked"),
        ("55P03", "locked"),
        ("25006", "read_only"),
        ("XX001", "damaged"),
        ("42501", "unavailable"),
        ("57P01", "unavailable"),
    ],
)
def test_what_the_server_reports_is_told_by_what_to_do_and_nothing_stays_of_the_verb(
    url: str, state: str, reason: str
) -> None:
    """The server itself raises it, in the middle of a verb."""

    def struck(conn: Any) -> None:
        settings.put(conn, "half", "no")
        conn.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION 'struck' USING ERRCODE = '{state}'; END $$")

    async def scene(store: SqlStore) -> None:
        told = await asyncio.gather(store._write(struck), store.put("a", "b"), return_exceptions=True)
        assert isinstance(told[0], StoreError)
        assert (told[0].reason, state in told[0].message, bool(told[0].hint)) == (reason, True, True)
        assert (await store.get("a") == "b") == (told[1] is None)
        await store.put("a", "b")
        assert (await store.get("a"), await store.get("half")) == ("b", "")

    play(url, scene)


def test_a_value_that_the_database_refuses_fails_its_own_verb_only(url: str) -> None:
    def too_large(conn: Any) -> None:
        settings.put(conn, "half", "no")
        lists._READ(conn, source="甲", since=2**70, until=0, reads=1, reason="", evidence="")

    async def scene(store: SqlStore) -> None:
        told = await asyncio.gather(store._write(too_large), store.put("a", "b"), return_exceptions=True)
        assert [getattr(error, "reason", None) for error in told] == ["constraint", None]
        assert (await store.get("a"), await store.get("half")) == ("b", "")

    play(url, scene)


def test_a_role_without_rights_is_told_what_to_give_it(postgresql: Server) -> None:
    postgresql.sql("CREATE SCHEMA forbidden", database="syncd")
    url = f"{postgresql.url()}?options=-csearch_path%3Dforbidden"
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store(url))
    assert told.value.reason == "unavailable"
    assert "docs/database.md" in told.value.hint


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ({"password": "wrong-word"}, "log-in"),
        ({"user": "nobody-here"}, "log-in"),
        ({"database": "nothing"}, "make role and database first"),
    ],
)
def test_a_connection_that_is_refused_says_why_and_never_the_password(
    postgresql: Server, asked: dict[str, str], hint: str
) -> None:
    url = postgresql.url(**asked)
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store(url))
    assert told.value.reason == "unavailable"
    assert hint in told.value.hint
    for secret in (postgresql.password, "wrong-word"):
        assert secret not in f"{told.value!r} {told.value} {told.value.where} {told.value.__cause__!r}"


def test_a_socket_is_an_address_too(postgresql: Server) -> None:
    url = f"postgresql+psycopg://syncd:{postgresql.password}@/syncd?host={postgresql.root}&port={postgresql.port}"

    async def scene(store: SqlStore) -> None:
        assert store.where == f"PostgreSQL database syncd at {postgresql.root}"
        await store.put("a", "b")

    play(url, scene)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql+psycopg2://u:{}@h/d",
        "postgresql+psycopg://u:{}",
        "postgresql+psycopg://u@h:{}/d",
        "postgres://u:{}@h/d",
        "nonsense {}",
        "postgresql+psycopg://u:{}@127.0.0.1:1/d?connect_timeout=2",
        "postgresql+psycopg://u@127.0.0.1:1/d?password={}&connect_timeout=2",
        "postgresql+psycopg://u:{}@127.0.0.1/d?nonsense=1",
    ],
)
def test_an_address_that_leads_nowhere_is_told_without_its_password(address: str) -> None:
    word = "s3cr3t-w0rd"
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store(address.format(word)))
    assert told.value.hint
    assert word not in f"{told.value!r} {told.value} {told.value.where} {told.value.__cause__!r}"


def test_without_psycopg_the_hint_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "syncd.store.postgresql", raising=False)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store("postgresql+psycopg://u:p@127.0.0.1/d"))
    assert (told.value.reason, told.value.hint) == (
        "unsupported_database",
        "run: pip install 'syncd[postgresql]'",
    )


def test_a_database_of_another_encoding_is_refused(postgresql: Server) -> None:
    postgresql.sql("CREATE DATABASE latin OWNER syncd TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store(postgresql.url(database="latin")))
    assert told.value.reason == "unsupported_database"
    assert "UTF8" in told.value.hint


@pytest.mark.guarantee(1)
def test_a_commit_is_durable_whatever_the_role_has_set(url: str, set_aside: Callable[[str], None]) -> None:
    set_aside("synchronous_commit = off")

    async def scene(store: SqlStore) -> None:
        assert await store._read(lambda conn: conn.exec_driver_sql("SHOW synchronous_commit").scalar()) == "on"

    play(url, scene)


# ---- rows


DAMAGE = {
    "documents": "UPDATE documents SET data = replace(data, '通知', '通如') WHERE id = 2",
    "revisions": "UPDATE revisions SET content = set_byte(content, 20, 0) WHERE document = 2",
    "reposts": "UPDATE reposts SET sent = 1 WHERE document = 2",
    "events": "UPDATE events SET document = 1 WHERE id = 3",
}


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("table", DAMAGE)
def test_a_row_that_is_not_what_was_written_is_named_on_read_and_by_the_scrub(url: str, table: str) -> None:
    async def scene(store: SqlStore) -> None:
        for n in range(3):
            found = await store.record_reading(reading(f"number:{n}"))
            await routed(store, found.document.id, repost(found.document.id))
        assert await store._write(lambda conn: conn.exec_driver_sql(DAMAGE[table]).rowcount) == 1
        with pytest.raises(StoreError) as told:
            [await store.story(id) for id in (1, 2, 3)]
        assert told.value.reason == "damaged"
        assert told.value.where.startswith(table)
        found_damage = [line for _ in range(10) for line in await store.scrub(3)]
        assert found_damage
        assert all(line.startswith(f"{table} ") for line in found_damage)

    play(url, scene)


def test_numbers_of_64_bits_and_ids_beyond_32_are_kept(url: str) -> None:
    async def scene(store: SqlStore) -> None:
        await store._write(lambda conn: [_raised(conn, table) for table in ("documents", "reposts", "sources")])
        far = NOW + timedelta(days=365_000)
        await store.record_poll(Poll(SourceRow("甲", far), pending=(pending(entry=Entry("k", "t", "u")),), at=NOW))
        found = await store.record_reading(reading("number:1"))
        [stored] = await routed(store, found.document.id, repost(found.document.id, due=far))
        assert found.document.id > 2**40
        assert stored.id > 2**40
        assert (await store.story(stored.id)).repost.due == far
        assert [d.id for d in await store.find_documents(["number:1"])] == [found.document.id]
        assert len(await store.due_looks(NOW + timedelta(hours=2), 9)) == 1

    play(url, scene)


def _raised(conn: Any, table: str) -> None:
    conn.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {2**40})")


# ---- the schema


def test_alembic_sees_no_difference_between_the_migrations_and_the_metadata(url: str) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    play(url, lambda store: store.put("a", "b"))
    with _engine(url).connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []


def test_migrations_and_metadata_make_the_same_columns_and_indexes(postgresql: Server, url: str) -> None:
    """Alembic does not compare everything, such as the condition of an index."""
    play(url, lambda store: store.put("a", "b"))
    drawn = postgresql.empty()
    with _engine(drawn).begin() as conn:
        metadata.create_all(conn)
    assert _schema(url) - _schema(drawn) == {("alembic_version", "version_num", "character varying(32)", True)}
    assert _schema(drawn) <= _schema(url)
    assert ("reposts", "due", "bigint", True) in _schema(url)


def _schema(url: str) -> set[tuple[Any, ...]]:
    place = url.rpartition("%3D")[2]
    columns = (
        "SELECT relname, attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = %s::regnamespace AND relkind = 'r' AND attnum > 0"
    )
    indexes = "SELECT tablename, replace(indexdef, %s, '') FROM pg_indexes WHERE schemaname = %s"
    with _engine(url).connect() as conn:
        found = {tuple(row) for row in conn.exec_driver_sql(columns, (place,))}
        found |= {tuple(row) for row in conn.exec_driver_sql(indexes, (f"{place}.", place))}
    return {row for row in found if row[0] != "alembic_version" or len(row) == 4}


def test_a_state_of_a_newer_syncd_is_refused_and_left_alone(url: str) -> None:
    play(url, lambda store: store.put("a", "b"))
    with _engine(url).begin() as conn:
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError) as told:
        asyncio.run(open_store(url))
    assert told.value.reason == "newer_schema"
    assert "9999" in str(told.value)
    with _engine(url).begin() as conn:
        conn.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{SCHEMA}'")
    play(url, lambda store: store.put("a", "b"))


def test_a_state_that_was_upgraded_while_we_were_cut_off_is_not_written(postgresql: Server, url: str) -> None:
    async def scene(store: SqlStore) -> None:
        with _engine(url).begin() as conn:
            conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        postgresql.cut()
        with pytest.raises(StoreError) as told:
            await store.put("a", "b")
        assert told.value.reason == "newer_schema"

    play(url, scene)


def test_a_dump_is_put_back_as_the_documentation_says(postgresql: Server, tmp_path: Path) -> None:
    postgresql.sql("CREATE DATABASE dumped OWNER syncd TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    url = postgresql.url(database="dumped")
    stored: list[Any] = []

    async def before(store: SqlStore) -> None:
        found = await store.record_reading(reading("number:1"))
        stored.extend(await routed(store, found.document.id, repost(found.document.id)))
        postgresql.tool("pg_dump", "--format=custom", f"--file={tmp_path}/d", "--dbname=dumped")
        await store.save(stored[0])

    async def after(store: SqlStore) -> None:
        assert [r for r, _ in await store.reposts(Filter())] == stored
        assert (await store.record_reading(reading("number:2"))).document.id > stored[0].document
        assert await store.scrub(100) == []

    play(url, before)
    postgresql.tool("pg_restore", "--clean", "--if-exists", "--dbname=dumped", f"{tmp_path}/d")
    play(url, after)


# ---- what it costs


def test_fifty_waiters_share_a_few_commits(url: str) -> None:
    async def scene(store: SqlStore) -> None:
        before = store.commits
        await asyncio.gather(*[store.put(f"k{n}", "v") for n in range(50)])
        assert store.commits - before <= 5

    play(url, scene)


_DUE = {"now": 1, "absurd_busy": 2**60, "absurd_rest": 2**60, "most": 10}


@pytest.mark.parametrize(
    ("query", "values", "index"),
    [
        (marks._DUE, _DUE, "ix_reposts_due"),
        (marks._UNAPPROVED, {"most": 10}, "ix_reposts_waiting"),
        (upkeep._OPEN, {}, "ix_reposts_open"),
        (upkeep._ATTENTION, {}, "ix_reposts_attention"),
        (upkeep._UNROUTED, {"generation": 1, "most": 10}, "ix_documents_routed"),
        (lists._DUE_PENDING, {"now": 1, "absurd": 2**60, "most": 10}, "ix_pendings_due"),
    ],
)
def test_an_idle_search_reads_its_index_and_touches_no_row_beside_twenty_thousand_at_rest(
    many: str, query: Query, values: dict[str, int], index: str
) -> None:
    def explained(conn: Any) -> Any:
        text, order, own = query._text(conn)
        told = conn.exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}",
            tuple(values[n] if n in values else own[n] for n in order),
        ).scalar()
        return json.loads(told) if isinstance(told, str) else told

    async def scene(store: SqlStore) -> None:
        [plan] = await store._read(explained)
        nodes = list(_nodes(plan["Plan"]))
        on_tables = [node for node in nodes if "Relation Name" in node]
        assert index in {node.get("Index Name") for node in nodes}
        assert all(node["Node Type"] != "Seq Scan" for node in on_tables), nodes
        assert sum(node["Actual Rows"] * node["Actual Loops"] for node in on_tables) == 0
        # A few pages of the index from its root downwards; the tables have hundreds.
        assert plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"] <= 24

    play(many, scene)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)


@pytest.fixture(scope="module")
def many(postgresql: Server) -> str:
    """A state with twenty thousand finished reposts and their documents, as a year leaves it behind."""
    url = postgresql.empty()

    async def scene(store: SqlStore) -> None:
        found = await store.record_reading(reading("number:1"))
        [stored] = await routed(store, found.document.id, repost(found.document.id, due=NOW + timedelta(days=7)))
        await store.save(stored)
        await store.record_poll(Poll(SourceRow("甲", NOW), pending=(pending(held="flood"),), at=NOW))
        await store._write(_copied)

    play(url, scene)
    with _engine(url, isolation_level="AUTOCOMMIT").connect() as conn:
        conn.exec_driver_sql("VACUUM ANALYZE")
    return url


def _copied(conn: Any) -> None:
    """The rows again and again, as they look at rest."""
    rest = {"reposts": "document site", "documents": "", "pendings": "key"}
    for table, unlike in rest.items():
        names = [c.name for c in metadata.tables[table].c if c.name != "id"]
        told = ", ".join(
            f"{n}::text || i" if n == "site" else f"{n} + i" if n in unlike.split() else f'"{n}"' for n in names
        )
        listed = ", ".join(f'"{n}"' for n in names)
        conn.exec_driver_sql(
            f"INSERT INTO {table} ({listed}) SELECT {told} FROM {table}, generate_series(1, 20000) AS i"
        )
    conn.exec_driver_sql("UPDATE documents SET routed = 1")
    conn.exec_driver_sql("UPDATE reposts SET busy = 0, calls = 0, waiting = 0, attention = 0, open = 0")


def test_the_filtered_list_of_reposts_runs_as_it_is_asked(url: str) -> None:
    async def scene(store: SqlStore) -> None:
        found = await store.record_reading(reading("number:1"))
        [stored] = await routed(store, found.document.id, repost(found.document.id))
        whole = Filter("县", "甲", (stored.id,), (found.document.id,), NOW, NOW + timedelta(1), limit=5, offset=0)
        assert [r.id for r, _ in await store.reposts(whole)] == [stored.id]
        assert await store.per_site() == {"县": (0, 0)}

    play(url, scene)
