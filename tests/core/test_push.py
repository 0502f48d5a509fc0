"""A subscription by what is known of it: asked, confirmed, renewed at half time, denied, silent, left; and the pace."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from syncd.core import push
from syncd.core.push import Offer, Pace, Step, Subscription

NOW = datetime(2026, 9, 1, 4, 0, tzinfo=UTC)
HUB, OTHER, TOPIC = "https://hub.example/", "https://other.example/", "https://list.example/feed"
NEW = Subscription("central", "path", "secret", "https://county.example/push", Offer((HUB,), TOPIC))
SUBSCRIBE = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "word", "hub.lease_seconds": "1000"}
UNSUBSCRIBE = {"hub.mode": "unsubscribe", "hub.topic": TOPIC, "hub.challenge": "word"}
DENIED = {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "not for you"}


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def leased(lease: str = "1000") -> Subscription:
    after = push.verified(push.asking(NEW, NOW), {**SUBSCRIBE, "hub.lease_seconds": lease}, NOW).after
    assert after is not None
    return after


def told(sub: Subscription, said: dict[str, str], at: datetime = NOW) -> tuple[int, str]:
    answer = push.verified(sub, said, at)
    return answer.status, answer.text


def test_a_hub_is_asked_at_once_and_not_again_before_it_had_time_to_verify() -> None:
    assert push.plan(NEW, NOW) == Step("subscribe", "first")
    asked = push.asking(NEW, NOW)
    assert push.plan(asked, later(899)).act == "wait"
    assert push.plan(asked, later(900)) == Step("give_up", "no_answer")


def test_a_list_without_a_hub_has_nothing_to_ask() -> None:
    assert push.plan(replace(NEW, offer=Offer()), NOW) == Step("wait", "no_hub")


def test_it_is_renewed_at_half_of_its_lease() -> None:
    sub = leased("1000")
    assert push.plan(sub, later(499)) == Step("wait", "leased")
    assert push.plan(sub, later(500)) == Step("subscribe", "renewal")
    assert push.plan(sub, later(1000)) == Step("subscribe", "expired")
    renewing = push.asking(sub, later(500))
    assert renewing.state == "verified"
    assert push.standing(renewing, later(501)) == "unproven"


def test_a_renewal_that_fails_leaves_the_lease_and_is_tried_again_later() -> None:
    failed = push.refused(push.asking(leased(), later(500)), "http_503", later(500), 60)
    assert (failed.state, failed.tries, failed.reason) == ("verified", 1, "http_503")
    assert push.plan(failed, later(559)) == Step("wait", "backoff")
    assert push.plan(failed, later(560)) == Step("subscribe", "renewal")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1000", 1000), ("1", 60), ("0", 60), ("9" * 400, 30 * 86400), ("", 864000), ("-5", 864000), ("१", 864000)],
)
def test_a_lease_is_believed_within_bounds(text: str, seconds: float) -> None:
    assert push.lease_of(text) == seconds


def test_only_what_was_asked_for_is_confirmed() -> None:
    asked = push.asking(NEW, NOW)
    assert told(asked, SUBSCRIBE) == (200, "word")
    assert told(NEW, SUBSCRIBE)[0] == 404
    assert told(asked, {**SUBSCRIBE, "hub.topic": "https://evil.example/"})[0] == 404
    assert told(asked, {**SUBSCRIBE, "hub.challenge": ""})[0] == 404
    assert told(asked, {**SUBSCRIBE, "hub.mode": "publish"})[0] == 404
    assert told(asked, UNSUBSCRIBE)[0] == 404
    assert told(leased(), UNSUBSCRIBE)[0] == 404


def test_a_hub_that_did_not_get_our_answer_may_verify_again_but_not_for_ever() -> None:
    assert told(leased(), SUBSCRIBE, later(599)) == (200, "word")
    assert told(leased(), SUBSCRIBE, later(600))[0] == 404


def test_a_denial_ends_it_for_a_day_and_then_another_hub_is_asked() -> None:
    two = replace(leased(), offer=Offer((HUB, OTHER), TOPIC))
    answer = push.verified(two, DENIED, NOW)
    assert answer.status == 200
    assert answer.after is not None
    assert (answer.after.state, answer.after.reason, answer.after.hub) == ("denied", "hub_denied", OTHER)
    assert push.plan(answer.after, later(86399)).act == "wait"
    assert push.plan(answer.after, later(86400)).act == "subscribe"
    assert push.standing(answer.after, NOW) == "denied"


def test_a_hub_that_tells_nothing_of_what_appears_is_asked_anew() -> None:
    sub = push.heard(leased(), later(10))
    assert push.standing(sub, later(11)) == "working"
    doubted = push.missed(sub, later(200), NOW, later(400))
    assert push.plan(doubted, later(999)).act != "silence"
    assert push.plan(doubted, later(1000)) == Step("silence", "silent")
    quiet = push.silenced(doubted, later(1000), 3600)
    assert (quiet.works, push.standing(quiet, later(1000))) == (False, "silent")
    assert push.plan(quiet, later(1000)) == Step("subscribe", "silent")
    again = push.silenced(quiet, later(2000), 3600)
    assert push.plan(again, later(5599)).act == "wait"
    assert push.plan(again, later(5600)).act == "subscribe"
    confirmed = push.verified(push.asking(again, later(5600)), SUBSCRIBE, later(5600)).after
    assert push.standing(confirmed, later(5600)) == "silent"
    assert confirmed is not None
    assert push.standing(push.heard(confirmed, later(5700)), later(5700)) == "working"


def test_a_late_push_clears_the_doubt() -> None:
    doubted = push.missed(leased(), later(200), NOW, later(400))
    assert doubted.doubt == later(400)
    assert push.missed(doubted, later(400), NOW, later(500)) is doubted
    assert push.heard(doubted, later(450)).doubt is None


@pytest.mark.parametrize(
    ("sub", "since", "listening"),
    [
        (push.heard(leased(), later(150)), later(200), NOW),
        (leased(), later(-1), later(-10)),
        (leased(), later(200), later(201)),
        (NEW, later(200), NOW),
    ],
    ids=["heard shortly before", "not yet subscribed", "not yet listening", "never subscribed"],
)
def test_nothing_is_held_against_a_hub_that_told_or_could_not_tell(
    sub: Subscription, since: datetime, listening: datetime
) -> None:
    assert push.missed(sub, since, listening, later(400)) is sub


def test_another_topic_or_hub_is_another_subscription() -> None:
    sub = leased()
    assert push.offered(sub, Offer((HUB,), "https://list.example/moved")) is None
    assert push.offered(sub, Offer((OTHER,), TOPIC)) is None
    more = push.offered(sub, Offer((OTHER, HUB), TOPIC))
    assert more is not None
    assert more.hub == HUB


def test_a_list_that_names_no_hub_any_more_keeps_its_lease_and_no_longer() -> None:
    kept = push.offered(leased(), Offer((), TOPIC))
    assert kept is not None
    assert (push.plan(kept, later(500)).reason, push.standing(kept, later(500))) == ("no_hub", "unproven")
    assert push.standing(kept, later(1000)) == "none"
    back = push.offered(kept, Offer((OTHER,), TOPIC))
    assert back is not None
    assert back.hub == OTHER


def test_what_is_left_is_told_to_the_hub_a_few_times_and_forgotten_with_its_lease() -> None:
    gone = push.left(push.asking(leased(), NOW), NOW)
    assert gone is not None
    assert push.plan(gone, NOW) == Step("unsubscribe", "left")
    asked = push.asking(gone, NOW)
    assert push.plan(asked, NOW).reason == "asked"
    assert push.plan(asked, later(900)).act == "give_up"
    tried = push.refused(asked, "no_answer", NOW, 60)
    assert push.plan(tried, NOW).reason == "backoff"
    assert push.plan(replace(tried, tries=push.LEAVES), later(100)).reason == "gone"
    assert push.plan(asked, later(1000)) == Step("forget", "over")
    assert told(asked, UNSUBSCRIBE) == (200, "word")
    assert told(asked, SUBSCRIBE)[0] == 404
    assert told(asked, DENIED)[0] == 404
    ended = push.verified(asked, UNSUBSCRIBE, NOW).after
    assert ended is not None
    assert push.plan(ended, NOW) == Step("wait", "gone")
    assert push.standing(ended, NOW) == "none"


def test_what_no_hub_knows_is_just_forgotten() -> None:
    assert push.left(NEW, NOW) is None
    assert push.left(push.refused(push.asking(NEW, NOW), "dns", NOW, 60), NOW) is None
    unsure = push.left(push.asking(NEW, NOW), NOW)
    assert unsure is not None
    assert unsure.until == NOW + push.AWAY


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (("sha256=AB",), ("sha256", "ab", "")),
        (("sha384=ab",), ("sha384", "ab", "")),
        (("SHA512= ab",), ("sha512", "ab", "")),
        (("sha1=ab", "sha256=cd"), ("sha256", "cd", "")),
        (("sha1=ab",), ("", "", "weak_signature")),
        (("md5=ab",), ("", "", "weak_signature")),
        (("sha256=",), ("", "", "weak_signature")),
        ((), ("", "", "unsigned")),
    ],
)
def test_only_sha256_and_above_count(headers: tuple[str, ...], expected: tuple[str, str, str]) -> None:
    assert push.signature(headers) == expected


def test_how_it_stands_in_one_word() -> None:
    assert push.standing(None, NOW) == "none"
    assert push.standing(NEW, NOW) == "asked"
    assert push.standing(push.asking(NEW, NOW), NOW) == "asked"
    assert push.standing(push.refused(push.asking(NEW, NOW), "http_500", NOW, 60), NOW) == "failing"
    assert push.standing(leased(), later(1000)) == "lost"


def test_a_first_push_is_read_at_once_and_a_flood_no_more_often_than_the_gap() -> None:
    assert push.next_read(Pace(), 100, 300) == 100
    assert push.next_read(Pace(read=100), 100.5, 300) == 102
    assert push.next_read(Pace(read=100), 200, 300) == 200


def test_pushes_that_are_for_nothing_never_make_us_ask_more_often_than_polling_in_the_end() -> None:
    assert push.next_read(Pace(100, futile=3), 101, 300) == 116
    assert push.next_read(Pace(100, futile=10**6), 101, 300) == 400
    assert push.next_read(Pace(100, futile=5), 101, 1) == 102


def test_a_callback_lies_below_the_public_address() -> None:
    assert NEW.callback == "https://county.example/push/path"
