"""The count of the story can fail: each harm, planted by hand into a journal, is found."""

from __future__ import annotations

from dataclasses import replace

from tests.wordpress.server import Write
from tests.wordpress_story.truth import DAEMON, EDITOR, Overwritten, count, edited, text_of


def write(at: float, post: int, document: int, version: int = 1, *, by: str = DAEMON, status: str = "publish") -> Write:
    return Write(at, at, post, by, "new", status, f"k{document}", "题", text_of(document, version))


def edit(at: float, before: Write, number: int) -> Write:
    return replace(before, at=at, asked=None, by=EDITOR, content=edited(before.content, number))


GOOD = [write(1, 10, 1, status="draft"), write(2, 10, 1), write(3, 11, 2), write(4, 10, 1, 2)]


def test_one_post_per_document_in_its_newest_version_is_good() -> None:
    truth = count(GOOD, {1: 2, 2: 1})
    assert (truth.posts, truth.good) == (2, True)
    assert truth.line == "published duplicates 0 missing 0 overwritten 0"


def test_a_document_without_a_public_post_is_missing() -> None:
    truth = count([*GOOD, write(5, 12, 3, status="draft")], {1: 2, 2: 1, 3: 1})
    assert (truth.lost, truth.drafts, truth.good) == ({3}, 1, False)
    assert truth.line == "published duplicates 0 missing 1 overwritten 0"


def test_an_older_version_at_the_end_is_missing() -> None:
    truth = count([*GOOD, write(5, 10, 1, 1)], {1: 2, 2: 1})
    assert (truth.stale, truth.good) == ({1}, False)


def test_an_older_version_of_what_an_editor_touched_waits_for_a_person() -> None:
    truth = count([*GOOD, edit(5, GOOD[2], 1)], {1: 2, 2: 2})
    assert (truth.stale, truth.edits, truth.good) == (frozenset(), 1, True)


def test_two_public_posts_are_a_duplicate() -> None:
    truth = count([*GOOD, write(5, 12, 2)], {1: 2, 2: 1})
    assert (truth.doubled, truth.doubled_at_end, truth.good) == ({2}, {2}, False)
    assert truth.line == "published duplicates 1 missing 0 overwritten 0"


def test_two_posts_that_were_public_at_one_time_are_a_duplicate_although_one_was_deleted() -> None:
    truth = count([*GOOD, write(5, 12, 2), write(6, 12, 2, status="deleted")], {1: 2, 2: 1})
    assert (truth.doubled, truth.doubled_at_end, truth.removed, truth.good) == ({2}, frozenset(), 1, False)


def test_a_second_draft_that_never_became_public_is_told_but_no_duplicate() -> None:
    truth = count([*GOOD, write(5, 12, 2, status="draft"), write(6, 13, 2, status="trash")], {1: 2, 2: 1})
    assert (truth.drafts, truth.trash, truth.good) == (1, 1, True)


def test_a_document_that_was_older_than_the_first_read_must_not_be_posted() -> None:
    truth = count([*GOOD, write(5, 12, 0)], {1: 2, 2: 1})
    assert (truth.unwanted, truth.good) == ({0}, False)


def test_an_edit_that_the_daemon_removed_is_overwritten_although_the_editor_wrote_it_again() -> None:
    first = edit(5, GOOD[2], 1)
    again = [first, write(6, 11, 2, 2), edit(7, first, 1)]
    truth = count([*GOOD, *again], {1: 2, 2: 2})
    assert (truth.overwritten, truth.good) == ((Overwritten(2, 1, in_flight=False),), False)


def test_an_edit_is_overwritten_in_flight_by_a_write_that_was_sent_before_it() -> None:
    late = replace(write(6, 11, 2, 2), asked=4.5)
    truth = count([*GOOD, edit(5, GOOD[2], 1), late], {1: 2, 2: 2})
    assert (truth.overwritten, truth.good) == ((Overwritten(2, 1, in_flight=True),), False)


def test_deleting_what_an_editor_edited_is_overwriting() -> None:
    edited_post = edit(5, GOOD[2], 1)
    truth = count([*GOOD, edited_post, replace(edited_post, at=6, by=DAEMON, status="deleted")], {1: 2, 2: 1})
    assert (truth.overwritten, truth.lost) == ((Overwritten(2, 1, in_flight=False),), {2})


def test_a_write_of_the_daemon_that_keeps_the_editors_words_overwrites_nothing() -> None:
    edited_post = edit(5, GOOD[2], 1)
    assert count([*GOOD, edited_post, replace(edited_post, at=6, by=DAEMON)], {1: 2, 2: 1}).good
