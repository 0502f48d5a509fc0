"""The place for the migrations of the schema, run by Alembic in the caller's transaction."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection


class NewerSchema(Exception):
    """The database stands at a migration that this version does not know. version: its name."""

    def __init__(self, version: str) -> None:
        super().__init__(version)
        self.version = version


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def head() -> str:
    """The newest migration."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def upgrade(conn: Connection, version: str) -> None:
    """Run what is missing. version: where the schema stands, "" for an empty database. Raises NewerSchema."""
    config = _config()
    if version:
        _known(config, version)
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _known(config: Config, version: str) -> None:
    try:
        ScriptDirectory.from_config(config).get_revision(version)
    except CommandError as error:
        raise NewerSchema(version) from error
