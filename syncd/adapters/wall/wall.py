"""One adapter behind a wall: each call in a task of its own, with a deadline, and nothing believed that the contract lacks."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from syncd.adapters.api import Adapter, Capabilities, CheckReport, How, Standing
from syncd.adapters.wall import faults
from syncd.adapters.wall.answers import WRITES, fitting, fitting_error
from syncd.adapters.wall.faults import Broken, Fault
from syncd.adapters.wall.trail import waiting
from syncd.adapters.wall.turnstile import TICKET, Ticket
from syncd.adapters.wall.watch import Blocked, Stepped, Watch
from syncd.errors import AdapterBug, AdapterError, NotApplied, SyncdError, Unknown
from syncd.model import Post, RemoteDoc, RemoteRef, RemoteState, WriteResult

WITHIN = 300.0
"""Seconds that one call may take: attachments are sent within it one after another."""
GRACE = 5.0
"""Seconds that a call gets to end after it was cancelled."""
MOST_CLINGING = 4
"""Calls of a site that do not end when they are cancelled, until no more are made."""
MOST_LISTED = 100_000
"""Documents of one list: more is no list of reposts."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended: with a value, or with what was raised."""

    value: Any = None
    error: BaseException | None = None


class Wall:
    """An adapter as the engine sees it: it takes its time, raises AdapterError, and returns what the contract says.

    Whatever else the adapter does is a fault: told(fault) is called, and the call raises AdapterBug, or, where it was given
    up or lost, Unknown for what may have changed the CMS and NotApplied for what only looks. within: seconds of one call.
    """

    def __init__(
        self, adapter: Adapter, site: str, *, now: Callable[[], datetime], told: Callable[[Fault], None],
        within: float = WITHIN, watch: Watch | None = None,
    ) -> None:
        self.adapter = adapter
        self.fault: Fault | None = None
        """The last fault; None again as soon as the same call goes well."""
        self.site, self._now, self._told, self._within, self._watch = site, now, told, within, watch
        self._declared = adapter.capabilities
        self._clinging: set[asyncio.Task[Ended]] = set()

    @property
    def kind(self) -> str:
        return self.adapter.kind

    @property
    def capabilities(self) -> Capabilities:
        """What the adapter declares now, or last did when that is no Capabilities."""
        declared = self.adapter.capabilities
        if isinstance(declared, Capabilities):
            self._declared = declared
        return self._declared

    async def check(self) -> CheckReport:
        report: CheckReport = await self._call("check")
        return report

    async def find(self, key: str) -> RemoteRef | None:
        found: RemoteRef | None = await self._call("find", key)
        return found

    async def create(self, post: Post, state: RemoteState) -> WriteResult:
        result: WriteResult = await self._call("create", post, state)
        return result

    async def update(self, ref: RemoteRef, post: Post, state: RemoteState, if_version: str | None) -> WriteResult:
        result: WriteResult = await self._call("update", ref, post, state, if_version)
        return result

    async def withdraw(self, ref: RemoteRef, how: How, if_version: str | None = None) -> WriteResult:
        result: WriteResult = await self._call("withdraw", ref, how, if_version)
        return result

    async def read(self, ref: RemoteRef) -> RemoteDoc:
        doc: RemoteDoc = await self._call("read", ref)
        return doc

    async def sweep(self, key: str, keep: RemoteRef) -> tuple[RemoteRef, ...]:
        swept: tuple[RemoteRef, ...] = await self._call("sweep", key, keep)
        return swept

    async def standing(self, ref: RemoteRef) -> Standing:
        told: Standing = await self._call("standing", ref)
        return told

    async def list(self, prefix: str) -> AsyncIterator[RemoteDoc]:
        """One call, however many documents; its deadline is that of all of them."""
        for doc in await self._call("list", prefix):
            yield doc

    async def aclose(self) -> None:
        await self._call("aclose")

    async def _call(self, verb: str, *args: Any) -> Any:
        """Raises SyncdError only, and CancelledError when the engine gives up."""
        if len(self._clinging) >= MOST_CLINGING:
            raise NotApplied("adapter_hung", f"{MOST_CLINGING} calls of {self.kind} do not end", hint="restart syncd")
        try:
            ended = await self._ended(verb, args)
            value = fitting(verb, ended.value) if ended.error is None else self._raise(verb, ended.error)
        except Broken as broken:
            self._fail(verb, broken)
        if self.fault is not None and self.fault.verb == verb:
            self.fault = None
        return value

    async def _ended(self, verb: str, args: tuple[Any, ...]) -> Ended:
        """How the call ended. Raises Broken for one that does not in time."""
        ticket = Ticket()
        task = asyncio.get_running_loop().create_task(self._run(verb, args, ticket))
        try:
            await asyncio.wait({task}, timeout=self._within)
        except asyncio.CancelledError:
            await self._give_up(task, ticket)
            raise
        if task.done():
            ticket.over = True
            return _own(task.result(), ticket)
        where = waiting(ticket.work)
        await self._give_up(task, ticket)
        raise Broken("adapter_hung", f"{verb}() did not end within {self._within:g} s, it waits at {where}")

    async def _give_up(self, task: asyncio.Task[Ended], ticket: Ticket) -> None:
        """Nothing of the call takes effect from now on; one that does not even end when it is cancelled is remembered."""
        ticket.over = True
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=GRACE)
        if not task.done():
            self._clinging.add(task)
            task.add_done_callback(self._clinging.discard)

    async def _run(self, verb: str, args: tuple[Any, ...], ticket: Ticket) -> Ended:
        """The call itself; nothing gets out of it, since an exception such as SystemExit would end the loop."""
        TICKET.set(ticket)
        work = ticket.work = _started(self.adapter, verb, args)
        try:
            return Ended(await (Stepped(work, self.site, self._watch) if self._watch else work))
        except BaseException as error:  # noqa: BLE001 - sorted by who waits for it
            return Ended(error=error)

    def _raise(self, verb: str, error: BaseException) -> NoReturn:
        """Sort what a call raised."""
        if isinstance(error, SyncdError):
            raise fitting_error(verb, error) if isinstance(error, AdapterError) else _foreign(verb, error)
        if isinstance(error, Broken):
            raise error
        if isinstance(error, Blocked):
            raise Broken("adapter_blocks", f"{verb}() kept everything else from running, at {error}") from error
        raise faults.bug(error) from error

    def _fail(self, verb: str, broken: Broken) -> NoReturn:
        fault = Fault(self.site, self.kind, verb, broken.reason, broken.text, self._now(), broken.trace)
        self.fault = fault
        self._told(fault)
        message = f"adapter {self.kind!r}, {verb}(): {broken.text}"
        if broken.reason == "adapter_bug":
            raise AdapterBug(broken.reason, message, hint=fault.hint) from broken
        lost = Unknown if verb in WRITES else NotApplied
        raise lost(broken.reason, message, hint=fault.hint) from broken


def _foreign(verb: str, error: SyncdError) -> Broken:
    """An error that is no answer of a CMS, such as of the store: from an adapter it says nothing of what the CMS did."""
    told = fitting_error(verb, error).reason
    text = f"{verb}() raised {type(error).__name__} ({told}), which the contract does not know"
    return Broken("adapter_bug", text, faults.bug(error).trace)


def _own(ended: Ended, ticket: Ticket) -> Ended:
    """What our own tools raised is no doing of the adapter's, and goes on as it is."""
    if ended.error is not None and ended.error is ticket.ours:
        raise ended.error
    return ended


async def _started(adapter: Adapter, verb: str, args: tuple[Any, ...]) -> Any:
    """The method is looked up and called here, so that whatever this raises is the call's too."""
    work = getattr(adapter, verb)(*args)
    if verb == "list":
        return await _listed(work)
    if not inspect.isawaitable(work):
        raise Broken("adapter_bug", f"{verb}() is no async method")
    return await work


async def _listed(docs: AsyncIterator[RemoteDoc]) -> tuple[RemoteDoc, ...]:
    found: list[RemoteDoc] = []
    async for doc in docs:
        found.append(doc)
        if len(found) > MOST_LISTED:
            raise Broken("adapter_bug", f"list() gave more than {MOST_LISTED} documents")
    return tuple(found)
