"""Lists that are redesigned, blocked, emptied, cut, replaced by an error page or renamed: nothing is reposted again,
nothing withdrawn, a person is told within one poll what changed, and all is well again when the list returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from syncd.testing.faultylist import FAULTS, FaultyList
from tests.engine.rig import Rig, played, route, site, source, title_of
from tests.engine.test_poll import EVERY

MANY = range(1, 15)
LATE, LATER = 40, 41


KINDS = {"json": ("feed", "feed.json"), "atom": ("feed", "atom.xml"), "govcn": ("govcn", "ZUIXINZHENGCE.json")}
"""Kinds of lists, with the kind of source and where it lies."""
REASONS = {
    "blocked": {"http_403"},
    "error_page": {"not_understood", "not_a_feed"},
    "truncated": {"not_understood", "not_a_feed", "truncated"},
    "other_list": {"not_understood", "not_a_feed"},
    "emptied": {"list_emptied", "not_understood"},
    "cut": {"list_cut"},
    "redesigned": {"list_redesigned"},
    "renamed": {"list_renamed"},
    "guids": {"identity_storm"},
}
NAMED = {
    "emptied": title_of(MANY[-1]),
    "cut": title_of(9001),
    "error_page": title_of(MANY[-1]),
    "redesigned": "gone: dates",
}
"""What the hint must name, of each fault."""


def distorted(rig: Rig) -> FaultyList:
    """The list's server, which answers otherwise while its `fault` is set."""
    server = rig.servers["central"]
    list_ = FaultyList(server.handler)
    server.handler = list_.handle
    return list_


async def _grown(rig: Rig) -> None:
    """A list with a past and fourteen documents that are all reposted."""
    await rig.begin()
    for id in MANY:
        rig.publish(id)
    await rig.rest()
    await rig.after(2 * EVERY, step=EVERY)
    assert rig.creates() == len(MANY)


def _told(attention: Mapping[str, Mapping[str, Any]]) -> set[str]:
    return {reason for reason, row in attention.items() if row["kind"] in ("source", "entry", "document")}


assert FAULTS.keys() == {*REASONS, "wrong_encoding"}
CASES = [(kind, fault) for kind in KINDS for fault in REASONS if (kind, fault) != ("govcn", "guids")]
"""gov.cn's rows have no ids but their addresses."""


@pytest.mark.guarantee(1)
@pytest.mark.guarantee(2)
@pytest.mark.guarantee(5)
@pytest.mark.parametrize(("kind", "fault"), CASES)
@played
async def test_a_list_that_is_not_as_it_was_harms_nothing_is_told_at_once_and_is_well_when_it_returns(
    kind: str, fault: str
) -> None:
    name, path = KINDS[kind]
    async with Rig(source(path=path, kind=name) + site() + route()) as rig:
        await _grown(rig)
        list_ = distorted(rig)
        list_.fault = fault
        rig.publish(LATE)
        await rig.after(EVERY)
        told = _told(await rig.attention())
        assert told & REASONS[fault], told
        hint = (await rig.attention())[next(iter(told & REASONS[fault]))]["hint"]
        assert hint
        assert NAMED.get(fault, "") in hint or (kind == "atom" and fault == "emptied")
        await rig.after(3 * EVERY, step=EVERY)
        believed = "list_cut" in told
        assert await _posted(rig, LATE) is believed
        assert rig.creates() == len(MANY) + believed
        assert len(rig.posts()) == rig.creates()
        list_.fault = ""
        rig.publish(LATER)
        await rig.after(3 * 3600, step=900)
        assert [await rig.status_of(id) for id in (*MANY, LATE, LATER)] == ["visible"] * (len(MANY) + 2)
        assert rig.creates() == len(MANY) + 2
        assert _told(await rig.attention()) == set()
        assert (await rig.source_row())["reason"] == ""


async def _posted(rig: Rig, id: int) -> bool:
    return any(post.title == title_of(id) for post in rig.posts())


@pytest.mark.guarantee(2)
@played
async def test_a_list_that_was_renamed_on_purpose_reposts_nothing_again_and_its_documents_keep_their_reposts() -> None:
    async with Rig() as rig:
        await _grown(rig)
        list_ = distorted(rig)
        list_.fault = "renamed"
        await rig.after(EVERY)
        assert _told(await rig.attention()) == {"list_renamed"}
        await rig.desk.approve(source="central")
        rig.publish(LATE)
        await rig.after(3 * EVERY, step=EVERY)
        assert await rig.status_of(LATE) == "visible"
        rig.lists["central"].correct(MANY[3], "更正后的正文。", rig.clock.now())
        await rig.after(3600, step=600)
        assert [await rig.status_of(id) for id in MANY] == ["visible"] * len(MANY)
        assert len(rig.posts()) == rig.creates() == len(MANY) + 1
        assert "更正后的正文" in next(post.html for post in rig.posts() if post.title == title_of(MANY[3]))


@pytest.mark.guarantee(1)
@played
async def test_addresses_that_a_list_named_while_it_was_wrong_withdraw_nothing_that_it_still_shows() -> None:
    """A person accepted the list while it named pages that never were."""
    async with Rig() as rig:
        await _grown(rig)
        list_ = distorted(rig)
        list_.fault = "renamed"
        await rig.after(EVERY)
        await rig.desk.approve(source="central")
        await rig.after(3 * EVERY, step=EVERY)
        list_.fault = ""
        rig.publish(LATER)  # its page stands: what is missing beside it can't be the fault of the whole source
        await rig.after(3 * 86400, step=1800)
        assert [await rig.status_of(id) for id in (*MANY, LATER)] == ["visible"] * (len(MANY) + 1)
        assert len(rig.posts()) == rig.creates() == len(MANY) + 1


@pytest.mark.guarantee(5)
@played
async def test_the_alarm_of_a_cut_outlives_reads_that_change_nothing_a_failure_and_a_restart() -> None:
    async with Rig() as rig:
        await _grown(rig)
        list_ = distorted(rig)
        list_.fault = "cut"
        await rig.after(3 * EVERY, step=EVERY)
        assert (await rig.source_row())["reason"] == "list_cut"
        assert rig.counted("syncd_failures_total", stage="poll", reason="list_cut") >= 1
        list_.fault = "blocked"
        await rig.after(EVERY)
        assert (await rig.source_row())["reason"] == "http_403"
        list_.fault = "cut"
        await rig.after(3600, step=600)
        row = await rig.source_row()
        assert (row["reason"], "known rows that are gone" in row["hint"]) == ("list_cut", True)
        await rig.restart()
        assert (await rig.source_row())["reason"] == "list_cut"


@pytest.mark.parametrize("fault", ["cut", "redesigned"])
@played
async def test_a_person_accepts_a_list_as_it_is_now(fault: str) -> None:
    async with Rig(source(path="ZUIXINZHENGCE.json", kind="govcn") + site() + route()) as rig:
        await _grown(rig)
        list_ = distorted(rig)
        list_.fault = fault
        await rig.after(EVERY)
        assert _told(await rig.attention()) == REASONS[fault]
        await rig.desk.approve(source="central")
        rig.publish(LATE)
        await rig.after(3 * EVERY, step=EVERY)
        assert _told(await rig.attention()) == set()
        assert await rig.status_of(LATE) == "visible"
        assert rig.creates() == len(MANY) + 1


@played
async def test_a_redesign_of_gov_cns_list_is_told_with_the_keys_that_are_gone_and_new() -> None:
    async with Rig(source(path="ZUIXINZHENGCE.json", kind="govcn") + site() + route()) as rig:
        await _grown(rig)
        distorted(rig).fault = "redesigned"
        await rig.after(EVERY)
        hint = (await rig.source_row())["hint"]
        assert "gone: dates, DOCRELPUBTIME; new: new_DOCRELPUBTIME" in hint
        assert "syncd approve --source" in hint


@played
async def test_a_list_that_is_not_understood_any_more_is_told_with_what_it_was() -> None:
    async with Rig(source(path="ZUIXINZHENGCE.json", kind="govcn") + site() + route()) as rig:
        await _grown(rig)
        distorted(rig).fault = "other_list"
        await rig.after(EVERY)
        hint = (await rig.source_row())["hint"]
        assert "an object with the keys code, data" in hint
        assert f"15 rows with DOCRELPUBTIME, TITLE, URL, such as “{title_of(MANY[-1])}”" in hint


@pytest.mark.parametrize("kind", KINDS)
@played
async def test_a_list_in_another_encoding_than_it_says_is_read_as_it_was(kind: str) -> None:
    name, path = KINDS[kind]
    async with Rig(source(path=path, kind=name) + site() + route()) as rig:
        await _grown(rig)
        distorted(rig).fault = "wrong_encoding"
        rig.publish(LATE)
        await rig.after(2 * EVERY, step=EVERY)
        assert await rig.status_of(LATE) == "visible"
        assert rig.creates() == len(MANY) + 1
        assert _told(await rig.attention()) == set()
