"""Routing: which documents go where, what is old, and what that makes of the rows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from syncd.core.routing import Routing, matches, merge_reposts, wanted_on
from syncd.model import Backfill, DeadlineRule, Form, Hold, Instant, Match, PostAs
from tests.core.given import NOW, after, content, document, revision, route, row, visible_row

SEEN = [("state-council", NOW)]
STARTED = {("state-council", "county"): NOW - timedelta(days=1)}
LATER = {("state-council", "county"): NOW + timedelta(days=1)}


@pytest.mark.parametrize(
    ("issuer", "taken"),
    [
        ("国务院", True),
        ("国务院办公厅", False),
        ("中共中央、国务院", True),
        ("中共中央办公厅 国务院办公厅", False),
        ("财政部，国务院", True),
        ("财政部；国务院", True),
        ("中共中央\u3000国务院", True),
        ("", False),
    ],
)
def test_an_issuer_is_matched_as_a_whole_name_of_the_list(issuer: str, taken: bool) -> None:
    rule = route(match=Match(issuer=("国务院",)))
    assert matches(rule, content(issuer=issuer)) == ((True, "") if taken else (False, "issuer_not_matched"))


def test_an_issuer_whose_name_holds_blanks_is_matched() -> None:
    rule = route(match=Match(issuer=("Ministry of Finance",)))
    assert matches(rule, content(issuer="Ministry of Education, ministry of  finance"))[0]


@pytest.mark.parametrize(
    "where",
    [
        {"title": "关于就业的意见"},
        {"text": "促进就业"},
        {"categories": ("劳动\\就业",)},
        {"document_number": "就业〔2026〕3号"},
    ],
)
def test_a_keyword_is_found_in_title_text_number_and_categories(where: dict[str, object]) -> None:
    rule = route(match=Match(keywords=("无此词", "就业")))
    assert matches(rule, content(**where)) == (True, "")
    assert matches(rule, content()) == (False, "keyword_missing")


def test_a_number_is_found_whatever_its_brackets() -> None:
    rule = route(match=Match(keywords=("国办发〔2026〕3号",)))
    assert matches(rule, content(document_number="国办发[2026]3号"))[0]


def test_an_excluded_word_wins_over_keywords() -> None:
    rule = route(match=Match(keywords=("消费",), exclude=("规则",)))
    assert matches(rule, content()) == (False, "excluded")


def test_a_document_sighted_after_the_start_line_is_new() -> None:
    (found,) = wanted_on(document(), revision(), SEEN, STARTED, [route()])
    assert found == Routing(route(), "state-council", "", "new")


def test_a_document_known_by_the_start_line_is_old() -> None:
    assert wanted_on(document(), revision(), SEEN, {("state-council", "county"): NOW}, [route()]) == ()
    assert wanted_on(document(), revision(), SEEN, LATER, [route()]) == ()


def test_a_document_known_from_another_source_before_the_start_line_is_old() -> None:
    seen = [("ministry", after(-9 * 86400)), *SEEN]
    assert wanted_on(document(), revision(), seen, STARTED, [route()]) == ()


def test_a_pair_without_a_start_line_wants_nothing_yet() -> None:
    assert wanted_on(document(), revision(), SEEN, {}, [route(backfill=Backfill(everything=True))]) == ()


def test_a_source_that_the_route_does_not_name_gives_it_nothing() -> None:
    started = {**STARTED, ("ministry", "county"): NOW - timedelta(days=1)}
    assert wanted_on(document(), revision(), [("ministry", NOW)], started, [route()]) == ()


def test_the_source_that_makes_it_new_is_named() -> None:
    rule = route(sources=("ministry", "state-council"))
    started = {("ministry", "county"): NOW, ("state-council", "county"): NOW - timedelta(days=1)}
    found = wanted_on(document(), revision(), [("ministry", NOW), *SEEN], started, [rule])
    assert [(r.source, r.reason) for r in found] == [("state-council", "new")]


def test_of_several_routes_to_one_site_the_first_that_takes_it_wins() -> None:
    routes = [route("a", match=Match(keywords=("无此词",))), route("b"), route("c"), route("d", site="city")]
    started = {**STARTED, ("state-council", "city"): NOW - timedelta(days=1)}
    found = wanted_on(document(), revision(), SEEN, started, routes)
    assert [(r.route.name, r.route.site) for r in found] == [("b", "county"), ("d", "city")]


@pytest.mark.parametrize(
    ("backfill", "doc", "covered"),
    [
        (Backfill(everything=True), document(), True),
        (Backfill(newest=3), document(), False),
        (Backfill(newest=3), document(backfill=True), True),
        (Backfill(span=86400), document(published=Instant(NOW)), True),
        (Backfill(span=3600), document(published=Instant(NOW)), False),
        (Backfill(span=86400), document(backfill=True), False),
        (None, document(backfill=True), False),
    ],
)
def test_what_is_old_is_reposted_as_far_as_backfill_goes(backfill: Backfill, doc: object, covered: bool) -> None:
    found = wanted_on(doc, revision(), SEEN, LATER, [route(backfill=backfill)])  # type: ignore[arg-type]
    assert [(r.excused, r.reason) for r in found] == ([("backfill", "backfill")] if covered else [])


def test_a_correction_reaches_a_post_that_stands_though_its_document_is_old() -> None:
    found = wanted_on(document(), revision(2), SEEN, LATER, [route()], have={"county"})
    assert [r.source for r in found] == ["state-council"]


def merged(routings: tuple[Routing, ...], existing: list[object], n: int = 1) -> tuple[object, object]:
    return merge_reposts(10, n, routings, existing, lambda site: f"key-{site}", NOW)  # type: ignore[arg-type]


NEW = Routing(route(form=Form.LINK, post_as=PostAs.DRAFT), "state-council", "backfill", "new")


def test_a_new_repost_carries_what_its_route_says() -> None:
    (made,), (told,) = merge_reposts(10, 3, (NEW,), [], lambda site: f"key-{site}", NOW)
    assert (made.id, made.document, made.wanted, made.key, made.version) == (0, 10, 3, "key-county", 0)
    assert (made.form, made.post_as, made.column, made.route) == (Form.LINK, PostAs.DRAFT, "国务院文件", "rule")
    assert (made.due, made.created, made.excused, made.source) == (NOW, NOW, "backfill", "state-council")
    assert (told.kind, told.repost, told.document, told.revision) == ("wanted", None, 10, 3)
    assert told.detail == {"site": "county", "route": "rule"}


def test_a_newer_revision_raises_what_is_wanted_and_keeps_key_and_column() -> None:
    (raised,), (told,) = merge_reposts(10, 2, (NEW,), [visible_row(column="要闻")], lambda site: "other", NOW)
    assert (raised.wanted, raised.key, raised.column, raised.excused) == (2, "key-1", "要闻", "")
    assert raised.form is Form.FULL
    assert (told.repost, told.revision) == (1, 2)


def test_an_unchanged_row_is_not_returned() -> None:
    assert merged((NEW,), [visible_row()]) == ((), ())


def test_a_row_whose_route_vanished_only_learns_what_its_source_changed() -> None:
    assert merged((), [visible_row()], n=1) == ((), ())
    (raised,), (told,) = merge_reposts(10, 2, (), [visible_row()], str, NOW)
    assert raised == replace(visible_row(), wanted=2, due=NOW)
    assert (told.kind, told.repost, told.revision, told.reason) == ("wanted", raised.id, 2, "stands")
    other = Routing(route(site="city"), "state-council", "", "new")
    made, kept = merge_reposts(10, 2, (other,), [visible_row()], lambda site: site, NOW)[0]
    assert (made.site, made.id, kept.site, kept.wanted, kept.approved) == ("city", 0, "county", 2, 1)


def test_a_row_whose_route_was_renamed_is_taken_over_without_being_posted_again() -> None:
    (taken,), told = merge_reposts(10, 1, (NEW,), [visible_row(route="old", due=after(days=3))], str, NOW)
    assert (taken.route, taken.wanted, taken.due, told) == ("rule", 1, NOW, ())


def test_a_withdrawn_document_is_posted_nowhere_new_but_reaches_its_posts() -> None:
    (gone,) = wanted_on(document(), revision(2, withdrawn=True), SEEN, STARTED, [route()])
    assert gone.reason == "withdrawn"
    assert merged((gone,), [], n=2) == ((), ())
    (raised,), _ = merge_reposts(10, 2, (gone,), [visible_row()], str, NOW)
    assert raised.wanted == 2


def test_a_held_row_still_learns_what_is_wanted() -> None:
    (raised,), _ = merge_reposts(10, 2, (NEW,), [row(wanted=1, hold=Hold("rejected", 1))], str, NOW)
    assert raised.wanted == 2


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_post_that_stands_is_corrected_and_withdrawn_even_if_the_document_matches_no_more(withdrawn: bool) -> None:
    rule = route(match=Match(keywords=("就业",)))
    changed = revision(2, content=content(title="改了题目"), withdrawn=withdrawn)
    assert wanted_on(document(), changed, SEEN, STARTED, [rule]) == ()
    (found,) = wanted_on(document(), changed, SEEN, STARTED, [rule], have={"county"})
    assert (found.route, found.reason) == (rule, "withdrawn" if withdrawn else "new")


def test_a_route_that_matches_goes_before_one_that_only_keeps_a_post() -> None:
    narrow = route("narrow", match=Match(keywords=("无此词",)))
    wide = route("wide")
    (found,) = wanted_on(document(), revision(2), SEEN, STARTED, [narrow, wide], have={"county"})
    assert found.route == wide


def test_the_time_limit_that_applies_is_told_with_the_wish() -> None:
    rule = route(deadline=DeadlineRule(43200.0, "国办发〔2017〕47号"))
    routings = wanted_on(document(), revision(), SEEN, STARTED, [rule])
    _, (told,) = merge_reposts(1, 1, routings, (), mint=lambda site: "k", now=NOW)
    assert (told.detail["limit"], told.detail["basis"]) == ("43200.0", "国办发〔2017〕47号")
