"""What each answer of WordPress, and of what stands before it, means: done, not done, unknown, refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from syncd.adapters.wordpress.rest import told
from syncd.errors import (
    AdapterError,
    AuthFailed,
    Conflict,
    NotApplied,
    NotFound,
    RateLimited,
    Rejected,
    Unknown,
)
from syncd.model import RemoteRef, RemoteState
from tests.adapters.wordpress.fake import FakeWordPress
from tests.adapters.wordpress.kit import Site, answer, played

JSON, HTML = "application/json; charset=UTF-8", "text/html; charset=UTF-8"
ONE = "http://cms.example/wp-json/wp/v2/posts/12?_fields=id"
MANY = "http://cms.example/wp-json/wp/v2/posts?_fields=id"


@pytest.fixture
def site() -> Site:
    return Site(FakeWordPress())


def code(name: str, **data: Any) -> str:
    return json.dumps({"code": name, "message": f"about {name}", "data": data})


def raised(got: Any, *, writes: bool) -> AdapterError:
    with pytest.raises(AdapterError) as error:
        told(got, writes=writes)
    return error.value


@pytest.mark.guarantee(2)
@pytest.mark.parametrize(
    ("status", "type", "body"),
    [
        (500, HTML, "<title>Fatal error</title>"), (500, JSON, code("internal_server_error")), (502, HTML, "gateway"),
        (504, HTML, ""), (503, HTML, "no word of when"), (302, HTML, ""), (307, HTML, ""), (408, HTML, ""),
        (201, JSON, "<br />\n<b>Notice</b>: x in y\n{\"id\":1}"), (201, HTML, '{"id":1}'), (200, HTML, "<html>WAF</html>"),
        (200, JSON, ""), (201, JSON, '{"id":1,"slug":"sy'), (520, HTML, ""),
    ],
)
def test_what_may_have_been_done_is_unknown_for_a_write_and_nothing_for_a_read(status: int, type: str, body: str) -> None:
    assert isinstance(raised(answer(status, type, body, url=ONE), writes=True), Unknown)
    assert isinstance(raised(answer(status, type, body, url=ONE), writes=False), NotApplied)


@pytest.mark.parametrize(
    ("status", "body", "kind", "reason"),
    [
        (401, code("rest_not_logged_in"), AuthFailed, "not_logged_in"),
        (401, code("rest_cannot_create"), AuthFailed, "not_logged_in"),
        (401, "<html>Authorization Required</html>", AuthFailed, "not_logged_in"),
        (403, code("rest_cannot_create"), AuthFailed, "no_right"),
        (403, code("rest_cannot_publish"), AuthFailed, "no_right"),
        (403, code("rest_cannot_edit"), Rejected, "not_ours_to_edit"),
        (403, code("rest_forbidden_context"), Rejected, "not_ours_to_edit"),
        (403, code("some_plugin_says_no"), AuthFailed, "forbidden"),
        (404, code("rest_post_invalid_id"), NotFound, "not_found"),
        (404, code("rest_post_invalid_parent"), NotFound, "not_found"),
        (404, code("rest_no_route"), NotApplied, "no_route"),
        (404, "<html>nginx</html>", NotApplied, "no_route"),
        (410, code("rest_already_trashed"), NotFound, "not_found"),
        (412, code("rest_upload_hash_mismatch"), Conflict, "conflict_version"),
        (413, "<html>413 Request Entity Too Large</html>", Rejected, "too_large"),
        (429, "slow down", RateLimited, "rate_limited"),
        (400, code("rest_invalid_param", params={"title": "is bad"}), Rejected, "rest_invalid_param"),
        (400, code("rest_invalid_json"), Rejected, "rest_invalid_json"),
        (400, code("empty_content"), Rejected, "bad_request"),
        (500, code("rest_upload_sideload_error"), Rejected, "file_refused"),
        (501, code("rest_trash_not_supported"), Rejected, "no_trash"),
    ],
)
@pytest.mark.parametrize("writes", [True, False])
def test_what_wordpress_names_means_the_same_wherever_it_comes(
    status: int, body: str, kind: type[AdapterError], reason: str, writes: bool
) -> None:
    error = raised(answer(status, JSON, body, url=ONE), writes=writes)
    assert (type(error), error.reason) == (kind, reason)
    assert error.hint


def test_what_is_refused_of_all_posts_is_a_right_that_is_missing() -> None:
    error = raised(answer(403, JSON, code("rest_forbidden_context"), url=MANY), writes=False)
    assert isinstance(error, AuthFailed)
    plain = "http://cms.example/?rest_route=/wp/v2/posts/12&context=edit"
    assert isinstance(raised(answer(403, JSON, code("rest_forbidden_context"), url=plain), writes=False), Rejected)


@pytest.mark.guarantee(2)
@pytest.mark.parametrize(("known", "reason"), [(401, "not_logged_in"), (403, "no_right")])
def test_a_forbidden_state_is_never_an_empty_list(known: int, reason: str) -> None:
    body = code("rest_invalid_param", status=400, params={"status": "Status is forbidden."}, details={
        "status": {"code": "rest_forbidden_status", "data": {"status": known}}})
    error = raised(answer(400, JSON, body, url=MANY), writes=False)
    assert (type(error), error.reason) == (AuthFailed, reason)
    assert isinstance(raised(answer(400, JSON, body, url=MANY), writes=True), Rejected)


def test_maintenance_is_said_before_anything_is_done_and_for_how_long() -> None:
    error = raised(answer(503, HTML, "Briefly unavailable", url=MANY, retry_after="600"), writes=True)
    assert isinstance(error, NotApplied)
    assert error.after == 600


def test_a_redirect_to_the_login_page_is_a_refused_login() -> None:
    got = answer(302, HTML, "", url=MANY, location="https://www.county.example/wp-login.php?redirect_to=x")
    assert isinstance(raised(got, writes=True), AuthFailed)
    assert isinstance(raised(got, writes=False), AuthFailed)


def test_a_refused_field_is_named() -> None:
    body = code("rest_invalid_param", params={"date_gmt": "Invalid date.", "title": "bad <b>x</b>"})
    error = raised(answer(400, JSON, body, url=ONE), writes=True)
    assert isinstance(error, Rejected)
    assert error.field == "date_gmt,title"
    assert "Invalid date." in str(error)
    assert "<b>" not in str(error)


@pytest.mark.guarantee(4)
@pytest.mark.parametrize(
    "body", ["[]", "{}", '{"id": "1"}', '{"id": 1, "slug": "x"}', '{"code": 0, "msg": "ok"}', "null", '"ok"',
             '{"id":1,"slug":"k","status":"publish","link":"l","title":{"rendered":"x"},"content":{"rendered":"y"}}'],
)
@played
async def test_json_of_somebody_else_is_no_post(site: Site, body: str) -> None:
    """Nor is a post as an anonymous reader gets it: without `raw` we are not logged in."""
    adapter = site.adapter()
    site.client.fate = lambda method, url: (200, JSON, body) if "/posts" in url else ""
    with pytest.raises(Unknown):
        await adapter.create(site.post(column=""), RemoteState.PUBLIC)
    with pytest.raises(NotApplied):
        await adapter.read(RemoteRef("1"))
    if body != "[]":
        with pytest.raises(NotApplied):
            await adapter.find("syncd-x")


@pytest.mark.guarantee(2)
@played
async def test_a_list_that_ignores_the_slug_finds_nothing_of_ours(site: Site) -> None:
    adapter, post = site.adapter(), site.post()
    ref = (await adapter.create(post, RemoteState.PUBLIC)).ref
    await site.edit(ref.id, content="<p>somebody's own, without a seal</p>")
    other = site.post()
    real = site.client._client.call

    async def ignoring(method: str, url: str, **named: Any) -> Any:
        return await real(method, url.replace(f"slug={other.key}", "x=").replace(f",{other.key}__trashed", ""), **named)

    site.client._client.call = ignoring  # type: ignore[method-assign]
    assert await adapter.find(other.key) is None


@pytest.mark.parametrize(("healthy", "kind"), [(True, Rejected), (False, AuthFailed)])
@played
async def test_a_firewalls_page_holds_the_text_or_stops_the_site(site: Site, healthy: bool, kind: type) -> None:
    adapter = site.adapter()
    page = (403, HTML, "<html>您的请求带有不合法参数，已被网站管理员设置拦截</html>")
    site.client.fate = lambda method, url: page if method == "POST" or (not healthy and "/users/me" in url) else ""
    with pytest.raises(kind) as error:
        await adapter.create(site.post(), RemoteState.PUBLIC)
    assert error.value.reason in ("firewall", "blocked")


@pytest.mark.guarantee(2)
@played
async def test_a_plugin_that_rewrites_addresses_is_told_and_leaves_no_draft(site: Site) -> None:
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    fake._free = lambda slug, type, id=0: f"pinyin-{slug}"  # type: ignore[method-assign]
    with pytest.raises(Rejected) as error:
        await site.adapter().create(site.post(), RemoteState.PUBLIC)
    assert error.value.reason == "slug_rewritten"
    assert fake.posts() == []


@pytest.mark.guarantee(2)
@played
async def test_two_drafts_at_once_with_one_slug_are_told_apart_by_publishing(site: Site) -> None:
    """7.1 gave both of two parallel requests the very slug; the second that is published gets another."""
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    adapter, post = site.adapter(), site.post()
    first = (await adapter.create(post, RemoteState.PUBLIC)).ref
    real, calls = fake._free, []

    def late(slug: str, type: str, id: int = 0) -> str:
        calls.append(slug)
        return slug if len(calls) == 1 else real(slug, type, id)

    fake._free = late  # type: ignore[method-assign]
    with pytest.raises(Conflict):
        await adapter.create(post, RemoteState.PUBLIC)
    assert [str(row.id) for row in fake.posts()] == [first.id]


@pytest.mark.guarantee(2)
@played
async def test_of_twins_with_one_slug_the_older_is_found_and_the_newer_swept(site: Site) -> None:
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    adapter, post = site.adapter(), site.post()
    first = (await adapter.create(post, RemoteState.PUBLIC)).ref
    fake._free = lambda slug, type, id=0: slug  # type: ignore[method-assign]
    await site.client.again(next(n for n, line in enumerate(site.client.asked) if line.startswith("POST")))
    assert [row.slug for row in fake.posts()] == [post.key] * 2
    assert await adapter.find(post.key) == first
    assert len(await adapter.sweep(post.key, first)) == 1
    assert [str(row.id) for row in fake.posts()] == [first.id]


@pytest.mark.guarantee(2)
@played
async def test_an_own_draft_that_can_not_be_removed_leaves_doubt(site: Site) -> None:
    adapter, post = site.adapter(), site.post()
    await adapter.create(post, RemoteState.PUBLIC)
    site.client.fate = lambda method, url: (500, HTML, "boom") if method == "DELETE" else ""
    with pytest.raises(Unknown) as error:
        await adapter.create(post, RemoteState.PUBLIC)
    assert error.value.reason == "draft_left"


@played
async def test_a_site_without_revisions_goes_by_the_text(site: Site) -> None:
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    fake.revisions = False
    adapter, post = site.adapter(), site.post()
    ref = (await adapter.create(post, RemoteState.PUBLIC)).ref
    await site.edit(ref.id, content="<p>本地</p>")
    found = await adapter.find(post.key)
    assert found is not None
    assert (found.modified_by, found.version != ref.version) == (None, True)
    report = await adapter.check()
    assert "not kept" in {item.name: item.detail for item in report.items}["revisions"]


@pytest.mark.guarantee(3)
@played
async def test_without_revisions_a_twin_whose_text_was_changed_is_left_alone(site: Site) -> None:
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    fake.revisions = False
    adapter, post = site.adapter(), site.post()
    ref = (await adapter.create(post, RemoteState.PUBLIC)).ref
    await site.client.again(next(n for n, line in enumerate(site.client.asked) if line.startswith("POST")))
    twin = next(row for row in await site.rows(post.key) if str(row["id"]) != ref.id)
    await site.edit(str(twin["id"]), content=twin["content"]["raw"].replace("第一版", "我们的"))
    assert await adapter.sweep(post.key, ref) == ()
    assert len(fake.posts()) == 2


@played
async def test_a_site_without_trash_deletes_for_good(site: Site) -> None:
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    fake.trash = False
    adapter, post = site.adapter(withdraw="delete"), site.post()
    ref = (await adapter.create(post, RemoteState.PUBLIC)).ref
    result = await adapter.withdraw(ref, "delete", ref.version)
    assert result.ref.state is RemoteState.WITHDRAWN
    assert fake.posts() == []


@played
async def test_application_passwords_that_are_off_are_named(site: Site) -> None:
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    fake.passwords = False
    report = await site.adapter().check()
    bad = {item.name: item.hint for item in report.items if not item.ok}
    assert set(bad) == {"application passwords", "login"}
    assert "WP_ENVIRONMENT_TYPE" in bad["application passwords"]


@pytest.mark.parametrize(
    ("fate", "words"),
    [((404, HTML, "nginx"), "api_url"), ((200, JSON, '{"namespaces": []}'), "?rest_route=/"), ("before", "")],
)
@played
async def test_what_is_no_wordpress_is_named_and_nothing_more_is_asked(site: Site, fate: Any, words: str) -> None:
    site.client.fate = lambda method, url: fate
    report = await site.adapter().check()
    assert [(item.name, item.ok) for item in report.items] == [("reach", False)]
    assert words in report.items[0].hint
    assert len(site.client.asked) == 1


@played
async def test_a_post_that_wordpress_keeps_for_review_stops_the_site(site: Site) -> None:
    fake = site.ground
    assert isinstance(fake, FakeWordPress)
    real = fake._changed
    fake._changed = lambda me, row, told: real(me, row, {**told, "status": "pending"})  # type: ignore[method-assign]
    with pytest.raises(AuthFailed) as error:
        await site.adapter().create(site.post(), RemoteState.PUBLIC)
    assert error.value.reason == "not_published"


@played
async def test_the_failure_to_remove_an_old_file_does_not_undo_a_write(site: Site) -> None:
    adapter, post = site.adapter(), site.post()
    ref = (await adapter.create(post, RemoteState.PUBLIC)).ref
    site.client.fate = lambda method, url: (500, HTML, "") if "/media" in url else ""
    result = await adapter.withdraw(ref, "notice", ref.version)
    assert result.ref.state is RemoteState.WITHDRAWN
    assert len(result.losses) == 1


def test_a_key_that_wordpress_would_change_gets_a_slug_of_its_own() -> None:
    from syncd.adapters.slug import slug_of, twins
    from syncd.adapters.wordpress.slug import media_slug

    assert slug_of("syncd-0123456789abcdef0123") == "syncd-0123456789abcdef0123"
    for odd in ("Ünïcode", "UPPER", "a.b", "a:b", "1", "x" * 181, "文件", "a--b", "-a"):
        made = slug_of(odd)
        assert made.startswith("syncd-")
        assert len(made) == 26
        assert made != slug_of(odd + "x")
    assert media_slug("k", "ab" * 32) not in twins("k")


def test_a_page_says_in_the_language_of_the_document_what_became_of_it() -> None:
    async def run() -> None:
        async with Site(FakeWordPress()) as site:
            adapter = site.adapter()
            post = site.post(lang="en", title="A notice", html="<p>An English text that is long enough.</p>")
            ref = (await adapter.create(post, RemoteState.PUBLIC)).ref
            page = (await site.page(ref.url)).body.decode()
            assert "Source: " in page
            assert "Issued by" in page
            await adapter.withdraw(ref, "notice", ref.version)
            assert "Withdrawn" in (await site.page(ref.url)).body.decode()

    asyncio.run(run())
