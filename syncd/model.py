"""The words of the domain as frozen values: what each thing is, without how it is kept, fetched or shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


class Precision(StrEnum):
    """How much of an instant its origin really told."""

    DAY = "day"
    MINUTE = "minute"
    SECOND = "second"


_SPAN = {Precision.DAY: timedelta(days=1), Precision.MINUTE: timedelta(minutes=1), Precision.SECOND: timedelta(0)}


@dataclass(frozen=True, slots=True)
class Instant:
    """A moment with its precision, its origin and a clock error.

    at: the first moment that it may be, aware, in UTC. For day precision local midnight of `zone`, as UTC.
    raw: the text it was read from. zone: the zone used, such as "+08:00" or "Asia/Shanghai".
    zone_origin: "explicit" (in the text), "source" (its config), "config" ([syncd].timezone) or "default".
    origin: who says so: "list", "page", "feed", "clock" (ours), "relay" (our clock, of what a relay showed), "look", "cms".
    source: name of the source by which a publication is told, "" for any other instant.
    error: how wrong the clock that gave it may be, in seconds, either way.
    """

    at: datetime
    precision: Precision = Precision.SECOND
    raw: str = ""
    zone: str = ""
    zone_origin: str = ""
    origin: str = "clock"
    error: float = 0.0
    source: str = ""

    @property
    def earliest(self) -> datetime:
        return self.at - timedelta(seconds=self.error)

    @property
    def latest(self) -> datetime:
        """The last moment that it may be; for day precision the end of that day."""
        return self.at + _SPAN[self.precision] + timedelta(seconds=self.error)


@dataclass(frozen=True, slots=True)
class AttachmentLink:
    """A file or picture that a document points to. type: MIME type or ""; length: bytes as declared, or None."""

    url: str
    type: str = ""
    length: int | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Media:
    """An attachment that was fetched, inspected and named by us; `sha256` finds its bytes in the blob store."""

    url: str
    name: str
    type: str
    size: int
    sha256: str
    title: str = ""


class Bond(StrEnum):
    """What a document is to another one: 解读, 废止, 修改, 更正, 替代."""

    INTERPRETS = "interprets"
    REPEALS = "repeals"
    AMENDS = "amends"
    CORRECTS = "corrects"
    REPLACES = "replaces"


@dataclass(frozen=True, slots=True)
class Relation:
    """How a document says that it bears on another one, named by what it tells of it: 发文字号, address or title."""

    bond: Bond
    number: str = ""
    url: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """What must be told on a document because another one bears on it: 废止, 修改, 更正, 替代.

    title, number, url: of the other document. date: its 成文日期, else the day of its publication, "YYYY-MM-DD" or "".
    """

    bond: Bond
    title: str = ""
    number: str = ""
    url: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row that a source shows, normalised; nothing in it is trusted.

    key: what the source calls it (guid, id) or else its URL; unique within the source.
    aliases: "kind:value" strings, strongest first, as core.identity.aliases gives them.
    written: 成文日期 as "YYYY-MM-DD" or "". content_html: as the source gave it, not yet cleaned, "" if none.
    withdrawn: the source says that it is withdrawn (RFC 6721 tombstone).
    page: what the source reads the document by where that is not `url`; "" else. Its own word, opaque to all others.
    """

    key: str
    title: str
    url: str
    published: Instant | None = None
    updated: Instant | None = None
    summary: str = ""
    content_html: str = ""
    author: str = ""
    categories: tuple[str, ...] = ()
    issuer: str = ""
    document_number: str = ""
    index_number: str = ""
    written: str = ""
    aliases: tuple[str, ...] = ()
    attachments: tuple[AttachmentLink, ...] = ()
    withdrawn: bool = False
    relations: tuple[Relation, ...] = ()
    page: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should know about a read. where: row or field, such as "[3].DOCRELPUBTIME"."""

    reason: str
    hint: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One relay that a document came through: who fetched it there, and when it was seen there.

    by: who relays. key: their public key. source, url: the list that showed it there. sighted: when it first did; missed:
    the last good read of it before, which did not, None when there was none. raw: SHA-256 of the page's bytes as they were
    received there, "" where no page was read.
    """

    by: str
    key: str
    source: str
    url: str
    sighted: datetime
    missed: datetime | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """One revision's content after extraction and cleaning, the same for every site.

    html: cleaned body with absolute links. text: its visible text, one paragraph a line.
    origin_name: 来源, who the page says it comes from. written: 成文日期 "YYYY-MM-DD" or "".
    losses: what could not be carried over, in words (an attachment that could not be fetched …).
    raw: SHA-256 of the page's bytes as received, "" where none was read. relayed: the relays that it came through, the
    first fetcher first; () where we read it ourselves.
    validity: its force as its source tells it, such as "失效". relations: what it says of other documents.
    notices: what other documents say of it; the store derives them, and they are no change of the text.
    """

    title: str
    html: str
    text: str
    url: str
    issuer: str = ""
    document_number: str = ""
    index_number: str = ""
    origin_name: str = ""
    written: str = ""
    summary: str = ""
    categories: tuple[str, ...] = ()
    published: Instant | None = None
    updated: Instant | None = None
    media: tuple[Media, ...] = ()
    losses: tuple[str, ...] = ()
    raw: str = ""
    relayed: tuple[Hop, ...] = ()
    validity: str = ""
    relations: tuple[Relation, ...] = ()
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class Revision:
    """One state of a document's content, numbered 1, 2, 3 …; a withdrawal is a revision too (content of the last one)."""

    document: int
    n: int
    hash: str
    content: Content
    detected: datetime
    withdrawn: bool = False
    reason: str = ""
    """Why it is a revision: "new", "corrected", "marked" (another document bears on it, or no longer does), "tombstone",
    "notice", "gone_at_source", "operator"."""


@dataclass(frozen=True, slots=True)
class Document:
    """The policy itself, found by its aliases.

    detected: when any source first showed it to us. missed: the last good read of that source before, which did not
    show it (None when there was none). published: the earliest public instant over its entries and page.
    latest: number of the newest revision. backfill: it was old when first seen and is carried over by `backfill`.
    names: other titles under which lists show it. merged: the document that it turned out to be, 0 while it is its own.
    """

    id: int
    title: str
    url: str
    detected: datetime
    missed: datetime | None = None
    published: Instant | None = None
    latest: int = 0
    withdrawn: bool = False
    backfill: bool = False
    sources: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    merged: int = 0


class Form(StrEnum):
    FULL = "full"
    LINK = "link"


class PostAs(StrEnum):
    PUBLISH = "publish"
    DRAFT = "draft"


class Approve(StrEnum):
    AUTO = "auto"
    REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Match:
    """Which documents a route takes; empty means all. Plain words are found anywhere in the field."""

    issuer: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """How long a repost may take: `limit` seconds of wall clock, and by which text (`basis`)."""

    limit: float
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Backfill:
    """What of the past a route reposts: everything, what was published within `span` seconds, or the `newest` N."""

    everything: bool = False
    span: float | None = None
    newest: int | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """A rule: which documents go to which site and column, who allows it, by when. name: unique, stable, from config.

    hotlink: pictures of the text are left where they are and shown from there; else they are copied.
    """

    name: str
    sources: tuple[str, ...]
    site: str
    column: str
    match: Match = Match()
    form: Form = Form.FULL
    post_as: PostAs = PostAs.PUBLISH
    approve: Approve = Approve.AUTO
    authority: str = ""
    deadline: DeadlineRule | None = None
    backfill: Backfill | None = None
    review_withdrawals: bool = False
    hotlink: bool = False


class RemoteState(StrEnum):
    """Where a post stands in the CMS. PENDING: it was handed over, and what became of it is not known yet."""

    PUBLIC = "public"
    DRAFT = "draft"
    PENDING = "pending"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """Where a post lies in the CMS.

    version: opaque, changes with every change there ("" if the CMS has none). url: its public address ("" while it is not
    known, as of a draft).
    modified_by: who changed it last when that was somebody else than us; None when it was us or the CMS can't tell.
    """

    id: str
    url: str = ""
    version: str = ""
    state: RemoteState = RemoteState.PUBLIC
    modified_by: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteDoc:
    """What the CMS really stores under a ref, as it returns it."""

    ref: RemoteRef
    key: str
    title: str
    html: str


class Wrote(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    WITHDRAWN = "withdrawn"
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write did. losses: what the CMS dropped or rewrote, in words. stored: what it returned as stored, if it does."""

    ref: RemoteRef
    outcome: Wrote
    losses: tuple[str, ...] = ()
    stored: RemoteDoc | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """What an adapter is given: one revision mapped for one site. html is sanitised; every other text is plain.

    key: the idempotency key; the adapter must be able to find the post by it. revision: the number carried.
    media: bytes are had from the adapter's `blobs`. lang: "zh" or "en".
    published: the document's earliest public instant. sent: now, the visible time of the repost.
    hotlink: pictures of the text that are not among the media stay where they are; else they become links.
    """

    key: str
    title: str
    html: str
    column: str
    revision: int
    form: Form = Form.FULL
    summary: str = ""
    issuer: str = ""
    document_number: str = ""
    index_number: str = ""
    written: str = ""
    origin_name: str = ""
    source_url: str = ""
    published: Instant | None = None
    sent: datetime | None = None
    categories: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    lang: str = "zh"
    site_name: str = ""
    site_id: str = ""
    hotlink: bool = False


class IntentKind(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Intent:
    """A call to the CMS that was announced in the store and has no outcome yet.

    print: fingerprint of the text that is sent (core.visible.fingerprint), so that a later look knows it again.
    """

    revision: int
    kind: IntentKind
    print: str
    opened: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a repost stands still until a person acts. revision: only that one is held; None holds all."""

    reason: str
    revision: int | None = None
    actor: str = "syncd"
    hint: str = ""


class Finding(StrEnum):
    """What a look at the site found that nobody asked us to mend."""

    GONE = "gone"
    EDITED = "edited"


@dataclass(frozen=True, slots=True)
class Repost:
    """One document on one site: the row that carries the marks (core.repost says how it moves).

    key: minted once. wanted >= approved >= sent >= seen, all revision numbers. stored: fingerprint of what the CMS
    returned for the last write. print: fingerprint of what we sent for `sent`. looks: good looks in a row since `sent`.
    due: when it is to be taken up again. tries: failures in a row. version: for compare-and-set.
    excused: no verdict (backfill, adopted). reason, hint: of the last thing that went wrong, "" when all is well.
    """

    id: int
    document: int
    source: str
    site: str
    route: str
    column: str
    key: str
    due: datetime
    created: datetime
    form: Form = Form.FULL
    post_as: PostAs = PostAs.PUBLISH
    wanted: int = 0
    approved: int = 0
    sent: int = 0
    seen: int = 0
    hold: Hold | None = None
    intent: Intent | None = None
    finding: Finding | None = None
    ref: RemoteRef | None = None
    print: str = ""
    stored: str = ""
    looks: int = 0
    tries: int = 0
    version: int = 0
    excused: str = ""
    adopted: bool = False
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """An instant of a timeline with what happened: append-only.

    kind: sighted, revised, wanted, approved, rejected, held, released, intent, sent, in_doubt, resolved, look_bad,
    look_good, seen, gone, edited, withdrawn, parked, adopted, retried. document or repost is None where it has none.
    """

    kind: str
    at: Instant
    document: int | None = None
    repost: int | None = None
    revision: int | None = None
    actor: str = "syncd"
    reason: str = ""
    detail: dict[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    MET = "met"
    BREACHED = "breached"
    OPEN = "open"
    INDETERMINATE = "indeterminate"
    EXCUSED = "excused"
