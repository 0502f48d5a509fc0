"""Retrying inside one safe call, for seconds only: the one place with tenacity; hours belong to the row's `due`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

T = TypeVar("T")


async def retried(
    call: Callable[[], Awaitable[T]], *, on: type[Exception], attempts: int, pause: float,
    sleep: Callable[[float], Awaitable[None]],
) -> T:
    """Await `call()`, and again after `pause` seconds when it raises `on`, at most `attempts` times in all.

    Only for calls without effects. Any other exception passes at once, CancelledError above all, so no bare
    retry_if_exception here. The first try is made outside tenacity, which costs 20 us even when nothing fails.
    """
    try:
        return await call()
    except on as error:
        first: Exception | None = error

    async def attempt() -> T:
        nonlocal first
        failed, first = first, None
        if failed is not None:
            raise failed
        return await call()

    policy = AsyncRetrying(
        retry=retry_if_exception_type(on), stop=stop_after_attempt(attempts), wait=wait_fixed(pause), sleep=sleep,
        reraise=True,
    )
    return await policy(attempt)
