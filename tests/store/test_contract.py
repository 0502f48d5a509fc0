"""The store contract over each way of opening SQLite, and over another database by URL when one is given."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from syncd.store.sql import open_store
from syncd.testing.store_contract import Make, StoreContract


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


if os.environ.get("SYNCD_TEST_DATABASE"):

    class TestOtherDatabase(OverSqlite):
        @pytest.fixture
        def make_store(self) -> Make:
            return lambda: open_store(os.environ["SYNCD_TEST_DATABASE"])
