"""What Drupal does that no other CMS does: its refusals, text formats, workflows, files that wait, and read-only JSON:API."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.adapters.drupal.jsonapi import api_of
from syncd.adapters.drupal.node import id_of
from syncd.adapters.drupal.options import Options
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import RemoteState, Wrote
from syncd.web.api import Answer
from tests.adapters.drupal.fake import API, PASSWORD
from tests.adapters.drupal.kit import NOW, OFD, OTHER, PDF, PNG, TEXT, Site, played

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN
URL = "https://www.county.example/jsonapi/node/article"
API_OF = api_of(Site().client, Options(api_url="https://www.county.example", user="syncd", password=PASSWORD))


@pytest.fixture
def site() -> Site:
    return Site()


def errors(status: int, detail: str = "", pointer: str = "") -> bytes:
    source = {"source": {"pointer": pointer}} if pointer else {}
    return json.dumps({"errors": [{"status": str(status), "title": "x", "detail": detail, **source}]}).encode()


def raised(status: int, type_: str, body: bytes, *, writes: bool = True, creating: bool = False, **more: str) -> AdapterError:
    names = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in {"content_type": type_, **more}.items())
    with pytest.raises(AdapterError) as failure:
        API_OF.told(Answer(status, URL, names, body, NOW, NOW), writes=writes, creating=creating)
    assert failure.value.hint
    return failure.value


# --- answers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "detail", "kind", "reason"),
    [
        (401, "No authentication credentials provided.", AuthFailed, "not_logged_in"),
        (403, "The following permissions are required: 'create article content'.", AuthFailed, "no_right"),
        (403, "The current user is not allowed to POST the selected field (status).", AuthFailed, "no_right"),
        (403, "The current user is not allowed to PATCH the selected resource.", Rejected, "not_ours_to_edit"),
        (404, 'The "entity" parameter was not converted for the path "/jsonapi/x"', NotFound, "not_found"),
        (404, 'No route found for "POST https://www.county.example/jsonapi/node/x"', NotApplied, "no_route"),
        (405, "JSON:API is configured to accept only read operations.", AuthFailed, "read_only"),
        (409, "Conflict: Entity already exists.", Conflict, "conflict_exists"),
        (422, "title: This value should not be null.", Rejected, "unprocessable"),
        (400, "Syntax error", Rejected, "bad_request"), (415, "No route found that matches", Rejected, "wrong_type"),
        (500, "Duplicate entry for key node__uuid", Unknown, "server_error"),
    ],
)
def test_what_drupal_says_is_what_to_do(status: int, detail: str, kind: type[AdapterError], reason: str) -> None:
    error = raised(status, API, errors(status, detail), creating=True)
    assert (type(error), error.reason) == (kind, reason)
    assert detail in error.message or reason == "read_only" or status in (415, 500)


def test_a_pointer_names_the_field() -> None:
    pointers = {"/data/attributes/body/format": "body", "/data/relationships/field_column": "field_column", "": ""}
    for pointer, field in pointers.items():
        error = raised(422, API, errors(422, "no", pointer))
        assert isinstance(error, Rejected)
        assert error.field == field


@pytest.mark.guarantee(2)
def test_maintenance_is_told_before_anything_is_done_and_a_caches_503_is_not() -> None:
    error = raised(503, "text/plain", b"The site is currently under maintenance.", retry_after="300")
    assert isinstance(error, NotApplied)
    assert error.after == 300
    chinese = "本站正在维护。".encode()
    assert isinstance(raised(503, "text/plain", chinese, x_generator="Drupal 10 (https://www.drupal.org)"), NotApplied)
    assert isinstance(raised(503, "text/html", b"<h1>Error 503 Backend fetch failed</h1>"), Unknown)
    proxy = b"upstream connect error or disconnect/reset before headers. reset reason: connection termination"
    assert isinstance(raised(503, "text/plain", proxy, server="envoy"), Unknown)
    assert isinstance(raised(503, "text/plain", proxy, server="envoy", retry_after="5"), Unknown)
    assert isinstance(raised(503, "text/plain", proxy, writes=False), NotApplied)
    assert isinstance(raised(503, "text/html", b"<h1>Error 503</h1>", writes=False), NotApplied)


@pytest.mark.guarantee(2)
@pytest.mark.parametrize(
    ("type_", "body"), [("text/html", b"<html>login</html>"), (API, b"<br>Notice"), (API, b"[]"), (API, b"")]
)
def test_a_200_that_is_no_document_is_unknown_for_a_write_and_nothing_for_a_read(type_: str, body: bytes) -> None:
    assert isinstance(raised(200, type_, body), Unknown)
    assert isinstance(raised(200, type_, body, writes=False), NotApplied)


def test_a_page_that_is_not_drupals_is_never_a_missing_node_nor_a_right() -> None:
    assert raised(404, "text/html", b"<h1>Not Found</h1>", writes=False).reason == "no_route"
    assert raised(403, "text/html", b"<h1>Blocked</h1>").reason == "forbidden"


# --- one node for a key ------------------------------------------------------------------------------------------------


def test_the_id_of_a_key_never_changes() -> None:
    """It is the address of every node that was ever made."""
    assert id_of("syncd-0123456789abcdef0123") == "96e03f9d-a13f-51a9-a62b-76ab2e3d5b38"


@pytest.mark.guarantee(2)
@played
async def test_a_create_is_one_request_and_a_late_one_is_refused(site: Site) -> None:
    adapter, post = site.adapter(columns={"要闻": "要闻"}), site.post()
    await adapter.create(post, PUBLIC)
    assert site.client.writes() == ["POST /jsonapi/node/article"]
    with pytest.raises(Conflict) as raised:
        await adapter.create(post, PUBLIC)
    assert raised.value.kind == "exists"
    assert len(site.ground.nodes) == 1


@pytest.mark.guarantee(2)
@played
async def test_of_two_creates_at_once_the_one_that_the_database_refuses_finds_the_other(site: Site) -> None:
    """Drupal looks before it inserts; the database's unique key refuses the one that was between the two, with a 500."""
    adapter, post = site.adapter(column_field=""), site.post()
    first = await adapter.create(post, PUBLIC)
    site.client.answers = [(500, API, errors(500, "Duplicate entry"))]
    with pytest.raises(Unknown):
        await adapter.create(post, PUBLIC)
    assert await adapter.find(post.key) == first.ref


@played
async def test_a_module_that_ignores_our_id_is_found_out_and_leaves_nothing(site: Site) -> None:
    site.ground.own_ids = True
    with pytest.raises(Rejected) as raised:
        await site.adapter().create(site.post(), PUBLIC)
    assert raised.value.reason == "id_ignored"
    assert site.ground.nodes == {}


@played
async def test_a_node_that_is_not_ours_to_see_is_no_missing_node(site: Site) -> None:
    ref = (await site.adapter().create(site.post(), DRAFT)).ref
    with pytest.raises(AuthFailed):
        await site.adapter("reader").find(site.post().key)
    assert (await site.adapter().find(site.post().key)) == ref


# --- texts -------------------------------------------------------------------------------------------------------------


@played
async def test_what_the_text_format_hides_is_told(site: Site) -> None:
    table = f'{TEXT}<table><tbody><tr><td style="color:red">甲</td></tr></tbody></table>'
    hidden = await site.adapter(text_format="basic_html").create(site.post(html=table), PUBLIC)
    assert any("shows no" in loss and "table" in loss and "td" in loss for loss in hidden.losses)
    assert (await site.adapter().create(site.post("syncd-2", html=table), PUBLIC)).losses == ()


@played
async def test_the_sites_own_fields_hold_what_is_told_of_the_document(site: Site) -> None:
    adapter = site.adapter()
    ref = (await adapter.create(site.post(), PUBLIC)).ref
    node = site.ground.nodes[ref.id]
    assert node.fields == {"field_number": "国发〔2026〕1号", "field_source": {"uri": "https://www.gov.cn/1.htm"}}
    await adapter.update(ref, site.post(document_number="", html=OTHER), PUBLIC, ref.version)
    assert site.ground.nodes[ref.id].fields["field_number"] is None


@pytest.mark.guarantee(3)
@played
async def test_an_edit_of_a_field_of_ours_is_an_edit(site: Site) -> None:
    adapter = site.adapter()
    ref = (await adapter.create(site.post(), PUBLIC)).ref
    await site.editor.ask("PATCH", ref.id, field_number="县发〔2026〕9号")
    with pytest.raises(Conflict):
        await adapter.update(ref, site.post(html=OTHER), PUBLIC, ref.version)
    found = await adapter.find(site.post().key)
    assert found is not None
    assert found.modified_by


@played
async def test_only_what_differs_is_sent_so_that_no_right_is_needed_for_the_rest(site: Site) -> None:
    adapter = site.adapter()
    ref = (await adapter.create(site.post(), PUBLIC)).ref
    same = await adapter.update(ref, site.post(), PUBLIC, ref.version)
    assert (same.outcome, len(site.client.writes())) == (Wrote.UNCHANGED, 1)
    await adapter.update(ref, site.post(html=OTHER), PUBLIC, ref.version)
    sent = json.loads([body for body in site.client.sent if body][-1])["data"]
    assert set(sent["attributes"]) == {"body"}
    assert "relationships" not in sent
    titled = await adapter.update(ref, site.post(html=OTHER, title="新标题"), PUBLIC, None)
    assert titled.stored is not None
    assert (titled.stored.title, titled.stored.html) == ("新标题", OTHER), "the seal holds the title too"


# --- publishing --------------------------------------------------------------------------------------------------------


@played
async def test_an_account_that_may_not_say_whether_it_is_published_is_told_which_field(site: Site) -> None:
    with pytest.raises(AuthFailed) as raised:
        await site.adapter("plain").create(site.post(column=""), PUBLIC)
    assert "(status)" in raised.value.message
    adapter = site.adapter("plain", publish="default")
    ref = (await adapter.create(site.post(column=""), PUBLIC)).ref
    assert ref.state is PUBLIC
    assert (adapter.capabilities.drafts, adapter.capabilities.unpublish) == (False, False)
    with pytest.raises(Rejected):
        await adapter.create(site.post("syncd-2", column=""), DRAFT)
    assert (await adapter.withdraw(ref, "notice", ref.version)).ref.state is WITHDRAWN


@played
async def test_a_workflow_that_holds_the_node_is_told_as_a_draft_that_is_there(site: Site) -> None:
    site.ground.moderated = True
    adapter = site.adapter()
    made = await adapter.create(site.post(), PUBLIC)  # status is not what counts there
    assert made.ref == await adapter.find(site.post().key)
    assert made.ref.state is DRAFT
    assert any("unpublished" in loss for loss in made.losses)
    changed = await adapter.update(made.ref, site.post(html=OTHER), PUBLIC, made.ref.version)
    assert (changed.outcome, changed.ref.state) == (Wrote.UPDATED, DRAFT)
    assert any("unpublished" in loss for loss in changed.losses)
    assert changed.ref == await adapter.find(site.post().key)
    adapter = site.adapter(publish="moderation", withdraw="unpublish")
    ref = (await adapter.create(site.post("syncd-2"), PUBLIC)).ref
    assert (await adapter.withdraw(ref, "unpublish", ref.version)).ref.state is WITHDRAWN
    assert site.ground.nodes[ref.id].moderation == "archived"


@pytest.mark.guarantee(3)
@played
async def test_what_an_editor_unpublished_is_a_draft_and_changed(site: Site) -> None:
    adapter = site.adapter()
    ref = (await adapter.create(site.post(), PUBLIC)).ref
    await site.editor.ask("PATCH", ref.id, status=False)
    found = await adapter.find(site.post().key)
    assert found is not None
    assert (found.state, found.url, found.version == ref.version) == (DRAFT, "", False)


@played
async def test_an_address_that_a_module_makes_afterwards_is_looked_up(site: Site) -> None:
    site.ground.aliases = True
    ref = (await site.adapter(path_prefix="/zh-hans").create(site.post(), PUBLIC)).ref
    assert ref.url == f"{site.ground.url}/zh-hans/zhengce/1"


# --- files -------------------------------------------------------------------------------------------------------------


@played
async def test_files_lie_in_their_fields_once_and_go_with_the_document(site: Site) -> None:
    html = f'{TEXT}<p><img src="{PNG.url}" alt="图一"></p>'
    adapter, post = site.adapter(), site.post(html=html, media=(PDF, PNG))
    ref = (await adapter.create(post, PUBLIC)).ref
    node = site.ground.nodes[ref.id]
    assert {name: len(held) for name, held in node.related.items()} == {"field_column": 1, "field_files": 1, "field_images": 1}
    again = await adapter.update(ref, replace(post, title="新标题"), PUBLIC, ref.version)
    assert len(site.ground.files) == 2
    fewer = await adapter.update(again.ref, replace(post, media=(PNG,)), PUBLIC, None)
    assert [file.name.startswith("tu-1") for file in site.ground.files.values()] == [True]
    result = await adapter.withdraw(fewer.ref, "notice", fewer.ref.version)
    assert (result.losses, site.ground.files) == ((), {})


@played
async def test_files_of_editors_stay(site: Site) -> None:
    adapter, post = site.adapter(), site.post(media=(PDF,))
    ref = (await adapter.create(post, PUBLIC)).ref
    theirs = await site.adapter("editor")._shelf.send(replace(PDF, name="own.pdf", sha256="a" * 64), b"own")
    site.ground.files[theirs.id].name = "own.pdf"
    site.ground.nodes[ref.id].related["field_files"].append({"type": "file--file", "id": theirs.id})
    after = await adapter.update(ref, replace(post, media=(), html=OTHER), PUBLIC, ref.version)
    assert [each["id"] for each in site.ground.nodes[ref.id].related["field_files"]] == [theirs.id]
    await adapter.withdraw(after.ref, "notice", after.ref.version)
    assert list(site.ground.files) == [theirs.id]


@pytest.mark.guarantee(2)
@played
async def test_a_file_whose_node_was_never_made_is_forgotten_by_drupal(site: Site) -> None:
    adapter, post = site.adapter("plain", column_field=""), site.post(media=(PDF,))
    with pytest.raises(AuthFailed):
        await adapter.create(post, PUBLIC)
    assert len(site.ground.files) == 1
    site.ground.cron()
    assert site.ground.files == {}


@played
async def test_a_file_that_drupal_refuses_holds_the_revision_or_stays_a_link(site: Site) -> None:
    post = site.post(media=(OFD, PDF), html=f'{TEXT}<p><a href="{OFD.url}">版式文件</a></p>')
    with pytest.raises(Rejected) as raised:
        await site.adapter().create(post, PUBLIC)
    assert (raised.value.field, raised.value.reason) == ("media", "file_refused")
    assert "allowed: doc pdf txt" in raised.value.message
    assert site.ground.nodes == {}
    made = await site.adapter(refused_files="link").create(post, PUBLIC)
    assert len(made.losses) == 1
    assert made.stored is not None
    assert OFD.url in made.stored.html


# --- columns -----------------------------------------------------------------------------------------------------------


@played
async def test_a_column_is_a_term_by_its_exact_name_or_uuid(site: Site) -> None:
    wanted = next(id for id, name in site.ground.terms.items() if name == "国务院文件")
    for n, columns in enumerate(({"政策": "国务院文件"}, {"政策": wanted})):
        ref = (await site.adapter(columns=columns).create(site.post(f"syncd-{n}", column="政策"), PUBLIC)).ref
        assert site.ground.nodes[ref.id].related["field_column"][0]["id"] == wanted
    with pytest.raises(Rejected) as raised:  # the database says yes to it
        await site.adapter().create(site.post("syncd-9", column="yaowen"), PUBLIC)
    assert raised.value.reason == "no_such_column"
    again = [await site.adapter(create_columns=True).create(site.post(f"syncd-a{n}", column="规划"), PUBLIC) for n in (1, 2)]
    assert len({site.ground.nodes[made.ref.id].related["field_column"][0]["id"] for made in again}) == 1
    assert list(site.ground.terms.values()).count("规划") == 1


# --- check -------------------------------------------------------------------------------------------------------------


async def bad(site: Site, user: str = "syncd", **options: Any) -> dict[str, str]:
    report = await site.adapter(user, **options).check()
    assert report.ok == all(item.ok for item in report.items)
    assert site.ground.nodes == {}, "a check changes nothing"
    return {item.name: f"{item.detail} | {item.hint}" for item in report.items if not item.ok}


@played
async def test_the_check_says_what_is_wrong_and_where_to_allow_it(site: Site) -> None:
    assert await bad(site, columns={"要闻": "要闻"}) == {}
    site.ground.read_only = True
    told = await bad(site)
    assert list(told) == ["writes"]
    assert "/admin/config/services/jsonapi" in told["writes"]
    site.ground.read_only = False
    assert list(await bad(site, password="wrong")) == ["login"]
    assert list(await bad(site, "reader")) == ["writes"]
    assert list(await bad(site, bundle="zhengce")) == ["content type"]
    wrong = await bad(site, fields={"issuer": "field_fawen"}, columns={"政策": "没有"})
    assert list(wrong) == ["field field_fawen", "column 政策"]
    site.ground.basic = False
    assert list(await bad(site)) == ["login"]
    site.ground.maintenance = True
    assert "maintenance" in (await bad(site))["reach"]


@played
async def test_the_check_tells_version_and_class(site: Site) -> None:
    report = await site.adapter().check()
    assert (report.ok, report.server_version, report.skew, report.capabilities.guarantee) == (True, "10", 0.0, "C")
    assert (await site.adapter(files_field="", images_field="").check()).capabilities.media == "none"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"api_url": "www.county.example"}, "write the site's address"), ({"user": ""}, "user and password"),
        ({"key_header": "api-key"}, "user and password"), ({"bundle": "A b"}, "machine name"),
        ({"api_url": "https://u:p@x.example"}, "no log-in"), ({"fields": {"issuer": "field x"}}, "is no field"),
        ({"fields": {"colour": "field_x"}}, "fields.colour"),
        ({"publish": "default", "withdraw": "unpublish"}, "can't unpublish"),
        ({"path_prefix": "zh"}, "slash before"), ({"key_header": "a b", "user": ""}, "header's name"),
    ],
)
def test_a_wrong_option_says_what_to_write(wrong: dict[str, Any], said: str) -> None:
    good = {"api_url": "https://www.county.example/jsonapi/", "user": "syncd", "password": "secret word"}
    assert Options.model_validate(good).root == "https://www.county.example/jsonapi"
    with pytest.raises(ValidationError) as failure:
        Options.model_validate(good | wrong)
    assert said in str(failure.value)
    assert "secret word" not in str(failure.value)


def test_no_error_tells_the_password(site: Site) -> None:
    async def fails() -> None:
        site.ground.read_only = True
        with pytest.raises(AuthFailed) as raised:
            await site.adapter().create(site.post(column=""), PUBLIC)
        assert PASSWORD not in f"{raised.value!s} {raised.value!r} {raised.value.hint}"

    asyncio.run(fails())
