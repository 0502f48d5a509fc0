"""What Wagtail does that no other CMS does: its refusals, looks that a bad token does not fail, drafts beside what is public,
losses that it lists, dates that hold a revision back, a condition that only the site's middleware holds."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.adapters import sealed
from syncd.adapters.credit import Times
from syncd.adapters.wagtail.api import api_of
from syncd.adapters.wagtail.options import Options
from syncd.adapters.wagtail.page import parse
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import RemoteRef, RemoteState, WriteResult, Wrote
from syncd.web.api import Answer
from tests.adapters.wagtail.kit import KEY, NOW, OPTIONS, PDF, PNG, TOKEN, URL, Site, page, post, problem, stored

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
REF = RemoteRef("6", f"{URL}/xxgk/k-1/", "", PUBLIC)
API = api_of(Site().adapter()._tools.client, Options(**OPTIONS))
TAKEN = {"type": "unique", "loc": ["syncd_key"], "msg": "具有 Syncd key 的 News page 已存在。"}
SLUG = {"type": "invalid", "loc": ["slug"], "msg": "The slug 'k-1' is already in use within the parent page."}
LONG = {"type": "string_too_long", "loc": ["body", "data", "news.NewsPage", "title"], "msg": "at most 255 characters"}
FOUND: dict[str, Any] = {"items": [{"id": 6, "title": "x"}], "count": 1}
NONE: dict[str, Any] = {"items": [], "count": 0}


def raised(status: int, body: bytes, *, writes: bool = True, creating: bool = False, kind: str = "") -> AdapterError:
    names = ((b"content-type", (kind or "application/problem+json").encode()),)
    with pytest.raises(AdapterError) as failure:
        API.told(Answer(status, f"{URL}/api/v3/pages/", names, body, NOW, NOW), writes=writes, creating=creating)
    assert failure.value.hint
    assert TOKEN not in f"{failure.value!r} {failure.value} {failure.value.hint}"
    return failure.value


def said(status: int, detail: str, *errors: Any) -> bytes:
    return json.dumps(problem(status, detail, *errors)[1]).encode()


def run(work: Any) -> Any:
    return asyncio.run(work)


def created(site: Site, state: RemoteState = PUBLIC, **changes: Any) -> WriteResult:
    result: WriteResult = run(site.adapter().create(post(**changes), state))
    return result


# --- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "detail", "kind", "reason"),
    [
        (401, "Unauthorized", AuthFailed, "not_logged_in"),
        (403, "You do not have permission to publish this page.", AuthFailed, "no_right"),
        (403, "The news page could not be saved as it is locked.", Conflict, "conflict_locked"),
        (404, "No Page matches the given query.", NotFound, "not_found"),
        (412, "The page was changed meanwhile", Conflict, "conflict_version"),
        (400, "Cannot parse request body", Rejected, "bad_request"),
    ],
)
def test_a_refusal_is_what_wagtail_means_by_it(status: int, detail: str, kind: type[AdapterError], reason: str) -> None:
    error = raised(status, said(status, detail))
    assert type(error) is kind
    assert error.reason == reason
    assert detail in error.message


@pytest.mark.parametrize("write", ["PATCH /pages/6/", "DELETE /pages/6/", "POST /pages/6/actions/unpublish/"])
def test_a_page_that_was_moved_where_the_account_has_no_rights_stops_no_other(write: str) -> None:
    refused = problem(403, "You do not have permission to edit this page.")
    site = Site({"GET /pages/6/": [(200, _ours())], "PATCH /pages/6/": [(200, stored)], write: [refused]})
    with pytest.raises(Rejected) as failure:
        run(site.adapter().withdraw(REF, "delete" if write.startswith("DELETE") else "unpublish"))
    assert failure.value.reason == "not_ours_to_edit"
    assert failure.value.hint


def test_a_right_that_is_needed_everywhere_stops_the_site() -> None:
    refused = problem(403, "You do not have permission to add a page here.")
    with pytest.raises(AuthFailed):
        created(Site({"POST /pages/": [refused]}))
    site = Site({"GET /pages/": [(200, NONE)], "POST /documents/": [refused]})
    with pytest.raises(AuthFailed):
        created(site, media=(PDF,))


def test_a_key_that_is_taken_exists_and_another_field_is_wrong() -> None:
    assert raised(422, said(422, "Validation failed", SLUG, TAKEN), creating=True).reason == "conflict_exists"
    taken_by_update = raised(422, said(422, "Validation failed", TAKEN))
    assert isinstance(taken_by_update, Rejected)
    wrong = raised(422, said(422, "Validation failed", LONG), creating=True)
    assert isinstance(wrong, Rejected)
    assert wrong.field == "title"
    slug_of_a_page_of_theirs = raised(422, said(422, "Validation failed", SLUG), creating=True)
    assert isinstance(slug_of_a_page_of_theirs, Rejected)


def test_what_is_more_than_django_takes_is_refused_as_a_page_of_html() -> None:
    """Django's DATA_UPLOAD_MAX_MEMORY_SIZE: 2.5 MB."""
    error = raised(400, b"<!doctype html><h1>Bad Request (400)</h1>", kind="text/html")
    assert isinstance(error, Rejected)
    assert error.reason == "too_large"
    assert "DATA_UPLOAD_MAX_MEMORY_SIZE" in error.hint


def test_what_is_more_than_django_takes_is_not_sent() -> None:
    """gunicorn cuts the connection with most of it unread: that would stay in doubt for ever."""
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>"))]})
    adapter = site.adapter(max_request=2000)
    long = post(html=f"<p>{'文' * 700}</p>")
    for work in (adapter.create(long, PUBLIC), adapter.update(REF, long, PUBLIC, None)):
        with pytest.raises(Rejected) as failure:
            run(work)
        assert failure.value.reason == "too_large"
    assert not site.writes()


def test_a_wrong_address_is_no_page_that_is_gone() -> None:
    error = raised(404, b"<!doctype html><h1>Not Found</h1>", kind="text/html", writes=False)
    assert isinstance(error, NotApplied)
    assert error.reason == "no_route"


def test_an_error_of_the_server_leaves_open_what_was_done() -> None:
    """Two creates at the same time on PostgreSQL: the database refuses the second, which Wagtail does not foresee."""
    assert isinstance(raised(500, b"<h1>Server Error (500)</h1>", kind="text/html", creating=True), Unknown)


# --- looking -----------------------------------------------------------------------------------------------------------


def test_a_token_that_is_worth_nothing_is_told_although_looks_are_answered() -> None:
    """Wagtail answers 200 and shows what the public sees: wagtail/api/v3/auth.py, AllowAnonymous."""
    refused = problem(401, "Unauthorized")
    site = Site({"GET /whoami/": [refused], "GET /pages/": [(200, NONE)]})
    with pytest.raises(AuthFailed):
        run(site.adapter().find(KEY))


def test_a_token_that_was_revoked_since_is_never_nothing_there() -> None:
    site = Site({"GET /pages/": [(200, NONE)], "GET /pages/6/": [problem(404, "No Page matches the given query.")]})
    adapter = site.adapter()
    assert run(adapter.find(KEY)) is None
    site.answers["GET /whoami/"] = [problem(401, "Unauthorized")]
    for work in (adapter.find(KEY), adapter.read(REF)):
        with pytest.raises(AuthFailed):
            run(work)


def test_a_field_that_filters_nothing_gives_no_page_of_somebody_else() -> None:
    site = Site({"GET /pages/": [(200, FOUND)], "GET /pages/6/": [(200, page("x", syncd_key="another"))]})
    with pytest.raises(NotApplied, match="gave page 6"):
        run(site.adapter().find(KEY))


def test_what_editors_saved_is_looked_at_and_not_only_what_is_public() -> None:
    site = Site({"GET /pages/": [(200, FOUND)], "GET /pages/6/": [(200, page("<p>编辑</p>", editor="2", pending=True))]})
    found = run(site.adapter().find(KEY))
    assert found.modified_by == "user 2"
    assert found.state is PUBLIC
    assert site.asked[-1].path.endswith("?version=draft")


def test_what_an_editor_saved_in_fields_that_are_not_ours_is_never_published_by_an_update() -> None:
    """A lead image, tags, SEO: the text is the same, and PATCH would publish the whole revision."""
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>"))], "PATCH /pages/6/": [(200, stored)]})
    adapter = site.adapter()
    version = run(adapter.read(REF)).ref.version
    site.answers["GET /pages/6/"] = [(200, page("<p>旧</p>", editor="2", pending=True, etag='"8"'))]
    with pytest.raises(Conflict):
        run(adapter.update(REF, post(), PUBLIC, version))
    assert not site.writes()
    seen = run(adapter.read(REF)).ref.version
    site.answers["GET /pages/6/"] = [(200, page("<p>旧</p>", editor="2", pending=True, etag='"9"'))]
    assert run(adapter.read(REF)).ref.version != seen


def test_an_update_waits_until_an_editor_has_published_what_goes_with_our_own_text() -> None:
    """To the engine the post is as it was, since its text is: it takes the new version and comes again."""
    site = Site({"GET /pages/6/": [(200, _ours(editor="2", pending=True))], "PATCH /pages/6/": [(200, stored)]})
    adapter = site.adapter()
    changed = post(html="<p>第二版</p>", media=(PDF,))
    with pytest.raises(Conflict) as failure:
        run(adapter.update(REF, changed, PUBLIC, run(adapter.read(REF)).ref.version))
    assert failure.value.kind == "locked"
    assert not site.writes()
    run(adapter.withdraw(REF, "notice", run(adapter.read(REF)).ref.version))
    assert [each.method for each in site.writes()] == ["PATCH"]


def test_a_revision_of_ours_that_waits_for_its_date_is_no_edit_when_it_shows() -> None:
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>", pending=True)), (200, page("<p>旧</p>"))]})
    adapter = site.adapter()
    assert run(adapter.read(REF)).ref.version == run(adapter.read(REF)).ref.version


@pytest.mark.parametrize(
    ("live", "first", "state", "url"),
    [(True, "2026-11-26T21:18:51+00:00", PUBLIC, f"{URL}/xxgk/k-1/"), (False, None, DRAFT, ""),
     (False, "2026-11-26T21:18:51+00:00", WITHDRAWN, f"{URL}/xxgk/k-1/")],
)
def test_a_page_that_was_public_and_is_not_was_withdrawn(live: bool, first: str | None, state: RemoteState, url: str) -> None:
    told = parse(page("x", live=live, first=first), Options(**OPTIONS), URL, "1")
    assert told is not None
    assert (told.state, told.url, told.editor) == (state, url, "")


def test_blocks_that_editors_added_are_part_of_the_text() -> None:
    blocks = [{"type": "html", "value": "<p>一</p>", "id": "a"}, {"type": "paragraph", "value": "<p>二</p>", "id": "b"},
              {"type": "image", "value": 7, "id": "c"}]
    told = parse(page(body=blocks), Options(**OPTIONS), URL, "1")
    assert told is not None
    assert told.html == "<p>一</p><p>二</p><pre>7</pre>"


def test_a_page_without_the_mixin_is_none_of_ours() -> None:
    without = {name: value for name, value in page("x").items() if name != "syncd_page"}
    assert parse(without, Options(**OPTIONS), URL, "1") is None
    assert parse(page("x") | {"syncd_files": "{"}, Options(**OPTIONS), URL, "1") is None
    assert parse(page("x", meta={"type": "news.IndexPage"}), Options(**OPTIONS), URL, "1") is None


# --- writing -----------------------------------------------------------------------------------------------------------


def test_a_create_is_one_request_that_publishes() -> None:
    site = Site({"POST /pages/": [(201, stored)]})
    result = created(site)
    (asked,) = site.asked
    assert asked.told["meta"] == {"type": "news.NewsPage", "parent_id": 3, "action": "publish"}
    assert asked.told["syncd_key"] == KEY
    assert asked.told["body"][0]["type"] == "html"
    assert (asked.told["published"], asked.told["search_description"]) == ("2026-12-01", "甲 & 乙")
    assert (result.outcome, result.losses, result.ref.state) == (Wrote.CREATED, (), PUBLIC)


def test_a_draft_is_not_published() -> None:
    site = Site({"POST /pages/": [(201, lambda asked: stored(asked, live=False, first=None))]})
    result = created(site, DRAFT)
    assert "action" not in site.asked[0].told["meta"]
    assert (result.ref.state, result.ref.url) == (DRAFT, "")


def test_a_column_is_the_page_of_its_name_below_parent() -> None:
    pages = {"items": [{"id": 9, "title": "要闻"}, {"id": 8, "title": "要闻旧"}], "count": 2}
    site = Site({"GET /pages/": [(200, pages)], "POST /pages/": [(201, stored)]})
    created(site, column="要闻")
    assert site.writes()[0].told["meta"]["parent_id"] == 9
    assert "child_of=3" in site.asked[0].path


def test_a_column_that_is_not_there_is_refused_also_when_it_went_meanwhile() -> None:
    nowhere = Site({"GET /pages/": [(200, NONE)]})
    gone = Site({"POST /pages/": [problem(404, "No Page matches the given query.")]})
    for site, options in ((nowhere, {}), (gone, {"columns": {"要闻": 9}})):
        with pytest.raises(Rejected) as failure:
            run(site.adapter(**options).create(post(column="要闻"), PUBLIC))
        assert failure.value.field == "column"


def test_what_wagtail_lists_as_lost_is_told() -> None:
    removals = [{"tag": "table", "action": "unwrapped", "reason": "feature_disabled", "detail": "<table>"},
                {"tag": "table", "action": "unwrapped", "reason": "feature_disabled", "detail": "<table>"}]
    site = Site({"POST /pages/": [
        (201, lambda asked: stored(asked, body="<p>一</p>", meta={"warnings": removals}))]})
    result = run(site.adapter(block="", withdraw="unpublish").create(post(), PUBLIC))
    assert isinstance(site.asked[0].told["body"], str)
    assert result.losses.count("Wagtail unwrapped <table> (feature disabled)") == 1
    assert "Wagtail changed the text" in result.losses


def test_a_date_of_an_editor_that_holds_a_revision_back_is_told() -> None:
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>"))], "PATCH /pages/6/": [(200, lambda a: stored(a, pending=True))]})
    result = run(site.adapter().update(REF, post(), PUBLIC, None))
    assert any("go live" in loss for loss in result.losses)


def test_an_update_is_made_under_the_condition_of_the_look_before_it() -> None:
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>", etag='"7"'))], "PATCH /pages/6/": [(200, stored)]})
    adapter = site.adapter()
    version = run(adapter.read(REF)).ref.version
    run(adapter.update(REF, post(), PUBLIC, version))
    run(adapter.update(REF, post(), PUBLIC, None))
    assert [each.headers.get("if-match") for each in site.writes()] == ['"7"', None]


def test_an_edit_in_the_moment_of_an_update_is_a_conflict() -> None:
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>"))],
                 "PATCH /pages/6/": [problem(412, "The page was changed meanwhile")]})
    adapter = site.adapter()
    with pytest.raises(Conflict) as failure:
        run(adapter.update(REF, post(), PUBLIC, run(adapter.read(REF)).ref.version))
    assert failure.value.kind == "version"


@pytest.mark.parametrize("deaf", [False, True], ids=["middleware gone", "proxy takes If-Match"])
def test_a_condition_that_nobody_holds_any_more_is_told_and_not_counted_on(deaf: bool) -> None:
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>"))], "PATCH /pages/6/": [(200, stored)]}, deaf=deaf)
    adapter = site.adapter()
    version = run(adapter.read(REF)).ref.version
    assert adapter.capabilities.guarantee == "A"
    site.conditions = deaf
    run(adapter.update(REF, post(), PUBLIC, version))
    run(adapter.read(REF))
    assert adapter.capabilities.guarantee == "C"
    assert [(event, "proxy" in told["hint"]) for event, told in site.log.lines] == [("conditions_lost", deaf)]


def test_an_update_touches_neither_place_nor_key() -> None:
    site = Site({"GET /pages/6/": [(200, page("<p>旧</p>"))], "PATCH /pages/6/": [(200, stored)]})
    run(site.adapter().update(REF, post(column="要闻"), PUBLIC, None))
    assert set(site.writes()[0].told) == {"meta", "title", "body", "source_url", "published", "search_description"}
    assert site.writes()[0].told["meta"] == {"action": "publish"}


# --- withdrawals -------------------------------------------------------------------------------------------------------


def _ours(live: bool = True, **changes: Any) -> dict[str, Any]:
    return page(sealed.compose(post(), {}, (), Times(Site().adapter()._zone, NOW)), live=live, **changes)


def test_a_notice_is_published_before_a_page_is_hidden() -> None:
    """A draft of the notice would leave the text in view if the second request failed."""
    site = Site({"GET /pages/6/": [(200, _ours())], "PATCH /pages/6/": [(200, stored)],
                 "POST /pages/6/actions/unpublish/": [(200, _ours(live=False))]})
    result = run(site.adapter().withdraw(REF, "unpublish"))
    patched, hidden = site.writes()
    assert patched.told["meta"] == {"action": "publish"}
    assert hidden.path == "/pages/6/actions/unpublish/"
    assert result.outcome is Wrote.WITHDRAWN


def test_a_page_that_is_hidden_is_not_hidden_again() -> None:
    """Wagtail answers 403 to that."""
    notice = sealed.compose_notice(KEY, "关于印发《方案》的通知", "zh", "", Times(Site().adapter()._zone, NOW))
    site = Site({"GET /pages/6/": [(200, page(notice, live=False))]})
    assert run(site.adapter().withdraw(REF, "unpublish")).outcome is Wrote.ALREADY
    assert not site.writes()


def test_a_notice_that_an_editors_date_holds_back_hides_the_page() -> None:
    site = Site({"GET /pages/6/": [(200, _ours())], "PATCH /pages/6/": [(200, lambda a: stored(a, pending=True))],
                 "POST /pages/6/actions/unpublish/": [(200, _ours(live=False))]})
    run(site.adapter().withdraw(REF, "notice"))
    assert site.writes()[-1].path.endswith("/unpublish/")


# --- files -------------------------------------------------------------------------------------------------------------


def _uploaded(number: int, kind: str, download: str) -> dict[str, Any]:
    return {"meta": {"detail_url": f"http://localhost/api/v3/{kind}/{number}/", "download_url": download}, "id": number}


def test_files_go_to_places_of_their_own_and_the_page_says_which_are_ours() -> None:
    site = Site({
        "GET /pages/": [(200, NONE)], "POST /pages/": [(201, stored)],
        "POST /documents/": [(201, _uploaded(1, "documents", "http://localhost/documents/1/fang.pdf"))],
        "POST /images/": [(201, _uploaded(2, "images", "/media/original_images/tu-1.png"))],
    })
    result = created(site, html=f'{post().html}<img src="{PNG.url}">', media=(PDF, PNG))
    sent = site.writes()[-1].told
    assert {id: url for id, (url, _) in json.loads(sent["syncd_files"]).items()} == {
        "document:1": f"{URL}/documents/1/fang.pdf", "image:2": f"{URL}/media/original_images/tu-1.png"}
    assert f'src="{URL}/media/original_images/tu-1.png"' in sent["body"][0]["value"]
    assert "附件1：方案".encode() in site.writes()[0].body
    assert result.losses == ()


def test_a_file_that_another_server_keeps_keeps_its_address() -> None:
    site = Site({"GET /pages/": [(200, NONE)], "POST /pages/": [(201, stored)],
                 "POST /images/": [(201, _uploaded(2, "images", "https://cdn.example/tu-1.png"))]})
    created(site, media=(PNG,))
    assert "https://cdn.example/tu-1.png" in site.writes()[-1].told["syncd_files"]


def test_a_picture_that_is_none_is_refused_or_left_at_its_source() -> None:
    wrong = {"type": "invalid_image", "loc": ["file"], "msg": "请上传一张有效的图片。"}
    site = Site({"GET /pages/": [(200, NONE)], "POST /images/": [problem(422, "Validation failed", wrong)],
                 "POST /pages/": [(201, stored)]})
    with pytest.raises(Rejected):
        created(site, media=(PNG,))
    result = run(site.adapter(refused_files="link").create(post(media=(PNG,)), PUBLIC))
    assert any("stays a link" in loss for loss in result.losses)


def test_without_copies_files_stay_at_their_source_and_that_is_told() -> None:
    site = Site({"GET /pages/": [(200, NONE)], "POST /pages/": [(201, stored)]})
    result = run(site.adapter(copy_files=False).create(post(media=(PDF,)), PUBLIC))
    assert [each.path for each in site.writes()] == ["/pages/"]
    assert any("stays a link" in loss for loss in result.losses)


def test_files_of_a_withdrawn_page_are_removed() -> None:
    held = json.dumps({"document:1": [f"{URL}/documents/1/a.pdf", "a.pdf"], "image:2": ["u", "b.png"]})
    site = Site({"GET /pages/6/": [(200, _ours(syncd_files=held))], "PATCH /pages/6/": [(200, stored)],
                 "DELETE /documents/1/": [(204, None)], "DELETE /images/2/": [problem(404, "No Image matches")]})
    result = run(site.adapter().withdraw(REF, "notice"))
    assert site.writes()[0].told["syncd_files"] == ""
    assert [each.path for each in site.writes()[1:]] == ["/documents/1/", "/images/2/"]
    assert result.losses == ()


# --- check -------------------------------------------------------------------------------------------------------------

SCHEMA = {"create": {"properties": dict.fromkeys(
    ("title", "body", "source_url", "published", "search_description", "syncd_key", "syncd_files"))},
    "read": {"properties": dict.fromkeys(("body", "syncd_page"))}}
REFUSED = problem(422, "Validation failed", {"type": "required", "loc": ["title"], "msg": "必需字段"})


def sound(**answers: list[tuple[int, Any]]) -> Site:
    looks = {"GET /schema/news.NewsPage/": [(200, SCHEMA)], "GET /pages/": [(200, NONE)], "GET /pages/3/": [(200, page("x"))]}
    return Site({**looks, "POST /pages/": [REFUSED], "POST /images/": [REFUSED], "POST /documents/": [REFUSED], **answers})


def items(site: Site, **options: Any) -> dict[str, bool]:
    report = run(site.adapter(**options).check())
    assert all(item.ok or item.hint for item in report.items)
    assert report.ok == all(item.ok for item in report.items)
    return {item.name: item.ok for item in report.items}


@pytest.mark.parametrize(("conditions", "guarantee"), [(True, "A"), (False, "C")])
def test_the_class_is_what_the_site_has(conditions: bool, guarantee: str) -> None:
    site = sound()
    site.conditions = conditions
    adapter = site.adapter()
    report = run(adapter.check())
    assert report.ok, report
    assert adapter.capabilities.guarantee == guarantee


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ({"GET /whoami/": [problem(401, "Unauthorized")]}, "login"),
        ({"GET /whoami/": [(200, {"user": {"id": "1", "username": "admin", "is_superuser": True}})]}, "least rights"),
        ({"GET /schema/news.NewsPage/": [problem(404, "Unknown content type: news.NewsPage")]}, "page type"),
        ({"GET /schema/news.NewsPage/": [(200, {"create": {"properties": {"title": {}, "body": {}}}, "read": {}})]}, "mixin"),
        ({"GET /pages/": [(200, FOUND)]}, "look-up"),
        ({"GET /pages/3/": [problem(404, "No Page matches the given query.")]}, "parent"),
        ({"POST /pages/": [problem(403, "You do not have permission to publish this page.")]}, "publishing"),
        ({"POST /images/": [problem(403, "Permission denied")]}, "images"),
        ({"POST /documents/": [problem(403, "Permission denied")]}, "documents"),
    ],
)
def test_a_check_says_what_is_missing(answers: Any, wrong: str) -> None:
    told = items(sound(**answers))
    assert told[wrong] is False


def test_a_check_looks_for_the_fields_and_columns_that_are_named() -> None:
    told = items(sound(**{"GET /pages/9/": [problem(404, "No Page matches the given query.")]}), columns={"要闻": 9})
    assert told["column 要闻"] is False
    assert items(sound(), fields={"issuer": "issuer"})["fields"] is False


# --- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [{"api_url": "county"}, {"page_type": "NewsPage"}, {"parent": 0}, {"block": "html block"}, {"fields": {"issuer": "a.b"}},
     {"block": "", "withdraw": "notice"}, {"max_request": 0}, {"colour": "red"}],
)
def test_options_that_make_no_sense_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as failure:
        Options(**OPTIONS | wrong)
    assert TOKEN not in str(failure.value)
