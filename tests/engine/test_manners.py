"""When lists are read: as promised, as they wish, when they may be; and whose fault it is when they can't be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from syncd.errors import ReadFailed
from syncd.testing.network import Reply
from tests.engine.rig import Rig, played, route, site, source, text_reply

EVERY = 400
FIVE = ("central", "province", "city", "ministry", "bureau")


def lists(*names: str, more: Mapping[str, str] | None = None) -> str:
    """The config of so many lists, each of a host of its own, with more options for some of them."""
    told = more or {}
    return "".join(source(n).replace("limits", f"{told.get(n, '')}\nlimits") for n in names) + site() + route(sources=names)


def only(option: str) -> str:
    return lists("central", more={"central": option})


def saying(rig: Rig, *, name: str = "central", **headers: str) -> None:
    """The list's server adds these headers to each of its answers."""
    server = rig.servers[name]
    handler = server.handler

    def said(*args: object) -> Reply:
        status, known, body = handler(*args)
        return status, {**known, **{n.replace("_", "-"): v for n, v in headers.items()}}, body

    server.handler = said


def cut(rig: Rig, *names: str) -> None:
    for name in names:
        rig.servers[name].say(ReadFailed("connect", hint="is it up?"))


def mend(rig: Rig, *names: str) -> None:
    for name in names:
        rig.servers[name].well()


async def wait_of(rig: Rig, name: str = "central") -> float:
    """Seconds between its last good read and the next one."""
    row = rig.engine.poller.rows[name]
    assert row.good
    return (row.due - row.good).total_seconds()


# --- wishes ---------------------------------------------------------------------------------------------------------


@played
async def test_a_list_is_left_alone_for_as_long_as_its_answer_is_fresh_up_to_an_hour() -> None:
    for control, least, most in (("max-age=900", 810, 990), ("max-age=86400", 3240, 3960), ("no-store", 270, 330)):
        async with Rig() as rig:
            saying(rig, cache_control=control)
            await rig.begin()
            assert least <= await wait_of(rig) <= most
            assert (await rig.source_row())["why"] == ("" if control == "no-store" else "ttl")


@played
async def test_a_304_may_change_for_how_long_it_is_fresh_and_silence_leaves_it() -> None:
    async with Rig() as rig:
        plain = rig.servers["central"].handler
        saying(rig, cache_control="max-age=900")
        await rig.begin()
        rig.servers["central"].handler = plain
        rig.clock.advance(1000)
        await rig.stage("poll")
        assert 810 <= await wait_of(rig) <= 990
        saying(rig, cache_control="no-cache")
        rig.clock.advance(1000)
        await rig.stage("poll")
        assert await wait_of(rig) <= 330


@played
async def test_an_operator_may_grant_a_list_no_wishes_or_longer_ones() -> None:
    for courtesy, least, most in (('"0s"', 270, 330), ('"6h"', 6480, 7920)):
        async with Rig(only(f"courtesy = {courtesy}")) as rig:
            saying(rig, cache_control="max-age=7200")
            await rig.begin()
            rig.clock.advance(1)
            await rig.stage("poll")
            assert least <= await wait_of(rig) <= most


@played
async def test_a_long_wait_that_a_courtesy_allows_is_not_taken_for_a_wrong_clocks() -> None:
    async with Rig(only('courtesy = "1d"')) as rig:
        saying(rig, cache_control="max-age=86400")
        await rig.begin()
        read = rig.servers["central"].count("GET")
        await rig.after(6 * 3600, step=1800)
        assert rig.servers["central"].count("GET") == read


# --- rhythm ---------------------------------------------------------------------------------------------------------


async def live(rig: Rig, days: int) -> None:
    """So many days of a list that shows something new each day at seven in the evening, Chinese time."""
    for day in range(days):
        at = (rig.clock.true + timedelta(hours=8)).replace(tzinfo=UTC)
        to_evening = (19 - at.hour) % 24 * 3600 + (0 - at.minute) * 60
        await rig.after(to_evening if to_evening > 0 else to_evening + 86400, step=1800)
        rig.publish(100 + day)
        await rig.after(1800, step=300)


async def reads_of(rig: Rig, hour: int) -> int:
    """Reads in the hour of the day that begins at `hour` in China."""
    at = rig.clock.true + timedelta(hours=8)
    await rig.after(((hour - at.hour) % 24 * 3600 - at.minute * 60 - at.second) % 86400 or 86400, step=600)
    before = rig.servers["central"].count("GET")
    await rig.after(3600, step=30)
    return rig.servers["central"].count("GET") - before


@played
async def test_a_list_is_read_as_promised_when_it_changes_and_rarely_when_it_never_does() -> None:
    async with Rig(only('slowest = "1h"')) as rig:
        await rig.begin()
        await live(rig, 21)
        assert (await rig.source_row())["busy"] == "18-21"
        assert 10 <= await reads_of(rig, 19) <= 14
        assert await reads_of(rig, 4) <= 2
        told = await rig.source_row()
        assert (told["why"], told["interval"]) == ("quiet", 3600.0)


@played
async def test_without_the_operators_word_a_lists_rhythm_changes_nothing() -> None:
    async with Rig() as rig:
        await rig.begin()
        await live(rig, 21)
        assert 10 <= await reads_of(rig, 4) <= 14
        assert (await rig.source_row())["busy"] == "18-21", "it is learnt all the same, and told"


@played
async def test_the_rhythm_outlives_a_restart() -> None:
    async with Rig(only('slowest = "1h"')) as rig:
        await rig.begin()
        await live(rig, 21)
        await rig.engine.poller.flush()
        await rig.restart()
        assert (await rig.source_row())["busy"] == "18-21"


@played
async def test_watched_is_the_share_of_what_the_operator_promised_and_a_lists_wish_is_no_promise() -> None:
    async def share(option: str, control: str) -> float:
        async with Rig(only(option)) as rig:
            saying(rig, cache_control=control)
            await rig.begin()
            await live(rig, 21)
            row = rig.engine.poller.rows["central"]
            before, start = row.watched, rig.clock.true
            await rig.after(86400, step=300)
            return (rig.engine.poller.rows["central"].watched - before) / (rig.clock.true - start).total_seconds()

    assert await share('slowest = "1h"', "no-store") > 0.98
    assert await share("", "max-age=3000") < 0.5


# --- pauses ---------------------------------------------------------------------------------------------------------

SISTERS = (
    source("central") + source("sister") + source("other")
).replace("http://central.example", "http://a.mof.gov.cn").replace("http://sister.example", "http://b.mof.gov.cn")


def sisters(rig: Rig) -> None:
    """Two lists of one publisher, and one of another."""
    for name, host in (("central", "a.mof.gov.cn"), ("sister", "b.mof.gov.cn")):
        rig.wires.servers[host] = rig.servers[name].handle


@played
async def test_a_pause_holds_for_all_lists_of_the_domain_and_counts_as_nobodys_failure() -> None:
    async with Rig(SISTERS + site() + route(sources=("central", "sister", "other"))) as rig:
        sisters(rig)
        await rig.begin()
        rig.servers["central"].say(text_reply(429, **{"retry-after": "7200"}), times=1)
        rig.engine.poller.hurry("central")
        await rig.stage("poll")
        asked = {name: rig.servers[name].count("GET") for name in ("sister", "other")}
        await rig.after(7000, step=300)
        assert rig.servers["sister"].count("GET") == asked["sister"]
        assert rig.servers["other"].count("GET") > asked["other"] + 10
        row = await rig.source_row("sister")
        assert (row["tries"], row["reason"], row["why"]) == (0, "parked", "retry_after")
        await rig.after(1800, step=60)
        assert (await rig.source_row("sister"))["reason"] == ""
        assert (await rig.source_row("central"))["reason"] == ""


# --- the network ----------------------------------------------------------------------------------------------------


@played
async def test_when_most_hosts_fail_our_network_is_blamed_and_nobodys_tries_grow() -> None:
    async with Rig(lists(*FIVE)) as rig:
        await rig.begin()
        cut(rig, *FIVE)
        await rig.after(6 * 3600, step=60)
        rows = [await rig.source_row(name) for name in FIVE]
        assert {(row["tries"], row["reason"], row["why"]) for row in rows} == {(0, "network_down", "network_down")}
        told = await rig.desk.status()
        assert [p["reason"] for p in told["problems"]] == ["network_down"]
        assert not [a for a in told["attention"] if a["kind"] == "source"], "one alarm, not one a list"
        assert len(rig.log.events("network_down")) == 1
        await rig.desk.measure()
        assert rig.counted("syncd_network_down") == 1


@played
async def test_all_lists_are_read_within_two_minutes_of_the_networks_return_whatever_their_intervals() -> None:
    config = lists(*FIVE).replace('every = "5m"', 'every = "12h"')
    async with Rig(config) as rig:
        await rig.begin()
        cut(rig, *FIVE)
        for name in FIVE:
            rig.engine.poller.hurry(name)
        await rig.stage("poll")
        await rig.after(3 * 3600, step=60)
        tried = sum(rig.servers[name].count("GET") for name in FIVE)
        assert tried <= 5 + 5 + 185, "one list a minute"
        mend(rig, *FIVE)
        rig.clock.advance(1)
        back = rig.clock.true
        await rig.after(150, step=10)
        for name in FIVE:
            assert datetime.fromisoformat(str((await rig.source_row(name))["good"])) >= back
        assert (await rig.desk.status())["problems"] == []
        await rig.desk.measure()
        assert rig.counted("syncd_network_down") == 0


@played
async def test_one_host_that_fails_among_several_is_its_own_fault() -> None:
    async with Rig(lists(*FIVE)) as rig:
        await rig.begin()
        cut(rig, "central", "city")
        await rig.after(7200, step=60)
        assert (await rig.source_row("central"))["tries"] >= 4
        assert (await rig.source_row("central"))["reason"] == "connect"
        assert (await rig.desk.status())["problems"] == []


@played
async def test_servers_that_answer_badly_prove_that_the_network_is_well() -> None:
    async with Rig(lists(*FIVE)) as rig:
        await rig.begin()
        for name in FIVE:
            rig.servers[name].say(text_reply(502))
        await rig.after(7200, step=60)
        assert {(await rig.source_row(name))["reason"] for name in FIVE} == {"http_502"}


@played
async def test_a_list_that_failed_long_before_keeps_its_count_through_an_outage() -> None:
    async with Rig(lists(*FIVE)) as rig:
        await rig.begin()
        cut(rig, "city")
        await rig.after(2 * 3600, step=60)
        tries = (await rig.source_row("city"))["tries"]
        cut(rig, *FIVE)
        await rig.after(4 * 3600, step=60)
        assert tries - 1 <= (await rig.source_row("city"))["tries"] <= tries
        mend(rig, *[name for name in FIVE if name != "city"])
        await rig.after(3600, step=60)
        assert (await rig.source_row("city"))["reason"] == "connect"
        assert (await rig.source_row("central"))["reason"] == ""


@played
async def test_the_network_is_no_excuse_for_good_while_another_host_answers() -> None:
    async with Rig(lists("central", "city", "bureau")) as rig:
        await rig.begin()
        cut(rig, "city", "bureau")
        await rig.after(6 * 3600, step=60)
        assert (await rig.source_row("city"))["reason"] == "network_down"
        await rig.after(24 * 3600, step=300)
        for name in ("city", "bureau"):
            row = await rig.source_row(name)
            assert (row["reason"], row["tries"] >= 3) == ("connect", True)
        assert not [p for p in (await rig.desk.status())["problems"] if p["reason"] == "network_down"]
        mend(rig, "city", "bureau")
        await rig.after(86400, step=600)
        assert {(await rig.source_row(name))["reason"] for name in ("city", "bureau")} == {""}


@played
async def test_lists_that_were_never_read_are_told_by_their_own_failure_where_another_host_answers() -> None:
    async with Rig(lists("central", "city", "bureau")) as rig:
        cut(rig, "city", "bureau")
        await rig.after(1800, step=60)
        for name in ("city", "bureau"):
            assert (await rig.source_row(name))["reason"] == "connect"


@played
async def test_an_outage_of_days_stays_the_networks_while_nobody_answers() -> None:
    async with Rig(lists(*FIVE)) as rig:
        await rig.begin()
        cut(rig, *FIVE)
        await rig.after(3 * 86400, step=900)
        rows = [await rig.source_row(name) for name in FIVE]
        assert {(row["tries"], row["reason"]) for row in rows} == {(0, "network_down")}


# --- gone for good --------------------------------------------------------------------------------------------------


@played
async def test_a_list_that_says_410_for_a_day_is_told_as_closed_and_read_once_a_day_still() -> None:
    async with Rig() as rig:
        await rig.begin()
        rig.servers["central"].say(text_reply(410))
        await rig.after(20 * 3600, step=300)
        assert (await rig.source_row())["reason"] == "http_410"
        await rig.after(3 * 86400, step=1800)
        assert (await rig.source_row())["reason"] == "source_gone"
        assert (await rig.attention())["source_gone"]["kind"] == "source"
        asked = rig.servers["central"].count("GET")
        await rig.after(4 * 86400, step=1800)
        assert 3 <= rig.servers["central"].count("GET") - asked <= 5
        rig.servers["central"].well()
        await rig.after(86400 * 1.2, step=1800)
        row = await rig.source_row()
        assert (row["reason"], row["tries"]) == ("", 0)
        assert rig.engine.poller.rows["central"].gone is None


@played
async def test_a_410_between_other_answers_is_no_proof() -> None:
    async with Rig() as rig:
        await rig.begin()
        turn = iter([text_reply(410), text_reply(500)] * 500)
        rig.servers["central"].handler = lambda *args: next(turn)
        await rig.after(5 * 86400, step=1800)
        assert (await rig.source_row())["reason"] in ("http_410", "http_500")


# --- robots.txt -----------------------------------------------------------------------------------------------------


def robots(rig: Rig, text: str, *, status: int = 200) -> None:
    handler: Callable[..., Reply] = rig.servers["central"].handler

    def said(method: str, path: str, *rest: object) -> Reply:
        if path == "/robots.txt":
            return status, {"content-type": "text/plain"}, text.encode()
        return handler(method, path, *rest)

    rig.servers["central"].handler = said


def profiled(profile: str) -> str:
    return only("").replace('robots = "ignore"', f'robots = "{profile}"')


@played
async def test_a_forbidden_list_is_read_and_told_unless_the_operator_says_otherwise() -> None:
    async with Rig(profiled("report")) as rig:
        robots(rig, "User-agent: *\nDisallow: /\nCrawl-delay: 5\n")
        await rig.begin()
        await rig.after(3600, step=EVERY)
        row = await rig.source_row()
        assert (row["robots"], row["reason"], row["tries"]) == ("disallowed", "", 0)
        assert rig.servers["central"].asked[:2] == ["GET /feed.json", "GET /robots.txt"], "the list goes first"
        assert rig.servers["central"].count("GET /robots.txt") == 1
        assert len(rig.log.events("robots_disallowed")) == 1
        assert rig.wires.gaps == {"central.example": 5.0}


@played
async def test_a_list_whose_robots_are_obeyed_is_not_asked_for_when_forbidden() -> None:
    async with Rig(profiled("obey")) as rig:
        robots(rig, "User-agent: *\nDisallow: /feed.json\n")
        await rig.rest()
        await rig.after(3600, step=EVERY)
        assert rig.servers["central"].count("GET /feed.json") == 0
        told = (await rig.attention())["robots_disallowed"]
        assert "ask the publisher" in told["hint"]
        assert (await rig.desk.status())["problems"] == []


@played
async def test_a_robots_file_that_cant_be_read_never_holds_up_a_list_that_is_only_reported_on() -> None:
    async with Rig(profiled("report")) as rig:
        robots(rig, "", status=500)
        await rig.begin()
        row = await rig.source_row()
        assert (row["robots"], row["tries"], row["good"] is None) == ("unreachable", 0, False)


@pytest.mark.parametrize("bad", ['slowest = "1m"', 'robots = "perhaps"', "courtesy = -1"])
def test_a_setting_that_makes_no_sense_is_refused_with_its_place(bad: str) -> None:
    from syncd.errors import ConfigError

    with pytest.raises(ConfigError) as told:
        Rig(only("").replace('robots = "ignore"', bad))._load()
    assert bad.split(" ")[0] in str(told.value)
