"""Pushes as the engine takes them: read now, believe nothing, never hurry the publisher, and poll as if there were none."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from syncd.core.push import RECHECK
from syncd.errors import StoreError
from syncd.status.callback import MOST
from tests.engine.rig import Rig, json_reply, played, route, site, source
from tests.push.hub import HUB, PUBLIC, PUSH, TOPIC, Hub, ask

COUNTY = source() + site() + route()
OTHER = source("other") + site() + route(sources=("other",))


@asynccontextmanager
async def county(config: str = PUSH + COUNTY) -> AsyncIterator[tuple[Rig, Hub]]:
    """A list that was read once and names a hub, which was asked."""
    async with Rig(config) as rig:
        hub = Hub(rig)
        await rig.begin()
        await rig.stage("push")
        yield rig, hub


@asynccontextmanager
async def subscribed(config: str = PUSH + COUNTY) -> AsyncIterator[tuple[Rig, Hub]]:
    """The hub has verified, and the list was read once more since."""
    async with county(config) as (rig, hub):
        assert await hub.verify(lease="864000") == 200
        await rig.rest()
        rig.clock.advance(10)
        yield rig, hub


def reads(rig: Rig) -> int:
    return rig.servers["central"].count("GET /feed.json")


async def standing(rig: Rig) -> tuple[str, str]:
    told = (await rig.source_row())["push"]
    return told["state"], told["reason"]


@played
async def test_a_hub_that_a_good_read_showed_is_asked_with_a_secret_and_an_address_that_nobody_can_guess() -> None:
    async with county() as (rig, hub):
        (request,) = hub.asked
        assert (request["hub.mode"], request["hub.topic"]) == ("subscribe", TOPIC)
        assert request["hub.callback"].startswith(PUBLIC + "/")
        assert len(request["hub.callback"].removeprefix(PUBLIC + "/")) >= 40
        assert 40 <= len(request["hub.secret"]) < 200
        assert request["hub.secret"] not in request["hub.callback"]
        assert await standing(rig) == ("asked", "")
        assert await hub.verify() == 200
        assert await standing(rig) == ("unproven", "")


@played
async def test_without_push_in_the_configuration_no_hub_is_asked() -> None:
    async with county(COUNTY) as (rig, hub):
        assert hub.asked == []
        assert await standing(rig) == ("off", "")
    async with county(PUSH + COUNTY.replace('every = "5m"', 'every = "5m"\npush = "off"')) as (rig, hub):
        assert hub.asked == []
        assert await standing(rig) == ("off", "")


@played
async def test_a_push_is_read_now_and_posted() -> None:
    async with subscribed() as (rig, hub):
        rig.publish(1)
        assert await hub.push() == 202
        await rig.rest()
        assert [post.title for post in rig.posts()][-1].startswith("关于做好第1号")
        assert await standing(rig) == ("working", "")
        assert rig.counted("syncd_pushes_total", outcome="read") == 1
        await rig.desk.measure()
        assert rig.counted("syncd_push_working", source="central") == 1


@played
async def test_what_a_push_says_is_never_believed() -> None:
    async with subscribed() as (rig, hub):
        before = len(rig.posts())
        await hub.push(b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "x", "title": "forged"}]}')
        await rig.rest()
        assert len(rig.posts()) == before


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_every_strong_signature_counts(algorithm: str) -> None:
    @played
    async def run() -> None:
        async with subscribed() as (rig, hub):
            before = reads(rig)
            assert await hub.push(algorithm=algorithm, chunks=[b"ne", b"", b"ws"]) == 202
            await rig.rest()
            assert reads(rig) == before + 1

    run()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"algorithm": "sha1"}, "weak_signature"),
        ({"secret": "another secret"}, "wrong_signature"),
        ({"headers": {}}, "unsigned"),
        ({"headers": {"X-Hub-Signature": "sha256=\u00e9"}}, "wrong_signature"),
    ],
)
def test_a_push_without_a_right_signature_is_answered_as_any_other_and_dropped(
    how: dict[str, object], reason: str
) -> None:
    @played
    async def run() -> None:
        async with subscribed() as (rig, hub):
            before = reads(rig)
            assert await hub.push(**how) == 202  # type: ignore[arg-type]
            await rig.rest()
            assert reads(rig) == before
            assert rig.counted("syncd_pushes_total", outcome=reason) == 1
            assert await standing(rig) == ("unproven", reason)

    run()


@played
async def test_a_push_that_is_too_large_or_cut_is_refused_whatever_it_says_of_itself() -> None:
    async with subscribed() as (rig, hub):
        before = reads(rig)
        assert await hub.push(headers={"Content-Length": str(MOST + 1)}) == 413
        assert await hub.push(chunks=[b"x" * (MOST // 2 + 1)] * 2) == 413
        assert await hub.push(cut=True) == 400
        await rig.rest()
        assert reads(rig) == before
        assert rig.counted("syncd_pushes_total", outcome="too_large") == 2
        assert rig.counted("syncd_pushes_total", outcome="cut") == 1


@played
async def test_nobody_learns_anything_at_an_address_that_is_none() -> None:
    async with subscribed() as (_, hub):
        assert (await ask(hub.app, "POST", f"{PUBLIC}/guessed"))[0] == 404
        assert (await ask(hub.app, "GET", f"{PUBLIC}/guessed?hub.mode=subscribe&hub.challenge=x"))[0] == 404
        assert (await ask(hub.app, "GET", f"{hub.last['hub.callback']}?hub.challenge={'x' * 5000}"))[0] == 400
        assert (await ask(hub.app, "GET", f"{hub.last['hub.callback']}?{'&'.join(['a=b'] * 50)}"))[0] == 400
        assert (await ask(hub.app, "PUT", hub.last["hub.callback"]))[0] == 405


@played
async def test_a_verification_of_what_was_not_asked_for_is_refused() -> None:
    async with county() as (rig, hub):
        assert await hub.verify(topic="http://central.example/another") == 404
        assert await hub.verify(mode="unsubscribe") == 404
        assert await standing(rig) == ("asked", "")


@played
async def test_duplicates_and_replays_within_a_moment_are_one_read_and_a_flood_is_few() -> None:
    async with subscribed() as (rig, hub):
        before = reads(rig)
        rig.publish(1)
        for _ in range(200):
            await hub.push()
        await rig.rest()
        assert reads(rig) == before + 1
        for _ in range(600):
            await hub.push()
            await rig.stage("poll")
            rig.clock.advance(0.1)
        assert reads(rig) - before <= 10, "a minute of pushes for nothing"
        assert reads(rig) - before >= 3


@played
async def test_the_last_push_of_a_flood_is_not_lost() -> None:
    async with subscribed() as (rig, hub):
        rig.publish(1)
        await hub.push()
        await rig.rest()
        rig.publish(2)
        await hub.push()
        await rig.rest()
        rig.clock.advance(2.1)
        await rig.rest()
        assert any(post.title.startswith("关于做好第2号") for post in rig.posts())


@played
async def test_a_push_that_comes_while_the_list_is_being_read_makes_it_be_read_again() -> None:
    async with subscribed() as (rig, hub):
        rig.clock.advance(400)
        before = reads(rig)
        await rig.engine.tick("poll")
        await hub.push()
        await rig.engine.drain()
        rig.publish(1)
        await rig.rest()
        assert reads(rig) == before + 2
        assert any(post.title.startswith("关于做好第1号") for post in rig.posts())


@played
async def test_a_list_that_the_push_was_ahead_of_is_read_once_more() -> None:
    async with subscribed() as (rig, hub):
        before = reads(rig)
        await hub.push()
        await rig.rest()
        rig.publish(1)
        rig.clock.advance(RECHECK)
        await rig.rest()
        assert reads(rig) == before + 2
        assert any(post.title.startswith("关于做好第1号") for post in rig.posts())


@played
async def test_a_push_for_nothing_costs_two_reads_and_no_more() -> None:
    async with subscribed() as (rig, hub):
        before = reads(rig)
        await hub.push()
        await rig.after(60, step=1)
        assert reads(rig) == before + 2


@played
async def test_polling_goes_on_as_if_there_were_no_push() -> None:
    async with subscribed() as (rig, hub):
        rig.publish(1)
        await hub.push()
        await rig.rest()
        rig.publish(2)
        await rig.after(331, step=10)
        assert any(post.title.startswith("关于做好第2号") for post in rig.posts())


@played
async def test_a_publisher_that_asked_to_be_left_alone_is_left_alone_whatever_its_hub_says() -> None:
    async with subscribed() as (rig, hub):
        rig.servers["central"].say(json_reply(429, **{"retry-after": "3600"}))
        rig.clock.advance(400)
        await rig.rest()
        before = reads(rig)
        await hub.push()
        await rig.after(600, step=10)
        assert reads(rig) == before


@played
async def test_a_subscription_survives_a_restart_with_its_secret_and_is_renewed_at_half_of_its_lease() -> None:
    async with county() as (rig, hub):
        await hub.verify(lease="7200")
        first = hub.last
        await rig.restart()
        assert await hub.push() == 202
        assert await standing(rig) == ("working", "")
        await rig.stage("push")
        assert len(hub.asked) == 1
        rig.clock.advance(3601)
        await rig.stage("push")
        assert len(hub.asked) == 2
        assert hub.last == first
        assert await hub.verify(lease="7200") == 200
        await rig.stage("push")
        assert len(hub.asked) == 2


@played
async def test_a_hub_that_keeps_still_is_found_out_by_what_is_polled_and_asked_anew() -> None:
    async with subscribed() as (rig, hub):
        rig.publish(1)
        await rig.after(400, step=30)
        await rig.stage("push")
        assert len(hub.asked) == 1, "its push may still come"
        rig.clock.advance(601)
        await rig.stage("push")
        await rig.stage("push")
        assert len(hub.asked) == 2
        assert await hub.verify() == 200
        assert await standing(rig) == ("silent", "silent")
        await rig.desk.measure()
        assert rig.counted("syncd_push_working", source="central") == 0
        assert rig.counted("syncd_failures_total", stage="push", reason="silent") == 1
        rig.publish(2)
        await hub.push()
        await rig.rest()
        assert await standing(rig) == ("working", "")


@played
async def test_a_hub_that_pushes_what_appears_is_not_doubted() -> None:
    async with subscribed() as (rig, hub):
        for id in range(1, 6):
            rig.publish(id)
            await hub.push(str(id).encode())
            await rig.after(330, step=30)
        rig.clock.advance(601)
        await rig.stage("push")
        assert len(hub.asked) == 1
        assert await standing(rig) == ("working", "")


@played
async def test_a_denial_is_told_with_its_reason_and_asked_again_after_a_day() -> None:
    async with county() as (rig, hub):
        assert await hub.deny("no contract with 某县") == 200
        assert await standing(rig) == ("denied", "hub_denied")
        assert rig.log.events("push_denied") == [{"source": "central", "text": "no contract with 某县"}]
        rig.clock.advance(86000)
        await rig.stage("push")
        assert len(hub.asked) == 1
        rig.clock.advance(401)
        await rig.stage("push")
        assert len(hub.asked) == 2


@pytest.mark.parametrize(("reply", "reason"), [((410, {}, b""), "http_410"), ((500, {}, b""), "http_500")])
def test_a_hub_that_refuses_is_asked_again_ever_later(reply: tuple[int, dict[str, str], bytes], reason: str) -> None:
    @played
    async def run() -> None:
        async with Rig(PUSH + COUNTY) as rig:
            hub = Hub(rig)
            hub.says = reply
            await rig.begin()
            for _ in range(24):
                await rig.stage("push")
                rig.clock.advance(3600)
            assert await standing(rig) == ("failing", reason)
            assert len(hub.asked) in ([1] if reason == "http_410" else range(6, 13))

    run()


@played
async def test_a_hub_that_is_closed_gives_way_to_the_next_one() -> None:
    async with Rig(PUSH + COUNTY) as rig:
        hub = Hub(rig)
        hub.offer(HUB, "https://other-hub.example/")
        hub.says = (410, {}, b"")
        await rig.begin()
        await rig.stage("push")
        rig.clock.advance(90_000)
        await rig.stage("push")
        assert hub.hosts == ["hub.example", "other-hub.example"]


@played
async def test_a_hub_that_never_verifies_is_asked_again() -> None:
    async with county() as (rig, hub):
        rig.clock.advance(901)
        await rig.stage("push")
        assert await standing(rig) == ("failing", "no_answer")
        rig.clock.advance(61)
        await rig.stage("push")
        assert len(hub.asked) == 2


@played
async def test_a_redirect_of_a_hub_is_followed_with_the_whole_request_but_never_to_less_safety() -> None:
    async with Rig(PUSH + COUNTY) as rig:
        hub = Hub(rig)
        hub.says = (307, {"location": "https://other-hub.example/new"}, b"")
        rig.wires.servers["other-hub.example"] = lambda *request: (hub.asked.append({}), (202, {}, b""))[1]
        await rig.begin()
        await rig.stage("push")
        assert len(hub.asked) == 2
        assert await standing(rig) == ("asked", "")
    async with Rig(PUSH + COUNTY) as rig:
        hub = Hub(rig)
        hub.says = (308, {"location": "http://other-hub.example/new"}, b"")
        await rig.begin()
        await rig.stage("push")
        assert hub.hosts == ["hub.example"]
        assert await standing(rig) == ("failing", "redirect_downgrade")


@played
async def test_a_source_that_is_removed_is_unsubscribed_and_its_callback_is_gone() -> None:
    async with subscribed() as (rig, hub):
        await rig.reload(PUSH + OTHER)
        assert await hub.push() == 410
        await rig.stage("push")
        assert hub.last["hub.mode"] == "unsubscribe"
        assert "hub.secret" not in hub.last
        assert await hub.verify() == 200
        assert hub.subscribed == {}
        rig.clock.advance(864001)
        await rig.stage("push")
        assert await rig.disk.values("push:") == {}


@played
async def test_a_list_that_moved_to_another_hub_takes_its_subscription_there() -> None:
    async with subscribed() as (rig, hub):
        old = hub.last
        hub.offer("https://other-hub.example/")
        rig.publish(1)
        await rig.after(400, step=30)
        await rig.stage("push")
        modes = {request["hub.mode"]: request for request in hub.asked[1:]}
        assert modes["unsubscribe"]["hub.callback"] == old["hub.callback"]
        assert modes["subscribe"]["hub.callback"] != old["hub.callback"]
        assert modes["subscribe"]["hub.secret"] != old["hub.secret"]
        assert hub.hosts[-1] == "other-hub.example"


@played
async def test_a_hub_that_the_operator_names_is_asked_though_the_list_names_none() -> None:
    async with Rig(PUSH + COUNTY.replace('every = "5m"', f'every = "5m"\npush = "{HUB}"')) as rig:
        hub = Hub(rig)
        hub.offer()
        await rig.begin()
        await rig.stage("push")
        assert (hub.last["hub.mode"], hub.last["hub.topic"]) == ("subscribe", TOPIC)


@played
async def test_push_that_is_switched_on_finds_the_hub_of_a_list_that_does_not_change() -> None:
    async with Rig(COUNTY) as rig:
        hub = Hub(rig)
        await rig.begin()
        await rig.reload(PUSH + COUNTY)
        await rig.after(400, step=30)
        await rig.stage("push")
        assert len(hub.asked) == 1
        posts = len(rig.posts())
        await rig.after(3600)
        assert len(rig.posts()) == posts
        assert "if-none-match" in rig.servers["central"].headers[-1]


@played
async def test_a_list_that_names_no_hub_is_sought_once_and_not_again_after_a_restart() -> None:
    async with Rig(PUSH + COUNTY) as rig:
        hub = Hub(rig)
        hub.offer()
        await rig.begin()
        await rig.stage("push")
        await rig.restart()
        await rig.after(400, step=30)
        assert hub.asked == []
        assert await standing(rig) == ("none", "")
        assert "if-none-match" in rig.servers["central"].headers[-1]


@played
async def test_a_public_address_that_changed_is_subscribed_anew() -> None:
    async with subscribed() as (rig, hub):
        await rig.reload(PUSH.replace("county.example", "new.example") + COUNTY)
        await rig.stage("push")
        assert hub.last["hub.callback"].startswith("https://new.example/syncd/push/")


@played
async def test_while_the_state_takes_nothing_a_hub_is_told_to_come_again() -> None:
    async with county() as (rig, hub):
        rig.disk.fault = "disk_full"
        assert await hub.verify() == 503
        rig.disk.fault = ""
        assert await hub.verify() == 200
        rig.engine.pusher.loaded = False
        assert await hub.push() == 503
        assert await hub.verify() == 503


@played
async def test_a_request_goes_out_only_after_it_was_written_down() -> None:
    async with Rig(PUSH + COUNTY) as rig:
        hub = Hub(rig)
        await rig.begin()
        rig.disk.fault = "disk_full"
        with pytest.raises(StoreError):
            await rig.stage("push")
        assert hub.asked == []


@played
async def test_the_log_and_the_status_hold_neither_secret_nor_callback() -> None:
    async with subscribed() as (rig, hub):
        await hub.push()
        await hub.push(secret="wrong")
        told = repr(rig.log.lines) + repr(await rig.desk.status())
        assert hub.last["hub.secret"] not in told
        assert hub.last["hub.callback"] not in told
