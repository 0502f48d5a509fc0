"""Stages see and audit: an anonymous GET of the public page, compared with what was sent; later looks find what vanished."""

from __future__ import annotations

from dataclasses import dataclass, replace

from syncd.adapters.api import Adapter, Standing
from syncd.content.text import shown_by, title_of
from syncd.core import repost as machine
from syncd.core import visible
from syncd.core.adopt import Candidate, match
from syncd.core.repost import Edited, Gone, Outcome, Rejected, Retry, Seen, Verify
from syncd.engine.deps import Deps, SiteUnit
from syncd.engine.send import Draft, drafted, hidden, locate, print_of, read
from syncd.errors import ReadFailed
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, Repost, Revision
from syncd.sources.decode import decode
from syncd.sources.html import parse_html
from syncd.web.api import Answer

FIRST_LOOK, LONGEST_LOOK = 2.0, 600.0
"""Seconds between looks for a page that is not visible yet."""
PATIENCE = 4
"""Bad looks at a page that was never seen until the CMS is asked what became of the post."""
LONGEST_WAIT = 60.0
"""Seconds between looks for the answer of the other side of a drop: they cost one small read."""
EDITOR_LOOK = 300.0
"""Seconds between looks for a draft that waits for the site's own editor."""
_NO_CACHE = {"cache-control": "no-cache", "pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What the public page must show. adopted: people wrote it, so that only title or number can be asked for."""

    revision: Revision
    draft: Draft
    adopted: bool = False


class Looker:
    """Looks at public pages as anybody would."""

    def __init__(self, deps: Deps) -> None:
        self.deps = deps

    async def look(self, repost: Repost, step: Verify, site: SiteUnit, expected: Expected) -> Outcome:
        """One look; every way in which the page may not show the post has its reason."""
        ref = repost.ref
        if ref is None:
            return Gone("no_address")
        unknown = site.adapter.capabilities.awaits and not ref.url
        held_back = ref.state is RemoteState.DRAFT and not ref.url  # the account may not publish, or a workflow holds it
        if machine.is_draft(repost) or unknown or held_back:
            published = await self._published(repost, site, ref)
            if not isinstance(published, RemoteRef):
                return published
            ref = published
        if unknown and expected.revision.withdrawn and not ref.url:  # nobody ever said where it stood: nothing to look at
            return Seen(step.n, ref, "never_public")
        try:
            answer = await site.look.get(ref.url, headers=_NO_CACHE)
            look = judge(expected, answer)
        except ReadFailed as error:
            return await self._awaited(repost, site) or self._bad(repost, error.reason, error.hint)
        if look.ok and ref.state is RemoteState.PENDING and await self._as_before(repost, site, expected, answer):
            undone = await self._undone(repost, site)
            if undone is not None:
                return undone
        return await self._judge(repost, step, site, expected, ref, look)

    async def _as_before(self, repost: Repost, site: SiteUnit, expected: Expected, answer: Answer) -> bool:
        """Whether the page would be right for the revision that was seen last, too: then it says nothing of the new one."""
        if not repost.seen or not site.adapter.capabilities.awaits:
            return False
        earlier = await self.deps.store.revision(repost.document, repost.seen)
        before = Expected(earlier, drafted(self.deps, repost, earlier, site), expected.adopted)
        return judge(before, answer).ok

    async def _undone(self, repost: Repost, site: SiteUnit) -> Outcome | None:
        """Why what was handed over is not done yet, where only the other side can tell; None: it says that it is."""
        if site.gate.wait > 0:
            return Retry(site.gate.wait, "waiting_for_importer", "the site is left alone just now", intact=True)
        return await self._awaited(repost, site)

    async def _published(self, repost: Repost, site: SiteUnit, known: RemoteRef) -> RemoteRef | Outcome:
        """Where a post stands that was not public when it was sent, or what it waits for."""
        if site.adapter.capabilities.awaits:
            told = await _standing(site.adapter, known)
            if told.waits or told.refused:
                return self._told(repost, told)
            ref: RemoteRef | None = told.ref
        else:
            ref = await locate(site.adapter, repost)
        if ref is None:
            return Gone("draft_removed")
        if ref.state is RemoteState.DRAFT:
            hint = "the site's editor has to publish it"
            return Retry(EDITOR_LOOK, "waiting_for_editor", hint, intact=True)
        return ref

    async def _awaited(self, repost: Repost, site: SiteUnit) -> Outcome | None:
        """What the other side says of a post that was handed over to it and is not on its page; None: nothing."""
        if not site.adapter.capabilities.awaits or repost.ref is None or repost.seen == repost.sent or site.gate.wait > 0:
            return None
        told = await _standing(site.adapter, repost.ref)
        return self._told(repost, told) if told.waits or told.refused else None

    def _told(self, repost: Repost, told: Standing) -> Outcome:
        if told.refused:
            return Rejected(told.refused, told.hint)
        wait = self.deps.backoff(repost.tries, first=FIRST_LOOK, cap=LONGEST_WAIT)
        return Retry(wait, told.waits, told.hint, intact=True)

    async def _judge(
        self,
        repost: Repost,
        step: Verify,
        site: SiteUnit,
        expected: Expected,
        ref: RemoteRef,
        look: visible.Look,
    ) -> Outcome:
        if look.ok:
            if ref.state is RemoteState.PENDING:  # who sees it needs nobody's word for it
                ref = replace(ref, state=RemoteState.WITHDRAWN if expected.revision.withdrawn else RemoteState.PUBLIC)
            return Seen(step.n, ref if ref != repost.ref else None)
        outcome = await self._awaited(repost, site) or _with_editor(repost, site, look)
        outcome = outcome or await self._ask_cms(repost, site, expected)
        return outcome or self._bad(repost, look.reason, _hint(look))

    async def _ask_cms(self, repost: Repost, site: SiteUnit, expected: Expected) -> Outcome | None:
        """The page does not show it: does the CMS say that somebody removed or changed it? Asked when it was seen before,
        or when it does not appear for long: an editor may be quicker than the first look."""
        early = repost.seen < repost.sent and repost.tries < PATIENCE
        if early or not site.adapter.capabilities.posts or site.gate.wait > 0:
            return None
        ref = await locate(site.adapter, repost)
        if expected.revision.withdrawn:
            back = ref is not None and ref.state is RemoteState.PUBLIC
            return Edited(ref, repost.stored, "public_again") if ref and back else None
        if ref is None:
            return Gone("removed_at_site")
        if hidden(ref) and not _unheard(ref, site):
            return Gone("unpublished_at_site")
        doc = await read(site.adapter, ref)
        stored = print_of(doc.title, doc.html) if doc else ""
        changed = bool(stored) and stored != repost.stored
        return Edited(ref, stored) if changed else None

    def _bad(self, repost: Repost, reason: str, hint: str) -> Retry:
        wait = self.deps.backoff(repost.tries, first=FIRST_LOOK, cap=LONGEST_LOOK)
        return Retry(wait, reason, hint, intact=True)


def _with_editor(repost: Repost, site: SiteUnit, look: visible.Look) -> Retry | None:
    """A draft that was handed over is not public until its page says so: nobody has unpublished it."""
    if not (site.adapter.capabilities.awaits and machine.is_draft(repost)) or look.reason == "text_differs":
        return None
    hint = f"the site's editor has to publish it; its public page says: {look.reason}"
    return Retry(EDITOR_LOOK, "waiting_for_editor", hint, intact=True)


def _unheard(ref: RemoteRef, site: SiteUnit) -> bool:
    """A draft of a drop: it was handed over as one; what an editor did with it there, the drop can't tell."""
    return site.adapter.capabilities.awaits and ref.state is RemoteState.DRAFT


async def _standing(adapter: Adapter, ref: RemoteRef) -> Standing:
    told: Standing = await adapter.standing(ref)  # type: ignore[attr-defined]  # declared by the capability
    return told


def judge(expected: Expected, answer: Answer) -> visible.Look:
    """Compare a public answer with what it should show; a withdrawn post shows a notice, 404 or 410.

    Raises ReadFailed bad_encoding or hostile_html.
    """
    if expected.revision.withdrawn and answer.status in (404, 410):
        return visible.Look(True, "withdrawn", 1.0, ())
    if answer.status != 200:
        return visible.Look(False, f"page_{answer.status}", 0.0, ())
    page = decode(answer.body, answer.header("content-type")).text
    parse_html(page)  # refuses nesting beyond all sense, which the extraction below would choke on
    text, heading = shown_by(page, scripted=expected.draft.scripted), title_of(page)
    post, body = expected.draft.post, expected.draft.text
    if expected.revision.withdrawn:
        return visible.shows_withdrawn(post.title, body, heading, text)
    if expected.adopted:
        return _adopted(post, heading, text)
    return visible.compare(post.title, body, heading, text)


def _adopted(post: Post, heading: str, text: str) -> visible.Look:
    """A page that people wrote shows the document by its title, or by whatever it would be found by on the site's list."""
    look = visible.compare(post.title, "", heading, text)
    page = Candidate(RemoteDoc(RemoteRef(""), "", heading, ""), text)
    found = look.ok or match(post.title, post.document_number, [page]) is not None
    return visible.Look(True, "visible", 1.0) if found else look


def _hint(look: visible.Look) -> str:
    if look.missing:
        return f"the public page lacks: {look.missing[0][:80]}"
    return "open the public address in a browser without being logged in"
