"""Planted bugs: patches to named production functions, each of which the five counts alone must find.

A check that cannot fail proves nothing: what a bug does is never looked at here, only whether the counts stay at zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from typing import Any
from unittest.mock import patch

from syncd.core import detect, visible
from syncd.core import repost as machine
from syncd.core.repost import Absent, Located, Resolve, Retry
from syncd.engine import poll, read, see, send, work
from syncd.engine.deps import Deps
from syncd.engine.gate import Quiet
from syncd.errors import Unknown as UnknownAnswer
from syncd.store import marks

Plant = Callable[[], AbstractContextManager[Any]]


def concludes_at_once() -> AbstractContextManager[Any]:
    """core.repost._plan_intent: "not there" counts while a request may still be under way."""

    def _plan_intent(repost: Any, intent: Any, policy: Any) -> Resolve:
        return Resolve(intent, conclude=True)

    return patch.object(machine, "_plan_intent", _plan_intent)


def sends_unannounced() -> AbstractContextManager[Any]:
    """engine.work.Worker._save: the intent is not stored before the call."""
    save = work.Worker._save

    async def _save(self: Any, before: Any, after: Any, **told: Any) -> Any:
        if before.intent is None and after.intent is not None:
            return after
        return await save(self, before, after, **told)

    return patch.object(work.Worker, "_save", _save)


def never_looks_up() -> AbstractContextManager[Any]:
    """engine.send.Sender.resolve and before: what became of a call is taken for nothing, without a look."""

    async def resolve(self: Any, repost: Any, step: Any, site: Any) -> Any:
        return Absent()

    async def before(self: Any, repost: Any, step: Any, site: Any, draft: Any) -> Any:
        return None

    return _both(patch.object(send.Sender, "resolve", resolve), patch.object(send.Sender, "before", before))


def takes_unknown_for_failure() -> AbstractContextManager[Any]:
    """engine.send._sorted: an answer that was lost is taken for "not done"."""
    sort = send._sorted

    def _sorted(deps: Any, repost: Any, site: Any, error: Any) -> Any:
        if isinstance(error, UnknownAnswer):
            return Retry(1.0, error.reason, error.hint)
        return sort(deps, repost, site, error)

    return patch.object(send, "_sorted", _sorted)


def validators_before_entries() -> AbstractContextManager[Any]:
    """engine.poll.Poller._record: the ETag is committed first, the entries that came with it later."""
    record = poll.Poller._record

    async def _record(self: Any, unit: Any, after: Any, *rest: Any) -> None:
        await self.deps.store.journal([after], self.deps.now)
        await record(self, unit, after, *rest)

    return patch.object(poll.Poller, "_record", _record)


def drops_after_three_tries() -> AbstractContextManager[Any]:
    """core.repost._fold_failure: a repost that failed three times counts as done."""
    fold = machine._fold_failure

    def _fold_failure(repost: Any, outcome: Any, now: Any) -> Any:
        row = fold(repost, outcome, now)
        if row.tries < 3:
            return row
        return replace(row, intent=None, sent=row.approved, seen=row.approved, tries=0)

    return patch.object(machine, "_fold_failure", _fold_failure)


def updates_unconditionally() -> AbstractContextManager[Any]:
    """engine.send.Sender._call: the version that we know is not given to the CMS."""
    call = send.Sender._call

    async def _call(self: Any, repost: Any, *rest: Any) -> Any:
        ref = repost.ref and replace(repost.ref, version="")
        return await call(self, replace(repost, ref=ref), *rest)

    return patch.object(send.Sender, "_call", _call)


def recovery_overwrites() -> AbstractContextManager[Any]:
    """engine.send.Sender._settle: whatever lies there after a lost answer is ours to overwrite."""

    async def _settle(self: Any, repost: Any, intent: Any, ref: Any, adapter: Any, *, landed: bool) -> Any:
        return Located(ref, "")

    return patch.object(send.Sender, "_settle", _settle)


def settles_by_the_wall_clock() -> AbstractContextManager[Any]:
    """engine.deps.Deps: the settling time is counted by the wall clock."""

    def __post_init__(self: Deps) -> None:
        self.quiet = Quiet(lambda: self.clock.now().timestamp())

    return patch.object(Deps, "__post_init__", __post_init__)


def waits_for_any_due() -> AbstractContextManager[Any]:
    """core.repost.overdue, and its horizons in store.marks: a `due` that a wrong clock wrote is waited for."""
    for_ever = timedelta(days=10000)
    return _both(
        patch.object(machine, "overdue", lambda repost, now: repost.due <= now),
        patch.object(marks, "RETRY_HORIZON", for_ever), patch.object(marks, "REST_HORIZON", for_ever),
    )


def believes_any_200() -> AbstractContextManager[Any]:
    """engine.see.judge: a page that answers 200 shows the post."""
    judge = see.judge

    def trusting(expected: Any, answer: Any) -> Any:
        return visible.Look(True, "visible", 1.0, ()) if answer.status == 200 else judge(expected, answer)

    return patch.object(see, "judge", trusting)


def withdraws_at_the_first_404() -> AbstractContextManager[Any]:
    """engine.read.Reader._missing: a document that can't be found once is taken for withdrawn."""

    async def _missing(self: Any, due: Any, error: Any) -> None:
        revision = replace(due.revision, withdrawn=True, detected=self.deps.now, reason="gone_at_source")
        await self._revise(due.document.sources[0], due, revision, due.look)

    return patch.object(read.Reader, "_missing", _missing)


def believes_a_stale_mirror() -> AbstractContextManager[Any]:
    """engine.read.Reader._doubt and _is_copy: whatever a source shows is taken for a correction at its first sight."""

    async def undoubted(self: Any, *told: Any) -> None:
        return None

    async def never(self: Any, *told: Any) -> bool:
        return False

    return _both(patch.object(read.Reader, "_doubt", undoubted), patch.object(read.Reader, "_is_copy", never))


def forgets_its_key() -> AbstractContextManager[Any]:
    """engine.send.drafted: the key is made anew from what is known by now, instead of the one that was minted."""
    draft = send.drafted

    def drafted(deps: Any, repost: Any, revision: Any, site: Any) -> Any:
        made = draft(deps, repost, revision, site)
        return replace(made, post=replace(made.post, key=f"{made.post.key[:-2]}{repost.version % 100:02}"))

    return _both(patch.object(send, "drafted", drafted), patch.object(work, "drafted", drafted))


def sends_what_is_older() -> AbstractContextManager[Any]:
    """engine.send.drafted: every second update carries the text of two revisions ago."""
    draft = send.drafted
    seen: dict[tuple[int, int], Any] = {}

    def drafted(deps: Any, repost: Any, revision: Any, site: Any) -> Any:
        seen[(repost.document, revision.n)] = revision
        older = seen.get((repost.document, revision.n - 2), revision)
        return draft(deps, repost, older, site)

    return _both(patch.object(send, "drafted", drafted), patch.object(work, "drafted", drafted))


@contextmanager
def _both(*patches: AbstractContextManager[Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in patches:
            stack.enter_context(one)
        yield


def believes_any_list() -> AbstractContextManager[Any]:
    """core.detect._disbelief: a list that shows nothing known, or all of it under other names, is believed."""
    return patch.object(detect, "_disbelief", lambda rows, known, past, change: "")


def takes_a_reprint_for_another() -> AbstractContextManager[Any]:
    """engine.read._aliases: the 发文字号 that a document's page tells is not among its names."""
    aliases = read._aliases

    def _aliases(source: str, entry: Any, content: Any) -> tuple[str, ...]:
        return tuple(name for name in aliases(source, entry, content) if not name.startswith("number:"))

    return patch.object(read, "_aliases", _aliases)


BUGS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        concludes_at_once, sends_unannounced, never_looks_up, takes_unknown_for_failure, validators_before_entries,
        drops_after_three_tries, updates_unconditionally, recovery_overwrites, settles_by_the_wall_clock,
        waits_for_any_due, believes_any_200, withdraws_at_the_first_404, believes_a_stale_mirror, forgets_its_key,
        sends_what_is_older, believes_any_list, takes_a_reprint_for_another,
    )
}

Found = tuple[str, int | None, str]


def hunt(job: tuple[str, int, int]) -> Found:
    """The first seed whose counts show the bug, and which counts. job: name, seeds at most, first seed."""
    from tests.simulation.run import run_seed

    name, most, first = job
    for seed in range(first, first + most):
        result = run_seed(seed, patch=BUGS[name])
        if result.error:
            raise RuntimeError(f"planted {name}: {result.error}")
        if not result.counts.clean:
            return name, seed, " ".join(f"{n} {c}" for n, c in result.counts.counts.items() if c)
    return name, None, ""


def hunt_all(most: int, first: int, jobs: int) -> Iterator[Found]:
    """Every bug, in order."""
    todo = [(name, most, first) for name in BUGS]
    if jobs == 1:
        yield from map(hunt, todo)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(hunt, todo, chunksize=1)
