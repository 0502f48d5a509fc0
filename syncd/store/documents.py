"""The place for the verbs about documents: what a reading records, merging what turns out to be one, looks, routing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, delete, func, or_, select, text, update

from syncd.core.identity import alias_hash, another_number, identify, normalise_title
from syncd.errors import Stale
from syncd.model import Document, Entry, Event, Hold, Instant, Precision, Repost, Revision
from syncd.store import lists, relations
from syncd.store.api import MARKED, Change, Dossier, DueLook, Look, Reading, Recorded
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
NAMES = 20
"""Most other titles that are kept of a document."""
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
# What others say of a document is no text of its own.
_REVISED = Query(
    select(revisions.c.detected)
    .where(revisions.c.document == bindparam("document"), revisions.c.reason != MARKED)
    .order_by(revisions.c.n)
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


def store_document(conn: Connection, changed: Document, *, routed: int) -> None:
    columns = document_columns(changed, routed=routed)
    _SET_DOCUMENT(conn, **{f"b_{name}": value for name, value in columns.items()})


def mark_routed(conn: Connection, id: int, n: int, generation: int) -> None:
    """The document needs no routing for revision n under this config, unless a newer revision came meanwhile."""
    row = _document_row(conn, id)
    if row.latest == n:
        store_document(conn, document_of(row), routed=generation)


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
    """The documents that the aliases lead to, by the strongest alias first; none that has another 发文字号."""
    found = [document(conn, id) for id in _matches(conn, names)]
    return [each for each in found if not another_number(names, each.aliases)]


def _matches(conn: Connection, names: Sequence[str]) -> list[int]:
    hashes = [alias_hash(name) for name in names]
    by_hash = {row.hash: row.document for row in _DOCUMENTS_BY_ALIAS.each(conn, hashes)}
    return list(dict.fromkeys(by_hash[h] for h in hashes if h in by_hash))


def record_reading(conn: Connection, read: Reading) -> Recorded:
    matches = _matches(conn, read.aliases)
    same = _identify(conn, read, matches)
    _refuse_what_was_overtaken(conn, read, same)
    pending = lists.pending(conn, read.pending) if read.pending else None
    spoken = frozenset[int]().union(*(relations.targets_of(conn, each.id) for each in same))
    kept = same[0] if same else _made(conn, read)
    kept, parked = _absorb(conn, kept, same[1:], read)
    entry = pending.entry if pending else read.entry
    if _is_copy_of_another(kept, read):
        read, entry = replace(read, revision=None, look=None), None
    known = _known_better(conn, kept, read, alone=not matches)
    kept = _shown(conn, known, read)
    kept, revision = _revise(conn, kept, read, elsewhere=kept.sources != known.sources)
    marked = _mark_others(conn, kept, read, spoken) if revision or same[1:] else []
    _keep_look(conn, kept, read, entry, new=not same)
    if read.pending and (pending is None or read.entry in (None, pending.entry)):
        lists.drop_pending(conn, read.pending)
    return Recorded(kept, revision, tuple(parked), marked=tuple(marked))


def _refuse_what_was_overtaken(conn: Connection, read: Reading, same: Sequence[Document]) -> None:
    """Two readings of one document may be in flight at once: what was judged by an older state says nothing of this one."""
    if read.judged is None:
        return
    id, latest = read.judged
    judged = document(conn, id) if id else None
    now = judged.latest if judged else max((each.latest for each in same), default=0)
    if now != latest or (judged and judged.merged):
        hint = "nothing to do: it is read again at the next tick"
        raise Stale("stale", f"document {id} is not any more what it was at revision {latest}", hint=hint)


def _is_copy_of_another(kept: Document, read: Reading) -> bool:
    """True for a text that was compared with a document that turned out to be `kept`: what is shown elsewhere of that one
    is no correction of it."""
    if read.judged is None or not read.judged[0] or read.revision is None or read.revision.withdrawn:
        return False
    return kept.id != read.judged[0] and kept.latest > 0


def _identify(conn: Connection, read: Reading, named: Sequence[int]) -> list[Document]:
    """The document that this is, and those that turn out to be the same one (core.identity.identify); none for a new one.

    named: the documents that have one of its names.
    """
    given = _kept_id(conn, read.document) if read.document else 0
    found = {id: document(conn, id) for id in dict.fromkeys([*([given] if given else []), *named])}
    same = identify(read.aliases, [(id, each.aliases) for id, each in found.items()], given=given)
    return [found[id] for id in same]


def _kept_id(conn: Connection, id: int) -> int:
    """The document itself, or the one that it was merged into since somebody remembered its id."""
    while merged := int(_document_row(conn, id).merged):
        id = merged
    return id


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
    return replace(
        known,
        aliases=_ranked([*mine, *known.aliases]),
        published=earlier(known.published, read.published),
        names=_other_names([*known.names, *read.names], known.title),
    )


def _other_names(names: Iterable[str], title: str) -> tuple[str, ...]:
    """Titles that people read otherwise than the document's own, each once."""
    by_form = {normalise_title(name): name for name in names}
    return tuple(name for form, name in by_form.items() if form not in ("", normalise_title(title)))[:NAMES]


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


def _revise(conn: Connection, known: Document, read: Reading, *, elsewhere: bool) -> tuple[Document, Revision | None]:
    """The document with its newest revision stored, and that one if it is new: another text, or withdrawn or back again, or
    marked by another document.

    elsewhere: a source shows it that did not before, and may lead it to a site of its own: it is routed anew.
    """
    routed = 0 if elsewhere else int(_document_row(conn, known.id).routed)
    revision = read.revision
    if revision is None or not _differs(conn, known, revision):
        store_document(conn, known, routed=routed)
        return _marked(conn, known, read)
    title = read.title or revision.content.title or known.title
    names = _other_names([*known.names, known.title], title)
    known = replace(known, title=title, url=known.url or read.url, names=names)
    revision = replace(revision, document=known.id, n=known.latest + 1)
    if not revision.withdrawn:
        relations.entitle(conn, known.id, title)
        relations.tell(conn, known.id, revision.content.relations)
        revision = replace(revision, content=replace(revision.content, notices=relations.notices(conn, known)))
    return _revised(conn, known, revision, read, {"source": read.source}), revision


def _revised(
    conn: Connection, known: Document, revision: Revision, read: Reading, detail: dict[str, str]
) -> Document:
    """The document with one more revision, to be routed."""
    revised = replace(known, latest=revision.n, withdrawn=revision.withdrawn)
    _store_revision(conn, revision)
    store_document(conn, revised, routed=0)
    at = Instant(read.at, error=read.error)
    add_events(
        conn, [Event("revised", at, known.id, revision=revision.n, reason=revision.reason, detail=detail)]
    )
    return revised


def _marked(conn: Connection, known: Document, read: Reading) -> tuple[Document, Revision | None]:
    """The document with a revision of the same text where others bear on it now, or no longer do."""
    last = revision(conn, known.id, known.latest) if known.latest and not known.withdrawn else None
    told = relations.notices(conn, known) if last else ()
    if last is None or told == last.content.notices:
        return known, None
    content = replace(last.content, notices=told)
    marked = replace(last, n=last.n + 1, content=content, detected=read.at, reason=MARKED)
    by = "; ".join(notice.number or notice.title for notice in told)
    return _revised(conn, known, marked, read, {"by": by} if by else {}), marked


def _mark_others(conn: Connection, teller: Document, read: Reading, before: frozenset[int]) -> list[int]:
    """Mark the documents that this one bears on, and those that it bore on before; returns those that changed."""
    ids = relations.spoken_of(conn, before | relations.targets_of(conn, teller.id))
    others = (document(conn, id) for id in ids if id != teller.id)
    return [other.id for other in others if _marked(conn, other, read)[1]]


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
        relations.take_over(conn, kept.id, other.id)
        _RENAME.many(conn, [{"b_kept": kept.id, "b_hash": alias_hash(a), "b_other": other.id} for a in other.aliases])
        for source, first in sightings(conn, other.id):
            _SHOW(conn, document=kept.id, source=source, first=micros(first))
            detail = {"source": source, "was": str(other.id)}
            add_events(conn, [Event("sighted", Instant(first, error=read.error), kept.id, detail=detail)])
        _UNSHOW(conn, document=other.id)
        _DROP_LOOK(conn, document=other.id)
        kept = _united(kept, other)
        store_document(conn, kept, routed=0)
        store_document(conn, replace(other, merged=kept.id), routed=0)
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
        names=_other_names([*kept.names, other.title, *other.names], kept.title),
    )


def _merge_reposts(conn: Connection, kept: Document, other: Document, read: Reading) -> list[int]:
    beside = {repost.site: repost for repost in reposts_of_document(conn, kept.id)}
    return [
        repost.id
        for repost in reposts_of_document(conn, other.id)
        if _merge_repost(conn, repost, kept, beside.get(repost.site), read)
    ]


def _merge_repost(conn: Connection, repost: Repost, kept: Document, beside: Repost | None, read: Reading) -> bool:
    """True when it is parked: it lies, or may lie, in a CMS where the kept document has a post too (or will have).

    beside: the kept document's own repost on that site. Of two that were never sent, or of which one was, one stays.
    """
    posted = _may_be_posted(repost)
    if beside and not posted:
        delete_repost(conn, repost.id)
        return False
    if beside and not _may_be_posted(beside):
        delete_repost(conn, beside.id)
        moved = _moved(repost, kept, read, hold=beside.hold)
    else:
        moved = repost if beside else _moved(repost, kept, read, hold=None)
    parking = posted and (moved is repost or repost.intent is not None)
    hold = Hold("same_document", None, hint="two posts turned out to be one document: withdraw one of them at the site")
    after = replace(moved, hold=hold, reason=hold.reason, hint=hold.hint) if parking else moved
    update_repost(conn, repost, after)
    detail = {"document": str(kept.id), "was": str(repost.document)}
    at, kind = Instant(read.at, error=read.error), "parked" if parking else "resolved"
    add_events(conn, [Event(kind, at, after.document, repost.id, reason="same_document", detail=detail)])
    return parking


def _may_be_posted(repost: Repost) -> bool:
    return repost.sent > 0 or repost.ref is not None or repost.intent is not None


def _moved(repost: Repost, kept: Document, read: Reading, *, hold: Hold | None) -> Repost:
    """As the kept document's row. Its marks name revisions of the other document: routing wants one of the kept one's, and
    its post is updated. hold: what a person said of the kept document's own row."""
    whole = repost.hold if repost.hold and repost.hold.revision is None else hold
    return replace(repost, document=kept.id, due=read.at, wanted=0, approved=0, sent=0, seen=0, hold=whole)
