"""A list of several pages: the older ones are read only as far as they are needed, and count as one read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from syncd.engine.deps import SourceUnit
from syncd.model import Entry
from syncd.sources.api import Listing
from syncd.web.api import Answer
from syncd.web.status import refusal
from syncd.web.urls import redacted

Enough = Callable[[Sequence[Entry]], Awaitable[bool]]
"""Whether a page's rows show that none behind them is needed."""


async def whole(unit: SourceUnit, first: Answer, *, enough: Enough, now: datetime) -> tuple[Listing, int]:
    """The list with the pages behind its first one, up to the page that is enough, the last one or `unit.habits.pages`; and the
    bytes that these cost.

    A row that moved to the next page between two requests counts once. Raises ReadFailed when any of them can't be read:
    a part of a list is none.
    """
    listing, asked = await unit.source.parse(first), {unit.url, first.url}
    page, left, wire = listing, unit.habits.pages - 1, 0
    while left and page.next and page.next not in asked and not await enough(page.entries):
        asked.add(page.next)
        left -= 1
        answer = await unit.client.get(page.next)
        if answer.status != 200:
            raise refusal(answer, _hint(answer), now)
        wire += answer.wire
        page = await unit.source.parse(answer)
        listing = _joined(listing, page)
    return listing, wire


def _joined(listing: Listing, page: Listing) -> Listing:
    shown = {entry.key for entry in listing.entries}
    more = tuple(entry for entry in page.entries if entry.key not in shown)
    return replace(
        listing,
        entries=listing.entries + more,
        problems=listing.problems + page.problems,
        first_page=listing.first_page or len(listing.entries),
    )


def _hint(answer: Answer) -> str:
    return (
        f"{redacted(answer.url)}, a page behind the list's first one, can't be read: correct options.paging or leave it out, "
        "or set pages = 1; the list is asked again, ever later"
    )
