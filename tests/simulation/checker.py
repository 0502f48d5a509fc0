"""The five counts, from what the sources showed and the CMS wrote down; syncd's rows only tell what it shows people.

lost: shown after the start line, not withdrawn, and neither public nor visibly needing a person.
duplicated: two posts of one document on one site at once; or a post of a document that was there before the start line.
stale: an older text written over a newer one; or withdrawn at its source and still public.
overwritten: a post that an editor changed last was changed, or one that an editor removed was made again, unasked.
unhealed: after the healing not at its final state and not visibly needing a person; said to be visible without being
so; or a person asked without need.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from syncd.core import repost as machine
from syncd.core.repost import Status
from syncd.model import Document, Repost
from syncd.testing.fakecms import FakeCMS, Stored, Write
from tests.simulation.actors import RULE, Truth, Truths, id_in, version_in

NAMES = ("lost", "duplicated", "stale", "overwritten", "unhealed")


@dataclass(slots=True)
class Counts:
    """How many of each, and in words what."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    told: list[str] = field(default_factory=list)

    def add(self, name: str, what: str) -> None:
        self.counts[name] += 1
        self.told.append(f"{name}: {what}")

    @property
    def clean(self) -> bool:
        return not any(self.counts.values())

    def __str__(self) -> str:
        return " ".join(f"{name} {self.counts[name]}" for name in NAMES)


@dataclass(frozen=True, slots=True)
class Shown:
    """What syncd shows people: its reposts by (site, document), documents that need a person, sources that do."""

    rows: dict[tuple[str, int], Repost]
    asked: frozenset[int]
    """Documents with a held entry or a note."""


@dataclass(slots=True)
class Site:
    """A site as the checker sees it. released: documents that an operator let go over an editor. acked: posts (ids)
    that syncd had written down. strict: False for class C, where only duplicates are counted."""

    name: str
    cms: FakeCMS
    strict: bool
    released: set[int] = field(default_factory=set)
    acked: set[int] = field(default_factory=set)


def shown_of(rows: list[tuple[Repost, Document]], asked: Iterable[str]) -> Shown:
    """asked: titles of what a person is asked about."""
    return Shown({(repost.site, id_in(document.title)): repost for repost, document in rows}, frozenset(map(id_in, asked)))


def history_faults(site: Site, truths: Truths, counts: Counts) -> None:
    """What must never have happened at any moment, from the CMS's own history."""
    owner: dict[int, int] = {}
    live: dict[int, set[int]] = {}
    newest: dict[int, int] = {}
    removed: set[int] = set()
    for write in site.cms.history:
        document, version = version_in(write.post)
        if write.kind == "create":
            owner[write.post.id] = document
            _created(site, write, document, live, removed, truths, counts)
            live.setdefault(document, set()).add(write.post.id)
        about = owner.get(write.post.id, document)
        if write.post.deleted:
            live.get(about, set()).discard(write.post.id)
            if write.by == "editor" and write.post.id in site.acked:
                removed.add(about)
        if site.strict and write.by == "syncd":
            _written(site, write, about, version, newest, counts)
        if write.by == "syncd" and write.kind != "withdraw":
            newest[about] = max(newest.get(about, 0), version)


def _created(
    site: Site, write: Write, document: int, live: dict[int, set[int]], removed: set[int], truths: Truths,
    counts: Counts,
) -> None:
    where = f"{site.name} document {document} post {write.post.id} at {write.at:%d %H:%M:%S}"
    if live.get(document):
        counts.add("duplicated", f"{where} beside {sorted(live[document])}")
    if truths.documents[document].old:
        counts.add("duplicated", f"{where}: it was there before the start line")
    if site.strict and document in removed and document not in site.released:
        counts.add("overwritten", f"{where}: an editor had removed it")


def _written(site: Site, write: Write, document: int, version: int, newest: dict[int, int], counts: Counts) -> None:
    where = f"{site.name} document {document} post {write.post.id} at {write.at:%d %H:%M:%S} by {write.kind}"
    if write.kind != "withdraw" and version < newest.get(document, 0):
        counts.add("stale", f"{where}: version {version} over {newest[document]}")
    touched = write.before is not None and write.before.modified_by != "syncd" and not write.before.deleted
    if write.kind != "create" and touched and document not in site.released:
        counts.add("overwritten", where)


def final_faults(site: Site, truths: Truths, shown: Shown, counts: Counts) -> None:
    """What is not as it should be now. Also asked during the healing, to see whether it is done."""
    if not site.strict:
        return
    public = _public(site.cms)
    for truth in truths.documents.values():
        row = shown.rows.get((site.name, truth.id))
        if not truth.old and not truth.excused:
            _judge(site, truth, public.get(truth.id), row, truth.id in shown.asked, counts)


def _public(cms: FakeCMS) -> dict[int, Stored]:
    owner = {w.post.id: version_in(w.post)[0] for w in cms.history if w.kind == "create"}
    return {owner[post.id]: post for post in cms.live() if post.state == "public"}


def _judge(site: Site, truth: Truth, post: Stored | None, row: Repost | None, asked: bool, counts: Counts) -> None:
    where = f"{site.name} document {truth.id} version {truth.version}"
    status = machine.status(row) if row else None
    attended = asked or (row is not None and machine.needs_person(row))
    if row is not None and machine.needs_person(row) and not _touched(site.cms, truth.id):
        counts.add("unhealed", f"{where}: a person is asked without need: {status} {row.reason} {row.hold}")
    elif not asked and row is not None and status is Status.VISIBLE and not _as_it_should(truth, post):
        counts.add(_kind_of(truth, post), f"{where}: said to be visible, public is {_text(post)}")
    elif not attended and not _as_it_should(truth, post):
        counts.add(_kind_of(truth, post), f"{where}: {status} {row.reason if row else ''}, public is {_text(post)}")
    elif not attended and row is not None and status is not Status.VISIBLE:
        counts.add("unhealed", f"{where}: {status} {row.reason} due {row.due} intent {row.intent}")


def _kind_of(truth: Truth, post: Stored | None) -> str:
    if post is None:
        return "lost"
    return "stale" if truth.withdrawn else "unhealed"


def _text(post: Stored | None) -> str:
    return "nothing" if post is None else f"{version_in(post)} by {post.modified_by}"


def _as_it_should(truth: Truth, post: Stored | None) -> bool:
    if truth.withdrawn:
        return post is None
    return post is not None and version_in(post) == (truth.id, truth.version) and bool(RULE.search(post.html))


def _touched(cms: FakeCMS, document: int) -> bool:
    """True when an editor ever changed or removed a post of this document."""
    owner = {w.post.id: version_in(w.post)[0] for w in cms.history if w.kind == "create"}
    return any(w.by == "editor" and owner.get(w.post.id) == document for w in cms.history)
