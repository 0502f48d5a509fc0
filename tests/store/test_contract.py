"""The store contract over each way of opening each database."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from syncd.store.sql import open_store
from syncd.testing.store_contract import Make, StoreContract
from tests.store.postgres import Server, emptied


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database; Alembic runs once for all these tests."""
    path = tmp_path_factory.mktemp("store") / "empty.sqlite3"

    async def made() -> None:
        await (await open_store(f"sqlite:///{path}")).aclose()

    asyncio.run(made())
    return path


class OverSqlite(StoreContract):
    async def check_backup(self, path: Path) -> None:
        copy = await open_store(f"sqlite:///{path}")
        assert await copy.get("who") == "市"
        await copy.aclose()


class TestSqliteFile(OverSqlite):
    """As the daemon has it: a file and a writer thread."""

    @pytest.fixture
    def make_store(self, tmp_path: Path, empty: Path) -> Make:
        shutil.copy(empty, tmp_path / "syncd.sqlite3")
        return lambda: open_store(f"sqlite:///{tmp_path}/syncd.sqlite3")


class TestSqliteMemoryInline(OverSqlite):
    """As the simulation has it."""

    @pytest.fixture
    def make_store(self) -> Make:
        return lambda: open_store("sqlite://", inline=True)


@pytest.mark.servers
class TestPostgresql(StoreContract):
    """As the daemon has it: a connection with its lock, and a writer thread."""

    own_tool = "pg_dump"

    @pytest.fixture
    def make_store(self, postgresql: Server) -> Make:
        url = emptied(postgresql.url(), "contract")
        return lambda: open_store(url)


@pytest.mark.servers
class TestPostgresqlInline(StoreContract):
    """As the simulation has it."""

    own_tool = "pg_dump"

    @pytest.fixture
    def make_store(self, postgresql: Server) -> Make:
        url = emptied(postgresql.url(), "contract")
        return lambda: open_store(url, inline=True)
