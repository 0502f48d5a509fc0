"""A state that an earlier schema wrote is brought up with all that is in it, over both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection

from syncd.model import Bond, Relation
from syncd.store.sql import SqlStore, open_store
from syncd.testing.store_contract import reading
from tests.store.postgres import Server, emptied


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/s.sqlite3"
    server: Server = request.getfixturevalue("postgresql")
    return emptied(server.url(), "migrations")


def back_to_0001(conn: Connection) -> None:
    for table in ("bearings", "titles"):
        conn.exec_driver_sql(f"DROP TABLE {table}")
    conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")


def damaged(conn: Connection) -> None:
    conn.exec_driver_sql("UPDATE documents SET data = 'x' WHERE id = 2")
    back_to_0001(conn)


@pytest.mark.guarantee(5)
@pytest.mark.parametrize("before", [back_to_0001, damaged])
def test_a_document_that_was_read_before_relations_were_known_is_marked_by_its_title(
    url: str, before: Callable[[Connection], None]
) -> None:
    async def scene() -> None:
        store = await open_store(url)
        assert isinstance(store, SqlStore)
        for n in range(1, 4):
            await store.record_reading(_titled(f"关于第{n}号事项的通知", f"url:a.cn/{n}"))
        await store._write(before)
        await store.aclose()

        store = await open_store(url)
        repeal = _titled("关于废止第3号事项的决定", "url:a.cn/9", Relation(Bond.REPEALS, title="关于第3号事项的通知"))
        assert (await store.record_reading(repeal)).marked == (3,)
        assert [notice.bond for notice in (await store.revision(3, 2)).content.notices] == [Bond.REPEALS]
        await store.aclose()

    asyncio.run(scene())


def _titled(title: str, *names_and_bonds: str | Relation):  # type: ignore[no-untyped-def]
    names = [each for each in names_and_bonds if isinstance(each, str)]
    bonds = tuple(each for each in names_and_bonds if isinstance(each, Relation))
    read = reading(*names)
    assert read.revision is not None
    content = replace(read.revision.content, title=title, relations=bonds)
    return replace(read, title=title, revision=replace(read.revision, content=content))
