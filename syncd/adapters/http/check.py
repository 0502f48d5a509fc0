"""What `syncd check` asks of a declared CMS: reach, log-in, a look-up that finds nothing for nobody's key. Changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from syncd.adapters.api import Capabilities, CheckReport
from syncd.adapters.checks import Steps
from syncd.adapters.http.calls import Caller
from syncd.adapters.http.login import Door
from syncd.adapters.http.plan import Plan
from syncd.adapters.http.values import Values
from syncd.errors import AdapterError, SyncdError
from syncd.model import RemoteRef
from syncd.web.api import Answer

_NOBODY = "syncd-check-00000000000000000000"
_CLASSES = {
    "A": "nothing twice, no edit overwritten", "B": "nothing twice after a settling time, no edit overwritten",
    "C": "nothing twice; an edit at the moment of an update can be overwritten",
    "parked": "what is in doubt waits for a person, since nothing can be looked up",
}
_BLIND = ("nothing is compared before an update or a withdrawal (neither read nor conditional is declared), so that ANY edit "
          "made at the site is overwritten")
_NEVER_GONE = ("no rule of answers says that a post is gone (missing): what somebody deleted at the site is tried again until "
               "a person sees to it")
_GONE_BY_STATUS = ("answers knows a missing post by its status alone, as a gateway without a route answers too: add when or "
                   "contains")


class Checker(Steps):
    """One run of the check."""

    def __init__(self, plan: Plan, caller: Caller, door: Door, find: Callable[[str], Awaitable[RemoteRef | None]],
                 values: Callable[..., Values]) -> None:
        super().__init__()
        self._plan, self._caller, self._door = plan, caller, door
        self._find, self._values = find, values

    async def run(self) -> CheckReport:
        """Each step that fails says what to do; the later ones that need it are left out."""
        if await self._logs_in() and await self._reaches():
            await self._looks_up()
        self._is_in_clear()
        self._gone()
        guarantee = self._plan.capabilities.guarantee
        self._say("class", True, f"{guarantee}: {promise(self._plan.capabilities)}")
        return self._report(self._plan.capabilities)

    def _failed(self, name: str, error: SyncdError) -> bool:
        """With the place: several addresses may be declared."""
        return self._say(name, False, str(error), error.hint)

    async def _logs_in(self) -> bool:
        """A fresh session, so that a password that was changed is known now."""
        self._door.drop()
        try:
            await self._door.opened()
        except AdapterError as error:
            self._failed("login", error)
            return False
        if self._door.renews:
            self._say("login", True, f"by {self._plan.login.auth.kind}")
        return True

    async def _reaches(self) -> bool:
        if self._plan.check is None:
            self._say("reach", True, "options.check is not declared, so that the log-in is tried at the first post only")
            return True
        try:
            page = await self._caller.ask(self._plan.check, self._values())
        except AdapterError as error:
            self._failed("reach", error)
            return False
        self._say("reach", True, f"{urlsplit(page.answer.url).netloc} answered {page.answer.status}")
        self._clock(page.answer)
        return True

    async def _looks_up(self) -> None:
        if self._plan.find is None:
            self._say("find", True, "options.find is not declared: what is in doubt waits for a person")
            return
        try:
            found = await self._find(_NOBODY)
        except AdapterError as error:
            self._failed("find", error)
            return
        told = "a key that nobody has is not found" if found is None else f"finds {found.id} for nobody's key"
        self._say("find", found is None, told,
                  "the CMS ignores the parameter, or fields.key is not where our key stands: correct options.find")

    def _gone(self) -> None:
        """How a post that is gone is known: an HTTP status alone may be that of a gateway."""
        rules = [rule for rule in self._plan.options.answers if rule.means == "missing"]
        if not rules:
            self._say("gone", True, _NEVER_GONE)
        elif any(not (rule.when or rule.contains or rule.location) for rule in rules):
            self._say("gone", True, _GONE_BY_STATUS)

    def _is_in_clear(self) -> None:
        parts = urlsplit(self._plan.options.api_url)
        host = parts.hostname or ""
        plain = parts.scheme == "http" and host not in ("localhost", "::1") and not host.startswith("127.")
        if plain and self._plan.login.auth.kind not in ("none", "hmac"):
            self._say("https", True, "the log-in goes over the network in clear: use https where the CMS has it")


def promise(can: Capabilities) -> str:
    """What the class means for this CMS, in words."""
    if can.conditional_update != "none":
        return _CLASSES[can.guarantee]
    return f"nothing twice; {_BLIND}" if can.guarantee == "C" else f"{_CLASSES[can.guarantee]}; {_BLIND}"


def skew(answer: Answer) -> float | None:
    """The server's clock minus ours in seconds, None if it doesn't tell."""
    if answer.date is None:
        return None
    middle = answer.started + (answer.ended - answer.started) / 2
    return round((answer.date - middle).total_seconds(), 1)
