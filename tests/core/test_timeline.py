"""The timeline: instants from events, the official latency as an interval, and whose lag it was."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from syncd.core.timeline import STAGES, Timeline, began, blame, lags, latency, timeline
from syncd.model import Event, Instant, Precision
from tests.core.given import NOW, after, document, event

HOUR = 3600.0
LIFE = [
    event("sighted", 120, None), event("revised", 125), event("wanted", 130), event("approved", 430),
    event("intent", 440), event("sent", 445), event("look_bad", 450), event("look_bad", 460), event("seen", 470),
    event("look_good", 4000),
]
PUBLISHED = document(published=Instant(NOW, origin="page"), missed=after(60), detected=after(120))
LATER = after(days=30)


def at(t: Instant | None) -> float | None:
    return (t.at - NOW).total_seconds() if t else None


def test_each_instant_is_the_first_of_its_kind() -> None:
    t = timeline(PUBLISHED, LIFE)
    assert [at(i) for i in (t.published, t.missed, t.sighted, t.revised, t.approved, t.announced, t.sent)] == [
        0, 60, 120, 130, 430, 440, 445,
    ]


def test_visibility_lies_between_the_last_bad_look_and_the_first_good_one() -> None:
    t = timeline(PUBLISHED, LIFE)
    assert (at(t.seen_after), at(t.seen)) == (460, 470)
    assert latency(t, LATER) == (460.0, 470.0)


def test_a_look_that_turned_bad_again_later_changes_nothing() -> None:
    assert timeline(PUBLISHED, [*LIFE, event("look_bad", 9000)]) == timeline(PUBLISHED, LIFE)


def test_without_a_bad_look_it_may_be_visible_since_the_call_was_announced() -> None:
    t = timeline(PUBLISHED, [e for e in LIFE if e.kind != "look_bad"])
    assert latency(t, LATER) == (440.0, 470.0)


def test_a_post_of_people_that_was_found_at_once_may_be_older_than_our_sighting() -> None:
    t = timeline(PUBLISHED, [event("sighted", 120, None), event("seen", 500)])
    assert latency(t, LATER) == (120.0, 500.0)


def test_what_is_not_sent_has_a_latency_that_grows() -> None:
    t = timeline(PUBLISHED, LIFE[:4])
    assert latency(t, after(HOUR)) == (HOUR, HOUR)


def test_what_is_sent_but_not_seen_may_be_visible_since_the_last_bad_look() -> None:
    assert latency(timeline(PUBLISHED, LIFE[:8]), after(HOUR)) == (460.0, HOUR)
    assert latency(timeline(PUBLISHED, LIFE[:6]), after(HOUR)) == (440.0, HOUR)


def test_a_day_without_a_time_ends_with_the_sighting() -> None:
    day = Instant(after(-9 * HOUR), Precision.DAY)
    t = timeline(document(published=day, detected=after(120)), LIFE[1:])
    assert began(t) == (after(-9 * HOUR), after(120))
    assert latency(t, LATER) == (340.0, 9 * HOUR + 470)


def test_a_date_in_the_future_is_not_believed() -> None:
    t = timeline(document(published=Instant(after(days=5)), detected=after(120)), LIFE)
    assert latency(t, LATER) == (340.0, 350.0)


def test_an_undated_document_was_published_between_two_reads() -> None:
    assert latency(timeline(document(missed=after(60)), LIFE), LATER) == (340.0, 410.0)


def test_an_undated_document_that_no_read_missed_has_no_upper_bound() -> None:
    assert latency(timeline(document(), LIFE), LATER) == (340.0, math.inf)


def test_clock_errors_widen_the_interval() -> None:
    t = timeline(
        document(published=Instant(NOW, error=5.0), detected=after(120)),
        [event("sighted", 120), event("look_bad", 460, error=2.0), event("seen", 470, error=1.0)],
    )
    assert latency(t, LATER) == (453.0, 476.0)


def test_an_empty_timeline_has_no_bounds() -> None:
    assert latency(Timeline(), NOW) == (0.0, math.inf)
    assert lags(Timeline()) == dict.fromkeys(STAGES, 0.0)


def test_lags_are_split_by_stage_and_add_up_to_the_latency() -> None:
    t = timeline(PUBLISHED, LIFE)
    found = lags(t)
    assert found == {"source": 60, "detection": 60, "reading": 10, "approval": 300, "cms": 15, "publishing": 25}
    assert sum(found.values()) == latency(t, LATER)[1]


def test_a_read_before_publication_leaves_nothing_to_the_source() -> None:
    t = timeline(document(published=Instant(NOW), missed=after(-500)), LIFE)
    assert (lags(t)["source"], lags(t)["detection"]) == (0.0, 120.0)


def test_a_read_that_missed_it_after_the_sighting_counts_no_further() -> None:
    t = timeline(document(published=Instant(NOW), missed=after(300)), LIFE)
    assert (lags(t)["source"], lags(t)["detection"]) == (120.0, 0.0)


def test_the_stage_in_which_an_open_one_stands_has_the_time_until_now() -> None:
    waiting = timeline(PUBLISHED, LIFE[:3])
    assert lags(waiting, after(HOUR))["approval"] == HOUR - 130
    assert lags(waiting) == {**dict.fromkeys(STAGES, 0.0), "source": 60, "detection": 60, "reading": 10}
    assert lags(timeline(PUBLISHED, LIFE[:7]), after(HOUR))["publishing"] == HOUR - 445


def test_an_instant_that_is_not_known_gives_its_time_to_the_next_stage() -> None:
    t = timeline(PUBLISHED, [e for e in LIFE if e.kind != "approved"])
    assert (lags(t)["approval"], lags(t)["cms"]) == (0.0, 315.0)


moments = st.none() | st.integers(-5000, 5000).map(lambda s: Instant(after(s), error=abs(s) % 7))


@given(st.lists(moments, min_size=8, max_size=8), st.integers(-5000, 5000))
def test_lags_are_never_negative_and_never_more_than_the_latency(parts: list[Instant | None], seen: int) -> None:
    t = replace(Timeline(*parts), seen=Instant(after(seen)))
    found, (low, high) = lags(t), latency(t, LATER)
    assert all(v >= 0 for v in found.values())
    assert 0 <= low <= high
    if began(t)[0]:
        assert math.isclose(sum(found.values()), high)


def test_an_approval_that_was_overtaken_is_not_the_one_that_counts() -> None:
    events = [
        event("wanted", 100), event("approved", 200), event("wanted", 300, 2), event("approved", 5000, 2),
        event("intent", 5010, 2), event("sent", 5020, 2), event("seen", 5030, 2),
    ]
    assert at(timeline(PUBLISHED, events).approved) == 5000
    assert timeline(PUBLISHED, events[:3]).approved is None
    assert lags(timeline(PUBLISHED, events))["approval"] == 4880  # the document was sighted at 120


def test_the_first_revision_is_the_first_that_this_site_wanted() -> None:
    events = [event("sighted", 0, None), event("revised", 5, 2), event("wanted", 10, 2), event("seen", 20, 2)]
    assert at(timeline(PUBLISHED, events).published) == 0.0
    assert at(timeline(PUBLISHED, events).revised) == 10


def test_a_correction_is_timed_from_when_it_was_found() -> None:
    found = [event("revised", 7000, 2), event("wanted", 7010, 2), event("approved", 7020, 2), event("seen", 7100, 2)]
    events = [*LIFE, *found]
    t = timeline(PUBLISHED, events, revision=2)
    assert (t.published, at(t.sighted), at(t.revised), at(t.seen)) == (None, 7000, 7010, 7100)
    assert timeline(PUBLISHED, events) == timeline(PUBLISHED, LIFE)


def test_reading_ends_with_the_revision_when_nothing_wanted_it() -> None:
    assert at(timeline(PUBLISHED, LIFE[:2]).revised) == 125
    assert timeline(PUBLISHED, []).sighted == Instant(after(120))


def test_a_withdrawal_that_is_seen_does_not_make_the_document_seen() -> None:
    events: list[Event] = [*LIFE[:4], event("wanted", 900, 2), event("withdrawn", 910, 2), event("seen", 910, 2)]
    t = timeline(PUBLISHED, events)
    assert (t.seen, t.sent, at(t.withdrawn)) == (None, None, 910)
    assert latency(t, LATER) == (910.0, 910.0)


def test_a_withdrawal_has_a_timeline_of_its_own() -> None:
    notice = [event("revised", 890, 2), event("wanted", 900, 2), event("withdrawn", 910, 2), event("seen", 920, 2)]
    events = [*LIFE, *notice]
    t = timeline(PUBLISHED, events, revision=2)
    assert (at(t.sent), at(t.seen), t.withdrawn) == (910, 920, None)
    assert timeline(PUBLISHED, events).withdrawn is None


def test_the_stage_with_the_largest_share_of_a_late_one_is_blamed() -> None:
    found = lags(timeline(PUBLISHED, LIFE))
    assert blame(found, 469.0) == "approval"
    assert blame(found, 470.0) == ""
    assert blame(dict.fromkeys(STAGES, 1.0), 1.0) == "source"


def test_now_before_everything_gives_no_negative_latency() -> None:
    assert latency(timeline(PUBLISHED, LIFE[:3]), NOW - timedelta(days=1)) == (0.0, 0.0)


def test_a_sighting_of_what_turned_out_to_be_the_document_counts_where_it_was_the_first() -> None:
    before = replace(event("sighted", -600), detail={"source": "library", "was": "11"})
    later = replace(event("sighted", -900), detail={"source": "gazette"})
    line = timeline(document(), [event("sighted", 0), before, later])
    assert line.sighted == before.at
    assert timeline(document(), [event("sighted", 0), later]).sighted == event("sighted", 0).at
