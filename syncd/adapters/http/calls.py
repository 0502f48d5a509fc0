"""Requests made and their answers judged: by what the options say of them first, else by what HTTP says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syncd.adapters.http.answers import Page
from syncd.adapters.http.bodies import Outgoing
from syncd.adapters.http.login import Door, NotLoggedIn, leads_to_login, shown, spot
from syncd.adapters.http.options import Means, Rule
from syncd.adapters.http.plan import Found, Options, Step
from syncd.adapters.http.values import Values
from syncd.adapters.http.wire import Wire, before_it_was_sent
from syncd.adapters.multipart import File
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, RateLimited, Rejected, Unknown
from syncd.web.api import Answer
from syncd.web.status import raise_for_read, raise_for_write, retry_after

_TYPES: Mapping[str, tuple[str, ...]] = {"html": ("text/html", "application/xhtml+xml")}
_NOT_FOUND = "check the address; if this is how the CMS says that a post is gone, say so in answers (missing)"
_SESSION = "say in answers how a success is known (done) and how an ended session is (not_logged_in)"
_RULE = "add what it means to options.answers, if it is a refusal"


class Already(Exception):
    """The CMS says that it is as it should be."""


@dataclass(slots=True)
class Told:
    """What the answers of some requests told: facts of a post by field, and the last page. own_id: told by one that wrote."""

    fields: dict[str, str]
    page: Page | None = None
    own_id: str = ""


def half_done(error: AdapterError, *, compares: bool = False) -> AdapterError:
    """What is told when something fails after a request that wrote: Unknown, for nothing else is the whole truth then.

    compares: of an update at a CMS that is declared to compare versions itself. That somebody else has changed the post
    meanwhile stays told as that: nobody repeats a write after it.
    """
    changed = compares and isinstance(error, Conflict) and error.kind == "version"
    if changed or isinstance(error, Unknown):
        return error
    return Unknown(error.reason, f"the first part was done, then: {error.message}", where=error.where, hint=error.hint)


class Caller:
    """Makes the requests of one site."""

    def __init__(self, options: Options, base: str, wire: Wire, door: Door) -> None:
        self._options, self._base = options, base
        self._wire, self._door = wire, door

    async def run(self, steps: tuple[Step, ...], values: Values) -> Told:
        """Requests one after the other; what one of them tells or keeps is known to the next. Raises AdapterError, Already."""
        told, wrote = Told({}), False
        compares = self._options.conditional != "none" and any(step.op == "update" for step in steps)
        for step in steps:
            try:
                page = await self.ask(step, values)
            except AdapterError as error:
                raise half_done(error, compares=compares) if wrote else error from None
            wrote = wrote or step.writes
            self._learn(told, step, page, values)
        return told

    def _learn(self, told: Told, step: Step, page: Page, values: Values) -> None:
        told.page = page
        facts = self.facts(step, page, values)
        told.fields |= facts
        told.own_id = facts.get("id", told.own_id) if step.writes else told.own_id
        values.learn(**{name: page.value_at(where) for name, where in step.keep.items()},
                     **{name: told.fields[name] for name in ("id", "version", "url") if told.fields.get(name)})

    def facts(self, step: Step, page: Page, values: Values, row: Any = None) -> dict[str, str]:
        """The fields that an answer, or a row of it, tells; those that it does not tell are left out."""
        found: dict[str, str] = {}
        for name, place in step.fields.items():
            if value := self._fact(place, page, values, row, found, markup=name == "html"):
                found[name] = value
        return found

    def _fact(self, place: Found, page: Page, values: Values, row: Any, found: Mapping[str, str], *, markup: bool) -> str:
        if place.made is None:
            return page.text_at(place.where, row, markup=markup)
        given = {"id": "", "key": "", **values.names, **found}
        return place.made.text(given)

    async def ask(self, step: Step, values: Values, files: tuple[File, ...] = ()) -> Page:
        """One request, once more after a fresh log-in."""
        for fresh in (False, True):
            session = await self._door.opened()
            names = values.fit(step.charset, step.names) | {"auth": self._door.names}
            request = step.outgoing(self._base, names, files)
            try:
                return self._judged(step, await self._send(request, step.writes), step.writes)
            except NotLoggedIn as error:
                if fresh or not self._door.renews:
                    raise AuthFailed(error.reason, error.message, where=error.where, hint=error.hint) from None
                await self._door.again(session)
        raise AssertionError("unreachable")

    async def _send(self, request: Outgoing, writes: bool) -> Answer:
        """A lost answer of a write is Unknown and of a look NotApplied, whatever method either has."""
        try:
            return await self._wire.send(self._door.seal(request), follows=not writes, until=self._door.is_shut)
        except (Unknown, NotApplied) as error:
            lost = isinstance(error, Unknown) or (request.method in ("GET", "HEAD") and not before_it_was_sent(error))
            sort = Unknown if writes and lost else NotApplied
            where, said = spot(request.url), shown(error.message, self._door.hidden)
            raise sort(error.reason, said, where=where, hint=error.hint) from None

    # What an answer means

    def _judged(self, step: Step, answer: Answer, writes: bool) -> Page:
        page = Page(answer, step.kind)
        where = self._where(step, answer)
        rule = next((rule for rule in self._options.answers if self._fits(rule, step, page)), None)
        if rule is not None and rule.means == "done":
            return self._whole(page, step, where, writes)
        if rule is not None:
            self._raise(rule, page, where)
        self._check_session(answer, where, writes)
        self._check_status(step, page, where, writes)
        if any(rule.means == "done" and self._is_for(rule, step) for rule in self._options.answers):
            sort = Unknown if writes else NotApplied
            raise sort("odd_answer", self._said("the answer is none that the options know", page), where=where, hint=_RULE)
        return self._whole(page, step, where, writes)

    def _check_session(self, answer: Answer, where: str, writes: bool) -> None:
        """Raises NotLoggedIn, after which a request is made again: of a write only where it was certainly not done. What may
        be a success that looks like a log-in leaves a write in doubt."""
        door = self._door
        sent, shown = door.is_shut(answer), door.shows_form(answer)
        if writes and (sent or shown) and not (door.is_surely_shut(answer) or door.surely_shows_form(answer)):
            raise Unknown("odd_answer", "the answer looks like a log-in page, or like a success", where=where, hint=_SESSION)
        if sent or shown:
            said = "the CMS sends us to its log-in page" if sent else "the CMS shows its log-in page"
            raise NotLoggedIn("not_logged_in", said, where=where, hint=_LOGIN)

    def _check_status(self, step: Step, page: Page, where: str, writes: bool) -> None:
        answer = page.answer
        expected = ""
        if step.kind in _TYPES and answer.content_type not in _TYPES[step.kind]:
            expected = _TYPES[step.kind][0]
        try:
            if writes:
                raise_for_write(answer, expected_type=expected, creating=step.op == "create")
            else:
                raise_for_read(answer, expected_type=expected)
        except AuthFailed as error:
            self._shut(error, page, where, writes)
        except NotFound as error:
            raise NotApplied("no_such_page", self._said(error.message, page), where=where, hint=_NOT_FOUND) from None
        except AdapterError as error:
            raise self._told(error, page, where) from None

    def _shut(self, error: AuthFailed, page: Page, where: str, writes: bool) -> None:
        status = page.answer.status
        if status == 401:
            raise NotLoggedIn(error.reason, self._said(error.message, page), where=where, hint=_LOGIN) from None
        if writes and 300 <= status < 400 and not leads_to_login(page.answer):
            raise Unknown("redirected", error.message, where=where, hint=_SESSION) from None
        self._door.drop()
        raise AuthFailed(error.reason, self._said(error.message, page), where=where, hint=error.hint) from None

    def _told(self, error: AdapterError, page: Page, where: str) -> AdapterError:
        """The same error with what the CMS says of it."""
        error.message, error.where = self._said(error.message, page), where
        return error

    def _whole(self, page: Page, step: Step, where: str, writes: bool) -> Page:
        """An answer that can be read as what it should be; one without a body says nothing and needs nothing."""
        empty = not page.answer.body.strip() and not step.fields and not step.keep
        if page.whole is None and not empty and page.answer.status not in (204, 205) and not 300 <= page.answer.status < 400:
            sort = Unknown if writes else NotApplied
            raise sort("not_understood", f"the answer is no {step.kind.upper()}", where=where,
                       hint="open the address: a log-in page, a firewall or an error page may stand in the way")
        return page

    def _is_for(self, rule: Rule, step: Step) -> bool:
        """Whether a rule is for answers of this kind to this request. What it looks for stands in one kind only."""
        kind = rule.answer or (self._options.answer if rule.when else step.kind)
        fits = rule.means != "already" or step.op == "withdraw"
        return fits and step.kind == kind and (not rule.on or step.op in rule.on)

    def _fits(self, rule: Rule, step: Step, page: Page) -> bool:
        answer = page.answer
        if not self._is_for(rule, step) or (rule.status and answer.status not in rule.status):
            return False
        if rule.location and rule.location not in answer.header("location"):
            return False
        if rule.contains and rule.contains not in page.text:
            return False
        return not rule.when or (page.whole is not None and page.whole.true(rule.when))

    def _raise(self, rule: Rule, page: Page, where: str) -> None:
        raise self._error(rule, page, self._said(f"the CMS answered {page.answer.status}", page), where)

    def _error(self, rule: Rule, page: Page, said: str, where: str) -> Exception:
        kinds: Mapping[Means, str] = {"exists": "exists", "changed": "version", "locked": "locked"}
        match rule.means:
            case "already":
                return Already()
            case "exists" | "changed" | "locked":
                return Conflict(kinds[rule.means], said, where=where, hint=rule.hint or "look at it in the CMS")
            case "missing":
                return NotFound("not_found", said, where=where, hint=rule.hint or "was it deleted at the site?")
            case "throttled":
                asked = retry_after(page.answer)
                return RateLimited(message=said, after=asked or rule.after, said=asked is not None, where=where,
                                   hint=rule.hint or "the CMS asks for a pause; it goes on by itself")
            case "busy":
                return NotApplied("busy", said, where=where, hint=rule.hint or "it is tried again by itself", after=rule.after)
            case "not_logged_in":
                return NotLoggedIn("not_logged_in", said, where=where, hint=rule.hint or _LOGIN)
            case "forbidden":
                return AuthFailed("forbidden", said, where=where, hint=rule.hint or "give the account that right")
        hint = rule.hint or "look at what the CMS says; then syncd retry"
        return Rejected(rule.field, "refused", said, where=where, hint=hint)

    def _said(self, text: str, page: Page) -> str:
        if self._options.message is None or page.whole is None or page.kind != self._options.answer:
            return text
        told = shown(page.text_at(self._options.message), self._door.hidden)
        return f"{text}: {told}" if told else text

    def _where(self, step: Step, answer: Answer) -> str:
        """The address without its query, where secrets may stand."""
        return f"options.{step.place} ({shown(spot(answer.url), self._door.hidden)})"


_LOGIN = "check auth in this site's options, then syncd check"


