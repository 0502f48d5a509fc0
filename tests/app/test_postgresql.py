"""The daemon as a real process over a real PostgreSQL server, which goes and comes under it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.test_daemon import Town
from tests.engine.rig import title_of
from tests.store.postgres import Server

pytestmark = pytest.mark.servers


@pytest.fixture
def town(tmp_path: Path, postgresql: Server) -> Iterator[Town]:
    place = Town(tmp_path)
    secret = tmp_path / "database-url"
    secret.write_text(postgresql.empty())
    secret.chmod(0o600)
    place.text = place.text.replace('state_dir = "state"', 'state_dir = "state"\ndatabase = { file = "database-url" }')
    place.config.write_text(place.text, encoding="utf-8")
    yield place
    place.stop()


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(5)
def test_it_posts_once_through_restarts_of_the_server_and_kill_9_of_itself(town: Town, postgresql: Server) -> None:
    upgraded = town.run("db", "upgrade")
    assert upgraded.returncode == 0, upgraded.stderr
    assert f"PostgreSQL database syncd at 127.0.0.1:{postgresql.port}" in upgraded.stdout

    town.begin()
    town.publish(1)
    town.wait("the first document is visible", lambda: town.visible(1))

    postgresql.restart(signal.SIGQUIT)
    town.publish(2)
    town.wait("it goes on after a restart of the server", lambda: town.visible(2))

    postgresql.stop()
    town.publish(3)
    town.wait("it says that the database is away", lambda: '"unavailable"' in (town.root / "log").read_text())
    assert town.daemon is not None
    assert town.daemon.poll() is None
    postgresql.start()
    town.wait("it goes on by itself", lambda: town.visible(3), seconds=60)

    town.publish(4)
    town.wait("the fourth is known", lambda: any(r["title"] == title_of(4) for r in town.reposts()))
    town.signal(signal.SIGKILL)
    town.daemon.wait()
    town.start()
    town.wait("all are visible", lambda: town.visible(1, 2, 3, 4))
    assert [town.posts(id) for id in (1, 2, 3, 4)] == [1, 1, 1, 1]

    town.signal(signal.SIGTERM)
    assert town.daemon.wait(25) == 0
    once = town.run("once")
    assert once.returncode == 0, once.stderr
    alone = town.run("reposts", "--json")
    assert len(json.loads(alone.stdout)) == 4, alone.stderr
    assert not list((town.root / "state").glob("*.sqlite3"))
    assert postgresql.password not in upgraded.stdout + once.stdout + once.stderr + (town.root / "log").read_text()


@pytest.mark.guarantee(2)
@pytest.mark.guarantee(5)
def test_a_second_node_is_refused_and_a_copy_is_left_to_pg_dump(town: Town, postgresql: Server) -> None:
    town.begin()
    first = town.config
    town.config = town.root / "node-2.toml"
    town.config.write_text(town.text.replace('"state"', '"state-2"'), encoding="utf-8")
    second = town.run("run", timeout=90)
    assert second.returncode == 75, second.stderr
    assert "pg_terminate_backend" in second.stderr
    town.config = first

    for _ in ("while the daemon runs", "afterwards"):
        copied = town.run("db", "backup", str(town.root / "copy"))
        assert copied.returncode == 1
        assert "pg_dump" in copied.stderr
        assert not (town.root / "copy").exists()
        town.signal(signal.SIGTERM)
        town.daemon.wait(25)  # type: ignore[union-attr]
    assert postgresql.password not in second.stderr + copied.stderr + (town.root / "log").read_text()


def test_a_server_that_is_not_there_is_told_with_what_to_do(town: Town, postgresql: Server) -> None:
    secret = town.root / "database-url"
    secret.write_text(f"postgresql+psycopg://syncd:{postgresql.password}@127.0.0.1:1/syncd")
    refused = town.run("once")
    assert refused.returncode == 1
    assert "Connection refused" in refused.stderr
    assert postgresql.password not in refused.stderr + refused.stdout
