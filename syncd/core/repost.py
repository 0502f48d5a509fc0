"""The state machine of a repost: `plan` says the next step, `fold` says what an outcome makes of the row.

Four marks, revision numbers that only grow: wanted >= approved >= sent >= seen. Beside them a hold, an open intent and
a finding. The status that people read is computed from these and never stored:

| status | when | what moves it on |
|---|---|---|
| parked | a hold of the whole repost (in doubt without look-up, flap, operator) | a person: retry, adopt |
| edited | finding edited: somebody changed the post at the site | a person: retry (overwrite), adopt |
| in_doubt | an intent is open | a look at the CMS |
| gone | finding gone: somebody removed the post at the site | a person: retry (create), or it returns |
| held | a hold of the wanted revision (rejected by a person or by the CMS) | a person, or a newer revision |
| waiting | approved < wanted | the route's policy or a person |
| sending | sent < approved | the engine |
| sent | seen < sent | a good anonymous look |
| withdrawn | seen = wanted and that revision is a withdrawal | a newer revision |
| visible | seen = sent = approved = wanted | a newer revision |

The first row that applies is the status.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.model import Finding, Hold, Intent, IntentKind, PostAs, RemoteRef, RemoteState, Repost


class Status(StrEnum):
    """What people read; computed, never stored."""

    IN_DOUBT = "in_doubt"
    PARKED = "parked"
    EDITED = "edited"
    GONE = "gone"
    HELD = "held"
    WAITING = "waiting"
    SENDING = "sending"
    WITHDRAWN = "withdrawn"
    SENT = "sent"
    VISIBLE = "visible"


REFUSED = "rejected"
"""The reason of a hold that is a person's word; their own words are its hint."""
CMS = "cms"
"""The actor of a hold that is the CMS's word."""
REFUSED_LOOK = 600.0
"""Seconds between looks for what was handed over and refused, or not acknowledged in time."""
NEEDS_PERSON = frozenset({Status.PARKED, Status.EDITED, Status.GONE, Status.HELD})

RETRY_HORIZON = timedelta(hours=2)
"""A repost that is under way never waits longer than this; a later `due` was written by a wrong clock."""
REST_HORIZON = timedelta(days=8)
"""A repost at rest is looked at weekly; a later `due` was written by a wrong clock."""


@dataclass(frozen=True, slots=True)
class Head:
    """A revision as the machine sees it."""

    n: int
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """What the row's surroundings allow. quiet: seconds of settling time left, by this process's monotonic clock.

    writes: the route still exists and the site takes posts. lookup: the CMS can be searched for our key.
    looks: seconds after a good look until the next ones; the last repeats.
    """

    writes: bool = True
    lookup: bool = True
    quiet: float = 0.0
    looks: tuple[float, ...] = (3600.0, 86400.0, 604800.0)


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do until `until` (None: until something changes the row)."""

    until: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Advance:
    """Move the marks to n without a call: a withdrawal of what was never sent."""

    n: int
    reason: str = "never_sent"


@dataclass(frozen=True, slots=True)
class Send:
    """Open an intent and call the CMS."""

    n: int
    kind: IntentKind
    reason: str = "approved"


@dataclass(frozen=True, slots=True)
class Resolve:
    """Look at the CMS: what became of the open intent? conclude: the settling time is over, so "not there" counts."""

    intent: Intent
    conclude: bool
    reason: str = "intent_open"


@dataclass(frozen=True, slots=True)
class Verify:
    """Look at the public page as anybody. audit: it was seen before."""

    n: int
    audit: bool = False
    reason: str = "look_due"


@dataclass(frozen=True, slots=True)
class Park:
    """Stop and ask a person."""

    reason: str
    hint: str = ""


Step = Rest | Advance | Send | Resolve | Verify | Park


@dataclass(frozen=True, slots=True)
class Sent:
    """The CMS shows revision n: after a call, or found by a look. stored: fingerprint of what it stores."""

    ref: RemoteRef
    stored: str
    reason: str = "sent"


@dataclass(frozen=True, slots=True)
class Located:
    """The post is there with other content than the intent's: it is ours, and the newest approved goes over it."""

    ref: RemoteRef
    stored: str
    reason: str = "found_with_other_text"


@dataclass(frozen=True, slots=True)
class Absent:
    """An authoritative look did not find it, and a request under way can no longer take effect."""

    reason: str = "absent"


@dataclass(frozen=True, slots=True)
class Pending:
    """Not there, but a request may still be under way: look again after `after` seconds."""

    after: float
    reason: str = "settling"


@dataclass(frozen=True, slots=True)
class Seen:
    """The public page shows n with the same text (or its withdrawal). ref: refreshed when the look learned one."""

    n: int
    ref: RemoteRef | None = None
    reason: str = "visible"


@dataclass(frozen=True, slots=True)
class Retry:
    """It did not work and certainly changed nothing. intact: it says nothing of an open intent, which stays open."""

    after: float
    reason: str
    hint: str = ""
    intact: bool = False
    ref: RemoteRef | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call may or may not have taken effect."""

    after: float
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The CMS refuses this revision for good."""

    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Edited:
    """Somebody else changed the post. ambiguous: an intent is open whose request may still be under way."""

    ref: RemoteRef
    stored: str
    reason: str = "edited"
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody removed the post."""

    reason: str = "gone"


Outcome = Sent | Located | Absent | Pending | Seen | Retry | Unknown | Rejected | Edited | Gone

_HINTS = {
    "edited": "compare the two texts; `syncd retry ID --overwrite` puts ours back, `syncd adopt ID` keeps the site's",
    "gone": "`syncd retry ID` posts it again; `syncd adopt ID` accepts the removal",
    "in_doubt": "look in the CMS for it; then `syncd adopt ID --url URL` if it is there, `syncd retry ID` if it is not",
}


def under_way(repost: Repost) -> bool:
    """True while the engine has something to do that is not a routine look."""
    sending = repost.sent < repost.approved == repost.wanted
    moving = sending or repost.seen < repost.sent or repost.intent is not None or repost.tries > 0
    return moving and not needs_person(repost)


def status(repost: Repost, *, withdrawn: bool = False) -> Status:
    """The word for people, by the table above from top to bottom. withdrawn: the wanted revision is a withdrawal."""
    if repost.hold and repost.hold.revision is None:
        return Status.PARKED
    if repost.finding is Finding.EDITED:
        return Status.EDITED
    if repost.intent:
        return Status.IN_DOUBT
    if repost.finding is Finding.GONE:
        return Status.GONE
    return _status_by_marks(repost, withdrawn)


def _status_by_marks(repost: Repost, withdrawn: bool) -> Status:
    if held(repost):
        return Status.HELD
    if repost.approved < repost.wanted:
        return Status.WAITING
    if repost.sent < repost.approved:
        return Status.SENDING
    if repost.seen < repost.sent:
        return Status.SENT
    return Status.WITHDRAWN if withdrawn else Status.VISIBLE


def held(repost: Repost) -> bool:
    """True when a hold stops the revision that is wanted now."""
    return repost.hold is not None and repost.hold.revision in (None, repost.wanted)


def needs_person(repost: Repost) -> bool:
    return status(repost) in NEEDS_PERSON


def refused(repost: Repost) -> bool:
    """True when a person has refused what is wanted now: it stands still, and nobody is asked again."""
    return held(repost) and repost.hold is not None and repost.hold.reason == REFUSED


def overdue(repost: Repost, now: datetime) -> bool:
    """True when the row is to be taken up: its `due` is past, or so far away that only a wrong clock has written it."""
    return repost.due <= now or repost.due > now + horizon(repost)


def horizon(repost: Repost) -> timedelta:
    """How far away its `due` may lie."""
    return RETRY_HORIZON if under_way(repost) else REST_HORIZON


def plan(repost: Repost, heads: tuple[Head, Head], policy: Policy, now: datetime) -> Step:
    """The next step of a row, from the row alone. heads: the newest wanted and the newest approved revision."""
    if not overdue(repost, now):
        return Rest(repost.due, repost.reason or "not_due")
    if repost.intent:
        return Rest(None, _waiting_for(repost)) if _stopped(repost) else _plan_intent(repost, repost.intent, policy)
    return _plan_write(repost, heads, policy, now) or _plan_look(repost)


def _stopped(repost: Repost) -> bool:
    """A whole-repost hold or a local edit: nothing is called until a person has decided."""
    return repost.finding is Finding.EDITED or (repost.hold is not None and repost.hold.revision is None)


def _plan_intent(repost: Repost, intent: Intent, policy: Policy) -> Step:
    if not policy.lookup and not repost.adopted:
        return Park("in_doubt", _HINTS["in_doubt"])
    return Resolve(intent, conclude=policy.quiet <= 0)


def _plan_write(repost: Repost, heads: tuple[Head, Head], policy: Policy, now: datetime) -> Step | None:
    wanted, approved = heads
    if repost.approved < repost.wanted or repost.sent >= repost.approved or held(repost):
        return None
    moot = approved.withdrawn and (repost.ref is None or repost.finding is Finding.GONE)
    if repost.finding and not moot:
        return None
    if not (policy.writes or moot):
        return Rest(None, "no_route")
    # Also before marks move without a call: a create that is still under way would stay up after its withdrawal.
    if policy.quiet > 0:
        return Rest(now + timedelta(seconds=policy.quiet), "settling")
    return Advance(approved.n) if moot else Send(wanted.n, _kind(repost, approved))


def _kind(repost: Repost, head: Head) -> IntentKind:
    if head.withdrawn:
        return IntentKind.WITHDRAW
    return IntentKind.UPDATE if repost.ref else IntentKind.CREATE


def _plan_look(repost: Repost) -> Step:
    if repost.ref is None or repost.sent == 0:
        return Rest(None, _waiting_for(repost))
    return Verify(repost.sent, audit=repost.seen == repost.sent)


def _waiting_for(repost: Repost) -> str:
    if repost.hold:
        return repost.hold.reason
    if repost.approved < repost.wanted:
        return "waiting_for_approval"
    return repost.finding or "nothing_to_do"


def announce(repost: Repost, step: Send, *, print: str, now: datetime) -> Repost:
    """The row with its intent open, to be stored before the CMS is called."""
    return replace(repost, intent=Intent(step.n, step.kind, print, now), due=now)


def advance(repost: Repost, step: Advance, policy: Policy, now: datetime) -> Repost:
    """The marks moved without a call; the hold of an older revision falls."""
    rested = replace(repost, sent=step.n, seen=step.n, tries=0, reason="", hint="", hold=None, finding=None)
    return replace(rested, due=now + timedelta(seconds=policy.looks[-1]))


def park(repost: Repost, step: Park, now: datetime) -> Repost:
    hold = Hold(step.reason, None, "syncd", step.hint)
    return replace(repost, hold=hold, reason=step.reason, hint=step.hint, due=now + REST_HORIZON / 2)


def fold(repost: Repost, outcome: Outcome, policy: Policy, now: datetime) -> Repost:  # noqa: PLR0911 - one each
    """The row after an outcome. Marks never move back; `due` is when it is taken up again."""
    match outcome:
        case Sent():
            return _fold_sent(repost, outcome, now)
        case Located():
            return _fold_located(repost, outcome, policy, now)
        case Absent():
            return _fold_absent(repost, outcome, policy, now)
        case Seen():
            return _fold_seen(repost, outcome, policy, now)
        case Edited():
            return _fold_edited(repost, outcome, policy, now)
        case Gone():
            return _fold_gone(repost, outcome.reason, policy, now)
        case Rejected():
            return _fold_rejected(repost, outcome, policy, now)
        case Pending():
            return replace(repost, due=_after(now, outcome.after), reason=outcome.reason, hint="")
        case _:
            return _fold_failure(repost, outcome, now)


def _fold_sent(repost: Repost, outcome: Sent, now: datetime) -> Repost:
    intent = repost.intent
    if intent is None:
        return replace(repost, ref=outcome.ref, stored=outcome.stored, due=now)
    if intent.revision > repost.approved:  # the row was merged into another document's meanwhile
        return replace(repost, intent=None, ref=outcome.ref, stored=outcome.stored, reason="found_after_merge", due=now)
    sent = max(repost.sent, intent.revision)
    done = replace(repost, intent=None, sent=sent, ref=outcome.ref, stored=outcome.stored, print=intent.print)
    return replace(done, looks=0, tries=0, reason="", hint="", due=now, hold=_older_hold_falls(repost, sent))


def _fold_located(repost: Repost, outcome: Located, policy: Policy, now: datetime) -> Repost:
    """A create is settled by being found. While another request may still take effect its intent stays open, so that a
    restart doesn't forget to wait for it."""
    creates = repost.intent is not None and repost.intent.kind is IntentKind.CREATE
    intent = repost.intent if policy.quiet > 0 and not creates else None
    row = replace(repost, intent=intent, ref=outcome.ref, stored=outcome.stored, reason=outcome.reason)
    return replace(row, due=_after(now, policy.quiet) if intent else now)


def _refused_after_sending(repost: Repost) -> bool:
    """The CMS took what was sent last, and refused it later or never answered."""
    hold = repost.hold
    return hold is not None and hold.actor == CMS and hold.revision == repost.sent > repost.seen


def _older_hold_falls(repost: Repost, sent: int) -> Hold | None:
    hold = repost.hold
    return None if hold and hold.revision is not None and hold.revision <= sent else hold


def _fold_absent(repost: Repost, outcome: Absent, policy: Policy, now: datetime) -> Repost:
    intent = repost.intent
    if intent is not None and intent.kind is IntentKind.CREATE:
        return replace(repost, intent=None, ref=None, reason=outcome.reason, due=now)
    if intent is not None and intent.kind is IntentKind.WITHDRAW:
        gone = replace(repost, intent=None, sent=intent.revision, seen=intent.revision, ref=None, print="", stored="")
        return replace(gone, tries=0, reason="", hint="", due=now + timedelta(seconds=policy.looks[-1]))
    return _fold_gone(repost, outcome.reason, policy, now)


def _fold_seen(repost: Repost, outcome: Seen, policy: Policy, now: datetime) -> Repost:
    looks = repost.looks + 1
    wait = policy.looks[min(looks, len(policy.looks)) - 1]
    finding = None if repost.finding is Finding.GONE else repost.finding
    seen = max(repost.seen, min(outcome.n, repost.sent))
    hold = None if _refused_after_sending(repost) else repost.hold
    row = replace(repost, seen=seen, looks=looks, finding=finding, ref=outcome.ref or repost.ref, tries=0, hold=hold)
    return _all_well(replace(row, due=now + timedelta(seconds=wait)))


def _fold_edited(repost: Repost, outcome: Edited, policy: Policy, now: datetime) -> Repost:
    intent = repost.intent if outcome.ambiguous else None
    row = replace(repost, intent=intent, finding=Finding.EDITED, ref=outcome.ref, stored=outcome.stored)
    row = replace(row, reason=outcome.reason, hint=_HINTS["edited"], tries=0)
    return replace(row, due=now + timedelta(seconds=policy.looks[0]))


def _fold_gone(repost: Repost, reason: str, policy: Policy, now: datetime) -> Repost:
    row = replace(repost, intent=None, finding=Finding.GONE, reason=reason, hint=_HINTS["gone"], tries=0)
    return replace(row, due=now + timedelta(seconds=policy.looks[0]))


def _fold_rejected(repost: Repost, outcome: Rejected, policy: Policy, now: datetime) -> Repost:
    """Without an intent it was sent, and refused later: it is looked at again soon, since the other side may change its
    mind."""
    revision = repost.intent.revision if repost.intent else repost.sent
    hold = Hold(outcome.reason, revision, CMS, outcome.hint)
    row = replace(repost, intent=None, hold=hold, reason=outcome.reason, hint=outcome.hint, tries=0)
    wait = policy.looks[0] if repost.intent else min(REFUSED_LOOK, policy.looks[0])
    return replace(row, due=now + timedelta(seconds=wait))


def _fold_failure(repost: Repost, outcome: Retry | Unknown, now: datetime) -> Repost:
    keeps = isinstance(outcome, Unknown) or outcome.intact
    ref = outcome.ref if isinstance(outcome, Retry) and outcome.ref else repost.ref
    row = replace(repost, intent=repost.intent if keeps else None, tries=repost.tries + 1, ref=ref)
    return replace(row, reason=outcome.reason, hint=outcome.hint, due=_after(now, outcome.after))


def _after(now: datetime, seconds: float) -> datetime:
    """A wait within the horizon: a `due` beyond it would count as now."""
    return now + min(timedelta(seconds=seconds), RETRY_HORIZON)


def _all_well(repost: Repost) -> Repost:
    """Nothing to complain of any more, unless it is in doubt or a person must still act: then it goes on saying why."""
    return repost if repost.intent or needs_person(repost) else replace(repost, reason="", hint="")


def want(repost: Repost, n: int, now: datetime) -> Repost:
    """A newer revision is desired; an older one changes nothing."""
    return replace(repost, wanted=n, due=now) if n > repost.wanted else repost


def approve(repost: Repost, n: int, now: datetime) -> Repost:
    """Revision n may be sent; it says nothing of later ones, and n below what is wanted is superseded at once."""
    granted = min(n, repost.wanted)
    hold = _older_hold_falls(repost, granted)
    return _all_well(replace(repost, approved=max(repost.approved, granted), hold=hold, due=now))


def reject(repost: Repost, *, reason: str, actor: str, now: datetime) -> Repost:
    """A person refuses the wanted revision, and only that one. reason: in their own words."""
    return replace(repost, hold=Hold(REFUSED, repost.wanted, actor, reason), reason=REFUSED, hint=reason, due=now)


def retry(repost: Repost, now: datetime, *, overwrite: bool = False) -> Repost | None:
    """A person says: go on. None when the post was edited at the site and `overwrite` is not said.

    A post that is gone is created again with the same key; an open intent without look-up is dropped, and the settling
    time of the engine still holds before the next write. What was refused after it was sent is sent again.
    """
    if repost.finding is Finding.EDITED and not overwrite:
        return None
    parked_in_doubt = repost.hold is not None and repost.hold.reason == "in_doubt"
    intent = None if parked_in_doubt else repost.intent
    row = replace(repost, intent=intent, hold=None, tries=0, reason="", hint="", due=now, finding=None)
    if repost.finding is None:
        return replace(row, sent=repost.seen) if _refused_after_sending(repost) else row
    return replace(row, sent=0, seen=0, ref=None if repost.finding is Finding.GONE else repost.ref)


def adopt(repost: Repost, ref: RemoteRef, *, stored: str, now: datetime, n: int | None = None) -> Repost:
    """The site's own version is the repost of revision n, whoever made it; later looks start from it.

    n: None for what is wanted now. Where that is a withdrawal, give the newest revision that is none: else a page that
    is public would count as withdrawn, and the withdrawal would never be sent to it.
    """
    n = repost.wanted if n is None else n
    approved, seen = max(repost.approved, n), min(repost.seen, n)
    row = replace(repost, ref=ref, stored=stored, print=stored, approved=approved, sent=n, seen=seen)
    row = replace(row, adopted=True, intent=None)
    return replace(row, hold=None, finding=None, looks=0, tries=0, reason="", hint="", due=now)


def is_draft(repost: Repost) -> bool:
    """True while the post waits in the CMS for the site's own editor."""
    return repost.post_as is PostAs.DRAFT and repost.ref is not None and repost.ref.state is RemoteState.DRAFT


def is_handed_over(repost: Repost) -> bool:
    """True while only the other side knows what becomes of the post."""
    return repost.ref is not None and repost.ref.state is RemoteState.PENDING
