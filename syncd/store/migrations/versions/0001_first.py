"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _whole(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _ref(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, _ID, nullable=null)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def upgrade() -> None:
    _lists()
    _documents()
    _reposts()
    op.create_table("settings", _text("name"), _text("value"), sa.PrimaryKeyConstraint("name"))
    op.create_table(
        "blobs", _text("sha256"), _text("owner"), sa.PrimaryKeyConstraint("sha256", "owner"), sqlite_with_rowid=False
    )
    op.create_index("ix_blobs_owner", "blobs", ["owner"])


def _lists() -> None:
    op.create_table(
        "sources",
        _ref("id"),
        _text("name"),
        _whole("active"),
        _big("due"),
        _text("data"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="uq_sources_name"),
    )
    op.create_table(
        "entries",
        _ref("source"),
        _big("key"),
        _big("print"),
        sa.PrimaryKeyConstraint("source", "key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "aliases", _big("hash"), _ref("document"), sa.PrimaryKeyConstraint("hash"), sqlite_with_rowid=False
    )
    op.create_table(
        "starts",
        _text("source"),
        _text("site"),
        _big("at"),
        sa.PrimaryKeyConstraint("source", "site"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal",
        _ref("id"),
        _text("source"),
        _big("since"),
        _big("until"),
        _whole("reads"),
        _text("reason"),
        _text("evidence"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_journal_source", "journal", ["source", "id"])
    op.create_table(
        "pendings",
        sa.Column("id", _ID, primary_key=True, nullable=False),
        _text("source"),
        _big("key"),
        _big("due"),
        _whole("held"),
        _whole("backfill"),
        _whole("tries"),
        _text("data"),
        _big("seal"),
        sa.UniqueConstraint("source", "key", name="uq_pendings_source_key"),
        sqlite_autoincrement=True,
    )
    _partial("ix_pendings_due", "pendings", "due", "held = 0")


def _documents() -> None:
    op.create_table(
        "documents",
        _ref("id"),
        _whole("latest"),
        _whole("withdrawn"),
        _whole("backfill"),
        _big("detected"),
        _ref("merged"),
        _whole("routed"),
        _text("data"),
        _big("seal"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_documents_routed",
        "documents",
        ["routed", sa.text("id DESC")],
        sqlite_where=sa.text("merged = 0"),
        postgresql_where=sa.text("merged = 0"),
    )
    op.create_table(
        "looks",
        _ref("document"),
        sa.Column("due", sa.BigInteger),
        _text("note"),
        _text("data"),
        _text("entry"),
        sa.PrimaryKeyConstraint("document"),
    )
    op.create_index("ix_looks_due", "looks", ["due"])
    _partial("ix_looks_note", "looks", "note", "note <> ''")
    op.create_table(
        "showings",
        _ref("document"),
        _text("source"),
        _big("first"),
        sa.Column("gone", sa.BigInteger),
        sa.PrimaryKeyConstraint("document", "source"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_showings_source", "showings", ["source", "gone"])
    op.create_table(
        "revisions",
        _ref("id"),
        _ref("document"),
        _whole("n"),
        _text("hash"),
        _whole("withdrawn"),
        _text("reason"),
        _big("detected"),
        _whole("state"),
        sa.Column("content", sa.LargeBinary, nullable=False),
        _big("seal"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("document", "n", name="uq_revisions_document_n"),
    )
    _partial("ix_revisions_superseded", "revisions", "detected", "state = 1")


def _reposts() -> None:
    op.create_table(
        "reposts",
        sa.Column("id", _ID, primary_key=True, nullable=False),
        _ref("document"),
        _text("source"),
        _text("site"),
        _text("key"),
        _big("due"),
        _big("created"),
        _whole("wanted"),
        _whole("approved"),
        _whole("sent"),
        _whole("seen"),
        _whole("tries"),
        _whole("version"),
        _whole("busy"),
        _whole("calls"),
        _whole("waiting"),
        _whole("attention"),
        _whole("open"),
        _text("data"),
        _big("seal"),
        sa.UniqueConstraint("document", "site", name="uq_reposts_document_site"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reposts_due", "reposts", ["busy", "due", "tries", "document", "site", "calls"])
    op.create_index("ix_reposts_created", "reposts", ["created"])
    op.create_index("ix_reposts_site", "reposts", ["site", "created"])
    _partial("ix_reposts_attention", "reposts", "attention", "attention = 1")
    _partial("ix_reposts_open", "reposts", "open", "open = 1")
    _partial("ix_reposts_waiting", "reposts", "waiting", "waiting = 1")
    op.create_table(
        "events",
        _ref("id"),
        _ref("document", null=True),
        _ref("repost", null=True),
        _text("data"),
        _big("seal"),
        sa.PrimaryKeyConstraint("id"),
    )
    _partial("ix_events_repost", "events", "repost", "repost IS NOT NULL")
    _partial("ix_events_document", "events", "document", "repost IS NULL")


def _partial(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
