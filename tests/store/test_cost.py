"""What the store costs, counted in commits, statements and rows looked at, never in time."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine

import syncd.store.statements
from syncd.errors import StoreError
from syncd.store import marks, upkeep
from syncd.store.api import Filter, Poll, Sighting, SourceRow
from syncd.store.migrations import head
from syncd.store.sql import SqlStore, open_store
from syncd.store.statements import CHUNK, Query, execute
from syncd.store.tables import SCHEMA, metadata
from syncd.testing.store_contract import NOW, reading, repost, routed


def _connection(store: SqlStore) -> sqlite3.Connection:
    runner = store._runner
    session = runner.session
    raw = session.conn.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements that verbs give to the driver meanwhile; an executemany is one."""
    sent: list[str] = []
    real = syncd.store.statements.execute

    def noting(conn: Connection, statement: str, values: Sequence[object] = (), *, many: bool = False) -> object:
        sent.append(statement)
        return real(conn, statement, values, many=many)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(syncd.store.statements, "execute", noting)
        yield sent


def test_fifty_waiters_share_a_few_commits(tmp_path: Path) -> None:
    async def scene() -> None:
        store = await open_store(f"sqlite:///{tmp_path}/s.sqlite3")
        begun: list[str] = []
        _connection(store).set_trace_callback(
            lambda sql: begun.append(sql) if sql.startswith(("BEGIN", "COMMIT")) else None
        )
        before = store.commits
        await asyncio.gather(*[store.put(f"k{n}", "v") for n in range(50)])
        assert store.commits - before <= 5
        assert sum(1 for sql in begun if sql == "COMMIT") == store.commits - before
        await store.aclose()

    asyncio.run(scene())


def test_reads_that_wait_together_share_one_view_and_one_that_fails_fails_alone(tmp_path: Path) -> None:
    def bad(conn: Connection) -> None:
        execute(conn, "SELECT nothing FROM nowhere")

    async def scene() -> None:
        store = await open_store(f"sqlite:///{tmp_path}/s.sqlite3")
        await store.put("k", "v")
        begun: list[str] = []
        _connection(store).set_trace_callback(lambda sql: begun.append(sql) if sql.startswith("BEGIN") else None)
        told = await asyncio.gather(
            *[store.get("k") for _ in range(20)], store._read(bad), store.document(7),
            *[store.get("k") for _ in range(20)], return_exceptions=True,
        )
        assert [each for each in told if each == "v"] == ["v"] * 40
        reasons = [each.reason for each in told if isinstance(each, StoreError)]
        assert reasons == ["unavailable", "not_found"]
        assert len(begun) <= 6
        await store.aclose()

    asyncio.run(scene())


def test_a_verb_that_fails_in_a_group_fails_alone(tmp_path: Path) -> None:
    async def scene() -> None:
        store = await open_store(f"sqlite:///{tmp_path}/s.sqlite3")
        found = await store.record_reading(reading("number:1"))
        [stored] = await routed(store, found.document.id, repost(found.document.id))
        told = await asyncio.gather(
            *[store.save(stored) for _ in range(10)], store.put("a", "b"), return_exceptions=True
        )
        assert sum(1 for outcome in told[:10] if not isinstance(outcome, Exception)) == 1
        assert {getattr(outcome, "reason", "") for outcome in told[:10] if isinstance(outcome, Exception)} == {"stale"}
        assert await store.get("a") == "b"
        id = found.document.id
        twice = store.record_routing(id, 1, 1, [repost(id, "市"), repost(id)], [])
        late = store.record_routing(id, 1, 1, [repost(id, "省"), stored], [])
        refused, stale, done = await asyncio.gather(twice, late, store.put("c", "d"), return_exceptions=True)
        assert [getattr(error, "reason", "") for error in (refused, stale)] == ["constraint", "stale"]
        assert (done, await store.get("c")) == (None, "d")
        assert [r.site for r, _ in await store.reposts(Filter())] == ["县"]
        await store.aclose()

    asyncio.run(scene())


def test_a_poll_and_a_journal_of_many_sources_are_one_commit_each() -> None:
    async def scene() -> None:
        store = await open_store("sqlite://", inline=True)
        before = store.commits
        await store.record_poll(Poll(SourceRow("甲", NOW), tuple(Sighting(n, n, (n,)) for n in range(20)), at=NOW))
        await store.journal([SourceRow(f"源{n}", NOW, good=NOW) for n in range(100)], NOW)
        await store.journal([], NOW)
        assert store.commits - before == 2
        await store.aclose()

    asyncio.run(scene())


def test_ten_thousand_sightings_take_a_bounded_number_of_statements() -> None:
    seen = tuple(Sighting(n, n, (n, -n - 1)) for n in range(10_000))

    async def scene() -> None:
        store = await open_store("sqlite://", inline=True)
        with statements() as sent:
            await store.record_poll(Poll(SourceRow("甲", NOW), seen, at=NOW))
        assert len(sent) <= 10
        with statements() as sent:
            await store.known("甲", [s.key for s in seen], [a for s in seen for a in s.aliases])
        assert len(sent) <= 30_000 / CHUNK + 5
        await store.aclose()

    asyncio.run(scene())


def _plan(store: SqlStore, query: Query, **values: object) -> list[str]:
    session = store._runner.session  # type: ignore[attr-defined]
    text, order, own = query._text(session.conn)
    rows = _connection(store).execute(f"EXPLAIN QUERY PLAN {text}", [values.get(n, own.get(n)) for n in order])
    return [row[3] for row in rows]


def test_an_idle_search_for_due_reposts_looks_at_the_index_only() -> None:
    async def scene() -> None:
        store = await open_store("sqlite://", inline=True)
        for n in range(50):
            found = await store.record_reading(reading(f"number:{n}"))
            await routed(store, found.document.id, repost(found.document.id, due=NOW + timedelta(hours=1)))
        values = {"now": 1, "absurd_busy": 2, "absurd_rest": 2, "most": 10}
        plan = _plan(store, marks._DUE, **values)
        searches = [line for line in plan if "ix_reposts_due" in line]
        assert len(searches) == 4
        assert all("COVERING INDEX ix_reposts_due (busy=? AND due" in line for line in searches)
        assert not any(line.startswith("SCAN reposts") for line in plan)
        await store.aclose()

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (marks._UNAPPROVED, "ix_reposts_waiting"),
        (upkeep._OPEN, "ix_reposts_open"),
        (upkeep._ATTENTION, "ix_reposts_attention"),
        (upkeep._UNROUTED, "ix_documents_routed"),
        (upkeep._PRUNABLE, "ix_revisions_superseded"),
        (marks._EVENTS_OF_REPOST, "ix_events_repost"),
        (marks._EVENTS_OF_DOCUMENT, "ix_events_document"),
    ],
)
def test_searches_use_their_index(query: Query, index: str) -> None:
    async def scene() -> None:
        store = await open_store("sqlite://", inline=True)
        assert any(f"INDEX {index}" in line for line in _plan(store, query))
        await store.aclose()

    asyncio.run(scene())


def test_migrations_and_metadata_make_the_same_schema(tmp_path: Path) -> None:
    async def schema(url: str) -> set[tuple[str, str]]:
        store = await open_store(url, inline=True)
        rows = _connection(store).execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        await store.aclose()
        return {(name, "".join(sql.split())) for name, sql in rows}

    migrated = asyncio.run(schema(f"sqlite:///{tmp_path}/s.sqlite3"))
    assert migrated == asyncio.run(schema("sqlite://"))
    assert {table.name for table in metadata.sorted_tables} <= {name for name, _ in migrated}


def test_alembic_itself_sees_no_difference(tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    async def made() -> None:
        await (await open_store(f"sqlite:///{tmp_path}/s.sqlite3")).aclose()

    asyncio.run(made())
    with create_engine(f"sqlite:///{tmp_path}/s.sqlite3").connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    assert head() == SCHEMA


def test_a_state_of_a_newer_syncd_is_refused_and_left_alone(tmp_path: Path) -> None:
    from syncd.errors import StoreError

    url = f"sqlite:///{tmp_path}/s.sqlite3"

    async def opened() -> None:
        await (await open_store(url)).aclose()

    asyncio.run(opened())
    raw = sqlite3.connect(tmp_path / "s.sqlite3")
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    with pytest.raises(StoreError) as told:
        asyncio.run(opened())
    assert told.value.reason == "newer_schema"
    assert "9999" in str(told.value)
    assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == ("9999",)
    raw.close()
