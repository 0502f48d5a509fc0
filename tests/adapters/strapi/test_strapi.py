"""What Strapi does that no other CMS does; its answers are those of a Strapi 5.54.0."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import ValidationError

from syncd.adapters.api import SiteConfig
from syncd.adapters.headless import file_name
from syncd.adapters.sealed import compose, compose_notice
from syncd.adapters.strapi import Options, StrapiAdapter
from syncd.adapters.strapi.api import api_of
from syncd.adapters.strapi.entry import parse
from syncd.engine.send import print_of
from syncd.errors import AdapterError, AuthFailed, Conflict, NotApplied, NotFound, Rejected, Unknown
from syncd.model import RemoteRef, RemoteState, Wrote
from tests.adapters.answering import PDF, Answering, answer, post
from tests.adapters.strapi.kit import ID, OPTIONS, TIMES, entry, found, refused

PUBLIC, DRAFT, WITHDRAWN = RemoteState.PUBLIC, RemoteState.DRAFT, RemoteState.WITHDRAWN


def adapter(client: Answering, **options: Any) -> StrapiAdapter:
    return StrapiAdapter(SiteConfig("county", "https://www.county.example", options=OPTIONS | options), client.tools())


def raised(status: int, value: Any, *, writes: bool = True) -> AdapterError:
    with pytest.raises(AdapterError) as failure:
        api_of(Answering(), Options.model_validate(OPTIONS)).told(answer(status, value), writes=writes, creating=writes)
    assert failure.value.hint
    return failure.value


@pytest.mark.parametrize(("status", "value", "kind", "reason"), [
    (400, refused(400, "ValidationError", "This attribute must be unique", "external_id"), Conflict, "conflict_exists"),
    (400, refused(400, "ValidationError", "This attribute must be unique", "slug"), Rejected, "refused"),
    (400, refused(400, "ValidationError", "title must be at most 255 characters", "title"), Rejected, "refused"),
    (400, refused(400, "ValidationError", "Invalid key nope"), AuthFailed, "no_field"),
    (401, refused(401, "UnauthorizedError", "Missing or invalid credentials"), AuthFailed, "not_logged_in"),
    (403, refused(403, "ForbiddenError", "Forbidden"), AuthFailed, "no_right"),
    (404, refused(404, "NotFoundError", "Not Found"), NotFound, "not_found"),
    (404, b"<h1>404</h1>", NotApplied, "no_route"),
    (405, b"Method Not Allowed", NotApplied, "no_route"),
    (413, refused(413, "PayloadTooLargeError", "request entity too large"), Rejected, "too_large"),
    (500, refused(500, "InternalServerError", "Internal Server Error"), Unknown, "server_error"),
])
def test_a_refusal_is_what_its_words_say(status: int, value: Any, kind: type[AdapterError], reason: str) -> None:
    error = raised(status, value)
    assert type(error) is kind
    assert error.reason == reason


def test_a_list_that_is_not_there_is_a_wrong_address_and_not_a_missing_document() -> None:
    assert isinstance(raised(404, refused(404, "NotFoundError", "Not Found"), writes=False), NotApplied)


def test_the_refused_field_is_named() -> None:
    error = raised(400, refused(400, "ValidationError", "title must be at most 255 characters", "title"))
    assert isinstance(error, Rejected)
    assert error.field == "title"


def test_a_document_is_looked_up_among_drafts_since_each_has_one_and_then_among_what_is_public() -> None:
    client = Answering((200, found(entry())), (200, found(entry())))
    ref = asyncio.run(adapter(client).find(post().key))
    assert ref is not None
    assert (ref.id, ref.url, ref.state) == (ID, f"https://www.county.example/policies/{ID}", PUBLIC)
    assert [query["status"] for _, _, query, _ in client.asked] == ["draft", "published"]
    assert client.asked[0][2]["filters[external_id][$eq]"] == post().key


def test_what_is_not_public_is_a_draft_without_an_address() -> None:
    ref = asyncio.run(adapter(Answering((200, found(entry())), (200, found()))).find(post().key))
    assert ref is not None
    assert (ref.state, ref.url) == (DRAFT, "")


def test_of_twins_the_oldest_is_the_one() -> None:
    twins = found(entry(), entry(documentId="other"))
    client = Answering((200, twins), (200, found(entry())), (200, found()))
    ref = asyncio.run(adapter(client).find(post().key))
    assert ref is not None
    assert ref.id == ID
    assert client.asked[0][2]["sort"] == "createdAt:asc,documentId:asc"


@pytest.mark.parametrize("value", [
    {"data": None}, {"data": [{"id": 1}]}, {}, {"data": [{"documentId": ID, "external_id": post().key}]},
])
def test_an_answer_that_is_no_list_of_documents_is_never_nothing_there(value: Any) -> None:
    with pytest.raises(NotApplied):
        asyncio.run(adapter(Answering((200, value), (200, found()))).find(post().key))


def test_an_answer_with_another_key_is_not_taken_for_ours() -> None:
    assert asyncio.run(adapter(Answering((200, found(entry(external_id="another"))))).find(post().key)) is None


def test_a_draft_that_waits_beside_what_is_public_is_another_version() -> None:
    same = Answering((200, found(entry())), (200, found(entry())))
    waits = Answering((200, found(entry(body="<p>编辑的稿子</p>"))), (200, found(entry())))
    refs = [asyncio.run(adapter(client).find(post().key)) for client in (same, waits)]
    assert refs[0] is not None
    assert refs[1] is not None
    assert refs[0].version != refs[1].version
    assert refs[1].state is PUBLIC


@pytest.mark.parametrize("field", ["body", "title", "summary", "category", "a_field_of_the_sites_own"])
def test_a_draft_that_waits_is_shown_as_an_editors_text_so_that_nothing_is_published_over_it(field: str) -> None:
    """The engine goes on over a new version whose text is the one that it left; this text is another."""
    ours = entry(title=post().title, body=compose(post(), {}, (), TIMES), a_field_of_the_sites_own="x")
    draft = ours | {field: "编辑未发布的稿子"}
    client = Answering(*[(200, found(draft)), (200, found(ours))] * 2, (200, found(ours)), (200, found(ours)))
    made = adapter(client)
    ref = asyncio.run(made.find(post().key))
    waiting, left = asyncio.run(made.read(RemoteRef(ID))), asyncio.run(made.read(RemoteRef(ID)))
    assert ref is not None
    assert (ref, ref.modified_by, ref.state) == (waiting.ref, "somebody at the site", PUBLIC)
    assert print_of(waiting.title, waiting.html) != print_of(left.title, left.html)
    assert "编辑未发布的稿子" in waiting.title + waiting.html
    assert not left.ref.modified_by
    assert all("fields" not in query for _, _, query, _ in client.asked)


def test_ids_and_dates_of_the_two_versions_are_no_change() -> None:
    earlier, later = "2026-11-26T21:28:28.626Z", "2026-11-26T21:28:28.700Z"
    ours = entry(title=post().title, body=compose(post(), {}, (), TIMES), publishedAt=None, updatedAt=earlier)
    public = ours | {"id": 3, "publishedAt": later, "updatedAt": later}
    clients = [Answering((200, found(ours)), (200, found(each))) for each in (ours, public)]
    one, two = (asyncio.run(adapter(client).find(post().key)) for client in clients)
    assert one == two
    assert one is not None
    assert not one.modified_by


def test_a_file_that_an_editor_put_into_the_draft_only_stays_too() -> None:
    def with_files(*ids: int) -> tuple[int, Any]:
        return 200, found(entry(files=[{"id": id, "name": f"{id}.png", "url": f"/uploads/{id}.png"} for id in ids]))

    ours = {"id": 8, "name": file_name(post().key, PDF), "url": "/uploads/old.pdf"}
    public = with_files(7)
    public[1]["data"][0]["files"].append(ours)
    client = Answering(with_files(6, 7), public, (200, {"data": entry()}), (200, {"id": 8}))
    asyncio.run(adapter(client).update(RemoteRef(ID), post(), PUBLIC, None))
    assert client.asked[2][3]["data"]["files"] == [7, 6]


@pytest.mark.parametrize(("text", "editor"), [
    (compose(post(), {}, (), TIMES), None), (compose(post(), {}, (), TIMES) + "<p>编辑</p>", "somebody at the site"),
    ("<p>编辑的正文</p>", "somebody at the site"),
])
def test_who_changed_it_is_told_by_our_seal(text: str, editor: str | None) -> None:
    """Else an editor's text is taken for ours where the answer to our create was lost."""
    there = found(entry(title=post().title, body=text))
    ref = asyncio.run(adapter(Answering((200, there), (200, there))).find(post().key))
    assert ref is not None
    assert ref.modified_by == editor


def test_a_write_of_ours_between_the_two_looks_is_no_editors_draft() -> None:
    older = entry(title=post().title, body=compose(post(html="<p>旧</p>"), {}, (), TIMES))
    ours = entry(title=post().title, body=compose(post(), {}, (), TIMES))
    ref = asyncio.run(adapter(Answering((200, found(older)), (200, found(ours)))).find(post().key))
    assert ref is not None
    assert not ref.modified_by


def test_a_draft_beside_a_notice_is_not_public_and_a_notice_stays_public_when_it_is_written_over() -> None:
    notice = entry(title=post().title, body=compose_notice(post().key, post().title, "zh", "", TIMES))
    both = (200, found(entry(body="<p>编辑的稿子</p>"))), (200, found(notice))
    client = Answering(*both, *both, (200, {"data": entry()}))
    made = adapter(client)
    ref = asyncio.run(made.find(post().key))
    assert ref is not None
    assert (ref.state, ref.modified_by) == (WITHDRAWN, "somebody at the site")
    asyncio.run(made.update(ref, post(), DRAFT, None))
    assert client.asked[-1][2]["status"] == "published"


def test_a_public_post_is_one_request_and_a_draft_is_looked_for_first() -> None:
    client = Answering((201, {"data": entry()}))
    asyncio.run(adapter(client).create(post(), PUBLIC))
    assert [(method, query["status"]) for method, _, query, _ in client.asked] == [("POST", "published")]
    sent = client.asked[0][3]["data"]
    assert (sent["external_id"], sent["category"], sent["document_number"]) == (post().key, "要闻", "国发〔2026〕1号")
    assert "files" not in sent
    with pytest.raises(Conflict):
        asyncio.run(adapter(Answering((200, found(entry())), (200, found()))).create(post(), DRAFT))


def test_an_update_of_what_is_public_publishes_and_of_a_draft_does_not() -> None:
    for public, state in ((found(entry()), "published"), (found(), "draft")):
        client = Answering((200, found(entry())), (200, public), (200, {"data": entry()}))
        done = asyncio.run(adapter(client).update(RemoteRef(ID), post(), DRAFT, None))
        assert done.outcome is Wrote.UPDATED
        assert (client.asked[2][0], client.asked[2][2]["status"]) == ("PUT", state)


def test_an_editors_own_files_stay_and_ours_are_told_by_their_names() -> None:
    held = [{"id": 7, "name": "logo.png", "url": "/uploads/logo.png"},
            {"id": 8, "name": file_name(post().key, PDF), "url": "/uploads/old.pdf"},
            {"id": 9, "name": file_name("syncd-of-another-document", PDF), "url": "/uploads/of-another.pdf"}]
    whole = found(entry(files=held))
    client = Answering((200, whole), (200, whole), (200, {"data": entry()}), (200, {"id": 8}))
    asyncio.run(adapter(client).update(RemoteRef(ID), post(), PUBLIC, None))
    assert client.asked[2][3]["data"]["files"] == [7, 9]
    assert [path for method, path, *_ in client.asked if method == "DELETE"] == ["/api/upload/files/8"]


def test_an_adopted_documents_files_are_told_by_its_seal() -> None:
    held = [{"id": 8, "name": file_name(post().key, PDF), "url": "/uploads/old.pdf"}]
    told = entry(external_id="its own", title=post().title, body=compose(post(), {}, (), TIMES), files=held)
    assert [file.id for file in parse(told, None, Options.model_validate(OPTIONS), "").files] == ["8"]


def test_a_file_whose_answer_was_lost_is_found_by_its_name_and_not_sent_twice() -> None:
    def known(client: Answering) -> str:
        return client.asked[1][2]["filters[name][$eq]"]

    first = Answering((200, found()), (200, []), (502, b"<h1>502</h1>"))
    with pytest.raises(NotApplied):
        asyncio.run(adapter(first).create(post(media=(PDF,)), PUBLIC))
    there = [{"id": 9, "name": known(first), "url": "/uploads/x.pdf"}]
    again = Answering((200, found()), (200, there), (201, {"data": entry()}))
    asyncio.run(adapter(again).create(post(media=(PDF,)), PUBLIC))
    assert known(again) == known(first)
    assert again.asked[2][3]["data"]["files"] == [9]
    assert 'href="https://cms.county.example/uploads/x.pdf"' in again.asked[2][3]["data"]["body"]
    other = Answering((200, found()), (200, []), (502, b"<h1>502</h1>"))
    with pytest.raises(NotApplied):
        asyncio.run(adapter(other).create(post(key="syncd-of-another-document", media=(PDF,)), PUBLIC))
    assert known(other) != known(first), "a file belongs to one document, and goes with it"


def test_a_file_of_a_cloud_keeps_its_address() -> None:
    options = Options.model_validate(OPTIONS | {"files_url": "https://files.county.example/"})
    assert options.file_url("https://bucket.example/x.pdf") == "https://bucket.example/x.pdf"
    assert options.file_url("/uploads/x.pdf") == "https://files.county.example/uploads/x.pdf"


def test_a_twin_of_ours_is_swept_and_one_with_a_draft_of_an_editor_is_left() -> None:
    ours = entry(documentId="twin", title=post().title, body=compose(post(), {}, (), TIMES))
    edited = {**ours, "documentId": "edited"}
    client = Answering(
        (200, found(entry(), ours, {**edited, "summary": "编辑的摘要"})), (200, found(entry())), (200, found(ours)),
        (200, found(edited)), (204, None))
    swept = asyncio.run(adapter(client).sweep(post().key, RemoteRef(ID)))
    assert [ref.id for ref in swept] == ["twin"]
    assert client.asked[-1][:2] == ("DELETE", "/api/policies/twin")
    assert client.answers == []


@pytest.mark.parametrize(("made", "swept"), [
    ("2026-11-26T21:30:00.000Z", True), ("2026-11-26T21:20:00.000Z", True), ("2026-11-26T21:38:28.627Z", False),
    ("2026-11-25T21:28:28.626Z", False),
])
def test_an_editors_copy_is_left_since_it_was_made_at_another_time(made: str, swept: bool) -> None:
    """"Duplicate" in the panel copies key and text, seal whole. Versions that were published later tell nothing."""
    twin = entry(documentId="twin", title=post().title, body=compose(post(), {}, (), TIMES), createdAt=made)
    published = (200, found(entry(createdAt="2026-11-27T08:00:00.000Z")))
    client = Answering((200, found(entry(), twin)), published, (200, found(twin)), (204, None))
    asyncio.run(adapter(client).sweep(post().key, RemoteRef(ID)))
    assert (client.asked[-1][0] == "DELETE") is swept


def test_nothing_is_swept_where_the_kept_one_is_not_found() -> None:
    twin = found(entry(documentId="twin", title=post().title, body=compose(post(), {}, (), TIMES)))
    assert asyncio.run(adapter(Answering((200, twin), (200, twin))).sweep(post().key, RemoteRef(ID))) == ()


def test_it_can_not_unpublish_and_says_so() -> None:
    can = adapter(Answering()).capabilities
    assert (can.unpublish, can.notice, can.delete, can.guarantee) == (False, True, True, "C")
    with pytest.raises(ValidationError):
        Options.model_validate(OPTIONS | {"withdraw": "unpublish"})


def test_check_sends_nothing_that_could_become_an_entry() -> None:
    missing = refused(400, "ValidationError", 'Missing "data" payload in the request body')
    client = Answering((200, found()), (400, missing), (400, missing), (204, None), (200, []),
                       (400, refused(400, "ValidationError", "Files are empty")))
    report = asyncio.run(adapter(client).check())
    assert report.ok
    assert [sent for method, _, _, sent in client.asked if method in ("POST", "PUT")] == [{}, {}, {}]


def test_check_tells_a_token_that_may_only_read() -> None:
    no = (403, refused(403, "ForbiddenError", "Forbidden"))
    report = asyncio.run(adapter(Answering((200, found()), no, no, no, no, no)).check())
    assert not report.ok
    assert {each.name for each in report.items if not each.ok} == {"create", "update", "files"}
    assert report.capabilities.delete is False


def test_check_names_a_field_that_is_not_there() -> None:
    report = asyncio.run(adapter(Answering((400, refused(400, "ValidationError", "Invalid key sumary")))).check())
    assert "sumary" in json.dumps([each.detail for each in report.items])
    assert not report.ok
