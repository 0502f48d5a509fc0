"""The place for the verbs about documents: what a reading records, merging what turns out to be one, looks, routing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, or_, select, text, update

from syncd.core.identity import alias_hash
from syncd.errors import Stale
from syncd.model import Document, Entry, Event, Hold, Instant, Precision, Repost, Revision
from syncd.store import lists
from syncd.store.api import Change, Dossier, DueLook, Look, Reading, Recorded
from syncd.store.codec import maybe_micros, micros, moment
from syncd.store.marks import add_events, delete_repost, reposts_of_document, update_repost
from syncd.store.rows import (
    ENTRY,
    document_columns,
    document_of,
    look_columns,
    look_of,
    missing,
    revision_columns,
    revision_of,
)
from syncd.store.statements import Found, InQuery, Query, inserting, noting, numbering, reading
from syncd.store.tables import aliases, blobs, documents, looks, revisions, showings

LOOK_HORIZON = timedelta(days=35)
"""Longer than any step between looks at a source document; a later `due` was written by a wrong clock."""
_STRENGTH = {"number": 0, "index": 1, "title": 2, "url": 3, "guid": 4}

_DOCUMENT = reading(documents)
_NEW_DOCUMENT = numbering(
    documents, latest=0, withdrawn=0, backfill=0, detected=0, merged=0, routed=0, data="", seal=0
)
_SET_DOCUMENT = Query(
    update(documents)
    .values({c.name: bindparam(f"b_{c.name}") for c in documents.c if c.name != "id"})
    .where(documents.c.id == bindparam("b_id"))
)
_DOCUMENTS_BY_ALIAS = InQuery(
    lambda hashes: select(aliases.c.hash, aliases.c.document).where(aliases.c.hash.in_(hashes), aliases.c.document > 0)
)
# An alias of an old row (document 0) gets its document now; one of another document stays there.
_NAME = noting(aliases, "hash", "document", key=["hash"], renew=["document"], where="aliases.document = 0")
_RENAME = Query(
    update(aliases)
    .values(document=bindparam("b_kept"))
    .where(aliases.c.hash == bindparam("b_hash"), aliases.c.document == bindparam("b_other"))
)

_REVISION = Query(
    select(revisions).where(revisions.c.document == bindparam("document"), revisions.c.n == bindparam("n"))
)
_REVISION_HEAD = Query(
    select(revisions.c.hash, revisions.c.withdrawn).where(
        revisions.c.document == bindparam("document"), revisions.c.n == bindparam("n")
    )
)
_REVISIONS = Query(select(revisions).where(revisions.c.document == bindparam("document")).order_by(revisions.c.n))
_REVISED = Query(
    select(revisions.c.detected).where(revisions.c.document == bindparam("document")).order_by(revisions.c.n)
)
_NEW_REVISION = inserting(revisions, without="id")
_SUPERSEDE = Query(
    update(revisions)
    .values(state=1)
    .where(revisions.c.document == bindparam("b_document"), revisions.c.n < bindparam("b_n"), revisions.c.state == 0)
)
_NAME_BLOB = noting(blobs, "sha256", "owner", key=["sha256", "owner"])

_LOOK = reading(looks, "document")
_SET_LOOK = noting(
    looks, *[c.name for c in looks.c], key=["document"], renew=[c.name for c in looks.c if c.name != "document"]
)
_DROP_LOOK = Query(delete(looks).where(looks.c.document == bindparam("document")))
_DUE_LOOKS = Query(
    select(looks)
    .where(or_(looks.c.due <= bindparam("now"), looks.c.due > bindparam("absurd")))
    .order_by(looks.c.due, looks.c.document)
    .limit(bindparam("most"))
)
_NOTED = Query(select(looks).where(text("note <> ''")).order_by(looks.c.document))

_SHOWN = Query(select(showings).where(showings.c.document == bindparam("document")))
_SHOW = noting(showings, "document", "source", "first", key=["document", "source"])
_UNSHOW = Query(delete(showings).where(showings.c.document == bindparam("document")))
_MARK_GONE = Query(
    update(showings).values(gone=bindparam("b_gone")).where(showings.c.document == bindparam("b_document"))
)
_GONE_SINCE = Query(
    select(func.count())
    .select_from(showings)
    .where(showings.c.source == bindparam("source"), showings.c.gone >= bindparam("since"))
)
_LIVE = Query(
    select(func.count())
    .select_from(showings)
    .where(and_(showings.c.source == bindparam("source"), showings.c.gone.is_(None)))
)


_SIBLINGS = Query(
    select(looks.c.entry)
    .select_from(showings.join(looks, looks.c.document == showings.c.document))
    .where(
        showings.c.source == bindparam("source"), showings.c.gone.is_(None), showings.c.document != bindparam("document")
    )
    .order_by(showings.c.document.desc())
    .limit(bindparam("most"))
)


def _changes(shown_by: list[Any]) -> Select[Any]:
    """The newest revision of each document, the last recorded first: their ids grow with each revision."""
    joined = revisions.join(documents, documents.c.id == revisions.c.document)
    found = select(revisions.c.id, revisions.c.document, documents.c.seal).select_from(joined)
    shown = select(showings.c.document).where(showings.c.source.in_(shown_by))
    newest = [text("revisions.state = 0 AND documents.merged = 0")]
    return (
        found.where(*newest, *([revisions.c.document.in_(shown)] if shown_by else []))
        .order_by(revisions.c.id.desc())
        .limit(bindparam("most"))
    )


_CHANGES, _CHANGES_OF = Query(_changes([])), InQuery(_changes)


def changes(conn: Connection, limit: int, shown_by: Sequence[str]) -> list[Change]:
    rows = _CHANGES_OF.each(conn, shown_by, most=limit) if shown_by else _CHANGES.each(conn, most=limit)
    found = {row.id: Change(row.id, row.document, row.seal) for row in rows}
    return [found[n] for n in sorted(found, reverse=True)[:limit]]


def dossier(conn: Connection, id: int) -> Dossier:
    known = document(conn, id)
    row = _LOOK.first(conn, document=id)
    entry = ENTRY.load(row.entry) if row is not None and row.entry else Entry(known.url or str(id), known.title, known.url)
    return Dossier(known, all_revisions(conn, id), entry, sightings(conn, id))


def siblings(conn: Connection, source: str, document: int, limit: int) -> list[Entry]:
    return [ENTRY.load(row.entry) for row in _SIBLINGS.all(conn, source=source, document=document, most=limit)]


def document(conn: Connection, id: int) -> Document:
    return document_of(_document_row(conn, id))


def _document_row(conn: Connection, id: int) -> Found:
    row = _DOCUMENT.first(conn, id=id)
    if row is None:
        raise missing("document", id)
    return row


def store_document(conn: Connection, changed: Document, *, routed: int, merged: int = 0) -> None:
    columns = document_columns(changed, routed=routed, merged=merged)
    _SET_DOCUMENT(conn, **{f"b_{name}": value for name, value in columns.items()})


def mark_routed(conn: Connection, id: int, n: int, generation: int) -> None:
    """The document needs no routing for revision n under this config, unless a newer revision came meanwhile."""
    row = _document_row(conn, id)
    if row.latest == n:
        store_document(conn, document_of(row), routed=generation, merged=row.merged)


def revision(conn: Connection, document: int, n: int) -> Revision:
    row = _REVISION.first(conn, document=document, n=n)
    if row is None:
        raise missing("revision", f"{document}/{n}")
    return revision_of(row)


def all_revisions(conn: Connection, document: int) -> tuple[Revision, ...]:
    return tuple(revision_of(row) for row in _REVISIONS.all(conn, document=document))


def sightings(conn: Connection, document: int) -> tuple[tuple[str, datetime], ...]:
    """(source, first sighting there) of each source that shows it, the first one first."""
    shown = sorted((row.first, row.source) for row in _SHOWN.all(conn, document=document))
    return tuple((source, moment(first)) for first, source in shown)


def find_documents(conn: Connection, names: Sequence[str]) -> list[Document]:
    """The documents that the aliases lead to, by the strongest alias first."""
    return [document(conn, id) for id in _matches(conn, names)]


def _matches(conn: Connection, names: Sequence[str]) -> list[int]:
    hashes = [alias_hash(name) for name in names]
    by_hash = {row.hash: row.document for row in _DOCUMENTS_BY_ALIAS.each(conn, hashes)}
    return list(dict.fromkeys(by_hash[h] for h in hashes if h in by_hash))


def record_reading(conn: Connection, read: Reading) -> Recorded:
    matches = _matches(conn, read.aliases)
    _refuse_what_was_overtaken(conn, read, matches)
    pending = lists.pending(conn, read.pending) if read.pending else None
    found, others = _identify(conn, read, matches)
    kept = _made(conn, read) if found is None else document(conn, found)
    kept, parked = _absorb(conn, kept, [document(conn, id) for id in others], read)
    if _is_copy_of_another(kept, read):
        read = replace(read, revision=None, look=None)
    known = _known_better(conn, kept, read, alone=not matches)
    kept = _shown(conn, known, read)
    kept, revised = _revise(conn, kept, read, elsewhere=kept.sources != known.sources)
    _keep_look(conn, kept, read, pending.entry if pending else None, new=found is None)
    if read.pending and (pending is None or read.entry in (None, pending.entry)):
        lists.drop_pending(conn, read.pending)
    return Recorded(kept, revised, tuple(parked))


def _refuse_what_was_overtaken(conn: Connection, read: Reading, matches: Sequence[int]) -> None:
    """Two readings of one document may be in flight at once: what was judged by an older state says nothing of this one."""
    if read.judged is None:
        return
    id, latest = read.judged
    now = max((document(conn, each).latest for each in ([id] if id else matches)), default=0)
    if now != latest:
        hint = "nothing to do: it is read again at the next tick"
        raise Stale("stale", f"document {id} has revision {now} now, not {latest}", hint=hint)


def _is_copy_of_another(kept: Document, read: Reading) -> bool:
    """True for a text that was compared with a document that turned out to be `kept`: what another source says of that
    one is no correction of it."""
    if read.judged is None or not read.judged[0] or read.revision is None or read.revision.withdrawn:
        return False
    return kept.id != read.judged[0] and kept.latest > 0 and read.source != kept.sources[0]


def _identify(conn: Connection, read: Reading, named: Sequence[int]) -> tuple[int | None, list[int]]:
    """(the document that this is, or None for a new one; the others that turn out to be the same one).

    named: the documents that have one of its names.
    The oldest one wins. A document with another 发文字号 is another document, whatever address they share.
    """
    given = [_kept_id(conn, read.document)] if read.document else []
    matches = list(dict.fromkeys([*given, *named]))
    if not matches:
        return None, []
    numbers = _numbers(read.aliases) or _numbers(document(conn, matches[0]).aliases)
    same = [id for id in matches[1:] if not _other_number(numbers, _numbers(document(conn, id).aliases))]
    kept, *others = sorted([matches[0], *same])
    return kept, others


def _kept_id(conn: Connection, id: int) -> int:
    """The document itself, or the one that it was merged into since somebody remembered its id."""
    row = _document_row(conn, id)
    return int(row.merged) or id


def _numbers(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith("number:")}


def _other_number(mine: set[str], theirs: set[str]) -> bool:
    return bool(mine and theirs) and not mine & theirs


def _made(conn: Connection, read: Reading) -> Document:
    created = _NEW_DOCUMENT.made(conn)
    return Document(
        created, read.title, read.url, read.sighted or read.at, read.missed, read.published, backfill=read.backfill
    )


def _known_better(conn: Connection, known: Document, read: Reading, *, alone: bool) -> Document:
    """The document with the names and the publication time that the reading adds. alone: no document has any of the names."""
    hashes = {name: alias_hash(name) for name in read.aliases}
    _NAME.many(conn, [{"hash": h, "document": known.id} for h in hashes.values()])
    mine = list(hashes) if alone else _owned(conn, known, hashes)
    return replace(known, aliases=_ranked([*mine, *known.aliases]), published=earlier(known.published, read.published))


def _owned(conn: Connection, known: Document, hashes: Mapping[str, int]) -> list[str]:
    """The names that lead to this document and to no other."""
    owners = {row.hash: row.document for row in _DOCUMENTS_BY_ALIAS.each(conn, list(hashes.values()))}
    return [name for name, h in hashes.items() if owners.get(h) == known.id]


def _ranked(names: Iterable[str]) -> tuple[str, ...]:
    """Without doubles, the strongest kinds first; within a kind the newest name first."""
    return tuple(sorted(dict.fromkeys(names), key=lambda name: _STRENGTH.get(name.split(":", 1)[0], len(_STRENGTH))))


def earlier(one: Instant | None, other: Instant | None) -> Instant | None:
    """The earlier public instant; where the finer one lies within the coarser, it is the same moment told better."""
    if one is None or other is None:
        return one or other
    fine, coarse = sorted((one, other), key=_fineness)
    if fine.precision is not coarse.precision and coarse.at <= fine.at <= coarse.at + _span(coarse):
        return fine
    return min(one, other, key=lambda instant: instant.at)


def _fineness(instant: Instant) -> int:
    return (Precision.SECOND, Precision.MINUTE, Precision.DAY).index(instant.precision)


def _span(instant: Instant) -> timedelta:
    return replace(instant, error=0.0).latest - instant.at


def _shown(conn: Connection, known: Document, read: Reading) -> Document:
    """The first time that a source shows it is an event of the document."""
    if not read.source or read.source in known.sources:
        return known
    at = read.sighted or read.at
    _SHOW(conn, document=known.id, source=read.source, first=micros(at))
    detail = {"source": read.source}
    if read.missed:
        detail["missed"] = read.missed.isoformat()
    relayed = read.revision.content.relayed if read.revision else ()
    if relayed:
        detail |= {"relay": " > ".join(hop.by for hop in relayed), "sighted_there": relayed[0].sighted.isoformat()}
    when = Instant(at, error=read.error, origin="relay" if relayed else "clock")
    add_events(conn, [Event("sighted", when, known.id, detail=detail)])
    return replace(known, sources=(*known.sources, read.source))


def _revise(conn: Connection, known: Document, read: Reading, *, elsewhere: bool) -> tuple[Document, bool]:
    """The document with its newest revision stored, and whether it is new: another text, or withdrawn or back again.

    elsewhere: a source shows it that did not before, and may lead it to a site of its own: it is routed anew.
    """
    routed = 0 if elsewhere else int(_document_row(conn, known.id).routed)
    revision = read.revision
    if revision is None or not _differs(conn, known, revision):
        store_document(conn, known, routed=routed)
        return known, False
    revision = replace(revision, document=known.id, n=known.latest + 1)
    revised = replace(
        known,
        title=read.title or revision.content.title or known.title,
        url=known.url or read.url,
        latest=revision.n,
        withdrawn=revision.withdrawn,
    )
    _store_revision(conn, revision)
    store_document(conn, revised, routed=0)
    at = Instant(read.at, error=read.error)
    add_events(
        conn,
        [Event("revised", at, known.id, revision=revision.n, reason=revision.reason, detail={"source": read.source})],
    )
    return revised, True


def _differs(conn: Connection, known: Document, revision: Revision) -> bool:
    head = _REVISION_HEAD.first(conn, document=known.id, n=known.latest) if known.latest else None
    return head is None or (head.hash, bool(head.withdrawn)) != (revision.hash, revision.withdrawn)


def _store_revision(conn: Connection, revision: Revision) -> None:
    _NEW_REVISION(conn, **revision_columns(revision))
    if revision.n > 1:
        _SUPERSEDE(conn, b_document=revision.document, b_n=revision.n)
    owner = revision_owner(revision.document, revision.n)
    _NAME_BLOB.many(conn, [{"sha256": media.sha256, "owner": owner} for media in revision.content.media])


def revision_owner(document: int, n: int) -> str:
    """How the table of blobs names a revision."""
    return f"revision {document}/{n}"


def _keep_look(conn: Connection, known: Document, read: Reading, entry: Entry | None, *, new: bool) -> None:
    """The document's schedule of looks, and its row in the first of its sources: that page is looked at again.

    new: the document was made by this reading.
    """
    row = None if new else _LOOK.first(conn, document=known.id)
    stored = _stored_look(row)
    look = read.look or stored
    first = bool(known.sources) and read.source == known.sources[0]
    if row is None and entry is None:
        entry = Entry(read.url or str(known.id), read.title, read.url, known.published, aliases=read.aliases)
    elif entry is None or (row is not None and row.entry and not first):
        entry = ENTRY.load(row.entry) if row is not None and row.entry else entry
    _SET_LOOK(conn, **look_columns(known.id, look, entry))
    if known.withdrawn:
        _MARK_GONE(conn, b_document=known.id, b_gone=micros(read.at))
    elif not new:
        _MARK_GONE(conn, b_document=known.id, b_gone=maybe_micros(look.gone if look else None))


def _stored_look(row: Found | None) -> Look | None:
    return None if row is None or row.due is None else look_of(row, due=moment(row.due))


def record_look(conn: Connection, id: int, look: Look) -> None:
    known = document(conn, id)
    row = _LOOK.first(conn, document=id)
    if row is None:  # while the look was under way it was merged into another document, which has a schedule of its own
        return
    before = _stored_look(row)
    entry = ENTRY.load(row.entry) if row.entry else None
    _SET_LOOK(conn, **look_columns(id, look, entry))
    if not known.withdrawn and look.gone != (before.gone if before else None):
        _MARK_GONE(conn, b_document=id, b_gone=maybe_micros(look.gone))


def due_looks(conn: Connection, now: datetime, limit: int) -> list[DueLook]:
    rows = _DUE_LOOKS.all(conn, now=micros(now), absurd=micros(now + LOOK_HORIZON), most=limit)
    return [due for row in rows if (due := _due_look(conn, row)) is not None]


def _due_look(conn: Connection, row: Found) -> DueLook | None:
    """None for a document of which nothing was ever read: its first reading comes from its pending entry."""
    known = document(conn, row.document)
    if not known.latest:
        return None
    revised = tuple(moment(r.detected) for r in _REVISED.all(conn, document=known.id))
    look = look_of(row, due=moment(row.due))
    return DueLook(known, revision(conn, known.id, known.latest), ENTRY.load(row.entry), look, revised)


def notes(conn: Connection) -> list[tuple[Document, Look]]:
    rows = _NOTED.all(conn)
    return [(document(conn, row.document), look) for row in rows if (look := _stored_look(row)) is not None]


def gone_recently(conn: Connection, source: str, since: datetime) -> tuple[int, int]:
    return _GONE_SINCE.number(conn, source=source, since=micros(since)), _LIVE.number(conn, source=source)


def _absorb(conn: Connection, kept: Document, others: Sequence[Document], read: Reading) -> tuple[Document, list[int]]:
    """Make one of what turned out to be one document; returns it and the reposts that were parked."""
    parked: list[int] = []
    for other in others:
        parked += _merge_reposts(conn, kept, other, read)
        _RENAME.many(conn, [{"b_kept": kept.id, "b_hash": alias_hash(a), "b_other": other.id} for a in other.aliases])
        for source, first in sightings(conn, other.id):
            _SHOW(conn, document=kept.id, source=source, first=micros(first))
        _UNSHOW(conn, document=other.id)
        _DROP_LOOK(conn, document=other.id)
        kept = _united(kept, other)
        store_document(conn, kept, routed=0)
        store_document(conn, other, routed=0, merged=kept.id)
    return kept, parked


def _united(kept: Document, other: Document) -> Document:
    first = min(kept, other, key=lambda d: d.detected)
    return replace(
        kept,
        aliases=_ranked([*kept.aliases, *other.aliases]),
        published=earlier(kept.published, other.published),
        detected=first.detected,
        missed=first.missed,
        sources=tuple(dict.fromkeys([*kept.sources, *other.sources])),
        backfill=kept.backfill or other.backfill,
    )


def _merge_reposts(conn: Connection, kept: Document, other: Document, read: Reading) -> list[int]:
    taken = {repost.site for repost in reposts_of_document(conn, kept.id)}
    return [
        repost.id
        for repost in reposts_of_document(conn, other.id)
        if _merge_repost(conn, repost, kept, taken=repost.site in taken, read=read)
    ]


def _merge_repost(conn: Connection, repost: Repost, kept: Document, *, taken: bool, read: Reading) -> bool:
    """True when it is parked: it lies, or may lie, in a CMS where the kept document has a post too (or will have)."""
    posted = repost.sent > 0 or repost.ref is not None or repost.intent is not None
    if taken and not posted:
        delete_repost(conn, repost.id)
        return False
    # Its marks name revisions of the other document: routing wants one of the kept document's, and its post is updated.
    whole = repost.hold if repost.hold and repost.hold.revision is None else None
    marks = {"wanted": 0, "approved": 0, "sent": 0, "seen": 0, "hold": whole}
    bare = repost if taken else replace(repost, document=kept.id, due=read.at, **marks)  # type: ignore[arg-type]
    parking = posted and (taken or repost.intent is not None)
    hold = Hold("same_document", None, hint="two posts turned out to be one document: withdraw one of them at the site")
    after = replace(bare, hold=hold, reason=hold.reason, hint=hold.hint) if parking else bare
    kind = "parked" if parking else "resolved"
    update_repost(conn, repost, after)
    add_events(
        conn,
        [
            Event(
                kind,
                Instant(read.at, error=read.error),
                after.document,
                repost.id,
                reason="same_document",
                detail={"document": str(kept.id), "was": str(repost.document)},
            )
        ],
    )
    return parking
