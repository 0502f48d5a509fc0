"""Class A with the companion, on the fake WordPress and on a real one: the server refuses a second post and an unseen edit."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from dataclasses import replace
from typing import Any

import pytest

from syncd.adapters.wordpress import WordpressAdapter
from syncd.adapters.wordpress.stored import parse
from syncd.errors import Conflict, NotApplied, Rejected, SyncdError, Unknown
from syncd.model import Post, RemoteRef, RemoteState, Wrote
from tests.adapters.wordpress.fake import Companion, FakeWordPress
from tests.adapters.wordpress.kit import OTHER, PDF, Site, played
from tests.wordpress.server import COMPANION, WordPress

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
on_a_real_one = pytest.mark.parametrize("guarded", [pytest.param("real", marks=pytest.mark.servers)], indirect=True)
"""The fake has no locks, no table and no PHP."""
EDITED = "<p>编辑在同一时刻改写的正文</p>"


async def knows(site: Site, user: str = "syncd", **options: Any) -> WordpressAdapter:
    """An adapter that has been checked."""
    adapter = site.adapter(user, **options)
    report = await adapter.check()
    assert report.ok, report.items
    assert adapter.capabilities.guarantee == "A"
    return adapter


async def made(site: Site, post: Post | None = None) -> tuple[WordpressAdapter, Post, RemoteRef]:
    adapter, post = await knows(site), post or site.post()
    return adapter, post, (await adapter.create(post, PUBLIC)).ref


def the_server(site: Site) -> WordPress:
    assert isinstance(site.ground, WordPress)
    return site.ground


async def text_of(site: Site, id: str) -> str:
    return str((await site.row(id))["content"]["raw"])


async def tried_again(adapter: WordpressAdapter, post: Post) -> RemoteRef:
    """As the engine does after an answer that said nothing: what is there already is brought up to date."""
    try:
        return (await adapter.create(post, PUBLIC)).ref
    except Conflict:
        found = await adapter.find(post.key)
    assert found is not None
    return (await adapter.update(found, post, PUBLIC, found.version)).ref


def creates(site: Site, post: Post, **more: Any) -> dict[str, Any]:
    return {"title": post.title, "content": post.html, "slug": post.key, "syncd_id": post.key, "status": "draft", **more}


async def send(site: Site, method: str, path: str, body: object = None, user: str = "syncd", **headers: str) -> tuple[int, Any]:
    """A plain request, with its status."""
    import base64

    login = base64.b64encode(f"{user}:{site.password(user)}".encode()).decode() if user else ""
    told = {"content-type": "application/json", **({"authorization": f"Basic {login}"} if login else {})}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = b"" if body is None else json.dumps(body).encode()
    got = await site.plain.call(method, f"{site.url}/wp-json{path}", headers=told, body=data)
    return got.status, json.loads(got.body) if got.body else None


# --- a unique id ---------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(2)
@played
async def test_a_second_create_is_refused_by_the_server_and_makes_nothing(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    with pytest.raises(Conflict) as raised:
        await adapter.create(replace(post, html=OTHER), PUBLIC)
    assert raised.value.kind == "exists"
    assert [str(row["id"]) for row in await guarded.rows(post.key)] == [ref.id]
    assert not [line for line in guarded.client.writes() if line.startswith("DELETE")], "nothing had to be undone"


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("locks", [True, False], ids=["locks", "a_cluster_without_common_locks"])
@played
async def test_of_eight_creates_at_once_one_makes_the_post_and_seven_are_refused(guarded: Site, locks: bool) -> None:
    for _ in range(2):
        post = guarded.post()
        headers = {} if locks else {"x_no_locks": "1"}
        answers = await asyncio.gather(
            *(send(guarded, "POST", "/wp/v2/posts", creates(guarded, post), **headers) for _ in range(8)))
        assert sorted(status for status, _ in answers) == [201] + [409] * 7
        assert {told["code"] for status, told in answers if status == 409} == {"syncd_exists"}
        assert len(await guarded.rows(post.key)) == 1


@pytest.mark.guarantee(2)
@played
async def test_of_eight_adapters_at_once_one_has_the_post(guarded: Site) -> None:
    adapters = [await knows(guarded) for _ in range(8)]
    post = guarded.post(media=(PDF,))
    done = await asyncio.gather(*(each.create(post, PUBLIC) for each in adapters), return_exceptions=True)
    errors = [each for each in done if isinstance(each, BaseException)]
    assert [type(error) for error in errors] == [Conflict] * 7
    (row,) = await guarded.rows(post.key)
    assert row["status"] == "publish"
    assert len(await guarded.files(str(row["id"]))) == 1


@pytest.mark.guarantee(2)
@played
async def test_every_request_that_arrives_late_is_refused_and_changes_nothing(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    first = (await adapter.update(ref, replace(post, html=OTHER), PUBLIC, ref.version)).ref
    second = (await adapter.withdraw(first, "notice", first.version)).ref
    before = await guarded.row(ref.id)
    for n, line in enumerate(list(guarded.client.asked)):
        if not line.startswith("GET "):
            assert (await guarded.client.again(n)).status in (409, 412), line
    assert await guarded.row(ref.id) == before
    assert [str(row["id"]) for row in await guarded.rows(post.key)] == [ref.id]
    assert await adapter.find(post.key) == second


@played
async def test_a_post_is_found_by_its_id_although_its_address_was_changed(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    await guarded.edit(ref.id, slug=f"bendi-{post.key}", content="<p>无印记</p>")
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == ref.id
    assert (await adapter.read(found)).key == post.key
    with pytest.raises(Conflict):
        await adapter.create(post, PUBLIC)
    assert await guarded.rows(post.key) == [], "nothing stands at the old address"


@pytest.mark.parametrize("state", ["trash", "private", "pending", "future"])
@played
async def test_a_post_has_its_id_in_every_state(guarded: Site, state: str) -> None:
    adapter, post, ref = await made(guarded)
    if state == "trash":
        await guarded.ask("DELETE", f"/posts/{ref.id}")
    else:
        await guarded.edit(ref.id, status=state, **({"date_gmt": "2100-01-01T00:00:00"} if state == "future" else {}))
    with pytest.raises(Conflict) as raised:
        await adapter.create(post, PUBLIC)
    assert raised.value.kind == "exists"
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == ref.id


@played
async def test_the_id_of_a_post_that_was_deleted_for_good_is_free_again(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    await guarded.ask("DELETE", f"/posts/{ref.id}?force=true")
    assert await adapter.find(post.key) is None
    again = await adapter.create(post, PUBLIC)
    assert again.ref.id != ref.id
    assert await adapter.find(post.key) == again.ref


@played
async def test_a_create_that_is_refused_for_what_it_says_leaves_the_id_free(guarded: Site) -> None:
    post = guarded.post()
    status, told = await send(guarded, "POST", "/wp/v2/posts", {"syncd_id": post.key, "status": "draft"})
    assert (status, told["code"]) == (400, "empty_content")
    await (await knows(guarded)).create(post, PUBLIC)


@played
async def test_what_is_no_id_is_refused(guarded: Site) -> None:
    for bad in ("a b", "x'; DROP TABLE wp_posts", "编号", "x" * 201):
        status, told = await send(guarded, "POST", "/wp/v2/posts", {**creates(guarded, guarded.post()), "syncd_id": bad})
        assert (status, told["code"]) == (400, "syncd_bad_id")


@played
async def test_the_same_version_is_told_with_and_without_the_companion(guarded: Site) -> None:
    """So that installing or removing it makes no local edit of every post."""
    _, _, ref = await made(guarded, guarded.post(title="“引号”<b>&\\ 表情😀", html="<p>a\\b &amp; 生僻字𠮷</p>"))
    with_it = parse(await guarded.row(ref.id))
    guarded.remove()
    without = parse(await guarded.row(ref.id))
    guarded.install()
    assert with_it is not None
    assert without is not None
    assert (with_it.companion is None, without.companion is None) == (False, True)
    assert with_it.version == without.version == ref.version


# --- writes under a condition ----------------------------------------------------------------------------------------


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("call", ["update", "notice", "unpublish", "delete"])
@played
async def test_an_edit_in_the_very_moment_of_a_write_is_kept(guarded: Site, call: Any) -> None:
    adapter, post, ref = await made(guarded)

    async def edits(method: str, url: str) -> None:
        if method != "GET":
            guarded.client.meanwhile = None
            await guarded.edit(ref.id, content=EDITED)

    guarded.client.meanwhile = edits
    newer = replace(post, html=OTHER)
    write = adapter.update(ref, newer, PUBLIC, ref.version) if call == "update" else adapter.withdraw(ref, call, ref.version)
    with pytest.raises(Conflict) as raised:
        await write
    assert raised.value.kind == "version"
    row = await guarded.row(ref.id)
    assert (row["content"]["raw"], row["status"]) == (EDITED, "publish")
    found = await adapter.find(post.key)
    assert found is not None
    assert found.modified_by
    forced = await adapter.update(found, replace(post, html=OTHER), PUBLIC, None)
    assert (await guarded.looks(forced.ref.url, replace(post, html=OTHER))).ok


@pytest.mark.guarantee(3)
@played
async def test_an_edit_between_our_draft_and_its_publication_is_kept(guarded: Site) -> None:
    adapter, post = await knows(guarded), guarded.post()

    async def edits(method: str, url: str) -> None:
        rows = await guarded.rows(post.key)
        if method == "POST" and rows:
            guarded.client.meanwhile = None
            await guarded.edit(str(rows[0]["id"]), content=EDITED)

    guarded.client.meanwhile = edits
    with pytest.raises(Conflict) as raised:
        await adapter.create(post, PUBLIC)
    assert raised.value.kind == "version"
    (row,) = await guarded.rows(post.key)
    assert (row["content"]["raw"], row["status"]) == (EDITED, "draft")


@pytest.mark.guarantee(3)
@on_a_real_one
@pytest.mark.parametrize("slow", ["we", "the editor"])
@played
async def test_an_edit_while_the_server_is_at_work_is_kept(guarded: Site, slow: str) -> None:
    """Whoever is slow between looking and writing, the other one waits: the editor's text is the last."""
    adapter, post, ref = await made(guarded)
    if slow == "we":
        guarded.client.headers = {"x-slow": "UPDATE 0.6"}
    newer = replace(post, html=OTHER)

    async def edits() -> None:
        await asyncio.sleep(0.25 if slow == "we" else 0.0)
        headers = {} if slow == "we" else {"x_slow": "UPDATE 0.6"}
        status, _ = await send(guarded, "POST", f"/wp/v2/posts/{ref.id}", {"content": EDITED}, "editor", **headers)
        assert status == 200

    async def updates() -> Any:
        await asyncio.sleep(0.0 if slow == "we" else 0.25)
        return await adapter.update(ref, newer, PUBLIC, ref.version)

    ours, theirs = await asyncio.gather(updates(), edits(), return_exceptions=True)
    assert theirs is None
    assert isinstance(ours, Conflict) is (slow == "the editor")
    assert await text_of(guarded, ref.id) == EDITED


@pytest.mark.guarantee(3)
@on_a_real_one
@played
async def test_of_edits_and_updates_at_once_no_edit_is_lost(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    for n in range(5):
        edited = f"<p>编辑第{n}次</p>"
        await asyncio.gather(
            adapter.update(ref, replace(post, html=f"<p>第{n}版</p>"), PUBLIC, ref.version),
            guarded.edit(ref.id, content=edited), return_exceptions=True)
        assert await text_of(guarded, ref.id) == edited
        found = await adapter.find(post.key)
        assert found is not None
        ref = (await adapter.update(found, post, PUBLIC, None)).ref


@played
async def test_an_update_without_a_version_overwrites(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    await guarded.edit(ref.id, content=EDITED)
    after = await adapter.update(ref, replace(post, html=OTHER), PUBLIC, None)
    assert after.outcome is Wrote.UPDATED
    assert "if-match" not in {name for _, _, headers, _ in guarded.client.sent[-3:] for name in headers}


# --- lost answers, dead processes --------------------------------------------------------------------------------------


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("fate", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@played
async def test_whichever_write_of_a_create_loses_its_answer_the_next_try_ends_in_one_post(
    guarded: Site, nth: int, fate: str
) -> None:
    """A draft, a file, the publication: lost on the way there or back, then tried again by one that knows nothing."""
    post, seen = guarded.post(media=(PDF,)), [0]

    def nth_write(method: str, url: str) -> str:
        seen[0] += method != "GET"
        return fate if method != "GET" and seen[0] == nth else ""

    guarded.client.fate = nth_write
    with pytest.raises((Unknown, NotApplied)):
        await (await knows(guarded)).create(post, PUBLIC)
    guarded.client.fate = lambda method, url: ""
    fresh = guarded.adapter()
    ref = await tried_again(fresh, post)
    (row,) = await guarded.rows(post.key)
    assert (str(row["id"]), row["status"]) == (ref.id, "publish")
    assert len(await guarded.files(ref.id)) == 1
    assert (await guarded.looks(ref.url, post)).ok
    assert fresh.capabilities.guarantee == "A"


@pytest.mark.guarantee(2)
@on_a_real_one
@pytest.mark.parametrize("hook", ["wp_insert_post_data", "set_object_terms", "added_post_meta", "transition_post_status",
                                  "save_post", "rest_insert_post", "rest_request_after_callbacks"])
@played
async def test_wherever_php_dies_in_a_create_one_post_is_the_end(guarded: Site, hook: str) -> None:
    post = guarded.post()
    guarded.client.headers = {"x-dies": hook}
    with pytest.raises(SyncdError):
        await guarded.adapter().create(post, PUBLIC)
    guarded.client.headers = {}
    await tried_again(await knows(guarded), post)
    (row,) = await guarded.rows(post.key)
    assert row["status"] == "publish"
    assert row["syncd"]["id"] == post.key


@on_a_real_one
@played
async def test_a_lost_table_is_made_again_from_the_posts(guarded: Site) -> None:
    server = the_server(guarded)
    adapter, post, ref = await made(guarded)
    server.sql("DROP TABLE wp_syncd_ids")
    with pytest.raises(NotApplied) as raised:
        await adapter.create(guarded.post(), PUBLIC)
    assert raised.value.reason == "syncd_store"
    await adapter.create(guarded.post(), PUBLIC)
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == ref.id
    with pytest.raises(Conflict):
        await adapter.create(post, PUBLIC)


@on_a_real_one
@played
async def test_a_copy_of_a_post_with_all_its_meta_does_not_take_its_id(guarded: Site) -> None:
    server = the_server(guarded)
    adapter, post, ref = await made(guarded)
    copy = await guarded.ask("POST", "/posts", body={"title": "副本", "content": "x", "status": "publish"})
    server.sql(f"INSERT INTO wp_postmeta (post_id, meta_key, meta_value) VALUES ({copy['id']}, '_syncd_id', '{post.key}')")
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == ref.id
    assert (await guarded.row(str(copy["id"])))["syncd"]["id"] == ""


@pytest.mark.guarantee(2)
@on_a_real_one
@played
async def test_a_plug_in_that_copies_a_new_post_with_its_meta_stops_no_create(guarded: Site) -> None:
    adapter, post = await knows(guarded), guarded.post()
    guarded.client.headers = {"x-copies": "1"}
    ref = (await adapter.create(post, PUBLIC)).ref
    guarded.client.headers = {}
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == ref.id
    copies = the_server(guarded).sql("SELECT JSON_OBJECT('id', ID) FROM wp_posts WHERE post_title LIKE '%(copy)'")
    assert copies, "the copy was deleted"
    assert [(await guarded.row(str(copy["id"])))["syncd"]["id"] for copy in copies] == [""] * len(copies)


# --- with and without ------------------------------------------------------------------------------------------------


@played
async def test_the_check_says_which_class_it_is_and_how_to_reach_a(site: Site) -> None:
    adapter = site.adapter()
    (line,) = [item for item in (await adapter.check()).items if item.name == "companion"]
    assert line.ok
    if site.guarded:
        assert line.detail == "class A: companion 1.0.0"
    else:
        assert "class C" in line.detail
        assert "docs/wordpress/syncd-companion.php" in line.detail
    assert site.client.writes() == []


@pytest.mark.parametrize(
    ("companion", "said"),
    [(Companion(api=0), "older than this syncd"), (Companion(api=2, version="2.1"), "newer than this syncd"),
     (Companion(ready=False), "can't work here")],
    ids=["older", "newer", "no locks"],
)
def test_a_companion_that_does_not_fit_is_told_and_not_used(companion: Companion, said: str) -> None:
    async def checks() -> None:
        async with Site(FakeWordPress(companion=companion)) as site:
            adapter = site.adapter()
            report = await adapter.check()
            (line,) = [item for item in report.items if item.name == "companion"]
            assert (line.ok, report.ok) == (False, False)
            assert said in line.detail
            assert line.hint
            await adapter.create(site.post(), PUBLIC)
            assert adapter.capabilities.guarantee == report.capabilities.guarantee == "C"

    asyncio.run(checks())


@played
async def test_the_companion_is_noticed_without_a_check_and_so_is_its_end(guarded: Site) -> None:
    adapter, post = guarded.adapter(), guarded.post()
    assert adapter.capabilities.guarantee == "C", "nothing is known yet"
    ref = (await adapter.create(post, PUBLIC)).ref
    assert adapter.capabilities.guarantee == "A"
    guarded.remove()
    after = await adapter.update(ref, replace(post, html=OTHER), PUBLIC, ref.version)
    assert after.outcome is Wrote.UPDATED
    assert adapter.capabilities.guarantee == "C"
    assert [event for event, _ in guarded.log.lines] == ["companion_lost"]
    guarded.install()
    assert await adapter.read(after.ref)
    assert adapter.capabilities.guarantee == "A"


@pytest.mark.guarantee(2)
@played
async def test_a_create_that_counted_on_the_companion_looks_itself_when_that_has_gone(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    await guarded.ask("DELETE", f"/posts/{ref.id}")  # its address is free, so that WordPress refuses nothing
    guarded.remove()
    with pytest.raises(Conflict) as raised:
        await adapter.create(post, PUBLIC)
    assert raised.value.kind == "exists"
    assert adapter.capabilities.guarantee == "C"
    assert [str(row["id"]) for row in await guarded.rows(post.key)] == [ref.id]


@played
async def test_a_condition_that_does_not_arrive_is_not_counted_on(guarded: Site) -> None:
    adapter, post, ref = await made(guarded)
    if isinstance(guarded.ground, FakeWordPress):
        guarded.ground.companion.heard = False  # type: ignore[union-attr]
    else:
        guarded.client.headers = {"x-deaf": "1"}
    after = await adapter.update(ref, replace(post, html=OTHER), PUBLIC, ref.version)
    assert after.outcome is Wrote.UPDATED
    assert adapter.capabilities.guarantee == "C"
    assert await adapter.find(post.key) == after.ref
    assert adapter.capabilities.guarantee == "C", "that it is there is not enough"
    assert [(event, "proxy" in told["hint"]) for event, told in guarded.log.lines] == [("companion_lost", True)]


@played
async def test_a_post_that_was_made_without_the_companion_gets_its_id_at_its_next_update(guarded: Site) -> None:
    guarded.remove()
    adapter, post = guarded.adapter(), guarded.post()
    ref = (await adapter.create(post, PUBLIC)).ref
    guarded.install()
    adapter = await knows(guarded)
    with pytest.raises(Conflict) as raised:
        await adapter.create(post, PUBLIC)
    assert raised.value.kind == "exists", "known by its address until then"
    assert not [line for line in guarded.client.writes() if line.startswith("DELETE")], "nothing had to be undone"
    after = (await adapter.update(ref, replace(post, html=OTHER), PUBLIC, ref.version)).ref
    assert (await guarded.row(ref.id))["syncd"]["id"] == post.key
    await guarded.edit(ref.id, slug=f"{post.key}-bendi")
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == after.id


@played
async def test_the_companion_gives_nobody_a_right_and_tells_the_public_nothing(guarded: Site) -> None:
    _, post, ref = await made(guarded)
    for user, status in (("", 401), ("subscriber", 403)):
        assert (await send(guarded, "POST", "/wp/v2/posts", creates(guarded, guarded.post()), user))[0] == status
        assert (await send(guarded, "GET", "/syncd/v1/companion", user=user))[0] == status
    body, version = {"content": "x"}, f'"{ref.version}"'
    status, told = await send(guarded, "POST", f"/wp/v2/posts/{ref.id}", body, "author", if_match=version)
    assert (status, told["code"]) == (403, "rest_cannot_edit")
    if guarded.real:
        status, told = await send(guarded, "GET", f"/wp/v2/posts/{ref.id}", user="")
        assert (status, "syncd" in told) == (200, False)
        assert (await send(guarded, "GET", f"/wp/v2/posts?syncd_id={post.key}", user=""))[1] == []


@played
async def test_writes_that_say_nothing_to_the_companion_are_as_without_it(guarded: Site) -> None:
    body = {"title": "编辑自己的", "content": "x", "status": "draft", "slug": guarded.post().key}
    first = await guarded.ask("POST", "/posts", body=body)
    second = await guarded.ask("POST", "/posts", body=body)
    assert second["id"] != first["id"]
    assert (await guarded.edit(str(first["id"]), content="y"))["content"]["raw"] == "y"


@played
async def test_an_article_that_is_refused_by_wordpress_is_refused_as_before(guarded: Site) -> None:
    adapter = await knows(guarded)
    with pytest.raises(Rejected):
        await adapter.create(guarded.post(column="没有的栏目"), PUBLIC)


@pytest.mark.servers
def test_uninstalling_removes_every_trace_and_php_complains_of_nothing(real_wordpress: WordPress) -> None:
    real_wordpress.plugin("activate")
    post = {"title": "甲", "content": "乙", "status": "publish", "syncd_id": "syncd-trace"}
    made = real_wordpress.api("POST", "/posts", user="syncd", body=post)
    assert made["syncd"]["id"] == "syncd-trace"
    real_wordpress.plugin("uninstall")
    for place in ("information_schema.tables WHERE table_name", "wp_postmeta WHERE meta_key", "wp_options WHERE option_name"):
        assert real_wordpress.sql(f"SELECT JSON_OBJECT('n', COUNT(*)) FROM {place} LIKE '%syncd%'") == [{"n": 0}], place
    assert real_wordpress.api("GET", f"/posts/{made['id']}")["id"] == made["id"], "the post stays"
    assert "syncd-companion" not in real_wordpress.complaints()


@pytest.mark.servers
def test_the_companion_is_php_without_errors(real_wordpress: WordPress) -> None:
    """real_wordpress: skips where there is no PHP."""
    done = subprocess.run([shutil.which("php") or "php", "-l", str(COMPANION)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
