"""The contract of the store: verbs of the domain, each one transaction; no SQL, session or connection leaks out.

Every verb may raise StoreError: disk_full, read_only, damaged, locked, unavailable. All times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from syncd.core.detect import Known
from syncd.core.repost import Head
from syncd.core.schedule import NO_SKIPS, Skips
from syncd.core.shape import Shape
from syncd.model import Bond, Document, Entry, Event, Instant, Repost, Revision
from syncd.web.api import Validators

MARKED = "marked"
"""The reason of a revision that only what others say of a document made."""


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source's memory. good, first_good: last and first good read. shown: rows then. body: hash of the last good body.

    tries: failures in a row, reason/hint of the last one, "" when well. held: finds that wait for a person, why.
    moved: JSON of sightings of a permanent redirect, "" if none. ttl: seconds that the list asks to be left, or None.
    unconditional: when it was last read without validators. accept: the next read is to be believed as it is.
    watched: seconds of the time since first_good that are covered by good reads; bytes: wire bytes since then.
    why: by whose word `due` is what it is, as core.schedule.next_poll says, "" for "every". planned: seconds that we ourselves
    chose to wait where that is not `every`, or None. fresh: seconds for which the last answer says that it stays as it is.
    skips: when the list asks not to be read. rhythm: when it changed, as core.rhythm keeps it. gone: since when it answers
    410 without a break. robots: what its host's robots.txt says of it, "" where that is not known.
    alarm, alarm_hint: why a person should look at a list that is read well, "" when it is as it was. first_page, shape,
    canaries: rows of its first page, what they carried and a few of their titles, at the last good read without an alarm.
    """

    name: str
    due: datetime
    validators: Validators = Validators()
    body: str = ""
    good: datetime | None = None
    first_good: datetime | None = None
    shown: int = 0
    tries: int = 0
    reason: str = ""
    hint: str = ""
    moved: str = ""
    ttl: float | None = None
    unconditional: datetime | None = None
    accept: bool = False
    watched: float = 0.0
    bytes: int = 0
    reads: int = 0
    why: str = ""
    planned: float | None = None
    fresh: float | None = None
    skips: Skips = NO_SKIPS
    rhythm: str = ""
    gone: datetime | None = None
    robots: str = ""
    alarm: str = ""
    alarm_hint: str = ""
    first_page: int = 0
    shape: Shape = ()
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A row to remember: its key and fingerprint, and its alias hashes (document 0: old, never read)."""

    key: int
    print: int
    aliases: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that waits to be read. id 0 before it is stored. document: known already, or 0. held: why a person must
    look first, "" if not. missed: the source's last good read before it was sighted."""

    id: int
    source: str
    entry: Entry
    change: str
    sighted: datetime
    due: datetime
    missed: datetime | None = None
    document: int = 0
    backfill: bool = False
    held: str = ""
    tries: int = 0
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Poll:
    """One read of a list with everything that it showed: commits together, else a crash loses entries behind an ETag.

    row: the source's memory after it. start: sites whose start line towards this source is set now, if not yet set.
    over: ids of held entries that the list itself took back: they are forgotten as if they had never been shown.
    """

    row: SourceRow
    sightings: tuple[Sighting, ...] = ()
    pending: tuple[Pending, ...] = ()
    start: tuple[str, ...] = ()
    evidence: str = ""
    at: datetime | None = None
    over: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading one pending entry (or looking again at a document) gave.

    pending: id to be removed, 0 for a look again; it stays, and is read again, when a poll renewed it since `entry` was
    taken from it. document: its id if known, else 0 (found by `aliases` or made).
    revision: None when the content is what it was. withdrawn: the revision is a withdrawal (content of the last one).
    judged: the document that the text was compared with (0: none was known) and its newest revision then; None: it is
    recorded whatever is there.
    names: the titles under which it was shown, in its list and on its page; of another list's copy too.
    """

    aliases: tuple[str, ...]
    source: str
    at: datetime
    pending: int = 0
    document: int = 0
    title: str = ""
    url: str = ""
    sighted: datetime | None = None
    missed: datetime | None = None
    published: Instant | None = None
    backfill: bool = False
    revision: Revision | None = None
    look: Look | None = None
    error: float = 0.0
    entry: Entry | None = None
    judged: tuple[int, int] | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A document's schedule of looks at its source. gone: first of the sightings of 404/410 in a row, or None.

    looks: good ones since the last change. note: why a person should look ("flap", "mass_gone"), "" if not.
    """

    due: datetime
    validators: Validators = Validators()
    looks: int = 0
    gone: datetime | None = None
    tries: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class DueLook:
    """A document to be looked at again, with the newest revision that it had and the times of all its revisions."""

    document: Document
    revision: Revision
    entry: Entry
    look: Look
    revised: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """document: after the reading. revision: the one that it got, None for none. merged: reposts of a document that turned
    out to be this one (ids, already sent).

    routed: the reposts that the routing wanted, None where the document was not routed with the reading.
    marked: other documents (ids) that got a revision since this one bears on them, or no longer does.
    """

    document: Document
    revision: Revision | None = None
    merged: tuple[int, ...] = ()
    routed: tuple[Repost, ...] | None = None
    marked: tuple[int, ...] = ()

    @property
    def revised(self) -> bool:
        return self.revision is not None


@dataclass(frozen=True, slots=True)
class Routable:
    """A document whose newest revision, or whose config, has not been routed. started: source -> site -> start line."""

    document: Document
    revision: Revision
    reposts: tuple[Repost, ...]
    sightings: tuple[tuple[str, datetime], ...]
    """(source, first sighting there) of each source that shows it."""
    started: tuple[tuple[str, str, datetime], ...]
    """(source, site, start line)."""


@dataclass(frozen=True, slots=True)
class Routed:
    """What routing makes of a document: all its reposts as they should be (new ones have id 0), with their events."""

    reposts: tuple[Repost, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """How documents are routed under one config. decide: pure, since it is called within a transaction."""

    generation: int
    decide: Callable[[Routable], Routed]


@dataclass(frozen=True, slots=True)
class Work:
    """A due repost with the heads that `plan` sees."""

    repost: Repost
    wanted: Head
    approved: Head


@dataclass(frozen=True, slots=True)
class Related:
    """One document's bearing on another. way: "tells" (the document says it of the other) or "told" (the other says it).

    title, number, url: of the other one, as it is told; document: its id where it is known here, else 0.
    """

    bond: Bond
    way: str
    title: str = ""
    number: str = ""
    url: str = ""
    document: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one repost: for `explain`, the timeline page and the evidence."""

    repost: Repost
    document: Document
    revisions: tuple[Revision, ...]
    events: tuple[Event, ...]
    """Of the document and of the repost, in order of id."""
    related: tuple[Related, ...] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """Which reposts; empty fields match all. since/until: on `created`, half open. attention: only what needs a person.

    open: only those that are under way or need a person (cheap beside any number at rest).
    """

    site: str = ""
    source: str = ""
    ids: tuple[int, ...] = ()
    documents: tuple[int, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    attention: bool = False
    open: bool = False
    limit: int = 1000
    offset: int = 0


@dataclass(frozen=True, slots=True)
class ReadSpan:
    """A stretch of reads of one source that went alike, at most 10 minutes apart. reason: "" for good ones."""

    first: datetime
    last: datetime
    reads: int
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """That a document changed last at this place. n: grows with each revision of any document. print: another whenever
    anything that is known of the document is another."""

    n: int
    document: int
    print: int


@dataclass(frozen=True, slots=True)
class Dossier:
    """All that is known of one document, for a relay. revisions: in order, the newest with its content.

    entry: its row in the list of the first of its sources. sightings: (source, first sighting there), the first one first.
    """

    document: Document
    revisions: tuple[Revision, ...]
    entry: Entry
    sightings: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """Small figures for the status page, cheap at any size. by_status is not here: it is computed for what is open."""

    documents: int
    revisions: int
    reposts: int
    open: int
    pending: int
    held: int
    attention: int


class Store(Protocol):
    """One implementation, two databases; StoreContract in syncd.testing runs over both."""

    @property
    def commits(self) -> int:
        """How many transactions were committed since it was opened."""
        ...

    async def configure(self, sources: Sequence[str], config_hash: str, now: datetime) -> int:
        """Make rows for new sources (due now) and return the routing generation of this config (grows with changes)."""
        ...

    async def sources(self) -> list[SourceRow]: ...

    async def known(self, source: str, keys: Sequence[int], aliases: Sequence[int]) -> Known: ...
    async def starts(self, source: str) -> dict[str, datetime]: ...

    async def record_poll(self, poll: Poll) -> None:
        """A read that changed something: row, sightings, pendings, start lines, a journal line: one commit."""
        ...

    async def journal(self, rows: Sequence[SourceRow], at: datetime) -> None:
        """Unchanged and failed reads of many sources together: one commit."""
        ...

    async def due_pending(self, now: datetime, limit: int) -> list[Pending]: ...
    async def pendings(self, *, held: bool | None = None, limit: int = 1000) -> list[Pending]: ...
    async def defer(self, pending: Pending) -> None:
        """Store its due, tries, reason and hint."""
        ...

    async def release(
        self, source: str, *, drop: bool, now: datetime, shown: Collection[int] | None = None
    ) -> int:
        """A person decided on a source's held entries: due now (drop False) or known and never reposted; and, when
        nothing is held, the source's next read is accepted. shown: ids of the entries that the person decided on, None for
        all; what was held since then waits for another decision. Returns how many entries were held."""
        ...

    async def record_reading(self, reading: Reading, routing: Routing | None = None) -> Recorded:
        """What was read, and, where it gives something to route, the reposts that follow from it: one commit.

        Raises Stale when the document got a revision since it was judged: the entry or the look stays due.
        """
        ...

    async def due_looks(self, now: datetime, limit: int) -> list[DueLook]: ...
    async def record_look(self, document: int, look: Look) -> None: ...
    async def gone_recently(self, source: str, since: datetime) -> tuple[int, int]:
        """(documents of the source seen gone or withdrawn since, documents of the source that are live)."""
        ...

    async def titled(self, source: str, titles: Sequence[str]) -> Mapping[str, int]:
        """By title the document that alone bears it, of those that the source shows; titles that none or several bear are
        left out."""
        ...

    async def siblings(self, source: str, document: int, limit: int) -> list[Entry]:
        """Other documents of the source that were not seen gone, as it shows them, the newest first."""
        ...

    async def unrouted(self, generation: int, limit: int) -> list[Routable]: ...
    async def record_routing(
        self, document: int, n: int, generation: int, reposts: Sequence[Repost], events: Sequence[Event]
    ) -> None:
        """Insert reposts with id 0 and save the others by their version; then the document is routed for (n, generation).
        Events with repost None and a `detail["site"]` belong to the repost made for that site."""
        ...

    async def unapproved(self, limit: int) -> list[Repost]:
        """Reposts with approved < wanted, not held in whole, that were not yet offered (see `approve` of the engine)."""
        ...

    async def due_reposts(self, now: datetime, limit: int, *, skip_sites: Sequence[str] = ()) -> list[Work]:
        """Fresh ones before the backlog: least tries first, then newest document first; rows for which
        core.repost.overdue is true (also a `due` absurdly far away). skip_sites: of these sites only rows whose next act
        does not call the CMS (no open intent and sent = approved: looks at the public page) are given."""
        ...

    async def save(self, repost: Repost, events: Sequence[Event] = ()) -> Repost:
        """Compare-and-set on `repost.version`, with its events, in one commit. Raises Stale. Returns the row as stored."""
        ...

    async def repost(self, id: int) -> Repost: ...
    async def document(self, id: int) -> Document: ...
    async def revision(self, document: int, n: int) -> Revision: ...
    async def reposts(self, which: Filter) -> list[tuple[Repost, Document]]: ...
    async def events(self, reposts: Sequence[int]) -> dict[int, tuple[Event, ...]]:
        """Events of each repost and of its document."""
        ...

    async def story(self, id: int) -> Story: ...
    async def counts(self) -> Counts: ...
    async def per_site(self) -> dict[str, tuple[int, int]]:
        """Site -> (reposts that wait to be sent, reposts that are visible or withdrawn as they should be)."""
        ...

    async def find_documents(self, aliases: Sequence[str]) -> list[Document]: ...
    async def changes(self, limit: int, sources: Sequence[str] = ()) -> list[Change]:
        """The documents that changed last, the newest change first. sources: only what one of these shows; () for all."""
        ...

    async def dossier(self, document: int) -> Dossier:
        """Raises StoreError("not_found")."""
        ...

    async def notes(self) -> list[tuple[Document, Look]]:
        """Documents whose look has a note."""
        ...

    async def get(self, name: str) -> str: ...
    async def values(self, prefix: str) -> dict[str, str]:
        """All named values that are not empty and whose name begins so."""
        ...

    async def put(self, name: str, value: str) -> None:
        """Small named values of the daemon itself (moment of the last clean stop, clock error …)."""
        ...

    async def prune(self, *, journal_before: datetime, content_before: datetime) -> tuple[int, int]:
        """Drop journal lines, and superseded revisions' bodies of documents at rest. Returns how many of each."""
        ...

    async def referenced(self) -> frozenset[str]:
        """Hashes of all attachments that some revision still names; raw bytes of lists and pages age by themselves."""
        ...

    async def scrub(self, limit: int) -> list[str]:
        """Check the hashes of the next `limit` rows (goes round); returns what is damaged, in words."""
        ...

    async def reads(self, source: str, since: datetime) -> list[ReadSpan]:
        """The journal of a source's reads that ended after `since`, in order."""
        ...

    async def backup(self, path: Path) -> None: ...
    async def aclose(self) -> None: ...
