"""The place for what a row is: domain values to columns and back, sealed when written and checked when read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from syncd.core.repost import Head, held, needs_person, under_way
from syncd.errors import StoreError
from syncd.model import Content, Document, Entry, Event, Repost, Revision
from syncd.store.api import Look, Pending, SourceRow, Work
from syncd.store.codec import Shape, digest, micros, moment, seal, squeeze, swell
from syncd.store.statements import Found

Columns = dict[str, Any]

SOURCE = Shape(SourceRow, without=("name", "due"))
PENDING = Shape(Pending, without=("id", "source", "due", "backfill", "tries"))
ENTRY = Shape(Entry)
LOOK = Shape(Look, without=("due", "note"))
CONTENT = Shape(Content)
DOCUMENT = Shape(Document, without=("id", "detected", "latest", "withdrawn", "backfill", "merged"))
REPOST = Shape(
    Repost,
    without=(
        "id",
        "document",
        "source",
        "site",
        "key",
        "due",
        "created",
        "wanted",
        "approved",
        "sent",
        "seen",
        "tries",
        "version",
    ),
)
EVENT = Shape(Event, without=("document", "repost"))


def damaged(table: str, id: object) -> StoreError:
    return StoreError(
        "damaged",
        f"row {id} of {table} is not what was written",
        where=f"{table} {id}",
        hint="the disk may be failing: stop syncd, copy the state away, put back the last `syncd db backup`",
    )


def missing(table: str, id: object) -> StoreError:
    return StoreError(
        "not_found",
        f"there is no {table} {id}",
        where=f"{table} {id}",
        hint="look at the ids that `syncd reposts` prints",
    )


def source_columns(row: SourceRow) -> Columns:
    return {"name": row.name, "due": micros(row.due), "data": SOURCE.dump(row)}


def source_of(row: Found) -> SourceRow:
    return SOURCE.load(row.data, name=row.name, due=moment(row.due))


def _seal_pending(c: Columns) -> int:
    return seal(c["source"], c["key"], c["due"], c["held"], c["backfill"], c["tries"], c["data"])


def pending_columns(pending: Pending) -> Columns:
    columns = {
        "source": pending.source,
        "key": digest(pending.entry.key),
        "due": micros(pending.due),
        "held": int(bool(pending.held)),
        "backfill": int(pending.backfill),
        "tries": pending.tries,
        "data": PENDING.dump(pending),
    }
    return columns | {"seal": _seal_pending(columns)}


def pending_of(row: Found) -> Pending:
    if row.seal != _seal_pending(row._asdict()):
        raise damaged("pendings", row.id)
    return PENDING.load(
        row.data, id=row.id, source=row.source, due=moment(row.due), backfill=bool(row.backfill), tries=row.tries
    )


def _seal_document(c: Columns) -> int:
    own = (c["id"], c["latest"], c["withdrawn"], c["backfill"], c["detected"], c["merged"], c["routed"], c["data"])
    return seal(*own)


def document_columns(document: Document, *, routed: int) -> Columns:
    """routed: generation it was routed for, or 0."""
    columns = {
        "id": document.id,
        "latest": document.latest,
        "withdrawn": int(document.withdrawn),
        "backfill": int(document.backfill),
        "detected": micros(document.detected),
        "merged": document.merged,
        "routed": routed,
        "data": DOCUMENT.dump(document),
    }
    return columns | {"seal": _seal_document(columns)}


def document_of(row: Found) -> Document:
    if row.seal != _seal_document(row._asdict()):
        raise damaged("documents", row.id)
    return DOCUMENT.load(
        row.data,
        id=row.id,
        detected=moment(row.detected),
        latest=row.latest,
        withdrawn=bool(row.withdrawn),
        backfill=bool(row.backfill),
        merged=row.merged,
    )


def _seal_revision(c: Columns) -> int:
    return seal(c["document"], c["n"], c["hash"], c["withdrawn"], c["reason"], c["detected"], c["content"])


def revision_columns(revision: Revision, *, state: int = 0) -> Columns:
    columns = {
        "document": revision.document,
        "n": revision.n,
        "hash": revision.hash,
        "withdrawn": int(revision.withdrawn),
        "reason": revision.reason,
        "detected": micros(revision.detected),
        "content": squeeze(CONTENT.dump(revision.content)),
    }
    return columns | {"state": state, "seal": _seal_revision(columns)}


def revision_of(row: Found) -> Revision:
    if row.seal != _seal_revision(row._asdict()):
        raise damaged("revisions", f"{row.document}/{row.n}")
    content = CONTENT.load(swell(row.content))
    return Revision(row.document, row.n, row.hash, content, moment(row.detected), bool(row.withdrawn), row.reason)


_REPOST_SEALED = (
    "document",
    "source",
    "site",
    "key",
    "due",
    "created",
    "wanted",
    "approved",
    "sent",
    "seen",
    "tries",
    "version",
    "busy",
    "calls",
    "waiting",
    "attention",
    "open",
    "data",
)


def _seal_repost(c: Columns) -> int:
    return seal(*[c[name] for name in _REPOST_SEALED])


def repost_columns(repost: Repost) -> Columns:
    """All columns; busy, calls, waiting, attention and open are what queries ask for, as core.repost says it."""
    attention = needs_person(repost)
    moving = repost.seen < repost.wanted or under_way(repost)
    columns = {
        "id": repost.id,
        "document": repost.document,
        "source": repost.source,
        "site": repost.site,
        "key": repost.key,
        "due": micros(repost.due),
        "created": micros(repost.created),
        "wanted": repost.wanted,
        "approved": repost.approved,
        "sent": repost.sent,
        "seen": repost.seen,
        "tries": repost.tries,
        "version": repost.version,
        "busy": int(under_way(repost)),
        "calls": int(repost.intent is not None or repost.sent != repost.approved),
        "waiting": int(repost.approved < repost.wanted and not held(repost)),
        "attention": int(attention),
        "open": int(moving or attention),
        "data": REPOST.dump(repost),
    }
    return columns | {"seal": _seal_repost(columns)}


def repost_of(row: Found) -> Repost:
    if row.seal != _seal_repost(row._asdict()):
        raise damaged("reposts", row.id)
    return REPOST.load(
        row.data,
        id=row.id,
        document=row.document,
        source=row.source,
        site=row.site,
        key=row.key,
        due=moment(row.due),
        created=moment(row.created),
        wanted=row.wanted,
        approved=row.approved,
        sent=row.sent,
        seen=row.seen,
        tries=row.tries,
        version=row.version,
    )


def work_of(row: Found) -> Work:
    """A repost's row with `wanted_withdrawn` and `approved_withdrawn`, None where there is no such revision."""
    repost = repost_of(row)
    wanted = Head(repost.wanted, bool(row.wanted_withdrawn))
    return Work(repost, wanted, Head(repost.approved, bool(row.approved_withdrawn)))


def event_columns(event: Event) -> Columns:
    columns = {"document": event.document, "repost": event.repost, "data": EVENT.dump(event)}
    return columns | {"seal": seal(*columns.values())}


def event_of(row: Found) -> Event:
    if row.seal != seal(row.document, row.repost, row.data):
        raise damaged("events", row.id)
    return EVENT.load(row.data, document=row.document, repost=row.repost)


def look_columns(document: int, look: Look | None, entry: Entry | None) -> Columns:
    """look None: it is not to be looked at again; entry None: nothing is known of its row in a list."""
    return {
        "document": document,
        "due": None if look is None else micros(look.due),
        "note": look.note if look else "",
        "data": LOOK.dump(look) if look else "{}",
        "entry": ENTRY.dump(entry) if entry else "",
    }


def look_of(row: Found, *, due: datetime) -> Look:
    return LOOK.load(row.data, due=due, note=row.note)


SEALED: dict[str, Callable[[Found], object]] = {
    "documents": document_of,
    "revisions": revision_of,
    "reposts": repost_of,
    "events": event_of,
    "pendings": pending_of,
}
"""Tables whose rows carry a seal, with what checks one."""
