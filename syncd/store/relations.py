"""The place for what documents say of each other: who bears on whom, kept by the names that the teller uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, select

from syncd.core.identity import alias_hash, targets, title_name
from syncd.model import Bond, Content, Document, Instant, Notice, Relation, Revision
from syncd.store.api import Related
from syncd.store.rows import revision_of
from syncd.store.statements import InQuery, Query, noting
from syncd.store.tables import aliases, bearings, documents, revisions, showings, titles

_TELL = noting(bearings, "target", "teller", "bond", key=["target", "teller", "bond"])
_FORGET = Query(delete(bearings).where(bearings.c.teller == bindparam("teller")))
_TARGETS = Query(select(bearings.c.target).where(bearings.c.teller == bindparam("teller")).distinct())
_BEARING = InQuery(lambda hashes: select(bearings).where(bearings.c.target.in_(hashes)))

_ENTITLE = noting(titles, "hash", "document", key=["hash", "document"])
_TITLES_OF = Query(select(titles.c.hash).where(titles.c.document == bindparam("document")))
_UNTITLE = Query(delete(titles).where(titles.c.document == bindparam("document")))
_TITLED = InQuery(lambda hashes: select(titles).where(titles.c.hash.in_(hashes)))
_SHOWS = Query(
    select(showings.c.first).where(
        showings.c.document == bindparam("document"), showings.c.source == bindparam("source")
    )
)
_NAMED = InQuery(
    lambda hashes: select(aliases.c.hash, aliases.c.document).where(aliases.c.hash.in_(hashes), aliases.c.document > 0)
)

# Only what stands speaks: not a document that was withdrawn, nor one that turned out to be another.
_TELLER = Query(
    select(revisions)
    .select_from(
        documents.join(revisions, (revisions.c.document == documents.c.id) & (revisions.c.n == documents.c.latest))
    )
    .where(documents.c.id == bindparam("id"), documents.c.merged == 0, documents.c.withdrawn == 0)
)


def tell(conn: Connection, teller: int, told: Sequence[Relation]) -> None:
    """What a document says of others from now on, in place of what it said before."""
    _FORGET(conn, teller=teller)
    rows = {(alias_hash(name), relation.bond.value) for relation in told for name in targets(relation)}
    _TELL.many(conn, [{"target": target, "teller": teller, "bond": bond} for target, bond in sorted(rows)])


def entitle(conn: Connection, document: int, title: str) -> None:
    """Others may speak of the document by this title of its own."""
    _ENTITLE(conn, hash=alias_hash(title_name(title)), document=document)


def take_over(conn: Connection, kept: int, other: int) -> None:
    """`other` turned out to be `kept`, whose own text says what it bears on."""
    _FORGET(conn, teller=other)
    _ENTITLE.many(conn, [{"hash": row.hash, "document": kept} for row in _TITLES_OF.all(conn, document=other)])
    _UNTITLE(conn, document=other)


def targets_of(conn: Connection, teller: int) -> frozenset[int]:
    """The hashes of the names that a document speaks of."""
    return frozenset(row.target for row in _TARGETS.all(conn, teller=teller))


def spoken_of(conn: Connection, hashes: Collection[int]) -> list[int]:
    """The documents that names lead to, as far as they are known; a title leads only where one document has it."""
    wanted = sorted(hashes)
    named = {row.document for row in _NAMED.each(conn, wanted)}
    by_title: dict[int, set[int]] = {}
    for row in _TITLED.each(conn, wanted):
        by_title.setdefault(row.hash, set()).add(row.document)
    return sorted(named.union(*by_title.values()))


def titled(conn: Connection, source: str, named: Sequence[str]) -> dict[str, int]:
    """By title the document that alone bears it, of those that the source shows."""
    by_hash = {alias_hash(title_name(title)): title for title in named}
    found: dict[str, set[int]] = {}
    for row in _TITLED.each(conn, sorted(by_hash)):
        if _SHOWS.first(conn, document=row.document, source=source) is not None:
            found.setdefault(by_hash[row.hash], set()).add(row.document)
    return {title: ids.pop() for title, ids in found.items() if len(ids) == 1}


def notices(conn: Connection, known: Document) -> tuple[Notice, ...]:
    """What must be told on a document since others repeal, amend, correct or replace it, the earliest first."""
    found = [_notice(bond, last.content) for bond, last in _tellers(conn, known) if bond is not Bond.INTERPRETS]
    return tuple(sorted(dict.fromkeys(found), key=lambda n: (n.date, n.title, n.bond)))


def _tellers(conn: Connection, known: Document) -> list[tuple[Bond, Revision]]:
    """Who bears on a document, and how; by a title that several documents bear nobody can say on which."""
    own = alias_hash(title_name(known.title))
    rows = _BEARING.each(conn, [own, *(alias_hash(a) for a in known.aliases if a.startswith(("number:", "url:")))])
    pairs = sorted({
        (row.teller, Bond(row.bond))
        for row in rows
        if row.teller != known.id and (row.target != own or _is_alone(conn, own, known.id, row.teller))
    })
    return [(bond, last) for teller, bond in pairs if (last := standing(conn, teller)) is not None]


def _is_alone(conn: Connection, title: int, document: int, teller: int) -> bool:
    return {row.document for row in _TITLED.all(conn, [title])} - {teller} == {document}


def standing(conn: Connection, id: int) -> Revision | None:
    """The newest revision of a document that stands, or None."""
    row = _TELLER.first(conn, id=id)
    return None if row is None else revision_of(row)


def _notice(bond: Bond, by: Content) -> Notice:
    return Notice(bond, by.title, by.document_number, by.url, by.written or _day(by.published))


def _day(told: Instant | None) -> str:
    """The day of an instant as its own text has it, where it begins with a date, else in UTC."""
    return told.raw[:10] if told and told.raw[4:5] == "-" == told.raw[7:8] else told.at.date().isoformat() if told else ""


def related(conn: Connection, known: Document) -> tuple[Related, ...]:
    """Both ways: what the document says of others, then what others say of it."""
    own = standing(conn, known.id)
    told = [_told(conn, relation, known.id) for relation in (own.content.relations if own else ())]
    return (*told, *(_telling(bond, last) for bond, last in _tellers(conn, known)))


def _told(conn: Connection, relation: Relation, teller: int) -> Related:
    found = _first(spoken_of(conn, [alias_hash(name) for name in targets(relation)]), teller)
    return Related(relation.bond, "tells", relation.title, relation.number, relation.url, found)


def _first(ids: Iterable[int], but: int) -> int:
    return next((id for id in ids if id != but), 0)


def _telling(bond: Bond, last: Revision) -> Related:
    by = last.content
    return Related(bond, "told", by.title, by.document_number, by.url, last.document)
