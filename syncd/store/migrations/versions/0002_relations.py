"""What documents say of each other, and the titles by which they do."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from syncd.core.identity import alias_hash, title_name

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


_BATCH = 1000
_DOCUMENTS = sa.table("documents", sa.column("id"), sa.column("latest"), sa.column("merged"), sa.column("data"))
_TITLES = sa.table("titles", sa.column("hash"), sa.column("document"))


def upgrade() -> None:
    op.create_table(
        "bearings",
        sa.Column("target", sa.BigInteger, nullable=False),
        sa.Column("teller", _ID, nullable=False),
        sa.Column("bond", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("target", "teller", "bond"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_bearings_teller", "bearings", ["teller"])
    op.create_table(
        "titles",
        sa.Column("hash", sa.BigInteger, nullable=False),
        sa.Column("document", _ID, nullable=False),
        sa.PrimaryKeyConstraint("hash", "document"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_titles_document", "titles", ["document"])
    _entitle()


def _entitle() -> None:
    """Documents that were read before this are found by their titles too, or nothing that bears on them would mark them."""
    conn, last = op.get_bind(), 0
    known = sa.select(_DOCUMENTS.c.id, _DOCUMENTS.c.data).where(_DOCUMENTS.c.latest > 0, _DOCUMENTS.c.merged == 0)
    while rows := conn.execute(known.where(_DOCUMENTS.c.id > last).order_by(_DOCUMENTS.c.id).limit(_BATCH)).all():
        last = rows[-1].id
        op.bulk_insert(_TITLES, [{"hash": _title(row.data), "document": row.id} for row in rows])


def _title(data: str) -> int:
    """A damaged row is told by the scrub; it must not keep the state from being opened."""
    try:
        return alias_hash(title_name(str(json.loads(data)["title"])))
    except (ValueError, KeyError, TypeError):
        return 0
