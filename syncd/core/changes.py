"""What moved between two states of a repost's row, as the events of its timeline: no mark moves without one."""

from __future__ import annotations

from syncd.model import Event, Hold, Instant, Repost


def changes(
    before: Repost, after: Repost, at: Instant, *, actor: str = "syncd", withdrawn: bool = False
) -> tuple[Event, ...]:
    """The events between two states of one row, in the order in which things happen.

    at: the instant of the outcome. withdrawn: the revision that was sent is a withdrawal.
    """
    found = [
        *_mark("wanted", before.wanted, after.wanted),
        *_mark("approved", before.approved, after.approved),
        *_intent(before, after),
        *_mark("withdrawn" if withdrawn else "sent", before.sent, after.sent),
        *_mark("seen", before.seen, after.seen),
        *_finding(before, after),
        *_hold(before.hold, after.hold),
        *_trouble(before, after),
    ]
    return tuple(
        Event(kind, at, after.document, after.id or None, revision, actor, reason, _words(kind, after))
        for kind, revision, reason in found
    )


def _words(kind: str, after: Repost) -> dict[str, str]:
    """What a hold says beside its reason, such as a person's own words."""
    return {"why": after.hold.hint} if kind in ("held", "parked") and after.hold and after.hold.hint else {}


_Found = list[tuple[str, int | None, str]]


def _mark(kind: str, before: int, after: int) -> _Found:
    return [(kind, after, "")] if after > before else []


def _intent(before: Repost, after: Repost) -> _Found:
    if before.intent == after.intent:
        return []
    if after.intent:
        return [("intent", after.intent.revision, after.intent.kind)]
    resolved = before.intent if before.intent and after.sent < before.intent.revision else None
    return [("resolved", resolved.revision, after.reason)] if resolved else []


def _finding(before: Repost, after: Repost) -> _Found:
    if before.finding == after.finding:
        return []
    if after.finding:
        return [(after.finding.value, after.sent, after.reason)]
    return [("released", after.sent, before.finding.value if before.finding else "")]


def _hold(before: Hold | None, after: Hold | None) -> _Found:
    if before == after:
        return []
    if after is None:
        return [("released", before.revision if before else None, before.reason if before else "")]
    return [("held" if after.revision else "parked", after.revision, after.reason)]


def _trouble(before: Repost, after: Repost) -> _Found:
    """The first failure of a kind is told, its repetitions are only counted in the row."""
    if after.tries <= before.tries or after.reason == before.reason:
        return []
    looking = after.intent is None and after.sent and after.seen <= after.sent == after.approved
    kind = "in_doubt" if after.intent else "look_bad" if looking else "retried"
    return [(kind, after.wanted, after.reason)]
