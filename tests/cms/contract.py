"""The contract of adapters on a real CMS, with a row of its own in the table, and what a create costs there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, ClassVar

import pytest

from syncd.adapters.api import Adapter, Tools
from syncd.model import Post, RemoteState
from syncd.testing.adapter_contract import AdapterContract
from tests.cms.subject import Act, Cost, Subject, measured
from tests.cms.table import MORE_CPU

ROUNDS = 20
_ATTEMPTS = 3


class OnCms(AdapterContract):
    """subject: the row. A subclass gives, beside what the contract wants, the bare calls."""

    subject: ClassVar[Subject]
    has_pages = True
    prefix = "syncd-cms-"
    rounds: ClassVar[int] = ROUNDS
    """More where the CMS's own CPU for the same request varies much."""

    def make_bare(self, tools: Tools) -> Act:
        """The n-th post as a script would make it: the CMS's own call or command and nothing else. tools.client is the
        client that the adapter has."""
        raise NotImplementedError("give make_bare(tools)")

    def make_calls(self, tools: Tools) -> Act | None:
        """The same by all the calls that a careful script makes for the same promise, such as a look-up before and the
        publication after; None where the bare one is enough."""
        return None

    def version(self) -> str:
        """The CMS's own version, as it tells it."""
        raise NotImplementedError("give version()")

    def servers(self) -> list[int]:
        """The processes below which the CMS lives, beside our own children."""
        return []

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Around the measurement: what is no part of a create is switched off."""
        yield

    def test_what_a_create_costs(self, record_property: Any) -> None:
        """As the engine does it: with a look before, where the CMS itself refuses no second key. The goal is of CPU seconds,
        in one run, by turns; times are told."""

        async def played() -> None:
            async def test() -> None:
                adapter = self.make_adapter(self.tools)  # without the wire of the contract
                with self.measuring():
                    cost = await self._least(adapter)
                record_property("version", self.version())
                record_property("cost", json.dumps(asdict(cost)))
                await adapter.aclose()
                assert cost.more_cpu < MORE_CPU, f"{cost.cpu * 1000:.1f} ms CPU a create, {cost.calls_cpu * 1000:.1f} ms bare"

            await self.play(test)

        asyncio.run(played())

    async def _least(self, adapter: Adapter) -> Cost:
        """Of up to three measurements: what a busy machine adds is in one of them, what syncd adds in all."""
        bare, calls = self.make_bare(self.tools), self.make_calls(self.tools)
        found: list[Cost] = []
        while len(found) < _ATTEMPTS and not any(cost.more_cpu < MORE_CPU for cost in found):
            first = len(found) * (self.rounds + 1)
            posts = {first + n: self.post() for n in range(self.rounds + 1)}
            found.append(await measured(
                self.can.guarantee, lambda n: _created(adapter, posts[n]), bare, calls, first=first, rounds=self.rounds,  # noqa: B023
                servers=self.servers))
        return min(found, key=lambda cost: cost.more_cpu)


async def _created(adapter: Adapter, post: Post) -> None:
    if adapter.capabilities.unique != "server":
        assert await adapter.find(post.key) is None
    await adapter.create(post, RemoteState.PUBLIC)


def needs(component: str, reason: Exception) -> None:
    """Skip in the words by which tests/lab.py knows what is missing."""
    pytest.skip(f"{component}: {reason}")
