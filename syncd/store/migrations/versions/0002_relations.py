"""What documents say of each other, and the titles by which they do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


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
