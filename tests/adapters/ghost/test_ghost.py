"""What is asked of Ghost in which order, how its answers are read, and its oddities: twins, cards, tags, files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from syncd.adapters.ghost.post import excerpt, lexical, parse
from syncd.errors import Conflict, NotApplied, Rejected, Unknown
from syncd.model import RemoteRef, RemoteState, Wrote
from tests.adapters.ghost.kit import (
    ID,
    OFD,
    PDF,
    PNG,
    POST,
    TAG,
    TEXT,
    UPDATED,
    URL,
    Ghost,
    card,
    newer,
    posts,
    public,
    refusal,
    run,
    sealed,
    stored,
    tags,
)

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
NOBODY = (404, refusal("Resource not found error, cannot read user.", "User not found."))
NEWS = (200, tags((TAG, "要闻", "yao-wen")))
NO_FILE = "Ghost's API removes no files"


def made(ghost: Ghost, state: RemoteState = PUBLIC, **options: Any) -> Any:
    return run(lambda: ghost.adapter(**options).create(POST, state))


# --- create -----------------------------------------------------------------------------------------------------------------


def test_a_post_is_a_draft_first_and_published_by_its_id_under_its_own_version() -> None:
    ghost = Ghost(NOBODY, NEWS, (201, posts(stored())), (200, posts(public())))
    result = made(ghost)
    assert ghost.lines == ["GET /users/me/", "GET /tags/", "POST /posts/", f"PUT /posts/{ID}/"]
    assert "authors" not in ghost.asked[2].fields
    draft, publication = ghost.asked[2].fields, ghost.asked[3].fields
    assert (draft["slug"], draft["status"], draft["tags"], draft["visibility"]) == (
        "syncd-k1", "draft", [{"id": TAG}], "public")
    assert publication == {"status": "published", "updated_at": UPDATED}
    assert (result.outcome, result.ref.url, result.losses) == (Wrote.CREATED, f"{URL}/syncd-k1/", ())


def test_a_draft_stays_one() -> None:
    ghost = Ghost(NOBODY, NEWS, (201, posts(stored())))
    result = made(ghost, DRAFT)
    assert (result.ref.state, result.ref.url) == (DRAFT, "")
    assert len(ghost.asked) == 3


@pytest.mark.parametrize(("role", "readers"), [("Author", None), ("Editor", "public")])
def test_an_account_names_itself_as_the_author_and_an_author_says_nothing_of_readers(role: str, readers: str | None) -> None:
    """Else Ghost says to an Author that adding posts is not permitted, or fails with 500."""
    me = (200, {"users": [{"id": "c" * 24, "roles": [{"name": role}]}]})
    ghost = Ghost(me, NEWS, (201, posts(stored(visibility="members"))))
    losses = made(ghost, DRAFT).losses
    sent = ghost.asked[2].fields
    assert (sent["authors"], sent.get("visibility")) == ([{"id": "c" * 24}], readers)
    assert any("members only" in loss for loss in losses)


def test_a_slug_that_is_taken_takes_our_own_draft_away_before_anybody_sees_it() -> None:
    ghost = Ghost(NOBODY, NEWS, (201, posts(stored(slug="syncd-k1-2"))), (204, None))
    with pytest.raises(Conflict) as told:
        made(ghost)
    assert told.value.kind == "exists"
    assert ghost.lines[-1] == f"DELETE /posts/{ID}/"


def test_a_word_that_ghost_keeps_for_itself_is_refused() -> None:
    ghost = Ghost(NOBODY, NEWS, (201, posts(stored(slug="rss-post"))), (204, None))
    with pytest.raises(Rejected) as told:
        made(ghost)
    assert told.value.reason == "slug_rewritten"


def test_a_draft_that_can_not_be_taken_away_leaves_all_in_doubt() -> None:
    ghost = Ghost(NOBODY, NEWS, (201, posts(stored(slug="syncd-k1-2"))), (502, "<h1>502</h1>"))
    with pytest.raises(Unknown) as told:
        made(ghost)
    assert told.value.reason == "draft_left"


# --- reading ----------------------------------------------------------------------------------------------------------------


def test_our_text_stands_in_one_card_as_it_was_sent() -> None:
    root = json.loads(lexical(TEXT))["root"]
    assert root["children"] == [{"type": "html", "version": 1, "html": TEXT}]
    found = parse(public(), URL)
    assert found is not None
    assert found.html == sealed()
    assert found.opened.whole
    assert not found.editor


@pytest.mark.parametrize("html", [
    f"<p>编辑按语</p>{card(sealed())}", card(sealed()) + card("<p>又一张卡片</p>"), "<p>改写</p>", "",
    card(sealed().replace("第一版", "本县")),
])
def test_what_an_editor_wrote_beside_or_over_it_is_seen_whole(html: str) -> None:
    found = parse(public(html=html), URL)
    assert found is not None
    assert found.editor
    assert found.html in html.strip() or found.html == html
    for word in ("编辑按语", "又一张卡片", "改写", "本县"):
        assert (word in html) == (word in found.opened.html)


@pytest.mark.parametrize("told", [None, {}, [], {"id": ID}, public(updated_at=None) | {"published_at": "never"}])
def test_what_is_no_post_is_none(told: Any) -> None:
    assert parse(told, URL) is None


def version(**changes: Any) -> str:
    found = parse(public(**changes), URL)
    assert found is not None
    return found.version


def test_the_version_knows_what_an_update_writes_over_and_nothing_else() -> None:
    """Ghost's updated_at moves when nothing changes, and has a grain of a second in which an edit could hide."""
    same = version()
    assert version(updated_at="2026-11-26T23:00:00.000Z", tags=[], slug="other") == same
    others = {version(title="另"), version(html=card("<p>另</p>")), version(custom_excerpt="另"), version(status="draft")}
    assert len({*others, same}) == 5


def test_a_summary_is_plain_text_in_ghost() -> None:
    assert excerpt("1 &lt; 2 &amp; 3") == "1 < 2 & 3"
    assert excerpt("") is None
    found = parse(public(custom_excerpt="1 < 2 & 3"), URL)
    assert found is not None
    assert found.summary == "1 &lt; 2 &amp; 3"


def test_the_public_address_is_at_the_public_host() -> None:
    found = parse(public(url="http://10.0.0.1:2368/news/syncd-k1/"), URL)
    assert found is not None
    assert found.url == f"{URL}/news/syncd-k1/"


@pytest.mark.parametrize("told", [
    stored(slug="syncd-k1-2"), stored(slug="another"), stored(replace(POST, key="other-key"), slug="syncd-k1")])
def test_a_post_that_is_not_of_this_key_is_not_taken_for_it(told: Mapping[str, Any]) -> None:
    """A proxy that drops the question shows the newest posts of anybody."""
    assert run(lambda: Ghost((200, posts(told))).adapter().find("syncd-k1")) is None


def test_a_post_whose_text_an_editor_replaced_is_found_by_its_address() -> None:
    ghost = Ghost((200, posts(public(html="<p>改写</p>"))))
    ref = run(lambda: ghost.adapter().find("syncd-k1"))
    assert ref is not None
    assert ref.modified_by
    assert ghost.asked[0].query["filter"] == "slug:['syncd-k1']"


# --- update and withdrawal --------------------------------------------------------------------------------------------------


def test_an_update_sends_its_condition_and_leaves_tags_and_address_alone() -> None:
    ghost = Ghost((200, posts(public())), (200, posts(public(newer()))))
    ref = RemoteRef(ID, version=version())
    result = run(lambda: ghost.adapter().update(ref, newer(), PUBLIC, ref.version))
    assert result.outcome is Wrote.UPDATED
    assert set(ghost.asked[1].fields) == {"title", "lexical", "custom_excerpt", "updated_at"}
    assert ghost.asked[1].fields["updated_at"] == UPDATED


def test_an_edit_in_the_same_second_as_our_last_write_is_seen_before_the_next() -> None:
    """updated_at is the same, the text is not."""
    ghost = Ghost((200, posts(public(html="<p>改写</p>"))))
    with pytest.raises(Conflict):
        run(lambda: ghost.adapter().update(RemoteRef(ID), newer(), PUBLIC, version()))
    assert len(ghost.asked) == 1


def test_the_same_text_is_not_sent_again() -> None:
    ghost = Ghost((200, posts(public())))
    assert run(lambda: ghost.adapter().update(RemoteRef(ID), POST, PUBLIC, version())).outcome is Wrote.UNCHANGED


def test_what_comes_back_gets_its_column_again_beside_the_tags_of_editors() -> None:
    other = {"id": "a" * 24, "name": "农业"}
    ghost = Ghost((200, posts(stored(html=card("<p>x</p>"), tags=[other]))), NEWS, (200, posts(public())))
    run(lambda: ghost.adapter().update(RemoteRef(ID), POST, PUBLIC, None))
    sent = ghost.asked[2].fields
    assert (sent["status"], sent["tags"]) == ("published", [{"id": TAG}, {"id": "a" * 24}])


@pytest.mark.parametrize(("how", "status"), [("notice", None), ("unpublish", "draft")])
def test_a_withdrawn_text_gives_way_to_a_notice(how: Any, status: str | None) -> None:
    after = public() if status is None else stored()
    ghost = Ghost((200, posts(public())), (200, posts(after)))
    result = run(lambda: ghost.adapter().withdraw(RemoteRef(ID), how, version()))
    sent = ghost.asked[1].fields
    assert "已撤回" in sent["lexical"]
    assert "第一版" not in sent["lexical"]
    assert (sent["custom_excerpt"], sent.get("status"), sent["updated_at"]) == (None, status, UPDATED)
    assert result.ref.url == f"{URL}/syncd-k1/"


# --- twins ------------------------------------------------------------------------------------------------------------------


def twin(n: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return {**told, "id": n * 24}


def test_a_sweep_removes_drafts_of_ours_and_tells_the_rest() -> None:
    late, touched, seen = stored(slug="syncd-k1-2"), stored(slug="syncd-k1-3"), public(slug="syncd-k1-4")
    touched["html"] = card(sealed().replace("第一版", "本县"))
    stranger = stored(slug="syncd-k1-5", html="<p>别的文章</p>")
    found = posts(public(), twin("a", late), twin("b", touched), twin("c", seen), twin("d", stranger))
    ghost = Ghost((200, found), (204, None))
    removed = run(lambda: ghost.adapter().sweep("syncd-k1", RemoteRef(ID)))
    assert [ref.id for ref in removed] == ["a" * 24]
    assert ghost.lines[1:] == [f"DELETE /posts/{'a' * 24}/"]
    told = "\n".join(ghost.log.lines)
    assert "twin_left" in told
    assert all((n * 24 in told) == (n in "bc") for n in "abcd")


# --- columns ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("found", "id"), [
    (tags(("b" * 24, "要闻", "yao-wen-2"), (TAG, "要闻", "yao-wen")), TAG),  # Ghost allows two of one name
    (tags((TAG, "要闻", "other"), ("f" * 24, "x", "要闻")), "f" * 24),
])
def test_a_column_is_the_tag_of_that_slug_or_the_oldest_of_that_name(found: Any, id: str) -> None:
    ghost = Ghost(NOBODY, (200, found), (201, posts(stored())))
    made(ghost, DRAFT)
    assert ghost.asked[2].fields["tags"] == [{"id": id}]


def test_a_name_with_a_quote_is_a_name_and_no_filter() -> None:
    ghost = Ghost(NOBODY, (200, tags()))
    with pytest.raises(Rejected):
        made(ghost, DRAFT, columns={"要闻": "o'x\\"})
    assert ghost.asked[1].query["filter"] == r"slug:'o\'x\\',name:'o\'x\\'"


def test_a_tag_is_made_only_where_that_is_allowed() -> None:
    with pytest.raises(Rejected) as told:
        made(Ghost(NOBODY, (200, tags(("a" * 24, "要闻动态", "x")))), DRAFT)
    assert told.value.reason == "no_such_column"
    ghost = Ghost(NOBODY, (200, tags()), (201, tags((TAG, "要闻", "yaowen"))), (201, posts(stored())))
    made(ghost, DRAFT, create_columns=True, columns={"要闻": "yaowen"})
    assert json.loads(ghost.asked[2].body) == {"tags": [{"name": "要闻", "slug": "yaowen"}]}


def test_a_tag_that_was_removed_meanwhile_is_looked_for_again() -> None:
    gone = refusal("Validation error, cannot edit post.", "Value in [tags.name] cannot be blank. tags.name")
    ghost = Ghost(NOBODY, NEWS, (422, gone), (200, tags()))
    adapter = ghost.adapter()
    with pytest.raises(NotApplied) as told:
        run(lambda: adapter.create(POST, DRAFT))
    assert told.value.reason == "column_gone"
    with pytest.raises(Rejected):
        run(lambda: adapter.create(POST, DRAFT))


# --- files ------------------------------------------------------------------------------------------------------------------


def test_pictures_and_files_go_where_ghost_takes_them_under_plain_names() -> None:
    post = replace(POST, media=(PDF, PNG), html=f'{TEXT}<p><img src="{PNG.url}"></p>')
    at = {PDF.url: f"{URL}/content/files/2026/11/x-s{'a' * 16}.pdf", PNG.url: f"{URL}/content/images/2026/11/x-s{'b' * 16}.png"}
    done = posts(public(post, html=card(sealed(post, at))))
    ghost = Ghost((200, posts()), (201, {"files": [{"url": at[PDF.url]}]}), (201, {"images": [{"url": at[PNG.url]}]}),
                  NOBODY, NEWS, (201, posts(stored(post))), (200, done))
    result = run(lambda: ghost.adapter().create(post, PUBLIC))
    assert ghost.lines[1:3] == ["POST /files/upload/", "POST /images/upload/"]
    assert b'filename="file-' in ghost.asked[2].body
    assert b"image/png" in ghost.asked[2].body
    sent = ghost.asked[5].fields["lexical"]
    assert at[PDF.url] in sent
    assert at[PNG.url] in sent
    assert result.losses == ()


def test_a_file_that_is_there_is_not_sent_again_and_one_that_stays_is_told() -> None:
    """Ghost's API has no list of files and removes none."""
    post = replace(POST, media=(PDF,))
    at = f"{URL}/content/files/2026/11/x-s{'a' * 16}.pdf"
    there = public(post, html=card(sealed(post, {PDF.url: at})))
    ghost = Ghost((200, posts(there)), (200, posts(there)))
    run(lambda: ghost.adapter().update(RemoteRef(ID), replace(post, title="更正"), PUBLIC, None))
    assert not any("upload" in line for line in ghost.lines)
    again = Ghost((200, posts(there)), (200, posts(public())))
    assert NO_FILE in run(lambda: again.adapter().update(RemoteRef(ID), POST, PUBLIC, None)).losses[0]
    taken = Ghost((200, posts(there)), (204, None))
    assert at in run(lambda: taken.adapter().withdraw(RemoteRef(ID), "delete")).losses[0]


def test_a_kind_of_file_that_ghost_refuses_waits_for_a_person_or_stays_a_link() -> None:
    """Of what Chinese offices use, it knows neither .ofd nor .wps."""
    no = refusal("The file type you uploaded is not supported.", type="UnsupportedMediaTypeError")
    post = replace(POST, media=(OFD,))
    with pytest.raises(Rejected) as told:
        run(lambda: Ghost((200, posts()), (415, no)).adapter().create(post, DRAFT))
    assert told.value.reason == "file_refused"
    linked = Ghost((200, posts()), (415, no), NOBODY, NEWS, (201, posts(stored(post))))
    result = run(lambda: linked.adapter(refused_files="link").create(post, DRAFT))
    assert OFD.name in result.losses[0]


# --- check ------------------------------------------------------------------------------------------------------------------

SITE = (200, {"site": {"version": "6.65", "title": "某县人民政府"}})
LOGGED_IN = (200, posts())
OPEN = (200, {"settings": [{"key": "is_private", "value": False}]})


def bad(*answers: Any, **options: Any) -> dict[str, str]:
    """What is not well, with its hint."""
    report = run(lambda: Ghost(*answers).adapter(**options).check())
    assert report.ok == all(item.ok for item in report.items)
    return {item.name: item.hint for item in report.items if not item.ok}


def test_all_is_well_with_an_integration() -> None:
    assert bad(SITE, LOGGED_IN, NOBODY, OPEN, NEWS, columns={"要闻": "yao-wen"}) == {}


def test_what_is_not_well_says_what_to_do() -> None:
    def role(name: str) -> Any:
        return 200, {"users": [{"id": "c" * 24, "roles": [{"name": name}]}]}

    denied = (403, refusal("Permission error", "You do not have permission"))
    assert bad(SITE, LOGGED_IN, role("Author"), denied) == {}
    assert "Author" in bad(SITE, LOGGED_IN, role("Contributor"), denied)["role"]
    assert "private" in bad(SITE, LOGGED_IN, NOBODY, (200, {"settings": [{"key": "is_private", "value": True}]}))["public"]
    assert "columns" in bad(SITE, LOGGED_IN, NOBODY, OPEN, (200, tags()), columns={"要闻": "x"})["column 要闻"]
    assert bad(SITE, LOGGED_IN, NOBODY, OPEN, (200, tags()), columns={"要闻": "x"}, create_columns=True) == {}
    assert "key" in bad(SITE, (401, refusal("Unknown Admin API Key")))["login"]
    assert "6 or later" in bad((200, {"site": {"version": "5.9"}}), LOGGED_IN, NOBODY, OPEN)["version"]
    assert "api_url" in bad((200, {"name": "another API"}))["reach"]
    assert "api_url" in bad((404, "<h1>404</h1>"))["reach"]
    assert "https" in bad(SITE, LOGGED_IN, NOBODY, OPEN, api_url="http://cms.county.example")["https"]
