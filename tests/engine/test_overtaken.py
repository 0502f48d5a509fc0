"""Two readings of one document in flight at once, and names that only the document's own page tells."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from syncd.content.api import Builder
from tests.engine.rig import DETAIL, Rig, played, route, site, source, text_of, title_of

TWO = source() + source("mirror") + site() + route(sources=("central", "mirror"))
PAGES = source(options=DETAIL) + source("mirror", options=DETAIL) + site() + route(sources=("central", "mirror"))
NUMBER = "国办发〔2026〕1号"


def versions(rig: Rig) -> list[str]:
    """Which version of the text each write to the CMS carried."""
    return [found[0] for write in rig.cms["county"].history if (found := re.findall("第([0-9])版", write.post.html))]


@pytest.mark.guarantee(3)
@played
async def test_of_two_lists_that_show_a_document_at_the_same_moment_the_second_ones_text_is_no_correction() -> None:
    async with Rig(TWO) as rig:
        await rig.begin()
        rig.disk.slow = True
        shown = rig.publish(1, name="central")
        rig.lists["mirror"].publish(1, title_of(1), text_of(1, 7), rig.clock.true, url=shown.url)
        await rig.rest()
        document = await rig.disk.document((await rig.one(1)).document)
        assert (versions(rig), document.latest, document.sources) == (["1"], 1, ("central", "mirror"))
        assert await rig.disk.pendings() == []


class _Numbered:
    """A builder that finds the document's number in its text, as the page of a list of its own kind tells it."""

    def __init__(self, real: Builder) -> None:
        self._real = real

    async def build(self, *args: Any) -> Any:
        content, links = await self._real.build(*args)
        return replace(content, document_number=NUMBER if NUMBER in content.text else ""), links


@pytest.mark.guarantee(3)
@played
async def test_a_copy_that_is_known_only_by_the_number_on_its_page_is_no_correction() -> None:
    async with Rig(PAGES) as rig:
        await rig.begin()
        rig.engine.deps.builder = _Numbered(rig.engine.deps.builder)
        rig.publish(1, name="central", text=f"<p>{NUMBER}</p>{text_of(1)}")
        await rig.rest()
        rig.clock.advance(400)
        rig.publish(1, name="mirror", text=f"<p>{NUMBER}</p>{text_of(1, 7)}")
        await rig.rest()
        document = await rig.disk.document((await rig.one(1)).document)
        assert (versions(rig), document.latest, document.sources) == (["1"], 1, ("central", "mirror"))


@pytest.mark.guarantee(3)
@played
async def test_a_persons_withdrawal_holds_against_a_look_that_is_just_being_recorded() -> None:
    async with Rig(source(options=DETAIL) + site() + route()) as rig:
        await rig.begin()
        rig.publish(1)
        await rig.rest()
        one = await rig.one(1)
        rig.correct(1)
        rig.clock.advance(4500)
        record, late = rig.disk.real.record_reading, asyncio.Event()

        async def held_up(reading: Any, routing: Any = None) -> Any:
            if reading.revision and not reading.revision.withdrawn:
                await late.wait()
            return await record(reading, routing)

        rig.disk.real.record_reading = held_up  # type: ignore[method-assign]
        await rig.engine.tick("read")
        await asyncio.sleep(0.01)
        await rig.desk.withdraw(one.id, "王科长")
        late.set()
        await rig.engine.drain()
        await rig.after(9000, step=600)
        assert (await rig.disk.document(one.document)).withdrawn
        assert await rig.status_of(1) == "withdrawn"
