"""All moves of the state machine together, against a CMS that loses answers, is late, and has an editor.

The worker below does with `plan` and `fold` what the engine does, and nothing more: look before a create, intent
before, outcome after, settling time in memory. What must hold is checked after every step, and at the end, when faults
stop and persons answer what is asked of them, the site has to show the newest revision once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from syncd.core import repost as machine
from syncd.core.repost import (
    Absent,
    Advance,
    Edited,
    Gone,
    Head,
    Located,
    Outcome,
    Park,
    Pending,
    Policy,
    Rejected,
    Resolve,
    Rest,
    Retry,
    Seen,
    Send,
    Sent,
    Status,
    Step,
    Unknown,
    Verify,
)
from syncd.model import Finding, Intent, IntentKind, RemoteRef, RemoteState, Repost
from tests.core.given import NOW, row

SETTLE = 600.0
LATEST = 300.0
"""A request takes effect after at most this many seconds: less than the settling time, as the promise says."""
EDIT = "edited by 王编辑"
FATES = ("done", "refused", "rejected", "limited", "lost", "late", "crash_before", "crash_late", "crash_after")


@dataclass
class Page:
    """A post as it lies in the CMS. revision: whose text it has."""

    id: str
    text: str
    revision: int
    version: int = 1
    withdrawn: bool = False
    editor: bool = False


@dataclass(frozen=True)
class Request:
    """A call of ours on its way: it takes effect at `at`, on the CMS's side, whether or not we still listen."""

    at: float
    intent: Intent
    page: str
    version: str


class Cms:
    """It refuses no second key; updates are conditional, or (class C) not."""

    def __init__(self, conditional: bool) -> None:
        self.conditional = conditional
        self.pages: list[Page] = []
        self.coming: list[Request] = []
        self.made = 0
        self.wrongs: list[str] = []
        self.may_overwrite = False

    def take(self, request: Request) -> Page | None:
        """Do it now; None when it is refused."""
        if request.intent.kind is IntentKind.CREATE:
            self.made += 1
            self.pages.append(Page(f"id{self.made}", request.intent.print, request.intent.revision))
            return self.pages[-1]
        page = next((p for p in self.pages if p.id == request.page), None)
        if page is None or (self.conditional and str(page.version) != request.version):
            return None
        self._write(page, request.intent)
        return page

    def _write(self, page: Page, intent: Intent) -> None:
        if intent.revision < page.revision:
            self.wrongs.append(f"older revision {intent.revision} over {page.revision}")
        if page.editor and not self.may_overwrite:
            self.wrongs.append("an edit was overwritten unasked")
        page.text, page.revision, page.editor = intent.print, intent.revision, False
        page.withdrawn = intent.kind is IntentKind.WITHDRAW
        page.version += 1

    def land(self, now: float) -> None:
        for request in [r for r in self.coming if r.at <= now]:
            self.coming.remove(request)
            self.take(request)

    def find(self) -> RemoteRef | None:
        return ref_of(self.pages[0]) if self.pages else None


def ref_of(page: Page) -> RemoteRef:
    state = RemoteState.WITHDRAWN if page.withdrawn else RemoteState.PUBLIC
    return RemoteRef(page.id, "https://x/" + page.id, str(page.version), state, "王编辑" if page.editor else None)


class World(RuleBasedStateMachine):
    """One repost with its CMS, its source, its persons and two clocks."""

    def __init__(self) -> None:
        super().__init__()
        self.cms = Cms(conditional=True)
        self.row: Repost = row(due=NOW, wanted=1)
        self.heads = {0: Head(0), 1: Head(1)}
        self.mono, self.jumped, self.jumps = 0.0, timedelta(), 0
        self.quiet_since: float | None = None
        self.refused: set[int] = set()
        self.writes, self.lookup = True, True

    @initialize(conditional=st.booleans(), lookup=st.sampled_from([True, True, False]))
    def begin(self, conditional: bool, lookup: bool) -> None:
        self.cms, self.lookup = Cms(conditional), lookup

    # -- what the worker sees

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.mono) + self.jumped

    @property
    def quiet(self) -> float:
        return 0.0 if self.quiet_since is None else max(0.0, self.quiet_since + SETTLE - self.mono)

    def policy(self) -> Policy:
        return Policy(quiet=self.quiet, writes=self.writes, lookup=self.lookup)

    def plan(self) -> Step:
        if self.row.intent and self.quiet_since is None:
            self.quiet_since = self.mono
        heads = (self.heads[self.row.wanted], self.heads[self.row.approved])
        return machine.plan(self.row, heads, self.policy(), self.now)

    def fold(self, outcome: Outcome) -> None:
        ambiguous = isinstance(outcome, Unknown | Pending | Seen) or getattr(outcome, "intact", False)
        self.row = machine.fold(self.row, outcome, self.policy(), self.now)
        if isinstance(outcome, Unknown):
            self.quiet_since = self.mono
        elif not (ambiguous or getattr(outcome, "ambiguous", False)):
            self.quiet_since = None

    # -- what the worker does

    @rule(fate=st.sampled_from(FATES), delay=st.floats(1, LATEST))
    def work(self, fate: str, delay: float) -> None:
        self.step(self.plan(), fate, delay)

    @rule(fate=st.sampled_from(FATES), delay=st.floats(1, LATEST))
    def work_when_due(self, fate: str, delay: float) -> None:
        """Wait as the row says, then work."""
        wait = (self.row.due - self.now).total_seconds()
        if 0 < wait <= machine.horizon(self.row).total_seconds():
            self.wait(wait)
        self.step(self.plan(), fate, delay)

    @rule(steps=st.integers(1, 4))
    def all_goes_well(self, steps: int) -> None:
        """Most days are like this, and the interesting trouble comes after them."""
        self.route_approves()
        for _ in range(steps):
            self.work_when_due("done", 1.0)
            self.nothing_wrong_was_written()
            self.there_is_one_post()

    @rule()
    def work_while_nothing_answers(self) -> None:
        self.step(self.plan(), "refused")

    def step(self, step: Step, fate: str = "done", delay: float = 1.0) -> None:
        match step:
            case Send():
                self.send(step, fate, delay)
            case Resolve():
                self.fold(Retry(30, "dns", intact=True) if fate == "refused" else self.resolve(step))
            case Verify():
                self.fold(Retry(30, "page_502", intact=True) if fate == "refused" else self.look(step))
            case Advance():
                self.row = machine.advance(self.row, step, self.policy(), self.now)
            case Park():
                self.row = machine.park(self.row, step, self.now)
            case Rest():
                pass

    def send(self, step: Send, fate: str, delay: float) -> None:
        assert self.quiet == 0
        assert self.writes
        assert (self.row.intent, self.row.finding) == (None, None)
        assert step.n == self.row.wanted == self.row.approved > self.row.sent
        assert step.n not in self.refused, "a rejected revision was sent"
        if step.kind is IntentKind.CREATE:
            assert self.row.sent == 0 or self.heads[self.row.sent].withdrawn, "created again unasked"
        found = self.cms.find()
        if step.kind is IntentKind.CREATE and found is not None and self.lookup:
            page = self.cms.pages[0]
            self.fold(Edited(found, page.text) if page.editor else Located(found, page.text, "found_before_create"))
            return
        if step.kind is not IntentKind.CREATE and not self.as_we_left_it(found):
            self.fold(Gone() if found is None else Edited(found, self.cms.pages[0].text))
            return
        self.row = machine.announce(self.row, step, print=f"text {step.n}", now=self.now)
        assert self.row.intent is not None
        ref = self.row.ref
        request = Request(self.mono + delay, self.row.intent, ref.id if ref else "", ref.version if ref else "")
        self.quiet_since = self.mono
        self.answer(request, fate)

    def as_we_left_it(self, found: RemoteRef | None) -> bool:
        return found is not None and (self.row.ref is None or found.version == self.row.ref.version)

    def answer(self, request: Request, fate: str) -> None:
        if fate in ("late", "crash_late"):
            self.cms.coming.append(request)
        page = self.cms.take(request) if fate in ("done", "lost", "crash_after") else None
        match fate:
            case "refused":
                self.fold(Retry(30, "cms_503"))
            case "limited":
                self.fold(Retry(86400, "rate_limited"))
            case "rejected":
                self.fold(Rejected("title_too_long"))
                self.refused.add(request.intent.revision)
            case "lost" | "late":
                self.fold(Unknown(1, "timeout"))
            case "crash_before" | "crash_late" | "crash_after":
                self.crash()
            case _:
                self.fold(Sent(ref_of(page), page.text) if page else Edited(self.cms.find() or RemoteRef(""), EDIT))

    def resolve(self, step: Resolve) -> Outcome:
        """As the engine settles an open intent; `find` alone never settles an update."""
        ref = self.cms.find()
        if ref is None:
            return Absent() if step.conclude else Pending(15)
        text, intent = self.cms.pages[0].text, step.intent
        if intent.kind is IntentKind.CREATE:
            if text == intent.print:
                return Sent(ref, text, "found_created")
            return Edited(ref, text) if ref.modified_by else Located(ref, text)
        if intent.kind is IntentKind.WITHDRAW and ref.state is RemoteState.WITHDRAWN:
            return Sent(ref, text, "found_withdrawn")
        if intent.kind is IntentKind.UPDATE and text == intent.print and not ref.modified_by:
            return Sent(ref, text, "found_updated")
        if not self.as_we_left_it(ref):
            return Edited(ref, text, ambiguous=not step.conclude)
        return Located(ref, text, "not_applied") if step.conclude else Pending(15)

    def look(self, step: Verify) -> Outcome:
        page = self.cms.pages[0] if self.cms.pages else None
        if self.heads[step.n].withdrawn:
            return Seen(step.n) if page is None or page.withdrawn else Retry(60, "still_public", intact=True)
        if page is None:
            return Gone("removed_at_site")
        if page.text == self.row.print:
            return Seen(step.n)
        # Other text is an edit only where nothing of ours may have changed it.
        return Edited(ref_of(page), page.text) if page.editor else Retry(60, "other_text", intact=True)

    # -- what happens around it

    @rule()
    def crash(self) -> None:
        """kill -9: the row survives, what was in memory does not."""
        self.quiet_since = None

    @rule(seconds=st.sampled_from([1, 30, 120, 400, 700, 4000, 90_000]))
    def wait(self, seconds: float) -> None:
        self.mono += seconds
        self.cms.land(self.mono)

    @rule(days=st.sampled_from([-365, -1, 1, 365]))
    def clock_jumps(self, days: int) -> None:
        self.jumped += timedelta(days=days)
        self.jumps += 1

    @precondition(lambda self: self.row.wanted < 6)
    @rule(withdrawn=st.booleans())
    def source_revises(self, withdrawn: bool) -> None:
        n = self.row.wanted + 1
        self.heads[n] = Head(n, withdrawn)
        self.row = machine.want(self.row, n, self.now)

    @rule(n=st.integers(1, 7))
    def person_approves(self, n: int) -> None:
        self.row = machine.approve(self.row, n, self.now)
        if n >= self.row.wanted:
            self.refused.discard(self.row.wanted)
        self.refused.discard(n)

    @rule()
    def route_approves(self) -> None:
        if not machine.held(self.row):
            self.row = machine.approve(self.row, self.row.wanted, self.now)

    @precondition(lambda self: self.row.intent is None and self.row.sent < self.row.wanted)
    @rule()
    def person_rejects(self) -> None:
        self.row = machine.reject(self.row, reason="不宜转载", actor="李主任", now=self.now)
        self.refused.add(self.row.wanted)

    def person_may_retry(self) -> bool:
        """Where nothing can be looked up a person looks instead, once no request can be under way any more."""
        blind = not self.lookup and not self.row.adopted and self.row.intent is not None
        return not blind or not (self.cms.pages or self.cms.coming)

    @precondition(person_may_retry)
    @rule(overwrite=st.booleans())
    def person_retries(self, overwrite: bool = True) -> None:
        before = self.row
        after = machine.retry(before, self.now, overwrite=overwrite)
        assert (after is None) == (before.finding is Finding.EDITED and not overwrite)
        if after is None:
            return
        self.row, self.refused = after, set()
        if before.finding is Finding.EDITED:
            self.cms.may_overwrite = True

    @precondition(lambda self: self.cms.pages and not self.cms.coming and machine.needs_person(self.row))
    @rule()
    def person_adopts(self) -> None:
        page = self.cms.pages[0]
        n = max(n for n, head in self.heads.items() if not head.withdrawn)
        page.editor, page.revision = False, n
        self.row = machine.adopt(self.row, ref_of(page), stored=page.text, now=self.now, n=n)
        self.refused, self.quiet_since = set(), None

    @precondition(lambda self: self.cms.pages and self.cms.conditional and not self.cms.coming)
    @rule()
    def editor_changes_the_post(self) -> None:
        page = self.cms.pages[0]
        page.text, page.editor = EDIT, True
        page.version += 1
        self.cms.may_overwrite = False

    @precondition(lambda self: self.cms.pages)
    @rule()
    def editor_removes_the_post(self) -> None:
        self.cms.pages.clear()

    @rule(there=st.booleans())
    def config_changes(self, there: bool) -> None:
        self.writes = there

    # -- what must hold

    @invariant()
    def marks_are_in_order(self) -> None:
        assert self.row.wanted >= self.row.approved >= self.row.sent >= self.row.seen >= 0

    @invariant()
    def an_open_intent_is_only_looked_up(self) -> None:
        if self.row.intent:
            assert isinstance(self.plan(), Resolve | Park | Rest)

    @invariant()
    def nothing_moves_while_a_request_may_still_take_effect(self) -> None:
        step = self.plan()
        if self.quiet > 0:
            assert not isinstance(step, Send | Advance)
            assert not (isinstance(step, Resolve) and step.conclude)

    @invariant()
    def an_absurd_due_freezes_nothing(self) -> None:
        if self.row.due > self.now + machine.REST_HORIZON:
            assert machine.overdue(self.row, self.now)

    @invariant()
    def no_wait_is_longer_than_the_horizon(self) -> None:
        """Else a row is taken up at every tick. A jump of the clock excuses it."""
        if not self.jumps and not isinstance(self.plan(), Send | Resolve | Rest | Park | Advance):
            assert self.row.due <= self.now

    @invariant()
    def there_is_one_post(self) -> None:
        assert len(self.cms.pages) <= 1, "duplicated"

    @invariant()
    def nothing_wrong_was_written(self) -> None:
        assert self.cms.wrongs == []

    @invariant()
    def a_hold_of_an_older_revision_stops_nothing(self) -> None:
        if self.row.hold and self.row.hold.revision is not None and self.row.hold.revision < self.row.wanted:
            assert not machine.held(self.row)

    def teardown(self) -> None:
        """Faults stop, persons answer: the newest revision is up, once, and seen."""
        self.writes = True
        self.wait(9 * 86_400)  # the weekly look comes round
        for _ in range(60):
            self.person_answers()
            self.step(self.plan())
            self.nothing_wrong_was_written()
            self.there_is_one_post()
            self.wait(650)
        withdrawn = self.heads[self.row.wanted].withdrawn
        final = machine.status(self.row, withdrawn=withdrawn)
        assert final in (Status.VISIBLE, Status.WITHDRAWN), (final, self.row, self.cms.pages)
        public = [p for p in self.cms.pages if not p.withdrawn]
        assert len(public) == (0 if withdrawn else 1), (self.row, self.cms.pages)
        assert withdrawn or public[0].text == self.row.print

    def person_answers(self) -> None:
        if machine.needs_person(self.row) and not self.cms.coming:
            answer = self.person_retries if self.person_may_retry() else self.person_adopts
            answer()
        if self.row.approved < self.row.wanted:
            self.row = machine.approve(self.row, self.row.wanted, self.now)


World.TestCase.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.guarantee(2)
@pytest.mark.guarantee(3)
class TestRepostMachine(World.TestCase):  # type: ignore[valid-type,misc]  # built by hypothesis
    """Nothing twice, nothing older over newer, nothing of an editor's overwritten, and it converges."""
