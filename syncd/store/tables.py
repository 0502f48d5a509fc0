"""The place for the schema: every table and index, as SQLAlchemy Core sees them. Times are microseconds since 1970 UTC.

What steers queries is a column; the rest of a row is one JSON text, `data`. `seal` is a hash over the row's own values:
a database does not notice a flipped bit, so it is checked at every read and by the scrub.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

SCHEMA = "0002"
"""The newest migration; a test compares it with the migrations themselves."""

metadata = MetaData()


def _whole(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _big(name: str, *, key: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=False, autoincrement=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


_ID = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere: on SQLite it is INTEGER that has them, and that numbers rows."""


def _id() -> Column[int]:
    return Column("id", _ID, primary_key=True, nullable=False)


def _ref(name: str, *, key: bool = False) -> Column[int]:
    """An id of another table."""
    return Column(name, _ID, primary_key=key, nullable=False, autoincrement=False)


settings = Table("settings", metadata, Column("name", Text, primary_key=True, nullable=False), _text("value"))

sources = Table(
    "sources",
    metadata,
    _id(),
    _text("name"),
    _whole("active"),
    _big("due"),
    _text("data"),
    UniqueConstraint("name", name="uq_sources_name"),
)

# Beside a million entries: 64-bit keys without a rowid take 60 bytes a row against 201 of a text guid with its index.
entries = Table(
    "entries",
    metadata,
    _ref("source", key=True),
    _big("key", key=True),
    _big("print"),
    sqlite_with_rowid=False,
)

aliases = Table("aliases", metadata, _big("hash", key=True), _ref("document"), sqlite_with_rowid=False)

# What documents say of each other: `target` is the hash of the name that the teller uses (core.identity.targets).
bearings = Table(
    "bearings",
    metadata,
    _big("target", key=True),
    _ref("teller", key=True),
    Column("bond", Text, primary_key=True, nullable=False),
    Index("ix_bearings_teller", "teller"),
    sqlite_with_rowid=False,
)

titles = Table(
    "titles",
    metadata,
    _big("hash", key=True),
    _ref("document", key=True),
    Index("ix_titles_document", "document"),
    sqlite_with_rowid=False,
)

starts = Table(
    "starts",
    metadata,
    Column("source", Text, primary_key=True, nullable=False),
    Column("site", Text, primary_key=True, nullable=False),
    _big("at"),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    _id(),
    _text("source"),
    _big("since"),
    _big("until"),
    _whole("reads"),
    _text("reason"),
    _text("evidence"),
    Index("ix_journal_source", "source", "id"),
)

pendings = Table(
    "pendings",
    metadata,
    _id(),
    _text("source"),
    _big("key"),
    _big("due"),
    _whole("held"),
    _whole("backfill"),
    _whole("tries"),
    _text("data"),
    _big("seal"),
    UniqueConstraint("source", "key", name="uq_pendings_source_key"),
    Index("ix_pendings_due", "due", sqlite_where=text("held = 0"), postgresql_where=text("held = 0")),
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    _id(),
    _whole("latest"),
    _whole("withdrawn"),
    _whole("backfill"),
    _big("detected"),
    _ref("merged"),
    _whole("routed"),
    _text("data"),
    _big("seal"),
)
# A new revision has routed 0 and comes before what a changed config routes again; newest first within each.
Index(
    "ix_documents_routed",
    documents.c.routed,
    documents.c.id.desc(),
    sqlite_where=text("merged = 0"),
    postgresql_where=text("merged = 0"),
)

looks = Table(
    "looks",
    metadata,
    _ref("document", key=True),
    Column("due", BigInteger),
    _text("note"),
    _text("data"),
    _text("entry"),
    Index("ix_looks_due", "due"),
    Index("ix_looks_note", "note", sqlite_where=text("note <> ''"), postgresql_where=text("note <> ''")),
)

showings = Table(
    "showings",
    metadata,
    _ref("document", key=True),
    Column("source", Text, primary_key=True, nullable=False),
    _big("first"),
    Column("gone", BigInteger),
    Index("ix_showings_source", "source", "gone"),
    sqlite_with_rowid=False,
)

# state: 0 the newest, 1 superseded with its body, 2 superseded and its body dropped. It is the only unsealed column.
revisions = Table(
    "revisions",
    metadata,
    _id(),
    _ref("document"),
    _whole("n"),
    _text("hash"),
    _whole("withdrawn"),
    _text("reason"),
    _big("detected"),
    _whole("state"),
    Column("content", LargeBinary, nullable=False),
    _big("seal"),
    UniqueConstraint("document", "n", name="uq_revisions_document_n"),
    Index("ix_revisions_superseded", "detected", sqlite_where=text("state = 1"), postgresql_where=text("state = 1")),
)

reposts = Table(
    "reposts",
    metadata,
    _id(),
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
    UniqueConstraint("document", "site", name="uq_reposts_document_site"),
    # Covers the search for due rows: an idle tick reads no row beside a million finished ones.
    Index("ix_reposts_due", "busy", "due", "tries", "document", "site", "calls"),
    Index("ix_reposts_created", "created"),
    Index("ix_reposts_site", "site", "created"),
    Index(
        "ix_reposts_attention", "attention", sqlite_where=text("attention = 1"), postgresql_where=text("attention = 1")
    ),
    Index("ix_reposts_open", "open", sqlite_where=text("open = 1"), postgresql_where=text("open = 1")),
    Index("ix_reposts_waiting", "waiting", sqlite_where=text("waiting = 1"), postgresql_where=text("waiting = 1")),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    metadata,
    _id(),
    Column("document", _ID),
    Column("repost", _ID),
    _text("data"),
    _big("seal"),
    Index(
        "ix_events_repost",
        "repost",
        sqlite_where=text("repost IS NOT NULL"),
        postgresql_where=text("repost IS NOT NULL"),
    ),
    Index(
        "ix_events_document", "document", sqlite_where=text("repost IS NULL"), postgresql_where=text("repost IS NULL")
    ),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", Text, primary_key=True, nullable=False),
    Column("owner", Text, primary_key=True, nullable=False),
    Index("ix_blobs_owner", "owner"),
    sqlite_with_rowid=False,
)
