"""What the adapter promises, on the fake WordPress and on a real one: nothing twice, nothing overwritten, nothing executed."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from syncd.errors import AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import Post, RemoteRef, RemoteState, Wrote
from tests.adapters.wordpress.kit import LOST, OFD, OTHER, PDF, SECOND, TEXT, Site, played, print_, without_companion

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
NASTY = (
    "<p>[gallery ids=\"1\"] 1024x768 -- :) 8-) {{x}} ((y)) $latex a$</p><p>https://www.gov.cn/zhengce/</p>"
    "<p>Wordpress \"双引号\" it's ''单'' ``反`` 6' 6\" 0x10 (tm) 商标 (tm)</p><p>&lt;!-- wp:html --&gt; &lt;script&gt;alert(1)"
    "&lt;/script&gt; &amp;lt; &amp;#91;x] &lt;!--nextpage--&gt; &lt;!--more--&gt;</p>"
    "<p>8) 八、 :D 表情😀 生僻字𠮷 a\u00a0b "
    "<a href=\"https://www.gov.cn/?a=[x]&amp;b={{y}}\" title=\"[caption] &gt;\">链接</a></p>"
    "<pre>第一行\nhttps://www.gov.cn/\n  第三行</pre><table><tbody><tr><td>甲</td><td>乙--丙</td></tr></tbody></table>"
)
TITLE = "关于“甲”<乙>的通知 & 6\" 3x4 -- 'x' ''y'' Wordpress (tm) [gallery]"



async def made(site: Site, post: Post | None = None, *, user: str = "syncd", **options: Any) -> tuple[Any, Post, RemoteRef]:
    """An adapter, a post and where it lies."""
    adapter = site.adapter(user, **options)
    post = post or site.post()
    return adapter, post, (await adapter.create(post, PUBLIC)).ref


# --- create, find, read --------------------------------------------------------------------------------------------


@pytest.mark.guarantee(4)
@pytest.mark.parametrize("user", ["syncd", "author"])
@played
async def test_what_wordpress_would_execute_or_prettify_is_shown_as_it_was_sent(site: Site, user: str) -> None:
    adapter = site.adapter(user)
    post = site.post(title=TITLE, html=NASTY)
    result = await adapter.create(post, PUBLIC)
    assert result.outcome is Wrote.CREATED
    assert result.losses == ()
    look = await site.looks(result.ref.url, post)
    assert look.ok, look
    assert print_(result.stored) == print_(post) == print_(await adapter.read(result.ref))
    page = (await site.page(result.ref.url)).body.decode()
    assert "<iframe" not in page
    assert "<script>alert" not in page
    assert "×" not in page


@played
async def test_the_page_credits_source_issuer_number_and_times(site: Site) -> None:
    _, _, ref = await made(site)
    page = (await site.page(ref.url)).body.decode()
    for told in ("来源：中国政府网", "国务院", "国发〔2026〕1号", "2026-11-28", 'href="https://www.gov.cn/1.htm"'):
        assert told in page
    assert re.search(r"转载时间：20\d\d-\d\d-\d\d \d\d:\d\d", page)


@pytest.mark.parametrize("status", ["publish", "draft", "pending", "private", "future", "trash"])
@played
async def test_a_post_is_found_in_every_state(site: Site, status: str) -> None:
    adapter, post, ref = await made(site)
    if status == "trash":
        await site.ask("DELETE", f"/posts/{ref.id}")
    elif status == "future":
        await site.edit(ref.id, status=status, date_gmt="2100-01-01T00:00:00")
    else:
        await site.edit(ref.id, status=status)
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == ref.id
    assert found.state is {"publish": PUBLIC, "private": WITHDRAWN, "trash": WITHDRAWN}.get(status, DRAFT)
    assert (found.url == "") == (found.state is DRAFT)


@played
async def test_what_is_not_there_is_not_found(site: Site) -> None:
    adapter = site.adapter()
    assert await adapter.find(site.post().key) is None
    with pytest.raises(NotFound):
        await adapter.read(RemoteRef("99999999"))
    with pytest.raises(NotFound):
        await adapter.update(RemoteRef("99999999"), site.post(), PUBLIC, None)


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("call", ["find", "read", "create", "update", "withdraw", "sweep"])
@played
async def test_a_wrong_password_is_never_not_found(site: Site, call: str) -> None:
    _, post, ref = await made(site)
    adapter = site.adapter(password="wrong wrong wrong")
    calls = {
        "find": lambda: adapter.find(post.key), "read": lambda: adapter.read(ref),
        "create": lambda: adapter.create(site.post(column=""), PUBLIC),
        "update": lambda: adapter.update(ref, post, PUBLIC, None),
        "withdraw": lambda: adapter.withdraw(ref, "notice"), "sweep": lambda: adapter.sweep(post.key, ref),
    }
    with pytest.raises(AuthFailed) as raised:
        await calls[call]()
    assert raised.value.reason == "not_logged_in"
    assert "wrong" not in str(raised.value) + repr(raised.value) + raised.value.hint


@pytest.mark.guarantee(2)
@played
async def test_a_second_post_with_a_key_is_refused_and_leaves_nothing(site: Site) -> None:
    adapter, post, ref = await made(site)
    with pytest.raises(Conflict) as raised:
        await adapter.create(replace(post, html=OTHER), PUBLIC)
    assert raised.value.kind == "exists"
    assert [str(row["id"]) for row in await site.rows(post.key)] == [ref.id]
    assert (await site.looks(ref.url, post)).ok


@pytest.mark.guarantee(2)
@played
async def test_of_requests_at_once_with_one_key_at_most_one_stays(site: Site) -> None:
    adapter = site.adapter()
    for _ in range(5):
        post = site.post()
        done = await asyncio.gather(*(adapter.create(post, PUBLIC) for _ in range(4)), return_exceptions=True)
        refused = [error for error in done if isinstance(error, BaseException)]
        assert [type(error) for error in refused] == [Conflict] * len(refused)
        rows = await site.rows(post.key)
        assert len(rows) == len(done) - len(refused) <= 1
        assert all((row["slug"], row["status"]) == (post.key, "publish") for row in rows)


@pytest.mark.guarantee(2)
@without_companion
@played
async def test_a_post_in_the_trash_does_not_stand_in_the_way_of_its_key(site: Site) -> None:
    adapter, post, ref = await made(site)
    await site.ask("DELETE", f"/posts/{ref.id}")
    again = await adapter.create(post, PUBLIC)
    found = await adapter.find(post.key)
    assert found is not None
    assert found.id == again.ref.id
    assert found.state is PUBLIC


@played
async def test_a_text_of_a_megabyte_is_stored_and_shown_whole(site: Site) -> None:
    adapter = site.adapter()
    post = site.post(html="".join(f"<p>第{n}条　加强组织领导，细化工作措施，确保落实到位。</p>" for n in range(12000)))
    assert len(post.html.encode()) > 900_000
    result = await adapter.create(post, PUBLIC)
    assert result.losses == ()
    assert print_(result.stored) == print_(post)
    assert (await site.looks(result.ref.url, post)).ok


@played
async def test_lists_get_an_excerpt_of_the_text_and_not_the_credit(site: Site) -> None:
    _, _, ref = await made(site)
    row = await site.row(ref.id)
    assert row["excerpt"]["raw"].startswith("各省、自治区、直辖市人民政府：")


@played
async def test_all_posts_of_a_prefix_are_listed_once(site: Site) -> None:
    adapter = site.adapter()
    keys = [site.post().key for _ in range(23)]
    for key in keys:
        await adapter.create(site.post(key, column=""), DRAFT)
    listed = [doc.key async for doc in adapter.list("syncd-")]
    assert sorted(key for key in listed if key in keys) == sorted(keys)
    assert [doc async for doc in adapter.list("nobody-")] == []


# --- a draft first -------------------------------------------------------------------------------------------------


@pytest.mark.guarantee(2)
@without_companion
@played
async def test_a_request_that_arrives_late_makes_a_draft_that_nobody_sees_and_the_sweep_removes_it(site: Site) -> None:
    adapter, post, ref = await made(site)
    first = next(n for n, line in enumerate(site.client.asked) if line.startswith("POST") and "/posts?" in line)
    await site.client.again(first)
    twins = [row for row in await site.rows(post.key) if str(row["id"]) != ref.id]
    assert [(row["status"], row["slug"]) for row in twins] == [("draft", f"{post.key}-2")]
    found = await adapter.find(post.key)
    assert found == ref
    removed = await adapter.sweep(post.key, ref)
    assert [each.id for each in removed] == [str(twins[0]["id"])]
    assert [str(row["id"]) for row in await site.rows(post.key)] == [ref.id]
    assert await adapter.sweep(post.key, ref) == ()


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("touch", ["text", "author", "format"])
@without_companion
@played
async def test_a_twin_that_an_editor_touched_is_told_and_not_removed(site: Site, touch: str) -> None:
    adapter, post, ref = await made(site)
    await site.client.again(next(n for n, line in enumerate(site.client.asked) if line.startswith("POST")))
    twin = next(row for row in await site.rows(post.key) if str(row["id"]) != ref.id)
    if touch == "text":
        await site.edit(str(twin["id"]), content=twin["content"]["raw"].replace("第一版", "我们的"))
    elif touch == "format":
        await site.edit(str(twin["id"]), content=twin["content"]["raw"].replace("第一版", "<b>第一版</b>"))
    else:
        await site.edit(str(twin["id"]), author=site.number("editor"))
    assert await adapter.sweep(post.key, ref) == ()
    assert len(await site.rows(post.key)) == 2
    assert [event for event, _ in site.log.lines] == ["twin_left"]


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("step", ["draft", "publish"])
@pytest.mark.parametrize("fate", ["before", "after"])
@played
async def test_a_lost_answer_of_either_step_is_unknown_and_the_post_is_found_as_it_is(
    site: Site, step: str, fate: str
) -> None:
    adapter, post = site.adapter(), site.post()
    creates = re.compile(r"POST [^?]*/posts\?")
    site.client.fate = lambda method, url: (
        fate if method == "POST" and bool(creates.match(f"{method} {url}")) == (step == "draft") else ""
    )
    with pytest.raises(Unknown):
        await adapter.create(post, PUBLIC)
    site.client.fate = lambda method, url: ""
    found = await adapter.find(post.key)
    if step == "draft" and fate == "before":
        assert found is None
        return
    assert found is not None
    assert found.state is (PUBLIC if (step, fate) == ("publish", "after") else DRAFT)
    result = await adapter.update(found, post, PUBLIC, found.version)
    assert result.ref.state is PUBLIC
    assert (await site.looks(result.ref.url, post)).ok
    assert len(await site.rows(post.key)) == 1


@played
async def test_a_draft_is_left_to_the_editor_whatever_its_state(site: Site) -> None:
    adapter, post = site.adapter(), site.post()
    ref = (await adapter.create(post, DRAFT)).ref
    assert (ref.state, ref.url) == (DRAFT, "")
    assert "转载时间" not in (await site.row(ref.id))["content"]["raw"], "nobody knows when the editor will publish it"
    await site.edit(ref.id, status="pending")
    found = await adapter.find(post.key)
    assert found is not None
    again = await adapter.update(found, replace(post, html=OTHER), DRAFT, found.version)
    assert (await site.row(ref.id))["status"] == "pending"
    await site.edit(ref.id, status="publish")
    found = await adapter.find(post.key)
    assert found is not None
    assert found.version != again.ref.version
    after = await adapter.update(found, post, DRAFT, found.version)
    assert after.ref.state is PUBLIC, "an update never unpublishes"
    assert "转载时间" in (await site.row(ref.id))["content"]["raw"]


@played
async def test_a_scheduled_post_is_published_by_an_update_that_says_public(site: Site) -> None:
    adapter, post = site.adapter(), site.post()
    ref = (await adapter.create(post, DRAFT)).ref
    await site.edit(ref.id, status="future", date_gmt="2100-01-01T00:00:00")
    found = await adapter.find(post.key)
    assert found is not None
    assert (await adapter.update(found, post, PUBLIC, found.version)).ref.state is PUBLIC


# --- update and local edits ----------------------------------------------------------------------------------------


@played
async def test_an_update_keeps_the_address_and_says_when_it_was_updated(site: Site) -> None:
    adapter, post, ref = await made(site)
    newer = replace(post, html=OTHER, title="关于印发《方案》的通知（修订）")
    result = await adapter.update(ref, newer, PUBLIC, ref.version)
    assert result.outcome is Wrote.UPDATED
    assert result.ref.url == ref.url
    assert result.ref.version != ref.version
    assert (await site.looks(ref.url, newer)).ok
    assert not (await site.looks(ref.url, post)).ok


@pytest.mark.parametrize("ago", [0, 61], ids=["at_once", "a_minute_ended_before_it_was_public"])
@played
async def test_the_same_text_again_changes_nothing(site: Site, ago: int) -> None:
    sent = site.now() - timedelta(seconds=ago)
    adapter, post, ref = await made(site, site.post(sent=sent), user="author")
    before = await site.row(ref.id)
    result = await adapter.update(ref, replace(post, sent=site.now()), PUBLIC, ref.version)
    assert (result.outcome, result.ref) == (Wrote.UNCHANGED, ref)
    assert (await site.row(ref.id))["modified_gmt"] == before["modified_gmt"]
    assert not [line for line in site.client.writes()[2:] if "/posts" in line]


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("field", ["content", "title", "excerpt", "status", "slug"])
@played
async def test_what_an_editor_changed_is_not_overwritten_unasked(site: Site, field: str) -> None:
    """Also within the second in which we wrote: nothing here waits."""
    adapter, post, ref = await made(site)
    mine = {"content": "<p>本地改写的正文</p>", "title": "本地标题", "excerpt": "本地摘要", "status": "draft",
            "slug": f"{post.key}-bendi"}
    await site.edit(ref.id, **{field: mine[field]})
    with pytest.raises(Conflict) as raised:
        await adapter.update(ref, replace(post, html=OTHER), PUBLIC, ref.version)
    assert raised.value.kind == "version"
    with pytest.raises(Conflict):
        await adapter.withdraw(ref, "notice", ref.version)
    row = await site.row(ref.id)
    assert (row[field]["raw"] if isinstance(row[field], dict) else row[field]) == mine[field]
    forced = await adapter.update(ref, replace(post, html=OTHER), PUBLIC, None)
    assert forced.ref.state is PUBLIC
    assert (await site.looks(forced.ref.url, replace(post, html=OTHER))).ok


@pytest.mark.guarantee(3)
@pytest.mark.parametrize("where", ["text", "credit", "files"])
@played
async def test_an_edit_anywhere_in_the_text_field_shows_in_what_is_read(site: Site, where: str) -> None:
    adapter, post, ref = await made(site, site.post(media=(SECOND,)))
    raw = (await site.row(ref.id))["content"]["raw"]
    changes = {"text": ("第一版", "本地版"), "credit": ("国发〔2026〕1号", "县发〔2026〕1号"), "files": ("附件2", "附件二")}
    old, new = changes[where]
    assert old in raw
    await site.edit(ref.id, content=raw.replace(old, new))
    doc = await adapter.read(ref)
    assert print_(doc) != print_(post)
    assert doc.ref.modified_by == f"user {site.number('editor')}"
    assert doc.key == post.key


@pytest.mark.guarantee(3)
@played
async def test_who_edited_last_is_told_until_we_write_again(site: Site) -> None:
    adapter, post, ref = await made(site)
    assert (await adapter.find(post.key)).modified_by is None
    await site.edit(ref.id, content="<p>本地改写</p>")
    found = await adapter.find(post.key)
    assert found.modified_by == f"user {site.number('editor')}"
    await adapter.update(ref, replace(post, html=OTHER), PUBLIC, found.version)
    assert (await adapter.find(post.key)).modified_by is None


@played
async def test_an_automatic_save_of_an_open_editor_is_no_edit(site: Site) -> None:
    adapter, post, ref = await made(site)
    await site.ask("POST", f"/posts/{ref.id}/autosaves", body={"content": "<p>还没写完</p>"})
    assert await adapter.find(post.key) == ref
    assert print_(await adapter.read(ref)) == print_(post)


@played
async def test_an_editor_may_move_the_address_and_the_column(site: Site) -> None:
    adapter, post, ref = await made(site)
    other = next(row["id"] for row in await site.ask("GET", "/categories?per_page=100") if row["slug"] == "gwywj")
    await site.edit(ref.id, slug=f"{post.key}-bendi", categories=[other])
    moved = (await adapter.read(ref)).ref
    assert moved.id == ref.id
    assert moved.url.endswith(f"/{post.key}-bendi/")
    result = await adapter.update(moved, replace(post, html=OTHER), PUBLIC, moved.version)
    assert result.ref.url == moved.url
    assert (await site.row(ref.id))["categories"] == [other]
    assert (await site.looks(moved.url, replace(post, html=OTHER))).ok


@played
async def test_a_text_without_a_seal_is_read_whole(site: Site) -> None:
    adapter, post, ref = await made(site)
    await site.edit(ref.id, content="<p>全部重写</p>")
    doc = await adapter.read(ref)
    assert (doc.html, doc.key) == ("<p>全部重写</p>", post.key)


# --- withdrawal ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["notice", "unpublish", "delete"])
@played
async def test_a_withdrawal_takes_text_and_files_from_public_view_once(site: Site, how: Any) -> None:
    adapter, post, ref = await made(site, site.post(media=(SECOND,)))
    file = (await site.files(ref.id))[0]["source_url"]
    assert (await site.page(file)).status == 200
    result = await adapter.withdraw(ref, how, ref.version)
    assert result.outcome is Wrote.WITHDRAWN
    assert result.ref.state is WITHDRAWN
    page = await site.page(ref.url)
    assert page.status == (200 if how == "notice" else 404)
    assert "第一版方案" not in page.body.decode()
    if how == "notice":
        assert "撤回" in page.body.decode()
        assert "https://www.gov.cn/1.htm" in page.body.decode()
        assert post.title in page.body.decode()
    assert (await site.page(file)).status == 404
    found = await adapter.find(post.key)
    assert found is not None
    assert (found.id, found.state) == (ref.id, WITHDRAWN)
    assert (await adapter.withdraw(result.ref, how, result.ref.version)).outcome is Wrote.ALREADY
    assert (await adapter.withdraw(ref, how, "an older version")).outcome is Wrote.ALREADY


@pytest.mark.parametrize("how", ["notice", "unpublish", "delete"])
@played
async def test_a_document_that_is_valid_again_comes_back_at_its_address(site: Site, how: Any) -> None:
    adapter, post, ref = await made(site)
    gone = (await adapter.withdraw(ref, how, ref.version)).ref
    back = await adapter.update(gone, replace(post, html=OTHER), PUBLIC, gone.version)
    assert (back.ref.id, back.ref.state, back.ref.url) == (ref.id, PUBLIC, ref.url)
    assert (await site.looks(ref.url, replace(post, html=OTHER))).ok


@pytest.mark.parametrize("how", ["notice", "unpublish"])
@played
async def test_a_draft_is_not_published_by_its_withdrawal(site: Site, how: Any) -> None:
    adapter, post = site.adapter(), site.post()
    ref = (await adapter.create(post, DRAFT)).ref
    assert (await adapter.withdraw(ref, how, ref.version)).ref.state is WITHDRAWN
    assert (await site.row(ref.id))["status"] == "private"


@played
async def test_what_an_editor_deleted_counts_as_withdrawn(site: Site) -> None:
    adapter, post, ref = await made(site)
    await site.ask("DELETE", f"/posts/{ref.id}?force=true")
    assert (await adapter.withdraw(ref, "notice", ref.version)).outcome is Wrote.ALREADY
    assert await adapter.find(post.key) is None


# --- files ---------------------------------------------------------------------------------------------------------


@played
async def test_files_are_uploaded_once_linked_in_place_and_listed_at_the_end(site: Site) -> None:
    html = f'{TEXT}<p><a href="https://www.gov.cn/f.pdf?a=1&amp;b=2">附件一</a></p>'
    adapter, post, ref = await made(site, site.post(html=html, media=(PDF, SECOND)))
    files = sorted(await site.files(ref.id), key=lambda row: row["id"])
    assert len(files) == 2
    page = (await site.page(ref.url)).body.decode()
    assert page.count(files[0]["source_url"]) == 1
    assert re.search(rf'附件</strong>.*{re.escape(files[1]["source_url"])}">附件2</a> \(PDF, 1 KB\)', page, re.DOTALL)
    assert (await site.page(files[0]["source_url"])).body == b"%PDF-1.4 one"
    assert files[0]["title"]["rendered"].startswith("附件1：") if site.real else True
    await adapter.update(ref, replace(post, html=html.replace("第一版", "第二版")), PUBLIC, ref.version)
    assert sorted(row["id"] for row in await site.files(ref.id)) == [row["id"] for row in files]


@played
async def test_a_file_that_a_newer_revision_lacks_is_removed(site: Site) -> None:
    adapter, post, ref = await made(site, site.post(media=(PDF, SECOND)))
    old = {row["slug"]: row["source_url"] for row in await site.files(ref.id)}
    await adapter.update(ref, replace(post, media=(SECOND,), html=OTHER), PUBLIC, ref.version)
    kept = [row["source_url"] for row in await site.files(ref.id)]
    assert len(kept) == 1
    (gone,) = set(old.values()) - set(kept)
    assert (await site.page(gone)).status == 404


@played
async def test_files_of_other_people_stay(site: Site) -> None:
    adapter, _, ref = await made(site, site.post(media=(PDF,)))
    (file,) = await site.files(ref.id)
    await site.ask("POST", f"/media/{file['id']}", body={"author": site.number("editor")}) if site.real else None
    if not site.real:
        site.ground.rows[file["id"]] = replace(site.ground.rows[file["id"]], author=site.number("editor"))  # type: ignore[union-attr]
    await adapter.withdraw(ref, "notice", ref.version)
    assert (await site.page(file["source_url"])).status == 200


@played
async def test_a_file_that_the_account_put_there_by_another_way_stays(site: Site) -> None:
    adapter, _, ref = await made(site)
    headers = {"authorization": adapter._rest._headers["authorization"], "content-type": "application/pdf",
               "content-disposition": 'attachment; filename="own.pdf"'}
    got = await site.plain.call("POST", f"{site.url}/wp-json/wp/v2/media?post={ref.id}", headers=headers, body=b"%PDF-1.4")
    assert got.status == 201
    await adapter.withdraw(ref, "notice", ref.version)
    assert (await site.page(json.loads(got.body)["source_url"])).status == 200


@pytest.mark.guarantee(2)
@pytest.mark.parametrize("fate", ["before", "after"])
@played
async def test_a_lost_answer_to_an_upload_leaves_no_second_file_and_no_doubt(site: Site, fate: str) -> None:
    adapter, post = site.adapter(), site.post(media=(PDF,))
    site.client.fate = lambda method, url: fate if method == "POST" and "/media" in url else ""
    with pytest.raises(NotApplied) as raised:
        await adapter.create(post, PUBLIC)
    assert raised.value.reason == "upload_in_doubt"
    site.client.fate = lambda method, url: ""
    found = await adapter.find(post.key)
    assert found is not None
    assert found.state is DRAFT
    result = await adapter.update(found, post, PUBLIC, found.version)
    assert len(await site.files(result.ref.id)) == 1
    assert (await site.looks(result.ref.url, post)).ok


@played
async def test_a_type_that_wordpress_refuses_holds_the_revision_or_stays_a_link(site: Site) -> None:
    post = site.post(html=f'{TEXT}<p><a href="{OFD.url}">版式文件</a></p>', media=(OFD, PDF))
    with pytest.raises(Rejected) as raised:
        await site.adapter().create(post, PUBLIC)
    assert (raised.value.field, raised.value.reason) == ("media", "file_refused")
    assert "refused_files" in raised.value.hint
    adapter = site.adapter(refused_files="link")
    found = await adapter.find(post.key)
    assert found is not None
    result = await adapter.update(found, post, PUBLIC, found.version)
    assert len(result.losses) == 1
    assert OFD.name in result.losses[0]
    assert f'href="{OFD.url}"' in (await site.page(result.ref.url)).body.decode()


@played
async def test_a_file_that_is_not_at_hand_stops_before_anything_is_written(site: Site) -> None:
    missing = replace(PDF, sha256="f" * 64)
    with pytest.raises(NotApplied, match="blob_missing"):
        await site.adapter().create(site.post(media=(missing,)), PUBLIC)
    assert site.client.asked == []


# --- columns and rights --------------------------------------------------------------------------------------------


@played
async def test_a_column_is_a_category_by_slug_number_or_its_own_name(site: Site) -> None:
    terms = {row["slug"]: row["id"] for row in await site.ask("GET", "/categories?per_page=100")}
    for columns, column in (({"政策": "gwywj"}, "政策"), ({"政策": terms["gwywj"]}, "政策"), ({}, "国务院文件")):
        ref = (await site.adapter(columns=columns).create(site.post(column=column), DRAFT)).ref
        assert (await site.row(ref.id))["categories"] == [terms["gwywj"]]


@played
async def test_a_column_without_a_category_is_refused_before_anything_is_written(site: Site) -> None:
    missing = [("没有的栏目", {}), ("没有的栏目", {"没有的栏目": "nothing"}), ("没有的栏目", {"没有的栏目": 999999})]
    for column, columns in [*missing, ("国务院", {})]:  # WordPress finds 国务院文件 for 国务院
        with pytest.raises(Rejected) as raised:
            await site.adapter(columns=columns).create(site.post(column=column), PUBLIC)
        assert (raised.value.field, raised.value.reason) == ("column", "no_such_column")
    assert site.client.writes() == []


@played
async def test_a_missing_category_is_made_where_that_is_allowed(site: Site) -> None:
    post = site.post()
    name = f"规划 & 计划 {post.key[-8:]}"
    ref = (await site.adapter(create_columns=True).create(replace(post, column=name), DRAFT)).ref
    (made,) = (await site.row(ref.id))["categories"]
    again = (await site.adapter(create_columns=True).create(site.post(column=name), DRAFT)).ref
    assert (await site.row(again.id))["categories"] == [made]
    with pytest.raises(AuthFailed):
        await site.adapter("author", create_columns=True).create(site.post(column=f"{name}2"), DRAFT)


@played
async def test_a_category_that_was_deleted_meanwhile_is_looked_up_again(site: Site) -> None:
    adapter = site.adapter(create_columns=True)
    post = site.post()
    column = f"临时 {post.key[-8:]}"
    first = (await adapter.create(replace(post, column=column), DRAFT)).ref
    (number,) = (await site.row(first.id))["categories"]
    if site.real:
        await site.ask("DELETE", f"/categories/{number}?force=true")
    else:
        del site.ground.terms[number]  # type: ignore[union-attr]
    second = site.post(column=column)
    with pytest.raises(NotApplied) as raised:
        await adapter.create(second, PUBLIC)
    assert raised.value.reason == "column_gone"
    assert await site.rows(second.key) == []
    assert (await adapter.create(second, PUBLIC)).ref.state is PUBLIC


@pytest.mark.parametrize(("user", "missing"), [("contributor", "publish_posts"), ("subscriber", "")])
@played
async def test_an_account_without_the_right_stops_the_site(site: Site, user: str, missing: str) -> None:
    report = await site.adapter(user).check()
    assert not report.ok
    bad = {item.name: item for item in report.items if not item.ok}
    assert "rights" in bad
    assert missing in bad["rights"].detail
    with pytest.raises(AuthFailed) as raised:
        await site.adapter(user).create(site.post(), PUBLIC)
    assert raised.value.reason == "no_right"
    with pytest.raises(AuthFailed) as raised:
        await site.adapter("subscriber").find("syncd-x")
    assert raised.value.reason == "no_right"


@pytest.mark.parametrize(("user", "html"), [("syncd", "raw"), ("author", "filtered")])
@played
async def test_the_check_narrows_the_capabilities_and_changes_nothing(site: Site, user: str, html: str) -> None:
    adapter = site.adapter(user, columns={"政策": "gwywj"})
    report = await adapter.check()
    assert report.ok, report.items
    assert report.capabilities.html == adapter.capabilities.html == html
    assert report.capabilities.guarantee == ("A" if site.guarded else "C")
    assert report.skew is not None
    assert abs(report.skew) < 5
    assert site.client.writes() == []


@played
async def test_the_check_says_what_is_wrong(site: Site) -> None:
    report = await site.adapter(password="x" * 24).check()
    assert {item.name for item in report.items if not item.ok} == {"login"}
    report = await site.adapter(columns={"政策": "nothing", "规划": 999999}).check()
    assert {item.name for item in report.items if not item.ok} == {"column 政策", "column 规划"}
    report = await site.adapter(post_type="zhengce").check()
    assert {item.name for item in report.items if not item.ok} == {"post type"}
    assert all(item.hint for item in report.items if not item.ok)


@played
async def test_a_post_that_another_author_owns_now_asks_for_a_person_and_not_for_a_password(site: Site) -> None:
    adapter, post, ref = await made(site, user="author")
    await site.edit(ref.id, author=site.number("editor"))
    with pytest.raises(Rejected) as raised:
        await adapter.update(ref, replace(post, html=OTHER), PUBLIC, None)
    assert raised.value.reason == "not_ours_to_edit"


@played
async def test_markup_that_the_account_may_not_post_is_reported_as_lost(site: Site) -> None:
    unclean = f'{TEXT}<iframe src="https://x.example/">x</iframe>'
    result = await site.adapter("author").create(site.post(html=unclean), PUBLIC)
    assert result.losses == ("WordPress rewrote the HTML, not its text",)
    assert (await site.adapter("syncd").create(site.post(html=unclean), PUBLIC)).losses == ()


# --- ways to the API -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "{}/", "{}/wp-json", "{}/wp-json/", "{}/?rest_route=/", "{}/index.php?rest_route=/"])
@played
async def test_the_api_is_found_by_every_way_of_writing_its_address(site: Site, form: str) -> None:
    adapter = site.adapter(api_url=form.format(site.url))
    post = site.post(media=(PDF,))
    ref = (await adapter.create(post, PUBLIC)).ref
    assert await adapter.find(post.key) == ref
    assert (await adapter.update(ref, replace(post, html=OTHER), PUBLIC, ref.version)).outcome is Wrote.UPDATED
    assert (await adapter.check()).ok
    assert (await adapter.withdraw((await adapter.find(post.key)), "delete")).outcome is Wrote.WITHDRAWN


@played
async def test_blanks_in_the_application_password_do_not_matter(site: Site) -> None:
    told = site.password("syncd").replace(" ", "")
    spaced = " ".join(told[n : n + 4] for n in range(0, len(told), 4))
    assert await site.adapter(password=f" {spaced}\n").find("syncd-nothing") is None


@played
async def test_nothing_that_fails_tells_the_password(site: Site) -> None:
    secret = site.password("syncd").replace(" ", "")
    adapter = site.adapter()
    fates = ("before", (500, "text/html", "boom"), (401, "text/html", ""), (200, "text/html", "<br>"), (302, "text/html", ""))
    for fate in fates:
        site.client.fate = lambda method, url, fate=fate: fate
        for call in (adapter.find("syncd-x"), adapter.create(site.post(), PUBLIC)):
            with pytest.raises(Exception) as raised:  # noqa: PT011  any of them
                await call
            told = f"{raised.value!s}{raised.value!r}{getattr(raised.value, 'hint', '')}{adapter!r}{adapter._options!r}"
            assert secret not in told
            assert secret[:8] not in told
    assert LOST.reason == "timeout"
