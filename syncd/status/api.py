"""What the status endpoint is told and what it tells: the Desk, and the shapes of the API for OpenAPI and the pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Answer = dict[str, Any]


class Desk(Protocol):
    """What an operator can ask and do. Every method returns plain JSON-able values: times are ISO 8601 with their zone.

    Raises SyncdError with reason "unknown_…", "missing" or "not_found" for what does not exist, StoreError when the
    state can't be read or written, any other SyncdError when an action is refused. actor: who decides, by name.
    """

    async def status(self) -> Answer:
        """See Status."""
        ...

    async def reposts(self, attention: bool = False, site: str = "") -> list[Answer]:
        """See RepostRow. attention: only what needs a person; site: only that one."""
        ...

    async def explain(self, id: int) -> Answer:
        """See Explanation."""
        ...

    async def approve(self, id: int | None, source: str | None, actor: str) -> Answer:
        """Approve the newest revision of a repost (source None), or release what is held at a source (id None)."""
        ...

    async def reject(self, id: int | None, reason: str, actor: str, source: str | None = None) -> Answer:
        """Refuse the newest revision of a repost, or drop what is held at a source (id None)."""
        ...

    async def retry(self, id: int, overwrite: bool, actor: str) -> Answer: ...
    async def adopt(self, id: int, url: str, actor: str) -> Answer: ...
    async def withdraw(self, id: int, actor: str, reason: str, undo: bool) -> Answer: ...

    async def report(self, month: str) -> Answer:
        """The report of "YYYY-MM" as syncd.report.to_json gives it."""
        ...


class Told(BaseModel):
    """A shape that may grow: what it does not name is passed on."""

    model_config = ConfigDict(extra="allow")


class Problem(Told):
    """Something a person should know. where: URL, file or TOML path."""

    reason: str
    hint: str = ""
    where: str = ""


class When(Told):
    """A moment as precisely as its source told it. value: ISO 8601, a date alone for day precision. source: of a
    publication, which source told it; origin: list, page or feed."""

    value: str | None = None
    precision: str = "second"
    raw: str = ""
    zone: str = ""
    origin: str = ""
    source: str = ""


def _when(value: object) -> object:
    return {"value": value} if isinstance(value, str) else value


def _since(value: object) -> object:
    """Accepts what Python's isoformat writes; an empty text is no time."""
    return value or None


Moment = Annotated[datetime | None, BeforeValidator(_since)]
Published = Annotated[When | None, BeforeValidator(_when)]


class Limit(Told):
    """A deadline: seconds allowed, by which text, and when they end."""

    limit_s: float | None = None
    basis: str = ""
    due: Moment = None


def _limit(value: object) -> object:
    return {"due": value} if isinstance(value, str) else value or None


class SourceState(Told):
    """A source's health. good: last good read, next: the next one; reason, hint: of the last failure, "" when well.

    every, interval: seconds between two reads as configured, and as its rhythm lets them be now. why: by whose word `next` is
    later: quiet, ttl, skip, backoff, retry_after, network_down, "" for none. busy: the hours in which it usually changes,
    such as "09-12 17-23", in its zone; "" while too little is known. robots: allowed, disallowed, unreachable, or "".
    """

    name: str
    kind: str = ""
    url: str = ""
    good: Moment = None
    next: Moment = None
    tries: int = 0
    reason: str = ""
    hint: str = ""
    held: int = 0
    shown: int = 0
    watched_share: float | None = None
    bytes: int = 0
    reads: int = 0
    every: float = 0.0
    interval: float = 0.0
    why: str = ""
    busy: str = ""
    robots: str = ""


class SiteState(Told):
    """A site's health. state: ok, paused, stopped or unchecked. guarantee: class A, B or C, or parked.

    posts: false where people post and syncd only observes; queue: to be posted; awaited: of those people.
    """

    name: str
    adapter: str = ""
    state: str = "unchecked"
    reason: str = ""
    hint: str = ""
    queue: int = 0
    awaited: int = 0
    posts: bool = True
    visible: int = 0
    public_url: str = ""
    guarantee: str = ""


class Counted(Told):
    documents: int = 0
    reposts: int = 0
    open: int = 0
    pending: int = 0
    held: int = 0
    attention: int = 0


class Verdicts(Told):
    met: int = 0
    breached: int = 0
    open: int = 0
    indeterminate: int = 0
    excused: int = 0


class ConfigState(Told):
    """The config in force. rejected: why a newer file was refused, "" if none was."""

    hash: str = ""
    loaded: Moment = None
    rejected: str = ""


class Attention(Told):
    """Something that waits for a person. kind: repost, approval (of one), entry, document, source or site; id: its
    number or name."""

    kind: str
    id: int | str = ""
    title: str = ""
    reason: str = ""
    hint: str = ""
    since: Moment = None


class Status(Told):
    """The whole at a glance. clock_error_s: how wrong our clock may be, null when unknown."""

    version: str = ""
    now: Moment = None
    started: Moment = None
    healthy: bool = False
    ready: bool = False
    problems: list[Problem] = []
    sources: list[SourceState] = []
    sites: list[SiteState] = []
    counts: Counted = Counted()
    verdicts: Verdicts = Verdicts()
    clock_error_s: float | None = None
    config: ConfigState = ConfigState()
    attention: list[Attention] = []


class Marks(Told):
    wanted: int = 0
    approved: int = 0
    sent: int = 0
    seen: int = 0


class RepostRow(Told):
    """One document on one site, as `syncd reposts --json` prints it. status: core.repost.Status, or awaited where
    people have to post. latency_s: seconds at
    least, latency_max_s: at most (null: nobody knows)."""

    id: int
    document: int | str = ""
    title: str = ""
    source: str = ""
    site: str = ""
    column: str = ""
    url: str = ""
    status: str = ""
    marks: Marks = Marks()
    key: str = ""
    ref: Any = None
    published: Published = None
    detected: Moment = None
    sent_at: Moment = None
    seen_at: Moment = None
    latency_s: float | None = None
    latency_max_s: float | None = None
    deadline: Annotated[Limit | None, BeforeValidator(_limit)] = None
    verdict: str = ""
    blame: str = ""
    reason: str = ""
    hint: str = ""


class RelationState(Told):
    """How documents bear on each other. bond: interprets, repeals, amends, corrects or replaces. way: "tells" (this document
    says it of the other) or "told" (the other says it of this one). document: the other one's id, 0 where it isn't known."""

    bond: str
    way: str
    title: str = ""
    number: str = ""
    url: str = ""
    document: int = 0


class DocumentState(Told):
    """A document. names: other titles under which lists show it. validity: its force, as its source tells it. merged: the
    document that it turned out to be, 0 while it is its own."""

    title: str = ""
    url: str = ""
    aliases: list[str] = []
    names: list[str] = []
    merged: int = 0
    validity: str = ""
    relations: list[RelationState] = []
    published: Published = None
    detected: Moment = None


class RevisionState(Told):
    """One state of the content. reason: new, corrected, marked, tombstone, gone_at_source or operator."""

    n: int
    hash: str = ""
    detected: Moment = None
    withdrawn: bool = False
    reason: str = ""


class EventState(Told):
    """One instant of the timeline with what happened then and why."""

    at: datetime
    precision: str = "second"
    kind: str
    revision: int | None = None
    actor: str = ""
    reason: str = ""
    detail: dict[str, Any] = {}


class NextStep(Told):
    """What comes next, why, and when (null: when something changes)."""

    step: str = ""
    reason: str = ""
    at: Moment = None


class Explanation(Told):
    """One repost's whole story. lags: seconds by source, detection, reading, approval, cms (people where syncd only
    observes), publishing."""

    repost: RepostRow
    document: DocumentState = DocumentState()
    revisions: list[RevisionState] = []
    events: list[EventState] = []
    lags: dict[str, float | None] = {}
    blame: str = ""
    next: NextStep | None = None
    deadline: Annotated[Limit | None, BeforeValidator(_limit)] = None
    verdict: str = ""
    verdict_reason: str = ""


class ReportFigures(Told):
    """A month's report; counts, shares and spans as syncd.report gives them."""

    month: str
    zone: str
    complete: bool
    counts: dict[str, int]
    items: list[dict[str, Any]]


class Done(Told):
    """What an action did, in the words of the Desk."""


class Failure(BaseModel):
    """Why a request was refused; the same words as everywhere."""

    reason: str
    hint: str = ""
    where: str = ""
    message: str = ""


class Health(BaseModel):
    ok: bool
    problems: list[Problem] = []


Name = Annotated[str, Field(min_length=1, max_length=200, description="the person who decides, by name")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Approval(_Body):
    actor: Name


class Rejection(_Body):
    actor: Name
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class Withdrawal(Rejection):
    undo: Annotated[bool, Field(description="lift such an order: it is posted again on all its sites")] = False


class Retry(_Body):
    actor: Name
    overwrite: Annotated[bool, Field(description="write over what somebody else changed at the site")] = False


class Adoption(_Body):
    actor: Name
    url: Annotated[str, Field(min_length=1, max_length=2000, pattern=r"^https?://")]
