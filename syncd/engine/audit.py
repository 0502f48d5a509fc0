"""Stage audit: a page that was seen is looked at again; one bad look is no finding, it is looked at once more soon."""

from __future__ import annotations

from dataclasses import replace

from syncd.core.repost import Gone, Outcome, Retry, Verify

SOON = 300.0
"""Seconds until an audit that failed is repeated at the earliest: a passing fault is not news."""


def after_look(outcome: Outcome, step: Verify) -> Outcome:
    """The outcome of a look as the stage that made it reads it.

    step.audit: the page was seen before, so that a bad look is repeated unhurriedly and keeps its reason on show.
    """
    if step.audit and isinstance(outcome, Retry):
        return replace(outcome, after=max(outcome.after, SOON))
    if not step.audit and isinstance(outcome, Gone):
        return replace(outcome, reason=f"{outcome.reason}_before_seen")
    return outcome
