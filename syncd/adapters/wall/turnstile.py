"""The way out of one call: a call that has ended, or was given up, makes no more requests."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from syncd.adapters.wall.watch import Blocked
from syncd.errors import NotApplied, ReadFailed
from syncd.web.api import Answer, Client, Limits, Validators

_UNASKED = Validators()


@dataclass(slots=True)
class Ticket:
    """One call of the contract. over: it has ended. ours: what our own tools raised in it that is no Exception, and so no
    adapter's doing. work: its coroutine."""

    over: bool = False
    ours: BaseException | None = None
    work: Coroutine[Any, Any, Any] | None = None


TICKET: ContextVar[Ticket | None] = ContextVar("syncd_adapter_call", default=None)
"""The call in which code runs; tasks that an adapter starts inherit it."""


class Turnstile:
    """An adapter's client: it lets nothing through for a call that is over, so that nothing of it takes effect later.

    Outside of any call, such as in a test, it is open.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    async def get(
        self, url: str, *, validators: Validators = _UNASKED, headers: Mapping[str, str] | None = None,
        limits: Limits | None = None,
    ) -> Answer:
        """As Client.get; raises ReadFailed("call_over") for a call that has ended."""
        with _passed(ReadFailed):
            return await self._client.get(url, validators=validators, headers=headers, limits=limits)

    async def call(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"",
        limits: Limits | None = None,
    ) -> Answer:
        """As Client.call; raises NotApplied("call_over") for a call that has ended."""
        with _passed(NotApplied):
            return await self._client.call(method, url, headers=headers, body=body, limits=limits)


@contextmanager
def _passed(refusal: type[ReadFailed] | type[NotApplied]) -> Iterator[None]:
    ticket = TICKET.get()
    if ticket is not None and ticket.over:
        raise refusal("call_over", "the call that this request belongs to has ended", hint="await every request in its call")
    try:
        yield
    except (Exception, CancelledError, Blocked):  # a call is broken off wherever its code stands
        raise
    except BaseException as error:
        if ticket is not None:
            ticket.ours = error
        raise
