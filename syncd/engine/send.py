"""Stage send: intent before, outcome after, look before repeating; what an adapter's error means is decided here once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from syncd.adapters.api import Adapter, How
from syncd.adapters.wall.faults import AT_ONCE
from syncd.content.text import text_of
from syncd.core import abridge, mapping, visible
from syncd.core.repost import (
    Absent,
    Edited,
    Gone,
    Located,
    Outcome,
    Pending,
    Rejected,
    Resolve,
    Retry,
    Send,
    Sent,
    Unknown,
)
from syncd.engine.deps import Deps, SiteUnit
from syncd.errors import AdapterBug, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, StoreError, SyncdError
from syncd.errors import Rejected as Refused
from syncd.errors import Unknown as UnknownAnswer
from syncd.model import (
    Intent,
    IntentKind,
    Post,
    PostAs,
    RemoteDoc,
    RemoteRef,
    RemoteState,
    Repost,
    Revision,
    Route,
    WriteResult,
)

Act = Literal["write", "ask", "look"]
PEEK = 15.0
"""Seconds until an open intent is looked up again while its settling time runs."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision mapped for a repost's site. text: what its HTML shows; print: by which title and text are known again.

    scripted: as the site's capabilities say it of its pages.
    """

    post: Post
    text: str
    print: str
    state: RemoteState
    scripted: bool = False


def drafted(deps: Deps, repost: Repost, revision: Revision, site: SiteUnit) -> Draft:
    """Map a revision for the repost's site. Column and form are the repost's own: a changed mapping never re-posts."""
    route = deps.route(repost.route) or Route(repost.route, (repost.source,), repost.site, repost.column)
    route = replace(route, column=repost.column, form=repost.form, post_as=repost.post_as)
    post = mapping.to_post(
        revision.content,
        revision.n,
        route=route,
        key=repost.key,
        site_name=site.site_name,
        site_id=site.site_id,
        now=deps.now,
    )
    can = site.adapter.capabilities
    post, text = _shown(post, can.max_shown)
    return Draft(post, text, visible.fingerprint(post.title, text), _state(repost), can.scripted)


def _shown(post: Post, most: int | None) -> tuple[Post, str]:
    """The post with what the site shows of it, and the visible text of that."""
    text = text_of(post.html)
    told = (post.title, tuple(text.splitlines()))
    if most is None or (short := abridge.abridged(*told, most)) == told:
        return post, text
    title, lines = short
    return replace(post, title=title, html=abridge.paragraphs(lines)), "\n".join(lines)


def _state(repost: Repost) -> RemoteState:
    """A draft stays one until the site's editor publishes it; an update never unpublishes."""
    unpublished = repost.ref is None or repost.ref.state in (RemoteState.DRAFT, RemoteState.PENDING)
    if repost.post_as is PostAs.DRAFT and unpublished:
        return RemoteState.DRAFT
    return RemoteState.PUBLIC


def print_of(title: str, html: str) -> str:
    """The fingerprint of a title and the visible text of its HTML."""
    return visible.fingerprint(title, text_of(html))


async def attempt(
    deps: Deps, repost: Repost, site: SiteUnit, call: Callable[[], Awaitable[Outcome | None]], *, kind: Act
) -> Outcome | None:
    """Make a call and sort every way in which it can fail.

    kind: "write" may change the CMS; "ask" only looks there, so that no failure of it says anything of an open intent;
    "look" goes to the public page, which says nothing of the CMS's health and is not held up by it.
    """
    if kind != "look":
        site.gate.enter()
    try:
        outcome = await call()
    except SyncdError as error:
        outcome = _after_failure(deps, repost, kind, _sorted(deps, repost, site, error))
    except Exception as error:  # a bug on our side of the adapter's wall counts as an unknown outcome too, and is told
        deps.log.error("adapter_bug", site=site.name, error=type(error).__name__, repost=repost.id, exc_info=True)
        bug = Unknown(deps.backoff(repost.tries), "adapter_bug", "report this to the adapter's author with the log")
        outcome = _after_failure(deps, repost, kind, bug)
    else:
        if kind != "look" and outcome is not None:  # None: nothing was found, or nobody was asked
            site.gate.well()
    finally:
        if kind != "look":
            site.gate.leave()
    deps.meter.site_state(site.name, site.gate.state)
    return outcome


def _after_failure(deps: Deps, repost: Repost, kind: Act, outcome: Outcome) -> Outcome:
    """A call that only looks can fail in one way: it is repeated."""
    if kind == "write" or not isinstance(outcome, Retry | Unknown | Rejected):
        return outcome
    wait = deps.backoff(repost.tries) if isinstance(outcome, Rejected) else outcome.after
    return Retry(wait, outcome.reason, outcome.hint, intact=True)


def _sorted(deps: Deps, repost: Repost, site: SiteUnit, error: SyncdError) -> Outcome:
    wait = deps.backoff(repost.tries)
    at_once = error.reason in AT_ONCE
    match error:
        case AdapterBug():  # it may concern this post alone: the site's others go on
            return Unknown(wait, error.reason, error.hint)
        case UnknownAnswer():
            site.gate.failed(error.reason, error.hint, at_once=at_once)
            return Unknown(1.0, error.reason, error.hint)
        case RateLimited():
            pause = site.gate.limited(error.after, error.reason, error.hint, said=error.said)
            return Retry(pause, error.reason, error.hint)
        case AuthFailed():
            site.gate.refused(error.reason, error.hint)
            return Retry(wait, error.reason, error.hint)
        case NotApplied():
            site.gate.failed(error.reason, error.hint, at_once=at_once)
            return Retry(max(wait, error.after), error.reason, error.hint)
        case Refused():
            return Rejected(error.reason, error.hint or error.message)
        case Conflict() | StoreError() | NotFound():
            return Retry(wait, error.reason, error.hint)
    return Unknown(wait, error.reason, error.hint)


class Sender:
    """The calls that change something at a site, and the looks that settle what became of them."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps

    async def before(self, repost: Repost, step: Send, site: SiteUnit, draft: Draft) -> Outcome | None:
        """Look before writing, where the CMS itself does not refuse a second key or a changed version; None: go on."""
        adapter = site.adapter
        if step.kind is IntentKind.CREATE:
            if adapter.capabilities.unique == "server" or adapter.capabilities.lookup == "none":
                return None
            ref = await adapter.find(repost.key)
            return None if ref is None else await self._already(adapter, ref, draft)
        if adapter.capabilities.conditional_update in ("server", "compare_and_set"):
            return None
        return await self._changed(repost, adapter)

    async def _already(self, adapter: Adapter, ref: RemoteRef, draft: Draft) -> Outcome:
        """A post with our key is there though none was announced: the state was lost, or a late request landed."""
        doc = await read(adapter, ref)
        stored, ref = _print(doc), doc.ref if doc else ref
        if ref.modified_by and stored != draft.print:
            return Edited(ref, stored)
        return Located(ref, stored, "found_before_create")

    async def _changed(self, repost: Repost, adapter: Adapter) -> Outcome | None:
        """Whether somebody changed or removed the post since our last write."""
        now_there = await locate(adapter, repost)
        if now_there is None:
            return Gone()
        if repost.ref is None or now_there.version == repost.ref.version:
            return None
        if _taken_down(repost, now_there):
            return Gone("unpublished_at_site")
        doc = await read(adapter, now_there)
        stored, now_there = _print(doc), doc.ref if doc else now_there
        if stored and stored == repost.stored:
            return Located(now_there, stored, "touched_without_change")
        return Edited(now_there, stored)

    async def write(self, repost: Repost, intent: Intent, site: SiteUnit, draft: Draft) -> Outcome:
        """Make the announced call."""
        try:
            result = await self._call(repost, intent, site, draft)
        except Conflict as conflict:
            return await self._conflict(conflict, repost, intent, site.adapter)
        except NotFound as missing:
            return await self._missing(missing, repost, intent, site.adapter)
        for loss in result.losses:
            self.deps.log.warning("loss", site=site.name, repost=repost.id, loss=loss)
        stored = _stored_print(result.stored, draft) or await self._stored(site.adapter, result.ref, intent)
        return Sent(result.ref, stored)

    async def _missing(self, missing: NotFound, repost: Repost, intent: Intent, adapter: Adapter) -> Outcome:
        """404: the post is gone, or the CMS's whole API is; which, only a look can tell."""
        wait = self.deps.backoff(repost.tries)
        if intent.kind is IntentKind.CREATE:
            return Retry(wait, missing.reason, "the CMS has no such address: check api_url in this site's options")
        searchable = adapter.capabilities.lookup != "none" or repost.adopted
        if searchable and await locate(adapter, repost) is not None:
            return Retry(wait, missing.reason, missing.hint)
        return Absent("already_gone") if intent.kind is IntentKind.WITHDRAW else Gone()

    async def _stored(self, adapter: Adapter, ref: RemoteRef, intent: Intent) -> str:
        """What the CMS stores after our write, where its answer did not tell; ours if it can't be asked just now, and if it
        shows another version already: what an editor has made of it in between is not ours."""
        try:
            doc = await read(adapter, ref)
        except SyncdError:
            return intent.print
        ours = doc is not None and doc.ref.version == ref.version
        return (_print(doc) if ours else "") or intent.print

    async def _call(self, repost: Repost, intent: Intent, site: SiteUnit, draft: Draft) -> WriteResult:
        adapter, ref = site.adapter, repost.ref
        if intent.kind is IntentKind.CREATE or ref is None:
            return await adapter.create(draft.post, draft.state)
        version = ref.version or None
        if intent.kind is IntentKind.WITHDRAW:
            return await adapter.withdraw(ref, how_to_withdraw(adapter), version)
        return await adapter.update(ref, draft.post, draft.state, version)

    async def _conflict(self, conflict: Conflict, repost: Repost, intent: Intent, adapter: Adapter) -> Outcome:
        """The CMS refused: locked is tried again, everything else is settled by a look."""
        if conflict.kind == "locked":
            return Retry(self.deps.backoff(repost.tries), conflict.reason, conflict.hint)
        ref = await locate(adapter, repost)
        if ref is None:
            return (
                Gone("conflict_but_absent")
                if intent.kind is not IntentKind.CREATE
                else Retry(
                    self.deps.backoff(repost.tries),
                    conflict.reason,
                    "the CMS says that it exists, its look-up does not find it",
                )
            )
        settled = await self._settle(repost, intent, ref, adapter, landed=True)
        if isinstance(settled, Located) and repost.ref is not None and ref.version == repost.ref.version:
            # It is as we left it, and still refused: not to be repeated at once, and for ever.
            hint = conflict.hint or "the CMS says that the post was changed, but it was not: look at it in the CMS"
            return Retry(self.deps.backoff(repost.tries), conflict.reason, hint)
        return settled

    async def sweep(self, repost: Repost, site: SiteUnit) -> None:
        """Remove what a request of ours made that arrived after its settling time, where the CMS takes such a post."""
        if repost.ref is None:
            return
        for twin in await site.adapter.sweep(repost.key, repost.ref):  # type: ignore[attr-defined]  # declared
            self.deps.meter.failure("sweep", "late_twin")
            self.deps.log.warning("late_twin", site=site.name, repost=repost.id, removed=twin.id, was=twin.state.value)

    async def resolve(self, repost: Repost, step: Resolve, site: SiteUnit) -> Outcome:
        """What became of an open intent; `find` alone never settles an update."""
        intent = step.intent
        ref = await locate(site.adapter, repost)
        if ref is None:
            return self._absent(repost, step, site)
        return await self._settle(repost, intent, ref, site.adapter, landed=step.conclude)

    def _absent(self, repost: Repost, step: Resolve, site: SiteUnit) -> Outcome:
        if not step.conclude:
            return Pending(min(PEEK, max(1.0, self.deps.quiet.left(repost.id, site.settle))))
        return Absent()

    async def _settle(
        self, repost: Repost, intent: Intent, ref: RemoteRef, adapter: Adapter, *, landed: bool
    ) -> Outcome:
        """Compare what lies there with the intent. landed: no request can take effect any more."""
        if intent.kind is IntentKind.WITHDRAW and ref.state is RemoteState.WITHDRAWN:
            return Sent(ref, repost.stored, "found_withdrawn")
        doc = await read(adapter, ref)
        # The ref of the very text that is judged: an editor may have been at work between the two calls.
        stored, ref = _print(doc), doc.ref if doc else ref
        if _is_half(repost, intent, ref, stored, adapter):
            # Saved first and published then: the request that publishes it may still be under way.
            return Located(ref, stored, "found_as_draft") if landed else Pending(PEEK, "found_as_draft")
        if intent.kind is IntentKind.CREATE:
            return _settled_create(intent, ref, stored)
        if intent.kind is IntentKind.UPDATE and stored == intent.print and not ref.modified_by:
            return Sent(ref, stored, "found_updated")
        untouched = repost.ref is not None and (
            ref.version == repost.ref.version or (stored and stored == repost.stored)
        )
        if intent.kind is IntentKind.UPDATE and untouched and _taken_down(repost, ref):
            return Gone("unpublished_at_site")
        if not untouched:
            return Edited(ref, stored, ambiguous=not landed)
        return Located(ref, stored, "not_applied") if landed else Pending(PEEK)


def _settled_create(intent: Intent, ref: RemoteRef, stored: str) -> Outcome:
    if not stored or stored == intent.print:
        return Sent(ref, stored or intent.print, "found_created")
    return Edited(ref, stored) if ref.modified_by else Located(ref, stored)


def _is_half(repost: Repost, intent: Intent, ref: RemoteRef, stored: str, adapter: Adapter) -> bool:
    """What is to be public lies there as a draft, untouched: of a create, or of an update (with its text) where saving and
    publishing are two requests."""
    if ref.state is not RemoteState.DRAFT or _state(repost) is not RemoteState.PUBLIC or ref.modified_by:
        return False
    saved = intent.kind is IntentKind.UPDATE and not adapter.capabilities.atomic_publish and stored == intent.print
    return intent.kind is IntentKind.CREATE or saved


def _taken_down(repost: Repost, now_there: RemoteRef) -> bool:
    """What was public when we left it is not any more: its text may be ours, but somebody took it from public view."""
    was = repost.ref.state if repost.ref else None
    return was is RemoteState.PUBLIC and hidden(now_there)


def hidden(ref: RemoteRef) -> bool:
    """The CMS says that it is not for the public; of what was only handed over it says nothing."""
    return ref.state in (RemoteState.DRAFT, RemoteState.WITHDRAWN)


def how_to_withdraw(adapter: Adapter) -> How:
    """The gentlest way that the CMS has: a notice in its place, unpublished, or deleted."""
    capabilities = adapter.capabilities
    if capabilities.notice:
        return "notice"
    return "unpublish" if capabilities.unpublish else "delete"


async def locate(adapter: Adapter, repost: Repost) -> RemoteRef | None:
    """The post as it lies in the CMS now: by its key, or, when people made it, by its ref.

    A post that we know is not gone because its key leads elsewhere: an editor may have changed its address.
    """
    if repost.adopted:
        return await _known(adapter, repost.ref) if repost.ref else None
    found = await adapter.find(repost.key)
    if repost.ref is None or not adapter.capabilities.reads or (found is not None and found.id == repost.ref.id):
        return found
    return await _known(adapter, repost.ref) or found


async def _known(adapter: Adapter, ref: RemoteRef) -> RemoteRef | None:
    """The post at a ref as it is now, None if it leads to nothing."""
    try:
        doc = await read(adapter, ref)
    except NotFound:
        return None
    return doc.ref if doc else ref


async def read(adapter: Adapter, ref: RemoteRef) -> RemoteDoc | None:
    """What is stored, or None where the CMS can't be asked."""
    if not adapter.capabilities.reads:
        return None
    doc: RemoteDoc = await adapter.read(ref)  # type: ignore[attr-defined]  # declared by the capability
    return doc


def _stored_print(doc: RemoteDoc | None, draft: Draft) -> str:
    """The print of what a write stored, most often just what was sent; "" where the CMS did not say."""
    if doc is not None and (doc.title, doc.html) == (draft.post.title, draft.post.html):
        return draft.print
    return _print(doc)


def _print(doc: RemoteDoc | None) -> str:
    return "" if doc is None else print_of(doc.title, doc.html)
